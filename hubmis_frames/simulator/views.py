"""Which rows an operation returns before any filter: derived from its path, or by a function of its own."""

from collections import Counter
from collections.abc import Callable
from datetime import date

from hubmis_frames.operations.declaration import YEAR

from . import timetable
from .routes import Query
from .rows import Row
from .rules import HttpStatusError
from .store import Store, kind_of_id, kind_of_records

View = Callable[[Store, Query], list[Row]]


def rows(store: Store, query: Query) -> list[Row]:
    """Return the rows of the response; a single record is a list of one row."""
    endpoint = query.endpoint
    table = endpoint.table.removesuffix("_deprecated")
    if table in VIEWS:
        return VIEWS[table](store, query)
    kind = SOURCES.get(table, kind_of_records(endpoint))
    owners = {kind_of_id(name): value for name, value in query.path.items()}
    own = owners.pop(kind, None)
    if (
        endpoint.single and own is None and owners
    ):  # a table apart with one record per student, contact or member of staff
        kind, own = owners.popitem()
    numbers = list(store.rows(kind)) if own is None else [own]
    if own is None and endpoint.single:
        numbers = numbers[:1]
    listed = [row for number in numbers if (row := store.row(kind, number, query.year)) and _belongs(row, owners)]
    if own is not None and not listed:
        raise HttpStatusError(404, f"No {kind.replace('_', ' ')} {own}.")
    return listed


def _belongs(row: Row, owners: Row) -> bool:
    """Whether the row belongs to these owners; a row without an academic year belongs to all of them."""
    return all(row.get(name, value if name in SHARED else None) == value for name, value in owners.items())


def _students(store: Store, query: Query) -> list[Row]:
    """Return the students of the year with the requested enrolment statuses."""
    placed = store.world.yearly["student"][query.year]
    return [
        row
        for number in store.rows("student")
        if (row := store.row("student", number, query.year))
        and row["enrolment_status"] in query.statuses
        and (number in placed or row["enrolment_status"] == "applicant")
    ]


def _past_students(store: Store, query: Query) -> list[Row]:
    students = (store.row("student", number, query.year) for number in store.rows("student"))
    return [row for row in students if row and row["enrolment_status"] == "past"]


def _house_students(store: Store, query: Query) -> list[Row]:
    house = query.path["house_id"]
    students = (store.row("student", number, query.year) for number in store.world.yearly["student"][query.year])
    current = [row for row in students if row and row["enrolment_status"] == "current"]
    return [row for row in current if house in (row["academic_house"], row["boarding_house"])]


def _members(store: Store, query: Query) -> list[Row]:
    """Return the members of a form, a tutor group or a subject set, including those who have left since."""
    (kind, number), *_ = ((kind_of_id(name), value) for name, value in query.path.items() if name != YEAR)
    group = store.rows(kind)[number]
    if group["academic_year"] != query.year:
        raise HttpStatusError(404, f"No {kind.replace('_', ' ')} {number} in this academic year.")
    return [row for member in group["students"] if (row := store.row("student", member, query.year))]


def _marks(store: Store, query: Query) -> list[Row]:
    return store.world.marks(query.path["student_id"])


def _doctor(_store: Store, query: Query) -> list[Row]:
    return [{"id": query.path["student_id"] % 5}]


def _wellbeing(store: Store, query: Query) -> list[Row]:
    kind = query.endpoint.table.removeprefix("student_").removesuffix("s")
    own = query.path["student_id"]
    return [row for row in store.rows("pastoral_event").values() if (row["student"], row["type"]) == (own, kind)]


def _shanarri_items(store: Store, query: Query) -> list[Row]:
    event = store.rows("pastoral_event")[query.path["pastoral_event_id"]]
    return [store.rows("shanarri_item")[number] for number in event["shanarri_items"]]


def _events(store: Store, _query: Query) -> list[Row]:
    return list(store.rows("pastoral_event").values())


def _timetables(store: Store, query: Query) -> list[Row]:
    return [row for row in store.rows("timetable").values() if row["academic_year"] == query.year]


