"""One school: its settings with their source, calendar, years and newest register, and its frames for the analysis."""

import functools
import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from ..analysis.columns import as_day, as_days, require_values
from ..analysis.periods import PERIOD_COLUMNS
from ..analysis.realms import REALM, STUDENTS
from ..analysis.removed import is_filled
from ..attendance import (
    CANONICAL,
    PERSISTENT,
    SEVERE,
    AbsenceRule,
    Calendar,
    CodeMap,
    newest_register,
)
from ..attendance import marks as canonical_marks
from ..attendance.canonical import REPORT, with_periods
from ..attendance.codes import CATEGORIES
from ..errors import BadArgumentError, ExportError
from ..operations.further import PAST_MARKS
from ..wellbeing import concerns
from ..wellbeing import events as canonical_events
from ..wellbeing.canonical import FIELDS as EVENT_FIELDS
from ..wellbeing.selection import has_ended
from .earlier import EarlierYears
from .people import with_groups
from .settings import CODE_MAP_FILE, FILE, LISTS, is_dated
from .tables import Tables
from .weeks import SeenWeeks, seen_weeks, weekday_number
from .years import with_year_names, year_of, year_spans

GIVEN, HUBMIS, SEEN, DEFAULT, NOT_SAID = "given", "HUBmis", "seen in the marks", "default", "not said"
_LONDON = "Europe/London"
_EVENT, _PLAN = "wellbeing_event", "wellbeing_plan"
_RECORDS = "student_attendance"
_POSSIBLE = frozenset(CATEGORIES[: CATEGORIES.index("not_possible")])


