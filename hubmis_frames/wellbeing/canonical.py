"""Wellbeing events and plans in one canonical shape, even if servers name their fields differently."""

from collections.abc import Hashable, Iterable, Mapping

import numpy as np
import pandas as pd

from ..analysis.columns import as_ids, as_times, find_columns, local_dates, require_columns
from ..analysis.removed import without_removed
from ..errors import BadArgumentError, did_you_mean, warn
from ..frames.partitions import by_partition
from .selection import same_event_again

LONDON = "Europe/London"

FIELDS: dict[str, tuple[str, ...]] = {
    "pastoral_event_id": ("pastoral_event_id", "wellbeing_event_id", "event_id", "id"),
    "student_id": ("student_id", "pupil_id", "students_id"),
    "type": ("type", "event_type", "pastoral_event_type"),
    "date": ("date", "event_date", "start_date"),
    "date_time": ("date_time", "event_date_time", "occurred_at", "start_date_time"),
    "category_id": ("category_id", "pastoral_category_id"),
    "category_name": ("category_name", "pastoral_category_name"),
    "severity_id": ("severity_id", "pastoral_severity_level_id", "severity_level_id"),
    "severity_name": ("severity_name", "pastoral_severity_level_name", "severity_level_name"),
    "status": ("status", "status_name", "event_status"),
    "closed_date": ("closed_date", "closed_at", "date_closed", "closing_date", "resolved_at", "end_date"),
    "review_date": ("review_date", "next_review", "review_date_time", "date_of_review"),
    "created_by_id": ("created_by_id",),
    "deleted": ("deleted", "deleted_at", "is_deleted"),
}
"""The canonical fields of an event, and the column names that may hold them, the most likely first."""

_IDS = ("pastoral_event_id", "student_id", "category_id", "severity_id", "created_by_id")
_TEXTS = ("type", "category_name", "severity_name", "status")


@by_partition()
def events(frame: pd.DataFrame, *, columns: Mapping[str, str] | None = None, timezone: str = LONDON) -> pd.DataFrame:
    """One row per event or plan and student: wellbeing records in the shape that every measure takes.

    Parameters
    ----------
    frame
        What ``load_pastoral_events``, ``load_student_wellbeing_events`` or ``load_student_wellbeing_plans`` returned,
        or any frame with a row per event and student. It may hold several schools (``realm``). A Dask frame gives a
        Dask frame; each school must lie in one partition, as :func:`hubmis_frames.read` arranges it. If students were
        joined and their ``deleted_at`` is ``deleted_at_student``, rows of removed students are left out, with a
        warning. Drop that column to keep them.
    columns
        Only needed where your columns have other names: a canonical field and the column that holds it, as in
        ``{"closed_date": "Ended on"}``.
    timezone
        The school's time zone (see ``load_school_regional_settings``), which decides the day of an event: half past
        eleven in the evening, UTC, is already the next day in a British summer. Dates without a time stay as they are.

    Returns
    -------
    DataFrame
        One row per event or plan **and student**: ``pastoral_event_id``, ``student_id``, ``type``
        (``wellbeing_event`` or ``wellbeing_plan``), ``date`` (the day at the school, without a time zone),
        ``date_time`` (UTC), ``category_id``, ``category_name``, ``severity_id``, ``severity_name``, ``status``,
        ``closed_date``, ``review_date``, ``created_by_id``, ``deleted`` (missing where the server does not say), then
        all other columns of the frame. A field that the server does not send is missing in every row, and a measure
        that needs it raises an error. Rows without a student or a date are kept. ``attrs`` counts ``duplicates`` (the
        same event and student again; only the first row is kept), ``without_student``, ``without_date`` and
        ``deleted``.

    Raises
    ------
    BadArgumentError
        No column holds the student or the date, or a column holds values that cannot be read as ids or dates.

    Warns
    -----
    HubmisWarning
        Some rows have no student or no date, appear twice, or are of students who were removed.
    """
    columns_of = find_columns(frame, FIELDS, columns)
    if "student_id" not in columns_of:
        require_columns(frame, ["student_id"], "events")
    if "date" not in columns_of and "date_time" not in columns_of:
        require_columns(frame, ["date_time"], "events")
    frame = without_removed(frame, columns_of["student_id"], "events", "events and plans", own=True)
    canonical = pd.DataFrame(index=frame.index)
    for field in FIELDS:
        canonical[field] = _field(frame, columns_of, field, timezone)
    used = {*columns_of.values(), *FIELDS}
    canonical = pd.concat([canonical, frame[[name for name in frame if name not in used]]], axis=1)
    # Without an event's id, two rows cannot be recognised as the same event.
    duplicated = same_event_again(canonical)
    canonical = canonical[~duplicated].reset_index(drop=True)
    counts = {
        "duplicates": int(duplicated.sum()),
        "without_student": int(canonical["student_id"].isna().sum()),
        "without_date": int(canonical["date"].isna().sum()),
        "deleted": int(canonical["deleted"].fillna(False).sum()),
    }
    canonical.attrs = frame.attrs | dict[Hashable, object](counts)
    problems = {name.replace("_", " "): count for name, count in counts.items() if count and name != "deleted"}
    if problems:
        listed = ", ".join(f"{name}: {count}" for name, count in problems.items())
        warn(f"events: of {len(frame)} rows, {listed}.")
    return canonical


