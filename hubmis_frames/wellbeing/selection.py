"""Which rows of canonical events a measure counts, whether they are active, and to which school the result belongs."""

import pandas as pd

from ..analysis.columns import require_columns
from ..analysis.realms import REALM, person_columns, realms_of, require_one_school
from ..errors import BadArgumentError, warn

EVENT = "wellbeing_event"
PLAN = "wellbeing_plan"


def same_event_again(events: pd.DataFrame) -> pd.Series:
    """Whether an earlier row holds the same event and student."""
    return events.duplicated(["pastoral_event_id", *person_columns(events)]) & events["pastoral_event_id"].notna()


def select(
    events: pd.DataFrame,
    kind: str | None,
    measure: str,
    *other_frames: pd.DataFrame | None,
    several_schools: bool = False,
) -> pd.DataFrame:
    """Return the canonical events that a measure counts: rows of one type that are not deleted.

    Raises if ``events`` and ``other_frames`` hold several schools, unless ``several_schools`` allows it. A type that
    no row has raises instead of counting zero. If no row has a type, all rows are of one type that the frame does not
    name, and all are returned.
    """
    require_columns(events, ["student_id", "date", "type", "deleted"], measure, "hf.wellbeing.events(frame)")
    if not several_schools:
        require_one_school(events, measure, *other_frames)
    kept = events[~events["deleted"].fillna(False).astype(bool)]
    if kind is None or events["type"].isna().all():
        return kept
    # A school may have plans and no event, so either type makes the other valid. Types of other names do not.
    if not events["type"].isin([EVENT, PLAN] if kind in (EVENT, PLAN) else [kind]).any():
        types = ", ".join(sorted(events["type"].dropna().unique()))
        raise BadArgumentError(
            f"{measure}: no row has the type {kind!r}; the types are {types}. Choose one with kind=, or give kind=None "
            "to count all."
        )
    return kept[kept["type"].eq(kind).fillna(False)]


def select_plans(events: pd.DataFrame, measure: str, *other_frames: pd.DataFrame | None) -> pd.DataFrame:
    """Return the plans among canonical events; warn if there are none, as they may not have been loaded."""
    plans = select(events, PLAN, measure, *other_frames)
    if events["type"].notna().any() and not events["type"].eq(PLAN).fillna(False).any():
        warn(
            f"{measure}: no row is a {PLAN}, so no student has a plan here. That is wrong if only events were loaded "
            "or kept: load_pastoral_events without type= loads both."
        )
    return plans


def is_active(rows: pd.DataFrame, measure: str) -> pd.Series:
    """Whether the status of each row is active; a row without a status does not count as active."""
    status = rows["status"].astype("str").str.strip().str.casefold()
    if (unknown := status.notna() & ~status.isin(["active", "inactive"])).any():
        name = str(rows["status"][unknown].iloc[0])
        raise BadArgumentError(
            f"{measure}: there is a status {name!r}, which is neither active nor inactive. Decide which it means: "
            f'events["status"] = events["status"].replace({{{name!r}: "active"}}), or "inactive".'
        )
    return status.eq("active").fillna(False).astype(bool)


def has_ended(rows: pd.DataFrame, measure: str) -> pd.Series:
    """Whether a row has ended, judged without its own closing date.

    A row has ended if its status is not active. A row without a status has ended only if no row has a closing date.
    """
    ended: pd.Series = ~is_active(rows, measure)
    return ended & rows["status"].notna() if rows["closed_date"].notna().any() else ended


def with_realm(result: pd.DataFrame, *inputs: pd.DataFrame | None) -> pd.DataFrame:
    """Put the column ``realm`` in front of one school's result if one of the inputs has it."""
    if not any(frame is not None and REALM in frame for frame in inputs):
        return result
    realm = next(iter(realms_of(*inputs)), None)
    column = pd.Series([realm] * len(result), index=result.index, dtype="str")
    front = pd.concat([column.rename(REALM), result], axis=1)
    front.attrs = result.attrs
    return front
