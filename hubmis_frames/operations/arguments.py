"""From the arguments of a loader to its requests. Every argument is checked before anything is sent."""

import inspect
import numbers
import re
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import date, datetime, time
from typing import Any
from urllib.parse import quote

import pandas as pd

from ..errors import BadArgumentError, did_you_mean, warn
from ..request import REALM, Request, Scopes
from .declaration import CATALOGUE, YEAR, Endpoint, Parameter, camel, listed_in
from .shapes import refers

_LARGEST = 2**63 - 1


def requests_of(
    endpoint: Endpoint, arguments: Mapping[str, Any], current_year: Callable[[], int | str | None]
) -> list[Request]:
    """Build the requests for a call, one for each combination of path ids, in the order asked.

    Raises
    ------
    BadArgumentError
        The document does not allow an argument.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    explicit = set(given)
    # The server's own default would move when a new year begins in the middle of a long pull.
    if YEAR not in given and any(parameter.place != "query" or parameter.required for parameter in endpoint.year):
        given[YEAR] = current_year()
        given = {name: value for name, value in given.items() if value is not None}
    query = _sent("query", endpoint, given, explicit)
    for start, end in ((name, f"{name.removesuffix('_from')}_to") for name in given if name.endswith("_from")):
        days = [pd.to_datetime(given[name], utc=True).normalize() for name in (start, end) if name in given]
        if days != sorted(days):  # by the day: an end without a time may mean all of it
            raise BadArgumentError(f"{endpoint.loader}: {start} is after {end}, so no day is between them.")
    if "sort" in given:
        query.append(_sort(endpoint, given["sort"]))
    headers = _sent("header", endpoint, given, explicit)
    if endpoint.realm_header != "Realm":
        headers.append((endpoint.realm_header, REALM))
    return [
        Request(_path(endpoint, ids), tuple(query), tuple(headers), ids, *_scopes(endpoint, given))
        for ids in _combinations(endpoint, given)
    ]


def _scopes(endpoint: Endpoint, given: Mapping[str, Any]) -> tuple[Scopes, str]:
    """The scopes that a call takes, and how to ask with fewer."""
    for name, values in endpoint.scopes_with.items():
        if given.get(name) in values:
            return (values[given[name]],), ""
    return endpoint.scopes, endpoint.fewer_scopes


def _path(endpoint: Endpoint, ids: Sequence[int | str]) -> str:
    """The path with its ids, each quoted so that it stays one part of the path."""
    parts = {}
    for name, value in zip(_names(endpoint), ids, strict=True):
        if value in (".", ".."):  # servers read them as folders of the path, even if quoted
            raise BadArgumentError(f"{endpoint.loader}: {name} is '.' or '..', which cannot be sent in a path.")
        parts[name] = quote(str(value), safe="")
    return endpoint.path.format(**parts)


def _sent(place: str, endpoint: Endpoint, given: Mapping[str, Any], explicit: Set[str]) -> list[tuple[str, str]]:
    sent = []
    for parameter in (parameter for parameter in endpoint.parameters if parameter.place == place):
        # Where the year is a filter too, we do not send the active year: that would hide students without a year.
        filters_by_default = parameter.name == YEAR and place == "query" and not parameter.required
        if parameter.name in explicit or (parameter.name in given and not filters_by_default):
            sent.append((parameter.wire, _text(endpoint, parameter, given[parameter.name])))
        elif parameter.required:
            raise BadArgumentError(f"{endpoint.loader}: {parameter.name} is missing.")
    return sent


def ids_of(value: object, parameter: Parameter, endpoint: Endpoint) -> list[int | str]:
    """The ids in an int, an iterable of ints, a Series, or the parameter's column of a frame; in text, if it may be.

    Rows of a frame without a usable id, and entries of a Series that are 0 or negative, are left out with a warning:
    one such record must not stop the user from loading the others.
    """
    name = parameter.name
    if isinstance(value, pd.DataFrame):
        value = _column(value, name, endpoint)
        value = _usable(value, value.notna(), name, endpoint)
    if isinstance(value, pd.Series):
        numeric = pd.to_numeric(value, errors="coerce")
        value = _usable(value, ~numeric.le(0).fillna(False), name, endpoint)
    if isinstance(value, str) and parameter.text_too:
        value = [value]
    if isinstance(value, str | bytes | Mapping):
        raise BadArgumentError(
            f"{endpoint.loader}: {name} takes positive integers, not text.{_listed_by(name, endpoint)}"
        )
    try:
        items = [value] if isinstance(value, numbers.Number) else list(value)  # type: ignore[call-overload]
    except TypeError:  # not iterable, or an array without dimensions
        items = [value]
    return [_id(item, parameter, endpoint) for item in items]


def _column(frame: pd.DataFrame, name: str, endpoint: Endpoint) -> pd.Series:
    if name not in frame.columns:
        raise BadArgumentError(
            f"{endpoint.loader}: the frame for {name} has no column {name}. Its columns: {', '.join(map(str, frame))}."
        )
    return frame[name]


def _usable(ids: pd.Series, usable: pd.Series, name: str, endpoint: Endpoint) -> pd.Series:
    """The ids that can be asked for; a warning counts the others."""
    if (unusable := int((~usable).sum())) > 0:
        warn(
            f"{endpoint.loader}: {unusable} of {len(ids)} rows have no usable {name}: it is missing, 0 or negative. "
            "They are left out; the others are loaded."
        )
    return ids[usable]


def _id(item: object, parameter: Parameter, endpoint: Endpoint) -> int | str:
    name = parameter.name
    if parameter.text_too and isinstance(item, str) and item.strip():
        # A whole number is one in either spelling, as it is in the columns of ids.
        return int(item) if re.fullmatch(r"[1-9][0-9]{0,17}", item) else _plain_text(item, f"{endpoint.loader}: {name}")
    if getattr(item, "ndim", 0):
        raise BadArgumentError(f"{endpoint.loader}: {name} takes a flat list of ids.")
    whole = isinstance(item, numbers.Integral) and not isinstance(item, bool)
    # A merge that finds no partner turns a column of ids into floats.
    if isinstance(item, float) and item.is_integer():
        whole = True
    if not whole or not 0 < int(item) <= _LARGEST:  # type: ignore[call-overload]
        missing = item is None or item is pd.NA or item != item
        shown = "a missing value" if missing else "text" if isinstance(item, str) else repr(item)  # it may be a name
        raise BadArgumentError(
            f"{endpoint.loader}: {name} takes positive integers, not {shown}.{_numbers(item)}"
            f"{_listed_by(name, endpoint)}"
        )
    return int(item)  # type: ignore[call-overload,no-any-return]


def _listed_by(name: str, endpoint: Endpoint) -> str:
    """The loader that lists the ids of an argument, if there is one."""
    key = _key(name, endpoint)
    if key not in listed_in():
        return ""
    listing = CATALOGUE[listed_in()[key]]
    assert listing.function is not None
    _, *others = inspect.signature(listing.function).parameters.values()
    needed = [f", {parameter.name}=..." for parameter in others if parameter.default is parameter.empty]
    call = f"hf.{listing.loader}(school{''.join(needed)})"
    return f' {call} lists the ids. By name: {name}=hf.find({call}, "...")'


def _key(name: str, endpoint: Endpoint) -> str:
    """The column that holds the ids of an argument, in the table that lists them."""
    place = endpoint.record.get_field_index(name)
    return (refers(endpoint.record.field(place)) if place >= 0 else None) or f"{name.removesuffix('_id')}_id"


def _id_of_row(row: pd.DataFrame, name: str, endpoint: Endpoint) -> object:
    """The id in the one row that a user gave for a filter."""
    key = _key(name, endpoint)
    # A role keeps its name: academic_house is the id of a house.
    column = next((c for c in map(str, row) if c in (name, key) or (c.endswith("_id") and key.endswith(f"_{c}"))), None)
    if column is None:
        raise BadArgumentError(
            f"{endpoint.loader}: the frame for {name} has no column {key}. Its columns: {', '.join(map(str, row))}."
        )
    if len(row) != 1:
        raise BadArgumentError(
            f"{endpoint.loader}: {name} is a filter and takes one id, and the frame has {len(row)} rows. Choose one: "
            "hf.find(frame, 'its name')."
        )
    return row[column].iloc[0]


def _numbers(item: object) -> str:
    text = isinstance(item, str) and item.isdecimal()
    return ' If a file turned the ids into text, .astype("Int64") makes them numbers.' if text else ""


def _names(endpoint: Endpoint) -> list[str]:
    return [parameter.name for parameter in endpoint.path_ids]


def _combinations(endpoint: Endpoint, given: Mapping[str, Any]) -> list[tuple[int | str, ...]]:
    """The path ids of each request. Lists are combined item by item; a single value goes with every item."""
    lists: list[Sequence[int | str]] = []
    for parameter in endpoint.path_ids:
        if parameter.name not in given:
            raise BadArgumentError(
                f"{endpoint.loader}: HUBmis does not say which academic year is active. Give academic_year_id=; "
                "hf.load_academic_years(school) lists them."
                if parameter.name == YEAR
                else f"{endpoint.loader}: {parameter.name} is missing."
            )
        value = given[parameter.name]
        if parameter.kind is int:
            lists.append(ids_of(value, parameter, endpoint))
        else:
            items = _column(value, parameter.name, endpoint) if isinstance(value, pd.DataFrame) else value
            lists.append([_text(endpoint, parameter, item) for item in _items(items)])
    several = {len(values) for values in lists if len(values) != 1}
    if len(several) > 1:
        raise BadArgumentError(f"{endpoint.loader}: the lists of ids differ in length: {sorted(several)}.")
    count = several.pop() if several else 1
    columns = [values if len(values) == count else [values[0]] * count for values in lists]
    return list(dict.fromkeys(zip(*columns, strict=True))) if columns else [()]


def _items(value: object) -> list[object]:
    """The values of an argument; anything that is not a collection is a single value."""
    if isinstance(value, str | bytes | Mapping):
        return [value]
    try:
        return list(value)  # type: ignore[call-overload,no-any-return]
    except TypeError:  # not iterable, or an array without dimensions
        return [value]


def _text(endpoint: Endpoint, parameter: Parameter, value: object) -> str:
    where = f"{endpoint.loader}: {parameter.name}"
    takes_id = parameter.kind is int or (parameter.kind is str and not parameter.choices)
    if isinstance(value, pd.DataFrame) and takes_id:
        value = _id_of_row(value, parameter.name, endpoint)
        value = value if isinstance(value, str) else _id(value, parameter, endpoint)
    if parameter.choices and (isinstance(value, str) or not takes_id):
        if not isinstance(value, str) or value not in parameter.choices:
            raise BadArgumentError(
                f"{where} is {'an id or ' if takes_id else ''}one of {_listed(parameter.choices)}; not {value!r}."
                f"{did_you_mean(value, parameter.choices)}"
            )
        return str(value)
    if parameter.kind is int:
        return str(_id(value, parameter, endpoint))
    if parameter.kind is bool:
        if not isinstance(value, bool):
            raise BadArgumentError(f"{where} is True or False; not {value!r}.")
        return "true" if value else "false"
    if parameter.kind in (date, datetime):
        return _when(parameter, value, where)
    if not isinstance(value, str | numbers.Integral) or isinstance(value, bool) or not str(value).strip():
        raise BadArgumentError(f"{where} is text that is not empty, or a whole number.")
    _plain_text(str(value), where)
    if parameter.place == "header" and not (str(value).isprintable() and str(value).isascii()):
        raise BadArgumentError(f"{where} is sent in a header, which takes plain characters without line ends.")
    return str(value)


def _plain_text(value: str, where: str) -> str:
    if value.encode("utf-8", "replace").decode() != value:
        raise BadArgumentError(f"{where} holds half a surrogate pair, which is not a character and cannot be sent.")
    return value


def _when(parameter: Parameter, value: object, where: str) -> str:
    """A date as the document takes it: where it takes an instant, a date becomes the first or last one of its day.

    Midnight without a zone counts as a date, because pandas writes dates like this. An upper limit includes its day.
    """
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(when, date) or pd.isna(when):
            raise TypeError
    except (ValueError, TypeError):
        raise BadArgumentError(
            f"{where} is a date or an instant, as '2026-01-31', '2026-01-31T08:30:00Z' or a datetime; not {value!r}."
        ) from None
    if parameter.kind is date:
        return when.strftime("%Y-%m-%d") if when.year > 999 else when.isoformat()[:10]
    if not isinstance(when, datetime) or (when.tzinfo is None and when.time() == time.min):
        return f"{when.isoformat()[:10]}T{'23:59:59' if parameter.name.endswith('_to') else '00:00:00'}Z"
    if when.tzinfo is None:
        return when.isoformat(timespec="seconds") + "Z"
    return when.isoformat(timespec="seconds")


def _sort(endpoint: Endpoint, sort: object) -> tuple[str, str]:
    where = f"{endpoint.loader}: sort"
    if not isinstance(sort, str) or not re.fullmatch(r"-?[a-z][a-z0-9_]*", sort):
        raise BadArgumentError(
            f"{where} is the name of a field, as 'last_name', or '-last_name' for the other direction; not {sort!r}."
        )
    field = sort.removeprefix("-")
    if endpoint.sorts and field not in endpoint.sorts:
        raise BadArgumentError(
            f"{where} is one of {_listed(endpoint.sorts)}; not {field!r}.{did_you_mean(field, endpoint.sorts)}"
        )
    return endpoint.sort_wires.get(field, f"sort[{camel(field)}]"), "desc" if sort.startswith("-") else "asc"


def _listed(choices: Sequence[str]) -> str:
    return ", ".join(repr(choice) for choice in choices)
