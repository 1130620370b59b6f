"""One table's Parquet file, written as its batches come, whole or not at all."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..files import private_folder, put, safe_name, scratch_file
from ..frames import as_schema, joined, to_pandas

ROW_GROUP = 2**16
FILE = "part-0.parquet"
INCOMPLETE = "_INCOMPLETE.txt"  # readers of Parquet pass over names that begin so


def partition(realm: str) -> str:
    """Write the realm as readers of partitions expect it; one too long for a folder is cut, with a digest behind it."""
    text = quote(realm, safe="").replace(".", "%2E")
    return text if len(text) <= 200 else safe_name(realm)


class Sink(contextlib.ExitStack):
    """Takes the batches of one table; :meth:`write` makes the file that pandas reads back as the loader's frame.

    Until then they lie in the directory of the export, and the table's folder is not there if it was not before.
    """

    def __init__(self, directory: Path, folder: Path) -> None:
        super().__init__()
        self._scratch = directory / folder.parent.name
        self._folder = folder
        self._parts: list[_Part] = []
        self._samples: list[pa.Table] = []
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        """Take a batch. Its columns may be others than those of the batch before, as a server sends what it likes."""
        if not self._parts or self._parts[-1].schema != table.schema:
            self._begin(table.schema)
        self._parts[-1].add(table)
        self._samples.append(sample(table))
        self.rows += len(table)

    def write(self, incomplete: str | None) -> None:
        """Put the file in its place, marked where rows are missing; one that would be the same is left alone."""
        written = self._parts
        for part in written:
            part.close()
        if len(written) > 1:
            whole = self._begin(joined(self._samples).schema)
            for table in (table for part in written[:-1] for table in part.read()):
                whole.add(as_schema(table, whole.schema))
            whole.close()
        mark = private_folder(self._folder) / INCOMPLETE
        if incomplete:
            mark.write_text(incomplete, encoding="utf-8")
        put(self._parts[-1].file, self._folder / FILE)
        if not incomplete:
            mark.unlink(missing_ok=True)

    def _begin(self, schema: pa.Schema) -> "_Part":
        part = _Part(self.enter_context(scratch_file(self._scratch)), schema)
        self.callback(part.drop)  # before the file goes
        self._parts.append(part)
        return part


class _Part:
    """Batches of one schema in a file of their own, in row groups that do not depend on how they came."""

    def __init__(self, file: Path, schema: pa.Schema) -> None:
        self.file = file
        self.schema = schema
        # Without pandas' own remarks, nullable integers would come back as floats.
        remarks = pa.Schema.from_pandas(to_pandas(schema.empty_table()), preserve_index=False).metadata
        self._writer = pq.ParquetWriter(file, schema.with_metadata(remarks), compression="zstd")
        self._waiting = schema.empty_table()

    def add(self, table: pa.Table) -> None:
        self._waiting = pa.concat_tables([self._waiting, table])
        while len(self._waiting) >= ROW_GROUP:
            self._writer.write_table(self._waiting.slice(0, ROW_GROUP))
            self._waiting = self._waiting.slice(ROW_GROUP)

    def close(self) -> None:
        if self._writer.is_open:
            if len(self._waiting):
                self._writer.write_table(self._waiting)
            self._writer.close()

    def drop(self) -> None:
        """Let go of the file, whatever state it is in: a disk that is full has been said already."""
        with contextlib.suppress(pa.ArrowException, OSError):
            self._writer.close()

    def read(self) -> Iterator[pa.Table]:
        with pq.ParquetFile(self.file) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group).replace_schema_metadata(None)


def sample(table: pa.Table) -> pa.Table:
    """One row with what decides the type of each column: its largest number, else any value that is not missing."""
    columns = []
    for column in table.columns:
        if pa.types.is_integer(column.type):
            value = pc.max(pc.abs(column)) if len(column) else pa.scalar(None, column.type)
        else:
            found = column.drop_null()
            value = found[0] if len(found) else pa.scalar(None, column.type)
        columns.append(pa.array([value], column.type))
    return pa.table(columns, schema=table.schema)
