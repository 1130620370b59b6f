"""Attendance as the year goes on, and one year against the one before."""

import numpy as np
import pandas as pd

from ..analysis.calendar import Calendar, check_calendar
from ..analysis.groups import By, as_list
from ..errors import BadArgumentError
from .checks import check_marks, warn_out_of_range
from .summary import per_cent, summarise

_SUMS = {"attendance_rate": "attended", "absence_rate": "absence", "unauthorised_rate": "unauthorised_absence"}


def cumulative(marks: pd.DataFrame, calendar: Calendar, by: By = None) -> pd.DataFrame:
    """Attendance from the beginning of the year up to each week: one row per group, academic year and school week.

    Parameters
    ----------
    marks
        Canonical marks. Those outside the calendar's years, and of weeks without an open day, are left out.
    calendar
        The school's terms: a school week is numbered within its academic year and counts if the school is open in it,
        so the same number is the same stage of two years although half terms fall on other dates.
    by
        Columns to keep apart, as for :func:`summarise`.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``academic_year``, ``school_week``, ``week`` (its first day), ``students`` (with a mark
        that week), ``possible_sessions``, ``attended``, ``absence``, ``unauthorised_absence`` (sessions since the
        year began), ``attendance_rate``, ``absence_rate``, ``unauthorised_rate`` (per cent of them, pooled).

    Notes
    -----
    Rates as in :func:`summarise`. Who joins in the year counts from then on.
    """
    check_marks(marks, "cumulative")
    check_calendar(calendar, "cumulative")
    warn_out_of_range(marks, calendar, "cumulative")
    names = as_list(by)
    keys = [*names, "academic_year"]
    weekly = summarise(marks, [*keys, "school_week", "week"], calendar=calendar)
    weekly = weekly.dropna(subset=["academic_year", "school_week"])
    frame = weekly[[*keys, "school_week", "week", "students"]].reset_index(drop=True)
    sums = ["possible_sessions", *_SUMS.values()]
    running = weekly.groupby(keys, dropna=False, observed=True, sort=False)[sums].cumsum().reset_index(drop=True)
    frame = pd.concat([frame, running], axis=1)
    for rate, part in _SUMS.items():
        frame[rate] = per_cent(frame[part], frame["possible_sessions"])
    return frame


def year_on_year(
    marks: pd.DataFrame, calendar: Calendar, by: By = None, *, rate: str = "attendance_rate"
) -> pd.DataFrame:
    """The year so far against the year before at the same school week: one row per group, year and school week.

    Parameters
    ----------
    marks, calendar, by
        As for :func:`cumulative`.
    rate
        ``"attendance_rate"``, ``"absence_rate"`` or ``"unauthorised_rate"``.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``academic_year``, ``school_week``, ``week``, the rate since the year began (per cent),
        ``previous_year``, ``previous_rate`` (per cent, at the same school week) and ``change`` (percentage points). A
        year without one before it in ``calendar`` has no rows; a week that the year before has not, no previous rate.

    Raises
    ------
    BadArgumentError
        There is no such rate, or the calendar has one academic year alone.

    Notes
    -----
    If the marks of the earlier year are those of today's students alone, then those who left are missing from it, and
    they were often absent more: read ``change`` with that in mind, or add the marks of ``load_past_students``.
    """
    if rate not in _SUMS:
        raise BadArgumentError(f"year_on_year: there is no rate {rate!r}. They are {', '.join(_SUMS)}.")
    years = list(check_calendar(calendar, "year_on_year").terms["academic_year"].unique())
    if len(years) < 2:
        raise BadArgumentError(
            f"year_on_year: the calendar has {years[0]} alone, so there is no year before it. Give Calendar the terms "
            "and holidays of both: help(hf.attendance.Calendar) says how."
        )
    names = as_list(by)
    frame = cumulative(marks, calendar, by)[[*names, "academic_year", "school_week", "week", rate]]
    before = dict(zip(years[1:], years[:-1], strict=True))
    frame["academic_year"] = frame["academic_year"].astype("str")
    frame["previous_year"] = frame["academic_year"].map(before).astype("str")
    # Groups by number: pandas merges no column without a value with one that has some.
    number = frame.groupby(names, dropna=False, observed=True, sort=False).ngroup() if names else 0
    keys = ["_group", "previous_year", "school_week"]
    frame = frame.assign(_group=number)
    past = frame[["_group", "academic_year", "school_week", rate]].set_axis([*keys, "previous_rate"], axis=1)
    joined = frame[frame["previous_year"].notna()].merge(past, how="left", on=keys).drop(columns="_group")
    joined["change"] = joined[rate] - joined["previous_rate"].astype(np.float64)
    return joined
