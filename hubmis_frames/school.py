"""One school, as a person holds it: what the loaders are called with, and the exports that it makes."""

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd

from .display.notebook import as_table, is_watched
from .errors import warn
from .export import WINDOW, ExportOptions, export, plan
from .fetch import Fetcher
from .files import shared_by
from .operations.declaration import Endpoint
from .privacy import open_key
from .transport import Session

if TYPE_CHECKING:
    from .openapi import Spec


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
        self._fetcher = Fetcher(session, spec=spec, progress=is_watched() if progress is None else progress)

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
        return plan(self._fetcher, tables, refresh)

    def export(
        self,
        directory: str | PathLike[str],
        tables: str | Iterable[str] = "core",
        *,
        refresh: bool = False,
        window: int = WINDOW,
        free_text: bool = False,
        pseudonymise: bool = False,
        on_table: Callable[[str, int, float], None] = lambda _table, _requests, _seconds: None,
    ) -> pd.DataFrame:
        """Write tables to Parquet files that :func:`pandas.read_parquet` opens.

        Each table stands in ``DIRECTORY/<table>/realm=<realm>/``; a manifest beside it says what was
        fetched, when, how many rows, and what was not permitted. A file appears whole or not at all.
        What was fetched stays in the cache, so an export that was interrupted goes on where it was.

        ``core`` costs one request for each student, form, tutor group and house; for each list that has pages, its
        pages and two more, one to find the number of the first page and one to be sure of the end; two for each of the
        four lists of the calendar, whose last year the marks reach back to, and for the pastoral categories, of events
        and of plans; one for each other list; and the token's.

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
        on_table
            Called before a table is asked for: with its name, the number of its requests, and the seconds that they
            take at most.

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
            warn(
                f"{directory} seems to lie in {service}, so what is written there leaves this machine. Is that "
                "where children's data may go?"
            )
        options = ExportOptions(refresh, window, free_text, open_key() if pseudonymise else None)
        return export(self._fetcher, Path(directory), tables, options, on_table)

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

    def _load(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """Load the tables of an operation; the loaders call this. See :meth:`Fetcher.load`."""
        return self._fetcher.load(endpoint, arguments)
