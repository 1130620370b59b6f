"""One true model of the API, described as different generators would, and answers in the style that was described.

A style is a choice for each option. A new style is one more value of an option.
"""

import itertools
import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple, get_args, get_type_hints
from urllib.parse import parse_qsl, urlencode

from hubmis_frames.openapi import as_openapi
from hubmis_frames.operations.declaration import CATALOGUE, Endpoint, camel
from hubmis_frames.request import Paging
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse

Json = dict[str, Any]


@dataclass(frozen=True)
class Style:
    """How a description file is written, and how its server answers."""

    version: Literal["3.0.3", "3.1.0"] = "3.1.0"
    envelope: Literal[
        "bare", "laravel", "laravel resource", "success", "jsonapi", "hydra", "results", "items", "spring", "nested"
    ] = "bare"
    paging: Literal[
        "page[number]", "page", "page alone", "page object", "undeclared", "pageNumber", "page[number] alone",
        "itemsPerPage", "deep object", "offset", "offset alone", "page[offset]", "skip", "cursor token",
        "cursor address", "page[after] token", "next link", "next link, strict",
    ] = "page[number]"  # fmt: skip
    naming: Literal["inline", "components", "inheritance", "bundled", "wrapped"] = "inline"
    nullable: Literal["default", "anyOf", "never"] = "default"
    media: Literal["application/json", "ld+json first", "*/*", "text/json", "problem too"] = "application/json"
    status: Literal["200", "2XX", "2xx", "default", "int"] = "200"
    vague: Literal["exact", "items", "properties", "open", "words", "text dates", "number ids"] = "exact"
    ids: Literal["integer", "string", "quoted", "either"] = "integer"
    twins: Literal["none", "flat", "camel", "flat first", "id or object"] = "none"


def styles(number: int, seed: int) -> Iterator[Style]:
    """Every value of every option alone, then as many mixtures."""
    options = {field.name: get_args(get_type_hints(Style)[field.name]) for field in fields(Style)}
    yield Style()
    for name, values in options.items():
        for value in values[1:]:
            yield Style(**{name: value})
    chance = random.Random(seed)
    for _ in itertools.repeat(None, number):
        yield Style(**{name: chance.choice(values) for name, values in options.items()})


_PAGINGS = {
    "page": Paging("page", "per_page"),
    "page alone": Paging("page", ""),
    "page[number] alone": Paging("page[number]", ""),
    "pageNumber": Paging("pageNumber", "pageSize"),
    "itemsPerPage": Paging("page", "itemsPerPage"),
    "deep object": Paging("page[number]", "page[size]"),
    "offset": Paging("offset", "limit", style="offset"),
    "offset alone": Paging("offset", "", style="offset"),
    "page[offset]": Paging("page[offset]", "page[limit]", style="offset"),
    "skip": Paging("skip", "take", style="offset"),
    "cursor token": Paging("cursor", "per_page", style="cursor"),
    "cursor address": Paging("cursor", "per_page", style="cursor"),
    "page[after] token": Paging("page[after]", "page[size]", style="cursor"),
    "size alone": Paging("beyond", "limit", style="cursor"),
    "next link": Paging("beyond", "", style="cursor"),
    "next link, strict": Paging("beyond", "", style="cursor"),
}
NEEDS_NEXT = frozenset(name for name, paging in _PAGINGS.items() if paging.style == "cursor" and name != "size alone")


def paging_of(style: Style) -> Paging:
    """The names under which the server takes pages."""
    return _PAGINGS.get(style.paging, Paging())


def served(tables: Iterable[str]) -> list[Endpoint]:
    """What the simulated school serves: our operations, with whole bare lists. :func:`enveloped` cuts them in pages."""
    return [replace(CATALOGUE[table], wrapper=None, paging=None) for table in tables]


def described(style: Style, tables: Iterable[str]) -> Json:
    """The file that describes the server."""
    content = as_openapi(CATALOGUE[table] for table in tables)
    content["openapi"] = style.version
    schemas = content["components"]["schemas"] = {}
    for path, item in content["paths"].items():
        endpoint = CATALOGUE[item["get"]["operationId"]]
        _restyle(style, path, item["get"], endpoint, schemas)
    return content


