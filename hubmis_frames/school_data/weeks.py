"""On which weekdays and for which sessions registers are kept, as the marks show it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..analysis.calendar import SESSIONS, WEEKDAYS

_SHARE = 10  # a tenth of the busiest weekday: fewer marks are visits and fixtures, and no register
_TWICE = 2
_DEFAULT = (0, 1, 2, 3, 4)

Week = dict[int, tuple[str, ...]]
"""The sessions of each weekday with school."""


class SeenWeeks(NamedTuple):
    """What the marks show: a week, or one for each first day from which another one holds."""

    weekdays: tuple[int, ...] | dict[str, tuple[int, ...]]
    sessions: tuple[str, ...]
    short_days: dict[int, tuple[str, ...]] | dict[str, dict[int, tuple[str, ...]]]


def seen_weeks(
    counted: pd.DataFrame, came: pd.DatetimeIndex, years: Sequence[tuple[pd.Timestamp, pd.Timestamp]], first: int
) -> SeenWeeks:
    """Read the weeks off the marks, for each academic year by itself, as a school may change its week.

    A weekday has school if it has a tenth of the marks of the busiest weekday, and so has a session of that day. A
    weekday that has not yet come twice, outside holidays and closures, tells nothing: it is as in the year before, and
    in the first year from Monday to Friday.

    Parameters
    ----------
    counted
        Marks with a possible session: ``date`` and ``session``.
    came
        The days on which the school could have been open.
    years
        The first and the last day of each academic year, in order.
    first
        The weekday that comes first.
    """
    weeks: dict[str, Week] = {}
    before: Week = dict.fromkeys(_DEFAULT, _usual(counted))
    for start, end in years:
        own = counted[counted["date"].between(start, end)]
        if own.empty:
            continue
        days = came[(came >= own["date"].min()) & (came <= own["date"].max())]
        before = _week(own, days, before)
        if not weeks or before != next(reversed(weeks.values())):
            weeks[f"{start:%Y-%m-%d}"] = before
    weeks = weeks or {"": before}
    sessions = tuple(s for s in SESSIONS if any(s in own for week in weeks.values() for own in week.values()))
    weekdays = {day: tuple(sorted(week, key=lambda number: (number - first) % 7)) for day, week in weeks.items()}
    short = {
        day: {number: week[number] for number in weekdays[day] if week[number] != sessions}
        for day, week in weeks.items()
    }
    if len(weeks) == 1:
        (day,) = weeks
        return SeenWeeks(weekdays[day], sessions, short[day])
    return SeenWeeks(weekdays, sessions, short if any(short.values()) else {})


def weekday_number(name: object, default: int = 0) -> int:
    """The number of a weekday that is named in any case; ``default`` for anything else."""
    names = [day.casefold() for day in WEEKDAYS]
    text = str(name).strip().casefold()
    return names.index(text) if text in names else default


def _usual(counted: pd.DataFrame) -> tuple[str, ...]:
    """The sessions that have a tenth of the marks of the busier one."""
    counts = counted["session"].value_counts()
    return tuple(s for s in SESSIONS if counts.get(s, 0) * _SHARE >= counts.max()) if len(counts) else SESSIONS


def _week(counted: pd.DataFrame, came: pd.DatetimeIndex, before: Mapping[int, tuple[str, ...]]) -> Week:
    session = counted["session"].map({name: place for place, name in enumerate(SESSIONS)}).to_numpy()
    marks = np.bincount(
        counted["date"].dt.day_of_week.to_numpy() * len(SESSIONS) + session, minlength=7 * len(SESSIONS)
    )
    marks = marks.reshape(7, len(SESSIONS))
    chances = np.bincount(came.day_of_week, minlength=7)
    week: Week = {}
    for day in range(7):
        if marks[day].sum() * _SHARE >= marks.sum(axis=1).max():
            kept = marks[day] * _SHARE >= marks.max()
            kept[marks[day].argmax()] = True
            week[day] = tuple(name for name, is_kept in zip(SESSIONS, kept, strict=True) if is_kept)
        elif chances[day] < _TWICE and day in before:
            week[day] = before[day]
    return week
