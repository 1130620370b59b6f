"""The polite HTTP layer, over real sockets: tokens, limits, faults, the cache and offline work."""

import os
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import hubmis_frames as hf
from hubmis_frames.request import Request
from hubmis_frames.school import School
from hubmis_frames.simulator import Rules, SimulatedRequest, SimulatedResponse, Simulator, World, build_world
from hubmis_frames.transport import Rate, Reading, RetryPolicy
from hubmis_frames.transport.retry import pause_after_429

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
TOKEN = "/api/v1/token"


def on(
    path: str, change: Callable[[SimulatedResponse], SimulatedResponse | None], times: int = 10**9
) -> Callable[[SimulatedRequest, SimulatedResponse], SimulatedResponse | None]:
    """A hook that changes the answers at a path, the first ``times`` times."""
    left = [times]

    def hook(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse | None:
        if path in asked.target and left[0] > 0:
            left[0] -= 1
            return change(answer)
        return answer

    return hook


def status(code: int, **headers: str) -> Callable[[SimulatedResponse], SimulatedResponse]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda answer: replace(answer, status=code, body=b"{}", headers={**answer.headers, **names})


# --- tokens


def test_one_token_serves_many_requests_and_threads(simulator: Simulator, school: School):
    hf.load_student_attendance(school, hf.load_students(school).head(12))
    assert simulator.count(TOKEN) == 1


def test_credentials_go_as_json_where_a_form_is_refused(serve: Serve, connect_to: Connect):
    simulator = serve(token_body="json")
    assert len(hf.load_genders(connect_to(simulator))) > 0
    assert [asked.status for asked in simulator.log if asked.path == TOKEN] == [415, 200]


def test_a_token_is_renewed_after_fifteen_minutes_whatever_it_claims(
    simulator: Simulator, school: School, monkeypatch: pytest.MonkeyPatch
):
    hf.load_genders(school)
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 899)
    hf.load_titles(school)
    assert simulator.count(TOKEN) == 2
    assert all(asked.status == 200 for asked in simulator.log)


def test_a_token_that_died_early_is_replaced_once_for_all_threads(simulator: Simulator, school: School):
    students = hf.load_students(school).head(16)
    simulator.advance(901)
    marks = hf.load_student_attendance(school, students)
    assert marks.student_id.nunique() == 16
    assert simulator.count(TOKEN) == 2


def test_a_fresh_token_that_is_refused_is_an_error_and_no_loop(simulator: Simulator, school: School):
    simulator.hooks.append(on("genders", status(401)))
    with pytest.raises(hf.CredentialsError, match="just issued"):
        hf.load_genders(school)
    assert simulator.count("genders") == 2


def test_wrong_credentials_are_said_after_one_request(simulator: Simulator, connect_to: Connect):
    school = connect_to(simulator, client_secret="not-the-secret")
    with pytest.raises(hf.CredentialsError, match="HUBMIS_CLIENT_SECRET") as caught:
        hf.load_genders(school)
    assert "not-the-secret" not in str(caught.value)
    assert len(simulator.log) == 1


def test_a_token_endpoint_that_answers_a_page_is_an_error(simulator: Simulator, school: School):
    simulator.hooks.append(on(TOKEN, lambda answer: replace(answer, body=b"<html>Sign in</html>")))
    with pytest.raises(hf.RefusedError, match="is a web page: perhaps a filter, a proxy"):
        hf.load_genders(school)


# --- what a status means


def test_403_is_not_permitted_and_never_empty(serve: Serve, connect_to: Connect):
    school = connect_to(serve(forbidden=frozenset({"genders"})))
    with pytest.raises(hf.NotPermittedError, match="does not mean that there are no rows"):
        hf.load_genders(school)


def test_an_unknown_realm_is_an_error(simulator: Simulator, connect_to: Connect):
    with pytest.raises(hf.NotPermittedError):
        hf.load_genders(connect_to(simulator, realm="S404"))


