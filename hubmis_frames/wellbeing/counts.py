"""Wellbeing events counted: by group and period with a rate per 100 students, by member of staff, by indicator."""

from collections.abc import Sequence

import pandas as pd

from ..analysis.calendar import Calendar
from ..analysis.columns import as_day, as_ids, require_columns, require_values
from ..analysis.groups import (
    EventGroups,
    all_groups,
    as_list,
    check_students,
    group_events,
    hide_small_groups,
    sort_groups,
)
from ..analysis.periods import as_calendar
from ..analysis.realms import REALM, STUDENTS, check_groups_of_schools, person_columns, realms_of, require_one_school
from ..errors import BadArgumentError, MissingFieldError, warn
from ..frames.partitions import Frame, is_dask, local
from .canonical import EVENT, again, chosen, is_active

SHANARRI = ("Safe", "Healthy", "Achieving", "Nurtured", "Active", "Respected", "Responsible", "Included")
"""The indicators of wellbeing, in the order of the Act."""

_RATES = {"events_per_100": "events", "students_per_100": "students_concerned"}


def summarise(
    events: Frame,
    by: str | Sequence[str] | None = None,
    *,
    students: Frame | None = None,
    calendar: Calendar | pd.DataFrame | None = None,
    between: tuple[object, object] | None = None,
    kind: str | None = EVENT,
    suppress: int | None = None,
) -> pd.DataFrame:
    """Count events by group and period, with a rate per 100 students.

    Parameters
    ----------
    events
        What :func:`events` returned. Deleted rows are not counted. Categories may mix praise and concern: filter first.
        Of several schools a student is a ``realm`` and a ``student_id``. Of a Dask frame the columns that count are
        brought here, as events are few beside marks, and the figures are those of pandas.
    by
        Columns of the students or of the events, and periods: ``"week"`` (its Monday), ``"month"`` (its first day),
        ``"weekday"`` and, with ``calendar``, ``"term"``, ``"half_term"`` and ``"academic_year"``; several at once. None
        gives one row. Of several schools, ids need ``"realm"`` beside them.
    students
        One row per student who could have had an event (``load_students``): the denominator. A column that both frames
        have is taken from here, so that numerator and denominator speak of the same group; that is the group of today.
        Today's students are not last year's: for an earlier year give that year's, or its rates are too low. Everyone
        on the list counts as a whole student, whenever he or she joined.
    calendar
        An ``hf.attendance.Calendar``, or the terms alone as ``load_terms`` returns them. Weeks and months in which the
        school is shut then appear only if they hold an event; events in holidays have no term. For one school alone.
    between
        The first day and the last to count, as far as the data goes: without it a quiet week after the last event
        would not be seen. Unless given, from the first event to the last; given, events without a date are left out.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both together.
    suppress
        Hide groups in which 1 to ``suppress - 1`` students are, or are concerned, and others wherever a total would
        give a hidden one away (:func:`hubmis_frames.suppress`).

    Returns
    -------
    DataFrame
        One row per group, groups without any event among them:

        - the columns of ``by``;
        - ``events``: how many, a row per student concerned;
        - ``students_concerned``: different students among them;
        - ``students``: in the group, missing without ``students``;
        - ``unlisted``: events of students who are not in ``students``, such as leavers: in no other figure;
        - ``events_per_100``: events per 100 students of the group over the days counted (a week's for a week);
        - ``students_per_100``: students concerned per 100 students;
        - ``suppressed``.

        The rates are missing, never zero, for a group without students.

    Raises
    ------
    BadArgumentError
        A column is not there, named in the message; ``"term"`` without a calendar; overlapping terms; groups would mix
        up the ids or terms of several schools.

    Notes
    -----
    Rates are 100 x sum over sum, as the DfE's for absence, so a group's pools its students. What is counted is what
    staff wrote down: a higher rate is more recording, or more need, or both. Left alone, the server sends neither
    students who have left nor their events, so figures of past months speak of those who stayed.
    """
    names = as_list(by)
    events, students = _here(events, names, students, calendar)
    rows = chosen(events, kind, "summarise", students, several=True)
    bounds = _span(rows["date"], between, "summarise")
    if between is not None and bounds is not None:
        rows = rows[rows["date"].between(*bounds)]
    people = None if students is None else check_students(students, "summarise", several=True)
    found = group_events(rows, names, people, as_calendar(calendar, "summarise"), bounds, "summarise")
    frame = _counted(all_groups(found, names, people), names, found, people)
    for rate, count in _RATES.items():
        frame[rate] = _per_100(frame[count], frame["students"])
    frame = sort_groups(frame, names, found.order)
    figures = ["events", "students_concerned", "students", "unlisted", *_RATES]
    frame = frame[[*names, *figures]]
    shown = hide_small_groups(frame, names, ["students_concerned", "students"], figures, suppress)
    if suppress is not None:
        # A handful of leavers need not hide their whole group, of which they are no part.
        shown["unlisted"] = shown["unlisted"].mask(shown["unlisted"].between(1, suppress - 1).fillna(False))
    return shown


