"""Wellbeing measures against counts done the long way, and what they say when a field is not there."""

import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import hypothesis.strategies as st
import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from hypothesis import given, settings

from hubmis_frames import wellbeing as wb
from hubmis_frames.analysis.calendar import Calendar
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from hubmis_frames.plots.wellbeing import student_timeline, wellbeing_by_category
from tests.helpers.figures import STUDENTS, YEAR_GROUPS, made, sent

mpl.use("Agg")

TERMS = pd.DataFrame(
    {
        "name": ["Autumn Term", "Spring Term"],
        "academic_year_name": ["2025/26", "2025/26"],
        "date_from": pd.to_datetime(["2025-09-02", "2026-01-05"]),
        "date_to": pd.to_datetime(["2025-12-19", "2026-03-27"]),
    }
)


def test_an_event_is_of_the_day_that_it_is_at_the_school() -> None:
    found = made((1, "2025-06-02T23:30Z"), (1, "2025-12-02T23:30Z"), (1, None))
    assert found["date"].astype("str").tolist()[:2] == ["2025-06-03", "2025-12-02"]
    assert found["date"].isna().tolist() == [False, False, True]
    assert str(wb.events(sent((1, "2025-06-02T23:30Z")), timezone="UTC").loc[0, "date"])[:10] == "2025-06-02"
    assert str(wb.events(sent((1, "2025-06-02T23:30Z")), timezone="Asia/Singapore").loc[0, "date"])[:10] == "2025-06-03"


def test_fields_are_found_by_known_names_by_given_names_and_else_refused() -> None:
    other = pd.DataFrame({"pupil_id": [1.0], "event_date": ["2025-09-05"], "Ended on": ["2025-09-09"], "x": [1]})
    found = wb.events(other, columns={"closed_date": "Ended on"})
    assert found.loc[0, "student_id"] == 1
    assert str(found.loc[0, "date"])[:10] == "2025-09-05"
    assert str(found.loc[0, "closed_date"])[:10] == "2025-09-09"
    assert found["x"].tolist() == [1]
    assert "pupil_id" not in found
    with pytest.raises(BadArgumentError, match=r"no column student_id.*The frame has who, event_date"):
        wb.events(pd.DataFrame({"who": [1], "event_date": ["2025-09-05"]}))
    with pytest.raises(BadArgumentError, match=r"no column date_time.*The frame has student_id, when"):
        wb.events(pd.DataFrame({"student_id": [1], "when": ["2025-09-05"]}))
    with pytest.raises(BadArgumentError, match="no field 'student'"):
        wb.events(other, columns={"student": "pupil_id"})
    with pytest.raises(BadArgumentError, match="no column nowhere"):
        wb.events(other, columns={"status": "nowhere"})
    with pytest.raises(BadArgumentError, match="event_date holds values that are no ISO dates"):
        wb.events(other.assign(event_date="5 Sept"))
    with pytest.raises(BadArgumentError, match="pupil_id holds values that are no ids"):
        wb.events(other.assign(pupil_id=1.5))


def test_events_have_the_same_columns_and_types_with_and_without_rows_and_when_done_twice() -> None:
    full = made((1, "2025-09-05T10:00Z"))
    empty = wb.events(sent())
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)
    pd.testing.assert_frame_equal(wb.events(full), full)
    bare = wb.events(pd.DataFrame({"student_id": [1], "date": [date(2025, 9, 5)]}))
    canonical = list(bare.columns)
    pd.testing.assert_series_equal(bare.dtypes, full.dtypes[canonical])


def test_rows_that_lack_something_are_kept_and_said_and_doubles_are_not() -> None:
    frame = sent((1, "2025-09-05T10:00Z"), (None, "2025-09-05T10:00Z"), (2, None), (1, "2025-09-05T10:00Z"))
    frame.loc[3, "pastoral_event_id"] = 100
    with pytest.warns(HubmisWarning, match="of 4 rows, duplicates: 1, without student: 1, without date: 1"):
        found = wb.events(frame)
    assert len(found) == 3
    # Two students in one event are two rows, and rows without an event's id are not the same event.
    frame = sent((1, "2025-09-05T10:00Z"), (2, "2025-09-05T10:00Z"), (1, "2025-09-06T10:00Z"), (1, "2025-09-06T10:00Z"))
    frame["pastoral_event_id"] = pd.array([100, 100, None, None], dtype="Int64")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(wb.events(frame)) == 4


