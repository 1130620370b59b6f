"""The simulated school as a whole: all its rows by kind and id, and the fields that differ by academic year."""

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from random import Random

from . import addresses, calendar, gaps, groups, marks, pastoral, people, reference, structure, timetable
from .calendar import ACTIVE, YEARS
from .profiles import PROFILES, Profile
from .reference import by_name
from .rows import Row, RowsById

TODAY = date(2026, 7, 3)
"""The simulated today of the English school unless another is given: a Friday in the summer term."""


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
    profile
        What kind of school it is.
    """

    realm: str
    seed: int
    today: date
    entities: dict[str, RowsById] = field(repr=False)
    yearly: dict[str, dict[int, RowsById]] = field(repr=False)
    profile: Profile = PROFILES["england"]

    def __post_init__(self) -> None:
        self.marks = lru_cache(maxsize=64)(self._marks)

    def _marks(self, student: int) -> list[Row]:
        placed = {year: rows[student] for year, rows in self.yearly["student"].items() if student in rows}
        codes, row = self.entities["attendance_code"], self.entities["student"][student]
        full = by_name(self.entities["boarding_type"])["Full boarder"]
        if row["boarding_type"] == full and not self.profile.registers_boarders:
            return []
        today = self.profile.day_before_moving(self.today)
        drawn = marks.student_marks(self.seed, row, codes, placed, today, self.profile)
        moved = [self.profile.moved(mark) for mark in drawn]
        removed = row["deleted_at"]  # nobody takes a register for a student after that
        return [mark for mark in moved if not removed or mark["date_time"] < removed]


def build_world(
    students: int = 240, *, seed: int = 1, today: date | None = None, realm: str = "S999", profile: str = "england"
) -> World:
    """Build a simulated school.

    Parameters
    ----------
    students
        The number of students in the school today; there are also some who have left or will join.
    seed
        The same seed gives the same school.
    today
        A day in the active academic year, the last day with any data; a day near the end of the year if left out.
    realm
        The id by which requests name the school.
    profile
        What kind of school it is: a name in ``PROFILES``.

    Returns
    -------
    World
    """
    if profile not in PROFILES:
        raise ValueError(f"{profile!r} is no profile. The profiles are {', '.join(PROFILES)}.")
    kind, year = PROFILES[profile], YEARS[ACTIVE]
    first, last = kind.moved_day(year.start), kind.moved_day(year.end)
    shown = today or kind.moved_day(TODAY)
    if not first <= shown <= last:
        raise ValueError(f"today is {shown}, but the simulated school has days from {first} to {last}.")
    today = kind.day_before_moving(shown)
    if not 7 <= students <= 4000:
        raise ValueError(f"{students} students: choose a number from 7 to 4000.")
    rng = Random(f"school {seed}")
    entities = reference.reference(kind)
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
    people.students(rng, students, today, kind.boarders, entities)
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
    gaps.leave_gaps(seed, entities)
    yearly = {"student": placements, **groups.sizes(entities, placements)}
    if kind is not PROFILES["england"]:
        entities = {name: kind.all_moved(rows) for name, rows in entities.items()}
        yearly = {name: {n: kind.all_moved(rows) for n, rows in by_year.items()} for name, by_year in yearly.items()}
    return World(realm, seed, shown, entities, yearly, kind)
