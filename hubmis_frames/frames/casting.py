"""From text to dates, timestamps and times, with Arrow's cast or else once for each distinct text."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time

import pyarrow as pa
import pyarrow.compute as pc

_NO_DATE = ("", "0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00Z")


def cast_text(texts: pa.Array, type_: pa.DataType) -> tuple[pa.Array, pa.Array | None]:
    """Cast text to a date, an instant or a time.

    Returns the values, and the texts that cannot be cast (``None`` if there are none), so that the caller can keep
    them. Empty text and a date of zeros mean that there is no date. An instant without an offset is in UTC. Fractions
    below a microsecond are cut.
    """
    try:
        return pc.cast(texts, type_), None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    encoded = pc.dictionary_encode(texts)
    parsed = [_parsed(text, _PARSERS[_parser_of(type_)]) for text in encoded.dictionary.to_pylist()]
    values = pa.array([value for value, _ in parsed], type_).take(encoded.indices)
    if not any(failed for _, failed in parsed):
        return values, None
    kept = pa.array([failed for _, failed in parsed], pa.string())
    return values, kept.take(encoded.indices)


def _parsed(text: str, parse: Callable[[str], object]) -> tuple[object, str | None]:
    if text in _NO_DATE:
        return None, None
    try:
        return parse(text), None
    except (ValueError, OverflowError):
        return None, text


def _parser_of(type_: pa.DataType) -> str:
    return "date" if pa.types.is_date(type_) else "time" if pa.types.is_time(type_) else "instant"


def _date(text: str) -> date:
    if not _DATE.match(text):
        raise ValueError(text)
    value = datetime.fromisoformat(text)
    # A date has no place for a time of day, unless that is midnight.
    if value.time() != time(0):
        raise ValueError(text)
    return value.date()


def _instant(text: str) -> datetime:
    if not _DATE.match(text):
        raise ValueError(text)
    value = datetime.fromisoformat(text)
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)


def _time(text: str) -> time:
    if not _TIME.fullmatch(text):  # a time has no place for an offset
        raise ValueError(text)
    return time.fromisoformat(text)


# ISO allows shorter spellings, in which a number looks like a date.
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]|$)")
_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?")
_PARSERS: dict[str, Callable[[str], object]] = {"date": _date, "instant": _instant, "time": _time}