@pytest.mark.parametrize(
    ("column", "values", "flags"),
    [
        ("deleted_at", pd.to_datetime([None, "2025-09-09"], utc=True), [False, True]),
        ("deleted_at", [None, "2025-09-09T10:00:00Z"], [False, True]),
        ("is_deleted", [False, True], [False, True]),
        ("is_deleted", [None, True], [None, True]),
    ],
)
def test_deleted_rows_are_flagged_and_not_counted(column: str, values: Any, flags: list[bool | None]) -> None:
    found = made((1, "2025-09-05T10:00Z"), (2, "2025-09-05T10:00Z"), **{column: values})
    assert [None if pd.isna(flag) else bool(flag) for flag in found["deleted"]] == flags
    assert wb.summarise(found)["events"].tolist() == [1]
    assert len(wb.timeline(found, 2)) == 0


def test_whether_rows_are_deleted_is_not_known_where_nothing_says_so() -> None:
    assert made((1, "2025-09-05T10:00Z"))["deleted"].isna().all()


def test_groups_without_events_appear_with_none_and_groups_without_students_have_no_rate() -> None:
    found = made(
        (1, "2025-09-05T10:00Z"), (1, "2025-09-05T11:00Z"), (3, "2025-09-08T10:00Z"), (99, "2025-09-09T10:00Z")
    )
    table = wb.summarise(found, "year_group_name", students=STUDENTS).set_index("year_group_name")
    assert table.index.tolist()[:3] == ["Year 9", "Year 10", "Year 11"]
    assert pd.isna(table.index[3])
    assert table["events"].tolist() == [2, 1, 0, 0]
    assert table["students"].tolist() == [2, 2, 1, 1]
    assert table["students_concerned"].tolist() == [1, 1, 0, 0]
    assert table["events_per_100"].tolist() == [100.0, 50.0, 0.0, 0.0]
    assert table["students_per_100"].tolist() == [50.0, 50.0, 0.0, 0.0]
    assert table["unlisted"].tolist() == [0, 0, 0, 1]
    grown_up = STUDENTS[STUDENTS["year_group_name"].notna()]
    table = wb.summarise(found, "year_group_name", students=grown_up)
    last = table.iloc[-1]
    assert (last["events"], last["unlisted"], last["students"]) == (0, 1, 0)
    assert pd.isna(last["events_per_100"])
    alone = wb.summarise(found)
    assert alone["events"].tolist() == [4]
    assert alone[["students", "unlisted", "events_per_100"]].isna().all(axis=None)


def test_events_take_the_group_of_the_students_frame_not_their_own() -> None:
    found = made((1, "2025-09-05T10:00Z"), year_group_name=["Year 8"])
    table = wb.summarise(found, "year_group_name", students=STUDENTS)
    assert "Year 8" not in set(table["year_group_name"].dropna())
    assert wb.summarise(found, "year_group_name")["year_group_name"].tolist() == ["Year 8"]


