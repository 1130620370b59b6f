"""Who is persistently absent, who may become so, and how absence has changed recently."""

import functools

import numpy as np
import pandas as pd

from ..analysis.calendar import Calendar, Day, check_calendar
from ..analysis.columns import DAY, as_day, as_days
from ..analysis.groups import By, as_list, number_groups
from ..analysis.realms import person_columns, with_realm
from ..errors import BadArgumentError
from ..frames.partitions import Frame
from .canonical import enrolment_bound, newest_register
from .checks import category_numbers, check_marks, warn_out_of_range
from .partial_counts import by_people, concatenate
from .summary import count_categories, count_marks, per_cent, reaches_share, summarise, summary_of

_OF_STUDENT = [
    "possible_sessions", "absent_sessions", "absence_rate", "authorised_rate", "unauthorised_rate", "unmarked_sessions",
]  # fmt: skip


def absentees(marks: Frame, by: By = None, *, calendar: Calendar | None = None) -> pd.DataFrame:
    """One row per persistently absent student, the most absent first.

    Parameters
    ----------
    marks
        Canonical marks, as for :func:`summarise`. All of them together are one period: give those of one academic year
        or term, or use ``by``.
    by
        Columns or periods within which to look, as for :func:`summarise`: ``by="term"`` gives one row per student and
        term in which the student was persistently absent.
    calendar
        The school's days, if ``by`` needs them.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``realm`` if the marks have it, ``student_id``, ``possible_sessions``,
        ``absent_sessions``, ``absence_rate``, ``authorised_rate``, ``unauthorised_rate`` (per cent of the student's own
        possible sessions), ``unmarked_sessions`` and ``severe`` (absent from at least half). For names and forms, use
        ``hf.join(result, students)``.

    Notes
    -----
    Absent from at least 10 per cent of the student's own possible sessions: Department for Education, *Pupil absence
    statistics: methodology*. See :func:`summarise`.
    """
    first = as_list(by)
    person = [name for name in person_columns(marks) if name == "student_id" or name not in first]
    names = [*(name for name in first if name != "student_id"), *person]
    groups = [name for name in names if name not in person]
    parts = by_people(functools.partial(_absentees, by=names, calendar=calendar), marks, names, "absentees")
    frame = concatenate([part for part in parts if len(part)] or parts[:1])
    # The groups in their order over all parts, and within each the most absent first.
    order = number_groups(frame.assign(date=frame["_first_date"]), groups, None, "absentees", [])
    for name in groups:
        frame[name] = order.keys[name].take(order.number).set_axis(frame.index)
    frame = frame.assign(_group=order.number)
    frame = frame.sort_values(
        ["_group", "absence_rate", *person], ascending=[True, False, *(True for _ in person)], ignore_index=True
    )
    return frame[[*names, *_OF_STUDENT, "severe"]]


def _absentees(marks: pd.DataFrame, by: list[str], calendar: Calendar | None) -> pd.DataFrame:
    counts = count_marks(marks, by, calendar, caller="absentees")
    frame = summary_of(counts)
    frame["severe"] = frame["severe_absentees"].astype(bool)
    frame["_first_date"] = counts.first_date
    return frame.loc[frame["persistent_absentees"] > 0, [*by, *_OF_STUDENT, "severe", "_first_date"]]


