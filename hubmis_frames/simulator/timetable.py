"""The timetable: when and where each subject set meets, who teaches it, and the lessons of a person and of a day.

Sets that share students are in different blocks, and the blocks of a year group meet at different times.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from random import Random

from .calendar import ACTIVE, YEARS
from .people import Entities
from .rows import Row, numbered
from .structure import ADVANCED_BLOCKS, BLOCKS, WEEKLY

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
STARTS = ("09:00:00", "09:55:00", "11:10:00", "12:05:00", "13:50:00", "14:45:00")
ENDS = ("09:55:00", "10:50:00", "12:05:00", "13:00:00", "14:45:00", "15:40:00")
WEEK = len(DAYS) * len(STARTS)


def slots(year_number: int) -> dict[str, list[int]]:
    """Return the periods of the week, counted from 0, in which each subject of a year group meets."""
    order = [(7 * turn + 5 * year_number) % WEEK for turn in range(WEEK)]
    by_subject: dict[str, list[int]] = {}
    first = 0
    for block in BLOCKS if year_number < 12 else ADVANCED_BLOCKS:
        lessons = WEEKLY.get(block[0], 3) if year_number < 12 else 5
        by_subject |= dict.fromkeys(block, order[first : first + lessons])
        first += lessons
    return by_subject


def add(rng: Random, entities: Entities) -> None:
    """Give each subject set its periods, and a teacher and a room that are free if possible; add the timetables."""
    staff = {
        number: row for number, row in entities["staff"].items() if row["status"] == "current" and row["departments"]
    }
    for year in YEARS:
        busy: set[tuple[str, int, int]] = set()
        for row in entities["subject_set"].values():
            if row["academic_year"] != year:
                continue
            subject = entities["subject"][row["subject"]]
            row["_slots"] = slots(row["_year_number"])[subject["name"]]
            own = [number for number, person in staff.items() if subject["department"] in person["departments"]]
            row["staff"] = [_free(rng, busy, "staff", row["_slots"], own, list(staff))]
            row["rooms"] = [_free(rng, busy, "room", row["_slots"], list(entities["room"]), [])]
    hours = [{"day": day, "time_from": "08:30:00", "time_to": "16:30:00"} for day in DAYS]
    entities["staff_default_working_hours"] = numbered("staff_default_working_hours", hours)
    entities["staff_working_time"] = numbered(
        "staff_working_time",
        ({"staff": number, **day} for number in staff for day in hours if rng.random() < 0.95),
    )
    entities["timetable"] = numbered("timetable", (_timetable(entities, year) for year in YEARS))


def periods(entities: Entities, sets: Iterable[int]) -> Iterator[Row]:
    """Yield the periods of the week in which these subject sets of the active year meet."""
    by_year = {row["academic_year"]: number for number, row in entities["timetable"].items()}
    for number in sets:
        row = entities["subject_set"][number]
        if row["academic_year"] != ACTIVE:
            continue
        for turn, slot in enumerate(sorted(row["_slots"])):
            day, period = divmod(slot, len(STARTS))
            yield {
                "id": number * 10 + turn,
                "name": row["name"],
                "day": DAYS[day],
                "time_from": STARTS[period],
                "time_to": ENDS[period],
                "timetable": by_year[ACTIVE],
                "subject": row["subject"],
                "subject_set": number,
                "room": row["rooms"][0],
                "staff": row["staff"],
            }


def calendar(entities: Entities, sets: Iterable[int], first: date, last: date) -> Iterator[Row]:
    """Yield the lessons of these sets on each open day from the first day to the last."""
    week = sorted(periods(entities, sets), key=lambda period: str(period["time_from"]))
    year = YEARS[ACTIVE]
    closed = {day for day, _, _ in year.closures}
    for day in year.days(first, last):
        for period in week if day not in closed else ():
            if period["day"] == DAYS[day.weekday()]:
                yield {**period, "id": period["id"] * 1000 + (day - year.start).days, "date": str(day)}


def _free(
    rng: Random, busy: set[tuple[str, int, int]], kind: str, slots: list[int], first: list[int], others: list[int]
) -> int:
    """Return a free person or room, from ``first`` if possible, and mark it as busy in these slots."""
    for choice in (first, others):
        free = [number for number in choice if not any((kind, number, slot) in busy for slot in slots)]
        if free:
            break
    chosen = rng.choice(free or first)
    busy |= {(kind, chosen, slot) for slot in slots}
    return chosen


def _timetable(entities: Entities, year: int) -> Row:
    planned = YEARS[year]
    return {
        "academic_year": year,
        "name": f"Whole school {planned.name}",
        "rotating": False,
        "duration_days": len(DAYS),
        "date_from": str(planned.start),
        "date_to": str(planned.end),
        "time_from": STARTS[0],
        "time_to": ENDS[-1],
        "sections": [*entities["section"]],
        "days": [{"id": position, "name": day} for position, day in enumerate(DAYS, start=1)],
        "dates_based_on": "academic_year",
        "dates_based_on_academic_term_id": None,
        "data_imported": "manual",
        "deleted": False,
    }
