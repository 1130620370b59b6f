"""How a table is encoded in Parquet: read back as it was, in little space."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hubmis_frames.export.folder import FILE, ExportFolder
from hubmis_frames.export.write import TableWriter, put_in_place
from hubmis_frames.frames import empty
from hubmis_frames.operations.declaration import CATALOGUE


def test_ids_of_rows_take_little_space_and_other_columns_keep_their_dictionary(tmp_path: Path):
    table = "student_attendance"
    key = CATALOGUE[table].key
    rows = 20_000
    marks = pa.table(
        {
            field.name: pa.array(range(10**9, 10**9 + rows))
            if field.name == key
            else pa.array([7] * rows if pa.types.is_integer(field.type) else [None] * rows, field.type)
            for field in empty(CATALOGUE[table])[table].schema
        }
    )
    folder = ExportFolder(tmp_path, "S1")
    with TableWriter(folder, table) as writer:
        writer.add(marks)
        writer.finish()
        put_in_place([writer], None)
    (file,) = tmp_path.rglob(FILE)
    assert pq.read_table(file, partitioning=None).replace_schema_metadata(None).equals(marks)
    group = pq.read_metadata(file).row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    assert columns[key].total_compressed_size < rows  # of 8 bytes each
    assert not columns[key].has_dictionary_page
    assert columns["student_id"].has_dictionary_page
