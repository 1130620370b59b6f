"""Who is persistently absent, who may become so, and how lately that has changed."""

import functools

import numpy as np
import pandas as pd

from ..analysis.calendar import Calendar, check_calendar
from ..analysis.columns import DAY
from ..analysis.groups import By, as_list, number_groups
from ..analysis.realms import person_columns
from ..errors import BadArgumentError
from ..frames.partitions import Frame
from .canonical import enrolment_bound, newest_register
from .checks import category_numbers, check_marks, warn_out_of_range
from .partial_counts import by_people, concatenate
from .summary import counted, per_cent, rated, reached, summarise, tally

_OWN = ["possible_sessions", "absence", "absence_rate", "authorised_rate", "unauthorised_rate", "unmarked"]


def persistent(marks: Frame, by: By = None, *, calendar: Calendar | None = None) -> pd.DataFrame:
    """Students persistently absent: one row per student, the most absent first.

    Parameters
    ----------
    marks
        Canonical marks, as for :func:`summarise`. All of them together are one period: give those of one academic year
        or term, or use ``by``.
    by
        Columns or periods within which to look, as for :func:`summarise`: ``by="term"`` gives a row per student and
        term in which they were persistently absent.
    calendar
        The school's terms, where ``by`` needs them.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``realm`` where the marks have it, ``student_id``, ``possible_sessions``, ``absence``
        (sessions), ``absence_rate``, ``authorised_rate``, ``unauthorised_rate`` (per cent of own possible sessions),
        ``unmarked`` (sessions) and ``severe`` (absent from at least half). Names and forms come by
        ``hf.join(result, students)``.

    Notes
    -----
    At least 10 per cent of a student's own possible sessions: Department for Education, *Pupil absence statistics:
    methodology*. See :func:`summarise`.
    """
    first = as_list(by)
    then = [name for name in person_columns(marks) if name == "student_id" or name not in first]
    count = functools.partial(_persistent, by=[*first, *then], calendar=calendar)
    parts = by_people(count, marks, [*first, *then], "persistent")
    frame = concatenate([part for part in parts if len(part)] or parts[:1])
    ascending = [*(True for _ in first), False, *(True for _ in then)]
    return frame.sort_values([*first, "absence_rate", *then], ascending=ascending, ignore_index=True)


def _persistent(marks: pd.DataFrame, by: list[str], calendar: Calendar | None) -> pd.DataFrame:
    frame = rated(counted(marks, by, calendar, "persistent"))
    frame["severe"] = frame["severe_absentees"].astype(bool)
    return frame.loc[frame["persistent_absentees"] > 0, [*by, *_OWN, "severe"]]


