"""Programs without a console, consoles that are not UTF-8, and output that nobody reads to its end."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hubmis_frames.cli import actions
from hubmis_frames.cli.command import main
from hubmis_frames.display.progress import Progress
from hubmis_frames.display.streams import is_terminal
from hubmis_frames.simulator import Simulator

WITHOUT = ["stdin", "stdout", "stderr"]


def run(script: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], env={**os.environ, **environment}, capture_output=True, check=False
    )


CONNECT = """
import sys
for name in sys.argv[3:]:
    setattr(sys, name, None)  # as under pythonw
import hubmis_frames as hf
from hubmis_frames.transport import Rate
with hf.connect("S999", "demo-client", "demo-secret", sys.argv[1], cache_dir=None, rate=Rate(10**6, 0.001)) as school:
    students = hf.load_students(school)
    hf.load_student_wellbeing_events(school, students.head(3))
    repr(school), school._repr_html_()
with open(sys.argv[2], "w") as file:
    file.write(str(len(students)))
"""


@pytest.mark.parametrize("missing", [["stderr"], ["stdout"], WITHOUT])
def test_a_school_is_read_without_a_console(simulator: Simulator, tmp_path: Path, missing: list[str]):
    done = run(CONNECT, simulator.url, str(tmp_path / "students"), *missing)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "students").read_text() == "60"


MAIN = """
import sys
for name in sys.argv.pop(1).split():
    setattr(sys, name, None)
from hubmis_frames.cli import actions
from hubmis_frames.cli.command import main
sys.exit(main())
"""
COMMANDS = [
    (["endpoints", "--json"], 0),
    (["endpoints", "load_students"], 0),
    (["endpoints", "no such operation"], 1),
    (["plan", "--tables", "titles"], 1),  # without settings
    (["login"], 1),
    (["doctor"], 1),
    (["no such command"], 2),
]


@pytest.mark.parametrize(("arguments", "status"), COMMANDS, ids=lambda value: str(value))
def test_a_command_runs_without_a_console(arguments: list[str], status: int):
    done = run(MAIN, " ".join(WITHOUT), *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", b"")


@pytest.mark.posix("its shell closes streams", proved_by="test_a_command_runs_without_a_console")
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_a_shell_closes_streams(closed: str):
    line = f'"{sys.executable}" -m hubmis_frames plan --tables titles {closed}'
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    assert done.returncode == 1  # no settings
    assert b"Traceback" not in done.stdout + done.stderr


def test_an_odd_stream_is_no_terminal():
    closed = io.StringIO()
    closed.close()
    assert not any(map(is_terminal, (None, closed, object(), io.StringIO())))


def test_a_progress_bar_needs_no_console(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Progress, "monitor_interval", 0)
    monkeypatch.setattr("hubmis_frames.display.progress.DELAY", 0.0)
    monkeypatch.setattr(sys, "stderr", None)
    with Progress("students", 3, lambda left: float(left)) as bar:
        for _ in range(3):
            bar.update()


LETTERS = "Zoë Łukasz Nguyễn 王 \U0001f600"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp850", "utf-8", "utf-16"])
def test_json_keeps_every_letter_whatever_the_encoding(encoding: str):
    script = f"from hubmis_frames.cli.console import print_json; print_json({{'name': {LETTERS!a}}})"
    done = run(script, PYTHONIOENCODING=encoding)
    assert json.loads(done.stdout.decode(encoding)) == {"name": LETTERS}


@pytest.mark.parametrize("arguments", [["endpoints", "--json"], ["spec", "export", "-"]])
def test_commands_print_json_in_ascii(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out)


class Pipe(io.RawIOBase):
    """Output that is read for a while; from then on a write fails."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error
        self.left = 100

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.left <= 0:
            raise self.error
        self.left -= len(data)
        return len(data)


@pytest.mark.parametrize("arguments", [["endpoints"], ["endpoints", "--json"]])
@pytest.mark.parametrize("left", [0, 100, 9000])
@pytest.mark.parametrize("error", [OSError(errno.EINVAL, "Invalid argument"), BrokenPipeError(errno.EPIPE, "Broken")])
def test_output_that_nobody_reads_to_its_end_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    left: int,
    arguments: list[str],
):
    pipe = Pipe(error)
    pipe.left = left
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(pipe), encoding="utf-8"))
    assert main(arguments) == 0
    assert capsys.readouterr().err == ""
    sys.stdout.buffer.raw.left = 10**9  # type: ignore[attr-defined]  # so that it can be closed


@pytest.mark.parametrize(
    "error", [OSError(errno.EINVAL, "Invalid argument", "rate.sqlite"), OSError(errno.EINVAL, "Invalid argument")]
)
def test_a_file_that_cannot_be_used_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError
):
    def fail(_: object) -> int:
        raise error

    monkeypatch.setitem(actions.ACTIONS, "plan", fail)
    assert main(["plan"]) == 1
    assert "cannot be used: Invalid argument" in capsys.readouterr().err
