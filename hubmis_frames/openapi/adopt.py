"""What a file says of one operation, put into a declaration: into ours, or into a new one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from ..frames import tidy_name
from ..operations.declaration import PEOPLE, YEAR, Endpoint, Parameter
from ..operations.shapes import TEXT
from .answers import answer_shape, properties_of
from .convert import Converter, kinds_of
from .document import Document, FlawError, Operation, WireParameter, sequence, text
from .match import is_realm, plain_name
from .naming import (
    argument_name,
    filter_name,
    key_name,
    our_tables,
    python_path,
    snake,
    table_name,
    tables_of,
    unfilled,
)
from .paging import paging_of


def adopted(endpoint: Endpoint, operation: Operation, document: Document, converter: Converter) -> Endpoint:
    """Our declaration with the file's path, parameters, paging and record. What the file does not say stays ours.

    Raises
    ------
    FlawError
        The path needs a value that the loader does not take.
    """
    shape = answer_shape(document, operation.response, endpoint.record.names, endpoint.wrapper, operation.where)
    wires = [wire for wire in operation.parameters if not is_realm(wire)]
    sorts = {wire.name: wire for wire in wires if wire.name.casefold().startswith("sort")}
    paged = not shape.single or endpoint.paged
    paging, pages = paging_of(wires, endpoint.paging, shape.next_at) if paged else (None, set[str]())
    wires = [wire for wire in wires if wire.name not in sorts and wire.name not in pages]
    paired = list(_paired(endpoint, wires))
    parameters = [*(parameter for parameter, _ in paired)]
    names = {parameter.wire: parameter.name for parameter in parameters if parameter.place == "path"}
    if missing := unfilled(operation.path, names):
        raise FlawError(f"the path in {document.source} needs {', '.join(missing)}, for which there is no value.")
    taken = {id(wire) for _, wire in paired}
    parameters += _new_parameters([wire for wire in wires if id(wire) not in taken], operation.path, parameters)
    record = converter.record(shape.record, operation.where)
    says_shape = shape.wrapper is not None or not shape.single or record is not None
    fields = {snake(name): name for name in sorts if name != "sort"}
    return replace(
        endpoint,
        path=python_path(operation.path, names),
        parameters=tuple(parameters),
        record=_completed(record, endpoint.record, properties_of(document, shape.record, operation.where)),
        wrapper=shape.wrapper if says_shape else endpoint.wrapper,
        attributes=shape.attributes,
        paging=paging,
        sorts=tuple(filter_name(name) for name in fields) or (() if sorts else None),
        sort_wires={filter_name(name): wire for name, wire in fields.items()},
        path_source="openapi",
        scopes=operation.scopes or endpoint.scopes,
        realm_header=_realm_header(operation),
    )


def declared(operation: Operation, document: Document, converter: Converter, taken: set[str]) -> Endpoint:
    """A declaration of an operation that only the file knows; the names of its tables join those that are taken."""
    shape = answer_shape(document, operation.response, (), None, operation.where)
    wires = [wire for wire in operation.parameters if not is_realm(wire)]
    paging, pages = (None, set[str]()) if shape.single else paging_of(wires, None, shape.next_at)
    parameters = list(_new_parameters([wire for wire in wires if wire.name not in pages], operation.path, ()))
    names = {parameter.wire: parameter.name for parameter in parameters if parameter.place == "path"}
    title = operation.title or operation.name or operation.path
    endpoint = Endpoint(
        table=table_name(title, taken),
        title=title,
        section=next(iter(operation.tags), ""),
        path=python_path(operation.path, names),
        record=converter.record(shape.record, operation.where) or pa.struct([]),
        key=None,
        single=shape.single,
        paging=paging,
        deprecated=operation.deprecated,
        expire_after=PEOPLE,
        wrapper=shape.wrapper,
        sorts=None,
        checks={},
        parameters=tuple(parameters),
        doc=f"{title}: one row per record.\n\n{operation.description}".strip(),
        path_source="openapi",
        attributes=shape.attributes,
        scopes=operation.scopes,
        realm_header=_realm_header(operation),
    )
    endpoint = replace(endpoint, key=key_name(operation.path, endpoint.table))
    while not taken.isdisjoint(tables_of(endpoint)):  # a child table can have the name of another operation's
        endpoint = replace(endpoint, table=table_name(endpoint.table, {*taken, endpoint.table}))
    taken.update(tables_of(endpoint))
    return endpoint


def taken_tables() -> set[str]:
    """The names of tables that no operation of a file may have."""
    return set(our_tables())


def _realm_header(operation: Operation) -> str:
    spelling = next((wire.name for wire in operation.parameters if is_realm(wire)), "Realm")
    return "Realm" if spelling.casefold() == "realm" else spelling


def _paired(endpoint: Endpoint, wires: Sequence[WireParameter]) -> Iterator[tuple[Parameter, WireParameter]]:
    """Pair our parameters with the file's: by wire name, then by spelling, then by what is left over."""
    ours = list(endpoint.parameters)
    free = list(wires)

    def pair(parameter: Parameter, wire: WireParameter) -> tuple[Parameter, WireParameter]:
        ours.remove(parameter)
        free.remove(wire)
        return _renamed(parameter, wire), wire

    for same in (_same_wire, _same_name, _same_end):
        for parameter in list(ours):
            candidates = [wire for wire in free if same(parameter, wire)]
            if len(candidates) == 1:
                yield pair(parameter, candidates[0])
    # What is left: the path parameters on either side in their order, and the range whose name the document lost.
    in_path = [parameter for parameter in ours if parameter.place == "path"]
    paths = [wire for wire in free if wire.place == "path"]
    if len(in_path) == len(paths):
        for parameter, wire in zip(in_path, paths, strict=True):
            yield pair(parameter, wire)
    for end in ("from", "to"):
        lost = [parameter for parameter in ours if parameter.name == f"date_time_{end}"]
        ranges = [wire for wire in free if wire.place == "query" and snake(wire.name).endswith(f"_{end}")]
        if len(lost) == len(ranges) == 1:
            yield pair(lost[0], ranges[0])


