"""What all ways of reading a paged list share: asking for a page, and knowing whether all rows were had."""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple, TypeVar

import orjson

from ..errors import (
    HubmisError,
    NotFoundError,
    NotPermittedError,
    PayloadError,
    RefusedError,
    UnreachableError,
)
from ..request import Envelope, Paging, Pairs, Request
from .body import parse
from .server_facts import PAGE_SIZE
from .session import Answer, Reading, Session

T = TypeVar("T")
SMALLER_PAGE = 100
LARGE = 20
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
    missing: str = ""
    """Why rows are missing, or may be; empty if the list is whole."""


class Page(NamedTuple):
    """One answer, its rows, and what it says of the list."""

    answer: Answer
    rows: list[object]
    envelope: Envelope


class Count:
    """The rows of the pages so far, and whether they are as many as the server says."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        """The rows, and their ids."""
        self.pages = 0
        """Pages with rows."""
        self.overlap = False
        self.reordered = False
        """Whether rows came twice in a way that rows which were added meanwhile do not explain."""
        self._ids = 0
        self._prints = 0
        self._previous: list[bytes] = []
        self._sizes: list[int] = []
        self._totals: list[int] = []
        self._said = Envelope()

    def has_new_ids(self, page: Page) -> bool:
        """Whether a page holds a row that no page before it held."""
        return not self.seen.issuperset(id_of(row) for row in page.rows)

    def add(self, page: Page, *, again: bool = False) -> bool:
        """Count a page, which may be the same as another ``again``; return whether anything in it is new."""
        if not page.rows and self.pages:
            return False  # some servers forget the total there
        self._said = page.envelope
        if page.envelope.total is not None:
            self._totals.append(page.envelope.total)
            self._sizes.append(len(page.rows))
        prints, ids = [print_of(row) for row in page.rows], [id_of(row) for row in page.rows]
        if not again:
            self.overlap = self.overlap or not self.seen.isdisjoint(ids)
            self.reordered = self.reordered or _is_reordered(self._previous, prints, self.seen)
        # What stands twice in one page are two rows of the list; what comes again in a later page moved there.
        self._ids += sum(one not in self.seen for one in ids)
        self._prints += sum(one not in self.seen for one in prints)
        self.pages += not self.seen.issuperset(ids)
        new = not self.seen.issuperset((*ids, *prints))
        self.seen.update(prints, ids)
        self._previous = prints
        return new

    @property
    def total(self) -> int | None:
        """The number of rows that the server says the list has."""
        if not self._totals or (len(self._totals) > 1 and self._totals == self._sizes):
            return None  # it is the number of rows in each page
        return self._totals[-1]

    @property
    def shrank(self) -> bool:
        """Whether the list became shorter while it was read, so that a row may have moved past."""
        return self.total is not None and self._totals != sorted(self._totals)

    @property
    def agrees(self) -> bool | None:
        """Whether as many rows came as the server says; ``None`` if it does not say."""
        if self.total is None:
            return None
        # Rows that were added meanwhile may have come, or may stand in front of what was read.
        return not self.shrank and self._prints >= self._totals[0] and self._ids <= self._totals[-1]

    @property
    def is_whole(self) -> bool:
        """Whether the server's own word and the rows counted show that the list ends here."""
        said = self._said
        if not self.agrees or said.next or said.goes_on or (said.pages is not None and said.pages > max(self.pages, 1)):
            return False
        # In a list of one page, a total may be no more than the number of rows in the page.
        return self.pages > 1 or said.ends or said.pages is not None

    @property
    def says_end(self) -> bool:
        """Whether the last page said that it was the last, and nothing shows otherwise."""
        return self.pages > 0 and self._said.ends and not self.disagreement()

    def disagreement(self) -> str:
        """Say how what came differs from what the server says; empty if it does not."""
        if self.agrees is False:
            return f"HUBmis says that it has {self.total} rows, and {self._ids} came"
        if self.agrees is None and self._said.pages is not None and self.pages < self._said.pages:
            return f"HUBmis says that it has {self._said.pages} pages, and {self.pages} came"
        return ""


