"""Rows, the simulator's form of everything in a school, and functions that give them ids and seeds."""

import random
import zlib
from collections.abc import Iterable
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
"""One row: scalars, ids of other rows and lists of such ids, by field name."""
RowsById: TypeAlias = dict[int, Row]
"""The rows of one kind by id."""


def digest(*parts: object) -> int:
    """Return a number below 2**32 that depends only on the parts, and is the same in every process."""
    return zlib.crc32("\x1f".join(map(str, parts)).encode())


def ids(kind: str, count: int) -> list[int]:
    """Return ids like those of a database: rising, with gaps, and from another start for each kind."""
    rng = random.Random(f"ids of {kind}")
    number = rng.randrange(11, 160)
    numbers = []
    for _ in range(count):
        number += rng.choice((1, 1, 1, 2, 3))
        numbers.append(number)
    return numbers


def numbered(kind: str, rows: Iterable[Row]) -> RowsById:
    """Give the rows ids of their kind and return them by id."""
    listed = list(rows)
    return {number: {"id": number, **row} for number, row in zip(ids(kind, len(listed)), listed, strict=True)}
