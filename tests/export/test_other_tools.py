"""Other programs read an export as we do: every value, every type, and the realm as text."""

import re
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.school import School

PAGE = Path(__file__).parents[2] / ".github" / "OTHER-TOOLS.md"
TABLES = ["students", "attendance_codes", "houses", "pastoral_events", "terms"]


@pytest.fixture
def folder(school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    school.export("school", TABLES, compression="snappy")
    return tmp_path / "school"


def compressions(folder: Path) -> set[str]:
    found = set()
    for file in folder.rglob("*.parquet"):
        with pq.ParquetFile(file) as parquet:
            groups = (parquet.metadata.row_group(number) for number in range(parquet.metadata.num_row_groups))
            found |= {group.column(place).compression for group in groups for place in range(group.num_columns)}
    return found


def test_the_compression_is_the_one_asked_for_and_the_rows_are_the_same(
    folder: Path, school: School, capsys: pytest.CaptureFixture[str]
):
    school.export("small", TABLES)
    assert compressions(folder) == {"SNAPPY"}
    assert compressions(folder.parent / "small") == {"ZSTD"}
    for table in hf.open_export(folder):
        assert hf.read(folder, table).equals(hf.read("small", table))
    with pytest.raises(hf.BadArgumentError, match="zstd or snappy"):
        school.export("other", TABLES, compression="gzip")  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        main(["export", "other", "--compression", "gzip"])
    assert "snappy" in capsys.readouterr().err


def test_duckdb_and_polars_read_every_value(folder: Path):
    for table in hf.open_export(folder):
        ours = hf.read(folder, table)
        files = f"{(folder / table).as_posix()}/*/*.parquet"
        with duckdb.connect() as connection:
            query = "SELECT * FROM read_parquet(?, hive_partitioning = true, hive_types = {'realm': VARCHAR})"
            theirs = connection.execute(query, [files]).df()
        assert list(theirs) == list(ours)
        polars = pl.read_parquet(folder / table, hive_partitioning=True, hive_schema={"realm": pl.String})
        assert polars.columns == list(ours)
        for other in (theirs, polars.to_pandas()):
            assert len(other) == len(ours)
            assert (other["realm"] == ours["realm"]).all()
            for column in ours:
                assert other[column].isna().equals(ours[column].isna())
                text = ours[column].dropna().astype("str").str.removesuffix(".0").tolist()
                assert (
                    other[column].dropna().astype(ours[column].dtype).astype("str").str.removesuffix(".0").tolist()
                    == text
                )


def test_the_query_on_the_page_runs(folder: Path):
    (query,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    with duckdb.connect() as connection:
        rows = dict(connection.execute(query).fetchall())
    assert rows == hf.read(folder, "students").groupby("year_group_name", dropna=False).size().to_dict()
