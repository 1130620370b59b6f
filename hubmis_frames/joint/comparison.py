"""The arithmetic of attendance around events: students by calendar weeks, their windows, and comparable students."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import first_of_week
from ..analysis.columns import require_columns
from ..analysis.groups import check_students
from ..analysis.periods import week_start
from ..analysis.realms import STUDENTS
from ..analysis.statistics import Numbers
from ..wellbeing.selection import select
from .sessions import sessions_by_day

Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

_ROUNDING = 1e-14
"""What a student adds to a difference where all are alike is not always exactly zero."""


class WeekGrid(NamedTuple):
    """Students (rows) by calendar weeks (columns), with as many empty weeks at either end as a window reaches."""

    attended: Numbers
    possible: Numbers
    has_event: Flags
    group: Integers
    """The number of each student's group (such as a year group), -1 if it is not known."""
    event_week: Integers
    """The week of each student's first event, -1 if there is none."""
    without_sessions: int
    """The number of students with an event on these days who have no sessions at all."""

    def sessions(self, first: int, last: int) -> Numbers:
        """The possible sessions of the weeks from ``first`` to ``last``, counted from each week."""
        return _window_sums(self.possible, first, last)

    def pooled(self, first: int, last: int) -> "Measure":
        """The rate of a span of weeks, in which each possible session weighs the same."""
        return Measure(_window_sums(self.attended, first, last), self.sessions(first, last), ((first, last),))

    def own_change(self, before: tuple[int, int], after: tuple[int, int]) -> "Measure":
        """Each student's own rate after less before. Each student weighs the same, who has sessions in both spans."""
        rates = [_divide(_window_sums(self.attended, *span), self.sessions(*span)) for span in (before, after)]
        change = rates[1] - rates[0]
        both = ~np.isnan(change)
        return Measure(np.where(both, change, 0.0), both.astype(float), (before, after))

    def has_event_within(self, first: int, last: int) -> Flags:
        """Whether each student has an event in the weeks from ``first`` to ``last``, counted from each week."""
        near: Flags = _window_sums(self.has_event.astype(float), first, last) > 0
        return near

    def by_group(self, values: Numbers) -> Numbers:
        """Sum over the students of each group: a row per group, and a last row for students without a group."""
        total = np.zeros((self.group.max(initial=-1) + 2, values.shape[1]))
        np.add.at(total, self.group, values)
        return total


class Measure(NamedTuple):
    """What is compared, for each student and each week to count from: a value, and how much it weighs."""

    amount: Numbers
    """The value times its weight."""
    weight: Numbers
    spans: tuple[tuple[int, int], ...]
    """The first and last weeks whose sessions it rests on."""


class Comparison(NamedTuple):
    """A value of students with an event and of comparable ones, and what each student adds to the difference."""

    students: int
    sessions: float
    rate: float
    comparison_students: int
    comparison_sessions: float
    comparison_rate: float
    influence: Numbers
    comparison_groups: int
    """The number of groups to which the comparable students belong."""


