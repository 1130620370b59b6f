"""What to know of figures that are given away: where they are from, by which rules, and what each column means."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ..errors import ExportError
from ..export.columns import declared_rows
from ..frames.output import headings_of
from .results import result_rows

if TYPE_CHECKING:
    from .data import SchoolData

_RULE = re.compile(r"^\w+(?=_(absentees|absence_rate|below_minimum)$)")
"""The name of an absence rule, in whose place the docstrings have ``persistent``."""

Fact = tuple[str, str, str, str | None]


def about_rows(data: "SchoolData", frames: Mapping[str, pd.DataFrame], headings: bool) -> pd.DataFrame:
    """One row per fact: about the school, about each sheet, and about each of its columns, by its heading if wanted."""
    facts = list(_of_schools(data))
    for name, frame in frames.items():
        facts += _of_sheet(name, frame, headings_of(frame) if headings else list(map(str, frame)))
    return pd.DataFrame(facts, columns=["about", "what", "meaning", "unit"], dtype="str")


def _of_schools(data: "SchoolData") -> Iterator[Fact]:
    for realm in data.realms or ("",):
        school = data.school(realm) if realm else data
        about = realm or "the school"
        fetched = school.fetched_on
        yield (
            about,
            "source",
            "HUBmis, as it was fetched" if fetched is None else f"HUBmis, fetched on {fetched:%Y-%m-%d}",
            None,
        )
        try:
            yield about, "newest register", f"{school.newest_register:%Y-%m-%d}", None
            yield about, "academic year", school.academic_year, None
        except ExportError:
            yield about, "newest register", "these data hold no marks that count", None
        for rule in school.rules:
            yield about, f"rule {rule.name}", str(rule), None
        settings = school.settings.set_index("setting")
        for name in ("code_map", "weekdays", "sessions"):
            yield about, name.replace("_", " "), "{value} ({source})".format(**settings.loc[name]), None


def _of_sheet(name: str, frame: pd.DataFrame, headings: Sequence[str]) -> Iterator[Fact]:
    yield f"sheet {name}", "rows", str(len(frame)), None
    if "suppressed" in frame:
        hidden = int(frame["suppressed"].fillna(False).astype(bool).sum())
        yield (
            f"sheet {name}",
            "hidden rows",
            f"{hidden}: groups of few students, and others that would give them back",
            None,
        )
    told = _meanings(frame)
    for column, heading in zip(map(str, frame), headings, strict=True):
        meaning, unit = told.get(column) or told.get(_RULE.sub("persistent", column)) or ("", None)
        yield f"sheet {name}", heading, meaning, unit


def _meanings(frame: pd.DataFrame) -> dict[str, tuple[str, str | None]]:
    """The meaning and the unit of each column: by the function whose result is most like the frame, else by a table."""
    names = set(map(str, frame))
    wanted = {*names, *(_RULE.sub("persistent", name) for name in names)}
    by_table: dict[object, dict[str, tuple[str, str | None]]] = {}
    for row in (*result_rows(), *declared_rows()):
        if row["column"] in wanted:
            unit = None if row["unit"] is None else str(row["unit"])
            by_table.setdefault(row["table"], {})[str(row["column"])] = str(row["meaning"]), unit
    told: dict[str, tuple[str, str | None]] = {}
    for columns in sorted(by_table.values(), key=len, reverse=True):
        told = columns | told
    return told
