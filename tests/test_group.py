"""Several schools of one client: one call, one count of requests, one cache each, and no failure stops the rest."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.group import Group
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator, World, build_world
from hubmis_frames.transport import Rate

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
REALMS = ("S1", "S2", "0042")


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    return {realm: build_world(students=10 + n, seed=n, realm=realm) for n, realm in enumerate(REALMS)}


@pytest.fixture
def simulator(serve: Serve, worlds: dict[str, World]) -> Simulator:
    return serve(worlds)


@pytest.fixture
def group(simulator: Simulator, connect_to: Connect) -> Iterator[Group]:
    with Group(connect_to(simulator, realm=realm) for realm in REALMS) as group:
        yield group


def fail_for(realm: str) -> Callable[..., SimulatedResponse]:
    def hook(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        return (
            SimulatedResponse(403, b"{}") if asked.headers.get("Realm") == realm and asked.method == "GET" else answer
        )

    return hook


def test_a_loader_gives_the_rows_of_all_schools_with_their_realm(group: Group):
    students = hf.load_students(group, enrolment_status="current")
    assert next(iter(students)) == "realm"
    assert students["realm"].value_counts().to_dict() == {"S1": 10, "S2": 11, "0042": 12}
    one = hf.load_students(group.schools["S2"], enrolment_status="current")
    of_group = students[students["realm"] == "S2"].drop(columns="realm").reset_index(drop=True)
    pd.testing.assert_frame_equal(of_group, one, check_flags=False)


def test_ids_are_asked_of_their_own_school_alone(group: Group, simulator: Simulator):
    students = hf.load_students(group, enrolment_status="current").groupby("realm").head(2)
    simulator.log.clear()
    marks = hf.load_student_attendance(group, students)
    asked = {(each.headers["Realm"], each.path.split("/")[-2]) for each in simulator.log if "attendance" in each.path}
    assert asked == {(row.realm, str(row.student_id)) for row in students.itertuples()}
    assert set(marks["realm"]) == set(REALMS)
    with pytest.raises(hf.BadArgumentError, match="an id belongs to one school"):
        hf.load_student_attendance(group, [1, 2])


def test_a_school_that_fails_does_not_stop_the_others(group: Group, simulator: Simulator, tmp_path: Path):
    simulator.hooks.append(fail_for("S2"))
    with pytest.raises(hf.IncompleteError, match="1 of 3 schools failed") as failed:
        hf.load_students(group)
    assert set(failed.value.tables["students"]["realm"]) == {"S1", "0042"}
    assert isinstance(failed.value.failed[("S2",)], hf.NotPermittedError)

    def refuse_the_token(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        return SimulatedResponse(401, b"{}") if asked.headers.get("Realm") == "S2" else answer

    simulator.hooks[:] = [refuse_the_token]
    with pytest.warns(hf.HubmisWarning, match="S2: HUBmis"):
        done = group.export(tmp_path / "out", ["houses", "students"])
    assert done.groupby("realm")["status"].agg(set).to_dict() == {
        "S1": {"complete"}, "S2": {"failed"}, "0042": {"complete"}
    }  # fmt: skip
    assert set(hf.read(tmp_path / "out", "houses")["realm"]) == {"S1", "0042"}


def test_when_all_fail_it_is_an_error(group: Group, simulator: Simulator, tmp_path: Path):
    simulator.hooks.append(lambda asked, answer: SimulatedResponse(401, b"{}"))
    with pytest.raises(hf.CredentialsError):
        group.export(tmp_path / "out", ["houses"])


def test_the_schools_of_a_client_share_one_count_and_plan_one_after_another(simulator: Simulator, connect_to: Connect):
    with Group(connect_to(simulator, realm=realm, rate=Rate(10, 60.0)) for realm in REALMS) as group:
        hf.load_genders(group.schools["S1"])  # and the token
        assert [round(school._session.bucket.left()) for school in group] == [8, 8, 8]
        group.schools["S2"]._session.bucket.note_remaining(4)
        plan = group.plan(["genders", "boarding_types"])
        assert list(plan["realm"].unique()) == list(REALMS)
        assert list(plan["requests"] - plan["cached"]) == [0, 1, 1, 1, 1, 1]
        # Four are left of the burst; the fifth, the third school's second, has to wait.
        assert (plan["minutes"] > 1).tolist() == [False] * 5 + [True]


def test_a_group_names_each_realm_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    settings: dict[str, Any] = {"client_id": "a", "client_secret": "b", "cache_dir": tmp_path}
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with hf.connect_group(["S1", "S2"], **settings) as group:
        assert list(group.schools) == ["S1", "S2"]
        files = {str(school.cache()["file"]) for school in group}
        assert len(files) == 2
    for realms in ([], ["S1", "S1"]):
        with pytest.raises(hf.SettingsError, match="each realm once"):
            hf.connect_group(realms, **settings)


def test_the_command_exports_a_group_into_one_directory(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("HUBMIS_CLIENT_ID", simulator.rules.client_id)
    monkeypatch.setenv("HUBMIS_CLIENT_SECRET", simulator.rules.client_secret)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    realms = [part for realm in ("S1", "S2") for part in ("--realm", realm)]
    connection = [*realms, "--base-url", simulator.url, "--cache-dir", str(tmp_path / "cache")]
    assert main(["export", str(tmp_path / "out"), "--tables", "houses", *connection]) == 0
    assert set(hf.read(tmp_path / "out", "houses")["realm"]) == {"S1", "S2"}
    capsys.readouterr()
    assert main(["plan", "--tables", "houses", "--json", *connection]) == 0
    assert [row["realm"] for row in json.loads(capsys.readouterr().out)] == ["S1", "S2"]
    simulator.hooks.append(
        lambda asked, answer: SimulatedResponse(401, b"{}") if asked.headers.get("Realm") == "S2" else answer
    )
    assert main(["export", str(tmp_path / "out"), "--tables", "genders", *connection]) == 3
    assert "note: S2: HUBmis" in capsys.readouterr().err
