"""Groups and periods by which events are counted, every group that exists among them, and small groups hidden."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from ..privacy.suppression import suppress
from .calendar import WEEKDAYS, Calendar, check_calendar, first_of_week
from .columns import DAY, as_day, as_ids, natural, no_group, one_school, person, require

OF_CALENDAR = ("term", "half_term", "academic_year")
PERIODS = ("week", "month", "weekday", *OF_CALENDAR)
STUDENTS = "student_id"


class Grouping(NamedTuple):
    """The events with the columns to group by, and which values each of those takes."""

    rows: pd.DataFrame
    """A row per event with a column for each name in ``by``, and ``listed``: its student is in ``students``."""
    of_students: list[str]
    """Those of ``by`` that say something of the student."""
    levels: dict[str, pd.Series]
    """For the others, every value that has to appear."""
    order: dict[str, dict[object, int]]
    """For values that sort neither by number nor by name, their place."""


def as_list(by: str | Sequence[str] | None) -> list[str]:
    """The names to group by, each once."""
    return list(dict.fromkeys([by] if isinstance(by, str) else by or []))


def listed_once(students: pd.DataFrame, measure: str, *, several: bool = False) -> pd.DataFrame:
    """The students' frame, checked: one row per student, of one school if ``several`` are not allowed."""
    require(students, [STUDENTS], f"{measure}: students")
    if not several:
        one_school(students, f"{measure}: students")
    students = students.assign(student_id=as_ids(students[STUDENTS], f"{measure}: students' student_id"))
    if students[STUDENTS].isna().any() or students.duplicated(person(students) if several else STUDENTS).any():
        raise BadArgumentError(f"{measure}: students needs one row per student, each with a student_id.")
    return students


def grouping(
    rows: pd.DataFrame,
    by: Sequence[str],
    students: pd.DataFrame | None,
    calendar: Calendar | None,
    between: tuple[pd.Timestamp, pd.Timestamp] | None,
    measure: str,
) -> Grouping:
    """Give each event the values of ``by``; what is known of students comes from ``students`` where it is given.

    An event's own ``year_group_name`` may be that of its time and the student's that of today: counted by the one over
    the other, no rate would be right.
    """
    columns = [*rows.columns, *(() if students is None else students.columns)]
    for name in by:
        if name not in PERIODS and name not in columns:
            raise no_group(name, columns, PERIODS, measure, "hf.join(events, students), or give students=")
    of_students = [name for name in by if students is not None and name in students and name not in PERIODS]
    who = [STUDENTS] if students is None else [name for name in person(students) if name in rows]
    rows = rows.drop(columns=[name for name in of_students if name not in who and name in rows])
    rows = rows.assign(listed=pd.Series(pd.NA, index=rows.index, dtype="boolean"))
    if students is not None:
        known = students[list(dict.fromkeys([*who, *of_students]))]
        rows = rows.drop(columns="listed").merge(known.assign(listed=True), how="left", on=who)
        rows["listed"] = rows["listed"].eq(True).astype("boolean")
    levels: dict[str, pd.Series] = {}
    order: dict[str, dict[object, int]] = {}
    for name in by:
        if name in PERIODS:
            rows[name], levels[name] = _period(rows["date"], name, calendar, between, measure)
        elif name not in of_students:
            levels[name] = pd.Series(rows[name].drop_duplicates(), name=name)
        if name in ("weekday", *OF_CALENDAR):
            order[name] = {value: place for place, value in enumerate(levels[name])}
    return Grouping(rows, of_students, levels, order)


def span(
    dates: pd.Series, between: tuple[object, object] | None, measure: str
) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """The first and last day to count: those given, else those of the events; missing when there are none."""
    if between is not None:
        if isinstance(between, str) or len(between) != 2:
            raise BadArgumentError(f"{measure}: between takes the first day and the last, not {between!r}.")
        first, last = (as_day(day, f"{measure}: between") for day in between)
        if not first <= last:
            raise BadArgumentError(f"{measure}: between ends ({last:%Y-%m-%d}) before it begins ({first:%Y-%m-%d}).")
        return first, last
    return None if dates.isna().all() else (dates.min(), dates.max())


