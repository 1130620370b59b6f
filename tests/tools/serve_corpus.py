"""Serve operations of other systems' OpenAPI files under HUBmis's titles, and count those that load right.

    python -m tests.tools.serve_corpus FOLDER [--details]

The server makes 45 records of each schema, gives 20 of them at a time if the file pages the list, and says in its
envelopes what is true. It shares no code with our reader of OpenAPI files. Right means: every record, every value.
"""

import argparse
import contextlib
import copy
import math
import re
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pandas as pd

import hubmis_frames as hf
from hubmis_frames.openapi import read_spec
from hubmis_frames.openapi.reading import read_file
from hubmis_frames.operations.declaration import CATALOGUE, Endpoint
from hubmis_frames.school import School
from hubmis_frames.transport import Rate, RetryPolicy, Session
from tests.helpers.raw_server import GRANT, RawServer, Received, response

Json = dict[str, Any]
ROWS, CAP, DOZEN = 45, 20, 12
_DEEPEST = 4
_CONTENTS = ("data", "content", "results", "items", "member", "records")
_NUMBER = re.compile(r"page|page\[(number|page)\]|pageNumber|page_number|pageIndex")
_OFFSET = re.compile(r"offset|skip|start|page\[offset\]|startIndex")
_SIZE = re.compile(r"size|limit|take|top|per_?page|pageSize|page_size|itemsPerPage|page\[(size|limit|per_page)\]")


class Schemas:
    """Makes records of the schemas of a file."""

    def __init__(self, content: Json) -> None:
        self.content = content

    def resolve(self, node: Any) -> Json:
        for _ in range(20):
            if not isinstance(node, dict):
                return {}
            if "$ref" not in node:
                break
            found: Any = self.content
            for key in node["$ref"].removeprefix("#/").split("/"):
                found = found.get(key.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, dict) else {}
            node = found
        merged: Json = {key: value for key, value in node.items() if key not in ("allOf", "oneOf", "anyOf")}
        parts = [self.resolve(part) for part in node.get("allOf", ())]
        for key in ("oneOf", "anyOf"):
            options = [self.resolve(option) for option in node.get(key, ())]
            parts += [option for option in options if option and option.get("type") != "null"][:1]
        for part in parts:
            properties = {**part.get("properties", {}), **merged.get("properties", {})}
            merged = {**part, **merged, **({"properties": properties} if properties else {})}
        return merged

    def kind(self, schema: Json) -> str:
        kinds = schema.get("type")
        kinds = [kind for kind in kinds if kind != "null"] if isinstance(kinds, list) else [kinds]
        if not kinds[0]:
            return "object" if "properties" in schema else "array" if "items" in schema else ""
        return str(kinds[0])

    def make(self, node: Any, turn: int, name: str = "", depth: int = 0) -> Any:
        """A value of a schema; another turn gives another one."""
        schema = self.resolve(node)
        kind = self.kind(schema)
        if values := [value for value in schema.get("enum", ()) if value is not None]:
            return values[turn % len(values)]
        if "const" in schema:
            return schema["const"]
        if kind == "object":
            if depth > _DEEPEST:
                return None
            properties = schema.get("properties", {})
            made = {key: self.make(inner, turn, key, depth + 1) for key, inner in properties.items()}
            return {key: value for key, value in made.items() if value is not None}
        if kind == "array":
            return [self.make(schema.get("items", {}), turn, name, depth + 1)] if depth <= _DEEPEST else []
        if kind == "string":
            day = f"2026-{1 + turn % 12:02}-{1 + turn % 28:02}"
            formats = {"date": day, "date-time": f"{day}T08:00:00Z", "time": "08:00:00"}
            formats["uuid"] = f"00000000-0000-4000-8000-{turn:012}"
            return formats.get(schema.get("format", ""), f"{name} {turn}")
        if kind in ("integer", "number"):
            return turn
        return turn % 2 == 0 if kind == "boolean" else None


@dataclass
class Served:
    """One operation of a file, with the table whose title it was given."""

    table: str
    path: str
    single: bool
    schema: Any
    paging: dict[str, str]
    rows: list[Any] = field(default_factory=list)
    asked: int = 0


def paging_of(parameters: list[Json], schemas: Schemas) -> dict[str, str]:
    """The parameters that page a list, by their role."""
    names = []
    for parameter in map(schemas.resolve, parameters):
        inner = (
            schemas.resolve(parameter.get("schema", {})).get("properties", {}) if parameter.get("in") == "query" else {}
        )
        flat = parameter.get("name") == "pageable"
        names += [name if flat else f"{parameter['name']}[{name}]" for name in inner] or [str(parameter.get("name"))]
    roles = {"number": _NUMBER, "offset": _OFFSET, "size": _SIZE}
    return {role: name for role, pattern in roles.items() for name in names if pattern.fullmatch(name)}