class OneSchool:
    """What one school knows. Everything is worked out when it is first asked for, and once."""

    def __init__(self, tables: Tables, given: Mapping[str, Any], written: Mapping[str, Any]) -> None:
        self._tables = tables
        self._given = given
        self._written = written

    @property
    def realm(self) -> str | None:
        """The realm, if the tables say it."""
        return self._tables.realms[0] if self._tables.realms else None

    @property
    def directory(self) -> Path | None:
        """The folder of the export, if there is one."""
        return self._tables.directory

    def problems(self) -> list[tuple[str, str]]:
        """Tables that lack rows or are missing, each with the reason."""
        return self._tables.problems()

    def table(self, name: str) -> pd.DataFrame | None:
        """A table, or None if there is none."""
        return self._tables.read(name) if name in self._tables.names() else None

    # --- settings

    def setting(self, name: str) -> tuple[Any, str]:
        """The value of a setting, and where it is from."""
        if name in self._given:
            return self._given[name], GIVEN
        if name in self._written:
            return self._written[name], FILE
        if name == "timezone":
            return self._timezone()
        if name == "code_map":
            folder = self._tables.directory
            own = folder is not None and (folder / CODE_MAP_FILE).exists()
            return (CODE_MAP_FILE, CODE_MAP_FILE) if own else ("england", DEFAULT)
        if name == "rules":
            return (PERSISTENT, SEVERE), DEFAULT
        if name == "school_name":
            return None, NOT_SAID
        if name in LISTS:
            return (), NOT_SAID
        seen = self._seen
        if seen is None:
            return {"weekdays": (0, 1, 2, 3, 4), "sessions": ("am", "pm"), "short_days": {}}[name], DEFAULT
        return self._consistent(name, getattr(seen, name)), SEEN

    @property
    def rules(self) -> tuple[AbsenceRule, ...]:
        """The absence rules."""
        rules: tuple[AbsenceRule, ...] = self.setting("rules")[0]
        return rules

    @property
    def timezone(self) -> str:
        """The time zone."""
        return str(self.setting("timezone")[0])

    @functools.cached_property
    def code_map(self) -> CodeMap | str:
        """The code map, or the name of a built-in one."""
        value = self.setting("code_map")[0]
        if not isinstance(value, str) or not value.casefold().endswith(".csv"):
            return value  # type: ignore[no-any-return]
        folder = self._tables.directory
        if folder is None or not (folder / value).exists():
            raise ExportError(f"The code map {value} is not in {folder or 'a folder'}. Write it with CodeMap.save.")
        return CodeMap.load(folder / value)

    def _timezone(self) -> tuple[str, str]:
        sent = self.table("school_regional_settings")
        if sent is not None and "timezone" in sent:
            for name in sent["timezone"].dropna():
                try:
                    zoneinfo.ZoneInfo(str(name))
                except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
                    continue
                return str(name), HUBMIS
        return _LONDON, DEFAULT

    def _first_weekday(self) -> int:
        sent = self.table("school_regional_settings")
        days = [] if sent is None or "start_day_week" not in sent else sent["start_day_week"].dropna().tolist()
        return weekday_number(days[0]) if days else 0

    def _consistent(self, name: str, seen: Any) -> Any:
        """Short days as seen, without days or sessions that the school has said it does not have."""
        if name != "short_days" or not seen:
            return seen
        opens, sessions = self.setting("weekdays")[0], self.setting("sessions")[0]
        days = {day for own in opens.values() for day in own} if is_dated(opens) else set(opens)

        def own(week: Mapping[int, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
            fewer = {day: tuple(s for s in kept if s in sessions) for day, kept in week.items() if day in days}
            return {day: kept for day, kept in fewer.items() if kept and kept != sessions}

        return {since: own(week) for since, week in seen.items()} if is_dated(seen) else own(seen)

    # --- calendar, years, registers

    @functools.cached_property
    def calendar(self) -> Calendar:
        """The school's days."""
        return self._calendar(**{name: self.setting(name)[0] for name in ("weekdays", "sessions", "short_days")})

    def _calendar(self, **week: Any) -> Calendar:
        terms = with_year_names(self._tables.read("terms"), self.table("academic_years"))
        others = [self.table(name) for name in ("holidays", "inset_days", "closure_dates")]
        return Calendar(terms, *others, timezone=self.timezone, **week)

    @functools.cached_property
    def _every_day(self) -> Calendar:
        """The calendar of a school that is open on every weekday: its terms, holidays and closures alone."""
        return self._calendar(weekdays=tuple(range(7)))

    @functools.cached_property
    def _seen(self) -> SeenWeeks | None:
        if self.table(_RECORDS) is None:
            return None
        counted = self._counted
        counted = counted[counted["date"] <= newest_register(counted)] if len(counted) else counted
        if counted.empty:
            return None
        spans = year_spans(self._every_day, self.table("academic_years"))
        years = list(spans[["start", "end"]].itertuples(index=False, name=None))
        return seen_weeks(counted, self._every_day.open_days(), years, self._first_weekday())

    @functools.cached_property
    def _years(self) -> pd.DataFrame:
        return year_spans(self.calendar, self.table("academic_years"))

    @property
    def known_years(self) -> list[str]:
        """Every academic year that has a name here, in order."""
        names: list[str] = self._years["academic_year"].tolist()
        return names

    @functools.cached_property
    def canonical(self) -> pd.DataFrame:
        """All marks of the students of ``students``, without periods."""
        return self._canonical_of(self._tables.read(_RECORDS))

    def _canonical_of(self, records: pd.DataFrame) -> pd.DataFrame:
        records = records.drop(columns=["deleted_at"], errors="ignore")
        # The calendar gives the year later, as its weekdays are read off these marks.
        records["academic_year"] = pd.Series(pd.NA, index=records.index, dtype="str")
        columns = [name for name in (*CANONICAL, REALM) if name in (*CANONICAL, *records)]
        records = records.assign(academic_year="")  # it is told by the calendar, which is read off these marks
        marks = canonical_marks(records, self.table("attendance_codes"), code_map=self.code_map, timezone=self.timezone)
        kept = marks[columns]
        kept.attrs = dict(marks.attrs)
        return kept

    @property
    def _counted(self) -> pd.DataFrame:
        """Marks that count as present or absent."""
        return self.canonical[self.canonical["category"].isin(_POSSIBLE)]

    @functools.cached_property
    def newest_register(self) -> pd.Timestamp:
        """The newest register."""
        counted = self._counted
        if counted.empty:
            raise ExportError(
                "No mark counts as present or absent. Check that the code map has the school's codes: data.settings "
                "shows which one is used."
            )
        opened = counted[self.calendar.lookup(counted["date"], ["is_open"])["is_open"]]
        if opened.empty:
            raise ExportError(
                "No mark is on a school day. Check that the terms and holidays fit the marks, and data.settings."
            )
        return newest_register(opened)

    @functools.cached_property
    def dated_marks(self) -> pd.DataFrame:
        """All marks, with periods. A day outside the terms is in an academic year by its dates."""
        return self._dated(self.canonical)

    def _dated(self, canonical: pd.DataFrame) -> pd.DataFrame:
        marks = with_periods(canonical, self.calendar)
        return marks.assign(academic_year=marks["academic_year"].fillna(year_of(marks["date"], self._years)))

    @functools.cached_property
    def _marks_with_leavers(self) -> pd.DataFrame:
        """The marks of past students too. Who has come back, or left since the others were fetched, is there once."""
        records = self._tables.read(PAST_MARKS)
        records = records[~records[STUDENTS].isin(self.canonical[STUDENTS])]
        past = self._canonical_of(records.reset_index(drop=True))
        both = pd.concat([self.dated_marks, self._dated(past)], ignore_index=True)
        one, other = self.canonical.attrs[REPORT], past.attrs[REPORT]
        both.attrs = {REPORT: {name: one[name] + other[name] for name in one}}
        return both

    @property
    def first_day(self) -> date:
        """The first day of the present academic year, for ages; without a calendar, 1 September before the fetching."""
        if self.table("terms") is None:
            fetched = date.today() if self.fetched_on is None else self.fetched_on.date()
            return date(fetched.year - (fetched.month < 9), 9, 1)
        starts = self._years.set_index("academic_year")["start"]
        day: date = pd.Timestamp(starts[self.academic_year]).date()
        return day

    @property
    def academic_year(self) -> str:
        """The present academic year."""
        return self._year_of(self._today)

    @property
    def academic_years(self) -> list[str]:
        """The years that the marks cover."""
        if self.table(_RECORDS) is None:
            return [self.academic_year]
        marks = self.dated_marks
        seen = set(marks.loc[marks["date"] <= self.newest_register, "academic_year"].dropna())
        return [name for name in self.known_years if name in seen]

    @functools.cached_property
    def _today(self) -> pd.Timestamp:
        """The day on which these data stand."""
        if self.table(_RECORDS) is not None:
            return self.newest_register
        if self.fetched_on is not None:
            return self.fetched_on
        raise ExportError(
            "Neither marks nor a day of fetching say which academic year this is. Add the table student_attendance."
        )

    def _year_of(self, day: pd.Timestamp) -> str:
        """The academic year of a day; between two years, the one before."""
        begun = self._years[self._years["start"] <= day]
        if begun.empty:
            raise BadArgumentError(f"{day:%Y-%m-%d} is before the first academic year, {self.known_years[0]}.")
        return str(begun["academic_year"].iloc[-1])

    @property
    def fetched_on(self) -> pd.Timestamp | None:
        """The day of fetching."""
        instants = [self._tables.fetched(name) for name in (_RECORDS, "pastoral_events", *self._tables.names())]
        instant = next((found for found in instants if found), None)
        return None if instant is None else _local_day(instant, self.timezone)

    # --- frames

    @functools.cached_property
    def _students(self) -> pd.DataFrame:
        return with_groups(self._tables.read("students"), self.table)

    @functools.cached_property
    def everybody(self) -> pd.DataFrame:
        """Current and past students, removed ones too, each once."""
        past = self.table("past_students")
        if past is None:
            return self._students
        others = with_groups(past, self.table)
        others = others[~others[STUDENTS].isin(self._students[STUDENTS])]
        return pd.concat([self._students, others.reindex(columns=self._students.columns)], ignore_index=True)

    def students(self, *, past: bool, removed: bool) -> pd.DataFrame:
        """See :meth:`SchoolData.students`."""
        if past:
            self._tables.read("past_students")
        students = self.everybody if past else self._students
        return students.copy() if removed else students[~_is_removed(students)].reset_index(drop=True)

    def marks(
        self,
        years: Sequence[str] | None,
        since: object,
        until: object,
        students: pd.DataFrame | None,
        *,
        groups: str | None,
        past: bool,
    ) -> pd.DataFrame:
        """See :meth:`SchoolData.marks`; ``years`` are checked."""
        first, last = as_days(since, until, "marks")
        whose = self.students(past=past, removed=False) if students is None else self._of_here(students)
        marks = self._marks_with_leavers if past else self.dated_marks
        chosen = self._chosen(marks, years, first, last, self.newest_register)
        chosen = chosen[chosen[STUDENTS].isin(whose[STUDENTS])].reset_index(drop=True)
        columns = [*(name for name in (REALM,) if name in chosen), *CANONICAL, *PERIOD_COLUMNS]
        chosen = chosen[columns]
        covered = self._covered(years, first, last)
        before = [name for name in covered if name != self.year_of_groups]
        if groups is None and before and set(before) <= set(self.earlier.groups):
            groups = "then"
        if groups or set(covered) <= {self.academic_year, self.year_of_groups}:
            own = self.earlier.groups_of(chosen, before if groups == "then" else [])
            chosen = pd.concat([chosen, own], axis=1)
        chosen.attrs = {REPORT: (self._marks_with_leavers if past else self.canonical).attrs[REPORT]}
        if not past and students is None and covered[:1] < [self.academic_year]:
            chosen.attrs.update(self.earlier.lacking(covered))
        return chosen

    # --- earlier years

    @functools.cached_property
    def earlier(self) -> EarlierYears:
        """What HUBmis says of the students of earlier years."""
        gone = ~self.everybody[STUDENTS].isin(self._students[STUDENTS]) & ~_is_removed(self.everybody)
        past = None if self.table("past_students") is None else self.everybody[gone]
        return EarlierYears(self.table, self._students, self.everybody, past, self.directory)

    @functools.cached_property
    def year_of_groups(self) -> str:
        """The academic year whose groups the list of students has: that of the day of fetching."""
        days = [day for day in (self._today, self.fetched_on) if day is not None]
        return self._year_of(max(days))

    def _covered(self, years: Sequence[str] | None, first: pd.Timestamp | None, last: pd.Timestamp | None) -> list[str]:
        """The academic years with marks that are asked for, in order."""
        chosen = self._default_years(years, first, last)
        spans = self._years.set_index("academic_year")
        return [
            name
            for name in self.academic_years
            if (chosen is None or name in chosen) and (first is None or spans["end"][name] >= first)
        ]

    def events(self, years: Sequence[str] | None, since: object, until: object, without: Sequence[str]) -> pd.DataFrame:
        """See :meth:`SchoolData.events`; ``years`` are checked."""
        first, last = as_days(since, until, "events")
        rows = self._listed_events(_EVENT)
        rows = self._chosen(rows, years, first, last, self.fetched_on)
        left_out = self._categories(without)
        return concerns(rows, left_out, categories=self._known_categories(rows)).reset_index(drop=True)

    def plans(self, on: object) -> pd.DataFrame:
        """See :meth:`SchoolData.plans`."""
        rows = self._listed_events(_PLAN)
        if on is not None:
            day = as_day(on, "plans: on")
            if rows["closed_date"].isna().all():
                require_values(rows, "status", "plans", "or a closed_date, to tell active plans from ended ones")
            unknown_end = rows["closed_date"].isna() & has_ended(rows, "plans")
            rows = rows[rows["date"].le(day) & ~rows["closed_date"].le(day) & ~unknown_end]
        return rows.reset_index(drop=True)

    def _of_here(self, students: pd.DataFrame) -> pd.DataFrame:
        if REALM not in students or self.realm is None:
            return students
        return students[students[REALM].astype("str").eq(self.realm)]

    def _chosen(
        self,
        rows: pd.DataFrame,
        years: Sequence[str] | None,
        first: pd.Timestamp | None,
        last: pd.Timestamp | None,
        newest: pd.Timestamp | None,
    ) -> pd.DataFrame:
        """The rows of some years and days."""
        years = self._default_years(years, first, last)
        chosen = pd.Series(True, index=rows.index)
        if years is not None and set(years) != set(self.known_years):
            chosen &= rows["academic_year"].isin(years)
        last = newest if last is None else last
        if first is not None:
            chosen &= rows["date"] >= first
        if last is not None:
            chosen &= ~(rows["date"] > last)
        return rows[chosen]

    def _default_years(
        self, years: Sequence[str] | None, first: pd.Timestamp | None, last: pd.Timestamp | None
    ) -> Sequence[str] | None:
        """The years to keep; None for all."""
        if years is not None or first is not None:
            return years
        return [self.academic_year if last is None else self._year_of(min(last, self._today))]

    # --- events

    @functools.cached_property
    def dated_events(self) -> pd.DataFrame:
        """All events and plans of everybody, with periods."""
        rows = canonical_events(self._tables.read("pastoral_events"), timezone=self.timezone)
        periods = self.calendar.lookup(rows["date"], PERIOD_COLUMNS)
        dated = rows["date"].notna()
        periods.loc[dated, "week"] = self.calendar.week_of(rows.loc[dated, "date"])
        years = year_of(rows.loc[dated, "date"], self._years).reindex(rows.index)
        periods["academic_year"] = periods["academic_year"].fillna(years)
        others = [name for name in rows if name not in EVENT_FIELDS and name not in (REALM, *PERIOD_COLUMNS)]
        parts = [rows[[name for name in (REALM,) if name in rows]], rows[list(EVENT_FIELDS)], periods, rows[others]]
        return pd.concat(parts, axis=1)

    def _listed_events(self, kind: str) -> pd.DataFrame:
        """Events or plans that were not deleted, without those of students who were removed."""
        rows = self.dated_events
        if len(rows) and rows["type"].isna().all():
            raise BadArgumentError("events: no row has a type, so plans cannot be told from events.")
        gone = rows["deleted"].fillna(False).astype(bool) | rows[STUDENTS].isin(self.removed_ids)
        return rows[rows["type"].eq(kind).fillna(False) & ~gone]

    def _categories(self, without: Sequence[str]) -> list[str]:
        names: list[str] = []
        for name in without:
            if name not in LISTS:
                names.append(name)
                continue
            value, source = self.setting(name)
            if source == NOT_SAID:
                raise BadArgumentError(
                    f"events: the school has not said which categories are {name.replace('_', ' ')}. Say it once: "
                    f'data.with_settings({name}=["..."]), then save_settings(). The categories are '
                    f"{', '.join(self._known_categories(self.dated_events)['name'])}."
                )
            names += value
        return names

    def _known_categories(self, rows: pd.DataFrame) -> pd.DataFrame:
        lists = [self.dated_events["category_name"], rows["category_name"]]
        if (listed := self.table("pastoral_categories")) is not None:
            lists.append(listed["name"])
        return pd.DataFrame({"name": sorted({str(name) for names in lists for name in names.dropna()})})

    @property
    def removed_ids(self) -> pd.Series:
        """The ids of students whom a user removed."""
        if self.table("students") is None:
            return pd.Series(dtype="Int64")
        ids: pd.Series = self.everybody.loc[_is_removed(self.everybody), STUDENTS]
        return ids


def _is_removed(students: pd.DataFrame) -> pd.Series:
    if "deleted_at" not in students:
        return pd.Series(False, index=students.index)
    return is_filled(students["deleted_at"], "students: deleted_at")


def _local_day(instant: str, timezone: str) -> pd.Timestamp:
    return pd.Timestamp(instant).tz_convert(timezone).tz_localize(None).normalize()
