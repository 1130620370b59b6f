"""The section Staff: who works at the school, and what it records of each of them."""

import pandas as pd

from .declaration import REFERENCE, Ids, School, Section
from .shapes import (
    BIRTH,
    DATE,
    EXTERNAL,
    FLAG,
    ID,
    IMAGE,
    NAME,
    NAMED,
    NOTE,
    PERSON,
    REACH,
    TEXT,
    TIME,
    many,
    one,
    record,
)

staff = Section("Staff")
settings = Section("Settings")

STAFF = record(
    access_status=TEXT,
    multi_realm=FLAG,
    academic_houses=many("house_id"),
    boarding_houses=many("house_id"),
    departments=many("department_id"),
    email=REACH,
    external_id=EXTERNAL,
    first_name=NAME,
    forms=many("form_id"),
    gender=one("gender_id"),
    id=ID,
    images=many(None, **IMAGE),
    job_title=TEXT,
    last_name=NAME,
    middle_name=NAME,
    person_type=TEXT,
    preferred_name=NAME,
    profile_image=one(None, **IMAGE),
    roles=many(),
    rooms=many("room_id"),
    sections=many("section_id"),
    status=TEXT,
    title=one("title_id"),
)

WORKING_TIME = record(id=ID, day=TEXT, time_from=TIME, time_to=TIME)


@staff("Staff: Get List", "staff", STAFF, key="staff_id", paged=True, sorts=())
def load_staff(
    school: School,
    *,
    search: str | None = None,
    department: int | None = None,
    section: int | None = None,
    status: int | None = None,
    subject: int | None = None,
    form: int | None = None,
    subject_set: int | None = None,
    tutor_group: int | None = None,
    year_group: int | None = None,
    gender: int | None = None,
    assessment_creation: bool | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Staff: one row per member of staff.

    ``status`` asks by the integer id of a status, though the column ``status`` holds text.
    Current and past staff each need a permission of their own.
    """


@staff("Staff: Get One Staff", "staff/{staff_id}", STAFF, key="staff_id", single=True)
def load_staff_member(school: School, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Single members of staff: one row per member of staff asked for.

    One request each: ``load_staff`` asks for a whole page of them at once.
    """


@staff(
    "Staff: Get Staff School Details",
    "staff/{staff_id}/school-details",
    record(
        departments=many("department_id"),
        id=ID,
        job_title=TEXT,
        learning_support_coordinator=FLAG,
        positions=many("staff_position_id"),
        rooms=many("room_id"),
        sections=many("section_id"),
        subjects=many("subject_id"),
        timetable_code=TEXT,
    ),
    key="staff_school_details_id",
    single=True,
)
def load_staff_school_details(school: School, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff's places in school: one row per member of staff.

    The document does not say whose the record's ``id`` is, so it stands beside ``staff_id``. One request each.
    """


@staff(
    "Staff: Get Staff Employment Details",
    "staff/{staff_id}/employment",
    record(
        employment_contract=one("staff_contract_type_id"),
        employment_start_date=DATE,
        employment_leave_date=DATE,
        graduate=FLAG,
        nqt=FLAG,
        nqt_expire_date=DATE,
        payroll_reference=EXTERNAL,
        personal_summary=NOTE,
        qualifications=NOTE,
        reference=FLAG,
        reference_number=EXTERNAL,
    ),
    single=True,
)
def load_staff_employment(school: School, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff's employment: one row per member of staff. One request each."""


@staff(
    "Staff: Get Staff Personal Details",
    "staff/{staff_id}/personal-details",
    record(
        date_of_birth=BIRTH,
        ethnicity=one("ethnicity_id"),
        gender=one("gender_id"),
        nationality=one("nationality_id"),
        previous_last_name=NAME,
        marital_status=one("marital_status_id"),
        profile_signature_image=one(None, **IMAGE),
        signature_images=many(None, **IMAGE),
    ),
    single=True,
)
def load_staff_personal_details(school: School, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff's personal details: one row per member of staff. One request each."""


@staff(
    "Staff: Get Staff Further Details",
    "staff/{staff_id}/further-details",
    record(
        site_resident=FLAG,
        children=many(None, **PERSON),  # whether these are students of the school is not said
        consent_photo=FLAG,
        first_aider=FLAG,
        first_aid_qualified=FLAG,
        first_aid_expire_date=DATE,
    ),
    single=True,
)
def load_staff_further_details(school: School, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff's further details: one row per member of staff. One request each."""


@staff(
    "Staff Contact Details: Get for Staff Member",
    "staff/{staff_id}/contact-details",
    record(emergency_contact=REACH),
    single=True,
)
def load_staff_contact_details(school: School, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff's emergency contacts: one row per member of staff. One request each."""


@staff(
    "Staff: Get a list of days and working times for a staff member",
    "staff/{staff_id}/working-times",
    WORKING_TIME,
    key="staff_working_time_id",
)
def load_staff_working_times(school: School, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff's working times: one row per member of staff and day of the week.

    For whoever has none, those of ``load_staff_default_working_hours`` hold. One request each.
    """


@settings(
    "Staff Default Working Hours: List",
    "staff/default-working-hours",
    WORKING_TIME,
    key="staff_default_working_hours_id",
    keep=REFERENCE,
)
def load_staff_default_working_hours(school: School, *, refresh: bool = False) -> pd.DataFrame:
    """Default working hours: one row per day of the week."""


@staff("Staff Contract Types: List", "staff/contract-types", NAMED, key="staff_contract_type_id", keep=REFERENCE)
def load_staff_contract_types(school: School, *, refresh: bool = False) -> pd.DataFrame:
    """Staff contract types: one row per type of contract."""


@staff("Staff Positions: List", "staff/positions", NAMED, key="staff_position_id", keep=REFERENCE)
def load_staff_positions(school: School, *, refresh: bool = False) -> pd.DataFrame:
    """Staff positions: one row per position that staff may hold."""
