"""What crosses from the declarations to HTTP: one GET request, already checked."""

from typing import NamedTuple

Pairs = tuple[tuple[str, str], ...]


class Request(NamedTuple):
    """One GET request. ``ids`` are the values of its path parameters, which become columns."""

    path: str
    query: Pairs = ()
    headers: Pairs = ()
    ids: tuple[int | str, ...] = ()
