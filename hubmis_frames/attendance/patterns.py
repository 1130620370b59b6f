"""Patterns of absence: runs, broken weeks, and days beside holidays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import SESSIONS, Calendar, check_calendar
from ..analysis.groups import By, Whole, as_list, number_groups
from ..analysis.realms import person_columns, with_realm
from ..analysis.statistics import check_confidence
from ..errors import BadArgumentError
from .checks import category_numbers, check_marks, refuse_several_years, warn_out_of_range, years_of_groups
from .codes import ABSENT, CATEGORIES, POSSIBLE
from .summary import count_categories, per_cent, summarise
from .trends import changes_of_groups, students_of_groups

_ABSENT = tuple(CATEGORIES.index(name) for name in ABSENT)
_ADMINISTRATIVE = CATEGORIES.index("administrative")
_BESIDE = (
    "beside_possible_sessions", "beside_absent_sessions", "beside_unauthorised_sessions", "beside_absence_rate",
    "not_beside_possible_sessions", "not_beside_absent_sessions", "not_beside_absence_rate", "students", "difference",
    "difference_low", "difference_high", "holidays",
)  # fmt: skip


def runs(
    marks: pd.DataFrame,
    calendar: Calendar | None = None,
    *,
    at_least: int = 1,
    categories: Sequence[str] = ABSENT,
) -> pd.DataFrame:
    """One row per student and run of consecutive absences, the longest first.

    Parameters
    ----------
    marks
        Canonical marks.
    calendar
        The school's days; marks on days when the school is shut are skipped. Without a calendar, a day on which no
        student in ``marks`` has a mark counts as a day when the school is shut. So give the marks of many students, or
        a calendar.
    at_least
        The shortest run to return, in sessions.
    categories
        Which absences count: both, or ``"unauthorised_absence"`` or ``"authorised_absence"`` alone. Those of the other
        category then end a run.

    Returns
    -------
    DataFrame
        ``realm`` if the marks have it, ``student_id``, ``start``, ``start_session``, ``end``, ``end_session``,
        ``absent_sessions``, ``authorised_sessions``, ``unauthorised_sessions``, ``school_days`` (days with an absence),
        ``whole_days`` (of these, days on which every possible session was missed), ``unknown_sessions`` (unmarked or
        unmapped ones within the run) and ``ongoing`` (the student has not attended since, up to their last mark).

    Raises
    ------
    BadArgumentError
        A column is missing, a category is not one of absence, or the frame holds several schools.

    Warns
    -----
    HubmisWarning
        Marks lie outside the calendar, or a session of a student has several rows.

    Notes
    -----
    A run continues over weekends, holidays and closures and over sessions that were not possible, or were possible and
    neither attended nor absent (``other_possible``). An unmarked or
    unmapped session neither ends a run nor counts in it; ``unknown_sessions`` is the number of such sessions. A run
    ends with a session attended, and with a school day for which the student has no mark at all. Not a published
    measure.
    """
    check_marks(marks, "runs", duplicates=True)
    kinds = [categories] if isinstance(categories, str) else list(categories)
    if not kinds or not set(kinds) <= set(ABSENT):
        raise BadArgumentError(f"runs: categories takes {' and '.join(ABSENT)}, or one of them, not {categories!r}.")
    date, counted, person = marks["date"], marks, person_columns(marks)
    if calendar is not None:
        check_calendar(calendar, "runs")
        warn_out_of_range(marks, calendar, "runs")
        counted = marks[calendar.lookup(date, ["is_open"])["is_open"].to_numpy()]
    days = calendar.open_days() if calendar else pd.DatetimeIndex(np.sort(date.unique()))
    half = counted["session"].astype("str").eq(SESSIONS[1]).to_numpy(dtype=np.int64)
    student = pd.factorize(counted["student_id"])[0].astype(np.int64)
    day = days.get_indexer(pd.DatetimeIndex(counted["date"])).astype(np.int64)
    order = np.lexsort((half, day, student))
    student, day = student[order], day[order]
    number = category_numbers(counted, "runs")[order]
    absent = np.isin(number, [CATEGORIES.index(name) for name in kinds])
    # Whatever else was possible ends a run as a session attended does.
    attended = (number <= max(_ABSENT)) & ~absent
    # Days missed throughout: as many absences as possible sessions.
    _, of_day = np.unique(student * (len(days) + 1) + day, return_inverse=True)
    whole = np.bincount(of_day, absent)[of_day] == np.bincount(of_day, number < len(POSSIBLE))[of_day]
    unknown = number > _ADMINISTRATIVE
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (student[1:] != student[:-1]) | (day[1:] - day[:-1] > 1)
    # A new stretch begins after each attended session, and at the first mark of each student.
    stretch = np.cumsum(fresh | attended | np.concatenate([[False], attended[:-1]])[: len(order)])
    before = np.cumsum(unknown)
    rows = pd.DataFrame(
        {
            "stretch": stretch,
            "place": order,
            "sorted": np.arange(len(order)),
            "day": day,
            "whole_day": np.where(whole, day, np.nan),  # missing values are not counted
            "unauthorised": number == _ABSENT[1],
            "unknown": before,
        }
    )[absent]
    stretches = rows.groupby("stretch").agg(
        first=("place", "first"),
        last=("place", "last"),
        sessions=("place", "size"),
        unauthorised=("unauthorised", "sum"),
        school_days=("day", "nunique"),
        whole_days=("whole_day", "nunique"),
        low=("unknown", "first"),
        high=("unknown", "last"),
        end=("sorted", "last"),
    )
    first, last = counted.iloc[stretches["first"].to_numpy()], counted.iloc[stretches["last"].to_numpy()]
    # A run is ongoing if it is the student's last and no session after it was attended.
    seen = pd.Series(np.where(attended, np.arange(len(order)), -1)).groupby(student).transform("max").to_numpy()
    end = stretches["end"].to_numpy()
    last_run = ~pd.Series(student[end]).duplicated(keep="last").to_numpy()
    frame = pd.DataFrame(
        {
            **{name: first[name].to_numpy() for name in person},
            "start": first["date"].to_numpy(),
            "start_session": first["session"].astype("str").to_numpy(),
            "end": last["date"].to_numpy(),
            "end_session": last["session"].astype("str").to_numpy(),
            "absent_sessions": stretches["sessions"].to_numpy(),
            "authorised_sessions": (stretches["sessions"] - stretches["unauthorised"]).to_numpy(),
            "unauthorised_sessions": stretches["unauthorised"].to_numpy(),
            "school_days": stretches["school_days"].to_numpy(),
            "whole_days": stretches["whole_days"].to_numpy(),
            "unknown_sessions": (stretches["high"] - stretches["low"]).to_numpy(),
            "ongoing": last_run & (seen[end] < end),
        }
    ).astype({**marks.dtypes[person].to_dict(), "start_session": "str", "end_session": "str"})
    frame = frame[frame["absent_sessions"] >= at_least]
    by = ["absent_sessions", "student_id", "start"]
    return frame.sort_values(by, ascending=[False, True, True], ignore_index=True)


def broken_weeks(
    marks: pd.DataFrame, by: By = None, *, calendar: Calendar | None = None, across_years: bool = False
) -> pd.DataFrame:
    """One row per student, with how many weeks are broken by an absence, the most broken first.

    Parameters
    ----------
    marks, calendar, across_years
        As for :func:`summarise`.
    by
        Columns or periods to group by, in addition to the student, such as ``"term"``.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``realm`` if the marks have it, ``student_id``, ``weeks`` (with a possible session),
        ``broken_weeks`` (with at least one absence), ``whole_weeks`` (broken weeks without any attendance),
        ``broken_week_rate`` (per cent of ``weeks``), ``absence_rate`` (per cent of possible sessions).

    Notes
    -----
    Common in schools, but not a published measure. It shows a difference that the rate hides: one student missed a
    fortnight, another a day in each of ten weeks.
    """
    check_marks(marks, "broken_weeks")
    names = with_realm([*as_list(by), "student_id"], marks)
    if not across_years:
        number = number_groups(marks, names, calendar, "broken_weeks", []).number
        refuse_several_years(years_of_groups(marks, number, "broken_weeks", calendar), "broken_weeks")
    weekly = summarise(marks, [*names, "week"], calendar=calendar, across_years=True)
    weekly = weekly[weekly["possible_sessions"] > 0]
    weekly = weekly.assign(
        weeks=1,
        broken_weeks=(weekly["absent_sessions"] > 0).astype("int64"),
        whole_weeks=((weekly["absent_sessions"] > 0) & (weekly["attended_sessions"] == 0)).astype("int64"),
    )
    sums = ["weeks", "broken_weeks", "whole_weeks", "possible_sessions", "absent_sessions"]
    frame = weekly.groupby(names, dropna=False, observed=True, sort=False)[sums].sum().reset_index()
    frame["broken_week_rate"] = per_cent(frame["broken_weeks"], frame["weeks"])
    frame["absence_rate"] = per_cent(frame.pop("absent_sessions"), frame.pop("possible_sessions"))
    return frame.sort_values(["broken_weeks", "student_id"], ascending=[False, True], ignore_index=True)


def beside_holidays(
    marks: pd.DataFrame,
    calendar: Calendar,
    by: By = "student_id",
    *,
    days: int = 1,
    shortest: int = 3,
    confidence: float | None = None,
    across_years: bool = False,
) -> pd.DataFrame:
    """One row per student or group: absence on the school days next to a holiday, compared with all other days.

    Parameters
    ----------
    marks
        Canonical marks.
    calendar
        The school's days. A holiday is a stretch of at least ``shortest`` weekdays without school, for whatever
        reason. The first and the last day of an academic year are next to a holiday too, the summer.
    by
        As for :func:`summarise`; ``None`` for all together.
    days
        How many days with school count on either side (not calendar days).
    shortest
        The shortest holiday, in weekdays without school; 1 includes bank holidays.
    confidence
        Adds an interval of ``difference``, for example ``0.95``. None, the default, adds none; one student has none.
    across_years
        As for :func:`summarise`.

    Returns
    -------
    DataFrame
        The columns of ``by`` (and ``realm`` beside ``student_id``), ``beside_possible_sessions``,
        ``beside_absent_sessions``, ``beside_unauthorised_sessions``, ``beside_absence_rate`` (per cent), of other days
        ``not_beside_possible_sessions``, ``not_beside_absent_sessions``, ``not_beside_absence_rate`` (both rates are
        pooled over all students), then ``students`` (with a possible session on days of both kinds), ``difference``
        (the mean of these students' own differences, beside minus not beside, in percentage points; with ``confidence``
        also ``difference_low`` and ``difference_high``) and ``holidays`` (how many holidays had an absence beside
        them), the largest number first. For a group ``difference`` is *not* the difference of the two rates, which also
        differ when students are here for some of the days only. Marks on days when the school is shut are in neither.

    Raises
    ------
    BadArgumentError
        ``days`` or ``shortest`` is not at least 1.

    Notes
    -----
    Not a published measure. A student has few such days, so one absence changes the rate a lot: look at ``holidays``.
    The figures do not show why a student was absent.
    """
    check_marks(marks, "beside_holidays", duplicates=True)
    check_calendar(calendar, "beside_holidays")
    if confidence is not None:
        check_confidence(confidence)
    if days < 1 or shortest < 1:
        raise BadArgumentError("beside_holidays: days and shortest must be at least 1.")
    warn_out_of_range(marks, calendar, "beside_holidays")
    near = _holiday_of_open_days(calendar, days, shortest)
    place = near.index.get_indexer(pd.DatetimeIndex(marks["date"]))
    opens = marks[place >= 0]
    holiday = near.to_numpy()[place[place >= 0]]
    numbers = category_numbers(opens, "beside_holidays")
    groups = number_groups(opens, with_realm(by, marks), calendar, "beside_holidays", _BESIDE)
    if not across_years:
        refuse_several_years(years_of_groups(opens, groups.number, "beside_holidays", calendar), "beside_holidays")
    size = len(groups.keys)
    columns: dict[str, npt.NDArray[Any]] = {}
    owner, group = students_of_groups(opens, groups.number)
    own: list[Whole] = []
    for part, inside in (("not_beside", holiday < 0), ("beside", holiday >= 0)):
        of_student = count_categories(owner[inside], numbers[inside], len(group))
        own += [of_student[:, _ABSENT].sum(axis=1), of_student[:, : len(POSSIBLE)].sum(axis=1)]
        counts = count_categories(groups.number[inside], numbers[inside], size)
        possible, absent = counts[:, : len(POSSIBLE)].sum(axis=1), counts[:, _ABSENT].sum(axis=1)
        columns[f"{part}_possible_sessions"], columns[f"{part}_absent_sessions"] = possible, absent
        columns[f"{part}_unauthorised_sessions"] = counts[:, 4]
        columns[f"{part}_absence_rate"] = per_cent(absent, possible)
    # Counts each pair of a group and a holiday with an absence beside it once.
    wide = len(near) + 2
    touched = (holiday >= 0) & np.isin(numbers, _ABSENT)
    columns["holidays"] = np.bincount(
        np.unique(groups.number[touched] * wide + holiday[touched]) // wide, minlength=size
    )
    changes = changes_of_groups(group, size, own, confidence)
    changes = changes.rename(columns=lambda name: name.replace("change", "difference"))
    frame = pd.concat([groups.keys, pd.DataFrame(columns, index=groups.keys.index), changes], axis=1)
    frame = frame[[*groups.keys, *(name for name in _BESIDE if name in frame)]]
    return frame.sort_values(["holidays", "beside_absent_sessions"], ascending=False, kind="stable", ignore_index=True)


def lateness(marks: pd.DataFrame, by: By = "student_id", *, calendar: Calendar | None = None) -> pd.DataFrame:
    """One row per student or group, with how often and by how much it was late, the most late first.

    Parameters
    ----------
    marks
        Canonical marks. ``minutes_late`` is there if the school's server sends it.
    by, calendar
        As for :func:`summarise`.

    Returns
    -------
    DataFrame
        The columns of ``by`` (and ``realm`` beside ``student_id``), ``possible_sessions``, ``late_sessions`` (late
        before the register closed, ``L``, which is attended), ``late_rate`` (per cent of possible sessions),
        ``after_closing_sessions`` (``U``, which is absent), ``timed_sessions`` (of both, with minutes sent),
        ``minutes_late`` (the sum over these) and ``mean_minutes_late``; both are missing without such a session.

    Notes
    -----
    Files of the Department for Education call ``L`` and ``U`` together *late*. Here they are apart, as one attended and
    the other did not.
    """
    check_marks(marks, "lateness", duplicates=True)
    made = [
        "possible_sessions", "late_sessions", "late_rate", "after_closing_sessions", "timed_sessions", "minutes_late",
        "mean_minutes_late",
    ]  # fmt: skip
    groups = number_groups(marks, with_realm(by, marks), calendar, "lateness", made)
    size, numbers = len(groups.keys), category_numbers(marks, "lateness")
    late = numbers == CATEGORIES.index("late")
    after = marks["code"].eq("U").fillna(False).to_numpy(dtype=bool) & (numbers == _ABSENT[1])
    minutes = pd.Series(np.nan, index=marks.index) if "minutes_late" not in marks else marks["minutes_late"]
    sent = minutes.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    timed = (late | after) & ~np.isnan(sent)
    counts = {
        name: np.bincount(groups.number[chosen], minlength=size)
        for name, chosen in zip(
            ("possible_sessions", "late_sessions", "after_closing_sessions", "timed_sessions"),
            (numbers < len(POSSIBLE), late, after, timed),
            strict=True,
        )
    }
    frame = groups.keys.assign(**counts)
    total = pd.Series(np.bincount(groups.number[timed], weights=sent[timed], minlength=size), index=frame.index)
    frame["late_rate"] = per_cent(counts["late_sessions"], counts["possible_sessions"])
    frame["minutes_late"] = total.where(frame["timed_sessions"] > 0)
    frame["mean_minutes_late"] = frame["minutes_late"] / frame["timed_sessions"]
    frame = frame[[*groups.keys, *made]]
    return frame.sort_values(
        ["late_sessions", "after_closing_sessions"], ascending=False, kind="stable", ignore_index=True
    )


def _holiday_of_open_days(calendar: Calendar, days: int, shortest: int) -> pd.Series:
    """For each open day the number of the holiday next to it, or -1."""
    opens = calendar.days[calendar.days["is_open"]]
    dates = opens.index
    every = pd.DatetimeIndex(calendar.days.index)
    weekday = every[calendar.is_school_day(every)]
    place = weekday.get_indexer(dates)
    year = opens["academic_year"].to_numpy()
    # The gap before each open day; before the first of a year there is a summer.
    edge = np.concatenate([[True], year[1:] != year[:-1]]) if len(dates) else np.zeros(0, dtype=bool)
    gap = np.diff(place, prepend=place[:1]) - 1
    begins = np.flatnonzero(edge | (gap >= shortest))
    beside = np.full(len(dates), -1, dtype=np.int64)
    for number, first in enumerate([*begins, len(dates)]):
        # In a short stretch of school a day can lie next to two holidays: it counts for the later one.
        beside[first : first + days] = number
        beside[max(first - days, 0) : first] = number
    return pd.Series(beside, index=dates)
