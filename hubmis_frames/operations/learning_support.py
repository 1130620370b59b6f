"""The section Learning Support, which a school buys separately, and each student's part in it.

A school without it answers *not permitted*, which is not the same as no rows.
"""

import pandas as pd

from .declaration import EVENTS, REFERENCE, Id, Ids, SchoolOrGroup, Section
from .shapes import BOOL, DATE, ID, INSTANT, NAMED, NOTE, PERSON, list_of, record, struct_of

students = Section("Students")
learning_support = Section("Learning Support")

RECORD = record(
    id=ID,
    description=NOTE,
    ehcp=BOOL,
    ehcp_date=DATE,
    files=list_of(),
    learning_support_date=DATE,
    learning_support_type=struct_of("learning_support_type_id"),
    severity=struct_of("learning_support_severity_id"),
    status=struct_of("learning_support_status_id"),
    student=struct_of("student_id", **PERSON),
    inactive_date=DATE,
)

# The document does not say whether a review has one of the statuses of records, so it refers to no table.
REVIEW = record(
    id=ID,
    agreed_actions=NOTE,
    attending_contacts=list_of("contact_id", **PERSON),
    attending_contact_text=NOTE,
    attending_staff=list_of("staff_id", **PERSON),
    is_student_attending=BOOL,
    description=NOTE,
    ehcp_notes=NOTE,
    files=list_of(),
    meeting_aims=NOTE,
    next_review=INSTANT,
    review_type=struct_of("learning_support_review_type_id"),
    review_date_time=INSTANT,
    special_needs_coordinators=list_of("staff_id", **PERSON),
    review_status=struct_of(),
)


@learning_support(
    "Learning Support Records: List",
    "learning-support/records",
    RECORD,
    key="learning_support_record_id",
    paged=True,
    expire_after=EVENTS,
    sorts=(),
)
def load_learning_support_records(
    school: SchoolOrGroup,
    *,
    year_group: Id | None = None,
    search: str | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Learning support records: one row per learning support record.

    A student may have several. The status and ``inactive_date`` show which have ended.
    """


@learning_support(
    "LearningSupport Record: Get",
    "learning-support/records/{learning_support_record_id}",
    RECORD,
    key="learning_support_record_id",
    single=True,
    expire_after=EVENTS,
)
def load_learning_support_record(
    school: SchoolOrGroup, learning_support_record_id: Ids, *, refresh: bool = False
) -> pd.DataFrame:
    """Single learning support records: one row per record asked for."""


@learning_support(
    "Learning Support Records: Get a list of Record statuses",
    "learning-support/record-statuses",
    NAMED,
    key="learning_support_status_id",
    expire_after=REFERENCE,
)
def load_learning_support_statuses(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Learning support statuses: one row per status of records."""


@learning_support(
    "Learning Support Severities: List",
    "learning-support/severities",
    NAMED,
    key="learning_support_severity_id",
    paged=True,
    expire_after=REFERENCE,
)
def load_learning_support_severities(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Learning support severities: one row per severity of need."""


@learning_support(
    "Learning Support Types: List",
    "learning-support/types",
    NAMED,
    key="learning_support_type_id",
    paged=True,
    expire_after=REFERENCE,
)
def load_learning_support_types(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Learning support types: one row per type of need."""


@learning_support(
    "Learning Support Review Types: List",
    "learning-support/review-types",
    NAMED,
    key="learning_support_review_type_id",
    paged=True,
    expire_after=REFERENCE,
)
def load_learning_support_review_types(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Learning support review types: one row per type of review."""


@learning_support(
    "Learning Support: Get Learning Support Review by Id",
    "learning-support/reviews/{learning_support_review_id}",
    REVIEW,
    key="learning_support_review_id",
    single=True,
    expire_after=EVENTS,
)
def load_learning_support_review(
    school: SchoolOrGroup, learning_support_review_id: Ids, *, refresh: bool = False
) -> pd.DataFrame:
    """Single learning support reviews: one row per review asked for.

    The only list of reviews is that of each student: ``load_student_learning_support_reviews`` has their ids.
    """


@learning_support(
    "Learning Support terminology - terms selected that describes Learning Support for current school",
    "learning-support/terminology",
    NAMED,
    key="learning_support_term_id",
    expire_after=REFERENCE,
)
def load_learning_support_terminology(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Learning support terminology: one row per term that the school uses for learning support."""


@students(
    "Students: Get Learning Support fields by student Id",
    "students/{student_id}/learning-support",
    record(
        authority=struct_of("authority_id"),
        authority_type=struct_of("authority_type_id"),
        disability=BOOL,
        disability_description=NOTE,
        placement_date=DATE,
    ),
    single=True,
    also=("Learning Support",),
)
def load_student_learning_support(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Students' learning support: one row per student. This takes one request per student."""


@students(
    "Learning Support: Get List of Learning Support Reviews by student Id",
    "students/{student_id}/learning-support/reviews",
    REVIEW,
    key="learning_support_review_id",
    paged=True,
    expire_after=EVENTS,
    sorts=(),
    also=("Learning Support",),
)
def load_student_learning_support_reviews(
    school: SchoolOrGroup,
    student_id: Ids,
    *,
    search: str | None = None,
    status: Id | None = None,
    review_type: Id | None = None,
    is_student_attending: bool | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Students' learning support reviews: one row per review of a student.

    The filter ``status`` takes the id of a status. This takes at least one request per student.
    """


@students(
    "Learning Support: Get List of Learning Support Records by student Id",
    "students/{student_id}/learning-support/records",
    RECORD,
    key="learning_support_record_id",
    paged=True,
    expire_after=EVENTS,
    sorts=(),
    also=("Learning Support",),
)
def load_student_learning_support_records(
    school: SchoolOrGroup,
    student_id: Ids,
    *,
    search: str | None = None,
    status: Id | None = None,
    ehcp: bool | None = None,
    severity: Id | None = None,
    learning_support_type: Id | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Students' learning support records: one row per record of a student.

    This takes at least one request per student. ``load_learning_support_records`` loads those of the whole school page
    by page.
    """
