"""A frame as a table for people who read and do not calculate: in a notebook, a report, a meeting."""

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
_WORDS = ("category", "type", "what")  # columns whose values are words of our own lists, such as authorised_absence
_SHORT = 30


class Table:
    """Shows itself: in a notebook as HTML, elsewhere as text. Made by :func:`table`."""

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
        # A name or a date that breaks is hard to read; headings and long texts may.
        short = self._cells.map(len).max().le(_SHORT)
        styles = [f"{side}; white-space: nowrap" if keep else side for side, keep in zip(sides, short, strict=True)]
        head = _line("th", sides, self._cells.columns)
        lines = "".join(_line("td", styles, row) for row in self._cells.to_numpy())
        return f"<table><thead>{head}</thead><tbody>{lines}</tbody></table>{note}"


def _line(tag: str, styles: Iterable[str], cells: Iterable[str]) -> str:
    said = (f'<{tag} style="{style}">{escape(cell)}</{tag}>' for style, cell in zip(styles, cells, strict=True))
    return f"<tr>{''.join(said)}</tr>"


def table(
    frame: pd.DataFrame,
    rows: int | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    none: str = "None.",
) -> Table:
    """Show a frame as a table to read: no row numbers, plain headings, dates and numbers as people write them.

    Parameters
    ----------
    frame
        The rows, in the order in which they are to stand. An index that is more than a row number becomes columns.
    rows
        How many of them; all unless given. What is left out is said below.
    labels
        Headings for columns. Others are their own names with spaces; a rate or share says that it is per cent.
    none
        What stands there in place of a table without rows.

    Returns
    -------
    Table
        It shows itself as the last line of a cell, or by ``display``. Numbers have one decimal and separators of
        thousands, ids neither; yes and no stand for flags; what is missing is blank.

    Raises
    ------
    BadArgumentError
        It is no frame, or ``rows`` no number above 0.
    """
    if not isinstance(frame, pd.DataFrame):
        raise BadArgumentError(f"table shows a frame, and this is a {type(frame).__name__}: choose one table of it.")
    if rows is not None and (isinstance(rows, bool) or not isinstance(rows, numbers.Integral) or rows < 1):
        raise BadArgumentError(f"table: rows takes a whole number above 0, not {rows!r}.")
    if frame.empty:
        return Table(frame, [], none)
    given = _USUAL | dict(labels or {})
    shown = flattened(frame if rows is None else frame.head(rows))
    columns = [(str(name), shown.iloc[:, place]) for place, name in enumerate(shown.columns)]
    cells = pd.DataFrame(
        {place: pd.Series(_texts(*column), dtype="str") for place, column in enumerate(columns)}
    ).set_axis([given.get(name, _heading(name)) for name, _ in columns], axis=1)
    right = [is_numeric_dtype(column) and not is_bool_dtype(column) for _, column in columns]
    note = f"The first {len(shown):,} of {len(frame):,}." if len(shown) < len(frame) else ""
    return Table(cells, right, note)


def _heading(name: str) -> str:
    return name.replace("_", " ") + (" (%)" if name == "share" or name.endswith("_rate") else "")


def _texts(name: str, column: pd.Series) -> list[str]:
    show: Callable[[Any], str] = _text
    if is_numeric_dtype(column) and not is_bool_dtype(column) and name.endswith(("_id", "year")):
        show = "{:.0f}".format
    elif is_float_dtype(column):
        show = _decimal
    elif is_integer_dtype(column):
        show = "{:,}".format
    elif is_datetime64_any_dtype(column):
        days = column.dropna().eq(column.dropna().dt.normalize()).all()
        show = _day if days else _instant
    elif name in _WORDS:
        show = _word
    return ["" if pd.api.types.is_scalar(value) and pd.isna(value) else show(value) for value in column]


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
