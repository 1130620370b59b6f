"""Commands as a person types them or a script runs them: mistakes, JSON, statuses, upgrades."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator
from tests.helpers.schools import SECRET

Serve = Callable[..., Simulator]


# --- mistyped


def test_a_mistyped_name_is_told_the_right_one(school: hf.School, simulator: Simulator):
    with pytest.raises(TypeError, match=r"no argument 'yeargroup'. Did you mean 'year_group'\?"):
        hf.load_students(school, yeargroup=9)
    with pytest.raises(TypeError, match="Did you mean 'year_group'"):
        hf.load_students.tables(school, yearGroup=9)
    with pytest.raises(hf.BadArgumentError, match="Did you mean 'year_group'"):
        hf.load(school, "students", yeargrop=9)
    with pytest.raises(hf.BadArgumentError, match="Did you mean 'am'"):
        hf.load_student_attendance(school, 1, attendance_session="AM")  # type: ignore[arg-type]
    with pytest.raises(hf.BadArgumentError, match="Did you mean 'students'"):
        school.plan(["studnets"])
    with pytest.raises(
        hf.BadArgumentError, match=r"'studnets'. Did you mean 'students'.*'parents'. Did you mean 'contacts'"
    ):
        school.plan(["studnets", "core", "parents"])
    with pytest.raises(AttributeError, match="Did you mean 'load_students'"):
        _ = hf.load_student_s
    assert not simulator.log


def test_a_mistyped_operation_on_the_command_line(capsys: pytest.CaptureFixture[str]):
    assert main(["endpoints", "student_atendance"]) == 1
    assert "Did you mean 'student_attendance'?" in capsys.readouterr().err


# --- in a script


@pytest.mark.usefixtures("environment")
def test_tables_come_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def rows(*arguments: str, status: int = 0) -> Any:
        assert main([*arguments, "--json"]) == status
        return json.loads(capsys.readouterr().out)

    assert len(rows("endpoints")) == 131
    assert rows("endpoints", "load_student_attendance")[0]["key"] == "attendance_record_id"
    assert rows("plan", "--tables", "core,titles")[-1]["table"] == "titles"
    assert {row["requests"] for row in rows("plan", "--tables", "genders,student_attendance")} >= {1, None}
    assert rows("export", "out", "--tables", "genders")[0]["status"] == "complete"
    assert rows("cache")["answers"] == 1
    assert rows("cache", "purge") | {"removed": 1, "answers": 0} == rows("cache", "purge") | {"removed": 1}
    assert main(["spec", "export", "ours.json"]) == 0
    capsys.readouterr()
    assert len(rows("spec", "check", "ours.json")["matched"]) == 131


@pytest.mark.usefixtures("environment")
def test_the_cache_is_told_in_words_and_its_json_stays(capsys: pytest.CaptureFixture[str]):
    def said(*arguments: str) -> str:
        assert main(["cache", *arguments]) == 0
        return capsys.readouterr().out

    assert "oldest     none yet\nnewest     none yet\n" in said()
    assert json.loads(said("--json"))["oldest"] is None
    assert main(["export", "out", "--tables", "genders"]) == 0
    capsys.readouterr()
    assert said("purge", "--student", "987654").startswith("No response in the cache contains student 987654\n")
    assert json.loads(said("purge", "--student", "987654", "--json"))["removed"] == 0
    assert said("purge").startswith("Removed 1 response from ")
    assert said("purge").startswith("Removed 0 responses from ")


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hubmis_frames", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


@pytest.mark.usefixtures("environment")
def test_as_a_module_with_statuses_quiet_unless_asked(simulator: Simulator):
    failing = [1]

    def fails(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table == "genders" and failing:
            failing.pop()
            return replace(answer, status=503)
        return answer

    simulator.hooks.append(fails)
    done = run("export", "out", "--tables", "genders")
    assert (done.returncode, done.stderr) == (0, "")
    failing.append(1)
    done = run("--verbose", "export", "out", "--tables", "genders", "--refresh")
    assert "INFO HUBmis answered 503" in done.stderr
    assert "DEBUG GET /api/v1/genders: 200" in done.stderr
    done = run("-v", "export", "out", "--tables", "student_attendance")
    assert "/students/.../attendance-records" in done.stderr
    assert not re.search(r"students/\d", done.stderr)
    assert SECRET not in done.stderr
    assert run("exprot").returncode == 2


def test_the_library_logs_nothing_by_itself():
    handlers = logging.getLogger("hubmis_frames").handlers
    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)


def test_a_reader_that_has_seen_enough_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "hubmis_frames", "endpoints"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


# --- upgrades


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("held", ["[]", "{}", "3", '{"format": 1}', '{"format": 1, "operations": []}', "\0"])
def test_a_manifest_that_is_none_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], held: str):
    assert main(["export", "out", "--tables", "genders"]) == 0
    (manifest,) = (tmp_path / "out").glob("manifest-*.json")
    manifest.write_text(held)
    assert main(["report", "out"]) == 1
    assert "is skipped" in capsys.readouterr().err
    assert main(["export", "out", "--tables", "genders"]) == 1
    said = capsys.readouterr().err
    assert "cannot be read: " in said
    assert "Remove it, or export into another directory" in said


@pytest.mark.usefixtures("environment")
def test_an_older_manifest_is_written_anew_and_a_later_one_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["export", "out", "--tables", "genders"]) == 0
    (manifest,) = (tmp_path / "out").glob("manifest-*.json")
    known = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(known | {"format": 0, "operations": [{"named": "in an older way"}]}))
    assert main(["export", "out", "--tables", "titles"]) == 0
    assert "note: " in (said := capsys.readouterr().err)
    assert "is from an older version and is written anew" in said
    assert list(json.loads(manifest.read_text())["operations"]) == ["titles"]
    manifest.write_text(json.dumps(known | {"format": 99, "hubmis_frames": "9.0"}))
    assert main(["export", "out", "--tables", "titles"]) == 1
    assert "later version of hubmis_frames (9.0)" in capsys.readouterr().err
    assert json.loads(manifest.read_text())["format"] == 99
