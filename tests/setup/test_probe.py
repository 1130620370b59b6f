"""The probe: which paths hold and with what fields, within its budget, and without a value of the school."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.setup.json_shape import shape_of
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator
from tests.helpers.schools import SECRET

Serve = Callable[..., Simulator]


@pytest.mark.usefixtures("environment")
def test_the_probe_learns_which_paths_hold_and_with_what_fields(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    simulator = serve(forbidden=frozenset({"staff", "faiths", "rooms"}))
    monkeypatch.setenv("HUBMIS_BASE_URL", simulator.url)

    def other(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table == "ethnicities":
            return replace(answer, status=404)
        if asked.table == "languages":
            return replace(answer, body=b'{"message": "Welcome"}')
        if asked.table == "genders":
            body = b'[{"id": 1, "colour": "puce", "byPerson": {"4711": {"mark": 1}, "Ann Lee": {"mark": 2.5}}}]'
            return replace(answer, body=body)
        return answer

    simulator.hooks.append(other)
    assert main(["spec", "probe", "--json"]) == 0
    said = capsys.readouterr()
    rows = {row["table"]: row for row in json.loads(said.out)}
    text = (tmp_path / "hubmis-probe.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert list(found["operations"]) == list(rows)
    assert len(rows) == 131
    assert found["requests_sent"] == len(simulator.log) <= 132
    outcomes = {table: each["outcome"] for table, each in found["operations"].items()}
    assert outcomes["students"] == outcomes["student_attendance"] == "answered"
    assert outcomes["staff"] == outcomes["faiths"] == "refused"
    assert outcomes["ethnicities"] == "not found"
    assert outcomes["languages"] == "answered otherwise"
    assert outcomes["staff_emails"] == "not tried", "its ids could not be had"
    untried = sum("ids of staff," in row["remark"] for row in rows.values())
    assert f"Not tried: {untried} operations (asked by ids of staff, which could not be loaded)." in said.err
    assert "Not tried: room (asked by ids of rooms, which could not be loaded)." in said.err
    assert "share it with whoever maintains hubmis_frames" in said.err
    assert "ask WCBS for the OpenAPI file" in said.err
    genders = found["operations"]["genders"]
    assert genders["shape"] == [{"id": "integer", "colour": "text", "byPerson": {"*": {"mark": "integer | number"}}}]
    assert genders["undeclared"] == ["colour", "byPerson"]
    assert genders["absent"] == ["name"]
    assert max(sum(asked.table == table for asked in simulator.log) for table in rows) == 1
    for secret in ("puce", "4711", "Ann Lee", "S999", "demo-client", SECRET, "Welcome"):
        assert secret not in text


@pytest.mark.usefixtures("environment")
def test_a_shape_holds_no_value_of_the_school(simulator: Simulator, school: hf.School, tmp_path: Path):
    students, contacts = hf.load_students(school), hf.load_contacts(school)
    assert main(["spec", "probe", "probe.json"]) == 0
    text = (tmp_path / "probe.json").read_text(encoding="utf-8")
    shapes = json.dumps([each["shape"] for each in json.loads(text)["operations"].values()])
    words = set(re.findall(r'"([^"]*)"', shapes))
    for frame in (students, contacts):
        for column in ("last_name", "first_name", "primary_email"):
            assert not set(frame[column].dropna()) & words
    assert not re.search(r"\d{2,}", shapes)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("budget", [6, 7, 20, 60])
def test_the_budget_holds_whatever_the_server_does(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], budget: int
):
    refused = lambda asked, answer: replace(answer, status=401) if len(simulator.log) % 3 else answer  # noqa: E731
    assert main(["spec", "probe", "--budget", str(budget)]) == 3
    assert len(simulator.log) <= budget
    assert "Cut short: the budget" in capsys.readouterr().err
    before = len(simulator.log)
    simulator.hooks.append(refused)
    main(["spec", "probe", "--budget", str(budget)])
    assert len(simulator.log) - before <= budget


@pytest.mark.usefixtures("environment")
def test_the_probe_stops_at_a_rate_limit_and_says_what_budget_it_needs(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
):
    assert main(["spec", "probe", "--budget", "1"]) == 1
    assert "at least 6" in capsys.readouterr().err
    simulator.hooks.append(lambda asked, answer: replace(answer, status=429) if len(simulator.log) > 9 else answer)
    assert main(["spec", "probe"]) == 3
    said = capsys.readouterr().err
    assert "Cut short: HUBmis answered 429" in said
    assert said.count("answered 429") == 1
    assert len(simulator.log) == 11


@pytest.mark.usefixtures("environment")
def test_with_the_vendors_file_the_probe_asks_for_none(capsys: pytest.CaptureFixture[str]):
    assert main(["spec", "export", "ours.json"]) == 0
    assert main(["spec", "probe", "--openapi", "ours.json", "--budget", "6"]) == 3
    said = capsys.readouterr().err
    assert "share it with whoever maintains hubmis_frames" in said
    assert "WCBS" not in said


def test_a_shape_says_what_some_rows_lack_and_what_is_mixed():
    known = frozenset({"id"})
    assert shape_of([{"id": 1, "a": None}, {"id": 2}, {"id": 3, "a": "x"}], known) == [
        {"id": "integer", "a?": "null | text"}
    ]
    assert shape_of([], known) == []
    assert shape_of({"2026-01-01": True, "Smith": False}, known) == {"*": "true or false"}
    assert shape_of({"jsmith": [1], "alee": [2]}, known) == {"*": ["integer"]}
