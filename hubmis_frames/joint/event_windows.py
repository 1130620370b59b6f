"""Attendance in the weeks around an event, beside that of comparable students in the same calendar weeks."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import first_of_week
from ..analysis.columns import require_columns
from ..analysis.groups import check_students, check_suppress_below
from ..analysis.realms import STUDENTS
from ..analysis.statistics import Numbers, check_confidence, half_width
from ..errors import BadArgumentError
from ..wellbeing.canonical import EVENT, chosen
from .sessions import sessions_of

NOTE = (
    "Students are in this table because something was noticed, often in an unusual week. Unusual weeks are followed by "
    "more usual ones by chance alone (regression to the mean): attendance that is low before an event and higher after "
    "it is to be expected even if nobody had done anything. Comparable students are alike in year group and weeks "
    "and in nothing else. The table describes; it does not say what came of what."
)
"""What has to be said beside every picture of before and after."""

PERIODS = ("before", "week of the event", "after", "after less before")

_Flags = npt.NDArray[np.bool_]
_FIGURES = [
    "students", "sessions", "attendance_rate", "comparison_students", "comparison_sessions", "comparison_rate",
    "difference", "difference_low", "difference_high",
]  # fmt: skip


class _School(NamedTuple):
    """Students by calendar weeks, with as many empty weeks at either end as a window reaches."""

    attended: Numbers
    possible: Numbers
    has_event: _Flags
    group: npt.NDArray[np.int64]
    """The number of each student's year group, -1 for those of whom it is not known."""
    event_week: npt.NDArray[np.int64]
    """The week of each student's first event, -1 for none."""
    elsewhere: int
    """Students with an event on these days who have no sessions at all."""


class _Window(NamedTuple):
    """Sums over a window of weeks, seen from each week."""

    attended: Numbers
    possible: Numbers


class _Estimate(NamedTuple):
    """One window's figures, and what each student adds to the difference."""

    students: int
    sessions: float
    rate: float
    comparison_students: int
    comparison_sessions: float
    comparison: float
    influence: Numbers
    comparison_groups: int
    """How many year groups the comparable students are of."""


