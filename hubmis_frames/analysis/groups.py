"""Groups by which marks and events are counted: numbered for many marks, complete for few events, in one order."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import BadArgumentError, did_you_mean
from ..privacy.suppression import check_suppress_below, hidden_rows
from .calendar import SESSIONS, WEEKDAYS, Calendar, check_calendar
from .columns import DAY, as_ids, natural_key, require_columns, sorted_numbers
from .periods import CALENDAR_PERIODS, NAMED_PERIODS, PERIODS, period_of, week_start, weekdays_from
from .realms import STUDENTS, person_columns, realms_of, require_one_school
from .removed import without_removed

By = str | Sequence[str] | None
Whole = npt.NDArray[np.int64]


class MarkGroups(NamedTuple):
    """Which group each mark belongs to."""

    number: Whole
    """The number of each mark's group, from 0."""
    keys: pd.DataFrame
    """One row per group, in order."""


class EventGroups(NamedTuple):
    """The events with the columns to group by, and the values that each of those can take."""

    rows: pd.DataFrame
    """A row per event with a column for each name in ``by``, and ``listed``: its student is in ``students``."""
    of_students: list[str]
    """The names in ``by`` that are columns of the students."""
    levels: dict[str, pd.Series]
    """For every other name, all values that have to appear in the result."""
    order: dict[str, dict[object, int]]
    """The position of each value, if values sort neither by number nor by name."""


def as_list(by: By) -> list[str]:
    """The names to group by, each once."""
    return list(dict.fromkeys([by] if isinstance(by, str) else by or []))


def number_groups(
    marks: pd.DataFrame, by: By, calendar: Calendar | None, caller: str, result_columns: Sequence[str]
) -> MarkGroups:
    """Number the groups of marks in order; without ``by`` all marks are one group.

    ``result_columns`` are those that the caller adds to the keys: no group can have the name of one.
    """
    if calendar is not None:
        check_calendar(calendar, caller)
    names = as_list(by)
    if taken := [name for name in names if name in result_columns]:
        raise BadArgumentError(
            f"{caller}: the result has a column {taken[0]!r} of its own. To group by yours, rename it in the marks "
            "first."
        )
    if not names:
        return MarkGroups(np.zeros(len(marks), dtype=np.int64), pd.DataFrame(index=range(1)))
    number, size = np.zeros(len(marks), dtype=np.int64), 1
    levels: list[pd.Index] = []
    for name in names:
        place, level = _level(marks, name, calendar, caller)
        levels.append(level)
        number, size = number * len(level) + place, size * len(level)
        if size > 2**62 // 4096:
            raise BadArgumentError(f"{caller}: by makes too many groups of {', '.join(names)}.")
    present, number = sorted_numbers(number)
    keys: dict[str, pd.Index] = {}
    rest = present
    for name, level in zip(reversed(names), reversed(levels), strict=True):
        keys[name] = level.take(rest % len(level))
        rest = rest // len(level)
    frame = pd.DataFrame({name: keys[name] for name in names})
    return MarkGroups(number, frame)


def _level(marks: pd.DataFrame, name: str, calendar: Calendar | None, caller: str) -> tuple[Whole, pd.Index]:
    """The place of each mark among the values of one column or period, and those values in order."""
    # A calendar that is given knows better than a column, which may have been made without one.
    looked_up = calendar is not None and name in ("week", *CALENDAR_PERIODS) and len(realms_of(marks)) < 2
    if name in marks and not looked_up:
        values = marks[name]
        if name == "session":
            values = pd.Series(pd.Categorical(values, categories=list(SESSIONS), ordered=True), index=marks.index)
        return _ordered(values, marks["date"] if name in NAMED_PERIODS else None)
    if name not in PERIODS:
        raise unknown_group(name, marks.columns, caller, "hf.join(marks, students)")
    # There are few days and many marks, so each day's period is worked out once.
    place, days = pd.factorize(marks["date"], use_na_sentinel=False)
    dates = pd.Series(days)
    values = period_of(dates, name, calendar, week_start(marks, calendar), caller)
    at, level = _ordered(values, dates if name in NAMED_PERIODS else None)
    return at[place], level


