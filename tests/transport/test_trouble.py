"""Trouble that passes is outlived, and trouble that lasts ends at a deadline; at what pace requests go."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

import hubmis_frames as hf
from hubmis_frames.request import Request
from hubmis_frames.school import School
from hubmis_frames.setup.settings import Settings, open_session
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator
from hubmis_frames.transport import DOCUMENTED, Rate, Reading, RetryPolicy
from hubmis_frames.transport.retry import instant, number, pause_after_429, retry_after
from tests.helpers.raw_server import GRANT, RawServer, Received, granting, response

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
GOOD = b'[{"id": 1, "name": "A"}]'
TOKEN = "/api/v1/token"


def first_then_good(times: int, *trouble: bytes) -> Callable[[socket.socket, Received], Any]:
    """Answer the first requests with trouble and close the connection, and the others well."""
    left = [times]

    def talk(connection: socket.socket, request: Received) -> Any:
        left[0] -= 1
        connection.sendall(trouble[left[0] % len(trouble)] if left[0] >= 0 else response(GOOD))
        return "close"

    return granting(talk)


@pytest.mark.parametrize("status", [408, 421, 425, 500, 502, 503, 504, 520, 599])
def test_a_status_that_passes_is_outlived(simulator: Simulator, connect_to: Connect, status: int):
    trouble = response(b'{"message": "later"}', f"{status} Later")
    with RawServer(first_then_good(3, trouble)) as server:
        assert len(hf.load_genders(connect_to(simulator, base_url=server.url))) == 1


@pytest.mark.parametrize("status", [408, 421, 425, 503, 403, 404])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_the_server_says_when_to_come_back(simulator: Simulator, connect_to: Connect, status: int, form: str):
    asked_at: list[float] = []
    later = "Retry-After: 1\r\n"
    if form == "date":
        later = "Date: Fri, 15 Jan 2027 08:00:00 GMT\r\nRetry-After: Fri, 15 Jan 2027 08:00:01 GMT\r\n"

    def talk(connection: socket.socket, request: Received) -> None:
        asked_at.append(time.monotonic())
        connection.sendall(response(GOOD) if len(asked_at) > 1 else response(b"{}", f"{status} Later", later))

    with RawServer(granting(talk)) as server:
        assert len(hf.load_genders(connect_to(simulator, base_url=server.url))) == 1
    assert len(asked_at) == 2
    assert asked_at[1] - asked_at[0] >= 0.99


def test_a_time_to_come_back_beyond_our_patience_is_not_waited_for(simulator: Simulator, connect_to: Connect):
    retry = RetryPolicy(first_delay=0.01, max_wait_429=1)
    trouble = response(b"{}", "503 Later", "Retry-After: 86400\r\n")
    with RawServer(first_then_good(10**6, trouble)) as server:
        school = connect_to(simulator, base_url=server.url, retry=retry)
        with pytest.raises(hf.UnreachableError, match="Tried 4 times"):
            hf.load_genders(school)


@pytest.mark.parametrize(
    "trouble",
    [
        response(b"<html>Sign in</html>", kind="text/html"),
        b'HTTP/1.1 200 OK\r\n\r\n[{"id": 1, "name"',
        b'HTTP/1.0 200 OK\r\n\r\n[{"id": 1},',
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + GOOD,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 twohundred\r\n\r\n",
        b"HTTP/1.1 99999999999999999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"",
    ],
)
@pytest.mark.parametrize("at_token", [True, False])
def test_what_breaks_once_is_asked_for_again(simulator: Simulator, connect_to: Connect, trouble: bytes, at_token: bool):
    broken = [True]

    def talk(connection: socket.socket, request: Received) -> Any:
        if broken[0] and request.is_token == at_token:
            broken[0] = False
            connection.sendall(trouble)
            return "close"
        return connection.sendall(response(GRANT if request.is_token else GOOD))

    with RawServer(talk) as server:
        assert len(hf.load_genders(connect_to(simulator, base_url=server.url))) == 1


def test_a_student_whose_answer_is_cut_once_is_not_lost(simulator: Simulator, school: School):
    students = hf.load_students(school).head(30)
    cut: set[str] = set()

    def once(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if "attendance" not in asked.path or asked.path in cut:
            return answer
        cut.add(asked.path)
        return replace(answer, body=answer.body[:-1])  # its length fits

    simulator.hooks.append(once)
    assert hf.load_student_attendance(school, students).student_id.nunique() == 30


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Content-Length: -1",
                b"Content-Length: 3, 3", b"Content-Length: " + b"9" * 5000,
                b"Content-Encoding: " + b"gzip, " * 9 + b"gzip",
                b"Content-Encoding: deflate", b"Content-Type: text/html; charset=\xff",
                b"Set-Cookie: \xff=\x00; expires=x",
                b"Location: http://[::1", b"WWW-Authenticate: Basic", b" folded", b": no name", b"Connection: upgrade",
                b"Retry-After: soon", b"X-RateLimit-Remaining: many", b"X-RateLimit-Remaining: -1", b"Date: never",
            ]
        ),
        st.binary(max_size=20),
    ),
    max_size=4,
)  # fmt: skip


@hypothesis.settings(max_examples=60, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    status=st.one_of(
        st.sampled_from([b"200 OK", b"100 C", b"302 F", b"401 U", b"403 F", b"503 S"]), st.binary(max_size=9)
    ),
    lines=LINES,
    body=st.one_of(st.sampled_from([GOOD, b"", b"<html>", b"2\r\n[]\r\n0\r\n\r\n"]), st.binary(max_size=30)),
)
def test_whatever_a_server_sends_is_an_answer_or_an_error_of_ours(
    simulator: Simulator, connect_to: Connect, status: bytes, lines: list[bytes], body: bytes
):
    def talk(connection: socket.socket, request: Received) -> str:
        connection.sendall(b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"", body]))
        return "close"

    retry = RetryPolicy(first_delay=0.001, read_timeout=2, total_timeout=2, max_attempts=2, max_wait_429=0)
    with RawServer(granting(talk)) as server:
        school = connect_to(simulator, base_url=server.url, retry=retry, cache_dir=None, rate=Rate(500, 0.001))
        try:
            hf.load_genders(school)
        except hf.HubmisError as error:
            assert error.__cause__ is None, "it was foreseen"  # noqa: PT017


# --- one deadline covers everything


def drip(connection: socket.socket, begin: bytes, piece: bytes) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(begin)
        while True:
            connection.sendall(piece)
            time.sleep(0.02)


DRIPS = {
    "status": (b"", b"H"),
    "header": (b"HTTP/1.1 200 OK\r\n", b"X"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "interim": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "interim headers": (b"HTTP/1.1 103 Early Hints\r\n", b"X: y"),
    "chunk size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", b"["),
    "trailer": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"["),
    "silence": (b"", b""),
}


@pytest.mark.parametrize("at_token", [True, False])
@pytest.mark.parametrize("part", DRIPS)
def test_the_deadline_covers_every_part_of_an_answer(
    simulator: Simulator, connect_to: Connect, part: str, at_token: bool
):
    def talk(connection: socket.socket, request: Received) -> None:
        drip(connection, *DRIPS[part])

    retry = RetryPolicy(read_timeout=30, total_timeout=0.4, max_attempts=2, first_delay=0.01)
    with RawServer(talk if at_token else granting(talk)) as server:
        school = connect_to(simulator, base_url=server.url, retry=retry)
        began = time.monotonic()
        with pytest.raises(hf.UnreachableError, match="in time"):
            hf.load_genders(school)
        assert time.monotonic() - began < 15
        assert server.count("token" if at_token else "genders") == 2


def test_the_deadline_covers_the_encrypted_greeting(simulator: Simulator, connect_to: Connect):
    def greet(connection: socket.socket) -> None:
        with connection:
            drip(connection, b"\x16\x03\x03\x40\x00", b"\x02")

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=greet, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        retry = RetryPolicy(connect_timeout=30, total_timeout=0.4, max_attempts=2, first_delay=0.01)
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(hf.UnreachableError, match="in time"):
            hf.load_genders(connect_to(simulator, base_url=url, retry=retry))
        assert time.monotonic() - began < 15


# --- headers that are nonsense

TEXTS = st.one_of(
    st.text(max_size=30),
    st.integers(-(10**40), 10**40).map(str),
    st.floats().map(str),
    st.builds(
        "{}, {} {} {} {}:00:00 {}".format,
        st.sampled_from(["Fri", "Xyz"]),
        st.integers(-1, 99999),
        st.sampled_from(["Jan", "Feb", "Dec", "Foo"]),
        st.integers(-5, 10**12),
        st.integers(-1, 30),
        st.sampled_from(["GMT", "-0000", "+9999", "-9999", "EST", ""]),
    ),
    st.sampled_from(["Fri, 31 Dec 5000 00:00:00 GMT", "Mon, 01 Jan 1900 00:00:00 GMT"]),
    st.sampled_from(["Mon, 01 Jan 0001 00:00:00 +1400", "Fri, 31 Dec 9999 23:59:59 -1200", "1e400", "9" * 5000]),
)


@hypothesis.given(
    st.dictionaries(st.sampled_from(["Date", "Retry-After", "X-RateLimit-Retry-After"]), TEXTS),
    st.floats(0, 4e9),
)
def test_no_header_is_too_absurd(headers: dict[str, str], now: float):
    assert 5 <= pause_after_429(headers, now, 5.0) <= 900
    asked = retry_after(headers, now)
    assert asked is None or asked >= 0
    for text in headers.values():
        assert number(text) is None or number(text) >= 0
        assert instant(text) is None or 0 < instant(text) < 1e10


@pytest.mark.parametrize("year", ["0001", "9999", "99999999999"])
@pytest.mark.parametrize("status", [200, 403, 429, 503])
def test_a_date_of_an_absurd_year_disturbs_nothing(simulator: Simulator, connect_to: Connect, status: int, year: str):
    absurd = f"Date: Fri, 31 Dec {year} 23:59:59 GMT\r\nRetry-After: Fri, 31 Dec {year} 23:59:59 +1400\r\n"
    trouble = response(GOOD if status == 200 else b"{}", f"{status} X", absurd)
    retry = RetryPolicy(first_delay=0.01, max_wait_429=0.5)
    with RawServer(first_then_good(1, trouble)) as server:
        school = connect_to(simulator, base_url=server.url, rate=Rate(500, 0.01), retry=retry)
        assert len(hf.load_genders(school)) == 1


# --- the pace


@pytest.mark.parametrize("capacity", [2, 5, 15, 40])
def test_a_server_that_says_how_many_remain_never_has_to_refuse(serve: Serve, connect_to: Connect, capacity: int):
    simulator = serve(capacity=capacity, refill_seconds=0.05, latency=0.01)
    school = connect_to(simulator, rate=Rate(500, 0.05))
    under_way: set[object] = set()
    most = [0]
    exchange = school._session._adapter._exchange

    def counted(*arguments: Any) -> Any:
        mine = object()
        under_way.add(mine)
        most.append(len(under_way))
        try:
            return exchange(*arguments)
        finally:
            under_way.discard(mine)

    school._session._adapter._exchange = counted  # type: ignore[method-assign]
    marks = hf.load_student_attendance(school, hf.load_students(school).head(45))
    assert marks.student_id.nunique() == 45
    assert [asked.path for asked in simulator.log if asked.status == 429] == []
    assert max(most) >= (2 if capacity >= 15 else 1), "and it is not one after the other from the start"


def test_the_pace_of_a_test_host_can_be_set(simulator: Simulator, tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    login = ("S999", simulator.rules.client_id, simulator.rules.client_secret, simulator.url)
    for rate in ((60, 0.5), Rate(60, 0.5)):
        with hf.connect(*login, cache_dir=None, rate=rate) as school:
            assert school._session.bucket.rate == Rate(60, 0.5)
            assert len(hf.load_genders(school)) > 0
    for variable, expected in (("60,0.5", Rate(60, 0.5)), (" 7 , 3 ", Rate(7, 3.0)), ("", DOCUMENTED)):
        monkeypatch.setenv("HUBMIS_RATE", variable)
        with hf.connect(*login, cache_dir=None) as school:
            assert school._session.bucket.rate == expected
        with hf.connect(*login, cache_dir=None, rate=(8, 2)) as school:
            assert school._session.bucket.rate == Rate(8, 2.0), "an argument wins over a variable"


@pytest.mark.parametrize("url", ["https://api.hubmis.com", "https://api.hubmis.com:443", "https://api.hubmis.com."])
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], max_examples=10)
@hypothesis.given(capacity=st.integers(1, 10**6), interval=st.floats(0.001, 1e5))
def test_for_hubmis_itself_the_documented_rate_stays_the_least(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, url: str, capacity: int, interval: float
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    session = open_session(Settings("S999", "a", "b", url), rate=(capacity, interval))
    rate = session.bucket.rate
    session.close()
    assert rate.capacity == min(capacity, 500)
    assert rate.interval == max(interval, 5.0)


@pytest.mark.parametrize("rate", [(0, 5), (10, 0), (10, -1), (10, float("inf")), (10, float("nan")), 5, "fast", (1,)])
def test_a_pace_that_is_none_is_refused(simulator: Simulator, rate: Any):
    with pytest.raises(hf.SettingsError, match="rate="):
        hf.connect("S999", "a", "b", simulator.url, cache_dir=None, rate=rate)


@pytest.mark.parametrize("rate", ["60", "60;0.5", "fast,5", "0,5", "60,0", "60,nan", "60,inf", ",5"])
def test_a_variable_with_no_pace_is_refused(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, rate: str):
    monkeypatch.setenv("HUBMIS_RATE", rate)
    with pytest.raises(hf.SettingsError, match="HUBMIS_RATE"):
        hf.connect("S999", "a", "b", simulator.url, cache_dir=None)


# --- tokens


@pytest.mark.parametrize("status", ["200 OK", "201 Created"])
@pytest.mark.parametrize("expires_in", [b"1", b"60", b'"60"', b"900", b"86400", b"0", b"-5", b"null", b"{}"])
def test_a_token_is_used_for_most_of_its_life(
    simulator: Simulator, connect_to: Connect, status: str, expires_in: bytes
):
    grant = GRANT.replace(b"900", expires_in)

    def talk(connection: socket.socket, request: Received) -> None:
        connection.sendall(response(grant, status) if request.is_token else response(GOOD))

    with RawServer(talk) as server:
        school = connect_to(simulator, base_url=server.url)
        hf.load_genders(school)
        left = school._session._credentials._expires - time.monotonic()
    life = {b"1": 1, b"60": 60, b'"60"': 60}.get(expires_in, 900)
    assert left <= life - min(60, life / 5)
    assert left > life * 0.8 - 10 if life > 60 else left < life


def test_a_short_token_serves_many_requests(serve: Serve, connect_to: Connect):
    simulator = serve(token_claims=60, token_seconds=60)
    school = connect_to(simulator)
    hf.load_student_attendance(school, hf.load_students(school).head(20))
    time.sleep(1.2)
    hf.load_genders(school)
    assert simulator.count(TOKEN) == 1


def test_two_programs_whose_tokens_end_each_other_both_get_through(serve: Serve, connect_to: Connect, tmp_path: Any):
    """The server keeps one token per client: the newest."""
    simulator = serve()
    grant = simulator._limits.token

    def newest_only() -> str:
        with simulator._limits._lock:
            simulator._limits._tokens.clear()
        return grant()

    simulator._limits.token = newest_only  # type: ignore[method-assign]
    schools = [connect_to(simulator, cache_dir=tmp_path / name, retry=RetryPolicy(first_delay=0.2)) for name in "ab"]
    students = hf.load_students(schools[0]).head(15)
    counts: list[int] = []

    def load(school: School) -> None:
        counts.append(hf.load_student_attendance(school, students).student_id.nunique())

    threads = [threading.Thread(target=load, args=(school,)) for school in schools]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [15, 15]


# --- where a request goes


@pytest.mark.parametrize(
    "path",
    ["@{}/x", ":x@{}/x", "\\@{}/x", "//{}/x", "/\\{}/x", ".evil.example/x", ":1/x", "0/x", "@[::1/x", "?@{}", "#@{}"],
)
def test_no_path_leads_to_another_server(simulator: Simulator, school: School, path: str):
    reading = Reading(timedelta(hours=1), is_answer=lambda _: True, rows=lambda _: [])
    hf.load_genders(school)
    with RawServer(granting(lambda connection, _: connection.sendall(response(GOOD)))) as other:
        request = Request(path.format(other.url.removeprefix("http://")))
        with pytest.raises((hf.SpecError, hf.NotFoundError)):
            school._session.get(request, reading)
        assert other.received == []
