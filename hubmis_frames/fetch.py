"""One operation of one school: a call becomes requests, their responses become tidy tables.

Only :meth:`Fetcher.resolve` looks the operation up in the vendor's OpenAPI file; the rest uses its result.
"""

import contextlib
import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd
import pyarrow as pa

from .errors import (
    HubmisError,
    IncompleteError,
    NotCachedError,
    NotPermittedError,
    PayloadError,
    UnreachableError,
    warn,
)
from .frames import Batch, Findings, flatten, joined_by_name, to_pandas
from .frames.provenance import set_provenance
from .operations import CATALOGUE
from .operations.arguments import requests_of
from .operations.declaration import Endpoint
from .operations.further import as_further
from .operations.response import active_year, check_filters, envelope_of, is_answer, rows_of
from .request import Request
from .transport import Outcome, Pages, Reading, Session, gather, is_loopback, read_pages

if TYPE_CHECKING:
    from .openapi import Spec

INFERRED = (
    "HUBmis's document publishes neither the paths of its operations nor the fields of its lists, so hubmis_frames "
    "infers them. Compare some rows with what HUBmis shows before you rely on a figure. With the vendor's OpenAPI file "
    "(HUBMIS_OPENAPI, or openapi= of hf.connect()) they are the vendor's own. hf.endpoints() says which are inferred."
)


_log = logging.getLogger(__name__)


