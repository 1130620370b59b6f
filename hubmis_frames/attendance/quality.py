"""Checks of the marks to read before any rate: what is missing, which registers were not taken, and unusual codes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import SESSIONS, Calendar, Day, check_calendar
from ..analysis.columns import as_days, require_columns
from ..analysis.groups import By, as_list, check_students, number_groups
from ..analysis.realms import with_realm
from ..errors import BadArgumentError
from .canonical import REPORT, enrolment_bound, newest_register, on_closed_days
from .checks import category_numbers, check_marks
from .codes import POSSIBLE
from .summary import per_cent

_RECENT_DAYS = 5
_BOARDING = "boarding_type_name"
_KEPT = 10
"""A register is kept in a session of the week if one expected mark in so many is there."""


def data_quality(
    marks: pd.DataFrame,
    calendar: Calendar | None = None,
    *,
    enrolment: pd.DataFrame | None = None,
    students: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per check of the marks, with how many sessions and students it concerns.

    Parameters
    ----------
    marks
        Canonical marks.
    calendar
        The school's days; without it, the checks that need them are left out.
    enrolment
        ``student_id`` with ``start_date``, ``leaving_date`` or both: sessions are expected between these dates.
        Without it, a student is expected from their first to their last mark, so a student who left early has no gap.
    students
        The school's students: ``student_id``, and ``boarding_type_name`` if some board. Those without any mark are
        expected too, on all days with marks. If neither these nor the marks have ``boarding_type_name``, boarders for
        whom no register is kept count as missing.

    Returns
    -------
    DataFrame
        ``check``, ``detail`` (the code, or why the school was shut), ``sessions``, ``share`` (per cent of all marks),
        ``students``, ``first_date``, ``last_date`` and ``meaning`` (what it does to the figures). A check without a
        finding has a row with 0, which shows that it was made. Checks:

        - ``all marks``; ``unmarked``; ``unmapped`` (one row per code); ``no reason yet`` (``N`` on the last five days
          with a possible session);
        - ``repeated``, ``without student, day or session``, ``outside enrolment``: rows that :func:`marks` left out
          (missing if the frame has lost these numbers, for example in a concatenation);
        - ``counted twice``: further rows for one student, date and session, from a join or a concatenation after
          :func:`marks`;
        - ``one session of a day``: the student has a mark for one session of a day on which others have both;
        - ``no possible session``: students without a rate;
        - with ``calendar``: ``on a closed day`` (one row per reason), and ``no mark on an open day``: sessions for
          a register was to be kept and the student has no row at all; and if boarding types are known,
          ``no register is kept``: the same, for a boarding type (the detail) of which fewer than one in ten has a mark
          in that session of the week. These are not missing, and not 0 per cent: attendance is recorded for pupils who
          do not board.

    Notes
    -----
    *Working together to improve school attendance* (August 2024): ``N`` must be replaced within five school days.
    Boarders: the School Attendance (Pupil Registration) (England) Regulations 2024, regulation 10(1).
    """
    check_marks(marks, "data_quality")
    if calendar is not None:
        check_calendar(calendar, "data_quality")
    category = marks["category"].astype("str")
    code = marks["code"].astype("str") if "code" in marks else pd.Series("", index=marks.index, dtype="str")
    rows = [
        _row("all marks", marks, "the whole that every share refers to"),
        _row("unmarked", marks[category.eq("unmarked")], "in no rate; if these were absences, absence is higher"),
    ]
    strange = marks[category.eq("unmapped")]
    texts = code[category.eq("unmapped")].fillna("")
    rows += [
        _row("unmapped", strange[texts.eq(text)], "in no rate until the code map has it", str(text))
        for text in texts.value_counts().index
    ] or [_row("unmapped", strange, "every code has a category")]
    possible = category_numbers(marks, "data_quality") < len(POSSIBLE)
    days = np.sort(marks.loc[possible, "date"].unique())
    recent = marks["date"].isin(days[-_RECENT_DAYS:])
    rows.append(
        _row("no reason yet", marks[recent & code.eq("N")], "unauthorised until a reason comes: recent rates move")
    )
    rows += _left_out(marks)
    repeated = marks.duplicated(["student_id", "date", "session"])
    rows.append(_row("counted twice", marks[repeated], "counted once per row: keep one row of each"))
    rows.append(_row("one session of a day", _single_sessions(marks), "the other session is in no rate"))
    without = marks[~marks["student_id"].isin(marks.loc[possible, "student_id"])]
    rows.append(_row("no possible session", without, "in no rate, and not counted for persistent absence"))
    if calendar is not None:
        closed = on_closed_days(marks, calendar)
        reasons = closed["closed_as"].value_counts().index
        rows += [
            _row("on a closed day", closed[closed["closed_as"].eq(reason)], "counted by its code", str(reason))
            for reason in reasons
        ] or [_row("on a closed day", closed, "none")]
        gaps = _gaps(marks, calendar, enrolment, students)
        for boarding_type, unkept in gaps[~gaps["kept"]].groupby(_BOARDING):
            rows.append(_row("no register is kept", unkept, "in no rate; not missing", str(boarding_type)))
        rows.append(_row("no mark on an open day", gaps[gaps["kept"]], "in no rate; was the register taken?"))
    frame = pd.DataFrame(rows)
    frame["share"] = per_cent(frame["sessions"].fillna(0), np.full(len(frame), len(marks)))
    frame.loc[frame["sessions"].isna(), "share"] = np.nan
    frame = frame.astype({"sessions": "Int64", "students": "Int64", "detail": "str"})
    for bound in ("first_date", "last_date"):
        frame[bound] = frame[bound].astype("datetime64[us]")
    order = ["check", "detail", "sessions", "share", "students", "first_date", "last_date", "meaning"]
    return frame[order]


