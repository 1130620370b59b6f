"""Marks summarised by group: counts, rates with intervals, absence by a rule, bands and codes."""

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import Calendar
from ..analysis.columns import sorted_numbers
from ..analysis.groups import By, Whole, number_groups
from ..analysis.realms import person_columns, with_realm
from ..analysis.statistics import check_confidence, student_t
from ..errors import BadArgumentError
from ..frames.partitions import Frame
from ..privacy.suppression import check_suppress_below, suppress
from .checks import category_numbers, check_marks, years_of_groups
from .codes import CATEGORIES, POSSIBLE
from .partial_counts import GroupCounts, add_up, group_counts
from .rules import AbsenceRule, check_rules

COUNTS = [
    "students", "possible_sessions", "attended_sessions", "late_sessions", "approved_activity_sessions",
    "authorised_sessions", "unauthorised_sessions", "absent_sessions", "other_possible_sessions",
    "not_possible_sessions", "unmarked_sessions", "unmapped_sessions",
]  # fmt: skip
RATES = {
    "attendance_rate": "attended_sessions",
    "absence_rate": "absent_sessions",
    "authorised_rate": "authorised_sessions",
    "unauthorised_rate": "unauthorised_sessions",
}
"""Each rate, and the sessions that it divides by the possible ones."""
BANDS = (*(f"{low} to <{low + 5}" for low in range(0, 50, 5)), "50 and over")

_OF_CATEGORY = {
    "late_sessions": "late",
    "approved_activity_sessions": "approved_activity",
    "authorised_sessions": "authorised_absence",
    "unauthorised_sessions": "unauthorised_absence",
    "other_possible_sessions": "other_possible",
    "not_possible_sessions": "not_possible",
    "unmarked_sessions": "unmarked",
    "unmapped_sessions": "unmapped",
}
_WIDE = len(CATEGORIES)
_POSSIBLE, _ATTENDED, _ABSENT = slice(len(POSSIBLE)), slice(3), slice(3, 5)
_PARTS = {
    "attendance_rate": _ATTENDED,
    "absence_rate": _ABSENT,
    "authorised_rate": slice(3, 4),
    "unauthorised_rate": slice(4, 5),
}
"""The categories that each rate divides by the possible sessions, by their places."""


