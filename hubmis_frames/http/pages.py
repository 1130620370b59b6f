"""Reading a paged list to its end from a server that states no total, no page size and no first number."""

from collections.abc import Callable
from typing import NamedTuple

import orjson

from ..errors import NotCachedError, NotFoundError, PayloadError, RefusedError, UnreachableError
from ..request import Paging, Request
from .session import Answer, Session
from .wire import parse

MOST_PAGES = 5000

Rows = Callable[[object], list[object]]
Get = Callable[[Request, bool], Answer]


class Pages(NamedTuple):
    """The pages of one list, in order."""

    answers: list[Answer]
    asked: int
    cached: int


def read_pages(
    session: Session, request: Request, paging: Paging, get: Get, rows_of: Rows, refresh: bool = False
) -> Pages:
    """Read pages, each with ``get``, until the end is certain.

    A page shorter than asked for may be the last or a server's cap. It is taken as the last only if
    an earlier page, which another followed, was longer; else the next one is asked for. A page that
    brings nothing new means that the server ignores paging.

    Raises
    ------
    PayloadError
        The list does not end.
    HubmisError
        As :meth:`Session.get`.
    """
    read: dict[int, tuple[Answer, list[object]]] = {}

    def page(number: int) -> list[object]:
        if number not in read:
            # Pages of different ages do not fit together: once one is new, those after it must be.
            fresh = refresh or any(not answer.cached for answer, _ in read.values())
            answer = get(numbered(request, paging, number), fresh)
            read[number] = answer, rows_of(parse(answer.body, request.path))
        return read[number][1]

    number = paging.first if paging.first is not None else first_number(session, page)
    answers: list[Answer] = []
    seen: set[bytes] = set()
    proven = previous = 0
    while rows := page(number):
        prints = {orjson.dumps(row) for row in rows}
        if prints <= seen:
            break
        seen |= prints
        answers.append(read[number][0])
        proven = max(proven, previous)
        if len(rows) < proven:
            break
        previous = len(rows)
        number += 1
        if len(answers) > MOST_PAGES:
            raise PayloadError(f"The list at {request.path} did not end after {MOST_PAGES} pages.")
    # An empty list is an answer too: it says when it was asked.
    asked = [answer for answer, _ in read.values()]
    return Pages(answers or [read[number][0]], len(asked), sum(answer.cached for answer in asked))


def first_number(session: Session, page: Callable[[int], list[object]]) -> int:
    """Find the number of the first page, which the document does not say; a server shows it only once."""
    if (known := session.first_page) is not None:
        return known
    one = page(1)
    try:
        zero = page(0)
    except (RefusedError, NotFoundError):
        zero = []
    except (NotCachedError, UnreachableError):
        return 1  # nothing was learnt
    first = 0 if zero and zero != one else 1
    if (zero or one) and not session.offline:
        session.first_page = first
    return first


def numbered(request: Request, paging: Paging, number: int) -> Request:
    """The request for one page."""
    return request._replace(query=(*request.query, (paging.number, str(number)), (paging.size, str(paging.most))))
