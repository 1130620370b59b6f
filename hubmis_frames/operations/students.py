"""The section Students: the students, their enrolment and where they went after school."""

from typing import Literal

import pandas as pd

from .declaration import Id, Ids, SchoolOrGroup, Section
from .shapes import (
    BIRTH,
    BOOL,
    CONTACT,
    DATE,
    EXTERNAL,
    ID,
    IMAGE,
    INSTANT,
    LOGIN,
    NAME,
    NOTE,
    TEXT,
    extended,
    list_of,
    record,
    struct_of,
)

students = Section("Students")

CURRENT = ("students.current.overview.name-details.read", "students.current.overview.personal.read")
PAST = ("students.past.read",)
APPLICANT = ("students.admissions.admissions.read",)

STUDENT = record(
    id=ID,
    access_status=TEXT,
    multi_realm=BOOL,
    academic_house=struct_of("house_id"),
    boarding_type=struct_of("boarding_type_id"),
    boarding_house=struct_of("house_id"),
    country_of_birth=struct_of("country_id"),
    date_of_birth=BIRTH,
    deleted_at=INSTANT,
    ethnicity=struct_of("ethnicity_id"),
    enrolment_status=TEXT,
    external_id=EXTERNAL,
    faith=struct_of("faith_id"),
    first_name=NAME,
    gender=struct_of("gender_id"),
    has_global_note=BOOL,
    form=struct_of("form_id"),
    language_first=struct_of("language_id"),
    language_second=struct_of("language_id"),
    last_login=LOGIN,
    last_name=NAME,
    learning_support_record_summary=list_of("learning_support_record_id", id=ID, description=NOTE),
    middle_name=NAME,
    name_in_local_language=NAME,
    national_identity=EXTERNAL,
    nationalities=list_of("nationality_id"),
    person_type=TEXT,
    preferred_name=NAME,
    primary_email=CONTACT,
    profile_image=struct_of(None, **IMAGE),
    tags=list_of(),
    medical_condition_severity=list_of(),
)

# Inferred: the list has a filter by year group, so its records hold one. A single student's do not.
STUDENT_LISTED = extended(STUDENT, year_group=struct_of("year_group_id"))

MEMBER = record(
    id=ID,
    first_name=NAME,
    last_name=NAME,
    preferred_name=NAME,
    gender=struct_of("gender_id"),
    year_group=struct_of("year_group_id"),
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
    scopes=CURRENT + PAST + APPLICANT,
    scopes_with={"enrolment_status": {"current": CURRENT, "past": PAST, "applicant": APPLICANT}},
)
def load_students(
    school: SchoolOrGroup,
    *,
    search: str | None = None,
    gender: Id | None = None,
    boarding_type: Id | None = None,
    form: Id | None = None,
    year_group: Id | None = None,
    enrolment_status: Literal["current", "past", "applicant"] | None = None,
    house: str | Id | None = None,
    tutor_group: Id | None = None,
    academic_year_id: Id | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Students: one row per student.

    ``house`` is the id of an academic or a boarding house, as text.
    HUBmis still sends students that a user removed: their ``deleted_at`` is filled.
    """


@students("Students: Get Students Past List", "students/past", STUDENT_LISTED, key="student_id", paged=True)
def load_past_students(
    school: SchoolOrGroup,
    *,
    search: str | None = None,
    gender: Id | None = None,
    destination_school: Id | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Past students: one row per student who has left.

    A figure over several years needs them: without them it counts only the students who stayed.
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
    school: SchoolOrGroup, student_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Single students: one row per student asked for.

    This takes one request per student. ``load_students`` loads a page of students with each request.
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
def load_student_enrolment(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Enrolments: one row per student.

    Attendance counts from ``start_date`` on. This takes one request per student.
    """


@students(
    "Students: Get destination data by student Id",
    "students/{student_id}/destination",
    record(
        leaving_status=TEXT,
        leaving_date=DATE,
        term=struct_of("term_id"),
        academic_year=struct_of("academic_year_id"),
        destination_start_date=DATE,
        destination=struct_of("school_college_id"),
        key_stage=TEXT,
    ),
    single=True,
)
def load_student_destination(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Destinations: one row per student.

    Attendance counts up to ``leaving_date``. This takes one request per student.
    """