def test_an_unknown_id_is_not_found(school: School):
    with pytest.raises(hf.NotFoundError, match="/students/999999999"):
        hf.load_student(school, 999999999)


def test_a_redirect_is_not_followed(simulator: Simulator, school: School):
    simulator.hooks.append(on("genders", status(302, Location="http://127.0.0.1:9/elsewhere")))
    with pytest.raises(hf.RefusedError, match="redirects"):
        hf.load_genders(school)


# --- faults of the network and the server


@pytest.mark.parametrize("fault", [status(500), status(503), lambda _: None, lambda a: replace(a, cut_after=10)])
def test_a_fault_that_passes_is_outlived(simulator: Simulator, school: School, fault: Any):
    simulator.hooks.append(on("genders", fault, times=3))
    assert len(hf.load_genders(school)) > 0
    assert simulator.count("genders") == 4


@pytest.mark.parametrize("fault", [status(502), lambda _: None, lambda answer: replace(answer, cut_after=10)])
def test_a_fault_that_lasts_is_an_error(simulator: Simulator, school: School, fault: Any):
    simulator.hooks.append(on("genders", fault))
    with pytest.raises(hf.UnreachableError, match="Tried 4 times"):
        hf.load_genders(school)


def test_a_server_that_is_not_there(simulator: Simulator, connect_to: Connect):
    school = connect_to(simulator)
    simulator.close()
    with pytest.raises(hf.UnreachableError, match="refused the connection"):
        hf.load_genders(school)


def test_a_body_that_drips_is_given_up(serve: Serve, connect_to: Connect):
    simulator = serve(latency=0.4)
    school = connect_to(simulator, retry=RetryPolicy(read_timeout=0.1, first_delay=0.01))
    with pytest.raises(hf.UnreachableError, match="in time"):
        hf.load_genders(school)


def test_a_body_beyond_measure_is_refused(simulator: Simulator, connect_to: Connect):
    school = connect_to(simulator, retry=RetryPolicy(max_body=1000))
    with pytest.raises(hf.PayloadError, match="larger than"):
        hf.load_students(school)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>Please sign in</html>", "web page"),
        (b'[{"id": 1}, {"id"', "not whole JSON"),
        (b"", "empty"),
        (b'"text"', "neither a list nor an object"),
        (b'[{"id": NaN}]', "not whole JSON"),
        (b'[{"name": "\xff"}]', "not whole JSON"),
        (b"[" * 5000 + b"]" * 5000, "not whole JSON"),
    ],
)
def test_a_body_that_is_not_the_list_is_an_error_and_not_kept(
    simulator: Simulator, school: School, body: bytes, message: str
):
    simulator.hooks.append(on("genders", lambda answer: replace(answer, body=body)))
    with pytest.raises(hf.PayloadError, match=message):
        hf.load_genders(school)
    assert simulator.count("genders") == 2, "it is asked once more"
    simulator.hooks.clear()
    assert len(hf.load_genders(school)) > 0, "the bad answer must not have been kept"


def test_a_byte_order_mark_is_no_fault(simulator: Simulator, school: School):
    simulator.hooks.append(on("genders", lambda answer: replace(answer, body=b"\xef\xbb\xbf" + answer.body)))
    assert len(hf.load_genders(school)) > 0


# --- the rate limit


def test_429_is_waited_out_and_nothing_is_lost(serve: Serve, connect_to: Connect):
    simulator = serve(capacity=12, refill_seconds=0.05)
    school = connect_to(simulator, rate=Rate(500, 0.05), retry=RetryPolicy(max_wait_429=60, first_delay=0.01))
    students = hf.load_students(school).head(30)
    marks = hf.load_student_attendance(school, students)
    assert marks.student_id.nunique() == 30


