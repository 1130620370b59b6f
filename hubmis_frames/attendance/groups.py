"""Which group of a summary each mark belongs to."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import WEEKDAYS, Calendar, check_calendar, first_of_week, year_name
from ..analysis.columns import OF_CALENDAR, natural, no_group
from ..errors import BadArgumentError, warn
from .canonical import SESSIONS, category_numbers
from .codes import CATEGORIES

Whole = npt.NDArray[np.int64]
By = str | Sequence[str] | None

PERIODS = ("week", "weekday", "month", *OF_CALENDAR)


class Groups(NamedTuple):
    """Which group each mark belongs to."""

    number: Whole  # of each mark's group, from 0
    keys: pd.DataFrame  # one row per group, in order


def grouped(marks: pd.DataFrame, by: By, calendar: Calendar | None, what: str, made: Sequence[str]) -> Groups:
    """Number the groups of marks in order; without ``by`` all are one. ``made`` are the columns of the result."""
    if calendar is not None:
        check_calendar(calendar, what)
    names = names_of(by)
    if taken := [name for name in names if name in made]:
        raise BadArgumentError(
            f"{what}: the result has a column {taken[0]!r} of its own. To group by yours, rename it in the marks first."
        )
    if not names:
        return Groups(np.zeros(len(marks), dtype=np.int64), pd.DataFrame(index=range(1)))
    if len(set(names)) < len(names):
        raise BadArgumentError(f"{what}: by names {', '.join(names)}, one of them twice.")
    number, size = np.zeros(len(marks), dtype=np.int64), 1
    levels: list[pd.Index] = []
    for name in names:
        place, level = _level(marks, name, calendar, what)
        levels.append(level)
        number, size = number * len(level) + place, size * len(level)
        if size > 2**62 // 4096:
            raise BadArgumentError(f"{what}: by makes too many groups of {', '.join(names)}.")
    present, number = np.unique(number, return_inverse=True)
    keys: dict[str, pd.Index] = {}
    rest = present
    for name, level in zip(reversed(names), reversed(levels), strict=True):
        keys[name] = level.take(rest % len(level))
        rest = rest // len(level)
    frame = pd.DataFrame({name: keys[name] for name in names})
    return Groups(number.astype(np.int64), frame)


def say_years(marks: pd.DataFrame, number: Whole, what: str) -> None:
    """Warn where a group, by number, has marks of several academic years: its rates are those of no year."""
    if year_name(marks["date"].agg(["min", "max"])).nunique() < 2:
        return
    counts = category_numbers(marks, what) < CATEGORIES.index("not_possible")
    number, (place, days) = number[counts], pd.factorize(marks.loc[counts, "date"])
    of_day, years = pd.factorize(year_name(pd.Series(days)))
    if len(years) > 1 and len(np.unique(number * len(years) + of_day[place])) > len(np.unique(number)):
        first, last = min(years), max(years)
        warn(
            f"{what}: marks of {first} to {last} stand in one figure, so it is of no one year. Keep one year, "
            f'marks[marks["date"] >= "{last[:4]}-08-01"], or add "academic_year" to by, with calendar=.'
        )


def names_of(by: By) -> list[str]:
    """``by`` as a list."""
    return [] if by is None else [by] if isinstance(by, str) else list(by)


def _level(marks: pd.DataFrame, name: str, calendar: Calendar | None, what: str) -> tuple[Whole, pd.Index]:
    """The place of each mark among the values of one column or period, and those values in order."""
    if name in marks:
        values = marks[name]
        if name == "session":
            values = pd.Series(pd.Categorical(values, categories=list(SESSIONS), ordered=True), index=marks.index)
    elif name in PERIODS:
        # Days are few and marks many, so a period is worked out once a day.
        place, days = pd.factorize(marks["date"], use_na_sentinel=False)
        values = _period(pd.Series(days), name, calendar, what)
        at, level = _ordered(values)
        return at[place], level
    else:
        raise no_group(name, marks.columns, PERIODS, what, "hf.join(marks, students)")
    return _ordered(values)


def _ordered(values: pd.Series) -> tuple[Whole, pd.Index]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        place, level = values.cat.codes.to_numpy(dtype=np.int64), pd.Index(values.cat.categories)
        level = pd.CategoricalIndex(level, categories=level, ordered=values.cat.ordered)
    else:
        found, uniques = pd.factorize(values)
        level = pd.Index(uniques)
        if pd.api.types.is_string_dtype(level.dtype) or level.dtype == object:
            order = np.array(sorted(range(len(level)), key=lambda n: natural(level[n])), dtype=np.int64)
        else:
            order = level.argsort()
        rank = np.empty(len(level) + 1, dtype=np.int64)
        rank[order], rank[-1] = np.arange(len(level)), -1
        place, level = rank[found], level.take(order)
    if (place < 0).any():
        # Marks without a value are a group of their own, so that the groups always add up to the whole.
        place, level = np.where(place < 0, len(level), place), pd.Index(pd.Series(level).reindex(range(len(level) + 1)))
    return place.astype(np.int64), level


def _period(days: pd.Series, name: str, calendar: Calendar | None, what: str) -> pd.Series:
    if name == "week":
        return first_of_week(days, calendar.weekdays[0] if calendar else 0)
    if name == "month":
        first_day: pd.Series = days - pd.to_timedelta(days.dt.day - 1, unit="D").astype("timedelta64[us]")
        return first_day
    if name == "weekday":
        first = calendar.weekdays[0] if calendar else 0
        order = [*WEEKDAYS[first:], *WEEKDAYS[:first]]
        return pd.Series(pd.Categorical(days.dt.day_name(), categories=order, ordered=True), index=days.index)
    calendar = check_calendar(calendar, f"{what}: by {name!r}")
    found = calendar.lookup(days, [name])[name]
    if name == "school_week":
        return found
    # In order of time, whichever day comes first among the marks.
    order = list(calendar.days[name].dropna().unique())
    return pd.Series(pd.Categorical(found, categories=order, ordered=True), index=days.index)
