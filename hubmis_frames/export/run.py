"""Runs an export step by step. Each table is written whole, and one failure does not stop the others."""

import contextlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import filelock
import pandas as pd
import pyarrow as pa

from ..errors import (
    BadArgumentError,
    CredentialsError,
    ExportError,
    HubmisError,
    NotPermittedError,
    SpecError,
    check_realm,
)
from ..fetch import Fetch, Fetcher
from ..files import own_folder, why
from ..frames import AS_SENT, Batch, empty, free_name, joined, to_pandas
from ..operations.declaration import Endpoint
from ..privacy import (
    declared_columns,
    is_declared,
    pseudonymise,
    pseudonyms_of,
    safe_columns,
    sorted_positions,
    without_free_text,
)
from ..request import Request
from .folder import DELETED, LOCK, ExportFolder, is_link, owned_name, refuse_nested, table_folder
from .manifest import Entry, Manifest
from .package import describe_export
from .places import remember
from .refresh import HISTORIES, WINDOW, History, deleted_rows, open_history
from .steps import YEARS, Step, first_day, steps_of
from .write import TableWriter, is_sound, put_in_place

_log = logging.getLogger(__name__)
_SHOWN = 3  # failed ids that a remark names; the manifest names all


@dataclass(frozen=True)
class ExportOptions:
    """How an export is made."""

    refresh: bool = False
    window: int = WINDOW
    free_text: bool = False
    key: bytes | None = None
    """The key for pseudonyms, if they are wanted."""


def export(
    fetcher: Fetcher,
    directory: Path,
    tables: str | Iterable[str],
    options: ExportOptions,
    on_table: Callable[[str, int, float], None],
) -> pd.DataFrame:
    """Write tables to Parquet. See :meth:`School.export`."""
    steps = steps_of(tables, fetcher.others)
    undeclared = [step.endpoint.table for step in steps if not is_declared(step.endpoint.table)]
    if options.key is not None and undeclared:
        raise BadArgumentError(
            f"{', '.join(undeclared)}: only the vendor's file knows these tables, so which of their columns may be "
            "passed on with pseudonyms is not known. Leave them out, or export without pseudonyms."
        )
    if options.window < 0:
        raise BadArgumentError(f"window is a number of days, 0 or more; not {options.window}.")
    try:
        refuse_nested(directory)
        own_folder(directory)
        if is_link(directory / LOCK):
            raise ExportError(f"{directory / LOCK} is a link. Remove it, then export again.")
        lock = filelock.FileLock(directory / LOCK, mode=0o600)
        with lock.acquire(timeout=0):
            folder = ExportFolder(directory, fetcher.session.realm)
            folder.sweep()
            remember(directory)  # first: an export that is interrupted holds children's rows too
            return _run(fetcher, folder, steps, options, on_table)
    except filelock.Timeout:
        raise ExportError(
            f"Another export is writing to {directory}. Wait for it to end, or choose another folder."
        ) from None
    except OSError as error:
        raise ExportError(
            f"Cannot write to {directory}: {why(error)}. Make it writable, free some disk, close programs "
            "that have a file in it open, or choose another folder."
        ) from error


def _run(
    fetcher: Fetcher,
    folder: ExportFolder,
    steps: list[Step],
    options: ExportOptions,
    on_table: Callable[[str, int, float], None],
) -> pd.DataFrame:
    manifest = Manifest(
        folder,
        fetcher.session.base_url,
        free_text=options.free_text and options.key is None,
        pseudonymised=options.key is not None,
    )
    year = manifest.unfinished_year
    if year is None and any(step.endpoint.year for step in steps):
        with contextlib.suppress(SpecError):  # the step for the academic years reports it
            year = fetcher.current_year()
    manifest.academic_year_id = year
    new_since = manifest.begin_refresh() if options.refresh else None
    needed = {YEARS, *(parent for step in steps for parent in step.parents)}
    run = _Run(fetcher, folder, year, options, manifest.entries, needed, new_since, on_table)
    done: dict[str, Entry] = {}
    waiting: dict[str, Entry] = {}
    for number, step in enumerate(steps, 1):
        table = step.endpoint.table
        done[table] = waiting[table] = run.step(step)
        if not any(entry.status in ("complete", "incomplete") for entry in done.values()):
            continue  # as long as no table at all was fetched, the folder stays as it is
        for name, entry in waiting.items():
            run.reconcile(manifest.entries.get(name), entry)
        try:
            manifest.write(waiting, complete=number == len(steps))
        except ExportError:  # the manifest is held; it is tried again after the next table
            if number == len(steps):
                raise
            continue
        waiting = {}
    if waiting:
        raise _why_nothing(fetcher, run.errors)
    describe_export(folder.directory)
    return pd.DataFrame([_row(table, entry) for table, entry in done.items()]).astype({"rows": "Int64"})


