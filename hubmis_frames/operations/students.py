"""The section Students: who the students are, with their enrolment and where they went."""

from typing import Literal

import pandas as pd

from .declaration import Ids, School, Section
from .shapes import (
    BIRTH,
    DATE,
    EXTERNAL,
    FLAG,
    ID,
    IMAGE,
    INSTANT,
    LOGIN,
    NAME,
    NOTE,
    REACH,
    TEXT,
    extended,
    many,
    one,
    record,
)

students = Section("Students")

STUDENT = record(
    id=ID,
    access_status=TEXT,
    multi_realm=FLAG,
    academic_house=one("house_id"),
    boarding_type=one("boarding_type_id"),
    boarding_house=one("house_id"),
    country_of_birth=one("country_id"),
    date_of_birth=BIRTH,
    deleted_at=INSTANT,
    ethnicity=one("ethnicity_id"),
    enrolment_status=TEXT,
    external_id=EXTERNAL,
    faith=one("faith_id"),
    first_name=NAME,
    gender=one("gender_id"),
    has_global_note=FLAG,
    form=one("form_id"),
    language_first=one("language_id"),
    language_second=one("language_id"),
    last_login=LOGIN,
    last_name=NAME,
    learning_support_record_summary=many("learning_support_record_id", id=ID, description=NOTE),
    middle_name=NAME,
    name_in_local_language=NAME,
    national_identity=EXTERNAL,
    nationalities=many("nationality_id"),
    person_type=TEXT,
    preferred_name=NAME,
    primary_email=REACH,
    profile_image=one(None, **IMAGE),
    tags=many(),
    medical_condition_severity=many(),
)

# The list filters by year group, so its records are taken to hold one; a single student's do not.
STUDENT_LISTED = extended(STUDENT, year_group=one("year_group_id"))

MEMBER = record(
    id=ID,
    first_name=NAME,
    last_name=NAME,
    preferred_name=NAME,
    gender=one("gender_id"),
    year_group=one("year_group_id"),
)
"""A student in the list of a group's students."""


@students(
    "Students: Get List",
    "students",
    STUDENT_LISTED,
    key="student_id",
    paged=True,
    sorts=(),
    year={"header": "academic-year-id", "query": "filter[academicYear]"},
)
def load_students(
    school: School,
    *,
    search: str | None = None,
    gender: int | None = None,
    boarding_type: int | None = None,
    form: int | None = None,
    year_group: int | None = None,
    enrolment_status: Literal["current", "past", "applicant"] | None = None,
    house: str | None = None,
    tutor_group: int | None = None,
    academic_year_id: int | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Students: one row per student.

    ``house`` is the id of an academic or a boarding house, as text. Each ``enrolment_status`` needs a permission of
    its own.
    Students whose ``deleted_at`` is filled have been removed in HUBmis and still come back.
    """


@students("Students: Get Students Past List", "students/past", STUDENT_LISTED, key="student_id", paged=True)
def load_past_students(
    school: School,
    *,
    search: str | None = None,
    gender: int | None = None,
    destination_school: int | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Past students: one row per student who has left.

    A figure over several years that leaves them out counts only those who stayed.
    """


@students(
    "Students: Get Student",
    "students/{student_id}",
    STUDENT,
    key="student_id",
    single=True,
    year={"header": "academic-year-id"},
)
def load_student(
    school: School, student_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Single students: one row per student asked for.

    One request a student: ``load_students`` asks for a whole page of them at once.
    """


@students(
    "Students: Get enrolment data by student Id",
    "students/{student_id}/enrolment",
    record(
        enrolment_status=TEXT,
        start_date=DATE,
        account_reference=EXTERNAL,
        candidate_number=EXTERNAL,
        unique_pupil_number=EXTERNAL,
        unique_pupil_number_status=TEXT,
    ),
    single=True,
)
def load_student_enrolment(school: School, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Enrolments: one row per student.

    ``start_date`` is the day from which a student's attendance can be counted. One request a student.
    """


@students(
    "Students: Get destination data by student Id",
    "students/{student_id}/destination",
    record(
        leaving_status=TEXT,
        leaving_date=DATE,
        term=one("term_id"),
        academic_year=one("academic_year_id"),
        destination_start_date=DATE,
        destination=one("school_college_id"),
        key_stage=TEXT,
    ),
    single=True,
)
def load_student_destination(school: School, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Destinations: one row per student.

    ``leaving_date`` is the day after which a student's attendance cannot be counted. One request a student.
    """
