"""An export read back, with what it lacks said aloud."""

import glob
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import BadArgumentError, ExportError, did_you_mean, warn
from ..frames import as_schema, joined, to_pandas
from ..frames.partitions import NOT_TEXT, Frame, need_dask
from ..frames.provenance import set_provenance
from ..operations import CATALOGUE
from .manifest import manifests
from .write import FILE, INCOMPLETE, partition, sample

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

    It is what :func:`pandas.read_parquet` reads, and besides: a table that is not there says why, one that is
    incomplete warns, a realm of digits stays text, and no column is lost where only some schools of a group have it.

    Parameters
    ----------
    directory
        The folder that :meth:`School.export` or ``hubmis-frames export`` wrote.
    table
        The name of a table, a child table too: ``"students_nationalities"``.
    realm
        One school of several; all unless given.
    engine
        ``"pandas"``, or ``"dask"`` for a group of schools that is too large for memory: a Dask frame of the same
        columns and types whose partitions are the schools, read when they are needed. ``hf.join``,
        ``hf.attendance.marks`` and ``hf.wellbeing.events`` take it, and the summaries of both.

    Returns
    -------
    DataFrame
        The rows and columns that the loader gives, dtype for dtype, and ``realm`` (text) behind them.

    Raises
    ------
    ExportError
        The folder holds no such table; the message says whether it was not permitted, failed or was never asked for.
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
    folder = Path(directory)
    parts = sorted((folder / table).glob("realm=*" if realm is None else f"realm={glob.escape(partition(realm))}"))
    files = [part / FILE for part in parts if (part / FILE).exists()]
    if not files:
        raise ExportError(_why_not(folder, table, realm))
    for mark in (file.with_name(INCOMPLETE) for file in files):
        if mark.exists():
            said = mark.read_text(encoding="utf-8")
            warn(f"{table} of {_realm(mark)} is incomplete. {said}")
    if engine == "dask":
        return _by_school(files)
    frame = to_pandas(joined([_table(file) for file in files]))
    if len(files) == 1 and (of := [each for each in manifests(folder) if each["realm"] == _realm(files[0])]):
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
    """The columns and types of all files together; where they are of several types, values decide and are read."""
    schemas = [pq.read_schema(file).remove_metadata() for file in files]
    types: dict[str, set[pa.DataType]] = {}
    for field in (field for schema in schemas for field in schema):
        types.setdefault(field.name, set()).add(field.type)
    unlike = [name for name, several in types.items() if len(several) > 1]
    rows = []
    for file, schema in zip(files, schemas, strict=True):
        here = [name for name in unlike if name in schema.names]
        row = as_schema(sample(pq.read_table(file, columns=here, partitioning=None)), schema)
        rows.append(_with_realm(row, _realm(file)))
    return joined(rows).schema


def _table(file: Path) -> pa.Table:
    return _with_realm(pq.read_table(file, partitioning=None), _realm(file))


def _realm(file: Path) -> str:
    return unquote(file.parent.name.removeprefix("realm="))


def _with_realm(table: pa.Table, realm: str) -> pa.Table:
    return table.append_column("realm", pa.repeat(realm, len(table)))


def _why_not(folder: Path, table: str, realm: str | None) -> str:
    where = f"{folder} has no table {table!r}{f' of {realm!r}' if realm else ''}"
    found = manifests(folder)
    if not found:
        return f"{where}, and no manifest: it is no folder that hubmis-frames export wrote. Check the path."
    for content in found:
        entry = content["operations"].get(table)
        if entry and entry["status"] != "complete":
            return f"{where}: {entry['status']}. {' '.join(entry['remarks'])}"
    if not all(content["finished_at"] for content in found if realm in (None, content["realm"])):
        return f"{where}: the export has not ended. Run it again; it goes on where it was."
    if table in CATALOGUE:
        return f'{where}. Add it: hubmis-frames export "{folder}" --tables {table}'
    return f"{where}.{did_you_mean(table, {part.name for part in folder.iterdir()} - {table})} Each folder is a table."
