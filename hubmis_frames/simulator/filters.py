"""Filters, searches and sorts, by the same rules for every operation."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from .routes import Query
from .rows import Row
from .store import Store

RowFilter = Callable[[Row, Row], bool]
"""Whether a row, with its record, stays in the response."""

WITHOUT_EFFECT = frozenset({"assessment_creation", "group_type", "date"})
"""Filters for which the document does not say which field they compare."""
FIELDS_BY_FILTER = {
    "destination_school": ("destination",),
    "house": ("academic_house", "boarding_house"),
    "status": ("status_id", "review_status", "status"),
}
"""The fields that a filter compares, where their names differ from its own."""
TIME_FIELDS = ("date_time", "review_date_time", "date", "start_date", "created_at")
"""The fields that hold the time of a record, the most precise first."""
PAST = "include_past_students"


def apply_filters(store: Store, query: Query, pairs: list[tuple[Row, Row]]) -> list[tuple[Row, Row]]:
    """Return the pairs that pass all filters; a pair is a row and its record."""
    for name, value in query.filters.items():
        if name not in WITHOUT_EFFECT and name != PAST:
            passes = _filter(store, query.year, name, value)
            pairs = [pair for pair in pairs if passes(*pair)]
    return pairs


def sort_records(query: Query, records: list[Row]) -> list[Row]:
    """Return the records in the requested order; nulls come last."""
    for name, descending in reversed(query.sorts):
        with_value = [record for record in records if _sort_key(record[name]) is not None]
        nulls = [record for record in records if _sort_key(record[name]) is None]
        records = sorted(with_value, key=lambda record: _sort_key(record[name]), reverse=descending) + nulls
    return records


def without_past(store: Store, query: Query, rows: list[Row]) -> list[Row]:
    """Leave out rows of students who have left, if the operation has a filter that includes them only on request."""
    if query.filters.get(PAST) or not any(parameter.name == PAST for parameter in query.endpoint.parameters):
        return rows
    students = store.rows("student")
    return [row for row in rows if students[row["student"]]["enrolment_status"] == "current"]


def filter_values(store: Store, year: int, name: str, row: Row, record: Row) -> list[Any]:
    """Return the values that a filter compares: ids or scalars, from the row, its student or its record."""
    fields = FIELDS_BY_FILTER.get(name, (name, f"{name}s", name.removesuffix("_id")))
    student = store.row("student", row["student"], year) if "student" in row else None
    for place in (row, student or {}, record):
        values = [place[field] for field in fields if field in place]
        if values:
            flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
            return [item["id"] if isinstance(item, dict) else item for item in flat]
    return []


def _filter(store: Store, year: int, name: str, wanted: Any) -> RowFilter:
    text = str(wanted).casefold()
    if name == "search":
        return lambda _, record: any(text in value.casefold() for value in _texts(record))
    if name in ("date_time_from", "date_from"):
        return lambda row, record: (time := _time(row, record)) is not None and _compare(time, wanted) >= 0
    if name in ("date_time_to", "date_to"):
        return lambda row, record: (time := _time(row, record)) is not None and _compare(time, wanted) <= 0
    return lambda row, record: any(
        str(value).casefold() == text for value in filter_values(store, year, name, row, record)
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)


def _time(row: Row, record: Row) -> str | None:
    return next((place[field] for place in (row, record) for field in TIME_FIELDS if place.get(field)), None)


def _compare(time: str, bound: str) -> int:
    """Return -1, 0 or 1: a record's time before, at or after a bound. A date without a time means the whole day."""
    if len(bound) == 10 or len(time) == 10:
        left, right = time[:10], bound[:10]
    else:
        times = (datetime.fromisoformat(text) for text in (time, bound))
        a, b = (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC) for value in times)
        left, right = a.isoformat(), b.isoformat()
    return (left > right) - (left < right)


def _sort_key(value: Any) -> Any:
    """Return what a value is sorted by; ``None`` if it comes last in either direction."""
    if isinstance(value, dict):
        return next((_sort_key(value[name]) for name in ("name", "code", "last_name", "id") if value.get(name)), None)
    if isinstance(value, list):
        return len(value)
    return value.casefold() if isinstance(value, str) else value
