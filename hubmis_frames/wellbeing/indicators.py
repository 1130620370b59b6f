"""Events by indicator of wellbeing (SHANARRI)."""

import pandas as pd

from ..analysis.columns import as_ids, require_columns, require_values
from ..analysis.realms import STUDENTS
from .counts import per_100
from .selection import select

SHANARRI = ("Safe", "Healthy", "Achieving", "Nurtured", "Active", "Respected", "Responsible", "Included")
"""The indicators of wellbeing, in the order of the Act."""


def shanarri(items: pd.DataFrame, events: pd.DataFrame, *, kind: str | None = None) -> pd.DataFrame:
    """One row per SHANARRI indicator, with the number of events recorded against it.

    Parameters
    ----------
    items
        What ``load_pastoral_event_shanarri_items`` returned: one row per event and indicator.
    events
        What :func:`events` returned, **only the events whose items were loaded**. Items take one request per event; an
        event whose items were never loaded would look like an event without an indicator.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per indicator: all eight in the order of the Act, then other names found in ``items`` (``known`` is
        false), then a row without a name for events with no indicator. Columns: ``indicator``, ``known``, ``events``
        (different ones), ``of_events`` (how many events were given), ``share`` (per cent of them) and ``students``. An
        event can have several indicators, so shares can sum to more than 100. ``share`` is missing if there are no
        events.

    Raises
    ------
    MissingFieldError
        No event has an id by which to find its items.
    BadArgumentError
        A frame lacks a column.

    Notes
    -----
    Children and Young People (Scotland) Act 2014, s. 96(2): safe, healthy, achieving, nurtured, active, respected,
    responsible and included. Schools outside Scotland need not record them.
    """
    require_columns(items, ["pastoral_event_id", "name"], "shanarri: items")
    rows = select(events, kind, "shanarri", items)[["pastoral_event_id", STUDENTS]]
    require_values(rows, "pastoral_event_id", "shanarri", "the id that links an event to its items")
    official_names = {name.casefold(): name for name in SHANARRI}
    names = items["name"].astype("str").str.strip()
    links = pd.DataFrame(
        {
            "pastoral_event_id": as_ids(items["pastoral_event_id"], "shanarri: items' pastoral_event_id"),
            "indicator": names.str.casefold().map(official_names).fillna(names),
        }
    ).dropna()
    joined = rows.merge(links, how="left", on="pastoral_event_id")
    counts = joined.groupby("indicator", dropna=False).agg(
        events=("pastoral_event_id", "nunique"), students=(STUDENTS, "nunique")
    )
    others = sorted(set(joined["indicator"].dropna()) - set(SHANARRI))
    frame = pd.DataFrame({"indicator": pd.Series([*SHANARRI, *others, None], dtype="str")})
    frame["known"] = frame["indicator"].isin(SHANARRI)
    frame = frame.merge(counts.reset_index(), how="left", on="indicator")
    frame[["events", "students"]] = frame[["events", "students"]].astype("Int64").fillna(0)
    frame["of_events"] = pd.array([rows["pastoral_event_id"].nunique()] * len(frame), dtype="Int64")
    frame["share"] = per_100(frame["events"], frame["of_events"])
    return frame[["indicator", "known", "events", "of_events", "share", "students"]]
