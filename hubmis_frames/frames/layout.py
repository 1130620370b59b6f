"""From a record's Arrow type to the layout of its tables: names, keys, columns and types.

The columns of a frame, the empty frame and the docstrings all come from here. Nothing here reads data.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from ..operations.declaration import CATALOGUE
from ..operations.shapes import PERSONAL, REFERS, TEXT_TOO

UNDECLARED = b"undeclared"
AS_SENT = "_as_sent"  # the ending of a column that keeps values that do not fit the declared type
FROM = "_from_"  # before the field whose values differ from those of another field with the same tidy name

Path = tuple[str, ...]


class Twin(NamedTuple):
    """Another field with the tidy name of a column, and the column that keeps its values where the two differ."""

    name: str
    path: Path


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
    twins
        Other fields with the same tidy name. They fill it where its own field is missing.
    """

    name: str
    path: Path
    type: pa.DataType
    declared: bool = True
    refers: str | None = None
    personal: str | None = None
    twins: tuple[Twin, ...] = ()


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
    numbered = [leaf.declared for leaf in _leaves(record) if pa.types.is_list(leaf.field.type)]
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
        if index >= 0:
            found = actual.field(index).type
            is_text = TEXT_TOO in (field.metadata or {}) and pa.types.is_string(found)
            field = field.with_type(found if is_text else merged(field.type, found))
        fields.append(field)
    news = [field for field in actual if declared.get_field_index(field.name) < 0]
    return pa.struct(fields + [field.with_metadata({UNDECLARED: b"1"}) for field in news])


def singular(name: str) -> str:
    """``nationalities`` -> ``nationality``: the name of one item of a list."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ses", "se"), ("ss", "ss"), ("s", "")):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name[: -len(ending)] + instead
    return name


def tidy_name(name: str) -> str:
    """``houseId``, ``House-ID`` and ``house id`` -> ``house_id``. A name with other signs stays as it is."""
    if not re.fullmatch(r"\w+([ .-]\w+)*", name):
        return name
    return re.sub(r"[ .-]|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class _Leaf(NamedTuple):
    """A field of a record that is no object."""

    path: Path
    field: pa.Field
    declared: bool

    @property
    def tidy(self) -> str:
        return "_".join(map(tidy_name, self.path))

    @property
    def rank(self) -> tuple[object, ...]:
        """Which of several fields with one tidy name comes first, whatever order they are sent in."""
        kind = next((place for place, is_kind in enumerate(_KINDS) if is_kind(self.field.type)), len(_KINDS))
        return not self.declared, self.path != ("id",), kind, "_".join(self.path) != self.tidy, self.path


_KINDS = (pa.types.is_integer, pa.types.is_temporal, pa.types.is_floating, pa.types.is_boolean, pa.types.is_string)


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
    # Declared columns come first, so that a field that a server adds never renames or moves one of them.
    leaves = sorted(_leaves(record), key=lambda leaf: not leaf.declared)
    children: dict[str, tuple[Path, TableLayout]] = {}
    for leaf in sorted(leaves, key=lambda leaf: leaf.rank):
        if pa.types.is_list(leaf.field.type):
            child = _child(free_name(f"{name}_{leaf.tidy}", children), entity, leaf, link)
            children[child.name] = leaf.path, child
    own = ("id",) if key is not None else None
    by_name: dict[str, list[_Leaf]] = {}
    for leaf in leaves:
        if not pa.types.is_list(leaf.field.type):
            by_name.setdefault(key if key and leaf.path == own else leaf.tidy, []).append(leaf)
    numbers = {column.name for column in extra} | {key for key in keys if _is_number(key)}
    taken = {*keys, *numbers, *by_name}

    def column(name: str, first: _Leaf, *others: _Leaf, differing: str = "") -> Column:
        taken.add(name)
        twins = []
        for other in others:
            field = "_".join(other.path[:-1] or other.path)
            twins.append(Twin(free_name(differing or f"{name}{FROM}{field}", taken), other.path))
            taken.add(twins[-1].name)
        group = (first, *others)
        targets = (refers if leaf.path == own else _refers(record, leaf.path) for leaf in group)
        remarks = ((leaf.field.metadata or {}).get(PERSONAL, b"").decode() for leaf in group)
        target, personal = next(filter(None, targets), None), next(filter(None, remarks), None)
        return Column(name, first.path, first.field.type, first.declared, target, personal, tuple(twins))

    columns: list[Column] = []
    echoes: list[tuple[str, Column]] = []
    for wanted, found in by_name.items():
        group = sorted(found, key=lambda leaf: leaf.rank)
        role = f"{entity}_{wanted}"
        if wanted in numbers:
            columns.append(column(free_name(role, taken), *group))
        elif wanted in keys:  # the record's own student beside the one that was asked by: named by its role
            names = (f"own_{wanted}" if leaf.path == own else role for leaf in group)
            echoes += [(wanted, column(free_name(name, taken), leaf)) for name, leaf in zip(names, group, strict=True)]
        elif group[0].path != own:
            columns.append(column(wanted, *group))
        elif any(len(leaf.path) > 1 for leaf in group):  # a record inside a record of its own kind is another one
            columns += [column(wanted, group[0]), column(free_name(role, taken), *group[1:])]
        else:
            columns.append(column(wanted, *group, differing=role))
    # A record's own id comes first, beside the keys.
    place = {leaf.path: number for number, leaf in enumerate(leaves)}
    columns.sort(key=lambda column: place[column.path])
    columns = sorted([*columns, *extra], key=lambda column: (column.name != key, not column.declared))
    in_order = {path: (path, child) for path, child in children.values()}
    ordered = tuple(in_order[leaf.path] for leaf in leaves if leaf.path in in_order)
    return TableLayout(name, keys, tuple(columns), ordered, link, tuple(echoes))


def _is_number(key: str) -> bool:
    """Whether a key column is our own numbering; a field with its name is then something else."""
    return key == ROW or key.endswith(POSITION)


def _child(name: str, entity: str, leaf: _Leaf, link: tuple[str, ...]) -> TableLayout:
    field, last = leaf.field, tidy_name(leaf.path[-1])
    if name in CATALOGUE:  # a contact's list of students, and the operation contact_students
        name = f"{name}_nested"
    keys = (*link, POSITION)
    below = (*link, f"{last}_{POSITION}")
    item = field.type.value_type
    if not pa.types.is_struct(item):
        item = pa.struct([pa.field(VALUE, item, metadata=field.metadata)])
        return _table(name, item, None, keys, below)
    refers = (field.metadata or {}).get(REFERS, b"").decode() or None
    role = f"{singular(last)}_id"
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


def _leaves(record: pa.StructType, path: Path = (), declared: bool = True) -> Iterator[_Leaf]:
    for field in record:
        here = (*path, field.name)
        known = declared and UNDECLARED not in (field.metadata or {})
        if pa.types.is_struct(field.type):
            yield from _leaves(field.type, here, known)
        else:
            yield _Leaf(here, field, known)


def _refers(record: pa.StructType, path: Path) -> str | None:
    """The key that a nested ``id`` refers to, as declared with the object around it."""
    if len(path) < 2 or path[-1] != "id":
        return None
    field = record.field(path[0])
    for name in path[1:-1]:
        field = field.type.field(name)
    return (field.metadata or {}).get(REFERS, b"").decode() or None
