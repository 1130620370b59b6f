"""Wellbeing events counted by group and period, with a rate per 100 students."""

from collections.abc import Sequence

import pandas as pd

from ..analysis.calendar import Calendar
from ..analysis.columns import as_days
from ..analysis.groups import (
    EventGroups,
    all_groups,
    as_list,
    check_students,
    group_events,
    hide_small_groups,
    sort_groups,
)
from ..analysis.periods import as_calendar
from ..analysis.realms import REALM, STUDENTS, check_groups_of_schools, person_columns, realms_of, require_one_school
from ..analysis.removed import DELETED_AT
from ..errors import BadArgumentError, warn
from ..frames.partitions import Frame, is_dask, local
from .selection import EVENT, same_event_again, select

_RATES = {"events_per_100_students": "events", "concerned_rate": "students_concerned"}


def summarise(
    events: Frame,
    by: str | Sequence[str] | None = None,
    *,
    students: Frame | None = None,
    calendar: Calendar | pd.DataFrame | None = None,
    since: object = None,
    until: object = None,
    kind: str | None = EVENT,
    suppress_below: int | None = None,
) -> pd.DataFrame:
    """One row per group and period, with its events and a rate per 100 students.

    Parameters
    ----------
    events
        What :func:`events` returned. Deleted rows are not counted. Categories may mix praise and concern: filter them
        first. In a frame of several schools, a student is a ``realm`` and a ``student_id``. From a Dask frame, the
        columns needed are loaded into memory, as events are far fewer than marks; the figures equal those of pandas.
    by
        Columns of the students or of the events, and periods: ``"week"`` (its Monday), ``"month"`` (its first day),
        ``"weekday"`` and, with ``calendar``, ``"term"``, ``"half_term"`` and ``"academic_year"``; one or several. None
        gives one row. In a frame of several schools, columns of ids need ``"realm"`` beside them.
    students
        One row per student who could have had an event (``load_students``): the denominator. A column that both frames
        have is read from this one, so that numerator and denominator belong to the same group. These are the groups and
        students of today. For an earlier year, give the students of that year; otherwise its rates are too low. Every
        student on the list counts in full, whatever the day of joining. Students whose ``deleted_at`` is filled were
        removed from HUBmis: they are left out, with a warning, and their events are ``unlisted``.
    calendar
        An ``hf.attendance.Calendar``, or only the terms, as ``load_terms`` returns them. With it, weeks and months in
        which the school is closed appear only if they hold an event. Events in holidays have no term. For one school.
    since, until
        The first and the last day to count, both included. A side that is left out begins with the first event or ends
        with the last one, so a quiet week after the last event appears only if ``until`` is given. If either is given,
        events without a date are left out.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both together.
    suppress_below
        Hide groups with 1 to ``suppress_below - 1`` students, students concerned or unlisted events, and further groups
        wherever a total would give a hidden one away (:func:`hubmis_frames.suppress`). None hides nothing.

    Returns
    -------
    DataFrame
        One row per group, including groups without any event:

        - the columns of ``by``;
        - ``events``: the number of events, where an event about two students counts twice;
        - ``students_concerned``: the number of different students in them;
        - ``students``: the number of students in the group; missing if ``students`` is not given;
        - ``unlisted``: events of students who are not in ``students``, such as leavers; they are in no other figure;
        - ``events_per_100_students``: events per 100 students of the group over the days counted (for a week, its
          own);
        - ``concerned_rate``: students concerned per 100 students of the group;
        - ``suppressed``.

        The rates of a group without students are missing, not zero.

    Raises
    ------
    BadArgumentError
        A column is missing, which the message names; ``"term"`` without a calendar; terms overlap; ``since`` or
        ``until`` is not a day; groups would mix up the ids or the terms of several schools.

    Notes
    -----
    A rate is 100 x sum over sum, like the DfE's rates of absence, so it pools the students of a group. It counts what
    staff recorded: a higher rate can mean more recording, more need, or both. Unless asked otherwise, the server sends
    neither students who have left nor their events, so figures of past months describe those who stayed.
    """
    names = as_list(by)
    events, students = _in_memory(events, names, students, calendar)
    rows = select(events, kind, "summarise", students, several_schools=True)
    rows, bounds = _days_counted(rows, since, until)
    people = None if students is None else check_students(students, "summarise", several=True)
    groups = group_events(rows, names, people, as_calendar(calendar, "summarise"), bounds, "summarise")
    frame = _with_counts(all_groups(groups, names, people), names, groups, people)
    for rate, count in _RATES.items():
        frame[rate] = per_100(frame[count], frame["students"])
    frame = sort_groups(frame, names, groups.order)
    figures = ["events", "students_concerned", "students", "unlisted", *_RATES]
    frame = frame[[*names, *figures]]
    # Few unlisted events hide the row too: a table without students= shows its events with them.
    return hide_small_groups(frame, names, ["students_concerned", "students", "unlisted"], figures, suppress_below)


