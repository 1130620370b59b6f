"""An OpenAPI 3.0 or 3.1 file as a list of GET operations, with its references followed. It knows no operation of ours.

A flaw costs the part of the file that holds it. It is written down with its place, and the rest is read.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ..errors import SpecError
from ..request import Scopes

Json = Mapping[str, Any]

LONGEST_TITLE = 200
NOT_THERE = "which is not in the file"
_MOST_REFERENCES = 50
_DEEPEST_PARAMETER = 5
_MOST_PARAMETERS = 500
_SCHEMA_PLACES = ("schemas", "definitions", "$defs")
# OpenAPI says that these are described elsewhere; the others are the connection's own business.
_IGNORED_HEADERS = frozenset(
    [
        "accept",
        "authorization",
        "content-type",
        "accept-encoding",
        "connection",
        "content-length",
        "cookie",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    ]
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SCOPE = re.compile(r"[!#-\[\]-~]{1,100}")  # as OAuth spells one
_MOST_WAYS = 20
_HOST = re.compile(r"[\w.-]*@.*|[\w.-]+:\d*|localhost|[\w-]+(\.[\w-]+)*\.[A-Za-z]{2,}")
_BRACES = re.compile(r"{([^{}/]+)}")


class FlawError(Exception):
    """A part of the file cannot be used; the text says why."""


@dataclass(frozen=True)
class Flaw:
    """What could not be read, where it stands, and why."""

    where: str
    reason: str


@dataclass(frozen=True)
class WireParameter:
    """A parameter by the name under which its value goes over the wire, deep objects taken apart."""

    name: str
    place: str
    schema: Json
    required: bool


@dataclass(frozen=True)
class Operation:
    """A GET operation of the file."""

    path: str
    """The whole path, including the path of the server's address."""
    title: str
    deprecated: bool
    tags: tuple[str, ...]
    name: str
    """Its ``operationId``, or nothing."""
    parameters: tuple[WireParameter, ...]
    response: Any
    """The schema of its response, if the file has one."""
    description: str
    scopes: Scopes = ()
    """The OAuth scopes that the file says it takes."""

    @property
    def where(self) -> str:
        """How messages call the operation."""
        return f"GET {self.path}"


