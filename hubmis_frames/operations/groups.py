"""Groups of students in the section Academic Structure: forms, tutor groups, subject sets, activities."""

import pandas as pd

from .declaration import Id, Ids, SchoolOrGroup, Section, deprecated_twin
from .shapes import DATE, ID, PERSON, TEXT, WHOLE, extended, list_of, record, struct_of
from .students import MEMBER

academic_structure = Section("Academic Structure")

GROUP = record(
    academic_year=struct_of("academic_year_id"),
    code=TEXT,
    max_students=WHOLE,
    name=TEXT,
    rooms=list_of("room_id"),
    short_description=TEXT,
    staff=list_of("staff_id", **PERSON),
    staff_report_writers=list_of("staff_id", **PERSON),
    student_count=WHOLE,
    timetable_code=TEXT,
    id=ID,
)
FORM = extended(
    GROUP,
    section=struct_of("section_id"),
    year_group=struct_of("year_group_id"),
    student_representatives=list_of("student_id", **PERSON),
)
TUTOR_GROUP = extended(GROUP, section=struct_of("section_id"))
SUBJECT_SET = extended(
    GROUP,
    credit_score=WHOLE,
    date_start=DATE,
    date_end=DATE,
    qualification=struct_of("qualification_id"),
    section=struct_of("section_id"),
    subject=struct_of("subject_id"),
    year_group=struct_of("year_group_id"),
)
ACTIVITY = extended(GROUP, date_start=DATE, date_end=DATE, year_groups=list_of("year_group_id"))

# The list of one form's students has no form in each record: it is the form in the path.
MEMBER_AND_FORM = extended(MEMBER, form=struct_of("form_id"))

# Inferred: the groups to which one person belongs.
PLACE = record(id=ID, code=TEXT, name=TEXT, group_type=TEXT, academic_year=struct_of("academic_year_id"))


