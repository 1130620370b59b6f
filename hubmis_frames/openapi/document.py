"""An OpenAPI 3.0 or 3.1 file as a list of GET operations, references resolved. It knows no operation of ours."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import referencing
import referencing.exceptions
import referencing.jsonschema
import yaml

from ..errors import SpecError

LARGEST = 64 * 2**20

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Wire:
    """A parameter by the name under which its value goes over the wire, deep objects taken apart."""

    name: str
    place: str
    schema: Json
    required: bool


@dataclass(frozen=True)
class Operation:
    """A GET operation of the file."""

    path: str
    """The whole path, that of the server before it."""
    title: str
    deprecated: bool
    tags: tuple[str, ...]
    name: str
    """Its ``operationId``, or nothing."""
    parameters: tuple[Wire, ...]
    response: Json | None
    """The schema of its answer."""
    description: str


class Document:
    """A file, and the way to what its references point at."""

    def __init__(self, content: Json, source: str) -> None:
        self.content = content
        self.source = source
        resource = referencing.jsonschema.DRAFT202012.create_resource(content)
        self._resolver = referencing.Registry().with_resource("", resource).resolver("")

    def resolve(self, node: Any) -> tuple[Any, str | None]:
        """Follow references to what they point at, and tell the last name on the way.

        Raises
        ------
        SpecError
            A reference points at nothing, outside the file, or at itself.
        """
        name = None
        for _ in range(50):
            if not isinstance(node, Mapping) or "$ref" not in node:
                return node, name
            target = node["$ref"]
            if not isinstance(target, str) or not target.startswith("#"):
                raise SpecError(
                    f"{self.source} refers to another file ({target!r}). Bundle it into one file first; nothing is "
                    "fetched for it."
                )
            try:
                found = self._resolver.lookup(target).contents
            except referencing.exceptions.Unresolvable:
                raise SpecError(
                    f"{self.source} refers to {target}, which is not in it. Is the file whole? Download it again."
                ) from None
            name = target.rsplit("/", 1)[-1]
            # Beside a reference, OpenAPI 3.1 allows a few words of its own, such as nullable.
            beside = {key: value for key, value in node.items() if key != "$ref"}
            node = {**found, **beside} if beside and isinstance(found, Mapping) else found
        raise SpecError(f"{self.source} holds a reference that leads back to itself.")

    def operations(self) -> Iterator[Operation]:
        """Every GET operation."""
        paths = self.content.get("paths")
        if not isinstance(paths, Mapping):
            raise SpecError(f"{self.source} names no paths, so it is no OpenAPI file that can be used.")
        for path, item in paths.items():
            item, _ = self.resolve(item)
            get = item.get("get") if isinstance(item, Mapping) else None
            if get is None:
                continue
            if not isinstance(get, Mapping):
                raise SpecError(f"{self.source}: GET {path} holds nothing. Is the file whole? Download it again.")
            yield self._operation(str(path), item, get)

    def _operation(self, path: str, item: Json, get: Json) -> Operation:
        title = str(get.get("summary") or item.get("summary") or get.get("operationId") or "")
        bare = re.sub(r"\W*\bdeprecated\W*$", "", title, flags=re.IGNORECASE)
        return Operation(
            path=self._prefix(get, item) + path,
            title=" ".join((bare or title).split()),
            deprecated=bool(get.get("deprecated")) or bare != title,
            tags=tuple(map(str, get.get("tags") or ())),
            name=str(get.get("operationId") or ""),
            parameters=tuple(self._parameters(item, get)),
            response=self._response(path, get),
            description=str(get.get("description") or ""),
        )

    def _prefix(self, *levels: Json) -> str:
        for level in (*levels, self.content):
            for server in level.get("servers") or ():
                url = str(server.get("url", ""))
                for name, variable in (server.get("variables") or {}).items():
                    url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
                # Where the host is, the user says; a file must not send a token elsewhere.
                return urlsplit(url).path.rstrip("/")
        return ""

    def _parameters(self, item: Json, get: Json) -> Iterator[Wire]:
        given: dict[tuple[str, str], Json] = {}
        for node in (*(item.get("parameters") or ()), *(get.get("parameters") or ())):
            parameter, _ = self.resolve(node)
            given[parameter.get("name", ""), parameter.get("in", "")] = parameter
        for (name, place), parameter in given.items():
            schema, _ = self.resolve(parameter.get("schema") or self._content_schema(parameter) or {})
            required = bool(parameter.get("required")) or place == "path"
            yield from self._taken_apart(name, place, schema, required)

    def _taken_apart(self, name: str, place: str, schema: Json, required: bool) -> Iterator[Wire]:
        """``filter`` with the property ``yearGroup`` is ``filter[yearGroup]`` on the wire, at any depth."""
        options = [self.resolve(option)[0] for key in ("oneOf", "anyOf", "allOf") for option in schema.get(key, ())]
        objects = [each for each in (schema, *options) if each.get("properties")]
        if place != "query" or not objects:
            yield Wire(name, place, schema, required and "default" not in schema)
            return
        for each in objects:
            for inner, node in each["properties"].items():
                below, _ = self.resolve(node)
                needed = required and inner in each.get("required", ())
                yield from self._taken_apart(f"{name}[{inner}]", place, below, needed)

    def _response(self, path: str, get: Json) -> Json | None:
        responses = get.get("responses")
        if not isinstance(responses, Mapping):
            raise SpecError(f"{self.source}: GET {path} has no responses. Is the file whole? Download it again.")
        for status in ("200", 200, "2XX", "default"):
            if status in responses:
                response, _ = self.resolve(responses[status])
                return self._content_schema(response)
        return None

    def _content_schema(self, node: Json) -> Json | None:
        content = node.get("content") or {}
        for kind, media in content.items():
            if "json" in str(kind):
                schema: Json | None = (media or {}).get("schema")
                return schema
        return None


def read_document(file: str | os.PathLike[str]) -> Document:
    """Read an OpenAPI file, JSON or YAML.

    Raises
    ------
    SpecError
        It cannot be read, is cut short, or is something else.
    """
    path = Path(file).expanduser()
    try:
        size = path.stat().st_size
        text = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise SpecError(f"The OpenAPI file {path} cannot be read: {error.strerror}. Check HUBMIS_OPENAPI.") from None
    if size > LARGEST:
        raise SpecError(f"{path} is larger than {LARGEST >> 20} MB, so it is no OpenAPI file.")
    try:
        content = orjson.loads(text) if text.lstrip()[:1] == b"{" else yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe one
    except (ValueError, yaml.YAMLError, RecursionError):
        raise SpecError(f"{path} is neither JSON nor YAML that can be read to its end. Download it again.") from None
    version = str(content.get("openapi", "")) if isinstance(content, dict) else ""
    if not version.startswith("3."):
        what = "an older Swagger file" if isinstance(content, dict) and "swagger" in content else "no OpenAPI 3 file"
        raise SpecError(
            f"{path} is {what}. Download the OpenAPI specification from the vendor's document (3.0 or 3.1)."
        )
    return Document(content, path.name)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with the scalars of JSON alone: a date is text, and so are ``no`` and ``on``."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if not tag.endswith(":timestamp") and not (tag.endswith(":bool") and first not in "tTfF")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
