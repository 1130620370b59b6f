"""Odd values in a response cost themselves and no other row, and never turn into something else in silence."""

import json
import warnings
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.frames import Findings, parsing, tidy, to_pandas
from hubmis_frames.operations.declaration import CATALOGUE, Endpoint
from hubmis_frames.operations.shapes import ID, NUMBER, PERSON, TEXT, list_of, record, struct_of
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator

STUDENTS = CATALOGUE["students"]


def load(endpoint: Endpoint, ids: tuple[Any, ...], *rows: Any) -> tuple[dict[str, pd.DataFrame], Findings]:
    report = Findings()
    bodies = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return {name: to_pandas(table) for name, table in tidy(endpoint, [(ids, bodies)], report).items()}, report


def with_record(table: str, **fields: Any) -> Endpoint:
    """The operation as a vendor's file might describe it."""
    return replace(CATALOGUE[table], record=record(**fields))


# --- ids that collide


def test_the_students_of_an_event_are_not_the_one_that_was_asked_by():
    event = with_record("student_wellbeing_events", id=ID, title=TEXT, students=list_of("student_id", **PERSON))
    body = [{"id": 1, "students": [{"id": 5, "first_name": "A"}, {"id": 7, "first_name": "B"}]}]
    tables, report = load(event, (5,), body)
    child = tables["student_wellbeing_events_students"]
    assert child.student_id.tolist() == [5, 5]
    assert child.pastoral_event_student_id.tolist() == [5, 7]
    assert report.sentences() == []
    assert not any("as_sent" in name for frame in tables.values() for name in frame)


def test_the_teachers_of_a_period_have_their_own_column_whoever_was_asked():
    for teachers in ([5], [5, 6], [6], []):
        period = {"timetables": [{"id": 1, "staff": [{"id": id_, "last_name": f"T{id_}"} for id_ in teachers]}]}
        tables, report = load(CATALOGUE["staff_timetable"], (5,), period)
        child = tables["staff_timetable_staff"]
        assert child.timetable_period_staff_id.tolist() == teachers
        assert child.staff_id.tolist() == [5] * len(teachers)
        assert report.sentences() == []


@pytest.mark.parametrize("order", [("id", "group"), ("group", "id")])
def test_a_records_own_id_keeps_its_name_before_that_of_an_object_in_it(order: tuple[str, str]):
    fields: dict[str, Any] = {"id": ID, "group": struct_of()}
    place = with_record("student_academic_structure", **{name: fields[name] for name in order})
    tables, report = load(place, (5,), [{"id": 1, "group": {"id": 30, "name": "9A"}}])
    row = tables["student_academic_structure"].iloc[0]
    assert (row.student_id, row.group_id, row.group_group_id, row.group_name) == (5, 1, 30, "9A")
    assert report.sentences() == []


def test_an_id_that_differs_from_the_one_in_the_request_is_named_by_its_role_and_said():
    event = {"id": 1, "student": {"id": 7, "first_name": "B"}}
    tables, report = load(CATALOGUE["student_wellbeing_events"], (5,), [event, {"id": 2, "student": {"id": 5}}])
    frame = tables["student_wellbeing_events"]
    assert frame.student_id.tolist() == [5, 5]
    assert frame.pastoral_event_student_id.tolist() == [7, 5]
    assert not report.misfits
    assert not report.undeclared
    assert "1 rows hold another student_id than the one in the request" in report.sentences()[0]
    other, report = load(CATALOGUE["student"], (5,), {"id": 6})
    assert other["student"].own_student_id.tolist() == [6]
    assert not report.misfits


def test_pseudonyms_hide_ids_that_are_named_by_their_role():
    event = {"id": 1, "student": {"id": 700001}, "student_id": 700002}
    tables, _ = load(CATALOGUE["student_wellbeing_events"], (700003,), [event])
    hidden = hf.pseudonymise(tables, b"k" * 32, year_start=date(2026, 9, 1))["student_wellbeing_events"]
    assert "70000" not in hidden.to_csv()
    assert hidden["student_id"].notna().all()  # the declared id is a pseudonym, and the undeclared ones are left out
    assert hidden.filter(like="student_id").shape == (1, 1)


NUMBER_FIELDS = ("student_id", "group_id", "position", "row", "pastoral_event_id", "category_id", "value")
COLLIDING = st.fixed_dictionaries(
    {},
    optional={name: st.integers(1, 99) for name in NUMBER_FIELDS}
    | {name: st.fixed_dictionaries({"id": st.integers(1, 99)}) for name in ("student", "staff", "category")},
)


@given(st.lists(COLLIDING, max_size=5))
def test_whatever_ids_collide_each_is_kept_and_none_is_called_a_misfit(rows: list[dict[str, Any]]):
    body = [{"id": 1, **row, "assigned_to": [{"id": 2, **row}]} for row in rows]
    for fast in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not fast:
                patch.setattr(parsing, "_fast", lambda *_: None)
            tables, report = load(CATALOGUE["student_wellbeing_events"], (5,), body)
        for name in ("student_wellbeing_events", "student_wellbeing_events_assigned_to"):
            for (_, cells), row in zip(tables[name].iterrows(), rows, strict=True):
                kept = cells.dropna().tolist()
                values = [value["id"] if isinstance(value, dict) else value for value in row.values()]
                assert all(value in kept for value in values), (name, values, kept)
        assert not [name for table in tables.values() for name in table if "as_sent" in name]
        assert not report.misfits