def _restyle(style: Style, path: str, operation: Json, endpoint: Endpoint, schemas: Json) -> None:
    schema = operation["responses"].pop("200")["content"]["application/json"]["schema"]
    if endpoint.wrapper:
        schema = schema["properties"][endpoint.wrapper]
    record = _vague(style, _with_twins(style, schema if endpoint.single else schema["items"]))
    record = _older(record, style)
    kind = (endpoint.key or endpoint.table).title().replace("_", "")
    record = _named(style, record, kind, path, schemas)
    answer = {"application/json": {"schema": _envelope(style, record, endpoint.single)}}
    if style.naming == "bundled":  # a bundler points at the first place at which a schema stood
        schemas[f"{kind}Bundled"] = {}
    media = {
        "ld+json first": {"application/ld+json": {"schema": {"type": "string"}}, **answer},
        "*/*": {"*/*": answer["application/json"]},
        "text/json": {"text/plain": {"schema": {"type": "string"}}, "text/json": answer["application/json"]},
        "problem too": {"application/problem+json": {"schema": {"type": "object"}}, **answer},
    }
    status: Any = 200 if style.status == "int" else style.status
    operation["responses"][str(status)] = {"description": "ok", "content": media.get(style.media, answer)}
    operation["parameters"] = [*_without_paging(operation["parameters"]), *_paging(style, endpoint)]


def _without_paging(parameters: list[Json]) -> list[Json]:
    return [parameter for parameter in parameters if not str(parameter.get("name")).startswith("page[")]


def _paging(style: Style, endpoint: Endpoint) -> list[Json]:
    if endpoint.paging is None or style.paging in ("undeclared", "next link", "next link, strict"):
        return []
    if style.paging == "page object":
        return [{"name": "page", "in": "query", "style": "deepObject", "schema": {"type": "object"}}]
    if style.paging == "deep object":
        whole = {"type": "integer"}
        page = {"type": "object", "properties": {"number": whole, "size": whole}}
        return [{"name": "page", "in": "query", "style": "deepObject", "schema": page}]
    paging = paging_of(style)
    names = [name for name in (paging.number, paging.size) if name and (name, style.paging) != ("beyond", "size alone")]
    return [{"name": name, "in": "query", "schema": {"type": ["integer", "string"]}} for name in names]


def _vague(style: Style, record: Json) -> Json:
    """A schema that says less than the truth, and nothing that is false."""
    if style.vague == "items":
        return {"type": "object"}
    if style.vague == "properties":
        return {"type": "object", "properties": []}
    if style.vague == "open":
        return {"type": "object", "additionalProperties": True}
    if style.vague == "words":
        return {"allOf": [{"description": "A record."}, {"title": "Record"}]}
    if style.vague in ("text dates", "number ids"):
        return _weaker(record, style.vague)
    return record


def _with_twins(style: Style, schema: Json) -> Json:
    """The schema with ids of the style's type, and with the id of each object a second time, beside the object."""
    schema = dict(schema)
    if "items" in schema:
        schema["items"] = _with_twins(style, schema["items"])
    if "properties" not in schema:
        return schema
    properties = {name: _with_twins(style, value) for name, value in schema["properties"].items()}
    for name, value in properties.items():
        if name == "id":
            kinds = {"integer": ["integer"], "either": ["integer", "string"]}.get(style.ids, ["string"])
            properties[name] = {**value, "type": [*kinds, "null"]} if style.ids != "either" else {"oneOf": [
                {"type": kind} for kind in kinds]}  # fmt: skip
    whole = {"type": ["integer", "null"]}
    twins = {_twin(style, name): whole for name, value in properties.items() if "id" in value.get("properties", {})}
    twins = {name: twin for name, twin in twins.items() if name and name not in properties}
    if style.twins == "id or object":
        properties = {
            name: {"oneOf": [{"type": "integer"}, value]} if "id" in value.get("properties", {}) else value
            for name, value in properties.items()
        }
    schema["properties"] = {**twins, **properties} if style.twins == "flat first" else {**properties, **twins}
    return schema


def _twin(style: Style, name: str) -> str:
    if style.twins in ("none", "id or object"):
        return ""
    return camel(f"{name}_id") if style.twins == "camel" else f"{name}_id"


