"""Where exports and reports are: purging a student names each one that holds them, and forgets what was removed."""

import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.export import places
from hubmis_frames.export.folder import FILE, ExportFolder
from hubmis_frames.files import user_folder
from hubmis_frames.group import Group
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator, build_world

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
NOBODY = 987654


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("state", "config"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    return user_folder("state") / "exports.json"


def student_of(school: School, at: int = 3) -> int:
    return int(hf.load_students(school, enrolment_status="current").student_id.iloc[at])


@pytest.mark.parametrize("tables", [["students"], ["student_attendance"], ["form_students"], ["student_contacts"]])
@pytest.mark.parametrize("pseudonymise", [False, True])
def test_an_export_is_named_for_every_student_in_it_and_for_nobody_else(
    school: School, tmp_path: Path, tables: list[str], pseudonymise: bool
):
    school.export(tmp_path / "with", tables, pseudonymise=pseudonymise)
    school.export(tmp_path / "without", ["genders"], pseudonymise=pseudonymise)
    for student in hf.load_students(school, enrolment_status="current").student_id.iloc[::13]:
        assert school.exports_with(int(student)) == school.exports_with(str(student)) == [tmp_path / "with"]
    assert school.exports_with(NOBODY) == []


def test_with_pseudonyms_and_without_their_key_an_export_may_hold_anybody(
    school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    school.export(tmp_path / "out", ["students"], pseudonymise=True)
    monkeypatch.setenv("HUBMIS_PSEUDONYM_KEY", str(tmp_path / "elsewhere"))
    assert school.exports_with(NOBODY) == [tmp_path / "out"]
    assert not (tmp_path / "elsewhere").exists(), "looking for a key makes none"


def test_a_school_is_not_taken_for_another(serve: Serve, connect_to: Connect, tmp_path: Path):
    worlds = {realm: build_world(students=20, seed=seed, realm=realm) for realm, seed in (("S1", 1), ("S2", 2))}
    simulator = serve(worlds)
    group = Group([connect_to(simulator, realm=realm) for realm in worlds])
    group.export(tmp_path / "out", ["students"])
    one = group.schools["S1"]
    for folder in (tmp_path / "out").glob("*/realm=S1"):
        shutil.rmtree(folder)
    assert one.exports_with(student_of(one)) == []
    assert group.schools["S2"].exports_with(student_of(group.schools["S2"])) == [tmp_path / "out"]


@pytest.mark.parametrize("value", ["{}", "S{}", "1,{},2", 1.0])
@pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")
def test_an_id_in_a_field_that_nobody_declared_counts(
    simulator: Simulator, school: School, tmp_path: Path, value: object
):
    held = NOBODY * value if isinstance(value, float) else str(value).format(NOBODY)

    def add(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table != "houses":
            return answer
        rows = [row | {"captainStudentId": held, "captains": [{"id": held}]} for row in json.loads(answer.body)]
        return replace(answer, body=json.dumps(rows).encode())

    simulator.hooks.append(add)
    school.export(tmp_path / "out", ["houses"])
    assert school.exports_with(NOBODY) == ([tmp_path / "out"] if held != f"S{NOBODY}" else [])


def test_an_export_in_which_only_the_request_for_the_student_failed_is_named(
    simulator: Simulator, school: School, tmp_path: Path
):
    student = student_of(school)
    simulator.hooks.append(
        lambda asked, answer: replace(answer, status=404) if f"/students/{student}/" in asked.path else answer
    )
    school.export(tmp_path / "out", ["student_attendance"])
    for table in ("students", "students_nationalities"):
        shutil.rmtree(tmp_path / "out" / table, ignore_errors=True)
    assert school.exports_with(student) == [tmp_path / "out"]
    assert school.exports_with(NOBODY) == []


def test_a_file_that_cannot_be_read_may_hold_anybody(school: School, tmp_path: Path):
    school.export(tmp_path / "out", ["students"])
    ExportFolder(tmp_path / "out", "S999").of_table("students").joinpath(FILE).write_bytes(b"PAR1 nonsense PAR1")
    assert school.exports_with(NOBODY) == [tmp_path / "out"]


def test_what_was_interrupted_is_known_and_what_was_removed_is_not(
    simulator: Simulator, school: School, own_state: Path, tmp_path: Path
):
    student = student_of(school)

    def stop(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        return replace(answer, status=401) if asked.table == "student_attendance" else answer

    simulator.hooks.append(stop)
    with pytest.raises(hf.CredentialsError):
        school.export(tmp_path / "out", ["student_attendance"])
    assert school.exports_with(student) == [tmp_path / "out"]
    shutil.rmtree(tmp_path / "out")
    assert school.exports_with(student) == []
    school.export(tmp_path / "other", ["genders"])
    assert json.loads(own_state.read_text()) == {str(tmp_path / "other"): []}


def test_a_report_is_named_with_its_export_and_after_it(school: School, tmp_path: Path):
    """Which students a report names cannot be read off it: it is listed whenever it may hold one who has gone."""
    out, report, newer = (tmp_path / name for name in ("out", "report.html", "newer.html"))
    student = student_of(school)
    school.export(out, ["students"])
    report.write_text("names")
    places.remember(out, report)
    assert school.exports_with(student) == [out, report]
    assert school.exports_with(NOBODY) == []
    for file in out.rglob(FILE):
        frame = pd.read_parquet(file)
        if "student_id" in frame:
            frame[frame["student_id"] != student].to_parquet(file)
    school.export(out, ["genders"])
    newer.write_text("names")
    places.remember(out, newer)
    assert school.exports_with(student) == [report], "it was made from the export before"
    shutil.rmtree(out)
    assert school.exports_with(student) == [report, newer], "nothing says whom they name"
    report.unlink()
    newer.unlink()
    assert school.exports_with(student) == []


# --- a list that is damaged, or cannot be written

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("/"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("/x"), inner, max_size=3),
    max_leaves=6,
)


@given(st.binary(max_size=20) | anything.map(lambda value: json.dumps(value).encode()))
@example(b"[" * 10**5)
@example(b'{"relative": []}')
@example(b'{"/x\\u0000": [], "/y": ["\\ud800"]}')
@example(b'{"/x": [3], "/y": {}}')
@example(b'{"/x": []}')
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_list_holds_the_answer_is_no_traceback(own_state: Path, tmp_path: Path, content: bytes):
    own_state.parent.mkdir(parents=True, exist_ok=True)
    own_state.write_bytes(content)
    (tmp_path / "out" / "students" / "realm=S999").mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"student_id": [7]}).to_parquet(tmp_path / "out" / "students" / "realm=S999" / FILE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hf.HubmisWarning)
        places.exports_with(7, "S999", None)
        places.remember(tmp_path / "out")
        assert tmp_path / "out" in places.exports_with(7, "S999", None)


def test_a_damaged_list_is_said(school: School, own_state: Path, tmp_path: Path):
    school.export(tmp_path / "out", ["genders"])
    own_state.write_text(own_state.read_text()[:-3])
    with pytest.warns(hf.HubmisWarning, match="Look through your exports yourself"):
        assert school.exports_with(NOBODY) == []


def test_a_list_that_cannot_be_written_costs_no_export(school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    for name in ("XDG_STATE_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "file"))
    with pytest.warns(hf.HubmisWarning, match="list of exports cannot be written"):
        done = school.export(tmp_path / "out", ["genders"])
    assert done.status.tolist() == ["complete"]


def test_an_export_on_a_drive_that_is_away_is_not_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    there = Path.exists
    monkeypatch.setattr(Path, "exists", lambda self: self != Path(tmp_path.anchor) and there(self))
    assert not places._is_gone(tmp_path / "away" / "out")
    monkeypatch.undo()
    assert places._is_gone(tmp_path / "away" / "out")


def test_purging_on_the_command_line_names_them(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    given: dict[str, Any] = {"REALM": "S999", "CLIENT_ID": "demo-client", "CLIENT_SECRET": "demo-secret"}
    for name, value in (given | {"BASE_URL": simulator.url}).items():
        monkeypatch.setenv(f"HUBMIS_{name}", value)
    monkeypatch.chdir(tmp_path)
    assert main(["export", "my school", "--tables", "students"]) == 0
    student = str(hf.read("my school", "students").student_id.iloc[0])
    capsys.readouterr()
    assert main(["cache", "purge", "--student", str(NOBODY)]) == 0
    assert "may" not in capsys.readouterr().out
    assert main(["cache", "purge", "--student", student, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exports"] == [str(tmp_path / "my school")]
    assert main(["cache", "purge", "--student", student]) == 0
    said = capsys.readouterr().out
    assert f"\n  {tmp_path / 'my school'}\n" in said
    assert "Remove them, or export again" in said
