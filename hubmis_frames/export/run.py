"""Running an export: step by step, each table written whole, one failure not stopping the others."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import filelock
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import CredentialsError, ExportError, HubmisError, NotPermittedError
from ..files import private_folder, safe_name, whole_file
from ..frames import AS_SENT, free_name, to_pandas
from ..privacy import pseudonymise, without_free_text
from .manifest import Entry, Manifest
from .plan import Step, first_day, steps_of

if TYPE_CHECKING:
    from ..school import Fetched, School

ROW_GROUP = 2**17
FILE = "part-0.parquet"
INCOMPLETE = "_INCOMPLETE.txt"  # readers of Parquet pass over names that begin so


@dataclass(frozen=True)
class Choices:
    """How an export is made."""

    refresh: bool = False
    free_text: bool = False
    key: bytes | None = None
    """The key for pseudonyms, where they are wanted."""


def export(
    school: "School", directory: Path, tables: str | Iterable[str], choices: Choices, each: Callable[[str], None]
) -> pd.DataFrame:
    """Write tables to Parquet. See :meth:`School.export`."""
    steps = steps_of(tables)
    try:
        private_folder(directory)
        lock = filelock.FileLock(directory / ".export.lock", mode=0o600)
        with lock.acquire(timeout=0):
            return _run(school, directory, steps, choices, each)
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
    school: "School", directory: Path, steps: list[Step], choices: Choices, each: Callable[[str], None]
) -> pd.DataFrame:
    year = Manifest.unfinished_year(directory, school.realm)
    if year is None and any(step.endpoint.year for step in steps):
        year = school.current_year()
    manifest = Manifest(directory, school.realm, school.base_url, year, choices.free_text, choices.key is not None)
    loaded: dict[str, pd.DataFrame] = {}
    rows = []
    for number, step in enumerate(steps, 1):
        each(step.endpoint.table)
        entry = _step(school, directory, step, loaded, year, choices)
        table = step.endpoint.table
        _remove_older(directory, partition(school.realm), manifest.entries.get(table), entry)
        manifest.write(table, entry, complete=number == len(steps))
        rows.append(
            {
                "table": table,
                "rows": entry.tables.get(table, pd.NA),
                "child_tables": max(len(entry.tables) - 1, 0),
                "requests": entry.requests - entry.cached,
                "cached": entry.cached,
                "status": entry.status,
            }
        )
    return pd.DataFrame(rows).astype({"rows": "Int64"})


def _remove_older(directory: Path, part: str, older: Entry | None, entry: Entry) -> None:
    """Remove what an earlier export wrote of an operation and this one did not: it would pass for this one's."""
    for name in set(older.tables) - set(entry.tables) if older else ():
        folder = directory / name / f"realm={part}"
        for file in (folder / FILE, folder / INCOMPLETE):
            file.unlink(missing_ok=True)
        for empty in (folder, folder.parent):
            with contextlib.suppress(OSError):
                empty.rmdir()


def _step(
    school: "School", directory: Path, step: Step, loaded: dict[str, pd.DataFrame], year: int | None, choices: Choices
) -> Entry:
    endpoint = school.resolve(step.endpoint)
    entry = Entry(endpoint.title, endpoint.path, endpoint.path_source, "complete")
    if missing := [parent for parent in step.parents if parent not in loaded]:
        entry.status = "failed"
        entry.remarks = [f"It is asked by the ids of {' and '.join(missing)}, which could not be had."]
        return entry
    try:
        fetched = school.fetch(endpoint, step.requests(school, loaded, year), refresh=choices.refresh)
    except CredentialsError:
        raise  # every other table would fail in the same way
    except HubmisError as error:
        entry.status = "not permitted" if isinstance(error, NotPermittedError) else "failed"
        entry.remarks = [str(error)]
        return entry
    entry.requests, entry.cached = fetched.requests, fetched.cached
    entry.fetched_from, entry.fetched_to = fetched.ages["fetched_from"], fetched.ages["fetched_to"]
    entry.remarks = fetched.report.sentences() + _without_ids(step, loaded)
    if choices.key is None:
        entry.failed = {", ".join(map(str, ids)): str(error) for ids, error in fetched.failed.items()}
    if fetched.failed or _without_ids(step, loaded):
        entry.status = "incomplete"
    for name, table in fetched.tables.items():
        shown = _shown(name, table, school.realm, loaded, year, choices)
        write_table(directory / name / f"realm={partition(school.realm)}", shown, _remark(fetched))
        entry.tables[name] = len(table)
    loaded[endpoint.table] = to_pandas(fetched.tables[endpoint.table])
    return entry


def _without_ids(step: Step, loaded: dict[str, pd.DataFrame]) -> list[str]:
    """What is to be said of rows by which nothing can be asked."""
    missing = int(loaded[step.parent][step.asked_by()].isna().any(axis=1).sum()) if step.parent else 0
    return [f"{missing} rows of {step.parent} have no id, so nothing was asked about them"] if missing else []


def write_table(folder: Path, table: pa.Table, incomplete: str | None = None) -> None:
    """Write one Parquet file that pandas reads back as the very frame the loader gives."""
    private_folder(folder)
    frame = to_pandas(table.slice(0, 0))
    # Without pandas' own remarks, nullable integers would come back as floats.
    table = table.replace_schema_metadata(pa.Schema.from_pandas(frame, preserve_index=False).metadata)
    mark = folder / INCOMPLETE
    if incomplete:
        mark.write_text(incomplete, encoding="utf-8")
    with whole_file(folder / FILE) as part:
        pq.write_table(table, part, row_group_size=ROW_GROUP, compression="zstd")
    if not incomplete:
        mark.unlink(missing_ok=True)


def _shown(
    name: str, table: pa.Table, realm: str, loaded: dict[str, pd.DataFrame], year: int | None, choices: Choices
) -> pa.Table:
    """What of a table may stand in a file."""
    if not choices.free_text:
        table = table.select(without_free_text(name, table.column_names))
    if "realm" in table.column_names:  # that name is the folder's
        table = table.rename_columns({"realm": free_name(f"realm{AS_SENT}", table.column_names)})
    if choices.key is None:
        return table
    start = first_day(loaded, year)
    frames = pseudonymise({name: to_pandas(table)}, choices.key, year_start=start, realm=realm)
    return pa.Table.from_pandas(frames[name], preserve_index=False)


def _remark(fetched: "Fetched") -> str | None:
    if not fetched.failed:
        return None
    return f"{len(fetched.failed)} requests failed, so rows are missing here. The manifest names them. Export again."


def partition(realm: str) -> str:
    """Write the realm as readers of partitions expect it; one too long for a folder is cut, with a digest behind it."""
    text = quote(realm, safe="").replace(".", "%2E")
    return text if len(text) <= 200 else safe_name(realm)
