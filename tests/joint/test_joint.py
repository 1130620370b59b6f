"""Attendance and wellbeing together, against the same figures worked out student by student."""

import math
from collections import Counter
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from hubmis_frames import joint as jt
from hubmis_frames.analysis.statistics import half_width, ranks, spearman, student_t
from hubmis_frames.errors import BadArgumentError, MissingFieldError
from hubmis_frames.joint.event_windows import _NOTE
from hubmis_frames.plots.event_windows import around_events
from tests.helpers.examples import given_few
from tests.helpers.figures import ATTENDED, POSSIBLE, START, events_on, marks_of, students_in

mpl.use("Agg")


def week(day: int) -> int:
    return day // 7


def by_hand(
    registers: dict[int, str], events: list[tuple[int, int]], groups: dict[int, str | None], weeks: int
) -> dict[str, dict[str, float]]:
    """Before and after, student by student, in plain loops."""
    lasts = [number for student, register in registers.items() if student in groups for number in range(len(register))]
    starts, ends = min(lasts, default=0), max(lasts, default=-1)

    def count(student: int, first: int, last: int) -> tuple[int, int]:
        codes = [c for n, c in enumerate(registers[student]) if first <= week(n) <= last]
        return sum(c in ATTENDED for c in codes), sum(c in POSSIBLE for c in codes)

    def both_sides(student: int, at: int) -> bool:
        return count(student, at - weeks, at - 1)[1] > 0 and count(student, at + 1, at + weeks)[1] > 0

    def others(student: int, at: int) -> list[int]:
        return [
            other
            for other in registers
            if groups.get(other) is not None
            and groups[other] == groups[student]
            and not any(who == other and at - weeks <= week(day) <= at for who, day in events)
            and both_sides(other, at)
        ]

    first = {}
    for who, day in sorted(events, key=lambda pair: pair[1]):
        if who in registers and groups.get(who) is not None and starts <= day <= ends:
            first.setdefault(who, week(day))
    kept = {who: at for who, at in first.items() if both_sides(who, at) and others(who, at)}
    result = {}
    for name, low, high in (("before", -weeks, -1), ("week of the event", 0, 0), ("after", 1, weeks)):
        attended = possible = students = 0
        expected = 0.0
        used: set[tuple[int, int]] = set()
        for who, at in kept.items():
            a, p = count(who, at + low, at + high)
            pairs = {other: count(other, at + low, at + high) for other in others(who, at)}
            there = sum(pair[1] for pair in pairs.values())
            if p == 0 or there == 0:
                continue
            attended, possible, students = attended + a, possible + p, students + 1
            expected += p * sum(pair[0] for pair in pairs.values()) / there
            used |= {
                (other, n)
                for other in pairs
                for n, c in enumerate(registers[other])
                if c in POSSIBLE and at + low <= week(n) <= at + high
            }
        result[name] = {
            "students": students,
            "possible_sessions": possible,
            "attendance_rate": 100 * attended / possible if possible else math.nan,
            "comparison_students": len({other for other, _ in used}),
            "comparison_sessions": len(used),
            "comparison_rate": 100 * expected / possible if possible else math.nan,
        }

    def own_change(who: int, at: int) -> float:
        (a, p), (b, q) = count(who, at + 1, at + weeks), count(who, at - weeks, at - 1)
        return 100 * (a / p - b / q)

    changes = [own_change(who, at) for who, at in kept.items()]
    beside = [np.mean([own_change(other, at) for other in others(who, at)]) for who, at in kept.items()]
    result["after less before"] = {
        "students": len(kept),
        "attendance_rate": float(np.mean(changes)) if kept else math.nan,
        "comparison_rate": float(np.mean(beside)) if kept else math.nan,
        "difference": float(np.mean(changes) - np.mean(beside)) if kept else math.nan,
    }
    return result


