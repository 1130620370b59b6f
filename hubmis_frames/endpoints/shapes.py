"""Words to declare what a response holds, as Arrow types; nothing here knows an operation.

A record is a struct. Arrow types carry no remarks but fields do, so the key that an object or
a list of objects refers to travels in the field's metadata under ``REFERS``.
"""

from typing import NamedTuple, TypeAlias

import pyarrow as pa

ID = pa.int64()
WHOLE = pa.int64()
NUMBER = pa.float64()
TEXT = pa.string()
FLAG = pa.bool_()
DATE = pa.date32()
TIME = pa.time64("us")
INSTANT = pa.timestamp("us", tz="UTC")

REFERS = b"refers"
# On the items of a list that stands for an object whose names are data: each becomes a row with its name in "key".
MAP = b"map"


class Nested(NamedTuple):
    """The type of a field together with the key column that its ``id`` is a value of."""

    type: pa.DataType
    refers: str | None


Shape: TypeAlias = pa.DataType | Nested


def record(**fields: Shape) -> pa.StructType:
    """The struct of one record, its fields in the order given."""
    return pa.struct([_field(name, shape) for name, shape in fields.items()])


def extended(base: pa.StructType, **fields: Shape) -> pa.StructType:
    """A record with further fields after its own."""
    return pa.struct([*base, *record(**fields)])


def one(refers: str | None = None, /, **fields: Shape) -> Nested:
    """A nested object. ``refers`` is the key of the table it points at; ``{id, name}`` unless said."""
    return Nested(record(**(fields or {"id": ID, "name": TEXT})), refers)


def many(refers: str | None = None, /, **fields: Shape) -> Nested:
    """A nested list of objects, a child table. ``refers`` names its ``id``; ``{id, name}`` unless said."""
    return Nested(pa.list_(one(refers, **fields).type), refers)


def values(scalar: pa.DataType = TEXT) -> pa.DataType:
    """A nested list of scalars, a child table with the column ``value``."""
    return pa.list_(scalar)


def refers(field: pa.Field) -> str | None:
    """The key column that a field's ``id`` is a value of, as declared."""
    found = (field.metadata or {}).get(REFERS)
    return found.decode() if found else None


def _field(name: str, shape: Shape) -> pa.Field:
    if isinstance(shape, Nested):
        remarks = {REFERS: shape.refers.encode()} if shape.refers else None
        return pa.field(name, shape.type, metadata=remarks)
    return pa.field(name, shape)


PERSON: dict[str, Shape] = {"id": ID, "first_name": TEXT, "last_name": TEXT}
"""What stands for a person inside another record: inferred, as the document collapses all of them."""

IMAGE: dict[str, Shape] = {"url": TEXT}
"""What an image holds: inferred."""

NAMED = record(id=ID, name=TEXT)
"""An entry of a list that the school picks from: inferred."""
