"""Attendance and wellbeing together: what goes with what, with numbers and intervals, and never why.

Each function takes canonical marks (``hf.attendance.marks``) and canonical events (``hf.wellbeing.events``) and
returns a frame. Rates pool sessions: 100 x sum over sum. Intervals count students, as one student's sessions are alike.
An event is what somebody recorded, often because of attendance, so the two are linked by how they are written down.
"""

import numpy as np
import pandas as pd

from ..analysis.columns import as_ids, local_dates, require_columns, require_values
from ..analysis.groups import check_students, hide_small_groups
from ..analysis.realms import STUDENTS, require_one_school
from ..analysis.statistics import check_confidence, half_width, spearman
from ..attendance.summary import BANDS
from ..wellbeing.canonical import EVENT, LONDON, chosen, has_ended, plans_of
from .event_windows import NOTE, around_events
from .sessions import COUNTS, sessions_of

__all__ = [
    "NOTE",
    "STATUSES",
    "around_events",
    "attendance_by_learning_support",
    "attendance_by_plan",
    "events_by_absence_band",
    "lateness_and_events",
    "per_student",
]

STATUSES = ("in force", "ended, date not known", "not in force on the day", "never on record")
"""How a plan or a record stands on the day of a session."""

_LAST_BAND = len(BANDS) - 1
_ENDED = ("inactive", "ended", "closed", "archived", "completed")


def per_student(
    marks: pd.DataFrame, events: pd.DataFrame, students: pd.DataFrame | None = None, *, kind: str | None = EVENT
) -> pd.DataFrame:
    """Each student's sessions and events side by side.

    Parameters
    ----------
    marks, events
        Canonical marks and events. Only events between the first and the last day of ``marks`` are counted, so that
        both speak of the same days.
    students
        Whom to count; everybody with a mark unless given. Those without a mark are there with no sessions.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per student: ``student_id``, ``possible``, ``attended``, ``late``, ``absent`` (sessions), ``events``,
        ``absence_rate`` (per cent of possible sessions), ``late_rate`` (per cent of attended sessions) and
        ``events_per_100_sessions`` (possible ones); a rate without sessions is missing.

    Raises
    ------
    BadArgumentError
        A column is not there, or a category of marks is not known.
    """
    days = sessions_of(marks, "per_student")
    each = days.groupby(STUDENTS)[COUNTS].sum()
    rows = chosen(events, kind, "per_student", marks, students)
    if students is not None:
        people = check_students(students, "per_student")
        each = each.reindex(pd.Index(people[STUDENTS], name=STUDENTS), fill_value=0)
    rows = rows[rows["date"].between(days["date"].min(), days["date"].max())]
    each["absent"] = each["possible"] - each["attended"]
    each["events"] = rows.groupby(STUDENTS).size().reindex(each.index)
    each = each.astype("Int64").fillna(0).reset_index()
    for rate, part, of in (
        ("absence_rate", "absent", "possible"),
        ("late_rate", "late", "attended"),
        ("events_per_100_sessions", "events", "possible"),
    ):
        each[rate] = 100 * each[part].astype(float) / each[of].astype(float).where(each[of] > 0)
    return each.sort_values(STUDENTS, ignore_index=True)


def attendance_by_plan(
    marks: pd.DataFrame, events: pd.DataFrame, *, confidence: float = 0.95, suppress: int | None = None
) -> pd.DataFrame:
    """Attendance by whether a wellbeing plan was in force on the day.

    Parameters
    ----------
    marks, events
        Canonical marks; canonical events, of which the plans are taken.
    confidence, suppress
        As for :func:`attendance_by_learning_support`.

    Returns
    -------
    DataFrame
        As :func:`attendance_by_learning_support` returns. A plan is in force from its ``date`` to the day before its
        ``closed_date``. Without such a date an active plan is in force still, as is one without a status where others
        have such a date; days since the start of any other are ``ended, date not known``: neither with a plan nor
        without.

    Raises
    ------
    MissingFieldError
        Plans have neither a status nor a closing date.
    BadArgumentError
        A column is not there, or a status is neither ``active`` nor ``inactive``.

    Warns
    -----
    HubmisWarning
        There is no plan at all among ``events``: perhaps plans were not loaded.
    """
    rows = plans_of(events, "attendance_by_plan", marks)
    if rows["closed_date"].isna().all():
        require_values(rows, "status", "attendance_by_plan", "or a closed_date, to tell active plans from ended ones")
    ended = has_ended(rows, "attendance_by_plan")
    spells = pd.DataFrame({STUDENTS: rows[STUDENTS], "start": rows["date"], "end": rows["closed_date"], "ended": ended})
    return _by_status(marks, spells, "attendance_by_plan", confidence, suppress)


