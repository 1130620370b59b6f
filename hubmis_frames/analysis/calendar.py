"""When the school is open: terms, half terms, school weeks, holidays, INSET days and closures."""

import zoneinfo
from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import BadArgumentError
from ..frames.partitions import refuse_dask
from .columns import DAY, as_day, as_days, find_columns, local_dates
from .realms import require_one_school
from .school_week import SESSIONS, WEEKDAYS, Day, ShortDays, Weekdays, place_of, weeks_of

__all__ = [
    "SESSIONS",
    "WEEKDAYS",
    "Calendar",
    "Day",
    "check_calendar",
    "check_timezone",
    "first_of_week",
    "year_name",
]

_FIRST = ("date_from", "start_date", "date_start", "date", "start")
_LAST = ("date_to", "end_date", "date_end", "date", "end")
_KINDS = ("closure", "INSET day", "holiday")
_HALF_TERM_DAYS = 3
_MOST_DAYS_OF_A_YEAR = 366
_AUGUST = 8
_FRAMES = ("terms", "holidays", "inset_days", "closure_dates")
_KEYS = ("term_id", "holiday_id", "inset_day_id", "closure_date_id")
_CALLS = (
    "hf.attendance.Calendar(hf.load_terms(school), hf.load_holidays(school), hf.load_inset_days(school), "
    "hf.load_closure_dates(school))"
)


