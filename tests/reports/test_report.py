"""The report: its page and its workbook, for which students, and what it says about missing data."""

import json
import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.files import safe_name
from hubmis_frames.reports import parts as report_parts
from hubmis_frames.reports.making import write_report
from hubmis_frames.school import School
from tests.helpers.reports import DEMO, demo_data, tables_of


class Written(NamedTuple):
    page: str
    file: Path
    book: Path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A report of the simulated school, with its workbook."""
    data = demo_data().with_settings(school_name="St Example's & <Friends>")
    file, book = data.report(tmp_path_factory.mktemp("report") / "out" / "page.html", excel=True)
    return Written(file.read_text(encoding="utf-8"), file, book)


@pytest.mark.slow
def test_a_report_is_one_private_file_that_needs_no_network_and_begins_with_the_lists(written: Written) -> None:
    page = written.page
    assert not re.search(r"<link|src=.?https?:|@import|url\(", page)
    assert "<h1>St Example&#x27;s &amp; &lt;Friends&gt;</h1>" in page
    assert "<title>St Example&#x27;s &amp; &lt;Friends&gt;: attendance and wellbeing</title>" in page
    order = [page.index(f">{heading}</h2>") for heading in (
        "In short", "At risk of persistent absence", "Persistently absent", "Severely absent", "Away now",
        "Absence has risen", "Repeated unauthorised absence", "Concerns still open", "Attendance in figures",
        "Can the figures be trusted?", "What the words mean",
    )]  # fmt: skip
    assert order == sorted(order)
    assert page.index("<img") > order[-3]
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids), "each link leads somewhere"
    alts = [unescape(alt) for alt in re.findall(r'<img [^>]*alt="([^"]*)"', page)]
    assert len(alts) == page.count("data:image/png;base64,") >= 6
    assert all(re.search(r"\d", alt) and len(alt) > 40 for alt in alts), "they say what the pictures show"
    assert (written.file.stat().st_mode & 0o077) == (written.book.stat().st_mode & 0o077) == 0


@pytest.mark.slow
def test_the_workbook_has_the_names_and_figures_of_the_page(written: Written) -> None:
    tables = tables_of(written.page)
    book = openpyxl.load_workbook(written.book)
    sheets = {sheet.title: list(sheet.values) for sheet in book}
    short = {row[0]: row[1] for row in sheets.pop("In short")[1:]}
    compared = 0
    for caption, rows in tables.items():
        title, _, lines = caption.rpartition(": ")
        if not re.fullmatch(r"\d+ lines?", lines):
            continue
        sheet = sheets[title[:31]]
        assert len(sheet) == len(rows) == short[title] + 1
        assert [*rows[0], "Student id"] == list(sheet[0])
        for on_page, in_book in zip(rows[1:], sheet[1:], strict=True):
            for shown, value in zip(on_page, in_book, strict=False):
                if hasattr(value, "strftime"):
                    assert shown == f"{value.day} {value:%b %Y}"
                elif isinstance(value, int | float):
                    assert float(shown.replace(",", "")) == pytest.approx(value)
                else:
                    assert shown == (value or "")
                compared += 1
    assert compared > 50
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref is not None
        assert max(column.width for column in sheet.column_dimensions.values()) > 12
    day = next(cell for row in book["Persistently absent"].iter_rows(min_row=2) for cell in row)
    assert day.data_type == "s"


@pytest.mark.slow
def test_the_next_report_marks_what_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page of another day is read; one of the same day keeps what it was compared with."""
    shutil.copytree(DEMO, tmp_path / "school")
    data = hf.open_export(tmp_path / "school").with_settings(code_map="england")
    (first,) = data.report()
    page = first.read_text(encoding="utf-8")
    assert "nothing is marked as new" in page
    assert 'class="new"' not in page
    record = re.search(r'id="record">(.*?)</script>', page)
    assert record is not None
    content, before = json.loads(record[1])
    assert before is None
    gone = content["lists"]["rule-persistent"].pop(0)
    content["lists"]["rule-persistent"].append("999999")
    content["made"] = "2026-01-05"
    old = page.replace(record[1], json.dumps([content, None]))
    first.rename(first.with_name("report-2026-01-05.html")).write_text(old, encoding="utf-8")
    for _ in range(2):  # the second replaces the first of the same day
        assert main(["report", str(tmp_path / "school")]) == 0
        capsys.readouterr()
        page = max((tmp_path / "school").glob("report-*.html")).read_text(encoding="utf-8")
        assert "What is new since the report of 5 January 2026 is marked." in page
        rows = tables_of(page)
        persistent = next(rows for caption, rows in rows.items() if caption.startswith("Persistently absent"))
        marked = [row[0] for row in persistent if row[0].endswith(" new")]
        student = data.students().set_index("student_id").loc[int(gone)]
        assert len(marked) == 1
        assert marked[0].startswith(student["last_name"])
        short = next(rows for caption, rows in rows.items() if caption.startswith("How many"))
        assert ["Persistently absent", str(len(persistent) - 1), "1", "1"] in short