class Fetcher:
    """Fetches operations from one school, as one client may read it.

    Parameters
    ----------
    session
        The connection.
    spec
        The operations as the vendor's OpenAPI file describes them.
    progress
        Whether to show a progress bar for what takes longer than two seconds.
    """

    def __init__(self, session: Session, *, spec: "Spec | None" = None, progress: bool = False) -> None:
        self.session = session
        self.spec = spec
        self.progress = progress
        self._current_year: int | str | None = None
        self._warned: set[str] = set()
        self._simulated = is_loopback(urlsplit(session.base_url).hostname or "")

    def load(self, declared: Endpoint, arguments: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """Load the tables of an operation, as a loader returns them.

        Raises
        ------
        BadArgumentError
            An argument is not what the document allows; nothing was sent.
        IncompleteError
            Some of many requests failed, or a list goes on and cannot be followed; the error holds the rows that
            arrived.
        FilterIgnoredError
            Rows came back that a filter should have excluded.
        HubmisError
            The request failed.
        """
        endpoint = self.resolve(declared)
        if endpoint.deprecated:
            self.warn_once(f"{endpoint.loader}: HUBmis has deprecated this operation. {endpoint.instead}")
        requests = self.requests(endpoint, arguments)
        refresh = bool(arguments.get("refresh"))
        fetch = self.fetch(endpoint, requests, refresh=refresh)
        try:
            tables = {name: to_pandas(table) for name, table in fetch.tables().items()}
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(
                f"{endpoint.loader} was interrupted. The answers to {fetch.asked:,} requests are kept. "
                f"{self.to_go_on(refresh)}"
            )
            raise
        for sentence in fetch.findings.sentences():
            self.warn_once(f"{endpoint.table}: {sentence}.")
        for sentence in fetch.findings.sentences(most=None):
            _log.debug("%s: %s", endpoint.table, sentence)
        if fetch.failed:
            reasons = sorted({str(error) for error in fetch.failed.values()})
            if len(requests) == 1:
                sentence = f"{reasons[0]} The error's .tables holds the rows that came."
            else:
                sentence = (
                    f"{len(fetch.failed)} of {len(requests)} requests failed. The error's .tables holds the rest, its "
                    f".failed the ids. What was fetched is cached: call again to complete it. {reasons[0]}"
                )
            raise IncompleteError(
                f"{endpoint.loader}: {sentence}",
                tables,
                fetch.failed,
            )
        check_filters(endpoint, arguments, tables[endpoint.table])
        for frame in tables.values():
            set_provenance(frame, endpoint.title, endpoint.path, endpoint.path_source, self.session.realm, **fetch.ages)
        return tables

    def resolve(self, declared: Endpoint) -> Endpoint:
        """Return the operation as the vendor's OpenAPI file describes it, or as declared if there is no file.

        Raises
        ------
        SpecError
            The file does not contain it, or describes it in a way that cannot be used.
        """
        if self.spec is None:
            return declared
        known = self.spec.endpoint(CATALOGUE[declared.asks] if declared.asks else declared)
        return as_further(declared.table, known) if declared.asks else known

    @property
    def others(self) -> Mapping[str, Endpoint]:
        """The operations that only the vendor's OpenAPI file knows, by table."""
        return self.spec.others if self.spec else {}

    def requests(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> list[Request]:
        """Return the requests that a call consists of."""
        return requests_of(endpoint, arguments, self.current_year)

    def fetch(
        self,
        endpoint: Endpoint,
        requests: Sequence[Request],
        *,
        refresh: bool = False,
        new_since: datetime | None = None,
        only_whole: bool = False,
    ) -> "Fetch":
        """Prepare to fetch the responses; requests are sent while the result is read.

        With ``refresh``, cached responses that were fetched at ``new_since`` or later still count as new. With
        ``only_whole``, nothing is used of a list that may not be whole.
        """
        if endpoint.path_source == "inferred" and not self._simulated:
            self.warn_once(INFERRED)
        return Fetch(self, endpoint, requests, refresh, new_since, only_whole)

    def to_go_on(self, refresh: bool) -> str:
        """What to do after an interruption, and for how long it helps."""
        until = "" if self.session.cache_on_disk else ", as long as this school is open"
        return f"The same call{' without refresh=True' if refresh else ''} goes on from there{until}."

    def count_cached(self, endpoint: Endpoint, request: Request) -> int | None:
        """How many requests an answer in the cache took; ``None`` if it is not complete or has expired."""
        try:
            return _all_pages(
                read_pages(self.session, request, endpoint.paging, reading(endpoint, only_cached=True))
            ).asked
        except NotCachedError:
            return None

    def current_year(self) -> int | str | None:
        """The id of the active academic year; it stays the same for as long as this school is open.

        ``None`` if the account may not read the academic years.
        """
        if self._current_year is None:
            years = CATALOGUE["academic_years"]
            try:
                frame = self.load(years, {})[years.table]
            except NotPermittedError:
                return None
            self._current_year = active_year(frame, date.today())
        return self._current_year

    def warn_once(self, sentence: str) -> None:
        """Warn with a sentence, once for each school."""
        if sentence not in self._warned:
            self._warned.add(sentence)
            warn(sentence)


class Fetch:
    """The answers to a number of requests: iterate over its batches of tables once, or get all with :meth:`tables`.

    The counts, ages and failures are complete once all batches have been read.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        endpoint: Endpoint,
        requests: Sequence[Request],
        refresh: bool,
        new_since: datetime | None = None,
        only_whole: bool = False,
    ) -> None:
        self._fetcher = fetcher
        self._endpoint = endpoint
        self._requests = requests
        self._refresh = refresh
        self._new_since = new_since
        self._only_whole = only_whole
        self.findings = Findings()
        self.asked = 0
        """Requests answered, by the server or the cache."""
        self.cached = 0
        self.failed: dict[tuple[int | str, ...], HubmisError] = {}
        """The ids whose request failed, or whose list may not be whole, each with the reason."""
        self._lost = 0
        self._oldest: datetime | None = None
        self._newest: datetime | None = None

    @property
    def ages(self) -> dict[str, str | None]:
        """When the oldest and the newest response were fetched."""
        return {
            "fetched_from": self._oldest.isoformat(timespec="seconds") if self._oldest else None,
            "fetched_to": self._newest.isoformat(timespec="seconds") if self._newest else None,
        }

    def tables(self) -> dict[str, pa.Table]:
        """The tables of all batches, by name."""
        return joined_by_name([batch.tables for batch in self])

    def __iter__(self) -> Iterator[Batch]:
        """Yield tables batch by batch, as answers arrive; none is kept.

        Raises
        ------
        HubmisError
            Every request failed. This is the error of the first one.
        """
        # Closed whatever happens, so that no more requests are sent once the caller has stopped reading.
        with contextlib.closing(self._answers()) as answers:
            batches = flatten(self._endpoint, answers, self.findings)
            while batch := _next(batches, self._endpoint):
                yield batch
        if self._lost and self._lost == len(self._requests):
            raise next(iter(self.failed.values()))

    def _answers(self) -> Generator[tuple[tuple[int | str, ...], Sequence[bytes]], None, None]:
        """The path ids and the bodies of the responses, in the order of the requests."""
        many = len(self._requests) > 1
        session, paging = self._fetcher.session, self._endpoint.paging
        how = reading(self._endpoint, refresh=self._refresh)
        with contextlib.ExitStack() as stack:
            advance: Callable[[], object] = lambda: None  # noqa: E731
            if self._fetcher.progress and (many or self._endpoint.paged):
                from .display.progress import Progress  # takes a tenth of our import time

                bar = Progress(self._endpoint.table, len(self._requests) if many else None, session.seconds)
                advance = stack.enter_context(bar).update

            def ask(request: Request) -> Pages:
                if self._refresh and (pages := self._fetched_since(request)):
                    return pages
                return _all_pages(read_pages(session, request, paging, how), (lambda: None) if many else advance)

            for outcome in stack.enter_context(contextlib.closing(gather(self._requests, ask))):
                if pages := self._counted(outcome):
                    bodies = [answer.body for answer in pages.answers]
                    # Pages that may overlap have to be compared; other pages may be too many to hold together.
                    for part in [bodies] if pages.overlap else ([body] for body in bodies):
                        yield outcome.request.ids, part
                    if many:
                        advance()

    def _fetched_since(self, request: Request) -> Pages | None:
        """The cached response, if all of it is new enough for a refresh that continues."""
        if self._new_since is None:
            return None
        how = reading(self._endpoint, only_cached=True)
        try:
            pages = _all_pages(read_pages(self._fetcher.session, request, self._endpoint.paging, how))
        except HubmisError:
            return None
        return pages if min(answer.fetched_at for answer in pages.answers) >= self._new_since else None

    def _counted(self, outcome: Outcome) -> Pages | None:
        """Count an outcome and return its pages; ``None`` if they cannot be used."""
        pages = outcome.result
        if isinstance(pages, HubmisError) or pages.missing:
            self.failed[outcome.request.ids] = (
                pages if isinstance(pages, HubmisError) else UnreachableError(pages.missing)
            )
        if isinstance(pages, HubmisError) or (pages.missing and self._only_whole):
            self._lost += 1
            return None
        self.asked += pages.asked
        self.cached += pages.cached
        ages = [answer.fetched_at for answer in pages.answers]
        self._oldest = min([*ages, self._oldest] if self._oldest else ages)
        self._newest = max([*ages, self._newest] if self._newest else ages)
        return pages


def reading(endpoint: Endpoint, *, refresh: bool = False, only_cached: bool = False) -> Reading:
    """How the responses of an operation are read."""
    return Reading(
        expire_after=endpoint.expire_after,
        is_answer=lambda value: is_answer(value, endpoint),
        rows=lambda value: rows_of(value, endpoint),
        envelope=lambda value: envelope_of(value, endpoint),
        single=endpoint.single,
        enveloped=endpoint.wrapper is not None,
        refresh=refresh,
        only_cached=only_cached,
    )


def _all_pages(pages: Generator[object, None, Pages], advance: Callable[[], object] = lambda: None) -> Pages:
    """Read pages to the end, and call ``advance`` after each."""
    while True:
        try:
            next(pages)
        except StopIteration as end:
            result: Pages = end.value
            return result
        advance()


def _next(batches: Iterator[Batch], endpoint: Endpoint) -> Batch | None:
    try:
        return next(batches, None)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        if isinstance(error, HubmisError):
            raise
        raise PayloadError(
            f"{endpoint.loader}: a response could not be turned into tables ({type(error).__name__}). It is kept in "
            "the cache until refresh=True. Please report it with the field names of the response, but no child's data."
        ) from error
