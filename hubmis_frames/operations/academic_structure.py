"""The section Academic Structure: departments, subjects, sections of the school and year groups."""

from typing import Literal

import pandas as pd

from .declaration import Id, Ids, SchoolOrGroup, Section, deprecated_twin
from .shapes import BOOL, ID, PERSON, TEXT, WHOLE, extended, list_of, record, struct_of

academic_structure = Section("Academic Structure")

DEPARTMENT_DEPRECATED = record(
    id=ID,
    academic_year=struct_of("academic_year_id"),
    code=TEXT,
    department_heads=list_of("staff_id", **PERSON),
    name=TEXT,
    subjects=list_of("subject_id"),
)
DEPARTMENT = extended(DEPARTMENT_DEPRECATED, can_copy=BOOL)

SECTION = record(
    id=ID,
    code=TEXT,
    name=TEXT,
    section_heads=list_of("staff_id", **PERSON),
    year_groups=list_of("year_group_id"),
    position=WHOLE,
)

SUBJECT_DEPRECATED = record(
    id=ID,
    academic_year=struct_of("academic_year_id"),
    alternative_name=TEXT,
    code=TEXT,
    color_option=WHOLE,
    department=struct_of("department_id"),
    name=TEXT,
    subject_heads=list_of("staff_id", **PERSON),
)
SUBJECT = record(
    id=ID,
    academic_year=struct_of("academic_year_id"),
    alternative_name=TEXT,
    code=TEXT,
    department=struct_of("department_id"),
    name=TEXT,
    can_copy=BOOL,
    subject_heads=list_of("staff_id", **PERSON),
)

YEAR_GROUP = record(
    id=ID,
    academic_year=struct_of("academic_year_id"),
    code=TEXT,
    dfe_year=TEXT,
    final_year=BOOL,
    form_count=WHOLE,
    key_stage=TEXT,
    max_students=WHOLE,
    name=TEXT,
    position=WHOLE,
    section=struct_of("section_id"),
    status=TEXT,
    total_student_count=WHOLE,
    uuid=TEXT,
    year_group_heads=list_of("staff_id", **PERSON),
)


@academic_structure("Sections: Get list", "sections", SECTION, key="section_id", sorts=())
def load_sections(
    school: SchoolOrGroup,
    *,
    group_type: Literal["form", "subject_set", "tutor_group", "year_group"] | None = None,
    assessment_creation: bool | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Sections: one row per section of the school.

    HUBmis uses ``group_type`` only for a client that acts as an owner or a teacher.
    """


@academic_structure(
    "Year Groups: Get list for an Academic Year",
    "academic-years/{academic_year_id}/year-groups",
    YEAR_GROUP,
    key="year_group_id",
    sorts=(),
)
def load_year_groups(
    school: SchoolOrGroup,
    *,
    section: Id | None = None,
    assessment_creation: bool | None = None,
    academic_year_id: Id | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Year groups: one row per year group of the academic year.

    ``name`` and ``dfe_year`` are text. Filters by year group take the number in ``year_group_id``.
    """


@academic_structure(
    "Year Groups: Get one in an Academic Year",
    "academic-years/{academic_year_id}/year-groups/{year_group_id}",
    YEAR_GROUP,
    key="year_group_id",
    single=True,
)
def load_year_group(
    school: SchoolOrGroup, year_group_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Single year groups: one row per year group asked for."""


@academic_structure(
    "Departments: Get list", "academic-years/{academic_year_id}/departments", DEPARTMENT, key="department_id"
)
def load_departments(
    school: SchoolOrGroup, *, search: str | None = None, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Departments: one row per department of the academic year."""


@academic_structure(
    "Departments: Get one",
    "academic-years/{academic_year_id}/departments/{department_id}",
    DEPARTMENT,
    key="department_id",
    single=True,
)
def load_department(
    school: SchoolOrGroup, department_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Single departments: one row per department asked for."""


@academic_structure("Subjects: Get list", "academic-years/{academic_year_id}/subjects", SUBJECT, key="subject_id")
def load_subjects(
    school: SchoolOrGroup,
    *,
    department: Id | None = None,
    section: Id | None = None,
    academic_year_id: Id | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Subjects: one row per subject of the academic year."""


@academic_structure(
    "Subjects: Get one",
    "academic-years/{academic_year_id}/subjects/{subject_id}",
    SUBJECT,
    key="subject_id",
    single=True,
)
def load_subject(
    school: SchoolOrGroup, subject_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Single subjects: one row per subject asked for."""


@academic_structure(
    "Sections: Get one", "sections/{section_id}", SECTION, key="section_id", single=True, deprecated=True
)
def load_section_deprecated(school: SchoolOrGroup, section_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Single sections: one row per section asked for.

    Deprecated, and nothing replaces it: ``load_sections`` loads all sections in one request.
    """


load_sections_deprecated = deprecated_twin(load_sections, "legacy/sections")


load_departments_deprecated = deprecated_twin(
    load_departments, "legacy/academic-years/{academic_year_id}/departments", record=DEPARTMENT_DEPRECATED
)


load_department_deprecated = deprecated_twin(
    load_department,
    "legacy/academic-years/{academic_year_id}/departments/{department_id}",
    record=DEPARTMENT_DEPRECATED,
)


load_subjects_deprecated = deprecated_twin(
    load_subjects, "legacy/academic-years/{academic_year_id}/subjects", record=SUBJECT_DEPRECATED
)


load_subject_deprecated = deprecated_twin(
    load_subject, "legacy/academic-years/{academic_year_id}/subjects/{subject_id}", record=SUBJECT_DEPRECATED
)
