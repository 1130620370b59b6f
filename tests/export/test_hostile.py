"""Text from outside never decides where an export writes: JSON keys, realms, manifests, links."""

import hashlib
import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.export.folder import INCOMPLETE, ExportFolder, owned_name, owns, partition, table_folder
from hubmis_frames.export.manifest import manifests
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator, build_world

Serve = Callable[..., Simulator]
Connect = Callable[..., School]

EVIL = [
    "../../../evil",
    "/../students",
    "../students",
    "/../../outside/students",
    "\\..\\..\\evil",
    "C:\\evil",
    "a:b",
    "nul",
    "x" * 300,
    "é" * 300,
    "a\0b",
    "a\nb",
    ".",
    "..",
    "",
    " ",
    "trailing. ",
    "realm=S999",
    "*?<>|",
    "~",
    "-rf",
    "\u202egnp",
]
hostile = st.one_of(st.sampled_from(EVIL), st.text(max_size=400), st.text(alphabet="./\\aA:~\0 ", max_size=30))


def contents(folder: Path, *, without: Path | None = None) -> dict[str, str]:
    """The hash of every file in a folder, and the target of every link."""
    files = [file for file in sorted(folder.rglob("*")) if without is None or without not in (file, *file.parents)]
    return {
        str(file): str(file.readlink()) if file.is_symlink() else hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_symlink() or file.is_file()
    }