def test_periods_have_no_holes_and_terms_know_their_year() -> None:
    found = made((1, "2025-09-05T10:00Z"), (2, "2025-12-25T10:00Z"), (3, "2026-01-05T10:00Z"), (4, None))
    weeks = wb.summarise(found, "week")
    known = weeks["week"].dropna()
    assert (known.diff().dropna() == pd.Timedelta(days=7)).all()
    assert known.dt.day_of_week.eq(0).all()
    assert int(weeks["events"].sum()) == 4
    assert weeks["week"].isna().tolist()[-1]
    in_term = wb.summarise(found, "week", calendar=TERMS)["week"].dropna()
    assert pd.Timestamp("2025-12-22") in set(in_term)  # for its event
    assert pd.Timestamp("2025-12-29") not in set(in_term)
    table = wb.summarise(found, "term", students=STUDENTS, calendar=TERMS)
    assert table["term"].tolist()[:2] == ["Autumn Term", "Spring Term"]
    assert pd.isna(table["term"].iloc[2])
    assert table["events"].tolist() == [1, 1, 2]
    days = wb.summarise(found, "weekday").dropna(subset="weekday")
    assert days["weekday"].tolist() == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
    months = wb.summarise(found, "month", between=("2025-08-01", "2026-02-28"))
    assert len(months) == 7
    assert int(months["events"].sum()) == 3  # the one without a date cannot be placed
    with pytest.raises(BadArgumentError, match="needs calendar="):
        wb.summarise(found, "term")
    with pytest.raises(BadArgumentError, match="overlap"):
        wb.summarise(found, "term", calendar=TERMS.assign(date_to=pd.Timestamp("2026-03-27")))
    with pytest.raises(BadArgumentError, match="no column or period 'mood'"):
        wb.summarise(found, "mood")
    with pytest.raises(BadArgumentError, match="Did you mean 'year_group_name'"):
        wb.summarise(found, "yeargroup", students=STUDENTS.assign(year_group_id=1))
    with pytest.raises(BadArgumentError, match="Did you mean 'month'"):
        wb.summarise(found, "Months")
    with pytest.raises(BadArgumentError, match=r"and this is a dict\. Make one: hf\.attendance\.Calendar\("):
        wb.summarise(found, "term", calendar={"terms": TERMS})  # type: ignore[arg-type]


def test_what_a_loader_gave_is_told_the_call_that_comes_first() -> None:
    raw = sent((1, "2025-11-03T10:00Z"))
    for measure in (
        wb.summarise,
        wb.repeat,
        wb.staff_load,
        lambda frame: wb.timeline(frame, 1),
        lambda frame: wb.open_age(frame, "2026-01-01"),
        lambda frame: wb.plans(frame, STUDENTS),
    ):
        with pytest.raises(BadArgumentError, match=r"Give hf\.wellbeing\.events\(frame\), not the frame that was load"):
            measure(raw)  # type: ignore[operator]
    with pytest.raises(wb.MissingFieldError, match=r"give hf\.wellbeing\.events\(frame, columns="):
        wb.closing_time(wb.events(raw))
    with pytest.raises(BadArgumentError, match="Did you mean 'year_group_name'"):
        wb.plans(wb.events(raw), STUDENTS, "year_groupname")


def test_a_calendar_knows_half_terms_and_weeks_that_begin_on_another_day() -> None:
    holiday = pd.DataFrame({"name": ["Half-term"], "date_from": ["2025-10-27"], "date_to": ["2025-10-31"]})
    holiday = holiday.astype({"date_from": "datetime64[us]", "date_to": "datetime64[us]"})
    found = made((1, "2025-10-23T10:00Z"), (2, "2025-11-04T10:00Z"), (3, "2025-12-25T10:00Z"))
    calendar = Calendar(TERMS, holiday)
    halves = wb.summarise(found, "half_term", students=STUDENTS, calendar=calendar)
    assert halves["events"].tolist() == [1, 1, 1]
    assert halves["half_term"].isna().tolist() == [False, False, True]
    weeks = wb.summarise(found, "week", calendar=calendar, between=("2025-10-20", "2025-11-07"))
    assert weeks["week"].dt.strftime("%d %b").tolist() == ["20 Oct", "03 Nov"]
    sundays = Calendar(TERMS, weekdays=(6, 0, 1, 2, 3))
    assert wb.summarise(found, "week", calendar=sundays)["week"].dt.day_of_week.eq(6).all()
    assert wb.summarise(found.head(2), "weekday", calendar=sundays)["weekday"].iloc[0] == "Sunday"


@pytest.mark.parametrize("day", ["2025-09-02", "2025-12-19", "2026-01-05", "2026-03-27"])
def test_the_first_and_last_day_of_a_term_are_in_it(day: str) -> None:
    assert wb.summarise(made((1, f"{day}T12:00Z")), "term", calendar=TERMS)["term"].notna().all()