def _row(check: str, rows: pd.DataFrame, meaning: str, detail: str | None = None) -> dict[str, object]:
    return {
        "check": check,
        "detail": detail,
        "sessions": len(rows),
        "students": rows["student_id"].nunique(),
        "first_date": rows["date"].min(),
        "last_date": rows["date"].max(),
        "meaning": meaning,
    }


def _left_out(marks: pd.DataFrame) -> list[dict[str, object]]:
    report = marks.attrs.get(REPORT, {})
    checks = (
        ("repeated", "duplicates", "attending was kept before absent"),
        ("without student, day or session", "unplaced", "left out"),
        ("outside enrolment", "not_enrolled", "left out"),
        ("of removed students", "removed", "left out"),
    )
    return [
        {
            "check": check,
            "detail": None,
            "sessions": report.get(key),
            "students": None,
            "first_date": pd.NaT,
            "last_date": pd.NaT,
            "meaning": meaning,
        }
        for check, key, meaning in checks
    ]


def registers_not_taken(
    marks: pd.DataFrame, calendar: Calendar, by: By = "form_name", *, since: Day | None = None, until: Day | None = None
) -> pd.DataFrame:
    """One row per group, date and session for which no register was taken, the newest first.

    Parameters
    ----------
    marks
        Canonical marks with the columns of ``by``: ``hf.attendance.marks(hf.join(records, students))``.
    calendar
        The school's days.
    by
        The columns that say who shares a register, such as ``"form_name"`` or ``"tutor_group_name"``.
    since, until
        The first and the last day to look at; the first mark and the :func:`newest_register` if not given.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``date``, ``session``, ``students`` (of the group, with marks before and after or on that
        day) and ``marked_students`` (with a mark that is not blank, such as leave that was booked ahead).

    Raises
    ------
    BadArgumentError
        A column is missing, or the frame holds several schools.

    Notes
    -----
    A register counts as taken if at least half of the group's students have a mark. A session of the week in which the
    group has almost never one, such as Saturdays of day pupils, is left out: no register is kept.
    """
    check_marks(marks, "registers_not_taken")
    check_calendar(calendar, "registers_not_taken")
    names = as_list(by)
    if not names:
        raise BadArgumentError("registers_not_taken: by takes the columns that say who shares a register.")
    require_columns(marks, names, "registers_not_taken", "hf.attendance.marks(hf.join(records, students))")
    first, last = as_days(since, until, "registers_not_taken")
    groups = number_groups(marks, names, calendar, "registers_not_taken", ["students", "marked_students"])
    numbered = marks.assign(_group=groups.number)
    person = numbered.groupby(["_group", "student_id"])["date"].agg(["min", "max"]).reset_index()
    last = newest_register(marks) if last is None else last
    first = marks["date"].min() if first is None else first
    opens = calendar.open_days(since=first, until=last) if len(marks) else calendar.open_days()[:0]
    grid = _grid(numbered[numbered["category"].ne("unmarked")], person, opens, calendar, "_group")
    size, group = len(groups.keys), person["_group"].to_numpy(dtype=np.int64)
    expected, marked = (_sums(part, group, size) for part in (grid.expected, grid.expected & grid.has))
    taken = (2 * marked >= expected) & (expected > 0)
    kept = _kept(taken & (expected > 0), expected > 0, np.arange(size), grid.dates)
    number, day, half = np.nonzero(~taken & (expected > 0) & kept)
    frame = groups.keys.iloc[number].reset_index(drop=True)
    frame["date"] = grid.dates[day]
    frame["session"] = pd.Series(np.array(SESSIONS)[half], dtype="str")
    frame["students"], frame["marked_students"] = expected[number, day, half], marked[number, day, half]
    order = np.lexsort((half, number, -day))
    return frame.iloc[order].reset_index(drop=True)


