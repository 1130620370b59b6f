"""A school's academic years, by the ids and dates that HUBmis sends, else by the terms of the calendar."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ..analysis.calendar import Calendar
from ..analysis.columns import DAY, local_dates
from ..errors import BadArgumentError, did_you_mean


def with_year_names(terms: pd.DataFrame, years: pd.DataFrame | None) -> pd.DataFrame:
    """Terms with the name of their academic year, from the list of academic years where a term has none."""
    if years is None or "academic_year_id" not in terms or "name" not in years:
        return terms
    names = years.dropna(subset=["academic_year_id"]).drop_duplicates("academic_year_id")
    known = terms["academic_year_id"].map(names.set_index("academic_year_id")["name"]).astype("str")
    own = terms.get("academic_year_name", known)
    return terms.assign(academic_year_name=own.fillna(known))


def year_spans(calendar: Calendar, years: pd.DataFrame | None) -> pd.DataFrame:
    """One row per academic year, in order: ``academic_year``, ``start`` and ``end``, its first and last day.

    A year whose dates HUBmis does not send lasts from its first term to the day before the next year begins.
    """
    terms = calendar.terms.groupby("academic_year", sort=False).agg(start=("start", "min"), end=("end", "max"))
    if years is not None and {"name", "date_from", "date_to"} <= set(years):
        dated = years.dropna(subset=["name", "date_from", "date_to"]).drop_duplicates("name")
        sent = pd.DataFrame(
            {
                "start": local_dates(dated["date_from"], calendar.timezone, "academic_years: date_from").to_numpy(),
                "end": local_dates(dated["date_to"], calendar.timezone, "academic_years: date_to").to_numpy(),
            },
            index=pd.Index(dated["name"].astype("str")),
        )
    else:
        sent = terms.iloc[:0]
    following = terms["start"].shift(-1) - DAY
    own = terms.assign(end=following.fillna(terms["end"])) if len(sent) == 0 else terms
    spans = pd.concat([sent, own[~own.index.isin(sent.index)]]).sort_values("start")
    return spans.rename_axis("academic_year").reset_index().astype({"academic_year": "str"})


def year_of(dates: pd.Series, spans: pd.DataFrame) -> pd.Series:
    """The academic year of each date; missing for a date in none."""
    place = np.searchsorted(spans["start"].to_numpy(), dates.to_numpy(), side="right") - 1
    inside = (place >= 0) & (dates.to_numpy() <= spans["end"].to_numpy()[place.clip(0)])
    names = spans["academic_year"].take(place.clip(0)).set_axis(dates.index)
    return names.where(pd.Series(inside, dates.index))


def chosen_years(given: str | Sequence[str], known: Iterable[str], caller: str) -> list[str]:
    """The academic years that a user named; ``"all"`` means every one."""
    names = list(known)
    if isinstance(given, str) and given == "all":
        return names
    chosen = [given] if isinstance(given, str) else list(given)
    if unknown := [name for name in chosen if name not in names]:
        raise BadArgumentError(
            f"{caller}: there is no academic year {unknown[0]!r}.{did_you_mean(unknown[0], names)} There are "
            f"{', '.join(names) or 'none'}, and 'all'."
        )
    return chosen
