"""Change around an event: the mean of students' own changes, whatever sessions each has on either side."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest

from hubmis_frames import joint as jt
from tests.helpers.examples import given_few
from tests.helpers.figures import events_on, marks_of, students_in

Groups = dict[int, str | None]


def school(seed: int) -> tuple[dict[int, str], list[tuple[int, int]], Groups]:
    """Students who always attend or never do, each with own holidays, days of joining and leaving, and events."""
    rng = np.random.default_rng(seed)
    registers = {}
    for student in range(1, 15):
        joined, left = (int(rng.integers(0, 28)), int(rng.integers(49, 71))) if rng.random() < 0.5 else (0, 70)
        holiday = int(rng.integers(10, 60))
        days = str(rng.choice(["/", "I"])) * 70
        days = days[:holiday] + " " * 8 + days[holiday + 8 :]
        registers[student] = " " * joined + days[joined:left]
    events = [(int(who), 7 * int(rng.integers(3, 7))) for who in rng.choice(range(1, 15), 6, replace=False)]
    return registers, events, {student: f"Year {student % 2}" for student in registers}


def around(marks: pd.DataFrame, events: Any, groups: Any, **options: Any) -> pd.DataFrame:
    return jt.around_events(marks, events_on(*events), weeks=3, students=students_in(groups), **options)


@given_few(st.integers(0, 10**6), few=10)
def test_where_nobody_changes_the_change_is_zero(seed: int) -> None:
    registers, events, groups = school(seed)
    row = around(marks_of(registers), events, groups).iloc[3]
    if row["students"]:
        assert (row["attendance_rate"], row["comparison_rate"], row["difference"]) == (0, 0, 0)
        assert pd.isna(row["difference_low"]), "all alike: nothing shows how much they could differ"


def test_holidays_and_edges_that_weigh_students_differently_are_no_change() -> None:
    # 1 attends always and has few sessions after the event; 2 never attends, and has few before it.
    always, never = "/" * 28 + "/" * 7 + "/" + " " * 27, " " * 27 + "I" + "I" * 35
    table = around(
        marks_of({1: always, 2: never, 3: "/" * 63, 4: "/" * 63}),
        [(1, 28), (2, 28)],
        dict.fromkeys(range(1, 5), "Year 9"),
    )
    rates = table["attendance_rate"].tolist()
    assert rates[0] > 90
    assert rates[2] < 10
    assert table.iloc[3][["attendance_rate", "comparison_rate", "difference"]].tolist() == [0, 0, 0]


@given_few(st.integers(0, 10**6), few=5)
def test_other_ids_and_a_second_school_of_the_same_kind_change_no_figure(seed: int) -> None:
    rng = np.random.default_rng(seed)
    registers = {n: "".join(np.where(rng.random(70) < 0.8, "/", "I")) for n in range(1, 11)}
    events = [(n, int(rng.integers(21, 49))) for n in range(1, 5)]
    groups: Groups = {n: f"Year {n % 2}" for n in registers}
    one = around(marks_of(registers), events, groups)
    new = {n: 1000 - 7 * n for n in registers}
    other = around(
        marks_of({new[n]: days for n, days in registers.items()}),
        [(new[n], day) for n, day in events],
        {new[n]: group for n, group in groups.items()},
    )
    pd.testing.assert_frame_equal(one, other)
    # Twice the school, in year groups of their own: the same figures of twice the students.
    twice = around(
        marks_of({**registers, **{n + 100: days for n, days in registers.items()}}),
        [*events, *((n + 100, day) for n, day in events)],
        {**groups, **{n + 100: f"{group} again" for n, group in groups.items()}},
    )
    figures = ["attendance_rate", "comparison_rate", "difference"]
    pd.testing.assert_frame_equal(one[figures], twice[figures])
    assert (twice["students"] == 2 * one["students"]).all()


@given_few(st.integers(0, 10**6), few=5)
def test_what_changes_for_all_alike_is_no_difference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weeks = {n: ["II" + "".join(np.where(rng.random(5) < 0.7, "/", "I")) for _ in range(10)] for n in range(1, 11)}
    events, groups = [(n, 35) for n in range(1, 5)], {n: f"Year {n % 2}" for n in weeks}
    one = around(marks_of({n: "".join(days) for n, days in weeks.items()}), events, groups).iloc[3]
    # After the event everybody attends two days a week more.
    more = {n: "".join(days[:6]) + "".join("//" + week[2:] for week in days[6:]) for n, days in weeks.items()}
    row = around(marks_of(more), events, groups).iloc[3]
    for figure in ("attendance_rate", "comparison_rate"):
        assert row[figure] == pytest.approx(one[figure] + 200 / 7)
    for figure in ("difference", "difference_low", "difference_high"):
        assert row[figure] == pytest.approx(one[figure])


def test_students_are_not_chosen_by_what_comes_after() -> None:
    """What happens after the week of an event leaves nobody out of the comparison."""
    rng = np.random.default_rng(1)
    registers = {n: "".join(np.where(rng.random(70) < 0.8, "/", "I")) for n in range(1, 11)}
    groups: Groups = dict.fromkeys(registers, "Year 9")
    one = around(marks_of(registers), [(1, 30)], groups)
    later = around(marks_of(registers), [(1, 30), *((n, 66) for n in range(2, 8))], groups)
    assert one["comparison_students"].tolist() == [9] * 4
    assert later["comparison_students"].iloc[0] == 9


def covered(seed: int, number: int, concerned: int, comparable: int, true: float) -> float:
    """How often the interval of the change holds the true one: own rates, runs of illness, holidays, edges."""
    rng = np.random.default_rng(seed)
    inside = 0
    for _ in range(number):
        registers = {}
        for n in range(concerned + comparable):
            rate, ill, codes = rng.beta(14, 3), False, []
            for day in range(63):
                present = rate - (true if n < concerned and day >= 35 else 0)
                # Illness lasts: today's absence makes tomorrow's likelier, at the same rate over all.
                ill = bool(
                    rng.random() < (0.6 + 0.4 * (1 - present) if ill else 0.4 * (1 - present) / max(present, 0.1))
                )
                codes.append("I" if ill else "/")
            start, end = (int(rng.integers(0, 21)), int(rng.integers(49, 64))) if rng.random() < 0.3 else (0, 63)
            days = " " * start + "".join(codes)[start:end]
            registers[n] = days[:14] + " " * 7 + days[21:]
        row = jt.around_events(marks_of(registers), events_on(*((n, 28 + n % 7) for n in range(concerned))), weeks=3)
        low, high = row.iloc[3][["difference_low", "difference_high"]]
        inside += low <= 0 <= high
    return inside / number


@pytest.mark.slow
@pytest.mark.parametrize(("concerned", "comparable"), [(8, 30), (20, 12), (30, 60)])
def test_the_interval_of_the_change_covers_as_often_as_it_says(concerned: int, comparable: int) -> None:
    assert 0.91 <= covered(5, 200, concerned, comparable, 0.0) <= 0.99
