"""Running an export: step by step, each table written whole, one failure not stopping the others."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import filelock
import pandas as pd
import pyarrow as pa

from ..errors import BadArgumentError, CredentialsError, ExportError, HubmisError, NotPermittedError, check_realm
from ..fetch import Fetch, Fetcher
from ..files import own_folder
from ..frames import AS_SENT, Batch, empty, free_name, joined, to_pandas
from ..operations.declaration import Endpoint
from ..privacy import pseudonymise, without_free_text
from ..request import Request
from .manifest import Entry, Manifest
from .refresh import HISTORIES, WINDOW, History, open_history, vanished_rows
from .steps import Step, first_day, steps_of
from .write import FILE, INCOMPLETE, Sink, partition

_YEARS = "academic_years"  # ages and bounds are reckoned by them


@dataclass(frozen=True)
class ExportOptions:
    """How an export is made."""

    refresh: bool = False
    window: int = WINDOW
    free_text: bool = False
    key: bytes | None = None
    """The key for pseudonyms, where they are wanted."""


def export(
    fetcher: Fetcher,
    directory: Path,
    tables: str | Iterable[str],
    options: ExportOptions,
    on_table: Callable[[str, int, float], None],
) -> pd.DataFrame:
    """Write tables to Parquet. See :meth:`School.export`."""
    steps = steps_of(tables)
    if options.window < 0:
        raise BadArgumentError(f"window is a number of days, 0 or more; not {options.window}.")
    try:
        own_folder(directory)
        lock = filelock.FileLock(directory / ".export.lock", mode=0o600)
        with lock.acquire(timeout=0):
            return _run(fetcher, directory, steps, options, on_table)
    except filelock.Timeout:
        raise ExportError(
            f"Another export is writing to {directory}. Wait for it to end, or choose another directory."
        ) from None
    except OSError as error:
        raise ExportError(
            f"Cannot write to {directory}: {error.strerror or error}. Make it writable, free some disk, close what "
            "holds a file in it, or choose another directory."
        ) from error


def _run(
    fetcher: Fetcher,
    directory: Path,
    steps: list[Step],
    options: ExportOptions,
    on_table: Callable[[str, int, float], None],
) -> pd.DataFrame:
    year = Manifest.unfinished_year(directory, fetcher.session.realm)
    if year is None and any(step.endpoint.year for step in steps):
        year = fetcher.current_year()
    manifest = Manifest(
        directory, fetcher.session.realm, fetcher.session.base_url, year, options.free_text, options.key is not None
    )
    needed = {_YEARS, *(parent for step in steps for parent in step.parents)}
    run = _Run(fetcher, directory, year, options, manifest.entries, needed, on_table)
    done: dict[str, Entry] = {}
    waiting: dict[str, Entry] = {}
    for number, step in enumerate(steps, 1):
        table = step.endpoint.table
        done[table] = waiting[table] = run.step(step)
        if not any(entry.status in ("complete", "incomplete") for entry in done.values()):
            continue  # where nothing at all can be had, what is there stays
        for name, entry in waiting.items():
            run.reconcile(manifest.entries.get(name), entry)
        manifest.write(waiting, complete=number == len(steps))
        waiting = {}
    if waiting:
        raise _nothing(fetcher, run.errors)
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


def _nothing(fetcher: Fetcher, errors: list[HubmisError]) -> HubmisError:
    """Why nothing at all was had: one error says it, unless it is that nothing is permitted."""
    if errors and all(isinstance(error, NotPermittedError) for error in errors):
        return NotPermittedError(
            f"HUBmis permits this client nothing of what was asked. {check_realm(fetcher.session.realm)}"
        )
    return next(error for error in errors if not isinstance(error, NotPermittedError))


@dataclass
class _Run:
    fetcher: Fetcher
    directory: Path
    year: int | None
    options: ExportOptions
    earlier: dict[str, Entry]
    needed: set[str]
    """The tables by whose rows others are asked."""
    on_table: Callable[[str, int, float], None]
    loaded: dict[str, pd.DataFrame] = field(default_factory=dict)
    errors: list[HubmisError] = field(default_factory=list)
    """Why tables could not be had."""

    def step(self, step: Step) -> Entry:
        """Ask for one operation and write its tables."""
        endpoint = self.fetcher.resolve(step.endpoint)
        entry = Entry(endpoint.title, endpoint.path, endpoint.path_source, "complete")
        if missing := self._missing(step):
            entry.status = "failed"
            entry.remarks = [f"It is asked by {missing}."]
            return self._beside(entry, self.earlier.get(step.endpoint.table))
        try:
            with contextlib.ExitStack() as stack:
                self._fetch(step, endpoint, entry, stack)
        except CredentialsError:
            raise  # every other table would fail in the same way
        except HubmisError as error:
            entry.status = "not permitted" if isinstance(error, NotPermittedError) else "failed"
            entry.remarks = [str(error)]
            self.errors.append(error)
        return self._beside(entry, self.earlier.get(step.endpoint.table))

    def _beside(self, entry: Entry, earlier: Entry | None) -> Entry:
        """What could not be had now, but by an earlier export: after a failure its rows stay."""
        if entry.tables or earlier is None or not earlier.tables:
            return entry
        if entry.status == "not permitted":
            entry.remarks.append(f"what was fetched at {earlier.fetched_to} was removed")
            return entry
        said = f"{entry.remarks[0]} The rows here were fetched at {earlier.fetched_to}."
        return replace(earlier, status="failed", requests=0, cached=0, remarks=[said])

    def _missing(self, step: Step) -> str:
        """By what a table is asked that could not be had."""
        if missing := [parent for parent in step.parents if parent not in self.loaded]:
            return f"the ids of {' and '.join(missing)}, which could not be had"
        if (step.by_year and self.year is None) or (step.by_dates and _YEARS not in self.loaded):
            known = "which one is active could not be told" if _YEARS in self.loaded else f"{_YEARS} could not be had"
            return f"the academic year, and {known}"
        return ""

    def _fetch(self, step: Step, endpoint: Endpoint, entry: Entry, stack: contextlib.ExitStack) -> None:
        requests = step.requests(self.fetcher, endpoint, self.loaded, self.year)
        self.on_table(endpoint.table, len(requests), self.fetcher.session.seconds(len(requests)))
        history, people = self._history(endpoint, requests)
        if history:
            requests = [self._lately(endpoint, request, history.ask_from(people[request.ids])) for request in requests]
        sinks: dict[str, Sink] = {}
        kept: list[pa.Table] = []

        def take(batch: Batch) -> None:
            for name, table in batch.tables.items():
                if name not in sinks:
                    sinks[name] = stack.enter_context(Sink(self.directory, self._folder(name)))
                shown = self._shown(name, table)
                if history and batch.requests:
                    shown = history.lay_over([people[ids] for ids in batch.requests], shown)
                sinks[name].add(shown)
            if endpoint.table in self.needed:
                kept.append(batch.tables[endpoint.table])

        # What is personal is decided for a whole column, so pseudonyms are given when all of it is there.
        whole = self.options.key is not None
        fetched = self.fetcher.fetch(endpoint, requests, refresh=self.options.refresh)
        if whole:
            tables = fetched.tables()
            take(Batch([request.ids for request in requests if request.ids not in fetched.failed], tables))
        else:
            for batch in fetched:
                take(batch)
        entry.requests, entry.cached = fetched.asked, fetched.cached
        entry.fetched_from, entry.fetched_to = fetched.ages["fetched_from"], fetched.ages["fetched_to"]
        entry.remarks = fetched.findings.sentences() + _without_ids(step, self.loaded)
        if history:
            sinks[endpoint.table].add(history.rest(list(people.values()), [people[ids] for ids in fetched.failed]))
            self._end(history, entry, endpoint.table, stack)
        if self.options.key is None:
            entry.failed = {", ".join(map(str, ids)): str(error) for ids, error in fetched.failed.items()}
        if fetched.failed or _without_ids(step, self.loaded):
            entry.status = "incomplete"
        for name, sink in sinks.items():
            sink.write(_remark(fetched))
            entry.tables[name] = sink.rows
        if kept:
            self.loaded[endpoint.table] = to_pandas(joined(kept))

    def _history(
        self, endpoint: Endpoint, requests: Sequence[Request]
    ) -> tuple[History | None, dict[tuple[int | str, ...], object]]:
        """What is here of a history that its last days bring up to date, and each person's id as it stands there."""
        keys = HISTORIES.get(endpoint.table)
        if not self.options.refresh or keys is None:
            return None, {}
        declared = empty(endpoint)[endpoint.table]
        shown = self._shown(endpoint.table, declared).column_names
        file = self._folder(endpoint.table) / FILE
        history = open_history(endpoint, file, shown, self.earlier.get(endpoint.table), self.options.window)
        ids = pa.table({keys.who: pa.array([request.ids[0] for request in requests], pa.int64())})
        people = self._shown(endpoint.table, ids)[keys.who].to_pylist()
        return history, dict(zip((request.ids for request in requests), people, strict=True))

    def _lately(self, endpoint: Endpoint, request: Request, since: date | None) -> Request:
        """The request for somebody's rows from a day on."""
        if since is None:
            return request
        who = HISTORIES[endpoint.table].who
        return self.fetcher.requests(endpoint, {who: request.ids[0], "date_time_from": since})[0]

    def _end(self, history: History, entry: Entry, table: str, stack: contextlib.ExitStack) -> None:
        """Say what the refresh did, and keep what is no longer sent in a table of its own."""
        name = f"{table}_vanished"
        earlier = self.earlier[table]
        entry.whole_from = earlier.whole_from or earlier.fetched_from
        entry.remarks.append(
            f"its last {self.options.window} days were asked again; the whole was, at {entry.whole_from}"
        )
        entry.remarks += history.sentences() or ["nothing in them changed"]
        rows = vanished_rows(history, self._folder(name) / FILE)
        if rows is not None:
            entry.remarks.append(f"rows no longer sent are kept in the table {name}")
            sink = stack.enter_context(Sink(self.directory, self._folder(name)))
            sink.add(rows)
            sink.write(None)

    def _folder(self, table: str) -> Path:
        return self.directory / table / f"realm={partition(self.fetcher.session.realm)}"

    def _shown(self, name: str, table: pa.Table) -> pa.Table:
        """What of a table may stand in a file."""
        if not self.options.free_text:
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
        """Mark what stays of an earlier export; remove what this one did not write: it would pass for this one's."""
        for name in entry.tables if entry.status == "failed" else ():
            with contextlib.suppress(FileNotFoundError):
                (self._folder(name) / INCOMPLETE).write_text(entry.remarks[0], encoding="utf-8")
        for name in set(older.tables) - set(entry.tables) if older else ():
            folder = self._folder(name)
            for file in (folder / FILE, folder / INCOMPLETE):
                file.unlink(missing_ok=True)
            for empty_folder in (folder, folder.parent):
                with contextlib.suppress(OSError):
                    empty_folder.rmdir()


def _without_ids(step: Step, loaded: dict[str, pd.DataFrame]) -> list[str]:
    """What is to be said of rows by which nothing can be asked."""
    missing = int(loaded[step.parent][step.asked_by()].isna().any(axis=1).sum()) if step.parent else 0
    return [f"{missing} rows of {step.parent} have no id, so nothing was asked about them"] if missing else []


def _remark(fetched: Fetch) -> str | None:
    if not fetched.failed:
        return None
    return f"{len(fetched.failed)} requests failed, so rows are missing here. The manifest names them. Export again."