REGISTERS = st.dictionaries(
    st.integers(1, 6), st.text("/////IIOLYZ- ", min_size=1, max_size=56), min_size=1, max_size=6
)
DAYS = st.lists(st.tuples(st.integers(1, 7), st.integers(-10, 70)), max_size=8)


def a_school(seed: int) -> tuple[dict[int, str], list[tuple[int, int]], dict[int, str | None]]:
    """Registers of up to ten weeks, some of students who join late or leave early, events, groups."""
    rng = np.random.default_rng(seed)
    registers = {}
    for student in range(1, 13):
        absent, until = rng.uniform(0.05, 0.5), int(rng.choice([70, 70, 70, rng.integers(7, 64)]))
        codes = np.where(rng.random(until) < absent, "I", rng.choice(list("////LVY-#Z"), until))
        joined = int(rng.integers(-50, 25))
        registers[student] = "-" * min(joined, until) + "".join(codes[max(0, joined) :])
    events = [(int(rng.integers(1, 14)), int(rng.integers(-10, 75))) for _ in range(rng.integers(0, 8))]
    names = [None, "Year 9", "Year 9", "Year 9", "Year 10", "Year 10"]
    return registers, events, {student: names[rng.integers(0, 6)] for student in range(1, 12)}


@given_few(st.integers(0, 10**6), st.integers(1, 3), few=15)
def test_around_events_agrees_with_working_it_out_by_hand(seed: int, weeks: int) -> None:
    full, days, groups = a_school(seed)
    table = jt.around_events(marks_of(full), events_on(*days), weeks=weeks, students=students_in(groups)).set_index(
        "period"
    )
    # The days of data are everybody's, though 12 is on no list and not counted.
    everybody = max(map(len, full.values()))
    expected = by_hand({**full, 0: "-" * everybody}, days, {**groups, 0: "nobody"}, weeks)
    for period, figures in expected.items():
        for name, value in figures.items():
            got = table.loc[period, name]
            assert got == pytest.approx(value, nan_ok=True, abs=1e-9), (period, name)


@given(st.integers(0, 10**6), st.randoms())
@settings(max_examples=5)
def test_the_order_of_rows_changes_nothing(seed: int, random: Any) -> None:
    registers, days, groups = a_school(seed)
    marks, events, students = marks_of(registers), events_on(*days), students_in(groups)

    def mixed(frame: pd.DataFrame) -> pd.DataFrame:
        places = list(range(len(frame)))
        random.shuffle(places)
        return frame.iloc[places]

    for measure in (
        lambda m, e, s: jt.around_events(m, e, weeks=2, students=s),
        lambda m, e, s: jt.around_events(m, e, weeks=2, students=s, by_week=True),
        lambda m, e, s: jt.events_by_absence_band(m, e, students=s),
        lambda m, e, s: jt.lateness_and_events(m, e, students=s),
        lambda m, e, s: jt.per_student(m, e, students=s),
    ):
        one, two = measure(marks, events, students), measure(mixed(marks), mixed(events), mixed(students))
        pd.testing.assert_frame_equal(one, two)


def influence_by_leaving_out(registers: dict[int, str], events: list[tuple[int, int]], groups: Any) -> float:
    """The standard error of the change by the jackknife over students: another road to the same place."""

    def change(without: int | None) -> float:
        kept = {who: register for who, register in registers.items() if who != without}
        table = jt.around_events(marks_of(kept), events_on(*events), weeks=2, students=students_in(groups))
        return float(table["difference"].iloc[3])

    parts = [change(who) for who in registers]
    return math.sqrt((len(parts) - 1) / len(parts) * sum((part - sum(parts) / len(parts)) ** 2 for part in parts))


