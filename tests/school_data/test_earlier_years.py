"""Earlier academic years: the groups of that time, the marks of leavers, and servers that do not tell."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.errors import SpecError
from hubmis_frames.export.earlier import leavers
from hubmis_frames.operations import CATALOGUE
from hubmis_frames.operations.further import YEAR_LISTS, as_further
from hubmis_frames.school import School
from hubmis_frames.simulator import Rules, Simulator, World, build_world, views
from hubmis_frames.simulator.calendar import ACTIVE, PREVIOUS
from hubmis_frames.transport import Session
from tests.helpers.schools import GENEROUS, QUICK

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
CODES = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})
YEARS = {"2024/25": PREVIOUS, "2025/26": ACTIVE}


@pytest.fixture(scope="module")
def small() -> World:
    return build_world(students=21, seed=4)


@pytest.fixture(scope="module")
def data(small: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hf.SchoolData]:
    folder = tmp_path_factory.mktemp("small")
    with Simulator(small, Rules(**GENEROUS)) as simulator:
        rules = simulator.rules
        session = Session(
            base_url=simulator.url, realm="S999", client_id=rules.client_id, client_secret=rules.client_secret,
            cache_dir=None, rate_file=folder / "rate.sqlite", retry=QUICK,
        )  # fmt: skip
        with School(session, progress=False) as school:
            yield school.fetch(["core", "leavers"]).with_settings(code_map=CODES)


def without(data: hf.SchoolData, *tables: str, **changed: pd.DataFrame) -> hf.SchoolData:
    """The same school with other tables."""
    return hf.SchoolData({name: data[name] for name in data if name not in tables} | changed, code_map=CODES)


def names_then(world: World, student: int, year: int) -> list[str]:
    """Year group, form and academic house of a student in a year, as the simulated school has them."""
    row = world.entities["student"][student] | world.yearly["student"][year][student]
    return [
        world.entities[kind][row[field]]["name"]
        for kind, field in (("year_group", "year_group"), ("form", "form"), ("house", "academic_house"))
    ]


@pytest.mark.parametrize("past", [False, True])
def test_each_mark_has_the_groups_of_its_year(data: hf.SchoolData, small: World, past: bool):
    marks = data.marks(academic_year="all", groups="then", past=past)
    pd.testing.assert_frame_equal(marks, data.marks(academic_year="all", past=past))  # it is the default
    columns = ["year_group_name", "form_name", "academic_house_name"]
    rows = marks[["student_id", "academic_year", *columns]].drop_duplicates()
    assert not rows.duplicated(["student_id", "academic_year"]).any()
    assert set(rows["academic_year"]) == set(YEARS)
    for student, year, *names in rows.itertuples(index=False, name=None):
        assert names == names_then(small, student, YEARS[year])
    now = data.marks(academic_year="2024/25", groups="now")
    then = data.marks(academic_year="2024/25")
    assert now["year_group_name"].ne(then["year_group_name"]).all()
    assert now["gender_name"].equals(then["gender_name"])


def test_leavers_bring_all_their_marks_and_only_they_do(data: hf.SchoolData, small: World):
    students = small.entities["student"]
    gone = {n for n, row in students.items() if row["enrolment_status"] == "past" and not row["deleted_at"]}
    there = {n for year in YEARS.values() for n in small.yearly["student"][year]}
    marks = data.marks(academic_year="all", past=True)
    added = marks[~marks["student_id"].isin(data.students()["student_id"])]
    with_marks = {n for n in gone & there if small.marks(n)}
    assert set(added["student_id"]) == with_marks
    assert {n for n in gone - there if small.marks(n)} == set()
    for student, own in added.groupby("student_id"):
        assert len(own) == sum(pd.Timestamp(mark["date"]) <= data.newest_register for mark in small.marks(student))
    kept = marks[marks["student_id"].isin(data.students()["student_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, data.marks(academic_year="all"), check_flags=False)
    said = data.marks(academic_year="all").attrs["lacks"]
    assert said.startswith(f"{len(gone & there)} student")
    with pytest.raises(hf.ExportError, match="past_student_attendance"):
        without(data, "past_student_attendance").marks(past=True)


def test_a_comparison_of_years_says_once_whom_it_lacks(data: hf.SchoolData):
    both = list(YEARS)
    with pytest.warns(hf.HubmisWarning, match="have left since|has left since") as said:
        hf.attendance.year_on_year(data.marks(academic_year=both))
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hf.attendance.year_on_year(data.marks(academic_year=both, past=True))
        assert "lacks" not in data.marks().attrs
    unasked = without(data, YEAR_LISTS, "past_student_attendance").marks(academic_year=both)
    assert "--tables core,leavers" in unasked.attrs["lacks"]


def ignoring(data: hf.SchoolData) -> hf.SchoolData:
    """The school of a server that sends everybody as now, whatever year is asked for."""
    lists = []
    for year, status, table in ((PREVIOUS, "current", "students"), (PREVIOUS, "past", "past_students")):
        lists.append(data[table].assign(academic_year_id=year, enrolment_status=status))
    return without(data, **{YEAR_LISTS: pd.concat(lists, ignore_index=True)[list(data[YEAR_LISTS])]})


def test_a_server_that_ignores_the_year_is_said_and_today_is_the_fallback(data: hf.SchoolData):
    other = ignoring(data)
    with pytest.warns(hf.HubmisWarning, match=r"sent everybody with the year group and form of today"):
        then = other.marks(academic_year="all", groups="then")
    pd.testing.assert_frame_equal(then, other.marks(academic_year="all", groups="now"), check_flags=False)
    assert "year_group_name" not in other.marks(academic_year="all")
    checks = other.checks().set_index("check")
    assert checks.loc["groups of that time not known", "detail"] == "2024/25"
    assert "groups of that time not known" not in set(data.checks()["check"])
    everyone = leavers(other["past_students"], other[YEAR_LISTS], other["students"])
    assert len(everyone) == len(other["past_students"])


def test_lists_that_were_never_asked_for_are_asked_for_by_name(data: hf.SchoolData):
    other = without(data, YEAR_LISTS)
    assert "year_group_name" not in other.marks(academic_year="all")
    with pytest.raises(hf.ExportError, match=f"export DIRECTORY --tables {YEAR_LISTS}"):
        other.marks(academic_year="all", groups="then")
    with pytest.raises(hf.BadArgumentError, match="'then'"):
        other.marks(groups="today")  # type: ignore[arg-type]


def test_before_the_first_register_of_a_year_the_marks_have_the_groups_of_the_year_before(
    data: hf.SchoolData, small: World
):
    """The students' groups are the new year's, and the newest register is the old year's."""
    marks = data["student_attendance"]
    september = without(data, student_attendance=marks[marks["date"] < "2025-08-01"])
    rows = september.marks()[["student_id", "year_group_name"]].drop_duplicates()
    assert september.academic_year == "2024/25"
    for student, name in rows.itertuples(index=False, name=None):
        assert name == names_then(small, student, PREVIOUS)[0]


