"""``hubmis-frames table``: tables of an export as a workbook or CSV, without Python."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.frames.selecting import select

DEMO = Path(__file__).parents[2] / "data" / "demo"


def run(*arguments: object) -> int:
    return main(["table", *map(str, arguments)])


@pytest.mark.parametrize("name", ["students.xlsx", "students.CSV"])
def test_rows_and_columns_are_those_of_the_export(tmp_path: Path, name: str):
    students = hf.read(DEMO, "students")
    year = students["year_group_name"].iloc[0]
    file = tmp_path / name
    chosen = ["--columns", "last_name, first_name", "--where", f"year_group_name={year.upper()}"]
    assert run(DEMO, "students", "--to", file, *chosen) == 0
    opened = pd.read_excel(file) if name.endswith("xlsx") else pd.read_csv(file)
    expected = students.loc[students["year_group_name"].eq(year), ["last_name", "first_name"]]
    assert 0 < len(expected) < len(students)
    assert opened.to_numpy().tolist() == expected.to_numpy().tolist()
    assert list(opened) == ["last_name", "first_name"]


def test_several_tables_are_the_sheets_of_one_workbook(tmp_path: Path):
    file = tmp_path / "school.xlsx"
    assert run(DEMO, "students", "houses", "students", "--to", file) == 0
    sheets = pd.read_excel(file, sheet_name=None)
    assert {name: len(sheet) for name, sheet in sheets.items()} == {
        name: len(hf.read(DEMO, name)) for name in ("students", "houses")
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["students", "houses", "--to", "a.csv"], "A CSV file holds one table"),
        (["students", "--to", "a.txt"], r"ends in .xlsx or .csv"),
        (["studnets", "--to", "a.csv"], "Did you mean 'students'"),
        (["students", "--to", "a.csv", "--columns", "lastname,shoe"], "no column lastname, shoe.*'last_name'"),
        (["students", "houses", "--to", "a.xlsx", "--where", "year_group_name=Year 9"], "houses has no column"),
        (["students", "--to", "a.csv", "--where", "year_group_name=Yaer 9"], "no row has year_group_name 'Yaer 9'"),
        (["students", "--to", "a.csv", "--where", "Year 9"], "--where takes COLUMN=VALUE"),
        (["students", "--to", "a.csv", "--where", "student_id=nine"], "student_id is a number"),
        (["students", "--to", "a.csv", "--where", "date_of_birth=nine"], "date_of_birth is a date"),
    ],
)
def test_a_mistake_is_named_and_writes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str],
    message: str,
):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(DEMO, *arguments) == 1
    said = capsys.readouterr().err
    assert re.search(message, said), said
    assert list(tmp_path.iterdir()) == []


def test_an_incomplete_table_is_written_with_a_status_that_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copytree(DEMO / "houses", tmp_path / "houses")
    mark = next((tmp_path / "houses").glob("realm=*")) / "_INCOMPLETE.txt"
    mark.write_text("1 request failed.", encoding="utf-8")
    assert run(tmp_path, "houses", "--to", tmp_path / "houses.csv") == 3
    assert "is incomplete" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("column", "text"),
    [("id", str(2**53 + 1)), ("share", "0.5"), ("day", "2026-01-31"), ("at", "2026-01-31T08:30Z"),
     ("at", "2026-01-31"), ("flag", "TRUE"), ("code", "0042")],
)  # fmt: skip
def test_a_value_of_any_type_is_found_as_it_is_written_and_a_missing_one_by_no_value(column: str, text: str):
    frame = pd.DataFrame(
        {
            "id": pd.array([2**53 + 1, 2**53, None], dtype="Int64"),
            "share": [0.5, 1.5, None],
            "day": pd.to_datetime(["2026-01-31", "2026-02-01", None]),
            "at": pd.to_datetime(["2026-01-31T08:30Z", "2026-02-01T08:30Z", None]),
            "flag": pd.array([True, False, None], dtype="boolean"),
            "code": pd.array(["0042", "42", None], dtype="str"),
        }
    )
    assert list(select(frame, "made up", where={column: [text]}).index) == [0]
    assert list(select(frame, "made up", where={column: [""]}).index) == [2]
    assert list(select(frame, "made up", where={column: [text, ""]}).index) == [0, 2]
    other = "code" if column == "id" else "id"
    second = {"code": "42", "id": str(2**53)}[other]
    assert list(select(frame, "made up", where={column: [text], other: [second]}).index) == []
