"""Each student's sessions and events, and whether lateness and events go together."""

import pandas as pd

from ..analysis.groups import check_students
from ..analysis.realms import STUDENTS
from ..analysis.statistics import spearman
from ..wellbeing.selection import EVENT, select, with_realm
from .sessions import SESSIONS, sessions_by_day


def per_student(
    marks: pd.DataFrame,
    events: pd.DataFrame,
    *,
    students: pd.DataFrame | None = None,
    kind: str | None = EVENT,
) -> pd.DataFrame:
    """One row per student, with sessions and events side by side.

    Parameters
    ----------
    marks, events
        Canonical marks and events. Only events between the first and the last day of ``marks`` are counted, so that
        both cover the same days.
    students
        The students to count; if left out, every student with a mark. A listed student without a mark has 0 sessions.
        Students whose ``deleted_at`` is filled were removed from HUBmis and are left out, with a warning.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per student: ``realm`` (if a frame has it), ``student_id``, ``possible_sessions``,
        ``attended_sessions``, ``late_sessions``, ``absent_sessions``, ``events``, ``absence_rate`` (per cent of
        possible sessions), ``late_rate`` (per cent of attended sessions) and ``events_per_100_sessions`` (possible
        ones). A rate without sessions is missing.

    Raises
    ------
    BadArgumentError
        A column is missing, or a category of marks is unknown.
    """
    days = sessions_by_day(marks, "per_student")
    counts = days.groupby(STUDENTS)[SESSIONS].sum()
    rows = select(events, kind, "per_student", marks, students)
    if students is not None:
        listed = check_students(students, "per_student")
        counts = counts.reindex(pd.Index(listed[STUDENTS], name=STUDENTS), fill_value=0)
    rows = rows[rows["date"].between(days["date"].min(), days["date"].max())]
    counts["events"] = rows.groupby(STUDENTS).size().reindex(counts.index)
    counts = counts.astype("Int64").fillna(0).reset_index()
    for rate, part, whole in (
        ("absence_rate", "absent_sessions", "possible_sessions"),
        ("late_rate", "late_sessions", "attended_sessions"),
        ("events_per_100_sessions", "events", "possible_sessions"),
    ):
        counts[rate] = 100 * counts[part].astype(float) / counts[whole].astype(float).where(counts[whole] > 0)
    return with_realm(counts.sort_values(STUDENTS, ignore_index=True), marks, events, students)


def lateness_and_events(
    marks: pd.DataFrame,
    events: pd.DataFrame,
    *,
    students: pd.DataFrame | None = None,
    kind: str | None = EVENT,
    confidence: float | None = 0.95,
) -> pd.DataFrame:
    """One row per school: Spearman's rank correlation between students' lateness and their events.

    Parameters
    ----------
    marks, events, students, kind
        As for :func:`per_student`.
    confidence
        The confidence of the interval; None gives no interval.

    Returns
    -------
    DataFrame
        One row, as the frames hold one school: ``students`` (with an attended session), ``left_out`` (how many without
        one), ``with_lateness`` (how many were ever late), ``with_events`` (how many have any), ``rank_correlation``
        (from -1 to 1, between the late share of attended sessions and events per 100 possible sessions; missing if one
        of them does not vary), and with ``confidence`` ``rank_correlation_low`` and ``rank_correlation_high``.

    Raises
    ------
    BadArgumentError
        A column is missing, or a category of marks is unknown.

    Notes
    -----
    Ties share their mean rank. The interval is that of Bonett and Wright (2000). It is only rough where many students
    tie, for example because most have no event, and where the correlation is near 1 or -1. A correlation says that two
    things go together, and no more.
    """
    counts = per_student(marks, events, students=students, kind=kind)
    attending = counts[counts["attended_sessions"] > 0]
    correlation = spearman(
        attending["late_rate"].to_numpy(float),
        attending["events_per_100_sessions"].to_numpy(float),
        0.95 if confidence is None else confidence,
    )
    frame = pd.DataFrame(
        {
            "students": pd.array([correlation.n], dtype="Int64"),
            "left_out": pd.array([len(counts) - correlation.n], dtype="Int64"),
            "with_lateness": pd.array([int(attending["late_sessions"].gt(0).sum())], dtype="Int64"),
            "with_events": pd.array([int(attending["events"].gt(0).sum())], dtype="Int64"),
            "rank_correlation": [correlation.value],
        }
    )
    if confidence is None:
        return frame
    return frame.assign(rank_correlation_low=correlation.low, rank_correlation_high=correlation.high)
