"""The draft of an OpenAPI file from a probe: read back whole by our own reader, and of use in place of the vendor's."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import openapi_spec_validator
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.openapi import read_spec
from hubmis_frames.openapi.answers import answer_shape
from hubmis_frames.openapi.convert import Converter
from hubmis_frames.openapi.document import Document
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.setup.draft import draft
from hubmis_frames.setup.json_shape import shape_of
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator
from tests.helpers.operations import calls_of
from tests.helpers.styles import Style, enveloped

Serve = Callable[..., Simulator]
Connect = Callable[..., School]


@pytest.fixture
def drafted(
    simulator: Simulator, environment: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[Path, dict[str, Any]]:
    """The draft of a school in which some operations are refused, gone, empty or changed; and what was recorded."""

    def odd(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table == "ethnicities":
            return replace(answer, status=404)
        if asked.table == "faiths":
            return replace(answer, status=403)
        if asked.table == "rooms":
            return replace(answer, body=b"[]")
        if asked.table == "languages":
            return replace(answer, body=b'{"message": "Welcome, Ann Lee"}')
        if asked.table == "genders":
            rows = [row | {"colour": "puce", "by": {"4711": {"n": 1}, "Ann Lee": {"n": 2.5}}, "gone": None}
                    for row in json.loads(answer.body)]  # fmt: skip
            return replace(answer, body=json.dumps({"data": rows, "meta": {"total": len(rows)}}).encode())
        return answer

    simulator.hooks.append(odd)
    assert main(["spec", "probe"]) == 0
    assert main(["spec", "draft"]) == 0
    operations = json.loads((tmp_path / "hubmis-probe.json").read_text(encoding="utf-8"))["operations"]
    return tmp_path / "hubmis-draft.json", operations


@pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")
def test_a_draft_is_valid_read_back_whole_and_loads_what_the_declarations_load(
    drafted: tuple[Path, dict[str, Any]],
    simulator: Simulator,
    connect_to: Connect,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    file, recorded = drafted
    said = capsys.readouterr().err
    assert "left out: ethnicities (not found)" in said
    assert said.count("has nothing in common with what we declare: ") == 1
    assert "has nothing in common with what we declare: languages" in said
    assert "hubmis-frames spec check hubmis-draft.json" in said
    content = json.loads(file.read_text(encoding="utf-8"))
    openapi_spec_validator.validate(content)
    answered = {table for table, entry in recorded.items() if entry["outcome"].startswith("answered")}
    assert len(answered) > 100
    assert main(["spec", "check", str(file), "--json"]) == 1, "some are not in it"
    checked = json.loads(capsys.readouterr().out)
    assert set(checked["matched"]) == answered
    assert checked["unusable"] == {}
    assert checked["only_in_file"] == checked["flaws"] == []
    text = file.read_text(encoding="utf-8")
    for held in ("puce", "4711", "Ann Lee", "S999", "demo", "Welcome", simulator.url):
        assert held not in text
    # With the draft in place of the vendor's file, the frames are those of the declarations.
    spec = read_spec(file)
    assert {spec.endpoints[table].path_source for table in answered} == {"openapi"}
    hooks = simulator.hooks[:]
    simulator.hooks.clear()
    plain = connect_to(simulator)
    with_draft = connect_to(simulator, spec=spec, cache_dir=None, rate_file=tmp_path / "other.sqlite")
    for table in sorted(answered - {"languages", "genders"})[::6]:
        for call in calls_of(plain, table)[:1]:
            ours, theirs = (loader_of(table).tables(school, **call) for school in (plain, with_draft))
            for name, frame in ours.items():
                pd.testing.assert_frame_equal(theirs[name][frame.columns], frame, obj=name)
    simulator.hooks[:] = hooks
    genders = hf.load_genders.tables(with_draft)
    assert {"gender_id", "name", "colour"} <= set(genders["genders"])
    assert len(genders["genders_by"]) == 2 * len(genders["genders"])
    with pytest.raises(hf.SpecError, match="has no operation"):
        hf.load_ethnicities(with_draft)


def loader_of(table: str) -> Any:
    return getattr(hf, CATALOGUE[table].loader)


@pytest.fixture
def simulator(serve: Callable[..., Simulator]) -> Simulator:
    """A school that serves whole lists: the envelopes below cut them into pages."""
    return serve(ignore_paging=True)


@pytest.mark.usefixtures("environment")
def test_corrections_are_not_written_over(drafted: tuple[Path, Any], capsys: pytest.CaptureFixture[str]):
    file, _ = drafted
    file.write_text("corrected", encoding="utf-8")
    capsys.readouterr()
    assert main(["spec", "draft"]) == 1
    assert "perhaps with your corrections" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "corrected"
    assert main(["spec", "draft", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["openapi"] == "3.1.0"


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    "envelope",
    [
        "jsonapi",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("laravel resource", "success", "results", "hydra")),
    ],
)
@pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")
def test_in_an_envelope_too_ids_are_found_and_the_draft_says_where_the_records_are(
    simulator: Simulator, connect_to: Connect, tmp_path: Path, envelope: Any
):
    style, single = Style(envelope=envelope), frozenset(name for name, each in CATALOGUE.items() if each.single)
    bare = {name for name, each in CATALOGUE.items() if each.wrapper is None}
    simulator.hooks.append(
        lambda asked, answer: enveloped(style, single, asked, answer) if asked.table in bare else answer
    )
    assert main(["spec", "probe"]) == 0
    assert main(["spec", "draft"]) == 0
    spec = read_spec("hubmis-draft.json")
    assert {"students", "student", "student_attendance", "staff", "form_students"} <= set(spec.endpoints)
    plain = connect_to(simulator, spec=spec)
    students = hf.load_students(plain)
    assert students["student_id"].is_unique
    assert students["last_name"].notna().all()
    assert hf.load_student(plain, students.head(1))["student_id"].tolist() == students["student_id"].head(1).tolist()


# --- whatever came, its shape becomes a schema that our reader turns into the same fields

leaves = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-5, 5), st.text("ab", max_size=3))
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "a", "b", "Ann Lee", "x-y", "4711"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def probe_of(tmp_path: Path, table: str, shape: object, path: str | None = None, **more: object) -> Path:
    entry = {"outcome": "answered", "path": path or CATALOGUE[table].path, "shape": shape, **more}
    file = tmp_path / "probe.json"
    file.write_text(json.dumps({"format": 1, "operations": {table: entry}}), encoding="utf-8")
    return file


@given(st.lists(st.dictionaries(st.sampled_from(["id", "name", "a", "b"]), values, min_size=1), max_size=3))
@example([{"id": 1}, {"name": None}])
@example([{"a": [], "b": {}}])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_shape_becomes_a_schema_of_the_same_fields(tmp_path: Path, rows: list[dict[str, Any]]):
    content = draft(probe_of(tmp_path, "genders", shape_of(rows, frozenset({"id", "name"})))).content
    openapi_spec_validator.validate(content)
    (item,) = content["paths"].values()
    document = Document(content, "draft")
    schema = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    shape = answer_shape(document, schema, ("id", "name"), None, "here")
    record = Converter(document, lambda schema, name: None).record(shape.record)
    told = {name for row in rows for name, value in row.items() if value not in (None, [], {})}
    found = set(record.names) if record is not None else set()
    assert found <= {name for row in rows for name in row}
    assert {name for name in told if all(not isinstance(row.get(name), dict | list) for row in rows)} <= found
    assert document.flaws == []


# --- a file that is not a probe's


@given(st.one_of(st.binary(max_size=30), values.map(lambda value: json.dumps(value).encode())))
@example(b'{"format": 1, "operations": {}}')
@example(b'{"format": 9, "operations": {"genders": {}}}')
@example(b'{"format": 1, "operations": {"genders": {"outcome": "answered"}}}')
@example(b'{"format": 1, "operations": {"genders": {"outcome": "answered", "path": "/x", "shape": ["puce"]}}}')
@example(b'{"format": 1, "operations": {"genders": {"outcome": "answered", "path": "//evil/x", "shape": [[1]]}}}')
@example(b'{"format": 1, "operations": {"genders": {"outcome": "answered", "path": "/x{y", "shape": []}}}')
@example(b'{"format": 1, "operations": {"genders": {"outcome": "answered", "path": "/x", "shape": ' + b"[" * 500)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_no_probe_wrote_is_one_sentence(tmp_path: Path, content: bytes):
    file = tmp_path / "probe.json"
    file.write_bytes(content)
    with pytest.raises(hf.SpecError, match=r"spec probe|Probe again"):
        draft(file)


@pytest.mark.parametrize(
    ("table", "path"),
    [("genders", "//evil.example/genders"), ("genders", "@evil.example"), ("student", "/students/{id}"),
     ("student", "/students/x"), ("genders", "/genders/{gender_id}"), ("student", "/s/{student_id}/{student_id}")],
)  # fmt: skip
def test_a_path_that_no_probe_records_is_refused(tmp_path: Path, table: str, path: str):
    with pytest.raises(hf.SpecError, match="not one that can be asked"):
        draft(probe_of(tmp_path, table, [{"id": "integer"}], path))


def test_two_operations_at_one_path_are_refused(tmp_path: Path):
    entry = {"outcome": "answered", "path": "/api/v1/x", "shape": [{"id": "integer"}]}
    file = tmp_path / "probe.json"
    file.write_text(json.dumps({"format": 1, "operations": {"genders": entry, "titles": entry}}), encoding="utf-8")
    with pytest.raises(hf.SpecError, match="not one that can be asked"):
        draft(file)


def test_without_a_probe_the_sentence_says_to_make_one(tmp_path: Path):
    with pytest.raises(hf.SpecError, match="Run 'hubmis-frames spec probe' first"):
        draft(tmp_path / "none.json")
