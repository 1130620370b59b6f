"""Attendance: a mark for every session that a student should attend, drawn for each student separately.

A student's absence comes in spells. Their chance depends on the student, the weekday, the term and a wave of illness
each winter. Marks are not stored: the same seed and student always give the same marks.
"""

from datetime import date, timedelta
from random import Random
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .calendar import YEARS, Year, instant
from .profiles import Profile
from .rows import Row, RowsById

WEEKDAY = (1.1, 0.92, 0.9, 0.97, 1.25, 1.3, 1.0)
"""How likely absence is on each weekday, relative to the average."""
WAVES = {date(2025, 1, 21): (12.0, 1.9), date(2025, 12, 9): (10.0, 2.4)}
"""The peaks of illness: the length of each in days, and how much it adds to the chance of absence."""
SPELLS = {
    "I": (0.66, 1.9),
    "M": (0.11, 0.5),
    "O": (0.07, 1.2),
    "G": (0.025, 4.5),
    "C": (0.03, 1.3),
    "R": (0.015, 1.0),
    "U": (0.06, 0.5),
    "N": (0.006, 1.0),
    "T": (0.004, 4.0),
    "J1": (0.005, 0.5),
    "E": (0.005, 3.0),
}
"""Reasons of a spell of absence: the share of spells with it, and its mean length in days."""
PERSISTENT_SPELLS = {
    "I": (0.5, 2.6),
    "O": (0.26, 2.4),
    "U": (0.08, 0.5),
    "M": (0.07, 0.5),
    "E": (0.04, 3.0),
    "N": (0.05, 1.4),
}
"""The same for persistently absent students."""
NOTES = {
    "M": "Dentist appointment",
    "G": "Family holiday, not granted",
    "V": "Field trip",
    "W": "Work experience week",
    "E": "Fixed-term suspension",
    "R": "Religious festival",
    "*": "Music lesson at the Conservatoire",
    "Y4": "School closed",
}


HALVES = ("am", "pm")


class Habits(NamedTuple):
    """The attendance habits of one student."""

    rate: float  # the share of days missed in the long run
    late: float  # the chance of arriving late in the morning
    sport: bool
    music: bool
    dual: bool  # also registered at another school, and there on Tuesdays
    alternative: bool  # taught elsewhere on Fridays by arrangement of the authority


def habits(seed: int, student: int, severe: bool) -> Habits:
    """Draw a student's habits; besides the severely absent, about one student in twenty is often absent."""
    rng = np.random.default_rng([seed, student, 1])
    kind, late, *chances = rng.random(6)
    rate = float(rng.gamma(3.2, 0.0128))
    if kind < 0.05:
        rate = 0.11 + 0.2 * float(rng.random())
    if severe:
        rate = 0.62 + 0.12 * float(rng.random())
    sport, music, dual, alternative = (
        bool(chance < share) for chance, share in zip(chances, (0.14, 0.05, 0.006, 0.006), strict=True)
    )
    return Habits(rate, 0.16 if late < 0.05 else 0.05 * float(late) ** 3, sport, music, dual, alternative)


