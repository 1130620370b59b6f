"""What to know about a school's data before any figure."""

from typing import Any

import pandas as pd

from ..analysis.realms import STUDENTS
from ..attendance import data_quality
from ..operations.further import PAST_MARKS
from .one import OneSchool


def checks_of(school: OneSchool) -> pd.DataFrame:
    """See :meth:`SchoolData.checks`."""
    rows: list[tuple[str, str | None, int | None, int | None, str]] = [
        (
            "table not complete",
            f"{table}: {reason}" if table else reason,
            None,
            None,
            "figures that need it lack rows",
        )
        for table, reason in school.problems()
    ]
    if school.table("students") is not None:
        rows += _of_students(school)
    if school.table("student_attendance") is not None:
        rows += _of_marks(school)
    if school.table("pastoral_events") is not None:
        rows += _of_events(school)
    columns = ["check", "detail", "rows", "students", "meaning"]
    types = {"check": "str", "detail": "str", "rows": "Int64", "students": "Int64", "meaning": "str"}
    return pd.DataFrame(rows, columns=columns).astype(types)


def _of_students(school: OneSchool) -> list[Any]:
    students = school.students(past=False, removed=False)
    gone = school.removed_ids
    records, members = school.table("student_attendance"), school.table("tutor_group_students")
    marks = 0 if records is None else int(records[STUDENTS].isin(gone).sum())
    without = int(students["year_group_name"].isna().sum()) if "year_group_name" in students else len(students)
    several = (
        0
        if members is None
        else members.dropna(subset=[STUDENTS]).groupby(STUDENTS)["tutor_group_id"].nunique().gt(1).sum()
    )
    return [
        ("removed students", None, marks, len(gone), "they and their marks are left out"),
        ("no year group", None, None, without, "in no figure by year group"),
        ("several tutor groups", None, None, int(several), "counted in the first of them"),
    ]


def _of_marks(school: OneSchool) -> list[Any]:
    marks, newest = school.dated_marks, school.newest_register
    rows = []
    if school.table("students") is not None:
        unknown = marks[~marks[STUDENTS].isin(school.everybody[STUDENTS])]
        rows.append(_row("students on no list", unknown, "their marks are left out"))
        marks = marks[marks[STUDENTS].isin(school.students(past=False, removed=False)[STUDENTS])]
    later = marks[marks["date"] > newest]
    rows.append(_row("after the newest register", later, "booked ahead; left out", f"after {newest:%Y-%m-%d}"))
    marks = marks[marks["date"] <= newest]
    marks.attrs = dict(school.canonical.attrs)
    rows += _of_earlier_years(school, marks)
    quality = data_quality(marks, school.calendar)
    named = quality.rename(columns={"sessions": "rows"})[["check", "detail", "rows", "students", "meaning"]]
    return [*rows, *named.itertuples(index=False, name=None)]


def _of_earlier_years(school: OneSchool, marks: pd.DataFrame) -> list[Any]:
    """Years whose groups are not known, and students who have left since."""
    rows: list[Any] = []
    for name in school.academic_years:
        if name not in (school.year_of_groups, *school.earlier.groups):
            own = marks[marks["academic_year"].eq(name).fillna(False)]
            rows.append(_row("groups of that time not known", own, "marks(groups='now') has those of today", name))
    if (gone := school.earlier.gone(school.academic_years)) is not None and school.table(PAST_MARKS) is None:
        rows.append(("past students without marks", None, None, gone, "were there in these years; in no figure"))
    return rows


def _of_events(school: OneSchool) -> list[Any]:
    rows, fetched = school.dated_events, school.fetched_on
    checks = [
        ("events without a day", rows[rows["date"].isna()], "in figures of all years only"),
        ("deleted events", rows[rows["deleted"].fillna(False).astype(bool)], "left out"),
        ("events of removed students", rows[rows[STUDENTS].isin(school.removed_ids)], "left out"),
    ]
    if fetched is not None:
        checks.append(("events after fetching", rows[rows["date"] > fetched], "for later days; left out"))
    return [_row(check, found, meaning) for check, found, meaning in checks]


def _row(
    check: str, rows: pd.DataFrame, meaning: str, detail: str | None = None
) -> tuple[str, str | None, int, int, str]:
    return check, detail, len(rows), rows[STUDENTS].nunique(), meaning