class Calendar:
    """The school's days, built from the frames of the loaders.

    Parameters
    ----------
    terms
        The result of ``load_terms``: ``name``, ``date_from``, ``date_to``, and ``academic_year_id`` or
        ``academic_year_name``. One call loads one academic year. For several, give ``pd.concat([hf.load_terms(school),
        hf.load_terms(school, academic_year_id=...)])``, and do the same for the other frames. Terms without id and name
        of a year are one academic year.
    holidays, inset_days, closure_dates
        The results of ``load_holidays``, ``load_inset_days`` and ``load_closure_dates``: ``name``, and either a
        ``date`` or a first and a last one.
    weekdays
        The days on which the school opens, 0 for Monday; Sunday to Thursday is ``(6, 0, 1, 2, 3)``. Where they changed,
        give them by the first day of each change; the first of these holds for earlier days too:
        ``{"2021-08-29": (6, 0, 1, 2, 3), "2022-01-03": (0, 1, 2, 3, 4)}``.
    sessions
        The sessions for which a register is kept; ``("am",)`` for one register a day.
    short_days
        Weekdays with fewer sessions: ``{4: ["am"]}`` for Friday mornings only, ``{5: ["am"]}`` for Saturday mornings.
        Where they changed, give them by the first day of each change, as for ``weekdays``.
    timezone
        The school's time zone, for dates that HUBmis sends as instants.

    Attributes
    ----------
    days : DataFrame
        One row per calendar day, from the first day of the first term to the last day of the last, with ``date`` as
        the index: ``academic_year``, ``term``, ``half_term`` (text; missing outside terms), ``week`` (its first
        day), ``school_week`` (number of the week in its academic year, weeks without an open day not counted),
        ``is_open``, ``am`` and ``pm`` (whether a register is kept in that session), ``closed_as`` (``closure``,
        ``INSET day``, ``holiday``, ``weekend`` or ``outside terms``) and ``closed_name``.
    terms : DataFrame
        One row per term: ``academic_year``, ``term``, ``start``, ``end``.
    weekdays : tuple
        Every weekday on which the school opens or opened, from the first of its week.

    Raises
    ------
    BadArgumentError
        An argument is not a frame, a column is missing, terms overlap or end before they begin, there is no term, terms
        without a year cover more than one, or weekdays, sessions or the time zone do not exist.

    Notes
    -----
    The school's week begins after its longest stretch of weekdays off: on Sunday from Sunday to Thursday, on Monday
    from Monday to Saturday. Of two equal stretches, it is the one whose next day comes first in ``weekdays``.

    Terms of one ``academic_year_id`` (without ids, of one ``academic_year_name``) are one academic year. Without
    either, a new year begins where the names of terms begin again, after the longest break. A year without a name of
    its own is named by the dates of its terms: 2025/26, or 2026 if it begins and ends in one calendar year.

    The second half of a term begins with the longest stretch of at least three school days within the term without
    school, however it was entered: as one holiday, day by day or as closures; holidays go before closures. A term
    without such a stretch is its own half term. Where several years have a term of the same name, the year is added to
    the name.

    Examples
    --------
    >>> calendar = hf.attendance.Calendar(hf.load_terms(school), hf.load_holidays(school))  # doctest: +SKIP
    """

    def __init__(
        self,
        terms: pd.DataFrame,
        holidays: pd.DataFrame | None = None,
        inset_days: pd.DataFrame | None = None,
        closure_dates: pd.DataFrame | None = None,
        *,
        weekdays: Weekdays = (0, 1, 2, 3, 4),
        sessions: Sequence[str] = SESSIONS,
        short_days: ShortDays | None = None,
        timezone: str = "Europe/London",
    ) -> None:
        self.timezone = check_timezone(timezone, "Calendar")
        self._weeks = weeks_of(weekdays, sessions, short_days)
        first = self._weeks[-1].first
        opens = {day for week in self._weeks for day in week.sessions}
        self.weekdays = tuple(sorted(opens, key=lambda day: (day - first) % 7))
        for table, key, frame in zip(_FRAMES, _KEYS, (terms, holidays, inset_days, closure_dates), strict=True):
            if strange := [other for other in _KEYS if other != key and other in getattr(frame, "columns", ())]:
                raise BadArgumentError(f"Calendar: the frame given as {table} has the column {strange[0]}. {_CALLS}.")
        planned = _spans(terms, "terms", timezone)
        if planned.empty:
            raise BadArgumentError("A calendar needs a term, and terms has no row.")
        if (planned["start"] <= planned["end"].shift()).any():
            raise BadArgumentError(
                "terms overlap: give each term once, and the terms of one school and one calendar only. Parts of a "
                "school with years of their own need a Calendar each."
            )
        year = _years(planned)
        repeated = planned["name"].duplicated(keep=False)
        planned["term"] = planned["name"].where(~repeated, planned["name"] + " " + year)
        self.terms = planned.assign(academic_year=year)[["academic_year", "term", "start", "end"]]
        shut = {
            kind: _spans(frame, table, timezone)
            for kind, frame, table in zip(
                reversed(_KINDS),
                (holidays, inset_days, closure_dates),
                _FRAMES[1:],
                strict=True,
            )
            if frame is not None
        }
        self.days = self._days(shut)

    def _days(self, shut: dict[str, pd.DataFrame]) -> pd.DataFrame:
        dates = pd.date_range(self.terms["start"].iloc[0], self.terms["end"].iloc[-1], name="date", unit="us")
        days = pd.DataFrame(index=dates)
        term = np.searchsorted(self.terms["start"], dates, side="right") - 1
        inside = dates <= self.terms["end"].to_numpy()[term]
        years = self.terms["academic_year"]
        # The summer between two years belongs to neither; a holiday between two terms to the year of both.
        after = years.shift(-1).eq(years).to_numpy()[term]
        days["academic_year"] = years.iloc[term].where(inside | after).to_numpy()
        days["term"] = self.terms["term"].iloc[term].where(inside).to_numpy()
        days["week"] = self.week_of(dates.to_series())
        planned = self.planned_sessions(dates.to_series())
        days["closed_as"] = pd.Series(pd.NA, index=dates, dtype="str")
        days["closed_name"] = pd.Series(pd.NA, index=dates, dtype="str")
        days.loc[~self.is_school_day(dates), "closed_as"] = "weekend"
        days.loc[~inside, "closed_as"] = "outside terms"
        for kind, spans in shut.items():
            for start, end, name in zip(spans["start"], spans["end"], spans["name"], strict=True):
                days.loc[start:end, ["closed_as", "closed_name"]] = kind, name
        days["is_open"] = days["closed_as"].isna()
        for place, session in enumerate(SESSIONS):
            days[session] = days["is_open"] & planned[:, place]
        days["half_term"] = _halves(days, self.is_school_day(dates))
        opens = days[days["is_open"]].drop_duplicates(["academic_year", "week"])
        number = opens.groupby("academic_year").cumcount() + 1
        numbered = pd.DataFrame({"week": opens["week"], "academic_year": opens["academic_year"], "school_week": number})
        days = days.reset_index().merge(numbered, how="left", on=["week", "academic_year"]).set_index("date")
        days["school_week"] = days["school_week"].astype("Int64")
        names = [
            "academic_year", "term", "half_term", "week", "school_week", "is_open", *SESSIONS, "closed_as",
            "closed_name",
        ]  # fmt: skip
        return days[names].astype(dict.fromkeys(("academic_year", "term", "half_term"), "str"))

    def lookup(self, dates: pd.Series, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the rows of ``days`` for some dates; missing, and not open, for days outside the calendar.

        Parameters
        ----------
        dates
            Days, which may repeat.
        columns
            Which columns of ``days``; all unless given.
        """
        # Positions rather than a merge: 300,000 marks fall on a few hundred days.
        place = self.days.index.get_indexer(pd.DatetimeIndex(dates))
        chosen = self.days if columns is None else self.days[list(columns)]
        flags = [name for name in ("is_open", *SESSIONS) if name in chosen]
        padded = chosen.astype(dict.fromkeys(flags, "boolean")).reset_index(drop=True).reindex(range(len(chosen) + 1))
        rows = padded.iloc[np.where(place < 0, len(chosen), place)].set_axis(dates.index)
        return rows.assign(**{name: rows[name].fillna(False).astype(bool) for name in flags})

    def open_days(self, *, since: Day | None = None, until: Day | None = None) -> pd.DatetimeIndex:
        """Return the days on which the school opens, from ``since`` to ``until``, both included."""
        first, last = as_days(since, until, "open_days")
        chosen = self.days.loc[first:last]
        return pd.DatetimeIndex(chosen.index[chosen["is_open"]])

    def sessions_left(self, on: Day, until: Day | None = None) -> int:
        """Return how many sessions a register is kept for after the day ``on``, up to and including ``until``.

        ``until`` is the last day of the academic year of ``on`` if not given.

        Raises
        ------
        BadArgumentError
            ``until`` lies before ``on``, or it is not given and ``on`` lies before the first term.
        """
        day = as_day(on, "sessions_left: on")
        last = self.end_of_year(day, "sessions_left") if until is None else as_day(until, "sessions_left: until")
        if until is not None and last < day:
            raise BadArgumentError(f"sessions_left: until ({last:%Y-%m-%d}) is before on ({day:%Y-%m-%d}).")
        before, after = self.sessions_up_to(pd.Series([day, max(day, last)]))
        return int(after - before)

    def sessions_up_to(self, dates: pd.Series) -> npt.NDArray[np.int64]:
        """How many sessions the calendar has up to and including each date."""
        total = np.concatenate([[0], self.days[list(SESSIONS)].to_numpy(dtype=np.int64).sum(axis=1).cumsum()])
        counts: npt.NDArray[np.int64] = total[np.searchsorted(self.days.index, pd.DatetimeIndex(dates), side="right")]
        return counts

    def week_of(self, dates: pd.Series) -> pd.Series:
        """The first day of the school's week of each date, on days outside the calendar too."""
        first = np.array([week.first for week in self._weeks])[place_of(self._weeks, dates)]
        return first_of_week(dates, first)

    def planned_sessions(self, dates: pd.Series) -> npt.NDArray[np.bool_]:
        """Whether each date is a weekday with a register in the morning and in the afternoon, holidays included."""
        plan = np.array(
            [[[s in week.sessions.get(day, ()) for s in SESSIONS] for day in range(7)] for week in self._weeks]
        )
        planned: npt.NDArray[np.bool_] = plan[place_of(self._weeks, dates), dates.dt.day_of_week.to_numpy()]
        return planned

    def is_school_day(self, dates: pd.DatetimeIndex) -> npt.NDArray[np.bool_]:
        """Whether each date is a weekday with school, holidays included."""
        school_day: npt.NDArray[np.bool_] = np.logical_or.reduce(self.planned_sessions(dates.to_series()), axis=1)
        return school_day

    def shut_weeks(self) -> pd.DataFrame:
        """Return stretches of weeks without an open day: ``start`` and ``end``, the first days of first and last."""
        is_open = self.days.groupby("week")["is_open"].any()
        rows = is_open[~is_open].index.to_frame(index=False)
        stretches = rows.groupby(is_open.cumsum()[~is_open].to_numpy())
        return stretches.agg(start=("week", "min"), end=("week", "max"))

    def year_of(self, day: Day) -> str | None:
        """Return the academic year of a day. A day between two years belongs to the earlier; before the first: None."""
        terms = self.terms[self.terms["start"] <= as_day(day, "year_of")]
        return None if terms.empty else str(terms["academic_year"].iloc[-1])

    def end_of_year(self, day: pd.Timestamp, caller: str) -> pd.Timestamp:
        """The last day of the academic year of a day."""
        year = self.year_of(day)
        if year is None:
            raise BadArgumentError(f"{caller}: {day:%Y-%m-%d} is before the calendar's first term.")
        return cast("pd.Timestamp", self.terms.loc[self.terms["academic_year"].eq(year), "end"].max())

    def __repr__(self) -> str:
        """The terms and the number of open days."""
        first, last = self.days.index[0], self.days.index[-1]
        return (
            f"Calendar({len(self.terms)} terms, {first:%Y-%m-%d} to {last:%Y-%m-%d}, {self.days['is_open'].sum()} days)"
        )


def check_calendar(calendar: object, caller: str) -> Calendar:
    """Return the calendar; raise if it is not one."""
    if not isinstance(calendar, Calendar):
        but = "" if calendar is None else f", and this is a {type(calendar).__name__}"
        raise BadArgumentError(f"{caller} needs calendar=, a Calendar of the school's days{but}. Make one: {_CALLS}.")
    return calendar


def check_timezone(timezone: str, caller: str) -> str:
    """Return the name of a time zone; raise if there is no such zone."""
    try:
        zoneinfo.ZoneInfo(timezone)
    except (ValueError, TypeError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise BadArgumentError(
            f"{caller}: there is no time zone {timezone!r}. Give a name such as 'Asia/Dubai'; "
            "hf.load_school_regional_settings(school) holds the school's."
        ) from None
    return timezone


def first_of_week(dates: pd.Series, weekday: int | npt.NDArray[np.int64] = 0) -> pd.Series:
    """The first day of the week of each date; ``weekday`` is the day on which weeks begin, or one for each date."""
    first: pd.Series = dates - pd.to_timedelta((dates.dt.day_of_week - weekday) % 7, unit="D").astype("timedelta64[us]")
    return first


def year_name(start: pd.Series) -> pd.Series:
    """Name an academic year that begins in August, as where no calendar says otherwise, by a day in it: 2025/26."""
    first = start.dt.year - (start.dt.month < _AUGUST)
    name: pd.Series = first.astype("str") + "/" + ((first + 1) % 100).astype("str").str.zfill(2)
    return name


def _years(terms: pd.DataFrame) -> pd.Series:
    """The name of the academic year of each term."""
    number = terms["year_id"].fillna(terms["year"])
    if number.isna().all():
        number = _years_by_name(terms)
    elif number.isna().any():
        raise BadArgumentError("terms: a row has neither academic_year_id nor academic_year_name, and others have.")
    number = pd.Series(number.to_numpy(), terms.index)
    years = terms.groupby(number).agg(start=("start", "min"), end=("end", "max"), year=("year", "first"))
    years = years.sort_values("start")
    if ((years["end"] - years["start"]).dt.days >= _MOST_DAYS_OF_A_YEAR).any():
        raise BadArgumentError(
            "terms: those of one academic year cover more than a year. Give each term its academic_year_id or "
            "academic_year_name, as load_terms does."
        )
    if (years["start"] <= years["end"].shift()).any():
        raise BadArgumentError("terms: the terms of two academic years alternate. Correct the academic year of each.")
    # A year that begins from August on does not end before the new one.
    first = years["start"].dt.year
    last = years["end"].dt.year.where(years["start"].dt.month < _AUGUST, first + 1)
    one, two = first.astype("str"), (last % 100).astype("str").str.zfill(2)
    # A name that two years share tells neither of them.
    named = years["year"].where(~years["year"].duplicated(keep=False)).fillna(one.where(first == last, one + "/" + two))
    name: pd.Series = number.map(named).astype("str")
    return name


def _years_by_name(terms: pd.DataFrame) -> pd.Series:
    """The number of the academic year of each term, where only names and dates are known.

    Names come again each year, and a year begins with the name before which the break is longest.
    """
    if not terms["name"].duplicated().any():
        return pd.Series(0, index=terms.index)
    gaps = (terms["start"] - terms["end"].shift()).groupby(terms["name"]).mean()
    return terms["name"].eq(str(gaps.idxmax())).cumsum()


def _halves(days: pd.DataFrame, school_day: npt.NDArray[np.bool_]) -> pd.Series:
    """The half term of each day: the term, and which half of it if a break divides it."""
    half = days["term"].copy()
    for term in days["term"].dropna().unique():
        within = days["term"].to_numpy() == term
        of_days, of_term = days.index[within], days[school_day & within]
        is_open = of_term["is_open"].to_numpy()
        # Stretches without school between two open days of the term.
        stretch = np.where(is_open, -1, np.cumsum(is_open))
        inside = (stretch > 0) & (stretch < is_open.sum())
        shut = pd.DataFrame({"stretch": stretch, "holiday": of_term["closed_as"].eq("holiday")}, of_term.index)[inside]
        breaks = (
            shut.reset_index()
            .groupby("stretch")
            .agg(start=("date", "first"), end=("date", "last"), days=("date", "size"), holidays=("holiday", "sum"))
        )
        breaks = breaks[breaks["days"] >= _HALF_TERM_DAYS]
        if breaks.empty:
            continue
        middle = of_days[0] + (of_days[-1] - of_days[0]) / 2
        breaks["from_middle"] = (breaks["start"] + (breaks["end"] - breaks["start"]) / 2 - middle).abs()
        breaks["is_holiday"] = breaks["holidays"] >= _HALF_TERM_DAYS
        start = breaks.sort_values(["is_holiday", "days", "from_middle"], ascending=[False, False, True])["start"].iloc[
            0
        ]
        half[of_days[0] : start - DAY] = f"{term}, first half"
        half[start : of_days[-1]] = f"{term}, second half"
    return half


def _spans(frame: pd.DataFrame, table: str, timezone: str) -> pd.DataFrame:
    """The rows of a calendar table as ``name``, ``year_id``, ``year``, ``start``, ``end``, in order of time."""
    refuse_dask(frame, table)
    if not isinstance(frame, pd.DataFrame):
        raise BadArgumentError(
            f"Calendar takes the frames that the loaders return, and {table} is a {type(frame).__name__}: {_CALLS}. "
            "The first is required, the others are optional."
        )
    require_one_school(frame, table)
    known = {
        "name": ("name", "description"),
        "year_id": ("academic_year_id",),
        "year": ("academic_year_name", "academic_year"),
        "start": _FIRST,
        "end": _LAST,
    }
    columns = find_columns(frame, known, None)
    if lacking := {"start", "end"} - set(columns):
        raise BadArgumentError(
            f"{table}: there is no column of the {' or '.join(sorted(lacking))} (such as date_from, date_to or date). "
            f"The frame has {', '.join(map(str, frame.columns))}."
        )
    spans = pd.DataFrame(
        {
            "name": frame[columns["name"]].astype("str") if "name" in columns else table,
            **{
                year: frame[columns[year]].astype("str") if year in columns else pd.Series(pd.NA, frame.index, "str")
                for year in ("year_id", "year")
            },
            "start": local_dates(frame[columns["start"]], timezone, f"{table}: {columns['start']}"),
            "end": local_dates(frame[columns["end"]], timezone, f"{table}: {columns['end']}"),
        }
    ).drop_duplicates()
    spans["end"] = spans["end"].fillna(spans["start"])
    if spans["start"].isna().any() or (spans["end"] < spans["start"]).any():
        raise BadArgumentError(f"{table}: a row has no first day, or ends before it begins.")
    return spans.sort_values("start", ignore_index=True)
