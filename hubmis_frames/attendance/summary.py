"""Marks summarised by group: counts, rates with intervals, persistent and severe absence, bands and codes."""

import functools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import Calendar
from ..analysis.groups import By, Whole, number_groups
from ..analysis.realms import person_columns, with_realm
from ..analysis.statistics import check_confidence, student_t
from ..errors import BadArgumentError
from ..frames.partitions import Frame
from .checks import category_numbers, check_marks, warn_several_years
from .codes import CATEGORIES
from .partial_counts import GroupCounts, add_up, group_counts

COUNTS = [
    "students", "possible_sessions", "attended_sessions", "late_sessions", "approved_activity_sessions",
    "authorised_sessions", "unauthorised_sessions", "absent_sessions", "not_possible_sessions", "unmarked_sessions",
    "unmapped_sessions",
]  # fmt: skip
RATES = {
    "attendance_rate": "attended_sessions",
    "absence_rate": "absent_sessions",
    "authorised_rate": "authorised_sessions",
    "unauthorised_rate": "unauthorised_sessions",
}
"""Each rate, and the sessions that it divides by the possible ones."""
PERSISTENCE = ["persistent_absentees", "persistent_absence_rate", "severe_absentees", "severe_absence_rate"]
BANDS = (*(f"{low} to <{low + 5}" for low in range(0, 50, 5)), "50 and over")

_OF_CATEGORY = {
    "late_sessions": "late",
    "approved_activity_sessions": "approved_activity",
    "authorised_sessions": "authorised_absence",
    "unauthorised_sessions": "unauthorised_absence",
    "not_possible_sessions": "not_possible",
    "unmarked_sessions": "unmarked",
    "unmapped_sessions": "unmapped",
}
_WIDE = len(CATEGORIES)


def summarise(
    marks: Frame, by: By = None, *, calendar: Calendar | None = None, confidence: float | None = None
) -> pd.DataFrame:
    """One row per group, with its sessions and its rates of attendance and absence.

    Parameters
    ----------
    marks
        Canonical marks, of one school or several. A student is identified by ``realm`` and ``student_id``. A Dask frame
        gives the same figures: each partition is counted on its own worker, and the result is a pandas frame.
    by
        A column of ``marks``, a period, or several of them. Periods: ``"week"`` (its Monday, or the first day of the
        calendar's week), ``"weekday"``, ``"month"`` (its first day), ``"term"``, ``"half_term"``, ``"academic_year"``
        and ``"school_week"``. The last four need ``calendar``, unless :func:`marks` already had it and made columns of
        them; a column takes precedence over a period of the same name. To group by another column, join it first:
        ``hf.attendance.summarise(hf.join(marks, students), by="form_name")``. Students change forms, and a joined form
        is today's. ``"student_id"`` adds ``realm`` too. For several schools, give ``"realm"`` together with any other
        id, and terms and school weeks have to be columns of the marks.
    calendar
        The school's days.
    confidence
        Adds an interval to each rate, for example ``0.95``. None, the default, adds none.

    Returns
    -------
    DataFrame
        The columns of ``by``, in order of time, number or name, a missing value last, then

        - ``students``: students with any mark in the group;
        - sessions: ``possible_sessions`` (attended and absent), ``attended_sessions`` (present, late and approved
          activity), ``late_sessions``, ``approved_activity_sessions``, ``authorised_sessions`` and
          ``unauthorised_sessions`` (absences), ``absent_sessions`` (both), ``not_possible_sessions``,
          ``unmarked_sessions``, ``unmapped_sessions``; the last three are in no rate;
        - ``attendance_rate``, ``absence_rate``, ``authorised_rate``, ``unauthorised_rate``: per cent of possible
          sessions, pooled over the group's students; missing, and never 0, where no session was possible; with
          ``confidence``, each followed by ``<rate>_low`` and ``<rate>_high``;
        - ``persistent_absentees`` and ``severe_absentees``: students absent from at least 10 and 50 per cent of their
          own possible sessions; a severe absentee is a persistent one too; ``persistent_absence_rate`` and
          ``severe_absence_rate``: per cent of the students with a possible session.

        ``attrs["confidence"]`` keeps the confidence.

    Raises
    ------
    BadArgumentError
        A column is missing or has the name of a column of the result, a period needs a calendar, or groups would mix
        the ids or terms of several schools.

    Warns
    -----
    HubmisWarning
        A group holds marks of several academic years, or several rows for one student, date and session.

    Notes
    -----
    Persistent absence is counted *within the group and period*: one absence in a week of ten sessions makes a student
    persistently absent in the table by week, and says nothing about the year. Published figures cover a term or more,
    so group by ``term`` or ``academic_year``, or not by time at all, to compare with them. The same goes for
    ``session`` and ``weekday``.

    Students with few sessions count as much as others: a student absent in one of the first ten sessions is
    persistently absent by this measure until they have attended more.

    Sources: Department for Education, *Working together to improve school attendance* (August 2024), for the classes,
    and *Pupil absence statistics: methodology*, for rates and for persistent and severe absence, which compare a
    student with their own possible sessions since 2015/16. Shares are compared in whole numbers, so exactly 10 per
    cent is persistent.

    Intervals. Sessions of one student are alike: a student who is ill on Monday is often ill on Tuesday. An interval
    that treats sessions as independent, such as Wilson's, is therefore much too narrow. This one counts students. The
    rate is a ratio of two sums over clusters (Cochran, *Sampling Techniques*, 3rd edition, 1977, chapter 6), with
    linearised variance and Student's t with one degree of freedom fewer than there are students with a possible
    session. The bounds are calculated on the logit scale, so they stay between 0 and 100. They are missing for fewer
    than two such students, and for rates of 0 and 100. With fewer than about ten students they are rough. The interval
    shows how much the rate could differ with other students of the same kind; a school's students are not a sample, so
    for the past itself the rate is exact. Intervals that overlap do not show that two groups are alike.
    """
    if confidence is not None:
        check_confidence(confidence)
    names = with_realm(by, marks)
    count = functools.partial(count_marks, by=names, calendar=calendar, intervals=confidence is not None)
    return summary_of(add_up(count, marks, names, "summarise"), confidence)


