"""What a list of a report is, and what all lists share: names, form and tutor, and days as people write them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api.types import is_float_dtype

if TYPE_CHECKING:
    from ..school_data import SchoolData


Row = Mapping[str, Any]
"""A row of what the analysis found, by the names of its columns."""


@dataclass(frozen=True)
class NameList:
    """A list of students, or of matters that concern a student: who, and why.

    Attributes
    ----------
    key
        Its name in the address of the page and in the record of an earlier report.
    title, about
        The heading, and what is true of everybody on the list.
    rows
        ``student_id``, ``row`` (what tells a row from others, in this report and the next), and the columns to show.
    unknown
        Why the list cannot be given, where that is so.
    """

    key: str
    title: str
    about: str
    rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"student_id": [], "row": []}))
    unknown: str = ""

    @property
    def columns(self) -> list[str]:
        """The columns to show."""
        return [str(name) for name in self.rows if name not in ("student_id", "row")]

    def of(self, students: pd.Series) -> "NameList":
        """The rows of some students."""
        return replace(self, rows=self.rows[self.rows["student_id"].isin(students)].reset_index(drop=True))


def named(data: "SchoolData", rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with the student, form and tutor in front, in the words of a page."""
    found = data.with_names(rows)
    ids = "Student " + found["student_id"].astype("str")
    student = found["name"].fillna(ids) if "name" in found else ids
    front = pd.DataFrame({"student_id": found["student_id"], "Student": student})
    if "form_name" in found:
        front["Form"] = found["form_name"].fillna(found.get("year_group_name"))
    if "tutor_name" in found:
        front["Tutor"] = found["tutor_name"]
    rest = [name for name in rows if name != "student_id"]
    figures = found[rest].copy()
    for name in rest:
        if is_float_dtype(figures[name].dtype):
            figures[name] = figures[name].round(1)
    return pd.concat([front, figures], axis=1)


def reasons(found: pd.DataFrame, why: Callable[[Row], str]) -> pd.Series:
    """Why each row is on a list."""
    rows: list[Any] = found.to_dict("records")
    return pd.Series([why(row) for row in rows], found.index, "str")


def day(value: object) -> str:
    """A day as people write it. Windows does not know %-d."""
    when = pd.Timestamp(value)  # type: ignore[arg-type]
    return "an unknown day" if pd.isna(when) else f"{when.day} {when:%B %Y}"