@pytest.mark.slow
def test_pages_of_all_forms_have_together_the_lists_of_the_school(tmp_path: Path) -> None:
    data = demo_data()
    (whole,) = data.report(tmp_path / "whole.html")
    pages = data.report(tmp_path / "forms" / "of.html", split="form")
    forms = data.students()["form_name"].dropna().unique()
    assert len(pages) == len(set(pages)) == len(forms)
    together: dict[str, list[tuple[str, ...]]] = {}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for caption, rows in tables_of(text).items():
            if re.search(r": \d+ lines?$", caption):
                together.setdefault(caption.rpartition(":")[0], []).extend(map(tuple, rows[1:]))
                assert len({row[1] for row in rows[1:]}) == 1, "nobody of another form"
    expected = {
        caption.rpartition(":")[0]: sorted(map(tuple, rows[1:]))
        for caption, rows in tables_of(whole.read_text(encoding="utf-8")).items()
        if re.search(r": \d+ lines?$", caption)
    }
    assert {title: sorted(rows) for title, rows in together.items()} == expected


@pytest.mark.slow
def test_figures_of_a_year_group_are_those_of_its_students_alone(tmp_path: Path) -> None:
    data = demo_data()
    (file,) = data.report(tmp_path / "page.html", year_group_name="Year 11")
    page = file.read_text(encoding="utf-8")
    assert set(re.findall(r">Form (\d+)\w<", page)) == {"11"}
    own = data.marks(students=data.students().query("year_group_name == 'Year 11'"))
    (figures,) = hf.attendance.summarise(own).to_dict("records")
    assert ["Attendance (%)", f"{figures['attendance_rate']:.1f}"] in tables_of(page)["The academic year so far"]


def test_names_of_files_are_safe_whatever_a_group_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_parts.Parts, "figures", lambda self, students: iter(()))
    hostile = ["../../CON", "a/b\\c:*?", "ø" * 300, "9a", "9A", "9A "]

    def rename(students: pd.DataFrame) -> pd.DataFrame:
        names = [hostile[number % len(hostile)] for number in range(len(students))]
        return students.assign(form_name=names)

    pages = demo_data(students=rename).report(tmp_path / "in" / "page.html", split="form")
    assert {page.parent for page in pages} == {tmp_path / "in"}
    names = [page.name.casefold() for page in pages]
    assert len(set(names)) == len(hostile)
    assert all(re.fullmatch(r"[a-z0-9-]{1,80}\.html", name) for name in names)


@pytest.mark.slow
def test_the_page_and_the_status_report_a_part_that_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(DEMO, tmp_path / "school")
    shutil.rmtree(tmp_path / "school" / "pastoral_events")
    manifest = next((tmp_path / "school").glob("manifest-*.json"))
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["operations"]["pastoral_events"] |= {"status": "not permitted", "tables": {}, "remarks": ["Ask for it."]}
    manifest.write_text(json.dumps(content), encoding="utf-8")
    assert main(["report", str(tmp_path / "school"), "--file", str(tmp_path / "page.html")]) == 3
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "The export is not complete" in page
    assert "The lists about wellbeing could not be made: " in page
    assert "not permitted. Ask for it." in page
    assert ">Persistently absent</h2>" in page
    assert "The lists about wellbeing could not be made" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ("AbsenceLists", "The lists about attendance"), ("WellbeingLists", "The lists about wellbeing"),
        ("attendance_figures", "Attendance in figures"), ("wellbeing_figures", "Wellbeing in figures"),
        ("trust", "Can the figures be trusted?"),
    ],
)  # fmt: skip
def test_an_error_in_any_part_is_named_by_its_part_and_names_nobody(
    place: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("Barnaby")

    for name in ("attendance_figures", "wellbeing_figures", "trust"):
        monkeypatch.setattr(report_parts, name, lambda *_: iter(()))
    monkeypatch.setattr(report_parts, place, fails)
    files, problems = write_report(demo_data(), tmp_path / "page.html")
    assert [problem.partition(" could not be made: ValueError")[0] for problem in problems] == [part]
    page = files[0].read_text(encoding="utf-8")
    assert f"{part} could not be made: ValueError" in unescape(page)
    assert "Barnaby" not in "".join(problems)
    with pytest.warns(hf.HubmisWarning, match="could not be made: ValueError"):
        demo_data().report(tmp_path / "page.html")


def test_without_any_list_there_is_no_report(tmp_path: Path) -> None:
    data = demo_data(students=lambda frame: frame.head(0))
    with pytest.raises(hf.ExportError, match="No student is on the list"):
        data.report(tmp_path / "page.html")
    only = hf.SchoolData({"students": hf.open_export(DEMO)["students"]})
    with pytest.raises(hf.ExportError, match=r"No part of the report could be made\. The lists about attendance"):
        only.report(tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_an_export_or_with_several_schools_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path)]) == 1
    assert "holds no export" in capsys.readouterr().err
    known = json.loads(next(DEMO.glob("manifest-*.json")).read_text(encoding="utf-8"))
    for realm, tables in (("A", {"students": 3}), ("B", {"students": 0}), ("refused", {})):
        students = known["operations"]["students"] | {"tables": tables}
        content = known | {"realm": realm, "operations": {"students": students}}
        (tmp_path / f"manifest-{safe_name(realm)}.json").write_text(json.dumps(content), encoding="utf-8")
    assert main(["report", str(tmp_path)]) == 1
    assert "holds A, B. Choose one with --realm" in capsys.readouterr().err


