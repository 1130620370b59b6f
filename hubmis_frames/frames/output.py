"""Writing frames to files that are private to their owner, whole or absent, and harmless in a spreadsheet."""

import functools
import importlib.util
import io
import re
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from pandas.api.types import (
    infer_dtype,
    is_datetime64_any_dtype,
    is_float_dtype,
    is_integer_dtype,
    is_numeric_dtype,
)

from ..errors import BadArgumentError, ExportError, SettingsError, warn
from ..files import expanded, fits_every_system, private_folder, shared_by, whole_file, why
from ..words import label, unit_of
from .partitions import refuse_dask

_BEGINS = r"(?=[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"  # also the full-width forms, which spreadsheets accept
GUARDED = f"^'{_BEGINS}"
"""The apostrophe that :func:`to_csv` puts before text that a spreadsheet would take for a formula."""
_DIGITS = 10**15  # a spreadsheet keeps fifteen digits of a number
_WIDEST = 60  # characters in a column
_WIDTH_FROM = 1000  # rows
_LONGEST = 32_767  # characters in a cell of Excel
_SHEET = 31  # characters in the name of a sheet
_ABOUT = "About"
_LONGEST_NAME = 80


def to_parquet(frame: pd.DataFrame | Mapping[str, pd.DataFrame], path: str | PathLike[str]) -> Path:
    """Write a frame to a Parquet file, or tables by name to a folder, one file for each.

    Parameters
    ----------
    frame
        A frame, or a mapping of names to frames, as a loader's ``.tables`` gives it.
    path
        The file; or the folder, where each table becomes ``<name>.parquet``. A leading ``~`` is your home folder.

    Returns
    -------
    Path
        The file or folder. :func:`pandas.read_parquet` gives back the frame, dtype for dtype, with its source.

    Raises
    ------
    ExportError
        The file cannot be written. No half-written file is left.
    BadArgumentError
        ``frame`` is neither a frame nor a mapping of frames, or the name of a table cannot be the name of a file.
    """
    return _files(frame, path, "parquet", pd.DataFrame.to_parquet)


def to_csv(frame: pd.DataFrame | Mapping[str, pd.DataFrame], path: str | PathLike[str]) -> Path:
    r"""Write a frame to a CSV file that a spreadsheet opens without running anything, or tables to a folder.

    Text that a spreadsheet would take for a formula (it begins with ``=``, ``+``, ``-``, ``@``, a tab or a line end)
    gets an apostrophe in front; this includes telephone numbers. A CSV file has no types: Excel and
    :func:`pandas.read_csv` read ``"0042"`` as 42 unless you tell them that the column is text. :func:`to_excel` keeps
    the zeros.

    Parameters
    ----------
    frame
        As for :func:`to_parquet`. An index that is more than a row number becomes columns in front.
    path
        The file, in UTF-8 with the mark by which Excel knows it; or the folder, where each table becomes
        ``<name>.csv``.

    Returns
    -------
    Path
        The file or folder.

    Raises
    ------
    ExportError, BadArgumentError
        As for :func:`to_parquet`.
    """
    return _files(frame, path, "csv", as_csv)


class Source(Protocol):
    """What a workbook's figures are from: an opened school."""

    def _about(self, frames: Mapping[str, pd.DataFrame], headings: bool) -> pd.DataFrame:
        """What to know of figures by sheet: one row per fact, with ``about``, ``what``, ``meaning`` and ``unit``."""


