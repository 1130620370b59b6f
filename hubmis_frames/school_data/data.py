"""One school or several, opened: a mapping of plain frames that knows how the school's time works."""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ..analysis.realms import REALM, STUDENTS
from ..attendance import AbsenceRule, Calendar, CodeMap
from ..errors import BadArgumentError, did_you_mean, warn
from ..export.columns import as_frame, rows_of
from ..files import expanded, safe_name
from ..frames.finding import find
from . import giving, people
from . import settings as of_school
from .about import about_rows
from .checks import checks_of
from .earlier import LACKS
from .one import OneSchool
from .tables import ExportTables, FrameTables, Tables, schools_in
from .years import chosen_years


class SchoolData(Mapping[str, pd.DataFrame]):
    """A school's tables, and what the school knows of itself. It never asks HUBmis.

    :func:`open_export`, :meth:`School.fetch` and :meth:`Group.fetch` make one. It is a mapping from the name of a
    table to its frame: ``data["students"]``, ``"contacts" in data``, ``list(data)``. Each frame that it hands out is a
    copy.

    Parameters
    ----------
    tables
        Frames of your own, by the name of their table: ``{"students": ..., "student_attendance": ...}``.
    code_map
        The category of each attendance code, a :class:`hubmis_frames.attendance.CodeMap`.
    **settings
        Other settings: see :meth:`with_settings`.

    Raises
    ------
    BadArgumentError
        A table is not a frame, there is no such setting, or its value cannot be used.

    Examples
    --------
    >>> data = hf.open_export("school")  # doctest: +SKIP
    >>> hf.attendance.summarise(data.marks(), by="year_group_name")  # doctest: +SKIP
    """

    def __init__(
        self, tables: Mapping[str, pd.DataFrame], *, code_map: CodeMap | str | None = None, **settings: Any
    ) -> None:
        given = settings if code_map is None else {**settings, "code_map": code_map}
        self._set_up(FrameTables(tables), given, "SchoolData")

    @classmethod
    def _fetched(
        cls, frames: Mapping[str, pd.DataFrame], missing: Mapping[str, Mapping[str, str]], realms: Sequence[str]
    ) -> "SchoolData":
        """Make one of what was just fetched, with the reasons why tables are missing."""
        return cls._of(FrameTables(frames, missing, realms), {})

    @classmethod
    def _of(cls, tables: Tables, given: Mapping[str, Any]) -> "SchoolData":
        data = cls.__new__(cls)
        data._set_up(tables, given, "SchoolData")
        return data

    def _set_up(self, tables: Tables, given: Mapping[str, Any], caller: str) -> None:
        self._tables = tables
        self._given = of_school.check_settings(given, caller)
        common, by_realm = ({}, {}) if tables.directory is None else of_school.read_settings(tables.directory)
        self._files = common, by_realm
        self._schools: dict[str, SchoolData] = {}
        self._school: OneSchool | None = None
        self._said_pseudonyms = False
        if len(tables.realms) < 2:
            own = by_realm.get(tables.realms[0], {}) if tables.realms else {}
            self._school = OneSchool(tables, self._given, {**common, **own})

    # --- a mapping of frames

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self._tables.read(name).copy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables.names())

    def __len__(self) -> int:
        return len(self._tables.names())

    def __contains__(self, name: object) -> bool:
        return name in self._tables.names()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the frame of a table, or ``default`` if there is no such table."""
        if name not in self:
            return default
        return self[name]

    def __repr__(self) -> str:
        """Which schools it holds, and how many tables."""
        return f"<SchoolData of {', '.join(map(repr, self.realms)) or 'a school'}: {len(self)} tables>"

    # --- what the school knows of itself

    @property
    def realms(self) -> tuple[str, ...]:
        """The realm of each school."""
        return self._tables.realms

    def school(self, realm: str) -> "SchoolData":
        """Return one of the schools.

        Raises
        ------
        BadArgumentError
            It is not here.
        """
        if realm not in self.realms:
            raise BadArgumentError(
                f"There is no school {realm!r}.{did_you_mean(realm, self.realms)} There are "
                f"{', '.join(self.realms) or 'none with a realm'}."
            )
        if self._school is not None:
            return self
        if realm not in self._schools:
            self._schools[realm] = SchoolData._of(self._tables.of(realm), self._given)
        return self._schools[realm]

    @property
    def calendar(self) -> Calendar:
        """The school's days, with the weekdays and sessions of :attr:`settings`."""
        return self._one("calendar").calendar

    @property
    def code_map(self) -> CodeMap | str:
        """The category of each attendance code: a map, or the name of a built-in one."""
        return self._one("code_map").code_map

    @property
    def rules(self) -> tuple[AbsenceRule, ...]:
        """The school's absence rules."""
        if self._school is not None:
            return self._school.rules
        several = {self.school(realm).rules for realm in self.realms}
        if len(several) > 1:
            self._one("rules")
        return several.pop()

    @property
    def rule(self) -> AbsenceRule:
        """The first of the absence rules."""
        return self.rules[0]

    @property
    def timezone(self) -> str:
        """The school's time zone."""
        return self._one("timezone").timezone

    @property
    def academic_year(self) -> str:
        """The name of the academic year of the newest register; without marks, of the day of fetching."""
        return self._one("academic_year").academic_year

    @property
    def academic_years(self) -> list[str]:
        """The names of the academic years that the marks cover up to the newest register, the oldest first."""
        return self._one("academic_years").academic_years

    @property
    def newest_register(self) -> pd.Timestamp:
        """The last school day on which at least half as many students as usual have a mark that counts."""
        return self._one("newest_register").newest_register

    @property
    def fetched_on(self) -> pd.Timestamp | None:
        """The school's day on which the newest marks, or without marks other rows, were fetched; None if not known."""
        return self._one("fetched_on").fetched_on

    @property
    def settings(self) -> pd.DataFrame:
        """One row per setting: ``setting``, ``value`` as text, and ``source``.

        The source is ``given`` (in Python), ``school.toml``, ``code-map.csv``, ``HUBmis``, ``seen in the marks``,
        ``default``, or ``not said``.
        """
        known = self._one("settings")
        rows = [
            (name, of_school.as_text(name, value), source)
            for name, (value, source) in ((name, known.setting(name)) for name in of_school.NAMES)
        ]
        return pd.DataFrame(rows, columns=["setting", "value", "source"], dtype="str")

    def with_settings(self, **given: Any) -> "SchoolData":
        """Return the same data with other settings. They win over ``school.toml``.

        Parameters
        ----------
        **given
            ``school_name``, which heads its reports; ``timezone``, such as ``"Asia/Dubai"``; ``weekdays`` with school,
            by name or number (0 for Monday);
            ``sessions`` with a register (``["am"]`` for one a day); ``short_days``, the sessions of weekdays that have
            fewer (``{"Friday": ["am"]}``); ``code_map``, a :class:`hubmis_frames.attendance.CodeMap`, ``"england"`` or
            the name of a CSV file beside the export; ``rules``, a list of
            :class:`hubmis_frames.attendance.AbsenceRule`; ``praise`` and ``about_attendance``, lists of categories of
            pastoral events. Weekdays and short days that changed are given by the first day of each span:
            ``{"2022-01-03": ["Monday", ...]}``.

        Raises
        ------
        BadArgumentError
            There is no such setting, or its value cannot be used.
        """
        checked = of_school.check_settings(given, "with_settings")
        return SchoolData._of(self._tables, {**self._given, **checked})

    def save_settings(self, directory: str | PathLike[str] | None = None) -> Path:
        """Write the settings that were given to ``school.toml`` beside the export, and return its path.

        What the file said before stays unless it was given anew; settings that were only inferred are written as
        comments. A code map goes to ``code-map.csv``. With one school of several, they are that school's alone.

        Parameters
        ----------
        directory
            The folder, for data that are not from an export.

        Raises
        ------
        BadArgumentError
            The data are not from an export, and no folder is given.
        SettingsError
            The file cannot be written.
        """
        folder = self._tables.directory if directory is None else expanded(directory)
        if folder is None:
            raise BadArgumentError("save_settings: these data are not from an export. Give the folder to write to.")
        common, by_realm = of_school.read_settings(folder)
        given, own = dict(self._given), self.realms[0] if self._school is not None and self.realms else None
        # Of several schools in the folder, one keeps its settings to itself.
        if own is not None and len(schools_in(folder)) < 2:
            own = None
        if isinstance(given.get("code_map"), CodeMap):
            name = of_school.CODE_MAP_FILE if own is None else f"code-map-{safe_name(own)}.csv"
            given["code_map"].save(folder / name)
            given["code_map"] = name
        if own is None:
            common = {**common, **given}
            by_realm = {realm: {k: v for k, v in old.items() if k not in given} for realm, old in by_realm.items()}
        else:
            by_realm = {**by_realm, own: {**by_realm.get(own, {}), **given}}
        notes: list[str] = []
        if self._school is not None:
            known = self.settings
            written = {*common, *by_realm.get(own or "", {})}
            notes = [
                f"{name}: {value} ({source})"
                for name, value, source in known.itertuples(index=False)
                if name not in written
            ]
        return of_school.write_settings(folder, common, by_realm, notes)

    # --- frames for the analysis

    def students(self, *, past: bool = False, removed: bool = False) -> pd.DataFrame:
        """One row per student: the columns of ``load_students``, then the student's groups.

        Parameters
        ----------
        past
            Whether to add past students.
        removed
            Whether to keep students whom a user removed from HUBmis; their ``deleted_at`` is filled.

        Returns
        -------
        DataFrame
            The columns of the table ``students`` with ``realm``, then ``section_name``, ``key_stage``,
            ``tutor_group_id``, ``tutor_group_name`` and ``tutor_name`` (the staff of the tutor group, else of the
            form); missing where the tables ``year_groups``, ``forms`` or ``tutor_groups`` do not tell.

        Raises
        ------
        ExportError
            There is no table ``students``, or with ``past`` none of ``past_students``.
        """
        return self._each(lambda school: school.students(past=past, removed=removed))

    def marks(
        self,
        *,
        academic_year: str | Sequence[str] | None = None,
        since: Any = None,
        until: Any = None,
        students: pd.DataFrame | None = None,
        groups: Literal["now", "then"] | None = None,
        past: bool = False,
    ) -> pd.DataFrame:
        """One row per student, date and session: canonical marks with the school's periods and groups.

        Marks of students who are not in :meth:`students` are left out, and :meth:`checks` counts them.

        Parameters
        ----------
        academic_year
            The name of a year, several, or ``"all"``. By default the year of the newest register; with ``since``, all
            years from that day on; with ``until`` alone, the year of that day.
        since, until
            The first and the last day, both included. By default marks end with the newest register, as leave is
            booked ahead.
        students
            Whose marks: any frame with ``student_id``, such as ``data.students(past=True)``. With several schools it
            needs ``realm``.
        groups
            ``"then"``: marks of an earlier year have the groups that HUBmis's list of that year gives the student
            (table ``academic_year_students``), and none if the student is not in it. The list has one state for the
            whole year. Tutor groups are known of today alone. ``"now"``: all marks have today's groups, by which last
            year's Year 9 is called Year 10. By default those of then if the lists of all these years are there; else
            marks of earlier years have no groups.
        past
            Whether to add the marks of students who have left (the tables of ``"leavers"``).

        Returns
        -------
        DataFrame
            ``realm``, ``student_id``, ``date``, ``session``, ``code``, ``category``; ``academic_year``, ``term``,
            ``half_term``, ``week``, ``school_week``; and, unless the groups of earlier years are not known,
            ``section_name``, ``year_group_name``, ``form_name``, ``tutor_group_name``, ``academic_house_name``,
            ``boarding_house_name``, ``boarding_type_name`` and ``gender_name``, as far as the students have them.
            ``attrs["lacks"]`` says in words whom marks of earlier years lack, if students have left since.

        Raises
        ------
        BadArgumentError
            There is no such academic year, or an argument cannot be used.
        ExportError
            A table is missing, or no mark is on a school day. With ``past``: there are no marks of past students.

        Warns
        -----
        HubmisWarning
            As :func:`hubmis_frames.attendance.marks` does, once: codes without a category, for example. With
            ``groups="then"``: HUBmis does not tell the groups of a year, so its marks have today's.
        """
        if groups not in (None, "now", "then"):
            raise BadArgumentError(
                f"marks: groups takes 'then' (the groups of that year), 'now' (today's) or nothing, not {groups!r}."
            )
        if students is not None and STUDENTS not in students:
            raise BadArgumentError("marks: students takes a frame with the column student_id.")
        if students is not None and self._school is None and REALM not in students:
            raise BadArgumentError("marks: there are several schools, so students needs the column realm.")
        return self._of_years(
            academic_year,
            "marks",
            lambda school, years: school.marks(years, since, until, students, groups=groups, past=past),
        )

    def events(
        self,
        *,
        academic_year: str | Sequence[str] | None = None,
        since: Any = None,
        until: Any = None,
        without: str | Sequence[str] = (),
    ) -> pd.DataFrame:
        """One row per wellbeing event and student, without plans (:meth:`plans`).

        Events that were deleted, and those of students who were removed, are left out; :meth:`checks` counts them.

        Parameters
        ----------
        academic_year, since, until
            As for :meth:`marks`. By default events end with the day of fetching.
        without
            Categories to leave out: their names, or ``"praise"`` and ``"about_attendance"``, the lists of
            :attr:`settings`.

        Returns
        -------
        DataFrame
            ``realm``, the columns of :func:`hubmis_frames.wellbeing.events`, with ``academic_year``, ``term``,
            ``half_term``, ``week`` and ``school_week`` after the canonical ones.

        Raises
        ------
        BadArgumentError
            There is no such category or academic year, or the school has not said which categories a list holds.
        ExportError
            A table is missing.
        """
        names = [without] if isinstance(without, str) else list(without)
        return self._of_years(academic_year, "events", lambda school, years: school.events(years, since, until, names))

    def plans(self, *, on: Any = None) -> pd.DataFrame:
        """One row per wellbeing plan and student.

        Parameters
        ----------
        on
            Only plans that were in force at the end of this day. By default all plans.

        Returns
        -------
        DataFrame
            The columns of :meth:`events`.

        Raises
        ------
        MissingFieldError
            With ``on``: the plans have neither a status nor a closing date.
        """
        return self._each(lambda school: school.plans(on))

    def checks(self) -> pd.DataFrame:
        """One row per check of the data: what to know before any figure.

        Returns
        -------
        DataFrame
            ``check``, ``detail``, ``rows``, ``students`` (missing where a check does not count them) and ``meaning``:
            the checks of :func:`hubmis_frames.attendance.data_quality` over all marks up to the newest register, tables
            that are incomplete or missing, removed students, marks after the newest register, and more. With several
            schools, ``realm`` is in front.
        """
        return self._each(checks_of, add_realm=True)

    def find(self, text: str) -> pd.DataFrame:
        """Return the students with this name: :func:`hubmis_frames.find` on :meth:`students`."""
        return find(self.students(), text)

    def with_names(self, frame: pd.DataFrame, *, contacts: bool = False) -> pd.DataFrame:
        """Put the names and groups of students in front of a list: every row once, in its place.

        Parameters
        ----------
        frame
            Any frame with ``student_id``; with several schools also ``realm``.
        contacts
            Whether to add contacts with parental responsibility as one text, the primary one first, each with
            telephones, then e-mail (of ``contact_emails`` if that was exported, else of ``contacts``):
            ``Philippa Lumley (Mother) 07700 900031, p.lumley@mail.example; ...``. An inactive contact is marked:
            ``Jo Lumley (Father, inactive)``. One that was removed is left out.

        Returns
        -------
        DataFrame
            ``realm``, ``student_id``, ``name`` (``Lumley, Barnaby``, with the preferred first name),
            ``year_group_name``, ``form_name``, ``tutor_name`` and ``contacts``, then the other columns of ``frame``. A
            column that ``frame`` has already keeps its values. Pseudonymised data have no names, and a warning says so.

        Raises
        ------
        BadArgumentError
            The frame has no ``student_id``.
        ExportError
            With ``contacts``: the tables ``student_contacts`` and ``contact_phones`` are not there. The message has
            the command that adds them.

        Warns
        -----
        HubmisWarning
            Rows are about students who are on no list.
        """
        everybody = self._each(lambda school: school.everybody)
        if not self._said_pseudonyms and len(everybody) and people.full_name(everybody).isna().all():
            self._said_pseudonyms = True
            warn("with_names: these data have no names of students, as with pseudonyms. Only their groups are added.")
        text = None
        if contacts:
            where = str(self._tables.directory or "DIRECTORY")
            parts = [people.contacts_of(part.everybody, part.table, where) for part in self._parts()]
            text = pd.concat(parts, ignore_index=True)
        return people.with_names(frame, everybody, text)

    # --- for others

    sql = giving.sql
    pseudonymise = giving.pseudonymise
    student_page = giving.student_page

    def _about(self, frames: Mapping[str, pd.DataFrame], headings: bool) -> pd.DataFrame:
        """What to know of figures that are given away, for :func:`hubmis_frames.to_excel`."""
        return about_rows(self, frames, headings)

    def _dictionary(self) -> pd.DataFrame:
        """One row per column of the tables, with ``filled``; see :func:`hubmis_frames.dictionary`."""
        return as_frame(row for held in self._tables.held() for row in rows_of(held))

    def report(
        self,
        path: str | PathLike[str] | None = None,
        *,
        year_group_name: str | None = None,
        form_name: str | None = None,
        house_name: str | None = None,
        split: Literal["year group", "form", "house"] | None = None,
        excel: bool = False,
    ) -> list[Path]:
        """Write one HTML page that opens with the lists to act on, and needs no other file and no network.

        Each list has name, form, tutor and the reason for each student: who is at risk, persistently or severely
        absent, away now, and more; students who would be listed only because of study leave are told apart. Figures,
        pictures and checks of the data follow. Lines that the last report in that folder did not have are marked as
        new. **The page names children.** Store it only where people who may see the register can open it.

        Parameters
        ----------
        path
            Where to write. By default ``report-<date>.html`` in the folder of the export, with the names of groups
            after the date. A report of the same day is replaced.
        year_group_name, form_name, house_name
            Limit lists, figures and pictures to the students of this year group, form and house (academic or
            boarding).
        split
            Write a page for each ``"year group"``, ``"form"`` or ``"house"``.
        excel
            Write a workbook beside each page, with a sheet for each list. This needs the extra ``excel``.

        Returns
        -------
        list of Path
            The files: a page, or one for each group; each followed by its workbook.

        Raises
        ------
        ExportError
            There are several schools, no part of the report could be made, or a file could not be written.
        BadArgumentError
            There is no such group, or a category in the school's list of praise does not exist.
        SettingsError
            With ``excel``: the extra is not installed.

        Warns
        -----
        HubmisWarning
            A part could not be made; the page says so in its place. Or with ``split``: students are in no group.
        """
        from ..reports.making import write_report

        files, problems = write_report(
            self,
            path,
            year_group=year_group_name,
            form=form_name,
            house=house_name,
            split=split,
            excel=excel,
        )
        for problem in problems:
            warn(f"report: {problem}")
        return files

    # --- one school, or each of several

    def _one(self, what: str) -> OneSchool:
        if self._school is None:
            raise BadArgumentError(
                f"{what} belongs to one school, and these are {', '.join(self.realms)}. Choose one: "
                f"data.school({self.realms[0]!r}).{what}"
            )
        return self._school

    def _parts(self) -> list[OneSchool]:
        if self._school is not None:
            return [self._school]
        return [self.school(realm)._one("") for realm in self.realms]

    def _each(self, ask: Any, *, add_realm: bool = False) -> pd.DataFrame:
        frames = []
        for school in self._parts():
            frame = ask(school)
            if add_realm and self._school is None:
                frame = frame.assign(realm=school.realm)[[REALM, *frame.columns]]
            frames.append(frame)
        return _together(frames)

    def _of_years(self, given: str | Sequence[str] | None, caller: str, ask: Any) -> pd.DataFrame:
        schools = self._parts()
        if given is None:
            return _together([ask(school, None) for school in schools])
        known = list(dict.fromkeys(name for school in schools for name in school.known_years))
        chosen = chosen_years(given, known, caller)
        return _together([ask(school, [y for y in chosen if y in school.known_years]) for school in schools])


