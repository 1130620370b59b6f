"""The lists of duty in the notebook on attendance, run as they stand there and counted a second time."""

from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.school import School
from hubmis_frames.simulator import Rules, Simulator, build_world
from hubmis_frames.transport import Session
from tests.helpers.schools import GENEROUS, QUICK

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "02-attendance.ipynb"
CODES = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})
ABSENT = ("authorised_absence", "unauthorised_absence")
POSSIBLE = ("present", "late", "approved_activity", *ABSENT)
Names = dict[str, Any]
pytestmark = pytest.mark.slow


def cells(first: str, last: str) -> list[str]:
    """The code of the notebook between two headings."""
    found = nbformat.read(NOTEBOOK, as_version=4).cells
    begin, end = (next(n for n, cell in enumerate(found) if cell.source.startswith(text)) for text in (first, last))
    return [cell.source for cell in found[begin:end] if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Names:
    """What the notebook calls its lists of duty, for a school in which one form has a day without a register."""
    folder = tmp_path_factory.mktemp("recipes")
    with Simulator(build_world(students=28, seed=6), Rules(**GENEROUS)) as simulator:
        rules = simulator.rules
        session = Session(
            base_url=simulator.url, realm="S999", client_id=rules.client_id, client_secret=rules.client_secret,
            cache_dir=None, rate_file=folder / "rate.sqlite", retry=QUICK,
        )  # fmt: skip
        with School(session, progress=False) as school:
            fetched = school.fetch(["core", "student_relations"])
    form = fetched["students"]["form_id"].mode()[0]
    in_form = fetched["students"][fetched["students"]["form_id"].eq(form)]
    members, form_name = in_form["student_id"], in_form["form_name"].iloc[0]
    marks = fetched["student_attendance"]
    marks = marks[~(marks["student_id"].isin(members) & marks["date"].eq("2026-03-10"))]
    data = hf.SchoolData({**fetched, "student_attendance": marks}, code_map=CODES)
    this_year, newest = data.marks(), data.newest_register
    persistent = data.with_names(hf.attendance.absentees(this_year, rules=[data.rule]))
    terms = data.calendar.terms
    names: Names = {
        "hf": hf, "pd": pd, "data": data, "calendar": data.calendar, "newest": newest, "year": data.academic_year,
        "marks": data.marks(academic_year="all", groups="now"), "this_year": this_year, "rule": data.rule, "ROWS": 10,
        "start": terms.loc[terms["academic_year"].eq(data.academic_year), "start"].min(), "persistent": persistent,
        "two_years": True, "who": ["name", "form_name"], "named": data.with_names, "display": lambda frame: frame,
        "warnings": __import__("warnings"), "form": form_name,
    }  # fmt: skip
    for source in cells("## Lists that a school has to make", "## One student's register"):
        exec(compile(source, str(NOTEBOOK), "exec"), names)
    return names


def whole_days(marks: pd.DataFrame, counts: pd.Series) -> dict[int, int]:
    """For each student, the days of which every possible session counts."""
    days: dict[int, dict[Any, list[bool]]] = {}
    possible = marks["category"].isin(POSSIBLE)
    for student, date, counted in zip(
        marks.loc[possible, "student_id"], marks.loc[possible, "date"], counts[possible], strict=True
    ):
        days.setdefault(int(student), {}).setdefault(date, []).append(bool(counted))
    return {student: sum(all(day) for day in own.values()) for student, own in days.items()}


def test_illness_in_all_is_counted_day_by_day(lists: Names):
    marks = lists["this_year"]
    opened = marks[marks["date"].isin(lists["calendar"].open_days())]
    days = whole_days(opened, opened["code"].eq("I"))
    expected = {student: count for student, count in days.items() if count >= 12}
    got = lists["ill_in_all"]
    assert dict(zip(got["student_id"], got["days"], strict=True)) == expected
    assert got["to_go"].tolist() == [max(0, 15 - count) for count in got["days"]]


def test_runs_hold_no_session_attended(lists: Names):
    for name, counts in (("ten_days", {"G", "N", "O", "U"}), ("ill_in_a_row", {"I"})):
        for row in lists[name].itertuples():
            own = lists["marks"]
            own = own[own["student_id"].eq(row.student_id) & own["date"].between(row.first_date, row.last_date)]
            own = own[own["category"].isin(POSSIBLE) & own["date"].isin(lists["calendar"].open_days())]
            between = own[own["date"].gt(row.first_date) & own["date"].lt(row.last_date)]
            assert set(between["code"]) <= counts
            assert len(own[own["code"].isin(counts)]) == row.absent_sessions


def rates_of(marks: pd.DataFrame) -> dict[int, tuple[int, int]]:
    """Absences and possible sessions of each student."""
    found: dict[int, tuple[int, int]] = {}
    for student, category in zip(marks["student_id"], marks["category"], strict=True):
        absent, possible = found.get(int(student), (0, 0))
        found[int(student)] = absent + (category in ABSENT), possible + (category in POSSIBLE)
    return found


def persistent_in(marks: pd.DataFrame) -> set[int]:
    return {student for student, (absent, possible) in rates_of(marks).items() if possible and 10 * absent >= possible}


def test_who_moved_and_who_is_absent_by_study_leave_alone(lists: Names):
    marks = lists["this_year"]
    before, now = persistent_in(marks[marks["date"] < lists["since"]]), persistent_in(marks)
    moved = lists["moved"].set_index("student_id")["moved"]
    assert set(moved[moved.eq("into")].index) == now - before
    assert set(moved[moved.eq("out of")].index) == before - now
    assert set(lists["leave_alone"]["student_id"]) == now - persistent_in(marks[marks["code"].ne("S")])


def test_those_who_moved_up_are_compared_with_themselves(lists: Names):
    marks, up = lists["marks"], lists["moved_up"].set_index("year_group_name")
    assert "Year 7" not in up.index
    for name, row in up.iterrows():
        changes = []
        for _, own in marks[marks["year_group_name"].eq(name) & marks["school_week"].le(row["school_week"])].groupby(
            "student_id"
        ):
            rates = {
                year: 100 * (1 - absent / possible)
                for year, of_year in own.groupby("academic_year")
                for absent, possible in rates_of(of_year).values()
                if possible
            }
            if len(rates) == 2:
                changes.append(rates["2025/26"] - rates["2024/25"])
        assert len(changes) == row["students"]
        assert sum(changes) / len(changes) == pytest.approx(row["change"])


def test_a_register_that_nobody_took_is_listed_by_form_and_day(lists: Names):
    assert lists["by_form"].to_numpy().tolist() == [[lists["form"], pd.Timestamp("2026-03-10"), 2]]


def test_siblings_have_their_own_rates(lists: Names):
    relations, rates = lists["data"]["student_relations"], rates_of(lists["this_year"])
    persistent = set(lists["persistent"]["student_id"])
    pairs = {
        (int(one), int(other))
        for one, other, kind in zip(
            relations["student_id"], relations["related_student_id"], relations["relationship_type_name"], strict=True
        )
        if kind == "Sibling" and int(other) in persistent
    }
    got = lists["siblings"]
    assert set(zip(got["student_id"], got["related_student_id"], strict=True)) == pairs
    for row in got.dropna(subset=["absence_rate"]).itertuples():
        absent, possible = rates[int(row.student_id)]
        assert row.absence_rate == pytest.approx(100 * absent / possible)
