"""Marks summarised: counts, rates, persistent and severe absence, intervals, bands and codes."""

import functools

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import Calendar
from ..analysis.groups import By, Whole, as_list, number_groups
from ..analysis.realms import person_columns
from ..analysis.statistics import check_confidence, student_t
from ..errors import BadArgumentError
from ..frames.partitions import Frame
from .checks import category_numbers, check_marks, warn_several_years
from .codes import CATEGORIES
from .partial_counts import GroupCounts, add_up, group_counts

COUNTS = [
    "students", "possible_sessions", "attended", "late", "approved_activity", "authorised_absence",
    "unauthorised_absence", "absence", "not_possible", "unmarked", "unmapped",
]  # fmt: skip
RATES = ["attendance_rate", "absence_rate", "authorised_rate", "unauthorised_rate"]
PERSISTENCE = ["persistent_absentees", "persistent_absence_rate", "severe_absentees", "severe_absence_rate"]
BANDS = (*(f"{low} to <{low + 5}" for low in range(0, 50, 5)), "50 and over")


def summarise(marks: Frame, by: By = None, *, calendar: Calendar | None = None) -> pd.DataFrame:
    """Attendance and absence: one row per group.

    Parameters
    ----------
    marks
        Canonical marks, of several schools too: a student is then a ``realm`` and a ``student_id``. A Dask frame gives
        the same figures, worked out where its partitions lie and returned in pandas.
    by
        A column of ``marks``, a period, or several of them. Periods: ``"week"`` (its Monday, or the first day of the
        calendar's week), ``"weekday"``, ``"month"`` (its first day) and, with ``calendar``, ``"term"``,
        ``"half_term"``, ``"academic_year"`` and ``"school_week"``. A column of that name goes before the period. Join
        what to group by first: ``hf.attendance.summarise(hf.join(marks, students), by="form_name")``; ``by=
        ["year_group_name", "week"]`` groups by both. Students change forms: a joined form is today's. Of several
        schools, ids need ``"realm"`` beside them, and periods of a calendar are refused unless they are columns:
        ``Calendar.lookup`` makes them, school by school.
    calendar
        The school's terms.

    Returns
    -------
    DataFrame
        The columns of ``by``, in order of time or name, a missing value last, then

        - ``students``: who have any mark in the group;
        - sessions: ``possible_sessions`` (attended + absence), ``attended`` (present, late and approved activity),
          ``late``, ``approved_activity``, ``authorised_absence``, ``unauthorised_absence``, ``absence`` (both),
          ``not_possible``, ``unmarked``, ``unmapped``; the last three are in no rate;
        - ``attendance_rate``, ``absence_rate``, ``authorised_rate``, ``unauthorised_rate``: per cent of possible
          sessions, pooled over the group's students; missing where no session was possible, and never 0;
        - ``persistent_absentees`` and ``severe_absentees``: students absent from at least 10 and 50 per cent of their
          own possible sessions, a severe one being persistent too; ``persistent_absence_rate`` and
          ``severe_absence_rate``: per cent of the students with a possible session.

    Raises
    ------
    BadArgumentError
        A column is not there or has the name of a column of the result, a period needs a calendar, or groups would
        mix up the ids or terms of several schools.

    Warns
    -----
    HubmisWarning
        A group holds marks of several academic years.

    Notes
    -----
    Persistent absence is that of a student *within the group and period*: one absence in a week of ten sessions makes
    a student persistent by week, and says nothing of the year. Published figures are of a term or more, so group by
    ``term`` or ``academic_year``, or not by time at all, to compare with them. By ``session`` or ``weekday`` likewise.

    Students with few sessions count as much as others: somebody absent on one of their first ten sessions is
    persistently absent by this measure until they have attended more.

    Sources: Department for Education, *Working together to improve school attendance* (August 2024), for the classes,
    and *Pupil absence statistics: methodology*, for rates and for persistent and severe absence, which compare a
    student with their own possible sessions since 2015/16. Compared in whole numbers, so exactly 10 per cent is in.
    """
    names = as_list(by)
    return rated(add_up(functools.partial(counted, by=names, calendar=calendar), marks, names, "summarise"))


def counted(marks: pd.DataFrame, by: By, calendar: Calendar | None, what: str = "summarise") -> GroupCounts:
    """What :func:`rated` makes a summary of: by group, marks of each category and students of each kind."""
    groups = number_groups(marks, by, calendar, what, [*COUNTS, *RATES, *PERSISTENCE])
    warn_several_years(marks, groups.number, what)
    numbers = category_numbers(marks, what)
    size = len(groups.keys)
    possible, absent, pairs = _pairs(marks, groups.number, numbers)
    kinds = (slice(None), possible > 0, reached(absent, possible, 10), reached(absent, possible, 2))
    students = [np.bincount(pairs[kind], minlength=size) for kind in kinds]
    return group_counts(marks, groups, np.column_stack([tally(groups.number, numbers, size), *students]))


