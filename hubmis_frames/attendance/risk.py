"""Whose absence meets a rule, and who is near to it."""

import functools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..analysis.calendar import SESSIONS, Calendar, Day, check_calendar
from ..analysis.columns import as_day
from ..analysis.groups import By, Whole, as_list, number_groups
from ..analysis.realms import person_columns
from ..errors import BadArgumentError
from ..frames.partitions import Frame
from .canonical import enrolment_bound, newest_register
from .checks import check_marks, refuse_several_years, warn_out_of_range
from .codes import POSSIBLE
from .partial_counts import by_people, concatenate
from .rules import PERSISTENT, SEVERE, AbsenceRule, amount_column, check_rules
from .summary import count_marks, rule_columns, summary_of

_OF_STUDENT = [
    "possible_sessions", "absent_sessions", "absence_rate", "authorised_rate", "unauthorised_rate", "unmarked_sessions",
]  # fmt: skip


def absentees(
    marks: Frame,
    by: By = None,
    *,
    rules: Sequence[AbsenceRule] = (PERSISTENT, SEVERE),
    calendar: Calendar | None = None,
    across_years: bool = False,
) -> pd.DataFrame:
    """One row per student whose absence meets a rule, the most absent first.

    Parameters
    ----------
    marks
        Canonical marks, as for :func:`summarise`. All of them together are one period: give those of one academic year
        or term, or use ``by``.
    by
        Columns or periods within which to look, as for :func:`summarise`: ``by="term"`` gives one row per student and
        term in which the student met a rule.
    rules
        The rules: by default :data:`PERSISTENT` and :data:`SEVERE`, the Department for Education's.
    calendar
        The school's days, if ``by`` needs them.
    across_years
        Allow a student's figures over several academic years.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``realm`` if the marks have it, ``student_id``, ``possible_sessions``,
        ``absent_sessions``, ``absence_rate``, ``authorised_rate``, ``unauthorised_rate`` (per cent of the student's own
        possible sessions), ``unmarked_sessions``, and for each rule, by its name, here ``persistent``: a flag
        ``persistent``, and where the rule counts something other than absent sessions, ``persistent_days`` or
        ``persistent_sessions`` (what it counted). For names and forms, use ``hf.join(result, students)``.

    Raises
    ------
    BadArgumentError
        As for :func:`summarise`.

    Notes
    -----
    See :func:`summarise`. Each rule states its source: ``print(rule)``.
    """
    rules = check_rules(rules, "absentees")
    if not rules:
        raise BadArgumentError("absentees: give at least one rule, such as rules=[hf.attendance.PERSISTENT].")
    first = as_list(by)
    person = [name for name in person_columns(marks) if name == "student_id" or name not in first]
    names = [*(name for name in first if name != "student_id"), *person]
    groups = [name for name in names if name not in person]
    if taken := [rule.name for rule in rules if rule.name in (*names, *_OF_STUDENT)]:
        raise BadArgumentError(
            f"absentees: the result has a column {taken[0]!r} of its own. Rename the group or the rule."
        )
    count = functools.partial(_absentees, by=names, calendar=calendar, rules=rules, across_years=across_years)
    parts = by_people(count, marks, names, "absentees")
    frame = concatenate([part for part in parts if len(part)] or parts[:1])
    # The groups in their order over all parts, and within each the most absent first.
    order = number_groups(frame.assign(date=frame["_first_date"]), groups, None, "absentees", [])
    for name in groups:
        frame[name] = order.keys[name].take(order.number).set_axis(frame.index)
    frame = frame.assign(_group=order.number)
    frame = frame.sort_values(
        ["_group", "absence_rate", *person], ascending=[True, False, *(True for _ in person)], ignore_index=True
    )
    return frame.drop(columns=["_first_date", "_group"])


def _absentees(
    marks: pd.DataFrame,
    by: list[str],
    calendar: Calendar | None,
    rules: Sequence[AbsenceRule],
    across_years: bool,
) -> pd.DataFrame:
    counts = count_marks(marks, by, calendar, rules, caller="absentees")
    if not across_years:
        refuse_several_years(counts.years, "absentees")
    frame = summary_of(counts)[[*by, *_OF_STUDENT]].assign(_first_date=counts.first_date)
    listed = np.zeros(len(frame), dtype=bool)
    for rule, (_, met, absent, _) in zip(rules, rule_columns(counts, rules), strict=True):
        listed |= met > 0
        frame[rule.name] = met > 0
        if name := amount_column(rule):
            frame[name] = absent
    return frame[listed]


