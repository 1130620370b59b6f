"""One school, as a user holds it: the first argument of the loaders, with methods to plan and export."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd

from .display.notebook import as_table, is_watched
from .errors import warn
from .export import WINDOW, ExportOptions, collect, export, exports_with, plan
from .fetch import Fetcher
from .files import expanded, shared_by
from .operations.declaration import Endpoint
from .privacy import find_key, open_key
from .transport import Session

if TYPE_CHECKING:
    from .openapi import Spec
    from .school_data import SchoolData


class School:
    """A school, as one client may read it. :func:`connect` and :func:`demo` make one; close it when you are done.

    Parameters
    ----------
    session
        The connection.
    progress
        Whether to show a progress bar for what takes longer than two seconds; ``None``: if a person is watching, in
        a terminal or a notebook.
    spec
        How the vendor's OpenAPI file describes the operations.
    today
        The day it is at the school, if it is not the day of this machine.
    """

    def __init__(
        self,
        session: Session,
        *,
        progress: bool | None = None,
        spec: "Spec | None" = None,
        today: date | None = None,
    ) -> None:
        self._session, self._today = session, today
        self._fetcher = Fetcher(session, spec=spec, progress=is_watched() if progress is None else progress)

    def __repr__(self) -> str:
        simulated = f", where it is {self._today}" if self._today else ""
        return f"<School {self.realm!r} at {self.base_url}{simulated}>"

    def _repr_html_(self) -> str | None:
        return as_table([self._session], today=self._today)

    def __enter__(self) -> "School":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("A School holds credentials and cannot be pickled. Connect again where you need it.")

    @property
    def realm(self) -> str:
        """The realm, which selects the school."""
        return self._session.realm

    @property
    def base_url(self) -> str:
        """The address of HUBmis."""
        return self._session.base_url

    @property
    def today(self) -> date:
        """The day it is at the school: today, but in the simulated school the day on which its data end."""
        return self._today or date.today()

    @property
    def sent(self) -> int:
        """Requests sent so far, including those for tokens and repeated attempts."""
        return self._session.sent

    def close(self) -> None:
        """Close connections and the cache."""
        self._session.close()

    def plan(self, tables: str | Iterable[str] = "core", *, refresh: bool = False) -> pd.DataFrame:
        """Say what an export would cost, judging by what the cache holds. Nothing is sent.

        Parameters
        ----------
        tables
            ``"core"``, ``"all"``, ``"leavers"``, the name of a table, or several names.
        refresh
            Whether to count an export with ``refresh``, which asks for everything again.

        Returns
        -------
        DataFrame
            One row per operation: ``table``; ``requests``; ``cached``, how many of them cost nothing; ``minutes``
            for the others. They go as fast as HUBmis has answered so far until the burst of 500 is used up, then one
            every 5.25 seconds, just under the documented rate. ``requests`` and ``minutes`` are missing if they depend
            on a list that is not loaded yet: ``basis`` says on which. ``asked_by`` names the lists whose ids a table
            is asked by.

        Raises
        ------
        BadArgumentError
            There is no such table, or asking for it takes more than ids.
        """
        return plan(self._fetcher, tables, refresh)

    def fetch(self, tables: str | Iterable[str] = "core", *, refresh: bool = False) -> "SchoolData":
        """Fetch what an export would, and open it without writing a file, as :func:`hubmis_frames.open_export` does.

        :meth:`plan` says what it costs. All tables are held in memory.

        Parameters
        ----------
        tables
            ``"core"``, ``"all"``, ``"leavers"``, the name of a table, or several names. Tables whose ids are needed
            come with them.
        refresh
            Ask HUBmis even if responses are cached.

        Returns
        -------
        SchoolData
            The tables, with ``marks()``, ``students()``, ``events()``, ``calendar`` and more. Free text about children
            is left out, as from an export. A table that is not permitted or failed is not in it, and its name gives
            the reason: ``data["contacts"]`` raises it.

        Raises
        ------
        BadArgumentError
            There is no such table, or asking for it takes more than ids.
        HubmisError
            No table at all could be fetched.

        Warns
        -----
        HubmisWarning
            Some of the requests of a table failed, so rows are missing.
        """
        from .school_data import SchoolData  # the analysis is imported when it is first used

        frames, problems = collect(self._fetcher, tables, refresh=refresh)
        return SchoolData._fetched(frames, {self.realm: problems}, [self.realm])

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

        Each table lies in ``DIRECTORY/<table>/realm=<realm>/``. A manifest beside the tables says what was fetched,
        when, how many rows, and what was not permitted. A file appears whole or not at all. Responses stay in the
        cache, so an export that was interrupted continues where it stopped, with ``refresh`` too.

        ``core`` costs one request for each student, form, tutor group and house; for each list that has pages, one per
        page and two more, to find the number of the first page and to be sure of the end; two for each of the four
        lists of the calendar, as the marks reach back to last year, and for the pastoral categories, of events and of
        plans; one for each other list; and one for the token. The table ``academic_year_students`` is several lists
        with pages: the current students of each earlier year that the marks cover, with their groups of that year, and
        the past students of each year.

        ``"leavers"`` adds ``past_student_attendance``: the marks of students who have left, one request for each of
        those who were there in one of these years. Give it with ``core``: ``["core", "leavers"]``.

        Parameters
        ----------
        directory
            Where to write; created if necessary. A leading ``~`` is your home folder.
        tables
            ``"core"``, ``"all"``, ``"leavers"``, the name of a table, or several names. Tables whose ids are needed
            come with them.
        refresh
            Bring an earlier export in the same directory up to date: ask HUBmis again, whatever the cache holds, but
            for marks ask only for the last days, and for the lists of students of other years once a week. The files
            become what a new export would write, and files in which nothing changed are not touched. Marks that are no
            longer sent are kept in ``student_attendance_deleted`` with ``noticed_at``, the instant at which this was
            noticed; the manifest counts them, and the new and
            changed ones. All marks are asked for if there are none yet, if the file is damaged, or if the earlier
            export had other options. A refresh that was interrupted in the last twelve hours continues: what was
            fetched since it began counts as new.
        window
            With ``refresh``: how many days before a student's last mark to look for corrections. A correction of an
            older mark is missed until an export without ``refresh`` or with a larger window.
        free_text
            Also write free text about children: titles and descriptions of pastoral events, notes of learning
            support, remarks on marks. It is left out by default; the manifest says which was chosen.
        pseudonymise
            Write pseudonyms instead of ids, and nothing that names a person: see :func:`hubmis_frames.pseudonymise`.
            The key is that of :func:`hubmis_frames.open_key`.
        on_table
            Called before a table is asked for, with its name, the number of its requests, and the most seconds that
            they take.

        Returns
        -------
        DataFrame
            One row per operation: ``table``; ``rows``; ``child_tables``; ``requests`` sent; ``cached`` responses used;
            ``status``: ``complete``, ``incomplete`` (some ids failed; the manifest names all of them), ``not
            permitted`` or ``failed``; and ``remarks``: the reason, the first ids that failed, and other findings. A
            table that is not permitted has no file; a table that failed keeps the file of an earlier export, marked as
            incomplete.

        Raises
        ------
        ExportError
            The directory cannot be written, another export is writing to it, it lies inside another export, or it
            holds an export from another address or with other choices of pseudonyms.
        BadArgumentError
            There is no such table, or asking for it takes more than ids.
        CredentialsError
            HUBmis refused the client.
        HubmisError
            No table at all could be fetched. What is in the directory stays as it is.
        """
        folder = expanded(directory)
        if service := shared_by(folder):
            warn(
                f"{directory} seems to lie in {service}, so what is written there leaves this machine. Check that "
                "children's data may be stored there."
            )
        options = ExportOptions(refresh, window, free_text, open_key() if pseudonymise else None)
        return export(self._fetcher, folder, tables, options, on_table)

    def cache(self) -> dict[str, object]:
        """Describe the cache: its file, the number of responses, their ages and its size."""
        return self._session.cache()

    def purge_cache(self, student_id: int | str | None = None) -> int:
        """Remove every response of this school from the cache, or only those that may mention a student.

        Exports and reports stay: :meth:`exports_with` lists them.

        Returns
        -------
        int
            How many responses were removed.
        """
        return self._session.purge(student_id)

    def exports_with(self, student_id: int | str) -> list[Path]:
        """List the exports and reports of this user that hold a student of this school, or may hold them.

        Every export and report is noted in a file in the user's state folder when it is written. This looks through
        those that are still there. An export with pseudonyms is searched if the key is in its usual place, and
        otherwise listed. A report is listed if its export is, or was written again since. Files that you wrote
        yourself, and notebooks that you ran, are not known.

        Returns
        -------
        list of Path
            Folders of exports and files of reports. Remove them, or export and report again without the student.

        Warns
        -----
        HubmisWarning
            The list of exports is damaged, so the answer may lack some.
        """
        return exports_with(student_id, self.realm, find_key())

    def _load(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """Load the tables of an operation; the loaders call this. See :meth:`Fetcher.load`."""
        return self._fetcher.load(endpoint, arguments)
