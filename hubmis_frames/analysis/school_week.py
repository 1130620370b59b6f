"""The weekdays and sessions of a school's week, and from which day on they hold."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import BadArgumentError
from .columns import as_day

SESSIONS = ("am", "pm")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Day = str | datetime.date | pd.Timestamp
"""A day as a user gives it; text is an ISO date."""
Weekdays = Sequence[int] | Mapping[Day, Sequence[int]]
ShortDays = Mapping[int, Sequence[str]] | Mapping[Day, Mapping[int, Sequence[str]]]


class Week(NamedTuple):
    """A school's week from a day on."""

    since: pd.Timestamp
    sessions: dict[int, tuple[str, ...]]
    """The sessions of each weekday with school."""
    first: int
    """The weekday on which the week begins."""


def weeks_of(weekdays: Weekdays, sessions: Sequence[str], short_days: ShortDays | None) -> list[Week]:
    """The school's weeks in order of time. The first holds for earlier days too."""
    every = _sessions(sessions, "sessions")
    days = [(since, _weekdays(given)) for since, given in _dated(weekdays, "weekdays")]
    short = [(since, _short_days(given, every)) for since, given in _dated(short_days or {}, "short_days")]
    if strange := {day for _, given in short for day in given} - {day for _, given in days for day in given}:
        raise BadArgumentError(
            f"Calendar: short_days has {WEEKDAYS[min(strange)]}, and weekdays does not: the school is shut on it."
        )
    weeks = []
    for since in sorted({since for since, _ in (*days, *short)}):
        opens, fewer = _at(days, since), _at(short, since)
        weeks.append(Week(since, {day: fewer.get(day, every) for day in opens}, _first_weekday(opens)))
    return weeks


def _dated(given: Any, name: str) -> list[tuple[pd.Timestamp, Any]]:
    """What was given, with the first day of each; what was given without a day holds on every day."""
    if not isinstance(given, Mapping) or all(isinstance(key, int) for key in given):
        return [(pd.Timestamp.min, given)]
    return sorted((as_day(since, f"Calendar: {name}"), value) for since, value in given.items())


def _at(dated: list[tuple[pd.Timestamp, Any]], day: pd.Timestamp) -> Any:
    """What holds on a day: the last before it, else the first."""
    return next((value for since, value in reversed(dated) if since <= day), dated[0][1])


def place_of(weeks: list[Week], dates: pd.Series) -> npt.NDArray[np.int64]:
    """Which week of ``weeks`` holds on each date."""
    since = pd.DatetimeIndex([week.since for week in weeks[1:]]).as_unit("us")
    return np.searchsorted(since, pd.DatetimeIndex(dates), side="right").astype(np.int64)


def _weekdays(given: Any) -> tuple[int, ...]:
    numbers = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else ()
    if not numbers or not all(type(day) is int and 0 <= day < 7 for day in numbers):
        raise BadArgumentError(f"Calendar: weekdays takes numbers from 0 (Monday) to 6 (Sunday), not {given!r}.")
    return numbers


def _short_days(given: Any, every: tuple[str, ...]) -> dict[int, tuple[str, ...]]:
    if not isinstance(given, Mapping) or not all(type(day) is int and 0 <= day < 7 for day in given):
        raise BadArgumentError(
            f"Calendar: short_days takes the sessions of weekdays, such as {{4: ['am']}} for Friday mornings, not "
            f"{given!r}."
        )
    short = {day: _sessions(sessions, "short_days") for day, sessions in given.items()}
    if strange := [session for sessions in short.values() for session in sessions if session not in every]:
        raise BadArgumentError(f"Calendar: short_days has the session {strange[0]!r}, and sessions has not.")
    return short


def _sessions(given: Any, name: str) -> tuple[str, ...]:
    chosen = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else ()
    if not chosen or not set(chosen) <= set(SESSIONS):
        raise BadArgumentError(f"Calendar: {name} takes 'am', 'pm' or both in a list, not {given!r}.")
    return tuple(session for session in SESSIONS if session in chosen)


def _first_weekday(opens: Sequence[int]) -> int:
    """The weekday after the longest stretch of weekdays off; of equal ones, the first as given."""
    off = {day: next(back for back in range(1, 8) if (day - back) % 7 in opens) for day in opens}
    # A school that never shuts has a week from Monday.
    return max(opens, key=off.__getitem__) if max(off.values()) > 1 else 0
