"""Damaged files and files that would never end: one clear answer in bounded time, and a flaw costs its own part."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.openapi import as_openapi, compare, read_spec
from hubmis_frames.openapi.naming import tables_of
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator
from tests.helpers.mutations import mutated
from tests.helpers.vendor import vendor_file

Connect = Callable[..., School]


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "file.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def ours(*tables: str) -> Any:
    return as_openapi(CATALOGUE[table] for table in tables or ("genders", "titles", "students", "academic_years"))


def check_mutations(seed: int, times: int, tmp_path: Path) -> None:
    """Read a damaged file: it is one error of ours, or a spec whose every operation can be asked."""
    chance = random.Random(seed)
    content = vendor_file() if seed % 2 else as_openapi(CATALOGUE.values())
    content = mutated(content, chance, times)
    try:
        text = json.dumps(content)
    except UnicodeEncodeError:
        return
    try:
        spec = read_spec(written(tmp_path, text))
    except hf.SpecError:
        return
    compare(spec)
    for endpoint in (*spec.endpoints.values(), *spec.others.values()):
        path = endpoint.path.format(**{parameter.name: "1" for parameter in endpoint.path_ids})
        assert path.startswith("/")
        assert not path.startswith("//")
        assert "{" not in path


@pytest.mark.parametrize("seed", range(24))
def test_a_damaged_file_raises_no_error_but_ours(seed: int, tmp_path: Path):
    check_mutations(seed, [1, 2, 3, 10][seed % 4], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 1100))
def test_many_damaged_files_raise_no_error_but_ours(seed: int, tmp_path: Path):
    check_mutations(seed, [1, 2, 3, 10, 40][seed % 5], tmp_path)


def answer_of(operation: Any) -> Any:
    return operation["responses"]["200"]["content"]["application/json"]


def _responses(operation: Any, path: str, paths: Any) -> None:
    operation["responses"] = []


def _schema(schema: Any) -> Callable[[Any, str, Any], None]:
    def damage(operation: Any, path: str, paths: Any) -> None:
        answer_of(operation)["schema"] = schema

    return damage


def _parameter(parameter: Any) -> Callable[[Any, str, Any], None]:
    def damage(operation: Any, path: str, paths: Any) -> None:
        operation["parameters"].append(parameter)

    return damage


def _path(new: str) -> Callable[[Any, str, Any], None]:
    def damage(operation: Any, path: str, paths: Any) -> None:
        paths[new] = paths.pop(path)

    return damage


def _emptied(operation: Any, path: str, paths: Any) -> None:
    paths[path]["get"] = 5


RECURSIVE: Any = {"type": "object", "properties": {"x": {"$ref": "#/components/schemas/Recursive"}}}

FLAWS: dict[str, Callable[[Any, str, Any], None]] = {
    "no responses": _responses,
    "a dangling schema": _schema({"$ref": "#/components/schemas/Nothing"}),
    "a dangling item": _schema({"type": "array", "items": {"$ref": "#/nothing"}}),
    "another file": _schema({"$ref": "https://evil.example/schema.json"}),
    "items true": _schema({"type": "array", "items": True}),
    "schema true": _schema(True),
    "a circle": _schema({"$ref": "#/components/schemas/Circle"}),
    "a dangling parameter": _parameter({"$ref": "#/components/parameters/Nothing"}),
    "a recursive parameter": _parameter(
        {"name": "deep", "in": "query", "schema": {"$ref": "#/components/schemas/Recursive"}}
    ),
    "a parameter without a name": _parameter({"in": "query"}),
    "braces": _path("/api/v1/genders/{"),
    "no slash": _path("api v1/genders"),
    "an undeclared parameter": _path("/api/v1/genders/{lost}"),
    "a number": _path("/api/v1/genders/{0}"),
    "no operation": _emptied,
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_costs_its_own_operation_and_nothing_else(
    flaw: str, simulator: Simulator, connect_to: Connect, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    content = ours()
    content["components"]["schemas"] = {"Recursive": RECURSIVE, "Circle": {"$ref": "#/components/schemas/Circle"}}
    path = "/api/v1/genders"
    FLAWS[flaw](content["paths"][path]["get"], path, content["paths"])
    spec = read_spec(written(tmp_path, content))
    school = connect_to(simulator, spec=spec)
    assert {"titles", "students", "academic_years"} <= set(spec.endpoints)
    assert len(hf.load_titles(school)) > 0
    assert len(hf.load_students(school)) > 0
    if "genders" in spec.endpoints:  # what is left of it is enough
        assert list(hf.load_genders(school).columns) == ["gender_id", "name"]
    else:
        with pytest.raises(hf.SpecError):
            hf.load_genders(school)
    main(["spec", "check", str(tmp_path / "file.json")])
    printed = capsys.readouterr().out
    if flaw not in ("items true", "schema true", "a recursive parameter"):  # these say nothing, and nothing is lost
        assert "genders" in printed or "Gender: Get List" in printed


def models(number: int, *, ids: bool = True) -> Any:
    """So many models, each with a relation to and a list of every other."""
    schemas = {}
    for one in range(number):
        relations: Any = {"id": {"type": "integer"}} if ids else {}
        relations |= {"name": {"type": "string"}, "born": {"type": "string", "format": "date"}}
        for other in range(number):
            reference = {"$ref": f"#/components/schemas/M{other}"}
            relations |= {f"m{other}": reference, f"m{other}s": {"type": "array", "items": reference}}
        schemas[f"M{one}"] = {"type": "object", "properties": relations}
    return schemas


def with_schemas(schemas: Any, name: str) -> Any:
    content = ours("students", "genders")
    content["components"]["schemas"] = schemas
    answer_of(content["paths"]["/api/v1/students"]["get"])["schema"] = {
        "type": "array",
        "items": {"$ref": f"#/components/schemas/{name}"},
    }
    return content


@pytest.mark.parametrize(("number", "ids"), [(15, True), (20, True), (40, True), (12, False), (40, False)])
def test_models_with_relations_both_ways_are_read_and_stay_small(number: int, ids: bool, tmp_path: Path):
    spec = read_spec(written(tmp_path, with_schemas(models(number, ids=ids), "M0")))
    assert len(tables_of(spec.endpoints["students"])) <= 41


def test_an_entity_in_an_entity_in_an_entity_is_its_id_and_its_name(tmp_path: Path):
    spec = read_spec(written(tmp_path, with_schemas(models(3), "M0")))
    record = spec.endpoints["students"].record
    assert record.field("m1").type.field("m2").type.names == ["id", "name"]
    assert record.field("m0").type.field("born").type == record.field("born").type  # a record in one of its own kind
    assert record.field("m1s").type.value_type.get_field_index("m2s") < 0


def nested_yaml(levels: int, width: int) -> str:
    further = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return "\n".join(["a0: &a0 [x, x]", *further])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"openapi: 3.1.0\npaths: {{}}\n{nested_yaml(30, 10)}", "anchors"),
        ("openapi: 3.1.0\nx: " + "[" * 3000 + "]" * 3000, "levels deep"),
        ('{"openapi": "3.1.0", "x": ' + "[" * 3000 + "]" * 3000 + "}", "levels deep"),
        ("openapi: 3.1.0\nx: !!bool maybe\npaths: {}", "neither JSON nor YAML"),
        ("openapi: 3.1.0\nx: !!python/object:os.system {}\npaths: {}", "neither JSON nor YAML"),
        ("openapi: 3.1.0\nx: &x [*x]\npaths: *x", "names no paths|None of the 0"),
        ("openapi: 3.1.0\n? [1, 2]\n: x\npaths: {}", "neither JSON|None of the 0"),
    ],
)
def test_what_would_grow_without_bound_is_refused(text: str, message: str, tmp_path: Path):
    with pytest.raises(hf.SpecError, match=message):
        read_spec(written(tmp_path, text))


def test_a_title_of_any_length_is_read_at_once(tmp_path: Path):
    content = ours("genders", "titles")
    paths = content["paths"]
    for number, title in enumerate(("- " * 30_000, "x " * 30_000, "deprecated " * 6_000, "<" * 60_000, "é" * 60_000)):
        paths[f"/new{number}"] = {"get": {"summary": title, "operationId": title, "responses": {}}}
    began = time.process_time()
    spec = read_spec(written(tmp_path, content))
    assert time.process_time() - began < 20
    assert len(spec.others) == 5
    assert all(len(table) < 80 for table in spec.others)


def test_names_from_the_file_hide_none_of_pythons_or_ours(tmp_path: Path):
    content = ours("genders")
    titles = ["class", "Students", "students nationalities", "", "../../evil", "1st", "CON", "print", "students", "é!"]
    for number, title in enumerate(titles):
        content["paths"][f"/new/{number}/{{class}}"] = {
            "get": {
                "summary": title,
                "parameters": [
                    {"name": name, "in": "query", "schema": {"type": "string"}}
                    for name in ("filter[import]", "school", "refresh", "sort", "a-b", "a_b", "A B", "__class__", "9")
                ],
                "responses": {},
            }
        }
    spec = read_spec(written(tmp_path, content))
    assert len(spec.others) == len(titles)
    known = {name for endpoint in CATALOGUE.values() for name in tables_of(endpoint)}
    for table, endpoint in spec.others.items():
        names = [table, *(parameter.name for parameter in endpoint.parameters)]
        assert all(name.isidentifier() and not name.startswith("_") for name in names)
        assert not {*names[1:]} & {"class", "import", "school", "refresh", "sort", "what", "self"}
        assert len(set(names[1:])) == len(names) - 1
        assert table not in known


@pytest.mark.parametrize("cut", [0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("kind", ["json", "yaml"])
def test_a_file_that_was_cut_short_says_so_or_is_read_as_far_as_it_goes(cut: float, kind: str, tmp_path: Path):
    whole = json.dumps(vendor_file()) if kind == "json" else yaml.safe_dump(vendor_file(), sort_keys=False)
    file = written(tmp_path, whole[: int(len(whole) * cut)])
    problem = ""
    try:
        spec = read_spec(file)
        assert spec.missing or spec.flaws
    except hf.SpecError as error:
        problem = str(error)
    assert not problem or "Download it again" in problem