def _row(table: str, entry: Entry) -> dict[str, object]:
    return {
        "table": table,
        "rows": entry.tables.get(table, pd.NA),
        "child_tables": max(len(entry.tables) - 1, 0),
        "requests": entry.requests - entry.cached,
        "cached": entry.cached,
        "status": entry.status,
        "remarks": "; ".join(entry.remarks),
    }


def _why_nothing(fetcher: Fetcher, errors: list[HubmisError]) -> HubmisError:
    """Why no table at all was fetched: the first error, unless nothing is permitted."""
    if errors and all(isinstance(error, NotPermittedError) for error in errors):
        return NotPermittedError(
            f"HUBmis permits this client none of the requests. {check_realm(fetcher.session.realm)}"
        )
    return next(error for error in errors if not isinstance(error, NotPermittedError))


@dataclass
class _Run:
    """One run of an export, with the tables loaded so far, whose ids other requests need."""

    fetcher: Fetcher
    folder: ExportFolder
    year: int | str | None
    options: ExportOptions
    earlier: dict[str, Entry]
    needed: set[str]
    """The tables whose ids other requests need."""
    new_since: datetime | None
    """With a refresh: cached responses that were fetched since then count as new."""
    on_table: Callable[[str, int, float], None]
    loaded: dict[str, pd.DataFrame] = field(default_factory=dict)
    errors: list[HubmisError] = field(default_factory=list)
    """Why tables failed."""

    def step(self, step: Step) -> Entry:
        """Request one operation and write its tables."""
        declared = step.endpoint
        entry = Entry(declared.title, declared.path, declared.path_source, "complete")
        try:
            endpoint = self.fetcher.resolve(declared)
            entry = Entry(endpoint.title, endpoint.path, endpoint.path_source, "complete")
            if missing := step.missing(self.loaded, self.year):
                entry.status = "failed"
                entry.remarks = [f"It needs {missing}."]
            else:
                self._write_tables(step, endpoint, entry)
        except CredentialsError:
            raise  # every other table would fail in the same way
        except HubmisError as error:
            entry.status = "not permitted" if isinstance(error, NotPermittedError) else "failed"
            entry.remarks = [self._without_ids(str(error))]
            self.errors.append(error)
        return _beside(entry, self.earlier.get(declared.table))

    def _write_tables(self, step: Step, endpoint: Endpoint, entry: Entry, *, whole: bool = False) -> None:
        """Fetch an operation and write its tables; ``whole`` requests all of a history, even if we have most of it."""
        requests = step.requests(self.fetcher, endpoint, self.loaded, self.year)
        self.on_table(endpoint.table, len(requests), self.fetcher.session.seconds(len(requests)))
        people = self._people(endpoint, requests) if endpoint.table in HISTORIES else {}
        history = None if whole else self._history(endpoint, people.values())
        if history:
            requests = [self._lately(endpoint, request, history.ask_from(people[request.ids])) for request in requests]
        fetched = self.fetcher.fetch(
            endpoint,
            requests,
            refresh=self.options.refresh and step.refreshed,
            new_since=self.new_since,
            only_whole=history is not None,  # a row that did not come would count as deleted
        )
        kept: list[pa.Table] = []
        with contextlib.ExitStack() as stack:
            writers: dict[str, TableWriter] = {}
            for batch in self._batches(step, fetched, requests):
                if history and batch.tables.keys() > {endpoint.table}:
                    # Rows of a new child table do not show their day.
                    return self._write_tables(step, endpoint, entry, whole=True)
                for name, table in batch.tables.items():
                    if self.options.key is not None and not is_declared(name):
                        continue  # its name may be a person's
                    rows = self._written(name, table)
                    if history and batch.requests:
                        rows = history.merge_window([people[ids] for ids in batch.requests], rows)
                    stored = owned_name(endpoint.table, name, self.fetcher.others)
                    if stored not in writers:
                        writers[stored] = stack.enter_context(TableWriter(self.folder, stored))
                    writers[stored].add(rows)
                    if name == endpoint.table and name in self.needed:
                        kept.append(_days(rows) if name in HISTORIES else batch.tables[name])
            if kept:
                self.loaded[endpoint.table] = to_pandas(joined(kept))
            entry.requests, entry.cached = fetched.asked, fetched.cached
            entry.fetched_from, entry.fetched_to = fetched.ages["fetched_from"], fetched.ages["fetched_to"]
            incomplete = self._failures(endpoint, fetched, len(requests))
            without_id = _without_id(step, self.loaded)
            entry.remarks = [*incomplete, *self._findings(fetched), *without_id]
            if incomplete or without_id:
                entry.status = "incomplete"
            if self.options.key is not None:
                entry.left_out = _left_out(writers)
            else:
                entry.failed = {", ".join(map(str, ids)): str(error) for ids, error in fetched.failed.items()}
            deleted: TableWriter | None = None
            if history:
                failed = [people[ids] for ids in fetched.failed]
                writers[endpoint.table].add(history.remaining_rows(list(people.values()), failed))
                if self.options.key is not None:
                    writers[endpoint.table].order = lambda rows: rows.take(sorted_positions(to_pandas(rows)))
                deleted = self._keep_deleted(history, entry, endpoint.table, stack)
            entry.remarks += [
                f"{name!r:.80} lies in the folder {table_folder(name)}"
                for name in writers
                if table_folder(name) != name
            ]
            # All files are finished before the first is put in place, and deleted rows come first: if the process is
            # killed between two files, none is lost.
            for writer in (*writers.values(), *([deleted] if deleted else [])):
                writer.finish()
            put_in_place(writers.values(), f"{incomplete[0]} Export again." if incomplete else None, deleted)
            entry.tables = {name: writer.rows for name, writer in writers.items()}
        return None

    def _batches(self, step: Step, fetched: Fetch, requests: Sequence[Request]) -> Iterator[Batch]:
        """The tables batch by batch; with pseudonyms all at once, because rows are sorted."""
        if self.options.key is None:
            for batch in fetched:
                yield batch._replace(tables=step.kept(batch.tables))
            return
        tables = step.kept(fetched.tables())
        yield Batch([request.ids for request in requests if request.ids not in fetched.failed], tables)

    def _failures(self, endpoint: Endpoint, fetched: Fetch, asked: int) -> list[str]:
        """Which requests failed and why: the first few, and how many more; empty if no request failed."""
        if not fetched.failed:
            return []
        if asked == 1:
            return [self._without_ids(str(error)) for error in fetched.failed.values()]
        sentence = f"{len(fetched.failed)} of {asked} requests failed, so rows are missing"
        if self.options.key is not None:
            return [f"{sentence}."]
        names = [parameter.name for parameter in endpoint.path_ids]
        shown = [
            f"{', '.join(f'{name} {value}' for name, value in zip(names, ids, strict=True))} ({error})"
            for ids, error in list(fetched.failed.items())[:_SHOWN]
        ]
        more = len(fetched.failed) - len(shown)
        rest = f"; and {more} more, which the manifest names" if more else ""
        return [f"{sentence}: {'; '.join(shown)}{rest}."]

    def _findings(self, fetched: Fetch) -> list[str]:
        """The findings about the rows; with pseudonyms without field names, as one may be a person's name."""
        if self.options.key is None:
            for sentence in fetched.findings.sentences(most=None):
                _log.debug("%s", sentence)
            return fetched.findings.sentences()
        undeclared = len(fetched.findings.undeclared)
        counted = replace(fetched.findings, undeclared={}, misfits=Counter(), converted=Counter())
        counted = replace(counted, differing=Counter(), twofold=Counter())
        left_out = [f"{undeclared} undeclared columns and tables were left out"] if undeclared else []
        return [*counted.sentences(), *left_out]

    def _without_ids(self, message: str) -> str:
        """A message without the ids in the path of the request, so that it can be stored with pseudonyms."""
        return message if self.options.key is None else _AN_ID.sub("/...", message)

    def _history(self, endpoint: Endpoint, people: Iterable[object]) -> History | None:
        """The history in an earlier export, if requesting its last days is enough to bring it up to date."""
        if not self.options.refresh or endpoint.table not in HISTORIES:
            return None
        self.folder.refuse_links(endpoint.table)
        written = self._written(endpoint.table, empty(endpoint)[endpoint.table]).schema
        file = self.folder.file(endpoint.table)
        return open_history(endpoint, file, written, people, self.earlier.get(endpoint.table), self.options.window)

    def _people(self, endpoint: Endpoint, requests: Sequence[Request]) -> dict[tuple[int | str, ...], object]:
        """Each person's id as it is in the file, by the ids of the request."""
        asked = [request.ids[0] for request in requests]
        is_text = any(isinstance(value, str) for value in asked)
        ids = pd.Series(list(map(str, asked)), dtype="str") if is_text else pd.Series(asked, dtype="Int64")
        if self.options.key is not None:
            person, realm = HISTORIES[endpoint.table].person, self.fetcher.session.realm
            ids = pseudonyms_of(ids, person, self.options.key, realm)
        return dict(zip((request.ids for request in requests), ids.tolist(), strict=True))

    def _lately(self, endpoint: Endpoint, request: Request, since: date | None) -> Request:
        """The request for a person's rows since a day."""
        if since is None:
            return request
        person = HISTORIES[endpoint.table].person
        return self.fetcher.requests(endpoint, {person: request.ids[0], "date_time_from": since})[0]

    def _keep_deleted(
        self, history: History, entry: Entry, table: str, stack: contextlib.ExitStack
    ) -> TableWriter | None:
        """Note what the refresh changed, and write rows that are no longer sent to a table of their own."""
        earlier = self.earlier[table]
        entry.whole_from = earlier.whole_from or earlier.fetched_from
        entry.remarks.append(
            f"its last {self.options.window} days were asked again; the whole was, at {entry.whole_from}"
        )
        entry.remarks += history.sentences() or ["nothing in them changed"]
        name = f"{table}{DELETED}"
        self.folder.refuse_links(name)
        file = self.folder.file(name)
        if file.exists() and not is_sound(file):
            entry.remarks.append(f"the table {name} was damaged and begins anew")
        if any(map(len, history.deleted)):
            entry.remarks.append(f"rows no longer sent are kept in the table {name}")
        rows = deleted_rows(history, file)
        if rows is None:
            return None
        writer = stack.enter_context(TableWriter(self.folder, name))
        writer.add(rows)
        return writer

    def _written(self, name: str, table: pa.Table) -> pa.Table:
        """The columns of a table that may be written, as they are written."""
        if not self.options.free_text and self.options.key is None:
            table = table.select(without_free_text(name, table.column_names))
        if "realm" in table.column_names:  # that name is the folder's
            table = table.rename_columns({"realm": free_name(f"realm{AS_SENT}", table.column_names)})
        if self.options.key is None:
            return table
        start = first_day(self.loaded, self.year)
        frames = pseudonymise(
            {name: to_pandas(table)}, self.options.key, year_start=start, realm=self.fetcher.session.realm
        )
        return pa.Table.from_pandas(frames[name], preserve_index=False).replace_schema_metadata(None)

    def reconcile(self, older: Entry | None, entry: Entry) -> None:
        """Mark the files of an earlier export that stay; remove those that would look like files of this export."""
        for name in entry.tables if entry.status == "failed" else ():
            if self.folder.file(name).exists():
                with contextlib.suppress(ExportError):  # a remark already says what is wrong with the table
                    self.folder.mark_incomplete(name, entry.remarks[0])
        for name in older.tables.keys() - entry.tables.keys() if older else ():
            try:
                self.folder.remove(name)
            except ExportError as error:
                entry.remarks.append(f"{name} is out of date and stays: {error}")


