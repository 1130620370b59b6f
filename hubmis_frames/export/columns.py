"""What each column of a table is: one row per column, from the declarations alone or with what an export holds."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..frames import AS_SENT, FROM, Column, TableLayout, final_type, lay_out
from ..frames.keys import Key, keys_of
from ..frames.layout import POSITION, ROW, VALUE
from ..operations import CATALOGUE, FURTHER
from ..operations.declaration import Endpoint, listed_in
from ..operations.further import YEAR_LISTS
from ..operations.shapes import PEOPLE_KEYS
from ..privacy import personal_columns, quasi_identifier, safe_columns
from ..words import unit_of
from .earlier import kept_columns
from .folder import DELETED, FILE, partition, table_folder
from .refresh import NOTICED_AT

COLUMNS = ("table", "grain", "column", "type", "meaning", "unit", "key", "refers_to", "personal", "source")
"""The columns of a dictionary; ``filled`` follows where there are rows."""
REALM = "realm"
_AGE = "age_at_start_of_year"
MADE_HERE, SENT = "made here", "sent by HUBmis"


@dataclass(frozen=True)
class Held:
    """A table that is here: its columns and types, its rows, and how many values of each column are missing."""

    table: str
    operation: str
    schema: pa.Schema
    rows: int
    missing: Mapping[str, int]
    path_source: str = "inferred"
    pseudonymised: bool = False


def declared_rows() -> list[dict[str, object]]:
    """One row per column of every declared table that is not deprecated."""
    return [
        row
        for table, (endpoint, layout) in _declared().items()
        if not endpoint.deprecated
        for row in _rows(table, _types(endpoint, layout))
    ]


def rows_of(held: Held) -> list[dict[str, object]]:
    """One row per column of a table that is here, with ``filled``."""
    types = {field.name: field.type for field in held.schema}
    rows = _rows(held.table, types, held)
    for row in rows:
        missing = held.missing.get(str(row["column"]), 0)
        row["filled"] = None if not held.rows else 100 * (held.rows - missing) / held.rows
    return rows


def as_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """A dictionary as a frame."""
    given = list(rows)
    columns = [*COLUMNS, *(["filled"] if given and "filled" in given[0] else [])]
    types = {**dict.fromkeys(COLUMNS, "str"), "key": "boolean", "filled": "Float64"}
    return pd.DataFrame(given, columns=columns).astype({name: types[name] for name in columns})


def held_in(directory: Path, contents: Iterable[Mapping[str, Any]]) -> Iterator[Held]:
    """The tables of an export, by its manifests. Only the ends of the files are read."""
    tables: dict[str, list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]] = {}
    for content in contents:
        for operation, entry in content["operations"].items():
            for table in entry["tables"]:
                for name in (table, f"{table}{DELETED}"):
                    tables.setdefault(name, []).append((operation, entry, content))
    for table, parts in tables.items():
        folder = directory / table_folder(table)
        files = [folder / f"realm={partition(content['realm'])}" / FILE for _, _, content in parts]
        found = [_end_of(file) for file in files if file.exists()]
        if found:
            operation, entry, content = parts[0]
            schema = functools.reduce(_widened, (schema for schema, _, _ in found))
            schema = schema.append(pa.field(REALM, pa.string()))
            rows = sum(rows for _, rows, _ in found)
            missing = {
                name: sum(missing.get(name, rows) for _, rows, missing in found)
                for name in schema.names
                if name != REALM
            }
            yield Held(table, operation, schema, rows, missing, entry["path_source"], content["pseudonymised"])


def type_name(type_: pa.DataType) -> str:
    """The type of a column, as the Table Schema of Frictionless calls it."""
    if pa.types.is_timestamp(type_):
        return "datetime" if type_.tz else "date"
    kinds = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_floating, "number"),
        (pa.types.is_decimal, "number"),
        (pa.types.is_date, "date"),
        (pa.types.is_time, "time"),
    )
    return next((name for is_kind, name in kinds if is_kind(type_)), "string")


def identifying(table: str) -> list[str]:
    """The columns by which the rows of a declared table are told apart, according to the declaration."""
    endpoint, layout = _declared().get(table.removesuffix(DELETED), (None, None))
    if endpoint is None or layout is None:
        return []
    return list(layout.link if layout.name == endpoint.table else layout.keys)


def references(table: str) -> dict[str, tuple[str, str]]:
    """The columns of a table that refer to another one, each with that table and its column."""
    return {
        name: (key.refers_to, key.key)
        for name, key in _keys(table).items()
        if key.refers_to and key.refers_to != table.removesuffix(DELETED)
    }


def _types(endpoint: Endpoint, layout: TableLayout) -> dict[str, pa.DataType]:
    ids = {p.name: pa.int64() if p.kind is int else pa.string() for p in endpoint.path_ids}
    keys = {name: ids.get(name, pa.int64()) for name in layout.keys}
    return {**keys, **{column.name: final_type(column.type) for column in layout.columns}, REALM: pa.string()}


def _rows(table: str, types: Mapping[str, pa.DataType], held: Held | None = None) -> list[dict[str, object]]:
    told, safe, told_apart = _Told(table, held), safe_columns(table), identifying(table)
    kinds = personal_columns(told.base, types, [name for name in types if pa.types.is_string(types[name])])
    refers = references(table)
    rows: list[dict[str, object]] = []
    for name, type_ in types.items():
        treatment = safe.get(name)
        if treatment is not None and treatment.how == "pseudonym" and held is not None and held.pseudonymised:
            personal: str | None = "pseudonym"
        elif _keys(table).get(name, _NO_KEY).key in PEOPLE_KEYS or name in PEOPLE_KEYS:
            personal = "id of a person"
        else:
            personal = kinds.get(name) or told.points_to_a_person(name, type_)
        rows.append(
            {
                "table": table,
                "grain": told.grain,
                "column": name,
                "type": type_name(type_),
                "meaning": told.meaning(name),
                "unit": unit_of(name, type_name(type_)),
                "key": name in told_apart,
                "refers_to": ".".join(refers[name]) if name in refers else None,
                "personal": personal,
                "source": told.source(name),
            }
        )
    return rows


class _Told:
    """What the declaration of a table tells of its columns."""

    def __init__(self, table: str, held: Held | None) -> None:
        self.base = table.removesuffix(DELETED)
        endpoint = {**CATALOGUE, **FURTHER}.get(held.operation) if held is not None else None
        declared = _declared().get(self.base)
        self._endpoint = declared[0] if declared else endpoint
        self._layout = declared[1] if declared else None
        self._held = held
        self._columns: dict[str, Column] = {}
        if self._layout is not None:
            self._columns = {column.name: column for column in self._layout.columns}
        self._about_people = any(key.key in PEOPLE_KEYS for key in _keys(self.base).values())

    @property
    def grain(self) -> str | None:
        """What one row is."""
        if self._endpoint is None:
            return None
        operation = self._endpoint.table
        grain = self._endpoint.grain
        if self.base != operation:
            grain = f"entry of the list {self.base.removeprefix(f'{operation}_')} in a row of {operation}"
        gone = "" if self._held is None or self._held.table == self.base else ", that HUBmis no longer sends"
        return f"one row per {grain}{gone}"

    def meaning(self, name: str) -> str:
        """What a column holds: the field as HUBmis sends it, or what we make."""
        layout, column = self._layout, self._columns.get(name)
        if name == REALM:
            return "the school, as the folder realm=... says"
        if name == NOTICED_AT:
            return "when we noticed that the row is no longer sent"
        if name == _AGE:
            return "age in whole years at the start of the academic year"
        if name == ROW or (name.endswith(POSITION) and column is None):
            kind = "number of the row" if name == ROW else "place in the list, from 0"
            return f"{kind}, as the record has no id" if name == ROW else kind
        if column is not None and column.path:
            return f"field {'.'.join(column.path)}" if column.path != (VALUE,) else "the value in the list"
        if layout is not None and name in layout.keys:
            ids = [] if self._endpoint is None else [parameter.name for parameter in self._endpoint.path_ids]
            if name in ids:
                return "the id that was asked by"
            return f"the row that the list belongs to, by its {name}"
        if name.endswith(AS_SENT):
            return f"values for {name.removesuffix(AS_SENT)} that are not of its type, as they were sent"
        if FROM in name:
            original, _, field = name.partition(FROM)
            return f"values of the field {field} where they differ from {original}"
        return "a field that no declaration has"

    def source(self, name: str) -> str:
        """Where it is known from: document, inferred, openapi, made here, or only from what was sent."""
        endpoint, layout = self._endpoint, self._layout
        if name in (REALM, ROW, NOTICED_AT, _AGE) or name.endswith((AS_SENT, POSITION)):
            return MADE_HERE
        from_file = self._held is not None and self._held.path_source == "openapi"
        if endpoint is None or layout is None or name not in {*layout.keys, *self._columns}:
            return "openapi" if from_file else SENT
        if name in [parameter.name for parameter in endpoint.path_ids]:
            return "document"
        return "openapi" if from_file else endpoint.fields_source

    def points_to_a_person(self, name: str, type_: pa.DataType) -> str | None:
        """How a column can point to a person although it names none; None in a table that is about no people."""
        if not self._about_people or name == REALM or name in _keys(self.base) or name.endswith(POSITION):
            return None
        words = quasi_identifier(name, type_)
        return None if words is None else f"can point to a person: {words}"


@functools.cache
def _declared() -> Mapping[str, tuple[Endpoint, TableLayout]]:
    found = {
        layout.name: (endpoint, layout)
        for endpoint in (*CATALOGUE.values(), *FURTHER.values())
        for layout in lay_out(
            endpoint.table, endpoint.record, endpoint.key, tuple(p.name for p in endpoint.path_ids)
        ).all()
        if endpoint.table != YEAR_LISTS or layout.name == YEAR_LISTS
    }
    endpoint, layout = found[YEAR_LISTS]
    kept = kept_columns(column.name for column in layout.columns)
    groups = tuple(column for column in layout.columns if column.name in kept)
    return found | {YEAR_LISTS: (endpoint, replace(layout, columns=groups, children=()))}


_NO_KEY = Key("", "", "", False, False, None)


@functools.cache
def _keys(table: str) -> Mapping[str, Key]:
    base = table.removesuffix(DELETED)
    endpoint, layout = _declared().get(base, (None, None))
    asked = "" if endpoint is None else endpoint.asks
    known = {key.column: key for key in keys_of(base.replace(endpoint.table, asked, 1) if endpoint and asked else base)}
    if layout is not None:
        names = [name for name in layout.keys if name.endswith("_id") and name not in known]
        known |= {name: Key(base, name, name, False, False, listed_in().get(name)) for name in names}
    return known


def _end_of(file: Path) -> tuple[pa.Schema, int, dict[str, int]]:
    """The schema of a file, its rows, and the missing values of each column."""
    with pq.ParquetFile(file) as parquet:
        end = parquet.metadata
        missing = dict.fromkeys(parquet.schema_arrow.names, 0)
        for group in range(end.num_row_groups):
            for place, name in enumerate(missing):
                statistics = end.row_group(group).column(place).statistics
                if statistics is None or not statistics.has_null_count:
                    missing[name] += parquet.read_row_group(group, columns=[name]).column(0).null_count
                else:
                    missing[name] += statistics.null_count
        return parquet.schema_arrow.remove_metadata(), end.num_rows, missing


def _widened(one: pa.Schema, other: pa.Schema) -> pa.Schema:
    """The columns of both; one whose type differs is text, as every value can be written as text."""
    types = {field.name: field.type for field in one}
    for field in other:
        same = types.setdefault(field.name, field.type)
        if same != field.type:
            types[field.name] = pa.string()
    return pa.schema(list(types.items()))
