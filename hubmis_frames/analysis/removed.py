"""Students whom a user removed from HUBmis: it still sends them, with ``deleted_at`` filled, and no figure has them."""

import pandas as pd

from ..errors import warn
from .columns import as_times
from .realms import REALM

DELETED_AT = ("deleted_at_student", "deleted_at_pupil", "deleted_at_person")
"""The column of the students in a frame that had a ``deleted_at`` of its own before they were joined."""


def without_removed(frame: pd.DataFrame, student: str, caller: str, rows: str, *, own: bool = False) -> pd.DataFrame:
    """Return the rows of students who were not removed, and warn about the others.

    ``student`` is the column with the ids of students, ``rows`` what the rows are called. With ``own``, the frame's
    own ``deleted_at`` is about the rows and not about the students.
    """
    names = DELETED_AT if own else (*DELETED_AT, "deleted_at")
    column = next((name for name in names if name in frame), None)
    if column is None:
        return frame
    removed = is_filled(frame[column], f"{caller}: {column}")
    if not removed.any():
        return frame
    people = [name for name in (REALM, student) if name in frame]
    students = len(frame.loc[removed, people].dropna().drop_duplicates())
    counted = f" and their {rows} ({int(removed.sum())})" if rows else ""
    warn(
        f"{caller}: students who were removed from HUBmis ({students}){counted} were left out: their {column} is "
        f"filled. To keep them, drop the column {column} first."
    )
    return frame[~removed]


def is_filled(values: pd.Series, label: str) -> "pd.Series[bool]":
    """Whether each row has an instant of removal; a flag, as some servers send it, counts where it is true."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if values.isna().all():
        return pd.Series(False, index=values.index)
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.notna().astype(bool)
    if values.dropna().isin([True, False]).all():
        return values.astype("boolean").fillna(False).astype(bool)
    blank = values.astype("str").str.strip().eq("").fillna(False).astype(bool)
    return as_times(values.mask(blank), label).notna()
