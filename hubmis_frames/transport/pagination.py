"""Reading a paged list to its end from a server that may state no total, no page size and no first number.

A list ends with an answer that holds no row, or none that is new, or where the server's own word agrees with the rows
counted. Nothing else shows an end: a page that is refused is asked for once more, and then the list counts as
incomplete, which is an error.
"""

from collections.abc import Generator, Set
from dataclasses import replace

from ..errors import (
    HubmisError,
    NotCachedError,
    NotFoundError,
    PayloadError,
    RefusedError,
    ServerFaultError,
    UnreachableError,
)
from ..request import Paging, Request
from .list_reading import LARGE, NOT_A_PAGE, Count, ListReader, Page, Pages, id_of
from .next_pages import NextPages
from .server_facts import EVIDENCE, FIRST_PAGE
from .session import Answer, Reading, Session

MOST_PAGES = 5000


def read_pages(
    session: Session, request: Request, paging: Paging | None, reading: Reading
) -> Generator[Answer, None, Pages]:
    """Read the pages of a list until it ends; yield each as it comes, and return all.

    A short page proves nothing: it may be a server's cap, or hold rows that were taken out after paging. Where rows
    came twice, or some pages are much older than others, rows may have moved from one page to another meanwhile. Such
    a list is read a second time.

    A row that moves to an earlier page because others are deleted meanwhile is missed, unless the server says how many
    rows the list has: no answer shows that.

    Returns
    -------
    The pages. Their ``missing`` says why rows are missing or may be, if the list goes on and cannot be followed, or if
    other rows came than the server says.

    Raises
    ------
    UnreachableError
        The list is incomplete: HUBmis refused one of its pages twice, or changed the order of its rows.
    PayloadError
        The list does not end.
    HubmisError
        As :meth:`Session.get`.
    """
    begun = None
    if paging is None:
        begun = session.get(request, reading)
        if reading.single or not (begun.next or reading.enveloped):
            yield begun
            return Pages([begun], 1, int(begun.cached))
        paging = Paging("", "", style="cursor")
    can_ask = not (session.offline or reading.only_cached)
    reader, pages = yield from _read(session, request, paging, reading, begun)
    old = pages.cached < pages.asked and (pages.overlap or reader.ages_differ)
    stale = pages.cached > 0 and reader.count.agrees is False and paging.style != "first"
    if can_ask and (reader.count.reordered or reader.count.shrank or old or stale):
        reader, second = yield from _read(session, request, paging, replace(reading, refresh=True))
        pages = second._replace(asked=pages.asked + second.asked, cached=pages.cached + second.cached)
    if reader.count.reordered:
        raise UnreachableError(
            f"The list at {request.path} is incomplete: HUBmis changed the order of its rows between pages, so some "
            "came twice and others may be missing. Nothing of it is used. Try again later; where the loader has "
            "sort=, sort by a column in which no two rows are equal."
        )
    return pages


def _read(
    session: Session, request: Request, paging: Paging, reading: Reading, begun: Answer | None = None
) -> Generator[Answer, None, tuple[ListReader, Pages]]:
    """Read a list once, in the way that it is paged; if the server does not take it, in the way that answers show."""
    if paging.style != "number":
        return (yield from _read_next(session, request, paging, reading, begun))
    reader = _NumberedPages(session, request, paging, reading)
    try:
        pages = yield from reader.read()
    except RefusedError as error:
        if not paging.assumed or reader.count.pages or error.status not in (400, 422):
            raise
        # The file is right: the server takes none of our parameters.
        return (yield from _read_next(session, request, Paging("", "", style="first"), reading))
    if not reader.next:
        return reader, pages
    other, second = yield from _read_next(session, request, Paging("", "", style="cursor"), reading)
    return other, second._replace(asked=pages.asked + second.asked, cached=pages.cached + second.cached)


def _read_next(
    session: Session, request: Request, paging: Paging, reading: Reading, begun: Answer | None = None
) -> Generator[Answer, None, tuple[ListReader, Pages]]:
    reader = NextPages(session, request, paging, reading, MOST_PAGES)
    try:
        return reader, (yield from reader.read(begun))
    except UnreachableError:
        # An address or a cursor that the cache holds may be too old.
        if not (reader.refused and reader.cached) or session.offline or reading.only_cached:
            raise
    reader = NextPages(session, request, paging, replace(reading, refresh=True), MOST_PAGES)
    return reader, (yield from reader.read())