def _sets(store: Store, query: Query) -> list[int]:
    """Return the subject sets in the active year of a student or a member of staff."""
    (name, number), *_ = query.path.items()
    row = store.row(kind_of_id(name), number) or {}
    return list(row["subject_sets"])


def _timetable(store: Store, query: Query) -> list[Row]:
    periods = timetable.periods(store.world.entities, _sets(store, query))
    return [store.world.profile.moved(row) for row in periods]


def _calendar(store: Store, query: Query) -> list[Row]:
    profile = store.world.profile
    bounds = (date.fromisoformat(query.filters[name][:10]) for name in ("date_from", "date_to"))
    first, last = (profile.day_before_moving(day) for day in bounds)
    return [profile.moved(row) for row in timetable.calendar(store.world.entities, _sets(store, query), first, last)]


def _as_groups(store: Store, kinds: dict[str, list[int]]) -> list[Row]:
    """Return groups of several kinds as one list."""
    return [
        {"academic_year": None, **store.rows(kind)[number], "group_type": kind}
        for kind, numbers in kinds.items()
        for number in numbers
    ]


def _student_structure(store: Store, query: Query) -> list[Row]:
    rows = []
    for year, placed in store.world.yearly["student"].items():
        place = placed.get(query.path["student_id"])
        if place:
            single = {kind: [place[kind]] for kind in ("year_group", "form", "tutor_group")}
            groups = _as_groups(store, {**single, "subject_set": place["subject_sets"]})
            rows += [{**row, "academic_year": year} for row in groups]
    return rows


def _staff_structure(store: Store, query: Query) -> list[Row]:
    row = store.rows("staff")[query.path["staff_id"]]
    return _as_groups(store, {kind: row[f"{kind}s"] for kind in ("form", "tutor_group", "subject_set")})


def _staff_leadership(store: Store, query: Query) -> list[Row]:
    own = query.path["staff_id"]
    kinds = ("section", "year_group", "department", "subject")
    return _as_groups(
        store, {kind: [n for n, row in store.rows(kind).items() if own in row[f"{kind}_heads"]] for kind in kinds}
    )


def _classes_led(store: Store, query: Query) -> list[Row]:
    return _as_groups(store, {"subject_set": store.rows("staff")[query.path["staff_id"]]["subject_sets"]})


def _counted_events(rows: list[Row]) -> list[Row]:
    """Return the number of events of each type, category and severity."""
    counts = Counter((row["type"], row["category"], row["severity"]) for row in rows)
    return [
        {"type": kind, "category": category, "severity": severity, "total": total}
        for (kind, category, severity), total in sorted(counts.items())
    ]


SHARED = frozenset({"academic_year", "module"})
"""Owners to which every row belongs that does not name another."""

SOURCES = {"school_regional_settings": "school", "school_communication_details": "school"}
"""The kind of row that an operation returns, if its key does not show it."""

VIEWS: dict[str, View] = {
    "students": _students,
    "past_students": _past_students,
    "house_students": _house_students,
    "form_students": _members,
    "tutor_group_students": _members,
    "subject_set_students": _members,
    "student_attendance": _marks,
    "student_doctor": _doctor,
    "student_academic_structure": _student_structure,
    "staff_academic_structure": _staff_structure,
    "staff_academic_leadership": _staff_leadership,
    "staff_classes_led": _classes_led,
    "student_wellbeing_events": _wellbeing,
    "student_wellbeing_plans": _wellbeing,
    "pastoral_events_summary": _events,
    "pastoral_event_shanarri_items": _shanarri_items,
    "timetables": _timetables,
    "student_timetable": _timetable,
    "staff_timetable": _timetable,
    "student_timetable_calendar": _calendar,
    "staff_timetable_calendar": _calendar,
}
"""The functions of operations whose rows cannot be derived from the path."""

COUNTED: dict[str, Callable[[list[Row]], list[Row]]] = {"pastoral_events_summary": _counted_events}
"""Operations that return counts of the rows of their view, after the filters."""
