"""How the analysis finds a school's columns, reads their values, and reports those that are missing."""

import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import BadArgumentError, MissingFieldError, did_you_mean
from ..frames.partitions import refuse_dask

DAY = pd.Timedelta(days=1)
_NUMBERS = ("integer", "floating", "mixed-integer", "mixed-integer-float", "decimal", "complex", "boolean")
_OFFSET = r"[T ].*(?:[Zz]|[+-]\d\d(?::?\d\d)?)$"


def require_columns(frame: pd.DataFrame, names: Iterable[str], caller: str, made_by: str = "") -> None:
    """Raise if a frame lacks one of these columns. The message names its columns and the call that makes such a frame.

    ``caller`` is what the message begins with: the user's function, and the argument if several are frames.
    """
    refuse_dask(frame, caller)
    if missing := [name for name in names if name not in frame]:
        advice = f" Give {made_by}, not the frame that was loaded." if made_by else ""
        advice = advice or did_you_mean(missing[0], map(str, frame.columns))
        raise BadArgumentError(
            f"{caller}: there is no column {', '.join(missing)}.{advice} The frame has "
            f"{', '.join(map(str, frame.columns))}."
        )


def require_values(frame: pd.DataFrame, name: str, measure: str, why: str) -> None:
    """Raise if no row has a value in this column. A frame without rows passes."""
    if len(frame) and (name not in frame or frame[name].isna().all()):
        raise MissingFieldError(
            f"{measure} needs {name}, {why}, and no row has one: the server does not send it, or the school does not "
            f'fill it in. If the frame has it under another name, give hf.wellbeing.events(frame, columns={{"{name}": '
            "...})."
        )