def _span(
    dates: pd.Series, between: tuple[object, object] | None, measure: str
) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """The first and last day to count: those given, else those of the events; missing when there are none."""
    if between is not None:
        if isinstance(between, str) or len(between) != 2:
            raise BadArgumentError(f"{measure}: between takes the first day and the last, not {between!r}.")
        first, last = (as_day(day, f"{measure}: between") for day in between)
        if not first <= last:
            raise BadArgumentError(f"{measure}: between ends ({last:%Y-%m-%d}) before it begins ({first:%Y-%m-%d}).")
        return first, last
    return None if dates.isna().all() else (dates.min(), dates.max())


def _here(
    events: Frame, by: Sequence[str], students: Frame | None, calendar: object
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Both frames in pandas, refused where one school would be taken for another."""
    if is_dask(events):
        needed = {REALM, STUDENTS, "pastoral_event_id", "date", "type", "deleted", *by}
        events = local(events[[name for name in events.columns if name in needed]])
        if "pastoral_event_id" in events and STUDENTS in events and again(events).any():
            raise BadArgumentError(
                "summarise: events came twice, in different partitions. Bring each school's into one partition first, "
                'frame.shuffle("realm"), and give those to hf.wellbeing.events.'
            )
    if is_dask(students):
        students = local(students[[name for name in students.columns if name in {REALM, STUDENTS, *by}]])
    realms = realms_of(events, students)
    check_groups_of_schools(realms, by, ["calendar="] if calendar is not None else [], "summarise")
    if students is None or len(realms) < 2:
        return events, students
    if REALM not in events or REALM not in students:
        require_one_school(events, "summarise", students)
    if strange := set(realms_of(events)) - set(realms_of(students)):
        raise BadArgumentError(
            f"summarise: the frames hold several schools (realm), and students has nobody of {min(strange)}."
        )
    if silent := sorted(set(realms_of(students)) - set(realms_of(events))):
        none = ", ".join(silent)
        warn(f"summarise: there are students of {none} and no event. Leave them out if theirs are not loaded.")
    # One may tell a school by text and the other by category.
    return events.astype({REALM: "str"}), students.astype({REALM: "str"})


def staff_load(
    events: pd.DataFrame,
    assigned: pd.DataFrame | None = None,
    *,
    staff: pd.DataFrame | None = None,
    kind: str | None = None,
) -> pd.DataFrame:
    """Count what each member of staff has been assigned.

    Parameters
    ----------
    events
        What :func:`events` returned; deleted rows are not counted.
    assigned
        Who has been assigned what, one row per event and member of staff: the child table
        ``load_pastoral_events.tables(school)["pastoral_events_assigned_to"]``. Left out, ``staff_id`` or
        ``assigned_to_id`` of the events is taken, if they have one.
    staff
        ``load_staff``, so that those with nothing assigned appear too, with 0, and names beside ids.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both, the default: both are work.

    Returns
    -------
    DataFrame
        One row per member of staff, the most open work first: ``staff_id``, ``first_name``, ``last_name`` (where
        known), ``events``, ``open_events`` (status ``active``; missing where no status is sent), ``shared_events``
        (assigned to others too) and ``students``. The last row, without a ``staff_id``, is what is assigned to nobody;
        it is there even when that is nothing. Shared events count once for each, so the column does not sum to the
        number of events.

    Raises
    ------
    MissingFieldError
        Neither ``assigned`` nor the events say who was assigned.
    BadArgumentError
        A frame lacks a column, or ``assigned`` names no event that is here.
    """
    rows = chosen(events, kind, "staff_load", assigned, staff)
    links = _links(rows, assigned)
    rows = rows[["pastoral_event_id", STUDENTS, "status"]]
    joined = rows.merge(links, how="left", on="pastoral_event_id")
    if assigned is not None and len(rows) and len(links) and joined["staff_id"].isna().all():
        raise BadArgumentError("staff_load: assigned names none of these events (pastoral_event_id).")
    # One event may concern several students: it is one piece of work. Without an id nobody knows what is the same.
    work = joined[~joined.duplicated(["pastoral_event_id", "staff_id"]) | joined["pastoral_event_id"].isna()]
    status_sent = rows["status"].notna().any()
    work = work.assign(
        open=is_active(work, "staff_load"),
        shared=work.groupby("pastoral_event_id")["staff_id"].transform("count").gt(1),
    )
    groups = work.groupby("staff_id", dropna=False)
    frame = groups.agg(
        events=("pastoral_event_id", "size"), open_events=("open", "sum"), shared_events=("shared", "sum")
    )
    frame["students"] = joined.groupby("staff_id", dropna=False)[STUDENTS].nunique()
    frame = frame.reset_index()
    everybody = frame[["staff_id"]] if staff is None else _all_staff(frame, staff)
    nobody = pd.DataFrame({"staff_id": pd.Series([pd.NA], dtype=frame["staff_id"].dtype)})
    everybody = pd.concat([everybody[everybody["staff_id"].notna()], nobody], ignore_index=True)
    counts = ["events", "open_events", "shared_events", "students"]
    frame = everybody.merge(frame, how="left", on="staff_id").astype(dict.fromkeys(counts, "Int64"))
    frame[counts] = frame[counts].fillna(0)
    frame = frame.assign(_last=frame["staff_id"].isna()).sort_values(
        ["_last", "open_events", "events", "staff_id"], ascending=[True, False, False, True], ignore_index=True
    )
    if not status_sent and len(rows):
        frame["open_events"] = pd.array([pd.NA] * len(frame), dtype="Int64")
    return frame.drop(columns="_last")


def shanarri(items: pd.DataFrame, events: pd.DataFrame, *, kind: str | None = None) -> pd.DataFrame:
    """How many events were recorded against each SHANARRI indicator.

    Parameters
    ----------
    items
        What ``load_pastoral_event_shanarri_items`` returned: one row per event and indicator.
    events
        What :func:`events` returned, **for the events that were asked about** and no others: items come one request an
        event, and an event never asked about would look like one without an indicator.
    kind
        ``"wellbeing_event"``, ``"wellbeing_plan"``, or None for both.

    Returns
    -------
    DataFrame
        One row per indicator, all eight in the order of the Act, then names that are none of them (``known`` false),
        then a row without a name for events with no indicator: ``indicator``, ``known``, ``events`` (different ones),
        ``of_events`` (how many were asked about), ``share`` (per cent of them) and ``students``. An event can have
        several indicators, so shares can sum to more than 100; ``share`` is missing when there are no events.

    Raises
    ------
    MissingFieldError
        No event has an id to find its items by.
    BadArgumentError
        A frame lacks a column.

    Notes
    -----
    Children and Young People (Scotland) Act 2014, s. 96(2): safe, healthy, achieving, nurtured, active, respected,
    responsible and included. Elsewhere schools need not record them.
    """
    require_columns(items, ["pastoral_event_id", "name"], "shanarri: items")
    rows = chosen(events, kind, "shanarri", items)[["pastoral_event_id", STUDENTS]]
    require_values(rows, "pastoral_event_id", "shanarri", "the id by which an event's items are found")
    names = {name.casefold(): name for name in SHANARRI}
    spelt = items["name"].astype("str").str.strip()
    links = pd.DataFrame(
        {
            "pastoral_event_id": as_ids(items["pastoral_event_id"], "shanarri: items' pastoral_event_id"),
            "indicator": spelt.str.casefold().map(names).fillna(spelt),
        }
    ).dropna()
    joined = rows.merge(links, how="left", on="pastoral_event_id")
    counted = joined.groupby("indicator", dropna=False).agg(
        events=("pastoral_event_id", "nunique"), students=(STUDENTS, "nunique")
    )
    others = sorted(set(joined["indicator"].dropna()) - set(SHANARRI))
    frame = pd.DataFrame({"indicator": pd.Series([*SHANARRI, *others, None], dtype="str")})
    frame["known"] = frame["indicator"].isin(SHANARRI)
    frame = frame.merge(counted.reset_index(), how="left", on="indicator")
    frame[["events", "students"]] = frame[["events", "students"]].astype("Int64").fillna(0)
    frame["of_events"] = pd.array([rows["pastoral_event_id"].nunique()] * len(frame), dtype="Int64")
    frame["share"] = _per_100(frame["events"], frame["of_events"])
    return frame[["indicator", "known", "events", "of_events", "share", "students"]]


def _counted(groups: pd.DataFrame, by: Sequence[str], found: EventGroups, people: pd.DataFrame | None) -> pd.DataFrame:
    """Beside each group its events, students concerned, students, and events of students who are not listed."""
    rows = found.rows
    inside = rows if people is None else rows[rows["listed"].astype(bool)]
    frame = _beside(groups, by, inside, "events", "size")
    frame = _beside(frame, by, inside, "students_concerned", "people")
    for name in ("events", "students_concerned"):
        frame[name] = frame[name].fillna(0)
    if people is None:
        missing = pd.array([pd.NA] * len(frame), dtype="Int64")
        return frame.assign(unlisted=missing, students=missing)
    frame = _beside(frame, by, rows[~rows["listed"].astype(bool)], "unlisted", "size")
    frame = _beside(frame, found.of_students, people, "students", "people")
    for name in ("unlisted", "students"):
        frame[name] = frame[name].fillna(0)
    return frame


def _beside(frame: pd.DataFrame, by: Sequence[str], rows: pd.DataFrame, name: str, how: str) -> pd.DataFrame:
    """Add a count of rows, or of different people in them, for each group."""
    if how == "people":
        rows = rows[rows[STUDENTS].notna()].drop_duplicates([*by, *person_columns(rows)])
    if not by:
        return frame.assign(**{name: pd.array([len(rows)] * len(frame), dtype="Int64")})
    counts = rows.groupby(list(by), dropna=False, observed=True).size()
    # Groups without a name in one frame and with one in the other are of two types, and still the same.
    beside = counts.rename(name).reset_index().astype(frame.dtypes[list(by)].to_dict())
    return frame.merge(beside, how="left", on=list(by)).astype({name: "Int64"})


def _per_100(count: pd.Series, of: pd.Series) -> pd.Series:
    """Per 100, missing where there is nobody."""
    return (100 * count.astype(float)) / of.astype(float).where(of.gt(0).fillna(False).astype(bool))


def _links(rows: pd.DataFrame, assigned: pd.DataFrame | None) -> pd.DataFrame:
    """Which event is assigned to whom, each pair once."""
    require_values(rows, "pastoral_event_id", "staff_load", "the id by which an event's staff are found")
    own = next((name for name in ("staff_id", "assigned_to_id") if name in rows), None)
    if assigned is None and own is None:
        raise MissingFieldError(
            "staff_load: the events do not say to whom they are assigned. Give the child table as assigned=: "
            'load_pastoral_events.tables(school)["pastoral_events_assigned_to"].'
        )
    links = rows.rename(columns={own: "staff_id"}) if assigned is None else assigned
    require_columns(links, ["pastoral_event_id", "staff_id"], "staff_load: assigned")
    ids = {name: as_ids(links[name], f"staff_load: {name}") for name in ("pastoral_event_id", "staff_id")}
    return pd.DataFrame(ids).dropna().drop_duplicates()


def _all_staff(frame: pd.DataFrame, staff: pd.DataFrame) -> pd.DataFrame:
    """Those on the list of staff, and those who are not but have been assigned something."""
    require_columns(staff, ["staff_id"], "staff_load: staff")
    columns = [name for name in ("staff_id", "first_name", "last_name") if name in staff]
    people = staff[columns].assign(staff_id=as_ids(staff["staff_id"], "staff_load: staff's staff_id"))
    people = people.drop_duplicates("staff_id")
    others = frame.loc[~frame["staff_id"].isin(people["staff_id"]), ["staff_id"]]
    return pd.concat([people, others], ignore_index=True)
