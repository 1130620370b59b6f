"""Which academic years the marks cover, what HUBmis says of each of them, and who has left since.

Functions of frames alone: nothing here requests anything.
"""

import re
from collections.abc import Iterable

import pandas as pd

STUDENT, YEAR, STATUS = "student_id", "academic_year_id", "enrolment_status"
_GROUP = re.compile(r"(year_group|form|tutor_group|section|(academic_|boarding_)?house|boarding_type)_(id|name)")
_MOVES = ("year_group_id", "year_group_name", "form_id", "form_name")
"""Columns that differ from one year to the next for almost everybody."""


def kept_columns(names: Iterable[str]) -> list[str]:
    """The columns of a list of students by year that are kept: whose row it is, and the groups."""
    there = list(names)
    ids = [name for name in (YEAR, STATUS, STUDENT) if name in there]
    return [*ids, *(name for name in there if _GROUP.fullmatch(name))]


def covered_years(years: pd.DataFrame, year: int | str | None, dates: pd.Series | None) -> list[object]:
    """The ids of the academic years before ``year`` on whose days there are marks, the oldest first.

    Without dates, of the years or of the marks, only the year before is known to be there.
    """
    known = years.dropna(subset=[YEAR]).drop_duplicates(YEAR)
    if dates is None or known[["date_from", "date_to"]].isna().to_numpy().any():
        order = "date_from" if known["date_from"].notna().all() else YEAR
        ordered: list[object] = known.sort_values(order)[YEAR].tolist()
        return [ordered[ordered.index(year) - 1]] if year in ordered[1:] else []
    known = known.sort_values("date_from")
    begins = dict(zip(known[YEAR], known["date_from"], strict=True))
    if year not in begins or dates.dropna().empty:
        return []
    earlier = known[known["date_from"].lt(begins[year]) & known["date_to"].ge(dates.min())]
    ids: list[object] = earlier[YEAR].tolist()
    return ids


def ignored_years(lists: pd.DataFrame, students: pd.DataFrame) -> list[object]:
    """The years for which HUBmis sent the groups of today: nobody was in another year group or form."""
    columns = [name for name in _MOVES if name in lists and name in students]
    now = students.dropna(subset=[STUDENT]).drop_duplicates(STUDENT).set_index(STUDENT)[columns]
    ignored: list[object] = []
    for year, rows in lists[lists[STATUS].eq("current").fillna(False)].groupby(YEAR, sort=False):
        then = rows.drop_duplicates(STUDENT).set_index(STUDENT)[columns]
        both = then.index.intersection(now.index)
        one, other = then.loc[both].astype("str"), now.loc[both].astype("str")
        if len(both) and (one.eq(other).fillna(False) | (one.isna() & other.isna())).all(axis=None):
            ignored.append(year)
    return ignored


def in_a_group(lists: pd.DataFrame) -> pd.DataFrame:
    """The rows of students who were in a year group or form in that year, each student once a year."""
    columns = [name for name in _MOVES if name in lists]
    there = lists[lists[columns].notna().any(axis=1)].dropna(subset=[STUDENT])
    return there.sort_values(STATUS, kind="stable").drop_duplicates([YEAR, STUDENT])  # current before past


def leavers(past: pd.DataFrame, lists: pd.DataFrame, students: pd.DataFrame) -> pd.DataFrame:
    """The past students of the years of the lists; all past students if HUBmis does not tell who was there when."""
    ignored = ignored_years(lists, students)
    if ignored and set(ignored) == set(lists.loc[lists[STATUS].eq("current").fillna(False), YEAR]):
        return past
    return past[past[STUDENT].isin(in_a_group(lists)[STUDENT])]