def count_marks(
    marks: pd.DataFrame, by: By, calendar: Calendar | None, intervals: bool = False, caller: str = "summarise"
) -> GroupCounts:
    """Count what :func:`summary_of` needs by group: marks of each category, students, and sums for ``intervals``."""
    made = [*COUNTS, *RATES, *PERSISTENCE, *(f"{rate}_{end}" for rate in RATES if intervals for end in ("low", "high"))]
    groups = number_groups(marks, by, calendar, caller, made)
    warn_several_years(marks, groups.number, caller)
    numbers = category_numbers(marks, caller)
    size = len(groups.keys)
    counts, group = _by_student(marks, groups.number, numbers)
    possible, absent = counts[:, :5].sum(axis=1), counts[:, 3:5].sum(axis=1)
    kinds = (slice(None), possible > 0, reaches_share(absent, possible, 10), reaches_share(absent, possible, 2))
    columns = [np.bincount(group[kind], minlength=size) for kind in kinds]
    if intervals:
        columns += [_sum(group, product, size) for product in _products(counts)]
    return group_counts(marks, groups, np.column_stack([count_categories(groups.number, numbers, size), *columns]))


def summary_of(groups: GroupCounts, confidence: float | None = None) -> pd.DataFrame:
    """The summary of marks that were counted."""
    counts = groups.counts[:, :_WIDE]
    students, some, *absentees = groups.counts[:, _WIDE : _WIDE + 4].T
    frame = groups.keys.copy()
    attended, absent = counts[:, :3].sum(axis=1), counts[:, 3:5].sum(axis=1)
    whole = {"students": students, "possible_sessions": attended + absent, "attended_sessions": attended}
    whole["absent_sessions"] = absent
    for name in COUNTS:
        frame[name] = whole[name] if name in whole else counts[:, CATEGORIES.index(_OF_CATEGORY[name])]
    possible = frame["possible_sessions"].to_numpy()
    bounds = dict(_bounds(groups.counts, confidence)) if confidence is not None else {}
    for rate, part in RATES.items():
        frame[rate] = per_cent(frame[part].to_numpy(), possible)
        if rate in bounds:
            frame[f"{rate}_low"], frame[f"{rate}_high"] = bounds[rate]
    for name, number in zip(("persistent", "severe"), absentees, strict=True):
        frame[f"{name}_absentees"] = number
        frame[f"{name}_absence_rate"] = per_cent(number, some)
    if confidence is not None:
        frame.attrs["confidence"] = confidence
    return frame


def _products(counts: Whole) -> Iterator[Whole]:
    """Of each student: possible sessions squared; then for each sort of absence its square, and it times possible."""
    possible = counts[:, :5].sum(axis=1)
    yield possible * possible
    for part in (counts[:, 3:5].sum(axis=1), counts[:, 3], counts[:, 4]):
        yield part * part
        yield part * possible


def _bounds(counts: Whole, confidence: float) -> Iterator[tuple[str, tuple[npt.NDArray[np.float64], ...]]]:
    """The lower and the upper bound of each rate, by group, from the sums that :func:`count_marks` made."""
    # Whole numbers of any size, so that a group in which all students are alike has no variance at all.
    exact = counts.astype(object)
    total, n = exact[:, :5].sum(axis=1), counts[:, _WIDE + 1].astype(np.float64)
    squared, *products = exact[:, _WIDE + 4 :].T
    sizes, place = np.unique(n, return_inverse=True)
    t = np.array([student_t(confidence, int(size) - 1) for size in sizes])[place]
    parts = (exact[:, 3:5].sum(axis=1), exact[:, 3], exact[:, 4])
    for name, part, square, product in zip(
        ("absence_rate", "authorised_rate", "unauthorised_rate"), parts, products[::2], products[1::2], strict=True
    ):
        residual = (total**2 * square - 2 * total * part * product + part**2 * squared).astype(np.float64)
        of, missed = total.astype(np.float64), part.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = missed / of
            error = np.sqrt(residual * n / (n - 1)) / of**2
            logit, width = np.log(rate / (1 - rate)), t * error / (rate * (1 - rate))
            usable = (n > 1) & (missed > 0) & (missed < of)
            low, high = (np.where(usable, 100 / (1 + np.exp(-(logit + sign * width))), np.nan) for sign in (-1, 1))
        if name == "absence_rate":
            yield "attendance_rate", (100 - high, 100 - low)
        yield name, (low, high)