def test_a_type_that_nothing_has_is_no_zero() -> None:
    found = made((1, "2025-09-05T10:00Z", "Friendships", "active", "incident"))
    with pytest.raises(BadArgumentError, match="the types are incident"):
        wb.summarise(found)
    assert wb.summarise(found, kind="incident")["events"].tolist() == [1]
    assert wb.summarise(found, kind=None)["events"].tolist() == [1]
    with pytest.raises(BadArgumentError, match="no row has the type 'accident'"):
        wb.summarise(found, kind="accident")
    # Only plans there: no events is then a fact.
    plan = made((1, "2025-09-05T10:00Z", "Friendships", "active", "wellbeing_plan"))
    assert wb.summarise(plan)["events"].tolist() == [0]
    assert wb.summarise(made())["events"].tolist() == [0]


ROWS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3, 4, 5, 6, 77, None]),
        st.one_of(st.none(), st.dates(date(2025, 9, 1), date(2026, 2, 1)).map(lambda day: f"{day}T12:00Z")),
        st.sampled_from(["Friendships", "Bullying", None]),
        st.sampled_from(["active", "inactive"]),
        st.sampled_from(["wellbeing_event", "wellbeing_plan"]),
    ),
    max_size=30,
)
BY = st.lists(
    st.sampled_from(["year_group_name", "gender_name", "category_name", "week", "month", "term", "weekday"]),
    max_size=3,
    unique=True,
)


@given(ROWS, BY)
@settings(max_examples=20)
def test_groups_pool_to_the_whole_and_agree_with_counting(rows: list[Any], by: list[str]) -> None:
    found = made(*rows)
    table = wb.summarise(found, by, students=STUDENTS, calendar=TERMS)
    events = [row for row in rows if row[4] == "wellbeing_event"]
    listed = [row for row in events if row[0] is not None and row[0] <= 6]
    assert int(table["events"].sum()) == len(listed)
    assert int(table["unlisted"].sum()) == len(events) - len(listed)
    assert not table.duplicated(by).any() if by else len(table) == 1
    assert table["students_per_100"].dropna().le(100).all()
    one = wb.summarise(found, ["year_group_name", "category_name"], students=STUDENTS)
    expected = Counter((YEAR_GROUPS.get(row[0]) or "", row[2] or "") for row in listed)
    got = {
        (year if isinstance(year, str) else "", category if isinstance(category, str) else ""): int(count)
        for year, category, count in zip(one["year_group_name"], one["category_name"], one["events"], strict=True)
    }
    assert {key: count for key, count in got.items() if count} == dict(expected)


@given(ROWS, BY, st.randoms())
@settings(max_examples=7)
def test_the_order_of_rows_changes_nothing(rows: list[Any], by: list[str], random: Any) -> None:
    found = made(*rows)
    places = list(range(len(found)))
    random.shuffle(places)
    other = found.iloc[places]
    other.attrs = {}
    people = STUDENTS.iloc[::-1]
    for one, two in (
        (
            wb.summarise(found, by, students=STUDENTS, calendar=TERMS),
            wb.summarise(other, by, students=people, calendar=TERMS),
        ),
        (wb.repeat(found, 2, days=10), wb.repeat(other, 2, days=10)),
        (wb.open_age(found, "2026-03-01"), wb.open_age(other, "2026-03-01")),
        (wb.timeline(found, 1), wb.timeline(other, 1)),
    ):
        pd.testing.assert_frame_equal(one, two)


@given(ROWS, st.integers(1, 4), st.integers(1, 40))
@settings(max_examples=30)
def test_repeat_finds_what_looking_at_every_window_finds(rows: list[Any], n: int, days: int) -> None:
    got = wb.repeat(made(*rows), n, days=days).set_index("student_id")
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
            assert (row["window_from"].date(), row["window_to"].date()) == (best[0], best[-1])
            assert (row["events"], row["first_date"].date(), row["last_date"].date()) == (len(mine), mine[0], mine[-1])


