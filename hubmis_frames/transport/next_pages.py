"""Reading the list of which each answer shows where the next page begins: by its rows, a cursor or an address."""

from collections.abc import Generator
from urllib.parse import parse_qsl, urlsplit

from ..errors import PayloadError, UnreachableError
from ..request import Paging, Pairs, Request
from .list_reading import ListReader, Page, Pages
from .session import Answer, Reading, Session

_MOST_REPEATED = 2
"""Pages in a row without a new row, after which the server shows that it does not move on."""


class NextPages(ListReader):
    """Reads a list by the rows received so far, or by what each answer says of the next page.

    Of an address of the next page only the query is used, so that no answer sends the token to another host; what else
    was asked for stays in the query, as some servers leave it out of the address.
    """

    def __init__(self, session: Session, request: Request, paging: Paging, reading: Reading, most_pages: int) -> None:
        super().__init__(session, request, paging, reading)
        self._most_pages = most_pages
        self._says_next = False

    def read(self, begun: Answer | None = None) -> Generator[Answer, None, Pages]:
        """Read the pages, of which the first may be ``begun``; yield each as it comes, and return all."""
        by_rows = self._paging.style == "offset"
        skipped = self._paging.first or 0
        step: Pairs = ((self._paging.number, str(skipped)),) if by_rows else ()
        page = (
            self._page_of(begun)
            if begun
            else self._in_permitted_size(lambda size: self._get(self._with_size(size, step)))
        )
        kept: list[Answer] = []
        steps = {step}
        repeated = 0
        while True:
            if self.count.add(page) or not kept:
                kept.append(page.answer)
                yield page.answer
                repeated = 0
            else:
                repeated += 1
            if self.count.is_whole or (by_rows and not page.rows):
                why = ""
                break
            if page.rows and repeated >= (_MOST_REPEATED if by_rows else 1):
                why = "HUBmis gives the same rows again instead of the next page"
                self.count.reordered = False  # said already
                break
            skipped += len(page.rows)
            following = ((self._paging.number, str(skipped)),) if by_rows else self._step(page)
            if following is None:
                why = self._why_no_further(page)
                break
            if following in steps:
                why = "HUBmis names the same next page again" if page.rows else ""
                break
            if len(steps) >= self._most_pages:
                raise PayloadError(f"The list at {self._request.path} did not end after {self._most_pages} pages.")
            steps.add(following)
            try:
                page = self._page(following)
            except UnreachableError:
                if not (by_rows and self.refused and self.count.says_end):
                    raise
                why = ""
                break
        # The total in a page as large as was asked for may be the number of its rows.
        full = self._paging.style == "first" and len(page.rows) >= self._size
        if self.count.agrees and not page.envelope.goes_on and not full:
            why = ""
        why = self.count.disagreement() or why
        overlap = self.count.overlap
        return Pages(kept, len(self._answers), self.cached, overlap, self._may_miss(why))

    def _page(self, step: Pairs) -> Page:
        return self._further(lambda: self._get(self._with_size(self._size, step)), "a further page")

    def _with_size(self, size: int, step: Pairs) -> Pairs:
        """The size as well, unless the address of the page holds it."""
        return (*(() if self._paging.size in dict(step) else self._sized(size)), *step)

    def _step(self, page: Page) -> Pairs | None:
        """The parameters that select the next page; ``None`` if the answer shows none."""
        following = page.envelope.next
        self._says_next = self._says_next or bool(following)
        if not following:
            return None
        if is_address(following):
            return tuple(parse_qsl(urlsplit(following).query, keep_blank_values=True)) or None
        return ((self._paging.number, following),) if self._paging.number else None

    def _why_no_further(self, page: Page) -> str:
        """Why a list that shows no next page may go on; empty if it has ended."""
        if page.envelope.next:
            return "HUBmis names a next page in a way that cannot be asked for, so only the pages before it were had"
        if page.envelope.goes_on:
            return "HUBmis says that it goes on, and not where, so only the pages before were had"
        if self._says_next or page.envelope.ends or not page.rows:
            return ""
        if self._paging.style == "first" or self._paging.number:
            how = "gives no way to ask for a second page" if self._paging.style == "first" else "names no next page"
            return f"HUBmis {how}, so only the first one was had"
        return ""  # nothing says that the list has pages


def is_address(following: str) -> bool:
    """Whether what an answer says of the next page is an address, and no cursor."""
    return following.startswith(("http://", "https://", "?")) or (following.startswith("/") and "?" in following)
