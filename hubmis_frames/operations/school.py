"""The section School: its calendar, its rooms and its settings."""

import pandas as pd

from .declaration import REFERENCE, Ids, SchoolOrGroup, Section
from .shapes import BOOL, DATE, ID, NAMED, TEXT, WHOLE, record, struct_of

school_section = Section("School")

PERIOD = record(id=ID, name=TEXT, date_from=DATE, date_to=DATE)
DAY = record(id=ID, name=TEXT, date=DATE)

ROOM = record(
    id=ID,
    description=TEXT,
    location=struct_of("location_id"),
    room_capacity=WHOLE,
    room_code=TEXT,
    telephone_extension=TEXT,
    timetable_code=TEXT,
)


@school_section(
    "Academic Years: Get list",
    "academic-years",
    record(id=ID, name=TEXT, date_from=DATE, date_to=DATE, is_active=BOOL),
    key="academic_year_id",
    also=("Settings",),
)
def load_academic_years(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Academic years: one row per academic year.

    Loaders that take ``academic_year_id`` use the year that is active here, unless you give another.
    """


@school_section(
    "Terms: Get list for an Academic Year",
    "academic-years/{academic_year_id}/terms",
    record(id=ID, name=TEXT, date_from=DATE, date_to=DATE, academic_year=struct_of("academic_year_id")),
    key="term_id",
    also=("Settings",),
)
def load_terms(school: SchoolOrGroup, *, academic_year_id: int | None = None, refresh: bool = False) -> pd.DataFrame:
    """Terms: one row per term of the academic year."""


@school_section(
    "Holidays: List all in an Academic Year",
    "academic-years/{academic_year_id}/holidays",
    PERIOD,
    key="holiday_id",
)
def load_holidays(school: SchoolOrGroup, *, academic_year_id: int | None = None, refresh: bool = False) -> pd.DataFrame:
    """Holidays: one row per holiday of the academic year."""


@school_section(
    "Inset Days: Get list for an Academic Year",
    "academic-years/{academic_year_id}/inset-days",
    DAY,
    key="inset_day_id",
)
def load_inset_days(
    school: SchoolOrGroup, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Inset days: one row per day on which staff are in school and students are not."""


@school_section(
    "Closure Dates: List all in an Academic Year",
    "academic-years/{academic_year_id}/closure-dates",
    DAY,
    key="closure_date_id",
)
def load_closure_dates(
    school: SchoolOrGroup, *, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Closure dates: one row per day on which the school was closed."""


@school_section(
    "School regional default settings",
    "school/regional-settings",
    record(regional_country_id=ID, start_day_week=TEXT, timezone=TEXT),
    single=True,
    expire_after=REFERENCE,
)
def load_school_regional_settings(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Regional settings: one row per school.

    ``timezone`` is the school's time zone. Times with a date are in UTC in every table.
    """


@school_section(
    "Locations: List", "locations", NAMED, key="location_id", paged=True, expire_after=REFERENCE, also=("Data",)
)
def load_locations(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Locations: one row per site or building that holds rooms."""


@school_section("Rooms: List", "rooms", ROOM, key="room_id", paged=True, expire_after=REFERENCE, also=("Data",))
def load_rooms(
    school: SchoolOrGroup, *, search: str | None = None, location: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Rooms: one row per room."""


@school_section(
    "Room: Get One", "rooms/{room_id}", ROOM, key="room_id", single=True, expire_after=REFERENCE, also=("Data",)
)
def load_room(school: SchoolOrGroup, room_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Single rooms: one row per room asked for."""


@school_section("Group Types: Get List", "group-types", NAMED, key="group_type_id", expire_after=REFERENCE)
def load_group_types(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Group types: one row per kind of teaching or pastoral group."""
