"""Rows converted to records of the declared types, as they are sent over the wire."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from hubmis_frames.operations.declaration import Endpoint
from hubmis_frames.operations.shapes import refers

from . import synthetic
from .rows import Row, digest
from .store import Store, kind_of_id, kind_of_records

FieldMaker = Callable[[Row, int, int], Any]
"""A function that makes a field's value from a row, its id and the academic year."""


class Records:
    """Makes the records of one school. The functions for each endpoint are built once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._makers: dict[str, FieldMaker] = {}

    def of(self, endpoint: Endpoint, rows: list[Row], year: int) -> list[Row]:
        """Return the records of the rows as of an academic year."""
        if endpoint.table not in self._makers:
            self._makers[endpoint.table] = self._struct(kind_of_records(endpoint), endpoint.record)
        make = self._makers[endpoint.table]
        return [make(row, row.get("id", 0), year) for row in rows]

    def _struct(self, kind: str, arrow_type: pa.StructType) -> FieldMaker:
        fields = [(field.name, self._field(kind, field)) for field in arrow_type]
        return lambda row, number, year: {name: make(row, number, year) for name, make in fields}

    def _field(self, kind: str, field: pa.Field) -> FieldMaker:
        name, arrow_type, key = field.name, field.type, refers(field)
        if pa.types.is_list(arrow_type):
            return self._list(kind, name, arrow_type.value_type, key)
        if pa.types.is_struct(arrow_type):
            return self._object(kind, name, arrow_type, key)
        return self._scalar(kind, name, arrow_type)

    def _scalar(self, kind: str, name: str, arrow_type: pa.DataType) -> FieldMaker:
        short = name.removesuffix("_id")
        named = pa.types.is_string(arrow_type) and self._store.has_kind(name)

        def make(row: Row, number: int, year: int) -> Any:
            if name in row:
                value = row[name]
                if named and isinstance(value, int):  # declared as text, but the school picks it from a list
                    return (self._store.row(name, value, year) or {}).get("name")
                return value
            if short in row:
                return row[short]
            if name == "academic_year_id":
                return year
            if synthetic.is_null(kind, number, name):
                return None
            if short != name and self._store.has_kind(short):
                return self._any(short, kind, number, name)
            return synthetic.scalar(kind, number, name, arrow_type)

        return make

    def _object(self, kind: str, name: str, arrow_type: pa.StructType, key: str | None) -> FieldMaker:
        other = kind_of_id(key) if key else f"{kind} {name}"
        inner = self._struct(other, arrow_type)
        cache: dict[tuple[int, int], Row] = {}  # many rows refer to the same few rows

        def make(row: Row, number: int, year: int) -> Any:
            if name in row:
                value = row[name]
            elif name == "academic_year":
                value = year
            elif key and name in (student := self._student(row, year)):
                value = student[name]
            elif synthetic.is_null(kind, number, name):
                value = None
            else:
                value = self._any(other, kind, number, name) if key else digest(other, number) % 900 + 100
            if value is None:
                return None
            if isinstance(value, dict):
                return inner(value, number, year)
            if not key:
                return inner({"id": value}, value, year)
            if (value, year) not in cache and (row_of_other := self._store.row(other, value, year)):
                cache[value, year] = inner(row_of_other, value, year)
            return cache.get((value, year))

        return make

    def _list(self, kind: str, name: str, arrow_type: pa.DataType, key: str | None) -> FieldMaker:
        struct = pa.types.is_struct(arrow_type)
        item = self._object(kind, name, arrow_type, key) if struct else None
        other = kind_of_id(key) if key else f"{kind} {name}"

        def make(row: Row, number: int, year: int) -> Any:
            if name in row:
                values = row[name]
            else:
                seeds = [(number, position) for position in range(digest(kind, number, name, "many") % 3)]
                if not struct:
                    values = [synthetic.scalar(f"{kind} {name}", n * 10 + p, "value", arrow_type) for n, p in seeds]
                elif key:
                    values = sorted({self._any(other, kind, n * 10 + p, name) for n, p in seeds} - {None})
                else:
                    values = [digest(other, n, p) % 900 + 100 for n, p in seeds]
            if item is None or values is None:
                return values
            return [item({name: value}, number, year) for value in values]

        return make

    def _student(self, row: Row, year: int) -> Row:
        """Return the student to whom a row belongs, if any: groups shown in it are those of the student."""
        return (self._store.row("student", row["student"], year) if "student" in row else None) or {}

    def _any(self, other: str, kind: str, number: int, name: str) -> int | None:
        """Return the id of some row of the other kind, always the same for this field."""
        choice = list(self._store.rows(other))
        return choice[digest(kind, number, name, "which") % len(choice)] if choice else None
