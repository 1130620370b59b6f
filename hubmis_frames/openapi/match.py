"""Matching a file's operations with our declarations, and taking over what it knows better."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import pyarrow as pa

from ..errors import SpecError
from ..frames import singular
from ..operations import CATALOGUE
from ..operations.declaration import PEOPLE, YEAR, Endpoint, Parameter
from ..operations.shapes import REFERS
from ..request import Paging
from .convert import Converter
from .document import Document, Json, Operation, Wire, read_document

_REALM = "realm"
_PAGE = re.compile(r"page\W*(number|size)\W*|(page|per_?page|limit)", re.IGNORECASE)


@dataclass(frozen=True)
class Spec:
    """What a file says of our operations, and of others."""

    source: str
    endpoints: Mapping[str, Endpoint]
    """Our declarations, by table, with what the file says of them."""
    missing: tuple[str, ...]
    """Tables whose operation is not in the file."""
    unusable: Mapping[str, str]
    """Tables whose operation the file describes in a way that cannot be asked, and why."""
    others: Mapping[str, Endpoint] = field(default_factory=dict)
    """Operations that only the file knows, by a table name made from their title."""

    def endpoint(self, declared: Endpoint) -> Endpoint:
        """Give the operation as the file has it.

        Raises
        ------
        SpecError
            The file does not have it, or not so that it could be asked.
        """
        if declared.table in self.endpoints:
            return self.endpoints[declared.table]
        if declared.table in self.unusable:
            raise SpecError(f"{declared.loader}: {self.unusable[declared.table]}")
        if declared.table in self.others:
            return declared
        raise SpecError(
            f'{self.source} has no operation "{declared.title}"{" (deprecated)" if declared.deprecated else ""}, so '
            f"{declared.loader} has no path to ask at. 'hubmis-frames spec check' lists what matched."
        )


def read_spec(file: str | os.PathLike[str]) -> Spec:
    """Read an OpenAPI file and match it with our declarations.

    Raises
    ------
    SpecError
        It cannot be read, is cut short, or is another product's.
    """
    document = read_document(file)
    operations = list(document.operations())
    pairs = dict(_pairs(operations))
    if not pairs:
        raise SpecError(
            f"None of the {len(operations)} GET operations in {document.source} is one of HUBmis. Is it another "
            "product's file? Download the OpenAPI specification from the HUBmis document."
        )
    converter = Converter(document, _keys(document, pairs))
    endpoints: dict[str, Endpoint] = {}
    unusable: dict[str, str] = {}
    for table, operation in pairs.items():
        try:
            endpoints[table] = _taken_over(CATALOGUE[table], operation, document, converter)
        except _UnusableError as error:
            unusable[table] = str(error)
    matched = {id(operation) for operation in pairs.values()}
    others = _others([each for each in operations if id(each) not in matched], document, converter)
    missing = tuple(table for table in CATALOGUE if table not in pairs)
    return Spec(document.source, endpoints, missing, unusable, others)


class _UnusableError(Exception):
    pass


def _pairs(operations: Sequence[Operation]) -> Iterator[tuple[str, Operation]]:
    """Match by title and deprecation, then by section and parameters where both are alone with them."""
    by_title: dict[tuple[str, bool], list[Operation]] = defaultdict(list)
    for operation in operations:
        by_title[operation.title.casefold(), operation.deprecated].append(operation)
    left = []
    used: set[int] = set()
    for endpoint in CATALOGUE.values():
        found = by_title.get((" ".join(endpoint.title.split()).casefold(), endpoint.deprecated), [])
        if len(found) > 1:  # the same title twice: then the parameters must tell
            found = [each for each in found if _shape(each.tags, each.parameters) & _shapes(endpoint)]
        if len(found) == 1:
            used.add(id(found[0]))
            yield endpoint.table, found[0]
        else:
            left.append(endpoint)
    free = [operation for operation in operations if id(operation) not in used]
    ours = Counter((shape, endpoint.deprecated) for endpoint in left for shape in _shapes(endpoint))
    theirs: dict[object, list[Operation]] = defaultdict(list)
    for operation in free:
        for shape in _shape(operation.tags, operation.parameters):
            theirs[shape, operation.deprecated].append(operation)
    for endpoint in left:
        shapes = [(shape, endpoint.deprecated) for shape in _shapes(endpoint)]
        candidates = {id(each): each for shape in shapes if ours[shape] == 1 for each in theirs[shape]}
        if len(candidates) == 1:
            yield endpoint.table, candidates.popitem()[1]


def _shape(tags: Iterable[str], parameters: Iterable[Wire]) -> set[tuple[str, frozenset[str]]]:
    given = (wire.name for wire in parameters if wire.name.casefold() != _REALM)
    names = frozenset(_plain(name) for name in given if not name.casefold().startswith("sort"))
    return {(tag.casefold(), names) for tag in tags}


def _shapes(endpoint: Endpoint) -> set[tuple[str, frozenset[str]]]:
    names = {_plain(parameter.wire) for parameter in endpoint.parameters}
    names |= {_plain(name) for name in (endpoint.paging.number, endpoint.paging.size)} if endpoint.paging else set()
    return {(section.casefold(), frozenset(names)) for section in (endpoint.section, *endpoint.also)}


def _plain(name: str) -> str:
    """A name without the spelling: ``filter[yearGroup]`` and ``year_group`` are ``yeargroup``."""
    return re.sub(r"^filter(?=\W)|[\W_]", "", name).casefold()


def _taken_over(endpoint: Endpoint, operation: Operation, document: Document, converter: Converter) -> Endpoint:
    wires = [wire for wire in operation.parameters if wire.name.casefold() != _REALM and wire.place != "cookie"]
    sorts = {wire.name: wire for wire in wires if wire.name.casefold().startswith("sort")}
    paging, pages = _paging(wires)
    wires = [wire for wire in wires if wire.name not in sorts and wire.name not in pages]
    parameters = tuple(_parameters(endpoint, wires))
    taken = {parameter.wire for parameter in parameters}
    path = operation.path
    for parameter in parameters:
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.wire}}}", f"{{{parameter.name}}}")
    names = {parameter.name for parameter in parameters}
    if unfilled := [name for name in re.findall(r"{(.*?)}", path) if name not in names]:
        raise _UnusableError(f"the path in {document.source} needs {', '.join(unfilled)}, for which there is no value.")
    if needed := [wire.name for wire in wires if wire.required and wire.name not in taken]:
        raise _UnusableError(f"{document.source} requires {', '.join(needed)}, which this loader does not take.")
    record, wrapper = _answer(operation, document, converter)
    fields = {_snake(name): name for name in sorts if name != "sort"}
    return replace(
        endpoint,
        path=path,
        parameters=parameters,
        record=_with_our_keys(record, endpoint.record) if record is not None else endpoint.record,
        wrapper=wrapper,
        paging=paging,
        sorts=tuple(_inner(name) for name in fields) or (() if sorts else None),
        sort_wires={_inner(name): wire for name, wire in fields.items()},
        path_source="openapi",
    )


def _parameters(endpoint: Endpoint, wires: Sequence[Wire]) -> Iterator[Parameter]:
    """Pair our parameters with the file's: by wire name, then by spelling, then by what is left over."""
    ours = list(endpoint.parameters)
    free = list(wires)

    def pair(parameter: Parameter, wire: Wire) -> Parameter:
        ours.remove(parameter)
        free.remove(wire)
        return _renamed(parameter, wire)

    for same in (_same_wire, _same_name, _same_end):
        for parameter in list(ours):
            found = [wire for wire in free if same(parameter, wire)]
            if len(found) == 1:
                yield pair(parameter, found[0])
    # What is left: the one path parameter on either side, and the range whose name the document lost.
    in_path = [parameter for parameter in ours if parameter.place == "path"]
    paths = [wire for wire in free if wire.place == "path"]
    if len(in_path) == len(paths):
        for parameter, wire in zip(in_path, paths, strict=True):
            yield pair(parameter, wire)
    for end in ("from", "to"):
        lost = [parameter for parameter in ours if parameter.name == f"date_time_{end}"]
        ranges = [wire for wire in free if wire.place == "query" and _snake(wire.name).endswith(f"_{end}")]
        if len(lost) == len(ranges) == 1:
            yield pair(lost[0], ranges[0])