def heavy_codes(
    marks: pd.DataFrame,
    by: By = "student_id",
    *,
    codes: Sequence[str] = ("B", "K", "C2", "D"),
    at_least: int = 10,
    calendar: Calendar | None = None,
) -> pd.DataFrame:
    """One row per group and code that it has more than twice as often as the rest of the school, the most first.

    Parameters
    ----------
    marks, by, calendar
        As for :func:`summarise`; ``by="form_name"`` or ``by="week"`` compare forms or weeks.
    codes
        The codes to look at. By default those that inspectors and authorities ask about: off-site activity, provision
        arranged by the authority, part-time timetables and dual registration.
    at_least
        The smallest number of marks worth listing.

    Returns
    -------
    DataFrame
        The columns of ``by``, ``code``, ``marks`` (with this code), ``share`` (per cent of the group's marks) and
        ``usual_share`` (per cent of all other marks of the school).

    Raises
    ------
    BadArgumentError
        A column is missing, or ``at_least`` is not at least 1.

    Notes
    -----
    Not a published measure. It shows what to look at, and not that a code was used wrongly.
    """
    check_marks(marks, "heavy_codes", duplicates=True)
    if at_least < 1:
        raise BadArgumentError(f"heavy_codes: at_least must be at least 1, not {at_least!r}.")
    if isinstance(codes, str):
        raise BadArgumentError(f"heavy_codes: codes takes a list such as ['B', 'K'], not {codes!r}.")
    made = ["code", "marks", "share", "usual_share"]
    groups = number_groups(marks, with_realm(by, marks), calendar, "heavy_codes", made)
    size = len(groups.keys)
    of_group = np.bincount(groups.number, minlength=size)
    parts = []
    for code in codes:
        counts = np.bincount(groups.number[marks["code"].eq(code).fillna(False).to_numpy(dtype=bool)], minlength=size)
        others, rest = counts.sum() - counts, len(marks) - of_group
        # In whole numbers: the share is more than twice that of the rest.
        heavy = (counts >= at_least) & (counts * rest > 2 * others * of_group)
        part = groups.keys.assign(code=pd.Series(code, index=groups.keys.index, dtype="str"), marks=counts)
        part["share"], part["usual_share"] = per_cent(counts, of_group), per_cent(others, rest)
        parts.append(part[heavy])
    if not parts:
        raise BadArgumentError("heavy_codes: codes has no code.")
    frame: pd.DataFrame = pd.concat(parts)
    return frame.sort_values("marks", ascending=False, kind="stable", ignore_index=True)


def _single_sessions(marks: pd.DataFrame) -> pd.DataFrame:
    """Marks of students who have one session on a day on which most students have both."""
    students = marks.groupby(["date", "session"], observed=True)["student_id"].nunique().unstack(fill_value=0)
    both = students.reindex(columns=list(SESSIONS), fill_value=0)
    days = both.index[(2 * both.min(axis=1) >= both.max(axis=1)).to_numpy()]
    single = ~marks.duplicated(["student_id", "date"], keep=False)
    return marks[marks["date"].isin(days) & single]


class _Grid(NamedTuple):
    """Students by open days by sessions."""

    dates: pd.DatetimeIndex
    expected: npt.NDArray[np.bool_]
    has: npt.NDArray[np.bool_]


