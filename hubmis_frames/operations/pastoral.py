"""The section Pastoral, and students' own wellbeing events and plans from the section Students."""
# ruff: noqa: A002 - the document has a filter called type

from typing import Literal

import pandas as pd

from .declaration import EVENTS, REFERENCE, Id, Ids, SchoolOrGroup, Section, When, deprecated_twin
from .shapes import BOOL, ID, INSTANT, NAMED, NOTE, PERSON, TEXT, WHOLE, list_of, record, struct_of

students = Section("Students")
pastoral = Section("Pastoral")

CATEGORY = record(
    id=ID,
    name=TEXT,
    position=WHOLE,
    system_value=BOOL,
    category=struct_of("pastoral_category_id"),
    color=WHOLE,
    sections=list_of("section_id"),
    deleted_at=INSTANT,
)

EVENT = record(
    id=ID,
    type=TEXT,
    title=NOTE,
    description=NOTE,
    date_time=INSTANT,
    status=TEXT,
    category=struct_of("pastoral_category_id"),
    severity=struct_of("pastoral_severity_level_id"),
    student=struct_of("student_id", **PERSON),
    assigned_to=list_of("staff_id", **PERSON),
    created_by=struct_of("staff_id", **PERSON),
    year_group=struct_of("year_group_id"),
    form=struct_of("form_id"),
    created_at=INSTANT,
    updated_at=INSTANT,
)

BY_TIME = {"date_time_from": "date_time", "date_time_to": "date_time"}


