"""Rows as records of the declared types: what the school's things look like over the wire."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from hubmis_frames.operations.declaration import Endpoint
from hubmis_frames.operations.shapes import refers

from . import synthetic
from .rows import Row, digest
from .store import Store, kind_of, thing

Make = Callable[[Row, int, int], Any]
"""Makes a field's value from a row, its id and the academic year."""


class Records:
    """Makes the records of one school; how, is worked out once for each endpoint."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Make] = {}

    def of(self, endpoint: Endpoint, rows: list[Row], year: int) -> list[Row]:
        """Return the records of the rows as of an academic year."""
        if endpoint.table not in self._known:
            self._known[endpoint.table] = self._struct(kind_of(endpoint), endpoint.record)
        make = self._known[endpoint.table]
        return [make(row, row.get("id", 0), year) for row in rows]

    def _struct(self, kind: str, wanted: pa.StructType) -> Make:
        fields = [(field.name, self._field(kind, field)) for field in wanted]
        return lambda row, number, year: {name: make(row, number, year) for name, make in fields}

    def _field(self, kind: str, field: pa.Field) -> Make:
        name, wanted, key = field.name, field.type, refers(field)
        if pa.types.is_list(wanted):
            return self._list(kind, name, wanted.value_type, key)
        if pa.types.is_struct(wanted):
            return self._object(kind, name, wanted, key)
        return self._scalar(kind, name, wanted)

    def _scalar(self, kind: str, name: str, wanted: pa.DataType) -> Make:
        short = name.removesuffix("_id")
        named = pa.types.is_string(wanted) and self._store.knows(name)

        def make(row: Row, number: int, year: int) -> Any:
            if name in row:
                value = row[name]
                if named and isinstance(value, int):  # declared as text where the school has a list to pick from
                    return (self._store.row(name, value, year) or {}).get("name")
                return value
            if short in row:
                return row[short]
            if name == "academic_year_id":
                return year
            if synthetic.is_null(kind, number, name):
                return None
            if short != name and self._store.knows(short):
                return self._any(short, kind, number, name)
            return synthetic.scalar(kind, number, name, wanted)

        return make

    def _object(self, kind: str, name: str, wanted: pa.StructType, key: str | None) -> Make:
        other = thing(key) if key else f"{kind} {name}"
        inner = self._struct(other, wanted)
        made: dict[tuple[int, int], Row] = {}  # many rows refer to the same few things

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
            if (value, year) not in made and (found := self._store.row(other, value, year)):
                made[value, year] = inner(found, value, year)
            return made.get((value, year))

        return make

    def _list(self, kind: str, name: str, wanted: pa.DataType, key: str | None) -> Make:
        struct = pa.types.is_struct(wanted)
        item = self._object(kind, name, wanted, key) if struct else None
        other = thing(key) if key else f"{kind} {name}"

        def make(row: Row, number: int, year: int) -> Any:
            if name in row:
                values = row[name]
            else:
                seeds = [(number, position) for position in range(digest(kind, number, name, "many") % 3)]
                if not struct:
                    values = [synthetic.scalar(f"{kind} {name}", n * 10 + p, "value", wanted) for n, p in seeds]
                elif key:
                    values = sorted({self._any(other, kind, n * 10 + p, name) for n, p in seeds} - {None})
                else:
                    values = [digest(other, n, p) % 900 + 100 for n, p in seeds]
            if item is None or values is None:
                return values
            return [item({name: value}, number, year) for value in values]

        return make

    def _student(self, row: Row, year: int) -> Row:
        """Return the student of whom a row tells; a place is the student's, wherever it is shown."""
        return (self._store.row("student", row["student"], year) if "student" in row else None) or {}

    def _any(self, other: str, kind: str, number: int, name: str) -> int | None:
        """Return the id of some thing of the other kind, always the same one for this field."""
        choice = list(self._store.rows(other))
        return choice[digest(kind, number, name, "which") % len(choice)] if choice else None