def _same_wire(parameter: Parameter, wire: WireParameter) -> bool:
    return wire.place == parameter.place and wire.name == parameter.wire


def _same_name(parameter: Parameter, wire: WireParameter) -> bool:
    return plain_name(wire.name) in (plain_name(parameter.wire), plain_name(parameter.name))


def _same_end(parameter: Parameter, wire: WireParameter) -> bool:
    """``filter[student][yearGroup]`` for ``year_group``, in the query alone."""
    return wire.place == parameter.place == "query" and plain_name(filter_name(snake(wire.name))) == plain_name(
        parameter.name
    )


def _renamed(parameter: Parameter, wire: WireParameter) -> Parameter:
    kind = parameter.kind
    if parameter.place != "path" and kind is int and kinds_of(wire.schema) == ("string",) and parameter.name != YEAR:
        kind = str
    if kind in (date, datetime):
        kind = {"date": date, "date-time": datetime}.get(text(wire.schema.get("format")), kind)
    choices = _choices(wire)
    return replace(
        parameter,
        wire=wire.name,
        text_too=kind is int and _may_be_text(wire),
        place=wire.place,  # type: ignore[arg-type]
        kind=kind,
        choices=choices if parameter.kind is str and choices else parameter.choices if kind is parameter.kind else (),
        required=wire.required,
    )


def _may_be_text(wire: WireParameter) -> bool:
    return not set(kinds_of(wire.schema)) & {"integer", "number"} or "string" in kinds_of(wire.schema)


def _choices(wire: WireParameter) -> tuple[str, ...]:
    return tuple(text(value) for value in sequence(wire.schema.get("enum")) if text(value))


def _new_parameters(wires: Sequence[WireParameter], path: str, ours: Sequence[Parameter]) -> Iterator[Parameter]:
    """Parameters that only the file knows, as arguments of ``hf.load``."""
    taken = {parameter.name for parameter in ours}
    for wire in wires:
        name = argument_name(wire.name, wire.place, path, taken)
        taken.add(name)
        kinds = kinds_of(wire.schema)
        kind: type = int if kinds == ("integer",) else bool if kinds == ("boolean",) else str
        kind = {"date": date, "date-time": datetime}.get(text(wire.schema.get("format")), kind)
        choices = _choices(wire) if kind is str else ()
        is_id = wire.place == "path" and kind is str and not choices and name.endswith("_id")
        yield Parameter(name, wire.name, wire.place, int if is_id else kind, choices, wire.required, is_id)  # type: ignore[arg-type]


def _completed(record: pa.StructType | None, ours: pa.StructType, named: Mapping[str, Any]) -> pa.StructType:
    """The file's record, with what we know of its fields. A field that the file names without a type keeps ours."""
    if record is None:
        return ours
    by_name = {field.name: field for field in record}
    known = {tidy_name(field.name): field for field in ours}
    fields = []
    for name in dict.fromkeys([*named, *by_name]):
        field, our_field = by_name.get(name), known.get(tidy_name(name))
        if field and our_field:
            field = _with_ours(field, our_field)
        elif our_field:
            field = our_field.with_name(name)
        fields += [field] if field else []
    return pa.struct(fields)


def _with_ours(field: pa.Field, ours: pa.Field) -> pa.Field:
    """A field of the file with what we know of it at any depth: what its id refers to, and what is personal."""
    type_ = _type_with_ours(field.type, ours.type)
    metadata = {**(ours.metadata or {}), **(field.metadata or {})}
    return pa.field(field.name, type_, metadata=metadata or None)


def _type_with_ours(type_: pa.DataType, ours: pa.DataType) -> pa.DataType:
    if pa.types.is_list(type_) and pa.types.is_list(ours):
        item = type_.value_field
        return pa.list_(item.with_type(_type_with_ours(type_.value_type, ours.value_type)))
    if pa.types.is_struct(type_) and pa.types.is_struct(ours):
        by_name = {tidy_name(field.name): field for field in ours}
        pairs = ((field, by_name.get(tidy_name(field.name))) for field in type_)
        return pa.struct([_with_ours(field, known) if known else field for field, known in pairs])
    # JSON writes a date as text: a file that says no more than that denies nothing.
    return ours if type_ == TEXT and pa.types.is_temporal(ours) else type_