def _ordered(values: pd.Series, dates: pd.Series | None) -> tuple[Whole, pd.Index]:
    """The place of each value, and the values in order: by category, number or name; by first date if dates are given.

    What was ordered by date stays in that order as an ordered category.
    """
    if dates is None and isinstance(values.dtype, pd.CategoricalDtype):
        place, level = values.cat.codes.to_numpy(dtype=np.int64), pd.Index(values.cat.categories)
        level = pd.CategoricalIndex(level, categories=level, ordered=values.cat.ordered)
    else:
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(values.cat.categories.dtype)
        code, uniques = pd.factorize(values)
        level = pd.Index(uniques)
        if dates is not None:
            order = first_dates(code, dates, len(level)).argsort(kind="stable")
        elif pd.api.types.is_string_dtype(level.dtype) or level.dtype == object:
            order = np.array(sorted(range(len(level)), key=lambda n: natural_key(level[n])), dtype=np.int64)
        else:
            order = level.argsort()
        rank = np.empty(len(level) + 1, dtype=np.int64)
        rank[order], rank[-1] = np.arange(len(level)), -1
        place, level = rank[code], level.take(order)
        if dates is not None:
            level = pd.CategoricalIndex(level, categories=level, ordered=True)
    if (place < 0).any():
        # Marks without a value are a group of their own, so that the groups always add up to the whole.
        place, level = np.where(place < 0, len(level), place), pd.Index(pd.Series(level).reindex(range(len(level) + 1)))
    return place.astype(np.int64), level


def first_dates(number: npt.ArrayLike, dates: pd.Series, size: int) -> Whole:
    """The first date of each of ``size`` groups, as an integer that sorts; dates of the group -1 are left out."""
    group = np.asarray(number, dtype=np.int64)
    first = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(first, group[group >= 0], dates.to_numpy("datetime64[us]").astype(np.int64)[group >= 0])
    return first


def unknown_group(name: str, columns: Sequence[str] | pd.Index, caller: str, join: str) -> BadArgumentError:
    """The error for a name in ``by`` that is neither a column nor a period; ``join`` is the call that adds columns."""
    columns = list(dict.fromkeys(map(str, columns)))
    # A user who writes yeargroup means the name of the year group, although the name of its id is as similar.
    near = [
        column for column in columns if not column.endswith("_id") or f"{column.removesuffix('id')}name" not in columns
    ]
    return BadArgumentError(
        f"{caller}: there is no column or period {name!r}.{did_you_mean(name, [*near, *PERIODS])} To group by a column "
        f"of another frame, join it first: {join}. Periods are {', '.join(PERIODS)}; the columns are "
        f"{', '.join(columns)}."
    )


def check_students(students: pd.DataFrame, caller: str, *, several: bool = False) -> pd.DataFrame:
    """The frame of students, checked: one row per student, and of one school unless ``several`` are allowed.

    Students whose ``deleted_at`` is filled were removed and are left out, with a warning.
    """
    require_columns(students, [STUDENTS], f"{caller}: students")
    if not several:
        require_one_school(students, f"{caller}: students")
    students = without_removed(students, STUDENTS, f"{caller}: students", "")
    students = students.assign(student_id=as_ids(students[STUDENTS], f"{caller}: students' student_id"))
    if students[STUDENTS].isna().any() or students.duplicated(person_columns(students) if several else STUDENTS).any():
        raise BadArgumentError(f"{caller}: students needs one row per student, each with a student_id.")
    return students


def group_events(
    rows: pd.DataFrame,
    by: Sequence[str],
    students: pd.DataFrame | None,
    calendar: Calendar | None,
    days: tuple[pd.Timestamp, pd.Timestamp] | None,
    caller: str,
) -> EventGroups:
    """Give each event the values of ``by``, from ``students`` where that frame has the column.

    An event may hold the year group that the student had then, and the student's row holds today's. A rate of one
    over the other would be wrong.
    """
    columns = [*rows.columns, *(() if students is None else students.columns)]
    for name in by:
        if name not in PERIODS and name not in columns:
            raise unknown_group(name, columns, caller, "hf.join(events, students), or give students=")
    of_students = [name for name in by if students is not None and name in students and name not in PERIODS]
    person = [STUDENTS] if students is None else [name for name in person_columns(students) if name in rows]
    rows = rows.drop(columns=[name for name in of_students if name not in person and name in rows])
    rows = rows.assign(listed=pd.Series(pd.NA, index=rows.index, dtype="boolean"))
    if students is not None:
        known = students[list(dict.fromkeys([*person, *of_students]))]
        rows = rows.drop(columns="listed").merge(known.assign(listed=True), how="left", on=person)
        rows["listed"] = rows["listed"].eq(True).astype("boolean")
    levels: dict[str, pd.Series] = {}
    order: dict[str, dict[object, int]] = {}
    for name in by:
        own_column = name in CALENDAR_PERIODS and calendar is None and name in rows
        if name in PERIODS and not own_column:
            levels[name] = _event_levels(rows["date"], name, calendar, days, caller)
            values = period_of(rows["date"], name, calendar, week_start(rows, calendar), caller)
            rows[name] = values.astype(levels[name].dtype)
        elif name not in of_students:
            levels[name] = pd.Series(rows[name].drop_duplicates(), name=name)
        if own_column and name in NAMED_PERIODS:
            first = rows.groupby(name, observed=True)["date"].min().sort_values(kind="stable")
            order[name] = {value: place for place, value in enumerate(first.index)}
        elif name in ("weekday", *NAMED_PERIODS):
            order[name] = {value: place for place, value in enumerate(levels[name])}
    return EventGroups(rows, of_students, levels, order)


