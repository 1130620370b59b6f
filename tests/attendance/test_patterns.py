"""Runs, risk, broken weeks, holidays, trends and checks, by hand and against brute force."""

import pandas as pd
import pytest
from hypothesis import strategies as st

from hubmis_frames import attendance as at
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from tests.helpers.examples import given_few
from tests.helpers.registers import calendar, canonical, only, register


def test_runs_go_over_weekends_holidays_and_closures() -> None:
    # Thursday and Friday before half-term, Monday after it.
    away = pd.concat([register("//////IIOO", start="2025-10-20"), register("II//", start="2025-11-03")])
    there = pd.concat([register("/" * 10, 2, "2025-10-20"), register("/" * 4, 2, "2025-11-03")])
    marks = canonical(away, there)
    for given_calendar in (calendar(), None):
        row = only(at.runs(marks, given_calendar))
        assert (row["start"], row["end"]) == (pd.Timestamp("2025-10-23"), pd.Timestamp("2025-11-03"))
        assert (row["absent_sessions"], row["unauthorised_sessions"], row["school_days"], row["ongoing"]) == (
            6,
            2,
            3,
            False,
        )
    snow = canonical(register("//II", start="2026-01-05"), register(["Y4", "Y4", "I", "I"], start="2026-01-07"))
    row = only(at.runs(snow, calendar()))
    assert (row["absent_sessions"], row["end"], row["ongoing"]) == (4, pd.Timestamp("2026-01-08"), True)


def test_runs_end_with_attendance_or_where_marks_are_lacking() -> None:
    marks = canonical(register("II/III--I/I"), register("/" * 12, 2))
    found = at.runs(marks)
    assert found["absent_sessions"].tolist() == [4, 2, 1]
    assert found["unknown_sessions"].tolist() == [2, 0, 0]
    assert found["ongoing"].tolist() == [False, False, True]
    assert at.runs(marks, at_least=3)["absent_sessions"].tolist() == [4]
    lacking = canonical(register("II", start="2025-09-08"), register("II", start="2025-09-10"), register("/" * 6, 2))
    assert at.runs(lacking)["absent_sessions"].tolist() == [2, 2]


@given_few(st.lists(st.sampled_from("/IO-X"), min_size=1, max_size=40), few=15)
def test_runs_against_brute_force(codes: list[str]) -> None:
    expected: list[int] = []
    length = 0
    for code in [*codes, "/"]:
        if code in "IO":
            length += 1
        elif code == "/" and length:
            expected.append(length)
            length = 0
    found = at.runs(canonical(register(codes)))
    assert sorted(found["absent_sessions"]) == sorted(expected)
    since = "".join(codes).rpartition("/")[2]
    assert found["ongoing"].sum() == bool({"I", "O"} & set(since))


