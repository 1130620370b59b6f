"""Where this user's exports and reports are, so that purging a student can name those that still hold them.

The list is a file of ours, but it may be damaged or out of date like any other: it is checked where it is read.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import filelock
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import warn
from ..files import private_file, user_folder, whole_file
from ..privacy import pseudonyms_of, student_columns
from .folder import ExportFolder
from .manifest import FORMAT, read_manifest

MOST = 1000
"""How many exports are remembered; the oldest are forgotten first."""
_LARGEST = 10**7

Places = dict[str, list[str]]
"""The folder of each export, with the files of the reports that were made from it."""


def remember(directory: Path, report: Path | None = None) -> None:
    """Note that a folder holds an export, and that a report was made from it.

    If the list cannot be written, this warns and goes on: the export or report is there all the same.
    """
    folder, new = str(directory.absolute()), [str(report.absolute())] if report else []
    try:
        file = private_file(_file())
        with filelock.FileLock(file.with_name(f"{file.name}.lock"), mode=0o600):
            places = _read(file)
            if folder in places and set(new) <= set(places[folder]):
                return
            places[folder] = [*dict.fromkeys([*places.pop(folder, []), *new])]
            with whole_file(file) as part:
                part.write_text(json.dumps(_still_there(places), indent=1), encoding="utf-8")
    except OSError as error:
        warn(
            f"The list of exports cannot be written ({error.strerror or error}), so 'hubmis-frames cache purge "
            f"--student' will not name {folder}."
        )


def exports_with(student_id: int | str, realm: str, key: bytes | None) -> list[Path]:
    """The folders of exports, and the files of reports, that hold a student of a realm or may hold them.

    Only columns that may hold ids of students are read, and the ids of requests that failed. An export with pseudonyms
    is searched for the pseudonym; without the ``key``, it may hold the student. So may a file that cannot be read, and
    a report whose export is gone or was written again since.
    """
    try:
        places = _still_there(_read(_file()))
    except OSError as error:
        warn(f"The list of exports cannot be read ({error.strerror or error}). Look through your exports yourself.")
        return []
    ids = [str(student_id)]
    if key:
        ids += pseudonyms_of(pd.Series([student_id]), "student_id", key, realm).tolist()
    found: dict[Path, None] = {}
    for folder, reports in places.items():
        export = ExportFolder(Path(folder), realm)
        holds = _holds(export, ids, key)
        if holds:
            found[export.directory] = None
        for report in map(Path, reports):
            if holds or not _is_newer(report, export.manifest):
                found[report] = None
    return list(found)


def _holds(export: ExportFolder, ids: list[str], key: bytes | None) -> bool:
    """Whether an export holds one of the ids of a student, or may hold them."""
    try:
        if _is_in_manifest(export, ids[0], key):
            return True
        files = list(export.directory.glob(f"*/{export.of_table('any').name}/*.parquet"))
        return any(_is_in_file(file, ids) for file in files)
    except OSError:
        return True  # a drive or a file that cannot be read now may hold anybody


def _is_in_manifest(export: ExportFolder, student_id: str, key: bytes | None) -> bool:
    """Whether the manifest names the student, or is that of an export whose pseudonyms cannot be looked up."""
    if not export.manifest.exists():
        return False
    try:
        content = read_manifest(export.manifest)
    except ValueError:
        return False  # it does not say what is in the files, which are read next
    if content["format"] != FORMAT:
        return False
    if content["pseudonymised"] and key is None:
        return True
    operations = content["operations"].values()
    return any(student_id in ids.split(", ") for entry in operations for ids in entry["failed"])


def _is_in_file(file: Path, ids: list[str]) -> bool:
    """Whether a Parquet file holds one of the ids in a column that may hold ids of students."""
    try:
        with pq.ParquetFile(file) as parquet:
            columns = student_columns(file.parent.parent.name, parquet.schema_arrow.names)
            tables = [parquet.read_row_group(number, columns) for number in range(parquet.num_row_groups)]
    except (pa.ArrowException, ValueError):
        return True  # it is damaged
    return any(_is_in_column(column, ids) for table in tables for column in table.columns)


def _is_in_column(column: pa.ChunkedArray, ids: list[str]) -> bool:
    type_ = column.type
    if pa.types.is_floating(type_):
        return ids[0].isdecimal() and bool(pc.any(pc.equal(column, float(ids[0]))).as_py())
    if pa.types.is_integer(type_):
        column = column.cast(pa.string())
    elif not (pa.types.is_string(type_) or pa.types.is_large_string(type_)):
        return False
    # The id may stand among others in a text, as in "5151,5152".
    values = (str(value) for value in pc.unique(column.drop_null()).to_pylist())
    return any(not set(ids).isdisjoint([value, *re.split(r"[^0-9A-Za-z-]+", value)]) for value in values)


# --- the list


def _file() -> Path:
    return user_folder("state") / "exports.json"


def _read(file: Path) -> Places:
    """The list in a file; what is not part of a list is left out, with a warning."""
    if not file.exists():
        return {}
    content: object = None
    with contextlib.suppress(ValueError, RecursionError):
        content = json.loads(file.read_bytes() or "{}") if file.stat().st_size < _LARGEST else None
    entries = content if isinstance(content, Mapping) else {}
    places = {
        str(folder): [report for report in reports if _is_place(report)]
        for folder, reports in entries.items()
        if _is_place(folder) and isinstance(reports, list)
    }
    if content is None or places != content:
        warn(
            f"The list of exports in {file} is damaged, so purging a student may not name every export that holds "
            "them. Look through your exports yourself."
        )
    return places


def _is_place(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value and Path(value).is_absolute()


def _still_there(places: Places) -> Places:
    """The newest places, without folders and reports that were removed."""
    kept: Iterator[tuple[str, list[str]]] = (
        (folder, [report for report in reports if not _is_gone(Path(report))]) for folder, reports in places.items()
    )
    there = [(folder, reports) for folder, reports in kept if reports or not _is_gone(Path(folder))]
    return dict(there[-MOST:])


def _is_gone(path: Path) -> bool:
    """Whether a path was removed. What lies on a drive that is not there now may come back."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Path(path.anchor).exists()
    except OSError:
        return False
    return False


def _is_newer(report: Path, manifest: Path) -> bool:
    """Whether a report was made from an export as it is now, so that it holds nobody else."""
    try:
        return report.stat().st_mtime >= manifest.stat().st_mtime
    except OSError:
        return False
