"""One walk over a record's Arrow type: the tables it makes, their keys, columns and types.

Columns of a frame, the empty frame and the reference all come from here. Nothing here reads data.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from ..operations.declaration import CATALOGUE
from ..operations.shapes import PERSONAL, REFERS

UNDECLARED = b"undeclared"
AS_SENT = "_as_sent"

Path = tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """A column, the path to its value in the record, and what its values are an id of."""

    name: str
    path: Path
    type: pa.DataType
    declared: bool = True
    refers: str | None = None
    personal: str | None = None


@dataclass(frozen=True)
class Table:
    """A tidy table: its key columns, then its own, and the tables below it."""

    name: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    children: tuple[tuple[Path, "Table"], ...]
    link: tuple[str, ...]
    """The columns by which a child's row finds its parent's."""
    echoes: tuple[tuple[str, Column], ...] = ()
    """Values of the record that should equal the key column named before them, and are kept if they do not."""

    def all(self) -> Iterator["Table"]:
        """Yield the table itself and every one below it."""
        yield self
        for _, child in self.children:
            yield from child.all()


ROW = "row"
POSITION = "position"
VALUE = "value"


def lay_out(name: str, record: pa.StructType, key: str | None, ids: tuple[str, ...] = ()) -> Table:
    """Lay out the tables of a record whose own ``id`` is called ``key`` and which is found by ``ids``."""
    if key is not None and record.get_field_index("id") >= 0:
        return _table(name, record, key, ids, ids if key in ids else (*ids, key))
    # Without an id, a row that has children is known by its number.
    numbered = [declared for _, field, declared in _leaves(record) if pa.types.is_list(field.type)]
    if not numbered:
        return _table(name, record, None, ids, ids)
    return _table(name, record, None, ids, (*ids, ROW), Column(ROW, (), pa.int64(), declared=any(numbered)))


def merged(declared: pa.DataType, actual: pa.DataType) -> pa.DataType:
    """Put fields that only ``actual`` has after the declared ones, marked; declared types stay."""
    if pa.types.is_list(declared) and pa.types.is_list(actual):
        item = pa.field("item", merged(declared.value_type, actual.value_type), metadata=declared.value_field.metadata)
        return pa.list_(item)
    if not (pa.types.is_struct(declared) and pa.types.is_struct(actual)):
        return declared
    fields = []
    for field in declared:
        index = actual.get_field_index(field.name)
        fields.append(field if index < 0 else field.with_type(merged(field.type, actual.field(index).type)))
    news = [field for field in actual if declared.get_field_index(field.name) < 0]
    return pa.struct(fields + [field.with_metadata({UNDECLARED: b"1"}) for field in news])


def singular(name: str) -> str:
    """``nationalities`` -> ``nationality``: what one item of a list is called."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ses", "se"), ("ss", "ss"), ("s", "")):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name[: -len(ending)] + instead
    return name


def _table(
    name: str,
    record: pa.StructType,
    key: str | None,
    keys: tuple[str, ...],
    link: tuple[str, ...],
    *extra: Column,
) -> Table:
    taken = {*keys, *(column.name for column in extra)}
    columns: list[Column] = []
    echoes: list[tuple[str, Column]] = []
    names: set[str] = set()
    children = []
    # Declared columns first, so that what a server adds never renames or moves a known one.
    for path, field, declared in sorted(_leaves(record), key=lambda leaf: not leaf[2]):
        if pa.types.is_list(field.type):
            children.append((path, _child(_unused("_".join((name, *path)), names), path, field, link)))
            names.add(children[-1][1].name)
            continue
        wanted = key if path == ("id",) and key else "_".join(path)
        personal = (field.metadata or {}).get(PERSONAL, b"").decode() or None
        column = Column(_unused(wanted, taken), path, field.type, declared, _refers(record, path), personal)
        taken.add(column.name)
        if wanted in keys and not _is_number(wanted):
            echoes.append((wanted, column))
        else:
            columns.append(column)
    # A record's own id stands in front, beside the keys.
    columns = sorted([*columns, *extra], key=lambda column: (column.name != key, not column.declared))
    return Table(name, keys, tuple(columns), tuple(children), link, tuple(echoes))


def _is_number(key: str) -> bool:
    """Whether a key column is our own numbering, which a field of the same name does not repeat."""
    return key == ROW or key.endswith(POSITION)


def _child(name: str, path: Path, field: pa.Field, link: tuple[str, ...]) -> Table:
    if name in CATALOGUE:  # a contact's students are one table, the operation contact_students another
        name = f"{name}_nested"
    keys = (*link, POSITION)
    below = (*link, f"{path[-1]}_{POSITION}")
    item = field.type.value_type
    if not pa.types.is_struct(item):
        item = pa.struct([pa.field(VALUE, item, metadata=field.metadata)])
        return _table(name, item, None, keys, below)
    key = (field.metadata or {}).get(REFERS, b"").decode() or f"{singular(path[-1])}_id"
    if key in keys:  # a student's students: the parent keeps the name
        key = f"{singular(path[-1])}_id"
    return _table(name, item, key, keys, below)


def _leaves(record: pa.StructType, path: Path = (), declared: bool = True) -> Iterator[tuple[Path, pa.Field, bool]]:
    for field in record:
        here = (*path, field.name)
        known = declared and UNDECLARED not in (field.metadata or {})
        if pa.types.is_struct(field.type):
            yield from _leaves(field.type, here, known)
        else:
            yield here, field, known


def _refers(record: pa.StructType, path: Path) -> str | None:
    """The key that a nested ``id`` is a value of, as the object around it declares."""
    if len(path) < 2 or path[-1] != "id":
        return None
    field = record.field(path[0])
    for name in path[1:-1]:
        field = field.type.field(name)
    return (field.metadata or {}).get(REFERS, b"").decode() or None


def _unused(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    candidate = f"{name}{AS_SENT}"
    number = 2
    while candidate in taken:
        candidate = f"{name}{AS_SENT}_{number}"
        number += 1
    return candidate
