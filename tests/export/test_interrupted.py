"""An export or a refresh that is stopped, or meets a file that it cannot use: nothing is lost, nothing counts twice."""

import contextlib
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames import files
from hubmis_frames.export.folder import ExportFolder
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
MARKS = "student_attendance"


class Stopped(BaseException):
    """Stands for Ctrl-C or a kill at a certain request."""


def parquet_files(folder: Path, *, deleted: bool = False) -> dict[str, bytes]:
    found = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.parquet")}
    return {name: content for name, content in found.items() if deleted or "_deleted" not in name}


def scratch_files(folder: Path) -> list[Path]:
    return list(folder.rglob("*.part"))


def asked_for_marks(simulator: Simulator) -> int:
    return sum(asked.table == MARKS for asked in simulator.log)


def drop_marks(day: str) -> Callable[[SimulatedRequest, SimulatedResponse], SimulatedResponse]:
    """A hook: the school has deleted the marks of a day."""

    def hook(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table != MARKS or answer.status != 200:
            return answer
        rows = [row for row in json.loads(answer.body) if row["date"] != day]
        return replace(answer, body=json.dumps(rows).encode())

    return hook


def last_day(folder: Path) -> str:
    return str(hf.read(folder, MARKS)["date"].max().date())


def stop_after(monkeypatch: pytest.MonkeyPatch, school: School, requests: int) -> None:
    """Stop at a request for marks, as Ctrl-C would."""
    session = school._session
    original, seen, answered = session.get, [], threading.Event()

    def get(request: Any, reading: Any) -> Any:
        if "attendance-records" not in request.path or reading.only_cached:
            return original(request, reading)
        seen.append(request)
        if len(seen) > requests:
            answered.wait(20)  # a stop before the first answer would leave nothing to go on from
            raise Stopped
        answer = original(request, reading)
        answered.set()
        return answer

    monkeypatch.setattr(session, "get", get)


# --- going on


@pytest.mark.parametrize("done", [28, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 59))])
def test_an_interrupted_refresh_goes_on_where_it_was(
    simulator: Simulator, connect_to: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
):
    out = tmp_path / "out"
    school = connect_to(simulator)
    school.export(out)
    simulator.log.clear()
    with monkeypatch.context() as patch:
        stop_after(patch, school, done)
        with pytest.raises(Stopped):
            school.export(out, refresh=True)
    answered = asked_for_marks(simulator)
    assert 0 < answered <= done
    simulator.log.clear()
    result = connect_to(simulator).export(out, refresh=True).set_index("table")
    assert (result.status == "complete").all()
    assert asked_for_marks(simulator) == 60 - answered
    assert all(asked.table in (MARKS, None) for asked in simulator.log), "what comes before the marks was fetched"
    simulator.log.clear()
    connect_to(simulator).export(out, refresh=True)
    assert asked_for_marks(simulator) == 60, "a refresh that has ended begins anew"