def complete(found: Grouping, by: Sequence[str], students: pd.DataFrame | None) -> pd.DataFrame:
    """Every group that exists: those of the students' frame, by every value of the rest, and those with an event."""
    frame = pd.DataFrame({"_one": [1]})
    if students is not None and found.of_students:
        frame = frame.merge(students[found.of_students].drop_duplicates(), how="cross")
    for values in found.levels.values():
        frame = frame.merge(values.to_frame(), how="cross")
    if not by:
        return frame
    every = pd.concat([frame[list(by)], found.rows[list(by)]])
    # None and NaN are one missing value, and otherwise two groups.
    return every.mask(every.isna()).drop_duplicates(ignore_index=True)


def in_order(frame: pd.DataFrame, by: Sequence[str], order: dict[str, dict[object, int]]) -> pd.DataFrame:
    """Rows in the order in which people read them: by date, weekday or number, Year 9 before Year 10."""
    for name in reversed(by):
        values = frame[name].drop_duplicates()
        place = order.get(name) or {value: rank for rank, value in enumerate(sorted(values.dropna(), key=natural))}
        frame = frame.iloc[
            np.argsort(frame[name].map(place).astype(float).fillna(len(place)).to_numpy(), kind="stable")
        ]
    return frame.reset_index(drop=True)


def hide_small(
    frame: pd.DataFrame, by: Sequence[str], people: Sequence[str], figures: Sequence[str], threshold: int | None
) -> pd.DataFrame:
    """Hide the figures of rows in which few people are counted, and of as many others as totals call for.

    Which rows those are, :func:`hubmis_frames.suppress` decides for each count of people; the whole row goes, so that
    no rate or other count in it gives the hidden one back. A hidden figure is missing and ``suppressed`` is true: it is
    neither zero nor unknown.
    """
    check_threshold(threshold)
    if threshold is None:
        return frame.assign(suppressed=False)
    keys = list(by)
    counted = frame[[*keys, *people]] if keys else frame[[*people]].assign(_row=range(len(frame)))
    hidden = suppress(counted, people, keys or ["_row"], below=threshold)["suppressed"].astype(bool)
    return frame.assign(**{name: frame[name].mask(hidden) for name in figures}, suppressed=hidden)


def check_threshold(threshold: int | None) -> None:
    """Raise unless ``suppress_below`` is None or a number that hides something."""
    if threshold is not None and (isinstance(threshold, bool) or not isinstance(threshold, int) or threshold < 2):
        raise BadArgumentError(f"suppress_below takes the smallest number that is shown, 2 or more, not {threshold!r}.")


def as_calendar(calendar: Calendar | pd.DataFrame | None, measure: str) -> Calendar | None:
    """The school's calendar; of terms alone, one without holidays."""
    if isinstance(calendar, pd.DataFrame):
        return Calendar(calendar)
    return None if calendar is None else check_calendar(calendar, measure)


def _period(
    dates: pd.Series,
    name: str,
    calendar: Calendar | None,
    between: tuple[pd.Timestamp, pd.Timestamp] | None,
    measure: str,
) -> tuple[pd.Series, pd.Series]:
    """The period that each date falls in, and every period from the first day to the last."""
    if name in OF_CALENDAR:
        if calendar is None:
            raise BadArgumentError(f"{measure}: by={name!r} needs calendar=, a Calendar or what load_terms returns.")
        days = calendar.days[name]
        values = dates.map(days).astype("str")
        touched = days.loc[between[0] : between[1]] if between else days.iloc[:0]
        return values.where(values.notna()), pd.Series(touched.dropna().unique(), name=name, dtype="str")
    first = calendar.weekdays[0] if calendar else 0
    if name == "weekday":
        numbers = dates.dt.day_of_week
        of_week = calendar.weekdays if calendar else range(5)
        there = sorted({*of_week, *numbers.dropna().unique().astype(int)}, key=lambda day: (day - first) % 7)
        return numbers.map(dict(enumerate(WEEKDAYS))).astype("str"), pd.Series([WEEKDAYS[n] for n in there], name=name)
    if between is None:
        every = pd.Series(name=name, dtype="datetime64[us]")
    else:
        every = pd.Series(pd.date_range(*between, freq=DAY), name=name).astype("datetime64[us]")
    if calendar is not None:
        # Little is recorded while school is shut, and a zero there would look like a quiet week.
        every = every[every.isin(calendar.days.index[calendar.days["is_open"]])]
    if name == "week":
        return first_of_week(dates, first), first_of_week(every, first).drop_duplicates()
    return month_of(dates), month_of(every).drop_duplicates()


def month_of(dates: pd.Series) -> pd.Series:
    """The first day of each date's month."""
    firsts: pd.Series = dates - pd.to_timedelta(dates.dt.day - 1, unit="D")
    return firsts
