"""The school's two academic years: terms, holidays, inset days, closures and the days on which it opens."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TypeVar

from .rows import Row, RowsById, numbered

T = TypeVar("T")

PREVIOUS, ACTIVE = 21, 23
"""The ids of the two academic years."""


@dataclass(frozen=True)
class Year:
    """One academic year as the school planned it."""

    id: int
    name: str
    start: date
    end: date
    terms: tuple[tuple[str, date, date], ...]
    holidays: tuple[tuple[str, date, date], ...]
    inset: tuple[date, ...]
    closures: tuple[tuple[date, str, str], ...]  # the day, its code in the register, the reason

    def opens(self, day: date, weekdays: Set[int]) -> bool:
        """Whether registers are kept on this day; on a day of closure they are."""
        return (
            day.weekday() in weekdays
            and day not in self.inset
            and any(first <= day <= last for _, first, last in self.terms)
            and not any(first <= day <= last for _, first, last in self.holidays)
        )

    def days(self, first: date, last: date, weekdays: frozenset[int] = frozenset(range(5))) -> list[date]:
        """Return the days with registers from ``first`` to ``last``."""
        return [day for day in _open_days(self.id, weekdays) if first <= day <= last]


YEARS = {
    PREVIOUS: Year(
        PREVIOUS,
        "2024/25",
        date(2024, 9, 1),
        date(2025, 8, 31),
        terms=(
            ("Autumn Term", date(2024, 9, 3), date(2024, 12, 20)),
            ("Spring Term", date(2025, 1, 6), date(2025, 4, 4)),
            ("Summer Term", date(2025, 4, 22), date(2025, 7, 22)),
        ),
        holidays=(
            ("Autumn half-term", date(2024, 10, 28), date(2024, 11, 1)),
            ("Christmas holiday", date(2024, 12, 21), date(2025, 1, 5)),
            ("Spring half-term", date(2025, 2, 17), date(2025, 2, 21)),
            ("Easter holiday", date(2025, 4, 5), date(2025, 4, 21)),
            ("Early May bank holiday", date(2025, 5, 5), date(2025, 5, 5)),
            ("Summer half-term", date(2025, 5, 26), date(2025, 5, 30)),
            ("Summer holiday", date(2025, 7, 23), date(2025, 8, 31)),
        ),
        inset=(date(2024, 9, 3), date(2024, 11, 25), date(2025, 1, 6), date(2025, 6, 27)),
        closures=(
            (date(2025, 1, 9), "Y4", "Closed by snow"),
            (date(2025, 5, 1), "#", "Polling station"),
        ),
    ),
    ACTIVE: Year(
        ACTIVE,
        "2025/26",
        date(2025, 9, 1),
        date(2026, 8, 31),
        terms=(
            ("Autumn Term", date(2025, 9, 2), date(2025, 12, 19)),
            ("Spring Term", date(2026, 1, 5), date(2026, 3, 27)),
            ("Summer Term", date(2026, 4, 13), date(2026, 7, 22)),
        ),
        holidays=(
            ("Autumn half-term", date(2025, 10, 27), date(2025, 10, 31)),
            ("Christmas holiday", date(2025, 12, 20), date(2026, 1, 4)),
            ("Spring half-term", date(2026, 2, 16), date(2026, 2, 20)),
            ("Easter holiday", date(2026, 3, 28), date(2026, 4, 12)),
            ("Early May bank holiday", date(2026, 5, 4), date(2026, 5, 4)),
            ("Summer half-term", date(2026, 5, 25), date(2026, 5, 29)),
            ("Summer holiday", date(2026, 7, 23), date(2026, 8, 31)),
        ),
        inset=(date(2025, 9, 2), date(2025, 11, 24), date(2026, 6, 22)),
        closures=(
            (date(2026, 2, 5), "Y4", "Heating failed"),
            (date(2026, 5, 7), "#", "Polling station"),
        ),
    ),
}


@lru_cache
def _open_days(year: int, weekdays: frozenset[int]) -> tuple[date, ...]:
    planned = YEARS[year]
    span = (planned.start + timedelta(n) for n in range((planned.end - planned.start).days + 1))
    return tuple(day for day in span if planned.opens(day, weekdays))


@lru_cache(maxsize=1000)
def summer(day: date) -> bool:
    """Whether it is British Summer Time on this day: from the last Sunday of March to the last of October."""
    first, last = (date(day.year, month, 31) for month in (3, 10))
    first, last = (end - timedelta((end.weekday() + 1) % 7) for end in (first, last))
    return first <= day < last


def instant(day: date, hour: int, minute: int) -> str:
    """Return a local time of day as an instant in UTC."""
    return f"{day}T{hour - summer(day):02}:{minute:02}:00Z"


def academic_years() -> RowsById:
    """Return the academic years."""
    return {
        year.id: {
            "id": year.id,
            "name": year.name,
            "code": year.name,
            **_dates(year.start, year.end),
            "is_active": year.id == ACTIVE,
            "status": "active" if year.id == ACTIVE else "inactive",
            "position": position,
        }
        for position, year in enumerate(YEARS.values(), start=1)
    }


def terms() -> RowsById:
    """Return the terms of both years."""
    return numbered(
        "term", (_span(y, n, name, a, b) for y in YEARS.values() for n, (name, a, b) in _numbered_from_1(y.terms))
    )


def holidays() -> RowsById:
    """Return the holidays of both years."""
    spans = ((y, n, name, a, b) for y in YEARS.values() for n, (name, a, b) in _numbered_from_1(y.holidays))
    return numbered("holiday", (_span(*span) for span in spans))


def inset_days() -> RowsById:
    """Return the days of staff training, without students."""
    days = ((y, n, "Staff training", day, day) for y in YEARS.values() for n, day in _numbered_from_1(y.inset))
    return numbered("inset_day", (_span(*span) for span in days))


def closure_dates() -> RowsById:
    """Return the days on which the school had to close."""
    days = ((y, n, why, day, day) for y in YEARS.values() for n, (day, _, why) in _numbered_from_1(y.closures))
    return numbered("closure_date", (_span(*span) for span in days))


def _numbered_from_1(items: tuple[T, ...]) -> list[tuple[int, T]]:
    return list(enumerate(items, start=1))


def _span(year: Year, position: int, name: str, first: date, last: date) -> Row:
    return {
        "academic_year": year.id,
        "name": name,
        "code": "".join(word[0] for word in name.split()).upper(),
        "description": name,
        "date": str(first),
        **_dates(first, last),
        "position": position,
    }


def _dates(first: date, last: date) -> Row:
    """Return both dates under each name that a declaration uses for them."""
    return {
        **dict.fromkeys(("start_date", "date_from", "date_start"), str(first)),
        **dict.fromkeys(("end_date", "date_to", "date_end"), str(last)),
    }