def summarise(
    marks: Frame,
    by: By = None,
    *,
    rules: Sequence[AbsenceRule] = (),
    calendar: Calendar | None = None,
    confidence: float | None = None,
    suppress_below: int | None = None,
    across_years: bool = False,
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
    rules
        Count the students whose absence meets a rule, :data:`PERSISTENT` for example; none by default. Published
        rules are in :data:`RULES`, and the school's own is an :class:`AbsenceRule`.
    calendar
        The school's days.
    confidence
        Adds an interval to each rate of sessions, for example ``0.95``. None, the default, adds none.
    suppress_below
        Hide groups with 1 to ``suppress_below - 1`` students, or as few who meet a rule, and further groups wherever a
        total would give a hidden one away, and add ``suppressed`` (:func:`hubmis_frames.suppress`). None, the default,
        hides nothing.
    across_years
        Allow a figure over several academic years.

    Returns
    -------
    DataFrame
        The columns of ``by``, in order of time, number or name, a missing value last, then

        - ``students``: students with any mark in the group;
        - sessions: ``possible_sessions`` (attended, absent and other possible), ``attended_sessions`` (present, late
          and approved activity), ``late_sessions``, ``approved_activity_sessions``, ``authorised_sessions`` and
          ``unauthorised_sessions`` (absences), ``absent_sessions`` (authorised and unauthorised),
          ``other_possible_sessions`` (neither attended nor absent, such as ``X`` in England in 2020/21),
          ``not_possible_sessions``, ``unmarked_sessions``,
          ``unmapped_sessions``; the last three are in no rate;
        - ``attendance_rate``, ``absence_rate``, ``authorised_rate``, ``unauthorised_rate``: per cent of possible
          sessions, pooled over the group's students; missing, and never 0, where no session was possible; with
          ``confidence``, each followed by ``<rate>_low`` and ``<rate>_high``;
        - for each rule, by its name, here ``persistent``: ``persistent_absentees`` (the students who meet it) and
          ``persistent_absence_rate`` (per cent of the students with a possible session); if the rule has a minimum,
          also ``persistent_below_minimum`` (the students with fewer possible sessions than that, who are in neither).

        ``attrs["confidence"]`` keeps the confidence.

    Raises
    ------
    BadArgumentError
        A column is missing or has the name of a column of the result, a period needs a calendar, groups would mix the
        ids or terms of several schools, two rules have one name, or a group has marks of several academic years.

    Warns
    -----
    HubmisWarning
        There are several rows for one student, date and session.

    Notes
    -----
    A rule is applied *within the group and period*: one absence in a week of ten sessions makes a student persistently
    absent in the table by week, and says nothing about the year. Published figures cover a term or more, so group by
    ``term`` or ``academic_year``, or not by time at all, to compare with them. The same goes for ``session`` and
    ``weekday``. Students with few sessions count as much as others, unless the rule has a minimum.

    ``late_sessions`` are those attended late, ``L`` in England; a student who came after the register closed, ``U``,
    was absent. ``students`` also counts those without a possible session, who are in no rate. A week that lies in two
    months has a row in each if ``by`` has both; by ``month`` alone, each of its days counts in its own month.

    Sources: Department for Education, *Working together to improve school attendance* (August 2024), for the classes,
    and *Pupil absence statistics: methodology*, for rates. Each rule states its own: ``print(rule)``.

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
    rules, names = check_rules(rules, "summarise"), with_realm(by, marks)
    count = functools.partial(count_marks, by=names, calendar=calendar, rules=rules, intervals=confidence is not None)
    check_suppress_below(suppress_below)
    frame = summary_of(add_up(count, marks, names, "summarise", across_years), rules, confidence)
    return frame if suppress_below is None else suppress(frame, below=suppress_below, by=names)


def count_marks(
    marks: pd.DataFrame,
    by: By,
    calendar: Calendar | None,
    rules: Sequence[AbsenceRule] = (),
    intervals: bool = False,
    caller: str = "summarise",
) -> GroupCounts:
    """Count what :func:`summary_of` needs by group: marks of each category, students, and sums for ``intervals``.

    For each rule the four columns of :func:`rule_columns`.
    """
    made = [*COUNTS, *RATES, *(f"{rate}_{end}" for rate in RATES if intervals for end in ("low", "high"))]
    made += [f"{rule.name}_{figure}" for rule in rules for figure in ("absentees", "absence_rate", "below_minimum")]
    groups = number_groups(marks, by, calendar, caller, made)
    numbers = category_numbers(marks, caller)
    size = len(groups.keys)
    person, group = number_people(marks, groups.number)
    counts = count_categories(person, numbers, len(group))
    possible = possible_of(counts)
    columns = [np.bincount(group, minlength=size), np.bincount(group[possible > 0], minlength=size)]
    for rule in rules:
        absent, of = absence_by_rule(rule, marks["date"], person, numbers, counts)
        counted = rule.counts(possible)
        columns += [np.bincount(group[kind], minlength=size) for kind in (counted, counted & rule.met(absent, of))]
        columns += [_sum(group, amount, size) for amount in (absent, of)]
    if intervals:
        columns += [_sum(group, product, size) for product in _products(counts)]
    table = np.column_stack([count_categories(groups.number, numbers, size), *columns])
    return group_counts(marks, groups, table, years_of_groups(marks, groups.number, caller, calendar))


def summary_of(groups: GroupCounts, rules: Sequence[AbsenceRule] = (), confidence: float | None = None) -> pd.DataFrame:
    """The summary of marks that were counted."""
    counts = groups.counts[:, :_WIDE]
    students, some = groups.counts[:, _WIDE : _WIDE + 2].T
    frame = groups.keys.copy()
    attended, absent = counts[:, _ATTENDED].sum(axis=1), counts[:, _ABSENT].sum(axis=1)
    whole = {"students": students, "possible_sessions": possible_of(counts), "attended_sessions": attended}
    whole["absent_sessions"] = absent
    for name in COUNTS:
        frame[name] = whole[name] if name in whole else counts[:, CATEGORIES.index(_OF_CATEGORY[name])]
    possible = frame["possible_sessions"].to_numpy()
    bounds = dict(_bounds(groups.counts, confidence)) if confidence is not None else {}
    for rate, part in RATES.items():
        frame[rate] = per_cent(frame[part].to_numpy(), possible)
        if rate in bounds:
            frame[f"{rate}_low"], frame[f"{rate}_high"] = bounds[rate]
    for rule, (counted, met, _, _) in zip(rules, rule_columns(groups, rules), strict=True):
        frame[f"{rule.name}_absentees"] = met
        frame[f"{rule.name}_absence_rate"] = per_cent(met, counted)
        if rule.minimum_sessions:
            frame[f"{rule.name}_below_minimum"] = some - counted
    if confidence is not None:
        frame.attrs["confidence"] = confidence
    return frame


def rule_columns(groups: GroupCounts, rules: Sequence[AbsenceRule]) -> Iterator[tuple[Whole, ...]]:
    """Of each rule, by group: students whom it counts, those who meet it, and what was missed and what was possible.

    The last two are sessions, or days for a rule by days.
    """
    for first in range(_WIDE + 2, _WIDE + 2 + 4 * len(rules), 4):
        yield tuple(groups.counts[:, first : first + 4].T)


def _products(counts: Whole) -> Iterator[Whole]:
    """Of each student: possible sessions squared; then for each part of them its square, and it times possible."""
    possible = possible_of(counts)
    yield possible * possible
    for places in _PARTS.values():
        part = counts[:, places].sum(axis=1)
        yield part * part
        yield part * possible


def _bounds(counts: Whole, confidence: float) -> Iterator[tuple[str, tuple[npt.NDArray[np.float64], ...]]]:
    """The lower and the upper bound of each rate, by group, from the sums that :func:`count_marks` made."""
    # Whole numbers of any size, so that a group in which all students are alike has no variance at all.
    exact = counts.astype(object)
    total, n = exact[:, _POSSIBLE].sum(axis=1), counts[:, _WIDE + 1].astype(np.float64)
    squared, *products = exact[:, -1 - 2 * len(_PARTS) :].T
    sizes, place = np.unique(n, return_inverse=True)
    t = np.array([student_t(confidence, int(size) - 1) for size in sizes])[place]
    for (name, places), square, product in zip(_PARTS.items(), products[::2], products[1::2], strict=True):
        part = exact[:, places].sum(axis=1)
        residual = (total**2 * square - 2 * total * part * product + part**2 * squared).astype(np.float64)
        of, missed = total.astype(np.float64), part.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = missed / of
            error = np.sqrt(residual * n / (n - 1)) / of**2
            logit, width = np.log(rate / (1 - rate)), t * error / (rate * (1 - rate))
            usable = (n > 1) & (missed > 0) & (missed < of)
            low, high = (np.where(usable, 100 / (1 + np.exp(-(logit + sign * width))), np.nan) for sign in (-1, 1))
        yield name, (low, high)


def absence_bands(
    marks: Frame, by: By = None, *, calendar: Calendar | None = None, across_years: bool = False
) -> pd.DataFrame:
    """One row per group and band of absence, with the number of students in it.

    Parameters
    ----------
    marks, by, calendar, across_years
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
    count = functools.partial(_count_bands, by=names, calendar=calendar)
    groups = add_up(count, marks, names, "absence_bands", across_years)
    size, wide = groups.counts.shape
    frame = groups.keys.loc[groups.keys.index.repeat(wide)].reset_index(drop=True)
    frame["absence_band"] = pd.Categorical(list(BANDS) * size, categories=list(BANDS), ordered=True)
    frame["students"] = groups.counts.ravel()
    frame["share"] = per_cent(frame["students"], np.repeat(groups.counts.sum(axis=1), wide))
    return frame


def _count_bands(marks: pd.DataFrame, by: By, calendar: Calendar | None) -> GroupCounts:
    """Students in each band, by group."""
    groups = number_groups(marks, by, calendar, "absence_bands", ["absence_band", "students", "share"])
    person, group = number_people(marks, groups.number)
    counts = count_categories(person, category_numbers(marks, "absence_bands"), len(group))
    possible, absent = possible_of(counts), counts[:, _ABSENT].sum(axis=1)
    some = possible > 0
    # In whole numbers: 20 x absent / possible is the band of five points, and its edges belong to the upper one.
    band = np.minimum(20 * absent[some] // possible[some], len(BANDS) - 1)
    size, wide = len(groups.keys), len(BANDS)
    students = np.bincount(group[some] * wide + band, minlength=size * wide)
    years = years_of_groups(marks, groups.number, "absence_bands", calendar)
    return group_counts(marks, groups, students.reshape(size, wide), years)


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


def possible_of(counts: Whole) -> Whole:
    """The possible sessions in counts by category."""
    possible: Whole = counts[:, _POSSIBLE].sum(axis=1)
    return possible


def absence_by_rule(
    rule: AbsenceRule, dates: pd.Series, person: Whole, numbers: Whole, counts: Whole
) -> tuple[Whole, Whole]:
    """What each person missed by a rule, and what was possible: sessions, or days for a rule by days.

    Marks have a ``person`` and the number of a category each; ``counts`` are those of the persons.
    """
    kinds = [CATEGORIES.index(name) for name in rule.categories]
    if not rule.by_days:
        return counts[:, kinds].sum(axis=1), possible_of(counts)
    day, days = pd.factorize(dates)
    present, place = sorted_numbers(person * max(len(days), 1) + day)
    of_day = count_categories(place, numbers, len(present))
    absent, possible = of_day[:, kinds].sum(axis=1), possible_of(of_day)
    missed = (absent == possible) & (absent > 0) if rule.whole_days else absent > 0
    owner = present // max(len(days), 1)
    return np.bincount(owner[missed], minlength=len(counts)), np.bincount(owner[possible > 0], minlength=len(counts))


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


def number_people(marks: pd.DataFrame, groups: Whole) -> tuple[Whole, Whole]:
    """Number the students within each group where they have a mark; and the group of each number."""
    student, wide = np.zeros(len(marks), dtype=np.int64), 1
    for name in person_columns(marks):
        place, uniques = pd.factorize(marks[name], use_na_sentinel=name == "student_id")
        student, wide = student * len(uniques) + place, wide * max(len(uniques), 1)
        if (place < 0).any():
            raise BadArgumentError("There are marks without a student_id: hf.attendance.marks leaves them out.")
    pairs, number = sorted_numbers(groups * wide + student)
    return number, pairs // wide
