"""A frame as a table to read, in a notebook, a report or a meeting."""

import numbers
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_float_dtype, is_integer_dtype, is_numeric_dtype

from ..errors import BadArgumentError
from ..frames.output import flattened

_USUAL = {
    "student_id": "student", "staff_id": "member of staff", "form_name": "form", "year_group_name": "year group",
    "category_name": "category", "severity_name": "severity",
}  # fmt: skip
_WORDS = ("category", "type", "what")  # columns that hold our own words, such as authorised_absence
_SHORT, _DATE, _PAGE = 30, 11, 150  # characters of a short text, of a date, and beside each other on a page


class ShownTable:
    """A frame made readable. A notebook shows it as HTML, any other program as text. Made by :func:`show`."""

    def __init__(self, cells: pd.DataFrame, right: list[bool], note: str) -> None:
        self._cells = cells
        self._right = right
        self._note = note

    def __repr__(self) -> str:
        if self._cells.empty:
            return self._note
        return f"{self._cells.to_string(index=False)}\n{self._note}".rstrip()

    def _repr_html_(self) -> str:
        note = f"<p>{escape(self._note)}</p>" if self._note else ""
        if self._cells.empty:
            return note
        sides = ["text-align: right" if right else "text-align: left" for right in self._right]
        # A name or a date on two lines is hard to read; headings and long texts may wrap. A wide table wraps more.
        lengths = self._cells.map(len).max()
        short = lengths.le(_SHORT if lengths.clip(upper=_SHORT).sum() <= _PAGE else _DATE)
        styles = [f"{side}; white-space: nowrap" if keep else side for side, keep in zip(sides, short, strict=True)]
        head = _line("th", sides, self._cells.columns)
        lines = "".join(_line("td", styles, row) for row in self._cells.to_numpy())
        return f"<table><thead>{head}</thead><tbody>{lines}</tbody></table>{note}"


def _line(tag: str, styles: Iterable[str], cells: Iterable[str]) -> str:
    written = (f'<{tag} style="{style}">{escape(cell)}</{tag}>' for style, cell in zip(styles, cells, strict=True))
    return f"<tr>{''.join(written)}</tr>"


def show(
    frame: pd.DataFrame,
    rows: int | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    none: str = "None.",
) -> ShownTable:
    """Show a frame as a table to read: no row numbers, plain headings, dates and numbers as people write them.

    Parameters
    ----------
    frame
        The rows, in the order to show them. An index other than row numbers becomes columns.
    rows
        How many rows to show, from the top. The default is all. A line below says how many there are in all.
    labels
        Headings for columns. Without one, a heading is the column's name with spaces; a rate or a share also says that
        it is per cent.
    none
        The text to show if there are no rows.

    Returns
    -------
    ShownTable
        Put it on the last line of a cell, or give it to ``display``. Numbers have one decimal and separators of
        thousands, except ids and years; flags are yes and no; a missing value is blank.

    Raises
    ------
    BadArgumentError
        ``frame`` is no frame, or ``rows`` is not a whole number above 0.
    """
    if not isinstance(frame, pd.DataFrame):
        raise BadArgumentError(
            f"show takes a frame, and this is a {type(frame).__name__}. If it holds several tables, choose one by name."
        )
    if rows is not None and (isinstance(rows, bool) or not isinstance(rows, numbers.Integral) or rows < 1):
        raise BadArgumentError(f"show: rows takes a whole number above 0, not {rows!r}.")
    if frame.empty:
        return ShownTable(frame, [], none)
    headings = _USUAL | dict(labels or {})
    shown = flattened(frame if rows is None else frame.head(rows))
    columns = [(str(name), shown.iloc[:, place]) for place, name in enumerate(shown.columns)]
    cells = pd.DataFrame(
        {place: pd.Series(_texts(*column), dtype="str") for place, column in enumerate(columns)}
    ).set_axis([headings.get(name, _heading(name)) for name, _ in columns], axis=1)
    right = [is_numeric_dtype(column) and not is_bool_dtype(column) for _, column in columns]
    note = f"The first {len(shown):,} of {len(frame):,}." if len(shown) < len(frame) else ""
    return ShownTable(cells, right, note)


def _heading(name: str) -> str:
    return name.replace("_", " ") + (" (%)" if name == "share" or name.endswith("_rate") else "")


def _texts(name: str, column: pd.Series) -> list[str]:
    write: Callable[[Any], str] = _text
    if is_numeric_dtype(column) and not is_bool_dtype(column) and name.endswith(("_id", "year")):
        write = "{:.0f}".format
    elif is_float_dtype(column):
        write = _decimal
    elif is_integer_dtype(column):
        write = "{:,}".format
    elif is_datetime64_any_dtype(column):
        days = column.dropna().eq(column.dropna().dt.normalize()).all()
        write = _day if days else _instant
    elif name in _WORDS:
        write = _word
    return ["" if pd.api.types.is_scalar(value) and pd.isna(value) else write(value) for value in column]


def _text(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool | np.bool_) else str(value)


def _decimal(value: float) -> str:
    return f"{round(value, 1) + 0.0:,.1f}"  # never -0.0


def _word(value: str) -> str:
    return str(value).replace("_", " ")


def _day(value: pd.Timestamp) -> str:
    return f"{value.day} {value:%b %Y}"


def _instant(value: pd.Timestamp) -> str:
    return f"{_day(value)} {value:%H:%M %Z}".rstrip()
