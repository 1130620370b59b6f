"""Selects columns, and rows by the values in them, from text that a person typed."""

from collections.abc import Mapping, Sequence

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from ..errors import BadArgumentError, did_you_mean


def select(
    frame: pd.DataFrame, name: str, columns: Sequence[str] = (), where: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """Return some columns of a table, and the rows that have one of the values in each column of ``where``.

    Parameters
    ----------
    frame
        The table.
    name
        What messages call it.
    columns
        The columns, in this order; all of them if there are none.
    where
        Values by column, as text: numbers and dates as they are written, ``true`` or ``false``, and ``""`` for
        *missing*. Upper and lower case are the same.

    Raises
    ------
    BadArgumentError
        The table has no such column, or no row has any of the values; so a slip does not end as an empty file.
    """
    where = where or {}
    unknown = [column for column in dict.fromkeys([*columns, *where]) if column not in frame]
    if unknown:
        near = "".join(did_you_mean(column, map(str, frame.columns)) for column in unknown)
        raise BadArgumentError(
            f"{name} has no column {', '.join(unknown)}.{near} It has {', '.join(map(str, frame.columns))}."
        )
    kept = pd.Series(True, index=frame.index)
    for column, values in where.items():
        found = pd.Series(False, index=frame.index)
        for value in values:
            found |= _equal(frame[column], value, f"{name}: {column}")
        if len(frame) and not found.any():  # the values are not shown: they can be a child's data
            raise BadArgumentError(
                f"{name}: no row has {column} {' or '.join(repr(value) for value in values)}. To see what there is, "
                "write the file without this choice."
            )
        kept &= found
    return frame.loc[kept, list(dict.fromkeys(columns)) or list(frame.columns)]


def _equal(values: pd.Series, text: str, what: str) -> pd.Series:
    """Whether each value is what the text says; a missing one equals the empty text alone."""
    wanted = text.strip().casefold()
    if not wanted:
        return values.isna() | values.astype("str").eq("")
    if is_bool_dtype(values.dtype):
        if wanted not in ("true", "false"):
            raise BadArgumentError(f"{what} is true or false, not {text!r}.")
        return values.eq(wanted == "true").fillna(False).astype(bool)
    if is_numeric_dtype(values.dtype):
        try:
            number = int(wanted)  # an id can have more digits than a float keeps
        except ValueError:
            try:
                return values.eq(float(wanted)).fillna(False).astype(bool)
            except ValueError:
                raise BadArgumentError(f"{what} is a number, not {text!r}.") from None
        return values.eq(number).fillna(False).astype(bool)
    if isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M":
        return _same_time(values, text.strip(), what)
    return values.astype("str").str.strip().str.casefold().eq(wanted) & values.notna()


def _same_time(values: pd.Series, text: str, what: str) -> pd.Series:
    """Whether each is the instant; or on the day, if the text is a day alone."""
    zone = getattr(values.dtype, "tz", None)
    try:
        wanted = pd.Timestamp(text)
        wanted = wanted.tz_convert(zone) if wanted.tzinfo else wanted.tz_localize(zone)
    except (ValueError, TypeError):
        raise BadArgumentError(f"{what} is a date such as 2026-01-31, not {text!r}.") from None
    day = len(text) == len("2026-01-31")
    return (values.dt.normalize() if day else values).eq(wanted).fillna(False).astype(bool)
