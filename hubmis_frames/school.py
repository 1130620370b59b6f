"""One school: what the loaders are called with. It takes a call from the declarations over HTTP to tidy tables."""

import contextlib
import inspect
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import pandas as pd
import pyarrow as pa

from .display.notebook import as_table, is_watched
from .errors import HubmisError, HubmisWarning, IncompleteError, NotCachedError, NotPermittedError, PayloadError
from .export import WINDOW, Choices, export, plan
from .files import shared_by
from .frames import Batch, Report, flatten, joined_by_name, to_pandas
from .frames.provenance import come_from
from .operations import CATALOGUE
from .operations.arguments import requests_of
from .operations.declaration import Endpoint
from .operations.response import active_year, check_filters, is_answer, rows
from .privacy import open_key
from .request import Request
from .setup.settings import is_this_machine
from .transport import Answer, Outcome, Pages, Session, gather, parse, read_pages

if TYPE_CHECKING:
    from .openapi import Spec


INFERRED = (
    "HUBmis's document publishes neither the paths of its operations nor the fields of its lists, so hubmis_frames "
    "infers them. Compare some rows with what HUBmis shows before you rely on a figure. With the vendor's OpenAPI file "
    "(HUBMIS_OPENAPI, or openapi= of hf.connect()) they are the vendor's own. hf.endpoints() says which are inferred."
)


@dataclass
class Fetched:
    """What came back for a number of requests."""

    tables: dict[str, pa.Table]
    report: Report
    requests: int = 0
    cached: int = 0
    failed: dict[tuple[int | str, ...], HubmisError] = field(default_factory=dict)
    oldest: datetime | None = None
    newest: datetime | None = None

    @property
    def ages(self) -> dict[str, str | None]:
        """When the oldest and the newest answer were fetched."""
        return {
            "fetched_from": self.oldest.isoformat(timespec="seconds") if self.oldest else None,
            "fetched_to": self.newest.isoformat(timespec="seconds") if self.newest else None,
        }