def per_100(count: pd.Series, total: pd.Series) -> pd.Series:
    """Return ``count`` per 100 of ``total``, missing where the total is zero."""
    return (100 * count.astype(float)) / total.astype(float).where(total.gt(0).fillna(False).astype(bool))


def _days_counted(
    rows: pd.DataFrame, since: object, until: object
) -> tuple[pd.DataFrame, tuple[pd.Timestamp, pd.Timestamp] | None]:
    """Return the events from ``since`` to ``until``, and the first and last day counted (None if there is none)."""
    dates = rows["date"]
    if since is None and until is None:
        return rows, None if dates.isna().all() else (dates.min(), dates.max())
    first, last = as_days(since, until, "summarise")
    kept = dates.notna() if first is None else dates.ge(first)
    rows = rows[kept if last is None else kept & dates.le(last)]
    # Without an event on the open side, the day that was given is the only one.
    ends = [day for day in (rows["date"].min(), rows["date"].max(), first, last) if pd.notna(day)]
    return rows, (min(ends), max(ends))


def _in_memory(
    events: Frame, by: Sequence[str], students: Frame | None, calendar: object
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return both frames in pandas; raise where the ids of one school could be taken for another's."""
    if is_dask(events):
        needed = {REALM, STUDENTS, "pastoral_event_id", "date", "type", "deleted", *by}
        events = local(events[[name for name in events.columns if name in needed]])
        if "pastoral_event_id" in events and STUDENTS in events and same_event_again(events).any():
            raise BadArgumentError(
                "summarise: some events are in two partitions. Bring the events of each school into one partition "
                'first, with frame.shuffle("realm"), and give that frame to hf.wellbeing.events.'
            )
    if is_dask(students):
        students = local(
            students[[name for name in students.columns if name in {REALM, STUDENTS, "deleted_at", *DELETED_AT, *by}]]
        )
    realms = realms_of(events, students)
    check_groups_of_schools(realms, by, ["calendar="] if calendar is not None else [], "summarise")
    if students is None or len(realms) < 2:
        return events, students
    if REALM not in events or REALM not in students:
        require_one_school(events, "summarise", students)
    if without_students := set(realms_of(events)) - set(realms_of(students)):
        raise BadArgumentError(
            f"summarise: the frames hold several schools (realm), and students has no student of "
            f"{min(without_students)}. Add the students of that school, or leave out its events."
        )
    if without_events := sorted(set(realms_of(students)) - set(realms_of(events))):
        names = ", ".join(without_events)
        warn(
            f"summarise: there are students of {names} and no event. If the events of a school are not loaded, leave "
            "out its students too."
        )
    # The realm may be text in one frame and a category in the other.
    return events.astype({REALM: "str"}), students.astype({REALM: "str"})


def _with_counts(
    frame: pd.DataFrame, by: Sequence[str], groups: EventGroups, students: pd.DataFrame | None
) -> pd.DataFrame:
    """Add each group's events, students concerned, students, and events of students who are not listed."""
    rows = groups.rows
    listed = rows if students is None else rows[rows["listed"].astype(bool)]
    frame = _with_count(frame, by, listed, "events")
    frame = _with_count(frame, by, _first_rows(listed, by), "students_concerned")
    for name in ("events", "students_concerned"):
        frame[name] = frame[name].fillna(0)
    if students is None:
        missing = pd.array([pd.NA] * len(frame), dtype="Int64")
        return frame.assign(unlisted=missing, students=missing)
    frame = _with_count(frame, by, rows[~rows["listed"].astype(bool)], "unlisted")
    frame = _with_count(frame, groups.of_students, _first_rows(students, groups.of_students), "students")
    for name in ("unlisted", "students"):
        frame[name] = frame[name].fillna(0)
    return frame


def _first_rows(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return one row for each student in each group."""
    return rows[rows[STUDENTS].notna()].drop_duplicates([*by, *person_columns(rows)])


def _with_count(frame: pd.DataFrame, by: Sequence[str], rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Add the column ``name`` with the number of rows in each group."""
    if not by:
        return frame.assign(**{name: pd.array([len(rows)] * len(frame), dtype="Int64")})
    counts = rows.groupby(list(by), dropna=False, observed=True).size()
    # A column of missing names only has another type than one with names; a merge needs the same.
    counts_by_group = counts.rename(name).reset_index().astype(frame.dtypes[list(by)].to_dict())
    return frame.merge(counts_by_group, how="left", on=list(by)).astype({name: "Int64"})