@pastoral(
    "Pastoral: Get list of Events",
    "pastoral/events",
    EVENT,
    key="pastoral_event_id",
    paged=True,
    expire_after=EVENTS,
    sorts=(),
    checks=BY_TIME,
)
def load_pastoral_events(
    school: SchoolOrGroup,
    *,
    type: Literal["wellbeing_plan", "wellbeing_event"] | None = None,
    year_group: Id | None = None,
    form: Id | None = None,
    category: Id | None = None,
    status: Literal["active", "inactive"] | None = None,
    severity: Id | None = None,
    date_time_from: When | None = None,
    date_time_to: When | None = None,
    search: str | None = None,
    assigned_to: Id | None = None,
    include_past_students: bool | None = None,
    sort: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Pastoral events: one row per wellbeing event or wellbeing plan.

    ``type`` separates events from plans. By default HUBmis leaves out students who have left since: give
    ``include_past_students=True`` before you compare one year with another. The document does not show the name of the
    date filter, so it is inferred.
    """


@pastoral(
    "Pastoral: Get single Event",
    "pastoral/events/{pastoral_event_id}",
    EVENT,
    key="pastoral_event_id",
    expire_after=EVENTS,
)
def load_pastoral_event(school: SchoolOrGroup, pastoral_event_id: Ids, *, refresh: bool = False) -> pd.DataFrame:
    """Single pastoral events: one row per wellbeing event or plan asked for.

    The document shows a list as the response, although the request is for one event.
    """


@pastoral(
    "Pastoral: Get summary of Events",
    "pastoral/events/summary",
    record(
        type=TEXT,
        category=struct_of("pastoral_category_id"),
        severity=struct_of("pastoral_severity_level_id"),
        total=WHOLE,
    ),
    expire_after=EVENTS,
)
def load_pastoral_events_summary(
    school: SchoolOrGroup,
    *,
    type: Literal["wellbeing_plan", "wellbeing_event"] | None = None,
    year_group: Id | None = None,
    form: Id | None = None,
    category: Id | None = None,
    status: Literal["active", "inactive"] | None = None,
    severity: Id | None = None,
    date_time_from: When | None = None,
    date_time_to: When | None = None,
    search: str | None = None,
    assigned_to: Id | None = None,
    include_past_students: bool | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Pastoral events counted: one row per type, category and severity.

    The document does not say how HUBmis groups and counts the events. By default it leaves out students who have left
    since, as in ``load_pastoral_events``.
    """


@students(
    "Student: Get list of Wellbeing Events for a specific Student",
    "students/{student_id}/wellbeing-events",
    EVENT,
    key="pastoral_event_id",
    paged=True,
    expire_after=EVENTS,
    checks=BY_TIME,
)
def load_student_wellbeing_events(
    school: SchoolOrGroup,
    student_id: Ids,
    *,
    assigned_to: Id | None = None,
    category: Id | None = None,
    status: Literal["active", "inactive"] | None = None,
    severity: Id | None = None,
    date_time_from: When | None = None,
    date_time_to: When | None = None,
    search: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Students' wellbeing events: one row per wellbeing event of a student.

    This takes at least one request per student. ``load_pastoral_events`` loads those of the whole school page by page.
    """


@students(
    "Student: Get list of Wellbeing Plans for a specific Student",
    "students/{student_id}/wellbeing-plans",
    EVENT,
    key="pastoral_event_id",
    paged=True,
    expire_after=EVENTS,
    checks=BY_TIME,
)
def load_student_wellbeing_plans(
    school: SchoolOrGroup,
    student_id: Ids,
    *,
    assigned_to: Id | None = None,
    category: Id | None = None,
    status: Literal["active", "inactive"] | None = None,
    severity: Id | None = None,
    date_time_from: When | None = None,
    date_time_to: When | None = None,
    search: str | None = None,
    refresh: bool = False,
) -> pd.DataFrame:
    """Students' wellbeing plans: one row per wellbeing plan of a student.

    This takes at least one request per student. ``load_pastoral_events`` loads those of the whole school page by page.
    """


@pastoral(
    "Pastoral Category: List",
    "pastoral/categories/{pastoral_category_type}",
    CATEGORY,
    key="pastoral_category_id",
    expire_after=REFERENCE,
)
def load_pastoral_categories(
    school: SchoolOrGroup,
    pastoral_category_type: Literal["wellbeing_event", "wellbeing_plan"],
    *,
    refresh: bool = False,
) -> pd.DataFrame:
    """Pastoral categories: one row per category of wellbeing events or of plans.

    Categories whose ``deleted_at`` is filled are no longer in use, but older events may refer to them.
    """


@pastoral(
    "Pastoral Category: Get one",
    "pastoral/categories/{pastoral_category_type}/{pastoral_category_id}",
    CATEGORY,
    key="pastoral_category_id",
    single=True,
    expire_after=REFERENCE,
)
def load_pastoral_category(
    school: SchoolOrGroup,
    pastoral_category_type: Literal["wellbeing_event", "wellbeing_plan"],
    pastoral_category_id: Ids,
    *,
    refresh: bool = False,
) -> pd.DataFrame:
    """Single pastoral categories: one row per category asked for."""


@pastoral(
    "Pastoral Severity Levels: List",
    "pastoral/severity-levels/{module}",
    NAMED,
    key="pastoral_severity_level_id",
    expire_after=REFERENCE,
)
def load_pastoral_severity_levels(
    school: SchoolOrGroup, module: Literal["wellbeing"] = "wellbeing", *, refresh: bool = False
) -> pd.DataFrame:
    """Pastoral severity levels: one row per severity level."""


@pastoral(
    "GIRFEC SHANARRI Items: Get List of SHANARRI Items by Pastoral Event Id",
    "pastoral/events/{pastoral_event_id}/shanarri-items",
    NAMED,
    key="shanarri_item_id",
    expire_after=EVENTS,
)
def load_pastoral_event_shanarri_items(
    school: SchoolOrGroup, pastoral_event_id: Ids, *, refresh: bool = False
) -> pd.DataFrame:
    """SHANARRI items: one row per pastoral event and wellbeing indicator.

    For Scottish schools, which record wellbeing under GIRFEC. This takes one request per event.
    """


@pastoral(
    "Linked Items: Get List of linked items by Pastoral Event Id",
    "pastoral/events/{pastoral_event_id}/linked-items",
    record(id=ID, type=TEXT, title=NOTE),
    key="linked_item_id",
    expire_after=EVENTS,
)
def load_pastoral_event_linked_items(
    school: SchoolOrGroup, pastoral_event_id: Ids, *, refresh: bool = False
) -> pd.DataFrame:
    """Linked items: one row per pastoral event and item linked to it. This takes one request per event."""


@pastoral(
    "GIRFEC Data: get year groups named persons",
    "pastoral/girfec/named-persons",
    record(id=ID, name=TEXT, named_persons=list_of("staff_id", **PERSON)),
    key="year_group_id",
)
def load_year_group_named_persons(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    """Named persons: one row per year group.

    For Scottish schools, where GIRFEC gives each child a named person at the school.
    """


load_pastoral_events_deprecated = deprecated_twin(load_pastoral_events, "legacy/pastoral/events")
