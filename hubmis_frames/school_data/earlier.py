"""The students of earlier academic years: their groups of that time, and who has left since."""

import functools
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..analysis.realms import STUDENTS
from ..display.shell import argument
from ..errors import ExportError, warn
from ..export.earlier import STATUS, YEAR, ignored_years, in_a_group
from ..operations.further import PAST_MARKS, YEAR_LISTS
from .people import GROUPS, Table, groups_then

LACKS = "lacks"
"""The key in ``attrs`` of marks that says in words whom they lack."""


class EarlierYears:
    """What the lists of students by academic year tell.

    Parameters
    ----------
    table
        Returns a table of the school.
    students, everybody
        The students of today, and those with the past ones.
    past
        Those who have left, without removed ones; None if HUBmis was not asked for them.
    directory
        The folder of the export, for advice.
    """

    def __init__(
        self,
        table: Table,
        students: pd.DataFrame,
        everybody: pd.DataFrame,
        past: pd.DataFrame | None,
        directory: Path | None,
    ) -> None:
        self._table = table
        self._students = students
        self._everybody = everybody
        self._past = past
        self._where = "DIRECTORY" if directory is None else argument(directory)

    @functools.cached_property
    def _lists(self) -> pd.DataFrame:
        """The lists, with the name of the academic year as ``year``."""
        lists, years = self._table(YEAR_LISTS), self._table("academic_years")
        if lists is None or years is None:
            return pd.DataFrame({YEAR: [], STATUS: [], STUDENTS: [], "year": []}, dtype="str")
        names = years.dropna(subset=[YEAR]).drop_duplicates(YEAR).set_index(YEAR)["name"]
        return lists.assign(year=lists[YEAR].map(names).astype("str"))

    @functools.cached_property
    def _ignored(self) -> set[str]:
        """The years for which HUBmis sent the groups of today."""
        lists = self._lists
        return set(lists.loc[lists[YEAR].isin(ignored_years(lists, self._students)), "year"].dropna())

    @functools.cached_property
    def groups(self) -> dict[str, pd.DataFrame]:
        """Each student's groups of that time, by the name of the year, for each earlier year that HUBmis sent."""
        lists = self._lists
        listed = lists.loc[lists[STATUS].eq("current").fillna(False) & lists["year"].notna(), "year"]
        rows = in_a_group(lists)
        return {
            name: groups_then(rows[rows["year"].eq(name).fillna(False)], self._table)
            for name in listed.unique()
            if name not in self._ignored
        }

    def groups_of(self, marks: pd.DataFrame, years: Sequence[str]) -> pd.DataFrame:
        """The groups of the student of each mark: in some years those of then, else those of today.

        Warns
        -----
        HubmisWarning
            HUBmis does not tell the groups of a year.
        """
        people = self._everybody.drop_duplicates(STUDENTS).set_index(STUDENTS)
        rows = people[[name for name in GROUPS if name in people]].reindex(marks[STUDENTS]).set_axis(marks.index)
        rows = rows.astype("str").where(rows.notna())
        if unknown := [name for name in years if name not in self.groups]:
            warn(f"marks: {self.why_not(unknown)} Marks of {', '.join(unknown)} have the groups of today.")
        for name in (name for name in years if name in self.groups):
            own = marks["academic_year"].eq(name).fillna(False).to_numpy(bool)
            then = self.groups[name].reindex(marks.loc[own, STUDENTS])
            for column in (column for column in then if column in rows):
                rows.loc[own, column] = then[column].to_numpy()
        return rows

    def why_not(self, years: Sequence[str]) -> str:
        """Why the groups of that time are not known of these years, as a sentence.

        Raises
        ------
        ExportError
            The lists were never asked for.
        """
        if self._table(YEAR_LISTS) is None:
            raise ExportError(
                f"marks: groups='then' needs the table {YEAR_LISTS}. Add it: hubmis-frames export {self._where} "
                f"--tables {YEAR_LISTS}"
            )
        ignored = [name for name in years if name in self._ignored]
        if ignored:
            return (
                f"Asked for the students of {', '.join(ignored)}, HUBmis sent everybody with the year group and form "
                "of today, so it does not tell the groups of that time."
            )
        return f"{YEAR_LISTS} has no groups of {', '.join(years)}."

    def lacking(self, years: Sequence[str]) -> dict[str, str]:
        """Whom marks of the students of today lack in these years, in words, for ``attrs``; empty if nobody."""
        advice = (
            f"marks(past=True) has them, after: hubmis-frames export {self._where} --tables core,leavers"
            if self._table(PAST_MARKS) is None
            else "marks(past=True) has them."
        )
        gone = self.gone(years)
        if gone is None:
            return {LACKS: f"students who have left since {years[0]} are not in these marks. {advice}"}
        if not gone:
            return {}
        one = "1 student who was" if gone == 1 else f"{gone} students who were"
        have = "has" if gone == 1 else "have"
        return {LACKS: f"{one} there in {' or '.join(years)} and {have} left since are not in these marks. {advice}"}

    def gone(self, years: Sequence[str]) -> int | None:
        """How many were there in one of these years and have left since; None if HUBmis does not tell."""
        lists = self._lists[self._lists["year"].isin(set(years) - self._ignored)]
        if self._past is None or self._table(YEAR_LISTS) is None or (self._ignored & set(years)):
            return None
        there = in_a_group(lists)[STUDENTS]
        return int(self._past[STUDENTS].isin(there).sum())