def test_the_interval_agrees_with_leaving_out_one_student_at_a_time() -> None:
    rng = np.random.default_rng(4)
    base = rng.beta(16, 2, 40)
    registers = {n: "".join("/" if rng.random() < base[n] else "I" for _ in range(84)) for n in range(40)}
    groups = {n: f"Year {n % 2}" for n in registers}
    events = [(n, 30 + 3 * (n % 5)) for n in range(18)]
    table = jt.around_events(marks_of(registers), events_on(*events), weeks=2, students=students_in(groups))
    n = int(table["students"].iloc[3])
    ours = (table["difference_high"].iloc[3] - table["difference_low"].iloc[3]) / 2 / student_t(0.95, n - 1)
    assert n == 18
    assert ours == pytest.approx(influence_by_leaving_out(registers, events, groups), rel=0.12)


def test_the_interval_contains_the_true_value_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    held = []
    for _ in range(40):
        base = rng.beta(20, 2, 24)
        marks = marks_of({n: "".join(np.where(rng.random(70) < base[n], "/", "I")) for n in range(24)})
        row = jt.around_events(marks, events_on(*((n, int(rng.integers(21, 42))) for n in range(10))), weeks=2).iloc[3]
        held.append(row["difference_low"] <= 0 <= row["difference_high"])
    assert 0.85 <= np.mean(held) <= 1


def test_a_difference_in_the_weeks_after_is_found_and_a_bad_week_for_all_is_not() -> None:
    good, bad = "/" * 7, "I" * 7
    registers = {1: good * 4 + bad * 2, 2: good * 6, 3: good * 6}
    table = jt.around_events(marks_of(registers), events_on((1, 21)), weeks=2).set_index("period")
    assert table["difference"].tolist() == [0, 0, -100, -100]
    assert table["comparison_students"].tolist() == [2, 2, 2, 2]
    # Everybody ill in the same week: no difference.
    table = jt.around_events(marks_of(dict.fromkeys((1, 2, 3), good * 4 + bad + good)), events_on((1, 21)), weeks=2)
    assert table["attendance_rate"].tolist() == [100, 100, 50, -50]
    assert table["difference"].tolist() == [0, 0, 0, 0]
    # One student alone gives no interval.
    assert table[["difference_low", "difference_high"]].isna().all(axis=None)
    assert "regression to the mean" in table.attrs["note"]


@pytest.mark.parametrize(
    ("day", "students", "why"),
    [
        (0, 0, "no sessions before or none after"),  # the first day of the data
        (41, 0, "no sessions before or none after"),  # the last
        (-1, 0, None),  # before it: no event of these days
        (42, 0, None),
        (7, 1, None),
        (34, 1, None),
        (16, 1, None),  # in a holiday
        (None, 0, None),
    ],
)
def test_events_at_the_edges_of_the_data(day: int | None, students: int, why: str | None) -> None:
    holiday = "/" * 14 + " " * 7 + "/" * 21
    table = jt.around_events(
        marks_of({1: holiday, 2: holiday}), events_on((1, day)), weeks=2, students=students_in({1: "Y", 2: "Y"})
    )
    assert table["students"].tolist() == [students, 0 if day == 16 else students, students, students]
    left = {reason: number for reason, number in table.attrs["left_out"].items() if number}
    assert left == ({why: 1} if why else {})


