"""Houses and boarding, in the section Students."""

from typing import Literal

import pandas as pd

from .declaration import REFERENCE, Id, Ids, SchoolOrGroup, Section
from .shapes import BOOL, ID, IMAGE, NAMED, PERSON, TEXT, WHOLE, extended, list_of, record, struct_of
from .students import MEMBER

students = Section("Students")

HOUSE = record(
    id=ID,
    address=TEXT,
    code=TEXT,
    genders=list_of("gender_id"),
    house_parents=list_of("staff_id", **PERSON),
    house_type=TEXT,
    images=list_of(None, **IMAGE),
    max_students=WHOLE,
    name=TEXT,
    note=TEXT,
    phone=TEXT,
    profile_image=struct_of(None, **IMAGE),
    staff=list_of("staff_id", **PERSON),
    system_profile_image=TEXT,
    is_active=BOOL,
)


@students("Houses: Get Houses", "houses", HOUSE, key="house_id")
def load_houses(
    school: SchoolOrGroup,
    *,
    house_type: Literal["academic", "boarding"] | None = None,
    is_active: bool | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Houses: one row per academic or boarding house."""


@students(
    "Houses: Get House",
    "houses/{house_id}",
    HOUSE,
    key="house_id",
    single=True,
    year={"header": "academic-year-id"},
)
def load_house(
    school: SchoolOrGroup, house_id: Ids, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Single houses: one row per house asked for."""


@students(
    "House: Get Students",
    "houses/{house_id}/students",
    extended(MEMBER, form=struct_of("form_id"), boarding_type=struct_of("boarding_type_id")),
    key="student_id",
    sorts=(),
    year={"header": "academic-year-id"},
)
def load_house_students(
    school: SchoolOrGroup,
    house_id: Ids,
    *,
    search: str | None = None,
    gender: Id | None = None,
    boarding_type: Id | None = None,
    form: Id | None = None,
    year_group: Id | None = None,
    academic_year_id: Id | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Students of a house: one row per house and student.

    Current students only: students who have left are missing from earlier years too.
    The document gives this operation no pages and does not say that the list is complete.
    """


@students(
    "Houses: Get Houses Summary",
    "houses/summary",
    record(id=ID, name=TEXT, house_type=TEXT, student_count=WHOLE),
    key="house_id",
    year={"query": "academicYearId"},
)
def load_houses_summary(
    school: SchoolOrGroup,
    *,
    house_type: Literal["academic", "boarding"] | None = None,
    academic_year_id: Id | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Houses in short: one row per academic or boarding house."""


@students("Boarding Types: List", "boarding-types", NAMED, key="boarding_type_id", expire_after=REFERENCE)
def load_boarding_types(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Boarding types: one row per boarding type."""