def open_export(directory: str | PathLike[str], *, realm: str | None = None) -> SchoolData:
    """Open an export: its tables, and what the school knows of itself.

    Reads only the manifest and ``school.toml``; each table is read when it is first needed.

    Parameters
    ----------
    directory
        The folder that :meth:`School.export` or ``hubmis-frames export`` wrote.
    realm
        One school of several; all of them by default.

    Returns
    -------
    SchoolData
        A mapping of the tables, with ``marks()``, ``students()``, ``events()``, ``calendar`` and more.

    Raises
    ------
    ExportError
        The folder holds no export, or not this school.
    SettingsError
        ``school.toml`` cannot be used. The message names the line.

    Examples
    --------
    >>> data = hf.open_export("school")  # doctest: +SKIP
    >>> hf.attendance.summarise(data.marks(), by=["year_group_name", "week"])  # doctest: +SKIP
    """
    return SchoolData._of(ExportTables.of_folder(directory, realm), {})


def _together(frames: list[pd.DataFrame]) -> pd.DataFrame:
    if len(frames) == 1:
        return frames[0]
    whole = pd.concat(frames, ignore_index=True)
    if lacks := [str(frame.attrs[LACKS]) for frame in frames if LACKS in frame.attrs]:
        whole.attrs[LACKS] = " ".join(dict.fromkeys(lacks))
    return whole