# --- numbers, keys and empty things


@pytest.mark.parametrize("number", [b"1E400", b"-1E400", b"1e-400", b"-2.5e-999", b"17E308"])
@pytest.mark.parametrize("field", ["score", "other", "id", "name"])
def test_a_number_that_a_float_cannot_hold_is_kept_as_it_was_sent(number: bytes, field: str):
    endpoint = with_record("students", id=ID, name=TEXT, score=NUMBER)
    body = b'[{"id": 1, "score": 0.0, "other": 1.5}, {"' + field.encode() + b'": ' + number + b"}]"
    frame = load(endpoint, (), body)[0]["students"]
    values = [value for name in frame for value in frame[name].dropna().tolist()]
    assert number.decode() in values
    assert not any(isinstance(value, float) and value in (float("inf"), float("-inf")) for value in values)


def test_an_empty_list_for_an_undeclared_object_is_an_absent_object():
    rows = [{"id": 1, "transport": {"id": 4, "route": "B"}}, {"id": 2, "transport": []}, {"id": 3}]
    frame = load(STUDENTS, (), rows)[0]["students"]
    assert frame.transport_id.tolist()[0] == 4
    assert frame.transport_route.isna().tolist() == [False, True, True]
    lists = [{"id": 1, "clubs": [{"id": 8}]}, {"id": 2, "clubs": {}}]
    tables, _ = load(STUDENTS, (), lists)
    assert tables["students_clubs"].club_id.tolist() == [8]
    assert "clubs" not in tables["students"]


@given(st.lists(st.sampled_from([[], {}, None, {"a": 1}, {"a": 2, "b": {"c": 3}}, {"b": []}]), max_size=6))
def test_empty_things_never_turn_what_stands_beside_them_into_text(values: list[Any]):
    frame = load(STUDENTS, (), [{"id": n + 1, "new": value} for n, value in enumerate(values)])[0]["students"]
    assert len(frame) == len(values)
    expected = [value["a"] for value in values if isinstance(value, dict) and "a" in value]
    if expected:
        assert frame.new_a.dropna().tolist() == expected
        assert "new" not in frame


@pytest.mark.parametrize(
    "body",
    [
        b'[{"id": 1, "a\\ud800": 2}, {"id": 2}]',
        b'[{"id": 1, "first_name": {"a\\udfff": "x"}}, {"id": 2}]',
        b'[{"id": 1, "first_name": {"a": "x\\ud800"}}, {"id": 2}]',
        b'[{"id": 1, "nationalities": {"\\ud800": {"name": "UK"}}}, {"id": 2}]',
        b'[{"id": 1, "new": [{"\\ud800": ["\\udfff"]}]}, {"id": 2}]',
        b'[{"id": 1, "x": 1, "x": "\\ud800"}, {"id": 2}]',
    ],
)
def test_half_a_surrogate_pair_anywhere_loses_no_row(body: bytes):
    tables, _ = load(STUDENTS, (), body)
    assert tables["students"].student_id.tolist() == [1, 2]
    text = str([frame.to_dict("list") for frame in tables.values()])
    assert "ud800" in text or "udfff" in text
    for frame in tables.values():
        pa.Table.from_pandas(frame)  # can be written


# --- one record without a usable id


@pytest.mark.parametrize("bad", [0, -1, None])
def test_one_student_without_a_usable_id_keeps_nobody_elses_marks_away(school: School, simulator: Simulator, bad: Any):
    students = hf.load_students(school).head(3).reset_index(drop=True)
    students.loc[1, "student_id"] = bad
    simulator.log.clear()
    with pytest.warns(hf.HubmisWarning, match=r"1 of 3 rows have no usable student_id") as said:
        marks = hf.load_student_attendance(school, students)
    assert said[0].filename == __file__
    assert marks.student_id.unique().tolist() == students.student_id.drop(1).tolist()
    if bad is not None:
        with pytest.warns(hf.HubmisWarning, match="no usable student_id"):
            again = hf.load_student_attendance(school, students["student_id"])
        assert len(again) == len(marks)
    with pytest.raises(hf.BadArgumentError, match="positive integers"):
        hf.load_student_attendance(school, [1, bad])


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b'"nickname\\ud800": "x"', {"nickname\\ud800": "x"}),
        (b'"height": 1E400', {"height": "1E400"}),
        (b'"transport": []', {}),
    ],
)
def test_an_odd_value_costs_no_row_on_its_way_from_the_server(
    school: School, simulator: Simulator, sent: bytes, expected: dict[str, str]
):
    def hook(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if not asked.path.endswith("/students"):
            return answer
        return SimulatedResponse(
            answer.status, answer.body.replace(b'"first_name"', sent + b', "first_name"', 1), answer.headers
        )

    rows = len(hf.load_students(school, search="a"))
    simulator.hooks.append(hook)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hf.HubmisWarning)
        students = hf.load_students(school, search="a", refresh=True)
    assert len(students) == rows
    for column, value in expected.items():
        assert students[column].dropna().tolist() == [value]
