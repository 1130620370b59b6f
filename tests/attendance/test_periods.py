"""Periods as columns of marks, their order, days as arguments, and who a row is about."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from hubmis_frames import attendance as at
from hubmis_frames.analysis.periods import PERIOD_COLUMNS, PERIODS
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from tests.helpers.examples import given_few
from tests.helpers.registers import calendar, canonical, only, register

OPENS = st.integers(0, 119)


def marks_of(days: list[int], **columns: Any) -> pd.DataFrame:
    """Marks of two students on some of the calendar's open days."""
    opens = calendar(**columns).open_days()
    rows = [
        (student, opens[day % len(opens)], "I" if (day + student) % 3 else "/") for day in days for student in (1, 2)
    ]
    frame = pd.DataFrame(rows, columns=["student_id", "date", "code"]).drop_duplicates(["student_id", "date"])
    return frame.assign(session="am")


# --- periods as columns


@given_few(
    st.lists(OPENS, min_size=1, max_size=25),
    st.lists(st.sampled_from(PERIODS), max_size=3, unique=True),
    st.data(),
    few=12,
)
def test_with_columns_later_calls_need_no_calendar_and_give_the_same(
    days: list[int], by: list[str], data: st.DataObject
) -> None:
    weekdays = data.draw(st.sampled_from([(0, 1, 2, 3, 4), (6, 0, 1, 2, 3)]))
    records, known = marks_of(days, weekdays=weekdays), calendar(weekdays=weekdays)
    plain, with_columns = at.marks(records), at.marks(records, calendar=known)
    assert list(with_columns) == [*at.CANONICAL, *PERIOD_COLUMNS]
    for figure in (at.summarise, at.absence_bands, at.absentees, at.code_frequency, at.broken_weeks, at.cumulative):
        given = [name for name in by if figure is not at.broken_weeks or name != "week"]
        if figure is at.cumulative:
            given = [name for name in by if name in ("weekday", "term")]
        left, right = figure(plain, given, calendar=known), figure(with_columns, given)  # type: ignore[operator]
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_marks_have_the_columns_also_without_rows_and_keep_none_of_that_name() -> None:
    records = register("/I//", start="2025-09-08").assign(term="mine", form_name="9A")
    some, none = at.marks(records, calendar=calendar()), at.marks(records.head(0), calendar=calendar())
    assert list(some) == [*at.CANONICAL, *PERIOD_COLUMNS, "form_name"]
    assert some["term"].unique().tolist() == ["Autumn Term"]
    assert some.dtypes.to_dict() == none.dtypes.to_dict()
    assert at.marks(records)["term"].unique().tolist() == ["mine"]


def test_a_week_is_known_outside_the_calendar_and_a_term_is_not() -> None:
    with pytest.warns(HubmisWarning, match="2 on days that the calendar does not have"):
        marks = at.marks(register("//", start="2027-01-06"), calendar=calendar())
    assert marks["week"].tolist() == [pd.Timestamp("2027-01-04")] * 2
    assert marks[["academic_year", "term", "half_term", "school_week"]].isna().all(axis=None)
    with pytest.warns(HubmisWarning, match=r"cumulative: 2 of 2 marks lie in no academic year"):
        assert at.cumulative(marks).empty


@pytest.mark.parametrize("names", [("Michaelmas", "Lent", "Trinity"), ("T10", "T9", "T1"), ("c", "b", "a")])
def test_named_periods_come_in_the_order_of_their_first_dates(names: tuple[str, ...]) -> None:
    starts = ["2025-09-08", "2026-01-05", "2026-04-20"]
    # The first mark in the frame is of the last term, and one term is not in the marks at all.
    marks = canonical(*(register("//I/", start=start) for start in reversed(starts)))
    marks["term"] = marks["date"].dt.month.map({9: names[0], 1: names[1], 4: names[2]})
    for column in ("term", "half_term", "academic_year"):
        renamed = marks.drop(columns="academic_year").rename(columns={"term": column})
        assert at.summarise(renamed, column)[column].tolist() == list(names)
        assert at.summarise(renamed, [column, "session"])[column].tolist() == [name for name in names for _ in "ap"]
        assert at.absentees(renamed, column)[column].tolist() == list(names)
        assert at.summarise(renamed[renamed["date"] > "2026"], column)[column].tolist() == list(names[1:])
        # A pivot or a sort of the result keeps the order.
        assert at.summarise(renamed, column).sort_values(column)[column].tolist() == list(names)


