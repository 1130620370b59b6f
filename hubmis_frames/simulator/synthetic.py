"""Synthetic rows and values for tables and fields that the simulated school lacks, so that all can be served.

A value depends only on the kind of row, its id and the name of the field.
"""

from datetime import date, timedelta

import pyarrow as pa

from .calendar import ACTIVE, YEARS
from .rows import Row, RowsById, digest, numbered

_NAMES = ("id", "name", "code", "first_name", "last_name", "description", "type", "value")
ALWAYS = frozenset({*_NAMES, "date", "date_time", "position", "status"})
"""Fields that are never null."""
TEXTS = {
    "email": "office{0}@mail.example",
    "phone": "07700900{0:03}",  # numbers that Ofcom reserves for drama
    "telephone": "01632960{0:03}",
    "number": "07700900{0:03}",
    "extension": "{0:03}",
    "postcode": "ZZ{0:02} 9ZZ",
    "url": "https://school.example/{0}",
    "address": "{0} Millstone Lane, Marlmouth",
    "colour": "aqua",
    "color": "aqua",
    "uuid": "00000000-0000-4000-8000-{0:012}",
    "timezone": "Europe/London",
    "status": "active",
    "first_name": "Robin",
    "last_name": "Fenwick-{0}",
}
"""The text of a field, by the ending of its name."""


def rows(kind: str, count: int, parents: list[Row]) -> RowsById:
    """Return ``count`` rows of a kind, or some rows for each parent if there are parents.

    A parent is the part of a row that names the row to which it belongs.
    """
    owners: list[Row] = [{} for _ in range(count)]
    if parents:  # a few parents, such as years, have several rows each; of many, such as students, some have none
        least = 0 if len(parents) > 3 else 3
        owners = [parent for parent in parents for _ in range(least + digest(kind, *parent.values()) % 4)]
    label = kind.replace("_", " ").capitalize()
    return numbered(
        kind,
        (
            {"name": f"{label} {position}", "code": f"{label[:2].upper()}{position}", "position": position, **owner}
            for position, owner in enumerate(owners, start=1)
        ),
    )


def is_null(kind: str, number: int, name: str) -> bool:
    """Whether a synthetic field is null in this row."""
    return name not in ALWAYS and digest(kind, number, name, "null") % 7 == 0


def scalar(kind: str, number: int, name: str, arrow_type: pa.DataType) -> str | int | float | bool:
    """Return a value of the type that suits the name of the field."""
    seed = digest(kind, number, name)
    if pa.types.is_boolean(arrow_type):
        return seed % 3 != 0
    if pa.types.is_integer(arrow_type):
        return seed % 40 + 1
    if pa.types.is_floating(arrow_type):
        return (seed % 400) / 4
    if pa.types.is_date(arrow_type):
        return str(_day(seed, name))
    if pa.types.is_timestamp(arrow_type):
        return f"{_day(seed, name)}T{seed % 9 + 8:02}:{seed % 60:02}:00Z"
    if pa.types.is_time(arrow_type):
        return f"{seed % 3 + (14 if name.endswith(('to', 'end')) else 8):02}:{seed % 4 * 15:02}:00"
    return _text(seed, kind.split()[-1].removesuffix("s") if name in ("name", "value") else name)


def _day(seed: int, name: str) -> date:
    year = YEARS[ACTIVE]
    if "birth" in name:
        return date(1960, 1, 1) + timedelta(seed % 13000)
    if "start" in name or name.endswith("from"):
        return year.start + timedelta(seed % 20)
    if "end" in name or name.endswith("to"):
        return year.terms[-1][2] - timedelta(seed % 20)
    return year.start + timedelta(seed % 300)


def _text(seed: int, name: str) -> str:
    for ending, text in TEXTS.items():
        if name.endswith(ending):
            return text.format(seed % 90 + 10)
    return f"{name.replace('_', ' ').capitalize()} {seed % 90 + 10}"
