"""One student's record: wellbeing events, plans and learning support in order of date."""

import numpy as np
import pandas as pd

from ..analysis.calendar import check_timezone
from ..analysis.columns import as_ids, local_dates, require_columns
from .canonical import LONDON
from .selection import EVENT, select, with_realm

TIMELINE = (
    "student_id",
    "date",
    "what",
    "name",
    "severity_id",
    "severity_name",
    "status",
    "pastoral_event_id",
    "learning_support_record_id",
    "days_since_previous",
)


def timeline(
    events: pd.DataFrame,
    student_id: int | str,
    *,
    learning_support: pd.DataFrame | None = None,
    timezone: str = LONDON,
) -> pd.DataFrame:
    """One row per entry on one student's record, in order of date.

    Parameters
    ----------
    events
        What :func:`events` returned. Deleted rows are left out; plans are included.
    student_id
        The student.
    learning_support
        What ``load_learning_support_records`` returned, to include the beginning and the end of each record.
    timezone
        The school's time zone, for dates of learning support that were sent as instants.

    Returns
    -------
    DataFrame
        One row per entry: ``realm`` (if a frame has it), ``student_id``, ``date``, ``what`` (``wellbeing_event``,
        ``wellbeing_plan``, ``learning_support_begins``, ``learning_support_ends``), ``name`` (the category or the type
        of need), ``severity_id``, ``severity_name``, ``status``, ``pastoral_event_id``,
        ``learning_support_record_id``, ``days_since_previous`` (whole days; missing for the first entry and for entries
        without a date, which come last). No rows means that nothing is on record in these frames. Events of students
        who have left are loaded only with ``load_pastoral_events(..., include_past_students=True)``.

    Raises
    ------
    BadArgumentError
        A frame lacks a column, which the message names.
    """
    rows = select(events, None, "timeline", learning_support)
    student_id = as_ids(pd.Series([student_id]), "timeline: student_id")[0]
    rows = rows[rows["student_id"].eq(student_id).fillna(False)]
    parts = [rows.assign(what=rows["type"].fillna(EVENT), name=rows["category_name"])]
    if learning_support is not None:
        parts += _support_entries(learning_support, student_id, check_timezone(timezone, "timeline"))
    entries = pd.concat([part.reindex(columns=list(TIMELINE)) for part in parts if len(part)] or [_no_entries()])
    entries = entries.sort_values(["date", "pastoral_event_id"], kind="stable", ignore_index=True)
    entries["days_since_previous"] = entries["date"].diff().dt.days.astype("Int64")
    texts = ["what", "name", "severity_name", "status"]
    ids = ["severity_id", "pastoral_event_id", "learning_support_record_id"]
    entries = entries.assign(**{name: as_ids(entries[name], f"timeline: {name}") for name in ids})
    types = {"student_id": rows["student_id"].dtype, **dict.fromkeys(texts, "str")}
    return with_realm(entries.astype(types), events, learning_support)


def _support_entries(records: pd.DataFrame, student_id: int | str, timezone: str) -> list[pd.DataFrame]:
    """The beginnings and the ends of a student's learning support records."""
    needed = ["learning_support_record_id", "student_id", "learning_support_date", "inactive_date"]
    require_columns(records, needed, "timeline: learning_support")
    records = records.assign(
        student_id=as_ids(records["student_id"], "timeline: learning_support's student_id"),
        **{day: local_dates(records[day], timezone, f"timeline: {day}") for day in needed[2:]},
    )
    rows = records[records["student_id"].eq(student_id).fillna(False)]
    name, status = (
        rows[column] if column in rows else pd.Series(pd.NA, index=rows.index, dtype="str")
        for column in ("learning_support_type_name", "status_name")
    )
    # The severities of learning support are a list of their own, so their ids must not stand beside those of events.
    rows = rows.assign(name=name, status=status, severity_id=np.nan)
    begins = rows.assign(what="learning_support_begins", date=rows["learning_support_date"])
    ends = rows.assign(what="learning_support_ends", date=rows["inactive_date"])
    return [begins, ends[ends["date"].notna()]]


def _no_entries() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="str") for name in TIMELINE}).astype({"date": "datetime64[us]"})