@academic_structure(
    "Form Group: Get list for Academic Year",
    "academic-years/{academic_year_id}/forms",
    FORM,
    key="form_id",
    sorts=(),
)
def load_forms(
    school: SchoolOrGroup,
    *,
    year_group: Id | None = None,
    section: Id | None = None,
    search: str | None = None,
    academic_year_id: Id | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Forms: one row per form of the academic year."""


@academic_structure(
    "Form Group: Get one in an Academic Year",
    "academic-years/{academic_year_id}/forms/{form_id}",
    FORM,
    key="form_id",
    single=True,
)
def load_form(
    school: SchoolOrGroup, form_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Single forms: one row per form asked for."""


@academic_structure(
    "Form Group: Get list of Students",
    "academic-years/{academic_year_id}/forms/{form_id}/students",
    MEMBER,
    key="student_id",
)
def load_form_students(
    school: SchoolOrGroup, form_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Students of a form: one row per form and student.

    The document gives this operation no pages, so HUBmis may cut a long list short without saying so.
    """


@academic_structure(
    "Tutor Groups: Get list for an Academic Year",
    "academic-years/{academic_year_id}/tutor-groups",
    TUTOR_GROUP,
    key="tutor_group_id",
    sorts=(),
)
def load_tutor_groups(
    school: SchoolOrGroup,
    *,
    section: Id | None = None,
    search: str | None = None,
    academic_year_id: Id | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Tutor groups: one row per tutor group of the academic year."""


@academic_structure(
    "Tutor Groups: Get one in an Academic Year",
    "academic-years/{academic_year_id}/tutor-groups/{tutor_group_id}",
    TUTOR_GROUP,
    key="tutor_group_id",
    single=True,
)
def load_tutor_group(
    school: SchoolOrGroup, tutor_group_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Single tutor groups: one row per tutor group asked for."""


@academic_structure(
    "Tutor Groups: Get list of Students in a Tutor Group",
    "academic-years/{academic_year_id}/tutor-groups/{tutor_group_id}/students",
    MEMBER_AND_FORM,
    key="student_id",
)
def load_tutor_group_students(
    school: SchoolOrGroup, tutor_group_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Students of a tutor group: one row per tutor group and student.

    A student's own record does not hold the tutor group.
    The document gives this operation no pages, so HUBmis may cut a long list short without saying so.
    """


@academic_structure(
    "Get list of Subject Sets in an Academic Year",
    "academic-years/{academic_year_id}/subject-sets",
    SUBJECT_SET,
    key="subject_set_id",
    paged=True,
    sorts=("code", "credit_score", "max_students", "name", "section", "student_count", "subject", "year_group"),
)
def load_subject_sets(
    school: SchoolOrGroup,
    *,
    assessment_creation: bool | None = None,
    section: Id | None = None,
    subject: Id | None = None,
    year_group: Id | None = None,
    search: str | None = None,
    academic_year_id: Id | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Subject sets: one row per teaching set of the academic year."""


@academic_structure(
    "Subject Sets: Get one in an Academic Year",
    "academic-years/{academic_year_id}/subject-sets/{subject_set_id}",
    SUBJECT_SET,
    key="subject_set_id",
    single=True,
)
def load_subject_set(
    school: SchoolOrGroup, subject_set_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Single subject sets: one row per subject set asked for."""


@academic_structure(
    "Subject Sets: Get list of Students for a Subject Set",
    "academic-years/{academic_year_id}/subject-sets/{subject_set_id}/students",
    MEMBER_AND_FORM,
    key="student_id",
)
def load_subject_set_students(
    school: SchoolOrGroup, subject_set_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Students of a subject set: one row per subject set and student.

    The document gives this operation no pages, so HUBmis may cut a long list short without saying so.
    """


load_subject_sets_deprecated = deprecated_twin(
    load_subject_sets,
    "legacy/academic-years/{academic_year_id}/subject-sets",
    title="Subject Sets: Get list for an Academic Year",
    filters=("year_group", "section", "subject", "search", "assessment_creation"),
    paging=None,
    sorts=(),
)


@academic_structure(
    "Extra Curricular Activity: Get list for an Academic Year",
    "academic-years/{academic_year_id}/activities",
    ACTIVITY,
    key="activity_id",
)
def load_activities(
    school: SchoolOrGroup,
    *,
    year_group: Id | None = None,
    search: str | None = None,
    academic_year_id: Id | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Activities: one row per extra-curricular activity of the academic year."""


@academic_structure(
    "Extra Curricular Activity: Get one in an Academic Year",
    "academic-years/{academic_year_id}/activities/{activity_id}",
    ACTIVITY,
    key="activity_id",
    single=True,
)
def load_activity(
    school: SchoolOrGroup, activity_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Single activities: one row per extra-curricular activity asked for."""


@academic_structure(
    "Student: Fetch Academic Structure Data For Students",
    "students/{student_id}/academic-structure",
    PLACE,
    key="group_id",
)
def load_student_academic_structure(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Students' groups: one row per student and group.

    ``group_type`` says what kind of group ``group_id`` is: a form and a set may have the same id.
    """


@academic_structure(
    "Fetch Academic Structure Data For Staff", "staff/{staff_id}/academic-structure", PLACE, key="group_id"
)
def load_staff_academic_structure(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff groups: one row per member of staff and group.

    ``group_type`` says what kind of group ``group_id`` is: a form and a set may have the same id.
    """


@academic_structure(
    "Fetch Academic Leadership Data For Staff", "staff/{staff_id}/academic-leadership", PLACE, key="group_id"
)
def load_staff_academic_leadership(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Academic leadership: one row per member of staff and part of the school led.

    ``group_type`` says what kind of group ``group_id`` is: a department and a section may have the same id.
    """


@academic_structure(
    "Fetch classes for which the staff member is a leader of", "staff/{staff_id}/classes-led", PLACE, key="group_id"
)
def load_staff_classes_led(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Classes led: one row per member of staff and class.

    ``group_type`` says what kind of group ``group_id`` is: a form and a set may have the same id.
    """
