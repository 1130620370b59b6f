"""Repeated absence in rolling windows of school weeks, counted window by window, and runs for lists of duty."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from hubmis_frames import attendance as at
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from tests.helpers.examples import given_few
from tests.helpers.registers import calendar, canonical, only, register

TERMS = pd.DataFrame(
    {
        "name": ["Autumn", "Spring", "Next autumn"],
        "date_from": pd.to_datetime(["2025-09-03", "2026-01-05", "2026-09-02"]),
        "date_to": pd.to_datetime(["2025-10-17", "2026-02-06", "2026-10-23"]),
        "academic_year_name": ["2025/26", "2025/26", "2026/27"],
    }
)
SHUT = pd.DataFrame(
    {"name": ["Half term", "Snow"], "date_from": ["2025-09-22", "2026-01-14"], "date_to": ["2025-09-26", "2026-01-14"]}
)


def school(weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)) -> at.Calendar:
    return at.Calendar(
        TERMS, SHUT.astype({"date_from": "datetime64[us]", "date_to": "datetime64[us]"}), weekdays=weekdays
    )


def marks_of(known: at.Calendar, students: int, seed: int, shut_too: bool = False) -> pd.DataFrame:
    """Marks of both sessions on every open day, a sixth of them unauthorised."""
    days = known.days.index if shut_too else known.open_days()
    rows = pd.MultiIndex.from_product([range(1, students + 1), days, ["am", "pm"]]).to_frame(index=False)
    rows = rows.set_axis(["student_id", "date", "session"], axis=1)
    rows["code"] = np.random.default_rng(seed).choice(list("/////////IOUGN"), len(rows))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*on days when the school is shut", HubmisWarning)
        return at.marks(rows, calendar=known)


def counted(marks: pd.DataFrame, known: at.Calendar, weeks: int, last: pd.Timestamp) -> dict[int, tuple[int, int]]:
    """For each student the most in any window and the number in the current one, window by window."""
    days = known.days[known.days["is_open"]]
    days = days[days.index <= last]
    order = list(dict.fromkeys(days["week"]))
    found = {}
    for student, rows in marks.groupby("student_id"):
        missed = rows[rows["category"].eq("unauthorised_absence") & rows["date"].isin(days.index)]
        in_week = missed["date"].map(days["week"]).value_counts()
        sums = [
            sum(in_week.get(week, 0) for week in order[max(0, end - weeks) : end]) for end in range(1, len(order) + 1)
        ]
        found[int(student)] = (max(sums, default=0), sums[-1] if sums else 0)
    return found


@given_few(
    st.integers(0, 2**32 - 1),
    st.integers(1, 14),
    st.integers(1, 12),
    st.sampled_from([(0, 1, 2, 3, 4), (6, 0, 1, 2, 3), (0, 1, 2, 3, 4, 5)]),
    st.sampled_from(["2025-09-24", "2026-01-20", "2026-06-30", "2026-10-23"]),
    st.booleans(),
    few=8,
)
def test_windows_are_those_that_one_counts_by_hand(
    seed: int, weeks: int, at_least: int, weekdays: tuple[int, ...], until: str, shut_too: bool
) -> None:
    known = school(weekdays)
    marks = marks_of(known, 3, seed, shut_too)
    found = at.repeated_absence(marks, known, at_least=at_least, weeks=weeks, until=until)
    wanted = counted(marks, known, weeks, pd.Timestamp(until))
    listed = {number: sums for number, sums in wanted.items() if sums[0] >= at_least}
    sums = zip(found["most_sessions"], found["current_sessions"], strict=True)
    assert dict(zip(found["student_id"], sums, strict=True)) == listed
    assert found["current"].tolist() == (found["current_sessions"] >= at_least).tolist()
    assert found["current_sessions"].is_monotonic_decreasing
    for row in found.itertuples():
        # The window holds so many, between the dates that are given, and has so many school weeks at most.
        opens = known.open_days(since=row.window_start, until=min(row.window_end, pd.Timestamp(until)))
        inside = marks[marks["student_id"].eq(row.student_id) & marks["date"].isin(opens)]
        missed = inside[inside["category"].eq("unauthorised_absence")]["date"]
        assert len(missed) == row.most_sessions
        assert (missed.min(), missed.max()) == (row.first_date, row.last_date)
        assert known.days.loc[opens, "week"].nunique() <= weeks


def test_the_order_of_marks_and_weeks_of_holiday_change_nothing() -> None:
    known = school()
    marks = marks_of(known, 4, 5)
    found = at.repeated_absence(marks, known, at_least=1)
    shuffled = marks.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(at.repeated_absence(shuffled, known, at_least=1), found)
    # Ten sessions in the last week before a holiday and ten in the first after it lie in two weeks together.
    apart = canonical(register("O" * 10, start="2025-10-13"), register("O" * 10, start="2026-01-05"))
    assert only(at.repeated_absence(apart, known, weeks=2))["most_sessions"] == 20
    assert only(at.repeated_absence(apart, known, weeks=1))["most_sessions"] == 10
    # And so do those in the last week of one year and the first of the next.
    years = canonical(register("O" * 10, start="2026-02-02"), register("O" * 6, start="2026-09-02"))
    assert only(at.repeated_absence(years, known, weeks=2))["most_sessions"] == 16


def test_nine_are_not_ten_and_categories_are_a_choice() -> None:
    marks = canonical(register("GNOU" * 2 + "O" + "I" * 5 + "/" * 6))
    assert at.repeated_absence(marks, calendar()).empty
    assert list(at.repeated_absence(marks, calendar())) == list(at.repeated_absence(marks, calendar(), at_least=9))
    row = only(at.repeated_absence(marks, calendar(), at_least=9))
    assert (row["most_sessions"], row["current_sessions"], row["current"]) == (9, 9, True)
    both = at.repeated_absence(marks, calendar(), categories=["authorised_absence", "unauthorised_absence"])
    assert only(both)["most_sessions"] == 14
    assert at.repeated_absence(marks.head(0), calendar()).empty
    assert only(at.repeated_absence(marks.assign(realm="S1"), calendar(), at_least=9))["realm"] == "S1"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"at_least": 0}, "at_least is a whole number"),
        ({"weeks": 1.5}, "weeks is a whole number"),
        ({"weeks": True}, "weeks is a whole number"),
        ({"categories": "absent"}, "absent cannot be counted"),
        ({"until": "1/2/2025"}, "until"),
    ],
)
def test_what_cannot_be_a_window_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadArgumentError, match=said):
        at.repeated_absence(canonical(register("/O")), calendar(), **wrong)


def test_marks_outside_the_calendar_are_said() -> None:
    marks = canonical(register("O" * 12, start="2024-09-09"), register("O/", start="2025-09-08"))
    with pytest.warns(HubmisWarning, match=r"repeated_absence: 12 of 14 marks lie outside the calendar"):
        assert at.repeated_absence(marks, calendar()).empty


# --- runs


@given_few(st.text("/IOL-X", min_size=1, max_size=60), st.sampled_from("IO"), few=20)
def test_runs_of_one_category_are_those_of_marks_in_which_the_other_is_attendance(codes: str, kept: str) -> None:
    category = "authorised_absence" if kept == "I" else "unauthorised_absence"
    marks = canonical(register(codes))
    other = canonical(register(codes.replace("O" if kept == "I" else "I", "/")))
    found = at.runs(marks, categories=category)
    pd.testing.assert_frame_equal(found, at.runs(other))
    assert found["absent_sessions"].sum() == codes.count(kept)
    # Days missed throughout, day by day.
    pairs = [codes[place : place + 2] for place in range(0, len(codes), 2)]
    whole = sum(bool(set(pair) & {kept}) and set(pair) <= {kept, "-", "X"} for pair in pairs)
    assert found["whole_days"].sum() == whole
    assert (found["whole_days"] <= found["school_days"]).all()


def test_ten_school_days_in_a_row() -> None:
    marks = canonical(
        register("/" + "O" * 19 + "/" * 8, 1), register("O" * 20 + "/" * 8, 2), register("O" * 19 + "I", 3)
    )
    found = at.runs(marks, calendar(), categories="unauthorised_absence").set_index("student_id")
    assert found["school_days"].to_dict() == {1: 10, 2: 10, 3: 10}
    assert found["whole_days"].to_dict() == {1: 9, 2: 10, 3: 9}
    with pytest.raises(BadArgumentError, match="runs: categories takes"):
        at.runs(marks, categories="late")
