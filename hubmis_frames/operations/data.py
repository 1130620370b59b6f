"""The section Data: lists that the rest of HUBmis picks from, and custom fields."""

from typing import Literal

import pandas as pd

from .declaration import REFERENCE, Ids, SchoolOrGroup, Section
from .shapes import ID, IMAGE, NAMED, TEXT, record, struct_of

data = Section("Data")


@data("Gender: Get List", "genders", NAMED, key="gender_id", expire_after=REFERENCE)
def load_genders(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Genders: one row per gender."""


@data("Countries: Get List", "countries", record(id=ID, name=TEXT, code=TEXT), key="country_id", expire_after=REFERENCE)
def load_countries(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Countries: one row per country."""


@data("Ethnicities: Get List", "ethnicities", NAMED, key="ethnicity_id", expire_after=REFERENCE)
def load_ethnicities(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Ethnicities: one row per ethnicity."""


@data("Faiths: Get List", "faiths", NAMED, key="faith_id", expire_after=REFERENCE)
def load_faiths(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Faiths: one row per faith."""


@data("Languages: Get List", "languages", NAMED, key="language_id", paged=True, expire_after=REFERENCE)
def load_languages(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Languages: one row per language."""


@data("Nationalities: Get List", "nationalities", NAMED, key="nationality_id", paged=True, expire_after=REFERENCE)
def load_nationalities(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Nationalities: one row per nationality."""


@data("Marital Statuses: Get List", "marital-statuses", NAMED, key="marital_status_id", expire_after=REFERENCE)
def load_marital_statuses(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Marital statuses: one row per marital status."""


@data("Titles: List", "titles", NAMED, key="title_id", paged=True, expire_after=REFERENCE)
def load_titles(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Titles: one row per title used before a name, such as Dr."""


@data("Qualifications: Get List", "qualifications", NAMED, key="qualification_id", expire_after=REFERENCE)
def load_qualifications(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Qualifications: one row per qualification that a subject set may lead to."""


@data("Authorities: Get List", "authorities", NAMED, key="authority_id", expire_after=REFERENCE)
def load_authorities(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Authorities: one row per authority that may place a student."""


@data("Authority Type: Get List", "authority-types", NAMED, key="authority_type_id", expire_after=REFERENCE)
def load_authority_types(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Authority types: one row per type of authority."""


@data(
    "School Communication Details",
    "school/communication-details",
    record(
        school_name=TEXT,
        school_sms_name=TEXT,
        address=TEXT,
        country=struct_of("country_id"),
        phone=TEXT,
        email=TEXT,
        logo=struct_of(None, **IMAGE),
    ),
    single=True,
    expire_after=REFERENCE,
)
def load_school_communication_details(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Communication details: one row per school."""


@data(
    "Custom Fields Group: Get List",
    "custom-field-groups/{user_type}",
    NAMED,
    key="custom_field_group_id",
    expire_after=REFERENCE,
)
def load_custom_field_groups(
    school: SchoolOrGroup, user_type: Literal["student", "staff", "contact"], *, refresh: bool = False
) -> pd.DataFrame:
    """Groups of custom fields: one row per group of fields that the school added for a kind of person."""


@data(
    "Custom Fields Field: Get List",
    "custom-fields",
    record(id=ID, name=TEXT, type=TEXT, custom_field_group=struct_of("custom_field_group_id")),
    key="custom_field_id",
    expire_after=REFERENCE,
)
def load_custom_fields(school: SchoolOrGroup, *, custom_field_group_id: int, refresh: bool = False) -> pd.DataFrame:
    """Custom fields: one row per field that the school added.

    The list of fields, without their values: no operation of the document returns those.
    """


@data(
    "Custom Fields Option: Get List",
    "custom-fields/{custom_field_id}/options",
    NAMED,
    key="custom_field_option_id",
    expire_after=REFERENCE,
)
def load_custom_field_options(school: SchoolOrGroup, custom_field_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Options of custom fields: one row per choice that a custom field offers."""
