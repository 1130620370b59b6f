"""Attendance as time goes on: since the year began, compared with the year before, and recently."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import Calendar, Day
from ..analysis.columns import DAY, as_days
from ..analysis.groups import By, Whole, number_groups
from ..analysis.periods import require_periods
from ..analysis.realms import person_columns, with_realm
from ..analysis.statistics import check_confidence, half_width
from ..errors import BadArgumentError, warn
from .checks import category_numbers, check_marks, warn_out_of_range
from .summary import RATES, count_categories, per_cent, possible_of, summarise

_RATES = {name: RATES[name] for name in ("attendance_rate", "absence_rate", "unauthorised_rate")}
_NEEDED = ("academic_year", "school_week")
_MOST_DAYS_BETWEEN_YEARS = 548
_ROUNDING = 1e-10
_CHANGE = ["students", "change", "change_low", "change_high"]
_COMPARED = {
    "students": "change: the mean of own changes of students with sessions in both years, who were a year younger then",
    "groups": "change: the rate of the group now less that of the group then, whose students were others",
}


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
    marks: pd.DataFrame,
    by: By = None,
    *,
    rate: str = "attendance_rate",
    compare: Literal["students", "groups"] = "students",
    calendar: Calendar | None = None,
    confidence: float | None = None,
) -> pd.DataFrame:
    """One row per group, year and school week: the year so far compared with the year before at the same school week.

    Parameters
    ----------
    marks, by, calendar
        As for :func:`cumulative`.
    rate
        ``"attendance_rate"``, ``"absence_rate"`` or ``"unauthorised_rate"``.
    compare
        What ``change`` compares. ``"students"``: the same students in both years. By ``year_group_name`` as it is today
        these are the same children **one year younger**. ``"groups"``: the group now with the group then, two sets of
        students; for a year group this needs marks with the names of that time.
    confidence
        Adds an interval of ``change``, for example ``0.95``. None, the default, adds none.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``academic_year``, ``school_week``, ``week``, ``attendance_rate`` (or the rate that was
        asked for, since the year began; per cent, pooled), ``previous_year``, ``previous_rate`` (per cent, at the same
        school week), ``students`` and ``change`` (percentage points), with ``confidence`` also ``change_low`` and
        ``change_high``. Comparing students, they are those with a possible session in both years so far, and ``change``
        is the mean of their own changes. Comparing groups, ``students`` are those of this year, and ``change`` is the
        rate less the previous one. A year without marks of the year before has no rows, also where an earlier year is
        there. ``previous_rate`` and ``change`` are missing for a school week that the year before does not have.
        ``attrs["note"]`` says in words what was compared.

    Raises
    ------
    BadArgumentError
        There is no such rate, or the calendar (or the marks, without one) has only one academic year, or students are
        to be compared by a group that they change from one year to the next.

    Warns
    -----
    HubmisWarning
        Students who have left since are not in these marks, as ``data.marks()`` says in ``attrs["lacks"]``.

    Notes
    -----
    The two rates pool sessions and can differ although no student changed: others joined and left, or terms gave them
    other weights. ``change`` of students cannot. Students who left are in it only if the marks have them (those of
    ``load_past_students``), and they were often absent more. Intervals are clustered by student, with Student's t.
    """
    if rate not in _RATES:
        raise BadArgumentError(f"year_on_year: there is no rate {rate!r}. The rates are {', '.join(_RATES)}.")
    if compare not in _COMPARED:
        raise BadArgumentError(f"year_on_year: compare takes 'students' or 'groups', not {compare!r}.")
    if confidence is not None:
        check_confidence(confidence)
    check_marks(marks, "year_on_year")
    if lacks := marks.attrs.get("lacks"):
        warn(f"year_on_year: {lacks}")
    require_periods(marks, _NEEDED, calendar, "year_on_year")
    before = _years_before(marks, calendar)
    names = with_realm(by, marks)
    frame = cumulative(marks, by, calendar=calendar)[[*names, "academic_year", "school_week", "week", rate]]
    frame["academic_year"] = frame["academic_year"].astype("str")
    frame["previous_year"] = frame["academic_year"].map(before).astype("str")
    # Groups by number, as pandas does not merge a column that is all missing with one that is not.
    number = frame.groupby(names, dropna=False, observed=True, sort=False).ngroup() if names else 0
    keys = ["_group", "previous_year", "school_week"]
    frame = frame.assign(_group=number)
    past = frame[["_group", "academic_year", "school_week", rate]].set_axis([*keys, "previous_rate"], axis=1)
    joined = frame[frame["previous_year"].notna()].merge(past, how="left", on=keys)
    totals = _by_student_and_week(marks, names, rate, calendar)
    if compare == "students":
        _refuse_changing_groups(totals, names)
    found = [
        _changes(part, totals, compare, confidence)
        for _, part in joined.groupby(["_group", "academic_year"], sort=False)
    ]
    made = pd.concat(found) if found else pd.DataFrame({name: [] for name in _CHANGE}, dtype=float)
    joined["students"] = made["students"].reindex(joined.index).astype("int64")
    for name in _CHANGE[1:] if confidence is not None else _CHANGE[1:2]:
        joined[name] = made[name].reindex(joined.index).where(joined["previous_rate"].notna()).astype(np.float64)
    joined = joined.drop(columns="_group")
    joined.attrs["note"] = _COMPARED[compare]
    return joined


class _Totals(NamedTuple):
    """The possible sessions and those of the rate, since the year began, of each student in each group."""

    row: pd.DataFrame
    """One row per student and group: ``group`` and ``student``, as numbers."""
    years: list[str]
    counts: npt.NDArray[np.int64]
    """By row, year, school week (from 0), and possible or those of the rate."""


def _by_student_and_week(marks: pd.DataFrame, names: list[str], rate: str, calendar: Calendar | None) -> _Totals:
    """Count the sessions of each student since each year began."""
    person = person_columns(marks)
    keys = list(dict.fromkeys([*names, *person]))
    weekly = summarise(marks, [*keys, "academic_year", "school_week"], calendar=calendar)
    weekly = weekly.dropna(subset=["academic_year", "school_week"])
    year, years = pd.factorize(weekly["academic_year"].astype("str"))
    row = weekly.groupby(keys, dropna=False, observed=True, sort=False).ngroup().to_numpy()
    pairs = weekly.assign(
        group=weekly.groupby(names, dropna=False, observed=True, sort=False).ngroup() if names else 0,
        student=weekly.groupby(person, observed=True, sort=False).ngroup(),
        row=row,
    )
    week = weekly["school_week"].to_numpy(dtype=np.int64) - 1
    counts = np.zeros((int(row.max(initial=-1)) + 1, len(years), int(week.max(initial=-1)) + 1, 2), dtype=np.int64)
    for place, name in enumerate(("possible_sessions", _RATES[rate])):
        np.add.at(counts[..., place], (row, year, week), weekly[name].to_numpy())
    rows = pairs.drop_duplicates("row").sort_values("row")[[*names, "group", "student"]].reset_index(drop=True)
    return _Totals(rows, [str(name) for name in years], counts.cumsum(axis=2))


def _refuse_changing_groups(totals: _Totals, names: list[str]) -> None:
    """Raise if most students who were there in several years are in another group in each."""
    there = pd.DataFrame(totals.counts[:, :, -1:, 0].sum(axis=2) > 0)
    of_student = there.groupby(totals.row["student"]).any().sum(axis=1) > 1
    kept = (there.sum(axis=1) > 1).groupby(totals.row["student"]).any()
    if of_student.any() and 2 * int((of_student & kept).sum()) < int(of_student.sum()):
        raise BadArgumentError(
            f"year_on_year: most students are in another group of {', '.join(names)} each year, so the groups do not "
            'hold the same students twice. Give compare="groups" to compare the group now with the group then, or '
            "marks with the groups of today."
        )


def _changes(part: pd.DataFrame, totals: _Totals, compare: str, confidence: float | None) -> pd.DataFrame:
    """The change of one group and year, for each of its school weeks."""
    year, previous = str(part["academic_year"].iloc[0]), str(part["previous_year"].iloc[0])
    result = pd.DataFrame(np.nan, index=part.index, columns=_CHANGE).assign(students=0)
    if previous not in totals.years:
        return result
    counts = totals.counts[(totals.row["group"] == _group_of(part, totals)).to_numpy()]
    now, then = (counts[:, totals.years.index(name)] for name in (year, previous))
    for index, week in zip(part.index, part["school_week"].to_numpy(dtype=np.int64) - 1, strict=True):
        (possible, chosen), (possible_then, chosen_then) = now[:, week].T, then[:, week].T
        if compare == "students":
            result.loc[index] = own_change(chosen_then, possible_then, chosen, possible, confidence)
        else:
            result.loc[index] = _difference(chosen_then, possible_then, chosen, possible, confidence)
    return result


def _group_of(part: pd.DataFrame, totals: _Totals) -> int:
    """The number of a group of the result among those of the totals."""
    names = [name for name in totals.row.columns if name not in ("group", "student")]
    same = np.ones(len(totals.row), dtype=bool)
    for name in names:
        value = part[name].iloc[0]
        same &= (totals.row[name].isna() if pd.isna(value) else totals.row[name].eq(value).fillna(False)).to_numpy(bool)
    found = totals.row.loc[same, "group"]
    return int(found.iloc[0]) if len(found) else -1


def _difference(
    part: Whole, whole: Whole, part_now: Whole, whole_now: Whole, confidence: float | None
) -> tuple[float, float, float, float]:
    """A pooled rate less another one, of students who may be others, with an interval clustered by student."""
    students, total, total_then = int((whole_now > 0).sum()), int(whole_now.sum()), int(whole.sum())
    if not total or not total_then:
        return students, np.nan, np.nan, np.nan
    rate, rate_then = part_now.sum() / total, part.sum() / total_then
    change, half = 100 * (rate - rate_then), np.nan
    if confidence is not None:
        influence = (part_now - rate * whole_now) / total - (part - rate_then * whole) / total_then
        fewest = min(students, int((whole > 0).sum()))
        half = 100 * half_width(influence, int(((whole > 0) | (whole_now > 0)).sum()), confidence, fewest - 1)
    return students, change, change - half, change + half


def own_change(
    part: Whole, whole: Whole, part_now: Whole, whole_now: Whole, confidence: float | None = None
) -> tuple[float, float, float, float]:
    """How many have both rates, the mean of their own changes in percentage points, and its interval.

    Each counts the same, whatever sessions they have on either side: so nobody changes is no change. The interval is
    that of a mean, with Student's t; it is missing for one student, and where all changes are alike.
    """
    both = (whole > 0) & (whole_now > 0)
    if not both.any():
        return 0, np.nan, np.nan, np.nan
    # From whole numbers, so that a rate that stays is exactly 0.
    change = 100 * (part_now[both] * whole[both] - part[both] * whole_now[both]) / (whole[both] * whole_now[both])
    mean = change.mean()
    alike = np.ptp(change) < _ROUNDING
    influence = np.zeros(len(change)) if alike else (change - mean) / len(change)
    half = np.nan if confidence is None else half_width(influence, len(change), confidence)
    return int(both.sum()), float(mean), float(mean - half), float(mean + half)


def _years_before(marks: pd.DataFrame, calendar: Calendar | None) -> dict[str, str]:
    """The year before each academic year, for those that have one among the years known."""
    if calendar is None:
        owner, dated = "the marks have", marks.dropna(subset=["academic_year", "school_week"])
        # The marks of a year may begin late: the number of the week says how late.
        began = dated["date"] - pd.to_timedelta(7 * (dated["school_week"].astype("int64") - 1), unit="D")
        starts = began.groupby(dated["academic_year"], observed=True).min().sort_values()
    else:
        owner, starts = "the calendar has", calendar.terms.groupby("academic_year")["start"].min().sort_values()
    years = [str(year) for year in starts.index]
    if len(years) < 2:
        raise BadArgumentError(
            f"year_on_year: {owner} {', '.join(years) or 'no academic year'} only, so there is no year before it. Give "
            "Calendar the terms and holidays of both: help(hf.attendance.Calendar) shows how."
        )
    near = (starts.diff().dt.days < _MOST_DAYS_BETWEEN_YEARS).to_numpy()
    before: dict[str, str] = {}
    for place, year in enumerate(years[1:], 1):
        numbers = [re.findall(r"(?<!\d)\d{4}(?!\d)", name)[:1] for name in (years[place - 1], year)]
        # Where both names begin with a year, these tell more than the first of the dates that happen to be known.
        follows = int(numbers[1][0]) - int(numbers[0][0]) == 1 if all(numbers) else bool(near[place])
        if follows:
            before[year] = years[place - 1]
    return before


def recent_change(
    marks: pd.DataFrame,
    by: By = "student_id",
    *,
    weeks: int = 4,
    until: Day | None = None,
    calendar: Calendar | None = None,
    confidence: float | None = None,
) -> pd.DataFrame:
    """One row per student or group, with how its absence has changed recently, the greatest rise first.

    Parameters
    ----------
    marks
        Canonical marks.
    by
        As for :func:`summarise`.
    weeks
        How many school weeks to compare with as many before them. A week counts if any student has a possible session
        in it, so holidays are skipped.
    until
        The last day to count; the last day with a mark if not given. Where leave is booked ahead, give the
        :func:`newest_register`. Its week is counted up to that day.
    calendar
        The school's days, if ``by`` needs them or the week does not begin on Monday.
    confidence
        Adds an interval of ``change``, for example ``0.95``. None, the default, adds none; one student has none.

    Returns
    -------
    DataFrame
        The columns of ``by`` (and ``realm`` beside ``student_id``), ``earlier_possible_sessions``,
        ``earlier_absent_sessions``, ``earlier_absence_rate`` (per cent, pooled over all students),
        ``recent_possible_sessions``, ``recent_absent_sessions``, ``recent_absence_rate``, ``students`` (with a possible
        session in both halves) and ``change``: the mean of these students' own changes, recent minus earlier, in
        percentage points, missing without such a student; with ``confidence`` also ``change_low`` and ``change_high``.
        For a group it is *not* the difference of the two rates, which also differ when students join, leave or have
        fewer possible sessions in one half.

    Raises
    ------
    BadArgumentError
        ``weeks`` is not at least 1, ``until`` is not a day, or there are more school weeks than ``weeks`` and not twice
        as many.

    Warns
    -----
    HubmisWarning
        There is no school week before the recent ones, and ``change`` is missing.

    Notes
    -----
    Not a published measure. Among many students some rise by chance, and those who rose most usually fall again
    (regression to the mean). Marks of the last five school days may still change from ``N`` to another code.
    """
    check_marks(marks, "recent_change")
    if isinstance(weeks, bool) or not isinstance(weeks, int) or weeks < 1:
        raise BadArgumentError(f"recent_change: weeks must be a whole number of at least 1, not {weeks!r}.")
    if confidence is not None:
        check_confidence(confidence)
    last = as_days(None, until, "recent_change")[1]
    counted = marks if last is None else marks[marks["date"] <= last]
    totals = summarise(counted, "week", calendar=calendar, across_years=True)
    school_weeks = totals.loc[totals["possible_sessions"] > 0, "week"].tail(2 * weeks)
    if weeks < len(school_weeks) < 2 * weeks:
        raise BadArgumentError(
            f"recent_change: there are {len(school_weeks)} school weeks with a possible session, and weeks={weeks} "
            f"compares {weeks} with {weeks} before. Give weeks={len(school_weeks) // 2}."
        )
    spans = {"earlier": school_weeks.iloc[:-weeks], "recent": school_weeks.iloc[-weeks:]}
    # Without a week the bounds are missing, and no date lies between them.
    inside = {half: counted["date"].between(span.min(), span.max() + 6 * DAY) for half, span in spans.items()}
    either = inside["earlier"] | inside["recent"]
    compared = counted[either]
    names = [f"{half}_{name}" for half in spans for name in ("possible_sessions", "absent_sessions", "absence_rate")]
    groups = number_groups(compared, with_realm(by, marks), calendar, "recent_change", [*names, *_CHANGE])
    numbers = category_numbers(compared, "recent_change")
    owner, group = students_of_groups(compared, groups.number)
    frame = groups.keys.copy()
    own: list[Whole] = []
    for half, in_half in inside.items():
        chosen = in_half[either].to_numpy()
        counts = count_categories(owner[chosen], numbers[chosen], len(group))
        possible, absent = possible_of(counts), counts[:, 3:5].sum(axis=1)
        own += [absent, possible]
        for name, values in (("possible_sessions", possible), ("absent_sessions", absent)):
            total = np.zeros(len(frame), dtype=np.int64)
            np.add.at(total, group, values)
            frame[f"{half}_{name}"] = total
        rate = per_cent(frame[f"{half}_absent_sessions"], frame[f"{half}_possible_sessions"])
        frame[f"{half}_absence_rate"] = rate
    frame = frame.join(changes_of_groups(group, len(frame), own, confidence))
    if 0 < len(school_weeks) <= weeks:
        warn(
            f"recent_change: there are only {len(school_weeks)} school weeks with a possible session, and none before "
            f"the last {weeks} to compare them with. The change is missing."
        )
    return frame.sort_values("change", ascending=False, kind="stable", ignore_index=True)


def students_of_groups(marks: pd.DataFrame, number: Whole) -> tuple[Whole, Whole]:
    """Number the students of each group: the number of each mark, and the group of each number."""
    student = marks.groupby(person_columns(marks), observed=True, sort=False).ngroup().to_numpy(dtype=np.int64)
    wide = int(student.max(initial=-1)) + 1
    pairs, place = np.unique(number * max(wide, 1) + student, return_inverse=True)
    return place.astype(np.int64), (pairs // max(wide, 1)).astype(np.int64)


def changes_of_groups(group: Whole, size: int, own: Sequence[Whole], confidence: float | None) -> pd.DataFrame:
    """The mean own change of each group: from each student's part and whole earlier, and part and whole recently."""
    rows = (
        np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group, minlength=size))[:-1]) if size else []
    )
    part, whole, part_now, whole_now = own
    found = [own_change(part[at], whole[at], part_now[at], whole_now[at], confidence) for at in rows]
    frame = pd.DataFrame(found, columns=_CHANGE).astype({"students": "int64", **dict.fromkeys(_CHANGE[1:], "float64")})
    return frame if confidence is not None else frame[_CHANGE[:2]]
