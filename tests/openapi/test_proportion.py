"""What is said of a file or of data that are strange throughout: a few sentences, and all of it on request."""

import json
import logging
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.frames import Findings
from hubmis_frames.openapi import as_openapi
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator

Connect = Callable[..., School]
KINDS = 8
LONGEST = 700


@pytest.mark.parametrize("many", [1, 2, 7, 150])
def test_a_load_warns_once_for_each_kind_however_many_fields_are_strange(
    simulator: Simulator, connect_to: Connect, caplog: pytest.LogCaptureFixture, many: int
):
    def strange(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table != "students" or answer.status != 200:
            return answer
        rows = json.loads(answer.body)
        for row in rows:
            for name in list(row)[1 : many + 1]:
                row[name] = {"unheard": "of"} if isinstance(row[name], str) else "of another kind"
            row |= {f"extra_{number}": number for number in range(many)}
            row |= {f"list_{number}": [{"n": 1}] for number in range(many // 2)}
        return replace(answer, body=json.dumps(rows).encode())

    simulator.hooks.append(strange)
    with caplog.at_level(logging.DEBUG, "hubmis_frames"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame = hf.load_students(connect_to(simulator))
    said = [str(warning.message) for warning in caught]
    assert 1 <= len(said) <= KINDS
    assert max(map(len, said)) < LONGEST
    assert any("not declared" in sentence for sentence in said)
    for name in ("extra_0", f"extra_{many - 1}"):
        assert name in frame
        assert f"students.{name}" in caplog.text
    assert not any(record.levelno > logging.DEBUG for record in caplog.records)


names = st.lists(st.from_regex(r"[a-z]{1,8}\.[a-z]{1,8}", fullmatch=True), unique=True, max_size=40)


@given(names, names, names)
@example(["a.b"], ["c.d"], ["e.f"])
@settings(max_examples=50)
def test_every_finding_is_counted_and_named_in_full_on_request(
    undeclared: list[str], misfits: list[str], converted: list[str]
):
    findings = Findings()
    findings.undeclared = dict.fromkeys(undeclared, "column")
    findings.misfits.update(dict.fromkeys(misfits, 2))
    findings.converted.update(dict.fromkeys(converted, 3))
    assert len(findings.sentences()) == sum(map(bool, (undeclared, misfits, converted)))
    assert all(len(sentence) < LONGEST for sentence in findings.sentences())
    whole = " ".join(findings.sentences(most=None))
    assert all(name in whole for name in (*undeclared, *misfits, *converted))
    if misfits:
        assert f"{2 * len(misfits)} values did not fit" in whole


@pytest.mark.parametrize("many", [3, 300])
def test_a_strange_file_is_checked_in_a_few_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str], many: int):
    content = as_openapi(CATALOGUE.values())
    operations: dict[str, Any] = {}
    for number, (path, item) in enumerate(content["paths"].items()):
        schema = {"type": "object", "properties": {f"field_{n}_{number}": {"type": "integer"} for n in range(many)}}
        answer = {"type": "array", "items": schema}
        get = item["get"] if number < 12 else {**item["get"], "summary": f"Something else {number}", "tags": []}
        get = {**get, "responses": {"200": {"description": "", "content": {"application/json": {"schema": answer}}}}}
        if number % 5 == 4:
            get["parameters"] = [*get["parameters"], {"in": "query"}]
        operations[path] = {"get": get}
    file = tmp_path / "strange.json"
    file.write_text(json.dumps(content | {"paths": operations}), encoding="utf-8")
    assert main(["spec", "check", str(file)]) == 1
    said = capsys.readouterr().out.splitlines()
    matched = int(said[0].split()[0])
    assert matched >= 8
    assert len(said) <= 5 * 11 + matched + 6, "ten of each kind, and a row for each operation"
    assert f"field_{many - 1}_0" not in "\n".join(said)
    assert said[-1].startswith("Next: --verbose lists everything. ")
    assert "HUBMIS_OPENAPI" in said[-1]
    assert main(["spec", "check", "-v", str(file)]) == 1
    every = capsys.readouterr().out
    assert f"field_{many - 1}_0" in every
    assert len(every.splitlines()) > matched * many
