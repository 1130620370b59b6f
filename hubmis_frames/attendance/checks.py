"""Checks of canonical marks, and warnings about duplicates, several years and days outside the calendar."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import Calendar, year_name
from ..analysis.columns import require_columns, row_numbers, sorted_numbers
from ..analysis.groups import Whole, first_dates
from ..analysis.realms import REALM, person_columns, realms_of, require_one_school
from ..errors import BadArgumentError, warn
from .codes import CATEGORIES, POSSIBLE

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
    if repeated := int(is_repeated(marks, keys).sum()):
        warn(
            f"{caller}: {repeated} marks are in the frame twice, for the same student, date and session, and count "
            f"twice. Put the loaded frames together and give those to {MADE_BY}, which keeps one of each; or give "
            f"marks.drop_duplicates({keys!r})."
        )


def is_repeated(marks: pd.DataFrame, keys: list[str], keep: Literal["first", False] = "first") -> npt.NDArray[np.bool_]:
    """As ``marks.duplicated``, in a fifth of the time."""
    repeated: npt.NDArray[np.bool_] = pd.Series(row_numbers(marks[keys])).duplicated(keep=keep).to_numpy()
    return repeated


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


def years_of_groups(marks: pd.DataFrame, number: Whole, caller: str, calendar: Calendar | None = None) -> pd.DataFrame:
    """One row per group (by number), school and academic year with a mark that counts in a rate.

    Years are the calendar's if there is one, else the marks' own column; of marks without one, or on days of no year,
    they are told by the date.
    """
    if calendar is not None and len(realms_of(marks)) < 2:
        marks = marks.assign(academic_year=calendar.lookup(marks["date"], ["academic_year"])["academic_year"])
    counts = category_numbers(marks, caller) < len(POSSIBLE)
    named = marks[[name for name in (REALM, "academic_year", "date") if name in marks]]
    # Many marks are of one school, year and day: each such day is looked at once.
    place, _ = pd.factorize(row_numbers(named)[counts])
    days = named.iloc[np.flatnonzero(counts)[~pd.Series(place).duplicated().to_numpy()]].reset_index(drop=True)
    by_date = year_name(days["date"]).astype("str")
    year = days["academic_year"].astype("str") if "academic_year" in days else by_date.mask(by_date.notna())
    days = days.assign(**{REALM: days[REALM].astype("str") if REALM in days else "", "by_date": by_date, "year": year})
    # A day between two years belongs to neither: it is of the year that other marks of its time are in.
    nearest = days.groupby([REALM, "by_date"])["year"].transform("last")
    days["year"] = days["year"].fillna(nearest).fillna(by_date)
    year_of_day, _ = pd.factorize(row_numbers(days[[REALM, "year"]]))
    years = days[[REALM, "year"]][~pd.Series(year_of_day).duplicated().to_numpy()]
    wide = max(len(years), 1)
    pairs, pair = sorted_numbers(number[counts] * wide + year_of_day[place])
    first = first_dates(pair, named["date"][counts], len(pairs)).astype("datetime64[us]")
    rows = years.iloc[pairs % wide].assign(date=first, group=pairs // wide)
    return rows.sort_values("date", ignore_index=True)


def refuse_several_years(years: pd.DataFrame, caller: str) -> None:
    """Raise if a group has marks of several academic years of one school: its figures would describe neither year."""
    mixed = years[years.duplicated(["group", REALM], keep=False)].sort_values("date")
    if len(mixed):
        names = mixed["year"].drop_duplicates()
        raise BadArgumentError(
            f"{caller}: marks of {names.iloc[0]} to {names.iloc[-1]} are in one figure, which would describe neither "
            f'year. Keep one year, add "academic_year" to by, or say across_years=True.'
        )


def category_numbers(marks: pd.DataFrame, caller: str) -> Whole:
    """The place of each mark's category in ``CATEGORIES``."""
    place, texts = pd.factorize(marks["category"], use_na_sentinel=False)
    known = pd.Index(CATEGORIES).get_indexer(pd.Index(texts).astype("str"))
    numbers = known[place]
    if (known < 0).any():
        strange = ", ".join(map(str, texts[known < 0][:3]))
        raise BadArgumentError(f"{caller}: {strange} is not a category. They are {', '.join(CATEGORIES)}.")
    return numbers.astype(np.int64)