def test_repeat_counts_two_on_one_day_and_the_edges_of_a_window() -> None:
    found = made((1, "2025-09-01T09:00Z"), (1, "2025-09-01T15:00Z"), (2, "2025-09-01T09:00Z"), (2, "2025-09-07T09:00Z"))
    assert wb.repeat(found, 2, days=1)["student_id"].tolist() == [1]
    assert wb.repeat(found, 2, days=6)["student_id"].tolist() == [1]
    assert sorted(wb.repeat(found, 2, days=7)["student_id"]) == [1, 2]
    # One student's last day and the next one's first are two students' days.
    apart = made((1, "2025-09-01T09:00Z"), (1, "2025-09-30T09:00Z"), (2, "2025-09-01T09:00Z"), (2, "2025-09-02T09:00Z"))
    assert wb.repeat(apart, 2, days=5)["student_id"].tolist() == [2]
    assert wb.repeat(apart, 3, days=28)["student_id"].tolist() == []
    assert len(wb.repeat(made(), 2)) == 0
    with pytest.raises(BadArgumentError, match="days takes a whole number"):
        wb.repeat(found, 2, days=0)


def test_a_timeline_holds_events_plans_and_learning_support_in_order() -> None:
    plan = ("Plan", "active", "wellbeing_plan")
    found = made(
        (1, "2025-09-10T10:00Z"), (1, "2025-09-03T10:00Z", *plan), (2, "2025-09-04T10:00Z"), (1, None),
        (1, "2025-09-10T12:00Z"),
    )  # fmt: skip
    support = pd.DataFrame(
        {
            "learning_support_record_id": pd.array([7, 8], dtype="Int64"),
            "student_id": pd.array([1, 2], dtype="Int64"),
            "learning_support_date": pd.to_datetime(["2025-09-01", "2025-09-01"]),
            "inactive_date": pd.to_datetime(["2025-09-20", None]),
            "learning_support_type_name": ["Dyslexia", "ADHD"],
        }
    )
    line = wb.timeline(found, 1, learning_support=support)
    assert line["what"].tolist() == [
        "learning_support_begins", "wellbeing_plan", "wellbeing_event", "wellbeing_event", "learning_support_ends",
        "wellbeing_event",
    ]  # fmt: skip
    assert line["days_since_previous"].tolist()[1:5] == [2, 7, 0, 10]
    assert line["days_since_previous"].isna().tolist() == [True, False, False, False, False, True]
    nobody = wb.timeline(found, 5)
    assert len(nobody) == 0
    pd.testing.assert_series_equal(nobody.dtypes, line.dtypes)
    pd.testing.assert_series_equal(wb.timeline(found, 1).dtypes, line.dtypes)


def test_open_events_age_in_whole_days_and_a_closing_date_says_more_than_a_status() -> None:
    found = made(
        (1, "2025-09-01T10:00Z"), (2, "2025-09-10T22:00Z"), (3, "2025-09-01T10:00Z", "x", "inactive"),
        (4, "2025-09-11T10:00Z"), (5, None)
    )  # fmt: skip
    table = wb.open_age(found, "2025-09-10")
    assert table["student_id"].tolist() == [1, 2, 5]
    assert table["days_open"].tolist()[:2] == [9, 0]
    assert pd.isna(table["days_open"].iloc[2])
    closed = found.assign(closed_date=pd.to_datetime(["2025-09-05", None, "2025-09-30", None, None]))
    assert wb.open_age(closed, "2025-09-10")["student_id"].tolist() == [3, 2, 5]
    assert wb.open_age(closed, "2025-09-05")["student_id"].tolist() == [3, 5]
    assert wb.open_age(closed, "2025-09-04")["student_id"].tolist() == [1, 3, 5]
    with pytest.raises(wb.MissingFieldError, match="open_age needs status"):
        wb.open_age(wb.events(sent((1, "2025-09-01T10:00Z")).drop(columns="status")), "2025-09-10")
    with pytest.raises(BadArgumentError, match="give a date"):
        wb.open_age(found, None)
    assert len(wb.open_age(made(), "2025-09-10")) == 0


