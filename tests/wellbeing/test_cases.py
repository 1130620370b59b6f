"""Repeated and open events, closing times, reviews and plan coverage, against counting by hand."""

from datetime import date, timedelta
from typing import Any

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from hubmis_frames import wellbeing as wb
from hubmis_frames.errors import BadArgumentError, MissingFieldError
from tests.helpers.figures import EVENT_ROWS, STUDENTS, made, sent


@given(EVENT_ROWS, st.integers(1, 4), st.integers(1, 40))
@settings(max_examples=30)
def test_repeated_events_agrees_with_looking_at_every_window(rows: list[Any], n: int, days: int) -> None:
    got = wb.repeated_events(made(*rows), at_least=n, days=days).set_index("student_id")
    for student in {row[0] for row in rows if row[0] is not None}:
        mine = sorted(
            date.fromisoformat(row[1][:10]) for row in rows if row[0] == student and row[1] and row[4].endswith("event")
        )
        windows = [[day for day in mine if first <= day < first + timedelta(days)] for first in mine]
        most = max(map(len, windows), default=0)
        assert (student in got.index) == (most >= n)
        if most >= n:
            row = got.loc[student]
            best = [window for window in windows if len(window) == most][-1]
            assert row["most_in_window"] == most
            assert (row["window_start"].date(), row["window_end"].date()) == (best[0], best[-1])
            assert (row["events"], row["first_date"].date(), row["last_date"].date()) == (len(mine), mine[0], mine[-1])


def test_repeated_events_counts_two_on_one_day_and_both_ends_of_a_window() -> None:
    found = made((1, "2025-09-01T09:00Z"), (1, "2025-09-01T15:00Z"), (2, "2025-09-01T09:00Z"), (2, "2025-09-07T09:00Z"))
    assert wb.repeated_events(found, at_least=2, days=1)["student_id"].tolist() == [1]
    assert wb.repeated_events(found, at_least=2, days=6)["student_id"].tolist() == [1]
    assert sorted(wb.repeated_events(found, at_least=2, days=7)["student_id"]) == [1, 2]
    # One student's last day and the next one's first are two students' days.
    apart = made((1, "2025-09-01T09:00Z"), (1, "2025-09-30T09:00Z"), (2, "2025-09-01T09:00Z"), (2, "2025-09-02T09:00Z"))
    assert wb.repeated_events(apart, at_least=2, days=5)["student_id"].tolist() == [2]
    assert wb.repeated_events(apart, at_least=3, days=28)["student_id"].tolist() == []
    assert len(wb.repeated_events(made(), at_least=2)) == 0
    with pytest.raises(BadArgumentError, match="days takes a whole number"):
        wb.repeated_events(found, at_least=2, days=0)


def test_open_events_count_whole_days_and_a_closing_date_outweighs_a_status() -> None:
    found = made(
        (1, "2025-09-01T10:00Z"), (2, "2025-09-10T22:00Z"), (3, "2025-09-01T10:00Z", "x", "inactive"),
        (4, "2025-09-11T10:00Z"), (5, None)
    )  # fmt: skip
    table = wb.open_events(found, "2025-09-10")
    assert table["student_id"].tolist() == [1, 2, 5]
    assert table["days_open"].tolist()[:2] == [9, 0]
    assert pd.isna(table["days_open"].iloc[2])
    closed = found.assign(closed_date=pd.to_datetime(["2025-09-05", None, "2025-09-30", None, None]))
    assert wb.open_events(closed, "2025-09-10")["student_id"].tolist() == [3, 2, 5]
    assert wb.open_events(closed, "2025-09-05")["student_id"].tolist() == [3, 5]
    assert wb.open_events(closed, "2025-09-04")["student_id"].tolist() == [1, 3, 5]
    with pytest.raises(MissingFieldError, match="open_events needs status"):
        wb.open_events(wb.events(sent((1, "2025-09-01T10:00Z")).drop(columns="status")), "2025-09-10")
    with pytest.raises(BadArgumentError, match="give a date"):
        wb.open_events(found, None)
    assert len(wb.open_events(made(), "2025-09-10")) == 0


