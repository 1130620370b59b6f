"""One table's Parquet file, written batch by batch, and complete or not at all."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..files import scratch_file
from ..frames import as_schema, joined, to_pandas
from ..operations import CATALOGUE
from .folder import FILE, INCOMPLETE, ExportFolder, read_file, replace_files, table_folder

ROW_GROUP = 2**16


class TableWriter(contextlib.ExitStack):
    """Collects the batches of one table in scratch files; :func:`put_in_place` gives pandas the loader's frame to read.

    Until then the table's folder is neither created nor changed.
    """

    def __init__(self, folder: ExportFolder, table: str) -> None:
        super().__init__()
        self._folder = folder
        self.table = table
        self._parts: list[_Part] = []
        self._samples: list[pa.Table] = []
        self.rows = 0
        self.order: Callable[[pa.Table], pa.Table] | None = None
        """Sorts the rows of the whole table, if their order matters."""

    def add(self, batch: pa.Table) -> None:
        """Add a batch. Its columns may differ from those of the batch before, as records may have different fields."""
        if not self._parts or self._parts[-1].schema != batch.schema:
            self._begin(batch.schema)
        self._parts[-1].add(batch)
        self._samples.append(sample(batch))
        self.rows += len(batch)

    def finish(self) -> None:
        """Bring all batches into one file that is ready to be put in place."""
        for part in self._parts:
            part.close()
        if len(self._parts) > 1 or self.order:
            written = self._parts
            self._parts = []
            whole = self._begin(joined(self._samples).schema)
            batches = (as_schema(batch, whole.schema) for part in written for batch in part.read())
            for batch in batches if self.order is None else [self.order(pa.concat_tables(batches))]:
                whole.add(batch)
            whole.close()
        self._folder.refuse_links(self.table)

    @property
    def finished(self) -> Path:
        """The file that :meth:`finish` made."""
        return self._parts[-1].file

    @property
    def folder(self) -> Path:
        """The folder of the table, which is made if it is not there."""
        return self._folder.make(self.table)

    def mark_incomplete(self, reason: str) -> None:
        """Mark the table as one that lacks rows."""
        self._folder.mark_incomplete(self.table, reason)

    def _begin(self, schema: pa.Schema) -> "_Part":
        scratch = self._folder.directory / table_folder(self.table)
        key = CATALOGUE[self.table].key if self.table in CATALOGUE else None
        part = _Part(self.enter_context(scratch_file(scratch)), schema, key)
        self.callback(part.drop)  # before the file goes
        self._parts.append(part)
        return part


class _Part:
    """Batches of one schema in a file of their own. Row groups do not depend on the size of the batches."""

    def __init__(self, file: Path, schema: pa.Schema, key: str | None) -> None:
        self.file = file
        self.schema = schema
        # Each id of a row occurs once. A dictionary of them was two thirds of the file of marks.
        ids = [name for name in schema.names if name == key and pa.types.is_integer(schema.field(name).type)]
        # Without pandas' own metadata, nullable integers would come back as floats.
        metadata = pa.Schema.from_pandas(to_pandas(schema.empty_table()), preserve_index=False).metadata
        self._writer = pq.ParquetWriter(
            file,
            schema.with_metadata(metadata),
            compression="zstd",
            write_page_checksum=True,
            use_dictionary=[name for name in schema.names if name not in ids],
            column_encoding=dict.fromkeys(ids, "DELTA_BINARY_PACKED"),
        )
        self._waiting = schema.empty_table()

    def add(self, batch: pa.Table) -> None:
        self._waiting = pa.concat_tables([self._waiting, batch])
        while len(self._waiting) >= ROW_GROUP:
            self._writer.write_table(self._waiting.slice(0, ROW_GROUP))
            self._waiting = self._waiting.slice(ROW_GROUP)

    def close(self) -> None:
        if self._writer.is_open:
            if len(self._waiting):
                self._writer.write_table(self._waiting)
            self._writer.close()

    def drop(self) -> None:
        """Close the file in any state: a full disk has already been reported."""
        with contextlib.suppress(pa.ArrowException, OSError):
            self._writer.close()

    def read(self) -> Iterator[pa.Table]:
        with pq.ParquetFile(self.file) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group).replace_schema_metadata(None)


def put_in_place(writers: Iterable[TableWriter], incomplete: str | None, further: TableWriter | None = None) -> None:
    """Put the finished tables of one operation in place, all or none, marked if rows are missing.

    A file that would not change is left alone. ``further`` is a table that lacks nothing; it is put in place first.

    Raises
    ------
    ExportError
        Another program holds one of the files open. All files are as they were.
    """
    writers = list(writers)
    whole = [*([further] if further else []), *(writers if not incomplete else [])]
    files = {writer.folder / FILE: writer.finished for writer in ([further] if further else []) + writers}
    if incomplete:
        for writer in writers:
            writer.mark_incomplete(incomplete)
    replace_files(files, [writer.folder / INCOMPLETE for writer in whole])


def is_sound(file: Path) -> bool:
    """Whether a Parquet file can be read to its end and its checksums are right.

    Raises
    ------
    ExportError
        Nobody else can open it, as another program holds it or permissions forbid it: it is not damaged.
    """
    return read_file(file, lambda: _is_sound(file))


def _is_sound(file: Path) -> bool:
    try:
        with pq.ParquetFile(file, page_checksum_verification=True) as parquet:
            for group in range(parquet.num_row_groups):
                parquet.read_row_group(group)
    except PermissionError:
        raise
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError):
        return False
    return True


def sample(table: pa.Table) -> pa.Table:
    """One row that decides the type of each column: its largest number, or else any value that is not missing."""
    columns = []
    for column in table.columns:
        if pa.types.is_integer(column.type):
            value = pc.max(pc.abs(column)) if len(column) else pa.scalar(None, column.type)
        else:
            present = column.drop_null()
            value = present[0] if len(present) else pa.scalar(None, column.type)
        columns.append(pa.array([value], column.type))
    return pa.table(columns, schema=table.schema)
