"""From what a server sends to canonical marks."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..analysis.calendar import SESSIONS, Calendar, check_calendar
from ..analysis.columns import as_ids, as_times, find_columns, local_dates
from ..analysis.realms import REALM, realms_of, rows_of_school
from ..errors import BadArgumentError, warn
from ..frames.output import GUARDED
from ..frames.partitions import by_partition
from .checks import CANONICAL, category_numbers, check_marks
from .codes import CATEGORIES, GIVEN, CodeMap

REPORT = "attendance_marks"
"""Where a frame of marks keeps, in its ``attrs``, what was found while it was made."""

_KNOWN = {
    "student_id": ("student_id", "pupil_id", "person_id"),
    "date": ("date", "attendance_date", "session_date", "mark_date"),
    "instant": ("date_time", "datetime", "attendance_date_time", "timestamp", "marked_at"),
    "session": ("attendance_session", "session", "session_name", "attendance_session_name", "am_pm"),
    "code": ("attendance_code_code", "code", "attendance_code", "mark", "attendance_mark"),
    "code_id": ("attendance_code_id", "code_id"),
}
_HALVES = {"am": "am", "a": "am", "morning": "am", "pm": "pm", "p": "pm", "afternoon": "pm"}


@by_partition()
def marks(
    frame: pd.DataFrame,
    codes: pd.DataFrame | None = None,
    *,
    code_map: CodeMap | str = "england",
    columns: Mapping[str, str] | None = None,
    calendar: Calendar | None = None,
    enrolment: pd.DataFrame | None = None,
    timezone: str = "Europe/London",
) -> pd.DataFrame:
    """Canonical marks: one row per student, date and session.

    Parameters
    ----------
    frame
        What ``load_student_attendance`` gave, or any frame with a row per mark. To group by form, year group or house
        later, join the students first: ``hf.attendance.marks(hf.join(records, students))``. Of several schools
        (``realm``) each is read for itself. A Dask frame gives a Dask frame: each school has to lie in one partition,
        as :func:`hubmis_frames.read` puts it.
    codes
        What ``load_attendance_codes`` gave. Needed where ``frame`` has the ids of codes alone; else it lends an
        unmapped code its description. With ``realm``, each school's codes are its own.
    code_map
        Which category each code has: ``"england"`` or a :class:`CodeMap`.
    columns
        Which column holds ``student_id``, ``date``, ``instant``, ``session``, ``code`` or ``code_id``, where it is
        not one of the known names: ``{"session": "half"}``.
    calendar
        When the school is open: marks on other days are listed (:func:`on_closed_days`) and counted aloud. They stay:
        whether the calendar or the register is wrong, this cannot know. For one school alone.
    enrolment
        What ``load_student_enrolment`` gave (``start_date``), or a frame with ``student_id`` and a ``start_date``,
        a ``leaving_date`` or both. Marks before joining or after leaving are left out, counted aloud.
    timezone
        Where the school is. A mark that has an instant and no date falls on the school's day and, without a session,
        into the morning before 12:00 by the school's clock.

    Returns
    -------
    DataFrame
        ``student_id``, ``date`` (no time), ``session`` (``am`` or ``pm``), ``code`` (exact text), ``category`` (one of
        ``CATEGORIES``), then the other columns of ``frame``. :func:`data_quality` says what was found on the way.

    Raises
    ------
    BadArgumentError
        A column cannot be found (the message names those there are), a session is neither morning nor afternoon, or
        the frame holds several schools and there is a calendar.

    Warns
    -----
    HubmisWarning
        Codes have no category; a student has several marks for one session; a mark has no student, day or session; a
        mark lies on a day when the school is shut, or outside a student's enrolment.

    Notes
    -----
    Of several marks for one student, date and session, the category kept is the first of: present, late, approved
    activity, authorised absence, unauthorised absence, not possible, administrative, unmapped, unmarked. So attending
    beats absent, and a reason given beats none; of equals the first row is kept.

    A rate of earlier years from current students alone leaves out those who have left since, who were often absent
    more: add the marks of ``load_past_students``, or say so.
    """
    if calendar is not None:
        check_calendar(calendar, "marks")
    if len(realms_of(frame)) > 1:
        given = {"codes": codes, "code_map": code_map, "columns": columns, "enrolment": enrolment, "timezone": timezone}
        return _of_each(frame, calendar, given)
    codes = rows_of_school(codes, frame, "marks: codes")
    enrolment = rows_of_school(enrolment, frame, "marks: enrolment")
    if codes is not None and "student_id" in codes and "student_id" not in frame:
        raise BadArgumentError("marks: the marks come first, and then the codes: hf.attendance.marks(records, codes).")
    what = "".join(["marks", *(f" of {realm}" for realm in realms_of(frame))])
    found = _find(frame, columns, codes)
    date, session = _when(frame, found, timezone)
    canonical = pd.DataFrame(
        {
            "student_id": as_ids(frame[found["student_id"]], f"marks: {found['student_id']}"),
            "date": date,
            "session": session,
            "code": _texts(frame, found, codes),
        }
    )
    chosen = code_map if isinstance(code_map, CodeMap) else _named(code_map)
    canonical["category"] = chosen.categorise(canonical["code"], canonical["date"])
    # The record's own id and description go on; what was read into a canonical column does not.
    others = frame.drop(columns={*found.values(), *CANONICAL} & set(frame.columns))
    canonical = pd.concat([canonical, others], axis=1)
    said: dict[str, Any] = {"rows": len(canonical), "unplaced": 0, "not_enrolled": 0, "duplicates": 0}
    placed = canonical[["student_id", "date", "session"]].notna().all(axis=1)
    if not placed.all():
        said["unplaced"] = int((~placed).sum())
        canonical = canonical[placed]
        _warn(f"{said['unplaced']} rows have no student, day or session, and were left out.", what)
    if enrolment is not None:
        inside = _enrolled(canonical, enrolment, timezone)
        if said_out := int((~inside).sum()):
            said["not_enrolled"] = said_out
            canonical = canonical[inside]
            _warn(f"{said_out} marks lie before a student joined or after they left, and were left out.", what)
    canonical, said["duplicates"] = _once(canonical)
    if said["duplicates"]:
        _warn(
            f"{said['duplicates']} marks are further ones for the same student, date and session. Attending was kept "
            "before absent; help(hf.attendance.marks) says the rule.",
            what,
        )
    _say_unmapped(canonical, codes, isinstance(code_map, CodeMap), what)
    if calendar is not None:
        _say_closed(on_closed_days(canonical, calendar), what)
    canonical = canonical.reset_index(drop=True)
    canonical.attrs[REPORT] = said
    return canonical


def on_closed_days(marks: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """Marks on days when the school is shut: one row per mark.

    Returns
    -------
    DataFrame
        The canonical columns, ``closed_as`` (``closure``, ``INSET day``, ``holiday``, ``weekend``, ``outside terms``;
        ``outside the calendar`` where it has no such day) and ``closed_name``. Codes of a closure (``#``, ``Y4``)
        belong here; marks of attending or absent students mean that the calendar or the register is wrong.
    """
    check_marks(marks, "on_closed_days")
    check_calendar(calendar, "on_closed_days")
    days = calendar.lookup(marks["date"], ["is_open", "closed_as", "closed_name"])
    shut = ~days["is_open"]
    reasons = days.loc[shut, ["closed_as", "closed_name"]]
    reasons["closed_as"] = reasons["closed_as"].fillna("outside the calendar")
    return pd.concat([marks.loc[shut, CANONICAL], reasons], axis=1)


def newest_register(marks: pd.DataFrame) -> pd.Timestamp:
    """Return the newest day of which a register is there, whatever has been entered for days to come.

    Leave and visits are booked ahead, some servers send blank marks for days to come, and on a morning the registers
    come in one by one. So this is the last day on which at least half as many students have a possible session as on
    a usual day: that of the median mark, as days booked ahead can be many and their marks are few.

    Parameters
    ----------
    marks
        Canonical marks of one whole school. Of one class or student nobody could tell what is booked.

    Returns
    -------
    Timestamp
        The day; the last one with a mark where nobody has a possible session on any, and ``NaT`` of no marks.
    """
    check_marks(marks, "newest_register")
    known = marks[category_numbers(marks, "newest_register") < CATEGORIES.index("not_possible")]
    days = (marks if known.empty else known)["date"]
    students = (marks if known.empty else known).groupby("date")["student_id"].nunique()
    day: pd.Timestamp = students.index[students >= days.map(students).median() / 2].max()
    return day


def _named(name: str) -> CodeMap:
    if not isinstance(name, str) or name != "england":
        said = repr(name) if isinstance(name, str) else f"a {type(name).__name__}"
        raise BadArgumentError(f"code_map takes 'england' or a CodeMap, not {said}. hf.attendance.CodeMap makes one.")
    return CodeMap.england()


def _find(frame: pd.DataFrame, columns: Mapping[str, str] | None, codes: pd.DataFrame | None) -> dict[str, str]:
    found = find_columns(frame, _KNOWN, columns)
    lacking = ["student_id"] if "student_id" not in found else []
    if "date" not in found and "instant" not in found:
        lacking.append("date (or instant)")
    if "session" not in found and "instant" not in found:
        lacking.append("session (or instant)")
    if "code" not in found and ("code_id" not in found or codes is None):
        lacking.append("code (or code_id, with codes=)")
    if lacking:
        raise BadArgumentError(
            f"marks: found no column for {', '.join(lacking)}. The frame has {', '.join(map(str, frame.columns))}. "
            'Say which it is: columns={"code": "..."}.'
        )
    return found


def _when(frame: pd.DataFrame, found: dict[str, str], timezone: str) -> tuple[pd.Series, pd.Series]:
    date = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]")
    if "date" in found:
        date = local_dates(frame[found["date"]], timezone, f"marks: {found['date']}")
    session = pd.Series(pd.NA, index=frame.index, dtype="str")
    if "session" in found:
        texts = frame[found["session"]].astype("str")
        session = texts.str.strip().str.lower().map(_HALVES).astype("str")
        if (strange := texts[session.isna() & texts.notna()]).size:
            raise BadArgumentError(
                f"marks: the column {found['session']} holds {', '.join(map(repr, strange.unique()[:5]))}, which is "
                "neither am nor pm. Marks of lessons are not sessions: keep those of the two registers a day."
            )
    if "instant" in found and (date.isna().any() or session.isna().any()):
        # The school's clock decides: an early mark in summer is the evening before in UTC.
        instants = as_times(frame[found["instant"]], f"marks: {found['instant']}")
        if isinstance(instants.dtype, pd.DatetimeTZDtype):
            instants = instants.dt.tz_convert(timezone).dt.tz_localize(None)
        date = date.fillna(instants.dt.normalize().astype("datetime64[us]"))
        halves = pd.Series(np.where(instants.dt.hour < 12, *SESSIONS), index=frame.index, dtype="str")
        session = session.fillna(halves.where(instants.notna()))
    return date, session


def _texts(frame: pd.DataFrame, found: dict[str, str], codes: pd.DataFrame | None) -> pd.Series:
    texts = pd.Series(pd.NA, index=frame.index, dtype="str", name="code")
    if "code" in found:
        given = frame[found["code"]]
        # A file with blank marks makes floats of whole numbers; the school's code is 1 and not 1.0.
        if pd.api.types.is_float_dtype(given) and given.dropna().mod(1).eq(0).all():
            given = given.astype("Int64")
        # What hf.to_csv put an apostrophe before comes back as the code that it was.
        texts = given.astype("str").str.replace(GUARDED, "", regex=True)
    if "code_id" in found and codes is not None and {"attendance_code_id", "code"} <= set(codes.columns):
        by_id = codes.dropna(subset="attendance_code_id").drop_duplicates("attendance_code_id")
        named = by_id.set_index(as_ids(by_id["attendance_code_id"], "codes: attendance_code_id"))["code"]
        ids = as_ids(frame[found["code_id"]], f"marks: {found['code_id']}")
        texts = texts.fillna(ids.map(named).astype("str"))
    if "code_id" in found and texts.isna().any():
        # An id that nobody names is a code all the same, and not a missing mark.
        texts = texts.fillna("id " + as_ids(frame[found["code_id"]], f"marks: {found['code_id']}").astype("str"))
    return texts


def enrolment_bound(
    enrolment: pd.DataFrame, students: pd.Series, bound: str, timezone: str = "Europe/London"
) -> pd.Series:
    """The day on which each student joined (``start``) or left (``end``); missing where nobody said."""
    known = {
        "student_id": _KNOWN["student_id"],
        "start": ("start_date", "joining_date", "date_from"),
        "end": ("leaving_date", "end_date", "date_to"),
    }
    found = find_columns(enrolment, known, None)
    if "student_id" not in found or len(found) < 2:
        raise BadArgumentError(
            "enrolment needs student_id and start_date or leaving_date. "
            f"The frame has {', '.join(map(str, enrolment.columns))}."
        )
    ids = as_ids(enrolment[found["student_id"]], "enrolment: student_id")
    students = as_ids(students, "marks: student_id")
    if ids.duplicated().any():
        raise BadArgumentError("enrolment has several rows for a student: give one, from joining to leaving.")
    if bound not in found:
        return pd.Series(pd.NaT, index=students.index, dtype="datetime64[us]")
    days = local_dates(enrolment[found[bound]], timezone, f"enrolment: {found[bound]}").set_axis(pd.Index(ids))
    limits: pd.Series = students.map(days).astype("datetime64[us]")
    return limits


def _enrolled(marks: pd.DataFrame, enrolment: pd.DataFrame, timezone: str) -> pd.Series:
    start, end = (enrolment_bound(enrolment, marks["student_id"], bound, timezone) for bound in ("start", "end"))
    return ~(marks["date"] < start) & ~(marks["date"] > end)


def _once(marks: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    keys = ["student_id", "date", "session"]
    twice = marks.duplicated(keys, keep=False)
    if not twice.any():
        return marks, 0
    order = np.argsort(category_numbers(marks, "marks"), kind="stable")
    further = marks.iloc[order].duplicated(keys).to_numpy()
    keep = np.ones(len(marks), dtype=bool)
    keep[order[further]] = False
    return marks[keep], int(further.sum())


def _say_unmapped(marks: pd.DataFrame, codes: pd.DataFrame | None, own_map: bool, what: str) -> None:
    counts = marks.loc[marks["category"].eq("unmapped"), "code"].value_counts()
    if counts.empty:
        return
    names: dict[str, str] = {}
    if codes is not None and {"code", "description"} <= set(codes.columns):
        names = dict(zip(codes["code"].astype("str"), codes["description"].astype("str"), strict=True))
    parts = (f"{code!r}{f' ({names[code]})' if code in names else ''}: {count}" for code, count in counts.items())
    example = json.dumps({str(counts.index[0]): "approved_activity"}, ensure_ascii=False)
    _warn(
        f"These codes have no category on the day of the mark: {', '.join(parts)} marks. They are counted as unmapped "
        f"and are in no rate. Which category each has is for the school to decide; there are {', '.join(GIVEN)}. If "
        f"{counts.index[0]!r} were approved_activity, you would give "
        f"code_map={'your_map' if own_map else 'hf.attendance.CodeMap.england()'}.extend({example}).",
        what,
    )


def _say_closed(closed: pd.DataFrame, what: str) -> None:
    beyond = closed["closed_as"].eq("outside the calendar")
    # Codes of a closure belong on a closed day; whoever came or was absent then did so by mistake.
    odd = int((~beyond & ~closed["category"].isin(["not_possible", "administrative"])).sum())
    parts = [f"{odd} on days when the school is shut"] if odd else []
    parts += [f"{beyond.sum()} on days that the calendar does not have"] if beyond.any() else []
    if parts:
        _warn(f"{' and '.join(parts)}. They stay; hf.attendance.on_closed_days(marks, calendar) lists them.", what)


def _warn(text: str, what: str) -> None:
    warn(f"{what}: {text}")


def _of_each(frame: pd.DataFrame, calendar: Calendar | None, given: dict[str, Any]) -> pd.DataFrame:
    """The marks of several schools, one after another."""
    if calendar is not None:
        raise BadArgumentError("marks: a calendar is one school's, and the frame holds several schools (realm).")
    parts = [marks(part, **given) for _, part in frame.groupby(REALM, sort=False, dropna=False, observed=True)]
    canonical: pd.DataFrame = pd.concat(parts, ignore_index=True)
    canonical.attrs[REPORT] = {name: sum(part.attrs[REPORT][name] for part in parts) for name in parts[0].attrs[REPORT]}
    return canonical
