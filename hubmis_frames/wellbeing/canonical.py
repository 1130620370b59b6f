"""Wellbeing events and plans in one shape, whatever a server calls their fields, and one student's timeline."""

from collections.abc import Hashable, Iterable, Mapping

import numpy as np
import pandas as pd

from ..analysis.columns import as_ids, as_times, find_columns, local_dates, require_columns
from ..analysis.realms import person_columns, require_one_school
from ..errors import BadArgumentError, did_you_mean, warn
from ..frames.partitions import by_partition

EVENT = "wellbeing_event"
PLAN = "wellbeing_plan"
LONDON = "Europe/London"

KNOWN: dict[str, tuple[str, ...]] = {
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
"""The fields of an event and the names by which they are known, the likeliest first."""

_IDS = ("pastoral_event_id", "student_id", "category_id", "severity_id", "created_by_id")
_TEXTS = ("type", "category_name", "severity_name", "status")
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


@by_partition()
def events(frame: pd.DataFrame, *, columns: Mapping[str, str] | None = None, timezone: str = LONDON) -> pd.DataFrame:
    """Put wellbeing events and plans into the shape that every measure takes.

    Parameters
    ----------
    frame
        What ``load_pastoral_events``, ``load_student_wellbeing_events`` or ``load_student_wellbeing_plans``
        returned, or any frame with a row per event and student, of several schools (``realm``) too. A Dask frame gives
        a Dask frame: each school has to lie in one partition, as :func:`hubmis_frames.read` puts it.
    columns
        Where the names are others: canonical field to the column that holds it, as in
        ``{"closed_date": "Ended on"}``.
    timezone
        The school's, for the day on which an instant falls (``load_school_regional_settings`` tells it): half past
        eleven in the evening, UTC, is the next day's in a British summer. Dates without a time stay what they are.

    Returns
    -------
    DataFrame
        One row per event or plan **and student**: ``pastoral_event_id``, ``student_id``, ``type``
        (``wellbeing_event`` or ``wellbeing_plan``), ``date`` (the school's day, no time zone), ``date_time`` (UTC),
        ``category_id``, ``category_name``, ``severity_id``, ``severity_name``, ``status``, ``closed_date``,
        ``review_date``, ``created_by_id``, ``deleted`` (missing where the server does not say), then whatever else the
        frame holds. Fields that the server does not send are there and missing throughout, and a measure that needs
        one says so. Rows without a student or date are kept. ``attrs`` counts ``duplicates`` (same event and student;
        the first is kept), ``without_student``, ``without_date`` and ``deleted``.

    Raises
    ------
    BadArgumentError
        No column holds the student or the date, or one holds what cannot be read as such.

    Warns
    -----
    HubmisWarning
        Rows lack a student or a date, or came twice.
    """
    found = find_columns(frame, KNOWN, columns)
    if "student_id" not in found:
        require_columns(frame, ["student_id"], "events")
    if "date" not in found and "date_time" not in found:
        require_columns(frame, ["date_time"], "events")
    shaped = pd.DataFrame(index=frame.index)
    for field in KNOWN:
        shaped[field] = _field(frame, found, field, timezone)
    taken = {*found.values(), *KNOWN}
    shaped = pd.concat([shaped, frame[[name for name in frame if name not in taken]]], axis=1)
    # Rows without an event's id cannot be told to be the same event.
    twice = again(shaped)
    shaped = shaped[~twice].reset_index(drop=True)
    counts = {
        "duplicates": int(twice.sum()),
        "without_student": int(shaped["student_id"].isna().sum()),
        "without_date": int(shaped["date"].isna().sum()),
        "deleted": int(shaped["deleted"].fillna(False).sum()),
    }
    shaped.attrs = frame.attrs | dict[Hashable, object](counts)
    said = {name.replace("_", " "): number for name, number in counts.items() if number and name != "deleted"}
    if said:
        counted = ", ".join(f"{name}: {number}" for name, number in said.items())
        warn(f"events: of {len(frame)} rows, {counted}.")
    return shaped


def concerns(events: pd.DataFrame, praise: Iterable[str], *, categories: pd.DataFrame | None = None) -> pd.DataFrame:
    """Leave out the events that record something good: a row per other event or plan.

    Parameters
    ----------
    events
        What :func:`events` returned.
    praise
        The names of the categories that record something good; which those are, the school knows.
    categories
        What ``load_pastoral_categories`` gave. A category in which nothing is recorded yet is known from there alone.

    Returns
    -------
    DataFrame
        The rows of ``events`` of all other categories, and of none.

    Raises
    ------
    BadArgumentError
        There is no such category: praise would be counted as trouble.
    """
    require_columns(events, ["category_name"], "concerns")
    named = [praise] if isinstance(praise, str) else list(praise)
    lists = [events["category_name"], *([] if categories is None else [categories["name"]])]
    known = sorted({name for names in lists for name in names.dropna()})
    if unknown := [name for name in named if name not in known]:
        raise BadArgumentError(
            f"There is no category {unknown[0]!r} of pastoral events.{did_you_mean(unknown[0], known)} "
            f"There are: {', '.join(known)}."
        )
    return events[~events["category_name"].isin(named)]


def again(events: pd.DataFrame) -> pd.Series:
    """Whether a row is a further one for the same event and student."""
    return events.duplicated(["pastoral_event_id", *person_columns(events)]) & events["pastoral_event_id"].notna()


def chosen(
    frame: pd.DataFrame, kind: str | None, measure: str, *beside: pd.DataFrame | None, several: bool = False
) -> pd.DataFrame:
    """The rows of canonical events that a measure counts: not deleted, of one type, of the school of what is beside.

    A type that nothing has is an error and not a count of zero, unless types are missing throughout: then
    the frame holds one kind only and does not say which.
    """
    require_columns(frame, ["student_id", "date", "type", "deleted"], measure, "hf.wellbeing.events(frame)")
    if not several:
        require_one_school(frame, measure, *beside)
    kept = frame[~frame["deleted"].fillna(False).astype(bool)]
    if kind is None or frame["type"].isna().all():
        return kept
    # A school may have plans and no event; types of other names are something else.
    if not frame["type"].isin([EVENT, PLAN] if kind in (EVENT, PLAN) else [kind]).any():
        there = ", ".join(sorted(frame["type"].dropna().unique()))
        raise BadArgumentError(
            f"{measure}: no row has the type {kind!r}; the types are {there}. Say which with kind=, or None for all."
        )
    return kept[kept["type"].eq(kind).fillna(False)]


def plans_of(frame: pd.DataFrame, measure: str, *beside: pd.DataFrame | None) -> pd.DataFrame:
    """The plans among canonical events; that there is none at all is said, as they may not have been fetched."""
    made = chosen(frame, PLAN, measure, *beside)
    if frame["type"].notna().any() and not frame["type"].eq(PLAN).fillna(False).any():
        warn(
            f"{measure}: no row is a {PLAN}, so nobody has a plan. That is wrong if only events were loaded or kept: "
            "load_pastoral_events without type= gives both."
        )
    return made


def is_active(rows: pd.DataFrame, measure: str) -> pd.Series:
    """Whether a row's status says that it is active; a row without a status is not taken for one."""
    status = rows["status"].astype("str").str.strip().str.casefold()
    if (strange := status.notna() & ~status.isin(["active", "inactive"])).any():
        name = str(rows["status"][strange].iloc[0])
        raise BadArgumentError(
            f"{measure}: there is a status {name!r}, which is neither active nor inactive. Say which it is: "
            f'events["status"] = events["status"].replace({{{name!r}: "active"}}), or "inactive".'
        )
    return status.eq("active").fillna(False).astype(bool)


def has_ended(rows: pd.DataFrame, measure: str) -> pd.Series:
    """Whether a row without a closing date has ended all the same: its status says so, or nothing says anything."""
    ended: pd.Series = ~is_active(rows, measure)
    return ended & rows["status"].notna() if rows["closed_date"].notna().any() else ended


def timeline(
    events: pd.DataFrame, student_id: int | str, *, learning_support: pd.DataFrame | None = None
) -> pd.DataFrame:
    """What is on record about one student, in order of date.

    Parameters
    ----------
    events
        What :func:`events` returned; deleted rows are left out, plans are kept beside events.
    student_id
        The student.
    learning_support
        What ``load_learning_support_records`` returned, to put the beginning and end of each record between them.

    Returns
    -------
    DataFrame
        One row per happening: ``student_id``, ``date``, ``what`` (``wellbeing_event``, ``wellbeing_plan``,
        ``learning_support_begins``, ``learning_support_ends``), ``name`` (the category or the type of need),
        ``severity_id``, ``severity_name``, ``status``, ``pastoral_event_id``, ``learning_support_record_id``,
        ``days_since_previous`` (whole days, missing for the first and for rows without a date, which come last). No
        rows means none on record here; events of students who have left come only with
        ``load_pastoral_events(..., include_past_students=True)``.

    Raises
    ------
    BadArgumentError
        A frame lacks a column, named in the message.
    """
    mine = chosen(events, None, "timeline", learning_support)
    student_id = as_ids(pd.Series([student_id]), "timeline: student_id")[0]
    mine = mine[mine["student_id"].eq(student_id).fillna(False)]
    parts = [mine.assign(what=mine["type"].fillna(EVENT), name=mine["category_name"])]
    if learning_support is not None:
        parts += _support(learning_support, student_id)
    joined = pd.concat([part.reindex(columns=list(TIMELINE)) for part in parts if len(part)] or [_nothing()])
    joined = joined.sort_values(["date", "pastoral_event_id"], kind="stable", ignore_index=True)
    joined["days_since_previous"] = joined["date"].diff().dt.days.astype("Int64")
    texts = ["what", "name", "severity_name", "status"]
    ids = ["severity_id", "pastoral_event_id", "learning_support_record_id"]
    # With pseudonyms, ids of records are text like those of students.
    ids_of_records = dict.fromkeys(["student_id", *ids], mine["student_id"].dtype) | {"severity_id": "Int64"}
    types = {**ids_of_records, **dict.fromkeys(texts, "str")}
    return joined.astype(types)


def _field(frame: pd.DataFrame, found: Mapping[str, str], field: str, timezone: str) -> pd.Series:
    """One canonical field of every row, missing throughout where no column holds it."""
    values = frame[found[field]] if field in found else pd.Series(np.nan, index=frame.index, dtype=object)
    what = f"events: {found.get(field, field)}"
    if field in _IDS:
        return as_ids(values, what)
    if field in _TEXTS:
        return values.astype("str").where(values.notna())
    if field == "deleted":
        return _flag(values)
    if field == "date_time":
        times = as_times(values, what)
        if isinstance(times.dtype, pd.DatetimeTZDtype):
            instants: pd.Series = times.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
            return instants
        # A day without a time is no instant; the date below keeps it.
        return pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
    dates = local_dates(values, timezone, what)
    if field == "date" and "date_time" in found:
        name = found["date_time"]
        return local_dates(frame[name], timezone, f"events: {name}").fillna(dates)
    return dates


def _flag(values: pd.Series) -> pd.Series:
    """Whether a row is deleted: a flag as it is; a moment of deletion is one wherever it is filled."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.notna().astype("boolean")
    if values.dropna().isin([True, False]).all():
        return values.astype("boolean")
    return as_times(values, "events: deleted").notna().astype("boolean")


def _support(records: pd.DataFrame, student_id: int | str) -> list[pd.DataFrame]:
    """The beginnings and ends of a student's learning support records."""
    needed = ["learning_support_record_id", "student_id", "learning_support_date", "inactive_date"]
    require_columns(records, needed, "timeline: learning_support")
    records = records.assign(
        student_id=as_ids(records["student_id"], "timeline: learning_support's student_id"),
        **{day: local_dates(records[day], LONDON, f"timeline: {day}") for day in needed[2:]},
    )
    mine = records[records["student_id"].eq(student_id).fillna(False)]
    name, status = (
        mine[column] if column in mine else pd.Series(pd.NA, index=mine.index, dtype="str")
        for column in ("learning_support_type_name", "status_name")
    )
    # Severities of need are another list than those of events, so their ids would be taken for the wrong thing.
    mine = mine.assign(name=name, status=status, severity_id=np.nan)
    begins = mine.assign(what="learning_support_begins", date=mine["learning_support_date"])
    ends = mine.assign(what="learning_support_ends", date=mine["inactive_date"])
    return [begins, ends[ends["date"].notna()]]


def _nothing() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="str") for name in TIMELINE}).astype({"date": "datetime64[us]"})
