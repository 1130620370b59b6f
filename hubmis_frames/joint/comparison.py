"""The arithmetic of attendance around events: students by calendar weeks, their windows, and comparable students."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import first_of_week
from ..analysis.columns import require_columns
from ..analysis.groups import check_students
from ..analysis.realms import STUDENTS
from ..analysis.statistics import Numbers
from ..wellbeing.selection import select
from .sessions import sessions_by_day

Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


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

    def window(self, first: int, last: int) -> "Window":
        """Sum the sessions of the weeks from ``first`` to ``last``, counted from each week."""
        return Window(_window_sums(self.attended, first, last), _window_sums(self.possible, first, last))

    def has_event_within(self, weeks: int) -> Flags:
        """Whether each student has an event at most so many weeks before or after each week."""
        near: Flags = _window_sums(self.has_event.astype(float), -weeks, weeks) > 0
        return near

    def by_group(self, values: Numbers) -> Numbers:
        """Sum over the students of each group: a row per group, and a last row for students without a group."""
        total = np.zeros((self.group.max(initial=-1) + 2, values.shape[1]))
        np.add.at(total, self.group, values)
        return total


class Window(NamedTuple):
    """Sums over a window of weeks, for each student and each week to count from."""

    attended: Numbers
    possible: Numbers


class Comparison(NamedTuple):
    """The attendance in one window and that of comparable students, and what each student adds to the difference."""

    students: int
    sessions: float
    rate: float
    comparison_students: int
    comparison_sessions: float
    comparison_rate: float
    influence: Numbers
    comparison_groups: int
    """The number of groups to which the comparable students belong."""

    def minus(self, before: "Comparison") -> "Comparison":
        """Return the change since ``before``. Both have the same students, so their numbers do not add up."""
        return Comparison(
            self.students,
            self.sessions + before.sessions,
            self.rate - before.rate,
            max(self.comparison_students, before.comparison_students),
            self.comparison_sessions + before.comparison_sessions,
            self.comparison_rate - before.comparison_rate,
            self.influence - before.influence,
            max(self.comparison_groups, before.comparison_groups),
        )


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
    monday = first_of_week(sessions["date"])
    first_monday = monday.min() if len(sessions) else pd.Timestamp(0)
    width = (int((monday.max() - first_monday).days) // 7 + 1 if len(sessions) else 1) + 2 * weeks

    def week_number(dates: pd.Series) -> Integers:
        return np.asarray((first_of_week(dates) - first_monday).dt.days // 7 + weeks, dtype=np.int64)

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


def compare(grid: WeekGrid, selected: Flags, comparable: Flags, first: int, last: int) -> Comparison:
    """Compare the pooled rate of the selected students with that of comparable ones, over one window."""
    window = grid.window(first, last)
    group_possible = grid.by_group(np.where(comparable, window.possible, 0.0))
    group_attended = grid.by_group(np.where(comparable, window.attended, 0.0))
    rates = _divide(group_attended, group_possible)
    student = np.flatnonzero(selected)
    week, group = grid.event_week[student], grid.group[student]
    usable = (window.possible[student, week] > 0) & (group_possible[group, week] > 0)
    student, week, group = student[usable], week[usable], group[usable]
    influence = np.zeros(len(selected))
    if not len(student):
        return Comparison(0, 0.0, math.nan, 0, 0.0, math.nan, influence, 0)
    possible, attended = window.possible[student, week], window.attended[student, week]
    expected = possible * rates[group, week]
    total = possible.sum()
    difference = (attended.sum() - expected.sum()) / total
    influence[student] = (attended - expected - difference * possible) / total
    # Sessions of comparable students carry the weight of the students whom they are compared with.
    weight = np.zeros_like(group_possible)
    np.add.at(weight, (group, week), possible / total)
    used = comparable & (weight > 0)[grid.group]
    influence -= _influence_of_others(grid, window, comparable, used, weight, group_possible, rates)
    # Windows of several events overlap; each session of a comparable student still counts once.
    in_some_window = _window_sums(used.astype(float), -last, -first) > 0
    comparison_sessions = np.where(in_some_window, grid.possible, 0.0).sum(axis=1)
    return Comparison(
        len(student),
        float(total),
        float(attended.sum() / total),
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
    window: Window,
    comparable: Flags,
    used: Flags,
    weight: Numbers,
    group_possible: Numbers,
    rates: Numbers,
) -> Numbers:
    """Return what each comparable student adds to the comparison rate.

    A deviation from the rate of a few students is smaller than one from the rate of many; the factor corrects that. It
    does not exist for a single student.
    """
    number = grid.by_group((comparable & (window.possible > 0)).astype(float))
    factor = np.sqrt(np.divide(number, number - 1, out=np.full_like(number, np.nan), where=number > 1))
    share = np.divide(weight * factor, group_possible, out=np.zeros_like(group_possible), where=weight > 0)[grid.group]
    deviation = window.attended - np.nan_to_num(rates)[grid.group] * window.possible
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
