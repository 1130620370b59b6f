"""The vocabulary to declare a record as an Arrow type. Nothing here knows an operation.

A record is a struct. Arrow types have no metadata but fields do. ``REFERS`` there is the key that an object or a list
of objects refers to, and ``PERSONAL`` the kind of personal data that a field holds.
"""

from typing import NamedTuple, TypeAlias

import pyarrow as pa

ID = pa.int64()
WHOLE = pa.int64()
NUMBER = pa.float64()
TEXT = pa.string()
BOOL = pa.bool_()
DATE = pa.date32()
TIME = pa.time64("us")
INSTANT = pa.timestamp("us", tz="UTC")

REFERS = b"refers"
PERSONAL = b"personal"
PEOPLE_KEYS = ("student_id", "staff_id", "contact_id")
# Marks the items of a list that is sent as an object whose names are data. Each becomes a row with its name in "key".
MAP = b"map"
# Marks the "id" of an object in whose place the id alone may stand.
BARE = b"bare"
# Marks an id that is a whole number or text: the values tell which.
TEXT_TOO = b"text too"


class Annotated(NamedTuple):
    """The type of a field, with the key that its ``id`` refers to, or the kind of personal data that it holds."""

    type: pa.DataType
    refers: str | None = None
    personal: str | None = None


Shape: TypeAlias = pa.DataType | Annotated

NAME = Annotated(TEXT, personal="name")
CONTACT = Annotated(TEXT, personal="contact details")
EXTERNAL = Annotated(TEXT, personal="reference")  # the person's id in another system
PICTURE = Annotated(TEXT, personal="picture")
NOTE = Annotated(TEXT, personal="free text")
BIRTH = Annotated(DATE, personal="birth")
LOGIN = Annotated(INSTANT, personal="login")  # exact enough to find the person in another system's log


def record(**fields: Shape) -> pa.StructType:
    """The struct of one record, with its fields in this order."""
    return pa.struct([_field(name, shape) for name, shape in fields.items()])


def extended(base: pa.StructType, **fields: Shape) -> pa.StructType:
    """A record with further fields after its own."""
    return pa.struct([*base, *record(**fields)])


def struct_of(refers: str | None = None, /, **fields: Shape) -> Annotated:
    """A nested object, ``{id, name}`` by default. ``refers`` is the key that its ``id`` refers to."""
    return Annotated(record(**(fields or {"id": ID, "name": NAME if refers in PEOPLE_KEYS else TEXT})), refers)


def list_of(refers: str | None = None, /, **fields: Shape) -> Annotated:
    """A nested list of objects, which becomes a child table. ``refers`` is the key that their ``id`` refers to."""
    return Annotated(pa.list_(struct_of(refers, **fields).type), refers)


def refers(field: pa.Field) -> str | None:
    """The key that a field's ``id`` refers to, as declared."""
    key = (field.metadata or {}).get(REFERS)
    return key.decode() if key else None


def _field(name: str, shape: Shape) -> pa.Field:
    if not isinstance(shape, Annotated):
        return pa.field(name, shape)
    remarks = {key: value.encode() for key, value in ((REFERS, shape.refers), (PERSONAL, shape.personal)) if value}
    return pa.field(name, shape.type, metadata=remarks or None)


PERSON: dict[str, Shape] = {"id": ID, "first_name": NAME, "last_name": NAME}
"""A person inside another record. Inferred, because the document does not show these fields."""

IMAGE: dict[str, Shape] = {"url": PICTURE}
"""An image. Inferred."""

NAMED = record(id=ID, name=TEXT)
"""An entry of a list that the school picks from. Inferred."""