def add(rng: Random, seed: int, entities: dict[str, RowsById]) -> None:
    """Give each student habits; one in 150 is severely absent, chosen from those who were here for both years."""
    people = entities["student"]
    settled = [n for n, row in people.items() if row["start_date"] <= "2024-09-01" and not row["leaving_date"]]
    severe = rng.sample(settled, min(len(settled), max(1, len(people) // 150)))
    for number, row in people.items():
        row["_habits"] = habits(seed, number, number in severe)


class StudentMarks:
    """The marks of one student, session by session."""

    def __init__(self, seed: int, student: Row, codes: RowsById, profile: Profile) -> None:
        self.seed, self.student, self._profile = seed, student["id"], profile
        self._codes = {row["code"]: number for number, row in codes.items()}
        self._habits: Habits = student["_habits"]

    def year_number(self, year: Year, placement: Row, today: date) -> list[Row]:
        """Return the marks of one academic year up to today, without ids."""
        last = min(date.fromisoformat(placement["_last"]), today)
        days = year.days(date.fromisoformat(placement["_first"]), last, self._profile.weekdays)
        if not days:
            return []
        rng = np.random.default_rng([self.seed, self.student, year.id])
        sessions = self._sessions(rng, days, placement, year, today)
        kept = self._profile.sessions
        return [
            self._mark(day, half, sessions[2 * position + half])
            for position, day in enumerate(days)
            for half in (0, 1)
            if HALVES[half] in kept[self._profile.moved_day(day).weekday()]
        ]

    def _sessions(
        self, rng: np.random.Generator, days: list[date], placement: Row, year: Year, today: date
    ) -> list[str | None]:
        habits = self._habits
        codes: list[str | None] = ["/", "\\"] * len(days)
        chances = rng.random((6, len(days)))
        for position, day in enumerate(days):
            weekday, am = day.weekday(), 2 * position
            if chances[0, position] < habits.late:
                codes[am] = "L"
            elif chances[0, position] > 1 - habits.late / 8:
                codes[am + 1] = "L"
            if habits.sport and weekday == 2 and chances[1, position] < 0.35:
                codes[am + 1] = "P"
            elif habits.music and weekday == 3 and chances[1, position] < 0.5:
                codes[am] = "*"
            elif chances[1, position] > 0.999:
                codes[am] = codes[am + 1] = "B"
            if habits.dual and weekday == 1:
                codes[am] = codes[am + 1] = "D"
            if habits.alternative and weekday == 4:
                codes[am] = codes[am + 1] = "K"
            if chances[2, position] < 0.9 and (trip := _trip(placement["_year_number"], day)):
                codes[am] = codes[am + 1] = trip
        self._absences(rng, codes, days, year)
        for position, day in enumerate(days):
            am = 2 * position
            if day.weekday() == 4 and chances[3, position] < 0.35 * habits.rate and codes[am + 1] == "\\":
                codes[am + 1] = "O" if habits.rate > 0.1 else "M"
            if chances[4, position] < 0.0035:  # the register was not taken
                half = am + (chances[5, position] < 0.6)
                codes[half] = None if chances[5, position] < 0.3 else "-"
            if year.end > today and (today - day).days <= 7 and codes[am] in ("I", "O") and chances[4, position] > 0.4:
                codes[am] = codes[am + 1] = "N"  # the reason is not known yet
            closed = [code for closed_on, code, _ in year.closures if closed_on == day]
            if closed:
                codes[am] = codes[am + 1] = closed[0]
        return codes

    def _absences(self, rng: np.random.Generator, codes: list[str | None], days: list[date], year: Year) -> None:
        """Overwrite sessions with spells of absence."""
        rate = self._habits.rate
        spells = PERSISTENT_SPELLS if rate > 0.1 else SPELLS
        longer = 3.0 if rate > 0.5 else 1.0
        shares, lengths = np.array(list(spells.values())).T
        shares = shares / shares.sum()
        mean = float((shares * np.maximum(lengths * longer, 0.5)).sum())
        chance = rate / (1 - rate) / mean * _relative_chance(days, year)
        starts = rng.random(len(days)) < chance
        reasons, free = list(spells), 0
        for start in np.flatnonzero(starts):
            if start < free:
                continue
            reason = int(rng.choice(len(reasons), p=shares))
            length = lengths[reason] * longer
            code = reasons[reason]
            if length == 0.5:
                codes[2 * start + (code != "U" and rng.random() < 0.5)] = code
                continue
            sessions = 2 * int(rng.geometric(1 / max(1.0, length))) - int(rng.random() < 0.2)
            first = 2 * int(start) + int(rng.random() < 0.12)
            sessions = min(sessions, len(codes) - first)
            codes[first : first + sessions] = [code] * sessions
            free = (first + sessions + 1) // 2

    def _mark(self, day: date, half: int, code: str | None) -> Row:
        hour, minute = ((8, 35), (13, 30))[half]
        minute += 6
        if code == "L":
            minute += 8 + (day.toordinal() * 7 + self.student) % 9
        elif code:
            minute += (day.toordinal() + self.student) % 4
        return {
            "date": str(day),
            "date_time": instant(day, hour, minute),
            "attendance_session": HALVES[half],
            "attendance_code": self._codes[self._profile.codes.get(code, (code,))[0]] if code else None,
            "description": NOTES.get(code or ""),
            "student": self.student,
        }


def _relative_chance(days: list[date], year: Year) -> npt.NDArray[np.float64]:
    """Return how likely absence is on each of the days, relative to an ordinary day."""
    weekday = np.array([WEEKDAY[day.weekday()] for day in days])
    term = np.array([0.92 if day < year.terms[0][2] else 1.06 if day < year.terms[1][2] else 0.98 for day in days])
    ordinal = np.array([day.toordinal() for day in days], dtype=float)
    wave = sum(size * np.exp(-(((ordinal - peak.toordinal()) / width) ** 2)) for peak, (width, size) in WAVES.items())
    return np.asarray(weekday * term * (1 + wave) / 1.16, dtype=np.float64)


def _trip(year_number: int, day: date) -> str | None:
    """Return the code of a trip or other activity that takes a whole year group out of school on this day."""
    monday = day - timedelta(day.weekday())
    if year_number in (10, 12) and monday in (date(2025, 6, 30), date(2026, 6, 15)):
        return "W"
    if year_number in (11, 13) and monday in (date(2025, 6, 9), date(2026, 6, 8)):
        return "S"
    if day.month == 9 and day.day < 15:
        return None
    return "V" if (day.toordinal() * 7 + year_number * 31) % 97 == 0 else None


def student_marks(
    seed: int, student: Row, codes: RowsById, placed: dict[int, Row], today: date, profile: Profile
) -> list[Row]:
    """Return all marks of a student in these years, with their ids, on the days of the English school."""
    drawn = StudentMarks(seed, student, codes, profile)
    marks = [mark for year, row in placed.items() for mark in drawn.year_number(YEARS[year], row, today)]
    return [{"id": student["id"] * 1000 + position, **mark} for position, mark in enumerate(marks, start=1)]