def served_of(content: Json, schemas: Schemas) -> Iterator[Served]:
    """Give the first dozen operations that answer with records the titles of HUBmis that take as many ids."""
    free = [endpoint for endpoint in CATALOGUE.values() if not endpoint.deprecated]
    for path, item in content.get("paths", {}).items():
        get = item.get("get") if isinstance(item, dict) else None
        if not isinstance(get, dict):
            continue
        answer = schemas.resolve(get.get("responses", {}).get("200", get.get("responses", {}).get(200)))
        media = next((value for kind, value in answer.get("content", {}).items() if "json" in kind or "*" in kind), {})
        kind = holder_of(schemas, media.get("schema"))
        taken = next((endpoint for endpoint in free if kind and fits(endpoint, path, kind)), None)
        if taken is None:
            continue
        free.remove(taken)
        parameters = [*item.get("parameters", ()), *get.get("parameters", ())]
        get["summary"], get["deprecated"] = taken.title, False
        for parameter in map(schemas.resolve, parameters):
            if parameter.get("in") != "path":
                parameter["required"] = False
        yield Served(taken.table, path, kind == "record", media.get("schema"), paging_of(parameters, schemas))


def fits(endpoint: Endpoint, path: str, kind: str) -> bool:
    ids = [
        parameter for parameter in endpoint.path_ids if parameter.kind is int and parameter.name != "academic_year_id"
    ]
    required = [parameter for parameter in endpoint.parameters if parameter.required and parameter.place != "path"]
    same = len(ids) == len(endpoint.path_ids) == path.count("{")
    return same and not required and endpoint.single == (kind == "record") and not endpoint.year


def holder_of(schemas: Schemas, node: Any) -> str:
    """Whether an answer is a list, a record, or neither."""
    value = schemas.make(node, 7)
    if isinstance(value, list):
        return "list" if value and isinstance(value[0], dict) and value[0] else ""
    if not isinstance(value, dict) or not value:
        return ""
    path = list_in(value)
    return "list" if path and value_at(value, path)[0] else "record"


def list_in(value: Any) -> list[str]:
    """The way to the only list of records in an envelope; none if it is a record itself."""
    if not isinstance(value, dict) or "id" in value or "uuid" in value:
        return []
    for name, inner in value.items():
        plain = name.rpartition(":")[2].casefold()
        records = isinstance(inner, list) and bool(inner) and isinstance(inner[0], dict)
        if records and (plain in _CONTENTS or len(value) == 1):
            return [name]
        if plain == "data" and isinstance(inner, dict) and (below := list_in(inner)):
            return [name, *below]
    return []


def value_at(value: Any, path: list[str]) -> Any:
    for name in path:
        value = value[name]
    return value


class Server:
    """Answers for the operations of one file."""

    def __init__(self, operations: list[Served], prefix: str, schemas: Schemas) -> None:
        self.operations, self.schemas = operations, schemas
        self.paths = {
            operation.table: re.compile(re.sub(r"\\{.*?\\}", "[^/]+", re.escape(prefix + operation.path)))
            for operation in operations
        }

    def talk(self, connection: socket, request: Received) -> None:
        if request.is_token:
            return connection.sendall(response(GRANT))
        path, query = urlsplit(request.path).path, dict(parse_qsl(urlsplit(request.path).query))
        matching = [operation for operation in self.operations if self.paths[operation.table].fullmatch(path)]
        if not matching:
            return connection.sendall(response(b'{"message": "There is no such path."}', "404 Not Found"))
        operation = min(matching, key=lambda one: one.path.count("{"))
        operation.asked += 1
        if operation.asked > 60:
            return connection.sendall(response(b'{"message": "That is enough."}', "403 Forbidden"))
        return connection.sendall(response(orjson.dumps(self.answer(operation, query))))

    def answer(self, operation: Served, query: Mapping[str, str]) -> Any:
        value = copy.deepcopy(self.schemas.make(operation.schema, 1))
        if operation.single:
            operation.rows = [value["data"] if set(value) <= {"data", "meta", "links"} and "data" in value else value]
            return value
        path = [] if isinstance(value, list) else list_in(value)
        operation.rows = [
            value_at(made, path)[0]
            for made in (self.schemas.make(operation.schema, turn) for turn in range(1, ROWS + 1))
        ]
        names = operation.paging
        size = min(int(query.get(names.get("size", ""), CAP)), CAP) if names else ROWS
        begin, number = 0, 1
        if "number" in names:
            number = int(query.get(names["number"], 1))
            begin = (number - 1) * size
        elif "offset" in names:
            begin = int(query.get(names["offset"], 0))
            number = begin // size + 1
        page = operation.rows[max(begin, 0) : max(begin, 0) + size]
        if not path:
            return page
        value_at(value, path[:-1])[path[-1]] = page
        facts = {"total": ROWS, "pages": math.ceil(ROWS / size), "number": number, "more": begin + size < ROWS}
        return _truthful(value, path, facts, size, len(page))


