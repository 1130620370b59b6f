"""Sheets to read: the same values as the frames, under headings for people, and a sheet that says what they are."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from openpyxl.worksheet.worksheet import Worksheet

import hubmis_frames as hf

DEMO = Path(__file__).parents[2] / "data" / "demo"
CODES = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})


@pytest.fixture(scope="module")
def data() -> hf.SchoolData:
    return hf.open_export(DEMO).with_settings(code_map=CODES)


@pytest.fixture(scope="module")
def frames(data: hf.SchoolData) -> dict[str, pd.DataFrame]:
    marks = data.marks()
    by_week = hf.attendance.summarise(marks, by="week", rules=data.rules)
    runs = data.with_names(hf.attendance.runs(marks, at_least=4))
    hidden = hf.suppress(hf.attendance.summarise(marks, by="boarding_type_name"), below=9)
    return {"By week": by_week, "Runs": runs, "By boarding": hidden, "=1+1": pd.DataFrame({"=2+2": ["=3", "+4"]})}


def rows(sheet: Worksheet) -> list[list[object]]:
    return [[None if value == "" else value for value in row] for row in sheet.iter_rows(values_only=True)]


def test_labels_change_no_value(frames: dict[str, pd.DataFrame], data: hf.SchoolData, tmp_path: Path):
    plain = openpyxl.load_workbook(hf.to_excel(frames, tmp_path / "plain.xlsx"))
    book = openpyxl.load_workbook(hf.to_excel(frames, tmp_path / "labels.xlsx", labels=True, about=data))
    assert plain.sheetnames == list(frames)
    assert book.sheetnames == [*frames, "About"]
    for name, frame in frames.items():
        head, *values = rows(book[name])
        assert values == rows(plain[name])[1:]
        assert len(set(head)) == frame.shape[1]
        assert book[name].freeze_panes == "A2"
        assert book[name].auto_filter.ref.startswith("A1:")
        assert all(cell.data_type != "f" for row in book[name].iter_rows() for cell in row)
    head = rows(book["By week"])[0]
    assert {"Week", "Students", "Possible sessions", "Absence rate (per cent)"} <= set(head)
    assert {"Name", "Year group", "Student ID", "Tutor"} <= set(rows(book["Runs"])[0])
    formats = {cell.value: book["By week"][2][place].number_format for place, cell in enumerate(book["By week"][1])}
    assert formats["Absence rate (per cent)"] == "0.0"
    assert formats["Week"] == "YYYY-MM-DD"
    widths = book["Runs"].column_dimensions
    longest = max(len(str(cell.value)) for cell in book["Runs"]["C"])
    assert rows(book["Runs"])[0][2] == "Name"
    assert widths["C"].width >= longest


def test_the_sheet_about_says_where_the_figures_are_from(
    frames: dict[str, pd.DataFrame], data: hf.SchoolData, tmp_path: Path
):
    book = openpyxl.load_workbook(hf.to_excel({**frames, "About": frames["Runs"]}, tmp_path / "b.xlsx", about=data))
    told = pd.DataFrame(rows(book["About_2"])[1:], columns=["about", "what", "meaning", "unit"])
    school = told[told["about"].eq(data.realms[0])].set_index("what")["meaning"]
    assert school["newest register"] == f"{data.newest_register:%Y-%m-%d}"
    assert [school[f"rule {rule.name}"] for rule in data.rules] == [str(rule) for rule in data.rules]
    for name, frame in frames.items():
        own = told[told["about"].eq(f"sheet {name}")]
        assert own["what"].tolist()[-frame.shape[1] :] == list(frame)
        if name != "=1+1":
            assert own["meaning"].notna().all()
    units = told.set_index(["about", "what"])["unit"]
    assert units["sheet By week", "absence_rate"] == "per cent"
    hidden = told.set_index(["about", "what"])["meaning"]["sheet By boarding", "hidden rows"]
    assert hidden.startswith(f"{frames['By boarding']['suppressed'].sum()}:")


def test_two_columns_with_one_heading_keep_their_names(tmp_path: Path):
    frame = pd.DataFrame({"form": [1], "form_name": ["9A"], "absence_rate": [12.345], "absence_rate_": [1]})
    book = openpyxl.load_workbook(hf.to_excel(frame, tmp_path / "f.xlsx", labels=True))
    assert rows(book["Sheet1"]) == [
        ["form", "form_name", "Absence rate (per cent)", "Absence rate "],
        [1, "9A", 12.345, 1],
    ]


def test_a_group_has_the_facts_of_each_school(data: hf.SchoolData, tmp_path: Path):
    tables = {name: data[name] for name in data}
    both = {name: pd.concat([frame, frame.assign(realm="S2")], ignore_index=True) for name, frame in tables.items()}
    group = hf.SchoolData(both, code_map=CODES)
    rates = hf.attendance.summarise(group.marks(), by=["realm", "year_group_name"])
    book = openpyxl.load_workbook(hf.to_excel({"Rates": rates}, tmp_path / "group.xlsx", about=group))
    registers = [row[:3] for row in rows(book["About"]) if row[1] == "newest register"]
    assert registers == [[realm, "newest register", f"{data.newest_register:%Y-%m-%d}"] for realm in group.realms]