class Document:
    """A file, and the way to what its references point at."""

    def __init__(self, content: Json, source: str) -> None:
        self.content = content
        self.source = source
        self.flaws: list[Flaw] = []
        self._combined: dict[int, tuple[Json, Json]] = {}  # the node too: else its id could be another's later

    def note(self, where: str, reason: str) -> None:
        """Write a flaw down, once."""
        flaw = Flaw(where[:LONGEST_TITLE], reason[: 2 * LONGEST_TITLE])
        if flaw not in self.flaws:
            self.flaws.append(flaw)

    def resolve(self, node: Any) -> tuple[Any, str | None]:
        """Follow references to what they point at, and return the last name of a schema on the way.

        Raises
        ------
        FlawError
            A reference points at nothing, outside the file, or at itself.
        """
        name = None
        for _ in range(_MOST_REFERENCES):
            if not isinstance(node, Mapping) or "$ref" not in node:
                return node, name
            target = node["$ref"]
            if not isinstance(target, str) or not target.startswith("#"):
                raise FlawError(f"it refers to another file ({target!r}); bundle the file into one, nothing is fetched")
            keys = [unquote(key).replace("~1", "/").replace("~0", "~") for key in target[1:].split("/")[1:]]
            found = self._at(keys, target)
            if len(keys) > 1 and keys[-2] in _SCHEMA_PLACES:
                name = keys[-1]
            node = self._with_siblings(node, found)
        raise FlawError("it holds a reference that leads back to itself")

    def schema(self, node: Any, where: str) -> tuple[Json, str | None]:
        """Follow references to a schema. One that says nothing, or cannot be read, is empty; a flaw is noted."""
        try:
            found, name = self.resolve(node)
        except FlawError as flaw:
            self.note(where, str(flaw))
            return {}, None
        return (found, name) if isinstance(found, Mapping) else ({}, None)

    def _at(self, keys: Sequence[str], target: str) -> Any:
        found: Any = self.content
        for key in keys:
            if isinstance(found, Mapping):
                found = found.get(key, found.get(int(key)) if key.isdecimal() and len(key) < 5 else None)
            elif isinstance(found, list) and key.isdecimal() and int(key[:9]) < len(found):
                found = found[int(key[:9])]
            else:
                found = None
            if found is None:
                raise FlawError(f"it refers to {target}, {NOT_THERE}")
        return found

    def _with_siblings(self, node: Json, found: Any) -> Any:
        """Beside a reference, OpenAPI 3.1 allows words of a schema; they hold too."""
        siblings = {key: value for key, value in node.items() if key in _STRUCTURE}
        if not siblings or not isinstance(found, Mapping):
            return found
        if id(node) not in self._combined:
            self._combined[id(node)] = node, {"allOf": [found, siblings]}
        return self._combined[id(node)][1]

    def operations(self) -> Iterator[Operation]:
        """Every GET operation that can be asked; what is wrong with the others is noted.

        Raises
        ------
        SpecError
            The file has no paths at all.
        """
        paths = self.content.get("paths")
        if not isinstance(paths, Mapping):
            raise SpecError(f"{self.source} names no paths, so it is no OpenAPI file that can be used.")
        for path, item in paths.items():
            where = f"GET {path}"
            try:
                item, _ = self.resolve(item)
                get = item.get("get") if isinstance(item, Mapping) else None
                if get is None:
                    continue
                if not isinstance(get, Mapping):
                    raise FlawError("the operation is empty")
                yield self._operation(str(path), item, get, where)
            except FlawError as flaw:
                self.note(where, str(flaw))

    def _operation(self, path: str, item: Json, get: Json, where: str) -> Operation:
        title = text(get.get("summary") or item.get("summary") or get.get("operationId"))
        words = re.sub(r"<[^<>]{0,80}>", " ", title[: 2 * LONGEST_TITLE])[:LONGEST_TITLE].split()
        marked = len(words) > 1 and words[-1].strip("()[]{}<>*-.,:;!").casefold() == "deprecated"
        bare = words[:-1] if marked else words
        while marked and len(bare) > 1 and not any(map(str.isalnum, bare[-1])):
            bare = bare[:-1]
        parameters = {(wire.name, wire.place): wire for wire in self._parameters(item, get, where)}
        whole = _checked(self._prefix(get, item) + path)
        for name in _BRACES.findall(whole):  # one that is not declared is a path parameter all the same
            parameters.setdefault((name, "path"), WireParameter(name, "path", {}, True))
        return Operation(
            path=whole,
            title=" ".join(bare),
            deprecated=get.get("deprecated") is True or marked,
            tags=tuple(text(tag) for tag in sequence(get.get("tags"))),
            name=text(get.get("operationId"))[:LONGEST_TITLE],
            parameters=tuple(parameters.values())[:_MOST_PARAMETERS],
            response=self._response(get, where),
            description=text(get.get("description")),
            scopes=self._scopes(get),
        )

    def _prefix(self, *levels: Json) -> str:
        """The path of the server. Its host is no matter: the user says where HUBmis is, and a file must not."""
        for level in (*levels, self.content):
            for server in sequence(level.get("servers")):
                url = text(mapping(server).get("url"))
                for name, variable in mapping(mapping(server).get("variables")).items():
                    variable = mapping(variable)
                    values = [variable.get("default"), *sequence(variable.get("enum"))]
                    value = next((text(value) for value in values if isinstance(value, str | int)), "")
                    url = url.replace(f"{{{name}}}", value)
                return _path_of(url)
        return ""

    def _parameters(self, item: Json, get: Json, where: str) -> Iterator[WireParameter]:
        found: dict[tuple[str, str], Json] = {}
        for node in (*sequence(item.get("parameters")), *sequence(get.get("parameters"))):
            parameter, _ = self.schema(node, where)
            name, place = parameter.get("name"), parameter.get("in")
            if not isinstance(name, str) or not isinstance(place, str) or place not in ("path", "query", "header"):
                if parameter and place != "cookie":
                    self.note(where, "a parameter has no name or no place")
                continue
            if place == "header" and name.casefold() in _IGNORED_HEADERS:
                continue
            if place == "header" and not _HEADER_NAME.fullmatch(name):
                self.note(where, "a header parameter has a name that cannot be sent")
                continue
            found[name, place] = parameter
        for (name, place), parameter in found.items():
            schema, _ = self.schema(parameter.get("schema", self._content_schema(parameter)), where)
            required = parameter.get("required") is True or place == "path"
            # An object in form style, such as Spring's pageable, is sent as its properties; most mean deep objects.
            flat = parameter.get("style") == "form" or name.casefold() == "pageable"
            yield from self._taken_apart(name, place, schema, required, where, flat=flat)

    def _taken_apart(
        self,
        name: str,
        place: str,
        schema: Json,
        required: bool,
        where: str,
        above: tuple[int, ...] = (),
        *,
        flat: bool = False,
    ) -> Iterator[WireParameter]:
        """``filter`` with the property ``yearGroup`` is ``filter[yearGroup]`` on the wire, at any depth."""
        parts = [part for key in ("oneOf", "anyOf", "allOf") for part in sequence(schema.get(key))]
        options = [schema, *(self.schema(part, where)[0] for part in parts)]
        objects = [option for option in options if mapping(option.get("properties"))]
        ends = id(schema) in above or len(above) > _DEEPEST_PARAMETER
        if place != "query" or not objects or ends:
            yield WireParameter(name, place, schema, required and "default" not in schema)
            return
        for option in objects:
            for inner, node in mapping(option.get("properties")).items():
                below, _ = self.schema(node, where)
                needed = required and inner in sequence(option.get("required"))
                inner_name = text(inner) if flat else f"{name}[{text(inner)}]"
                yield from self._taken_apart(inner_name, place, below, needed, where, (*above, id(schema)))

    def _response(self, get: Json, where: str) -> Any:
        """The schema of the response with status 200, else of the nearest status that has one."""
        responses = mapping(get.get("responses"))
        if not responses:
            self.note(where, "it has no responses")
        by_status = {text(status).upper(): node for status, node in responses.items()}
        for status in ("200", "2XX", "201", "203", "206", "DEFAULT"):
            if status in by_status:
                response, _ = self.schema(by_status[status], where)
                if (schema := self._content_schema(response)) is not None:
                    return schema
        return None

    def _content_schema(self, node: Json) -> Any:
        """The schema of the JSON that we ask for, else of any other kind of JSON."""
        content = mapping(node.get("content"))
        kinds = sorted((kind for kind in map(text, content) if _rank(kind) < _NO_JSON), key=_rank)
        return next((mapping(content.get(kind)).get("schema") for kind in kinds), None)

    def _scopes(self, get: Json) -> Scopes:
        """The sets of scopes one of which is enough; none if a token without any is."""
        ways = [
            tuple(dict.fromkeys(scope for named in mapping(way).values() for scope in map(text, sequence(named))))
            for way in sequence(get.get("security", self.content.get("security")))[:_MOST_WAYS]
        ]
        if not all(_SCOPE.fullmatch(scope) for scopes in ways for scope in scopes):
            return ()
        return tuple(dict.fromkeys(ways)) if all(ways) else ()


