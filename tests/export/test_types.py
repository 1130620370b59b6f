"""A column whose type changes between two files is text in both, and nothing of it is lost."""

import itertools
import json
from collections.abc import Callable
from datetime import date, time
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import hubmis_frames as hf
from hubmis_frames.openapi import as_openapi, read_spec
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator, build_world

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
MARKS = "student_attendance"

KINDS: dict[str, tuple[pa.Array, list[str]]] = {
    "text": (pa.array(["a", None]), ["a"]),
    "date": (pa.array([date(2026, 1, 31), None]).cast(pa.timestamp("us")), ["2026-01-31"]),
    "instant": (pa.array(["2026-01-31T08:30:00Z", None]).cast(pa.timestamp("us", "UTC")), ["2026-01-31T08:30:00Z"]),
    "time": (pa.array([time(8, 30), None], pa.time64("us")), ["08:30:00"]),
    "whole": (pa.array([7, None]), ["7"]),
    "number": (pa.array([1.5, None]), ["1.5"]),
    "flag": (pa.array([True, None]), ["true"]),
}


@pytest.mark.parametrize("engine", ["pandas", "dask"])
@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(KINDS, 2)))
def test_two_schools_of_different_types_are_read_as_text(one: str, other: str, engine: Any, tmp_path: Path):
    if {one, other} == {"whole", "number"}:
        return  # a float holds both
    for realm, kind in (("A", one), ("B", other)):
        folder = tmp_path / "students" / f"realm={realm}"
        folder.mkdir(parents=True)
        pa.parquet.write_table(pa.table({"x": KINDS[kind][0]}), folder / "part-0.parquet")
    frame = hf.read(tmp_path, "students", engine=engine)
    frame = frame if isinstance(frame, pd.DataFrame) else frame.compute()
    assert frame["x"].dropna().tolist() == [*KINDS[one][1], *KINDS[other][1]]
    assert frame["x"].isna().tolist() == [False, True, False, True]


FORMATS: dict[str, Any] = {
    "date_time": [{"type": "string"}, {"type": "string", "format": "date-time"}],
    "date": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}],
    "new": [{"type": "string"}, {"type": "integer"}, {"type": "string", "format": "time"}, {"type": "boolean"}],
    "attendance_session": [{"type": "string"}, {"type": "integer"}],
}


@pytest.mark.filterwarnings("ignore::hubmis_frames.errors.HubmisWarning")
@pytest.mark.parametrize(
    "name",
    ["date_time", "new", *(pytest.param(each, marks=pytest.mark.slow) for each in ("date", "attendance_session"))],
)
def test_a_refresh_with_a_file_of_other_types_gives_what_a_new_export_gives(
    name: str, serve: Serve, connect_to: Connect, tmp_path: Path
):
    values: dict[str, Any] = {"string": "x", "integer": 5, "time": "09:30:00", "boolean": True}
    simulator = serve(build_world(students=7, seed=5))
    schema: dict[str, Any] = {}

    def answered(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table == MARKS and answer.status == 200 and name in ("new", "attendance_session"):
            rows = json.loads(answer.body)
            kind = schema.get("format", schema["type"])
            for row in rows if name == "new" or kind == "integer" else ():
                row[name] = values[kind] if name == "new" else int(row[name] == "pm")
            answer.body = json.dumps(rows).encode()
        return answer

    simulator.hooks.append(answered)

    def export(folder: str, given: dict[str, Any], **choices: Any) -> None:
        schema.clear()
        schema.update(given)
        content = as_openapi(CATALOGUE.values())
        operation = next(item["get"] for item in content["paths"].values() if item["get"]["operationId"] == MARKS)
        record = operation["responses"]["200"]["content"]["application/json"]["schema"]["items"]
        record["properties"][name] = given
        (tmp_path / "file.json").write_text(json.dumps(content), encoding="utf-8")
        with connect_to(simulator, cache_dir=None, spec=read_spec(tmp_path / "file.json")) as school:
            done = school.export(tmp_path / folder, [MARKS], **choices)
            assert set(done.status) == {"complete"}, done.remarks.tolist()

    for number, (first, second) in enumerate(itertools.permutations(FORMATS[name], 2)):
        export(f"kept{number}", first)
        before = hf.read(tmp_path / f"kept{number}", MARKS)
        export(f"kept{number}", second, refresh=True)
        after = hf.read(tmp_path / f"kept{number}", MARKS)
        assert len(after) == len(before)
        assert after.attendance_record_id.tolist() == before.attendance_record_id.tolist()
        assert after[name].notna().sum() == before[name].notna().sum()
