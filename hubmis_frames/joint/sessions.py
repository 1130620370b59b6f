"""Canonical marks counted: each student's possible and attended sessions, by day or in all."""

import pandas as pd

from ..analysis.columns import as_ids, local_dates, require_columns
from ..analysis.realms import STUDENTS, require_one_school
from ..attendance.checks import MADE_BY, warn_duplicates
from ..attendance.codes import ABSENT, ATTENDING, CATEGORIES
from ..errors import BadArgumentError

COUNTS = ["possible", "attended", "late"]


def sessions_of(marks: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Each student's possible sessions, by day.

    One row per student and day with a mark: ``student_id``, ``date``, ``possible`` (attending or absent), ``attended``
    (present, late or at an approved activity), ``late``. Sessions that are not possible, and those unmarked or without
    a class, are in none of them (DfE, Working together to improve school attendance, August 2024).
    """
    require_columns(marks, [STUDENTS, "date", "category"], f"{measure}: marks", MADE_BY)
    require_one_school(marks, f"{measure}: marks")
    if "session" in marks:
        warn_duplicates(marks, measure)
    category = marks["category"].astype("str")
    if strange := sorted(set(category.dropna().unique()) - set(CATEGORIES)):
        raise BadArgumentError(
            f"{measure}: marks have the category {strange[0]!r}, which is none of {', '.join(CATEGORIES)}."
        )
    attended = category.isin(ATTENDING)
    counted = pd.DataFrame(
        {
            STUDENTS: as_ids(marks[STUDENTS], f"{measure}: marks' student_id"),
            "date": local_dates(marks["date"], "UTC", f"{measure}: marks' date"),
            "possible": (attended | category.isin(ABSENT)).astype("int64"),
            "attended": attended.astype("int64"),
            "late": category.eq("late").fillna(False).astype("int64"),
        }
    ).dropna(subset=[STUDENTS, "date"])
    return counted.groupby([STUDENTS, "date"], as_index=False)[COUNTS].sum()
