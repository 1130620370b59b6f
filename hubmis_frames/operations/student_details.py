"""More about each student, in the section Students, and the lists that only this section picks from."""

import pandas as pd

from .declaration import REFERENCE, Ids, SchoolOrGroup, Section
from .shapes import BOOL, ID, NAMED, NOTE, PERSON, TEXT, record, struct_of

students = Section("Students")


@students(
    "Students: Get consent data by student Id",
    "students/{student_id}/consent",
    record(
        photograph=BOOL,
        publish_photograph=BOOL,
        publish_video=BOOL,
        share_photograph=BOOL,
        share_video=BOOL,
        share_data=BOOL,
        school_trip=BOOL,
    ),
    single=True,
)
def load_student_consent(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Students' consent: one row per student.

    A missing value is not consent: nobody has answered. This takes one request per student.
    """


@students(
    "Students: Get doctor information by student Id",
    "students/{student_id}/doctor",
    record(title=struct_of("title_id"), first_name=NOTE, last_name=NOTE, email=NOTE, phone=NOTE, address=NOTE),
    single=True,
)
def load_student_doctor(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Students' doctors: one row per student. This takes one request per student."""


@students(
    "Get List of Progress Reports by student Id",
    "students/{student_id}/progress-reports",
    record(id=ID, name=TEXT, academic_year=struct_of("academic_year_id")),
    key="progress_report_id",
)
def load_student_progress_reports(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Progress reports: one row per student and report. This takes one request per student."""


@students(
    "Students to Students Relations: Get list by student id",
    "students/{student_id}/relations",
    record(
        id=ID, related_student=struct_of("student_id", **PERSON), relationship_type=struct_of("relationship_type_id")
    ),
    key="student_relation_id",
)
def load_student_relations(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Relations between students: one row per student and related student, such as a sibling.

    If you ask for both students, there are two rows, one from each side. This takes one request per student.
    """


@students(
    "Education Types: List", "education-types", NAMED, key="education_type_id", paged=True, expire_after=REFERENCE
)
def load_education_types(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Education types: one row per type of education."""


@students(
    "School & College Categories: List",
    "school-college-categories",
    NAMED,
    key="school_college_category_id",
    paged=True,
    expire_after=REFERENCE,
)
def load_school_college_categories(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Categories of schools and colleges: one row per category of school or college."""


@students(
    "Schools & Colleges: List", "schools-colleges", NAMED, key="school_college_id", paged=True, expire_after=REFERENCE
)
def load_schools_colleges(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Schools and colleges: one row per school or college that students come from or go on to."""


@students(
    "Relationship Groups: List",
    "relationship-groups",
    NAMED,
    key="relationship_group_id",
    paged=True,
    expire_after=REFERENCE,
)
def load_relationship_groups(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Relationship groups: one row per group of relationship types."""


@students("Relationship Types: List", "relationship-types", NAMED, key="relationship_type_id", expire_after=REFERENCE)
def load_relationship_types(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Relationship types: one row per way in which two people are related."""
