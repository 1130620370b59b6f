"""The section Attendance: the school's codes and each student's marks."""

from typing import Literal

import pandas as pd

from .declaration import EVENTS, REFERENCE, Id, Ids, SchoolOrGroup, Section, When
from .shapes import BOOL, DATE, ID, INSTANT, NOTE, TEXT, record, struct_of

attendance_section = Section("Attendance")

CODE = record(id=ID, code=TEXT, description=TEXT, display=BOOL)

MARK = record(
    id=ID,
    date=DATE,
    date_time=INSTANT,
    attendance_session=TEXT,
    attendance_code=struct_of("attendance_code_id", id=ID, code=TEXT, description=TEXT),
    description=NOTE,
)


@attendance_section(
    "Get all attendance codes", "attendance-codes", CODE, key="attendance_code_id", expire_after=REFERENCE
)
def load_attendance_codes(school: SchoolOrGroup, *, display: bool | None = None, refresh: bool = False) -> pd.DataFrame:
    """Attendance codes: one row per code.

    Leave out ``display``: marks of earlier years have codes that are hidden today.
    """


@attendance_section(
    "Get a list of student session attendance records",
    "students/{student_id}/attendance-records",
    MARK,
    key="attendance_record_id",
    expire_after=EVENTS,
    sorts=("description", "date", "attendance_code", "attendance_session"),
    checks={"date_time_from": "date", "date_time_to": "date"},
)
def load_student_attendance(
    school: SchoolOrGroup,
    student_id: Ids,
    *,
    attendance_code: Id | None = None,
    attendance_session: Literal["am", "pm"] | None = None,
    date_time_from: When | None = None,
    date_time_to: When | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Marks: one row per student, date and session.

    The filter ``attendance_code`` takes the id of a code, not its letter. The document gives this operation no pages.
    It does not say how far back the marks go, or whether HUBmis cuts a long list short.
    """
