"""Who needs looking at: students with several events, what has been open for long, who has events and no plan."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..analysis.columns import as_day, require_columns, require_values
from ..analysis.groups import as_list, check_students, hide_small_groups, sort_groups
from ..analysis.realms import STUDENTS
from ..errors import BadArgumentError
from .canonical import EVENT, PLAN, chosen, has_ended, is_active, plans_of


def repeat(events: pd.DataFrame, n: int = 3, *, days: int = 28, kind: str | None = EVENT) -> pd.DataFrame:
    """Find students with several events close together.

    Parameters
    ----------
    events
        What :func:`events` returned. Rows without a student or a date cannot be placed and are not counted.
    n
        How many events at least.
    days
        Within how many days, the first and the last counted: 7 is a Monday to a Sunday. Calendar days, holidays too.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per student with ``n`` events or more in some window of ``days``, the most first: ``student_id``,
        ``most_in_window``, ``window_from`` and ``window_to`` (the first and last event of the latest window that
        holds so many), ``events`` (all that are dated), ``first_date``, ``last_date``.

    Raises
    ------
    BadArgumentError
        ``n`` or ``days`` is no whole number of at least 1, or a column is not there.
    """
    for name, value in (("n", n), ("days", days)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise BadArgumentError(f"repeat: {name} takes a whole number of at least 1, not {value!r}.")
    rows = chosen(events, kind, "repeat").dropna(subset=[STUDENTS, "date"])
    rows = rows[[STUDENTS, "date"]].sort_values([STUDENTS, "date"], ignore_index=True)
    # Each student's days on a stretch of one number line of their own, too far apart for a window to reach across.
    day = rows["date"].to_numpy("datetime64[D]").astype("int64")
    day -= day.min(initial=0)
    line = rows.groupby(STUDENTS).ngroup().to_numpy("int64") * (day.max(initial=0) + days + 1) + day
    beyond = np.searchsorted(line, line + days, side="left")
    rows["most_in_window"] = beyond - np.searchsorted(line, line, side="left")
    rows["window_from"] = rows["date"]
    rows["window_to"] = rows["date"].iloc[beyond - 1].to_numpy()
    whole = rows.groupby(STUDENTS).agg(events=("date", "size"), first_date=("date", "min"), last_date=("date", "max"))
    best = rows.sort_values(["most_in_window", "window_from"], kind="stable").drop_duplicates(STUDENTS, keep="last")
    best = best[best["most_in_window"] >= n].drop(columns="date").merge(whole.reset_index(), on=STUDENTS)
    best = best.sort_values(["most_in_window", "last_date", STUDENTS], ascending=[False, False, True])
    best = best[[STUDENTS, "most_in_window", "window_from", "window_to", "events", "first_date", "last_date"]]
    return best.astype({"most_in_window": "Int64", "events": "Int64"}).reset_index(drop=True)


def open_age(events: pd.DataFrame, as_of: object, *, kind: str | None = EVENT) -> pd.DataFrame:
    """List events that are open, and for how many days.

    Parameters
    ----------
    events
        What :func:`events` returned, with a ``status`` or a ``closed_date``.
    as_of
        The day to count to: the day on which the data was fetched, as a status is one of that day. Later events
        are left out.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per open event, the oldest first: ``pastoral_event_id``, ``student_id``, ``type``, ``date``,
        ``category_name``, ``severity_name``, ``days_open`` (0 on the day itself; missing for an event without a date,
        last). Open is: closed on a later day; of events without a closing date those whose status is ``active`` and,
        where others have a closing date, those without a status.

    Raises
    ------
    MissingFieldError
        Neither a closing date nor a status is sent.
    BadArgumentError
        A status is neither ``active`` nor ``inactive``.
    """
    day = as_day(as_of, "open_age")
    rows = chosen(events, kind, "open_age")
    if rows["closed_date"].isna().all():
        require_values(rows, "status", "open_age", "or a closed_date, to tell what is open")
    # One that has ended on a day that nobody wrote down is not open, though others have a closing date.
    is_open = rows["closed_date"].gt(day) | (rows["closed_date"].isna() & ~has_ended(rows, "open_age"))
    rows = rows[is_open & ~rows["date"].gt(day)]
    rows = rows.assign(days_open=(day - rows["date"]).dt.days.astype("Int64"))
    columns = ["pastoral_event_id", STUDENTS, "type", "date", "category_name", "severity_name", "days_open"]
    return rows[columns].sort_values(["date", "pastoral_event_id"], ignore_index=True)


def closing_time(
    events: pd.DataFrame, by: str | Sequence[str] | None = None, *, kind: str | None = EVENT
) -> pd.DataFrame:
    """How many days pass until events are closed.

    Parameters
    ----------
    events
        What :func:`events` returned, with a ``closed_date``. HUBmis is not known to send one: the status alone says
        that an event is closed and not when.
    by
        Columns of the events, such as ``"category_name"``.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per group: the columns of ``by``, ``events``, ``closed_events`` (with both dates), ``median_days`` and
        ``longest_days`` of those, missing where none is closed. Open events are not in the days, so a group that
        closes its easy cases and leaves the others open looks quick: read it with ``events - closed_events``.

    Raises
    ------
    MissingFieldError
        No event has a ``closed_date``.
    BadArgumentError
        A column is not there, or an event was closed before it took place.
    """
    names = as_list(by)
    rows = chosen(events, kind, "closing_time")
    require_values(rows, "closed_date", "closing_time", "the day on which an event was closed")
    require_columns(rows, names, "closing_time: by")
    days = (rows["closed_date"] - rows["date"]).dt.days.astype("Float64")
    if days.lt(0).any():
        raise BadArgumentError(f"closing_time: {int(days.lt(0).sum())} events have a closed_date before their date.")
    groups = rows.assign(days=days, _one=1).groupby(names or ["_one"], dropna=False)
    frame = groups.agg(
        events=("days", "size"),
        closed_events=("days", "count"),
        median_days=("days", "median"),
        longest_days=("days", "max"),
    ).reset_index()
    counts = {"events": "Int64", "closed_events": "Int64", "longest_days": "Int64"}
    return sort_groups(frame.drop(columns=[] if names else "_one"), names, {}).astype(counts)


def review_due(events: pd.DataFrame, as_of: object, *, kind: str | None = PLAN) -> pd.DataFrame:
    """List plans (or events) that are open and whose review is due.

    Parameters
    ----------
    events
        What :func:`events` returned, with a ``review_date`` and a ``status``. HUBmis is not known to send the first.
    as_of
        The day to count to.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per open plan whose review is due, the longest overdue first: ``pastoral_event_id``, ``student_id``,
        ``type``, ``category_name``, ``date``, ``review_date``, ``days_overdue`` (0 when due on the day). ``attrs``
        counts the open plans ``without_review_date``: they are not listed, and not up to date either.

    Raises
    ------
    MissingFieldError
        No row has a review date, or none a status.
    """
    day = as_day(as_of, "review_due")
    rows = chosen(events, kind, "review_due")
    require_values(rows, "review_date", "review_due", "the day of the next review")
    require_values(rows, "status", "review_due", "to tell what is open")
    rows = rows[is_active(rows, "review_due") & ~rows["date"].gt(day)]
    due = rows[rows["review_date"].le(day)]
    due = due.assign(days_overdue=(day - due["review_date"]).dt.days.astype("Int64"))
    columns = ["pastoral_event_id", STUDENTS, "type", "category_name", "date", "review_date", "days_overdue"]
    due = due[columns].sort_values(["review_date", "pastoral_event_id"], ignore_index=True)
    due.attrs = {"without_review_date": int(rows["review_date"].isna().sum())}
    return due


def plans(
    events: pd.DataFrame,
    students: pd.DataFrame,
    by: str | Sequence[str] | None = None,
    *,
    since: object = None,
    suppress: int | None = None,
) -> pd.DataFrame:
    """How many students with wellbeing events have an active plan.

    Parameters
    ----------
    events
        What :func:`events` returned, events and plans together (``load_pastoral_events`` without ``type``).
    students
        One row per student: whom to count, and the columns of ``by``.
    by
        Columns of ``students``.
    since
        Count events from this day on; every event unless given. A plan counts while it is active, however old.
    suppress
        Hide groups of 1 to ``suppress - 1`` students in any count, and others wherever a total would give one away
        (:func:`hubmis_frames.suppress`).

    Returns
    -------
    DataFrame
        One row per group of students: the columns of ``by``, ``students``, ``with_active_plan``, ``active_plans`` (a
        student can have several), ``with_events``, ``with_events_and_plan``, ``with_events_no_plan``, ``coverage``
        (per cent of students with events who have an active plan; missing where nobody has an event) and
        ``suppressed``. Not every event calls for a plan: coverage is a question, not a target.

    Raises
    ------
    MissingFieldError
        No plan has a status, so active plans cannot be told from ended ones.
    BadArgumentError
        A column is not there, ``events`` holds no types, so that plans cannot be told from events, or a status is
        neither ``active`` nor ``inactive``.

    Warns
    -----
    HubmisWarning
        There is no plan at all among ``events``: perhaps plans were not loaded.
    """
    names = as_list(by)
    people = check_students(students, "plans")
    require_columns(people, names, "plans: by")
    made = plans_of(events, "plans", students)
    each = _of_each_student(events, made, people, since, "plans")
    has, did = each["active_plans"].gt(0), each["events"].gt(0)
    each = each.assign(
        with_active_plan=has,
        with_events=did,
        with_events_and_plan=has & did,
        with_events_no_plan=did & ~has,
        students=1,
    )
    figures = [
        "students", "with_active_plan", "active_plans", "with_events", "with_events_and_plan", "with_events_no_plan"
    ]  # fmt: skip
    each[figures] = each[figures].astype("Int64")
    keys = [people.set_index(STUDENTS)[name] for name in names] or [pd.Series(0, index=each.index)]
    keys = [key.reindex(each.index) for key in keys]
    frame = each[figures].groupby(keys, dropna=False).sum().reset_index(names=names or ["_one"])
    frame = sort_groups(frame.drop(columns=[] if names else "_one"), names, {})
    did_any = frame["with_events"].where(frame["with_events"].gt(0)).astype("Float64")
    frame["coverage"] = (100 * frame["with_events_and_plan"].astype("Float64") / did_any).astype(float)
    people_counts = [name for name in figures if name != "active_plans"]
    return hide_small_groups(frame, names, people_counts, [*figures, "coverage"], suppress)


def without_plan(events: pd.DataFrame, students: pd.DataFrame, n: int = 1, *, since: object = None) -> pd.DataFrame:
    """List students who have wellbeing events and no active plan.

    Parameters
    ----------
    events, students, since
        As for :func:`plans`.
    n
        How many events at least.

    Returns
    -------
    DataFrame
        One row per student, the most events first: ``student_id``, ``events``, ``last_date`` (of an event) and
        ``ended_plans`` (plans on record that are not active).

    Raises
    ------
    MissingFieldError
        No plan has a status.

    Warns
    -----
    HubmisWarning
        As for :func:`plans`.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise BadArgumentError(f"without_plan: n takes a whole number of at least 1, not {n!r}.")
    made = plans_of(events, "without_plan", students)
    each = _of_each_student(events, made, check_students(students, "without_plan"), since, "without_plan")
    each = each[each["active_plans"].eq(0) & each["events"].ge(n)].reset_index()
    each = each.sort_values(["events", "last_date", STUDENTS], ascending=[False, False, True], ignore_index=True)
    return each[[STUDENTS, "events", "last_date", "ended_plans"]]


def _of_each_student(
    events: pd.DataFrame, made: pd.DataFrame, people: pd.DataFrame, since: object, measure: str
) -> pd.DataFrame:
    """Each student's events since a day, and plans, active and ended."""
    if len(events) and ("type" not in events or events["type"].isna().all()):
        raise BadArgumentError(f"{measure}: no row has a type, so plans cannot be told from events.")
    rows = chosen(events, EVENT, measure)
    require_values(made, "status", measure, "to tell active plans from ended ones")
    if since is not None:
        rows = rows[rows["date"].ge(as_day(since, measure))]
    active = is_active(made, measure)
    each = pd.DataFrame(index=pd.Index(people[STUDENTS], name=STUDENTS))
    # Put side by side by hand: to a list of nobody, a plain assignment would add whoever has an event.
    for name, values in {
        "events": rows.groupby(STUDENTS).size(),
        "last_date": rows.groupby(STUDENTS)["date"].max(),
        "active_plans": made[active].groupby(STUDENTS).size(),
        "ended_plans": made[~active].groupby(STUDENTS).size(),
    }.items():
        each[name] = values.reindex(each.index)
    counts = ["events", "active_plans", "ended_plans"]
    each[counts] = each[counts].astype("Int64").fillna(0)
    return each
