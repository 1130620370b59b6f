"""Attendance and wellbeing together by hand, in schools of other weeks and time zones."""

import warnings
from collections import Counter
from collections.abc import Callable

import hypothesis.strategies as st
import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames import joint as jt
from hubmis_frames import wellbeing as wb
from tests.helpers.examples import given_few
from tests.helpers.figures import ABSENT, ATTENDED, POSSIBLE, canonical_events, events_on, marks_of, students_in
from tests.joint.test_joint import DAYS, REGISTERS, a_school

DAY = pd.Timedelta(days=1)


@given_few(REGISTERS, DAYS, few=15)
def test_each_student_and_band_is_what_one_counts_by_hand(
    registers: dict[int, str], days: list[tuple[int, int]]
) -> None:
    marks, events = marks_of(registers), events_on(*days)
    each = jt.per_student(marks, events).set_index("student_id")
    places = [n for register in registers.values() for n, code in enumerate(register) if code != " "]
    first, last = min(places, default=0), max(places, default=-1)
    bands: dict[int | None, Counter[str]] = {}
    for student, register in registers.items():
        if not register.strip():
            continue
        own = {
            name: sum(code in kinds for code in register)
            for name, kinds in (
                ("possible_sessions", POSSIBLE), ("attended_sessions", ATTENDED), ("absent_sessions", ABSENT),
                ("late_sessions", {"L"}),
            )
        }  # fmt: skip
        own["events"] = sum(who == student and first <= day <= last for who, day in days)
        assert each.loc[student, list(own)].to_dict() == own
        possible = own["possible_sessions"]
        rate = 100 * own["absent_sessions"] / possible if possible else None
        assert each.loc[student, "absence_rate"] == pytest.approx(rate) if possible else True
        band = None if rate is None else min(20 * own["absent_sessions"] // possible, 10)
        bands.setdefault(band, Counter()).update(students=1, students_concerned=own["events"] > 0, events=own["events"])
    table = jt.events_by_absence_band(marks, events)
    for place, row in enumerate(table.to_dict("records")):
        wanted = bands.get(None if place == 11 else place, Counter())
        names = ("students", "students_concerned", "events")
        assert [row[name] for name in names] == [wanted[name] for name in names]


FIGURES: dict[str, Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame], pd.DataFrame]] = {
    "around_events": lambda marks, events, students: jt.around_events(marks, events, weeks=2, students=students),
    "by week": lambda marks, events, students: jt.around_events(marks, events, students=students, by_week=True),
    "per_student": lambda marks, events, _: jt.per_student(marks, events),
    "events_by_absence_band": lambda marks, events, _: jt.events_by_absence_band(marks, events),
    "lateness_and_events": lambda marks, events, _: jt.lateness_and_events(marks, events),
    "attendance_by_plan": lambda marks, events, _: jt.attendance_by_plan(
        marks, events.assign(type=pd.Series("wellbeing_plan", events.index, dtype="str"), status="active")
    ),
}


@given_few(st.integers(0, 10**6), st.integers(-6, 6), few=6)
def test_a_school_moved_to_another_week_has_the_same_figures(seed: int, shift: int) -> None:
    registers, days, groups = a_school(seed)
    marks = marks_of(registers)
    marks = marks[marks["date"].dt.day_of_week < 5].reset_index(drop=True)
    events = events_on(*(pair for pair in days if pair[1] % 7 < 5), (1, 15), (2, 16))
    there_marks = marks.assign(date=marks["date"] + shift * DAY)
    there_events = events.assign(date=events["date"] + shift * DAY)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hf.HubmisWarning)
        for name, figure in FIGURES.items():
            here, there = (figure(m, e, students_in(groups)) for m, e in ((marks, events), (there_marks, there_events)))
            for column in there.select_dtypes("datetime"):
                there[column] -= shift * DAY
            pd.testing.assert_frame_equal(there, here, obj=name)


def test_learning_support_begins_on_the_schools_day() -> None:
    marks = marks_of({1: "/I"})
    records = pd.DataFrame(
        {
            "learning_support_record_id": pd.array([1], dtype="Int64"),
            "student_id": pd.array([1], dtype="Int64"),
            "learning_support_date": pd.to_datetime(["2025-09-01T20:00Z"]),
            "inactive_date": pd.to_datetime([None], utc=True),
        }
    )
    for zone, sessions in (("Europe/London", [2, 0, 0, 0]), ("Australia/Sydney", [1, 0, 1, 0])):
        table = jt.attendance_by_learning_support(marks, records, timezone=zone)
        assert table["possible_sessions"].tolist() == sessions
        line = wb.timeline(canonical_events(), 1, learning_support=records, timezone=zone)
        assert line["date"].tolist() == [pd.Timestamp("2025-09-01") + int(zone != "Europe/London") * DAY]
    for call in (
        lambda: jt.attendance_by_learning_support(marks, records, timezone="Sydney"),
        lambda: wb.timeline(canonical_events(), 1, learning_support=records, timezone="Sydney"),
    ):
        with pytest.raises(hf.BadArgumentError, match="there is no time zone 'Sydney'"):
            call()