def test_what_the_server_does_not_send_is_no_zero() -> None:
    found = made((1, "2025-09-01T10:00Z"), (1, "2025-09-01T10:00Z", "Plan", "active", "wellbeing_plan"))
    with pytest.raises(wb.MissingFieldError, match="closing_time needs closed_date"):
        wb.closing_time(found)
    with pytest.raises(wb.MissingFieldError, match="review_due needs review_date"):
        wb.review_due(found, "2025-10-01")
    with pytest.raises(wb.MissingFieldError, match="plans needs status"):
        wb.plans(found.assign(status=pd.Series([None, None], dtype="str")), STUDENTS)
    with pytest.raises(wb.MissingFieldError, match="Give the child table"):
        wb.staff_load(found)
    with pytest.raises(BadArgumentError, match="plans cannot be told from events"):
        wb.plans(found.assign(type=pd.Series([None, None], dtype="str")), STUDENTS)


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
    due = wb.review_due(plans, "2025-10-01")
    assert due["student_id"].tolist() == [3, 1]
    assert due["days_overdue"].tolist() == [10, 0]
    assert due.attrs == {"without_review_date": 1}


def test_staff_load_counts_shared_work_for_each_and_keeps_what_is_nobodys() -> None:
    found = made((1, "2025-09-01T10:00Z"), (2, "2025-09-01T10:00Z", "x", "inactive"), (3, "2025-09-01T10:00Z"))
    assigned = pd.DataFrame({"pastoral_event_id": [100, 100, 101, 100], "staff_id": [7, 8, 7, 7]}).astype("Int64")
    staff = pd.DataFrame(
        {"staff_id": pd.array([7, 9], dtype="Int64"), "first_name": ["A", "B"], "last_name": ["C", "D"]}
    )
    table = wb.staff_load(found, assigned, staff=staff)
    assert table["staff_id"].tolist()[:3] == [7, 8, 9]
    assert pd.isna(table["staff_id"].iloc[3])
    assert table["events"].tolist() == [2, 1, 0, 1]
    assert table["open_events"].tolist() == [1, 1, 0, 1]
    assert table["shared_events"].tolist() == [1, 1, 0, 0]
    assert table["students"].tolist() == [2, 1, 0, 1]
    unsaid = wb.staff_load(found.assign(status=pd.Series([None] * 3, dtype="str")), assigned)
    assert unsaid["open_events"].isna().all()
    with pytest.raises(BadArgumentError, match="names none of these events"):
        wb.staff_load(found, assigned.assign(pastoral_event_id=pd.array([1, 2, 3, 4], dtype="Int64")))
    # An event about two students is one piece of work.
    both = found.assign(pastoral_event_id=pd.array([100, 100, 101], dtype="Int64"))
    assert wb.staff_load(both, assigned).iloc[0][["events", "students"]].tolist() == [2, 3]
    assert wb.staff_load(made(), assigned.head(0))["events"].tolist() == [0]


def test_plan_coverage() -> None:
    plan = ("Plan", "active", "wellbeing_plan")
    found = made(
        (1, "2025-09-01T10:00Z"), (1, "2025-09-01T10:00Z", *plan), (1, "2025-09-02T10:00Z", *plan),
        (2, "2025-09-01T10:00Z"), (2, "2025-09-01T10:00Z", "Plan", "inactive", "wellbeing_plan"),
        (3, "2025-09-01T10:00Z", *plan), (4, "2025-01-01T10:00Z"), (99, "2025-09-01T10:00Z"),
    )  # fmt: skip
    table = wb.plans(found, STUDENTS, "year_group_name")
    assert table["with_events"].tolist() == [2, 1, 0, 0]
    assert table["with_active_plan"].tolist() == [1, 1, 0, 0]
    assert table["active_plans"].tolist() == [2, 1, 0, 0]
    assert table["with_events_no_plan"].tolist() == [1, 1, 0, 0]
    assert table["coverage"].tolist()[:2] == [50.0, 0.0]
    assert table["coverage"].isna().tolist() == [False, False, True, True]
    since = wb.plans(found, STUDENTS, since="2025-09-01")
    assert since["with_events"].tolist() == [2]
    assert since["coverage"].tolist() == [50.0]
    listed = wb.without_plan(found, STUDENTS)
    assert listed["student_id"].tolist() == [2, 4]
    assert listed["ended_plans"].tolist() == [1, 0]
    assert wb.without_plan(found, STUDENTS, since="2025-09-01")["student_id"].tolist() == [2]


