"""Checks of the marks to read before any rate."""

import numpy as np
import pandas as pd

from ..analysis.calendar import SESSIONS, Calendar, check_calendar
from .canonical import REPORT, enrolment_bound, on_closed_days
from .checks import category_numbers, check_marks
from .codes import CATEGORIES
from .summary import per_cent

_RECENT_DAYS = 5


def data_quality(
    marks: pd.DataFrame, calendar: Calendar | None = None, *, enrolment: pd.DataFrame | None = None
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
          which the student has no row at all.

    Notes
    -----
    *Working together to improve school attendance* (August 2024): ``N`` must be replaced within five school days.
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
    possible = category_numbers(marks, "data_quality") < CATEGORIES.index("not_possible")
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
        rows.append(
            _row("no mark on an open day", _gaps(marks, calendar, enrolment), "in no rate; was the register taken?")
        )
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


def _single_sessions(marks: pd.DataFrame) -> pd.DataFrame:
    """Marks of students who have one session on a day on which the school has both."""
    both = marks.groupby("date")["session"].transform("nunique").eq(len(SESSIONS))
    single = ~marks.duplicated(["student_id", "date"], keep=False)
    return marks[both & single]


def _gaps(marks: pd.DataFrame, calendar: Calendar, enrolment: pd.DataFrame | None) -> pd.DataFrame:
    """One row per session of an open day, within the span of the marks, for which a student has no mark."""
    first, last = marks["date"].min(), marks["date"].max()
    opens = calendar.open_days(since=first, until=last) if len(marks) else calendar.open_days()[:0]
    spans = marks.groupby("student_id")["date"].agg(["min", "max"]).reset_index()
    if enrolment is not None:
        start = enrolment_bound(enrolment, spans["student_id"], "start")
        end = enrolment_bound(enrolment, spans["student_id"], "end")
        spans["min"], spans["max"] = start.fillna(spans["min"]).clip(lower=first), end.fillna(last).clip(upper=last)
    # A grid of students and open days, each with how many of its sessions have a mark.
    student = pd.Index(spans["student_id"]).get_indexer(pd.Index(marks["student_id"]))
    day = opens.get_indexer(pd.DatetimeIndex(marks["date"]))
    wide = len(opens)
    counts = np.bincount((student * wide + day)[day >= 0], minlength=len(spans) * wide).reshape(len(spans), wide)
    dates = opens.to_numpy()
    expected = (dates >= spans["min"].to_numpy()[:, None]) & (dates <= spans["max"].to_numpy()[:, None])
    missing = np.where(expected, np.maximum(len(SESSIONS) - counts, 0), 0)
    student, day = np.nonzero(missing)
    repeat = missing[student, day]
    return pd.DataFrame(
        {"student_id": spans["student_id"].to_numpy()[student].repeat(repeat), "date": dates[day].repeat(repeat)}
    )