def concerns(events: pd.DataFrame, praise: Iterable[str], *, categories: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per event or plan and student, without the categories that record something good.

    Parameters
    ----------
    events
        What :func:`events` returned.
    praise
        The names of the categories that record something good. The school knows which those are.
    categories
        What ``load_pastoral_categories`` returned. Give it if a category may have no event yet: its name is then known
        from this list only.

    Returns
    -------
    DataFrame
        The rows of ``events`` in all other categories, and those without a category.

    Raises
    ------
    BadArgumentError
        There is no such category. Ignoring the name would count praise as a concern.
    """
    require_columns(events, ["category_name"], "concerns")
    left_out = [praise] if isinstance(praise, str) else list(praise)
    lists = [events["category_name"], *([] if categories is None else [categories["name"]])]
    known = sorted({name for names in lists for name in names.dropna()})
    if unknown := [name for name in left_out if name not in known]:
        raise BadArgumentError(
            f"There is no category {unknown[0]!r} of pastoral events.{did_you_mean(unknown[0], known)} "
            f"There are: {', '.join(known)}."
        )
    return events[~events["category_name"].isin(left_out)]


def _field(frame: pd.DataFrame, columns_of: Mapping[str, str], field: str, timezone: str) -> pd.Series:
    """One canonical field of every row; missing in every row if no column holds it."""
    values = frame[columns_of[field]] if field in columns_of else pd.Series(np.nan, index=frame.index, dtype=object)
    label = f"events: {columns_of.get(field, field)}"
    if field in _IDS:
        return as_ids(values, label)
    if field in _TEXTS:
        return values.astype("str").where(values.notna())
    if field == "deleted":
        return _deleted(values)
    if field == "date_time":
        times = as_times(values, label)
        if isinstance(times.dtype, pd.DatetimeTZDtype):
            instants: pd.Series = times.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
            return instants
        # A day without a time is not an instant; the column date keeps it.
        return pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
    dates = local_dates(values, timezone, label)
    if field == "date" and "date_time" in columns_of:
        name = columns_of["date_time"]
        return local_dates(frame[name], timezone, f"events: {name}").fillna(dates)
    return dates


def _deleted(values: pd.Series) -> pd.Series:
    """Whether each row is deleted, from a flag or from the time of the deletion."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.notna().astype("boolean")
    if values.dropna().isin([True, False]).all():
        return values.astype("boolean")
    return as_times(values, "events: deleted").notna().astype("boolean")