class ListReader:
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
        self._answers: list[Answer] = []
        self.count = Count()
        self.refused = False
        """Whether HUBmis refused a page of the list twice."""

    @property
    def cached(self) -> int:
        """How many answers came from the cache."""
        return sum(answer.cached for answer in self._answers)

    @property
    def ages_differ(self) -> bool:
        """Whether pages were fetched so far apart that rows may have moved between them."""
        ages = [answer.fetched_at for answer in self._answers]
        return bool(ages) and max(ages) - min(ages) > SAME_AGE

    def _get(self, further: Pairs) -> Page:
        """Ask for the page that some further parameters select."""
        # Pages of different ages do not fit together: once one is new, those after it must be.
        fresh = self._reading.refresh or any(not answer.cached for answer in self._answers)
        names = {name for name, _ in further}
        own = tuple(pair for pair in self._request.query if pair[0] not in names)
        request = self._request._replace(query=(*own, *further))
        return self._page_of(self._session.get(request, replace(self._reading, refresh=fresh)))

    def _page_of(self, answer: Answer) -> Page:
        self._answers.append(answer)
        value = parse(answer.body, self._request.path)
        envelope = self._reading.envelope(value)
        if answer.next and not envelope.next:
            envelope = envelope._replace(next=answer.next)
        return Page(answer, self._reading.rows(value), envelope)

    def _sized(self, size: int) -> Pairs:
        return ((self._paging.size, str(size)),) if self._paging.size else ()

    def _in_permitted_size(self, ask: Callable[[int], Page]) -> Page:
        """Ask for the first page, in a size that the server permits."""
        try:
            return ask(self._size)
        except RefusedError as error:
            if not self._paging.size or error.status not in (400, 413, 422) or self._size <= SMALLER_PAGE:
                raise
        larger, self._size = self._size, SMALLER_PAGE
        page = ask(self._size)  # refused as well, it was not the size
        try:
            page = ask(larger)
        except RefusedError:
            self._facts.learn(PAGE_SIZE, self._request.path, SMALLER_PAGE)
        else:
            self._size = larger
        return page

    def _further(self, ask: Callable[[], T], which: str) -> T:
        """Ask for a page of a list that is known to be there: a refusal is not its end."""
        try:
            return ask()
        except NOT_A_PAGE:
            try:
                return ask()
            except NOT_A_PAGE as error:
                raise self._incomplete(which, error) from None

    def _incomplete(self, which: str, error: HubmisError) -> HubmisError:
        self.refused = True
        if isinstance(error, PayloadError | UnreachableError):
            return error
        status = 403 if isinstance(error, NotPermittedError) else getattr(error, "status", 0)
        # Not the error itself: the list is permitted and there, and what an earlier export wrote should stay.
        return UnreachableError(
            f"The list at {self._request.path} is incomplete: HUBmis answered twice with status {status} when asked "
            f"for {which}. Only an answer without new rows shows that a list ends, so nothing of it is used. "
            "What was fetched is kept in the cache: try again later. If it happens again, tell the vendor."
        )

    def _may_miss(self, why: str) -> str:
        return f"The list at {self._request.path} may not be whole: {why}." if why else ""

    def _fact(self, name: str, *, any_age: bool = False) -> int | None:
        return self._facts.get(name, self._request.path, since=self._since, any_age=any_age)


def _is_reordered(previous: Sequence[bytes], page: list[bytes], seen: set[bytes]) -> bool:
    """Whether a page repeats rows in another way than after rows were added before them.

    It then begins with the last rows of the page before it. In pages of a few rows, that may be chance.
    """
    repeated = [row for row in page if row in seen]
    by_chance = len(previous) < LARGE
    return bool(repeated) and (by_chance or not page[: len(repeated)] == repeated == previous[-len(repeated) :])


def print_of(row: object) -> bytes:
    """Make a fingerprint of all of a row."""
    try:
        text = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a surrogate pair, or an integer of more than 64 bits
        text = json.dumps(row, sort_keys=True).encode()
    return hashlib.sha256(text).digest()


def id_of(row: object) -> bytes:
    """What tells a row from others: its id, else all of it."""
    own = row.get("id") if isinstance(row, dict) else None
    return f"id {own}".encode() if isinstance(own, int | str) else print_of(row)
