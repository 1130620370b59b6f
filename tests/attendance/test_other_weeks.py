"""A register shifted by whole days, so that its week begins on another day, has the same figures."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from hubmis_frames import attendance as at
from hubmis_frames.errors import HubmisWarning
from tests.helpers.examples import given_few
from tests.helpers.registers import only, register

DAY = pd.Timedelta(days=1)
TERMS = {"Autumn": ("2025-09-01", "2025-12-19"), "Spring": ("2026-01-05", "2026-03-27")}
HOLIDAYS = {"Half-term": ("2025-10-27", "2025-10-31"), "Bank holiday": ("2025-09-22", "2025-09-22")}
PLANS: list[dict[str, Any]] = [
    {},
    {"weekdays": (0, 1, 2, 3, 4, 5), "short_days": {5: ["am"]}},
    {"short_days": {4: ["am"]}},
    {"weekdays": (0, 1, 2, 3)},
    {"sessions": ["am"]},
    {"weekdays": {"2025-09-01": (0, 1, 2, 3), "2025-11-10": (0, 1, 2, 3, 4)}, "short_days": {4: ["am"]}},
]


def calendar_of(plan: dict[str, Any], shift: int) -> at.Calendar:
    """The calendar of a plan, with every date moved by some days and every weekday too."""

    def spans(named: dict[str, tuple[str, str]]) -> pd.DataFrame:
        rows = [(name, pd.Timestamp(a) + shift * DAY, pd.Timestamp(b) + shift * DAY) for name, (a, b) in named.items()]
        return pd.DataFrame(rows, columns=["name", "date_from", "date_to"])

    def move(days: Any) -> tuple[int, ...]:
        return tuple((day + shift) % 7 for day in days)

    weekdays = plan.get("weekdays", (0, 1, 2, 3, 4))
    if isinstance(weekdays, dict):
        weekdays = {pd.Timestamp(since) + shift * DAY: move(days) for since, days in weekdays.items()}
    else:
        weekdays = move(weekdays)
    short = {(day + shift) % 7: sessions for day, sessions in plan.get("short_days", {}).items()}
    return at.Calendar(
        spans(TERMS).assign(academic_year_name="2025/26"),
        spans(HOLIDAYS),
        weekdays=weekdays,
        short_days=short,
        sessions=plan.get("sessions", ("am", "pm")),
    )


def records_of(known: at.Calendar, seed: int) -> pd.DataFrame:
    """Marks of six students in the sessions of a calendar, some of which lack."""
    rng = np.random.default_rng(seed)
    opens = known.days[known.days["is_open"]].loc[:"2026-02-20", ["am", "pm"]].stack()
    places = opens[opens].index
    frame = pd.DataFrame(
        [(student, date, session) for student in range(1, 7) for date, session in places],
        columns=["student_id", "date", "session"],
    )
    codes = rng.choice(
        ["/", "L", "B", "I", "O", "U", "X", "-"], len(frame), p=[0.7, 0.05, 0.03, 0.1, 0.06, 0.02, 0.02, 0.02]
    )
    away = frame["student_id"].eq(1) & frame["date"].between("2025-11-03", "2025-11-30")
    frame = frame.assign(code=np.where(away, "O", codes), form_name=frame["student_id"].mod(2).map({0: "9A", 1: "9B"}))
    return frame[rng.random(len(frame)) > 0.03].reset_index(drop=True)


FIGURES: dict[str, Callable[[pd.DataFrame, at.Calendar], Any]] = {
    "data_quality": at.data_quality,
    "runs": at.runs,
    "runs without a calendar": lambda marks, _: at.runs(marks),
    "at_risk": at.at_risk,
    "broken_weeks": lambda marks, known: at.broken_weeks(marks, calendar=known),
    "broken_weeks by columns": lambda marks, _: at.broken_weeks(marks),
    "beside_holidays": at.beside_holidays,
    "cumulative": lambda marks, known: at.cumulative(marks, "form_name", calendar=known),
    "recent_change": lambda marks, known: at.recent_change(marks, calendar=known),
    "absentees": lambda marks, known: at.absentees(marks, "half_term", calendar=known),
    "absence_bands": lambda marks, known: at.absence_bands(marks, "term", calendar=known),
    "code_frequency": lambda marks, known: at.code_frequency(marks, "school_week", calendar=known),
    "registers_not_taken": at.registers_not_taken,
    "heavy_codes": lambda marks, _: at.heavy_codes(marks, at_least=1, codes=["B", "O"]),
    "lateness": lambda marks, _: at.lateness(marks),
    "newest_register": lambda marks, _: pd.DataFrame({"date": [at.newest_register(marks)]}),
    **{
        f"summarise by {by}": lambda marks, known, by=by: at.summarise(marks, by, calendar=known)
        for by in ("week", "school_week", "half_term", "academic_year", "session")
    },
}


def figures(records: pd.DataFrame, known: at.Calendar, shift: int) -> dict[str, pd.DataFrame]:
    """Every figure, with its dates moved back."""
    marks = at.marks(records, calendar=known)
    found = {}
    for name, figure in FIGURES.items():
        frame = figure(marks, known)
        for column in frame:
            if pd.api.types.is_datetime64_any_dtype(frame[column]):
                frame[column] = frame[column] - shift * DAY
        found[name] = frame
    return found


@given_few(st.sampled_from(PLANS), st.integers(1, 6), st.integers(0, 10**6), few=6, full=60)
def test_a_register_mapped_to_another_week_has_the_same_figures(plan: dict[str, Any], shift: int, seed: int) -> None:
    known, moved = calendar_of(plan, 0), calendar_of(plan, shift)
    records = records_of(known, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HubmisWarning)
        here = figures(records, known, 0)
        there = figures(records.assign(date=records["date"] + shift * DAY), moved, shift)
    for name in FIGURES:
        pd.testing.assert_frame_equal(there[name], here[name], check_dtype=True, obj=name)
    assert here["data_quality"].set_index("check").loc["on a closed day", "sessions"] == 0
    lacking = 6 * known.sessions_left("2025-08-31", "2026-02-20") - len(records)
    assert int(here["data_quality"].set_index("check").loc["no mark on an open day", "sessions"]) in range(lacking + 1)
    for day in ("2025-09-10", "2025-12-01", "2026-03-27"):
        assert moved.sessions_left(pd.Timestamp(day) + shift * DAY) == known.sessions_left(day)


def test_figures_without_a_calendar_follow_the_week_that_the_marks_show() -> None:
    monday = register("I" + "/" * 9 + "I" * 10, start="2025-09-08")
    sunday = monday.assign(date=monday["date"] - DAY)
    here, there = at.marks(monday), at.marks(sunday)
    assert at.summarise(there, "week")["week"].tolist() == [pd.Timestamp("2025-09-07"), pd.Timestamp("2025-09-14")]
    columns = ["weeks", "broken_weeks", "whole_weeks"]
    assert only(at.broken_weeks(there))[columns].tolist() == only(at.broken_weeks(here))[columns].tolist() == [2, 2, 1]
    saturday = monday.assign(date=monday["date"] - 2 * DAY)
    assert at.summarise(at.marks(saturday), "week")["possible_sessions"].tolist() == [10, 10]


@pytest.mark.parametrize(
    ("plan", "per_week", "left"),
    [
        ({}, 10, 30),
        ({"short_days": {4: ["am"]}}, 9, 27),  # Friday mornings
        ({"weekdays": (0, 1, 2, 3)}, 8, 24),
        ({"weekdays": (0, 1, 2, 3, 4, 5), "short_days": {5: ["am"]}}, 11, 33),
        ({"sessions": ["am"]}, 5, 15),
        ({"weekdays": (6, 0, 1, 2, 3)}, 10, 30),
        ({"weekdays": (0, 1, 2, 3, 6)}, 10, 30),
    ],
)
def test_sessions_left_count_what_a_register_is_kept_for(plan: dict[str, Any], per_week: int, left: int) -> None:
    # Four whole weeks, from a Sunday to a Saturday.
    terms = pd.DataFrame({"name": ["Term"], "date_from": ["2025-09-07"], "date_to": ["2025-10-04"]})
    known = at.Calendar(terms, **plan)
    assert known.sessions_left("2025-09-13") == left == 3 * per_week
    assert known.sessions_left("2025-09-13", "2025-09-20") == per_week
    assert known.sessions_left("2025-10-04") == known.sessions_left("2025-10-04", "2025-12-01") == 0
    days = known.days[known.days["is_open"]].loc["2025-09-07":"2025-09-13", ["am", "pm"]].stack()
    rows = days[days].index.to_frame(index=False, name=["date", "session"])
    marks = at.marks(rows.assign(student_id=1, code="/"), calendar=known)
    assert only(at.at_risk(marks, known))["remaining_sessions"] == left
    assert len(rows) == per_week
    assert at.data_quality(marks, known).set_index("check").loc["no mark on an open day", "sessions"] == 0
    # Without its last mark, the day still has a session to come, or a gap if it is over.
    fewer = at.marks(rows.iloc[:-1].assign(student_id=1, code="/"), calendar=known)
    assert only(at.at_risk(fewer, known, on=rows["date"].max()))["remaining_sessions"] == left + 1