def _event_levels(
    dates: pd.Series,
    name: str,
    calendar: Calendar | None,
    days: tuple[pd.Timestamp, pd.Timestamp] | None,
    caller: str,
) -> pd.Series:
    """Every period from the first day to the last, in order, including periods without an event."""
    if name in CALENDAR_PERIODS:
        if calendar is None:
            raise BadArgumentError(f"{caller}: by={name!r} needs calendar=, a Calendar or the result of load_terms.")
        of_day = calendar.days[name]
        within = of_day.loc[days[0] : days[1]] if days else of_day.iloc[:0]
        return within.dropna().drop_duplicates().reset_index(drop=True).rename(name)
    first = week_start(dates.to_frame(), calendar)
    if name == "weekday":
        present = {WEEKDAYS[int(number)] for number in dates.dt.day_of_week.dropna().unique()}
        present |= {WEEKDAYS[number] for number in (calendar.weekdays if calendar else range(5))}
        return pd.Series([day for day in weekdays_from(first) if day in present], name=name, dtype="str")
    every = pd.Series(pd.date_range(*days, freq=DAY) if days else [], name=name).astype("datetime64[us]")
    if calendar is not None:
        # Little is recorded while school is shut, and a zero there would look like a quiet week.
        every = every[every.isin(calendar.days.index[calendar.days["is_open"]])]
    return period_of(every, name, calendar, first, caller).drop_duplicates()


def all_groups(groups: EventGroups, by: Sequence[str], students: pd.DataFrame | None) -> pd.DataFrame:
    """Every group that exists: the students' groups, combined with every value of the rest, and those of events."""
    frame = pd.DataFrame({"_one": [1]})
    if students is not None and groups.of_students:
        frame = frame.merge(students[groups.of_students].drop_duplicates(), how="cross")
    for values in groups.levels.values():
        frame = frame.merge(values.to_frame(), how="cross")
    if not by:
        return frame
    every = pd.concat([frame[list(by)], groups.rows[list(by)]])
    # None and NaN would be two groups; both mean that the value is missing.
    return every.mask(every.isna()).drop_duplicates(ignore_index=True)


def sort_groups(frame: pd.DataFrame, by: Sequence[str], order: dict[str, dict[object, int]]) -> pd.DataFrame:
    """Rows in the order in which people read them: by date, weekday or number, Year 9 before Year 10."""
    for name in reversed(by):
        values = frame[name].drop_duplicates()
        place = order.get(name) or {value: rank for rank, value in enumerate(sorted(values.dropna(), key=natural_key))}
        frame = frame.iloc[
            np.argsort(frame[name].map(place).astype(float).fillna(len(place)).to_numpy(), kind="stable")
        ]
    return frame.reset_index(drop=True)


def hide_small_groups(
    frame: pd.DataFrame, by: Sequence[str], people: Sequence[str], figures: Sequence[str], suppress_below: int | None
) -> pd.DataFrame:
    """Hide the figures of rows that count few people, and of other rows where a total would give them away.

    :func:`hubmis_frames.suppress` says which rows those are and why. The whole row is hidden, so that no rate or other
    count in it gives the hidden one back. ``suppressed`` is true for a hidden row.
    """
    check_suppress_below(suppress_below)
    if suppress_below is None:
        return frame.assign(suppressed=False)
    hidden = hidden_rows(frame, by, people, suppress_below)
    return frame.assign(**{name: frame[name].mask(hidden) for name in figures}, suppressed=hidden)