def test_names_that_the_export_does_not_know_are_refused_at_once(tmp_path: Path) -> None:
    data = demo_data()
    with pytest.raises(
        hf.BadArgumentError, match=r"no category 'Achievment'.*Did you mean 'Achievement'\? There are: A"
    ):
        data.with_settings(praise=["Achievment"]).report(tmp_path / "page.html")
    with pytest.raises(hf.BadArgumentError, match=r"No student is in the year group 'year 9'\. Did you mean 'Year 9'"):
        data.report(tmp_path / "page.html", year_group_name="year 9")
    with pytest.raises(hf.BadArgumentError, match=r"No student is in the form '9Z'.*There are: Form 7A"):
        data.report(tmp_path / "page.html", form_name="9Z")
    with pytest.raises(hf.BadArgumentError, match="No student is in Year 9 and Form 7A at once"):
        data.report(tmp_path / "page.html", year_group_name="Year 9", form_name="Form 7A")
    with pytest.raises(hf.BadArgumentError, match=r"ends in \.html"):
        data.report(tmp_path / "page.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_report_names_what_a_school_lacks_and_shows_the_rest(tmp_path: Path) -> None:
    """One year's terms, a status of the school's own, leave booked ahead, and a student without a mark that counts."""
    folder = tmp_path / "school"
    shutil.copytree(DEMO, folder)

    def change(table: str, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        (file,) = (folder / table).glob("realm=*/*.parquet")
        edit(pd.read_parquet(file, partitioning=None)).to_parquet(file)

    change("terms", lambda terms: terms[terms["date_from"] >= "2025-09-01"])
    change("pastoral_events", lambda events: events.assign(status=events["status"].replace("inactive", "settled")))
    marks = hf.read(folder, "student_attendance")
    newest, (gone, away) = marks["date"].max(), marks["student_id"].unique()[:2]

    def edit(marks: pd.DataFrame) -> pd.DataFrame:
        own = marks[marks["student_id"].eq(away) & marks["date"].eq(newest)]
        last = marks["date"].ge(newest - pd.Timedelta(days=1))
        marks = marks[~last | marks["attendance_code_code"].isin(["/", "\\"])]  # so that no student is absent
        booked = [own.assign(date=newest + pd.Timedelta(days=n), attendance_code_code="C") for n in (3, 4)]
        return pd.concat([marks[marks["student_id"].ne(gone)], *booked], ignore_index=True)

    change("student_attendance", edit)
    files, problems = write_report(hf.open_export(folder), tmp_path / "page.html")
    assert problems == []
    page = files[0].read_text(encoding="utf-8")
    assert "The marks are all from one academic year" in page
    assert "Not known: The events have no status, or one other than active and inactive." in page
    assert f"The newest register is of {newest:%A}, {newest.day} {newest:%B %Y}" in page
    lists = tables_of(page)
    assert ["Away now", "0"] in lists["How many are on each list"]
    lost = next(rows for caption, rows in lists.items() if caption.startswith("No mark for five school days"))
    student = hf.open_export(folder).students().set_index("student_id").loc[gone]
    assert [row[0].split(",")[0] for row in lost[1:]] == [student["last_name"]]


@pytest.mark.slow
def test_a_report_is_made_of_pseudonyms_too(school: School, tmp_path: Path) -> None:
    school.export(tmp_path / "out", pseudonymise=True)
    files, problems = write_report(hf.open_export(tmp_path / "out"), None)
    assert problems == []
    page = files[0].read_text(encoding="utf-8")
    assert ">Persistently absent</h2>" in page
    assert "This report lists children by pseudonym" in page
    assert not set(hf.load_students(school)["last_name"]) & set(re.findall(r">([^<]+)<", page))
