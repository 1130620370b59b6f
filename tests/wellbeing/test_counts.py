"""Events counted by group, period, member of staff and indicator, against counting by hand."""

from collections import Counter
from datetime import date
from typing import Any

import hypothesis.strategies as st
import pandas as pd
import pytest

from hubmis_frames import wellbeing as wb
from hubmis_frames.analysis.calendar import Calendar
from hubmis_frames.errors import BadArgumentError
from tests.helpers.examples import given_few
from tests.helpers.figures import EVENT_ROWS, GROUPS, STUDENTS, TERMS, YEAR_GROUPS, canonical_events


def test_groups_without_events_have_zero_and_groups_without_students_have_no_rate() -> None:
    found = canonical_events(
        (1, "2025-09-05T10:00Z"), (1, "2025-09-05T11:00Z"), (3, "2025-09-08T10:00Z"), (99, "2025-09-09T10:00Z")
    )
    table = wb.summarise(found, "year_group_name", students=STUDENTS).set_index("year_group_name")
    assert table.index.tolist()[:3] == ["Year 9", "Year 10", "Year 11"]
    assert pd.isna(table.index[3])
    assert table["events"].tolist() == [2, 1, 0, 0]
    assert table["students"].tolist() == [2, 2, 1, 1]
    assert table["students_concerned"].tolist() == [1, 1, 0, 0]
    assert table["events_per_100_students"].tolist() == [100.0, 50.0, 0.0, 0.0]
    assert table["concerned_rate"].tolist() == [50.0, 50.0, 0.0, 0.0]
    assert table["unlisted"].tolist() == [0, 0, 0, 1]
    grown_up = STUDENTS[STUDENTS["year_group_name"].notna()]
    table = wb.summarise(found, "year_group_name", students=grown_up)
    last = table.iloc[-1]
    assert (last["events"], last["unlisted"], last["students"]) == (0, 1, 0)
    assert pd.isna(last["events_per_100_students"])
    alone = wb.summarise(found)
    assert alone["events"].tolist() == [4]
    assert alone[["students", "unlisted", "events_per_100_students"]].isna().all(axis=None)


def test_groups_come_from_the_students_frame_and_not_from_the_events() -> None:
    found = canonical_events((1, "2025-09-05T10:00Z"), year_group_name=["Year 8"])
    table = wb.summarise(found, "year_group_name", students=STUDENTS)
    assert "Year 8" not in set(table["year_group_name"].dropna())
    assert wb.summarise(found, "year_group_name")["year_group_name"].tolist() == ["Year 8"]


def test_periods_have_no_gaps_and_terms_are_in_order() -> None:
    found = canonical_events((1, "2025-09-05T10:00Z"), (2, "2025-12-25T10:00Z"), (3, "2026-01-05T10:00Z"), (4, None))
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
    months = wb.summarise(found, "month", since="2025-08-01", until="2026-02-28")
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


def test_a_calendar_gives_half_terms_and_weeks_that_begin_on_another_day() -> None:
    holiday = pd.DataFrame({"name": ["Half-term"], "date_from": ["2025-10-27"], "date_to": ["2025-10-31"]})
    holiday = holiday.astype({"date_from": "datetime64[us]", "date_to": "datetime64[us]"})
    found = canonical_events((1, "2025-10-23T10:00Z"), (2, "2025-11-04T10:00Z"), (3, "2025-12-25T10:00Z"))
    calendar = Calendar(TERMS, holiday)
    halves = wb.summarise(found, "half_term", students=STUDENTS, calendar=calendar)
    assert halves["events"].tolist() == [1, 1, 1]
    assert halves["half_term"].isna().tolist() == [False, False, True]
    weeks = wb.summarise(found, "week", calendar=calendar, since="2025-10-20", until="2025-11-07")
    assert weeks["week"].dt.strftime("%d %b").tolist() == ["20 Oct", "03 Nov"]
    sundays = Calendar(TERMS, weekdays=(6, 0, 1, 2, 3))
    assert wb.summarise(found, "week", calendar=sundays)["week"].dt.day_of_week.eq(6).all()
    assert wb.summarise(found.head(2), "weekday", calendar=sundays)["weekday"].iloc[0] == "Sunday"


@pytest.mark.parametrize("day", ["2025-09-02", "2025-12-19", "2026-01-05", "2026-03-27"])
def test_the_first_and_last_day_of_a_term_are_in_it(day: str) -> None:
    assert wb.summarise(canonical_events((1, f"{day}T12:00Z")), "term", calendar=TERMS)["term"].notna().all()


def test_a_type_that_no_row_has_raises_instead_of_counting_zero() -> None:
    found = canonical_events((1, "2025-09-05T10:00Z", "Friendships", "active", "incident"))
    with pytest.raises(BadArgumentError, match="the types are incident"):
        wb.summarise(found)
    assert wb.summarise(found, kind="incident")["events"].tolist() == [1]
    assert wb.summarise(found, kind=None)["events"].tolist() == [1]
    with pytest.raises(BadArgumentError, match="no row has the type 'accident'"):
        wb.summarise(found, kind="accident")
    # Only plans there: no events is then a fact.
    plan = canonical_events((1, "2025-09-05T10:00Z", "Friendships", "active", "wellbeing_plan"))
    assert wb.summarise(plan)["events"].tolist() == [0]
    assert wb.summarise(canonical_events())["events"].tolist() == [0]