def _days(rows: pa.Table) -> pa.Table:
    """The days of a history: other tables need to know how far back it goes, and no more of it."""
    if "date" not in rows.column_names:
        return rows.select([])
    return rows.select(["date"]).group_by("date").aggregate([])


_AN_ID = re.compile(r"/(?=[\w%.~-]*\d)(?!v\d+\b)[\w%~-]+")  # a number, or text with a digit in it


def _beside(entry: Entry, earlier: Entry | None) -> Entry:
    """The entry of a table, with its rows from an earlier export, which stay after a failure."""
    if entry.status in ("complete", "incomplete") or earlier is None or not earlier.tables:
        return entry
    if entry.status == "not permitted":
        entry.remarks.append(f"what was fetched at {earlier.fetched_to} was removed")
        return entry
    remark = f"{entry.remarks[0]} The rows here were fetched at {earlier.fetched_to}."
    tables = earlier.tables | entry.tables  # some may have been put in place before the failure
    return replace(earlier, status="failed", requests=0, cached=0, tables=tables, remarks=[remark])


def _left_out(tables: Iterable[str]) -> dict[str, list[str]]:
    """The declared columns that are left out with pseudonyms, by table."""
    columns = {table: [name for name in declared_columns(table) if name not in safe_columns(table)] for table in tables}
    return {table: names for table, names in columns.items() if names}


def _without_id(step: Step, loaded: dict[str, pd.DataFrame]) -> list[str]:
    """The remark about rows without an id, for which nothing can be requested."""
    missing = int(loaded[step.parent][step.asked_by()].isna().any(axis=1).sum()) if step.parent else 0
    return [f"{missing} rows of {step.parent} have no id, so nothing was asked about them"] if missing else []
