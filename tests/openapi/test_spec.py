"""The vendor's OpenAPI file: what it replaces, what it may not, and what is said of a wrong one."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import openapi_spec_validator
import pandas as pd
import pyarrow as pa
import pytest
import yaml

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.openapi import Spec, as_openapi, compare, read_spec
from hubmis_frames.openapi.convert import Converter
from hubmis_frames.openapi.document import Document
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.operations.shapes import REFERS
from hubmis_frames.request import Paging
from hubmis_frames.school import School
from hubmis_frames.simulator import Rules, SimulatedRequest, SimulatedResponse, Simulator, build_world
from hubmis_frames.transport import Rate, Session
from tests.helpers.operations import Heard, calls_of
from tests.helpers.reference import assert_tidy
from tests.helpers.vendor import BASE, described, path_of, vendor_file

Serve = Callable[..., Simulator]
Connect = Callable[..., School]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vendor") / "hubmis.yaml"
    path.write_text(yaml.safe_dump(vendor_file(), sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def spec(file: Path) -> Spec:
    return read_spec(file)


def test_the_vendors_file_is_valid_and_so_is_ours():
    openapi_spec_validator.validate(vendor_file())
    openapi_spec_validator.validate(as_openapi(CATALOGUE.values()))


def test_every_operation_is_matched_and_no_twin_is_taken_for_another(spec: Spec):
    assert set(spec.endpoints) == set(CATALOGUE)
    assert spec.missing == ()
    assert spec.unusable == {}
    assert list(spec.others) == ["canteen_get_menus"]
    for table, endpoint in spec.endpoints.items():
        wires = {p.name: p.wire for p in endpoint.path_ids}
        assert endpoint.path.format(**{name: f"{{{wire}}}" for name, wire in wires.items()}) == BASE + path_of(
            CATALOGUE[table]
        )
        assert [p.name for p in endpoint.path_ids] == [p.name for p in CATALOGUE[table].path_ids]
        assert {p.name for p in endpoint.parameters} == {p.name for p in CATALOGUE[table].parameters}
        assert endpoint.path_source == endpoint.fields_source == "openapi"


def test_names_that_the_document_lost_and_styles_are_taken_over(spec: Spec):
    events = {p.name: p.wire for p in spec.endpoints["pastoral_events"].parameters}
    assert events["date_time_from"] == "filter[occurredAt][from]"
    assert events["date_time_to"] == "filter[occurredAt][to]"
    assert spec.endpoints["students"].paging == Paging("page[number]", "page[size]", 20, 1)
    assert spec.endpoints["students"].sorts == ("id", "name")
    assert spec.endpoints["student_attendance"].sort_wires["attendance_code"] == "sort[attendanceCode]"


def test_fields_are_those_of_the_file_and_keep_their_keys(spec: Spec):
    record = spec.endpoints["students"].record
    assert record.field("academic_house").metadata[REFERS] == b"house_id"
    assert record.field("vendor_note").type == pa.string()
    assert record.field("stamped_at").type == pa.timestamp("us", tz="UTC")
    assert record.field("vendor_marks").type == pa.list_(pa.int64())
    assert record.field("vendor_counts").type.value_type == pa.struct([("key", pa.string()), ("value", pa.int64())])
    assert record.field("date_of_birth").type == pa.date32()


@pytest.fixture(scope="module")
def everything(spec: Spec, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[School, Heard, Simulator]]:
    folder = tmp_path_factory.mktemp("spec")
    heard = Heard()
    rules = Rules(capacity=10**6, refill_seconds=0.001)
    served = [*spec.endpoints.values(), *spec.others.values()]
    with Simulator(build_world(students=30, seed=6), rules, [heard], endpoints=served) as simulator:
        session = Session(
            base_url=simulator.url, realm="S999", client_id="demo-client", client_secret="demo-secret",
            cache_dir=folder / "cache", rate_file=folder / "rate.sqlite", rate=Rate(10**6, 0.001),
        )  # fmt: skip
        with School(session, progress=False, spec=spec) as school:
            yield school, heard, simulator


@pytest.mark.parametrize("table", CATALOGUE)
@pytest.mark.filterwarnings("ignore:.*has deprecated this operation")
def test_all_that_was_sent_is_in_the_frames(table: str, everything: tuple[School, Heard, Simulator]):
    school, heard, simulator = everything
    endpoint = school._fetcher.resolve(CATALOGUE[table])
    calls = calls_of(school, table, parents=5)[:2]
    before = len(simulator.log)
    for given in calls:
        heard.bodies.clear()
        tables = getattr(hf, endpoint.loader).tables(school, **given, refresh=True)
        ids_of = {request.path: request.ids for request in school._fetcher.requests(endpoint, given)}
        assert_tidy(endpoint, [(ids, body) for path, ids in ids_of.items() for body in heard.bodies[path]], tables)
    fewest = sorted(described(), key=lambda path: path.count("{"))  # /students/past is nobody's record
    for asked in simulator.log[before:]:
        if asked.method != "GET":
            continue
        assert asked.status == 200, asked.target
        template = next(path for path in fewest if re.fullmatch(re.sub(r"{\w+}", "[^/]+", BASE + path), asked.path))
        assert template == path_of(CATALOGUE[table])
        names = {name for each in described()[template]["get"]["parameters"] for name in _wire_names(each)}
        assert {name for name, _ in parse_qsl(asked.query)} <= names


def _wire_names(parameter: Any) -> Iterator[str]:
    def below(name: str, schema: Any) -> Iterator[str]:
        objects = [schema, *schema.get("oneOf", ())]
        inner = [(f"{name}[{key}]", each) for one in objects for key, each in one.get("properties", {}).items()]
        yield from (found for key, each in inner for found in below(key, each))
        if not inner:
            yield name

    if parameter.get("in") == "query":
        yield from below(parameter["name"], parameter["schema"])


def test_an_operation_that_only_the_file_knows_is_loaded_by_title_or_path(everything: tuple[School, Heard, Simulator]):
    school, _, simulator = everything
    simulator.hooks.append(
        lambda asked, answer: (
            replace(answer, status=200, body=b'[{"id": 5, "name": "Soup"}]') if "/canteen/" in asked.path else answer
        )
    )
    menus = hf.load(school, "Canteen: Get menus", canteen_id=[12, 13])
    assert menus.to_dict("list") == {"canteen_id": [12, 13], "menu_id": [5, 5], "name": ["Soup", "Soup"]}
    assert hf.load(school, f"{BASE}/canteen/{{canteenId}}/menus", canteen_id=[12, 13]).equals(menus)
    with pytest.raises(hf.BadArgumentError, match="It takes canteen_id, served_on"):
        hf.load(school, "Canteen: Get menus", canteen=12)
    with pytest.raises(hf.BadArgumentError, match='Did you mean "Canteen: Get menus"'):
        hf.load(school, "Canteen: Get menu", canteen_id=12)


CANTEENS = b'[{"id": 12, "name": "Hall"}, {"id": 13, "name": "Lawn"}]'
MENUS = b'[{"id": 5, "name": "Soup", "notes": "Ann is allergic", "dishes": [{"id": 1, "name": "Leek"}]}]'


def test_an_operation_that_only_the_file_knows_is_planned_exported_and_read(
    everything: tuple[School, Heard, Simulator], tmp_path: Path
):
    school, _, simulator = everything
    menus = school._fetcher.others["canteen_get_menus"]
    listed = replace(
        menus, table="canteens", title="Canteens: Get list", path=menus.path.split("/{")[0], key="canteen_id",
        parameters=tuple(p for p in menus.parameters if p.place != "path"),
    )  # fmt: skip
    spec = school._fetcher.spec
    assert spec
    with_list = replace(spec, others={**spec.others, "canteens": listed})

    def answer(asked: SimulatedRequest, given: SimulatedResponse) -> SimulatedResponse:
        if "/canteen" not in asked.path:
            return given
        return replace(given, status=200, body=MENUS if asked.path.endswith("menus") else CANTEENS)

    simulator.hooks.append(answer)
    both = School(school._session, progress=False, spec=with_list)
    cost = both.plan(["canteen_get_menus"])
    assert cost[["table", "asked_by"]].values.tolist() == [["canteens", ""], ["canteen_get_menus", "canteens"]]
    for _ in range(2):  # the second goes on from the manifest of the first
        result = both.export(tmp_path / "out", ["canteen_get_menus"], refresh=True)
        assert result["status"].tolist() == ["complete", "complete"]
    read = hf.read(tmp_path / "out", "canteen_get_menus")
    assert read[["canteen_id", "menu_id", "name"]].values.tolist() == [[12, 5, "Soup"], [13, 5, "Soup"]]
    assert "notes" not in read, "it may tell of a child"
    assert len(hf.read(tmp_path / "out", "canteen_get_menus_dishes")) == 2
    whole = both.export(tmp_path / "all", ["canteens"], free_text=True)
    assert whole["table"].tolist() == ["canteens"]
    with pytest.raises(hf.BadArgumentError, match="canteens, canteen_get_menus: only the vendor's file knows"):
        both.export(tmp_path / "hidden", ["canteen_get_menus"], pseudonymise=True)
    with pytest.raises(hf.BadArgumentError, match="Did you mean 'canteens'"):
        both.plan(["canteen"])
    assert set(both.fetch(["canteens"])["canteens"]["canteen_id"]) == {12, 13}
    assert "canteens" not in both.plan("all")["table"].tolist()


def test_any_operation_is_loaded_by_its_title(school: School):
    students = hf.load(school, "Students: Get List", sort="last_name")
    assert students.equals(hf.load_students(school, sort="last_name"))
    assert hf.load(school, "Departments: Get list").equals(hf.load_departments(school))
    assert set(hf.load.tables(school, "students")) == set(hf.load_students.tables(school))


def test_the_catalogue_of_a_school_is_that_of_its_file(everything: tuple[School, Heard, Simulator]):
    catalogue = hf.endpoints(everything[0])
    assert len(catalogue) == 132
    assert set(catalogue.path_source) == {"openapi"}


def test_our_own_file_read_back_changes_nothing(tmp_path: Path):
    (tmp_path / "ours.json").write_text(json.dumps(as_openapi(CATALOGUE.values())))
    spec = read_spec(tmp_path / "ours.json")
    assert set(spec.endpoints) == set(CATALOGUE)
    assert not spec.others
    assert len(compare(spec)) == 0, compare(spec)
    for table, endpoint in spec.endpoints.items():
        assert endpoint.record == CATALOGUE[table].record
        assert endpoint.path == CATALOGUE[table].path


# --- files that are not what they should be


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "file.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no OpenAPI 3 file"),
        ("just some text", "no OpenAPI 3 file"),
        ("%PDF-1.4 \x00\x01", "neither JSON nor YAML"),
        (json.dumps(vendor_file())[:200_000], "neither JSON nor YAML"),
        (yaml.safe_dump(vendor_file(), sort_keys=False)[:300_000], "cut short|neither JSON"),
        ({"swagger": "2.0", "paths": {}}, "older Swagger"),
        ({"openapi": "3.1.0", "info": {}}, "names no paths"),
        (
            {"openapi": "3.0.0", "paths": {"/pets": {"get": {"summary": "List pets", "responses": {}}}}},
            "another product",
        ),
        ({"openapi": "3.0.0", "paths": {"/x": {"$ref": "other.yaml#/x"}}}, "another file"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path: Path, content: Any, said: str):
    with pytest.raises(hf.SpecError, match=said):
        hf.connect("S1", "id", "secret", openapi=written(tmp_path, content), cache_dir=tmp_path)
    assert main(["spec", "check", str(tmp_path / "file.json")]) == 1


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(hf.SpecError, match="cannot be read"):
        hf.connect("S1", "id", "secret", openapi=tmp_path / "nothing.yaml", cache_dir=tmp_path)


def test_a_path_parameter_without_a_value_is_said_and_nothing_is_sent(
    simulator: Simulator, connect_to: Connect, tmp_path: Path
):
    content = as_openapi(CATALOGUE.values())
    content["paths"]["/{tenant}/genders"] = content["paths"].pop("/api/v1/genders")
    content["paths"]["/{tenant}/genders"]["get"]["parameters"].append(
        {"name": "tenant", "in": "path", "required": True, "schema": {"type": "string"}}
    )
    spec = read_spec(written(tmp_path, content))
    with pytest.raises(hf.SpecError, match="needs tenant, for which there is no value"):
        hf.load_genders(connect_to(simulator, spec=spec))
    assert simulator.log == []


def test_an_operation_that_the_file_lacks_is_not_asked_at_a_guess(
    simulator: Simulator, connect_to: Connect, tmp_path: Path
):
    content = as_openapi(CATALOGUE.values())
    del content["paths"]["/api/v1/genders"]
    spec = read_spec(written(tmp_path, content))
    with pytest.raises(hf.SpecError, match='no operation "Gender: Get List"'):
        hf.load_genders(connect_to(simulator, spec=spec))
    assert simulator.log == []


def test_the_current_operation_never_takes_its_deprecated_twins_path(tmp_path: Path):
    content = as_openapi(CATALOGUE.values())
    content["paths"] = {
        path: item for path, item in content["paths"].items() if item["get"]["operationId"] != "departments"
    }
    spec = read_spec(written(tmp_path, content))
    assert "departments" in spec.missing
    assert "departments_deprecated" in spec.endpoints


def test_a_file_without_titles_is_matched_by_section_and_parameters(tmp_path: Path):
    content = as_openapi(CATALOGUE.values())
    for item in content["paths"].values():
        item["get"]["summary"] = ""
        del item["get"]["operationId"]
    found = read_spec(written(tmp_path, content)).endpoints
    assert found["students"].path == CATALOGUE["students"].path
    assert len(found) > 20
    for table, endpoint in found.items():
        assert endpoint.path == CATALOGUE[table].path


def test_a_host_in_the_file_is_never_where_we_send(tmp_path: Path):
    content = as_openapi(CATALOGUE.values())
    content["servers"] = [{"url": "https://elsewhere.example/api"}]
    with hf.connect("S1", "id", "secret", openapi=written(tmp_path, content), cache_dir=tmp_path) as school:
        assert school.base_url == "https://api.hubmis.com"


def test_spec_check_says_what_matched_and_what_differs(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["spec", "check", str(file)]) == 0
    said = capsys.readouterr().out
    assert "131 of 131 operations matched" in said
    assert "only in the file: Canteen: Get menus" in said
    assert "vendor_note" not in said, "counts by operation; details on request"
    assert len(said.splitlines()) < 160
    assert "HUBMIS_OPENAPI" in said.splitlines()[-1]
    assert main(["spec", "check", str(file), "--verbose"]) == 0
    assert "vendor_note" in capsys.readouterr().out
    content = as_openapi(CATALOGUE.values())
    del content["paths"]["/api/v1/genders"]
    content["paths"]["/api/v1/students"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["items"][
        "properties"
    ]["multi_realm"] = {"type": "string"}
    assert main(["spec", "check", "--verbose", str(written(tmp_path, content))]) == 1
    said = capsys.readouterr().out
    assert "not in the file: Gender: Get List" in said
    assert re.search(r"students +multi_realm another type +bool +string", said)


def test_spec_export_writes_a_file_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["spec", "export", str(tmp_path / "ours.json")]) == 0
    ours = json.loads((tmp_path / "ours.json").read_text(encoding="utf-8"))
    assert ours["paths"]["/api/v1/students"]["get"]["x-inferred"] == ["path", "fields"]
    assert ours["paths"]["/api/v1/students/{id}"]["get"]["x-inferred"] == ["path"]


# --- schemas

A = "#/components/schemas/A"


def entries(**fields: pa.DataType) -> pa.DataType:
    return pa.list_(pa.struct({"key": pa.string(), **fields}))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, pa.int64()),
        ({"type": ["integer", "null"]}, pa.int64()),
        ({"type": "number", "nullable": True}, pa.float64()),
        ({"type": "string", "format": "date"}, pa.date32()),
        ({"type": "string", "format": "date-time"}, pa.timestamp("us", tz="UTC")),
        ({"type": "string", "format": "time"}, pa.time64("us")),
        ({"type": "string", "format": "uuid"}, pa.string()),
        ({"enum": ["a", None]}, pa.string()),
        ({"const": 3}, pa.int64()),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, pa.int64()),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, pa.string()),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, pa.float64()),
        ({"type": ["integer", "string"]}, pa.string()),
        ({"type": "array", "items": {"type": "integer"}}, pa.list_(pa.int64())),
        (
            {"allOf": [{"$ref": A}, {"properties": {"b": {"type": "boolean"}}}]},
            pa.struct({"a": pa.int64(), "b": pa.bool_()}),
        ),
        (
            {"oneOf": [{"$ref": A}, {"properties": {"c": {"const": "x"}}}]},
            pa.struct({"a": pa.int64(), "c": pa.string()}),
        ),
        ({"$ref": A, "nullable": True}, pa.struct({"a": pa.int64()})),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, entries(value=pa.int64())),
        ({"type": "object", "additionalProperties": {"$ref": A}}, entries(a=pa.int64())),
        ({}, None),
    ],
)
def test_a_schema_becomes_an_arrow_type(schema: Any, expected: pa.DataType | None):
    components = {"A": {"type": "object", "properties": {"a": {"type": "integer"}}}}
    document = Document({"components": {"schemas": components}}, "file")
    record = Converter(document, lambda *_: None).record({"type": "object", "properties": {"x": schema}})
    assert (record.field("x").type if record is not None else None) == expected


def test_a_schema_that_comes_back_to_itself_ends():
    student = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "friend": {"$ref": "#/components/schemas/S"}},
    }
    document = Document({"components": {"schemas": {"S": student}}}, "file")
    record = Converter(document, lambda *_: None).record({"$ref": "#/components/schemas/S"})
    inner = pa.struct([("id", pa.int64())])
    nested = pa.struct([("id", pa.int64()), ("friend", inner)])
    assert record == pa.struct([("id", pa.int64()), ("friend", nested)])


def test_names_that_are_data_become_rows(everything: tuple[School, Heard, Simulator]):
    from hubmis_frames.frames import Findings, tidy, to_pandas

    endpoint = everything[0]._fetcher.resolve(CATALOGUE["genders"])
    tables = tidy(
        endpoint,
        [((), [b'[{"id": 1, "vendor_counts": {"a": 1, "b": 2}}, {"id": 2, "vendor_counts": {}}]'])],
        Findings(),
    )
    counts = to_pandas(tables["genders_vendor_counts"])
    assert counts.to_dict("list") == {"gender_id": [1, 1], "position": [0, 1], "key": ["a", "b"], "value": [1, 2]}
    assert isinstance(counts, pd.DataFrame)
