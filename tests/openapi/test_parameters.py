"""Parameters as a file declares them: headers, the realm in another spelling, ids that are text, and ways to page."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hubmis_frames as hf
from hubmis_frames.openapi import as_openapi, read_spec
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.request import Paging
from hubmis_frames.school import School
from hubmis_frames.simulator import Rules, Simulator, World
from tests.helpers.schools import GENEROUS

Connect = Callable[..., School]
TEXT = {"type": "string"}


def with_parameters(tmp_path: Path, table: str, parameters: list[Any], *, replacing: str = " ") -> Path:
    content = as_openapi([CATALOGUE[table]])
    (item,) = content["paths"].values()
    kept = [old for old in item["get"]["parameters"] if not str(old.get("name", old.get("$ref"))).startswith(replacing)]
    item["get"]["parameters"] = [*kept, *parameters]
    file = tmp_path / "file.json"
    file.write_text(json.dumps(content))
    return file


def test_headers_that_openapi_ignores_are_no_arguments_and_others_choose_the_cached_answer(
    simulator: Simulator, connect_to: Connect, tmp_path: Path
):
    names = ("Accept", "authorization", "Content-Type", "Host", "X-Campus")
    headers = [{"name": name, "in": "header", "required": True, "schema": TEXT} for name in names]
    spec = read_spec(with_parameters(tmp_path, "genders", headers))
    assert [parameter.name for parameter in spec.endpoints["genders"].parameters] == ["x_campus"]
    school = connect_to(simulator, spec=spec)
    with pytest.raises(hf.BadArgumentError, match="x_campus is missing"):
        hf.load_genders(school)
    with pytest.raises(hf.BadArgumentError, match="header"):
        hf.load(school, "genders", x_campus="north\r\nRealm: S1")
    assert simulator.log == []
    for campus in ("north", "south", "north"):
        hf.load(school, "genders", x_campus=campus)
    sent = [asked.headers.get("X-Campus") for asked in simulator.log if asked.table == "genders"]
    assert sent == ["north", "south"]


@pytest.mark.parametrize("name", ["X-Realm", "Realm-Id", "REALM", "hubmis-realm"])
def test_the_realm_is_sent_under_the_name_that_the_file_gives_it(
    name: str, simulator: Simulator, connect_to: Connect, tmp_path: Path
):
    realm = {"name": name, "in": "header", "required": True, "schema": TEXT}
    spec = read_spec(with_parameters(tmp_path, "genders", [realm], replacing="#/components/parameters/Realm"))
    assert spec.endpoints["genders"].parameters == ()
    assert len(hf.load_genders(connect_to(simulator, spec=spec))) > 0
    assert simulator.log[-1].headers.get(name) == "S999"


@pytest.mark.parametrize("code", [7, "7", ["7"], ("7",)])
def test_one_id_of_text_may_be_given_as_a_number(code: Any, simulator: Simulator, connect_to: Connect, tmp_path: Path):
    content = as_openapi([CATALOGUE["genders"]])
    content["paths"]["/shelf/{code}"] = {
        "get": {"summary": "Shelf", "parameters": [{"name": "code", "in": "path", "required": True, "schema": TEXT}]}
    }
    (tmp_path / "file.json").write_text(json.dumps(content))
    school = connect_to(simulator, spec=read_spec(tmp_path / "file.json"))
    with pytest.raises(hf.NotFoundError):
        hf.load(school, "Shelf", code=code)
    assert simulator.log[-1].path == "/shelf/7"


WHOLE = {"type": "integer"}


def query(**schemas: Any) -> list[Any]:
    names = {"page_size": "page[size]", "page_number": "page[number]", "page_offset": "page[offset]"}
    return [{"name": names.get(name, name), "in": "query", "schema": schema} for name, schema in schemas.items()]


@pytest.mark.parametrize(
    ("parameters", "paging"),
    [
        (query(page=WHOLE), Paging("page", "")),
        (query(page_number=WHOLE), Paging("page[number]", "")),
        (query(page={**WHOLE, "default": 0}, size={**WHOLE, "maximum": 50}), Paging("page", "size", 50, 0)),
        (query(offset=WHOLE, limit=WHOLE), Paging("offset", "limit", style="offset")),
        (query(skip=WHOLE, take=WHOLE), Paging("skip", "take", style="offset")),
        (query(page_offset=WHOLE, limit=WHOLE), Paging("page[offset]", "limit", style="offset")),
        (query(page=WHOLE, itemsPerPage=WHOLE), Paging("page", "itemsPerPage")),
        (query(cursor=TEXT, per_page=WHOLE), Paging("cursor", "per_page", style="cursor")),
        (query(limit=WHOLE), Paging("", "limit", style="first")),
        (query(page={"type": "object"}), Paging()),
        (query(startIndex={**WHOLE, "minimum": 1}), Paging("startIndex", "", 500, 1, "offset")),
        ([], Paging(assumed=True)),
    ],
)  # fmt: skip
def test_how_a_list_is_paged_is_read_from_its_parameters(parameters: list[Any], paging: Paging, tmp_path: Path):
    """How each way is followed: tests/transport/test_ways_of_paging.py."""
    spec = read_spec(with_parameters(tmp_path, "contacts", parameters, replacing="page["))
    assert spec.endpoints["contacts"].paging == paging


@pytest.mark.parametrize(
    "answer",
    [
        {"anyOf": [{"type": "array", "items": {"type": "object"}}, {"type": "object", "properties": {"error": TEXT}}]},
        {"oneOf": [{"type": "object", "properties": {"message": TEXT}}, {"type": "array", "items": {}}]},
        {"type": "array", "items": {"oneOf": [{"type": "object"}, {"type": "object", "properties": []}]}},
    ],
)
def test_a_list_or_an_error_is_a_list(answer: Any, simulator: Simulator, connect_to: Connect, tmp_path: Path):
    content = as_openapi([CATALOGUE["genders"]])
    (item,) = content["paths"].values()
    item["get"]["responses"]["200"]["content"]["application/json"]["schema"] = answer
    (tmp_path / "file.json").write_text(json.dumps(content))
    spec = read_spec(tmp_path / "file.json")
    assert spec.endpoints["genders"].record == CATALOGUE["genders"].record
    assert list(hf.load_genders(connect_to(simulator, spec=spec)).columns) == ["gender_id", "name"]


def test_rows_behind_a_first_page_never_count_as_deleted(connect_to: Connect, tmp_path: Path, world: World):
    tables = ["academic_years", "students", "student_attendance"]
    content = as_openapi(CATALOGUE[table] for table in tables)
    for item in content["paths"].values():
        if item["get"]["operationId"] == "student_attendance":
            item["get"]["parameters"] += query(limit=WHOLE)
    (tmp_path / "file.json").write_text(json.dumps(content))
    with Simulator(world, Rules(**GENEROUS, strict_query=False)) as simulator:
        school = connect_to(simulator, spec=read_spec(tmp_path / "file.json"))
        first = school.export(tmp_path / "export", ["student_attendance"]).set_index("table").loc["student_attendance"]
        assert first["status"] == "incomplete"
        assert first["rows"] > 0
        second = school.export(tmp_path / "export", ["student_attendance"], refresh=True).set_index("table")
        assert second.loc["student_attendance", "status"] == "failed"
        assert "fetched at" in second.loc["student_attendance", "remarks"]
    with pytest.warns(hf.HubmisWarning, match="way to ask for a second page"):
        assert len(hf.read(tmp_path / "export", "student_attendance")) == first["rows"]
    assert not list((tmp_path / "export").glob("*_deleted"))