def test_the_most_absent_come_first_within_each_group_in_its_order() -> None:
    marks = canonical(register("I///", 1), register("II//", 2), register("IIII", 3), register("I///", 4))
    marks["year_group_name"] = marks["student_id"].map({1: "Year 10", 2: "Year 10", 3: "Year 9", 4: "Year 9"})
    listed = at.absentees(marks, "year_group_name")
    assert listed["year_group_name"].tolist() == ["Year 9", "Year 9", "Year 10", "Year 10"]
    assert listed["student_id"].tolist() == [3, 4, 2, 1]


def test_years_that_do_not_follow_each_other_are_not_compared() -> None:
    marks = canonical(*(register("/I", start=f"{year}-09-08") for year in (2021, 2022, 2024)))
    marks["academic_year"] = marks["date"].dt.year.map({2021: "2021/22", 2022: "2022/23", 2024: "2024/25"})
    marks["school_week"], marks["week"] = 1, marks["date"]
    assert at.year_on_year(marks)["previous_year"].tolist() == ["2021/22"]
    with pytest.raises(BadArgumentError, match="the marks have 2024/25 only"):
        at.year_on_year(marks[marks["date"] > "2024"])


# --- days as arguments

GIVEN_DAYS: list[Any] = ["2025-09-12", dt.date(2025, 9, 12), pd.Timestamp("2025-09-12 09:00"), "2025-09-12T23:59:00"]
NOT_DAYS: list[Any] = [
    "12/09/2025",
    "12 September 2025",
    "soon",
    "",
    "2025-09",
    20250912,
    1.5,
    True,
    float("nan"),
    "now",
]


def figures_by_day(marks: pd.DataFrame, day: Any) -> list[Any]:
    known = calendar()
    return [
        lambda: at.at_risk(marks, known, on=day),
        lambda: at.recent_change(marks, weeks=1, until=day),
        lambda: pd.DataFrame({"date": known.open_days(since=day)}),
        lambda: pd.DataFrame({"date": known.open_days(until=day)}),
        lambda: at.CodeMap.from_frame(pd.DataFrame({"code": ["1"]}), {"1": "present"}, valid_from=day).frame,
        lambda: at.CodeMap.from_frame(pd.DataFrame({"code": ["1"]}), {"1": "present"}, valid_to=day).frame,
        lambda: pd.DataFrame({"year": [known.year_of(day)]}),
    ]


def test_a_day_is_a_date_a_timestamp_or_iso_text_and_nothing_else() -> None:
    marks = canonical(register("I/" * 20, start="2025-09-01"))
    wanted = [figure() for figure in figures_by_day(marks, GIVEN_DAYS[0])]
    for day in GIVEN_DAYS[1:]:
        for figure, frame in zip(figures_by_day(marks, day), wanted, strict=True):
            pd.testing.assert_frame_equal(figure(), frame)
    for day in NOT_DAYS:
        for figure in figures_by_day(marks, day):
            with pytest.raises(BadArgumentError, match="give a date such as '2026-07-03', not"):
                figure()


def test_open_days_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(BadArgumentError, match=r"until \(2025-09-11\) is before since \(2025-09-12\)"):
        calendar().open_days(since="2025-09-12", until="2025-09-11")


# --- who a row is about