def _same_wire(parameter: Parameter, wire: Wire) -> bool:
    return wire.place == parameter.place and wire.name == parameter.wire


def _same_name(parameter: Parameter, wire: Wire) -> bool:
    return _plain(wire.name) in (_plain(parameter.wire), _plain(parameter.name))


def _same_end(parameter: Parameter, wire: Wire) -> bool:
    """``filter[student][yearGroup]`` for ``year_group``, in the query alone."""
    return wire.place == parameter.place == "query" and _plain(_inner(_snake(wire.name))) == _plain(parameter.name)


def _renamed(parameter: Parameter, wire: Wire) -> Parameter:
    choices = tuple(str(value) for value in wire.schema.get("enum", ()) if value is not None)
    kind: type = parameter.kind
    declared = wire.schema.get("type")
    if parameter.place != "path" and kind is int and declared == "string" and parameter.name != YEAR:
        kind = str
    if kind in (date, datetime):
        kind = {"date": date, "date-time": datetime}.get(str(wire.schema.get("format")), kind)
    place = wire.place if wire.place in ("path", "query", "header") else "query"
    return replace(
        parameter,
        wire=wire.name,
        place=place,  # type: ignore[arg-type]
        kind=kind,
        choices=choices if parameter.kind is str and choices else parameter.choices,
        required=wire.required,
    )


