"""Filters, searches and sorts, by rules that hold for every operation alike."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from .routes import Query
from .rows import Row
from .store import Store

Keep = Callable[[Row, Row], bool]
"""Whether a row, with its record, stays in the answer."""

WITHOUT_EFFECT = frozenset({"assessment_creation", "group_type", "date"})
"""Filters of which the document does not say what in a record they look at."""
ELSEWHERE = {
    "destination_school": ("destination",),
    "house": ("academic_house", "boarding_house"),
    "status": ("status_id", "review_status", "status"),
}
"""Fields that a filter looks at under another name than its own."""
MOMENTS = ("date_time", "review_date_time", "date", "start_date", "created_at")
"""Where a record says when it was, the best place first."""
PAST = "include_past_students"


def keep(store: Store, query: Query, pairs: list[tuple[Row, Row]]) -> list[tuple[Row, Row]]:
    """Return what the filters let through; a pair is a row and its record."""
    for name, wanted in query.filters.items():
        if name not in WITHOUT_EFFECT and name != PAST:
            kept = _filter(store, query.year, name, wanted)
            pairs = [pair for pair in pairs if kept(*pair)]
    return pairs


def order(query: Query, records: list[Row]) -> list[Row]:
    """Return the records in the order asked for; what is null goes last."""
    for name, backwards in reversed(query.sorts):
        known = [record for record in records if _order(record[name]) is not None]
        unknown = [record for record in records if _order(record[name]) is None]
        records = sorted(known, key=lambda record: _order(record[name]), reverse=backwards) + unknown
    return records


def without_past(store: Store, query: Query, rows: list[Row]) -> list[Row]:
    """Leave out what belongs to students who have left, where the operation does so unless asked not to."""
    if query.filters.get(PAST) or not any(parameter.name == PAST for parameter in query.endpoint.parameters):
        return rows
    students = store.rows("student")
    return [row for row in rows if students[row["student"]]["enrolment_status"] == "current"]


def found(store: Store, year: int, name: str, row: Row, record: Row) -> list[Any]:
    """Return what a filter of this name compares with: ids or scalars, of the thing or of its student."""
    fields = ELSEWHERE.get(name, (name, f"{name}s", name.removesuffix("_id")))
    student = store.row("student", row["student"], year) if "student" in row else None
    for place in (row, student or {}, record):
        values = [place[field] for field in fields if field in place]
        if values:
            flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
            return [each["id"] if isinstance(each, dict) else each for each in flat]
    return []


def _filter(store: Store, year: int, name: str, wanted: Any) -> Keep:
    text = str(wanted).casefold()
    if name == "search":
        return lambda _, record: any(text in each.casefold() for each in _texts(record))
    if name in ("date_time_from", "date_from"):
        return lambda row, record: (when := _moment(row, record)) is not None and _compare(when, wanted) >= 0
    if name in ("date_time_to", "date_to"):
        return lambda row, record: (when := _moment(row, record)) is not None and _compare(when, wanted) <= 0
    return lambda row, record: any(str(each).casefold() == text for each in found(store, year, name, row, record))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)


def _moment(row: Row, record: Row) -> str | None:
    return next((place[field] for place in (row, record) for field in MOMENTS if place.get(field)), None)


def _compare(when: str, bound: str) -> int:
    """Compare a record's moment with a bound; a bound or a record without a time stands for the whole day."""
    if len(bound) == 10 or len(when) == 10:
        one, other = when[:10], bound[:10]
    else:
        moments = (datetime.fromisoformat(each) for each in (when, bound))
        a, b = (each.astimezone(UTC) if each.tzinfo else each.replace(tzinfo=UTC) for each in moments)
        one, other = a.isoformat(), b.isoformat()
    return (one > other) - (one < other)


def _order(value: Any) -> Any:
    """Return what a value is sorted by; ``None`` for what goes last whichever way the sort runs."""
    if isinstance(value, dict):
        return next((_order(value[name]) for name in ("name", "code", "last_name", "id") if value.get(name)), None)
    if isinstance(value, list):
        return len(value)
    return value.casefold() if isinstance(value, str) else value
