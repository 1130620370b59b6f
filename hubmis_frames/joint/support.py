"""Attendance by whether a wellbeing plan or a learning support record was in force on the day."""

import numpy as np
import pandas as pd

from ..analysis.calendar import check_timezone
from ..analysis.columns import as_ids, local_dates, require_columns, require_values
from ..analysis.groups import hide_small_groups
from ..analysis.realms import STUDENTS, require_one_school
from ..analysis.statistics import check_confidence, half_width
from ..wellbeing.canonical import LONDON
from ..wellbeing.selection import has_ended, select_plans
from .sessions import SESSIONS, sessions_by_day

STATUSES = ("in force", "ended, date not known", "not in force on the day", "never on record")
"""The status of a student's plans or records on the day of a session."""

_ENDED = ("inactive", "ended", "closed", "archived", "completed")


def attendance_by_plan(
    marks: pd.DataFrame,
    events: pd.DataFrame,
    *,
    confidence: float | None = 0.95,
    suppress_below: int | None = None,
) -> pd.DataFrame:
    """One row per status of a wellbeing plan on the day of a session, with the attendance in these sessions.

    Parameters
    ----------
    marks, events
        Canonical marks; canonical events, from which only the plans are used.
    confidence, suppress_below
        As for :func:`attendance_by_learning_support`.

    Returns
    -------
    DataFrame
        The same columns as from :func:`attendance_by_learning_support`. A plan is in force from its ``date`` to the day
        before its ``closed_date``. A plan without a closing date is still in force if it is active, or if it has no
        status and other plans have a closing date. For any other plan without a closing date, the days since its start
        are ``ended, date not known``: they count neither as days with a plan nor as days without one.

    Raises
    ------
    MissingFieldError
        Plans have neither a status nor a closing date.
    BadArgumentError
        A column is missing, or a status is neither ``active`` nor ``inactive``.

    Warns
    -----
    HubmisWarning
        ``events`` contains no plan at all: perhaps plans were not loaded.
    """
    plans = select_plans(events, "attendance_by_plan", marks)
    if plans["closed_date"].isna().all():
        require_values(plans, "status", "attendance_by_plan", "or a closed_date, to tell active plans from ended ones")
    ended = has_ended(plans, "attendance_by_plan")
    spells = pd.DataFrame(
        {STUDENTS: plans[STUDENTS], "start": plans["date"], "end": plans["closed_date"], "ended": ended}
    )
    return _attendance_by_status(marks, spells, "attendance_by_plan", confidence, suppress_below)


def attendance_by_learning_support(
    marks: pd.DataFrame,
    records: pd.DataFrame,
    *,
    timezone: str = LONDON,
    confidence: float | None = 0.95,
    suppress_below: int | None = None,
) -> pd.DataFrame:
    """One row per status of learning support on the day of a session, with the attendance in these sessions.

    Parameters
    ----------
    marks
        Canonical marks.
    records
        What ``load_learning_support_records`` returned: ``student_id``, ``learning_support_date``, ``inactive_date``
        and, if sent, ``status_name``. Choose the types or severities that you ask about first. Each school names its
        own statuses: a record that is inactive, ended, closed, archived or completed has ended; any other is in force
        until its ``inactive_date``. If your school uses another name for an ended record, replace it by one of these.
    timezone
        The school's time zone, for dates that were sent as instants.
    confidence
        The confidence of the interval; None gives no interval.
    suppress_below
        Hide rows with 1 to ``suppress_below - 1`` students, and further rows as :func:`hubmis_frames.suppress` does.
        None hides nothing.

    Returns
    -------
    DataFrame
        One row per ``status`` on the day of a session, always all four: ``in force`` (from ``learning_support_date`` to
        the day before ``inactive_date``); ``ended, date not known`` (the record has no start, or its status says that
        it has ended and the date is missing); ``not in force on the day`` (the student has a record for other days);
        ``never on record``. Columns: ``status``, ``students`` (with sessions in that status; one student can be in
        several rows), ``possible_sessions``, ``attended_sessions``, ``attendance_rate`` (per cent), with ``confidence``
        its interval ``attendance_rate_low`` and ``attendance_rate_high`` (clustered by student, linearised; with ten
        students a 95 % interval contains the true value about 90 % of the time), and ``suppressed``. The rate of a
        status without sessions is missing. The possible sessions of the rows sum to all possible ones.

    Raises
    ------
    BadArgumentError
        A column is missing, or a category of marks is unknown.
    """
    measure = "attendance_by_learning_support"
    check_timezone(timezone, measure)
    needed = [STUDENTS, "learning_support_date", "inactive_date"]
    require_columns(records, needed, f"{measure}: records")
    require_one_school(records, measure, marks)
    status = records["status_name"] if "status_name" in records else pd.Series("", index=records.index)
    start, end = (local_dates(records[day], timezone, f"{measure}: {day}") for day in needed[1:])
    spells = pd.DataFrame(
        {
            STUDENTS: as_ids(records[STUDENTS], f"{measure}: records' student_id"),
            "start": start,
            "end": end,
            "ended": status.astype("str").str.strip().str.casefold().isin(_ENDED),
        }
    )
    return _attendance_by_status(marks, spells, measure, confidence, suppress_below)