def test_a_server_with_the_rate_limiter_of_symfony_gives_everything(world: World, connect_to: Connect):
    rules = Rules.symfony(capacity=12, refill_seconds=0.25)
    with Simulator(world, rules) as simulator:
        school = connect_to(simulator, rate=Rate(500, 0.25), retry=RetryPolicy(max_wait_429=60, first_delay=0.01))
        students = hf.load_students(school).head(20)
        assert hf.load_student_attendance(school, students).student_id.nunique() == 20
        assert sum(asked.status == 429 for asked in simulator.log) <= 3, "the headers say what is left"


def test_a_hidden_limit_is_settled_into_without_a_storm(serve: Serve, connect_to: Connect):
    simulator = serve(capacity=500, refill_seconds=0.2, per_address_per_minute=None)
    hits: list[float] = []

    def hidden(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        now = time.monotonic()
        recent = [hit for hit in hits if now - hit < 1.0]
        if len(recent) >= 5:
            return status(429)(answer)
        hits.append(now)
        return answer

    simulator.hooks.append(hidden)
    school = connect_to(simulator, rate=Rate(500, 0.2))
    hf.load_student_attendance(school, hf.load_students(school).head(15))
    refused = [asked for asked in simulator.log if asked.status == 429]
    assert 1 <= len(refused) <= 10, "those under way when the limit was met, and hardly more"


def test_the_headers_lower_the_count(serve: Serve, connect_to: Connect):
    simulator = serve(capacity=40, refill_seconds=5.0)
    school = connect_to(simulator, rate=Rate(500, 5.0))
    hf.load_genders(school)
    assert school._session.bucket.left() <= 38.1
    assert school._session.bucket.left() > 30


def test_a_cached_answer_costs_nothing(simulator: Simulator, school: School):
    hf.load_genders(school)
    before = len(simulator.log), school._session.bucket.left()
    hf.load_genders(school)
    assert len(simulator.log) == before[0]
    assert school._session.bucket.left() >= before[1]


NOW = 1_800_000_000.0
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"  # the same instant


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-RateLimit-Retry-After": str(int(NOW + 30)), "Date": DATE}, 31),
        ({"X-RateLimit-Retry-After": str(int((NOW + 30) * 1000)), "Date": DATE}, 31),
        ({"X-RateLimit-Retry-After": str(int(NOW + 10**8)), "Date": DATE}, 900),
        ({"X-RateLimit-Retry-After": "soon", "Date": DATE}, 5),
        ({"X-RateLimit-Retry-After": "-4", "Date": DATE}, 5),
        ({"X-RateLimit-Retry-After": "inf"}, 5),
        ({"X-RateLimit-Retry-After": str(int(NOW - 40))}, 5),
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "Fri, 15 Jan 2027 08:00:20 GMT", "Date": DATE}, 20),
        ({}, 5),
    ],
)
def test_the_pause_after_429(headers: dict[str, str], expected: float):
    assert pause_after_429(headers, NOW, 5.0) == pytest.approx(expected)


def test_the_pause_is_read_against_the_servers_own_clock():
    ahead = {"X-RateLimit-Retry-After": str(int(NOW + 30)), "Date": DATE}
    assert pause_after_429(ahead, NOW - 7200, 5.0) == pytest.approx(31)


# --- the cache


def test_refresh_asks_again(simulator: Simulator, school: School):
    hf.load_genders(school)
    hf.load_genders(school, refresh=True)
    assert simulator.count("genders") == 2


@pytest.mark.parametrize(("seconds", "cached"), [(600, True), (0.1, False)])
def test_an_answer_expires(school: School, seconds: float, cached: bool):
    request = Request("/api/v1/genders")
    reading = Reading(timedelta(seconds=seconds), is_answer=lambda _: True, rows=lambda _: [])
    assert not school._session.get(request, reading).cached
    time.sleep(0.2)
    assert school._session.get(request, reading).cached is cached


def test_an_error_is_never_kept(simulator: Simulator, school: School):
    simulator.hooks.append(on("genders", status(404), times=1))
    with pytest.raises(hf.NotFoundError):
        hf.load_genders(school)
    assert len(hf.load_genders(school)) > 0


