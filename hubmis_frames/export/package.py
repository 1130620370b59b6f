"""The files beside an export that say what is in it: ``dictionary.csv`` for people, ``datapackage.json`` for programs.

The second is a Data Package of the Frictionless standard, https://datapackage.org.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..files import whole_file
from ..frames.output import as_csv
from .columns import REALM, Held, as_frame, held_in, identifying, references, rows_of
from .folder import FILE, partition, table_folder
from .manifest import manifests

DICTIONARY, PACKAGE = "dictionary.csv", "datapackage.json"
_PROFILE = "https://datapackage.org/profiles/2.0/"


def describe_export(directory: Path) -> None:
    """Write both files anew; one that would not change is left alone."""
    contents = manifests(directory)
    tables = list(held_in(directory, contents))
    by_table = {held.table: rows_of(held) for held in tables}
    with whole_file(directory / DICTIONARY) as part:
        as_csv(as_frame(row for rows in by_table.values() for row in rows), part)
    package = _package(directory, contents, tables, by_table)
    with whole_file(directory / PACKAGE) as part:
        part.write_text(json.dumps(package, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _package(
    directory: Path,
    contents: Sequence[Mapping[str, Any]],
    tables: Sequence[Held],
    by_table: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, Any]:
    realms = sorted(content["realm"] for content in contents)
    files = {held.table: _files(directory, held.table, realms) for held in tables}
    one = len(realms) == 1
    ids = {held.table: _ids(held, files[held.table]) for held in tables} if one else {}
    schools = f"{'the school' if one else 'the schools'} {', '.join(realms)}"
    apart = "" if one else " Ids are unique only within a school, so no keys are given."
    return {
        "$schema": f"{_PROFILE}datapackage.json",
        "name": "hubmis-export",
        "title": f"Export of {schools} from HUBmis",
        "description": (
            f"A table for each resource; the realm, which says whose the rows are, is in the path of each file.{apart} "
            "Keys are given where the rows keep to them. In each field: unit, refersTo, personal (the kind of personal "
            "data) and source (document, inferred, openapi, made here)."
        ),
        "resources": [
            {
                "name": table_folder(held.table).lower(),
                "type": "table",
                "path": [file.relative_to(directory).as_posix() for file in files[held.table]],
                "format": "parquet",
                "mediatype": "application/vnd.apache.parquet",
                "description": by_table[held.table][0]["grain"] or held.table,
                "schema": {
                    "$schema": f"{_PROFILE}tableschema.json",
                    "fields": [_field(row) for row in by_table[held.table] if row["column"] != REALM],
                    **(_keys(held, ids) if one else {}),
                },
            }
            for held in tables
        ],
    }


def _field(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {"unit": row["unit"], "refersTo": row["refers_to"], "personal": row["personal"]}
    return {
        "name": row["column"],
        "type": row["type"],
        "description": row["meaning"],
        **{name: value for name, value in told.items() if value},
        "source": row["source"],
    }


def _keys(held: Held, ids: Mapping[str, pa.Table]) -> dict[str, Any]:
    """The keys of a table to which its rows keep: a mark can be of a student who is on no list."""
    own, rows = identifying(held.table), ids[held.table]
    keys: dict[str, Any] = {}
    if own and set(own) <= set(rows.column_names) and _tell_apart(rows.select(own)):
        keys["primaryKey"] = own
    found = [
        {"fields": [name], "reference": {"resource": table_folder(table).lower(), "fields": [key]}}
        for name, (table, key) in references(held.table).items()
        if name in rows.column_names and table in ids and key in ids[table].column_names
        if _are_among(rows.column(name), ids[table].column(key))
    ]
    return keys | ({"foreignKeys": found} if found else {})


def _are_among(values: pa.ChunkedArray, known: pa.ChunkedArray) -> bool:
    values = values.drop_null()
    if values.type != known.type:
        return False
    return not len(values) or bool(pc.all(pc.is_in(values, known.combine_chunks())).as_py())


def _tell_apart(keys: pa.Table) -> bool:
    """Whether no two rows have the same key, and none is missing."""
    if any(column.null_count for column in keys.columns):
        return False
    return len(keys.group_by(keys.column_names).aggregate([])) == len(keys)


def _ids(held: Held, files: Sequence[Path]) -> pa.Table:
    """The columns of a table that may be keys."""
    names = [n for n in held.schema.names if n in {*identifying(held.table), *references(held.table)}]
    tables = []
    for file in files:
        with pq.ParquetFile(file) as parquet:
            tables.append(parquet.read(columns=names))
    return pa.concat_tables(tables)


def _files(directory: Path, table: str, realms: Sequence[str]) -> list[Path]:
    files = (directory / table_folder(table) / f"realm={partition(realm)}" / FILE for realm in realms)
    return [file for file in files if file.exists()]
