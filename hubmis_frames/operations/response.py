"""Reads a response by its declaration: its rows, whether it is valid, and whether filters were applied."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from ..errors import FilterIgnoredError
from ..request import Envelope
from .declaration import Endpoint


def active_year(years: pd.DataFrame, today: date) -> int | str | None:
    """Find the active academic year: by its flag where the server sends one, else by its dates.

    The document names no field of an academic year, so this tries several likely names.
    """
    years = years.dropna(subset=["academic_year_id"])
    for name in ("is_active", "active", "is_current", "current"):
        if name in years:
            flagged = years[years[name].astype("string").str.lower().isin(["true", "1", "active", "current"])]
            if len(flagged) == 1:
                return plain_id(flagged["academic_year_id"].iloc[0])
    begins = _dates(years, ("date_from", "start_date", "date_start", "starts_on", "start", "from"))
    ends = _dates(years, ("date_to", "end_date", "date_end", "ends_on", "end", "to"))
    if begins is None or ends is None:
        return None
    now = pd.Timestamp(today)
    running = years[(begins <= now) & (now <= ends)]
    return plain_id(running["academic_year_id"].iloc[0]) if len(running) == 1 else None


def plain_id(value: object) -> int | str:
    """An id of a frame as Python's own ``int`` or ``str``."""
    return value if isinstance(value, str) else int(value)  # type: ignore[call-overload]


def _dates(years: pd.DataFrame, names: Sequence[str]) -> pd.Series | None:
    for name in names:
        if name in years and years[name].notna().any():
            return pd.to_datetime(years[name], errors="coerce", utc=True).dt.tz_localize(None)
    return None


# What an envelope says of its list, by names without case and punctuation, the likeliest first.
_WORDS = {
    "next": "next nextpageurl nextlink nexturl nextcursor nextpagetoken nexttoken nextpage hydranext odatanextlink "
    "endcursor continuationtoken after",
    "total": "total totalcount totalelements totalitems totalresults totalrecords totalrows totalhits recordstotal "
    "hydratotalitems odatacount",
    "pages": "lastpage totalpages pagecount pages pagestotal numpages",
    "goes on": "hasmore hasnext hasnextpage hasmorepages more",
    "ends": "last islast islastpage",
}
WORD_OF = {name: word for word, names in _WORDS.items() for name in names.split()}
PAGE_OBJECTS = frozenset(
    {"cursor", "cursors", "hydraview", "links", "meta", "metadata", "page", "pageable", "pageinfo", "pages"}
    | {"pagination", "paging"}
)
"""Objects in an envelope that describe the pages."""
_DEEPEST = 2


def plain(name: str) -> str:
    """Return a field's name without case and punctuation."""
    return re.sub(r"[\W_]", "", name).casefold()


def envelope_of(value: object, endpoint: Endpoint) -> Envelope:
    """What an answer says of the list that it is a page of: whether it goes on, and how many rows it has."""
    words: dict[str, Any] = {}
    declared = endpoint.paging.next_at if endpoint.paging else ""
    can_say = bool(declared) and _is_at(value, declared.split("/")[:-1])
    for name in endpoint.wrapper.split("/") if endpoint.wrapper else ():
        if not isinstance(value, dict) or name not in value:
            break
        _find_words({other: content for other, content in value.items() if other != name}, words)
        value = value[name]
    following = words.get("next")
    if isinstance(following, dict):  # a link of HAL or JSON:API
        following = following.get("href", following.get("url"))
    goes_on = isinstance(following, str | int | float) and not isinstance(following, bool) and bool(following)
    says = [words.get("goes on"), *([following] if isinstance(following, bool) else [])]
    said = [
        (can_say or "next" in words) and not goes_on,  # some leave it out where there is none
        False in says,
        words.get("ends") is True,
    ]
    total, pages = (_whole(words.get(word)) for word in ("total", "pages"))
    shown = str(following) if goes_on and False not in says else ""
    return Envelope(shown, True in says or words.get("ends") is False, any(said), total, pages)


def _find_words(envelope: Mapping[str, Any], words: dict[str, Any], depth: int = 0) -> None:
    for word, names in _WORDS.items():
        for other, content in envelope.items():
            named = plain(other) in names.split() and (plain(other) != "after" or depth)
            if named and not words.get(word):
                words[word] = content
    for other, content in envelope.items():
        if depth < _DEEPEST and isinstance(content, dict) and plain(other) in PAGE_OBJECTS:
            _find_words(content, words, depth + 1)


