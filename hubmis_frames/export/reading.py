"""Reads an export back, and warns if rows are missing."""

from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..display.shell import argument
from ..errors import BadArgumentError, ExportError, did_you_mean, warn
from ..files import expanded
from ..frames import as_schema, joined, to_pandas
from ..frames.partitions import NOT_TEXT, Frame, need_dask
from ..frames.provenance import set_provenance
from ..operations import CATALOGUE, FURTHER
from .folder import FILE, INCOMPLETE, partition, read_file, table_folder
from .manifest import manifests
from .write import is_sound, sample

if TYPE_CHECKING:
    import dask.dataframe as dd


@overload
def read(
    directory: str | PathLike[str], table: str, *, realm: str | None = None, engine: Literal["pandas"] = "pandas"
) -> pd.DataFrame: ...
@overload
def read(
    directory: str | PathLike[str], table: str, *, realm: str | None = None, engine: Literal["dask"]
) -> "dd.DataFrame": ...
def read(
    directory: str | PathLike[str],
    table: str,
    *,
    realm: str | None = None,
    engine: Literal["pandas", "dask"] = "pandas",
) -> Frame:
    """Read one table of an export.

    It gives what :func:`pandas.read_parquet` gives. In addition, a missing table raises an error that says why, an
    incomplete one warns, a realm of digits stays text, and a column that only some schools of a group have is kept.

    Parameters
    ----------
    directory
        The folder that :meth:`School.export` or ``hubmis-frames export`` wrote.
    table
        The name of a table, a child table too: ``"students_nationalities"``.
    realm
        One school of several; all of them by default.
    engine
        ``"pandas"``, or ``"dask"`` for a group of schools that is too large for memory: a Dask frame of the same
        columns and types. Each partition is a school, read when it is needed. ``hf.join``, ``hf.attendance.marks``,
        ``hf.wellbeing.events`` and the summaries of both accept it.

    Returns
    -------
    DataFrame
        The rows and columns that the loader gives, dtype for dtype, followed by ``realm`` (text).

    Raises
    ------
    ExportError
        The folder holds no such table; the message says whether it was not permitted, failed or was never asked for.
        Or the file of the table is damaged, or another program keeps it from being opened.
    BadArgumentError
        There is no such engine.
    HubmisError
        Dask is not installed.

    Warns
    -----
    HubmisWarning
        Rows are missing, because requests failed while the export was made.
    """
    if engine not in ("pandas", "dask"):
        raise BadArgumentError(f'read: engine takes "pandas" or "dask", not {engine!r}.')
    folder = expanded(directory)
    parts = sorted((folder / table_folder(table)).glob("realm=*"))
    wanted = [part for part in parts if realm is None or part.name == f"realm={partition(realm)}"]
    files = [part / FILE for part in wanted if (part / FILE).exists()]
    if not files:
        raise ExportError(_why_not(folder, table, realm))
    for mark in (file.with_name(INCOMPLETE) for file in files):
        if mark.exists():
            warn(f"{table} of {_realm(mark)} is incomplete. {mark.read_text(encoding='utf-8', errors='replace')}")
    try:
        return _read_files(folder, table, files, engine)
    except (pa.ArrowException, OSError) as error:
        damaged = next((file for file in files if not is_sound(file)), files[0])
        raise ExportError(
            f"{damaged} is damaged and cannot be read. Export again with refresh (hubmis-frames export --refresh)."
        ) from error


def is_incomplete(directory: str | PathLike[str], table: str, realm: str | None = None) -> bool:
    """Whether rows of a table are missing because requests failed while the export was made."""
    schools = "*" if realm is None else partition(realm)
    return any((expanded(directory) / table_folder(table)).glob(f"realm={schools}/{INCOMPLETE}"))


def _read_files(folder: Path, table: str, files: list[Path], engine: str) -> Frame:
    if engine == "dask":
        return _by_school(files)
    frame = to_pandas(joined([_table(file) for file in files]))
    if len(files) == 1 and (of := [content for content in manifests(folder) if content["realm"] == _realm(files[0])]):
        for entry in of[0]["operations"].values():
            if table in entry["tables"]:
                names = ("operation", "path", "path_source", "fetched_from", "fetched_to")
                set_provenance(frame, realm=_realm(files[0]), **{name: entry[name] for name in names})
    return frame


def _by_school(files: list[Path]) -> "dd.DataFrame":
    dask = need_dask()
    schema = _schema(files)
    from dask import config

    with config.set(NOT_TEXT):
        return dask.from_map(_part, files, schema=schema, meta=to_pandas(schema.empty_table()))


def _part(file: Path, schema: pa.Schema) -> pd.DataFrame:
    return to_pandas(as_schema(_table(file), schema))


def _schema(files: list[Path]) -> pa.Schema:
    """The columns and types of all files together; if they differ in type, values are read to decide."""
    schemas = [read_file(file, partial(pq.read_schema, file)).remove_metadata() for file in files]
    types: dict[str, set[pa.DataType]] = {}
    for field in (field for schema in schemas for field in schema):
        types.setdefault(field.name, set()).add(field.type)
    differing = [name for name, several in types.items() if len(several) > 1]
    rows = []
    for file, schema in zip(files, schemas, strict=True):
        columns = [name for name in differing if name in schema.names]
        row = as_schema(sample(pq.read_table(file, columns=columns, partitioning=None)), schema)
        rows.append(_with_realm(row, _realm(file)))
    return joined(rows).schema


def _table(file: Path) -> pa.Table:
    return _with_realm(read_file(file, lambda: pq.read_table(file, partitioning=None)), _realm(file))


def _realm(file: Path) -> str:
    return unquote(file.parent.name.removeprefix("realm="))


def _with_realm(table: pa.Table, realm: str) -> pa.Table:
    return table.append_column("realm", pa.repeat(realm, len(table)))


def _why_not(folder: Path, table: str, realm: str | None) -> str:
    where = f"{folder} has no table {table!r}{f' of {realm!r}' if realm else ''}"
    contents = manifests(folder)
    if not contents:
        return f"{where}, and no manifest: hubmis-frames export did not write this folder. Check the path."
    for content in contents:
        entry = content["operations"].get(table)
        if entry and entry["status"] != "complete":
            return f"{where}: {entry['status']}. {' '.join(entry['remarks'])}"
    if not all(content["finished_at"] for content in contents if realm in (None, content["realm"])):
        return f"{where}: the export has not ended. Run it again; it continues where it stopped."
    if table in CATALOGUE or table in FURTHER:
        return f"{where}. Add it: hubmis-frames export {argument(folder)} --tables {table}"
    return f"{where}.{did_you_mean(table, {part.name for part in folder.iterdir()} - {table})} Each folder is a table."