def test_shanarri_names_all_eight_and_what_is_none_of_them() -> None:
    found = made((1, "2025-09-01T10:00Z"), (1, "2025-09-02T10:00Z"), (2, "2025-09-03T10:00Z"))
    items = pd.DataFrame(
        {
            "pastoral_event_id": pd.array([100, 100, 101, 101, 555], dtype="Int64"),
            "name": ["Safe", "safe ", "SAFE", "Sunny", "Active"],
        }
    )
    table = wb.shanarri(items, found)
    assert table["indicator"].tolist()[:9] == [*wb.SHANARRI, "Sunny"]
    assert pd.isna(table["indicator"].iloc[9])
    assert table["known"].tolist() == [True] * 8 + [False] * 2
    assert table["events"].tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert table["of_events"].tolist() == [3] * 10
    assert table["share"].iloc[0] == pytest.approx(200 / 3)
    assert table["students"].tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    nothing = wb.shanarri(items.head(0), made())
    assert nothing["events"].tolist() == [0] * 9
    assert nothing["share"].isna().all()


@given(ROWS, st.integers(2, 4))
@settings(max_examples=14)
def test_a_hidden_figure_cannot_be_had_back_from_a_total(rows: list[Any], suppress: int) -> None:
    found = made(*rows)
    by = ["year_group_name", "category_name"]
    open_table = wb.summarise(found, by, students=STUDENTS)
    table = wb.summarise(found, by, students=STUDENTS, suppress=suppress)
    pd.testing.assert_frame_equal(table[by], open_table[by])
    small = open_table["students_concerned"].between(1, suppress - 1) | open_table["students"].between(1, suppress - 1)
    assert table["suppressed"][small].all()
    assert table.loc[table["suppressed"], ["events", "students", "events_per_100"]].isna().all(axis=None)
    shown = table[~table["suppressed"]]
    pd.testing.assert_series_equal(shown["events"], open_table.loc[shown.index, "events"])
    for name in by:
        for _, part in table.groupby(name, dropna=False):
            # One row hidden alone is its total less the others.
            assert int(part["suppressed"].sum()) != 1 or len(part) == 1


def test_a_count_at_the_threshold_is_shown() -> None:
    found = made(*((student, "2025-09-01T10:00Z") for student in (1, 2, 3)))
    assert wb.summarise(found, suppress=3)["students_concerned"].tolist() == [3]
    assert wb.summarise(found, suppress=4)["students_concerned"].isna().all()
    both = made(
        *(
            (student, "2025-09-01T10:00Z", "x", "active", kind)
            for student in (1, 2, 3)
            for kind in ("wellbeing_event", "wellbeing_plan")
        )
    )
    assert wb.plans(both, STUDENTS, suppress=3)["with_events"].tolist() == [3]
    with pytest.raises(BadArgumentError, match="suppress_below takes"):
        wb.summarise(found, suppress=1)


def test_several_schools_at_once_are_refused() -> None:
    frame = sent((1, "2025-09-01T10:00Z"), (1, "2025-09-02T10:00Z"), realm=["A", "B"])
    with pytest.raises(BadArgumentError, match="several schools"):
        wb.repeat(wb.events(frame))
    with pytest.raises(BadArgumentError, match="one row per student"):
        wb.summarise(made(), students=pd.concat([STUDENTS, STUDENTS]))


@pytest.fixture
def ax() -> Iterator[Any]:
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def words(ax: Any) -> list[str]:
    return [ax.get_title(loc="left"), *(text.get_text() for text in ax.texts)]