def test_students_who_cannot_be_compared_are_left_out_and_counted() -> None:
    full, late = "/" * 42, " " * 28 + "/" * 14
    groups = students_in({1: "A", 2: "B", 3: "B", 4: None, 5: "B", 6: "B"})
    events = events_on((1, 21), (2, 21), (2, 22), (3, 21), (4, 21), (5, 21))
    # 1 is alone in the year group, 4 has none, 5 joined after the event, 6 is the comparable one.
    registers = {1: full, 2: full, 3: full, 4: full, 5: late, 6: full}
    table = jt.around_events(marks_of(registers), events, weeks=2, students=groups)
    assert table["students"].tolist() == [2] * 4
    assert table["comparison_students"].tolist() == [1] * 4
    assert table.attrs["left_out"] == {
        "no sessions at all": 0,
        "no sessions before or none after": 1,
        "group not known": 1,
        "no comparable student": 1,
    }
    # One who joined between is no comparison either.
    assert jt.around_events(marks_of({1: full, 2: late}), events_on((1, 21)), weeks=2)["students"].tolist() == [0] * 4
    assert (
        jt.around_events(marks_of({2: full}), events_on((1, 21)), weeks=2).attrs["left_out"]["no sessions at all"] == 1
    )
    # So does one before the first day of the data, which is nobody's first event here.
    for day, students in ((-1, 0), (-7, 0), (-8, 1)):
        table = jt.around_events(marks_of({1: full, 2: full}), events_on((1, 7), (2, day)), weeks=2)
        assert table["students"].tolist() == [students] * 4
    # An event just inside the weeks before makes a student incomparable, one just outside does not, nor a later one:
    # in the week of the event nobody knows of it.
    for day, students in ((6, 1), (7, 1), (27, 0), (28, 1), (42, 2)):
        table = jt.around_events(marks_of({1: "/" * 63, 2: "/" * 63}), events_on((1, 21), (2, day)), weeks=2)
        assert table["students"].iloc[0] == students, day


def test_around_events_always_has_the_same_columns_and_hides_few_students() -> None:
    registers = dict.fromkeys(range(1, 9), "/I" * 30)
    full = jt.around_events(marks_of(registers), events_on((1, 21), (2, 21)), weeks=2)
    for other in (
        jt.around_events(marks_of({}), events_on(), weeks=2),
        jt.around_events(marks_of(registers), events_on(), weeks=2),
        jt.around_events(marks_of(registers), events_on((1, 21)), weeks=2, by_week=True),
        jt.around_events(marks_of(registers), events_on((1, 21)), weeks=2, students=students_in({})),
    ):
        pd.testing.assert_series_equal(other.dtypes, full.dtypes)
    hidden = jt.around_events(marks_of(registers), events_on((1, 21), (2, 21)), weeks=2, suppress_below=5)
    assert hidden["suppressed"].all()
    assert hidden[["students", "attendance_rate", "difference_low", "comparison_sessions"]].isna().all(axis=None)
    weekly = jt.around_events(marks_of(registers), events_on((1, 21)), weeks=2, by_week=True)
    assert weekly["week"].tolist() == [-2, -1, 0, 1, 2]
    for bad in (0, -1, 1.5, True):
        with pytest.raises(BadArgumentError, match="weeks takes"):
            jt.around_events(marks_of(registers), events_on(), weeks=bad)  # type: ignore[arg-type]
    with pytest.raises(BadArgumentError, match="confidence takes"):
        jt.around_events(marks_of(registers), events_on(), confidence=95)
    with pytest.raises(BadArgumentError, match="category 'ill'"):
        jt.around_events(marks_of(registers).assign(category="ill"), events_on())
    with pytest.raises(BadArgumentError, match="no column category"):
        jt.around_events(marks_of(registers).drop(columns="category"), events_on())


def test_rates_by_week_pool_to_those_of_the_period() -> None:
    registers = {n: ("/I/" * 40)[n:80] for n in range(1, 9)}
    marks, events = marks_of(registers), events_on((1, 30), (2, 37), (3, 44))
    weekly = jt.around_events(marks, events, weeks=3, by_week=True)
    pooled = jt.around_events(marks, events, weeks=3).set_index("period")
    for period, part in weekly.groupby("period"):
        sessions = part["possible_sessions"].astype(float)
        assert pooled.loc[period, "possible_sessions"] == sessions.sum()
        assert pooled.loc[period, "attendance_rate"] == pytest.approx(
            np.average(part["attendance_rate"], weights=sessions)
        )


