"""The simulated school as a whole: all its rows by kind and id, and the fields that differ by academic year."""

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from random import Random

from . import addresses, calendar, groups, marks, pastoral, people, reference, structure, timetable
from .calendar import ACTIVE, YEARS
from .rows import Row, RowsById

TODAY = date(2026, 7, 3)
"""The simulated today unless another is given: a Friday in the summer term."""


@dataclass
class World:
    """A simulated school.

    Attributes
    ----------
    realm
        The id by which requests name the school.
    seed
        The seed of the random numbers; the same seed gives the same bytes.
    today
        The last day with any data.
    entities
        All rows by kind (``student``, ``form``, ...) and id.
    yearly
        The fields of a row in one academic year, by kind, year and id.
    """

    realm: str
    seed: int
    today: date
    entities: dict[str, RowsById] = field(repr=False)
    yearly: dict[str, dict[int, RowsById]] = field(repr=False)

    def __post_init__(self) -> None:
        self.marks = lru_cache(maxsize=64)(self._marks)

    def _marks(self, student: int) -> list[Row]:
        placed = {year: rows[student] for year, rows in self.yearly["student"].items() if student in rows}
        codes, row = self.entities["attendance_code"], self.entities["student"][student]
        return marks.student_marks(self.seed, row, codes, placed, self.today)


def build_world(students: int = 240, *, seed: int = 1, today: date = TODAY, realm: str = "S999") -> World:
    """Build a simulated school.

    Parameters
    ----------
    students
        The number of students in the school today; there are also some who have left or will join.
    seed
        The same seed gives the same school.
    today
        A day in the academic year 2025/26, the last day with any data.
    realm
        The id by which requests name the school.

    Returns
    -------
    World
    """
    year = YEARS[ACTIVE]
    if not year.start <= today <= year.end:
        raise ValueError(f"today is {today}, but the simulated school has days from {year.start} to {year.end}.")
    if not 7 <= students <= 4000:
        raise ValueError(f"{students} students: choose a number from 7 to 4000.")
    rng = Random(f"school {seed}")
    entities = reference.reference()
    entities["academic_year"] = calendar.academic_years()
    entities["term"] = calendar.terms()
    entities["holiday"] = calendar.holidays()
    entities["inset_day"] = calendar.inset_days()
    entities["closure_date"] = calendar.closure_dates()
    entities["section"] = structure.sections()
    entities["year_group"] = structure.year_groups(entities["section"])
    entities["house"] = structure.houses()
    entities["department"] = structure.departments()
    entities["subject"] = structure.subjects(entities["department"], entities["section"])
    entities["room"] = structure.rooms(entities["location"])
    entities["staff"] = people.staff(rng, 35 + max(0, students - 240) // 12, entities)
    people.students(rng, students, today, entities)
    marks.add(rng, seed, entities)
    addresses.add(rng, entities)
    placements = groups.placements(entities)
    groups.form_groups(rng, entities, placements)
    groups.subject_sets(rng, entities, placements)
    groups.activities(rng, entities, placements)
    groups.leave(entities, placements)
    timetable.add(rng, entities)
    groups.staff_allocations(rng, entities)
    pastoral.add(rng, today, entities, placements)
    return World(realm, seed, today, entities, {"student": placements, **groups.sizes(entities, placements)})
