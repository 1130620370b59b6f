"""Kinds of schools that can be simulated: how the days, sessions, codes and names of each differ from the English one.

All are the same school at heart: the students, their habits and their illnesses are those of ``england``, on days that
are moved. So figures of two profiles can be compared. The schools are made up, and so is which code a school uses.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from .rows import Row, RowsById

BOTH = ("am", "pm")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class Profile:
    """A kind of school.

    Attributes
    ----------
    name
        What the profile is called.
    about
        What is different in this school, in a few words.
    sessions
        The sessions with a register on each weekday; Monday is 0.
    timezone
        The time zone of the school.
    days
        By how many days everything is moved from the days of the English school.
    names
        Texts of the English school, such as names of terms, and what this school has instead.
    codes
        The attendance code that this school uses instead of an English one, and its name.
    boarders
        The share of students who board.
    registers_boarders
        Whether registers are kept for full boarders.
    """

    name: str
    about: str
    sessions: Mapping[int, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(range(5), BOTH))
    timezone: str = "Europe/London"
    days: int = 0
    names: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    boarders: float = 0.16
    registers_boarders: bool = True

    @property
    def start_day_week(self) -> str:
        """The first day of the week: the day after the longest gap without registers."""
        gaps = {day: next(n for n in range(1, 8) if (day - n) % 7 in self.sessions) for day in self.sessions}
        first = max(gaps, key=lambda day: gaps[day])
        return f"{date(2024, 1, 1) + timedelta(first):%A}".lower()

    @cached_property
    def weekdays(self) -> frozenset[int]:
        """The weekdays of the English school that are moved to weekdays with a register."""
        return frozenset((day - self.days) % 7 for day in self.sessions)

    def moved_day(self, day: date) -> date:
        """A day of the English school as a day of this one."""
        return day + timedelta(self.days)

    def day_before_moving(self, day: date) -> date:
        """A day of this school as a day of the English one."""
        return day - timedelta(self.days)

    def moved(self, row: Row) -> Row:
        """A row of the English school as one of this school; what begins with ``_`` is not moved."""
        return {name: value if name.startswith("_") else self._moved(value) for name, value in row.items()}

    def all_moved(self, rows: RowsById) -> RowsById:
        """All rows of a kind as rows of this school."""
        return {number: self.moved(row) for number, row in rows.items()}

    @cached_property
    def _names(self) -> re.Pattern[str]:
        longest_first = sorted(self.names, key=len, reverse=True)
        return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b")

    def _moved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.moved(value)
        if isinstance(value, list):
            return [self._moved(item) for item in value]
        if not isinstance(value, str):
            return value
        if DAY.fullmatch(value):
            return str(self.moved_day(date.fromisoformat(value)))
        if INSTANT.fullmatch(value):  # the clock on the wall shows the same time
            local = datetime.fromisoformat(value).astimezone(LONDON).replace(tzinfo=None) + timedelta(self.days)
            return f"{local.replace(tzinfo=ZoneInfo(self.timezone)).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return self._names.sub(lambda found: self.names[found[0]], value) if self.names else value


_ATTENDED = ("10", "Attendance")
_AUTHORISED = ("24", "Other authorised absence")
_HOLIDAYS = ("Autumn half-term", "Christmas holiday", "Spring half-term", "Easter holiday", "Summer half-term")

PROFILES = {
    profile.name: profile
    for profile in (
        Profile("england", "Monday to Friday, two sessions a day, years from September"),
        Profile("daily", "one register a day", sessions=dict.fromkeys(range(5), ("am",))),
        Profile(
            "boarding",
            "Saturday mornings, three students in five board, and no register is kept for full boarders",
            sessions={**dict.fromkeys(range(5), BOTH), 5: ("am",)},
            boarders=0.6,
            registers_boarders=False,
        ),
        Profile(
            "gulf",
            "Sunday to Thursday",
            sessions=dict.fromkeys((6, 0, 1, 2, 3), BOTH),
            timezone="Asia/Riyadh",
            days=-1,
            names={
                "Monday": "Sunday",
                "Tuesday": "Monday",
                "Wednesday": "Tuesday",
                "Thursday": "Wednesday",
                "Friday": "Thursday",
            },
        ),
        Profile(
            "dubai",
            "Friday mornings only",
            sessions={**dict.fromkeys(range(4), BOTH), 4: ("am",)},
            timezone="Asia/Dubai",
        ),
        Profile(
            "january",
            "academic years from January, in a zone where the day begins before it does in UTC",
            timezone="Australia/Sydney",
            days=18 * 7,
            names={
                "2024/25": "2025",
                "2025/26": "2026",
                "Autumn Term": "Term 1",
                "Spring Term": "Term 2",
                "Summer Term": "Term 3",
                **{name: f"Break {number}" for number, name in enumerate(_HOLIDAYS, start=1)},
                "Summer holiday": "Long holiday",
                "Early May bank holiday": "Public holiday",
            },
        ),
        Profile(
            "scotland",
            "academic years from August, and the codes and year groups of Scotland",
            days=-14,
            names={"Year 7": "P7", **{f"Year {number + 7}": f"S{number}" for number in range(1, 7)}},
            codes={
                **dict.fromkeys("/\\KVPBDS", _ATTENDED),
                "L": ("11", "Late 1"),
                "W": ("12", "Work experience"),
                "I": ("20", "Sickness without education provision"),
                "U": ("21", "Late 2"),
                **dict.fromkeys(("M", "C", "C1", "C2", "R", "J", "J1"), _AUTHORISED),
                "H": ("22", "Authorised holiday"),
                "T": ("02", "Extended leave with parental consent"),
                "G": ("30", "Unauthorised holiday"),
                **dict.fromkeys("NO", ("31", "Truancy or unexplained absence")),
                "E": ("40", "Temporary exclusion"),
            },
        ),
    )
}
"""The profiles by name."""