def test_a_refresh_that_goes_on_takes_no_answer_from_before_it_began_and_none_of_yesterday(
    simulator: Simulator, connect_to: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "out"
    school = connect_to(simulator)
    school.export(out)
    with monkeypatch.context() as patch:
        stop_after(patch, school, 10)
        with pytest.raises(Stopped):
            school.export(out, refresh=True)
    file = ExportFolder(out, "S999").manifest
    content = json.loads(file.read_text(encoding="utf-8"))
    for began, asked in ((timedelta(), 60), (timedelta(hours=-13), 60), (timedelta(hours=1), 60)):
        changed = content | {"refresh_began": (datetime.now(UTC) + began).isoformat()}
        file.write_text(json.dumps(changed), encoding="utf-8")
        simulator.log.clear()
        connect_to(simulator).export(out, refresh=True)
        assert asked_for_marks(simulator) == asked


# --- two files, and files that are damaged


def test_a_refresh_that_fails_between_two_files_counts_deleted_rows_once(
    simulator: Simulator, school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "out"
    school.export(out, [MARKS])
    before = hf.read(out, MARKS)
    day = last_day(out)
    simulator.hooks.append(drop_marks(day))
    put = files._replace

    def fail(part: Path, file: Path) -> None:
        if file.parent.parent.name == MARKS:
            raise Stopped
        put(part, file)

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(files, "_replace", fail)
            patch.setattr(files, "_kept", lambda *_: contextlib.nullcontext())  # a killed process brings nothing back
            with pytest.raises(Stopped):
                school.export(out, [MARKS], refresh=True)
        assert len(hf.read(out, MARKS)) == len(before)
    school.export(out, [MARKS], refresh=True)
    after, deleted = hf.read(out, MARKS), hf.read(out, f"{MARKS}_deleted")
    assert len(after) + len(deleted) == len(before)
    assert not deleted.duplicated(["student_id", "date", "attendance_session"]).any()
    assert set(deleted["date"].dt.date.astype(str)) == {day}
    assert not scratch_files(out)


@pytest.mark.parametrize("where", [0, 0.3, 0.6, 0.99])
def test_a_damaged_file_is_asked_for_whole(simulator: Simulator, school: School, tmp_path: Path, where: float):
    out = tmp_path / "out"
    school.export(out, [MARKS])
    sound = parquet_files(out)
    file = ExportFolder(out, "S999").file(MARKS)
    content = bytearray(file.read_bytes())
    place = min(int(where * len(content)), len(content) - 8)
    content[place : place + 8] = bytes(255 - byte for byte in content[place : place + 8])
    file.write_bytes(content)
    simulator.log.clear()
    done = school.export(out, [MARKS], refresh=True).set_index("table")
    assert done.status[MARKS] == "complete"
    assert not any(asked.query for asked in simulator.log if asked.table == MARKS)
    assert parquet_files(out) == sound
    file.write_bytes(content[:100])
    with pytest.raises(hf.ExportError, match="damaged"):
        hf.read(out, MARKS)


def test_a_new_child_table_of_a_history_is_fetched_whole(simulator: Simulator, school: School, tmp_path: Path):
    school.export(tmp_path / "out", [MARKS])

    def add(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table != MARKS:
            return answer
        return replace(
            answer, body=json.dumps([{**row, "notes": [{"n": 1}]} for row in json.loads(answer.body)]).encode()
        )

    simulator.hooks.append(add)
    school.export(tmp_path / "out", [MARKS], refresh=True)
    assert len(hf.read(tmp_path / "out", f"{MARKS}_notes")) == len(hf.read(tmp_path / "out", MARKS))


# --- what is said


def test_an_incomplete_export_says_who_and_why(simulator: Simulator, school: School, tmp_path: Path):
    bad = hf.load_students(school, enrolment_status="current").student_id.iloc[[3, 20, 31, 45, 50]].tolist()

    def fail(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        lost = asked.table == MARKS and int(asked.path.split("/")[-2]) in bad
        return replace(answer, status=404, body=b"{}") if lost else answer

    simulator.hooks.append(fail)
    remarks = school.export(tmp_path / "out", [MARKS]).set_index("table").remarks[MARKS]
    assert remarks.startswith("5 of 60 requests failed, so rows are missing: student_id ")
    for student in bad[:3]:
        assert f"student_id {student} (HUBmis knows no" in remarks
    assert "and 2 more, which the manifest names" in remarks
    with pytest.warns(hf.HubmisWarning, match=f"incomplete.*student_id {bad[0]}"):
        hf.read(tmp_path / "out", MARKS)


def test_a_vendors_file_without_a_table_costs_that_table(
    simulator: Simulator, connect_to: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    school = connect_to(simulator)
    resolve = school._fetcher.resolve

    def without_houses(declared: Any) -> Any:
        if declared.table == "houses":
            raise hf.SpecError("The vendor's file has no operation for houses.")
        return resolve(declared)

    monkeypatch.setattr(school._fetcher, "resolve", without_houses)
    plan = school.plan(["houses", "genders", "house_students"]).set_index("table")
    assert "no operation" in plan.basis["houses"]
    done = school.export(tmp_path / "out", ["houses", "genders", "house_students"]).set_index("table")
    expected = {"academic_years": "complete", "houses": "failed", "genders": "complete", "house_students": "failed"}
    assert done.status.to_dict() == expected
    assert "no operation for houses" in done.remarks["houses"]


# --- scratch files and kill -9


def test_scratch_files_of_a_killed_export_are_removed_and_other_files_stay(school: School, tmp_path: Path):
    out = tmp_path / "out"
    school.export(out, ["genders"])
    for name in (".student_attendance.ab12_xyz.part", ".manifest-S999-68906fb6f1.json.k3v9a2b1.part"):
        (out / name).write_text("rows of children")
    (out / "my.part").write_text("mine")
    school.export(out, ["genders"])
    assert [file.name for file in scratch_files(out)] == ["my.part"]


CHILD = """
import sys
from pathlib import Path
from hubmis_frames.transport import Rate, Session
from hubmis_frames.school import School
url, folder, refresh = sys.argv[1:]
session = Session(base_url=url, realm="S999", client_id="demo-client", client_secret="demo-secret",
    cache_dir=Path(folder) / "cache", rate_file=Path(folder) / "rate.sqlite", rate=Rate(10**6, 0.001))
School(session, progress=False).export(Path(folder) / "out", refresh=refresh == "yes",
    on_table=lambda table, *_: print(table, flush=True))
"""


@pytest.mark.parametrize("kills", [2, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.parametrize("refresh", ["no", "yes"])
def test_however_often_it_is_killed_the_files_are_those_of_an_undisturbed_run(
    serve: Serve, connect_to: Connect, tmp_path: Path, refresh: str, kills: int
):
    simulator = serve(latency=0.01)
    whole = connect_to(serve(), cache_dir=tmp_path / "other", rate_file=tmp_path / "other.sqlite")
    whole.export(tmp_path / "whole")
    if refresh == "yes":
        connect_to(simulator).export(tmp_path / "out")
        change = drop_marks(last_day(tmp_path / "whole"))
        simulator.hooks.append(change)
        whole = connect_to(serve_with(serve, change), cache_dir=None, rate_file=tmp_path / "other.sqlite")
        whole.export(tmp_path / "whole", refresh=True)
    chance = random.Random(refresh)
    for _ in range(kills):
        command = [sys.executable, "-c", CHILD, simulator.url, str(tmp_path), refresh]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            assert child.stdout is not None
            for _ in range(chance.randrange(1, 29)):
                child.stdout.readline()
            time.sleep(chance.random() * 0.5)
            chance.choice([child.kill, child.terminate])()
            child.communicate(timeout=20)
    done = connect_to(simulator).export(tmp_path / "out", refresh=refresh == "yes")
    assert (done.status == "complete").all()
    assert not scratch_files(tmp_path / "out")
    assert parquet_files(tmp_path / "out") == parquet_files(tmp_path / "whole")
    if refresh == "yes":
        ours, theirs = (hf.read(tmp_path / name, f"{MARKS}_deleted") for name in ("out", "whole"))
        keys = ["student_id", "date", "attendance_session"]
        pd.testing.assert_frame_equal(
            ours[keys].sort_values(keys, ignore_index=True), theirs[keys].sort_values(keys, ignore_index=True)
        )


def serve_with(serve: Serve, hook: Callable[[SimulatedRequest, SimulatedResponse], SimulatedResponse]) -> Simulator:
    simulator = serve()
    simulator.hooks.append(hook)
    return simulator