def absence_bands(marks: Frame, by: By = None, *, calendar: Calendar | None = None) -> pd.DataFrame:
    """One row per group and band of absence, with the number of students in it.

    Parameters
    ----------
    marks, by, calendar
        As for :func:`summarise`.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``absence_band`` (ordered: ``0 to <5``, five points each, up to ``50 and over`` per cent
        of a student's own possible sessions), ``students`` and ``share`` (per cent of the group's students with a
        possible session; missing where there are none). Every band has a row; students without a possible session are
        in none.

    Notes
    -----
    The bands of the Department for Education's distribution of absence (*Pupil absence in schools in England*).
    """
    names = with_realm(by, marks)
    groups = add_up(functools.partial(_count_bands, by=names, calendar=calendar), marks, names, "absence_bands")
    size, wide = groups.counts.shape
    frame = groups.keys.loc[groups.keys.index.repeat(wide)].reset_index(drop=True)
    frame["absence_band"] = pd.Categorical(list(BANDS) * size, categories=list(BANDS), ordered=True)
    frame["students"] = groups.counts.ravel()
    frame["share"] = per_cent(frame["students"], np.repeat(groups.counts.sum(axis=1), wide))
    return frame


def _count_bands(marks: pd.DataFrame, by: By, calendar: Calendar | None) -> GroupCounts:
    """Students in each band, by group."""
    groups = number_groups(marks, by, calendar, "absence_bands", ["absence_band", "students", "share"])
    warn_several_years(marks, groups.number, "absence_bands")
    counts, group = _by_student(marks, groups.number, category_numbers(marks, "absence_bands"))
    possible, absent = counts[:, :5].sum(axis=1), counts[:, 3:5].sum(axis=1)
    some = possible > 0
    # In whole numbers: 20 x absent / possible is the band of five points, and its edges belong to the upper one.
    band = np.minimum(20 * absent[some] // possible[some], len(BANDS) - 1)
    size, wide = len(groups.keys), len(BANDS)
    students = np.bincount(group[some] * wide + band, minlength=size * wide)
    return group_counts(marks, groups, students.reshape(size, wide))


def code_frequency(marks: pd.DataFrame, by: By = None, *, calendar: Calendar | None = None) -> pd.DataFrame:
    """One row per group, code and category, with how often the code is used.

    Parameters
    ----------
    marks, by, calendar
        As for :func:`summarise`.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``code`` (missing for a blank mark), ``category``, ``marks``, ``students`` and ``share``
        (per cent of the group's marks), the most frequent first. A code has two rows where its category changed.
    """
    check_marks(marks, "code_frequency", duplicates=True)
    made = ["code", "category", "marks", "students", "share"]
    groups = number_groups(marks, with_realm(by, marks), calendar, "code_frequency", made)
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


def count_categories(groups: Whole, numbers: Whole, size: int) -> Whole:
    """Count marks by group (rows) and category (columns)."""
    return np.bincount(groups * _WIDE + numbers, minlength=size * _WIDE).reshape(size, _WIDE)


def reaches_share(absent: Whole, possible: Whole, times: int) -> npt.NDArray[np.bool_]:
    """Whether absence is at least one part in ``times`` of the possible sessions; never if there are none."""
    met: npt.NDArray[np.bool_] = (possible > 0) & (times * absent >= possible)
    return met


def per_cent(part: npt.ArrayLike, whole: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """100 x part / whole; missing where the whole is 0."""
    over = np.asarray(whole, dtype=np.float64)
    rate: npt.NDArray[np.float64] = np.full(over.shape, np.nan)
    np.divide(100 * np.asarray(part, dtype=np.float64), over, out=rate, where=over > 0)
    return rate


def _sum(group: Whole, values: Whole, size: int) -> Whole:
    """Sums of whole numbers by group; bincount's weights would make floats of them."""
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, group, values)
    return total


def _by_student(marks: pd.DataFrame, groups: Whole, numbers: Whole) -> tuple[Whole, Whole]:
    """Marks by category of each student in each group where they have one, and the number of that group."""
    student, wide = np.zeros(len(marks), dtype=np.int64), 1
    for name in person_columns(marks):
        place, uniques = pd.factorize(marks[name], use_na_sentinel=name == "student_id")
        student, wide = student * len(uniques) + place, wide * max(len(uniques), 1)
        if (place < 0).any():
            raise BadArgumentError("There are marks without a student_id: hf.attendance.marks leaves them out.")
    pairs, place = np.unique(groups * wide + student, return_inverse=True)
    return count_categories(place.astype(np.int64), numbers, len(pairs)), pairs // wide