def test_an_error_does_not_bring_an_old_answer_back(simulator: Simulator, school: School):
    hf.load_genders(school)
    simulator.hooks.append(on("genders", status(403)))
    with pytest.raises(hf.NotPermittedError):
        hf.load_genders(school, refresh=True)


def test_two_realms_share_nothing(serve: Serve, connect_to: Connect):
    other = build_world(students=20, seed=9, realm="s999")
    simulator = serve({"S999": build_world(students=20, seed=8), "s999": other})
    one, two = connect_to(simulator), connect_to(simulator, realm="s999")
    first, second = hf.load_students(one), hf.load_students(two)
    assert not first.equals(second)
    assert hf.load_students(one).equals(first)
    assert hf.load_students(two).equals(second)
    assert one.cache()["file"] != two.cache()["file"]


def test_two_academic_years_share_nothing(school: School):
    years = hf.load_academic_years(school).academic_year_id.tolist()
    frames = [hf.load_forms(school, academic_year_id=year) for year in years]
    assert not frames[0].form_id.isin(frames[1].form_id).any()
    lists = [hf.load_students(school, academic_year_id=year) for year in years]
    assert not lists[0].equals(lists[1])


@pytest.mark.posix("permission bits", proved_by="test_new_folders_are_private_on_windows")
def test_files_are_their_owners_alone_whatever_the_umask(simulator: Simulator, connect_to: Connect):
    before = os.umask(0)
    try:
        school = connect_to(simulator)
        hf.load_students(school)
    finally:
        os.umask(before)
    file = Path(str(school.cache()["file"]))
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    for each in file.parent.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each


def test_offline_answers_from_the_cache_alone(simulator: Simulator, connect_to: Connect):
    students = hf.load_students(connect_to(simulator))
    asked = len(simulator.log)
    offline = connect_to(simulator, offline=True)
    assert hf.load_students(offline).equals(students)
    with pytest.raises(hf.NotCachedError, match="not in the cache"):
        hf.load_genders(offline)
    assert len(simulator.log) == asked


def test_a_damaged_cache_is_set_aside_until_all_is_purged(simulator: Simulator, connect_to: Connect):
    school = connect_to(simulator)
    hf.load_genders(school)
    file = Path(str(school.cache()["file"]))
    school.close()
    for beside in file.parent.glob(f"{file.name}*"):
        beside.write_bytes(b"no database " * 1000)
    with pytest.warns(hf.HubmisWarning, match="renamed to"):
        school = connect_to(simulator)
    assert len(hf.load_genders(school)) > 0
    assert list(file.parent.glob("*.damaged-*"))
    school.purge_cache()
    assert not list(file.parent.glob("*.damaged-*"))


def test_a_damaged_row_is_asked_for_anew(simulator: Simulator, school: School):
    hf.load_genders(school)
    with school._session._store.responses.connection(commit=True) as db:
        db.execute("UPDATE responses SET value = x'00'")
    assert len(hf.load_genders(school)) > 0
    assert simulator.count("genders") == 2


def test_a_cache_that_cannot_be_written_is_an_error_before_anything_is_sent(
    simulator: Simulator, connect_to: Connect, tmp_path: Path
):
    (tmp_path / "file").write_text("")
    with pytest.raises(hf.CacheError, match="HUBMIS_CACHE_DIR"):
        connect_to(simulator, cache_dir=tmp_path / "file" / "below")
    assert simulator.log == []