def around_events(
    marks: pd.DataFrame,
    events: pd.DataFrame,
    weeks: int = 4,
    students: pd.DataFrame | None = None,
    *,
    group: str = "year_group_name",
    by_week: bool = False,
    kind: str | None = EVENT,
    confidence: float = 0.95,
    suppress: int | None = None,
) -> pd.DataFrame:
    """Attendance in the weeks before and after a student's first event, beside comparable students'.

    **Regression to the mean**: students are here because something was noticed, often in an unusual week, and unusual
    weeks are followed by more usual ones by chance alone. Attendance that is low before an event and higher after it is
    to be expected even if nobody had done anything, and the comparison does not mend that, as its students were not
    chosen in an unusual week. ``attrs["note"]`` says so beside the figures.

    Parameters
    ----------
    marks
        Canonical marks (``hf.attendance.marks``): ``student_id``, ``date``, ``category``.
    events
        What ``hf.wellbeing.events`` returned. Choose the categories that the question is about first: commendations are
        events too, and an attendance concern is recorded because of attendance.
    weeks
        How many calendar weeks (Monday to Sunday) on either side. Holidays count as weeks and add no sessions. The week
        of the event belongs to neither side, as an event is often recorded on a day on which the student came.
    students
        One row per student with ``group``; students who are not in it are left out. Without it, comparable students are
        those of the whole school.
    group
        The column of ``students`` in which comparable students agree.
    by_week
        A row per week, from ``-weeks`` to ``weeks``, in place of a row per period.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.
    confidence
        Of the interval.
    suppress
        Hide rows that rest on 1 to ``suppress - 1`` students, of either sort.

    Returns
    -------
    DataFrame
        One row per period, ``before``, ``week of the event``, ``after`` and ``after less before`` (or per week):

        - ``period``; ``week`` (calendar weeks from the event's, missing for a period);
        - ``students``, ``sessions``: those with an event, once each, and their possible sessions;
        - ``attendance_rate``: per cent, attended sessions over possible ones, pooled;
        - ``comparison_students``, ``comparison_sessions``: different students and their possible sessions;
        - ``comparison_rate``: what the first would have if each had, in the same calendar weeks, the pooled rate of the
          same group's students without an event in the whole window;
        - ``difference``: percentage points, ``attendance_rate`` less ``comparison_rate``;
        - ``difference_low``, ``difference_high``: its interval; ``suppressed``.

        In ``after less before`` the rates too are differences in percentage points. Figures without a student are
        missing. ``attrs``: ``note``, ``interval``, and ``left_out``, how many students with an event are not counted,
        by reason (None where ``suppress`` hides it).

    Raises
    ------
    BadArgumentError
        A column is not there, ``weeks`` is no whole number of at least 1, or a category of marks is not known.

    Notes
    -----
    A student's first event is the first that falls between the first and the last day of ``marks``; it may have been
    preceded by one before. Both sorts of student need possible sessions before and after the event's week, so nobody is
    on one side alone. The comparison is direct standardisation to the possible sessions of the students with an event,
    by year group and week. The interval is linearised and clustered by student: it takes every student's sessions
    together, a comparable student's over all the events that he or she is compared with (see
    ``_statistics.half_width``). Student's t has one degree of freedom fewer than students with an event, or as many as
    comparable students less their groups if those are fewer, so with few of either the interval is rather too wide than
    too narrow. There is none with one student with an event, nor where somebody has a single comparable student: one
    alone does not show how far comparable students are apart.
    """
    if isinstance(weeks, bool) or not isinstance(weeks, int) or weeks < 1:
        raise BadArgumentError(f"around_events: weeks takes a whole number of at least 1, not {weeks!r}.")
    check_confidence(confidence)
    check_suppress_below(suppress)
    school = _school(marks, events, weeks, students, group, kind)
    before, after = _window(school, -weeks, -1), _window(school, 1, weeks)
    on_both_sides = (before.possible > 0) & (after.possible > 0)
    quiet = _sums(school.has_event.astype(float), -weeks, weeks) == 0
    comparable = on_both_sides & quiet
    chosen_ones, left_out = _chosen(school, on_both_sides, comparable)

    def estimate(first: int, last: int) -> _Estimate:
        return _estimate(school, chosen_ones, comparable, first, last)

    if by_week:
        offsets = range(-weeks, weeks + 1)
        names = [PERIODS[int(np.sign(offset)) + 1] for offset in offsets]
        rows = [_row(estimate(offset, offset), confidence) for offset in offsets]
    else:
        offsets = range(0)
        names = list(PERIODS)
        spans = [estimate(-weeks, -1), estimate(0, 0), estimate(1, weeks)]
        rows = [*(_row(each, confidence) for each in spans), _row(_less(spans[2], spans[0]), confidence)]
    frame = pd.DataFrame(rows, columns=_FIGURES)
    counts = [name for name in _FIGURES if name.endswith(("students", "sessions"))]
    frame = frame.astype({**dict.fromkeys(_FIGURES, "float64"), **dict.fromkeys(counts, "Int64")})
    frame.insert(0, "period", pd.Series(names, dtype="str"))
    frame.insert(1, "week", pd.Series(list(offsets) or None, index=frame.index, dtype="Int64"))
    frame = _hide(frame, suppress)
    frame.attrs = {
        "note": NOTE,
        "interval": f"{100 * confidence:g} % interval of the difference, clustered by student",
        # A few of whom one reason is true could be found out, as those in the table could.
        "left_out": {why: None if 0 < number < (suppress or 0) else number for why, number in left_out.items()},
    }
    return frame


