"""What an opened school gives to others: SQL, an export with pseudonyms, a student's page.

These functions are methods of :class:`SchoolData`; they stand here so that its own module stays readable.
"""

import functools
import shutil
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ..analysis.realms import REALM, STUDENTS
from ..errors import BadArgumentError
from ..export.places import remember
from ..export.pseudonymised import write_pseudonymised
from ..files import expanded
from ..frames.output import write_private
from ..privacy import open_key
from .meeting import page_of
from .one import OneSchool
from .queries import run
from .settings import FILE
from .tables import ExportTables

if TYPE_CHECKING:
    from .data import SchoolData


def sql(self: "SchoolData", query: str) -> pd.DataFrame:
    """Run an SQL query over the tables, with DuckDB, in memory.

    This needs the extra ``sql``. Each table is a view. So are ``marks``: :meth:`marks` of all years, with the groups of
    each year where they are known, else today's; and ``events``: :meth:`events` of all years. The query reads only
    these: no file of the machine, no extension, no setting. ``realm`` is text, and instants are in UTC.

    Parameters
    ----------
    query
        One query that reads, in the dialect of `DuckDB <https://duckdb.org/docs/sql/introduction>`_.

    Returns
    -------
    DataFrame
        One row per row of the answer, with the columns that the query names.

    Raises
    ------
    BadArgumentError
        It is not one query that reads, or DuckDB refuses it: the message has DuckDB's reason, unless that can quote
        a value of a row.
    SettingsError
        The extra is not installed.

    Examples
    --------
    >>> data.sql("SELECT code, count(*) AS marks FROM marks GROUP BY ALL ORDER BY marks DESC")  # doctest: +SKIP
    """
    tables = {name: functools.partial(self._tables.read, name) for name in self._tables.names()}
    return run(query, tables, {"marks": lambda: _all_marks(self), "events": lambda: self.events(academic_year="all")})


def _all_marks(data: "SchoolData") -> pd.DataFrame:
    marks = data.marks(academic_year="all")
    return marks if "year_group_name" in marks else data.marks(academic_year="all", groups="now")


def pseudonymise(
    self: "SchoolData", directory: str | PathLike[str], *, tables: str | Iterable[str] | None = None
) -> pd.DataFrame:
    """Write an export with pseudonyms, to pass on, from these tables. It sends no request.

    It is what :meth:`School.export` with ``pseudonymise=True`` writes, with the same key and the same pseudonyms.
    Ages are those at the start of :attr:`academic_year`. The code map and ``school.toml`` go with it, and so do
    settings that were given. Read :func:`hubmis_frames.pseudonymise` on what stays and can still point to a person.

    Parameters
    ----------
    directory
        A folder of its own, outside this export.
    tables
        The tables to write, by default all; child tables have names of their own.

    Returns
    -------
    DataFrame
        One row per table: ``table``, ``rows``, ``left_out`` (its columns that are not passed on). With several
        schools, ``realm`` is in front. A table that is not declared is left out, as its name may be a person's.

    Raises
    ------
    BadArgumentError
        There is no such table, or these data have pseudonyms already.
    ExportError
        The folder lies in an export, or holds one without pseudonyms, or cannot be written.
    CacheError
        The key for pseudonyms cannot be read or made.
    """
    names = list(self) if tables is None else [tables] if isinstance(tables, str) else list(map(str, tables))
    for name in names:
        if name not in self:
            self._tables.read(name)  # raises with the reason
    target, done = expanded(directory).absolute(), []
    key = open_key()
    for realm in self.realms or ("",):
        school = self.school(realm) if realm else self
        frames = {name: school[name] for name in names if name in school}
        written = write_pseudonymised(target, realm, frames, key, school._one("").first_day, self._tables.directory)
        done.append(written.assign(realm=realm)[[REALM, *written]] if self._school is None else written)
    if self._tables.directory is not None:
        for file in (*self._tables.directory.glob("code-map*.csv"), *self._tables.directory.glob(FILE)):
            shutil.copyfile(file, target / file.name)
    if self._given:
        self._of(ExportTables.of_folder(target, None), self._given).save_settings()
    return done[0] if len(done) == 1 else pd.concat(done, ignore_index=True)


def student_page(self: "SchoolData", student: int | str | pd.DataFrame, path: str | PathLike[str]) -> Path:
    """Write one student's page for a meeting: one HTML file, which prints well.

    It has attendance of the academic year (rates, by term, the register, codes, runs of absence, and what the
    first of :attr:`rules` says), the wellbeing events of the year, the plans, and contacts with parental
    responsibility if they were exported. It sends no request and contains no free text.

    Parameters
    ----------
    student
        The student's id, or a frame with the one row: ``data.find("Ottilie Brocklebank")``. With several schools,
        the frame.
    path
        The file; its name ends in ``.html``. Only you can open it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    BadArgumentError
        There is no such student, several are given, or the file does not end in ``.html``.
    ExportError
        There is no table ``students``, or the file cannot be written.
    """
    target = expanded(path)
    if target.suffix.lower() != ".html":
        raise BadArgumentError(f"student_page: the name of the file ends in .html, not {target.name!r}.")
    school, row = _student(self, student)
    page = page_of(school, row)
    file = write_private(target, lambda part: part.write_text(page, encoding="utf-8"))
    if self._tables.directory is not None:
        remember(self._tables.directory, file)
    return file


def _student(data: "SchoolData", student: int | str | pd.DataFrame) -> tuple[OneSchool, pd.DataFrame]:
    """The school of a student, and the student's row."""
    if not isinstance(student, pd.DataFrame):
        row = pd.DataFrame({STUDENTS: [student]})
    elif STUDENTS not in student or len(student) != 1:
        raise BadArgumentError(
            f"student_page takes one student, and this frame has {len(student)} rows. Choose one: "
            'students[students["student_id"] == ...].'
        )
    else:
        row = student
    if data._school is None and REALM not in row:
        raise BadArgumentError(
            "student_page: there are several schools, so an id is not enough. Give a row that has the realm: "
            'data.find("First Last").'
        )
    school = data._school if data._school is not None else data.school(str(row[REALM].iloc[0]))._one("")
    everybody = school.everybody
    found = everybody[everybody[STUDENTS].eq(row[STUDENTS].iloc[0])]
    if found.empty:
        raise BadArgumentError('student_page: no student has this id. data.find("First Last") finds students by name.')
    return school, found.head(1)