@given(REGISTERS, st.lists(st.tuples(st.integers(1, 6), st.integers(-5, 60), st.integers(-3, 40)), max_size=6))
@settings(max_examples=25)
def test_learning_support_counts_by_its_status_on_the_day(
    registers: dict[int, str], spells: list[tuple[int, int, int]]
) -> None:
    records = pd.DataFrame(
        {
            "student_id": pd.array([who for who, _, _ in spells], dtype="Int64"),
            "learning_support_date": pd.Series([START + timedelta(d) for _, d, _ in spells], dtype="datetime64[us]"),
            # A negative length stands for no end.
            "inactive_date": pd.Series(
                [None if n < 0 else START + timedelta(d + n) for _, d, n in spells], dtype="datetime64[us]"
            ),
            "status_name": pd.Series(["Inactive" if n == -3 else "Active" for *_, n in spells], dtype="str"),
        }
    )
    table = jt.attendance_by_learning_support(marks_of(registers), records).set_index("status")
    sessions, attended, students = Counter[str](), Counter[str](), {}  # type: ignore[var-annotated]
    for who, register in registers.items():
        for number, code in enumerate(register):
            if code not in POSSIBLE:
                continue
            mine = [(d, n) for student, d, n in spells if student == who]
            if any(d <= number and (n in (-1, -2) or (n >= 0 and number < d + n)) for d, n in mine):
                status = "in force"
            elif any(d <= number and n == -3 for d, n in mine):
                status = "ended, date not known"
            else:
                status = "not in force on the day" if mine else "never on record"
            sessions[status] += 1
            attended[status] += code in ATTENDED
            students.setdefault(status, set()).add(who)
    assert table.index.tolist() == list(jt.STATUSES)
    for status in jt.STATUSES:
        row = table.loc[status]
        assert (row["possible_sessions"], row["attended_sessions"]) == (sessions[status], attended[status])
        assert row["students"] == len(students.get(status, ()))
        rate = 100 * attended[status] / sessions[status] if sessions[status] else math.nan
        assert row["attendance_rate"] == pytest.approx(rate, nan_ok=True)


def test_ended_plans_without_a_date_have_a_status_of_their_own() -> None:
    plans = events_on((1, 2), (2, 2), kind="wellbeing_plan", status=pd.Series(["active", "inactive"], dtype="str"))
    marks = marks_of({1: "I" * 2 + "/" * 3, 2: "I" * 2 + "/" * 3, 3: "/////"})
    table = jt.attendance_by_plan(marks, plans).set_index("status")
    assert table["possible_sessions"].tolist() == [3, 3, 4, 5]
    assert table["attendance_rate"].tolist() == [100, 100, 0, 100]
    closed = plans.assign(closed_date=pd.to_datetime([None, START + timedelta(4)]))
    assert jt.attendance_by_plan(marks, closed)["possible_sessions"].tolist() == [5, 0, 5, 5]
    with pytest.raises(MissingFieldError, match="attendance_by_plan needs status"):
        jt.attendance_by_plan(marks, plans.assign(status=pd.Series([None, None], dtype="str")))
    undated = pd.DataFrame({"student_id": [1], "learning_support_date": [pd.NaT], "inactive_date": [pd.NaT]})
    assert jt.attendance_by_learning_support(marks, undated)["possible_sessions"].tolist() == [0, 5, 0, 10]


def test_the_interval_of_a_rate_counts_students_not_sessions() -> None:
    # Two students, 0 and 100 %: two hundred sessions do not make that any surer.
    marks = marks_of({1: "/" * 100, 2: "I" * 100})
    none = pd.DataFrame({"student_id": [9], "learning_support_date": [pd.NaT], "inactive_date": [pd.NaT]})
    row = jt.attendance_by_learning_support(marks, none).iloc[3]
    assert (row["attendance_rate"], row["attendance_rate_low"], row["attendance_rate_high"]) == (50, 0, 100)
    # By the formula of a mean where all have as many sessions: 1.96 is 12.706 with one degree of freedom.
    assert half_width(np.array([0.25, -0.25]), 2, 0.95) == pytest.approx(12.7062047 * math.sqrt(2 * 0.125))