def _is_at(value: object, path: Sequence[str]) -> bool:
    """Whether there is an object at a path."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return isinstance(value, dict)


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:18])
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


# Fields that describe the envelope and are no columns of its records; case and punctuation are ignored.
_ENVELOPE = re.compile(
    r"data|meta(data)?|links?|pag(ing|ination|eable)|pageinfo|cursors?|(current|next|prev|previous|first|last|total|per)?"
    r"pages?(url|number|size|count|token|link)?|(first|last|next|prev|previous|path|from|to)(url|link|token|cursor)?|total\w*|count|"
    r"size|limit|offset|number(ofelements)?|hasmore|hasnext(page)?|hasprevious(page)?|sort|success|ok|status(code)?|code|"
    r"messages?|errors?|warnings?|included|jsonapi|version|timestamp|requestid|empty|hydra\w+"
)


def rows_of(value: object, endpoint: Endpoint) -> list[Any]:
    """The records in a response: a bare list, an envelope with a list, or a single record.

    Other fields of the envelope belong to each record, under a name of their own, unless they describe the pages or the
    request.
    """
    beside: dict[str, Any] = {}
    for name in endpoint.wrapper.split("/") if endpoint.wrapper else ():
        if not isinstance(value, dict) or name not in value:
            break
        for other, content in value.items():
            if other != name and (of_row := beside_name(other)):
                beside[of_row] = content
        value = value[name]
    rows = value if isinstance(value, list) else [value] if value else []
    if endpoint.attributes:
        rows = [_with_attributes(row) for row in rows]
    return [{**beside, **row} if isinstance(row, dict) else row for row in rows] if beside else rows


def beside_name(name: str) -> str:
    """What each record calls a field that stands beside the list; nothing if it describes the pages or the request."""
    own = plain(name)
    is_of_envelope = own in WORD_OF or own in PAGE_OBJECTS or bool(_ENVELOPE.fullmatch(own))
    return "" if name.startswith("@") or is_of_envelope else f"answer_{name}"


def _with_attributes(row: Any) -> Any:
    """A record of JSON:API as a plain one: its id, its attributes, and the ids of its relationships."""
    if not isinstance(row, dict) or not isinstance(row.get("attributes"), dict):
        return row
    relationships = row.get("relationships")
    related = relationships.items() if isinstance(relationships, dict) else ()
    ids = {name: content["data"] for name, content in related if isinstance(content, dict) and content.get("data")}
    left_out = ("attributes", "relationships", "links", "type")
    own = {name: content for name, content in row.items() if name not in left_out}
    return {**own, **ids, **row["attributes"]}


_ROWS_CHECKED = 5
_NAMES_OF_BOTH = frozenset({"code", "description", "name", "status", "title", "type"})
"""Fields that records and error messages both have."""
_NAMES_OF_ERRORS = frozenset(
    {"correlationid", "detail", "details", "httpstatus", "instance", "message", "messages", "msg", "path", "reason"}
    | {"requestid", "stack", "statuscode", "success", "timestamp", "trace", "traceid"}
)


def is_answer(value: object, endpoint: Endpoint) -> bool:
    """Whether a parsed body can be an answer of the operation, and is no error message.

    Of a list only the first rows are checked. They may have no declared field at all, as the fields of
    lists are inferred; a single record must have one.
    """
    for name in endpoint.wrapper.split("/") if endpoint.wrapper and isinstance(value, dict) else ():
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
        if value is None:
            return True
    if endpoint.attributes:
        rows = value if isinstance(value, list) else [value]
        return not rows or any(isinstance(row, dict) and "attributes" in row for row in rows[:_ROWS_CHECKED])
    if isinstance(value, list):
        rows = value[:_ROWS_CHECKED]
        return not rows or any(_is_record(row, endpoint) for row in rows)
    names = set(endpoint.record.names) - _NAMES_OF_BOTH
    return isinstance(value, dict) and _is_record(value, endpoint) and (not names or not names.isdisjoint(value))


def _is_record(row: object, endpoint: Endpoint) -> bool:
    """Whether a row is a record and no error message: fields that nobody declared are normal."""
    if not isinstance(row, dict) or not row:
        return False
    declared = set(endpoint.record.names)
    undeclared = {re.sub(r"[^a-z]", "", name.lower()) for name in row if name not in declared}
    is_error = any("error" in name or "exception" in name or name.startswith("fault") for name in undeclared)
    may_be_error = is_error or not undeclared.isdisjoint(_NAMES_OF_ERRORS)
    own = declared.intersection(row) - _NAMES_OF_BOTH - {"id"}
    if len(own) > int(is_error):
        return True
    if "id" in declared and row.get("id") is not None:
        return not (is_error if isinstance(row["id"], int) else may_be_error)
    return not may_be_error and not _NAMES_OF_BOTH.issuperset(row)


def check_filters(endpoint: Endpoint, arguments: Mapping[str, Any], frame: pd.DataFrame) -> None:
    """Raise if there are rows that a filter excludes: a server may ignore a filter that it does not know."""
    for parameter in endpoint.parameters:
        asked = arguments.get(parameter.name)
        column = endpoint.checks.get(parameter.name, parameter.name if parameter.choices else "")
        if asked is None or parameter.place != "query" or column not in frame:
            continue
        values = frame[column]
        if asked in parameter.choices:
            # Values from another vocabulary than the filter's do not show whether it was applied.
            words = values.astype("string").str.lower()
            outside = words.isin([choice.lower() for choice in parameter.choices]) & (words != str(asked).lower())
        elif parameter.kind in (date, datetime) and is_datetime64_any_dtype(values):
            # The document gives no time zone and does not say whether bounds are inclusive, so a day more is accepted.
            days = pd.to_datetime(values, utc=True).dt.normalize()
            bound = pd.to_datetime(asked, utc=True).normalize()
            day = pd.Timedelta(days=1)
            outside = days < bound - day if parameter.name.endswith("_from") else days > bound + day
        else:
            continue
        if outside.any():
            raise FilterIgnoredError(
                f"{endpoint.loader}: {int(outside.sum())} of {len(frame)} rows lie outside {parameter.name}={asked!r}, "
                f"so HUBmis seems to ignore this filter. Load without it and select by the column {column}."
            )
