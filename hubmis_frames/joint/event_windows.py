"""Attendance in the weeks around an event, beside that of comparable students in the same calendar weeks."""

import numpy as np
import pandas as pd

from ..analysis.groups import hide_small_groups
from ..analysis.statistics import check_confidence, half_width
from ..privacy.suppression import check_suppress_below
from ..wellbeing.cases import check_whole_number
from ..wellbeing.selection import EVENT
from .comparison import Comparison, compare, students_to_compare, week_grid

_NOTE = (
    "Students are in this table because something was noticed, often in an unusual week. Unusual weeks are followed by "
    "more usual ones by chance alone (regression to the mean): attendance that is low before an event and higher after "
    "it is to be expected even if nobody had done anything. Comparable students share only the year group and the "
    "calendar weeks. The table describes; it does not say why attendance changed."
)
"""The note with every table and every picture of attendance around events."""

_PERIODS = ("before", "week of the event", "after", "after less before")
_COUNTS = ["students", "possible_sessions", "comparison_students", "comparison_sessions"]
_INTERVAL = ["difference_low", "difference_high"]
_FIGURES = [
    "students", "possible_sessions", "attendance_rate", "comparison_students", "comparison_sessions",
    "comparison_rate", "difference", *_INTERVAL,
]  # fmt: skip


