"""Writing reports: for whom, into which files, and a workbook beside each page."""

import warnings
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from ..analysis.columns import natural_key
from ..errors import BadArgumentError, ExportError, did_you_mean, warn
from ..export.places import remember
from ..files import expanded, private_folder, safe_name, shared_by, whole_file, why
from ..frames.output import to_excel
from ..school_data import SchoolData
from .page import Page
from .parts import Parts
from .previous import earlier, record_of

Kind = Literal["year group", "form", "house"]
_COLUMNS: dict[str, tuple[str, ...]] = {
    "year group": ("year_group_name",),
    "form": ("form_name",),
    "house": ("academic_house_name", "boarding_house_name"),
}


class Group(NamedTuple):
    """Some students of a school, by the names of their groups; without any, all."""

    names: dict[str, str]
    students: pd.DataFrame

    def __str__(self) -> str:
        """The names of the groups."""
        return ", ".join(self.names.values())

    @property
    def key(self) -> str:
        """The same with the kinds of groups, as a form and a house may share a name."""
        return ", ".join(f"{kind} {name}" for kind, name in self.names.items())


def write_report(
    data: SchoolData,
    file: str | PathLike[str] | None,
    *,
    year_group: str | None = None,
    form: str | None = None,
    house: str | None = None,
    split: Kind | None = None,
    excel: bool = False,
) -> tuple[list[Path], list[str]]:
    """Write the report; see :meth:`SchoolData.report`. Return the files, and a sentence for each missing part."""
    directory = data._tables.directory
    if len(data.realms) > 1:
        raise ExportError(
            f"{directory or 'This'} holds {', '.join(data.realms)}. Choose one with --realm (or data.school(...))."
        )
    whole = _group(data, {"year group": year_group, "form": form, "house": house})
    groups = [whole] if split is None else _split(whole, split)
    folder = directory or Path.cwd()
    base = folder / f"report-{date.today():%Y-%m-%d}.html" if file is None else expanded(file).absolute()
    if base.suffix.lower() == ".xlsx":
        raise BadArgumentError(
            f"{base.name}: a report is a page, so its name ends in .html. A workbook goes beside it."
        )
    if service := shared_by(base):
        warn(
            f"{base} seems to be in {service}, so the report leaves this machine. It names children. Choose a folder "
            "that is not synced, unless you may store such data there."
        )
    with warnings.catch_warnings():
        for said in (".*codes have no category", ".*have no names of students"):  # the page says so
            warnings.filterwarnings("ignore", message=said)
        parts = Parts(data)
        if not parts.lists:
            raise ExportError(f"No part of the report could be made. {' '.join(parts.problems)}")
        files: list[Path] = []
        for group in groups:
            named = file is None or split is not None
            named = named and bool(group.names)
            target = base.with_name(f"{base.stem}-{safe_name(group.key)}{base.suffix}") if named else base
            files += _write(parts, group, target, excel=excel)
    if directory is not None:
        for written in files:
            remember(directory, written)
    return files, parts.problems


def _group(data: SchoolData, names: dict[str, str | None]) -> Group:
    students = data.students()
    if students.empty:
        raise ExportError("No student is on the list of students, so there is nothing to report.")
    chosen = {kind: name for kind, name in names.items() if name is not None}
    for kind, name in chosen.items():
        if name not in (known := _names(data.students(), kind)):
            raise BadArgumentError(
                f"No student is in the {kind} {name!r}.{did_you_mean(name, known)} There are: {', '.join(known)}."
            )
        students = students[_is_in(students, kind, name)]
    if students.empty:
        raise BadArgumentError(f"No student is in {' and '.join(chosen.values())} at once.")
    return Group(chosen, students)


def _split(whole: Group, kind: Kind) -> list[Group]:
    names = _names(whole.students, kind)
    if not names:
        raise BadArgumentError(f"The students have no {kind}, so there is nothing to split by.")
    apart = [Group({**whole.names, kind: name}, whole.students[_is_in(whole.students, kind, name)]) for name in names]
    within = pd.concat([group.students["student_id"] for group in apart])
    if outside := int((~whole.students["student_id"].isin(within)).sum()):
        warn(f"Students who have no {kind}, and so are in none of these pages: {outside}.")
    return apart


def _names(students: pd.DataFrame, kind: str) -> list[str]:
    """The names of groups of a kind. Boarding houses stand in for houses where there are no others."""
    names = {str(name) for column in _COLUMNS[kind] if column in students for name in students[column].dropna()}
    return sorted(names, key=natural_key)


def _is_in(students: pd.DataFrame, kind: str, name: str) -> "pd.Series[bool]":
    columns = [column for column in _COLUMNS[kind] if column in students]
    found: pd.Series[bool] = students[columns].isin([name]).any(axis=1)
    return found


def _write(parts: Parts, group: Group, target: Path, *, excel: bool) -> list[Path]:
    """Write the page of some students, and the workbook beside it."""
    today, lists = date.today(), [each.of(group.students["student_id"]) for each in parts.lists]
    before = earlier(target, today, parts.realm, group.key)
    record = record_of(today, parts.realm, group.key, lists)
    book = target.with_suffix(".xlsx") if excel else None
    page = Page(parts, str(group), group.students, lists, record, before, book.name if book else None)
    try:
        private_folder(target.parent)
        with whole_file(target) as scratch:
            scratch.write_text(page.html(), encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise ExportError(f"Cannot write {target}: {why(error)}. Choose another file.") from error
    return [target] if book is None else [target, to_excel(page.sheets(), book)]