def _attendance_by_status(
    marks: pd.DataFrame,
    spells: pd.DataFrame,
    measure: str,
    confidence: float | None,
    suppress_below: int | None,
) -> pd.DataFrame:
    """Pool the sessions of each status; a spell is a plan or a record, from ``start`` to the day before ``end``."""
    if confidence is not None:
        check_confidence(confidence)
    days = sessions_by_day(marks, measure)
    days = days.assign(status=_status_by_day(days, spells))
    by_student = days.groupby(["status", STUDENTS], as_index=False)[SESSIONS].sum()
    by_student = by_student[by_student["possible_sessions"] > 0].astype(dict.fromkeys(SESSIONS, float))
    totals = by_student.groupby("status").agg(
        students=(STUDENTS, "size"),
        possible_sessions=("possible_sessions", "sum"),
        attended_sessions=("attended_sessions", "sum"),
    )
    totals = totals.reindex(pd.Index(STATUSES, name="status"))
    rate = totals["attended_sessions"] / totals["possible_sessions"]
    frame = totals.fillna(0).astype("Int64").reset_index().astype({"status": "str"})
    frame["attendance_rate"] = 100 * rate.to_numpy()
    figures = ["students", "possible_sessions", "attended_sessions", "attendance_rate"]
    if confidence is not None:
        expected = by_student["status"].map(rate).astype(float) * by_student["possible_sessions"]
        sessions = by_student["status"].map(totals["possible_sessions"]).astype(float)
        by_student["influence"] = (by_student["attended_sessions"] - expected) / sessions
        influence = {name: part.to_numpy(float) for name, part in by_student.groupby("status")["influence"]}
        half = [
            half_width(influence[name], len(influence[name]), confidence) if name in influence else np.nan
            for name in STATUSES
        ]
        frame["attendance_rate_low"] = (100 * (rate.to_numpy() - half)).clip(min=0)
        frame["attendance_rate_high"] = (100 * (rate.to_numpy() + half)).clip(max=100)
        figures += ["attendance_rate_low", "attendance_rate_high"]
    return hide_small_groups(frame, ["status"], ["students"], figures, suppress_below)


def _status_by_day(days: pd.DataFrame, spells: pd.DataFrame) -> pd.Series:
    """Return the status of each student's spells on each of their days, one of :data:`STATUSES`."""
    spells = spells[spells[STUDENTS].notna()].astype({STUDENTS: days[STUDENTS].dtype})
    pairs = days[[STUDENTS, "date"]].reset_index(names="day").merge(spells, on=STUDENTS)
    begun = pairs["start"].le(pairs["date"]) | pairs["start"].isna()
    over = pairs["end"].le(pairs["date"])
    # Without a start, or ended without an end date, it may or may not have been in force on the day.
    uncertain = pairs["start"].isna() | (pairs["ended"].astype(bool) & pairs["end"].isna())
    pairs["rank"] = np.select([begun & ~over & ~uncertain, begun & ~over & uncertain], [0, 1], default=2)
    # Of several spells, the one with the most certain status counts.
    rank = pairs.groupby("day")["rank"].min().reindex(days.index, fill_value=3)
    return rank.map(dict(enumerate(STATUSES)))
