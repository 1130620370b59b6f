"""Declarations as an OpenAPI 3.1 document: our own, with what is inferred marked, or those that a probe confirmed."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from .. import __about__
from ..operations.declaration import Endpoint, Parameter, camel
from .convert import schema_of

INFERRED = "x-inferred"
_OAUTH = "OAuth"
_ERRORS = {
    "400": "The request is malformed, or the realm is missing.",
    "401": "The token is missing or no longer good.",
    "403": "The client may not read this, or not in this realm.",
    "404": "There is no such record.",
    "405": "There is nothing but GET.",
    "422": "A parameter has a value that is not allowed.",
    "429": "The rate limit is reached.",
}


def as_openapi(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Write declarations as an OpenAPI 3.1 document.

    ``x-inferred`` names, operation by operation, what the published document does not say: the path,
    and the fields of every list.
    """
    operations = [(endpoint, {**_operation(endpoint, _answer(endpoint)), INFERRED: _inferred(endpoint)})
                  for endpoint in endpoints]  # fmt: skip
    return _document(
        operations,
        "HUBmis, as hubmis_frames declares it",
        "Titles and parameters are those of the HUBmis API document 1.2.0. What x-inferred names is inferred, and "
        "proves nothing about HUBmis.",
    )


def as_draft(answers: Mapping[Endpoint, Mapping[str, Any]], description: str) -> dict[str, Any]:
    """Write operations that answered as an OpenAPI 3.1 document, with the schema of each response."""
    operations = [(endpoint, _operation(endpoint, schema)) for endpoint, schema in answers.items()]
    return _document(operations, "HUBmis, as it answered", description)


def _document(operations: Iterable[tuple[Endpoint, Any]], title: str, description: str) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    scopes: dict[str, str] = {}
    for endpoint, operation in operations:
        paths[_path(endpoint)] = {"get": operation}
        scopes |= dict.fromkeys((scope for way in endpoint.scopes for scope in way), "")
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __about__.__version__, "description": description},
        "servers": [{"url": "https://api.hubmis.com"}],
        "security": [{_OAUTH: []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                _OAUTH: {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": "/api/v1/token", "scopes": scopes}},
                }
            },
            "parameters": {
                "Realm": {"name": "Realm", "in": "header", "required": True, "schema": {"type": "string"}},
            },
            "responses": {
                status: {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
                for status, text in _ERRORS.items()
            },
        },
    }


def _path(endpoint: Endpoint) -> str:
    return endpoint.path.format(**{p.name: f"{{{p.wire}}}" for p in endpoint.path_ids})


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    """The schema of a response, as declared."""
    record = schema_of(endpoint.record)
    listed: dict[str, Any] = {"type": "array", "items": record}
    if endpoint.wrapper:
        listed = {"type": "object", "properties": {endpoint.wrapper: listed}}
    return {**record, "type": "object"} if endpoint.single else listed


def _inferred(endpoint: Endpoint) -> list[str]:
    sources = {"path": endpoint.path_source, "fields": endpoint.fields_source}
    return [part for part, source in sources.items() if source == "inferred"]


def _operation(endpoint: Endpoint, answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "operationId": endpoint.table,
        "summary": endpoint.title,
        "description": endpoint.doc,
        "tags": [endpoint.section, *endpoint.also],
        "deprecated": endpoint.deprecated,
        "parameters": [
            {"$ref": "#/components/parameters/Realm"},
            *(_parameter(parameter) for parameter in endpoint.parameters),
            *_paging(endpoint),
            *_sort(endpoint),
        ],
        "responses": {
            "200": {
                "description": f"One row per {endpoint.grain}.",
                "content": {"application/json": {"schema": answer}},
            },
            **{status: {"$ref": f"#/components/responses/{status}"} for status in _ERRORS},
        },
        **({"security": [{_OAUTH: list(way)} for way in endpoint.scopes]} if endpoint.scopes else {}),
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": {int: "integer", bool: "boolean"}.get(parameter.kind, "string")}
    if parameter.kind is int:
        schema["minimum"] = 1
    if parameter.kind in (date, datetime):
        schema["format"] = "date" if parameter.kind is date else "date-time"
    if parameter.choices and parameter.kind is str:
        schema["enum"] = list(parameter.choices)
    return {"name": parameter.wire, "in": parameter.place, "required": parameter.required, "schema": schema}


def _paging(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.paging is None:
        return []
    whole = {"type": "integer"}
    return [{"name": name, "in": "query", "schema": whole} for name in (endpoint.paging.number, endpoint.paging.size)]


def _sort(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.sorts is None:
        return []
    order = {"type": "string", "enum": ["asc", "desc"]}
    schema: dict[str, Any] = {"type": "object", "additionalProperties": order}
    if endpoint.sorts:
        schema = {"type": "object", "properties": {camel(field): order for field in endpoint.sorts}}
    return [{"name": "sort", "in": "query", "style": "deepObject", "explode": True, "schema": schema}]