@given_few(st.integers(0, 60), st.integers(0, 60), st.integers(0, 80), few=15)
def test_at_risk_against_brute_force(attended: int, absent: int, left: int) -> None:
    if attended + absent == 0:
        return
    marks = canonical(register("I" * absent + "/" * attended, start="2025-01-06"))
    last = marks["date"].max()
    ahead = pd.bdate_range(last + pd.Timedelta(days=1), periods=left // 2)
    term = pd.DataFrame({"name": ["Year"], "date_from": ["2025-01-06"], "date_to": [max([last, *ahead])]})
    row = only(at.at_risk(marks, at.Calendar(term.astype({"date_to": "datetime64[us]"}))))
    remaining = 2 * len(ahead) + (attended + absent) % 2
    possible = attended + absent

    def is_persistent(missed: int, of: int) -> bool:
        return 10 * missed >= of

    assert row["remaining_sessions"] == remaining
    assert (row["status"] == "persistent") == is_persistent(absent, possible)
    assert row["sessions_until"] == next(k for k in range(200) if is_persistent(absent + k, possible + k))
    fine = [k for k in range(remaining + 1) if not is_persistent(absent + k, possible + remaining)]
    assert row["avoidable"] == bool(fine)
    if fine:
        assert row["can_still_miss"] == max(fine)
    else:
        over = -row["can_still_miss"]
        assert not is_persistent(absent - over, possible + remaining)
        assert is_persistent(absent - over + 1, possible + remaining)
    back = [k for k in range(remaining + 1) if not is_persistent(absent, possible + k)]
    if row["status"] == "persistent" and back:
        assert row["sessions_to_recover"] == back[0]
    else:
        assert pd.isna(row["sessions_to_recover"])


def test_at_risk_counts_this_year_until_that_day_and_who_leaves() -> None:
    marks = canonical(register("I" * 10, start="2025-09-08"), register("/" * 20, start="2025-09-15"))
    row = only(at.at_risk(marks, calendar(), on="2025-09-12"))
    assert (row["possible_sessions"], row["absent_sessions"]) == (10, 10)
    assert row["remaining_sessions"] == 2 * len(calendar().open_days(since="2025-09-13"))
    leaving = pd.DataFrame({"student_id": [1], "leaving_date": pd.to_datetime(["2025-09-16"])})
    assert only(at.at_risk(marks, calendar(), on="2025-09-12", enrolment=leaving))["remaining_sessions"] == 4
    with pytest.raises(BadArgumentError, match="before the calendar"):
        at.at_risk(marks, calendar(), on="2020-01-01")


def test_at_risk_of_a_student_without_possible_sessions() -> None:
    row = only(at.at_risk(canonical(register("XX")), calendar()))
    assert pd.isna(row["status"])
    assert row["avoidable"]
    assert pd.isna(row["sessions_until"])


def test_broken_weeks() -> None:
    marks = canonical(register("/" * 10 + "I" + "/" * 9 + "O" * 10 + "X" * 10))
    row = only(at.broken_weeks(marks))
    assert (row["weeks"], row["broken_weeks"], row["whole_weeks"]) == (3, 2, 1)
    assert (row["broken_week_rate"], row["absence_rate"]) == (pytest.approx(200 / 3), pytest.approx(1100 / 30))


def test_beside_holidays() -> None:
    around = pd.concat([register("/" * 8 + "OO", start="2025-10-20"), register("II//", start="2025-11-03")])
    first = register("I/", start="2025-09-02")
    bank = pd.concat([register("OO", start="2025-09-19"), register("OO", start="2025-09-23")])
    marks = canonical(around, first, bank)
    row = only(at.beside_holidays(marks, calendar()))
    assert (row["beside_possible_sessions"], row["beside_absent_sessions"]) == (6, 5)
    assert row["beside_unauthorised_sessions"] == 2
    assert (row["not_beside_possible_sessions"], row["not_beside_absent_sessions"], row["holidays"]) == (14, 4, 2)
    assert row["difference"] == pytest.approx(500 / 6 - 400 / 14)
    assert only(at.beside_holidays(marks, calendar(), None, shortest=1))["holidays"] == 3
    assert only(at.beside_holidays(marks, calendar(), days=2))["beside_possible_sessions"] == 10


def test_cumulative_ends_at_the_rate_of_the_year_and_years_are_aligned_by_school_week() -> None:
    terms = pd.DataFrame(
        {
            "name": ["A", "A"],
            "date_from": pd.to_datetime(["2024-09-02", "2025-09-08"]),
            "date_to": pd.to_datetime(["2024-12-20", "2025-12-19"]),
        }
    )
    both = at.Calendar(terms)
    marks = canonical(register("I" * 10 + "/" * 10, start="2024-09-02"), register("/" * 18 + "II", start="2025-09-08"))
    found = at.cumulative(marks, calendar=both)
    assert found["absence_rate"].tolist() == [100, 50, 0, 10]
    assert found["school_week"].tolist() == [1, 2, 1, 2]
    change = at.year_on_year(marks, calendar=both, rate="absence_rate")
    assert change["academic_year"].tolist() == ["2025/26"] * 2
    assert change["change"].tolist() == [-100, -40]
    with pytest.raises(BadArgumentError, match="no rate"):
        at.year_on_year(marks, calendar=both, rate="late")


def test_recent_change_passes_over_holidays() -> None:
    weeks = ["2025-10-13", "2025-10-20", "2025-11-03", "2025-11-10"]
    marks = canonical(*(register(code * 10, start=week) for code, week in zip("//I/", weeks, strict=True)))
    row = only(at.recent_change(marks, weeks=2))
    assert (row["earlier_possible_sessions"], row["recent_absent_sessions"], row["change"]) == (20, 10, 50)
    with pytest.warns(HubmisWarning, match="only 2 school weeks .* none before the last 2"):
        early = only(at.recent_change(marks, weeks=2, until="2025-10-24"))
    assert (early["earlier_possible_sessions"], early["recent_possible_sessions"]) == (0, 20)
    assert pd.isna(early["change"])
    with pytest.raises(BadArgumentError, match="at least 1"):
        at.recent_change(marks, weeks=0)


def test_data_quality_says_what_was_found_and_what_was_not() -> None:
    frame = pd.concat([register("//-N"), register("//", 2), register("/", 3, "2025-09-09"), register("XX", 4)])
    frame = pd.concat([frame, register("//", 2, "2025-09-10")])
    found = at.data_quality(at.marks(frame), calendar()).set_index("check")
    counts = found["sessions"]
    assert counts["all marks"] == 11
    assert counts["unmarked"] == counts["no reason yet"] == counts["one session of a day"] == 1
    assert counts["no possible session"] == 2
    assert counts["unmapped"] == counts["repeated"] == counts["on a closed day"] == 0
    # Student 2 has no mark on the 9th, and student 3 none in the afternoon.
    assert counts["no mark on an open day"] == 3
    assert found.loc["unmarked", "first_date"] == pd.Timestamp("2025-09-09")
