"""Counts of marks by group: of a pandas frame in one go, of a Dask frame in each partition and then added up.

Marks never leave their worker. All sessions of a student have to be in one partition to tell whether the student is
persistently absent; where they are not, Dask first brings them together.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from ..analysis.calendar import WEEKDAYS
from ..analysis.groups import MarkGroups, Whole, first_dates, number_groups
from ..analysis.periods import CALENDAR_PERIODS
from ..analysis.realms import REALM, check_groups_of_schools, person_columns, realms_of
from ..errors import BadArgumentError
from ..frames.partitions import Frame, is_dask, own_text
from .checks import CANONICAL, check_marks, refuse_several_years

T = TypeVar("T")
_WEEKDAYS = pd.CategoricalDtype(list(WEEKDAYS), ordered=True)


class GroupCounts(NamedTuple):
    """Counts by group that can be added to those of other people."""

    keys: pd.DataFrame
    """One row per group, in order."""
    counts: Whole
    """A row per group, a column per figure."""
    first_date: pd.Series
    """The first date in each group, by which terms are put in order."""
    years: pd.DataFrame
    """The academic years in each group: ``group`` (place in ``keys``), ``realm``, ``year`` and its first ``date``."""


def group_counts(marks: pd.DataFrame, groups: MarkGroups, counts: Whole, years: pd.DataFrame) -> GroupCounts:
    """Counts of numbered groups, with the first date of each."""
    first = first_dates(groups.number, marks["date"], len(groups.keys))
    return GroupCounts(groups.keys, counts, pd.Series(first.astype("datetime64[us]")), years)


def add_up(
    count: Callable[[pd.DataFrame], GroupCounts], marks: Frame, by: Sequence[str], caller: str, across_years: bool
) -> GroupCounts:
    """The counts of all marks: ``count`` of each partition, added up; not of several years unless ``across_years``."""
    total = _total(by_people(count, marks, by, caller), by, caller)
    if not across_years:
        refuse_several_years(total.years, caller)
    return total


def _total(parts: Sequence[GroupCounts], by: Sequence[str], caller: str) -> GroupCounts:
    if len(parts) == 1:
        return parts[0]
    parts = [part for part in parts if len(part.keys)] or parts[:1]
    dated = concatenate([part.keys.assign(date=part.first_date) for part in parts])
    groups = number_groups(dated, by, None, caller, [])
    counts = np.concatenate([part.counts for part in parts])
    total = np.zeros((len(groups.keys), counts.shape[1]), dtype=np.int64)
    np.add.at(total, groups.number, counts)
    starts = np.cumsum([0, *(len(part.keys) for part in parts)])
    years = pd.concat(
        [
            part.years.assign(group=groups.number[part.years["group"] + start])
            for part, start in zip(parts, starts, strict=False)
        ],
        ignore_index=True,
    )
    years = years.groupby(["group", REALM, "year"], sort=False)["date"].min().reset_index()
    return group_counts(dated, groups, total, years)


def by_people(count: Callable[[pd.DataFrame], T], marks: Frame, by: Sequence[str], caller: str) -> list[T]:
    """The result of ``count`` for all marks, or for each partition of a Dask frame so that nobody is in two of them."""
    if not is_dask(marks):
        # Text of few values is counted by its codes, which are worked out once.
        few = [name for name in (REALM, "session", "category") if name in marks and name not in by]
        marks = marks.assign(**{name: marks[name].astype("category") for name in few})
        check_marks(marks, caller, several=True, duplicates=True)
        check_groups_of_schools(realms_of(marks), by, _periods_to_look_up(marks, by), caller)
        return [count(marks)]
    empty = own_text(marks._meta)
    check_marks(empty, caller, several=True)
    count(empty)  # raises here and now, before anything is computed
    needed = {REALM, "week", "academic_year", *CANONICAL} - {"code"} | set(by)
    chosen = marks[[name for name in marks.columns if name in needed]]
    results, people = _computed(chosen, count, caller, together=False)
    check_groups_of_schools(realms_of(people), by, _periods_to_look_up(empty, by), caller)
    if people.duplicated().any():
        results, _ = _computed(chosen.shuffle(person_columns(empty)), count, caller, together=True)
    return results


def concatenate(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several frames, put together as Dask does it."""
    if len(frames) == 1:
        return frames[0]
    from dask.dataframe import methods

    for name in map(str, frames[0]):
        types = [frame[name].dtype for frame in frames]
        ordered = [kind for kind in types if isinstance(kind, pd.CategoricalDtype) and kind.ordered]
        if len(set(ordered)) > 1 and len(ordered) == len(types):
            # Each part has its own years, terms or first day of the week, in an order that is found again.
            common = _WEEKDAYS if name == "weekday" else ordered[0].categories.dtype
            frames = [frame.astype({name: common}) for frame in frames]
    return own_text(methods.concat(list(frames), ignore_index=True))


def _computed(
    marks: Any, count: Callable[[pd.DataFrame], T], caller: str, *, together: bool
) -> tuple[list[T], pd.DataFrame]:
    import dask

    task = dask.delayed(_of_partition, pure=False)
    done = dask.compute(*(task(part, count, caller, together) for part in marks.to_delayed()))
    return [result for result, _ in done], pd.concat([people for _, people in done], ignore_index=True)


def _of_partition(
    part: pd.DataFrame, count: Callable[[pd.DataFrame], T], caller: str, together: bool
) -> tuple[T, pd.DataFrame]:
    """The result for one partition, and the people in it; ``together`` if Dask has brought their marks together."""
    part = own_text(part)
    person = person_columns(part)
    # hf.attendance.marks keeps one of several marks for a session, but saw these in different partitions.
    if together and part.duplicated([*person, "date", "session"]).any():
        raise BadArgumentError(
            f"{caller}: students have several marks for one session, in different partitions. Bring each school's "
            'records into one first, records.shuffle("realm"), and give those to hf.attendance.marks.'
        )
    people = part[person].drop_duplicates()
    return count(part), people.astype({REALM: "str"}) if REALM in people else people


def _periods_to_look_up(marks: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """The periods in ``by`` that need a calendar, as the marks have no such column."""
    return [name for name in by if name in CALENDAR_PERIODS and name not in marks]
