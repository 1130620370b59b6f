"""How wellbeing and joint analysis find a school's fields, and what they say when one is not there."""

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from ..errors import BadArgumentError

DAY = pd.Timedelta(days=1)


class MissingFieldError(BadArgumentError):
    """A measure needs a field that the server did not send; no figure stands in for it."""


def require(frame: pd.DataFrame, names: Iterable[str], what: str) -> None:
    """Raise unless a frame has these columns, naming the ones that it has."""
    if lacking := [name for name in names if name not in frame]:
        raise BadArgumentError(
            f"{what}: there is no column {', '.join(lacking)}. The frame has {', '.join(map(str, frame.columns))}."
        )


def filled(frame: pd.DataFrame, name: str, measure: str, why: str) -> None:
    """Raise unless some row has a value in this column; a frame without rows has nothing to lack."""
    if len(frame) and (name not in frame or frame[name].isna().all()):
        raise MissingFieldError(
            f"{measure} needs {name}, {why}, and no row has one: the server does not send it, or the school does not "
            f'fill it in. If the frame has it under another name, give events(frame, columns={{"{name}": ...}}).'
        )


def one_school(frame: pd.DataFrame, what: str, *others: pd.DataFrame | None) -> None:
    """Raise when a frame, or it and others, hold several schools: their ids mean different people."""
    frames = [each for each in (frame, *others) if each is not None and "realm" in each]
    if len({realm for each in frames for realm in each["realm"].dropna().unique()}) > 1:
        holds = "the frame holds" if others == () else "the frames hold"
        raise BadArgumentError(f"{what}: {holds} several schools (realm). Analyse one at a time.")


def as_day(value: object, what: str) -> pd.Timestamp:
    """The day that was given, without a time of day."""
    try:
        # A number would be read as nanoseconds since 1970.
        day = pd.NaT if pd.api.types.is_number(value) else pd.Timestamp(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        day = pd.NaT
    if not isinstance(day, pd.Timestamp):
        raise BadArgumentError(f"{what}: give a date such as '2026-07-03', not {value!r}.")
    return day.tz_localize(None).normalize()


def pick(frame: pd.DataFrame, known: Mapping[str, Sequence[str]], given: Mapping[str, str] | None) -> dict[str, str]:
    """Which column of a frame holds each canonical field: the one given, else the first known name that is there."""
    given = given or {}
    if unknown := [name for name in given if name not in known]:
        raise BadArgumentError(f"columns: there is no field {unknown[0]!r}. The fields are {', '.join(known)}.")
    require(frame, given.values(), "columns")
    found = {
        field: given.get(field) or next((name for name in names if name in frame), None)
        for field, names in known.items()
    }
    return {field: name for field, name in found.items() if name}


def local_dates(values: pd.Series, timezone: str, what: str) -> pd.Series:
    """The day on which an instant falls at the school; a date stays the day that it is."""
    instants = as_times(values, what)
    if isinstance(instants.dtype, pd.DatetimeTZDtype):
        instants = instants.dt.tz_convert(timezone).dt.tz_localize(None)
    dates: pd.Series = instants.dt.normalize().astype("datetime64[us]")
    return dates


def as_times(values: pd.Series, what: str) -> pd.Series:
    """Dates or instants as pandas' own type. ISO text is read; other text is refused, not lost."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return values
    if pd.api.types.is_numeric_dtype(values) and values.notna().any():
        raise BadArgumentError(f"{what} holds numbers, which are no dates.")
    try:
        # Text of which some has a time zone and some has none cannot be one column of instants.
        return pd.to_datetime(values.astype(object), format="ISO8601")
    except (TypeError, ValueError):
        raise BadArgumentError(f"{what} holds values that are no ISO dates: convert the column first.") from None


def as_ids(values: pd.Series, what: str) -> pd.Series:
    """Ids as ``Int64``: a merge elsewhere may have made floats of them."""
    try:
        return values.astype("Int64")
    except (TypeError, ValueError):
        raise BadArgumentError(f"{what} holds values that are no ids.") from None


def natural(name: object) -> tuple[object, ...]:
    """A key that sorts Year 9 before Year 10, and what is missing last."""
    if not isinstance(name, str):
        return (1, "") if pd.isna(name) else (0, name)  # type: ignore[call-overload]
    parts = re.split(r"(\d+)", name)
    return (0, *((int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in parts if part))
