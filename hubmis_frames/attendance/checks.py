"""Checks of canonical marks, and warnings about duplicates, several years and days outside the calendar."""

import numpy as np
import pandas as pd

from ..analysis.calendar import Calendar
from ..analysis.columns import require_columns
from ..analysis.groups import Whole
from ..analysis.realms import person_columns, require_one_school
from ..errors import BadArgumentError, warn
from .codes import CATEGORIES

CANONICAL = ["student_id", "date", "session", "code", "category"]
MADE_BY = "hf.attendance.marks(frame)"


def check_marks(marks: pd.DataFrame, caller: str, *, several: bool = False, duplicates: bool = False) -> None:
    """Raise unless a frame holds canonical marks, and of one school unless ``several`` are allowed.

    With ``duplicates``, warn about them too. Only functions that count marks themselves ask for it, so that a function
    that calls another does not warn twice.
    """
    require_columns(marks, [name for name in CANONICAL if name != "code"], caller, MADE_BY)
    if not pd.api.types.is_datetime64_dtype(marks["date"]):
        raise BadArgumentError(
            f"{caller}: the column date holds {marks['date'].dtype}, and not days: a file may have changed it. Give "
            "the frame to hf.attendance.marks again."
        )
    if not several:
        require_one_school(marks, caller)
    if duplicates:
        warn_duplicates(marks, caller)


def warn_duplicates(marks: pd.DataFrame, caller: str) -> None:
    """Warn if a session of a student has several rows, as in two overlapping frames put together: each counts."""
    keys = [*person_columns(marks), "date", "session"]
    if repeated := int(marks.duplicated(keys).sum()):
        warn(
            f"{caller}: {repeated} marks are in the frame twice, for the same student, date and session, and count "
            f"twice. Put the loaded frames together and give those to {MADE_BY}, which keeps one of each; or give "
            f"marks.drop_duplicates({keys!r})."
        )


def warn_out_of_range(marks: pd.DataFrame, calendar: Calendar | None, caller: str) -> None:
    """Warn about marks on days outside the calendar: figures by the calendar leave them out.

    Without a calendar these are marks whose column ``academic_year`` is empty.
    """
    if calendar is None:
        outside, where = int(marks["academic_year"].isna().sum()), "in no academic year"
    else:
        first, last = calendar.days.index[0], calendar.days.index[-1]
        outside = int(((marks["date"] < first) | (marks["date"] > last)).sum())
        where = f"outside the calendar ({first:%Y-%m-%d} to {last:%Y-%m-%d})"
    if outside:
        warn(
            f"{caller}: {outside} of {len(marks)} marks lie {where} and are in no figure. Give Calendar the terms of "
            "each year."
        )


def warn_several_years(marks: pd.DataFrame, number: Whole, caller: str) -> None:
    """Warn if a group (by number) has marks of several academic years: its rates would describe neither year."""
    if year_name(marks["date"].agg(["min", "max"])).nunique() < 2:
        return
    counts = category_numbers(marks, caller) < CATEGORIES.index("not_possible")
    number, (place, days) = number[counts], pd.factorize(marks.loc[counts, "date"])
    of_day, years = pd.factorize(year_name(pd.Series(days)))
    if len(years) > 1 and len(np.unique(number * len(years) + of_day[place])) > len(np.unique(number)):
        first, last = min(years), max(years)
        warn(
            f"{caller}: marks of {first} to {last} are pooled in one figure, so it describes neither year. Keep one "
            f'year, marks[marks["date"] >= "{last[:4]}-08-01"], or add "academic_year" to by, with calendar=.'
        )


def category_numbers(marks: pd.DataFrame, caller: str) -> Whole:
    """The place of each mark's category in ``CATEGORIES``."""
    texts = marks["category"].astype("str")
    numbers = pd.Index(CATEGORIES).get_indexer(pd.Index(texts))
    if (numbers < 0).any():
        strange = ", ".join(map(str, texts[numbers < 0].drop_duplicates().head(3)))
        raise BadArgumentError(f"{caller}: {strange} is not a category. They are {', '.join(CATEGORIES)}.")
    return numbers.astype(np.int64)


def year_name(start: pd.Series) -> pd.Series:
    """Name an academic year by its first day: 2025/26. A term that begins from August on begins a year."""
    first = start.dt.year - (start.dt.month < 8)
    name: pd.Series = first.astype("str") + "/" + ((first + 1) % 100).astype("str").str.zfill(2)
    return name