def test_a_row_about_a_student_has_the_realm_that_the_marks_have() -> None:
    records = pd.concat([register("I/OO" * 4), register("II/-" * 4, 2)], ignore_index=True)
    for realm in ("S1", None):
        marks = at.marks(records if realm is None else records.assign(realm=realm), calendar=calendar())
        person = ["student_id"] if realm is None else ["realm", "student_id"]
        results = {
            "absentees": at.absentees(marks),
            "at_risk": at.at_risk(marks, calendar()),
            "runs": at.runs(marks, calendar()),
            "broken_weeks": at.broken_weeks(marks),
            "beside_holidays": at.beside_holidays(marks, calendar()),
            "recent_change": at.recent_change(marks, weeks=1),
            "summarise": at.summarise(marks, "student_id"),
            "absence_bands": at.absence_bands(marks, "student_id"),
            "code_frequency": at.code_frequency(marks, "student_id"),
            "cumulative": at.cumulative(marks, "student_id"),
            "on_closed_days": at.on_closed_days(marks.assign(date=pd.Timestamp("2025-09-06")), calendar()),
        }
        for name, result in results.items():
            assert len(result), name
            assert list(result)[: len(person)] == person, name
            assert result["student_id"].dtype == marks["student_id"].dtype, name
            if realm is not None:
                assert result["realm"].eq(realm).all(), name


def test_ids_of_several_schools_bring_their_realm() -> None:
    marks = at.marks(pd.concat([register("I/").assign(realm=realm) for realm in ("A", "B")], ignore_index=True))
    assert at.summarise(marks, "student_id")["realm"].tolist() == ["A", "B"]


# --- risk and intervals


@given_few(st.integers(0, 40), st.integers(0, 40), st.integers(1, 12), few=20)
def test_the_status_says_whether_so_many_absences_in_a_row_are_enough(attended: int, absent: int, within: int) -> None:
    codes = "I" * absent + "/" * attended
    if not codes:
        return
    row = only(at.at_risk(canonical(register(codes)), calendar(), within_sessions=within))
    possible = attended + absent
    if 10 * absent >= possible:
        assert row["status"] == "persistent"
    else:
        assert row["status"] == ("at risk" if 10 * (absent + within) >= possible + within else "below")


def test_at_risk_needs_at_least_one_session() -> None:
    with pytest.raises(BadArgumentError, match="within_sessions must be at least 1"):
        at.at_risk(canonical(register("/")), calendar(), within_sessions=0)


@given_few(
    st.lists(st.text("/IOL-", min_size=1, max_size=12), min_size=2, max_size=8), st.sampled_from([0.8, 0.95]), few=12
)
def test_intervals_are_those_of_a_ratio_over_students(codes: list[str], confidence: float) -> None:
    marks = canonical(*(register(text, student) for student, text in enumerate(codes, 1)))
    row = only(at.summarise(marks, confidence=confidence))
    able = [text for text in codes if set(text) - {"-"}]
    possible = np.array([sum(code != "-" for code in text) for text in able], dtype=float)
    for rate, sort in (("absence_rate", "IO"), ("authorised_rate", "I"), ("unauthorised_rate", "O")):
        absent = np.array([sum(code in sort for code in text) for text in able], dtype=float)
        share = absent.sum() / possible.sum() if possible.sum() else np.nan
        if len(able) < 2 or not 0 < share < 1:
            assert np.isnan(row[f"{rate}_low"])
            continue
        n, residual = len(able), absent - share * possible
        error = np.sqrt((residual**2).sum() * n / (n - 1)) / possible.sum()
        assert row[rate] == pytest.approx(100 * share)
        # On the logit scale the interval is as wide on either side, by the same t for every rate. The two ends are
        # compared as rates: a rate within 1e-9 of 100 has few digits left on the logit scale.
        half = T[confidence][n - 2] * error / (share * (1 - share))
        for end, sign in (("low", -1), ("high", 1)):
            expected = 100 / (1 + np.exp(-(np.log(share / (1 - share)) + sign * half)))
            assert row[f"{rate}_{end}"] == pytest.approx(expected, rel=1e-4), end


# Student's t for 1 to 7 degrees of freedom, from printed tables.
T = {
    0.8: [3.0776835, 1.8856181, 1.6377444, 1.5332063, 1.4758840, 1.4397557, 1.4149239],
    0.95: [12.7062047, 4.3026527, 3.1824463, 2.7764451, 2.5705818, 2.4469119, 2.3646243],
}
