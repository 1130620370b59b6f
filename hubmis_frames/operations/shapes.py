"""Words to declare what a response holds, as Arrow types; nothing here knows an operation.

A record is a struct. Arrow types carry no remarks but fields do, so what is known of a field travels
in its metadata: the key that an object or a list of objects refers to under ``REFERS``, and the kind
of personal data that a text is under ``PERSONAL``.
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
# On the items of a list that stands for an object whose names are data: each becomes a row with its name in "key".
MAP = b"map"


class Annotated(NamedTuple):
    """The type of a field, with the key column that its ``id`` is a value of, or the personal data that it is."""

    type: pa.DataType
    refers: str | None = None
    personal: str | None = None


Shape: TypeAlias = pa.DataType | Annotated

NAME = Annotated(TEXT, personal="name")
CONTACT = Annotated(TEXT, personal="contact details")
EXTERNAL = Annotated(TEXT, personal="reference")  # by which another system knows the person
PICTURE = Annotated(TEXT, personal="picture")
NOTE = Annotated(TEXT, personal="free text")
BIRTH = Annotated(DATE, personal="birth")
LOGIN = Annotated(INSTANT, personal="login")  # to the second: another system's log tells whose it is


def record(**fields: Shape) -> pa.StructType:
    """The struct of one record, its fields in the order given."""
    return pa.struct([_field(name, shape) for name, shape in fields.items()])


def extended(base: pa.StructType, **fields: Shape) -> pa.StructType:
    """A record with further fields after its own."""
    return pa.struct([*base, *record(**fields)])


def struct_of(refers: str | None = None, /, **fields: Shape) -> Annotated:
    """A nested object. ``refers`` is the key of the table it points at; ``{id, name}`` unless said."""
    return Annotated(record(**(fields or {"id": ID, "name": NAME if refers in PEOPLE_KEYS else TEXT})), refers)


def list_of(refers: str | None = None, /, **fields: Shape) -> Annotated:
    """A nested list of objects, a child table. ``refers`` names its ``id``; ``{id, name}`` unless said."""
    return Annotated(pa.list_(struct_of(refers, **fields).type), refers)


def refers(field: pa.Field) -> str | None:
    """The key column that a field's ``id`` is a value of, as declared."""
    found = (field.metadata or {}).get(REFERS)
    return found.decode() if found else None


def _field(name: str, shape: Shape) -> pa.Field:
    if not isinstance(shape, Annotated):
        return pa.field(name, shape)
    remarks = {key: value.encode() for key, value in ((REFERS, shape.refers), (PERSONAL, shape.personal)) if value}
    return pa.field(name, shape.type, metadata=remarks or None)


PERSON: dict[str, Shape] = {"id": ID, "first_name": NAME, "last_name": NAME}
"""What stands for a person inside another record: inferred, as the document collapses all of them."""

IMAGE: dict[str, Shape] = {"url": PICTURE}
"""What an image holds: inferred."""

NAMED = record(id=ID, name=TEXT)
"""An entry of a list that the school picks from: inferred."""
