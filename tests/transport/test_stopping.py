"""Ctrl-C ends at once, and no frame that the caller gets shows a secret."""

import importlib.util
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hubmis_frames as hf
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator
from hubmis_frames.transport import Rate, RetryPolicy
from tests.helpers.interrupts import interrupted
from tests.helpers.raw_server import GRANT, RawServer, granting, response

Connect = Callable[..., School]
SECRET = "hush-hush-hush"
PATIENT = RetryPolicy(connect_timeout=60, read_timeout=60, total_timeout=60, max_wait_429=600)
STUDENTS = list(range(501, 541))


def silent(connection: Any, request: Any) -> None:
    """Take a request and never answer."""
    time.sleep(600)


def dripping(connection: Any, request: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n[")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def unavailable(connection: Any, request: Any) -> None:
    connection.sendall(response(b"{}", "503 Service Unavailable", "Retry-After: 300\r\n"))


def too_many(connection: Any, request: Any) -> None:
    connection.sendall(response(b"{}", "429 Too Many Requests", "Retry-After: 300\r\n"))


CASES = {
    "many, silent": (granting(silent), lambda school: hf.load_student_attendance(school, STUDENTS)),
    "many, dripping": (granting(dripping), lambda school: hf.load_student_attendance(school, STUDENTS)),
    "many, unavailable": (granting(unavailable), lambda school: hf.load_student_attendance(school, STUDENTS)),
    "many, too many": (granting(too_many), lambda school: hf.load_student_attendance(school, STUDENTS)),
    "one, silent": (granting(silent), hf.load_genders),
    "one, dripping": (granting(dripping), hf.load_genders),
    "one, unavailable": (granting(unavailable), hf.load_genders),
    "one, too many": (granting(too_many), hf.load_genders),
    "token, silent": (silent, hf.load_genders),
    "token, many": (silent, lambda school: hf.load_student_attendance(school, STUDENTS)),
    "token, too many": (too_many, hf.load_genders),
    "log in": (silent, lambda school: school._session.log_in()),
}


@pytest.mark.parametrize("case", CASES)
def test_ctrl_c_ends_at_once_and_sends_nothing_more(simulator: Simulator, connect_to: Connect, case: str):
    talk, ask = CASES[case]
    with RawServer(talk) as server:
        school = connect_to(simulator, base_url=server.url, retry=PATIENT, rate=Rate(500, 5.0), client_secret=SECRET)
        wanted = "token" if "token" in case or case == "log in" else "/api/v1/"
        with interrupted(lambda: server.count(wanted) > 0), pytest.raises(KeyboardInterrupt) as caught:
            ask(school)
        began = time.monotonic()
        sent = len(server.received)
        assert_no_secret(caught.value)
        time.sleep(1)
        assert len(server.received) == sent
        running = [thread for thread in threading.enumerate() if thread.name.startswith("hubmis")]
        while running and time.monotonic() - began < 20:
            running = [thread for thread in running if thread.is_alive()]
            time.sleep(0.05)
        assert not running, "no thread goes on"


def test_after_ctrl_c_the_same_school_goes_on(simulator: Simulator, connect_to: Connect):
    stuck = threading.Event()
    stuck.set()

    def talk(connection: Any, request: Any) -> None:
        if stuck.is_set():
            silent(connection, request)
        connection.sendall(response(GRANT if request.is_token else b'[{"id": 1, "name": "A"}]'))

    with RawServer(talk) as server:
        school = connect_to(simulator, base_url=server.url, retry=PATIENT)
        with interrupted(lambda: server.count("token") > 0), pytest.raises(KeyboardInterrupt):
            hf.load_genders(school)
        stuck.clear()
        assert len(hf.load_genders(school)) == 1


# --- secrets in tracebacks


def frames_of(error: BaseException, seen: set[int]) -> Iterator[Any]:
    """Every frame that hangs on an error, on its causes and on the errors that it holds."""
    if id(error) in seen:
        return
    seen.add(id(error))
    yield from (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    others = [error.__cause__, error.__context__, *getattr(error, "failed", {}).values()]
    for other in others:
        if isinstance(other, BaseException):
            yield from frames_of(other, seen)


def inside(value: object, depth: int) -> Iterator[str]:
    """What a tool that shows variables would show of one: its text, and that of what it holds."""
    yield repr(value)
    module = type(value).__module__.partition(".")[0]
    if depth and module in ("requests", "urllib3", "http", "requests_cache"):
        for held in vars(value).values() if hasattr(value, "__dict__") else ():
            yield from inside(held, depth - 1)
    elif depth and isinstance(value, dict):
        for key, held in value.items():
            yield from inside(key, depth - 1)
            yield from inside(held, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for held in value:
            yield from inside(held, depth - 1)


def assert_no_secret(error: BaseException) -> None:
    shown = ["".join(traceback.format_exception(error))]
    for frame in frames_of(error, set()):
        if frame.f_globals.get("__name__") == __name__:
            continue  # the test itself knows them
        assert not str(frame.f_globals.get("__name__")).startswith(("requests.", "urllib3.", "http.")), frame
        for value in frame.f_locals.values():
            shown.extend(inside(value, 4))
    text = "\n".join(shown)
    for hidden in (SECRET, "abc.def", "pass-word", "Bearer a"):
        assert hidden not in text


FAULTS = {
    "closes": lambda connection, request: "close",
    "404": lambda connection, request: connection.sendall(response(b"{}", "404 Not Found")),
    "403": lambda connection, request: connection.sendall(response(b"{}", "403 Forbidden")),
    "401": lambda connection, request: connection.sendall(response(b"{}", "401 Unauthorized")),
    "500": lambda connection, request: connection.sendall(response(b"{}", "500 Oops")),
    "429": lambda connection, request: connection.sendall(response(b"{}", "429 Too Many Requests")),
    "html": lambda connection, request: connection.sendall(response(b"<html>", kind="text/html")),
    "error object": lambda connection, request: connection.sendall(response(b'{"status": "error"}')),
    "nonsense": lambda connection, request: connection.sendall(b"nonsense\r\n\r\n"),
    "cut": lambda connection, request: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[") or "close",
}
LOADS: dict[str, Callable[[School], object]] = {
    "one": hf.load_genders,
    "many": lambda school: hf.load_student_attendance(school, STUDENTS[:12]),
}


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("at_token", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_frame_of_an_error_shows_a_secret(
    simulator: Simulator, connect_to: Connect, fault: str, at_token: bool, load: str
):
    retry = RetryPolicy(first_delay=0.001, max_attempts=2, max_wait_429=0, read_timeout=5)
    with RawServer(FAULTS[fault] if at_token else granting(FAULTS[fault])) as server:
        school = connect_to(simulator, base_url=server.url, retry=retry, rate=Rate(500, 0.001), client_secret=SECRET)
        with pytest.raises(hf.HubmisError) as caught:
            LOADS[load](school)
        assert_no_secret(caught.value)


@pytest.mark.parametrize(
    "proxy", ["http://user:pass-word@127.0.0.1:9", "nonsense://user:pass-word@h:1", "http://user:pass-word@[::1"]
)
def test_no_frame_of_an_error_shows_the_password_of_a_proxy(
    simulator: Simulator, connect_to: Connect, monkeypatch: pytest.MonkeyPatch, proxy: str
):
    for name in ("NO_PROXY", "no_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    school = connect_to(simulator, base_url="https://127.0.0.1:9", client_secret=SECRET)
    with pytest.raises(hf.HubmisError) as caught:
        hf.load_genders(school)
    assert_no_secret(caught.value)


def test_a_mistake_of_ours_keeps_its_lines_and_shows_no_variable(
    simulator: Simulator, school: School, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise LookupError("a mistake")

    monkeypatch.setattr(school._session._adapter, "_learn", broken)
    with pytest.raises(hf.PayloadError) as caught:
        hf.load_genders(school)
    assert_no_secret(caught.value)
    assert isinstance(caught.value.__cause__, LookupError)
    assert "adapter.py" in "".join(caught.value.__cause__.__notes__)


@pytest.mark.skipif(not importlib.util.find_spec("IPython"), reason="IPython is not installed")
def test_a_notebook_that_shows_all_variables_shows_no_secret(simulator: Simulator, connect_to: Connect):
    from IPython.core.ultratb import VerboseTB

    with RawServer(silent) as server:
        school = connect_to(simulator, base_url=server.url, retry=PATIENT, client_secret=SECRET)
        with interrupted(lambda: server.count("token") > 0), pytest.raises(KeyboardInterrupt) as caught:
            hf.load_genders(school)
        error = caught.value
        assert error.__traceback__ is not None
        text = VerboseTB(include_vars=True).text(type(error), error, error.__traceback__.tb_next, context=1)
        assert "genders" in text
        assert SECRET not in text


@pytest.mark.parametrize("streams", [("stdout",), ("stderr",), ("stdout", "stderr")])
def test_without_standard_streams_all_goes_on(
    simulator: Simulator, connect_to: Connect, monkeypatch: pytest.MonkeyPatch, streams: tuple[str, ...], tmp_path: Path
):
    for name in streams:
        monkeypatch.setattr(sys, name, None)
    school = connect_to(simulator)
    students = hf.load_students(school)
    assert len(hf.load_student_attendance(school, students.head(12))) > 0
    simulator.close()
    with pytest.raises(hf.UnreachableError):
        hf.load_titles(school)
