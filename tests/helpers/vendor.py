"""An OpenAPI 3.0 file as another author would write it: other paths, names, styles and schemas."""

import re
from typing import Any

from hubmis_frames.openapi import as_openapi
from hubmis_frames.operations.declaration import CATALOGUE, Endpoint, Parameter, camel

BASE = "/hub/v2"
LOST = {
    "student_wellbeing_plans",
    "student_wellbeing_events",
    "pastoral_events",
    "pastoral_events_deprecated",
    "pastoral_events_summary",
}


def vendor_file() -> dict[str, Any]:
    ours = as_openapi(CATALOGUE.values())
    schemas: dict[str, Any] = {
        "Named": {
            "type": "object",
            "properties": {"id": {"type": "integer", "format": "int64"}, "name": {"type": "string"}},
        },
        "Stamp": {"type": "object", "properties": {"stamped_at": {"type": "string", "format": "date-time"}}},
    }
    paths: dict[str, Any] = {}
    for number, endpoint in enumerate(CATALOGUE.values()):
        operation = next(item["get"] for item in ours["paths"].values() if item["get"]["operationId"] == endpoint.table)
        path, operation = _operation(endpoint, operation, schemas, number)
        paths[path] = {"get": operation}
    paths["/canteen/{canteenId}/menus"] = {
        "get": {
            "summary": "Canteen: Get menus",
            "tags": ["Canteen"],
            "parameters": [
                {"$ref": "#/components/parameters/realm"},
                {"name": "canteenId", "in": "path", "required": True, "schema": {"type": "integer"}},
                {"name": "filter[servedOn]", "in": "query", "schema": {"type": "string", "format": "date"}},
            ],
            "responses": {
                "200": {
                    "description": "menus",
                    "content": {
                        "application/json": {
                            "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Named"}}
                        }
                    },
                }
            },
        }
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": "HUBmis", "version": "1.2.0"},
        "servers": [{"url": "https://{host}" + BASE, "variables": {"host": {"default": "api.hubmis.com"}}}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": {"realm": {"name": "realm", "in": "header", "required": True, "schema": {"type": "string"}}},
        },
    }


def path_of(endpoint: Endpoint) -> str:
    """The path in the vendor's file, with the vendor's names of its parameters."""
    path = endpoint.path.removeprefix("/api/v1").replace("-", "_")
    return path.format(**{p.name: f"{{{path_name(p)}}}" for p in endpoint.path_ids}) + "/all"


def path_name(parameter: Parameter) -> str:
    return camel(parameter.name) if parameter.wire == "id" else parameter.wire


def _operation(endpoint: Endpoint, ours: Any, schemas: dict[str, Any], number: int) -> tuple[str, Any]:
    content = ours["responses"]["200"]["content"]["application/json"]["schema"]
    record = content
    if not endpoint.single:
        record = (content["properties"][endpoint.wrapper] if endpoint.wrapper else content)["items"]
    name = "".join(word.title() for word in endpoint.table.split("_"))
    schemas[name] = {
        "allOf": [_older(record), {"$ref": "#/components/schemas/Stamp"}],
        "properties": {
            "vendor_note": {"type": "string", "nullable": True},
            "vendor_home": {"nullable": True, "oneOf": [{"$ref": "#/components/schemas/Named"}]},
            "vendor_parts": {"type": "array", "items": {"$ref": "#/components/schemas/Named"}},
            "vendor_marks": {"type": "array", "items": {"type": "integer"}},
            "vendor_counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    }
    answer: Any = {"$ref": f"#/components/schemas/{name}"}
    if not endpoint.single:
        answer = {"type": "array", "items": answer}
        if endpoint.wrapper or number % 7 == 0:
            answer = {"type": "object", "properties": {endpoint.wrapper or "data": answer, "meta": {"type": "object"}}}
    parameters = [{"$ref": "#/components/parameters/realm"}, *_parameters(endpoint)]
    return path_of(endpoint), {
        "summary": endpoint.title + (" Deprecated" if endpoint.deprecated and number % 2 else ""),
        "deprecated": endpoint.deprecated and number % 2 == 0,
        "tags": [endpoint.section, *endpoint.also],
        "parameters": parameters,
        "responses": {"200": {"description": "ok", "content": {"application/json; charset=utf-8": {"schema": answer}}}},
    }


def _parameters(endpoint: Endpoint) -> list[Any]:
    parameters = []
    filters: dict[str, Any] = {}
    for parameter in endpoint.parameters:
        schema: dict[str, Any] = {"type": {int: "integer", bool: "boolean"}.get(parameter.kind, "string")}
        if parameter.kind not in (int, bool, str):
            schema["format"] = parameter.kind.__name__.replace("datetime", "date-time")
        if parameter.choices and parameter.kind is str:
            schema["enum"] = list(parameter.choices)
        inside = re.findall(r"\[(\w+)]", parameter.wire)
        if parameter.place == "query" and inside and not parameter.required:
            if inside[0] == "dateTime" and endpoint.table in LOST:
                inside[0] = "occurredAt"
            node = filters
            for part in inside[:-1]:
                node = node.setdefault(part, {"type": "object", "properties": {}})["properties"]
            node[inside[-1]] = schema
        else:
            name = path_name(parameter) if parameter.place == "path" else parameter.wire
            parameters.append({"name": name, "in": parameter.place, "required": parameter.required, "schema": schema})
    if filters:
        parameters.append(_deep("filter", {"type": "object", "properties": filters}))
    if endpoint.paging:
        size = {"number": {"type": "integer", "minimum": 1}, "size": {"type": "integer", "maximum": 20}}
        parameters.append(_deep("page", {"type": "object", "properties": size}))
    if endpoint.sorts is not None:
        order = {"type": "string", "enum": ["asc", "desc"]}
        fields = [camel(field) for field in endpoint.sorts] or ["id", "name"]
        parameters.append(
            _deep("sort", {"oneOf": [{"type": "object", "properties": {field: order}} for field in fields]})
        )
    return parameters


def _deep(name: str, schema: Any) -> Any:
    return {"name": name, "in": "query", "style": "deepObject", "explode": True, "schema": schema}


def _older(schema: Any) -> Any:
    """The same in OpenAPI 3.0, which says nullable instead of a type null."""
    if "properties" in schema:
        return {
            "type": "object",
            "nullable": True,
            "properties": {k: _older(v) for k, v in schema["properties"].items()},
        }
    kind = next(each for each in schema["type"] if each != "null")
    if kind == "array":
        return {"type": "array", "nullable": True, "items": _older(schema["items"])}
    return {**schema, "type": kind, "nullable": True}