@pytest.mark.parametrize(
    ("absent", "possible", "band"),
    [
        (0, 20, 0),
        (1, 20, 5),
        (1, 21, 0),
        (2, 20, 10),
        (1, 10, 10),
        (3, 30, 10),
        (9, 20, 45),
        (10, 20, 50),
        (20, 20, 50),
    ],
)
def test_bands_are_compared_in_whole_numbers(absent: int, possible: int, band: int) -> None:
    table = jt.events_by_absence_band(
        marks_of({1: "I" * absent + "/" * (possible - absent)}), events_on((1, 0), (1, 0))
    )
    assert len(table) == 12
    one = table[table["students"].eq(1)]
    assert one["absence_from"].tolist() == [band]
    assert one["events_per_100_students"].tolist() == [200]
    assert table.loc[table["students"].eq(0), "events_per_100_students"].isna().all()


@given(REGISTERS, DAYS)
@settings(max_examples=12)
def test_bands_pool_to_the_whole(registers: dict[int, str], days: list[tuple[int, int]]) -> None:
    each = jt.per_student(marks_of(registers), events_on(*days))
    table = jt.events_by_absence_band(marks_of(registers), events_on(*days))
    assert table["events"].sum() == each["events"].sum()
    assert table["students"].sum() == len(each)
    assert table["possible_sessions"].sum() == sum(
        code in POSSIBLE for register in registers.values() for code in register
    )
    assert table["students_concerned"].sum() == each["events"].gt(0).sum()


def test_only_events_on_the_days_of_marks_are_counted() -> None:
    marks = marks_of({1: "/L/I", 2: "YY--"})
    each = jt.per_student(
        marks, events_on((1, -1), (1, 0), (1, 3), (1, 4), (3, 1)), students=students_in({1: "A", 2: "A", 4: "A"})
    )
    assert each["student_id"].tolist() == [1, 2, 4]
    assert each["events"].tolist() == [2, 0, 0]
    assert each["possible_sessions"].tolist() == [4, 0, 0]
    assert each["late_rate"].iloc[0] == pytest.approx(100 / 3)
    assert each[["absence_rate", "late_rate", "events_per_100_sessions"]].iloc[1:].isna().all(axis=None)
    assert jt.lateness_and_events(marks, events_on())[["students", "left_out"]].iloc[0].tolist() == [1, 1]


def naive_ranks(values: list[float]) -> list[float]:
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2 for value in values
    ]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 3)), min_size=2, max_size=30))
def test_spearman_agrees_with_pearson_of_naive_ranks(pairs: list[tuple[int, int]]) -> None:
    x, y = (np.array(values, dtype=float) for values in zip(*pairs, strict=True))
    a, b = naive_ranks(x.tolist()), naive_ranks(y.tolist())
    assert ranks(x).tolist() == a
    found = spearman(x, y)
    if len(set(a)) == 1 or len(set(b)) == 1:
        assert math.isnan(found.value)
    else:
        assert found.value == pytest.approx(np.corrcoef(a, b)[0, 1])
        assert spearman(y, x).value == pytest.approx(found.value)
        assert spearman(x, -y).value == pytest.approx(-found.value)
        assert math.isnan(found.low) or found.low < found.value < found.high


