"""Finds rows by the name that a person knows them by."""

import pandas as pd

from ..errors import BadArgumentError, did_you_mean
from .partitions import refuse_dask

_NAMES = ("name", "code", "description")
_PERSON = ("first_name", "last_name")


def find(frame: pd.DataFrame, text: str) -> pd.DataFrame:
    """Return the rows that are called by a text, whatever its case.

    Parameters
    ----------
    frame
        What a loader or :func:`hubmis_frames.read` returned.
    text
        A ``name``, ``code`` or ``description``, or a person's ``"First Last"`` or ``"Last, First"``, with the first
        or the preferred name.

    Returns
    -------
    DataFrame
        Every row that matches, with all columns. A filter of a loader takes a frame of one row:
        ``hf.load_students(school, year_group=hf.find(hf.load_year_groups(school), "Year 9"))``.

    Raises
    ------
    BadArgumentError
        No row matches, or the frame has no column to look in.

    Examples
    --------
    >>> hf.find(hf.load_year_groups(school), "Year 9")["year_group_id"]  # doctest: +SKIP
    """
    refuse_dask(frame, "find")
    if not isinstance(text, str) or not text.strip():
        raise BadArgumentError(f"find takes the name to look for, as text, and not a {type(text).__name__}.")
    wanted = _plain(pd.Series([text], dtype="str")).iloc[0]
    columns = [name for name in _NAMES if name in frame]
    people = all(name in frame for name in _PERSON)
    if not columns and not people:
        raise BadArgumentError(
            f"find looks in {', '.join(_NAMES)} or in {' and '.join(_PERSON)}, and the frame has "
            f"{', '.join(map(str, frame.columns))}."
        )
    found = pd.Series(False, index=frame.index)
    for name in columns:
        found |= _plain(frame[name]).eq(wanted).fillna(False).astype(bool)
    if people:
        last = _plain(frame["last_name"])
        for first_name in ("first_name", "preferred_name"):
            if first_name in frame:
                first = _plain(frame[first_name])
                for both in (first + " " + last, last + ", " + first):
                    found |= both.eq(wanted).fillna(False).astype(bool)
    if found.any():
        return frame[found]
    if people:  # a person's name belongs in no message
        raise BadArgumentError(
            "find: nobody is called that. It looks for 'First Last' or 'Last, First'. To see who is similar: "
            "frame[frame['last_name'].str.contains('...', case=False)]."
        )
    known = list(dict.fromkeys(str(value) for name in columns for value in frame[name].dropna()))
    shown = f" There are {', '.join(known[:20])}{', ...' if len(known) > 20 else ''}." if known else " It has no rows."
    raise BadArgumentError(f"find: no row is called {text!r}.{did_you_mean(text, known)}{shown}")


def _plain(values: pd.Series) -> pd.Series:
    """Text without case and without spaces at its ends or in a row."""
    return values.astype("str").str.split().str.join(" ").str.casefold()
