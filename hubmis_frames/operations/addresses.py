"""How to reach people: the section Address, and email and telephones from the sections Students and Staff."""

import pandas as pd

from .declaration import Ids, SchoolOrGroup, Section
from .shapes import BOOL, CONTACT, ID, NAME, TEXT, WHOLE, list_of, record, struct_of

students = Section("Students")
address = Section("Address")
staff = Section("Staff")

EMAIL = record(id=ID, email=CONTACT, type=TEXT, is_primary=BOOL)
PHONE = record(id=ID, phone=CONTACT, type=TEXT, is_primary=BOOL)

MAPPING = record(
    id=ID,
    address_types=list_of(),
    position=WHOLE,
    address=struct_of(None, id=ID, postcode=CONTACT, country=struct_of("country_id")),
    formatted_address=CONTACT,
)
RELATED = record(id=ID, name=NAME, person_type=TEXT, formatted_address=CONTACT)


@students(
    "Email Addresses: Get List of Email Addresses by student Id",
    "students/{student_id}/emails",
    EMAIL,
    key="email_id",
)
def load_student_emails(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Students' email: one row per email address of a student.

    This takes one request per student. ``primary_email`` of ``load_students`` is often enough.
    """


@students(
    "Email Addresses: Get List of Email Addresses by contact Id",
    "contacts/{contact_id}/emails",
    EMAIL,
    key="email_id",
)
def load_contact_emails(school: SchoolOrGroup, contact_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Contacts' email: one row per email address of a contact.

    This takes one request per contact. ``primary_email`` of ``load_contacts`` is often enough.
    """


@staff("Emails: Get List of Email Addresses by staff Id", "staff/{staff_id}/emails", EMAIL, key="email_id")
def load_staff_emails(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff email: one row per email address of a member of staff.

    This takes one request per member of staff. ``email`` of ``load_staff`` is often enough.
    """


@students("Phones: Get List of Phones by contact Id", "contacts/{contact_id}/phones", PHONE, key="phone_id")
def load_contact_phones(school: SchoolOrGroup, contact_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Contacts' telephones: one row per telephone number of a contact.

    Numbers are text, so they keep their leading zeros. This takes one request per contact.
    """


@staff("Phones: Get List of Phones by Staff Id", "staff/{staff_id}/phones", PHONE, key="phone_id")
def load_staff_phones(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff telephones: one row per telephone number of a member of staff.

    Numbers are text, so they keep their leading zeros. This takes one request per member of staff.
    """


@students(
    "Get list of Address Mappings for a Student",
    "students/{student_id}/addresses",
    MAPPING,
    key="address_mapping_id",
    also=("Address",),
)
def load_student_addresses(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Students' addresses: one row per student and address.

    ``address_mapping_id`` is the id of the link between a person and an address; the address has an id of its own.
    This takes one request per student.
    """


@address(
    "Get list of Address Mappings for a Staff",
    "staff/{staff_id}/addresses",
    MAPPING,
    key="address_mapping_id",
    also=("Staff",),
)
def load_staff_addresses(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff addresses: one row per member of staff and address.

    ``address_mapping_id`` is the id of the link between a person and an address; the address has an id of its own.
    This takes one request per member of staff.
    """


@address(
    "Get one Address Mapping for a staff member",
    "staff/{staff_id}/addresses/{address_mapping_id}",
    MAPPING,
    key="address_mapping_id",
    single=True,
    wire={"address_mapping_id": "mappingId"},
    also=("Staff",),
)
def load_staff_address(
    school: SchoolOrGroup, staff_id: Ids, address_mapping_id: Ids, *, refresh: bool = False
) -> pd.DataFrame:
    """Single addresses of staff: one row per member of staff and address asked for."""


@students(
    "Get a list of related records/addresses for a student",
    "students/{student_id}/related-addresses",
    RELATED,
    key="related_address_id",
    also=("Address",),
)
def load_student_related_addresses(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Related addresses: one row per student and related person's address. This takes one request per student."""


@students(
    "Get a list of related records/addresses for a contact",
    "contacts/{contact_id}/related-addresses",
    RELATED,
    key="related_address_id",
    also=("Address", "Contacts"),
)
def load_contact_related_addresses(school: SchoolOrGroup, contact_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Related addresses: one row per contact and related person's address. This takes one request per contact."""
