"""The section Staff: the people who work at the school, and their details."""

from typing import Literal

import pandas as pd

from .declaration import REFERENCE, Id, Ids, SchoolOrGroup, Section
from .shapes import (
    BIRTH,
    BOOL,
    CONTACT,
    DATE,
    EXTERNAL,
    ID,
    IMAGE,
    NAME,
    NAMED,
    NOTE,
    PERSON,
    TEXT,
    TIME,
    list_of,
    record,
    struct_of,
)

staff = Section("Staff")
settings = Section("Settings")

CURRENT_STAFF, PAST_STAFF = ("staff.current.overview.name-details.read",), ("staff.past.read",)
"""The scopes for current and for past staff."""

STAFF = record(
    access_status=TEXT,
    multi_realm=BOOL,
    academic_houses=list_of("house_id"),
    boarding_houses=list_of("house_id"),
    departments=list_of("department_id"),
    email=CONTACT,
    external_id=EXTERNAL,
    first_name=NAME,
    forms=list_of("form_id"),
    gender=struct_of("gender_id"),
    id=ID,
    images=list_of(None, **IMAGE),
    job_title=TEXT,
    last_name=NAME,
    middle_name=NAME,
    person_type=TEXT,
    preferred_name=NAME,
    profile_image=struct_of(None, **IMAGE),
    roles=list_of(),
    rooms=list_of("room_id"),
    sections=list_of("section_id"),
    status=TEXT,
    title=struct_of("title_id"),
)

WORKING_TIME = record(id=ID, day=TEXT, time_from=TIME, time_to=TIME)


@staff(
    "Staff: Get List",
    "staff",
    STAFF,
    key="staff_id",
    paged=True,
    sorts=(),
    scopes=CURRENT_STAFF + PAST_STAFF,
    scopes_with={"status": {"current": CURRENT_STAFF, "past": PAST_STAFF}},
)
def load_staff(
    school: SchoolOrGroup,
    *,
    search: str | None = None,
    department: Id | None = None,
    section: Id | None = None,
    status: Literal["current", "past"] | Id | None = None,
    subject: Id | None = None,
    form: Id | None = None,
    subject_set: Id | None = None,
    tutor_group: Id | None = None,
    year_group: Id | None = None,
    gender: Id | None = None,
    assessment_creation: bool | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Staff: one row per member of staff.

    The document says of the filter ``status`` both that it takes an id and that it takes ``current`` or ``past``.
    """


@staff("Staff: Get One Staff", "staff/{staff_id}", STAFF, key="staff_id", single=True)
def load_staff_member(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Single members of staff: one row per member of staff asked for.

    This takes one request per member of staff. ``load_staff`` loads a page of staff with each request.
    """


@staff(
    "Staff: Get Staff School Details",
    "staff/{staff_id}/school-details",
    record(
        departments=list_of("department_id"),
        id=ID,
        job_title=TEXT,
        learning_support_coordinator=BOOL,
        positions=list_of("staff_position_id"),
        rooms=list_of("room_id"),
        sections=list_of("section_id"),
        subjects=list_of("subject_id"),
        timetable_code=TEXT,
    ),
    key="staff_school_details_id",
    single=True,
)
def load_staff_school_details(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff school details: one row per member of staff.

    The document does not say what the record's ``id`` belongs to, so it is a column beside ``staff_id``. This takes one
    request per member of staff.
    """


@staff(
    "Staff: Get Staff Employment Details",
    "staff/{staff_id}/employment",
    record(
        employment_contract=struct_of("staff_contract_type_id"),
        employment_start_date=DATE,
        employment_leave_date=DATE,
        graduate=BOOL,
        nqt=BOOL,
        nqt_expire_date=DATE,
        payroll_reference=EXTERNAL,
        personal_summary=NOTE,
        qualifications=NOTE,
        reference=BOOL,
        reference_number=EXTERNAL,
    ),
    single=True,
)
def load_staff_employment(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff employment: one row per member of staff. This takes one request each."""


@staff(
    "Staff: Get Staff Personal Details",
    "staff/{staff_id}/personal-details",
    record(
        date_of_birth=BIRTH,
        ethnicity=struct_of("ethnicity_id"),
        gender=struct_of("gender_id"),
        nationality=struct_of("nationality_id"),
        previous_last_name=NAME,
        marital_status=struct_of("marital_status_id"),
        profile_signature_image=struct_of(None, **IMAGE),
        signature_images=list_of(None, **IMAGE),
    ),
    single=True,
)
def load_staff_personal_details(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff personal details: one row per member of staff. This takes one request each."""


@staff(
    "Staff: Get Staff Further Details",
    "staff/{staff_id}/further-details",
    record(
        site_resident=BOOL,
        children=list_of(None, **PERSON),  # the document does not say whether they are students of the school
        consent_photo=BOOL,
        first_aider=BOOL,
        first_aid_qualified=BOOL,
        first_aid_expire_date=DATE,
    ),
    single=True,
)
def load_staff_further_details(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff further details: one row per member of staff. This takes one request each."""


@staff(
    "Staff Contact Details: Get for Staff Member",
    "staff/{staff_id}/contact-details",
    record(emergency_contact=CONTACT),
    single=True,
)
def load_staff_contact_details(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff emergency contacts: one row per member of staff. This takes one request each."""


@staff(
    "Staff: Get a list of days and working times for a staff member",
    "staff/{staff_id}/working-times",
    WORKING_TIME,
    key="staff_working_time_id",
)
def load_staff_working_times(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff working times: one row per member of staff and day of the week.

    Staff without working times of their own have those of ``load_staff_default_working_hours``. This takes one request
    per member of staff.
    """


@settings(
    "Staff Default Working Hours: List",
    "staff/default-working-hours",
    WORKING_TIME,
    key="staff_default_working_hours_id",
    expire_after=REFERENCE,
)
def load_staff_default_working_hours(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Default working hours: one row per day of the week."""


@staff(
    "Staff Contract Types: List", "staff/contract-types", NAMED, key="staff_contract_type_id", expire_after=REFERENCE
)
def load_staff_contract_types(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Staff contract types: one row per type of contract."""


@staff("Staff Positions: List", "staff/positions", NAMED, key="staff_position_id", expire_after=REFERENCE)
def load_staff_positions(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Staff positions: one row per position that staff may hold."""