def _paging(wires: Sequence[Wire]) -> tuple[Paging | None, set[str]]:
    """How the operation is paged, by the names that begin with ``page``."""
    number = size = None
    for wire in wires:
        plain = _plain(wire.name)
        if wire.place == "query" and plain in ("pagenumber", "page"):
            number = wire
        elif wire.place == "query" and plain in ("pagesize", "perpage", "pagelimit", "limit"):
            size = wire
    if number is None or size is None:
        return None, {wire.name for wire in (number, size) if wire is not None}
    most = size.schema.get("maximum")
    first = number.schema.get("minimum")
    paging = Paging(
        number.name,
        size.name,
        min(Paging().most, int(most)) if isinstance(most, int) and most > 0 else Paging().most,
        first if first in (0, 1) else None,
    )
    return paging, {number.name, size.name}


def _answer(operation: Operation, document: Document, converter: Converter) -> tuple[pa.StructType | None, str | None]:
    """The record of an answer, and the field around the list, where it is not bare."""
    schema, _ = document.resolve(operation.response or {})
    if "items" in schema:
        return converter.record(schema["items"]), None
    whole = converter.record(schema)
    if whole is None:
        return None, None
    # An object with one list of objects in it and no id of its own is an envelope.
    lists = [each for each in whole if pa.types.is_list(each.type) and pa.types.is_struct(each.type.value_type)]
    if len(lists) == 1 and whole.get_field_index("id") < 0 and _is_envelope(whole, lists[0].name):
        return lists[0].type.value_type, lists[0].name
    return whole, None


def _is_envelope(whole: pa.StructType, name: str) -> bool:
    others = {each.name for each in whole if each.name != name}
    return others <= {"meta", "links", "pagination", "total", "count", "page", "next", "previous", "success", "status"}


def _with_our_keys(record: pa.StructType, ours: pa.StructType) -> pa.StructType:
    """Keep what we know of the ids in fields that we declare too, where the file does not tell."""
    fields = []
    for each in record:
        index = ours.get_field_index(each.name)
        known = ours.field(index).metadata if index >= 0 else None
        fields.append(each.with_metadata(known) if known and REFERS not in (each.metadata or {}) else each)
    return pa.struct(fields)


