"""Reading a paged list to its end from a server that states no total, no page size and no first number."""

import hashlib
import json
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import NamedTuple

import orjson

from ..errors import (
    CacheError,
    CredentialsError,
    HubmisError,
    NotCachedError,
    NotFoundError,
    PayloadError,
    RateLimitError,
    RefusedError,
    ServerFaultError,
    SpecError,
    UnreachableError,
)
from ..request import FOLLOWED, Paging, Request
from .adapter import parse
from .rate_limit import StoppedError
from .session import Answer, Reading, Session

MOST_PAGES = 5000
MODEST = 100


class Pages(NamedTuple):
    """The pages of one list, in order."""

    answers: list[Answer]
    asked: int
    cached: int
    overlap: bool = False
    """Whether a row, or its id, stands on two of them."""


def read_pages(
    session: Session, request: Request, paging: Paging | None, reading: Reading
) -> Generator[Answer, None, Pages]:
    """Read pages until one is empty or brings nothing new; yield each as it comes, and return all.

    A short page proves nothing: it may be a server's cap, or hold rows that were taken out after paging.
    A page that brings nothing new means that the server ignores paging.

    Raises
    ------
    PayloadError
        The list does not end.
    SpecError
        The vendor's file pages the list in a way that cannot be followed.
    HubmisError
        As :meth:`Session.get`.
    """
    if paging is not None and paging.style not in FOLLOWED:
        raise SpecError(
            f"The OpenAPI file pages the list at {request.path} by {paging.number or paging.size}, which hubmis_frames "
            "cannot follow to its end. Its first page alone would look complete, so nothing was sent."
        )
    if paging is None:
        answer = session.get(request, reading)
        yield answer
        return Pages([answer], 1, int(answer.cached))
    read: dict[int, tuple[Answer, list[object]]] = {}
    size = min(paging.most, session.largest_page)

    def page(number: int) -> list[object]:
        if number not in read:
            # Pages of different ages do not fit together: once one is new, those after it must be.
            fresh = reading.refresh or any(not answer.cached for answer, _ in read.values())
            answer = session.get(numbered(request, paging, number, size), replace(reading, refresh=fresh))
            read[number] = answer, reading.rows(parse(answer.body, request.path))
        return read[number][1]

    try:
        number = paging.first if paging.first is not None else first_number(session, page)
        page(number)
    except RefusedError as error:
        if read or error.status not in (400, 413, 422) or size <= MODEST:
            raise
        session.largest_page = MODEST  # the server takes no page as large as that
        return (yield from read_pages(session, request, paging, reading))
    yield from (answer for answer, _ in read.values())
    answers: list[Answer] = []
    seen: set[bytes] = set()
    known = 0
    overlap = False
    while rows := _next(page, number, bool(answers)):
        prints = {_print(row) for row in rows}
        ids = {_id(row) for row in rows}
        if prints <= seen:
            break
        # Rows we have, but for something that changes with every answer, such as a signed address.
        known = known + 1 if ids <= seen else 0
        if known == 2:
            break
        overlap = overlap or not seen.isdisjoint(prints | ids)
        seen |= prints | ids
        answers.append(read[number][0])
        read[number] = answers[-1], []  # the rows are not looked at again, and are many
        number += 1
        if len(answers) > MOST_PAGES:
            raise PayloadError(f"The list at {request.path} did not end after {MOST_PAGES} pages.")
        yield answers[-1]
    asked = [answer for answer, _ in read.values()]
    # An empty list is an answer too: it says when it was asked.
    return Pages(answers or [read[number][0]], len(asked), sum(answer.cached for answer in asked), overlap)


def first_number(session: Session, page: Callable[[int], list[object]]) -> int:
    """Find the number of the first page, which the document does not say; a server shows it only once."""
    if (known := session.first_page) is not None:
        return known
    one = page(1)
    try:
        zero = page(0)
    except (CacheError, CredentialsError, RateLimitError, StoppedError):
        raise
    except (NotCachedError, UnreachableError) as error:
        if not isinstance(error, ServerFaultError):
            return 1  # nothing was learnt
        zero = []
    except HubmisError:
        zero = []
    first = 0 if zero and [_id(row) for row in zero] != [_id(row) for row in one] else 1
    if (zero or one) and not session.offline:
        session.first_page = first
    return first


def _next(page: Callable[[int], list[object]], number: int, further: bool) -> list[object]:
    """The rows of a page; none where the server says that there is no such page after one that was there."""
    try:
        return page(number)
    except (NotFoundError, RefusedError) as error:
        if further and error.status in (204, 404, 416, 422):
            return []
        raise


def _print(row: object) -> bytes:
    try:
        text = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a surrogate pair, or an integer of more than 64 bits
        text = json.dumps(row, sort_keys=True).encode()
    return hashlib.sha256(text).digest()


def _id(row: object) -> bytes:
    """What tells a row from others: its id, else all of it."""
    own = row.get("id") if isinstance(row, dict) else None
    return f"id {own}".encode() if isinstance(own, int | str) else _print(row)


def numbered(request: Request, paging: Paging, number: int, size: int) -> Request:
    """The request for one page."""
    sized = [(paging.size, str(size))] if paging.size else []
    return request._replace(query=(*request.query, (paging.number, str(number)), *sized))
