"""Paged lists read to their end, whatever the server makes of pages."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson
import pytest

import hubmis_frames as hf
from hubmis_frames.http import pages
from hubmis_frames.school import School
from hubmis_frames.simulator import Answer, Asked, Simulator

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
QUERY = "api/v1/students?"


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"page_cap": 7},
        {"page_cap": 60},
        {"page_cap": 59},
        {"page_cap": 30},
        {"page_cap": 1},
        {"ignore_paging": True},
        {"first_page": 0},
        {"first_page": 0, "page_cap": 7},
        {"first_page": 0, "page_cap": 60},
        {"page_zero": "error"},
        {"page_zero": "empty", "page_cap": 13},
    ],
)
def test_every_row_once_whatever_the_server_makes_of_pages(serve: Serve, connect_to: Connect, rules: dict[str, Any]):
    students = hf.load_students(connect_to(serve(**rules)))
    assert len(students) == students.student_id.nunique() == 60


def test_the_first_page_is_found_out_once(serve: Serve, connect_to: Connect):
    simulator = serve()
    school = connect_to(simulator)
    hf.load_students(school)
    hf.load_staff(school)
    again = connect_to(simulator)
    hf.load_contacts(again)
    assert sum("page[number]=0" in unquote(asked.query) for asked in simulator.log) == 1


def test_an_end_that_is_proven_costs_no_request_more(serve: Serve, connect_to: Connect):
    simulator = serve(page_cap=25)
    school = connect_to(simulator)
    hf.load_genders(school)
    hf.load_staff(school)
    before = simulator.count(QUERY)
    assert len(hf.load_students(school)) == 60
    assert simulator.count(QUERY) - before == 3  # 25, 25 and 10: the third is shorter than a page that was not the last


def test_a_row_inserted_between_pages_is_not_doubled(
    serve: Serve, connect_to: Connect, recwarn: pytest.WarningsRecorder
):
    simulator = serve(page_cap=20)
    last: list[Any] = []

    def shifted(asked: Asked, answer: Answer) -> Answer:
        rows = orjson.loads(answer.body)
        if number_of(asked) == 1:
            last.append(rows[-1])
        return replace(answer, body=orjson.dumps([last[0], *rows[:-1]])) if number_of(asked) == 2 else answer

    simulator.hooks.append(shifted)
    students = hf.load_students(connect_to(simulator))
    assert students.student_id.nunique() == len(students)
    assert any("came twice" in str(warning.message) for warning in recwarn)


def number_of(asked: Asked) -> int | None:
    """The page asked for, where students were."""
    if not asked.path.endswith("/students"):
        return None
    return int(parse_qs(asked.query)["page[number]"][0])


def test_rows_twice_with_other_content_keep_the_later(serve: Serve, connect_to: Connect):
    simulator = serve(page_cap=20)
    repeated: list[Any] = []

    def edited(asked: Asked, answer: Answer) -> Answer:
        rows = orjson.loads(answer.body)
        if number_of(asked) == 1:
            repeated.append(rows[-1])
        if number_of(asked) == 2:
            rows = [{**repeated[0], "first_name": "Edited"}, *rows]
        return replace(answer, body=orjson.dumps(rows)) if number_of(asked) == 2 else answer

    simulator.hooks.append(edited)
    with pytest.warns(hf.HubmisWarning, match="different content"):
        students = hf.load_students(connect_to(simulator))
    row = students[students.student_id == repeated[0]["id"]]
    assert row.first_name.tolist() == ["Edited"]


def test_a_list_that_never_ends_is_an_error(serve: Serve, connect_to: Connect, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pages, "MOST_PAGES", 20)
    simulator = serve(page_cap=5)
    counter = iter(range(10**6, 10**7))
    simulator.hooks.append(
        lambda asked, answer: (
            replace(answer, body=orjson.dumps([{"id": next(counter)} for _ in range(5)]))
            if asked.path.endswith("/students")
            else answer
        )
    )
    with pytest.raises(hf.PayloadError, match="did not end"):
        hf.load_students(connect_to(simulator))


def test_an_empty_list_has_all_columns(school: School):
    empty = hf.load_students(school, search="nobody is called this")
    assert len(empty) == 0
    assert empty.dtypes.equals(hf.load_students(school).dtypes)


def test_new_pages_are_not_mixed_with_old_ones(serve: Serve, connect_to: Connect):
    simulator = serve(page_cap=20)
    school = connect_to(simulator)
    hf.load_students(school)
    before = simulator.count(QUERY)
    hf.load_students(school, refresh=True)
    assert simulator.count(QUERY) - before == 4
