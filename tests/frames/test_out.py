"""What goes out to files comes back as it was, whole and private, and harms nobody who opens it in a spreadsheet."""

import csv
import datetime as dt
import importlib.util
import os
import stat
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

import hubmis_frames as hf
from hubmis_frames.school import School

HOSTILE = ["=1+1", "+44 20", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x")', "\uff1d1+1"]
HARMLESS = ["0042", "1-2", "a=1", " ", "Ann-Marie O'Neill", 'Zoë, the "2nd"', "http://example.org", "1e5", "TRUE"]
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.fixture
def frame() -> pd.DataFrame:
    text = HOSTILE + HARMLESS
    rows = range(len(text))
    return pd.DataFrame(
        {
            "upn": pd.Series(text, dtype="str"),
            "kind": pd.Categorical(text),
            "mixed": pd.Series(["=2", 7, None, -3.5, True, *text[5:]], dtype=object),
            "student_id": pd.Series([None, *rows[1:]], dtype="Int64"),
            "long_id": pd.Series([2**62 + 1, *rows[1:]], dtype="Int64"),
            "is_active": pd.Series([True, None, *[False] * (len(text) - 2)], dtype="boolean"),
            "rate": np.linspace(-1, 1, len(text)),
            "date": pd.date_range("2026-03-28", periods=len(text)).as_unit("us"),
            "date_time": pd.date_range("2026-03-28 08:45", periods=len(text), tz="UTC").as_unit("us"),
            "local": pd.date_range("2026-03-28 08:45", periods=len(text), tz="Europe/London").as_unit("us"),
            "time": dt.time(8, 45),
        }
    )  # fmt: skip


def test_parquet_gives_the_frame_back_with_its_source(school: School, frame: pd.DataFrame, tmp_path: Path):
    students = hf.load_students(school)
    assert hf.to_parquet(students, tmp_path / "students.parquet") == tmp_path / "students.parquet"
    back = pd.read_parquet(tmp_path / "students.parquet")
    pd.testing.assert_frame_equal(back, students)
    assert hf.source(back) == hf.source(students) != {}
    whole = frame.drop(columns="mixed")  # Arrow knows no column of text and numbers
    hf.to_parquet(whole, tmp_path / "new" / "frame.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "new" / "frame.parquet"), whole)


def test_tables_go_into_a_folder_a_file_each(school: School, tmp_path: Path):
    tables = hf.load_students.tables(school)
    folder = hf.to_parquet(tables, tmp_path / "students")
    assert sorted(file.name for file in folder.iterdir()) == sorted(f"{name}.parquet" for name in tables)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(pd.read_parquet(folder / f"{name}.parquet"), table)


def test_tables_go_into_csv_files_or_into_the_sheets_of_one_excel_file(school: School, tmp_path: Path):
    tables = hf.load_students.tables(school)
    folder = hf.to_csv(tables, tmp_path / "students")
    assert sorted(file.name for file in folder.iterdir()) == sorted(f"{name}.csv" for name in tables)
    for name, table in tables.items():
        one = hf.to_csv(table, tmp_path / "one.csv")
        assert (folder / f"{name}.csv").read_bytes() == one.read_bytes()
    book = pd.read_excel(hf.to_excel(tables, tmp_path / "students.xlsx"), sheet_name=None)
    assert list(book) == [name[:31] for name in tables]
    assert [len(sheet) for sheet in book.values()] == [len(table) for table in tables.values()]
    texts = openpyxl.load_workbook(tmp_path / "students.xlsx")["students"]
    assert {row[[cell.value for cell in texts[1]].index("last_name")].number_format for row in texts.iter_rows(2)} == {
        "@"
    }


def test_a_sheet_has_a_name_that_excel_takes(tmp_path: Path):
    names = ["a/b", "a?b", "x" * 40, "X" * 31, "x" * 35, "History", "'quoted'", "", "''", 9]
    book = openpyxl.load_workbook(hf.to_excel(dict.fromkeys(names, pd.DataFrame({"a": [1]})), tmp_path / "a.xlsx"))
    assert book.sheetnames == [
        "a_b", "a_b_2", "x" * 31, "X" * 29 + "_2", "x" * 29 + "_3", "History_2", "quoted", "_", "_2", "9"
    ]  # fmt: skip


@pytest.mark.parametrize("write", [hf.to_parquet, hf.to_csv, hf.to_excel])
@pytest.mark.parametrize("given", [None, [pd.DataFrame()], {"a": [1, 2]}, {"a": pd.DataFrame(), "b": None}, "students"])
def test_what_is_no_frame_is_refused_in_words(write, given, tmp_path: Path):
    with pytest.raises(hf.BadArgumentError, match="takes a frame, or frames by name"):
        write(given, tmp_path / "file.xlsx")
    with pytest.raises(hf.BadArgumentError, match="to_frame"):
        write(pd.Series([1]), tmp_path / "file.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [hf.to_parquet, hf.to_csv])
@pytest.mark.parametrize("name", ["../up", "a/b", "a\\b", ".hidden", "", "/etc/x"])
def test_a_table_cannot_leave_its_folder(write, name: str, tmp_path: Path):
    with pytest.raises(hf.BadArgumentError, match="plain name"):
        write({"good": pd.DataFrame(), name: pd.DataFrame()}, tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_what_the_analysis_gives_can_be_written(tmp_path: Path):
    data = {table: hf.read("data/demo", table) for table in ("student_attendance", "attendance_codes")}
    with pytest.warns(hf.HubmisWarning):
        marks = hf.attendance.marks(data["student_attendance"], data["attendance_codes"])
    summary = hf.attendance.summarise(marks, "week")
    for number, table in enumerate((marks, summary, hf.endpoints())):
        pd.testing.assert_frame_equal(pd.read_parquet(hf.to_parquet(table, tmp_path / f"{number}.parquet")), table)
    hf.to_csv(summary, tmp_path / "summary.csv")
    hf.to_excel(summary, tmp_path / "summary.xlsx")
    assert len(pd.read_excel(tmp_path / "summary.xlsx")) == len(pd.read_csv(tmp_path / "summary.csv")) == len(summary)


def cells(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.reader(opened))


def test_no_cell_of_a_csv_file_is_a_formula(frame: pd.DataFrame, tmp_path: Path):
    frame = frame.rename(columns={"rate": "=rate"}).set_index("kind")
    head, *rows = cells(hf.to_csv(frame, tmp_path / "frame.csv"))
    assert head[0] == "\ufeffkind"  # the mark by which Excel knows UTF-8
    assert "'=rate" in head
    for column, name in enumerate(head):
        if name in ("\ufeffkind", "upn", "mixed"):
            assert not any(row[column].startswith(STARTS) for row in rows if row[column] != "-3.5")  # a number
    text = [row[head.index("upn")] for row in rows]
    assert text == [f"'{cell}" for cell in HOSTILE] + HARMLESS
    assert [row[head.index("mixed")] for row in rows][:5] == ["'=2", "7", "", "-3.5", "True"]
    back = pd.read_csv(tmp_path / "frame.csv", dtype={"upn": "str", "student_id": "Int64"})
    assert back["upn"].iloc[len(HOSTILE)] == "0042"
    assert back["student_id"].equals(frame["student_id"].reset_index(drop=True))
    assert pd.to_datetime(back["date_time"]).equals(frame["date_time"].reset_index(drop=True))


@given(st.lists(st.text(), min_size=1))
def test_whatever_the_text_a_csv_file_is_harmless_and_loses_nothing(tmp_path_factory: pytest.TempPathFactory, texts):
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    file = hf.to_csv(
        pd.DataFrame({"text": pd.Series(texts, dtype="str"), "more": 1}), tmp_path_factory.getbasetemp() / "any.csv"
    )
    read = [row[0] for row in cells(file)[1:]]
    assert not any(cell.startswith(STARTS) for cell in read)
    assert [
        cell.removeprefix("'") if text.startswith(STARTS) else cell for cell, text in zip(read, texts, strict=True)
    ] == texts


def test_excel_keeps_text_as_text_and_instants_with_their_zone(frame: pd.DataFrame, tmp_path: Path):
    file = hf.to_excel(frame, tmp_path / "frame.xlsx")
    sheet = openpyxl.load_workbook(file).active
    head, *rows = sheet.iter_rows()
    names = [cell.value for cell in head]
    assert names[-3:] == ["date_time (UTC)", "local (Europe/London)", "time"]
    for row in rows:
        assert {cell.data_type for cell in row} <= {"s", "n", "b", "d"}  # no "f", a formula
        assert [cell.hyperlink for cell in row] == [None] * len(names)
    for name in ("upn", "kind"):
        column = [row[names.index(name)] for row in rows]
        assert [unescape(cell.value) for cell in column] == HOSTILE + HARMLESS
        assert {cell.number_format for cell in column} == {"@"}
    assert rows[0][names.index("long_id")].value == str(2**62 + 1)
    assert rows[0][names.index("student_id")].value is None
    assert rows[3][names.index("student_id")].value == 3
    # In London the clocks go forward on the second of these days; each column holds what its header says.
    assert rows[1][names.index("date_time (UTC)")].value == dt.datetime(2026, 3, 29, 8, 45)
    assert rows[1][names.index("local (Europe/London)")].value == dt.datetime(2026, 3, 29, 8, 45)
    back = pd.read_excel(file, dtype={"upn": "str"})
    assert back["date"].equals(frame["date"])
    assert back["is_active"].astype("boolean").equals(frame["is_active"])


def test_frames_with_an_index_or_headers_in_levels_become_flat(tmp_path: Path):
    frame = pd.DataFrame({"year": ["=9", "=9", "10"], "code": list("ILI"), "marks": [1, 2, 3], "of": [4, 5, 6]})
    wide = frame.pivot_table(index="year", columns="code", values=["marks", "of"], aggfunc="sum")
    head, *rows = cells(hf.to_csv(wide, tmp_path / "wide.csv"))
    assert head == ["\ufeffyear", "marks_I", "marks_L", "of_I", "of_L"]
    assert rows[1][0] == "'=9"
    assert cells(hf.to_csv(frame[frame["marks"] > 1], tmp_path / "some.csv"))[0][0] == "\ufeffyear"  # no row numbers
    assert list(pd.read_excel(hf.to_excel(wide, tmp_path / "wide.xlsx")).columns) == ["year", *head[1:]]
    assert list(frame.columns) == ["year", "code", "marks", "of"]  # the caller's frame is as it was


def test_what_does_not_fit_a_sheet_is_refused(tmp_path: Path):
    for frame in (pd.DataFrame({"text": ["x" * 32_768]}), pd.DataFrame(np.zeros((1, 16_385)))):
        with pytest.raises(hf.BadArgumentError):
            hf.to_excel(frame, tmp_path / "large.xlsx")
        with pytest.raises(hf.BadArgumentError, match=r"^large: "):
            hf.to_excel({"small": pd.DataFrame(), "large": frame}, tmp_path / "large.xlsx")
    with pytest.raises(hf.BadArgumentError, match=r"\.xlsx"):
        hf.to_excel(pd.DataFrame({"a": [1]}), tmp_path / "old.xls")
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_excel_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(hf.SettingsError, match=r"hubmis-frames\[excel\]"):
        hf.to_excel(pd.DataFrame({"a": [1]}), tmp_path / "a.xlsx")


@pytest.mark.parametrize("write", [hf.to_parquet, hf.to_csv, hf.to_excel])
def test_a_file_is_whole_private_and_says_where_it_lies(write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    good, bad = pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": [object()]})
    file = write(good, tmp_path / "new" / "file.xlsx")
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    before = file.read_bytes()
    full = OSError(28, "No space left on device")
    monkeypatch.setattr("hubmis_frames.files.os.fsync", lambda handle: (_ for _ in ()).throw(full))
    with pytest.raises(hf.ExportError, match="No space left on device"):
        write(pd.concat([good, good]), file)
    monkeypatch.undo()
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]
    if write is hf.to_parquet:
        with pytest.raises(Exception, match="object"):
            write(bad, file)
        assert file.read_bytes() == before
    with pytest.warns(hf.HubmisWarning, match="OneDrive") as said:
        write(good, tmp_path / "OneDrive" / "file.xlsx")
    assert said[0].filename == __file__