def _keys(document: Document, pairs: Mapping[str, Operation]) -> "_KeyOf":
    """Which key a named schema belongs to: that of the operation which answers with it."""
    by_schema: dict[str, set[str]] = defaultdict(set)
    for table, operation in pairs.items():
        key = CATALOGUE[table].key
        for name in _names_of_answer(document, operation.response or {}):
            if key:
                by_schema[name].add(key)
    return _KeyOf({name: keys.pop() for name, keys in by_schema.items() if len(keys) == 1})


def _names_of_answer(document: Document, schema: Json) -> Iterator[str]:
    found, name = document.resolve(schema)
    if name and "items" not in found:
        yield name
    if "items" in found:
        yield from _names_of_answer(document, found["items"])


class _KeyOf:
    def __init__(self, by_schema: Mapping[str, str]) -> None:
        self._by_schema = by_schema
        self._known = {endpoint.key for endpoint in CATALOGUE.values() if endpoint.key}

    def __call__(self, schema: str | None, field_name: str) -> str | None:
        if schema is not None and schema in self._by_schema:
            return self._by_schema[schema]
        guesses = (f"{field_name}_id", f"{singular(field_name)}_id")
        return next((guess for guess in guesses if guess in self._known), None)


def _others(operations: Sequence[Operation], document: Document, converter: Converter) -> dict[str, Endpoint]:
    """Declare what only the file knows, from the file alone."""
    found: dict[str, Endpoint] = {}
    for operation in operations:
        table = _snake(operation.title or operation.name or operation.path)
        number = 2
        while table in found or table in CATALOGUE:
            table, number = f"{table.rstrip('_0123456789')}_{number}", number + 1
        wires = [wire for wire in operation.parameters if wire.name.casefold() != _REALM and wire.place != "cookie"]
        paging, pages = _paging(wires)
        record, wrapper = _answer(operation, document, converter)
        path, parameters = operation.path, []
        for wire in wires:
            if wire.name in pages:
                continue
            name = _argument(wire, operation.path)
            path = path.replace(f"{{{wire.name}}}", f"{{{name}}}")
            kind = {"integer": int, "boolean": bool}.get(str(wire.schema.get("type")), str)
            kind = {"date": date, "date-time": datetime}.get(str(wire.schema.get("format")), kind)
            choices = tuple(map(str, wire.schema.get("enum", ()))) if kind is str else ()
            place = "path" if wire.place == "path" else "header" if wire.place == "header" else "query"
            parameters.append(Parameter(name, wire.name, place, kind, choices, wire.required))  # type: ignore[arg-type]
        last = next((part for part in reversed(path.split("/")) if part and "{" not in part), table)
        found[table] = Endpoint(
            table=table,
            title=operation.title or operation.name or operation.path,
            section=next(iter(operation.tags), ""),
            path=path,
            record=record if record is not None else pa.struct([]),
            key=f"{singular(_snake(last))}_id",
            single="items" not in document.resolve(operation.response or {})[0],
            paging=paging,
            deprecated=operation.deprecated,
            expire_after=PEOPLE,
            wrapper=wrapper,
            sorts=None,
            checks={},
            parameters=tuple(parameters),
            doc=f"{operation.title}: one row per record.\n\n{operation.description}".strip(),
            path_source="openapi",
        )
    return found


def _argument(wire: Wire, path: str) -> str:
    """The Python name of a parameter; ``id`` is called after the part of the path before it."""
    name = _inner(_snake(wire.name))
    if wire.place != "path" or name != "id":
        return name
    before = path.partition(f"{{{wire.name}}}")[0].rstrip("/").rsplit("/", 1)[-1]
    return f"{singular(_snake(before))}_id"


def _inner(name: str) -> str:
    """``filter_year_group`` -> ``year_group``, ``sort_last_name`` -> ``last_name``."""
    return re.sub(r"^(filter|sort)_", "", name)


def _snake(name: str) -> str:
    """``filter[yearGroup]`` -> ``filter_year_group``, ``Year Group`` -> ``year_group``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"\W+|_+", "_", spaced, flags=re.ASCII).strip("_").lower()