def at_risk(
    marks: pd.DataFrame,
    calendar: Calendar,
    *,
    rule: AbsenceRule = PERSISTENT,
    on: Day | None = None,
    within_sessions: int = 10,
    enrolment: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per student: how near to meeting an absence rule this year, and whether that can still be avoided.

    Parameters
    ----------
    marks
        Canonical marks. Those of the academic year of ``on`` count, up to that day.
    calendar
        The school's days, for the sessions that are still to come.
    rule
        The rule: by default :data:`PERSISTENT`, 10 per cent of the student's own possible sessions.
    on
        The day from which to look ahead; the :func:`newest_register` if not given. For a part of the school, give the
        newest register of the whole school.
    within_sessions
        A student is at risk if this many more sessions of absence in a row would make the student meet the rule. For a
        rule by days, the days over which the next so many sessions stretch.
    enrolment
        A frame with ``student_id`` and ``leaving_date``: no sessions are expected after a student has left.

    Returns
    -------
    DataFrame
        The nearest first (by ``can_still_miss``, then by the higher rate):

        - ``realm`` if the marks have it, and ``student_id``;
        - ``possible_sessions``, ``absent_sessions`` and ``absence_rate`` (per cent) so far; where the rule counts
          something else, also ``<rule>_sessions``, or ``possible_days`` and ``<rule>_days``;
        - ``status``: the rule's name, such as ``persistent``, for students who meet it; ``at risk``
          (``sessions_until`` is at most ``within_sessions``) or ``below``; missing without a possible session so far;
        - ``sessions_until``: after how many more sessions of absence *in a row from now* the student would meet the
          rule; 0 for those who do; missing without a possible session so far, and where no number is enough;
        - ``remaining_sessions``: until the end of the year's last term;
        - ``can_still_miss``: how many of these the student can miss and still end the year without meeting the rule. A
          negative number says that none can be missed, and by how many sessions the absence so far is too high;
        - ``avoidable``: attending all remaining sessions would end the year without meeting the rule;
        - ``sessions_to_recover``: for students who meet the rule, how many sessions to attend in a row until they do
          not; missing if the year is too short for that, and for all other students.

        A rule by days counts days in all of these: ``days_until``, ``remaining_days``, ``can_still_miss`` and
        ``days_to_recover``. A day that is not over is still to come and in no figure, except for students whose marks
        have decided already how it counts. If the sessions left of such a day are all that the student lacks of the
        rule's minimum, ``days_until`` is 0, and the status is ``at risk`` until the day is over.

    Raises
    ------
    BadArgumentError
        ``on`` is not a day or lies before the calendar's first term, or ``within_sessions`` is below 1.

    Warns
    -----
    HubmisWarning
        Marks lie outside the calendar, or a session of a student has several rows.

    Notes
    -----
    Arithmetic on the rule's definition, not a forecast. Each session for which the calendar expects a register counts
    as possible for every student; study leave counts as absence, and closures still to come reduce the number. A
    student who has left and has no ``leaving_date`` appears as if still here. The sessions of the day ``on`` for which
    most students have no mark yet are still to come.
    """
    check_marks(marks, "at_risk", duplicates=True)
    check_calendar(calendar, "at_risk")
    (rule,) = check_rules([rule], "at_risk")
    if rule.name == "below":
        raise BadArgumentError("at_risk: status is below for students who do not meet the rule. Rename the rule.")
    if within_sessions < 1:
        raise BadArgumentError(f"at_risk: within_sessions must be at least 1, not {within_sessions!r}.")
    day = newest_register(marks) if on is None else as_day(on, "at_risk: on")
    if pd.isna(day):
        raise BadArgumentError("at_risk: there are no marks. Give the day from which to look ahead: on='2026-07-03'.")
    year = calendar.year_of(day)
    if year is None:
        raise BadArgumentError(f"at_risk: {day:%Y-%m-%d} is before the calendar's first term.")
    warn_out_of_range(marks[marks["date"] <= day], calendar, "at_risk")
    terms = calendar.terms[calendar.terms["academic_year"].eq(year)]
    start, end = terms["start"].min(), terms["end"].max()
    counted = marks[(marks["date"] >= start) & (marks["date"] <= day)]
    ahead = calendar.days.loc[day:end, list(SESSIONS)]
    to_come = _still_to_come(counted[counted["date"].eq(day)], ahead[ahead.index == day])
    counted = counted[~(counted["date"].eq(day) & counted["session"].astype("str").isin(to_come))]
    sessions = ahead.sum(axis=1).mask(ahead.index == day, len(to_come))
    sessions = sessions[sessions > 0]

    person = person_columns(marks)
    counts = count_marks(counted, person, None, [rule], caller="at_risk")
    frame = summary_of(counts)[[*person, "possible_sessions", "absent_sessions", "absence_rate"]]
    ((_, _, missed, of),) = rule_columns(counts, [rule])
    possible = frame["possible_sessions"].to_numpy()
    last = pd.Series(end, index=frame.index)
    if enrolment is not None:
        left = enrolment_bound(enrolment, frame["student_id"], "end", calendar.timezone)
        last = last.where(~(left < last), left)
    days = np.searchsorted(sessions.index, last.to_numpy(), side="right")
    total = np.concatenate([[0], sessions.cumsum()]).astype(np.int64)
    # Until a student has the minimum of possible sessions, no absence meets the rule.
    lacking = np.maximum(rule.minimum_sessions - possible, 0)
    remaining, wait, unit, near = total[days], lacking, "sessions", np.full(len(frame), within_sessions)
    if rule.by_days:
        # Today is a day to come, except for students whose marks have decided already how it counts.
        settling = set(POSSIBLE) - set(rule.categories) if rule.whole_days else set(rule.categories)
        today = counted["date"].eq(day) & bool(to_come)
        done = counted.loc[today & counted["category"].isin(settling), "student_id"]
        undecided = today & ~counted["student_id"].isin(done)
        category = counted["category"].astype("str").mask(undecided, "unmarked")
        counts = count_marks(counted.assign(category=category), person, None, [rule], caller="at_risk")
        ((_, _, missed, of),) = rule_columns(counts, [rule])
        decided = frame["student_id"].isin(done).to_numpy(dtype=np.int64)
        remaining = np.maximum(days - decided, 0)
        wait = np.maximum(np.searchsorted(total, lacking) - decided, 0)
        wait = np.where(lacking > total[-1], -1, wait)
        unit, near = "days", _days_filled(total, within_sessions) - decided
    met = rule.counts(possible) & rule.met(missed, of)
    until = rule.until(missed, of)
    until = np.where((until < 0) | (wait < 0), -1, np.maximum(until, wait))
    in_year = rule.counts(possible + total[days])
    recover = rule.to_recover(missed, of)

    if rule.by_days:
        frame["possible_days"] = of
    if name := amount_column(rule):
        frame[name] = missed
    status = np.select([met, (until >= 0) & (until <= near)], [rule.name, "at risk"], default="below")
    frame["status"] = pd.Series(status, index=frame.index, dtype="str").where(possible > 0)
    frame[f"{unit}_until"] = pd.Series(until, index=frame.index, dtype="Int64").where((possible > 0) & (until >= 0))
    frame[f"remaining_{unit}"] = remaining
    frame["can_still_miss"] = np.where(in_year, np.minimum(rule.most(of + remaining) - missed, remaining), remaining)
    frame["avoidable"] = ~(in_year & rule.met(missed, of + remaining))
    can_recover = met & (recover > 0) & (recover <= remaining)
    frame[f"{unit}_to_recover"] = pd.Series(recover, index=frame.index, dtype="Int64").where(can_recover)
    ascending = [True, False, *(True for _ in person)]
    return frame.sort_values(["can_still_miss", "absence_rate", *person], ascending=ascending, ignore_index=True)


def _days_filled(total: Whole, number: int) -> int:
    """Over how many days so many sessions to come stretch; ``total`` are those up to the end of each day.

    Sessions beyond the year lie on days like its fullest one to come.
    """
    beyond, most = number - int(total[-1]), int(np.diff(total, prepend=0).max())
    if beyond <= 0:
        return int(np.searchsorted(total, number))
    return len(total) - 1 + -(-beyond // most if most else -beyond)


def _still_to_come(marks: pd.DataFrame, planned: pd.DataFrame) -> list[str]:
    """The sessions of one day whose register is not taken yet: those after the last that was."""
    students = marks[marks["category"].ne("unmarked")].groupby("session", observed=True)["student_id"].nunique()
    # An appointment booked for the afternoon is not a register.
    taken = [session for session in SESSIONS if students.get(session, 0) >= students.max() / 2]
    later = SESSIONS[SESSIONS.index(taken[-1]) + 1 :] if taken else SESSIONS
    return [session for session in later if len(planned) and planned[session].iloc[0]]
