"""Whatever is done, and whatever fails: one search of all that is left behind for the secret, the token and a name."""

import contextlib
import json
import logging
import os
import sqlite3
import sys
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.reports.notebooks import run_jupyterlab
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator

Serve = Callable[..., Simulator]
SECRET = "hush-hush-of-the-school"
NAME = "Zqxilian"
OF_PEOPLE = ("first_name", "last_name", "preferred_name", "full_name", "primary_email")
FAULTS: dict[str, dict[str, Any]] = {
    "titles": {"status": 403},
    "faiths": {"status": 404},
    "countries": {"status": 400},
    "languages": {"body": f'{{"message": "{NAME}"}}'.encode()},
    "ethnicities": {"body": f'"{NAME}"'.encode()},
    "genders": {"status": 422, "body": f'{{"message": "{NAME}"}}'.encode()},
}


ODD = {"nationalities": {"body": f'[{{"id": "{NAME}", "name": [1]}}]'.encode()}}
"""Not a failure: it is said in a warning."""


@dataclass
class Heard:
    """A hook that gives every person a name to look for, makes some operations fail, and hears the tokens."""

    tokens: set[str] = field(default_factory=set)

    def __call__(self, asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.method == "POST" and answer.status == 200:
            self.tokens.add(json.loads(answer.body)["access_token"])
        if asked.table in {**FAULTS, **ODD}:
            return replace(answer, **{**FAULTS, **ODD}[asked.table])
        if asked.table is None or answer.status != 200:
            return answer
        return replace(answer, body=json.dumps(renamed(json.loads(answer.body))).encode())


def renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [renamed(item) for item in value]
    if isinstance(value, dict):
        return {name: NAME if name in OF_PEOPLE and inner else renamed(inner) for name, inner in value.items()}
    return value


def contents(file: Path) -> Iterator[bytes]:
    """What a file holds: its bytes, and what they stand for if they are compressed."""
    yield file.read_bytes()
    if file.suffix == ".parquet":
        with pq.ParquetFile(file) as parquet:
            yield parquet.read().to_pandas().to_csv().encode()
            yield str(parquet.schema_arrow.metadata).encode()
    if file.suffix == ".sqlite":
        with contextlib.closing(sqlite3.connect(file)) as db:
            for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in db.execute(f'SELECT * FROM "{table}"').fetchall():
                    for cell in row:
                        yield zlib.decompress(cell) if isinstance(cell, bytes) else str(cell).encode()


def holding(folder: Path, word: str) -> set[str]:
    """The files in a folder that hold a word, in their content or in their name."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {
        str(file.relative_to(folder))
        for file in files
        if word in str(file.relative_to(folder)) or any(word.encode() in content for content in contents(file))
    }


def shown(error: BaseException) -> str:
    """A traceback as a tool that shows all variables prints it, without the frames of this test."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    for part in (whole, whole.__cause__, whole.__context__):
        if part is not None:
            part.stack = traceback.StackSummary.from_list(
                [frame for frame in part.stack if "test_traces" not in frame.filename]
            )
    return "".join(whole.format())


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_secret_the_token_and_names_are_found_only_where_they_belong(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture, whole: bool,
):  # fmt: skip
    heard = Heard()
    simulator = serve(client_secret=SECRET)
    simulator.hooks.append(heard)
    for name in ("state", "cache", "config"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    given = {"REALM": "S999", "CLIENT_ID": "demo-client", "CLIENT_SECRET": SECRET, "BASE_URL": simulator.url}
    for name, value in given.items():
        monkeypatch.setenv(f"HUBMIS_{name}", value)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    ours = logging.getLogger("hubmis_frames")
    monkeypatch.setattr(ours, "handlers", list(ours.handlers))  # --verbose adds one
    tables = ",".join(["students", "staff", *(["student_attendance", "contacts"] if whole else []), *FAULTS, *ODD])
    commands = [["doctor"], ["plan"], ["cache"], ["cache", "purge", "--student", "987654"], ["endpoints", "students"]]
    if whole:
        commands += [["export", "named", "--tables", tables, "--refresh", "--json"], ["export", "x", "--realm", "S000"]]
        commands += [["spec", "probe"], ["spec", "draft"]]
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, ours.name):
        warnings.simplefilter("always")
        assert main(["-v", "export", "named", "--tables", tables]) == 3
        assert main(["export", "hidden", "--tables", tables, "--pseudonymise"]) == 3
        for command in commands:
            main(command)
        tracebacks = list(failures())
        starts = (environment_of_jupyterlab,)
        environments = [start(tmp_path, monkeypatch) for start in starts]
    said = capfd.readouterr()
    output = said.out + said.err
    logs = "\n".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records)

    # The search finds what is there.
    assert heard.tokens
    assert holding(tmp_path / "cache", NAME)
    assert any(name.startswith("named/students/") for name in holding(tmp_path / "out", NAME))
    assert len(tracebacks) == len(FAULTS)
    assert "OTHER_SETTING" in environments[0]
    assert len(caplog.records) > 50
    # The secret and the token are nowhere.
    for word in (SECRET, *heard.tokens):
        assert holding(tmp_path, word) == set()
        for text in (output, logs, *tracebacks, *environments):
            assert word not in text
    # Names are in the cache and in the export that was asked for, and nowhere else.
    assert holding(tmp_path / "state", NAME) == holding(tmp_path / "config", NAME) == set()
    assert {name.partition("/")[0] for name in holding(tmp_path / "out", NAME)} == {"named"}
    assert not any(name.startswith("named/manifest") for name in holding(tmp_path / "out", NAME))
    for text in (output, logs, *environments):
        assert NAME not in text


def failures() -> Iterator[str]:
    """Tracebacks of every way to fail."""
    with hf.connect(cache_dir=None) as school:
        for table in FAULTS:
            with pytest.raises(hf.HubmisError) as caught:
                hf.load(school, table)
            assert NAME not in str(caught.value), "a message names nobody"
            yield shown(caught.value)


def environment_of_jupyterlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "jupyterlab.py").write_text("import os; open('seen', 'w').write(repr(os.environ))")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "lab"), *sys.path]))
    monkeypatch.setenv("OTHER_SETTING", "goes on")
    assert run_jupyterlab(tmp_path / "lab") == 0
    return (tmp_path / "lab" / "seen").read_text()
