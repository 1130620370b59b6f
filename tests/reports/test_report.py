"""The report: what is in it, and what it says about missing data."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.files import safe_name
from hubmis_frames.reports.page import SECTIONS, notebooks, report
from hubmis_frames.school import School

DEMO = Path(__file__).parents[2] / "data" / "demo"


@pytest.mark.slow
def test_a_report_is_one_file_that_needs_no_network_and_shows_no_code(tmp_path: Path):
    file, missing = report(DEMO, tmp_path / "out" / "page.html", praise=["Achievement"])
    page = file.read_text(encoding="utf-8")
    assert missing == []
    assert not re.search(r"<script|<link|src=.?https?:|import pandas", page)
    assert page.count("data:image/png;base64,") >= 8
    assert page.count('alt="Chart below the heading: ') == page.count("<img")
    assert "Not counted, because they are praise: Achievement" in page
    names = re.findall(r'<h[12] id="([^"]+)"', page)
    assert len(names) == len(set(names)) > 15
    assert set(re.findall(r'href="#([^"]+)"', page)) == set(names), "the contents lead to every part"
    assert (
        page.index("In short</h2>")
        < page.index("students are persistently absent this year, the most")
        < page.rindex("In short</h2>")
    )
    assert "The newest register is of" in page
    assert "The first 10 of" not in page, "lists of names are whole"
    assert "simulated school" not in page  # what is true only of it is in no school's report
    assert (file.stat().st_mode & 0o077) == 0


@pytest.mark.slow
def test_the_page_and_the_status_report_a_part_that_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copytree(DEMO, tmp_path / "school")
    shutil.rmtree(tmp_path / "school" / "pastoral_events")
    manifest = next((tmp_path / "school").glob("manifest-*.json"))
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["operations"]["pastoral_events"] |= {"status": "not permitted", "tables": {}, "remarks": ["Ask for it."]}
    manifest.write_text(json.dumps(content), encoding="utf-8")
    assert main(["report", str(tmp_path / "school"), "--file", str(tmp_path / "page.html")]) == 3
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "The export is not complete" in page
    assert "This part is missing." in page
    assert "not permitted. Ask for it." in page
    assert "For whom can it still be avoided?" in page
    assert "03-wellbeing could not be made" in capsys.readouterr().err


def test_a_folder_without_an_export_or_with_several_schools_is_refused_at_once(tmp_path: Path):
    with pytest.raises(hf.ExportError, match="holds no export"):
        report(tmp_path)
    known = json.loads(next(DEMO.glob("manifest-*.json")).read_text(encoding="utf-8"))
    for realm, tables in (("A", {"students": 3}), ("B", {"students": 0}), ("refused", {})):
        students = known["operations"]["students"] | {"tables": tables}
        content = known | {"realm": realm, "operations": {"students": students}}
        (tmp_path / f"manifest-{safe_name(realm)}.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(hf.ExportError, match=r"holds A, B\. Choose one with --realm"):
        report(tmp_path)


@pytest.mark.slow
def test_lists_of_one_year_group_name_only_its_students(tmp_path: Path):
    file, missing = report(DEMO, praise=["Achievement"], year_group="Year 11", file=tmp_path / "page.html")
    assert missing == []
    page = file.read_text(encoding="utf-8")
    forms = set(re.findall(r">(Form \d+)\w<", page))
    assert forms == {"Form 11"}
    assert "Lists of names show only Year 11." in page


@pytest.mark.slow
def test_the_report_names_what_a_school_lacks_and_shows_the_rest(tmp_path: Path):
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
    file, missing = report(folder, tmp_path / "page.html")
    assert missing == []
    page = file.read_text(encoding="utf-8")
    assert "The marks are all from one academic year" in page
    assert "Not known: the events have no status, or one other than active and inactive." in page
    assert f"The newest register is of {newest:%A, %d %B %Y}" in page
    assert "Marks for later days: 4." in page
    assert "No category was named as praise" in page
    assert f"{newest:%A, %d %B %Y}: 0 students, and 0 more on study leave" in page
    lost = page.partition("by the last day with a mark that counts:")[2].partition("</table>")[0]
    assert f">{gone}<" in lost


@pytest.mark.slow
def test_a_report_is_made_of_pseudonyms_too(school: School, tmp_path: Path):
    school.export(tmp_path / "out", pseudonymise=True)
    file, missing = report(tmp_path / "out", praise=["Achievement"])
    assert missing == []
    page = file.read_text(encoding="utf-8")
    assert "persistently absent this year" in page
    assert "This report lists children by pseudonym" in page
    assert not set(hf.load_students(school)["last_name"]) & set(re.findall(r">([^<]+)<", page))


def test_names_that_the_export_does_not_know_are_refused_at_once():
    with pytest.raises(
        hf.BadArgumentError, match=r"no category 'Achievment'.*Did you mean 'Achievement'\? There are: A"
    ):
        report(DEMO, praise=["Achievment"])
    with pytest.raises(hf.BadArgumentError, match=r"No student is in the year group 'year 9'\. Did you mean 'Year 9'"):
        report(DEMO, year_group="year 9")


def test_an_export_below_the_folder_is_named():
    with pytest.raises(hf.ExportError, match=r"There is one in .*demo"):
        report(DEMO.parent)
    with pytest.raises(hf.ExportError, match=r"is one table of an export. Use the folder above it: .*demo$"):
        report(DEMO / "students")


@pytest.mark.parametrize("section", SECTIONS)
def test_each_notebook_has_one_settings_cell_and_tags_what_is_true_only_of_the_simulated_school(section: str):
    cells = nbformat.read(notebooks() / f"{section}.ipynb", as_version=4).cells
    settings = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(settings) == 1
    assert settings[0].startswith("EXPORT = ")
    others = [cell.source for cell in cells if "simulated" not in cell.metadata.get("tags", [])]
    assert not [text for text in others if re.search("in the simulated school", text, re.IGNORECASE)]