def _school(
    marks: pd.DataFrame,
    events: pd.DataFrame,
    weeks: int,
    students: pd.DataFrame | None,
    group: str,
    kind: str | None,
) -> _School:
    sessions = sessions_of(marks, "around_events")
    rows = chosen(events, kind, "around_events", marks, students).dropna(subset=[STUDENTS, "date"])
    if len(sessions):
        rows = rows.assign(in_range=rows["date"].between(sessions["date"].min(), sessions["date"].max()))
    else:
        rows = rows.assign(in_range=False)
    if students is not None:
        students = check_students(students, "around_events")
        require_columns(students, [group], "around_events: students")
        sessions = sessions[sessions[STUDENTS].isin(students[STUDENTS])]
        rows = rows[rows[STUDENTS].isin(students[STUDENTS])]
    ids = pd.Index(sessions[STUDENTS].unique()).sort_values()
    in_range = rows.loc[rows["in_range"]]
    elsewhere = int(in_range.loc[~in_range[STUDENTS].isin(ids), STUDENTS].nunique())
    monday = first_of_week(sessions["date"])
    first = monday.min() if len(sessions) else pd.Timestamp(0)
    width = (int((monday.max() - first).days) // 7 + 1 if len(sessions) else 1) + 2 * weeks

    def place(dates: pd.Series) -> npt.NDArray[np.int64]:
        return np.asarray((first_of_week(dates) - first).dt.days // 7 + weeks, dtype=np.int64)

    attended, possible = np.zeros((2, len(ids), width))
    where = (ids.get_indexer(sessions[STUDENTS]), place(sessions["date"]))
    np.add.at(attended, where, sessions["attended"].to_numpy(float))
    np.add.at(possible, where, sessions["possible"].to_numpy(float))
    rows = rows[rows[STUDENTS].isin(ids)]
    who, when = ids.get_indexer(rows[STUDENTS]), place(rows["date"])
    near = (when >= 0) & (when < width)
    has_event = np.zeros((len(ids), width), dtype=bool)
    has_event[who[near], when[near]] = True
    event_week = np.full(len(ids), width)
    counted = rows["in_range"].to_numpy(bool)
    np.minimum.at(event_week, who[counted], when[counted])
    event_week[event_week == width] = -1
    numbers = np.zeros(len(ids), dtype="int64")
    if students is not None:
        codes, _ = pd.factorize(students[group])
        numbers = pd.Series(codes, index=students[STUDENTS]).reindex(ids).to_numpy("int64")
    return _School(attended, possible, has_event, numbers, event_week, elsewhere)


def _sums(values: Numbers, first: int, last: int) -> Numbers:
    """From each week, the sum over the weeks ``first`` to ``last`` away; beyond the ends there is nothing."""
    width = values.shape[1]
    running = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    week = np.arange(width)
    total: Numbers = running[:, np.clip(week + last + 1, 0, width)] - running[:, np.clip(week + first, 0, width)]
    return total


def _window(school: _School, first: int, last: int) -> _Window:
    return _Window(_sums(school.attended, first, last), _sums(school.possible, first, last))


def _chosen(school: _School, on_both_sides: _Flags, comparable: _Flags) -> tuple[_Flags, dict[str, int]]:
    """The students whose first event can be compared, and how many cannot, by reason."""
    with_event = school.event_week >= 0
    week = np.maximum(school.event_week, 0)
    seen = on_both_sides[np.arange(len(week)), week]
    others = _by_group(school.group, comparable.astype(float))[school.group, week] > 0
    kept = with_event & seen & (school.group >= 0) & others
    return kept, {
        "no sessions at all": school.elsewhere,
        "no sessions before or none after": int((with_event & ~seen).sum()),
        "group not known": int((with_event & seen & (school.group < 0)).sum()),
        "no comparable student": int((with_event & seen & (school.group >= 0) & ~others).sum()),
    }


def _by_group(group: npt.NDArray[np.int64], values: Numbers) -> Numbers:
    """Sums over the students of each group, a row per group and one more for those of none (which is last)."""
    total = np.zeros((group.max(initial=-1) + 2, values.shape[1]))
    np.add.at(total, group, values)
    return total


def _estimate(school: _School, who: _Flags, comparable: _Flags, first: int, last: int) -> _Estimate:
    """The pooled rate of those with an event and of those they are compared with, over one window."""
    window = _window(school, first, last)
    theirs = _by_group(school.group, np.where(comparable, window.possible, 0.0))
    present = _by_group(school.group, np.where(comparable, window.attended, 0.0))
    rates = np.divide(present, theirs, out=np.full_like(theirs, np.nan), where=theirs > 0)
    place = np.flatnonzero(who)
    week, group = school.event_week[place], school.group[place]
    there = (window.possible[place, week] > 0) & (theirs[group, week] > 0)
    place, week, group = place[there], week[there], group[there]
    influence = np.zeros(len(who))
    if not len(place):
        return _Estimate(0, 0.0, math.nan, 0, 0.0, math.nan, influence, 0)
    possible, attended = window.possible[place, week], window.attended[place, week]
    expected = possible * rates[group, week]
    total = possible.sum()
    difference = (attended.sum() - expected.sum()) / total
    influence[place] = (attended - expected - difference * possible) / total
    # A comparable student's sessions carry the weight of those whom they are compared with.
    weight = np.zeros_like(theirs)
    np.add.at(weight, (group, week), possible / total)
    used = comparable & (weight > 0)[school.group]
    # Deviations from the rate of a few are smaller than those from the rate of many; of one alone nothing is known.
    many = _by_group(school.group, (comparable & (window.possible > 0)).astype(float))
    few = np.sqrt(np.divide(many, many - 1, out=np.full_like(many, np.nan), where=many > 1))
    share = np.divide(weight * few, theirs, out=np.zeros_like(theirs), where=weight > 0)[school.group]
    apart = window.attended - np.nan_to_num(rates)[school.group] * window.possible
    influence -= np.where(used, share * apart, 0.0).sum(axis=1)
    # Windows of several events overlap: a comparable student's session counts once however often it is used.
    reached = _sums(used.astype(float), -last, -first) > 0
    other = np.where(reached, school.possible, 0.0).sum(axis=1)
    return _Estimate(
        len(place),
        float(total),
        float(attended.sum() / total),
        int((other > 0).sum()),
        float(other.sum()),
        float(expected.sum() / total),
        influence,
        len(np.unique(group)),
    )


def _less(after: _Estimate, before: _Estimate) -> _Estimate:
    """What changed: the same students on both sides, so the numbers of students are those of either."""
    return _Estimate(
        after.students,
        after.sessions + before.sessions,
        after.rate - before.rate,
        max(after.comparison_students, before.comparison_students),
        after.comparison_sessions + before.comparison_sessions,
        after.comparison - before.comparison,
        after.influence - before.influence,
        max(after.comparison_groups, before.comparison_groups),
    )


def _row(each: _Estimate, confidence: float) -> list[float]:
    difference = 100 * (each.rate - each.comparison)
    degrees = min(each.students - 1, each.comparison_students - each.comparison_groups)
    half = 100 * half_width(each.influence, each.students, confidence, degrees)
    return [
        each.students,
        each.sessions,
        100 * each.rate,
        each.comparison_students,
        each.comparison_sessions,
        100 * each.comparison,
        difference,
        difference - half,
        difference + half,
    ]


def _hide(frame: pd.DataFrame, suppress: int | None) -> pd.DataFrame:
    """Hide rows that rest on few students; rows are the same students again, so none gives another away by a total."""
    if suppress is None:
        return frame.assign(suppressed=False)
    few = frame[["students", "comparison_students"]]
    hidden = (few.ge(1) & few.lt(suppress)).any(axis=1)
    return frame.assign(**{name: frame[name].mask(hidden) for name in _FIGURES}, suppressed=hidden)