def around_events(
    marks: pd.DataFrame,
    events: pd.DataFrame,
    *,
    weeks: int = 4,
    students: pd.DataFrame | None = None,
    within: str = "year_group_name",
    by_week: bool = False,
    kind: str | None = EVENT,
    confidence: float | None = 0.95,
    suppress_below: int | None = None,
) -> pd.DataFrame:
    """One row per period (or week) around students' first events, with their attendance and comparable students'.

    **Regression to the mean**: students are here because something was noticed, often in an unusual week, and unusual
    weeks are followed by more usual ones by chance alone. Attendance that is low before an event and higher after it is
    to be expected even if nobody had done anything. The comparison does not correct that, because the comparable
    students were not chosen in an unusual week. ``attrs["note"]`` repeats this beside the figures.

    Parameters
    ----------
    marks
        Canonical marks (``hf.attendance.marks``): ``student_id``, ``date``, ``category``.
    events
        What ``hf.wellbeing.events`` returned. First choose the categories that you ask about: commendations are events
        too, and a concern about attendance is recorded because of attendance.
    weeks
        The number of calendar weeks on either side; not school weeks. They begin as the column ``week`` of the marks
        does, else on Monday. Holidays count as weeks and add no sessions. The week of the event belongs to neither
        side, because an event is often recorded on a day on which the student came.
    students
        One row per student with the column ``within``; students who are not listed are left out, and so are, with a
        warning, those who were removed from HUBmis (their ``deleted_at`` is filled). Without it, comparable
        students may be anyone in the school.
    within
        The column of ``students`` in which comparable students agree.
    by_week
        Return a row per week, from ``-weeks`` to ``weeks``, instead of a row per period.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.
    confidence
        The confidence of the interval; None gives no interval.
    suppress_below
        Hide every row if one of them rests on 1 to ``suppress_below - 1`` students with an event, or as few comparable
        students: weeks add up to periods, so one row alone could be worked out. None hides nothing.

    Returns
    -------
    DataFrame
        One row per period, ``before``, ``week of the event``, ``after`` and ``after less before`` (or per week):

        - ``period``; ``week`` (number of calendar weeks since the week of the event; missing for a period);
        - ``students``, ``possible_sessions``: students with an event, each once, and their possible sessions;
        - ``attendance_rate``: per cent, attended sessions over possible ones, pooled;
        - ``comparison_students``, ``comparison_sessions``: different comparable students and their possible sessions;
        - ``comparison_rate``: the rate that the students with an event would have if each had, in the same calendar
          weeks, the pooled rate of the comparable students: those in the same group without an event in the ``weeks``
          before and in the week of the event;
        - ``difference``: percentage points, ``attendance_rate`` less ``comparison_rate``;
        - with ``confidence``, its interval ``difference_low`` and ``difference_high``;
        - ``suppressed``.

        ``after less before`` is the mean of the students' own changes, in percentage points: each student's own rate
        after less their own rate before, and beside it the mean of those of the comparable students. It is *not* the
        difference of the two rows, which pool sessions: holidays and the ends of the data give students more sessions
        on one side than on the other, so pooled rates differ even if nobody changes. Figures without a student are
        missing. ``attrs``: ``note``, ``interval`` (with ``confidence``), and ``left_out``, how many students with an
        event are not counted, by reason (all None if ``suppress_below`` hides one of them).

    Raises
    ------
    BadArgumentError
        A column is missing, ``weeks`` is not a whole number of at least 1, or a category of marks is unknown.

    Notes
    -----
    A student's first event is the first between the first and the last day of ``marks``; there may have been one before
    these days. Students with an event and comparable students both need possible sessions before and after the week of
    the event, so every student is on both sides. Beyond that, comparable students are chosen by what was known in the
    week of the event: one who has an event later stays comparable, or those who did well would be chosen for it. By
    week, students without a session in a week are not in it, so the lines can move as the students do. The comparison
    of a period or week is direct standardisation, by group and week, to the possible sessions of the students with an
    event. The interval is linearised and clustered by student: all sessions
    of a student count together, also those of a comparable student in the windows of several events (see
    ``analysis.statistics.half_width``). Student's t has one degree of freedom less than students with an event, or as
    many as comparable students less their groups if that is fewer; so with few of either the interval is too wide
    rather than too narrow. There is no interval with one student with an event, nor if a student has a single
    comparable student: a single one does not show how much comparable students differ.
    """
    check_whole_number("around_events", weeks=weeks)
    if confidence is not None:
        check_confidence(confidence)
    check_suppress_below(suppress_below)
    grid = week_grid(marks, events, weeks, students, within, kind)
    on_both_sides = (grid.sessions(-weeks, -1) > 0) & (grid.sessions(1, weeks) > 0)
    # Events of later weeks are not known in the week of the event, so they leave nobody out.
    comparable = on_both_sides & ~grid.has_event_within(-weeks, 0)
    selected, left_out = students_to_compare(grid, on_both_sides, comparable)

    before, during, after = (-weeks, -1), (0, 0), (1, weeks)
    if by_week:
        offsets = range(-weeks, weeks + 1)
        periods = [_PERIODS[int(np.sign(offset)) + 1] for offset in offsets]
        measures = [grid.pooled(offset, offset) for offset in offsets]
    else:
        offsets = range(0)
        periods = list(_PERIODS)
        measures = [grid.pooled(*before), grid.pooled(*during), grid.pooled(*after), grid.own_change(before, after)]
    rows = [_figures(compare(grid, selected, comparable, measure), confidence) for measure in measures]
    frame = pd.DataFrame(rows, columns=_FIGURES)
    frame = frame.astype({**dict.fromkeys(_FIGURES, "float64"), **dict.fromkeys(_COUNTS, "Int64")})
    frame.insert(0, "period", pd.Series(periods, dtype="str"))
    frame.insert(1, "week", pd.Series(list(offsets) or None, index=frame.index, dtype="Int64"))
    frame = hide_small_groups(frame, ["period", "week"], ["students", "comparison_students"], _FIGURES, suppress_below)
    # A small number left out for one reason could identify students, and the other reasons would give it back.
    few = any(0 < count < (suppress_below or 0) for count in left_out.values())
    left = {why: None if few else count for why, count in left_out.items()}
    frame.attrs = {"note": _NOTE, "left_out": left}
    if confidence is None:
        return frame.drop(columns=_INTERVAL)
    frame.attrs["interval"] = f"{100 * confidence:g} % interval of the difference, clustered by student"
    return frame


def _figures(row: Comparison, confidence: float | None) -> list[float]:
    """Return the figures of one row, in the order of the columns."""
    difference = 100 * (row.rate - row.comparison_rate)
    degrees = min(row.students - 1, row.comparison_students - row.comparison_groups)
    half = np.nan if confidence is None else 100 * half_width(row.influence, row.students, confidence, degrees)
    return [
        row.students,
        row.sessions,
        100 * row.rate,
        row.comparison_students,
        row.comparison_sessions,
        100 * row.comparison_rate,
        difference,
        difference - half,
        difference + half,
    ]