def to_excel(
    frames: pd.DataFrame | Mapping[str, pd.DataFrame],
    path: str | PathLike[str],
    *,
    labels: bool = False,
    about: Source | None = None,
) -> Path:
    """Write a frame to an Excel file, or tables to one sheet each: text stays text, and no cell is a formula or a link.

    This needs the extra ``excel``. Text cells have Excel's text format, so leading zeros stay and nothing turns into a
    formula when somebody edits it. Whole numbers of more than fifteen digits become text, as Excel would round them.
    Excel has no time zones, so the zone is written after the column's name: ``date_time (UTC)``. Columns are as wide as
    what is in them, the heading stays in sight and has a filter, and a day is shown without a time.

    Parameters
    ----------
    frames
        As for :func:`to_csv`. A sheet has its table's name, cut to the 31 characters that Excel allows.
    path
        The file; its name ends in ``.xlsx``.
    labels
        Make sheets to read: headings such as "Absence rate (per cent)", and numbers with one decimal (the cells keep
        the others).
    about
        What the figures are from, a :class:`SchoolData`. Adds the sheet ``About``: the source, the newest register, the
        absence rules, how many rows were hidden, and what each column means.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    SettingsError
        The extra is not installed.
    BadArgumentError
        ``frames`` is neither a frame nor a mapping of frames, the file does not end in ``.xlsx``, or a frame does not
        fit into a sheet.
    ExportError
        As for :func:`to_parquet`.
    """
    target = expanded(path)
    if importlib.util.find_spec("xlsxwriter") is None:
        raise SettingsError(
            "Excel files need the extra hubmis-frames[excel]. Install it in the folder of this project: python -m pip "
            'install -e ".[excel]"'
        )
    if target.suffix.lower() != ".xlsx":
        raise BadArgumentError(f"{target.name}: the name of an Excel file ends in .xlsx.")
    named = _tables(frames, "to_excel")
    sheets = ["Sheet1"] if isinstance(frames, pd.DataFrame) else _sheet_names(named)
    given = dict(zip(sheets, named.values(), strict=True))
    made = {sheet: _for_sheet(table, sheet) for sheet, table in given.items()}
    if about is not None:
        *_, sheet = _sheet_names([*sheets, _ABOUT])
        made[sheet] = _for_sheet(about._about({name: flattened(table) for name, table in given.items()}, labels), sheet)
    if labels:
        made = {sheet: flat.set_axis(headings_of(flat), axis=1) for sheet, flat in made.items()}

    def write(part: Path) -> None:
        # In memory: the writer's own scratch files could be read by others, and a full disk would leave it half closed.
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        kwargs = {"options": {**options, "in_memory": True}}
        content = io.BytesIO()
        with pd.ExcelWriter(content, engine="xlsxwriter", engine_kwargs=kwargs) as book:
            # A long text keeps to its column, on several lines.
            as_text = book.book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
            one_decimal = book.book.add_format({"num_format": "0.0", "valign": "top"})
            other = book.book.add_format({"valign": "top"})
            for sheet, flat in made.items():
                try:
                    flat.to_excel(book, sheet_name=sheet, index=False)
                except ValueError as error:  # too many rows or columns; pandas says how many fit
                    raise BadArgumentError(f"{sheet}: {error}") from error
                shown, texts = book.sheets[sheet], _texts(flat)
                for position in range(flat.shape[1]):
                    column = flat.iloc[:, position]
                    layout = as_text if position in texts else one_decimal if labels and _is_float(column) else other
                    shown.set_column(position, position, _width(column, str(flat.columns[position])), layout)
                shown.freeze_panes(1, 0)
                if flat.shape[1]:
                    shown.autofilter(0, 0, len(flat), flat.shape[1] - 1)
        part.write_bytes(content.getvalue())

    return write_private(target, write)


def _tables(frame: object, function: str) -> dict[str, pd.DataFrame]:
    """The tables by name; a lone frame has none."""
    named = {}
    for name, table in (frame if isinstance(frame, Mapping) else {"": frame}).items():
        refuse_dask(table, function)
        if not isinstance(table, pd.DataFrame):
            raise BadArgumentError(
                f"{function} takes a frame, or frames by name as a loader's .tables(school) gives them, and this is a "
                f"{type(table).__name__}.{' Its .to_frame() is a frame.' if isinstance(table, pd.Series) else ''}"
            )
        named[str(name)] = table
    return named


def _files(
    frame: pd.DataFrame | Mapping[str, pd.DataFrame],
    path: str | PathLike[str],
    kind: str,
    write: Callable[[pd.DataFrame, Path], Any],
) -> Path:
    """Write a frame to a file, or tables to a folder, one file for each."""
    named = _tables(frame, f"to_{kind}")
    target = expanded(path)
    if isinstance(frame, pd.DataFrame):
        return write_private(target, functools.partial(write, frame))
    seen: set[str] = set()
    for name in named:
        fits = fits_every_system(name) and len(name) <= _LONGEST_NAME and not name.startswith(".")
        if not fits or name.casefold() in seen:
            raise BadArgumentError(
                f"The table {name!r:.80} cannot have a file of that name on every system: give it a plain name that "
                "differs from the others in more than case."
            )
        seen.add(name.casefold())
    for name, table in named.items():
        write_private(target / f"{name}.{kind}", functools.partial(write, table))
    return target


