"""Patterns of absence: runs, broken weeks, and days beside holidays."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import SESSIONS, Calendar, check_calendar
from ..analysis.groups import By, as_list, number_groups
from ..errors import BadArgumentError
from .checks import category_numbers, check_marks, warn_out_of_range, warn_several_years
from .summary import per_cent, summarise, tally

_ABSENT, _ADMINISTRATIVE = (3, 4), 6
_BESIDE = (
    "beside_possible", "beside_absence", "beside_unauthorised", "beside_absence_rate", "other_possible",
    "other_absence", "other_absence_rate", "difference", "holidays",
)  # fmt: skip


def runs(marks: pd.DataFrame, calendar: Calendar | None = None, *, minimum: int = 1) -> pd.DataFrame:
    """Consecutive absences: one row per student and run, the longest first.

    Parameters
    ----------
    marks
        Canonical marks.
    calendar
        When the school is open; marks on other days are passed over. Without it a day on which nobody in ``marks`` has
        a mark is a day when the school is shut, so give the marks of many students, or a calendar.
    minimum
        The shortest run to return, in sessions.

    Returns
    -------
    DataFrame
        ``student_id``, ``start``, ``start_session``, ``end``, ``end_session``, ``sessions`` (absent), ``authorised``,
        ``unauthorised`` (sessions), ``school_days`` (days with an absence), ``unknown_sessions`` (unmarked or unmapped
        ones within the run), ``ongoing`` (the student has not attended since, up to their last mark).

    Notes
    -----
    A run goes on over weekends, holidays and closures and over sessions that were not possible. A session that is
    unmarked or unmapped neither ends it nor counts; ``unknown_sessions`` says how many there are. It ends with a
    session attended, and with a school day for which the student has no mark at all. Not a published measure.
    """
    check_marks(marks, "runs", duplicates=True)
    date, when = marks["date"], marks
    if calendar is not None:
        check_calendar(calendar, "runs")
        warn_out_of_range(marks, calendar, "runs")
        when = marks[calendar.lookup(date, ["is_open"])["is_open"].to_numpy()]
    days = calendar.open_days() if calendar else pd.DatetimeIndex(np.sort(date.unique()))
    half = when["session"].astype("str").eq(SESSIONS[1]).to_numpy(dtype=np.int64)
    student = pd.factorize(when["student_id"])[0].astype(np.int64)
    day = days.get_indexer(pd.DatetimeIndex(when["date"])).astype(np.int64)
    order = np.lexsort((half, day, student))
    student, day = student[order], day[order]
    number = category_numbers(when, "runs")[order]
    absent = np.isin(number, _ABSENT)
    attended = number < min(_ABSENT)
    unknown = number > _ADMINISTRATIVE
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (student[1:] != student[:-1]) | (day[1:] - day[:-1] > 1)
    # A new stretch begins after each attended session, and wherever the student's marks do.
    stretch = np.cumsum(fresh | attended | np.concatenate([[False], attended[:-1]])[: len(order)])
    before = np.cumsum(unknown)
    rows = pd.DataFrame(
        {
            "stretch": stretch,
            "place": order,
            "sorted": np.arange(len(order)),
            "day": day,
            "unauthorised": number == _ABSENT[1],
            "unknown": before,
        }
    )[absent]
    found = rows.groupby("stretch").agg(
        first=("place", "first"),
        last=("place", "last"),
        sessions=("place", "size"),
        unauthorised=("unauthorised", "sum"),
        school_days=("day", "nunique"),
        low=("unknown", "first"),
        high=("unknown", "last"),
        end=("sorted", "last"),
    )
    first, last = when.iloc[found["first"].to_numpy()], when.iloc[found["last"].to_numpy()]
    # Ongoing is the last run of a student who has attended no session after it.
    seen = pd.Series(np.where(attended, np.arange(len(order)), -1)).groupby(student).transform("max").to_numpy()
    end = found["end"].to_numpy()
    last_run = ~pd.Series(student[end]).duplicated(keep="last").to_numpy()
    frame = pd.DataFrame(
        {
            "student_id": first["student_id"].to_numpy(),
            "start": first["date"].to_numpy(),
            "start_session": first["session"].astype("str").to_numpy(),
            "end": last["date"].to_numpy(),
            "end_session": last["session"].astype("str").to_numpy(),
            "sessions": found["sessions"].to_numpy(),
            "authorised": (found["sessions"] - found["unauthorised"]).to_numpy(),
            "unauthorised": found["unauthorised"].to_numpy(),
            "school_days": found["school_days"].to_numpy(),
            "unknown_sessions": (found["high"] - found["low"]).to_numpy(),
            "ongoing": last_run & (seen[end] < end),
        }
    ).astype({"student_id": marks["student_id"].dtype, "start_session": "str", "end_session": "str"})
    frame = frame[frame["sessions"] >= minimum]
    return frame.sort_values(["sessions", "student_id", "start"], ascending=[False, True, True], ignore_index=True)


def broken_weeks(marks: pd.DataFrame, by: By = None, *, calendar: Calendar | None = None) -> pd.DataFrame:
    """Weeks with an absence: one row per student, the most broken first.

    Parameters
    ----------
    marks, calendar
        As for :func:`summarise`.
    by
        Columns or periods to keep apart beside the student, such as ``"term"``.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``student_id``, ``weeks`` (with a possible session), ``broken_weeks`` (with at least one
        absence), ``whole_weeks`` (of the broken ones, those absent throughout), ``broken_week_rate`` (per cent of
        ``weeks``), ``absence_rate`` (per cent of sessions).

    Notes
    -----
    Usual in schools and no published measure: two students with the same rate differ in whether they missed one
    fortnight or a day in each of ten weeks.
    """
    check_marks(marks, "broken_weeks")
    names = [*as_list(by), "student_id"]
    warn_several_years(marks, number_groups(marks, names, calendar, "broken_weeks", []).number, "broken_weeks")
    weekly = summarise(marks, [*names, "week"], calendar=calendar)
    weekly = weekly[weekly["possible_sessions"] > 0]
    weekly = weekly.assign(
        weeks=1,
        broken_weeks=(weekly["absence"] > 0).astype("int64"),
        whole_weeks=(weekly["absence"] == weekly["possible_sessions"]).astype("int64"),
    )
    sums = ["weeks", "broken_weeks", "whole_weeks", "possible_sessions", "absence"]
    frame = weekly.groupby(names, dropna=False, observed=True, sort=False)[sums].sum().reset_index()
    frame["broken_week_rate"] = per_cent(frame["broken_weeks"], frame["weeks"])
    frame["absence_rate"] = per_cent(frame.pop("absence"), frame.pop("possible_sessions"))
    return frame.sort_values(["broken_weeks", "student_id"], ascending=[False, True], ignore_index=True)


def beside_holidays(
    marks: pd.DataFrame, calendar: Calendar, by: By = "student_id", *, days: int = 1, shortest: int = 3
) -> pd.DataFrame:
    """Absence on the school days next to a holiday against all other days: one row per student or group.

    Parameters
    ----------
    marks
        Canonical marks.
    calendar
        The school's days. A holiday is a stretch of at least ``shortest`` weekdays without school, whatever shut it,
        and the summer before the first and after the last day of an academic year.
    by
        As for :func:`summarise`; ``None`` for all together.
    days
        How many open days count on either side.
    shortest
        See ``calendar``; 1 takes in bank holidays.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``beside_possible``, ``beside_absence``, ``beside_unauthorised`` (sessions),
        ``beside_absence_rate`` (per cent), ``other_possible``, ``other_absence``, ``other_absence_rate``,
        ``difference`` (percentage points, beside less other) and ``holidays`` (how many holidays had an absence
        beside them), the largest number first. Marks on closed days are in neither.

    Raises
    ------
    BadArgumentError
        ``days`` or ``shortest`` is not at least 1.

    Notes
    -----
    Not a published measure. One student has few such days, so one absence moves the rate far: look at ``holidays``. It
    does not say why somebody was absent.
    """
    check_marks(marks, "beside_holidays", duplicates=True)
    check_calendar(calendar, "beside_holidays")
    if days < 1 or shortest < 1:
        raise BadArgumentError("beside_holidays: days and shortest must be at least 1.")
    warn_out_of_range(marks, calendar, "beside_holidays")
    near = _near(calendar, days, shortest)
    place = near.index.get_indexer(pd.DatetimeIndex(marks["date"]))
    opens = marks[place >= 0]
    holiday = near.to_numpy()[place[place >= 0]]
    numbers = category_numbers(opens, "beside_holidays")
    groups = number_groups(opens, by, calendar, "beside_holidays", _BESIDE)
    warn_several_years(opens, groups.number, "beside_holidays")
    size = len(groups.keys)
    columns: dict[str, npt.NDArray[Any]] = {}
    for part, inside in (("beside", holiday >= 0), ("other", holiday < 0)):
        counts = tally(groups.number[inside], numbers[inside], size)
        columns[f"{part}_possible"], columns[f"{part}_absence"] = counts[:, :5].sum(axis=1), counts[:, 3:5].sum(axis=1)
        columns[f"{part}_unauthorised"] = counts[:, 4]
    for part in ("beside", "other"):
        columns[f"{part}_absence_rate"] = per_cent(columns[f"{part}_absence"], columns[f"{part}_possible"])
    columns["difference"] = columns["beside_absence_rate"] - columns["other_absence_rate"]
    # Each group and holiday with an absence beside it once.
    wide = len(near) + 2
    touched = (holiday >= 0) & np.isin(numbers, _ABSENT)
    columns["holidays"] = np.bincount(
        np.unique(groups.number[touched] * wide + holiday[touched]) // wide, minlength=size
    )
    frame = groups.keys.assign(**{name: columns[name] for name in _BESIDE})
    return frame.sort_values(["holidays", "beside_absence"], ascending=False, kind="stable", ignore_index=True)


def _near(calendar: Calendar, days: int, shortest: int) -> pd.Series:
    """For each open day the number of the holiday it lies beside, or -1."""
    opens = calendar.days[calendar.days["is_open"]]
    dates = opens.index
    weekday = calendar.days.index[pd.DatetimeIndex(calendar.days.index).day_of_week.isin(calendar.weekdays)]
    place = weekday.get_indexer(dates)
    year = opens["academic_year"].to_numpy()
    # The gap before each open day; before the first of a year there is a summer.
    edge = np.concatenate([[True], year[1:] != year[:-1]]) if len(dates) else np.zeros(0, dtype=bool)
    gap = np.diff(place, prepend=place[:1]) - 1
    begins = np.flatnonzero(edge | (gap >= shortest))
    beside = np.full(len(dates), -1, dtype=np.int64)
    for number, first in enumerate([*begins, len(dates)]):
        # Between two short stretches of school a day can lie beside both: it counts for the later holiday.
        beside[first : first + days] = number
        beside[max(first - days, 0) : first] = number
    return pd.Series(beside, index=dates)
