"""Reading a paged list to its end from a server that states no total, no page size and no first number.

A list ends with an answer that holds no row, or none that is new. Nothing else shows an end: a page that is refused
is asked for once more, and then the list counts as incomplete, which is an error.
"""

import hashlib
import json
import math
from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import orjson

from ..errors import (
    HubmisError,
    NotCachedError,
    NotFoundError,
    NotPermittedError,
    PayloadError,
    RefusedError,
    ServerFaultError,
    SpecError,
    UnreachableError,
)
from ..request import FOLLOWED, Paging, Request
from .body import parse
from .server_facts import EVIDENCE, FIRST_PAGE, PAGE_SIZE
from .session import Answer, Reading, Session

MOST_PAGES = 5000
SMALLER_PAGE = 100
_LARGE = 20
"""Rows from which on a page is too large to be downloaded twice, or to agree with another by chance."""
SAME_AGE = timedelta(minutes=15)
NOT_A_PAGE = (NotFoundError, NotPermittedError, PayloadError, RefusedError)
"""Errors after which the session has not asked again itself."""


class Pages(NamedTuple):
    """The pages of one list, in order."""

    answers: list[Answer]
    asked: int
    cached: int
    overlap: bool = False
    """Whether two of them contain the same row or the same id."""


def read_pages(
    session: Session, request: Request, paging: Paging | None, reading: Reading
) -> Generator[Answer, None, Pages]:
    """Read the pages of a list until one holds nothing new; yield each as it comes, and return all.

    A short page proves nothing: it may be a server's cap, or hold rows that were taken out after paging. Where rows
    came twice, or some pages are much older than others, rows may have moved from one page to another meanwhile. Such
    a list is read a second time.

    A row that moves to an earlier page because others are deleted meanwhile is missed: no answer shows that.

    Raises
    ------
    UnreachableError
        The list is incomplete: HUBmis refused one of its pages twice, or changed the order of its rows.
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
    paged_list = _PagedList(session, request, paging, reading)
    pages = yield from paged_list.read()
    moved = paged_list.reordered or (pages.cached < pages.asked and (pages.overlap or paged_list.ages_differ))
    if moved and not (session.offline or reading.only_cached):
        paged_list = _PagedList(session, request, paging, replace(reading, refresh=True))
        second = yield from paged_list.read()
        pages = second._replace(asked=pages.asked + second.asked, cached=pages.cached + second.cached)
    if paged_list.reordered:
        raise UnreachableError(
            f"The list at {request.path} is incomplete: HUBmis changed the order of its rows between pages, so some "
            "came twice and others may be missing. Nothing of it is used. Try again later; where the loader has "
            "sort=, sort by a column in which no two rows are equal."
        )
    return pages


class _PagedList:
    """Reads one list once."""

    def __init__(self, session: Session, request: Request, paging: Paging, reading: Reading) -> None:
        self._session = session
        self._facts = session.server_facts
        self._request = request
        self._paging = paging
        self._reading = reading
        # A list that is refreshed is not read by what was learnt before.
        self._since = reading.began if reading.refresh else -math.inf
        self._size = min(paging.most, self._fact(PAGE_SIZE, any_age=session.offline) or paging.most)
        self._read: dict[int, tuple[Answer, list[object]]] = {}
        self._answers: list[Answer] = []
        self._gives_empty_pages = False
        self._paging_ignored = False
        self.reordered = False
        """Whether rows came twice in a way that rows which were added meanwhile do not explain."""

    @property
    def ages_differ(self) -> bool:
        """Whether pages were fetched so far apart that rows may have moved between them."""
        ages = [answer.fetched_at for answer in self._answers]
        return bool(ages) and max(ages) - min(ages) > SAME_AGE

    def read(self) -> Generator[Answer, None, Pages]:
        """Read the pages; yield each as it comes, and return all."""
        first = number = self._first_number()
        yield from self._answers
        kept: list[Answer] = []
        seen: set[bytes] = set()
        overlap = False
        previous: list[bytes] = []
        while rows := self._further(number):
            prints = [_print(row) for row in rows]
            ids = {_id(row) for row in rows}
            new = not ids <= seen
            if not new and (number, first) == (1, 0):
                # The first page is 1 after all, and the server gives it as page 0 too.
                self._facts.forget(FIRST_PAGE, self._request.path)
            elif not new and self._repeats_for_ever(seen):
                break
            else:
                overlap = overlap or not seen.isdisjoint(ids)
                self.reordered = self.reordered or _is_reordered(previous, prints, seen)
            if new or not seen.issuperset(prints):
                kept.append(self._read[number][0])
                yield kept[-1]
            if self._paging_ignored:
                break
            seen.update(prints, ids)
            previous = prints
            self._read[number] = self._read[number][0], []  # the rows are not looked at again, and are many
            number += 1
            if number > MOST_PAGES:
                raise PayloadError(f"The list at {self._request.path} did not end after {MOST_PAGES} pages.")
        # An empty list is an answer too: it says when it was asked.
        cached = sum(answer.cached for answer in self._answers)
        return Pages(kept or [self._read[number][0]], len(self._answers), cached, overlap)

    def _ask(self, number: int, size: int) -> tuple[Answer, list[object]]:
        # Pages of different ages do not fit together: once one is new, those after it must be.
        fresh = self._reading.refresh or any(not answer.cached for answer in self._answers)
        answer = self._session.get(
            numbered(self._request, self._paging, number, size), replace(self._reading, refresh=fresh)
        )
        self._answers.append(answer)
        return answer, self._reading.rows(parse(answer.body, self._request.path))

    def _page(self, number: int) -> list[object]:
        if number not in self._read:
            self._read[number] = self._ask(number, self._size)
        return self._read[number][1]

    def _further(self, number: int) -> list[object]:
        """Read a page of a list that is known to be there: a refusal is not its end."""
        try:
            return self._page(number)
        except NOT_A_PAGE:
            try:
                return self._page(number)
            except NOT_A_PAGE as error:
                raise self._incomplete(number, error) from None

    def _incomplete(self, number: int, error: HubmisError) -> HubmisError:
        if isinstance(error, PayloadError | UnreachableError):
            return error
        status = 403 if isinstance(error, NotPermittedError) else getattr(error, "status", 0)
        # Not the error itself: the list is permitted and there, and what an earlier export wrote should stay.
        return UnreachableError(
            f"The list at {self._request.path} is incomplete: HUBmis answered twice with status {status} when asked "
            f"for page {number}. Only an answer without new rows shows that a list ends, so nothing of it is used. "
            "What was fetched is kept in the cache: try again later. If it happens again, tell the vendor."
        )

    def _fact(self, name: str, *, any_age: bool = False) -> int | None:
        return self._facts.get(name, self._request.path, since=self._since, any_age=any_age)

    def _learn(self, name: str, value: int, evidence: int) -> None:
        if not self._session.offline and not all(answer.cached for answer in self._answers):
            self._facts.learn(name, self._request.path, value, evidence)

    # --- the first page

    def _first_number(self) -> int:
        """Find the number of the first page, which the document does not say, and read that page."""
        if self._paging.first is not None:
            self._page(self._paging.first)
            return self._paging.first
        if self._fact(FIRST_PAGE, any_age=True) == 0 and self._begins_at_zero():
            return 0
        one = self._page_one()
        cached = self._read[1][0].cached
        if self._fact(FIRST_PAGE, any_age=cached) == 1:
            return 1
        if self._is_first(one):
            if not self._paging_ignored:
                self._learn(FIRST_PAGE, 1, EVIDENCE)
            return 1
        zero = self._page_zero(one)
        ids, ids_of_zero = {_id(row) for row in one}, {_id(row) for row in zero or ()}
        if not ids_of_zero or ids_of_zero == ids:
            if zero is not None:
                self._learn(FIRST_PAGE, 1, len(ids))
            return 1
        if ids.isdisjoint(ids_of_zero):
            self._learn(FIRST_PAGE, 0, len(ids_of_zero))
        # Nothing is lost whichever is the first page. Page 1 is read again, as rows may have moved to it meanwhile.
        del self._read[1]
        return 0

    def _begins_at_zero(self) -> bool:
        try:
            rows = self._page(0)
        except (*NOT_A_PAGE, ServerFaultError):
            rows = []
        if rows or (0 in self._read and self._fact(FIRST_PAGE) == 0):
            return True
        self._facts.forget(FIRST_PAGE, self._request.path)
        return False

    def _page_one(self) -> list[object]:
        """Read page 1, in a size that the server permits."""
        try:
            return self._page(1)
        except RefusedError as error:
            if error.status not in (400, 413, 422) or self._size <= SMALLER_PAGE:
                raise
        larger, self._size = self._size, SMALLER_PAGE
        self._page(1)  # refused as well, it was not the size
        try:
            self._read[1] = self._ask(1, larger)
        except RefusedError:
            self._facts.learn(PAGE_SIZE, self._request.path, SMALLER_PAGE)
        else:
            self._size = larger
        return self._read[1][1]

    def _is_first(self, one: list[object]) -> bool:
        """Whether a small page 1 shows that nothing comes before the large one: both begin with the same rows.

        It is no larger than that to save bytes. Were page 0 the first, both would begin further on, at rows far apart.
        """
        if len(one) < _LARGE:
            return False
        try:
            rows = self._ask(1, EVIDENCE)[1]
        except (*NOT_A_PAGE, ServerFaultError, NotCachedError):
            return False
        ids = [_id(row) for row in one]
        if len(rows) > EVIDENCE:  # the server chooses the size itself; perhaps it gives the whole list to any request
            self._paging_ignored = {_id(row) for row in rows} == set(ids) and self._repeats_for_ever(set(ids))
            return self._paging_ignored
        return [_id(row) for row in rows] == ids[:EVIDENCE]

    def _page_zero(self, one: list[object]) -> list[object] | None:
        """Read page 0; ``None`` where it was refused, and page 1 is the first."""
        try:
            return self._page(0)
        except ServerFaultError as error:
            refusal: HubmisError = error  # which was asked for several times
        except NOT_A_PAGE:
            try:
                return self._page(0)
            except NOT_A_PAGE as error:
                refusal = error
        # Page 0 may be refused because it is not there, or be the first one and in trouble. A page 1 of one row tells:
        # it begins where the larger page 1 begins only if nothing comes before both.
        try:
            rows = self._ask(1, 1)[1]
        except RefusedError:
            rows = one
        if len(rows) > 1 or rows is one:  # the server chooses the size itself, so this tells nothing
            if not isinstance(refusal, NotFoundError | RefusedError):
                raise self._incomplete(0, refusal)
        elif not {_id(row) for row in rows} <= {_id(row) for row in one} or (len(one) == 1 and self._further(2)):
            raise self._incomplete(0, refusal)
        elif len(one) > 1:
            self._learn(FIRST_PAGE, 1, len(one) * EVIDENCE)
        return None

    def _repeats_for_ever(self, seen: set[bytes]) -> bool:
        """Whether a page that brings nothing new is the end: the server gives rows however far one asks.

        Else rows were added before those of the last page, and further pages may be new.
        """
        if self._gives_empty_pages:
            return False
        try:
            rows = self._ask(MOST_PAGES + 1, self._size)[1]
        except NOT_A_PAGE:
            rows = []
        self._gives_empty_pages = not rows
        return bool(rows) and {_id(row) for row in rows} <= seen


def _is_reordered(previous: list[bytes], page: list[bytes], seen: set[bytes]) -> bool:
    """Whether a page repeats rows in another way than after rows were added before them.

    It then begins with the last rows of the page before it. In pages of a few rows, that may be chance.
    """
    repeated = [row for row in page if row in seen]
    by_chance = len(previous) < _LARGE
    return bool(repeated) and (by_chance or not page[: len(repeated)] == repeated == previous[-len(repeated) :])


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
