"""The sections Timetable Maintenance and Timetable Views."""

import pandas as pd

from .declaration import EVENTS, Ids, SchoolOrGroup, Section, When
from .shapes import BOOL, DATE, ID, INSTANT, PERSON, TEXT, TIME, WHOLE, list_of, record, struct_of

timetable_maintenance = Section("Timetable Maintenance")
timetable_views = Section("Timetable Views")

TIMETABLE = record(
    id=ID,
    academic_year=struct_of("academic_year_id"),
    name=TEXT,
    rotating=BOOL,
    duration_days=WHOLE,
    date_from=DATE,
    date_to=DATE,
    time_from=TIME,
    time_to=TIME,
    sections=list_of("section_id"),
    created_at=INSTANT,
    updated_at=INSTANT,
    created_by=struct_of("staff_id", **PERSON),
    updated_by=struct_of("staff_id", **PERSON),
    last_published_staff_at=INSTANT,
    last_published_students_at=INSTANT,
    last_draft_at=INSTANT,
    last_version_updated_at=INSTANT,
    last_version_updated_by=struct_of("staff_id", **PERSON),
    queued_warning_generation=BOOL,
    deleted=BOOL,
    data_imported=TEXT,
    days=list_of(),
    dates_based_on=TEXT,
    dates_based_on_academic_term_id=ID,
)

PERIOD = record(
    id=ID,
    name=TEXT,
    day=TEXT,
    time_from=TIME,
    time_to=TIME,
    timetable=struct_of("timetable_id"),
    subject=struct_of("subject_id"),
    subject_set=struct_of("subject_set_id"),
    room=struct_of("room_id"),
    staff=list_of("staff_id", **PERSON),
)
CALENDAR_ENTRY = record(
    id=ID,
    name=TEXT,
    date=DATE,
    time_from=TIME,
    time_to=TIME,
    subject=struct_of("subject_id"),
    subject_set=struct_of("subject_set_id"),
    room=struct_of("room_id"),
    staff=list_of("staff_id", **PERSON),
)

BY_DATE = {"date_from": "date", "date_to": "date"}
# The document requires ``filter[date]`` beside a range, and does not say what it does.
FIRST_DAY = {"date": "date_from"}


@timetable_maintenance(
    "Timetables: Get List",
    "timetables",
    TIMETABLE,
    key="timetable_id",
    paged=True,
    year={"query": "filter[academicYear]"},
)
def load_timetables(
    school: SchoolOrGroup, *, search: str | None = None, academic_year_id: int | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Timetables: one row per timetable.

    HUBmis still sends timetables that a user removed: their ``deleted`` is true.
    """


@timetable_maintenance(
    "Timetables: Get single Timetable", "timetables/{timetable_id}", TIMETABLE, key="timetable_id", single=True
)
def load_timetable(school: SchoolOrGroup, timetable_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Single timetables: one row per timetable asked for."""


@timetable_views(
    "Staff: Get Timetable",
    "staff/{staff_id}/timetable",
    PERIOD,
    key="timetable_period_id",
    wrapper="timetables",
)
def load_staff_timetable(school: SchoolOrGroup, staff_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Staff timetables: one row per member of staff and timetable period.

    The pattern that repeats, without dates. ``load_staff_timetable_calendar`` has the dates.
    """


@timetable_views(
    "Staff: Fetch Timetable Calendar",
    "staff/{staff_id}/timetable/calendar",
    CALENDAR_ENTRY,
    key="calendar_entry_id",
    expire_after=EVENTS,
    wrapper="calendar",
    defaults=FIRST_DAY,
    checks=BY_DATE,
)
def load_staff_timetable_calendar(
    school: SchoolOrGroup,
    staff_id: Ids,
    *,
    date_from: When,
    date_to: When,
    date: When | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Staff calendars: one row per member of staff, date and period.

    The document requires ``date`` beside the range. If you leave it out, we send ``date_from``.
    """


@timetable_views(
    "Student: Get Timetable",
    "students/{student_id}/timetable",
    PERIOD,
    key="timetable_period_id",
    wrapper="timetables",
)
def load_student_timetable(school: SchoolOrGroup, student_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Students' timetables: one row per student and timetable period.

    The pattern that repeats, without dates. ``load_student_timetable_calendar`` has the dates.
    """


@timetable_views(
    "Students: Fetch Timetable Calendar",
    "students/{student_id}/timetable/calendar",
    CALENDAR_ENTRY,
    key="calendar_entry_id",
    expire_after=EVENTS,
    wrapper="calendar",
    defaults=FIRST_DAY,
    checks=BY_DATE,
)
def load_student_timetable_calendar(
    school: SchoolOrGroup,
    student_id: Ids,
    *,
    date_from: When,
    date_to: When,
    date: When | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Students' calendars: one row per student, date and period.

    The document requires ``date`` beside the range. If you leave it out, we send ``date_from``.
    """
