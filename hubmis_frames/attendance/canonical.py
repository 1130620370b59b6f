"""From the attendance records that HUBmis sends to canonical marks."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..analysis.calendar import Calendar, check_calendar, check_timezone, year_name
from ..analysis.columns import as_ids, find_columns, local_dates, once_each
from ..analysis.periods import PERIOD_COLUMNS
from ..analysis.realms import REALM, realms_of, rows_of_school
from ..analysis.removed import without_removed
from ..errors import BadArgumentError, warn
from ..frames.output import GUARDED
from ..frames.partitions import by_partition
from .checks import CANONICAL, category_numbers, check_marks, is_repeated
from .codes import GIVEN, POSSIBLE, CodeMap
from .sessions import dates_and_sessions, drop_duplicates, own_zone, refuse_lessons

REPORT = "attendance_marks"
"""The key in ``attrs`` under which a frame of marks keeps how many rows :func:`marks` left out, and why."""

_TIMEZONE = "Europe/London"
_YEAR = PERIOD_COLUMNS[0]
_KNOWN = {
    "student_id": ("student_id", "pupil_id", "person_id"),
    "date": ("date", "attendance_date", "session_date", "mark_date"),
    "instant": ("date_time", "datetime", "attendance_date_time", "timestamp", "marked_at"),
    "session": ("attendance_session", "session", "session_name", "attendance_session_name", "am_pm"),
    "code": ("attendance_code_code", "code", "attendance_code", "mark", "attendance_mark"),
    "code_id": ("attendance_code_id", "code_id"),
    "updated": ("updated_at", "modified_at", "last_modified", "last_updated_at"),
    "minutes_late": ("minutes_late", "late_minutes", "mins_late"),
}
_SUMMER_DAYS = 28


@by_partition()
def marks(
    records: pd.DataFrame,
    codes: pd.DataFrame | None = None,
    *,
    code_map: CodeMap | str = "england",
    calendar: Calendar | None = None,
    enrolment: pd.DataFrame | None = None,
    timezone: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One row per student, date and session: canonical marks, which every function here takes.

    Parameters
    ----------
    records
        The result of ``load_student_attendance``, or any frame with a row per mark. To group by form, year group or
        house later, join the students first: ``hf.attendance.marks(hf.join(records, students))``. If the frame holds
        several schools (``realm``), each is read on its own. A Dask frame gives a Dask frame; each school must be in
        one partition, as :func:`hubmis_frames.read` arranges it. HUBmis still sends students that a user removed: if
        the students were joined with their ``deleted_at``, marks of removed students are left out, with a warning.
        Drop that column to keep them.
    codes
        The result of ``load_attendance_codes``. Needed if ``records`` has only the ids of codes; otherwise it adds
        descriptions to the warning about unmapped codes. With ``realm``, each school's codes are its own.
    code_map
        The category of each code: ``"england"``, ``"wales"``, ``"scotland"`` or a :class:`CodeMap`.
    calendar
        The school's days. Adds the columns ``term``, ``half_term``, ``week`` and ``school_week``, so that later calls
        need no calendar; columns of these names in ``records`` are replaced. Warns about marks on days when the school
        is shut (:func:`on_closed_days` lists them) and keeps them, as either the calendar or the register may be wrong.
        For one school only.
    enrolment
        The result of ``load_student_enrolment`` (``start_date``), or a frame with ``student_id`` and a ``start_date``,
        a ``leaving_date`` or both. Marks before a student joined or after a student left are left out, with a warning.
    timezone
        The school's time zone. If not given: the calendar's, else the one that the instants have (unless it is UTC),
        else ``"Europe/London"``. A mark with an instant and no date gets the school's local date; without a session, it
        counts as the morning if it is before 12:00 local time.
    columns
        The names of the columns that hold ``student_id``, ``date``, ``instant``, ``session``, ``code``, ``code_id``,
        ``updated`` (when the record was last changed) or ``minutes_late``, where these have unusual names:
        ``{"session": "half"}``.

    Returns
    -------
    DataFrame
        ``student_id``, ``date`` (no time), ``session`` (``am`` or ``pm``), ``code`` (exact text), ``category`` (one of
        ``CATEGORIES``); ``academic_year`` (text); with ``calendar``, ``term``, ``half_term`` (text, missing outside
        terms), ``week`` (its first day) and ``school_week`` (number within the academic year, missing while the school
        is shut); ``minutes_late`` if sent; then the other columns of ``records``. :func:`data_quality` counts the rows
        that were left out.

    Raises
    ------
    BadArgumentError
        A column is missing (the message names the columns of the frame), a session is neither morning nor afternoon,
        the marks are of lessons and not of sessions, or the frame holds several schools and there is a calendar.

    Warns
    -----
    HubmisWarning
        Students were removed; codes have no category; a student has several marks for one session; a mark has no
        student, day or session; a mark lies on a day when the school is shut, or outside a student's enrolment; the
        academic year cannot be told without a calendar.

    Notes
    -----
    If a student has several marks for one date and session, the one that was changed last is kept (``updated_at``), as
    it corrects the others. Where that is not known or equal, the one kept has the first of these categories: present,
    late, approved activity, authorised absence, unauthorised absence, other possible, not possible, administrative,
    unmapped, unmarked. So attending wins over absence, and a reason wins over none. Among equal ones, the first row is
    kept.

    Marks of lessons are refused: of six lessons, no rule makes two sessions. They are known by their times: several in
    one half-day, for at least one half-day in ten.

    Without a calendar, and without a column ``academic_year``, the year is the one that begins in August. Where the
    marks go on through the first of August, without a break of four weeks, this is not so, and ``academic_year`` is
    missing, with a warning. Schools whose year begins in January or April need a calendar.

    Rates of earlier years that include only today's students leave out those who have left, who were often absent
    more. Add the marks of ``load_past_students``, or state the limitation.
    """
    if calendar is not None:
        timezone = timezone or check_calendar(calendar, "marks").timezone
    if timezone is not None:
        check_timezone(timezone, "marks")
    if len(realms_of(records)) > 1:
        if calendar is not None:
            raise BadArgumentError(
                "marks: a calendar belongs to one school, and the frame holds several schools (realm). Make the marks "
                "of each school with its own calendar, and put them together with pd.concat."
            )
        return _marks_of_schools(
            records, codes=codes, code_map=code_map, columns=columns, enrolment=enrolment, timezone=timezone
        )
    codes = rows_of_school(codes, records, "marks: codes")
    enrolment = rows_of_school(enrolment, records, "marks: enrolment")
    if codes is not None and "student_id" in codes and "student_id" not in records:
        raise BadArgumentError("marks: the marks come first, and then the codes: hf.attendance.marks(records, codes).")
    caller = "".join(["marks", *(f" of {realm}" for realm in realms_of(records))])
    fields = _find_fields(records, columns, codes)
    timezone = timezone or own_zone(records, fields) or _TIMEZONE
    rows = len(records)
    records = without_removed(records, fields["student_id"], caller, "marks").reset_index(drop=True)
    date, session = dates_and_sessions(records, fields, timezone)
    canonical = pd.DataFrame(
        {
            "student_id": as_ids(records[fields["student_id"]], f"marks: {fields['student_id']}"),
            "date": date,
            "session": session,
            "code": _codes(records, fields, codes),
        }
    )
    category_of = code_map if isinstance(code_map, CodeMap) else CodeMap.built_in(code_map)
    canonical["category"] = category_of.categorise(canonical["code"], canonical["date"])
    if "minutes_late" in fields:
        canonical["minutes_late"] = _minutes(records[fields["minutes_late"]])
    # The record's own id and description stay; the columns that were read into canonical ones do not.
    read = {*fields.values(), *canonical, *(() if calendar is None else PERIOD_COLUMNS)}
    read -= {fields.get("updated", "")}
    canonical = pd.concat([canonical, records.drop(columns=read & set(records.columns))], axis=1)
    report: dict[str, Any] = {
        "rows": rows, "removed": rows - len(canonical), "unplaced": 0, "not_enrolled": 0, "duplicates": 0
    }  # fmt: skip
    several = is_repeated(canonical, ["student_id", "date", "session"], keep=False)
    if several.any():
        refuse_lessons(canonical, records, fields, caller)
    placed = canonical["student_id"].notna() & canonical["date"].notna() & canonical["session"].notna()
    if not placed.all():
        report["unplaced"] = int((~placed).sum())
        canonical = canonical[placed]
        warn(f"{caller}: {report['unplaced']} rows have no student, day or session, and were left out.")
    if enrolment is not None:
        enrolled = _is_enrolled(canonical, enrolment, timezone)
        if not enrolled.all():
            report["not_enrolled"] = int((~enrolled).sum())
            canonical = canonical[enrolled]
            warn(
                f"{caller}: {report['not_enrolled']} marks are from before a student joined or after they left, and "
                "were left out."
            )
    if several.any():
        updated = None if "updated" not in fields else records[fields["updated"]]
        canonical, report["duplicates"] = drop_duplicates(canonical, updated)
    if report["duplicates"]:
        warn(
            f"{caller}: {report['duplicates']} marks are further ones for the same student, date and session. "
            "The one that was changed last was kept, else attending before absent; help(hf.attendance.marks) explains "
            "the rule."
        )
    _warn_unmapped(canonical, codes, code_map, caller)
    canonical = canonical.reset_index(drop=True)
    if calendar is None:
        own = canonical.pop(_YEAR) if _YEAR in canonical else _year_from_august(canonical, caller)
        canonical.insert(len(CANONICAL), _YEAR, own)
    else:
        _warn_closed(on_closed_days(canonical, calendar), caller)
        canonical = with_periods(canonical, calendar)
    canonical.attrs[REPORT] = report
    return canonical