def rated(groups: GroupCounts) -> pd.DataFrame:
    """The summary of what was counted."""
    counts = groups.counts[:, : len(CATEGORIES)]
    students, some, *absentees = groups.counts[:, len(CATEGORIES) :].T
    frame = groups.keys.copy()
    frame["students"] = students
    attended, absence = counts[:, :3].sum(axis=1), counts[:, 3:5].sum(axis=1)
    frame["possible_sessions"] = attended + absence
    frame["attended"] = attended
    for name in ("late", "approved_activity", "authorised_absence", "unauthorised_absence"):
        frame[name] = counts[:, CATEGORIES.index(name)]
    frame["absence"] = absence
    for name in ("not_possible", "unmarked", "unmapped"):
        frame[name] = counts[:, CATEGORIES.index(name)]
    parts = (attended, absence, counts[:, 3], counts[:, 4])
    for name, part in zip(RATES, parts, strict=True):
        frame[name] = per_cent(part, frame["possible_sessions"].to_numpy())
    for name, many in zip(("persistent", "severe"), absentees, strict=True):
        frame[f"{name}_absentees"] = many
        frame[f"{name}_absence_rate"] = per_cent(many, some)
    return frame


def intervals(
    marks: pd.DataFrame, by: By, *, calendar: Calendar | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Attendance and absence rates with an interval: one row per group.

    Parameters
    ----------
    marks, by, calendar
        As for :func:`summarise`.
    confidence
        How sure the interval is, as a share.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``students`` (with a possible session), ``possible_sessions``, ``attendance_rate``,
        ``attendance_rate_low``, ``attendance_rate_high``, and the same of ``absence_rate``; per cent. The bounds are
        missing with fewer than two students, and where nobody or everybody is absent. ``attrs`` keeps ``confidence``.

    Notes
    -----
    Sessions of one student are alike: who is ill on Monday is ill on Tuesday. An interval that counts sessions as if
    they were tossed coins, as Wilson's does, is therefore much too narrow. This one counts students: the rate is a
    ratio of two sums over clusters (Cochran, *Sampling Techniques*, 3rd edition, 1977, chapter 6), its variance is
    linearised, Student's t has one degree of freedom fewer than there are students, and the bounds are worked out on
    the logit scale, so that they stay between 0 and 100. It is rough below ten students or so. It says how far the
    rate might be another with other students of the same kind; a school's students are not a sample of anything, so of
    the past itself the rate is exact. Intervals that overlap do not show that two groups are alike.
    """
    check_marks(marks, "intervals", duplicates=True)
    check_confidence(confidence)
    rates = [f"{rate}{bound}" for rate in RATES[:2] for bound in ("", "_low", "_high")]
    groups = number_groups(marks, by, calendar, "intervals", ["students", "possible_sessions", *rates])
    warn_several_years(marks, groups.number, "intervals")
    possible, absent, pairs = _pairs(marks, groups.number, category_numbers(marks, "intervals"))
    possible, absent, pairs = possible[possible > 0], absent[possible > 0], pairs[possible > 0]
    size = len(groups.keys)
    total, missed, n = (
        np.bincount(pairs, weights, minlength=size) for weights in (possible, absent, np.ones(len(pairs)))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = missed / total
        residual = absent - rate[pairs] * possible
        error = np.sqrt(np.bincount(pairs, residual**2, minlength=size) * n / (n - 1)) / total
        sizes, place = np.unique(n, return_inverse=True)
        t = np.array([student_t(confidence, int(count) - 1) for count in sizes])[place]
        logit, width = np.log(rate / (1 - rate)), t * error / (rate * (1 - rate))
        usable = (n > 1) & (missed > 0) & (missed < total)
        low, high = (np.where(usable, 100 / (1 + np.exp(-(logit + sign * width))), np.nan) for sign in (-1, 1))
    frame = groups.keys.copy()
    frame["students"], frame["possible_sessions"] = n.astype(np.int64), total.astype(np.int64)
    attended = total - missed
    frame["attendance_rate"] = per_cent(attended, total)
    frame["attendance_rate_low"], frame["attendance_rate_high"] = 100 - high, 100 - low
    frame["absence_rate"] = per_cent(missed, total)
    frame["absence_rate_low"], frame["absence_rate_high"] = low, high
    frame.attrs["confidence"] = confidence
    return frame


def bands(marks: Frame, by: By = None, *, calendar: Calendar | None = None) -> pd.DataFrame:
    """How many students are absent how much: one row per group and band of absence.

    Parameters
    ----------
    marks, by, calendar
        As for :func:`summarise`.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``band`` (ordered: ``0 to <5``, five points each, up to ``50 and over`` per cent of a
        student's own possible sessions), ``students`` and ``share`` (per cent of the group's students with a possible
        session; missing where there is none). Every band has a row; students without a possible session are in none.

    Notes
    -----
    The bands of the Department for Education's distribution of absence (*Pupil absence in schools in England*).
    """
    names = as_list(by)
    groups = add_up(functools.partial(_banded, by=names, calendar=calendar), marks, names, "bands")
    size, wide = groups.counts.shape
    frame = groups.keys.loc[groups.keys.index.repeat(wide)].reset_index(drop=True)
    frame["band"] = pd.Categorical(list(BANDS) * size, categories=list(BANDS), ordered=True)
    frame["students"] = groups.counts.ravel()
    frame["share"] = per_cent(frame["students"], np.repeat(groups.counts.sum(axis=1), wide))
    return frame


def _banded(marks: pd.DataFrame, by: By, calendar: Calendar | None) -> GroupCounts:
    """Students in each band, by group."""
    groups = number_groups(marks, by, calendar, "bands", ["band", "students", "share"])
    warn_several_years(marks, groups.number, "bands")
    possible, absent, pairs = _pairs(marks, groups.number, category_numbers(marks, "bands"))
    some = possible > 0
    # In whole numbers: 20 x absent / possible is the band of five points, and its edges belong to the upper one.
    band = np.minimum(20 * absent[some] // possible[some], len(BANDS) - 1)
    size, wide = len(groups.keys), len(BANDS)
    counts = np.bincount(pairs[some] * wide + band, minlength=size * wide)
    return group_counts(marks, groups, counts.reshape(size, wide))


def code_frequency(marks: pd.DataFrame, by: By = None, *, calendar: Calendar | None = None) -> pd.DataFrame:
    """How often each code is used: one row per group, code and category.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``code`` (missing for a blank mark), ``category``, ``marks``, ``students`` and ``share``
        (per cent of the group's marks), the most frequent first. A code has two rows where its category changed.
    """
    check_marks(marks, "code_frequency", duplicates=True)
    groups = number_groups(marks, by, calendar, "code_frequency", ["code", "category", "marks", "students", "share"])
    rows = pd.DataFrame(
        {
            "_group": groups.number,
            "code": marks["code"].to_numpy(),
            "category": marks["category"].to_numpy(),
            "student_id": marks["student_id"].to_numpy(),
        }
    )
    counted = rows.groupby(["_group", "code", "category"], dropna=False, sort=False, observed=True)["student_id"]
    frame = counted.agg(marks="size", students="nunique").reset_index()
    totals = np.bincount(groups.number, minlength=len(groups.keys))
    frame["share"] = per_cent(frame["marks"].to_numpy(), totals[frame["_group"].to_numpy()])
    frame = frame.sort_values(["_group", "marks"], ascending=[True, False], kind="stable", ignore_index=True)
    keys = groups.keys.iloc[frame.pop("_group")].reset_index(drop=True)
    return pd.concat([keys, frame], axis=1)


def weekday_session(marks: Frame, by: By = None, *, calendar: Calendar | None = None) -> pd.DataFrame:
    """Attendance by weekday and session: one row per group, weekday and session, with :func:`summarise`'s columns.

    For a grid: ``.pivot(index="session", columns="weekday", values="absence_rate")``.
    """
    return summarise(marks, [*as_list(by), "weekday", "session"], calendar=calendar)


def tally(groups: Whole, numbers: Whole, size: int) -> Whole:
    """Count marks by group (rows) and category (columns)."""
    wide = len(CATEGORIES)
    return np.bincount(groups * wide + numbers, minlength=size * wide).reshape(size, wide)


def reached(absent: Whole, possible: Whole, times: int) -> npt.NDArray[np.bool_]:
    """Whether so many times the absence reaches the possible sessions; in whole numbers, and never of none."""
    met: npt.NDArray[np.bool_] = (possible > 0) & (times * absent >= possible)
    return met


def per_cent(part: npt.ArrayLike, whole: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """100 x part / whole, missing where there is no whole."""
    over = np.asarray(whole, dtype=np.float64)
    rate: npt.NDArray[np.float64] = np.full(over.shape, np.nan)
    np.divide(100 * np.asarray(part, dtype=np.float64), over, out=rate, where=over > 0)
    return rate


def _pairs(marks: pd.DataFrame, groups: Whole, numbers: Whole) -> tuple[Whole, Whole, Whole]:
    """Possible and missed sessions of each student in each group where they have a mark, and the group's number."""
    student, wide = np.zeros(len(marks), dtype=np.int64), 1
    for name in person_columns(marks):
        place, known = pd.factorize(marks[name], use_na_sentinel=name == "student_id")
        student, wide = student * len(known) + place, wide * max(len(known), 1)
        if (place < 0).any():
            raise BadArgumentError("There are marks without a student_id: hf.attendance.marks leaves them out.")
    pairs, place = np.unique(groups * wide + student, return_inverse=True)
    counts = tally(place.astype(np.int64), numbers, len(pairs))
    absent = counts[:, 3:5].sum(axis=1)
    return counts[:, :3].sum(axis=1) + absent, absent, pairs // wide