def test_a_student_who_is_in_no_list_of_a_year_has_no_groups_of_it(data: hf.SchoolData):
    lists = data[YEAR_LISTS]
    one = int(lists.loc[lists["enrolment_status"].eq("current"), "student_id"].iloc[0])
    other = without(data, **{YEAR_LISTS: lists[lists["student_id"].ne(one)]})
    own = other.marks(academic_year="all")
    own = own[own["student_id"].eq(one)]
    assert own.loc[own["academic_year"].eq("2024/25"), "year_group_name"].isna().all()
    assert own.loc[own["academic_year"].eq("2025/26"), "year_group_name"].notna().all()


def test_an_export_counts_and_keeps_what_leavers_cost(serve: Serve, connect_to: Connect, tmp_path: Path):
    simulator = serve(build_world(students=7, seed=2))
    school, out = connect_to(simulator), tmp_path / "out"
    school.export(out, "core")
    plan = school.plan("leavers").set_index("table")
    sent = len(simulator.log)
    done = school.export(out, "leavers").set_index("table")
    asked = int(plan.loc["past_student_attendance", "requests"])
    assert 0 < asked == done.loc["past_student_attendance", "requests"] == len(simulator.log) - sent
    lists, past = hf.read(out, YEAR_LISTS), hf.read(out, "past_students")
    there = set(lists["student_id"]) & set(past["student_id"])
    assert asked == len(there)
    assert not {"first_name", "date_of_birth", "primary_email"} & set(lists)
    before = hf.read(out, "past_student_attendance")
    school.export(out, "core", refresh=True)
    pd.testing.assert_frame_equal(hf.read(out, "past_student_attendance"), before)
    live = school.fetch(["core", "leavers"])
    for table in (YEAR_LISTS, "past_student_attendance"):
        pd.testing.assert_frame_equal(live[table], hf.read(out, table))


def test_over_the_wire_a_server_that_ignores_the_year_makes_leavers_be_all_who_left(
    serve: Serve, connect_to: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    listed = views.VIEWS["students"]
    monkeypatch.setitem(views.VIEWS, "students", lambda store, query: listed(store, replace(query, year=ACTIVE)))
    simulator = serve(build_world(students=7, seed=2))
    school = connect_to(simulator)
    done = school.export(tmp_path / "out", "leavers").set_index("table")
    assert done.loc["past_student_attendance", "requests"] == len(hf.read(tmp_path / "out", "past_students"))


def test_a_vendors_file_without_the_year_is_said():
    students = CATALOGUE["students"]
    parameters: Any = tuple(p for p in students.parameters if p.name != "academic_year_id")
    with pytest.raises(SpecError, match="does not take academic_year_id"):
        as_further(YEAR_LISTS, replace(students, parameters=parameters))
