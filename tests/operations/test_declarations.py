"""Every declaration says what the vendor's document says, and nothing of the document is left out."""

import importlib
import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from hubmis_frames.operations import CATALOGUE, load_student_timetable_calendar
from hubmis_frames.operations.declaration import YEAR, Endpoint
from hubmis_frames.operations.shapes import refers

FACTS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "operations.json").read_text("utf-8")
)
DECLARED = list(CATALOGUE.values())
# By name, as ``hubmis_frames.operations`` is a function to those who import the package.
PACKAGE = vars(importlib.import_module("hubmis_frames.operations"))
LOADERS = set(PACKAGE["__all__"])

KINDS = {"integer": int, "boolean": bool, "string": str, "date": date, "date-time": datetime}
LOST_RANGE = ("filter[dateTime][from]", "filter[dateTime][to]")  # as the attendance operation names it
YEAR_FILTERS = ("academicYearId", "filter[academicYear]")
IS_SAMPLE_TYPE: dict[str, Callable[[pa.DataType], bool]] = {
    "integer": pa.types.is_int64,
    "boolean": pa.types.is_boolean,
    "string": pa.types.is_string,
    "date": pa.types.is_date32,
    "date-time": pa.types.is_timestamp,
    "time": pa.types.is_time64,
    "object": pa.types.is_struct,
    "list": pa.types.is_list,
    "null": lambda kind: not pa.types.is_nested(kind),
}


def kind_of(documented: str) -> type:
    """``string <date-time>`` -> ``datetime``."""
    return KINDS[re.sub(r"string <(.+)>|(\w+)( <.+>)?", r"\1\2", documented)]


def compare(
    of_endpoint: Callable[[Endpoint], object], of_fact: Callable[[dict[str, Any]], object], *, single: bool = False
) -> None:
    """Assert that both say the same of every operation."""
    said = {(e.title, e.deprecated): of_endpoint(e) for e in DECLARED if e.single or not single}
    documented = {(f["title"], f["deprecated"]): of_fact(f) for f in FACTS if not single or shape(f) == (True, None)}
    assert said == documented


def shape(fact: dict[str, Any]) -> tuple[bool, str | None]:
    """Whether the answer is a single record, and the name of the list where it is wrapped."""
    fields = fact["sample_fields"] or {}
    if fact["response"] == "object" and [field["type"] for field in fields.values()] == ["list"]:
        return False, *fields
    return fact["response"] == "object", None


def sort_of(fact: dict[str, Any]) -> tuple[str, ...] | None:
    found = [q for q in fact["query_parameters"] if (q["name"] or "").startswith("sort[")]
    if not found:
        return None
    words = (re.findall(r"[A-Z]?[a-z]+", name) for name in found[0]["fields_named"] or ())
    return tuple("_".join(word.lower() for word in name) for name in words)


# What the document says of scopes names the values of a status.
IN_PROSE = {"Students: Get List": ("current", "past", "applicant"), "Staff: Get List": ("current", "past")}


def query_of(fact: dict[str, Any]) -> list[tuple[str, type, tuple[str, ...], bool]]:
    """The filters in the document's order, the academic year last."""
    found: list[tuple[str, type, tuple[str, ...], bool]] = []
    for parameter in fact["query_parameters"]:
        name = parameter["name"]
        if name is None:
            found += [(bound, datetime, (), False) for bound in LOST_RANGE]
        elif not name.startswith(("page[", "sort[")):
            # The year's id is an integer wherever else the document asks for it.
            kind = int if name in YEAR_FILTERS else kind_of(parameter["type"])
            in_prose = IN_PROSE.get(fact["title"], ()) if "tatus]" in name else ()
            choices = in_prose or tuple(parameter.get("enum", ()))
            found.append((name, kind, choices, parameter["required"]))
    return sorted(found, key=lambda parameter: parameter[0] in YEAR_FILTERS)