class _NumberedPages(ListReader):
    """Reads the list of which each page has a number."""

    def __init__(self, session: Session, request: Request, paging: Paging, reading: Reading) -> None:
        super().__init__(session, request, paging, reading)
        self._read: dict[int, Page] = {}
        self._gives_empty_pages = False
        self._paging_ignored = False
        self._number_ignored = False
        self.next = ""
        """Where the list goes on, if the server takes no number of a page."""

    def read(self) -> Generator[Answer, None, Pages]:
        """Read the pages; yield each as it comes, and return all."""
        first = number = self._first_number()
        yield from self._answers
        kept: list[Answer] = []
        only = self._read[number].rows
        while self._goes_on(number):
            page = self._read[number]
            new = self.count.has_new_ids(page)
            again = False
            if not new and (number, first) == (1, 0):
                # The first page is 1 after all, and the server gives it as page 0 too.
                self._facts.forget(FIRST_PAGE, self._request.path)
                again = True
            elif not new and self._repeats_for_ever(self.count.seen, only):
                self._paging_ignored = len(kept) == 1
                break
            if self.count.add(page, again=again):
                kept.append(page.answer)
                yield page.answer
            if self._paging_ignored or self.count.is_whole:
                break
            self._read[number] = page._replace(rows=[])  # they are not looked at again, and are many
            number += 1
            if number > MOST_PAGES:
                raise PayloadError(f"The list at {self._request.path} did not end after {MOST_PAGES} pages.")
        if not kept:
            self.count.add(self._read[number])
        why = self.count.disagreement()
        if self._paging_ignored and not self.count.agrees:
            self.next = page.envelope.next
        if self._paging_ignored and self._number_ignored and not self.count.agrees:
            why = why or "HUBmis gives the same page whatever its number, so only the first one was had"
        # An empty list is an answer too: it says when it was asked.
        answers = kept or [self._read[number].answer]
        return Pages(answers, len(self._answers), self.cached, self.count.overlap, self._may_miss(why))

    def _ask(self, number: int, size: int) -> Page:
        return self._get(((self._paging.number, str(number)), *self._sized(size)))

    def _page(self, number: int) -> Page:
        if number not in self._read:
            self._read[number] = self._ask(number, self._size)
        return self._read[number]

    def _page_further(self, number: int) -> Page:
        return self._further(lambda: self._page(number), f"page {number}")

    def _goes_on(self, number: int) -> bool:
        """Whether a page holds rows."""
        try:
            return bool(self._page_further(number).rows)
        except UnreachableError:
            # Some servers refuse the page behind the last; that it was the last has to be said too.
            if self.refused and self.count.says_end:
                return False
            raise

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
        page = self._read[1] = self._in_permitted_size(self._page_one)
        one, cached = page.rows, page.answer.cached
        alone = Count()
        if alone.add(page) and alone.is_whole:
            return 1
        if self._fact(FIRST_PAGE, any_age=cached) == 1:
            return 1
        if self._is_first(one):
            if not self._paging_ignored:
                self._learn(FIRST_PAGE, 1, EVIDENCE)
            return 1
        zero = self._page_zero(one)
        ids, ids_of_zero = {id_of(row) for row in one}, {id_of(row) for row in zero or ()}
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
            rows = self._page(0).rows
        except (*NOT_A_PAGE, ServerFaultError):
            rows = []
        if rows or (0 in self._read and self._fact(FIRST_PAGE) == 0):
            return True
        self._facts.forget(FIRST_PAGE, self._request.path)
        return False

    def _page_one(self, size: int) -> Page:
        return self._ask(1, size)

    def _is_first(self, one: list[object]) -> bool:
        """Whether a small page 1 shows that nothing comes before the large one: both begin with the same rows.

        It is no larger than that to save bytes. Were page 0 the first, both would begin further on, at rows far apart.
        """
        if len(one) < LARGE or not self._paging.size:
            return False
        try:
            rows = self._ask(1, EVIDENCE).rows
        except (*NOT_A_PAGE, ServerFaultError, NotCachedError):
            return False
        ids = [id_of(row) for row in one]
        if len(rows) > EVIDENCE:  # the server chooses the size itself; perhaps it gives the whole list to any request
            self._paging_ignored = set(map(id_of, rows)) == set(ids) and self._repeats_for_ever(set(ids), one)
            return self._paging_ignored
        return [id_of(row) for row in rows] == ids[:EVIDENCE]

    def _page_zero(self, one: list[object]) -> list[object] | None:
        """Read page 0; ``None`` where it was refused, and page 1 is the first."""
        try:
            return self._page(0).rows
        except ServerFaultError as error:
            refusal: HubmisError = error  # which was asked for several times
        except NOT_A_PAGE:
            try:
                return self._page(0).rows
            except NOT_A_PAGE as error:
                refusal = error
        # Page 0 may be refused because it is not there, or be the first one and in trouble. A page 1 of one row tells:
        # it begins where the larger page 1 begins only if nothing comes before both.
        try:
            rows = self._ask(1, 1).rows
        except RefusedError:
            rows = one
        if len(rows) > 1 or rows is one:  # the server chooses the size itself, so this tells nothing
            if not isinstance(refusal, NotFoundError | RefusedError):
                raise self._incomplete("page 0", refusal)
        elif not {id_of(row) for row in rows} <= {id_of(row) for row in one} or (
            len(one) == 1 and self._page_further(2).rows
        ):
            raise self._incomplete("page 0", refusal)
        elif len(one) > 1:
            self._learn(FIRST_PAGE, 1, len(one) * EVIDENCE)
        return None

    def _repeats_for_ever(self, seen: Set[bytes], only: list[object]) -> bool:
        """Whether a page that brings nothing new is the end: the server gives rows however far one asks.

        Else rows were added before those of the last page, and further pages may be new. A server that gives the
        beginning of the ``only`` page so far has taken the size of the page, and not its number.
        """
        if self._gives_empty_pages:
            return False
        try:
            rows = self._ask(MOST_PAGES + 1, min(self._size, max(len(only) // 2, 1))).rows
        except NOT_A_PAGE:
            rows = []
        self._gives_empty_pages = not rows
        ids = [id_of(row) for row in rows]
        part = len(rows) < len(only) if self._paging.size else True
        self._number_ignored = part and ids == [id_of(row) for row in only[: len(rows)]]
        return bool(rows) and set(ids) <= seen
