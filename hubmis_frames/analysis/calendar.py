"""When the school is open: terms, half terms, school weeks, holidays, INSET days and closures."""

import datetime
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from ..frames.partitions import refuse_dask
from .columns import DAY, as_day, as_days, find_columns, local_dates
from .realms import require_one_school

SESSIONS = ("am", "pm")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Day = str | datetime.date | pd.Timestamp
"""A day as a user gives it; text is an ISO date."""

_FIRST = ("date_from", "start_date", "date_start", "date", "start")
_LAST = ("date_to", "end_date", "date_end", "date", "end")
_KINDS = ("closure", "INSET day", "holiday")
_HALF_TERM_DAYS = 3
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
        The result of ``load_terms``: ``name``, ``date_from``, ``date_to`` and, if known, ``academic_year_name``. One
        call loads one academic year. For several, give ``pd.concat([hf.load_terms(school), hf.load_terms(school,
        academic_year_id=...)])``, and do the same for the other frames.
    holidays, inset_days, closure_dates
        The results of ``load_holidays``, ``load_inset_days`` and ``load_closure_dates``: ``name``, and either a
        ``date`` or a first and a last one.
    weekdays
        The days on which the school opens, 0 for Monday; Sunday to Thursday is ``(6, 0, 1, 2, 3)``. The week of the
        school begins on the first of them.
    timezone
        The school's time zone, for dates that HUBmis sends as instants.

    Attributes
    ----------
    days : DataFrame
        One row per calendar day, from the first day of the first term to the last day of the last, with ``date`` as
        the index: ``academic_year``, ``term``, ``half_term`` (text; missing outside terms), ``week`` (its first
        day), ``school_week`` (number of the week in its academic year, weeks without an open day not counted),
        ``is_open``, ``closed_as`` (``closure``, ``INSET day``, ``holiday``, ``weekend`` or ``outside terms``) and
        ``closed_name``.
    terms : DataFrame
        One row per term: ``academic_year``, ``term``, ``start``, ``end``.

    Raises
    ------
    BadArgumentError
        An argument is not a frame, a column is missing, terms overlap or end before they begin, or there is no term.

    Notes
    -----
    The second half of a term begins with the longest holiday within the term, if that covers at least three school
    days. A term without such a holiday is its own half term. Where several years have a term of the same name, the year
    is added to the name.

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
        weekdays: Sequence[int] = (0, 1, 2, 3, 4),
        timezone: str = "Europe/London",
    ) -> None:
        self.weekdays = tuple(weekdays)
        self.timezone = timezone
        if not self.weekdays or not set(self.weekdays) <= set(range(7)):
            raise BadArgumentError(f"weekdays takes numbers from 0 (Monday) to 6 (Sunday), not {weekdays!r}.")
        for table, key, frame in zip(_FRAMES, _KEYS, (terms, holidays, inset_days, closure_dates), strict=True):
            if strange := [other for other in _KEYS if other != key and other in getattr(frame, "columns", ())]:
                raise BadArgumentError(f"Calendar: the frame given as {table} has the column {strange[0]}. {_CALLS}.")
        planned = _spans(terms, "terms", timezone)
        if planned.empty:
            raise BadArgumentError("A calendar needs a term, and terms has no row.")
        if (planned["start"] <= planned["end"].shift()).any():
            raise BadArgumentError("terms overlap: give each term once, and the terms of one school only.")
        year = planned["year"].fillna(year_name(planned["start"]))
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
        days["week"] = first_of_week(dates.to_series(), self.weekdays[0])
        school_day = dates.day_of_week.isin(self.weekdays)
        days["closed_as"] = pd.Series(pd.NA, index=dates, dtype="str")
        days["closed_name"] = pd.Series(pd.NA, index=dates, dtype="str")
        days.loc[~school_day, "closed_as"] = "weekend"
        days.loc[~inside, "closed_as"] = "outside terms"
        for kind, spans in shut.items():
            for start, end, name in zip(spans["start"], spans["end"], spans["name"], strict=True):
                days.loc[start:end, ["closed_as", "closed_name"]] = kind, name
        days["is_open"] = days["closed_as"].isna()
        days["half_term"] = self._halves(days, shut.get("holiday"), school_day)
        opens = days[days["is_open"]].drop_duplicates(["academic_year", "week"])
        number = opens.groupby("academic_year").cumcount() + 1
        numbered = pd.DataFrame({"week": opens["week"], "academic_year": opens["academic_year"], "school_week": number})
        days = days.reset_index().merge(numbered, how="left", on=["week", "academic_year"]).set_index("date")
        days["school_week"] = days["school_week"].astype("Int64")
        names = ["academic_year", "term", "half_term", "week", "school_week", "is_open", "closed_as", "closed_name"]
        return days[names].astype(dict.fromkeys(("academic_year", "term", "half_term"), "str"))

    def _halves(self, days: pd.DataFrame, holidays: pd.DataFrame | None, school_day: Iterable[bool]) -> pd.Series:
        half = days["term"].copy()
        if holidays is None:
            return half
        for term in self.terms.itertuples():
            within = holidays[(holidays["start"] > term.start) & (holidays["end"] < term.end)]
            on = pd.Series(list(school_day), index=days.index)
            lengths = [int(on[a:b].sum()) for a, b in zip(within["start"], within["end"], strict=True)]
            if lengths and max(lengths) >= _HALF_TERM_DAYS:
                middle = within.iloc[lengths.index(max(lengths))]
                half[term.start : middle["start"] - DAY] = f"{term.term}, first half"
                half[middle["start"] : term.end] = f"{term.term}, second half"
        return half

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
        if "is_open" in chosen:
            chosen = chosen.astype({"is_open": "boolean"})
        padded = chosen.reset_index(drop=True).reindex(range(len(chosen) + 1))
        rows = padded.iloc[np.where(place < 0, len(chosen), place)].set_axis(dates.index)
        return rows.assign(is_open=rows["is_open"].fillna(False).astype(bool)) if "is_open" in rows else rows

    def open_days(self, *, since: Day | None = None, until: Day | None = None) -> pd.DatetimeIndex:
        """Return the days on which the school opens, from ``since`` to ``until``, both included."""
        first, last = as_days(since, until, "open_days")
        chosen = self.days.loc[first:last]
        return pd.DatetimeIndex(chosen.index[chosen["is_open"]])

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


