"""Contacts (parents, carers and others), from the sections Contacts and Students."""

import pandas as pd

from .declaration import Ids, SchoolOrGroup, Section
from .shapes import BOOL, CONTACT, EXTERNAL, ID, IMAGE, INSTANT, NAME, NAMED, PERSON, TEXT, list_of, record, struct_of

students = Section("Students")
contacts = Section("Contacts")

CONTACT = record(
    access_status=TEXT,
    multi_realm=BOOL,
    students_access=list_of("student_id", **PERSON),
    deleted_at=INSTANT,
    external_id=EXTERNAL,
    first_name=NAME,
    gender=struct_of("gender_id"),
    id=ID,
    last_name=NAME,
    middle_name=NAME,
    primary_email=CONTACT,
    profile_image=struct_of(None, **IMAGE),
    status=TEXT,
    students=list_of("student_id", **PERSON),
    title=struct_of("title_id"),
)

RELATION = record(
    id=ID,
    student=struct_of("student_id", **PERSON),
    contact=struct_of("contact_id", **PERSON),
    relationship_type=struct_of("relationship_type_id"),
    is_primary=BOOL,
    parental_responsibility=BOOL,
    lives_with=BOOL,
)


@students("Contacts: Get List", "contacts", CONTACT, key="contact_id", paged=True, also=("Contacts",))
def load_contacts(
    school: SchoolOrGroup, *, search: str | None = None, status: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Contacts: one row per contact.

    The filter ``status`` takes the id of a status, although the column ``status`` holds text.
    HUBmis still sends contacts that a user removed: their ``deleted_at`` is filled.
    """


@students(
    "Student Contacts Relations: Get List",
    "students/{student_id}/contacts",
    RELATION,
    key="student_contact_relation_id",
)
def load_student_contacts(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Students' contacts: one row per student and contact. This takes one request per student."""


@students(
    "Contact Students Relations: Get List",
    "contacts/{contact_id}/students",
    RELATION,
    key="student_contact_relation_id",
)
def load_contact_students(school: SchoolOrGroup, contact_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Contacts' students: one row per contact and student.

    These are the relations of ``load_student_contacts``, from the contact's side. This takes one request per contact.
    """


@contacts("Contacts: Get Contact", "contacts/{contact_id}", CONTACT, key="contact_id", single=True)
def load_contact(school: SchoolOrGroup, contact_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Single contacts: one row per contact asked for.

    This takes one request per contact. ``load_contacts`` loads a page of contacts with each request.
    """


@contacts("Contacts: Get contact consent", "contacts/{contact_id}/consent", record(consent=BOOL), single=True)
def load_contact_consent(school: SchoolOrGroup, contact_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Contacts' consent: one row per contact.

    A missing value is not consent: nobody has answered. This takes one request per contact.
    """


@students(
    "Communication Preferences: Get List of Communication Preferences by contact Id",
    "contacts/{contact_id}/communication-preferences",
    NAMED,
    key="communication_preference_id",
)
def load_contact_communication_preferences(
    school: SchoolOrGroup, contact_id: Ids, *, refresh: bool = False
) -> pd.DataFrame:
    """Communication preferences: one row per contact and preference. This takes one request per contact."""
