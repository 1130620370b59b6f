"""Canonical marks counted: each student's possible, attended, late and absent sessions by day."""

import pandas as pd

from ..analysis.columns import as_ids, local_dates, require_columns
from ..analysis.realms import STUDENTS, require_one_school
from ..attendance.checks import MADE_BY, warn_duplicates
from ..attendance.codes import ABSENT, ATTENDING, CATEGORIES, POSSIBLE
from ..errors import BadArgumentError

SESSIONS = ["possible_sessions", "attended_sessions", "late_sessions", "absent_sessions"]


def sessions_by_day(marks: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One row per student and day with a mark.

    ``student_id``, ``date``, ``possible_sessions``, ``attended_sessions`` (present, late or at an approved activity),
    ``late_sessions``, ``absent_sessions``. Some possible sessions are neither attended nor absent (``other_possible``).
    A session that is not possible, unmarked or without a class counts in none of them (DfE, Working together to improve
    school attendance, August 2024).
    """
    require_columns(marks, [STUDENTS, "date", "category"], f"{measure}: marks", MADE_BY)
    require_one_school(marks, f"{measure}: marks")
    if "session" in marks:
        warn_duplicates(marks, measure)
    category = marks["category"].astype("str")
    if unknown := sorted(set(category.dropna().unique()) - set(CATEGORIES)):
        raise BadArgumentError(
            f"{measure}: marks have the category {unknown[0]!r}. The categories are {', '.join(CATEGORIES)}."
        )
    attended = category.isin(ATTENDING)
    rows = pd.DataFrame(
        {
            STUDENTS: as_ids(marks[STUDENTS], f"{measure}: marks' student_id"),
            "date": local_dates(marks["date"], "UTC", f"{measure}: marks' date"),
            "possible_sessions": category.isin(POSSIBLE).astype("int64"),
            "attended_sessions": attended.astype("int64"),
            "late_sessions": category.eq("late").fillna(False).astype("int64"),
            "absent_sessions": category.isin(ABSENT).astype("int64"),
        }
    ).dropna(subset=[STUDENTS, "date"])
    return rows.groupby([STUDENTS, "date"], as_index=False)[SESSIONS].sum()
