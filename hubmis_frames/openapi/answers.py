"""What a response looks like: a bare list, one record, or an envelope around either, and its facts about pages."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from ..operations.response import PAGE_OBJECTS, WORD_OF, plain
from .convert import kinds_of
from .document import Document, Json, mapping, sequence

# Names, without case and punctuation, under which an envelope holds its records, the likeliest first.
_CONTENTS = ("data", "results", "result", "items", "records", "rows", "entries", "content", "value", "values", "member")
_OTHER_CONTENTS = ("hydramember", "embedded", "list", "payload", "response", "objects")
_CERTAIN = ("data", "results", "records", "hydramember", "embedded")
# Fields beside the records that are no records: where the list ends, and whether the request succeeded.
_BESIDE = re.compile(
    r"hydra\w+|meta(data)?|links?|pagination|paging|pageable|pageinfo|cursors?|(current|next|prev|previous|first|last|"
    r"total|per)?pages?(url|number|size|count)?|(total|number|item|items|row|record|result|results|of)*(count|total|"
    r"elements|items|results|records|rows)|totalnumberofelements|(first|last|next|prev|previous|self|path|from|to|empty)"
    r"(url|link|token|cursor)?|size|limit|offset|skip|take|number|numberofelements|totalelements|totalpages|perpage|"
    r"hasmore|hasnext|hasnextpage|hasprevious|sort|success|ok|status|statuscode|code|messages?|errors?|warnings?|"
    r"included|jsonapi|version|timestamp|requestid|context|id|type|nextcursor"
)
_DEEPEST = 4
_BESIDE_DEEPEST = 2


@dataclass(frozen=True)
class AnswerShape:
    """How a response holds its records."""

    record: Any
    """The schema of one record."""
    single: bool
    wrapper: str | None = None
    """The path to the records in the envelope, its names joined by ``/``; ``None`` if there is no envelope."""
    attributes: bool = False
    """Whether records are JSON:API's, with their fields in ``attributes``."""
    next_at: str = ""
    """The path in the envelope at which it says where the next page is; empty if it does not."""


def answer_shape(document: Document, schema: Any, ours: Container[str], wrapper: str | None, where: str) -> AnswerShape:
    """Find the records in the schema of a response.

    Parameters
    ----------
    ours
        The names of the fields that our record declares, none of which is an envelope's.
    wrapper
        The field that holds the list in our own declaration.
    """
    path: list[str] = []
    next_at = ""
    for _ in range(_DEEPEST):
        if (items := _items(document, schema, where)) is not None:
            return _unpacked(document, items, False, "/".join(path) or None, next_at, where)
        properties = properties_of(document, schema, where)
        inner = _contents(document, properties, ours, wrapper, where)
        if inner is None:
            break
        prefix = "/".join(path)
        beside = {name: node for name, node in properties.items() if name != inner}
        next_at = next_at or next(_next_pages(document, beside, prefix, where), "")
        path.append(inner)
        schema = properties[inner]
    single = not path or _items(document, schema, where) is None
    return _unpacked(document, schema, single, "/".join(path) or None, next_at, where)


def properties_of(document: Document, node: Any, where: str, depth: int = 0) -> dict[str, Any]:
    """The properties of an object, those of the schemas that it is put together from among them."""
    schema, _ = document.schema(node, where)
    result = {name: value for name, value in mapping(schema.get("properties")).items() if isinstance(name, str)}
    if depth < _DEEPEST:
        for key in ("allOf", "oneOf", "anyOf"):
            for part in sequence(schema.get(key)):
                for name, value in properties_of(document, part, where, depth + 1).items():
                    if name in result and key == "allOf":  # Laravel writes data: array, then which array
                        value = {"allOf": [result[name], value]}
                        result[name] = value
                    else:
                        result.setdefault(name, value)
    return result


def _items(document: Document, node: Any, where: str, depth: int = 0) -> Any:
    """The schema of the items if a schema is a list, or offers one; ``None`` if it does not."""
    schema, _ = document.schema(node, where)
    if depth > _DEEPEST:
        return None
    if "items" in schema or schema.get("type") == "array" or schema.get("type") == ["array", "null"]:
        return schema.get("items", {})
    for key in ("oneOf", "anyOf", "allOf"):
        found = [_items(document, part, where, depth + 1) for part in sequence(schema.get(key))]
        found = [items for items in found if items is not None]
        if found:
            return found[0] if len(found) == 1 else {("allOf" if key == "allOf" else "anyOf"): found}
    return None


def _contents(
    document: Document, properties: dict[str, Any], ours: Container[str], wrapper: str | None, where: str
) -> str | None:
    """The field of an envelope that holds the records; ``None`` if the object is a record itself."""
    if wrapper in properties:
        return wrapper
    if "id" in properties:
        return None
    plainly = {name: plain(name) for name in properties}
    listed = [name for name in properties if _items(document, properties[name], where) is not None]
    rest = {name for name in properties if not _BESIDE.fullmatch(plainly[name])}
    for wanted in (*_CONTENTS, *_OTHER_CONTENTS):
        for name in properties:
            if plainly[name] != wanted or name in ours:
                continue
            others = rest - {name}
            whole = name in listed or bool(properties_of(document, properties[name], where))
            whole = whole or (wanted in _CERTAIN and _may_be_object(document, properties[name], where))
            if whole and (not others or (wanted in _CERTAIN and len(others) <= 1)):
                return name
    candidates = [name for name in listed if name in rest]
    if len(candidates) == 1 and rest == set(candidates) and candidates[0] not in ours:
        return candidates[0]
    return None


def _may_be_object(document: Document, node: Any, where: str) -> bool:
    """Whether a schema leaves open what it is, or says no more than that it is an object."""
    schema, _ = document.schema(node, where)
    return not set(kinds_of(schema)) - {"object"}


def _unpacked(
    document: Document, schema: Any, single: bool, wrapper: str | None, next_at: str, where: str
) -> AnswerShape:
    """The shape of an answer, and of JSON:API's records in it."""
    properties = properties_of(document, schema, where)
    attributes = properties.get("attributes")
    if attributes is None or not set(properties) <= {"id", "type", "attributes", "relationships", "links", "meta"}:
        return AnswerShape(schema, single, wrapper, next_at=next_at)
    fields = properties_of(document, attributes, where)
    record: Json = {"type": "object", "properties": {"id": properties.get("id", {}), **fields}}
    return AnswerShape(record, single, wrapper, attributes=True, next_at=next_at)


def _next_pages(
    document: Document, properties: dict[str, Any], prefix: str, where: str, depth: int = 0
) -> Iterator[str]:
    """The places in an envelope that say where the next page is."""
    for name, node in properties.items():
        place = f"{prefix}/{name}".lstrip("/")
        if WORD_OF.get(plain(name)) == "next" and (plain(name) != "after" or depth):
            yield place
        if depth < _BESIDE_DEEPEST and plain(name) in PAGE_OBJECTS:
            yield from _next_pages(document, properties_of(document, node, where), place, where, depth + 1)