def answer_genders(body: bytes) -> Callable[[SimulatedRequest, SimulatedResponse], SimulatedResponse]:
    return lambda asked, answer: replace(answer, body=body) if asked.table == "genders" else answer


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Files that no export may touch, in the folder above one and beside it."""
    for name in ("evil", "students", "genders"):
        (tmp_path / "outside" / name).mkdir(parents=True)
        (tmp_path / "outside" / name / "part-0.parquet").write_text("not ours")
    (tmp_path / "outside" / "file.txt").write_text("not ours")
    return tmp_path / "outside"


# --- names


@given(hostile)
def test_every_table_has_a_folder_that_is_legal_everywhere(name: str):
    folder = table_folder(name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", folder)
    assert len(folder) <= 100
    assert folder.partition(".")[0] not in {"con", "nul", "prn", "aux", "com1", "lpt9"}


@given(st.lists(hostile, unique=True, max_size=5), st.text(alphabet="aAbB_1", min_size=1))
def test_no_two_tables_share_a_folder_where_case_does_not_count(names: list[str], text: str):
    several = {*names, text, text.upper(), text.lower(), text.swapcase()}
    assert len({table_folder(name).casefold() for name in several}) == len(several)


@given(st.text(min_size=1, max_size=16), st.text(alphabet="aAbB1-", min_size=1, max_size=12))
def test_no_two_realms_share_a_folder_and_readers_decode_them(text: str, cased: str):
    text = text.encode("utf-8", "replace").decode()
    for realm in (text, cased):
        assert unquote(partition(realm)) == realm
        assert re.fullmatch(r"[A-Za-z0-9%_~-]{1,200}", partition(realm))
    several = {cased, cased.upper(), cased.lower(), cased.swapcase()}
    assert len({partition(realm).casefold() for realm in several}) == len(several)


def test_common_names_stay_as_they_are():
    assert partition("S999") == "S999"
    assert all(table_folder(name) == name for name in CATALOGUE)


@given(st.sampled_from(sorted(CATALOGUE)), hostile)
def test_a_child_table_is_stored_under_its_own_operations_name(operation: str, key: str):
    stored = owned_name(operation, f"{operation}_{key}")
    assert owns(operation, stored)
    assert not any(owns(other, stored) for other in CATALOGUE if other != operation)


def test_realms_that_differ_only_in_case_share_no_file(serve: Serve, connect_to: Connect, tmp_path: Path):
    realms = ("Ab", "AB", "ab")
    simulator = serve({realm: build_world(students=7, seed=seed, realm=realm) for seed, realm in enumerate(realms)})
    for realm in realms:
        connect_to(simulator, realm=realm).export(tmp_path / "out", ["houses"])
    assert pd.read_parquet(tmp_path / "out" / "houses")["realm"].nunique() == 3
    for realm in realms:
        assert set(hf.read(tmp_path / "out", "houses", realm=realm)["realm"]) == {realm}
    names = [str(file.relative_to(tmp_path)).casefold() for file in (tmp_path / "out").rglob("*")]
    assert len(names) == len(set(names))


# --- JSON keys


@pytest.mark.parametrize("key", EVIL)
def test_a_json_key_chooses_no_path(school: School, simulator: Simulator, outside: Path, tmp_path: Path, key: str):
    out = tmp_path / "out"
    school.export(out, ["students", "genders"])
    before, students = contents(outside), contents(out / "students")
    beside = {path.name for path in tmp_path.iterdir()}
    simulator.hooks.append(answer_genders(orjson.dumps([{"id": 1, key: [{"a": 1}], "b": [{key: 2}]}])))
    for _ in range(2):  # the second one reads what the first wrote into the manifest
        done = school.export(out, ["genders"], refresh=True).set_index("table")
        assert done.status["genders"] == "complete"
    assert contents(outside) == before
    assert {path.name for path in tmp_path.iterdir()} == beside
    assert contents(out / "students") == students
    (manifest,) = manifests(out)
    for table, rows in manifest["operations"]["genders"]["tables"].items():
        assert len(hf.read(out, table)) == rows


@settings(max_examples=25)
@given(st.lists(hostile, min_size=1, max_size=4, unique=True))
@pytest.mark.slow
def test_no_json_key_touches_what_lies_outside(keys: list[str]):
    with tempfile.TemporaryDirectory() as folder, Simulator(build_world(students=7, seed=1)) as simulator:
        from hubmis_frames.transport import Session

        (Path(folder) / "beside").write_text("not ours")
        texts = [key.encode("utf-8", "replace").decode() for key in keys]
        body = orjson.dumps([{"id": 1, **{key: [{"a": 1, key: "x"}] for key in texts}}])
        simulator.hooks.append(answer_genders(body))
        session = Session(
            base_url=simulator.url, realm="S999", client_id=simulator.rules.client_id,
            client_secret=simulator.rules.client_secret, cache_dir=None,
            rate_file=Path(folder) / "rate" / "rate.sqlite",
        )  # fmt: skip
        with School(session, progress=False) as school:
            school.export(Path(folder) / "a" / "out", ["genders"])
        assert {path.name for path in Path(folder).iterdir()} == {"a", "beside", "rate"}
        assert {path.name for path in (Path(folder) / "a").iterdir()} == {"out"}


def test_a_json_key_replaces_no_other_operations_table(simulator: Simulator, school: School, tmp_path: Path):
    school.export(tmp_path / "out", ["form_students", "forms"])
    before = contents(tmp_path / "out" / "form_students")

    def add(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table != "sections":
            return answer
        return replace(answer, body=orjson.dumps([{"id": 1, "year_groups_x": [{"a": 1}], "deleted": [{"a": 1}]}]))

    simulator.hooks.append(add)
    done = school.export(tmp_path / "out", ["sections"], refresh=True).set_index("table")
    assert done.status["sections"] == "complete"
    assert contents(tmp_path / "out" / "form_students") == before
    (manifest,) = manifests(tmp_path / "out")
    assert {"sections", "sections_year_groups_x", "sections__deleted"} <= set(
        manifest["operations"]["sections"]["tables"]
    )


# --- manifests


def change_manifest(folder: Path, change: Callable[[Any], Any]) -> Path:
    (file,) = folder.glob("manifest-*.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    changed = change(content)
    file.write_text(json.dumps(content if changed is None else changed), encoding="utf-8")
    return file


def test_a_manifest_deletes_nothing_of_another_export(school: School, outside: Path, tmp_path: Path):
    school.export(tmp_path / "out", ["genders"])
    school.export(tmp_path / "other", ["genders", "students"])
    before = contents(tmp_path / "other") | contents(outside)
    for tables in ({"../other/genders": 2}, {"students": 2}, {"/../../outside/genders": 1}, {"genders": 1, "..": 1}):
        file = change_manifest(
            tmp_path / "out", lambda content, tables=tables: content["operations"]["genders"].update(tables=tables)
        )
        with pytest.raises(hf.ExportError, match="cannot be read"):
            school.export(tmp_path / "out", ["genders"], refresh=True)
        file.unlink()
        school.export(tmp_path / "out", ["genders"])
    assert contents(tmp_path / "other") | contents(outside) == before


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a value inside JSON."""
    inner: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        inner = [found for key in value for found in paths_in(value[key], (*path, key))]
    elif isinstance(value, list):
        inner = [found for index, item in enumerate(value) for found in paths_in(item, (*path, index))]
    return [path, *inner]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(hostile, inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=60)
