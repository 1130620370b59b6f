"""Which answer belongs to which request, and what counts as an answer at all."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import hypothesis
import hypothesis.strategies as st
import orjson
import pytest

import hubmis_frames as hf
from hubmis_frames.operations import CATALOGUE
from hubmis_frames.operations.response import is_answer
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator
from hubmis_frames.transport import RetryPolicy
from tests.helpers.raw_server import GRANT, RawServer, Received, Talk, granting, response

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
PAGE = b"<!DOCTYPE html><html><body>Blocked by the school's filter</body></html>"
IDS = list(range(501, 513))


@pytest.fixture
def raw() -> Iterator[Callable[[Talk], RawServer]]:
    with ExitStack() as stack:
        yield lambda talk: stack.enter_context(RawServer(talk))


def marks_of(path: str) -> bytes:
    """One mark, whose id says whose it is."""
    student = int(re.search(r"/students/(\d+)/", path)[1])
    return orjson.dumps([{"id": student * 10, "date": "2026-01-05"}])


INTERIM = [
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\n\r\n",
    b"HTTP/1.1 199 Whatever\r\nX: y\r\n\r\n",
]
SURPLUS = [
    b"",
    b"\r\n\r\n",
    b"nonsense",
    response(orjson.dumps([{"id": 77, "date": "2026-01-06"}])),
    response(b"[]"),
    b"HTTP/1.1 103 Early Hints\r\n\r\n",
]


@hypothesis.settings(max_examples=15, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    before=st.lists(st.lists(st.sampled_from(INTERIM), max_size=4), min_size=1, max_size=5),
    after=st.lists(st.sampled_from(SURPLUS), min_size=1, max_size=5),
    pause=st.booleans(),
)
@hypothesis.example(before=[[INTERIM[2]]], after=[b""], pause=True)
@hypothesis.example(before=[[]], after=[SURPLUS[3]], pause=False)
def test_whatever_stands_around_an_answer_it_belongs_to_its_request(
    simulator: Simulator, connect_to: Connect, before: list[list[bytes]], after: list[bytes], pause: bool
):
    counter = iter(range(10**6))

    def talk(connection: socket.socket, request: Received) -> None:
        number = next(counter)
        connection.sendall(b"".join(before[number % len(before)]))
        if pause:
            time.sleep(0.002)  # so that the interim answer arrives alone
        connection.sendall(response(GRANT if request.is_token else marks_of(request.path)))
        connection.sendall(after[number % len(after)])

    with RawServer(talk) as server:
        school = connect_to(simulator, base_url=server.url, cache_dir=None)
        marks = hf.load_student_attendance(school, IDS)
        assert marks.student_id.tolist() == IDS
        assert (marks.attendance_record_id == marks.student_id * 10).all()
        assert server.count("/students/") == len(IDS), "no request was repeated"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_the_body_of_an_answer_without_one_is_not_read_as_the_next(
    raw: Any, simulator: Simulator, connect_to: Connect, status: str
):
    def talk(connection: socket.socket, request: Received) -> None:
        odd = request.path.startswith("/api/v1/students/501/")
        body = orjson.dumps([{"id": 77}])
        connection.sendall(response(body, status) if odd else response(marks_of(request.path)))

    school = connect_to(simulator, base_url=raw(granting(talk)).url)
    with pytest.raises(hf.IncompleteError) as caught:
        hf.load_student_attendance(school, IDS)
    marks = caught.value.tables["student_attendance"]
    assert marks.student_id.tolist() == IDS[1:]
    assert (marks.attendance_record_id == marks.student_id * 10).all()


def test_interim_answers_without_end_reach_the_deadline(raw: Any, simulator: Simulator, connect_to: Connect):
    def talk(connection: socket.socket, request: Received) -> None:
        while True:
            connection.sendall(INTERIM[0])
            time.sleep(0.01)

    retry = RetryPolicy(total_timeout=0.3, max_attempts=2, first_delay=0.01)
    school = connect_to(simulator, base_url=raw(granting(talk)).url, retry=retry)
    with pytest.raises(hf.UnreachableError, match="in time"):
        hf.load_genders(school)


# --- only HUBmis's own word counts

NOT_HUBMIS = [
    ("403 Forbidden", PAGE, "text/html", "Retry-After: 0\r\n"),
    ("403 Forbidden", PAGE, "text/html", ""),
    ("403 Forbidden", b"blocked", "text/plain", ""),
    ("403 Forbidden", b'{"message": "slow down"}', "application/json", "Retry-After: 0\r\n"),
    ("403 Forbidden", b"", "text/html; charset=utf-8", ""),
    ("404 Not Found", PAGE, "text/html", ""),
    ("400 Bad Request", PAGE, "text/html", ""),
    ("410 Gone", PAGE, "application/json", ""),
    ("407 Proxy Authentication Required", PAGE, "text/html", ""),
    ("302 Found", b"", "text/html", "Location: http://127.0.0.1:9/sign-in\r\n"),
    ("307 Temporary Redirect", PAGE, "text/html", "Location: http://127.0.0.1:9/sign-in\r\n"),
    ("401 Unauthorized", PAGE, "text/html", ""),
    ("511 Network Authentication Required", PAGE, "text/html", ""),
]


@pytest.mark.parametrize(("status", "body", "kind", "headers"), NOT_HUBMIS)
def test_a_refusal_by_the_network_passes_or_is_a_failure(
    raw: Any, simulator: Simulator, connect_to: Connect, status: str, body: bytes, kind: str, headers: str
):
    left = [2]

    def talk(connection: socket.socket, request: Received) -> None:
        left[0] -= 1
        good = response(b'[{"id": 1, "name": "A"}]')
        connection.sendall(response(body, status, headers, kind=kind) if left[0] >= 0 else good)

    school = connect_to(simulator, base_url=raw(granting(talk)).url)
    assert len(hf.load_genders(school)) == 1, "it was asked again"
    left[0] = 10**9
    with pytest.raises(hf.UnreachableError, match="Tried 4 times"):
        hf.load_genders(school, refresh=True)
    assert len(hf.load_genders(school)) == 1, "what is in the cache stays"


def test_a_refusal_by_the_network_is_no_word_on_the_credentials(raw: Any, simulator: Simulator, connect_to: Connect):
    server = raw(lambda connection, _: connection.sendall(response(PAGE, "403 Forbidden", kind="text/html")))
    with pytest.raises(hf.UnreachableError, match="does not seem to come from HUBmis"):
        hf.load_genders(connect_to(simulator, base_url=server.url))


def test_a_refusal_by_the_network_leaves_an_export_as_it_is(simulator: Simulator, school: School, tmp_path: Any):
    school.export(tmp_path / "out", ["genders"])
    file = tmp_path / "out" / "genders" / "realm=S999" / "part-0.parquet"
    before = file.read_bytes()
    simulator.hooks.append(
        lambda asked, answer: (
            replace(answer, status=403, body=PAGE, headers={"Retry-After": "0", "Content-Type": "text/html"})
            if "genders" in asked.path
            else answer
        )
    )
    with pytest.raises(hf.UnreachableError):
        school.export(tmp_path / "out", ["genders"], refresh=True)
    assert file.read_bytes() == before


# --- an error object is no row

ERRORS: list[Any] = [
    {"code": "quota_exceeded", "description": "Too many requests this month"},
    {"status": "error"},
    {"status": "error", "code": 17},
    {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "No scope"},
    {"id": "0f5c-trace", "title": "Forbidden", "status": 403, "detail": "No scope"},
    {"error": {"code": 500, "message": "Oops"}},
    {"errors": [{"code": "x"}]},
    {"name": "NotAuthenticated", "message": "No token", "code": 401, "errors": {}},
    {"message": "Unauthenticated."},
    {"success": False, "message": "No"},
    {"faultcode": "Server", "faultstring": "Oops"},
    {"exception": "NullPointer", "path": "/x", "timestamp": "2026-01-01T00:00:00Z"},
    {},
]
ERROR_LISTS: list[Any] = [
    [{"errorCode": 17}],
    [{"errorCode": "SCOPE", "message": "No"}, {"errorCode": "SCOPE2", "message": "No"}],
    ["Unauthorized"],
    [{"code": "quota_exceeded", "description": "Too many"}],
    [{"message": "Unauthenticated."}],
    [401],
    [None],
    [[]],
    [{}],
]


@pytest.mark.parametrize("table", sorted(CATALOGUE))
def test_an_error_object_is_no_answer_of_any_operation(table: str):
    endpoint = CATALOGUE[table]
    for error in ERRORS + ERROR_LISTS:
        assert not is_answer(error, endpoint), error
        if endpoint.wrapper:
            assert not is_answer({endpoint.wrapper: error}, endpoint), error


@pytest.mark.parametrize("error", ERRORS + ERROR_LISTS, ids=repr)
def test_an_error_object_with_status_200_becomes_no_row_and_is_not_kept(
    simulator: Simulator, school: School, error: Any
):
    body = orjson.dumps(error)

    def spoil(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        return replace(answer, body=body) if asked.path.endswith(("genders", "countries")) else answer

    simulator.hooks.append(spoil)
    for load in (hf.load_genders, hf.load_countries):
        with pytest.raises(hf.PayloadError, match="error message"):
            load(school)
    simulator.hooks.clear()
    assert len(hf.load_genders(school)) > 0
    assert len(hf.load_countries(school)) > 0


@pytest.mark.parametrize("table", sorted(CATALOGUE))
def test_records_with_few_or_undeclared_fields_are_answers(table: str):
    """The other side: a real server sends fields that nobody declared."""
    endpoint = CATALOGUE[table]
    rows: list[dict[str, Any]] = [{"nothing": 1, "we": 2, "declare": 3}]
    if "id" in endpoint.record.names:
        rows += [{"id": 1}, {"id": 1, "brand_new": 2}, {"id": 1, "path": "a/b", "details": "x", "success": True}]
    rows += [dict.fromkeys(endpoint.record.names)]
    assert is_answer([], endpoint)
    for row in rows:
        assert is_answer([row], endpoint) or set(row) <= {"id", "name", "code", "type", "title"}, row


def test_an_error_object_is_asked_for_once(simulator: Simulator, school: School):
    simulator.hooks.append(
        lambda asked, answer: replace(answer, body=b'{"status": "error"}') if "genders" in asked.path else answer
    )
    with pytest.raises(hf.PayloadError):
        hf.load_genders(school)
    assert simulator.count("genders") == 1