def test_spearman_gives_the_published_values() -> None:
    # Wikipedia, Spearman's rank correlation coefficient: IQ and hours of television, -29 / 165.
    iq = np.array([106, 100, 86, 101, 99, 103, 97, 113, 112, 110.0])
    hours = np.array([7, 27, 2, 50, 28, 29, 20, 12, 6, 17.0])
    assert spearman(iq, hours).value == pytest.approx(-29 / 165)
    # SciPy's documentation of spearmanr, with a tie.
    tied = spearman(np.array([1, 2, 3, 4, 5.0]), np.array([5, 6, 7, 8, 7.0]))
    assert tied.value == pytest.approx(0.8207826816681233)
    # Bonett and Wright (2000), by hand: tanh(atanh(r) -+ 1.959964 sqrt((1 + r² / 2) / 7)).
    r = -29 / 165
    half = 1.959964 * math.sqrt((1 + r * r / 2) / 7)
    expected = [math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)]
    assert [spearman(iq, hours).low, spearman(iq, hours).high] == pytest.approx(expected, abs=1e-6)
    perfect = spearman(np.arange(9.0), np.arange(9.0) ** 3)
    assert perfect.value == pytest.approx(1)
    assert math.isnan(perfect.low)


@pytest.mark.parametrize(
    ("df", "half", "confidence"),
    [(1, 12.706, 0.95), (2, 4.303, 0.95), (3, 3.182, 0.95), (4, 2.776, 0.95), (10, 2.228, 0.95), (29, 2.045, 0.95),
     (30, 2.042, 0.95), (120, 1.980, 0.95), (1, 63.657, 0.99), (5, 4.032, 0.99), (60, 1.671, 0.90),
     (1000, 1.962, 0.95), (1000, 2.581, 0.99), (10**9, 1.960, 0.95)],
)  # fmt: skip
def test_student_t_is_that_of_the_tables(df: int, half: float, confidence: float) -> None:
    assert student_t(confidence, df) == pytest.approx(half, abs=5e-4)


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.999])
def test_both_forms_of_student_t_meet_where_one_follows_the_other(confidence: float) -> None:
    before, at, after = (student_t(confidence, df) for df in (199, 200, 201))
    # The quantile is z + g1 / df + ..., so its steps shrink by the square of df.
    assert (before - at) / (at - after) == pytest.approx(201 / 199, rel=1e-3)


def test_one_student_or_identical_students_give_no_interval() -> None:
    assert math.isnan(student_t(0.95, 0))
    assert math.isnan(half_width(np.array([0.3]), 1, 0.95))
    assert math.isnan(half_width(np.zeros(10), 10, 0.95))


def test_the_plot_around_events_always_has_numbers_of_students_and_the_note() -> None:
    registers = {n: ("/I//" * 20)[n : 60 + n] for n in range(1, 9)}
    rows = ((1, 30), (2, 31), (3, 40))
    for events, suppress, below in (
        (events_on(*rows), None, "3 students with an event, 6 students to compare with"),
        (events_on(*rows), 5, "numbers of students hidden where they are few"),
        (events_on(), None, "no students with an event, no students to compare with"),
    ):
        table = jt.around_events(marks_of(registers), events, weeks=2, by_week=True, suppress_below=suppress)
        ax = around_events(table)
        said = [text.get_text() for text in ax.texts]
        assert said[0] == f"% of possible sessions; {below}"
        assert said.count("hidden") == int(table["suppressed"].sum())
        assert "regression to the mean" in ax.get_xlabel().replace("\n", " ")
        assert any("Nothing to show" in each for each in said) == (
            below != "3 students with an event, 6 students to compare with"
        )
        plt.close(ax.figure)
    without_interval = jt.around_events(marks_of(registers), events_on(*rows), weeks=2, by_week=True, confidence=None)
    ax = around_events(without_interval)
    assert not ax.containers
    assert len(ax.lines) == 2
    plt.close(ax.figure)
    with pytest.raises(BadArgumentError, match="by_week=True"):
        around_events(jt.around_events(marks_of(registers), events_on(*rows), weeks=2))


def test_no_text_claims_a_cause() -> None:
    text = " ".join([jt.__doc__ or "", _NOTE, *(getattr(jt, name).__doc__ or "" for name in jt.__all__)]).lower()
    for word in ("effect", "impact", "due to", "led to", "leads to", "caused", "causes", "thanks to", "resulted in"):
        assert word not in text