@given_few(EVENT_ROWS, GROUPS, few=8)
def test_groups_pool_to_the_whole_and_agree_with_counting(rows: list[Any], by: list[str]) -> None:
    found = canonical_events(*rows)
    table = wb.summarise(found, by, students=STUDENTS, calendar=TERMS)
    events = [row for row in rows if row[4] == "wellbeing_event"]
    listed = [row for row in events if row[0] is not None and row[0] <= 6]
    assert int(table["events"].sum()) == len(listed)
    assert int(table["unlisted"].sum()) == len(events) - len(listed)
    assert not table.duplicated(by).any() if by else len(table) == 1
    assert table["concerned_rate"].dropna().le(100).all()
    one = wb.summarise(found, ["year_group_name", "category_name"], students=STUDENTS)
    expected = Counter((YEAR_GROUPS.get(row[0]) or "", row[2] or "") for row in listed)
    got = {
        (year if isinstance(year, str) else "", category if isinstance(category, str) else ""): int(count)
        for year, category, count in zip(one["year_group_name"], one["category_name"], one["events"], strict=True)
    }
    assert {key: count for key, count in got.items() if count} == dict(expected)


@given_few(EVENT_ROWS, st.integers(2, 4), few=6)
def test_no_total_gives_a_hidden_figure_back(rows: list[Any], suppress: int) -> None:
    found = canonical_events(*rows)
    by = ["year_group_name", "category_name"]
    open_table = wb.summarise(found, by, students=STUDENTS)
    table = wb.summarise(found, by, students=STUDENTS, suppress_below=suppress)
    pd.testing.assert_frame_equal(table[by], open_table[by])
    small = open_table["students_concerned"].between(1, suppress - 1) | open_table["students"].between(1, suppress - 1)
    assert table["suppressed"][small].all()
    assert table.loc[table["suppressed"], ["events", "students", "events_per_100_students"]].isna().all(axis=None)
    shown = table[~table["suppressed"]]
    pd.testing.assert_series_equal(shown["events"], open_table.loc[shown.index, "events"])
    for name in by:
        for _, part in table.groupby(name, dropna=False):
            # One row hidden alone is its total less the others, unless the total is hidden as well.
            few = open_table.loc[part.index, "students_concerned"].sum() < suppress
            assert int(part["suppressed"].sum()) != 1 or len(part) == 1 or few


def test_a_count_of_exactly_suppress_below_is_shown() -> None:
    found = canonical_events(*((student, "2025-09-01T10:00Z") for student in (1, 2, 3)))
    assert wb.summarise(found, suppress_below=3)["students_concerned"].tolist() == [3]
    assert wb.summarise(found, suppress_below=4)["students_concerned"].isna().all()
    both = canonical_events(
        *(
            (student, "2025-09-01T10:00Z", "x", "active", kind)
            for student in (1, 2, 3)
            for kind in ("wellbeing_event", "wellbeing_plan")
        )
    )
    assert wb.plan_coverage(both, students=STUDENTS, suppress_below=3)["with_events"].tolist() == [3]
    with pytest.raises(BadArgumentError, match="suppress_below takes"):
        wb.summarise(found, suppress_below=1)


def test_staff_load_counts_shared_events_for_each_member_and_lists_unassigned_ones() -> None:
    found = canonical_events(
        (1, "2025-09-01T10:00Z"), (2, "2025-09-01T10:00Z", "x", "inactive"), (3, "2025-09-01T10:00Z")
    )
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
    assert wb.staff_load(canonical_events(), assigned.head(0))["events"].tolist() == [0]


def test_shanarri_lists_all_eight_indicators_and_other_names() -> None:
    found = canonical_events((1, "2025-09-01T10:00Z"), (1, "2025-09-02T10:00Z"), (2, "2025-09-03T10:00Z"))
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
    nothing = wb.shanarri(items.head(0), canonical_events())
    assert nothing["events"].tolist() == [0] * 9
    assert nothing["share"].isna().all()


@given_few(EVENT_ROWS, st.data(), st.sampled_from(["week", "month", "category_name", None]), few=12)
def test_since_and_until_are_included_and_either_may_be_left_out(rows: list[Any], data: Any, by: str | None) -> None:
    # Mostly a day with an event, so that bounds are often met exactly.
    of_events = [date.fromisoformat(row[1][:10]) for row in rows if row[1]]
    days = st.sampled_from([None, *of_events, date(2025, 8, 1), date(2026, 3, 1)])
    since, until = data.draw(days), data.draw(days)
    events = canonical_events(*rows)
    if since and until and until < since:
        with pytest.raises(BadArgumentError, match="is before since"):
            wb.summarise(events, by, since=since, until=until)
        return
    table = wb.summarise(events, by, since=since, until=until)
    bounded = since is not None or until is not None
    counted = [
        row
        for row in rows
        if row[4] == "wellbeing_event"
        and (
            not bounded
            if row[1] is None
            else (since or date.min) <= date.fromisoformat(row[1][:10]) <= (until or date.max)
        )
    ]
    assert int(table["events"].sum()) == len(counted)
    if by == "month" and since and until:
        assert len(table) == 12 * (until.year - since.year) + until.month - since.month + 1
    elif by == "month" and bounded:
        days = [date.fromisoformat(row[1][:10]) for row in counted] + [day for day in (since, until) if day]
        assert len(table) == 12 * (max(days).year - min(days).year) + max(days).month - min(days).month + 1