class School:
    """A school, as one client may read it. Made by :func:`connect` and :func:`demo`; close it when done.

    Parameters
    ----------
    session
        The connection.
    progress
        Whether to show a progress bar on what takes longer than two seconds; ``None``: where a
        person is watching, in a terminal or a notebook.
    spec
        What the vendor's OpenAPI file says of the operations.
    """

    def __init__(self, session: Session, *, progress: bool | None = None, spec: "Spec | None" = None) -> None:
        self._session = session
        self.spec = spec
        self._progress = is_watched() if progress is None else progress
        self._current_year: int | None = None
        self._told: set[str] = set()
        self._simulated = is_this_machine(urlsplit(session.base_url).hostname or "")

    def __repr__(self) -> str:
        return f"<School {self.realm!r} at {self.base_url}>"

    def _repr_html_(self) -> str | None:
        return as_table([self._session])

    def __enter__(self) -> "School":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("A School holds credentials and is not pickled; connect again where it is needed.")

    @property
    def realm(self) -> str:
        """The realm, which selects the school."""
        return self._session.realm

    @property
    def base_url(self) -> str:
        """The address of HUBmis."""
        return self._session.base_url

    @property
    def sent(self) -> int:
        """Requests sent so far, those for tokens and repeated attempts included."""
        return self._session.sent

    def seconds(self, requests: int) -> float:
        """How long so many requests would take: quickly what is left of the burst, then the others one by one."""
        return self._session.seconds(requests)

    def close(self) -> None:
        """Close connections and the cache."""
        self._session.close()

    def plan(self, tables: str | Iterable[str] = "core", *, refresh: bool = False) -> pd.DataFrame:
        """Say what an export would cost, from what the cache holds. Nothing is sent.

        Parameters
        ----------
        tables
            ``"core"``, the name of a table, or several.
        refresh
            What an export with ``refresh`` would cost, which asks for everything anew.

        Returns
        -------
        DataFrame
            One row per operation: ``table``; ``requests``, of which ``cached`` cost nothing; ``minutes``
            for the others, one after the other: as fast as HUBmis has answered so far while what is left of
            the burst of 500 lasts, then at one request every 5.25 seconds, just under the documented rate.
            Both are missing where they depend on a list that is not loaded yet: ``basis`` says on which;
            ``asked_by`` names the lists by whose ids a table is asked.

        Raises
        ------
        BadArgumentError
            There is no such table, or it takes more than ids to ask for.
        """
        return plan(self, tables, refresh)

    def export(
        self,
        directory: str | PathLike[str],
        tables: str | Iterable[str] = "core",
        *,
        refresh: bool = False,
        window: int = WINDOW,
        free_text: bool = False,
        pseudonymise: bool = False,
        each: Callable[[str, int], None] = lambda _table, _requests: None,
    ) -> pd.DataFrame:
        """Write tables to Parquet files that :func:`pandas.read_parquet` opens.

        Each table stands in ``DIRECTORY/<table>/realm=<realm>/``; a manifest beside it says what was
        fetched, when, how many rows, and what was not permitted. A file appears whole or not at all.
        What was fetched stays in the cache, so an export that was interrupted goes on where it was.

        ``core`` costs one request for each student, form, tutor group and house; for each list that has pages, its
        pages and one more to be sure of the end; two for each of the four lists of the calendar, whose last year the
        marks reach back to, and for the pastoral categories, of events and of plans; one for each other list; one to
        learn the number of the first page; and the token's.

        Parameters
        ----------
        directory
            Where to write; made if it is not there.
        tables
            ``"core"``, the name of a table, or several. Tables whose ids are needed come with them.
        refresh
            Bring an earlier export in the same directory up to date: ask anew whatever the cache holds, and of marks
            ask for the last days alone. The files become what a new export would write, and those in which nothing
            changed are not touched. Marks that are no longer sent are kept in ``student_attendance_vanished``, with
            the instant at which that was noticed; the manifest counts them, and the new and changed ones. Marks are
            asked for whole where there are none yet, or where the earlier export was made otherwise.
        window
            With ``refresh``: how many days before a student's last mark a mark may still have been corrected. A
            correction of an older one is missed, until an export without ``refresh`` or with a larger window.
        free_text
            Write free text about children too: titles and descriptions of pastoral events, notes of
            learning support, remarks on marks. Left out by default; the manifest says which.
        pseudonymise
            Write pseudonyms instead of ids of people, and nothing that names them: see
            :func:`hubmis_frames.pseudonymise`. The key is that of :func:`hubmis_frames.open_key`.
        each
            Called with the name of each table and the number of its requests, before they are sent.

        Returns
        -------
        DataFrame
            One row per operation: ``table``, ``rows``, ``child_tables``, ``requests`` sent, ``cached``
            answers used, ``status``: ``complete``, ``incomplete`` (some ids failed; the manifest names them), ``not
            permitted`` or ``failed``; and ``remarks``: why, and what else is to be known of it. What is not permitted
            has no file; what failed keeps that of an earlier export, marked as incomplete.

        Raises
        ------
        ExportError
            The directory cannot be written, or another export is writing to it.
        BadArgumentError
            There is no such table, or it takes more than ids to ask for.
        CredentialsError
            HUBmis refused the client.
        HubmisError
            Nothing at all could be had. What is in the directory stays as it is.
        """
        if service := shared_by(Path(directory)):
            self._say(
                f"{directory} seems to lie in {service}, so what is written there leaves this machine. Is that "
                "where children's data may go?"
            )
        choices = Choices(refresh, window, free_text, open_key() if pseudonymise else None)
        return export(self, Path(directory), tables, choices, each)

    def cache(self) -> dict[str, object]:
        """Say what the cache holds: its file, the number of answers, their ages and its size."""
        return self._session.cache()

    def purge_cache(self, student_id: int | None = None) -> int:
        """Remove every answer of this school from the cache, or those in which a student may stand.

        Returns
        -------
        int
            How many answers were removed.
        """
        return self._session.purge(student_id)

    def load(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """Load the tables of an operation; the loaders call this.

        Raises
        ------
        BadArgumentError
            An argument is not what the document allows; nothing was sent.
        IncompleteError
            Some of many requests failed; it holds what did arrive.
        FilterIgnoredError
            Rows came back that a filter should have kept away.
        HubmisError
            The request failed.
        """
        endpoint = self.resolve(endpoint)
        if endpoint.deprecated:
            self._say(f"{endpoint.loader}: HUBmis has deprecated this operation. {endpoint.instead}")
        requests = self.requests(endpoint, arguments)
        fetched = self.fetch(endpoint, requests, refresh=bool(arguments.get("refresh")))
        tables = {name: to_pandas(table) for name, table in fetched.tables.items()}
        self.tell(endpoint, fetched.report)
        if fetched.failed:
            reasons = sorted({str(error) for error in fetched.failed.values()})
            raise IncompleteError(
                f"{endpoint.loader}: {len(fetched.failed)} of {len(requests)} requests failed. The error's .tables "
                f"holds the rest, its .failed the ids. What was fetched is cached: call again to complete it. "
                f"{reasons[0]}",
                tables,
                fetched.failed,
            )
        check_filters(endpoint, arguments, tables[endpoint.table])
        for frame in tables.values():
            come_from(frame, endpoint.title, endpoint.path, endpoint.path_source, self.realm, **fetched.ages)
        return tables

    def resolve(self, endpoint: Endpoint) -> Endpoint:
        """The operation as the vendor's OpenAPI file has it, where there is one.

        Raises
        ------
        SpecError
            The file does not have it, or not so that it could be asked.
        """
        return self.spec.endpoint(endpoint) if self.spec and endpoint.path_source != "openapi" else endpoint

    def requests(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> list[Request]:
        """The requests that a call stands for."""
        return requests_of(self.resolve(endpoint), arguments, self.current_year)

    def fetch(
        self,
        endpoint: Endpoint,
        requests: Sequence[Request],
        *,
        refresh: bool = False,
        each: Callable[[Batch], None] | None = None,
    ) -> Fetched:
        """Send requests, as far as their answers are not cached, and make tidy tables of the answers.

        With ``each``, tables are handed to it batch by batch, as they come, and none is kept.
        """
        endpoint = self.resolve(endpoint)
        if endpoint.path_source == "inferred" and not self._simulated:
            self._say(INFERRED)
        fetched = Fetched({}, Report())
        kept: list[dict[str, pa.Table]] = []
        take = each or (lambda batch: kept.append(batch.tables))
        # Closed whatever happens, so that nobody goes on asking for what nobody waits for.
        with contextlib.closing(self._answers(endpoint, requests, refresh, fetched)) as answers:
            batches = flatten(endpoint, answers, fetched.report)
            while batch := _next(batches, endpoint):
                take(batch)
        fetched.tables = joined_by_name(kept)
        if fetched.failed and len(fetched.failed) == len(requests):
            raise next(iter(fetched.failed.values()))
        return fetched

    def cached(self, endpoint: Endpoint, request: Request) -> int | None:
        """How many requests an answer in the cache consists of; ``None`` where it is not whole and good."""
        try:
            return self._ask(self.resolve(endpoint), request, only_cached=True).asked
        except NotCachedError:
            return None

    def current_year(self) -> int | None:
        """The id of the active academic year; it stays the same for as long as this school is open.

        ``None`` where the account may not read the academic years.
        """
        if self._current_year is None:
            endpoint = CATALOGUE["academic_years"]
            try:
                years = self.load(endpoint, {})[endpoint.table]
            except NotPermittedError:
                return None
            self._current_year = active_year(years, date.today())
        return self._current_year

    def tell(self, endpoint: Endpoint, report: Report) -> None:
        """Warn once of each thing a reader should know of a table."""
        for sentence in report.sentences():
            self._say(f"{endpoint.table}: {sentence}.")

    def _say(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            warnings.warn(sentence, HubmisWarning, stacklevel=_outside())

    def _answers(
        self, endpoint: Endpoint, requests: Sequence[Request], refresh: bool, fetched: Fetched
    ) -> Generator[tuple[tuple[int | str, ...], Sequence[bytes]], None, None]:
        many = len(requests) > 1
        with contextlib.ExitStack() as stack:
            step: Callable[[], object] = lambda: None  # noqa: E731
            if self._progress and (many or endpoint.paged):
                from .display.progress import Progress  # a tenth of our import, and only who watches needs it

                bar = Progress(endpoint.table, len(requests) if many else None, self.seconds)
                step = stack.enter_context(bar).update

            def ask(request: Request) -> Pages:
                return self._ask(endpoint, request, refresh, each=None if many else step)

            for ids, pages in self._heard(stack.enter_context(contextlib.closing(gather(requests, ask))), fetched):
                bodies = [answer.body for answer in pages.answers]
                # Pages whose rows overlap have to be seen together; others may be many.
                for part in [bodies] if pages.overlap else ([body] for body in bodies):
                    yield ids, part
                if many:
                    step()

    def _heard(self, outcomes: Iterable[Outcome], fetched: Fetched) -> Iterator[tuple[tuple[int | str, ...], Pages]]:
        for outcome in outcomes:
            if isinstance(outcome.result, HubmisError):
                fetched.failed[outcome.request.ids] = outcome.result
                continue
            answers = outcome.result.answers
            fetched.requests += outcome.result.asked
            fetched.cached += outcome.result.cached
            ages = [answer.fetched_at for answer in answers]
            fetched.oldest = min([*ages, fetched.oldest] if fetched.oldest else ages)
            fetched.newest = max([*ages, fetched.newest] if fetched.newest else ages)
            yield outcome.request.ids, outcome.result

    def _ask(
        self,
        endpoint: Endpoint,
        request: Request,
        refresh: bool = False,
        only_cached: bool = False,
        each: Callable[[], object] | None = None,
    ) -> Pages:
        def get(request: Request, renew: bool = refresh) -> Answer:
            answer = self._session.get(request, endpoint.keep, renew, only_cached)
            # A body that begins so is a list: it was parsed when it came off the wire.
            if not answer.body.startswith(b"[") and not is_answer(parse(answer.body, request.path), endpoint):
                self._session.forget(request)
                raise PayloadError(
                    f"The answer at {request.path} is an object that has nothing in common with a record of "
                    f"{endpoint.table}; perhaps it is an error message. Nothing of it was kept."
                )
            if each:
                each()
            return answer

        if endpoint.paging is None:
            answer = get(request)
            return Pages([answer], 1, int(answer.cached))
        return read_pages(self._session, request, endpoint.paging, get, lambda value: rows(value, endpoint), refresh)


def _outside() -> int:
    """The ``stacklevel`` of whoever called us, so that a warning shows their line and not ours."""
    level, frame = 1, inspect.currentframe()
    while frame and str(frame.f_globals.get("__name__")).partition(".")[0] == __package__:
        level, frame = level + 1, frame.f_back
    return level - 1


def _next(batches: Iterator[Batch], endpoint: Endpoint) -> Batch | None:
    try:
        return next(batches, None)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        if isinstance(error, HubmisError):
            raise
        raise PayloadError(
            f"{endpoint.loader}: an answer could not be made tidy ({type(error).__name__}). It is kept in the "
            "cache until refresh=True. Please report it with the shape of the answer, and no child's data."
        ) from error