def at_risk(
    marks: pd.DataFrame,
    calendar: Calendar,
    *,
    on: str | pd.Timestamp | None = None,
    enrolment: pd.DataFrame | None = None,
    sessions_per_day: int = 2,
) -> pd.DataFrame:
    """How near each student is to persistent absence this year, and whether it can still be avoided.

    Parameters
    ----------
    marks
        Canonical marks. Those of the academic year of ``on`` count, up to that day.
    calendar
        The school's days, for the sessions that are still to come.
    on
        The day on which to stand; that of :func:`newest_register` unless given. For a part of the school give that of
        the whole.
    enrolment
        A frame with ``student_id`` and ``leaving_date``: no session comes after a student has left.
    sessions_per_day
        How many sessions an open day has.

    Returns
    -------
    DataFrame
        One row per student, the nearest first (by ``can_still_miss``, then the higher rate):

        - ``student_id``, ``possible_sessions``, ``absence``, ``absence_rate`` (per cent) so far, ``persistent`` now;
        - ``sessions_until_persistent``: absent from so many more sessions *in a row from now*, the student would be at
          10 per cent of the sessions so far; 0 for those who are; missing without a possible session so far;
        - ``remaining_sessions``: until the end of the year's last term;
        - ``can_still_miss``: sessions the student can miss yet and end the year below 10 per cent; below 0 none would
          do, and it says how many too many there were; no more than there remain;
        - ``avoidable``: attending all that remain would end the year below 10 per cent;
        - ``sessions_to_recover``: for those persistent now, sessions to attend in a row until they are below; missing
          if the year is too short for it, and for all others.

    Raises
    ------
    BadArgumentError
        ``on`` lies before the calendar's first term.

    Notes
    -----
    Arithmetic on the definition of the Department for Education (see :func:`summarise`), not a forecast. It takes every
    remaining open day as two possible sessions for every student; study leave counts as absence, and closures to come
    make fewer. A student who has left and has no ``leaving_date`` still appears, as if they were to return.
    """
    check_marks(marks, "at_risk")
    check_calendar(calendar, "at_risk")
    day = newest_register(marks) if on is None else pd.Timestamp(on).normalize()
    if pd.isna(day):
        raise BadArgumentError("at_risk: there are no marks; say on which day to stand with on=.")
    year = calendar.year_of(day)
    if year is None:
        raise BadArgumentError(f"at_risk: {day:%Y-%m-%d} is before the calendar's first term.")
    warn_out_of_range(marks[marks["date"] <= day], calendar, "at_risk")
    terms = calendar.terms[calendar.terms["academic_year"].eq(year)]
    start, end = terms["start"].min(), terms["end"].max()
    mine = marks[(marks["date"] >= start) & (marks["date"] <= day)]
    frame = summarise(mine, "student_id")[["student_id", "possible_sessions", "absence", "absence_rate"]]
    possible, absent = frame["possible_sessions"].to_numpy(), frame["absence"].to_numpy()
    last = pd.Series(end, index=frame.index)
    if enrolment is not None:
        left = enrolment_bound(enrolment, frame["student_id"], "end")
        last = last.where(~(left < last), left)
    ahead = calendar.open_days(day + DAY, end)
    remaining = sessions_per_day * np.searchsorted(ahead.to_numpy(), last.to_numpy(), side="right")
    # On the day itself the afternoon is still to come while nobody has a mark for it, a blank one aside.
    if len(calendar.open_days(day, day)):
        today = mine[mine["date"].eq(day) & mine["category"].ne("unmarked")].groupby("session", observed=True)
        students = today["student_id"].nunique()
        taken = int((students >= students.max() / 2).sum())  # an appointment booked for the afternoon is no register
        remaining = remaining + np.where(last >= day, max(sessions_per_day - taken, 0), 0)
    now = reached(absent, possible, 10)
    # Smallest k with 10 (absent + k) >= possible + k, and the most absences below a tenth of the year's sessions.
    until = np.where(now, 0, -((10 * absent - possible) // 9))
    total = possible + remaining
    can_miss = np.minimum(np.maximum((total - 1) // 10, 0) - absent, remaining)
    back = 10 * absent - possible + 1
    frame["persistent"] = now
    frame["sessions_until_persistent"] = pd.array(until, dtype="Int64")
    frame.loc[possible == 0, "sessions_until_persistent"] = pd.NA
    frame["remaining_sessions"] = remaining
    frame["can_still_miss"] = can_miss
    frame["avoidable"] = (absent == 0) | (10 * absent < total)
    frame["sessions_to_recover"] = pd.array(back, dtype="Int64")
    frame.loc[~now | (back > remaining), "sessions_to_recover"] = pd.NA
    return frame.sort_values(
        ["can_still_miss", "absence_rate", "student_id"], ascending=[True, False, True], ignore_index=True
    )


def rolling_change(
    marks: pd.DataFrame,
    by: By = "student_id",
    *,
    weeks: int = 4,
    until: str | pd.Timestamp | None = None,
    calendar: Calendar | None = None,
) -> pd.DataFrame:
    """How absence has changed lately: one row per student or group, the greatest rise first.

    Parameters
    ----------
    marks
        Canonical marks.
    by
        As for :func:`summarise`.
    weeks
        How many school weeks to compare with as many before them. A week counts in which anybody has a possible
        session, so holidays are passed over.
    until
        The last day to count; the last one with a mark unless given, so give :func:`newest_register` where leave is
        booked ahead. Its week is counted as far as it goes.
    calendar
        The school's terms, where ``by`` needs them, and the first day of its week.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``earlier_possible``, ``earlier_absence`` (sessions), ``earlier_absence_rate`` (per
        cent), the same with ``recent_``, and ``change`` (percentage points, recent less earlier; missing where either
        has no possible session).

    Raises
    ------
    BadArgumentError
        ``weeks`` is not at least 1.

    Notes
    -----
    Not a published measure. Of many students some rise by chance, and those who rose most mostly fall again (regression
    to the mean). Marks of the last five school days may still change from ``N`` to another code.
    """
    check_marks(marks, "rolling_change")
    if weeks < 1:
        raise BadArgumentError(f"rolling_change: weeks must be at least 1, not {weeks}.")
    chosen = marks if until is None else marks[marks["date"] <= pd.Timestamp(until)]
    totals = summarise(chosen, "week", calendar=calendar)
    school_weeks = totals.loc[totals["possible_sessions"] > 0, "week"].tail(2 * weeks)
    spans = {"earlier": school_weeks.iloc[:-weeks], "recent": school_weeks.iloc[-weeks:]}
    # Of no week the bounds are missing, and nothing lies between them.
    inside = {half: chosen["date"].between(span.min(), span.max() + 6 * DAY) for half, span in spans.items()}
    either = inside["earlier"] | inside["recent"]
    compared = chosen[either]
    made = [f"{half}_{name}" for half in spans for name in ("possible", "absence", "absence_rate")]
    groups = number_groups(compared, by, calendar, "rolling_change", [*made, "change"])
    numbers = category_numbers(compared, "rolling_change")
    frame = groups.keys.copy()
    for half, of_half in inside.items():
        mine = of_half[either].to_numpy()
        counts = tally(groups.number[mine], numbers[mine], len(frame))
        frame[f"{half}_possible"], frame[f"{half}_absence"] = counts[:, :5].sum(axis=1), counts[:, 3:5].sum(axis=1)
        frame[f"{half}_absence_rate"] = per_cent(frame[f"{half}_absence"], frame[f"{half}_possible"])
    frame["change"] = frame["recent_absence_rate"] - frame["earlier_absence_rate"]
    return frame.sort_values("change", ascending=False, kind="stable", ignore_index=True)
