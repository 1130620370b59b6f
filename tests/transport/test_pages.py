"""Paged lists read to their end, whatever the server makes of pages."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

import hubmis_frames as hf
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator
from hubmis_frames.simulator.structure import YEAR_GROUP_IDS
from hubmis_frames.transport import pagination as pages
from tests.helpers.faults import FAULTS, Fault

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
QUERY = "api/v1/students?"
YEAR_9 = YEAR_GROUP_IDS[9]


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


def test_the_first_page_is_found_out_once_for_each_operation(serve: Serve, connect_to: Connect):
    simulator = serve()
    school = connect_to(simulator)
    students = hf.load_students(school)
    hf.load_staff(school)
    hf.load_students(school, year_group=YEAR_9)
    hf.load_student_wellbeing_events(school, students)
    probes = [asked.table for asked in simulator.log if re.search(r"number]=0|size]=3$", asked.target)]
    assert probes.count("students") == probes.count("staff") == 1
    # Several requests are under way when the first page becomes known.
    assert 1 <= probes.count("student_wellbeing_events") < 40 < len(students)


def test_an_end_costs_one_request_more_and_a_first_page_one(serve: Serve, connect_to: Connect):
    simulator = serve(page_cap=25)
    school = connect_to(simulator)
    assert len(hf.load_students(school)) == 60
    assert simulator.count(QUERY) == 5  # 25, the first 3 of them again, 25, 10 and none
    assert len(hf.load_students(school, refresh=True)) == 60
    assert simulator.count(QUERY) == 10
    hf.load_students(school, year_group=YEAR_9)
    assert sum(asked.target[-12:] == "page[size]=3" for asked in simulator.log) == 2


def test_a_row_inserted_between_pages_is_not_doubled(
    serve: Serve, connect_to: Connect, recwarn: pytest.WarningsRecorder
):
    simulator = serve(page_cap=20)
    last: list[Any] = []

    def shifted(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        rows = orjson.loads(answer.body)
        if number_of(asked) == 1:
            last.append(rows[-1])
        return replace(answer, body=orjson.dumps([last[0], *rows[:-1]])) if number_of(asked) == 2 else answer

    simulator.hooks.append(shifted)
    students = hf.load_students(connect_to(simulator))
    assert students.student_id.nunique() == len(students)
    assert any("came twice" in str(warning.message) for warning in recwarn)


def number_of(asked: SimulatedRequest) -> int | None:
    """The page asked for, where students were."""
    if not asked.path.endswith("/students"):
        return None
    return int(parse_qs(asked.query)["page[number]"][0])


def test_rows_twice_with_other_content_keep_the_later(serve: Serve, connect_to: Connect):
    simulator = serve(page_cap=20)
    repeated: list[Any] = []

    def edited(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
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
    assert simulator.count(QUERY) - before == 5


def test_a_page_that_is_short_for_another_reason_is_not_the_end(serve: Serve, connect_to: Connect):
    simulator = serve(page_cap=20)
    simulator.hooks.append(
        lambda asked, answer: (
            replace(answer, body=orjson.dumps(orjson.loads(answer.body)[:-1])) if number_of(asked) == 2 else answer
        )
    )
    assert len(hf.load_students(connect_to(simulator))) == 59


def test_paging_ignored_with_rows_that_change_each_time_ends(serve: Serve, connect_to: Connect):
    simulator = serve(ignore_paging=True)
    counter = iter(range(10**6))

    def signed(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if number_of(asked) is None:
            return answer
        rows = [{**row, "profile_image": {"url": f"signed-{next(counter)}"}} for row in orjson.loads(answer.body)]
        return replace(answer, body=orjson.dumps(rows))

    simulator.hooks.append(signed)
    students = hf.load_students(connect_to(simulator))
    assert len(students) == students.student_id.nunique() == 60
    assert simulator.count(QUERY) == 3


@pytest.mark.parametrize(("code", "attempts"), [(403, 2), (500, 4), (404, 2), (422, 2)])
def test_a_server_that_refuses_page_0_begins_at_1(serve: Serve, connect_to: Connect, code: int, attempts: int):
    simulator = serve(page_cap=3)  # with larger pages, page 0 is not asked for
    simulator.hooks.append(on_page(0, lambda answer: replace(answer, status=code)))
    school = connect_to(simulator)
    assert len(hf.load_students(school)) == 60
    hf.load_students(school, year_group=YEAR_9)
    assert sum(number_of(asked) == 0 for asked in simulator.log) == attempts
    # Another process knows it from the file, and answers from the cache alone.
    sent = len(simulator.log)
    assert len(hf.load_students(connect_to(simulator))) == len(hf.load_students(connect_to(simulator, offline=True)))
    assert len(simulator.log) == sent


@pytest.mark.parametrize("code", [403, 404, 422, 500])
@pytest.mark.parametrize("rows", [0, 1, 2, 19, 20, 30])
def test_a_first_page_0_that_is_refused_is_missed(serve: Serve, connect_to: Connect, code: int, rows: int):
    simulator = serve(first_page=0, page_cap=60 - rows)
    simulator.hooks.append(on_page(0, lambda answer: replace(answer, status=code)))
    with pytest.raises(hf.UnreachableError):
        hf.load_students(connect_to(simulator))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("page", [2, 4])
def test_a_page_that_fails_once_costs_a_list_no_row(serve: Serve, connect_to: Connect, fault: Fault, page: int):
    simulator = serve(page_cap=20)
    simulator.hooks.append(on_page(page, fault, times=1))
    assert len(hf.load_students(connect_to(simulator))) == 60


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("page", [2, 4])
def test_a_page_that_keeps_failing_is_no_end(serve: Serve, connect_to: Connect, fault: Fault, page: int):
    """Page 4 is the empty one: a server that refuses it does not show that the list ends."""
    simulator = serve(page_cap=20)
    simulator.hooks.append(on_page(page, fault))
    school = connect_to(simulator)
    with pytest.raises((hf.UnreachableError, hf.PayloadError)):
        hf.load_students(school)
    simulator.hooks.clear()
    before = simulator.count(QUERY)
    assert len(hf.load_students(school)) == 60
    assert simulator.count(QUERY) - before <= 4 - page + 1, "what was fetched is kept"


def on_page(
    number: int, change: Fault, times: int = 10**9
) -> Callable[[SimulatedRequest, SimulatedResponse], SimulatedResponse | None]:
    """A hook that changes the answers to one page of the students, the first ``times`` times."""
    left = [times]

    def hook(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse | None:
        if number_of(asked) != number or left[0] <= 0:
            return answer
        left[0] -= 1
        return change(answer)

    return hook


def test_a_server_that_takes_no_large_page_is_asked_for_smaller_ones(serve: Serve, connect_to: Connect):
    simulator = serve()
    simulator.hooks.append(
        lambda asked, answer: replace(answer, status=422) if "page[size]=500" in asked.target else answer
    )
    school = connect_to(simulator)
    assert len(hf.load_students(school)) == 60
    hf.load_students(school, year_group=YEAR_9)
    assert sum("page[size]=500" in asked.target for asked in simulator.log) == 2
    sent = len(simulator.log)
    assert len(hf.load_students(connect_to(simulator))) == len(hf.load_students(connect_to(simulator, offline=True)))
    assert len(simulator.log) == sent


def test_a_page_size_that_is_refused_once_is_not_learnt(serve: Serve, connect_to: Connect):
    simulator = serve()
    simulator.hooks.append(on_page(1, lambda answer: replace(answer, status=422), times=1))
    school = connect_to(simulator)
    assert len(hf.load_students(school)) == 60
    hf.load_students(school, refresh=True)
    assert sum("page[size]=100" in asked.target for asked in simulator.log) == 1


def test_half_a_surrogate_pair_in_a_paged_list_is_read(serve: Serve, connect_to: Connect):
    simulator = serve()
    simulator.hooks.append(
        lambda asked, answer: (
            replace(answer, body=b'[{"id": 1, "first_name": "\\ud83d"}]') if number_of(asked) is not None else answer
        )
    )
    assert hf.load_students(connect_to(simulator)).first_name.tolist() == ["\\ud83d"]


def test_an_error_message_is_no_record_and_not_kept(serve: Serve, connect_to: Connect):
    simulator = serve()
    busy = [True]
    simulator.hooks.append(
        lambda asked, answer: (
            replace(answer, body=b'{"message": "Server busy"}') if number_of(asked) == 1 and busy[0] else answer
        )
    )
    school = connect_to(simulator)
    with pytest.raises(hf.PayloadError, match="nothing in common"):
        hf.load_students(school)
    busy[0] = False
    assert len(hf.load_students(school)) == 60