def as_csv(frame: pd.DataFrame, part: Path) -> None:
    """Write the content of a CSV file, with everything defused that a spreadsheet would run."""
    flat = flattened(frame)
    for position in _texts(flat):
        flat.isetitem(position, _defused(flat.iloc[:, position]).array)
    flat.columns = pd.Index(_defused(flat.columns.to_series()))
    # Python quotes the characters of the line end alone, and a bare one of them would begin a new cell.
    flat.to_csv(part, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def _for_sheet(frame: pd.DataFrame, sheet: str) -> pd.DataFrame:
    """The cells of a sheet; what Excel would round or does not know becomes text."""
    flat = _without_zones(flattened(frame))
    for position in range(flat.shape[1]):
        column = flat.iloc[:, position]
        if is_datetime64_any_dtype(column.dtype) and column.dropna().eq(column.dropna().dt.normalize()).all():
            flat.isetitem(position, column.astype(object).where(column.isna(), column.dt.date).array)
        if is_integer_dtype(column.dtype) and not column.dropna().between(1 - _DIGITS, _DIGITS - 1).all():
            flat.isetitem(position, column.astype("str").array)
    if any((flat.iloc[:, position].astype("string").str.len() > _LONGEST).any() for position in _texts(flat)):
        raise BadArgumentError(
            f"{sheet}: a text is longer than the {_LONGEST:,} characters that a cell of Excel holds."
        )
    return flat


def headings_of(flat: pd.DataFrame) -> list[str]:
    """The headings for people of a frame's columns. Two columns with one heading keep their names."""
    names = [str(name) for name in flat]
    kinds = ["number" if is_numeric_dtype(dtype) else "" for dtype in flat.dtypes]
    headings = [label(name, unit_of(name, kind)) for name, kind in zip(names, kinds, strict=True)]
    return [name if headings.count(text) > 1 else text for name, text in zip(names, headings, strict=True)]


def _width(column: pd.Series, heading: str) -> float:
    """How many characters wide to show a column: the widest of its first cells and of its heading, within limits."""
    widest = 8 if _is_float(column) else column.head(_WIDTH_FROM).dropna().astype("str").str.len().max()
    # The heading has a button for the filter beside it.
    return min(max(float(widest) if pd.notna(widest) else 0, len(heading) + 3, 6) + 1, _WIDEST)


def _is_float(column: pd.Series) -> bool:
    """Whether a column holds numbers with decimals."""
    return bool(is_float_dtype(column.dtype))


def _sheet_names(names: Iterable[str]) -> list[str]:
    """Names that Excel accepts: short, without forbidden characters, and different in more than case."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", "_", str(name))
        number, ending = 1, ""
        # An apostrophe is not allowed at either end, and Excel reserves the name History.
        while (sheet := (plain[: _SHEET - len(ending)] + ending).strip("' ") or "_").casefold() in {*found, "history"}:
            number += 1
            ending = f"_{number}"
        found[sheet.casefold()] = sheet
    return list(found.values())


def write_private(file: Path, write: Callable[[Path], Any]) -> Path:
    """Write a file that appears whole, and that only its owner can read."""
    if service := shared_by(file):
        warn(
            f"{file} seems to lie in {service}, so what is written there leaves this machine. Check that children's "
            "data may be stored there."
        )
    try:
        private_folder(file.absolute().parent)
        with whole_file(file) as part:
            write(part)
    except OSError as error:
        raise ExportError(f"Cannot write {file}: {why(error)}. Choose another place.") from error
    return file


def flattened(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy that has only columns, each with one name: an index that is more than row numbers becomes columns."""
    numbers = frame.index.nlevels == 1 and frame.index.name is None and is_integer_dtype(frame.index.dtype)
    flat = frame.reset_index(drop=True) if numbers else frame.reset_index(allow_duplicates=True)
    names = [column if isinstance(column, tuple) else (column,) for column in flat.columns]
    flat.columns = pd.Index(["_".join(str(part) for part in name if part != "") for name in names], dtype="str")
    for position, dtype in enumerate(flat.dtypes):  # text is in columns of text or of categories
        if isinstance(dtype, pd.CategoricalDtype):
            flat.isetitem(position, flat.iloc[:, position].astype(dtype.categories.dtype).array)
    return flat


def _texts(frame: pd.DataFrame) -> list[int]:
    """The positions of columns that hold text."""
    kinds = [infer_dtype(frame.iloc[:, position], skipna=True) for position in range(frame.shape[1])]
    return [position for position, kind in enumerate(kinds) if kind in ("string", "mixed", "mixed-integer")]


def _defused(values: pd.Series) -> pd.Series:
    changed = values.str.replace(f"^{_BEGINS}", "'", regex=True)
    return changed.where(changed.notna(), values)  # a column of text can hold other things too


def _without_zones(frame: pd.DataFrame) -> pd.DataFrame:
    names = list(frame.columns)
    for position, dtype in enumerate(frame.dtypes):
        if isinstance(dtype, pd.DatetimeTZDtype):
            frame.isetitem(position, frame.iloc[:, position].dt.tz_localize(None).array)
            names[position] += f" ({dtype.tz})"
    return frame.set_axis(names, axis=1)
