"""The section Contacts, and what the section Students says of contacts: parents, carers and others."""

import pandas as pd

from .declaration import Ids, School, Section
from .shapes import EXTERNAL, FLAG, ID, IMAGE, INSTANT, NAME, NAMED, PERSON, REACH, TEXT, many, one, record

students = Section("Students")
contacts = Section("Contacts")

CONTACT = record(
    access_status=TEXT,
    multi_realm=FLAG,
    students_access=many("student_id", **PERSON),
    deleted_at=INSTANT,
    external_id=EXTERNAL,
    first_name=NAME,
    gender=one("gender_id"),
    id=ID,
    last_name=NAME,
    middle_name=NAME,
    primary_email=REACH,
    profile_image=one(None, **IMAGE),
    status=TEXT,
    students=many("student_id", **PERSON),
    title=one("title_id"),
)

RELATION = record(
    id=ID,
    student=one("student_id", **PERSON),
    contact=one("contact_id", **PERSON),
    relationship_type=one("relationship_type_id"),
    is_primary=FLAG,
    parental_responsibility=FLAG,
    lives_with=FLAG,
)


@students("Contacts: Get List", "contacts", CONTACT, key="contact_id", paged=True, also=("Contacts",))
def load_contacts(
    school: School, *, search: str | None = None, status: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Contacts: one row per contact.

    ``status`` asks by the integer id of a status, though the column ``status`` holds text.
    Contacts whose ``deleted_at`` is filled have been removed in HUBmis and still come back.
    """


@students(
    "Student Contacts Relations: Get List",
    "students/{student_id}/contacts",
    RELATION,
    key="student_contact_relation_id",
)
def load_student_contacts(school: School, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Students' contacts: one row per student and contact. One request a student."""


@students(
    "Contact Students Relations: Get List",
    "contacts/{contact_id}/students",
    RELATION,
    key="student_contact_relation_id",
)
def load_contact_students(school: School, contact_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Contacts' students: one row per contact and student.

    The same relations as ``load_student_contacts``, asked from the contact's side. One request a contact.
    """


@contacts("Contacts: Get Contact", "contacts/{contact_id}", CONTACT, key="contact_id", single=True)
def load_contact(school: School, contact_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Single contacts: one row per contact asked for.

    One request a contact: ``load_contacts`` asks for a whole page of them at once.
    """


@contacts("Contacts: Get contact consent", "contacts/{contact_id}/consent", record(consent=FLAG), single=True)
def load_contact_consent(school: School, contact_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Contacts' consent: one row per contact.

    Missing means that nobody has said, which is not consent. One request a contact.
    """


@students(
    "Communication Preferences: Get List of Communication Preferences by contact Id",
    "contacts/{contact_id}/communication-preferences",
    NAMED,
    key="communication_preference_id",
)
def load_contact_communication_preferences(school: School, contact_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Communication preferences: one row per contact and preference. One request a contact."""