_STRUCTURE = frozenset(
    [
        "type",
        "format",
        "properties",
        "items",
        "allOf",
        "oneOf",
        "anyOf",
        "enum",
        "const",
        "additionalProperties",
        "required",
        "prefixItems",
    ]
)
_NO_JSON = 9


def _rank(kind: str) -> int:
    """How near a media type is to the JSON that we ask for."""
    kind = kind.partition(";")[0].strip().casefold()
    if kind in ("application/json", "text/json"):
        return 0
    if kind in ("*/*", "application/*"):
        return 1
    if "json" not in kind or "problem" in kind or "seq" in kind or "ndjson" in kind:
        return _NO_JSON
    return 3 if "ld+json" in kind else 2


def _path_of(url: str) -> str:
    """The path in a server's address, which may be whole, begin with a slash, or leave its scheme out."""
    url = url.strip().partition("?")[0].partition("#")[0]
    if "://" in url or url.startswith("//"):
        url = "/" + url.partition("//")[2].partition("/")[2]
    elif not url.startswith("/"):
        first, _, rest = url.partition("/")
        url = "/" + (rest if _HOST.fullmatch(first) else url)
    return posixpath.normpath(url).rstrip("/") if url.strip("/.") else ""


def _checked(path: str) -> str:
    """A path as it may be put behind the address of HUBmis.

    Raises
    ------
    FlawError
        It could lead to another host, or is no path.
    """
    if not path.startswith("/") or path.startswith("//"):
        raise FlawError("its path does not begin with one slash, so it could lead to another host")
    bare = _BRACES.sub("x", path)
    if re.search(r"[{}]", bare):
        raise FlawError("the braces in its path do not fit together")
    if re.search(r"[\s\\?#\x00-\x1f\x7f]", bare) or {".", ".."} & set(bare.split("/")):
        raise FlawError("its path holds a character that is no part of a path")
    if _unsendable(path):
        raise FlawError("its path holds half a character")
    names = _BRACES.findall(path)
    if len(set(names)) < len(names):
        raise FlawError("its path names the same parameter twice")
    return path


def _unsendable(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


def mapping(value: Any) -> Json:
    """A JSON object; an empty one for anything else, such as the list that PHP writes for an empty object."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> Sequence[Any]:
    """A JSON list; an empty one for anything else."""
    return value if isinstance(value, list | tuple) else ()


def text(value: Any) -> str:
    """Text, or a number as text; nothing for anything else."""
    if isinstance(value, str):
        return "".join(character for character in value if not "\ud800" <= character <= "\udfff")
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