def test_a_picture_by_category_shows_zero_as_zero_and_hidden_figures_never(ax: Any) -> None:
    found = made(*((n, "2025-09-05T10:00Z") for n in (1, 2, 3, 4)), (1, "2025-10-09T10:00Z", "Bullying"))
    table = wb.summarise(found, ["month", "category_name"], students=STUDENTS)
    assert wellbeing_by_category(table, ax=ax) is ax
    assert words(ax) == ["Events by category and month", "5 events, 6 students in each row", "4", "0", "0", "1"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Friendships", "Bullying"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["Sep 25", "Oct 25"]
    ax.clear()
    hidden = wb.summarise(found, ["month", "category_name"], students=STUDENTS, suppress=2)
    shown = [str(count) for count in hidden["events"].dropna()]
    wellbeing_by_category(hidden, ax=ax, title="For the governors")
    assert words(ax)[0] == "For the governors"
    assert words(ax)[1].startswith("no figure is shown" if not shown else f"{sum(map(int, shown))} event")
    assert "hatched" in words(ax)[1]
    assert sorted(words(ax)[2:]) == sorted(shown)
    assert sum(bool(patch.get_hatch()) for patch in ax.patches) == int(hidden["suppressed"].sum()) > 0
    ax.clear()
    wellbeing_by_category(wb.summarise(made(), ["month", "category_name"]), ax=ax)
    assert words(ax)[-1] == "Nothing to show: no events"
    with pytest.raises(BadArgumentError, match="by one period"):
        wellbeing_by_category(wb.summarise(found, "category_name"), ax=ax)
    with pytest.raises(BadArgumentError, match="value is one of"):
        wellbeing_by_category(table, value="mood", ax=ax)


def test_a_picture_of_one_student_says_how_much_is_on_record(ax: Any) -> None:
    found = made((1, "2025-09-05T10:00Z"), (1, "2025-10-05T10:00Z", None), (1, None), (2, "2025-09-05T10:00Z"))
    weeks = pd.DataFrame({"week": pd.to_datetime(["2025-09-01", "2025-09-08"]), "attendance_rate": [80.0, None]})
    student_timeline(wb.timeline(found, 1), attendance=weeks, ax=ax)
    assert words(ax) == ["Student 1: what is on record", "1 student; 2 entries and 1 without a date"]
    lanes = [label.get_text() for label in ax.get_yticklabels()]
    assert lanes[:2] == ["Friendships", "(no category)"]
    assert lanes[2].startswith("Absence by week")
    assert len(ax.containers[0]) == 1  # a week without sessions has no bar
    ax.clear()
    student_timeline(wb.timeline(found, 99), ax=ax)
    assert words(ax) == ["A student: what is on record", "1 student; 0 entries", "Nothing to show: no entries"]
    both = pd.concat([wb.timeline(found, 1), wb.timeline(found, 2)])
    with pytest.raises(BadArgumentError, match="several students"):
        student_timeline(both, ax=ax)
    with pytest.raises(BadArgumentError, match="several rows for a week"):
        student_timeline(wb.timeline(found, 1), attendance=pd.concat([weeks, weeks]), ax=ax)


def test_concerns_leave_out_praise_and_refuse_a_category_that_is_not_there() -> None:
    rows = pd.DataFrame({"category_name": ["Bullying", "Achievement", None], "student_id": [1, 2, 3]})
    categories = pd.DataFrame({"name": ["Bullying", "Achievement", "Merit"]})
    assert wb.concerns(rows, ["Achievement"])["student_id"].tolist() == [1, 3]
    assert wb.concerns(rows, "Achievement")["student_id"].tolist() == [1, 3]
    assert len(wb.concerns(rows, ["Merit"], categories=categories)) == 3
    assert len(wb.concerns(rows, [])) == 3
    with pytest.raises(BadArgumentError, match=r"There is no category 'Achievment'.*Did you mean 'Achievement'"):
        wb.concerns(rows, ["Achievment"])
    with pytest.raises(BadArgumentError, match="There is no category 'Merit'"):
        wb.concerns(rows, ["Merit"])


def test_events_outside_the_terms_are_said_below_the_title() -> None:
    summary = pd.DataFrame(
        {
            "term": ["Autumn", None], "category_name": ["Bullying", "Bullying"], "events": [3, 2], "students": [9, 9],
            "suppressed": [False, False],
        }
    )  # fmt: skip
    ax = wellbeing_by_category(summary, ax=plt.figure().subplots())
    assert words(ax)[1] == "5 events, 9 students in each row; 2 events in no term"
    plt.close()
