"""One true model of the API, described as different generators would, and answers in the style that was described.

A style is a choice for each option. A new style is one more value of an option.
"""

import itertools
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_type_hints

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
    paging: Literal["page[number]", "page", "page alone", "page object", "undeclared", "pageNumber"] = "page[number]"
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


def paging_of(style: Style) -> Paging:
    """The names under which the server takes pages."""
    if style.paging == "page":
        return Paging("page", "per_page")
    if style.paging == "page alone":
        return Paging("page", "")
    if style.paging == "pageNumber":
        return Paging("pageNumber", "pageSize")
    return Paging()


def served(style: Style, tables: Iterable[str]) -> list[Endpoint]:
    """What the server serves: our operations, with bare lists, paged in the style."""
    paging = paging_of(style)
    return [
        replace(CATALOGUE[table], wrapper=None, paging=paging if CATALOGUE[table].paging else None) for table in tables
    ]


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
    if endpoint.paging is None or style.paging == "undeclared":
        return []
    if style.paging == "page object":
        return [{"name": "page", "in": "query", "style": "deepObject", "schema": {"type": "object"}}]
    paging = paging_of(style)
    names = [name for name in (paging.number, paging.size) if name]
    return [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in names]


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


_WHOLE = {"type": "integer"}
_TEXT = {"type": "string"}
_MANY = {"type": "array", "items": {"type": "object", "properties": {"url": _TEXT, "label": _TEXT, "active": _TEXT}}}
_META = {"type": "object", "properties": {"total": _WHOLE, "last_page": _WHOLE, "links": _MANY}}


def _envelope(style: Style, record: Json, single: bool) -> Json:
    """The schema of an answer; :func:`enveloped` makes one."""
    content = record if single else {"type": "array", "items": record}

    def of(**properties: Any) -> Json:
        return {"type": "object", "properties": properties}

    if style.envelope == "laravel" and not single:
        return of(current_page=_WHOLE, data=content, links=_MANY, next_page_url=_TEXT, per_page=_WHOLE, total=_WHOLE)
    if style.envelope in ("laravel", "laravel resource"):
        return of(data=content) if single else of(data=content, links=of(next=_TEXT), meta=_META)
    if style.envelope == "success":
        return of(success={"type": "boolean"}, message=_TEXT, data=content)
    if style.envelope == "nested":
        return of(data=content) if single else of(status=_TEXT, data=of(items=content, total=_WHOLE))
    if style.envelope == "hydra" and not single:
        return {"type": "object", "properties": {"hydra:member": content, "hydra:totalItems": _WHOLE, "@id": _TEXT}}
    if style.envelope in ("results", "items") and not single:
        return of(**{style.envelope: content, "count": _WHOLE, "next": _TEXT})
    if style.envelope == "spring" and not single:
        return of(content=content, totalElements=_WHOLE, totalPages=_WHOLE, pageable=of(offset=_WHOLE), last=_TEXT)
    if style.envelope == "jsonapi":
        item = of(id={}, type=_TEXT, attributes=record)
        return of(data=item if single else {"type": "array", "items": item}, included=_MANY, meta=_META)
    return content


def enveloped(
    style: Style, single_tables: frozenset[str], asked: SimulatedRequest, answer: SimulatedResponse
) -> SimulatedResponse:
    """A hook: the simulated school's bare answer in the envelope of the style."""
    if answer.status != 200 or asked.table is None:
        return answer
    rows = _respelled(style, json.loads(answer.body))
    single = asked.table in single_tables
    return replace(answer, body=json.dumps(_answer(style, rows, single)).encode())


def _answer(style: Style, content: Any, single: bool) -> Any:
    total = 1 if single else len(content)
    links = [{"url": None, "label": "1", "active": True}]
    if style.envelope == "laravel" and not single:
        return {
            "current_page": 1,
            "data": content,
            "links": links,
            "next_page_url": None,
            "per_page": 9,
            "total": total,
        }
    if style.envelope in ("laravel", "laravel resource"):
        meta = {"total": total, "last_page": 1, "links": links}
        return {"data": content} if single else {"data": content, "links": {"next": None}, "meta": meta}
    if style.envelope == "success":
        return {"success": True, "message": "", "data": content}
    if style.envelope == "nested":
        return {"data": content} if single else {"status": "ok", "data": {"items": content, "total": total}}
    if style.envelope == "hydra" and not single:
        return {"hydra:member": content, "hydra:totalItems": total, "@id": "/x"}
    if style.envelope in ("results", "items") and not single:
        return {style.envelope: content, "count": total, "next": None}
    if style.envelope == "spring" and not single:
        return {"content": content, "totalElements": total, "totalPages": 1, "pageable": {"offset": 0}, "last": True}
    if style.envelope == "jsonapi":
        records = [
            {"type": "x", "id": row.get("id"), "attributes": {key: row[key] for key in row if key != "id"}}
            for row in ([content] if single else content)
        ]
        return {"data": records[0] if single else records, "included": [], "meta": {"total": total}}
    return content