def at_risk(
    marks: pd.DataFrame,
    calendar: Calendar,
    *,
    on: Day | None = None,
    within_sessions: int = 10,
    enrolment: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per student: how near to persistent absence this year, and whether it can still be avoided.

    Parameters
    ----------
    marks
        Canonical marks. Those of the academic year of ``on`` count, up to that day.
    calendar
        The school's days, for the sessions that are still to come.
    on
        The day from which to look ahead; the :func:`newest_register` if not given. For a part of the school, give the
        newest register of the whole school.
    within_sessions
        A student is at risk if this many more sessions of absence in a row would make the student persistently absent.
    enrolment
        A frame with ``student_id`` and ``leaving_date``: no sessions are expected after a student has left.

    Returns
    -------
    DataFrame
        The nearest first (by ``can_still_miss``, then by the higher rate):

        - ``realm`` if the marks have it, and ``student_id``;
        - ``possible_sessions``, ``absent_sessions`` and ``absence_rate`` (per cent) so far;
        - ``status``: ``persistent``, ``at risk`` (``sessions_until`` is at most ``within_sessions``) or ``below``;
          missing without a possible session so far;
        - ``sessions_until``: after how many more sessions of absence *in a row from now* the student would be at
          10 per cent of the sessions so far; 0 for those who are persistently absent; missing without a possible
          session so far;
        - ``remaining_sessions``: until the end of the year's last term;
        - ``can_still_miss``: how many of these the student can miss and still end the year below 10 per cent. A
          negative number says that none can be missed, and by how many sessions the absence so far is too high;
        - ``avoidable``: attending all remaining sessions would end the year below 10 per cent;
        - ``sessions_to_recover``: for persistent students, how many sessions to attend in a row to be below 10 per
          cent; missing if the year is too short for that, and for all other students.

    Raises
    ------
    BadArgumentError
        ``on`` is not a day or lies before the calendar's first term, or ``within_sessions`` is below 1.

    Warns
    -----
    HubmisWarning
        Marks lie outside the calendar.

    Notes
    -----
    Arithmetic on the definition of the Department for Education (see :func:`summarise`), not a forecast. Each
    remaining session of the calendar counts as possible for every student; study leave counts as absence, and closures
    still to come reduce the number. A student who has left and has no ``leaving_date`` appears as if still here.
    """
    check_marks(marks, "at_risk")
    check_calendar(calendar, "at_risk")
    if within_sessions < 1:
        raise BadArgumentError(f"at_risk: within_sessions must be at least 1, not {within_sessions!r}.")
    day = newest_register(marks) if on is None else as_day(on, "at_risk: on")
    if pd.isna(day):
        raise BadArgumentError("at_risk: there are no marks. Give the day from which to look ahead: on='2026-07-03'.")
    year = calendar.year_of(day)
    if year is None:
        raise BadArgumentError(f"at_risk: {day:%Y-%m-%d} is before the calendar's first term.")
    warn_out_of_range(marks[marks["date"] <= day], calendar, "at_risk")
    terms = calendar.terms[calendar.terms["academic_year"].eq(year)]
    start, end = terms["start"].min(), terms["end"].max()
    counted = marks[(marks["date"] >= start) & (marks["date"] <= day)]
    person = person_columns(marks)
    frame = summarise(counted, person)[[*person, "possible_sessions", "absent_sessions", "absence_rate"]]
    possible, absent = frame["possible_sessions"].to_numpy(), frame["absent_sessions"].to_numpy()
    last = pd.Series(end, index=frame.index)
    if enrolment is not None:
        left = enrolment_bound(enrolment, frame["student_id"], "end", calendar.timezone)
        last = last.where(~(left < last), left)
    held = calendar.sessions_up_to(pd.Series([day]))
    remaining = np.maximum(calendar.sessions_up_to(last) - held, 0)
    # On the day itself a session is still to come as long as few students have a mark for it, blank marks aside.
    planned = int((held - calendar.sessions_up_to(pd.Series([day - DAY])))[0])
    if planned:
        today = counted[counted["date"].eq(day) & counted["category"].ne("unmarked")]
        students = today.groupby("session", observed=True)["student_id"].nunique()
        # An appointment booked for the afternoon is not a register.
        taken = int((students >= students.max() / 2).sum())
        remaining = remaining + np.where(last >= day, max(planned - taken, 0), 0)
    persistent = reaches_share(absent, possible, 10)
    # The smallest k with 10 (absent + k) >= possible + k, and the most absences below a tenth of the year's sessions.
    until = np.where(persistent, 0, -((10 * absent - possible) // 9))
    total = possible + remaining
    recover = 10 * absent - possible + 1
    status = np.select([persistent, until <= within_sessions], ["persistent", "at risk"], default="below")
    frame["status"] = pd.Series(status, index=frame.index, dtype="str").where(possible > 0)
    frame["sessions_until"] = pd.Series(until, index=frame.index, dtype="Int64").where(possible > 0)
    frame["remaining_sessions"] = remaining
    frame["can_still_miss"] = np.minimum(np.maximum((total - 1) // 10, 0) - absent, remaining)
    frame["avoidable"] = (absent == 0) | (10 * absent < total)
    can_recover = persistent & (recover <= remaining)
    frame["sessions_to_recover"] = pd.Series(recover, index=frame.index, dtype="Int64").where(can_recover)
    ascending = [True, False, *(True for _ in person)]
    return frame.sort_values(["can_still_miss", "absence_rate", *person], ascending=ascending, ignore_index=True)


def recent_change(
    marks: pd.DataFrame,
    by: By = "student_id",
    *,
    weeks: int = 4,
    until: Day | None = None,
    calendar: Calendar | None = None,
) -> pd.DataFrame:
    """One row per student or group, with how its absence has changed recently, the greatest rise first.

    Parameters
    ----------
    marks
        Canonical marks.
    by
        As for :func:`summarise`.
    weeks
        How many school weeks to compare with as many before them. A week counts if any student has a possible session
        in it, so holidays are skipped.
    until
        The last day to count; the last day with a mark if not given. Where leave is booked ahead, give the
        :func:`newest_register`. Its week is counted up to that day.
    calendar
        The school's days, if ``by`` needs them or the week does not begin on Monday.

    Returns
    -------
    DataFrame
        The columns of ``by`` (and ``realm`` beside ``student_id``), ``earlier_possible_sessions``,
        ``earlier_absent_sessions``, ``earlier_absence_rate`` (per cent), the same with ``recent_``, and ``change``
        (percentage points, recent minus earlier; missing if either has no possible session).

    Raises
    ------
    BadArgumentError
        ``weeks`` is not at least 1, or ``until`` is not a day.

    Notes
    -----
    Not a published measure. Among many students some rise by chance, and those who rose most usually fall again
    (regression to the mean). Marks of the last five school days may still change from ``N`` to another code.
    """
    check_marks(marks, "recent_change")
    if weeks < 1:
        raise BadArgumentError(f"recent_change: weeks must be at least 1, not {weeks}.")
    last = as_days(None, until, "recent_change")[1]
    counted = marks if last is None else marks[marks["date"] <= last]
    totals = summarise(counted, "week", calendar=calendar)
    school_weeks = totals.loc[totals["possible_sessions"] > 0, "week"].tail(2 * weeks)
    spans = {"earlier": school_weeks.iloc[:-weeks], "recent": school_weeks.iloc[-weeks:]}
    # Without a week the bounds are missing, and no date lies between them.
    inside = {half: counted["date"].between(span.min(), span.max() + 6 * DAY) for half, span in spans.items()}
    either = inside["earlier"] | inside["recent"]
    compared = counted[either]
    names = [f"{half}_{name}" for half in spans for name in ("possible_sessions", "absent_sessions", "absence_rate")]
    groups = number_groups(compared, with_realm(by, marks), calendar, "recent_change", [*names, "change"])
    numbers = category_numbers(compared, "recent_change")
    frame = groups.keys.copy()
    for half, in_half in inside.items():
        chosen = in_half[either].to_numpy()
        counts = count_categories(groups.number[chosen], numbers[chosen], len(frame))
        possible, absent = counts[:, :5].sum(axis=1), counts[:, 3:5].sum(axis=1)
        frame[f"{half}_possible_sessions"], frame[f"{half}_absent_sessions"] = possible, absent
        frame[f"{half}_absence_rate"] = per_cent(absent, possible)
    frame["change"] = frame["recent_absence_rate"] - frame["earlier_absence_rate"]
    return frame.sort_values("change", ascending=False, kind="stable", ignore_index=True)