def attendance_by_learning_support(
    marks: pd.DataFrame, records: pd.DataFrame, *, confidence: float = 0.95, suppress: int | None = None
) -> pd.DataFrame:
    """Attendance by whether a learning support record was in force on the day.

    Parameters
    ----------
    marks
        Canonical marks.
    records
        What ``load_learning_support_records`` returned: ``student_id``, ``learning_support_date``, ``inactive_date``
        and, if sent, ``status_name``. Choose types or severities first, if that is the question. A school names its
        statuses itself: inactive, ended, closed, archived and completed have ended, a record of any other is in force
        until its ``inactive_date``. Replace other names for an end by one of these.
    confidence
        Of the interval.
    suppress
        Hide rows of 1 to ``suppress - 1`` students, and others as :func:`hubmis_frames.suppress` does.

    Returns
    -------
    DataFrame
        One row per ``status`` on the day of a session, all four always: ``in force`` (from ``learning_support_date``
        to the day before ``inactive_date``), ``ended, date not known`` (on or after the start of a record whose status
        says that it has ended and not when, or of one without a start), ``not in force on the day`` (the student has a
        record for other days), ``never on record``; ``students`` (with sessions in that status: one student can be in
        several), ``sessions`` (possible), ``attended``, ``attendance_rate`` (per cent), ``low``, ``high`` (clustered by
        student, linearised; with ten students a 95 % interval holds about 90 % of the time) and ``suppressed``. Rates
        without sessions are missing. The sessions sum to all possible ones.

    Raises
    ------
    BadArgumentError
        A column is not there, or a category of marks is not known.
    """
    needed = [STUDENTS, "learning_support_date", "inactive_date"]
    require_columns(records, needed, "attendance_by_learning_support: records")
    require_one_school(records, "attendance_by_learning_support", marks)
    status = records["status_name"] if "status_name" in records else pd.Series("", index=records.index)
    start, end = (local_dates(records[day], LONDON, f"attendance_by_learning_support: {day}") for day in needed[1:])
    spells = pd.DataFrame(
        {
            STUDENTS: as_ids(records[STUDENTS], "attendance_by_learning_support: records' student_id"),
            "start": start,
            "end": end,
            "ended": status.astype("str").str.strip().str.casefold().isin(_ENDED),
        }
    )
    return _by_status(marks, spells, "attendance_by_learning_support", confidence, suppress)