@given(data=st.data())
def test_a_changed_manifest_gives_one_typed_error_or_an_export(
    data: st.DataObject, exported: tuple[School, Path, bytes]
):
    school, folder, original = exported
    content = json.loads(original)
    path = data.draw(st.sampled_from(paths_in(content)))
    value = data.draw(anything)
    (file,) = folder.glob("manifest-*.json")
    if path:
        place = content
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
    else:
        content = value
    file.write_text(json.dumps(content), encoding="utf-8")
    before = contents(folder.parent, without=folder)
    try:
        school.export(folder, ["genders"])
    except hf.ExportError:
        pass
    finally:
        file.write_bytes(original)
    assert contents(folder.parent, without=folder) == before


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from hubmis_frames.transport import Session

    folder = tmp_path_factory.mktemp("changed")
    with Simulator(build_world(students=7, seed=1)) as simulator:
        session = Session(
            base_url=simulator.url, realm="S999", client_id=simulator.rules.client_id,
            client_secret=simulator.rules.client_secret, cache_dir=None, rate_file=folder / "rate" / "rate.sqlite",
        )  # fmt: skip
        with School(session, progress=False) as school:
            school.export(folder / "inner" / "out", ["genders", "houses"])
            (file,) = (folder / "inner" / "out").glob("manifest-*.json")
            (folder / "inner" / "beside").write_text("not ours")
            yield school, folder / "inner" / "out", file.read_bytes()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1e999", '"\\ud800"', "[" * 5000, '{"format": 1}', "\xff"])
@pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")
def test_what_is_no_manifest_is_said_by_an_export_and_skipped_by_a_reader(school: School, tmp_path: Path, text: str):
    school.export(tmp_path / "out", ["genders"])
    (file,) = (tmp_path / "out").glob("manifest-*.json")
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(hf.ExportError, match="cannot be read"):
        school.export(tmp_path / "out", ["genders"])
    assert len(hf.read(tmp_path / "out", "genders")) > 0


# --- links, and folders that are not for this export


@pytest.mark.posix("links take a privilege on Windows", proved_by="test_a_junction_of_windows_is_a_link")
def test_links_inside_an_export_are_not_followed(simulator: Simulator, school: School, outside: Path, tmp_path: Path):
    out = tmp_path / "out"
    school.export(out, ["genders", "houses", "student_attendance"])
    bad = int(hf.read(out, "student_attendance")["student_id"].iloc[0])
    marks = ExportFolder(out, "S999").of_table("student_attendance")
    (marks / INCOMPLETE).symlink_to(outside / "file.txt")
    (out / "genders").rename(tmp_path / "moved")
    (out / "genders").symlink_to(outside / "genders")
    before = contents(outside)
    simulator.hooks.append(
        lambda asked, answer: replace(answer, status=404) if f"/students/{bad}/att" in asked.path else answer
    )
    done = school.export(out, ["genders", "houses", "student_attendance"], refresh=True).set_index("table")
    assert done.status.to_dict()["genders"] == "failed"
    assert "is a link" in done.remarks["genders"]
    assert done.status["houses"] == "complete"
    assert done.status["student_attendance"] == "incomplete"
    assert not (marks / INCOMPLETE).is_symlink()
    assert (marks / INCOMPLETE).stat().st_mode & 0o077 == 0
    simulator.hooks.append(lambda asked, answer: replace(answer, status=403) if asked.table == "genders" else answer)
    done = school.export(out, ["genders", "houses"], refresh=True).set_index("table")
    assert done.status["genders"] == "not permitted"
    assert contents(outside) == before


@pytest.mark.parametrize("inside", ["students", "students/realm=S999", "new", "new/below"])
def test_an_export_inside_an_export_is_refused(simulator: Simulator, school: School, tmp_path: Path, inside: str):
    school.export(tmp_path / "out", ["students"])
    asked, before = len(simulator.log), contents(tmp_path / "out")
    with pytest.raises(hf.ExportError, match="lies inside the export"):
        school.export(tmp_path / "out" / inside, ["genders"])
    assert len(simulator.log) == asked
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize("realm", ["S999", "OTHER"])
def test_the_simulated_school_is_not_mixed_with_a_real_one(
    school: School, tmp_path: Path, realm: str, capsys: pytest.CaptureFixture[str]
):
    school.export(tmp_path / "out", ["students"])
    file = change_manifest(
        tmp_path / "out", lambda content: content.update(address="https://api.hubmis.com", realm=realm)
    )
    file.rename(ExportFolder(tmp_path / "out", realm).manifest)
    before = contents(tmp_path / "out")
    assert main(["demo", str(tmp_path / "out"), "--students", "7"]) == 1
    assert "holds an export from https://api.hubmis.com" in capsys.readouterr().err
    assert contents(tmp_path / "out") == before


def test_a_tilde_is_the_home_folder(school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    school.export("~/out", ["genders"])
    frame = hf.read("~/out", "genders")
    hf.to_csv(frame, "~/genders.csv")
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"out", "genders.csv"}
    assert not list((tmp_path / "here").iterdir())
