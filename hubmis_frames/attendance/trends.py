"""Attendance as the academic year goes on, and one year compared with the year before."""

import numpy as np
import pandas as pd

from ..analysis.calendar import Calendar
from ..analysis.groups import By
from ..analysis.periods import require_periods
from ..analysis.realms import with_realm
from ..errors import BadArgumentError
from .checks import check_marks, warn_out_of_range
from .summary import RATES, per_cent, summarise

_RATES = {name: RATES[name] for name in ("attendance_rate", "absence_rate", "unauthorised_rate")}
_NEEDED = ("academic_year", "school_week")
_MOST_DAYS_BETWEEN_YEARS = 548


def cumulative(marks: pd.DataFrame, by: By = None, *, calendar: Calendar | None = None) -> pd.DataFrame:
    """One row per group, academic year and school week, with attendance since the year began.

    Parameters
    ----------
    marks
        Canonical marks. Those outside the calendar's years, and in weeks without an open day, are left out.
    by
        Columns to keep apart, as for :func:`summarise`.
    calendar
        The school's days, unless :func:`marks` had them. School weeks are numbered within the academic year and leave
        out weeks without an open day. So the same number is the same stage of two years, although half terms fall on
        other dates.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``academic_year``, ``school_week``, ``week`` (its first day), ``students`` (with a mark
        in that week), ``possible_sessions``, ``attended_sessions``, ``absent_sessions``, ``unauthorised_sessions``
        (since the year began), ``attendance_rate``, ``absence_rate``, ``unauthorised_rate`` (per cent of possible
        sessions, pooled).

    Raises
    ------
    BadArgumentError
        There is no calendar, and the marks have no column ``academic_year`` or ``school_week``.

    Warns
    -----
    HubmisWarning
        Marks lie outside the calendar.

    Notes
    -----
    Rates as in :func:`summarise`. A student who joins during the year counts from then on.
    """
    check_marks(marks, "cumulative")
    require_periods(marks, _NEEDED, calendar, "cumulative")
    warn_out_of_range(marks, calendar, "cumulative")
    names = with_realm(by, marks)
    keys = [*names, "academic_year"]
    weekly = summarise(marks, [*keys, "school_week", "week"], calendar=calendar)
    weekly = weekly.dropna(subset=["academic_year", "school_week"])
    frame = weekly[[*keys, "school_week", "week", "students"]].reset_index(drop=True)
    sums = ["possible_sessions", *_RATES.values()]
    running = weekly.groupby(keys, dropna=False, observed=True, sort=False)[sums].cumsum().reset_index(drop=True)
    frame = pd.concat([frame, running], axis=1)
    for rate, part in _RATES.items():
        frame[rate] = per_cent(frame[part], frame["possible_sessions"])
    return frame


def year_on_year(
    marks: pd.DataFrame, by: By = None, *, rate: str = "attendance_rate", calendar: Calendar | None = None
) -> pd.DataFrame:
    """One row per group, year and school week: the year so far compared with the year before at the same school week.

    Parameters
    ----------
    marks, by, calendar
        As for :func:`cumulative`.
    rate
        ``"attendance_rate"``, ``"absence_rate"`` or ``"unauthorised_rate"``.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``academic_year``, ``school_week``, ``week``, the rate since the year began (per cent),
        ``previous_year``, ``previous_rate`` (per cent, at the same school week) and ``change`` (percentage points). A
        year without a year before it in the calendar has no rows. ``previous_rate`` is missing for a school week that
        the year before does not have.

    Raises
    ------
    BadArgumentError
        There is no such rate, or the calendar (or the marks, without one) has only one academic year.

    Notes
    -----
    If the marks of the earlier year are those of today's students only, the students who left are missing from it, and
    they were often absent more. Read ``change`` with that in mind, or add the marks of ``load_past_students``.
    """
    if rate not in _RATES:
        raise BadArgumentError(f"year_on_year: there is no rate {rate!r}. The rates are {', '.join(_RATES)}.")
    check_marks(marks, "year_on_year")
    require_periods(marks, _NEEDED, calendar, "year_on_year")
    if calendar is None:
        owner, starts = "the marks have", marks.groupby("academic_year", observed=True)["date"].min().sort_values()
    else:
        owner, starts = "the calendar has", calendar.terms.groupby("academic_year")["start"].min().sort_values()
    years = [str(year) for year in starts.index]
    if len(years) < 2:
        raise BadArgumentError(
            f"year_on_year: {owner} {', '.join(years) or 'no academic year'} only, so there is no year before it. Give "
            "Calendar the terms and holidays of both: help(hf.attendance.Calendar) shows how."
        )
    # A year may be missing between two others, and then neither is the year before the other.
    near = (starts.diff().dt.days < _MOST_DAYS_BETWEEN_YEARS).to_numpy()
    before = {year: years[place - 1] for place, year in enumerate(years) if near[place]}
    names = with_realm(by, marks)
    frame = cumulative(marks, by, calendar=calendar)[[*names, "academic_year", "school_week", "week", rate]]
    frame["academic_year"] = frame["academic_year"].astype("str")
    frame["previous_year"] = frame["academic_year"].map(before).astype("str")
    # Groups by number, as pandas does not merge a column that is all missing with one that is not.
    number = frame.groupby(names, dropna=False, observed=True, sort=False).ngroup() if names else 0
    keys = ["_group", "previous_year", "school_week"]
    frame = frame.assign(_group=number)
    past = frame[["_group", "academic_year", "school_week", rate]].set_axis([*keys, "previous_rate"], axis=1)
    joined = frame[frame["previous_year"].notna()].merge(past, how="left", on=keys).drop(columns="_group")
    joined["change"] = joined[rate] - joined["previous_rate"].astype(np.float64)
    return joined
