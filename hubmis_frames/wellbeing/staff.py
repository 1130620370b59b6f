"""What each member of staff has been assigned."""

import pandas as pd

from ..analysis.columns import as_ids, require_columns, require_values
from ..analysis.realms import STUDENTS
from ..errors import BadArgumentError, MissingFieldError
from .selection import is_active, select


def staff_load(
    events: pd.DataFrame,
    assigned: pd.DataFrame | None = None,
    *,
    staff: pd.DataFrame | None = None,
    kind: str | None = None,
) -> pd.DataFrame:
    """One row per member of staff, with the number of events assigned.

    Parameters
    ----------
    events
        What :func:`events` returned. Deleted rows are not counted.
    assigned
        One row per event and member of staff: the child table
        ``load_pastoral_events.tables(school)["pastoral_events_assigned_to"]``. If left out, the column ``staff_id`` or
        ``assigned_to_id`` of the events is used.
    staff
        ``load_staff``, to include staff with nothing assigned (0) and to add names to the ids.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both, the default, as both are work.

    Returns
    -------
    DataFrame
        One row per member of staff, those with most open events first: ``staff_id``, ``first_name``, ``last_name`` (if
        ``staff`` is given), ``events``, ``open_events`` (status ``active``; missing if no status is sent),
        ``shared_events`` (also assigned to others) and ``students``. The last row has no ``staff_id`` and counts the
        events that are assigned to no one; it appears even if there are none. A shared event counts once for each
        member of staff, so the column does not sum to the number of events.

    Raises
    ------
    MissingFieldError
        Neither ``assigned`` nor the events contain who was assigned.
    BadArgumentError
        A frame lacks a column, or ``assigned`` contains none of these events.
    """
    rows = select(events, kind, "staff_load", assigned, staff)
    links = _links(rows, assigned)
    rows = rows[["pastoral_event_id", STUDENTS, "status"]]
    joined = rows.merge(links, how="left", on="pastoral_event_id")
    if assigned is not None and len(rows) and len(links) and joined["staff_id"].isna().all():
        raise BadArgumentError("staff_load: assigned names none of these events (pastoral_event_id).")
    # One event about several students is one piece of work. Rows without an event's id cannot be matched, so all count.
    work = joined[~joined.duplicated(["pastoral_event_id", "staff_id"]) | joined["pastoral_event_id"].isna()]
    status_sent = rows["status"].notna().any()
    work = work.assign(
        open=is_active(work, "staff_load"),
        shared=work.groupby("pastoral_event_id")["staff_id"].transform("count").gt(1),
    )
    frame = work.groupby("staff_id", dropna=False).agg(
        events=("pastoral_event_id", "size"), open_events=("open", "sum"), shared_events=("shared", "sum")
    )
    frame["students"] = joined.groupby("staff_id", dropna=False)[STUDENTS].nunique()
    frame = frame.reset_index()
    everybody = frame[["staff_id"]] if staff is None else _all_staff(frame, staff)
    unassigned = pd.DataFrame({"staff_id": pd.Series([pd.NA], dtype=frame["staff_id"].dtype)})
    everybody = pd.concat([everybody[everybody["staff_id"].notna()], unassigned], ignore_index=True)
    counts = ["events", "open_events", "shared_events", "students"]
    frame = everybody.merge(frame, how="left", on="staff_id").astype(dict.fromkeys(counts, "Int64"))
    frame[counts] = frame[counts].fillna(0)
    frame = frame.assign(_last=frame["staff_id"].isna()).sort_values(
        ["_last", "open_events", "events", "staff_id"], ascending=[True, False, False, True], ignore_index=True
    )
    if not status_sent and len(rows):
        frame["open_events"] = pd.array([pd.NA] * len(frame), dtype="Int64")
    return frame.drop(columns="_last")


def _links(rows: pd.DataFrame, assigned: pd.DataFrame | None) -> pd.DataFrame:
    """Return each pair of an event and a member of staff assigned to it, once."""
    require_values(rows, "pastoral_event_id", "staff_load", "the id that links an event to its staff")
    column = next((name for name in ("staff_id", "assigned_to_id") if name in rows), None)
    if assigned is None and column is None:
        raise MissingFieldError(
            "staff_load: the events do not contain to whom they are assigned. Give the child table as assigned=: "
            'load_pastoral_events.tables(school)["pastoral_events_assigned_to"].'
        )
    links = rows.rename(columns={column: "staff_id"}) if assigned is None else assigned
    require_columns(links, ["pastoral_event_id", "staff_id"], "staff_load: assigned")
    ids = {name: as_ids(links[name], f"staff_load: {name}") for name in ("pastoral_event_id", "staff_id")}
    return pd.DataFrame(ids).dropna().drop_duplicates()


def _all_staff(frame: pd.DataFrame, staff: pd.DataFrame) -> pd.DataFrame:
    """Return the staff on the list, followed by others who have been assigned something."""
    require_columns(staff, ["staff_id"], "staff_load: staff")
    columns = [name for name in ("staff_id", "first_name", "last_name") if name in staff]
    listed = staff[columns].assign(staff_id=as_ids(staff["staff_id"], "staff_load: staff's staff_id"))
    listed = listed.drop_duplicates("staff_id")
    others = frame.loc[~frame["staff_id"].isin(listed["staff_id"]), ["staff_id"]]
    return pd.concat([listed, others], ignore_index=True)
