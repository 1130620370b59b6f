"""What crosses from the declarations to HTTP: a GET request, already checked, and how its pages are asked for."""

from typing import NamedTuple

Pairs = tuple[tuple[str, str], ...]


class Request(NamedTuple):
    """One GET request. ``ids`` are the values of its path parameters, which become columns."""

    path: str
    query: Pairs = ()
    headers: Pairs = ()
    ids: tuple[int | str, ...] = ()


class Paging(NamedTuple):
    """How an operation takes its pages."""

    number: str = "page[number]"
    size: str = "page[size]"
    most: int = 500
    """The largest page to ask for: a request is the dearest thing, and a server that gives less is noticed."""
    first: int | None = None
    """The number of the first page, where it is known."""
