"""Whom the lists of a report name, and why: compared with the rules themselves."""

import functools

import hypothesis.strategies as st
import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.attendance import absentees
from hubmis_frames.reports.absence import ABSENT, AbsenceLists, study_leave_codes
from hubmis_frames.reports.lists import NameList
from hubmis_frames.reports.wellbeing import WellbeingLists, praise_of
from tests.helpers.examples import given_few
from tests.helpers.reports import demo_data


@functools.cache
def demo() -> hf.SchoolData:
    return demo_data()


def listed(data: hf.SchoolData) -> dict[str, NameList]:
    return {each.key: each for each in AbsenceLists(data).all()}


def students_in(each: NameList) -> set[int]:
    return set(each.rows["student_id"])


@given_few(st.data(), few=3, full=40)
def test_persistent_absentees_are_listed_once_with_study_leave_apart(data: st.DataObject) -> None:
    """Whoever is persistently absent is in one list of two: in that of study leave if it is the only reason."""
    students = demo().students()["student_id"]
    chosen = data.draw(st.lists(st.sampled_from(students.tolist()), min_size=1, max_size=6, unique=True))
    length = data.draw(st.integers(1, 120))

    def on_study_leave(marks: pd.DataFrame) -> pd.DataFrame:
        marks = marks.sort_values(["date", "attendance_session"])
        last = marks[marks["student_id"].isin(chosen)].groupby("student_id").tail(length).index
        marks.loc[last, "attendance_code_code"] = "S"
        return marks

    changed = demo_data(student_attendance=on_study_leave)
    lists = listed(changed)
    marks = changed.marks()
    official = absentees(marks)
    persistent = set(official.loc[official["persistent"], "student_id"])
    without = absentees(marks[marks["code"].ne("S")])
    really = set(without.loc[without["persistent"], "student_id"])
    assert students_in(lists["rule-persistent"]) == persistent & (
        really | (persistent - set(marks.loc[marks["code"].eq("S"), "student_id"]))
    )
    apart = lists["study-leave"].rows
    told = set(apart.loc[apart["Why"].str.contains("ersistently absent"), "student_id"])
    assert told == persistent - students_in(lists["rule-persistent"])
    away = students_in(lists["away"])
    assert not away & set(apart.loc[apart["Why"].str.contains("way now"), "student_id"])
    newest = marks[marks["date"].eq(changed.newest_register) & marks["category"].isin(ABSENT)]
    assert away <= set(newest["student_id"])


def test_study_leave_is_known_by_its_name_in_a_school_that_has_a_letter_of_its_own() -> None:
    codes = {"code": "SL", "description": "Study leave (exam classes)"}
    data = demo_data(attendance_codes=lambda frame: pd.concat([frame, pd.DataFrame([codes])], ignore_index=True))
    assert study_leave_codes(data) == ["S", "SL"]


def test_every_list_says_why_and_names_form_and_tutor() -> None:
    lists = {**listed(demo()), **{each.key: each for each in WellbeingLists(demo(), ["Achievement"]).all()}}
    assert sum(len(each.rows) for each in lists.values()) > 10
    for each in lists.values():
        if each.unknown:
            continue
        assert each.columns[:3] == ["Student", "Form", "Tutor"], each.key
        assert each.rows["Why"].str.len().gt(10).all()
        assert each.rows["row"].is_unique
    assert {"Codes"} <= set(lists["away"].columns) & set(lists["risen"].columns)


def test_the_codes_of_a_list_are_those_of_its_own_days() -> None:
    away = listed(demo())["away"].rows
    assert len(away)
    marks = demo().marks()
    for student, since, codes, missed in away[["student_id", "Since", "Codes", "Sessions missed"]].itertuples(
        index=False
    ):
        own = marks[marks["student_id"].eq(student) & marks["date"].ge(since) & marks["category"].isin(ABSENT)]
        counted = {part.split()[0]: int(part.split()[1]) for part in codes.split(", ")}
        assert counted == own["code"].value_counts().to_dict()
        assert sum(counted.values()) == missed


def test_students_of_whom_no_register_is_kept_are_not_missing() -> None:
    """A school that registers day pupils alone: its boarders are in no list, and a day pupil without marks is."""
    students = demo().students()
    boarders, lost = students["student_id"].head(12).tolist(), students["student_id"].iloc[12]
    data = demo_data(
        students=lambda frame: frame.assign(
            boarding_type_name=frame["student_id"].isin(boarders).map({True: "Full boarder", False: "Day"})
        ),
        student_attendance=lambda marks: marks[~marks["student_id"].isin([*boarders, lost])],
    )
    found = listed(data)["no-marks"]
    assert students_in(found) == {lost}
    assert "12 students of boarding types that have no register: Full boarder." in found.about


@pytest.mark.parametrize(
    ("name", "is_praise"),
    [
        ("Achievement", True), ("Commendation", True), ("Praise postcard", True), ("House points", True),
        ("Rewards", True), ("Merit", True), ("Positive behaviour", True), ("Well done!", True), ("Award", True),
        ("Demerit", False), ("Lack of achievement", False), ("Underachievement", False), ("Low achievement", False),
        ("Achievement concern", False), ("Loss of house points", False), ("Negative", False), ("Bullying", False),
        ("Star chart", False), ("No merit", False),
    ],
)  # fmt: skip
def test_categories_that_speak_of_praise_are_no_concern(name: str, is_praise: bool) -> None:
    def rename(frame: pd.DataFrame) -> pd.DataFrame:
        column = "category_name" if "pastoral_event_id" in frame else "name"
        return frame.assign(**{column: frame[column].replace("Bullying", name)})

    data = demo_data(pastoral_events=rename, pastoral_categories=rename)
    good, said = praise_of(data)
    assert (name in good) == is_praise
    assert all(each in said for each in good)


def test_what_the_school_says_is_praise_wins_over_its_names() -> None:
    data = demo().with_settings(praise=["Friendships"])
    good, said = praise_of(data)
    assert good == ["Friendships"]
    assert "given" in said
    concerns = WellbeingLists(data, good).this_year
    assert "Friendships" not in set(concerns["category_name"])
    assert "Achievement" in set(concerns["category_name"])