def test_a_cache_that_another_holds_is_an_error_in_seconds(
    simulator: Simulator, school: School, monkeypatch: pytest.MonkeyPatch
):
    import sqlite3

    from hubmis_frames.transport import cache as store

    monkeypatch.setattr(store, "_WRITE_DEADLINE", 0.2)
    hf.load_genders(school)
    other = sqlite3.connect(str(school.cache()["file"]), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(hf.CacheError, match="Cannot write the cache"):
            hf.load_titles(school)
    finally:
        other.close()
    assert len(hf.load_titles(school)) > 0


def test_one_address_asked_by_many_threads_is_one_request(simulator: Simulator, school: School):
    with ThreadPoolExecutor(16) as pool:
        frames = list(pool.map(lambda _: hf.load_genders(school), range(16)))
    assert all(frame.equals(frames[0]) for frame in frames)
    assert simulator.count("genders") == 1


# --- secrets


def test_the_secret_and_the_token_are_nowhere(
    simulator: Simulator, school: School, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    import logging
    import pickle

    caplog.set_level(logging.DEBUG)
    secret = "demo-secret"
    hf.load_students(school)
    token = school._session._adapter._tokens.bearer().removeprefix("Bearer ")
    school.export(tmp_path / "out", ["genders"])
    simulator.hooks.append(on("titles", status(500)))
    with pytest.raises(hf.UnreachableError) as caught:
        hf.load_titles(school)
    shown = [repr(school), str(school), repr(vars(school)), repr(school._session), caplog.text, repr(caught.value)]
    for hidden in (secret, token):
        assert all(hidden not in text for text in shown)
        for file in tmp_path.rglob("*"):
            assert not file.is_file() or hidden.encode() not in file.read_bytes(), file
    with pytest.raises(TypeError, match="credentials"):
        pickle.dumps(school)


def test_only_the_headers_the_document_names_leave(simulator: Simulator, school: School):
    hf.load_students(school)
    allowed = {
        "host",
        "accept",
        "accept-encoding",
        "user-agent",
        "connection",
        "realm",
        "academic-year-id",
        "authorization",
    }
    for asked in simulator.log:
        if asked.method == "GET":
            assert {name.lower() for name in asked.headers} <= allowed


def test_a_netrc_does_not_speak_for_us(
    simulator: Simulator, school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    hf.load_genders(school)
    assert all(asked.headers["Authorization"] in ("valid", "missing") for asked in simulator.log)


def test_a_fan_out_that_is_left_stops_asking_and_disturbs_no_other(simulator: Simulator, school: School):
    from hubmis_frames.transport import Pages, gather

    requests = [Request(f"/{number}") for number in range(50)]
    asked: list[str] = []

    def slow(request: Request) -> Pages:
        asked.append(request.path)
        time.sleep(0.02)
        return Pages([], 1, 0)

    outcomes = gather(requests, slow)
    next(outcomes)
    outcomes.close()
    before = len(asked)
    time.sleep(0.1)
    assert len(asked) == before < 50

    students = hf.load_students(school)
    with ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(hf.load_student_attendance, school, students.iloc[n * 12 : n * 12 + 12]) for n in range(4)]
        assert [load.result().student_id.nunique() for load in loads] == [12] * 4


@pytest.mark.posix("Windows does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_a_forked_child_has_to_connect_itself(school: School):
    hf.load_genders(school)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            hf.load_genders(school)
            os.write(write, b"loaded")
        except hf.SettingsError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert b"Connect again" in os.read(read, 1000)
    os.close(read)
    os.close(write)


def test_a_proxy_is_not_told_the_secret_of_this_machine(
    simulator: Simulator, connect_to: Connect, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert len(hf.load_genders(connect_to(simulator))) > 0


def test_some_that_have_none_do_not_stop_the_others(simulator: Simulator, school: School):
    ids = hf.load_students(school).student_id.head(30).tolist()
    leavers = [f"/students/{number}/destination" for number in ids[12:15]]
    simulator.hooks.append(
        lambda asked, answer: (
            answer
            if "destination" not in asked.path or asked.path.endswith(tuple(leavers))
            else replace(answer, status=404)
        )
    )
    with pytest.raises(hf.IncompleteError, match="27 of 30") as caught:
        hf.load_student_destination(school, ids)
    assert caught.value.tables["student_destination"].student_id.tolist() == ids[12:15]


def test_the_world_is_not_touched(world: World):
    """The tests above share it."""
    assert len(world.realm) > 0