def nested(kind: pa.DataType) -> Iterator[pa.Field]:
    """Every field below a type, at any depth."""
    if pa.types.is_list(kind):
        yield from nested(kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield field
            yield from nested(field.type)


def test_every_operation_is_declared_once() -> None:
    assert Counter((e.title, e.deprecated) for e in DECLARED) == Counter((f["title"], f["deprecated"]) for f in FACTS)


def test_sections() -> None:
    compare(lambda e: [e.section, *e.also], lambda f: f["sections"])


def test_path_parameters() -> None:
    compare(
        lambda e: [(p.wire, p.kind, p.choices) for p in e.path_ids],
        lambda f: [(p["name"], kind_of(p["type"]), tuple(p.get("enum", ()))) for p in f["path_parameters"]],
    )


def test_query_parameters() -> None:
    compare(lambda e: [(p.wire, p.kind, p.choices, p.required) for p in e.parameters if p.place == "query"], query_of)


def test_header_parameters() -> None:
    compare(
        lambda e: {"realm", *(p.wire for p in e.parameters if p.place == "header")},
        lambda f: set(f["header_parameters"]),
    )


def test_answers() -> None:
    compare(lambda e: (e.single, e.wrapper), shape)


def test_pages() -> None:
    compare(lambda e: e.paged, lambda f: {"page[number]", "page[size]"} <= {q["name"] for q in f["query_parameters"]})


def test_sorts() -> None:
    compare(lambda e: e.sorts, sort_of)


def test_fields_of_single_records() -> None:
    compare(lambda e: e.record.names, lambda f: list(f["sample_fields"]), single=True)


@pytest.mark.parametrize("fact", [f for f in FACTS if shape(f)[0]], ids=lambda f: f["title"])
def test_types_of_single_records(fact: dict[str, Any]) -> None:
    (endpoint,) = (e for e in DECLARED if (e.title, e.deprecated) == (fact["title"], fact["deprecated"]))
    types = {field.name: field.type for field in endpoint.record}
    wrong = {n: str(types[n]) for n, s in fact["sample_fields"].items() if not IS_SAMPLE_TYPE[s["type"]](types[n])}
    assert not wrong


@pytest.mark.parametrize("endpoint", DECLARED, ids=lambda e: e.table)
class TestStyle:
    def test_signature(self, endpoint: Endpoint) -> None:
        assert endpoint.function
        school, *rest = inspect.signature(endpoint.function).parameters.values()
        assert school.name == "school"
        in_path = [p.name for p in endpoint.path_ids if p.name != YEAR]
        filters = [p.name for p in endpoint.parameters if p.place == "query" and p.name != YEAR]
        year = [YEAR] if endpoint.year else []
        sort = ["sort"] if endpoint.sorts is not None else []
        assert [p.name for p in rest] == [*in_path, *filters, *year, *sort, "refresh"]
        positional = [p.name for p in rest if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert positional == in_path

    def test_docstring(self, endpoint: Endpoint) -> None:
        assert re.match(r"[^\n:]+: one row per [^\n.]+\.", endpoint.doc)
        assert set(re.findall(r"``(load_\w+)``", endpoint.doc)) <= LOADERS
        assert ("\nDeprecated" in endpoint.doc) == endpoint.deprecated == endpoint.table.endswith("_deprecated")

    def test_own_id_has_a_name(self, endpoint: Endpoint) -> None:
        assert ("id" in endpoint.record.names) == (endpoint.key is not None)

    def test_refers_to_declared_keys(self, endpoint: Endpoint) -> None:
        keys = {e.key for e in DECLARED if e.key}
        assert {refers(field) for field in nested(endpoint.record)} - {None} <= keys
        assert {p.name for p in endpoint.path_ids if p.kind is int} <= keys

    def test_checks_name_filters_and_dates(self, endpoint: Endpoint) -> None:
        bounds = {p.name for p in endpoint.parameters if p.kind in (date, datetime) and p.name != "date"}
        # A table of counts has no dates in which to see whether the server obeyed.
        assert set(endpoint.checks) == (set() if endpoint.table.endswith("_summary") else bounds)
        for column in endpoint.checks.values():
            assert pa.types.is_temporal(endpoint.record.field(column).type)


def test_paths_are_unique_and_regular() -> None:
    paths = Counter(re.sub(r"{\w+}", "{}", e.path) for e in DECLARED)
    assert not {path for path, times in paths.items() if times > 1}
    assert not [path for path in paths if not re.fullmatch(r"/api/v1(/([a-z]+(-[a-z]+)*|{}))+", path)]


def test_the_package_exports_its_loaders_alone() -> None:
    public = {n for n, v in PACKAGE.items() if not n.startswith("_") and not isinstance(v, ModuleType)}
    assert public == {*LOADERS, "CATALOGUE", "FURTHER"}
    assert len(LOADERS) == len(FACTS)


class Recorder:
    """A school that keeps what it was asked."""

    def _load(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        self.arguments = arguments
        return {endpoint.table: pd.DataFrame()}


def test_a_required_parameter_may_take_anothers_value() -> None:
    school = Recorder()
    load_student_timetable_calendar(school, 1, date_from="2025-01-06", date_to="2025-01-10")
    assert school.arguments["date"] == "2025-01-06"
    load_student_timetable_calendar(school, 1, date_from="2025-01-06", date_to="2025-01-10", date="2025-01-08")
    assert school.arguments["date"] == "2025-01-08"