def _respelled(style: Style, value: Any) -> Any:
    """Records as :func:`_with_twins` describes them; an object may lack the id that stands beside it."""
    if isinstance(value, list):
        return [_respelled(style, inner) for inner in value]
    if not isinstance(value, dict):
        return value
    value = {name: _respelled(style, inner) for name, inner in value.items()}
    for name, inner in list(value.items()):
        twin = _twin(style, name)
        if isinstance(inner, dict) and twin and inner.get("id") is not None and twin not in value:
            value[twin] = int(inner["id"])
            if value[twin] % 2:
                del inner["id"]
        if style.twins == "id or object" and isinstance(inner, dict) and not any(
            inner[other] for other in inner if other != "id"
        ):  # fmt: skip
            value[name] = int(inner["id"]) if inner.get("id") is not None else None
    if style.ids == "quoted" and style.vague == "exact" and value.get("id") is not None:
        value["id"] = str(value["id"])
    return value


def _weaker(schema: Json, kind: str, name: str = "") -> Json:
    schema = {key: value for key, value in schema.items() if kind != "text dates" or key != "format"}
    if "properties" in schema:
        schema["properties"] = {key: _weaker(value, kind, key) for key, value in schema["properties"].items()}
    if "items" in schema:
        schema["items"] = _weaker(schema["items"], kind)
    if kind == "number ids" and name == "id":
        schema["type"] = ["number", "null"]
    return schema


def _older(schema: Json, style: Style) -> Json:
    """The same with nulls as the version and the generator write them."""
    schema = dict(schema)
    for key in ("properties",):
        if isinstance(schema.get(key), dict):
            schema[key] = {name: _older(value, style) for name, value in schema[key].items()}
    if isinstance(schema.get("items"), dict):
        schema["items"] = _older(schema["items"], style)
    kinds = schema.get("type")
    if not isinstance(kinds, list):
        return schema
    (kind,) = [kind for kind in kinds if kind != "null"]
    if style.nullable == "never":
        return {**schema, "type": kind}
    if style.nullable == "anyOf":
        if style.version == "3.0.3":
            return {"anyOf": [{**schema, "type": kind}], "nullable": True}
        return {"anyOf": [{**schema, "type": kind}, {"type": "null"}]}
    return {**schema, "type": kind, "nullable": True} if style.version == "3.0.3" else schema


def _named(style: Style, record: Json, kind: str, path: str, schemas: Json) -> Json:
    name = kind if kind not in schemas else f"{kind}{len(schemas)}"
    reference = {"$ref": f"#/components/schemas/{name}"}
    if style.naming == "inline":
        return record
    properties = record.get("properties")
    if style.naming == "inheritance" and isinstance(properties, dict):
        base = {key: value for key, value in properties.items() if key == "id"}
        own = {key: value for key, value in properties.items() if key != "id"}
        schemas[f"{name}Base"] = {"type": "object", "properties": base}
        schemas[name] = {"allOf": [{"$ref": f"#/components/schemas/{name}Base"}, {"type": "object", "properties": own}]}
        return reference
    schemas[name] = record
    if style.naming == "wrapped":
        return {"allOf": [reference], "description": "One of them."}
    if style.naming == "bundled":
        schemas[f"{name}Holder"] = {"type": "object", "properties": {"a/b": record}}
        return {"$ref": f"#/components/schemas/{name}Holder/properties/a~1b"}
    return reference


# --- answers: the envelope is written once, and its schema is made from an example

CAP = 25
"""The largest page that the server gives."""
_ELSEWHERE = "https://internal.example:8443/behind/a/proxy"


class Facts(NamedTuple):
    total: int
    pages: int
    number: int
    next: str | None


def _envelope(style: Style, record: Json, single: bool) -> Json:
    """The schema of an answer; :func:`enveloped` makes one."""
    example = answer_of(style, _RECORD if single else [_RECORD], single, Facts(1, 1, 1, "?"))
    schema: Json = _schema_of(example, record)
    return schema


_RECORD = {"id": None, "record": True}


