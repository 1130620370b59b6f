"""What the declarations hand to the transport: a GET request, already checked, and how its list is paged."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Pairs = tuple[tuple[str, str], ...]

REALM = "{realm}"
"""Marks a header of the vendor's file that takes the realm; the connection fills in the realm."""

Scopes = tuple[tuple[str, ...], ...]
"""The OAuth scopes that an operation takes: one of these sets, the whole of it. Empty if they are not known."""


class Request(NamedTuple):
    """One GET request. ``ids`` are the values of its path parameters, which become columns."""

    path: str
    query: Pairs = ()
    headers: Pairs = ()
    ids: tuple[int | str, ...] = ()
    scopes: Scopes = ()
    hint: str = ""
    """How to ask so that fewer scopes are enough, as a sentence."""


def listed(names: Iterable[str]) -> str:
    """``a, b and c``."""
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last


def scopes_in_words(scopes: Scopes) -> str:
    """``a and b, or c``; empty if no scopes are known."""
    return ", or ".join(map(listed, scopes))


class Paging(NamedTuple):
    """How an operation is asked for its pages."""

    number: str = "page[number]"
    """The parameter that moves on to the next page; empty if there is none."""
    size: str = "page[size]"
    """The parameter for the size of a page; empty if the server decides it."""
    most: int = 500
    """The largest page to ask for. Fewer and larger pages cost fewer requests; a server that gives less is noticed."""
    first: int | None = None
    """The number of the first page, or of the first row, where it is known."""
    style: Literal["number", "offset", "cursor", "first"] = "number"
    """What ``number`` holds: the number of a page, the rows to skip, or what the last answer says of the next page.
    ``first``: a page size can be set, but there is no parameter for the second page."""
    next_at: str = ""
    """Where the file says that an answer holds the address or the cursor of the next page: names joined by ``/``."""
    assumed: bool = False
    """Whether the vendor's file does not say that the list is paged, so that all of this is our own assumption."""


class Envelope(NamedTuple):
    """What an answer says of the list that it is a page of."""

    next: str = ""
    """The address or the cursor of the next page."""
    goes_on: bool = False
    """Whether it says that there is a further page."""
    ends: bool = False
    """Whether it says that there is no further page."""
    total: int | None = None
    """The number of rows in the list."""
    pages: int | None = None
    """The number of pages of the list."""
