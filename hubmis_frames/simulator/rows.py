"""What a thing of the school is inside the simulator: a dict, and the ways to number and seed such things."""

import random
import zlib
from collections.abc import Iterable
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
"""One thing: its scalars, the ids of other things and lists of such ids, by field name."""
Rows: TypeAlias = dict[int, Row]
"""The things of one kind by id."""


def digest(*parts: object) -> int:
    """Return a number below 2**32 that depends on the parts alone, in every process alike."""
    return zlib.crc32("\x1f".join(map(str, parts)).encode())


def ids(kind: str, count: int) -> list[int]:
    """Return ids as a database gives them: rising, with gaps, and elsewhere for each kind of thing."""
    rng = random.Random(f"ids of {kind}")
    number = rng.randrange(11, 160)
    found = []
    for _ in range(count):
        number += rng.choice((1, 1, 1, 2, 3))
        found.append(number)
    return found


def numbered(kind: str, things: Iterable[Row]) -> Rows:
    """Give the things ids of their kind and return them by id."""
    listed = list(things)
    return {number: {"id": number, **thing} for number, thing in zip(ids(kind, len(listed)), listed, strict=True)}