def week_grid(
    marks: pd.DataFrame,
    events: pd.DataFrame,
    weeks: int,
    students: pd.DataFrame | None,
    within: str,
    kind: str | None,
) -> WeekGrid:
    """Count the sessions and place the events of each student by calendar week."""
    measure = "around_events"
    sessions = sessions_by_day(marks, measure)
    rows = select(events, kind, measure, marks, students).dropna(subset=[STUDENTS, "date"])
    if len(sessions):
        rows = rows.assign(in_range=rows["date"].between(sessions["date"].min(), sessions["date"].max()))
    else:
        rows = rows.assign(in_range=False)
    if students is not None:
        students = check_students(students, measure)
        require_columns(students, [within], f"{measure}: students")
        sessions = sessions[sessions[STUDENTS].isin(students[STUDENTS])]
        rows = rows[rows[STUDENTS].isin(students[STUDENTS])]
    ids = pd.Index(sessions[STUDENTS].unique()).sort_values()
    in_range = rows.loc[rows["in_range"]]
    without_sessions = int(in_range.loc[~in_range[STUDENTS].isin(ids), STUDENTS].nunique())
    starts = week_start(marks, None)
    monday = first_of_week(sessions["date"], starts)
    first_monday = monday.min() if len(sessions) else pd.Timestamp(0)
    width = (int((monday.max() - first_monday).days) // 7 + 1 if len(sessions) else 1) + 2 * weeks

    def week_number(dates: pd.Series) -> Integers:
        return np.asarray((first_of_week(dates, starts) - first_monday).dt.days // 7 + weeks, dtype=np.int64)

    attended, possible = np.zeros((2, len(ids), width))
    cells = (ids.get_indexer(sessions[STUDENTS]), week_number(sessions["date"]))
    np.add.at(attended, cells, sessions["attended_sessions"].to_numpy(float))
    np.add.at(possible, cells, sessions["possible_sessions"].to_numpy(float))
    rows = rows[rows[STUDENTS].isin(ids)]
    has_event, event_week = _place_events(
        ids.get_indexer(rows[STUDENTS]), week_number(rows["date"]), rows["in_range"].to_numpy(bool), possible.shape
    )
    group = np.zeros(len(ids), dtype="int64")
    if students is not None:
        numbers, _ = pd.factorize(students[within])
        group = pd.Series(numbers, index=students[STUDENTS]).reindex(ids).to_numpy("int64")
    return WeekGrid(attended, possible, has_event, group, event_week, without_sessions)


def students_to_compare(grid: WeekGrid, on_both_sides: Flags, comparable: Flags) -> tuple[Flags, dict[str, int]]:
    """Return the students whose first event can be compared, and how many cannot, by reason."""
    with_event = grid.event_week >= 0
    week = np.maximum(grid.event_week, 0)
    has_sides = on_both_sides[np.arange(len(week)), week]
    has_group = grid.group >= 0
    has_others = grid.by_group(comparable.astype(float))[grid.group, week] > 0
    return with_event & has_sides & has_group & has_others, {
        "no sessions at all": grid.without_sessions,
        "no sessions before or none after": int((with_event & ~has_sides).sum()),
        "group not known": int((with_event & has_sides & ~has_group).sum()),
        "no comparable student": int((with_event & has_sides & has_group & ~has_others).sum()),
    }


def compare(grid: WeekGrid, selected: Flags, comparable: Flags, measure: Measure) -> Comparison:
    """Compare the selected students with comparable ones of the same group, each in the weeks of the event."""
    group_weight = grid.by_group(np.where(comparable, measure.weight, 0.0))
    group_amount = grid.by_group(np.where(comparable, measure.amount, 0.0))
    values = _divide(group_amount, group_weight)
    student = np.flatnonzero(selected)
    week, group = grid.event_week[student], grid.group[student]
    usable = (measure.weight[student, week] > 0) & (group_weight[group, week] > 0)
    student, week, group = student[usable], week[usable], group[usable]
    influence = np.zeros(len(selected))
    if not len(student):
        return Comparison(0, 0.0, math.nan, 0, 0.0, math.nan, influence, 0)
    weight, amount = measure.weight[student, week], measure.amount[student, week]
    expected = weight * values[group, week]
    total = weight.sum()
    difference = (amount.sum() - expected.sum()) / total
    influence[student] = (amount - expected - difference * weight) / total
    # Comparable students carry the weight of the students whom they are compared with.
    lent = np.zeros_like(group_weight)
    np.add.at(lent, (group, week), weight / total)
    used = comparable & (lent > 0)[grid.group]
    influence -= _influence_of_others(grid, measure, comparable, used, lent, group_weight, values)
    influence[np.abs(influence) < _ROUNDING] = 0.0
    # Windows of several events overlap; each session of a comparable student still counts once.
    windows = [_window_sums(used.astype(float), -last, -first) > 0 for first, last in measure.spans]
    comparison_sessions = np.where(np.logical_or.reduce(windows), grid.possible, 0.0).sum(axis=1)
    return Comparison(
        len(student),
        float(sum(grid.sessions(*span)[student, week].sum() for span in measure.spans)),
        float(amount.sum() / total),
        int((comparison_sessions > 0).sum()),
        float(comparison_sessions.sum()),
        float(expected.sum() / total),
        influence,
        len(np.unique(group)),
    )


def _place_events(student: Integers, week: Integers, in_range: Flags, shape: tuple[int, ...]) -> tuple[Flags, Integers]:
    """Return in which cells there is an event, and the week of each student's first event on a day in range."""
    height, width = shape
    inside = (week >= 0) & (week < width)
    has_event = np.zeros((height, width), dtype=bool)
    has_event[student[inside], week[inside]] = True
    event_week = np.full(height, width)
    np.minimum.at(event_week, student[in_range], week[in_range])
    event_week[event_week == width] = -1
    return has_event, event_week


def _influence_of_others(
    grid: WeekGrid,
    measure: Measure,
    comparable: Flags,
    used: Flags,
    lent: Numbers,
    group_weight: Numbers,
    values: Numbers,
) -> Numbers:
    """Return what each comparable student adds to the value to compare with.

    A deviation from the mean of a few students is smaller than one from the mean of many; the factor corrects that. It
    does not exist for a single student.
    """
    number = grid.by_group((comparable & (measure.weight > 0)).astype(float))
    factor = np.sqrt(np.divide(number, number - 1, out=np.full_like(number, np.nan), where=number > 1))
    share = np.divide(lent * factor, group_weight, out=np.zeros_like(group_weight), where=lent > 0)[grid.group]
    deviation = measure.amount - np.nan_to_num(values)[grid.group] * measure.weight
    influence: Numbers = np.where(used, share * deviation, 0.0).sum(axis=1)
    return influence


def _divide(part: Numbers, whole: Numbers) -> Numbers:
    """Divide where the whole is not zero; elsewhere the result is missing."""
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)


def _window_sums(values: Numbers, first: int, last: int) -> Numbers:
    """For each week, sum the weeks from ``first`` to ``last``, counted from it; weeks beyond the ends count zero."""
    width = values.shape[1]
    running = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    week = np.arange(width)
    total: Numbers = running[:, np.clip(week + last + 1, 0, width)] - running[:, np.clip(week + first, 0, width)]
    return total