def _grid(marks: pd.DataFrame, spans: pd.DataFrame, opens: pd.DatetimeIndex, calendar: Calendar, *keys: str) -> _Grid:
    """Which sessions are expected of each row of ``spans`` (from ``min`` to ``max``), and which have a mark."""
    names = [*keys, "student_id"]
    row = pd.MultiIndex.from_frame(spans[names]).get_indexer(pd.MultiIndex.from_frame(marks[names]))
    day = opens.get_indexer(pd.DatetimeIndex(marks["date"]))
    half = marks["session"].astype("str").eq(SESSIONS[1]).to_numpy(dtype=np.int64)
    has = np.zeros((len(spans), len(opens), len(SESSIONS)), dtype=bool)
    known = (row >= 0) & (day >= 0)
    has[row[known], day[known], half[known]] = True
    dates = opens.to_numpy()
    within = (dates >= spans["min"].to_numpy()[:, None]) & (dates <= spans["max"].to_numpy()[:, None])
    planned = calendar.days.loc[opens, list(SESSIONS)].to_numpy(dtype=bool)
    return _Grid(opens, within[:, :, None] & planned[None], has)


def _sums(part: npt.NDArray[np.bool_], group: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """How many students of each group are true in each session."""
    totals = np.zeros((size, *part.shape[1:]), dtype=np.int64)
    np.add.at(totals, group, part)
    return totals


def _kept(
    has: npt.NDArray[np.bool_], expected: npt.NDArray[np.bool_], kind: npt.NDArray[np.int64], dates: pd.DatetimeIndex
) -> npt.NDArray[np.bool_]:
    """Whether a register is kept: enough of those expected of a kind have a mark in that session of the week."""
    kept = np.ones(expected.shape, dtype=bool)
    weekday = dates.day_of_week.to_numpy()
    for day in np.unique(weekday):
        on = weekday == day
        marked, of = ((part[:, on]).sum(axis=1, dtype=np.int64) for part in (has & expected, expected))
        size = int(kind.max(initial=-1)) + 1
        totals = [np.zeros((size, part.shape[1]), dtype=np.int64) for part in (marked, of)]
        for total, part in zip(totals, (marked, of), strict=True):
            np.add.at(total, kind, part)
        kept[:, on] = (_KEPT * totals[0] >= totals[1])[kind][:, None]
    return kept


def _gaps(
    marks: pd.DataFrame, calendar: Calendar, enrolment: pd.DataFrame | None, students: pd.DataFrame | None
) -> pd.DataFrame:
    """One row per session of an open day, within the span of the marks, for which a student has no mark.

    ``student_id``, ``date``, ``session``, ``boarding_type_name`` and ``kept``: whether a register is kept for the
    student's boarding type in that session of the week.
    """
    first, last = marks["date"].min(), marks["date"].max()
    opens = calendar.open_days(since=first, until=last) if len(marks) else calendar.open_days()[:0]
    spans = marks.groupby("student_id")["date"].agg(["min", "max"]).reset_index()
    people = None if students is None else check_students(students, "data_quality")
    if people is not None:
        unseen = people.loc[~people["student_id"].isin(spans["student_id"]), ["student_id"]]
        spans = pd.concat([spans, unseen.assign(min=first, max=last)], ignore_index=True)
    if enrolment is not None:
        start, end = (
            enrolment_bound(enrolment, spans["student_id"], bound, calendar.timezone) for bound in ("start", "end")
        )
        spans["min"], spans["max"] = start.fillna(spans["min"]).clip(lower=first), end.fillna(last).clip(upper=last)
    source = next((frame for frame in (people, marks) if frame is not None and _BOARDING in frame), None)
    if source is None:
        boarding = pd.Series(pd.NA, index=spans.index, dtype="str")
    else:
        of_student = source.drop_duplicates("student_id", keep="last").set_index("student_id")[_BOARDING]
        boarding = spans["student_id"].map(of_student).astype("str")
    grid = _grid(marks, spans, opens, calendar)
    kind, _ = pd.factorize(boarding, use_na_sentinel=False)
    kept = _kept(grid.has, grid.expected, kind.astype(np.int64), grid.dates)
    # Where the boarding type is not known, a missing mark is missing.
    kept |= boarding.isna().to_numpy()[:, None, None]
    row, day, half = np.nonzero(grid.expected & ~grid.has)
    return pd.DataFrame(
        {
            "student_id": spans["student_id"].to_numpy()[row],
            "date": grid.dates[day],
            "session": np.array(SESSIONS)[half],
            _BOARDING: boarding.to_numpy()[row],
            "kept": kept[row, day, half],
        }
    )
