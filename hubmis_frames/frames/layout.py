"""From a record's Arrow type to the layout of its tables: names, keys, columns and types.

The columns of a frame, the empty frame and the docstrings all come from here. Nothing here reads data.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from ..operations.declaration import CATALOGUE
from ..operations.shapes import PERSONAL, REFERS

UNDECLARED = b"undeclared"
AS_SENT = "_as_sent"  # the ending of a column that keeps values that do not fit the declared type

Path = tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    path
        The fields that lead to its value in the record.
    declared
        Whether the record's declaration has the field.
    refers
        The key that its values are ids of, if its own name does not say so.
    personal
        The kind of personal data that it holds.
    """

    name: str
    path: Path
    type: pa.DataType
    declared: bool = True
    refers: str | None = None
    personal: str | None = None


@dataclass(frozen=True)
class TableLayout:
    """The layout of a tidy table: its key columns, its other columns, and its child tables."""

    name: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    children: tuple[tuple[Path, "TableLayout"], ...]
    link: tuple[str, ...]
    """The columns that a child table shares with this table, so that its rows find their parents."""
    echoes: tuple[tuple[str, Column], ...] = ()
    """Fields that repeat a key column, each with that key. They become columns only where they differ from it."""

    def all(self) -> Iterator["TableLayout"]:
        """Yield the table and all tables below it."""
        yield self
        for _, child in self.children:
            yield from child.all()


ROW = "row"
POSITION = "position"
VALUE = "value"


def lay_out(name: str, record: pa.StructType, key: str | None, ids: tuple[str, ...] = ()) -> TableLayout:
    """Lay out the tables of a record whose ``id`` becomes the column ``key``, and whose path has the ``ids``."""
    if key is not None and record.get_field_index("id") >= 0:
        return _table(name, record, key, ids, ids if key in ids else (*ids, key))
    # A row without an id gets a number, so that child rows can refer to it.
    numbered = [declared for _, field, declared in _leaves(record) if pa.types.is_list(field.type)]
    if not numbered:
        return _table(name, record, None, ids, ids)
    return _table(name, record, None, ids, (*ids, ROW), Column(ROW, (), pa.int64(), declared=any(numbered)))


def merged(declared: pa.DataType, actual: pa.DataType) -> pa.DataType:
    """Add fields that only ``actual`` has after the declared ones, and mark them. Declared types stay."""
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
    """``nationalities`` -> ``nationality``: the name of one item of a list."""
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
    refers: str | None = None,
) -> TableLayout:
    entity = key.removesuffix("_id") if key else singular(name)
    own = {key} if key and record.get_field_index("id") >= 0 else set()
    taken = {*keys, *own, *(column.name for column in extra)}
    columns: list[Column] = []
    echoes: list[tuple[str, Column]] = []
    names: set[str] = set()
    children = []
    # Declared columns come first, so that a field that a server adds never renames or moves one of them.
    for path, field, declared in sorted(_leaves(record), key=lambda leaf: not leaf[2]):
        if pa.types.is_list(field.type):
            children.append((path, _child(free_name("_".join((name, *path)), names), entity, path, field, link)))
            names.add(children[-1][1].name)
            continue
        is_own_id = path == ("id",) and key is not None
        wanted = key if is_own_id and key else "_".join(path)
        personal = (field.metadata or {}).get(PERSONAL, b"").decode() or None
        if is_own_id and wanted not in keys:
            column_name = wanted
        elif wanted in taken:  # the record's own student beside the one that was asked by: named by its role
            column_name = free_name(f"{'own' if is_own_id else entity}_{wanted}", taken)
        else:
            column_name = wanted
        target = refers if is_own_id else _refers(record, path)
        column = Column(column_name, path, field.type, declared, target, personal)
        taken.add(column.name)
        if wanted in keys and not _is_number(wanted):
            echoes.append((wanted, column))
        else:
            columns.append(column)
    # A record's own id comes first, beside the keys.
    columns = sorted([*columns, *extra], key=lambda column: (column.name != key, not column.declared))
    return TableLayout(name, keys, tuple(columns), tuple(children), link, tuple(echoes))


def _is_number(key: str) -> bool:
    """Whether a key column is our own numbering; a field with its name is then something else."""
    return key == ROW or key.endswith(POSITION)


def _child(name: str, entity: str, path: Path, field: pa.Field, link: tuple[str, ...]) -> TableLayout:
    if name in CATALOGUE:  # a contact's list of students, and the operation contact_students
        name = f"{name}_nested"
    keys = (*link, POSITION)
    below = (*link, f"{path[-1]}_{POSITION}")
    item = field.type.value_type
    if not pa.types.is_struct(item):
        item = pa.struct([pa.field(VALUE, item, metadata=field.metadata)])
        return _table(name, item, None, keys, below)
    refers = (field.metadata or {}).get(REFERS, b"").decode() or None
    role = f"{singular(path[-1])}_id"
    # The parent keeps its name: an item is then named by its role (a student's siblings, the teachers of a period).
    key = next(key for key in (refers or role, role, free_name(f"{entity}_{role}", keys)) if key not in keys)
    return _table(name, item, key, keys, below, refers=None if key == refers else refers)


def free_name(name: str, *taken: Iterable[str]) -> str:
    """The name, or the name with a number behind it if it is taken."""
    number = 2
    candidate = name
    while any(candidate in names for names in taken):
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def _leaves(record: pa.StructType, path: Path = (), declared: bool = True) -> Iterator[tuple[Path, pa.Field, bool]]:
    for field in record:
        here = (*path, field.name)
        known = declared and UNDECLARED not in (field.metadata or {})
        if pa.types.is_struct(field.type):
            yield from _leaves(field.type, here, known)
        else:
            yield here, field, known


def _refers(record: pa.StructType, path: Path) -> str | None:
    """The key that a nested ``id`` refers to, as declared with the object around it."""
    if len(path) < 2 or path[-1] != "id":
        return None
    field = record.field(path[0])
    for name in path[1:-1]:
        field = field.type.field(name)
    return (field.metadata or {}).get(REFERS, b"").decode() or None