def with_periods(marks: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """The marks with the periods of a calendar as columns, after the canonical ones."""
    periods = calendar.lookup(marks["date"], PERIOD_COLUMNS)
    # A week is known on days outside the calendar too.
    periods["week"] = calendar.week_of(marks["date"])
    return pd.concat([marks[CANONICAL], periods, marks.drop(columns=CANONICAL)], axis=1)


def on_closed_days(marks: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """One row per mark on a day when the school is shut.

    Returns
    -------
    DataFrame
        ``realm`` if the marks have it, ``student_id``, ``date``, ``session``, ``code``, ``category``, ``closed_as``
        (``closure``, ``INSET day``, ``holiday``, ``weekend``, ``outside terms``; ``outside the calendar`` for a day
        that the calendar does not have) and ``closed_name``. Codes of a closure (``#``, ``Y4``) belong here; marks of
        attendance or absence mean that the calendar or the register is wrong.
    """
    check_marks(marks, "on_closed_days")
    check_calendar(calendar, "on_closed_days")
    days = calendar.lookup(marks["date"], ["is_open", "closed_as", "closed_name"])
    shut = ~days["is_open"]
    reasons = days.loc[shut, ["closed_as", "closed_name"]]
    reasons["closed_as"] = reasons["closed_as"].fillna("outside the calendar")
    return pd.concat([marks.loc[shut, [name for name in (REALM, *CANONICAL) if name in marks]], reasons], axis=1)


def newest_register(marks: pd.DataFrame) -> pd.Timestamp:
    """Return the newest day with a register, ignoring marks that were entered ahead.

    Leave and visits are booked ahead, some servers send blank marks for future days, and in the morning registers
    arrive one by one. So this is the last day on which at least half as many students have a possible session as on
    a usual day. The usual day is that of the median mark, since days booked ahead can be many but have few marks.

    Parameters
    ----------
    marks
        Canonical marks of one whole school. In the marks of one class or student, a booked day looks like any other.

    Returns
    -------
    Timestamp
        The day; the last day with a mark if no student has a possible session on any day, ``NaT`` without marks.
    """
    check_marks(marks, "newest_register")
    possible = marks[category_numbers(marks, "newest_register") < len(POSSIBLE)]
    days = (marks if possible.empty else possible)["date"]
    students = (marks if possible.empty else possible).groupby("date")["student_id"].nunique()
    day: pd.Timestamp = students.index[students >= days.map(students).median() / 2].max()
    return day


def _find_fields(frame: pd.DataFrame, columns: Mapping[str, str] | None, codes: pd.DataFrame | None) -> dict[str, str]:
    fields = find_columns(frame, _KNOWN, columns)
    missing = ["student_id"] if "student_id" not in fields else []
    if "date" not in fields and "instant" not in fields:
        missing.append("date (or instant)")
    if "session" not in fields and "instant" not in fields:
        missing.append("session (or instant)")
    if "code" not in fields and ("code_id" not in fields or codes is None):
        missing.append("code (or code_id, with codes=)")
    if missing:
        raise BadArgumentError(
            f"marks: found no column for {', '.join(missing)}. The frame has {', '.join(map(str, frame.columns))}. "
            'Name it: columns={"code": "..."}.'
        )
    return fields


def _minutes(values: pd.Series) -> pd.Series:
    """Minutes as numbers; raises on text that is none."""
    try:
        minutes: pd.Series = pd.to_numeric(values).astype("Float64")
    except (TypeError, ValueError):
        raise BadArgumentError(f"marks: {values.name} holds values that are not numbers of minutes.") from None
    return minutes


def _year_from_august(marks: pd.DataFrame, caller: str) -> pd.Series:
    """The academic year that begins in August, by the date; missing if there are marks all through the summer."""
    held = marks.loc[category_numbers(marks, caller) < len(POSSIBLE), "date"]
    days = np.sort(held.unique())
    # The days with a register on both sides of each first of August.
    years = pd.Series(days).dt.year
    for year in range(int(years.min()), int(years.max()) + 1) if len(days) else ():
        place = int(np.searchsorted(days, np.datetime64(f"{year}-08-01")))
        if 0 < place < len(days) and days[place] - days[place - 1] < np.timedelta64(_SUMMER_DAYS, "D"):
            warn(
                f"{caller}: the academic year is not known: there are marks before and after the first of August {year}"
                ", without a summer between them. Give the school's years: calendar=hf.attendance.Calendar(...)."
            )
            return pd.Series(pd.NA, index=marks.index, dtype="str")
    return once_each(marks["date"], lambda days: year_name(days).astype("str").where(days.notna()))


def _codes(frame: pd.DataFrame, fields: dict[str, str], codes: pd.DataFrame | None) -> pd.Series:
    texts = pd.Series(pd.NA, index=frame.index, dtype="str", name="code")
    if "code" in fields:
        given = frame[fields["code"]]
        # A file with blank marks turns whole numbers into floats; the school's code is 1 and not 1.0.
        if pd.api.types.is_float_dtype(given) and given.dropna().mod(1).eq(0).all():
            given = given.astype("Int64")
        # hf.to_csv puts an apostrophe before some codes; it is removed here.
        texts = once_each(given.astype("str"), lambda each: each.str.replace(GUARDED, "", regex=True))
    if "code_id" in fields and codes is not None and {"attendance_code_id", "code"} <= set(codes.columns):
        by_id = codes.dropna(subset="attendance_code_id").drop_duplicates("attendance_code_id")
        named = by_id.set_index(as_ids(by_id["attendance_code_id"], "codes: attendance_code_id"))["code"]
        ids = as_ids(frame[fields["code_id"]], f"marks: {fields['code_id']}")
        texts = texts.fillna(once_each(ids, lambda each: each.map(named).astype("str")))
    if "code_id" in fields and texts.isna().any():
        # An id that is not in the list of codes still is a code, and not a missing mark.
        texts = texts.fillna("id " + as_ids(frame[fields["code_id"]], f"marks: {fields['code_id']}").astype("str"))
    return texts


def enrolment_bound(enrolment: pd.DataFrame, students: pd.Series, bound: str, timezone: str = _TIMEZONE) -> pd.Series:
    """The day on which each student joined (``start``) or left (``end``); missing if not known."""
    known = {
        "student_id": _KNOWN["student_id"],
        "start": ("start_date", "joining_date", "date_from"),
        "end": ("leaving_date", "end_date", "date_to"),
    }
    fields = find_columns(enrolment, known, None)
    if "student_id" not in fields or len(fields) < 2:
        raise BadArgumentError(
            "enrolment needs student_id and start_date or leaving_date. "
            f"The frame has {', '.join(map(str, enrolment.columns))}."
        )
    ids = as_ids(enrolment[fields["student_id"]], "enrolment: student_id")
    students = as_ids(students, "marks: student_id")
    if ids.duplicated().any():
        raise BadArgumentError("enrolment has several rows for a student: give one, from joining to leaving.")
    if bound not in fields:
        return pd.Series(pd.NaT, index=students.index, dtype="datetime64[us]")
    days = local_dates(enrolment[fields[bound]], timezone, f"enrolment: {fields[bound]}").set_axis(pd.Index(ids))
    limits: pd.Series = students.map(days).astype("datetime64[us]")
    return limits


def _is_enrolled(marks: pd.DataFrame, enrolment: pd.DataFrame, timezone: str) -> pd.Series:
    start, end = (enrolment_bound(enrolment, marks["student_id"], bound, timezone) for bound in ("start", "end"))
    return ~(marks["date"] < start) & ~(marks["date"] > end)


def _warn_unmapped(marks: pd.DataFrame, codes: pd.DataFrame | None, code_map: CodeMap | str, caller: str) -> None:
    counts = marks.loc[marks["category"].eq("unmapped"), "code"].value_counts()
    if counts.empty:
        return
    names: dict[str, str] = {}
    if codes is not None and {"code", "description"} <= set(codes.columns):
        names = dict(zip(codes["code"].astype("str"), codes["description"].astype("str"), strict=True))
    parts = (f"{code!r}{f' ({names[code]})' if code in names else ''}: {count}" for code, count in counts.items())
    given = f"hf.attendance.CodeMap.{code_map}()" if isinstance(code_map, str) else "your_map"
    example = json.dumps({str(counts.index[0]): "approved_activity"}, ensure_ascii=False)
    warn(
        f"{caller}: These codes have no category on the day of the mark: {', '.join(parts)} marks. They are counted as "
        "unmapped and are in no rate. The school decides which category each code has; the categories are "
        f"{', '.join(GIVEN)}. For example, if {counts.index[0]!r} is an approved activity, give "
        f"code_map={given}.extend({example})."
    )


def _warn_closed(closed: pd.DataFrame, caller: str) -> None:
    outside = closed["closed_as"].eq("outside the calendar")
    # Codes of a closure belong on a closed day. Attendance or absence on such a day is a mistake.
    odd = int((~outside & ~closed["category"].isin(["not_possible", "administrative"])).sum())
    parts = [f"{odd} on days when the school is shut"] if odd else []
    parts += [f"{outside.sum()} on days that the calendar does not have"] if outside.any() else []
    if parts:
        warn(
            f"{caller}: some marks do not fit the calendar: {' and '.join(parts)}. They are kept; "
            "hf.attendance.on_closed_days(marks, calendar) lists them."
        )


def _marks_of_schools(records: pd.DataFrame, **arguments: Any) -> pd.DataFrame:
    """The marks of several schools, one after another."""
    parts = [
        marks(school, **arguments) for _, school in records.groupby(REALM, sort=False, dropna=False, observed=True)
    ]
    canonical: pd.DataFrame = pd.concat(parts, ignore_index=True)
    reports = [part.attrs[REPORT] for part in parts]
    canonical.attrs[REPORT] = {name: sum(report[name] for report in reports) for name in reports[0]}
    return canonical