def test_a_field_that_the_server_does_not_send_raises_instead_of_counting_zero() -> None:
    found = made((1, "2025-09-01T10:00Z"), (1, "2025-09-01T10:00Z", "Plan", "active", "wellbeing_plan"))
    with pytest.raises(MissingFieldError, match="closing_time needs closed_date"):
        wb.closing_time(found)
    with pytest.raises(MissingFieldError, match="reviews_due needs review_date"):
        wb.reviews_due(found, "2025-10-01")
    with pytest.raises(MissingFieldError, match="plan_coverage needs status"):
        wb.plan_coverage(found.assign(status=pd.Series([None, None], dtype="str")), students=STUDENTS)
    with pytest.raises(MissingFieldError, match="Give the child table"):
        wb.staff_load(found)
    with pytest.raises(BadArgumentError, match="plans cannot be told from events"):
        wb.plan_coverage(found.assign(type=pd.Series([None, None], dtype="str")), students=STUDENTS)


def test_closing_times_and_reviews() -> None:
    found = made((1, "2025-09-01T10:00Z"), (2, "2025-09-01T10:00Z"), (3, "2025-09-01T10:00Z", "Bullying"))
    found["closed_date"] = pd.to_datetime(["2025-09-01", "2025-09-04", None])
    table = wb.closing_time(found, "category_name")
    assert table["category_name"].tolist() == ["Bullying", "Friendships"]
    assert table["closed_events"].tolist() == [0, 2]
    assert table["median_days"].isna().tolist() == [True, False]
    assert (table["median_days"].iloc[1], table["longest_days"].iloc[1]) == (1.5, 3)
    with pytest.raises(BadArgumentError, match="1 events have a closed_date before"):
        wb.closing_time(found.assign(closed_date=pd.Timestamp("2025-08-31")).head(1))
    plans = made(*((n, "2025-09-01T10:00Z", "Plan", "active", "wellbeing_plan") for n in (1, 2, 3, 4)))
    plans["review_date"] = pd.to_datetime(["2025-10-01", "2025-10-02", "2025-09-21", None])
    due = wb.reviews_due(plans, "2025-10-01")
    assert due["student_id"].tolist() == [3, 1]
    assert due["days_overdue"].tolist() == [10, 0]
    assert due.attrs == {"without_review_date": 1}


def test_plan_coverage() -> None:
    plan = ("Plan", "active", "wellbeing_plan")
    found = made(
        (1, "2025-09-01T10:00Z"), (1, "2025-09-01T10:00Z", *plan), (1, "2025-09-02T10:00Z", *plan),
        (2, "2025-09-01T10:00Z"), (2, "2025-09-01T10:00Z", "Plan", "inactive", "wellbeing_plan"),
        (3, "2025-09-01T10:00Z", *plan), (4, "2025-01-01T10:00Z"), (99, "2025-09-01T10:00Z"),
    )  # fmt: skip
    table = wb.plan_coverage(found, students=STUDENTS, by="year_group_name")
    assert table["with_events"].tolist() == [2, 1, 0, 0]
    assert table["with_active_plan"].tolist() == [1, 1, 0, 0]
    assert table["active_plans"].tolist() == [2, 1, 0, 0]
    assert table["with_events_no_plan"].tolist() == [1, 1, 0, 0]
    assert table["coverage"].tolist()[:2] == [50.0, 0.0]
    assert table["coverage"].isna().tolist() == [False, False, True, True]
    since = wb.plan_coverage(found, students=STUDENTS, since="2025-09-01")
    assert since["with_events"].tolist() == [2]
    assert since["coverage"].tolist() == [50.0]
    listed = wb.without_plan(found, students=STUDENTS)
    assert listed["student_id"].tolist() == [2, 4]
    assert listed["ended_plans"].tolist() == [1, 0]
    assert wb.without_plan(found, students=STUDENTS, since="2025-09-01")["student_id"].tolist() == [2]