def as_day(value: object, caller: str) -> pd.Timestamp:
    """A day given as ``date``, ``Timestamp`` or ISO text, without a time of day."""
    day: object = pd.NaT
    try:
        if isinstance(value, str):
            # Text that is not ISO is refused: pandas would read 01/09/2025 as the ninth of January.
            day = pd.Timestamp(datetime.datetime.fromisoformat(value))
        elif not pd.api.types.is_number(value):  # a number would be read as nanoseconds since 1970
            day = pd.Timestamp(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        pass
    if not isinstance(day, pd.Timestamp):
        raise BadArgumentError(f"{caller}: give a date such as '2026-07-03', not {value!r}.")
    return day.tz_localize(None).normalize()


def as_days(since: object, until: object, caller: str) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """The first and the last day to count, as days; None for a limit that was not given."""
    first = None if since is None else as_day(since, f"{caller}: since")
    last = None if until is None else as_day(until, f"{caller}: until")
    if first is not None and last is not None and last < first:
        raise BadArgumentError(f"{caller}: until ({last:%Y-%m-%d}) is before since ({first:%Y-%m-%d}).")
    return first, last


def find_columns(
    frame: pd.DataFrame, known: Mapping[str, Sequence[str]], chosen: Mapping[str, str] | None
) -> dict[str, str]:
    """Which column of a frame holds each canonical field: the ``chosen`` one, else the first known name it has."""
    chosen = chosen or {}
    if unknown := [name for name in chosen if name not in known]:
        raise BadArgumentError(f"columns: there is no field {unknown[0]!r}. The fields are {', '.join(known)}.")
    require_columns(frame, chosen.values(), "columns")
    columns = {
        field: chosen.get(field) or next((name for name in names if name in frame), None)
        for field, names in known.items()
    }
    if repeated := [name for name in columns.values() if name and list(frame.columns).count(name) > 1]:
        raise BadArgumentError(f"The frame has several columns called {repeated[0]}: keep or rename one of them.")
    return {field: name for field, name in columns.items() if name}


def local_dates(values: pd.Series, timezone: str, caller: str) -> pd.Series:
    """The school's date at each instant; a date stays as it is, also if it was sent as midnight in UTC."""
    instants = as_times(values, caller)
    if isinstance(instants.dtype, pd.DatetimeTZDtype):
        in_utc = instants.dt.tz_convert("UTC").dropna()
        if in_utc.eq(in_utc.dt.normalize()).all():
            timezone = "UTC"
        instants = instants.dt.tz_convert(timezone).dt.tz_localize(None)
    dates: pd.Series = instants.dt.normalize().astype("datetime64[us]")
    return dates


def as_times(values: pd.Series, caller: str) -> pd.Series:
    """Dates or instants in pandas' own type. Reads ISO text; raises on other text rather than lose it."""
    if pd.api.types.is_datetime64_any_dtype(values) and not isinstance(values.dtype, pd.ArrowDtype):
        return values
    plain = values.astype(object)
    if pd.api.types.infer_dtype(plain, skipna=True) in _NUMBERS:
        raise BadArgumentError(f"{caller} holds numbers, which are not dates.")
    try:
        return pd.to_datetime(plain, format="ISO8601")
    except (TypeError, ValueError):
        # Offsets differ across a clock change, and each value still is an instant. Where only some values have an
        # offset, the others could mean any time zone.
        if plain.dropna().astype("str").str.contains(_OFFSET).all():
            return pd.to_datetime(plain, format="ISO8601", utc=True)
        raise BadArgumentError(
            f"{caller} holds values that are not ISO dates (2025-09-08), or a time zone in some rows only: convert the "
            "column first, with pd.to_datetime and its format."
        ) from None


# An id of text has a digit, which a name has not, and is no number with a fraction.
_TEXT_ID = r"(?=.*\d)(?![-+]?\d*[.,]\d+(?:[eE].*)?$)[\w.:~@/+=-]+"
_WHOLE = r"[-+]?\d{1,19}"


def as_ids(values: pd.Series, caller: str) -> pd.Series:
    """Ids as ``Int64``, as an earlier merge may have turned them into floats. Ids of text and pseudonyms stay text."""
    if values.dtype == "Int64":
        return values
    present = values.dropna()
    text = isinstance(values.dtype, pd.StringDtype) or pd.api.types.infer_dtype(present) == "string"
    if text and len(present) and present.str.fullmatch(_TEXT_ID).all() and not present.str.fullmatch(_WHOLE).all():
        return values.astype("str")
    try:
        return values.astype("Int64")
    except (TypeError, ValueError):
        raise BadArgumentError(
            f"{caller} holds values that are not ids (whole numbers, or text with a digit and without spaces)."
        ) from None


def once_each(values: pd.Series, function: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """What a function makes of each value, worked out once for each distinct one: codes and days are few."""
    place, distinct = pd.factorize(values, use_na_sentinel=False)
    return function(pd.Series(distinct)).take(place).set_axis(values.index)


def row_numbers(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """One number for each row, the same for equal rows, where missing values are equal."""
    number: npt.NDArray[np.int64] = np.zeros(len(frame), dtype=np.int64)
    for name in frame:
        place, distinct = pd.factorize(frame[name], use_na_sentinel=False)
        number = number * max(len(distinct), 1) + place
    return number


def sorted_numbers(numbers: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The distinct numbers in order, and the place of each number among them. The numbers are not negative.

    As ``numpy.unique``, which sorts all of them.
    """
    size = int(numbers.max(initial=-1)) + 1
    if size > max(4 * len(numbers), 2**20):
        place, found = pd.factorize(numbers)
        order = found.argsort()
        rank = np.empty(len(found), dtype=np.int64)
        rank[order] = np.arange(len(found))
        return found[order], rank[place]
    present = np.zeros(size, dtype=bool)
    present[numbers] = True
    return np.flatnonzero(present), (present.cumsum() - 1)[numbers]


def natural_key(name: object) -> tuple[object, ...]:
    """A sort key that puts Year 9 before Year 10, and a missing value last."""
    if not isinstance(name, str) and pd.isna(name):  # type: ignore[call-overload]
        return (1, "")
    parts = re.split(r"(\d+)", str(name))
    return (0, *((int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in parts if part))
