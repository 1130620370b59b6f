"""Events to look at: several close together, open for long, slow to close, due for a review."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..analysis.columns import as_day, require_columns, require_values
from ..analysis.groups import as_list, sort_groups
from ..analysis.realms import STUDENTS
from ..errors import BadArgumentError
from .selection import EVENT, PLAN, has_ended, is_active, select, with_realm


def repeated_events(
    events: pd.DataFrame, *, at_least: int = 3, days: int = 28, kind: str | None = EVENT
) -> pd.DataFrame:
    """One row per student who has several events close together.

    Parameters
    ----------
    events
        What :func:`events` returned. Rows without a student or a date are not counted.
    at_least
        The smallest number of events to list.
    days
        The length of the window in calendar days, holidays included. Its first and last day both count: 7 days are a
        Monday to a Sunday.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per student with ``at_least`` events or more in some window of ``days``, those with most first:
        ``realm`` (if the events have it), ``student_id``, ``most_in_window``, ``window_start`` and ``window_end`` (the
        first and the last event of the latest window with that many), ``events`` (all that have a date),
        ``first_date``, ``last_date``.

    Raises
    ------
    BadArgumentError
        ``at_least`` or ``days`` is not a whole number of at least 1, or a column is missing.
    """
    check_whole_number("repeated_events", at_least=at_least, days=days)
    rows = select(events, kind, "repeated_events").dropna(subset=[STUDENTS, "date"])
    rows = rows[[STUDENTS, "date"]].sort_values([STUDENTS, "date"], ignore_index=True)
    # All students lie on one number line, each on a stretch so far from the next that no window reaches across.
    day = rows["date"].to_numpy("datetime64[D]").astype("int64")
    day -= day.min(initial=0)
    line = rows.groupby(STUDENTS).ngroup().to_numpy("int64") * (day.max(initial=0) + days + 1) + day
    window_stop = np.searchsorted(line, line + days, side="left")
    rows["most_in_window"] = window_stop - np.searchsorted(line, line, side="left")
    rows["window_start"] = rows["date"]
    rows["window_end"] = rows["date"].iloc[window_stop - 1].to_numpy()
    whole = rows.groupby(STUDENTS).agg(events=("date", "size"), first_date=("date", "min"), last_date=("date", "max"))
    best = rows.sort_values(["most_in_window", "window_start"], kind="stable").drop_duplicates(STUDENTS, keep="last")
    best = best[best["most_in_window"] >= at_least].drop(columns="date").merge(whole.reset_index(), on=STUDENTS)
    best = best.sort_values(["most_in_window", "last_date", STUDENTS], ascending=[False, False, True])
    best = best[[STUDENTS, "most_in_window", "window_start", "window_end", "events", "first_date", "last_date"]]
    return with_realm(best.astype({"most_in_window": "Int64", "events": "Int64"}).reset_index(drop=True), events)


def open_events(events: pd.DataFrame, on: object, *, kind: str | None = EVENT) -> pd.DataFrame:
    """One row per event and student that is open on a day, with the number of days since the event.

    Parameters
    ----------
    events
        What :func:`events` returned, with a ``status`` or a ``closed_date``.
    on
        The day for which to count. Give the day on which the data was fetched, because a status describes that day.
        Later events are left out.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per open event and student, the oldest first: ``realm`` (if the events have it), ``pastoral_event_id``,
        ``student_id``, ``type``, ``date``, ``category_name``, ``severity_name``, ``days_open`` (0 on the day itself;
        missing for an event without a date, which comes last). An event is open if it is closed on a later day. An
        event without a closing date is open if its status is ``active``, or if it has no status and other events have
        a closing date.

    Raises
    ------
    MissingFieldError
        The server sends neither a closing date nor a status.
    BadArgumentError
        ``on`` is not a day, or a status is neither ``active`` nor ``inactive``.
    """
    day = as_day(on, "open_events: on")
    rows = select(events, kind, "open_events")
    if rows["closed_date"].isna().all():
        require_values(rows, "status", "open_events", "or a closed_date, to tell which events are open")
    # An inactive event without a closing date is not open, even where other events have a closing date.
    is_open = rows["closed_date"].gt(day) | (rows["closed_date"].isna() & ~has_ended(rows, "open_events"))
    rows = rows[is_open & ~rows["date"].gt(day)]
    rows = rows.assign(days_open=(day - rows["date"]).dt.days.astype("Int64"))
    columns = ["pastoral_event_id", STUDENTS, "type", "date", "category_name", "severity_name", "days_open"]
    return with_realm(rows[columns].sort_values(["date", "pastoral_event_id"], ignore_index=True), events)


def closing_time(
    events: pd.DataFrame, by: str | Sequence[str] | None = None, *, kind: str | None = EVENT
) -> pd.DataFrame:
    """One row per group, with the number of days until its events were closed.

    Parameters
    ----------
    events
        What :func:`events` returned, with a ``closed_date``. HUBmis is not known to send one: the status says that an
        event is closed, but not when.
    by
        Columns of the events, such as ``"category_name"``. None gives one row.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per group: the columns of ``by``, ``events``, ``closed_events`` (those with both dates),
        ``median_days`` and ``longest_days`` (of the closed events; missing if there are none). Open events have no
        length yet. A group that closes its easy cases and leaves the others open therefore looks quick: read the days
        together with ``events - closed_events``.

    Raises
    ------
    MissingFieldError
        No event has a ``closed_date``.
    BadArgumentError
        A column is missing, or an event was closed before it took place.
    """
    names = as_list(by)
    rows = select(events, kind, "closing_time")
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


def reviews_due(events: pd.DataFrame, on: object, *, kind: str | None = PLAN) -> pd.DataFrame:
    """One row per open plan (or event) and student whose review is due on a day.

    Parameters
    ----------
    events
        What :func:`events` returned, with a ``review_date`` and a ``status``. HUBmis is not known to send a review
        date.
    on
        The day on which to stand.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per open plan and student whose review is due, the longest overdue first: ``realm`` (if the events have
        it), ``pastoral_event_id``, ``student_id``, ``type``, ``category_name``, ``date``, ``review_date``,
        ``days_overdue`` (0 if it is due on the day itself). ``attrs`` counts the open plans ``without_review_date``:
        they are not listed, but that does not mean that they are up to date.

    Raises
    ------
    MissingFieldError
        No row has a review date, or no row has a status.
    BadArgumentError
        ``on`` is not a day, or a status is neither ``active`` nor ``inactive``.
    """
    day = as_day(on, "reviews_due: on")
    rows = select(events, kind, "reviews_due")
    require_values(rows, "review_date", "reviews_due", "the day of the next review")
    require_values(rows, "status", "reviews_due", "to tell which plans are open")
    rows = rows[is_active(rows, "reviews_due") & ~rows["date"].gt(day)]
    due = rows[rows["review_date"].le(day)]
    due = due.assign(days_overdue=(day - due["review_date"]).dt.days.astype("Int64"))
    columns = ["pastoral_event_id", STUDENTS, "type", "category_name", "date", "review_date", "days_overdue"]
    due = due[columns].sort_values(["review_date", "pastoral_event_id"], ignore_index=True)
    due.attrs = {"without_review_date": int(rows["review_date"].isna().sum())}
    return with_realm(due, events)


def check_whole_number(measure: str, **arguments: object) -> None:
    """Raise unless each argument is a whole number of at least 1."""
    for name, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise BadArgumentError(f"{measure}: {name} takes a whole number of at least 1, not {value!r}.")
