"""Counts of marks by group: of a pandas frame at once, of a Dask frame in each partition and then added up.

Marks never leave their worker. A student's sessions have to be together to say whether they are persistently absent;
where they are not, Dask brings them together first.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from ..analysis.columns import OF_CALENDAR, REALM, groups_of_schools, person, schools
from ..errors import BadArgumentError
from ..frames.partitions import Frame, is_dask, own_text
from .canonical import CANONICAL, check
from .groups import Whole, grouped

T = TypeVar("T")


class Counted(NamedTuple):
    """Whole numbers of each group, such that those of two lots of people may be added."""

    keys: pd.DataFrame  # one row per group, in order
    counts: Whole  # a row per group, a column per figure


def added(count: Callable[[pd.DataFrame], Counted], marks: Frame, by: Sequence[str], what: str) -> Counted:
    """What ``count`` makes of all marks."""
    parts = of_people(count, marks, by, what)
    if len(parts) == 1:
        return parts[0]
    parts = [part for part in parts if len(part.keys)] or parts[:1]
    groups = grouped(concatenated([part.keys for part in parts]), by, None, what, [])
    counts = np.concatenate([part.counts for part in parts])
    total = np.zeros((len(groups.keys), counts.shape[1]), dtype=np.int64)
    np.add.at(total, groups.number, counts)
    return Counted(groups.keys, total)


def of_people(count: Callable[[pd.DataFrame], T], marks: Frame, by: Sequence[str], what: str) -> list[T]:
    """What ``count`` makes of marks, of each partition of a Dask frame for itself; nobody is in two of them."""
    if not is_dask(marks):
        check(marks, what, several=True, once=True)
        groups_of_schools(schools(marks), by, _terms(marks, by), what)
        return [count(marks)]
    empty = own_text(marks._meta)
    check(empty, what, several=True)
    count(empty)  # says at once, and here, what is wrong
    needed = {REALM, *CANONICAL} - {"code"} | set(by)
    chosen = marks[[name for name in marks.columns if name in needed]]
    made, people = _computed(chosen, count, what, together=False)
    groups_of_schools(schools(people), by, _terms(empty, by), what)
    if people.duplicated().any():
        made, _ = _computed(chosen.shuffle(person(empty)), count, what, together=True)
    return made


def concatenated(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of the parts, as Dask would put them together."""
    if len(frames) == 1:
        return frames[0]
    from dask.dataframe import methods

    return own_text(methods.concat(list(frames), ignore_index=True))


def _computed(
    marks: Any, count: Callable[[pd.DataFrame], T], what: str, *, together: bool
) -> tuple[list[T], pd.DataFrame]:
    import dask

    task = dask.delayed(_of_part, pure=False)
    done = dask.compute(*(task(part, count, what, together) for part in marks.to_delayed()))
    return [made for made, _ in done], pd.concat([people for _, people in done], ignore_index=True)


def _of_part(
    part: pd.DataFrame, count: Callable[[pd.DataFrame], T], what: str, together: bool
) -> tuple[T, pd.DataFrame]:
    """What is counted of one partition, and who is in it; ``together`` if people were brought together for this."""
    part = own_text(part)
    who = person(part)
    # hf.attendance.marks keeps one of several marks, but saw these in different partitions.
    if together and part.duplicated([*who, "date", "session"]).any():
        raise BadArgumentError(
            f"{what}: students have several marks for one session, in different partitions. Bring each school's "
            'records into one first, records.shuffle("realm"), and give those to hf.attendance.marks.'
        )
    people = part[who].drop_duplicates()
    return count(part), people.astype({REALM: "str"}) if REALM in people else people


def _terms(marks: pd.DataFrame, by: Sequence[str]) -> list[str]:
    return [name for name in by if name in OF_CALENDAR and name not in marks]
