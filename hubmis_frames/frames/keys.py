"""Which columns hold ids, and what they refer to, according to the declarations."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

import pandas as pd

from ..operations.declaration import CATALOGUE, REFERENCE, Endpoint, listed_in
from .layout import TableLayout, lay_out
from .provenance import source

REALM = "realm"


def keys() -> pd.DataFrame:
    """List the ids in all tables: one row per column that holds ids.

    Returns
    -------
    DataFrame
        ``table``, ``column``, ``key`` (the name of these ids in the table that lists them),
        ``own`` (the column is the table's own key), ``role`` (the column has another name than the key)
        and ``refers_to`` (the table that lists the ids; missing if no operation lists them).
    """
    frame = pd.DataFrame(_keys(), columns=["table", "column", "key", "own", "role", "refers_to"])
    return frame.astype({"own": "boolean", "role": "boolean"})


def mermaid(tables: Iterable[str]) -> str:
    """Write tables and the ids between them as a Mermaid entity-relationship diagram."""
    chosen = list(tables)
    lines = ["erDiagram"]
    for table in chosen:
        lines.append(f"    {table} {{")
        for row in keys_of(table):
            mark = " PK" if row.own else " FK" if row.refers_to else ""
            lines += [f"        Int64 {row.column}{mark}"]
        lines.append("    }")
    lines += [f"    {row.table} }}o--o| {row.refers_to} : {row.column}" for row in references(chosen)]
    return "\n".join(lines)


def keys_of(table: str) -> list["Key"]:
    """The columns of a table that hold ids."""
    return [row for row in _keys() if row.table == table]


def references(tables: Sequence[str]) -> list["Key"]:
    """The columns of some tables that refer to another of them."""
    return [row for row in _keys() if row.table in tables and row.refers_to in tables and row.table != row.refers_to]


class Key(NamedTuple):
    """A column that holds ids."""

    table: str
    column: str
    key: str
    own: bool
    role: bool
    refers_to: str | None


@functools.cache
def _keys() -> tuple[Key, ...]:
    return tuple(row for endpoint in CATALOGUE.values() if not endpoint.deprecated for row in _of_endpoint(endpoint))


def _of_endpoint(endpoint: Endpoint) -> Iterator[Key]:
    ids = tuple(parameter.name for parameter in endpoint.path_ids)
    for number, table in enumerate(lay_out(endpoint.table, endpoint.record, endpoint.key, ids).all()):
        own = endpoint.key if number == 0 else None
        for column, key in _ids(table):
            yield Key(table.name, column, key, column == own, column != key, listed_in().get(key))


def _ids(table: TableLayout) -> Iterator[tuple[str, str]]:
    for name in table.keys:
        if name.endswith("_id"):
            yield name, name
    for column in table.columns:
        if column.refers:
            yield column.name, column.refers
        elif column.path == ("id",) and column.name.endswith("_id"):
            yield column.name, column.name


def key_of(column: str, key: str) -> bool:
    """Whether a column of some table holds values of a key under another name."""
    return key in _roles().get(column, ())


def row_ids(frame: pd.DataFrame) -> list[str]:
    """The columns of ids that identify the rows of a frame, judged by their names.

    These are the ids that belong to no other id of the frame: a mark's own id and not its student's, a student's and
    not the form's. The id of a list to pick from counts only if there is no other.
    """
    ids = [str(column) for column in frame if str(column) in _roles()]
    # A role beside the key itself says something else: a category's own id and that of the category above it.
    ids = [column for column in ids if column in _roles()[column] or _roles()[column].isdisjoint(ids)]

    def belongs_to(column: str, other: str) -> bool:
        return any(not _roles()[column].isdisjoint(_reached(key)) for key in _roles()[other])

    own = [
        column
        for column in ids
        if not any(belongs_to(column, other) and not belongs_to(other, column) for other in ids)
    ]
    return [column for column in own if not _roles()[column] <= _pick_lists()] or own


def may_join(column: str, frame: pd.DataFrame) -> bool:
    """Whether a frame may be joined by a column of ids: by that of a list to pick from, only if it is that list."""
    if not _roles()[column] <= _pick_lists():
        return True
    for endpoint in CATALOGUE.values():
        if endpoint.key == column and not endpoint.deprecated:
            layout = lay_out(endpoint.table, endpoint.record, column, tuple(p.name for p in endpoint.path_ids))
            declared = {*layout.keys, *(column.name for column in layout.columns)}
            columns = {str(name) for name in frame} - {REALM}
            if columns <= declared or declared <= columns or source(frame).get("operation") == endpoint.title:
                return True
    return False


def tables_with(first: str, second: str) -> list[str]:
    """The tables of operations that have both ids, those with the fewest columns of ids first."""
    tables = [table for table in dict.fromkeys(row.table for row in _keys()) if table in CATALOGUE]
    ids = {table: {row.column for row in keys_of(table)} | {row.key for row in keys_of(table)} for table in tables}
    return sorted((table for table in tables if {first, second} <= ids[table]), key=lambda table: len(ids[table]))


@functools.cache
def _roles() -> Mapping[str, Set[str]]:
    """The keys that each column of ids may hold, by the column's name."""
    roles: dict[str, set[str]] = {}
    for row in _keys():
        roles.setdefault(row.column, set()).add(row.key)
    return roles


@functools.cache
def _pick_lists() -> Set[str]:
    """The keys of lists that the rest of HUBmis picks from, such as genders: they rarely change, and hold no ids."""
    return {
        key
        for key, table in listed_in().items()
        if CATALOGUE[table].expire_after == REFERENCE and not any(row.column != key for row in keys_of(table))
    }


@functools.cache
def _reached(key: str) -> Set[str]:
    """The keys that a row with this key refers to, directly or by way of others."""
    reached: set[str] = set()
    ahead = [key]
    while ahead:
        here = ahead.pop()
        news = _refers_to().get(here, set()) - reached
        reached |= news
        ahead += news
    return reached


@functools.cache
def _refers_to() -> Mapping[str, Set[str]]:
    """The keys in the tables of operations, by the key of a row: without one, by the id in the path."""
    own = {table: endpoint.key or _only_id(endpoint) for table, endpoint in CATALOGUE.items()}
    refers: dict[str, set[str]] = {}
    for row in _keys():
        if (key := own.get(row.table)) and row.key != key:
            refers.setdefault(key, set()).add(row.key)
    return refers


def _only_id(endpoint: Endpoint) -> str | None:
    names = [parameter.name for parameter in endpoint.path_ids if parameter.kind is int]
    return names[0] if len(names) == 1 else None
