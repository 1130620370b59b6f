"""Changes of attendance: the mean of students' own, whatever sessions each has on either side."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest

from hubmis_frames import attendance as at
from hubmis_frames.errors import BadArgumentError
from tests.helpers.examples import given_few

CATEGORIES = {True: "present", False: "authorised_absence"}


def marks_of(attended: dict[tuple[int, str], list[bool]]) -> pd.DataFrame:
    """Mornings of students from a day on, a school week of five days for each five of them, attended or not."""
    rows = []
    for (student, first), days in attended.items():
        year = f"{first[:4]}/{int(first[2:4]) + 1}"
        for n, there in enumerate(days):
            day = pd.Timestamp(first) + pd.Timedelta(days=7 * (n // 5) + n % 5)
            rows.append((student, day, "am", "/" if there else "I", CATEGORIES[there], n // 5 + 1, year))
    names = ["student_id", "date", "session", "code", "category", "school_week", "academic_year"]
    frame = pd.DataFrame(rows, columns=names).astype({"student_id": "Int64", "date": "datetime64[us]"})
    week = frame["date"] - pd.to_timedelta(frame["date"].dt.day_of_week, unit="D").astype("timedelta64[us]")
    return frame.assign(week=week, form=frame["student_id"].map(lambda who: f"Form {who % 2}"))


def steady(seed: int, years: tuple[str, ...]) -> pd.DataFrame:
    """Students who always attend or never do, each on days of their own."""
    rng = np.random.default_rng(seed)
    marks = marks_of({(who, year): [bool(who % 3)] * 30 for who in range(1, 13) for year in years})
    return marks[rng.random(len(marks)) < 0.6]


@given_few(st.integers(0, 10**6), few=5)
def test_where_nobody_changes_every_change_is_zero(seed: int) -> None:
    marks = steady(seed, ("2024-09-02", "2025-09-01"))
    year = at.year_on_year(marks, "form")
    assert year["change"].dropna().eq(0).all()
    assert year["change"].notna().any()
    assert not (year["attendance_rate"] - year["previous_rate"]).eq(0).all(), "the pooled rates do differ"
    recent = at.recent_change(marks[marks["date"] > "2025-08"], "form", weeks=3)
    assert recent["change"].tolist() == [0, 0]
    assert not (recent["recent_absence_rate"] - recent["earlier_absence_rate"]).eq(0).all()


@given_few(st.integers(0, 10**6), few=5)
def test_groups_that_are_put_together_change_by_the_mean_of_their_students(seed: int) -> None:
    rng = np.random.default_rng(seed)
    marks = marks_of({(who, "2025-09-01"): list(rng.random(30) < 0.8) for who in range(1, 10)})
    marks = marks[rng.random(len(marks)) < 0.7]
    whole, forms = at.recent_change(marks, None, weeks=3), at.recent_change(marks, "form", weeks=3)
    each = at.recent_change(marks, weeks=3)
    assert whole["change"].iloc[0] == pytest.approx(each["change"].mean())
    assert whole["students"].iloc[0] == forms["students"].sum()
    assert whole["change"].iloc[0] == pytest.approx(np.average(forms["change"], weights=forms["students"]))
    other = at.recent_change(marks.assign(student_id=1000 - marks["student_id"]), "form", weeks=3)
    pd.testing.assert_frame_equal(other, forms)


def test_what_all_change_alike_is_the_change() -> None:
    marks = marks_of({(who, "2025-09-01"): [True] * 5 + [True, False, True, True, True] for who in (1, 2, 3)})
    # One of them has fewer sessions than the others, with the same rates.
    marks = pd.concat([marks, marks.assign(session="pm")[marks["student_id"] > 1]])
    row = at.recent_change(marks, None, weeks=1, confidence=0.95).iloc[0]
    assert (row["students"], row["change"]) == (3, 20)
    assert pd.isna(row["change_low"])


@pytest.mark.parametrize(("weeks", "given", "says"), [(5, 4, "weeks=2"), (7, 4, "weeks=3"), (3, 2, "weeks=1")])
def test_more_weeks_are_not_compared_with_fewer(weeks: int, given: int, says: str) -> None:
    marks = marks_of({(1, "2025-09-01"): [True] * 5 * weeks})
    with pytest.raises(BadArgumentError, match=f"there are {weeks} school weeks.*{given} before. Give {says}"):
        at.recent_change(marks, weeks=given)
    assert at.recent_change(marks, weeks=weeks // 2)["change"].tolist() == [0]


def test_a_year_is_compared_with_the_year_before_or_with_none() -> None:
    for first, late in (("2023-09-04", 0), ("2023-09-04", 33)):
        # The marks of the earlier year may begin late in it, fewer months before those of the later one.
        marks = marks_of({(1, first): [True] * 200, (1, "2025-09-01"): [True] * 20})
        marks = marks[(marks["academic_year"] != "2023/24") | (marks["school_week"] > late)]
        assert len(at.year_on_year(marks)) == 0
        plain = marks.assign(academic_year=marks["academic_year"].map({"2023/24": "Old", "2025/26": "New"}))
        assert len(at.year_on_year(plain)) == 0
        assert len(at.year_on_year(pd.concat([marks, marks_of({(1, "2024-09-02"): [True] * 20})]))) > 0


def test_comparing_a_group_with_the_group_then_is_asked_for_by_name() -> None:
    rng = np.random.default_rng(1)
    marks = marks_of(
        {(who, year): list(rng.random(20) < 0.8) for who in range(1, 9) for year in ("2024-09-02", "2025-09-01")}
    )
    then = marks["academic_year"].eq("2024/25")
    marks["year_group_name"] = np.where(marks["student_id"].gt(4) ^ then, "Year 10", "Year 9")
    with pytest.raises(BadArgumentError, match='compare="groups"'):
        at.year_on_year(marks, "year_group_name")
    found: Any = at.year_on_year(marks, "year_group_name", compare="groups", confidence=0.95)
    assert (found["change"] - (found["attendance_rate"] - found["previous_rate"])).abs().max() < 1e-9
    assert (found["change_low"] < found["change"]).all()
    assert "others" in found.attrs["note"]
    own = at.year_on_year(marks)
    assert own["students"].tolist() == [8] * 4
    assert "a year younger" in own.attrs["note"]


@pytest.mark.slow
def test_the_interval_of_a_change_covers_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(3), []
    for _ in range(300):
        rates = rng.beta(14, 3, 15)
        marks = marks_of({(who, "2025-09-01"): list(rng.random(40) < rate) for who, rate in enumerate(rates)})
        marks = marks[rng.random(len(marks)) < rng.uniform(0.5, 1, 15)[marks["student_id"].to_numpy(int)]]
        row = at.recent_change(marks, None, confidence=0.95).iloc[0]
        held.append(row["change_low"] <= 0 <= row["change_high"])
    assert 0.92 <= np.mean(held) <= 0.98
