"""The periods by which marks and events are grouped: the period of each day, and the order of periods."""

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from .calendar import WEEKDAYS, Calendar, check_calendar, first_of_week

NAMED_PERIODS = ("term", "half_term", "academic_year")
"""Periods whose names do not sort by time. They are in the order of their first dates."""
CALENDAR_PERIODS = (*NAMED_PERIODS, "school_week")
"""Periods that only a school's calendar knows."""
PERIODS = ("week", "weekday", "month", *CALENDAR_PERIODS)
PERIOD_COLUMNS = ("academic_year", "term", "half_term", "week", "school_week")
"""The columns that marks get from a calendar, in this order."""


def week_start(frame: pd.DataFrame, calendar: Calendar | None) -> int:
    """The weekday on which the school's week begins: from the calendar, else from the column ``week``, else as seen.

    Weeks begin on Monday, unless a register is kept on Sundays: then on the first of the days with a register that lead
    up to it, which is Sunday itself from Sunday to Thursday. A weekday counts with a tenth of the busiest one's marks.
    """
    if calendar is not None:
        return calendar.weekdays[0]
    if "week" in frame and pd.api.types.is_datetime64_dtype(frame["week"]) and frame["week"].notna().any():
        return int(frame["week"].max().day_of_week)
    if "session" not in frame:
        return 0  # events happen on days without school too
    rows = np.bincount(frame["date"].dt.day_of_week.dropna().to_numpy(dtype=np.int64), minlength=7)
    used = (rows > 0) & (10 * rows >= rows.max())
    if not used[6] or used.all():
        return 0
    return next(day for day in range(6, -1, -1) if not used[day - 1])


def weekdays_from(first: int) -> list[str]:
    """The seven weekdays in order, beginning with one of them."""
    return [*WEEKDAYS[first:], *WEEKDAYS[:first]]


def period_of(dates: pd.Series, name: str, calendar: Calendar | None, first_weekday: int, caller: str) -> pd.Series:
    """The period of each date: a first day, a name, or the number of a school week."""
    if name == "week":
        return first_of_week(dates, first_weekday) if calendar is None else calendar.week_of(dates)
    if name == "month":
        return first_of_month(dates)
    if name == "weekday":
        order = weekdays_from(first_weekday)
        return pd.Series(pd.Categorical(dates.dt.day_name(), categories=order, ordered=True), index=dates.index)
    return check_calendar(calendar, f"{caller}: by {name!r}").lookup(dates, [name])[name]


def first_of_month(dates: pd.Series) -> pd.Series:
    """The first day of each date's month."""
    first: pd.Series = dates - pd.to_timedelta(dates.dt.day - 1, unit="D").astype("timedelta64[us]")
    return first


def as_calendar(calendar: Calendar | pd.DataFrame | None, caller: str) -> Calendar | None:
    """The school's calendar. A frame of terms makes a calendar without holidays."""
    if isinstance(calendar, pd.DataFrame):
        return Calendar(calendar)
    return None if calendar is None else check_calendar(calendar, caller)


def require_periods(marks: pd.DataFrame, names: tuple[str, ...], calendar: Calendar | None, caller: str) -> None:
    """Raise if periods are neither columns of the marks nor known from a calendar."""
    if calendar is not None:
        check_calendar(calendar, caller)
    elif missing := [name for name in names if name not in marks]:
        raise BadArgumentError(
            f"{caller} needs calendar=, a Calendar, or marks with the column {missing[0]}. Give the calendar once, "
            "hf.attendance.marks(records, codes, calendar=calendar), and later calls need none."
        )
