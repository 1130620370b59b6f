"""Whether students with wellbeing events have an active plan."""

from collections.abc import Sequence

import pandas as pd

from ..analysis.columns import as_day, require_columns, require_values
from ..analysis.groups import as_list, check_students, hide_small_groups, sort_groups
from ..analysis.realms import STUDENTS
from ..errors import BadArgumentError
from .cases import check_whole_number
from .selection import EVENT, is_active, select, select_plans, with_realm


def plan_coverage(
    events: pd.DataFrame,
    by: str | Sequence[str] | None = None,
    *,
    students: pd.DataFrame,
    since: object = None,
    suppress_below: int | None = None,
) -> pd.DataFrame:
    """One row per group of students, with how many have wellbeing events and how many of those have an active plan.

    Parameters
    ----------
    events
        What :func:`events` returned, events and plans together (``load_pastoral_events`` without ``type``).
    by
        Columns of ``students`` to group by. None gives one row.
    students
        One row per student: the students to count, and the columns of ``by``. Students whose ``deleted_at`` is filled
        were removed from HUBmis and are left out, with a warning.
    since
        The first day of events to count; all events if left out. A plan counts while it is active, however old it is.
    suppress_below
        Hide groups with 1 to ``suppress_below - 1`` students in any count, and further groups wherever a total would
        give a hidden one away (:func:`hubmis_frames.suppress`). None hides nothing.

    Returns
    -------
    DataFrame
        One row per group of students: the columns of ``by``, ``students``, ``with_active_plan``, ``active_plans`` (a
        student can have several), ``with_events``, ``with_events_and_plan``, ``with_events_no_plan``, ``coverage``
        (per cent of students with events who have an active plan; missing if no student has an event) and
        ``suppressed``. Not every event needs a plan: a low coverage is a reason to ask, not a missed target.

    Raises
    ------
    MissingFieldError
        No plan has a status, so active plans cannot be told from ended ones.
    BadArgumentError
        A column is missing, ``events`` has no types, so that plans cannot be told from events, or a status is neither
        ``active`` nor ``inactive``.

    Warns
    -----
    HubmisWarning
        ``events`` contains no plan at all: perhaps plans were not loaded.
    """
    names = as_list(by)
    people = check_students(students, "plan_coverage")
    require_columns(people, names, "plan_coverage: by")
    plans = select_plans(events, "plan_coverage", students)
    counts = _per_student(events, plans, people, since, "plan_coverage")
    has_plan, has_events = counts["active_plans"].gt(0), counts["events"].gt(0)
    counts = counts.assign(
        with_active_plan=has_plan,
        with_events=has_events,
        with_events_and_plan=has_plan & has_events,
        with_events_no_plan=has_events & ~has_plan,
        students=1,
    )
    figures = [
        "students", "with_active_plan", "active_plans", "with_events", "with_events_and_plan", "with_events_no_plan"
    ]  # fmt: skip
    counts[figures] = counts[figures].astype("Int64")
    keys = [people.set_index(STUDENTS)[name] for name in names] or [pd.Series(0, index=counts.index)]
    keys = [key.reindex(counts.index) for key in keys]
    frame = counts[figures].groupby(keys, dropna=False).sum().reset_index(names=names or ["_one"])
    frame = sort_groups(frame.drop(columns=[] if names else "_one"), names, {})
    with_events = frame["with_events"].where(frame["with_events"].gt(0)).astype("Float64")
    frame["coverage"] = (100 * frame["with_events_and_plan"].astype("Float64") / with_events).astype(float)
    people_counts = [name for name in figures if name != "active_plans"]
    return hide_small_groups(frame, names, people_counts, [*figures, "coverage"], suppress_below)


def without_plan(
    events: pd.DataFrame, *, students: pd.DataFrame, at_least: int = 1, since: object = None
) -> pd.DataFrame:
    """One row per student who has wellbeing events and no active plan.

    Parameters
    ----------
    events, students, since
        As for :func:`plan_coverage`.
    at_least
        The smallest number of events to list.

    Returns
    -------
    DataFrame
        One row per student, those with most events first: ``realm`` (if a frame has it), ``student_id``, ``events``,
        ``last_date`` (of an event) and ``ended_plans`` (plans on record that are not active).

    Raises
    ------
    MissingFieldError
        No plan has a status.
    BadArgumentError
        As for :func:`plan_coverage`, or ``at_least`` is not a whole number of at least 1.

    Warns
    -----
    HubmisWarning
        As for :func:`plan_coverage`.
    """
    check_whole_number("without_plan", at_least=at_least)
    plans = select_plans(events, "without_plan", students)
    counts = _per_student(events, plans, check_students(students, "without_plan"), since, "without_plan")
    counts = counts[counts["active_plans"].eq(0) & counts["events"].ge(at_least)].reset_index()
    counts = counts.sort_values(["events", "last_date", STUDENTS], ascending=[False, False, True], ignore_index=True)
    return with_realm(counts[[STUDENTS, "events", "last_date", "ended_plans"]], students, events)


def _per_student(
    events: pd.DataFrame, plans: pd.DataFrame, students: pd.DataFrame, since: object, measure: str
) -> pd.DataFrame:
    """Each student's events since a day, active plans and ended plans."""
    if len(events) and ("type" not in events or events["type"].isna().all()):
        raise BadArgumentError(f"{measure}: no row has a type, so plans cannot be told from events.")
    rows = select(events, EVENT, measure)
    require_values(plans, "status", measure, "to tell active plans from ended ones")
    if since is not None:
        rows = rows[rows["date"].ge(as_day(since, f"{measure}: since"))]
    active = is_active(plans, measure)
    counts = pd.DataFrame(index=pd.Index(students[STUDENTS], name=STUDENTS))
    # Reindexed, because assigning to an empty list of students would add everybody who has an event.
    for name, values in {
        "events": rows.groupby(STUDENTS).size(),
        "last_date": rows.groupby(STUDENTS)["date"].max(),
        "active_plans": plans[active].groupby(STUDENTS).size(),
        "ended_plans": plans[~active].groupby(STUDENTS).size(),
    }.items():
        counts[name] = values.reindex(counts.index)
    numbers = ["events", "active_plans", "ended_plans"]
    counts[numbers] = counts[numbers].astype("Int64").fillna(0)
    return counts