def events_by_absence_band(
    marks: pd.DataFrame,
    events: pd.DataFrame,
    students: pd.DataFrame | None = None,
    *,
    kind: str | None = EVENT,
    confidence: float = 0.95,
    suppress: int | None = None,
) -> pd.DataFrame:
    """How many events students have, by how much they are absent.

    Parameters
    ----------
    marks, events, students, kind
        As for :func:`per_student`. Leave out events about attendance (a category) when the question is of others: those
        are recorded because of the band.
    confidence
        Of the interval.
    suppress
        Hide bands of 1 to ``suppress - 1`` students, or with so few concerned, and others as
        :func:`hubmis_frames.suppress` does.

    Returns
    -------
    DataFrame
        One row per band of five points of absence, all eleven, and a last one without a band for students without a
        possible session: ``absence_band``, ``absence_from`` (per cent), ``students``, ``students_concerned``,
        ``sessions`` (possible), ``events``, ``events_per_100`` (students), ``low``, ``high`` (its interval over
        students: Student's t) and ``suppressed``. Rates without students are missing.

    Raises
    ------
    BadArgumentError
        A column is not there, or a category of marks is not known.

    Notes
    -----
    Bands as in the DfE's "Pupil absence in schools in England", from 0 to under 5 per cent up to 50 and over,
    compared in whole numbers. Students who were here for part of the time have had less time for events: ``sessions``
    shows by how much. Events are unevenly spread, so in a band of ten students a 95 % interval holds about 90 % of the
    time.
    """
    check_confidence(confidence)
    each = per_student(marks, events, students, kind=kind)
    possible = each["possible"].where(each["possible"] > 0)
    each["band"] = (20 * each["absent"] // possible).clip(upper=_LAST_BAND)
    each["concerned"] = each["events"].gt(0).astype("Int64")
    sums = each.groupby("band", dropna=False).agg(
        students=(STUDENTS, "size"),
        students_concerned=("concerned", "sum"),
        sessions=("possible", "sum"),
        events=("events", "sum"),
    )
    bands = pd.array([*range(_LAST_BAND + 1), pd.NA], dtype="Int64")
    frame = pd.DataFrame({"band": bands}).merge(sums.reset_index(), how="left", on="band")
    counts = ["students", "students_concerned", "sessions", "events"]
    frame[counts] = frame[counts].astype("Int64").fillna(0)
    frame["absence_from"] = frame["band"] * 5
    frame["absence_band"] = pd.Series([*BANDS, None], dtype="str")
    mean = frame["events"].astype(float) / frame["students"].astype(float).where(frame["students"] > 0)
    groups = dict(list(each.groupby(each["band"].fillna(-1))["events"]))
    half = [
        half_width(_apart(groups[band]), len(groups[band]), confidence) if band in groups else np.nan
        for band in frame["band"].fillna(-1)
    ]
    frame["events_per_100"] = 100 * mean
    frame["low"], frame["high"] = 100 * (mean - half), 100 * (mean + half)
    # Fewer than no events cannot be.
    frame["low"] = frame["low"].clip(lower=0)
    figures = [*counts, "events_per_100", "low", "high"]
    frame = frame[["absence_band", "absence_from", *figures]]
    return hide_small_groups(frame, ["absence_band"], ["students", "students_concerned"], figures, suppress)


def lateness_and_events(
    marks: pd.DataFrame,
    events: pd.DataFrame,
    students: pd.DataFrame | None = None,
    *,
    kind: str | None = EVENT,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Whether students who are late more often have more events: Spearman's rank correlation.

    Parameters
    ----------
    marks, events, students, kind
        As for :func:`per_student`.
    confidence
        Of the interval.

    Returns
    -------
    DataFrame
        One row: ``students`` (with an attended session), ``left_out`` (without one), ``with_lateness``,
        ``with_events`` (how many have any), ``rank_correlation`` (from -1 to 1, of the late share of attended sessions
        and events per 100 possible sessions; missing where one of them does not vary), ``low`` and ``high``.

    Raises
    ------
    BadArgumentError
        A column is not there, or a category of marks is not known.

    Notes
    -----
    Ties share their mean rank. The interval is that of Bonett and Wright (2000); many ties, as where most students have
    no event at all, and a correlation near 1 or -1 make it a rough one. A correlation says that two things go together.
    """
    each = per_student(marks, events, students, kind=kind)
    there = each[each["attended"] > 0]
    found = spearman(there["late_rate"].to_numpy(float), there["events_per_100_sessions"].to_numpy(float), confidence)
    return pd.DataFrame(
        {
            "students": pd.array([found.n], dtype="Int64"),
            "left_out": pd.array([len(each) - found.n], dtype="Int64"),
            "with_lateness": pd.array([int(there["late"].gt(0).sum())], dtype="Int64"),
            "with_events": pd.array([int(there["events"].gt(0).sum())], dtype="Int64"),
            "rank_correlation": [found.value],
            "low": [found.low],
            "high": [found.high],
        }
    )


def _apart(counts: pd.Series) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """What each student adds to the mean number of events."""
    values = counts.to_numpy(float)
    apart: np.ndarray[tuple[int], np.dtype[np.float64]] = (values - values.mean()) / len(values)
    return apart


def _by_status(
    marks: pd.DataFrame, spells: pd.DataFrame, measure: str, confidence: float, suppress: int | None
) -> pd.DataFrame:
    """Attendance by how a student's plans or records stood on the day of each session."""
    check_confidence(confidence)
    days = sessions_of(marks, measure)
    spells = spells[spells[STUDENTS].notna()].astype({STUDENTS: days[STUDENTS].dtype})
    pairs = days[[STUDENTS, "date"]].reset_index(names="day").merge(spells, on=STUDENTS)
    begun = pairs["start"].le(pairs["date"]) | pairs["start"].isna()
    over = pairs["end"].le(pairs["date"])
    # Without a start or, once ended, without an end, nobody knows whether it was in force on the day.
    vague = pairs["start"].isna() | (pairs["ended"].astype(bool) & pairs["end"].isna())
    pairs["place"] = np.select([begun & ~over & ~vague, begun & ~over & vague], [0, 1], default=2)
    # A student with several records is counted by the one that says most.
    place = pairs.groupby("day")["place"].min().reindex(days.index, fill_value=3)
    days = days.assign(status=place.map(dict(enumerate(STATUSES))))
    each = days.groupby(["status", STUDENTS], as_index=False)[COUNTS].sum()
    each = each[each["possible"] > 0].astype(dict.fromkeys(COUNTS, float))
    whole = each.groupby("status").agg(
        students=(STUDENTS, "size"), sessions=("possible", "sum"), attended=("attended", "sum")
    )
    whole = whole.reindex(pd.Index(STATUSES, name="status"))
    share = whole["attended"] / whole["sessions"]
    expected = each["status"].map(share).astype(float) * each["possible"]
    each["influence"] = (each["attended"] - expected) / each["status"].map(whole["sessions"]).astype(float)
    parts = dict(list(each.groupby("status")["influence"]))
    half = [
        half_width(parts[name].to_numpy(float), len(parts[name]), confidence) if name in parts else np.nan
        for name in STATUSES
    ]
    frame = whole.fillna(0).astype("Int64").reset_index().astype({"status": "str"})
    frame["attendance_rate"] = 100 * share.to_numpy()
    frame["low"] = (100 * (share.to_numpy() - half)).clip(min=0)
    frame["high"] = (100 * (share.to_numpy() + half)).clip(max=100)
    figures = ["students", "sessions", "attended", "attendance_rate", "low", "high"]
    return hide_small_groups(frame, ["status"], ["students"], figures, suppress)