def first_of_week(dates: pd.Series, weekday: int = 0) -> pd.Series:
    """The first day of the week of each date."""
    first: pd.Series = dates - pd.to_timedelta((dates.dt.day_of_week - weekday) % 7, unit="D").astype("timedelta64[us]")
    return first


def year_name(start: pd.Series) -> pd.Series:
    """Name an academic year by its first day: 2025/26. A term that begins from August on begins a year."""
    first = start.dt.year - (start.dt.month < 8)
    name: pd.Series = first.astype("str") + "/" + ((first + 1) % 100).astype("str").str.zfill(2)
    return name


def _spans(frame: pd.DataFrame, table: str, timezone: str) -> pd.DataFrame:
    """The rows of a calendar table as ``name``, ``year``, ``start``, ``end``, in order of time."""
    refuse_dask(frame, table)
    if not isinstance(frame, pd.DataFrame):
        raise BadArgumentError(
            f"Calendar takes the frames that the loaders return, and {table} is a {type(frame).__name__}: {_CALLS}. "
            "The first is required, the others are optional."
        )
    require_one_school(frame, table)
    known = {"name": ("name", "description"), "year": ("academic_year_name",), "start": _FIRST, "end": _LAST}
    columns = find_columns(frame, known, None)
    if lacking := {"start", "end"} - set(columns):
        raise BadArgumentError(
            f"{table}: there is no column of the {' or '.join(sorted(lacking))} (such as date_from, date_to or date). "
            f"The frame has {', '.join(map(str, frame.columns))}."
        )
    spans = pd.DataFrame(
        {
            "name": frame[columns["name"]].astype("str") if "name" in columns else table,
            "year": frame[columns["year"]].astype("str") if "year" in columns else pd.Series(pd.NA, frame.index, "str"),
            "start": local_dates(frame[columns["start"]], timezone, f"{table}: {columns['start']}"),
            "end": local_dates(frame[columns["end"]], timezone, f"{table}: {columns['end']}"),
        }
    ).drop_duplicates()
    spans["end"] = spans["end"].fillna(spans["start"])
    if spans["start"].isna().any() or (spans["end"] < spans["start"]).any():
        raise BadArgumentError(f"{table}: a row has no first day, or ends before it begins.")
    return spans.sort_values("start", ignore_index=True)
