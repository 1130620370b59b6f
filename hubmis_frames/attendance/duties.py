"""Lists that schools have to make: long absences with the day on which they became long, and who moved by a rule."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from ..analysis.calendar import Calendar, Day, check_calendar
from ..analysis.columns import as_day
from ..analysis.groups import number_groups
from ..analysis.realms import person_columns
from ..errors import BadArgumentError
from .canonical import newest_register
from .checks import check_marks, refuse_several_years, warn_out_of_range, years_of_groups
from .codes import ABSENT, POSSIBLE
from .patterns import runs
from .risk import absentees
from .rules import PERSISTENT, AbsenceRule
from .summary import summarise

_AUTHORISED, _UNAUTHORISED = ABSENT


def long_absence(
    marks: pd.DataFrame,
    calendar: Calendar,
    *,
    at_least: int,
    unit: Literal["days", "sessions"] = "days",
    in_a_row: bool = True,
    whole_days: bool = True,
    codes: Sequence[str] | None = None,
    categories: Sequence[str] = ABSENT,
    within: int = 0,
    until: Day | None = None,
) -> pd.DataFrame:
    """One row per student and long absence, or per student with many absences in all, the longest first.

    Parameters
    ----------
    marks
        Canonical marks. In a row, an absence goes on over holidays and from one academic year to the next.
    calendar
        The school's days. Marks on days when the school is shut are not counted.
    at_least
        From how many days or sessions on an absence is long.
    unit
        What is counted. A sponsor's contacts, for example, are days or sessions, as the sponsor has laid down.
    in_a_row
        True: consecutive ones, which nothing interrupts but days and sessions without school (see :func:`runs`).
        False: all of the academic year.
    whole_days
        With days, True: only days on which every possible session was missed in this way. False: any day with such a
        session.
    codes
        The codes that count, such as ``["I"]``; all codes of ``categories`` if not given. Absences with other codes
        interrupt, as attending does.
    categories
        The categories that count: ``"authorised_absence"``, ``"unauthorised_absence"`` or both.
    within
        Also lists absences that lack so many days or sessions, in a row only those that go on.
    until
        The last day to count; the :func:`newest_register` if not given.

    Returns
    -------
    DataFrame
        ``realm`` if the marks have it, ``student_id``, ``days`` (how many count) or instead ``sessions`` (how many
        count), ``absent_sessions`` (of this kind, with half-days that are no whole day), ``first_date``, ``last_date``,
        ``reached_date`` (the day of the last session that made it long; missing if it is not), ``to_go`` (how many more
        make it long), ``codes`` (each code with its sessions, the most frequent first) and, in a row, ``ongoing`` (not
        attended since, up to the last mark).

    Raises
    ------
    BadArgumentError
        A number or a choice cannot be used, the frame holds several schools or, if not in a row, several years.

    Warns
    -----
    HubmisWarning
        Marks lie outside the calendar, or a session of a student has several rows.

    Notes
    -----
    England, from 19 August 2024: a school returns to the local authority who was absent without authorisation for
    **10 continuous school days** (``at_least=10, categories=["unauthorised_absence"]``), and who is expected to be ill
    for **15 days, consecutive or in all** (``at_least=15, codes=["I"]``, and again with ``in_a_row=False``). For a
    sponsored student, **10 consecutive contacts** missed without permission are reported within 10 working days
    (Home Office; older guidance: keep both numbers as settings). Ireland: **20 days** in all (Education (Welfare) Act
    2000, section 21(4); ``at_least=20, in_a_row=False, whole_days=False``). Councils differ: ask yours.
    """
    for name, number, least in (("at_least", at_least, 1), ("within", within, 0)):
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise BadArgumentError(f"long_absence: {name} is a whole number, {least} or more, and not {number!r}.")
    if unit not in ("days", "sessions"):
        raise BadArgumentError(f"long_absence: unit takes 'days' or 'sessions', not {unit!r}.")
    if isinstance(codes, str):
        raise BadArgumentError(f"long_absence: codes takes a list such as ['I'], not {codes!r}.")
    kinds = [categories] if isinstance(categories, str) else list(categories)
    if not kinds or not set(kinds) <= set(ABSENT):
        raise BadArgumentError(
            f"long_absence: categories takes {' and '.join(ABSENT)}, or one of them, not {categories!r}."
        )
    check_marks(marks, "long_absence", duplicates=True)
    check_calendar(calendar, "long_absence")
    last = newest_register(marks) if until is None else as_day(until, "long_absence: until")
    marks = marks[marks["date"] <= last]
    warn_out_of_range(marks, calendar, "long_absence")
    opened = marks[calendar.lookup(marks["date"], ["is_open"])["is_open"].to_numpy(dtype=bool)]
    person = person_columns(marks)
    if not in_a_row:
        groups = number_groups(opened, person, calendar, "long_absence", [])
        refuse_several_years(years_of_groups(opened, groups.number, "long_absence", calendar), "long_absence")
    counts = opened["category"].isin(kinds)
    if codes is not None:
        counts &= opened["code"].isin(list(codes)).fillna(False)
    counted = _counted(opened, counts, person)
    keys = person
    if in_a_row:
        # What counts is one category and other absences are the other one, which ends a run.
        other = opened["category"].isin(ABSENT) & ~counts
        category = opened["category"].mask(counts, _UNAUTHORISED).mask(other, _AUTHORISED)
        found = runs(opened.assign(category=category), calendar, categories=[_UNAUTHORISED])
        found = found[[*person, "start", "ongoing"]].sort_values("start")
        # Runs of a student do not overlap: each session is of the last one that began before it.
        counted = pd.merge_asof(
            counted.sort_values(["date", "session"]), found, left_on="date", right_on="start", by=person
        )
        keys = [*person, "start", "ongoing"]
    absences = _absences(counted, keys, unit if unit == "sessions" else "whole" if whole_days else "days", at_least)
    absences["to_go"] = (at_least - absences["amount"]).clip(lower=0)
    shown = absences["to_go"].eq(0)
    shown |= absences["to_go"].le(within) & (absences["ongoing"] if in_a_row else True)
    absences = absences[shown].rename(columns={"amount": unit})
    columns = [*person, unit, "absent_sessions", "first_date", "last_date", "reached_date", "to_go", "codes"]
    frame = absences[[*columns, *(["ongoing"] if in_a_row else [])]]
    order = [unit, "absent_sessions", *person, "first_date"]
    return frame.sort_values(order, ascending=[False, False, *(True for _ in order[2:])], ignore_index=True)


def _counted(opened: pd.DataFrame, counts: pd.Series, person: list[str]) -> pd.DataFrame:
    """The sessions that count, in order, with whether they are the last of a day that was missed throughout."""
    day = [*person, "date"]
    possible = opened["category"].isin(POSSIBLE).astype("int64")
    sums = pd.DataFrame({"possible": possible, "counted": counts.astype("int64")}).groupby(
        [opened[name] for name in day], sort=False
    )
    whole = sums["possible"].transform("sum") == sums["counted"].transform("sum")
    rows = opened.loc[counts, [*day, "session", "code"]].assign(is_whole=whole[counts])
    rows = rows.sort_values([*day, "session"], ignore_index=True)  # am before pm
    last = ~rows.duplicated(day, keep="last")
    return rows.assign(days=last, whole=last & rows["is_whole"], sessions=True)


def _absences(counted: pd.DataFrame, keys: list[str], amount: str, at_least: int) -> pd.DataFrame:
    """One row per absence: how long it was, when it became long, and with which codes."""
    counted = counted.sort_values([*keys, "date", "session"], ignore_index=True)
    groups = counted.groupby(keys, sort=False)
    so_far = groups[amount].cumsum()
    reached = counted[so_far.eq(at_least) & counted[amount]].groupby(keys, sort=False)["date"].first()
    frame = groups.agg(
        amount=(amount, "sum"), absent_sessions=("date", "size"), first_date=("date", "min"), last_date=("date", "max")
    )
    frame["reached_date"] = reached.reindex(frame.index)
    of_code = counted.assign(code=counted["code"].astype("str").fillna("no code"))
    of_code = of_code.groupby([*keys, "code"], sort=False).size().rename("n").reset_index()
    of_code = of_code.sort_values(["n", "code"], ascending=[False, True])
    of_code["text"] = of_code["code"] + " " + of_code["n"].astype("str")
    frame["codes"] = of_code.groupby(keys, sort=False)["text"].agg(", ".join).reindex(frame.index)
    types = {"amount": "int64", "absent_sessions": "int64", "reached_date": "datetime64[us]", "codes": "str"}
    return frame.reset_index().astype(types)


def status_changes(
    marks: pd.DataFrame,
    since: Day,
    *,
    until: Day | None = None,
    rule: AbsenceRule = PERSISTENT,
    calendar: Calendar | None = None,
) -> pd.DataFrame:
    """One row per student who came under an absence rule since a day, or no longer is, the largest change first.

    Parameters
    ----------
    marks
        Canonical marks of one academic year.
    since
        The first day of the change: compared are the marks before it with those up to ``until``.
    until
        The last day to count; the :func:`newest_register` if not given.
    rule
        The rule.
    calendar
        The school's days, for a rule by days.

    Returns
    -------
    DataFrame
        ``realm`` if the marks have it, ``student_id``, ``moved`` (``"into"`` or ``"out of"`` the rule),
        ``previous_absence_rate`` and ``absence_rate`` (per cent of possible sessions since the year began; missing if
        there were none), ``absent_sessions`` and ``possible_sessions`` (up to ``until``) and
        ``further_absent_sessions`` (of these, those since the day).

    Raises
    ------
    BadArgumentError
        The days cannot be used, or the marks are of several academic years.
    """
    check_marks(marks, "status_changes")
    first = as_day(since, "status_changes: since")
    last = newest_register(marks) if until is None else as_day(until, "status_changes: until")
    if first > last:
        raise BadArgumentError(f"status_changes: since ({first:%Y-%m-%d}) is after the last day, {last:%Y-%m-%d}.")
    person = person_columns(marks)
    marks = marks[marks["date"] <= last]
    earlier = marks[marks["date"] < first]
    columns = ["possible_sessions", "absent_sessions", "absence_rate"]
    now, before = (summarise(rows, person, calendar=calendar)[[*person, *columns]] for rows in (marks, earlier))
    joined = now.merge(before, how="left", on=person, suffixes=("", "_before"))
    is_now, was = (
        joined["student_id"].isin(absentees(rows, rules=[rule], calendar=calendar)["student_id"])
        for rows in (marks, earlier)
    )
    joined["moved"] = pd.Series(np.where(was, "out of", "into"), index=joined.index, dtype="str")
    joined["previous_absence_rate"] = joined["absence_rate_before"]
    missed_before = joined["absent_sessions_before"].fillna(0).astype("int64")
    joined["further_absent_sessions"] = joined["absent_sessions"] - missed_before
    moved = joined[was != is_now]
    change = (moved["absence_rate"] - moved["previous_absence_rate"].fillna(0)).abs()
    shown: Iterable[str] = [
        *person, "moved", "previous_absence_rate", "absence_rate", "absent_sessions", "possible_sessions",
        "further_absent_sessions",
    ]  # fmt: skip
    return moved.loc[change.sort_values(ascending=False, kind="stable").index, list(shown)].reset_index(drop=True)
