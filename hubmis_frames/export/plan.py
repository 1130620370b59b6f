"""What an export asks for, in which order, and what that costs. It sends nothing."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ..endpoints import CATALOGUE
from ..endpoints.declaration import YEAR, Endpoint, Parameter
from ..errors import BadArgumentError
from ..frames import to_pandas
from ..http import DOCUMENTED
from ..request import Request

if TYPE_CHECKING:
    from ..school import School

CORE = (
    "academic_years",
    "terms",
    "holidays",
    "inset_days",
    "closure_dates",
    "school_regional_settings",
    "sections",
    "year_groups",
    "forms",
    "tutor_groups",
    "houses",
    "attendance_codes",
    "pastoral_categories",
    "pastoral_severity_levels",
    "learning_support_types",
    "learning_support_severities",
    "learning_support_statuses",
    "genders",
    "boarding_types",
    "students",
    "staff",
    "past_students",
    "learning_support_records",
    "pastoral_events",
    "form_students",
    "tutor_group_students",
    "house_students",
    "student_attendance",
)
"""What attendance and wellbeing analysis needs, the cheap and useful first."""

_CALENDAR = ("terms", "holidays", "inset_days", "closure_dates")

Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Step:
    """One table of an export, and the tables whose ids it is asked by."""

    endpoint: Endpoint
    parents: tuple[str, ...]

    def requests(self, school: "School", loaded: Frames, year: int | None) -> list[Request]:
        """Build the requests, given the frames of the parents.

        Marks go back beyond the active year, so its predecessor's calendar is asked for too.
        """
        arguments: dict[str, object] = {YEAR: year} if self.endpoint.year else {}
        for parameter, parent in zip(_parents(self.endpoint), self.parents, strict=True):
            arguments[parameter.name] = loaded[parent]
        years = [year, _year_before(loaded, year)] if self.endpoint.table in _CALENDAR else [year]
        choices = [parameter for parameter in self.endpoint.path_ids if parameter.choices]
        found: dict[Request, None] = {}
        for each in dict.fromkeys(years):
            if self.endpoint.year:
                arguments[YEAR] = each
            for choice in choices[0].choices if choices else ("",):
                given = arguments | ({choices[0].name: choice} if choices else {})
                found.update(dict.fromkeys(school.requests(self.endpoint, given)))
        return list(found)


def steps_of(tables: str | Iterable[str]) -> list[Step]:
    """Put the steps of an export in order, with the tables that others need the ids of.

    Raises
    ------
    BadArgumentError
        There is no such table, or it takes more than ids to ask for.
    """
    names = CORE if tables == "core" else [tables] if isinstance(tables, str) else list(tables)
    ordered: dict[str, Step] = {}
    for name in names:
        _add(name, ordered)
    return list(ordered.values())


def plan(school: "School", tables: str | Iterable[str]) -> pd.DataFrame:
    """Say what an export would cost. See :meth:`School.plan`."""
    year = _cached_year(school)
    loaded: dict[str, pd.DataFrame] = {}
    rows = []
    for step in steps_of(tables):
        known = all(parent in loaded for parent in step.parents) and (year is not None or not step.endpoint.year)
        cached = to_send = 0
        if known:
            requests = step.requests(school, loaded, year)
            found = [school.cached(step.endpoint, request) for request in requests]
            cached = sum(number or 0 for number in found)
            # A paged list takes a page and the certainty that no other follows.
            to_send = sum(number is None for number in found) * (2 if step.endpoint.paged else 1)
            if not to_send:
                table = school.fetch(step.endpoint, requests).tables[step.endpoint.table]
                loaded[step.endpoint.table] = to_pandas(table)
        rows.append(
            {
                "table": step.endpoint.table,
                "requests": cached + to_send if known else pd.NA,
                "cached": cached,
                "minutes": to_send * DOCUMENTED.interval / 60 if known else pd.NA,
                "basis": _basis(step, known, to_send),
            }
        )
    frame = pd.DataFrame(rows)
    return frame.astype({"requests": "Int64", "cached": "Int64", "minutes": "Float64", "basis": "str"})


def _basis(step: Step, known: bool, to_send: int) -> str:
    if not known:
        per = [parent.replace("_", " ") for parent in step.parents] or ["academic year"]
        return f"one for each of {' and '.join(per)}, which are not loaded yet"
    return "at least: one for each page" if step.endpoint.paged and to_send else ""


def _add(name: str, ordered: dict[str, Step]) -> None:
    if name in ordered:
        return
    if name not in CATALOGUE:
        near = difflib.get_close_matches(name, CATALOGUE, 1)
        raise BadArgumentError(
            f"There is no table {name!r}.{f' Did you mean {near[0]!r}?' if near else ''} hf.endpoints() lists them "
            "all; 'core' stands for those that attendance and wellbeing need."
        )
    endpoint = CATALOGUE[name]
    if beyond := [p.name for p in endpoint.parameters if p.required and p.place == "query"]:
        raise BadArgumentError(
            f"{name} cannot be exported: it needs {', '.join(beyond)}. Call hf.{endpoint.loader}(...) and save "
            "its frame."
        )
    parents = tuple(_source(parameter) for parameter in _parents(endpoint))
    if endpoint.year:
        _add("academic_years", ordered)
    for parent in parents:
        _add(parent, ordered)
    ordered[name] = Step(endpoint, parents)


def _parents(endpoint: Endpoint) -> list[Parameter]:
    return [p for p in endpoint.path_ids if p.name != YEAR and not p.choices]


def _source(parameter: Parameter) -> str:
    """The list that holds all ids of a kind."""
    for endpoint in CATALOGUE.values():
        listed = not endpoint.single and not endpoint.deprecated and not _parents(endpoint)
        if listed and endpoint.key == parameter.name and not any(p.choices for p in endpoint.path_ids):
            return endpoint.table
    raise BadArgumentError(f"No operation lists every {parameter.name}, so what needs it cannot be exported.")


def _cached_year(school: "School") -> int | None:
    endpoint = CATALOGUE["academic_years"]
    if school.cached(endpoint, school.requests(endpoint, {})[0]) is None:
        return None
    return school.current_year()


def _year_before(loaded: Frames, year: int | None) -> int | None:
    """The academic year before ``year``, by its dates where the server sends some, else by order."""
    if year is None or "academic_years" not in loaded:
        return year
    years = loaded["academic_years"]
    order = "date_from" if years["date_from"].notna().all() else "academic_year_id"
    ids = years.sort_values(order)["academic_year_id"].tolist()
    return int(ids[ids.index(year) - 1]) if year in ids[1:] else year
