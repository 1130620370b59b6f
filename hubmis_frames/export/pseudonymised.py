"""Writes tables that are here already as an export with pseudonyms. Nothing here sends a request."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import filelock
import pandas as pd
import pyarrow as pa

from ..errors import BadArgumentError, ExportError
from ..files import own_folder, why
from ..frames.provenance import source
from ..operations import CATALOGUE
from ..privacy import declared_columns, is_declared, pseudonymise, safe_columns
from ..privacy.pseudonyms import is_pseudonym
from .folder import LOCK, ExportFolder, is_link, owns, refuse_nested
from .manifest import Entry, Manifest, manifests
from .package import describe_export
from .places import remember
from .reading import is_incomplete
from .write import TableWriter, put_in_place


def write_pseudonymised(
    directory: Path, realm: str, frames: Mapping[str, pd.DataFrame], key: bytes, year_start: date, origin: Path | None
) -> pd.DataFrame:
    """Write one school's tables. See :meth:`SchoolData.pseudonymise`.

    ``origin`` is the folder of the export that the tables are from, if there is one.
    """
    frames = {name: frame for name, frame in frames.items() if is_declared(name)}
    known = [content for content in manifests(origin) if content["realm"] == realm] if origin is not None else []
    pseudonyms = any(content["pseudonymised"] for content in known)
    if pseudonyms or any("student_id" in frame and is_pseudonym(frame["student_id"]) for frame in frames.values()):
        raise BadArgumentError("pseudonymise: these data have pseudonyms already. Take the export that they are from.")
    kept = pseudonymise(frames, key, year_start=year_start, realm=realm)
    address = known[0]["address"] if known else ""
    try:
        if origin is not None and (directory.resolve() == origin.resolve()):
            raise ExportError(f"{directory} is the export itself. Choose another folder.")
        refuse_nested(directory)
        own_folder(directory)
        if is_link(directory / LOCK):
            raise ExportError(f"{directory / LOCK} is a link. Remove it, then try again.")
        with filelock.FileLock(directory / LOCK, mode=0o600).acquire(timeout=0):
            folder = ExportFolder(directory, realm)
            folder.sweep()
            remember(directory)
            manifest = Manifest(folder, address or "", free_text=False, pseudonymised=True)
            entries: dict[str, Entry] = {}
            for name, frame in kept.items():
                incomplete = origin is not None and is_incomplete(origin, name, realm)
                _write(folder, name, frame.drop(columns="realm", errors="ignore"), incomplete=incomplete)
                operation = next(operation for operation in CATALOGUE if owns(operation, name))
                entry = entries.setdefault(operation, _entry(operation, frames[name]))
                entry.tables[name] = len(frame)
                if left_out := _left_out(name):
                    entry.left_out[name] = left_out
                if incomplete:
                    entry.status = "incomplete"
            manifest.write(entries, complete=True)
            describe_export(directory)
    except filelock.Timeout:
        raise ExportError(f"Another export is writing to {directory}. Wait for it to end.") from None
    except OSError as error:
        raise ExportError(f"Cannot write to {directory}: {why(error)}. Choose another folder.") from error
    rows = [(name, len(frame), ", ".join(_left_out(name))) for name, frame in kept.items()]
    return pd.DataFrame(rows, columns=["table", "rows", "left_out"]).astype({"rows": "Int64"})


def _write(folder: ExportFolder, name: str, frame: pd.DataFrame, *, incomplete: bool) -> None:
    with TableWriter(folder, name) as writer:
        writer.add(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None))
        writer.finish()
        put_in_place([writer], "Rows are missing, as in the export that this is from." if incomplete else None)


def _entry(operation: str, frame: pd.DataFrame) -> Entry:
    endpoint, told = CATALOGUE[operation], source(frame)
    entry = Entry(
        endpoint.title,
        told.get("path") or endpoint.path,
        told.get("path_source") or endpoint.path_source,
        "complete",
    )
    entry.fetched_from, entry.fetched_to = told.get("fetched_from"), told.get("fetched_to")
    return entry


def _left_out(table: str) -> list[str]:
    """The declared columns of a table that are left out with pseudonyms."""
    return [name for name in declared_columns(table) if name not in safe_columns(table)]