def _schema_of(value: Any, record: Json) -> Json:
    if isinstance(value, dict) and "record" in value:
        return record
    if isinstance(value, dict):
        return {"type": "object", "properties": {name: _schema_of(inner, record) for name, inner in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": _schema_of(value[0], record) if value else {"type": "object"}}
    kinds = {bool: "boolean", int: "integer", str: "string"}
    return {"type": kinds[type(value)]} if value is not None else {}


def answer_of(style: Style, content: Any, single: bool, facts: Facts) -> Any:
    """The answer that holds some content, and says what is true of its list."""
    links = [{"url": facts.next or "", "label": str(facts.number), "active": True}]
    if style.envelope == "laravel" and not single:
        page = {"current_page": facts.number, "data": content, "last_page": facts.pages, "links": links}
        return {**page, "next_page_url": facts.next, "per_page": CAP, "total": facts.total}
    if style.envelope in ("laravel", "laravel resource"):
        meta = {"total": facts.total, "last_page": facts.pages, "links": links}
        return {"data": content} if single else {"data": content, "links": {"next": facts.next}, "meta": meta}
    if style.envelope == "success":
        answer = {"success": True, "message": "", "data": content}
        return answer if single or style.paging not in NEEDS_NEXT else {**answer, "nextPageToken": facts.next}
    if style.envelope == "nested":
        inner = {"items": content, "total": facts.total, "paging": {"cursors": {"after": facts.next}}}
        return {"data": content} if single else {"status": "ok", "data": inner}
    if style.envelope == "hydra" and not single:
        view = {"@id": "/x", "hydra:next": facts.next} if facts.next else {"@id": "/x"}
        return {"hydra:member": content, "hydra:totalItems": facts.total, "@id": "/x", "hydra:view": view}
    if style.envelope in ("results", "items") and not single:
        return {style.envelope: content, "count": facts.total, "next": facts.next}
    if style.envelope == "spring" and not single:
        last = facts.next is None
        page = {"totalElements": facts.total, "totalPages": facts.pages, "pageable": {"offset": 0}, "last": last}
        return {"content": content, **page, **({"nextCursor": facts.next} if style.paging in NEEDS_NEXT else {})}
    if style.envelope == "jsonapi":
        records = [
            {"type": "x", "id": row.get("id"), "attributes": row if "record" in row else _without_id(row)}
            for row in ([content] if single else content)
        ]
        meta = {"total": facts.total} if single else {"total": facts.total, "page": {"endCursor": facts.next}}
        return {"data": records[0] if single else records, "included": links, "meta": meta}
    if style.paging in NEEDS_NEXT and not single:  # a bare list cannot say where the next page is
        return {"results": content, "next": facts.next}
    return content


def _without_id(row: Json) -> Json:
    return {name: value for name, value in row.items() if name != "id"}


def enveloped(
    style: Style, single_tables: frozenset[str], asked: SimulatedRequest, answer: SimulatedResponse
) -> SimulatedResponse:
    """A hook: of the simulated school's whole list the page that was asked for, in the envelope of the style."""
    if answer.status != 200 or asked.table is None:
        return answer
    content = _respelled(style, json.loads(answer.body))
    single = asked.table in single_tables
    facts = Facts(1 if single else len(content), 1, 1, None)
    if not single and CATALOGUE[asked.table].paging is not None:
        query = dict(parse_qsl(asked.query))
        if style.paging == "next link, strict" and any(name.startswith("page") for name in query):
            return replace(answer, status=400, body=b'{"message": "There is no such parameter."}')
        content, facts = page_of(style, content, query)
    return replace(answer, body=json.dumps(answer_of(style, content, single, facts)).encode())


def page_of(style: Style, rows: list[Any], query: Mapping[str, str], cap: int = CAP) -> tuple[list[Any], Facts]:
    """The page that a query asks for, and what the server says of the list."""
    paging = paging_of(style)
    size = max(1, min(int(query.get(paging.size, cap)), cap))
    moves_on = query.get(paging.number, "")
    if paging.style == "number":
        number = max(int(moves_on or 1), 1)
        start = (number - 1) * size
    else:
        start = int(moves_on.removeprefix("c") or 0)
        number = start // size + 1
    page, end = rows[start : start + size], start + size
    following = None
    if end < len(rows):
        moved = {"number": str(number + 1), "offset": str(end)}.get(paging.style, f"c{end}")
        address = f"{_ELSEWHERE}?{urlencode({paging.number: moved, **({paging.size: size} if paging.size else {})})}"
        following = moved if "token" in style.paging else address
    return page, Facts(len(rows), max(math.ceil(len(rows) / size), 1), number, following)