def _truthful(value: Any, path: list[str], facts: Json, size: int, rows: int) -> Any:
    """Say in the envelope what is true of its list."""
    if not isinstance(value, dict):
        return value
    for name, content in value.items():
        plain = re.sub(r"[\W_]", "", name).casefold()
        if path[:1] == [name]:
            value[name] = content if len(path) == 1 else _truthful(content, path[1:], facts, size, rows)
        elif isinstance(content, dict):
            value[name] = _truthful(content, [], facts, size, rows)
        elif plain in ("total", "totalelements", "totalcount", "count", "hydratotalitems"):
            value[name] = facts["total"]
        elif plain in ("lastpage", "totalpages"):
            value[name] = facts["pages"]
        elif plain in ("currentpage", "number", "page"):
            value[name] = facts["number"]
        elif plain in ("size", "perpage", "limit", "pagesize"):
            value[name] = size
        elif plain in ("numberofelements", "to"):
            value[name] = rows
        elif plain == "last" and isinstance(content, bool):
            value[name] = not facts["more"]
        elif plain in ("next", "nextpageurl"):
            value[name] = "https://internal.example/next?page=99" if facts["more"] else None
    return value


def wrong_with(frame: pd.DataFrame, operation: Served) -> str:
    """What a loaded table lacks; nothing if it holds every value."""
    rows = [
        {**row, **row.pop("attributes", {})} if "attributes" in row else row for row in copy.deepcopy(operation.rows)
    ]
    if len(frame) != len(rows):
        return f"{len(frame)} of {len(rows)} rows"
    columns = [{_plain(value) for value in frame[name].dropna()} for name in frame.columns]
    for name in {name for row in rows for name in row}:
        values = [row.get(name) for row in rows]
        if any(isinstance(value, dict | list) for value in values) or name in ("type", "links"):
            continue
        if not any({_plain(value) for value in values if value is not None} <= held for held in columns):
            return f"the values of {name} are not there"
    return ""


def _plain(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    text = str(value)
    return text[:10] if re.match(r"\d{4}-\d\d-\d\dT", text) else text


def try_file(file: Path, folder: Path) -> Iterator[tuple[Served, str]]:
    """Load each operation of a file, and say what is wrong."""
    content, _ = read_file(file)
    content = orjson.loads(orjson.dumps(copy.deepcopy(content), option=orjson.OPT_NON_STR_KEYS, default=str))
    schemas = Schemas(content)
    operations = []
    for operation in served_of(content, schemas):
        operations.append(operation)
        if len(operations) == DOZEN:
            break
    written = folder / f"{file.stem}.json"
    written.write_bytes(orjson.dumps(content))
    try:
        spec = read_spec(written)
    except hf.HubmisError as error:
        yield from ((operation, f"the file: {error}") for operation in operations)
        return
    prefix = urlsplit((content.get("servers") or [{"url": ""}])[0]["url"]).path.rstrip("/")
    server = Server(operations, prefix, schemas)
    retry = RetryPolicy(connect_timeout=5, read_timeout=20, total_timeout=20, first_delay=0.01, max_wait_429=5)
    with (
        RawServer(server.talk) as raw,
        contextlib.closing(
            Session(
                base_url=raw.url, realm="S1", client_id="a", client_secret="b", cache_dir=None,
                rate_file=folder / "rate.sqlite", rate=Rate(1_000_000, 0.001), retry=retry,
            )
        ) as session,
    ):  # fmt: skip
        school = School(session, progress=False, spec=spec)
        for operation in operations:
            yield operation, _loaded(school, spec.endpoints.get(operation.table), operation)


def _loaded(school: School, endpoint: Endpoint | None, operation: Served) -> str:
    if endpoint is None:
        return "not matched"
    try:
        ids = {parameter.name: 7 for parameter in endpoint.path_ids}
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            frame = hf.load(school, operation.table, **ids)
    except hf.HubmisError as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:  # what must never reach a person
        return f"CRASH {type(error).__name__}: {error}"
    return wrong_with(frame, operation)


def main() -> int:
    """Try every file of a folder, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--details", action="store_true", help="say what is wrong with each operation")
    options = parser.parse_args()
    right, tried = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for file in sorted(options.folder.glob("*.[yj]*")):
            for operation, wrong in try_file(file, Path(folder)):
                tried[file.name] += 1
                right[file.name] += not wrong
                if wrong and options.details:
                    print(f"  GET {operation.path} as {operation.table}, paged {operation.paging}: {wrong[:300]}")
            print(f"{file.name}: {right[file.name]} of {tried[file.name]}", flush=True)
    print(f"In all {right.total()} of {tried.total()}.")
    return 0 if right == tried else 1


if __name__ == "__main__":
    sys.exit(main())
