"""Ids that are text, whichever way the file says so: they work wherever whole numbers do."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.openapi import as_openapi, read_spec
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.simulator import Rules, SimulatedRequest, SimulatedResponse, Simulator, build_world
from tests.helpers.schools import GENEROUS

Connect = Callable[..., School]

TABLES = (
    "academic_years", "terms", "genders", "students", "student_attendance", "attendance_codes", "forms",
    "form_students", "pastoral_events",
)  # fmt: skip
UUID = re.compile(r"00000000-0000-4000-8000-([0-9a-f]{12})")


def to_uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def with_uuids(value: Any, name: str = "") -> Any:
    """The same JSON with a UUID for every id."""
    if isinstance(value, dict):
        return {key: with_uuids(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_uuids(inner) for inner in value]
    return to_uuid(value) if name == "id" and isinstance(value, int) else value


class TextIds(Simulator):
    """The simulated school, with UUIDs for ids in its answers and in what it is asked."""

    def respond(self, request: SimulatedRequest, body: bytes, address: str) -> SimulatedResponse | None:
        def number(match: re.Match[str]) -> str:
            return str(int(match[1], 16))

        asked = request.path
        request.path, request.query = UUID.sub(number, request.path), UUID.sub(number, request.query)
        request.headers = {name: UUID.sub(number, value) for name, value in request.headers.items()}
        answer = super().respond(request, body, address)
        request.path = asked
        if answer is None or request.table is None or answer.status != 200:
            return answer
        return replace(answer, body=json.dumps(with_uuids(json.loads(answer.body))).encode())


def file_with_text_ids(path: Path, **of_an_id: Any) -> Path:
    """Our file, in which ids and the parameters that take them are text."""

    def changed(node: Any, name: str = "") -> Any:
        if isinstance(node, list):
            return [changed(inner) for inner in node]
        if not isinstance(node, dict):
            return node
        if name == "id" and "type" in node:
            return dict(of_an_id)
        node = {key: changed(inner, key) for key, inner in node.items()}
        if "in" in node and node["schema"].get("type") == "integer" and "page" not in node["name"]:
            node["schema"] = {"type": "string"}
        return node

    path.write_text(json.dumps(changed(as_openapi(CATALOGUE[table] for table in TABLES))), encoding="utf-8")
    return path


@pytest.fixture(params=[{"type": "string"}, {"type": "string", "format": "uuid"}, {"type": ["integer", "string"]}])
def with_text(request: pytest.FixtureRequest, connect_to: Connect, tmp_path: Path) -> Iterator[tuple[School, TextIds]]:
    spec = read_spec(file_with_text_ids(tmp_path / "text.json", **request.param))
    with TextIds(build_world(students=12, seed=6), Rules(**GENEROUS)) as simulator:
        yield connect_to(simulator, spec=spec, cache_dir=tmp_path / "cache"), simulator


@pytest.fixture
def school(with_text: tuple[School, TextIds]) -> School:
    return with_text[0]


@pytest.mark.filterwarnings("error::hubmis_frames.errors.HubmisWarning")
def test_text_ids_go_from_frame_to_argument_to_column(school: School):
    students = hf.load_students(school)
    assert students.student_id.str.fullmatch(UUID.pattern).all()
    assert students.form_id.dropna().str.fullmatch(UUID.pattern).all()
    some = students.head(3)
    marks = hf.load_student_attendance(school, some)
    assert set(marks.student_id) <= set(some.student_id)
    one = some.student_id.iloc[0]
    for given in (one, [one], some.student_id.head(1), some.head(1), [one, one]):
        assert hf.load_student_attendance(school, given).equals(marks[marks.student_id == one].reset_index(drop=True))
    joined = hf.join(marks, students[["student_id", "last_name"]])
    assert joined.last_name.notna().all()
    canonical = hf.attendance.marks(marks, hf.load_attendance_codes(school))
    counted = hf.attendance.summarise(canonical, "student_id", across_years=True)
    assert set(counted.student_id) == set(marks.student_id)
    assert not hf.load_forms(school).empty
    members = hf.load_form_students(school, hf.load_forms(school).head(2))
    assert members.form_id.str.fullmatch(UUID.pattern).all()


def test_text_ids_are_exported_refreshed_read_and_hidden(with_text: tuple[School, TextIds], tmp_path: Path):
    school, simulator = with_text
    tables = ["students", "student_attendance", "attendance_codes"]
    done = school.export(tmp_path / "export", tables)
    assert set(done.status) == {"complete"}, done.remarks.tolist()
    marks = hf.read(tmp_path / "export", "student_attendance")
    before = len(simulator.log)
    again = school.export(tmp_path / "export", tables, refresh=True)
    assert set(again.status) == {"complete"}, again.remarks.tolist()
    asked = [request.target for request in simulator.log[before:] if "attendance-records" in request.path]
    assert asked
    assert all("from" in target for target in asked), "all marks were asked for again"
    pd.testing.assert_frame_equal(hf.read(tmp_path / "export", "student_attendance"), marks)
    hidden = hf.pseudonymise({"m": marks, "student_attendance": marks}, b"k" * 32, year_start=date(2026, 9, 1))
    people = hidden["student_attendance"][["student_id", "attendance_record_id"]]
    assert not UUID.search(people.to_csv())  # an attendance code's id names nobody and stays
    assert people.student_id.nunique() == marks.student_id.nunique()
    shown = school.export(tmp_path / "hidden", tables, pseudonymise=True)
    assert set(shown.status) == {"complete"}
    texts = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "hidden").rglob("*.json"))
    texts = re.sub(r'"academic_year_id": "[^"]*"', "", texts)
    assert not UUID.search(texts)


def test_a_students_answers_are_purged_by_an_id_of_text(school: School):
    ids = hf.load_students(school).student_id.head(2)
    hf.load_student_attendance(school, ids)
    before = int(str(school.cache()["answers"]))
    removed = school.purge_cache(ids.iloc[0])
    assert 2 <= removed < before
    offline = hf.load_student_attendance(school, ids.iloc[1])
    assert set(offline.student_id) <= {ids.iloc[1]}


@pytest.mark.parametrize("given", ["", "  ", "a\ud800", "..", None, 1.5, True, {"a": 1}, b"x", pd.NA, object()])
def test_what_is_no_id_of_text_is_refused_in_our_words(given: Any, school: School):
    with pytest.raises((hf.BadArgumentError, TypeError), match="student_id"):
        hf.load_student_attendance(school, given)


def test_a_failed_request_of_a_text_id_leaves_no_id_with_pseudonyms(with_text: tuple[School, TextIds], tmp_path: Path):
    school, simulator = with_text
    simulator.rules = replace(simulator.rules, forbidden=frozenset({"student_attendance"}))
    school.export(tmp_path / "hidden", ["students", "student_attendance"], pseudonymise=True)
    texts = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "hidden").rglob("*.json"))
    texts = re.sub(r'"academic_year_id": "[^"]*"', "", texts)
    assert "not permitted" in texts
    assert not UUID.search(texts)
