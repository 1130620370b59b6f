"""What a network, a disk and a clock can do, with real sockets, real processes and real files."""

import http.client
import logging
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import trustme

import hubmis_frames as hf
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator, build_world
from hubmis_frames.transport import Rate, RetryPolicy

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
TOKEN = "/api/v1/token"


# --- servers that no HTTP library would write


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Serve connections with a function of the socket; gives the address."""
    listeners: list[socket.socket] = []

    def start(talk: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        def serve(connection: socket.socket) -> None:
            with connection:
                try:
                    talk(connection)
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()


def reply(connection: socket.socket, body: bytes, headers: str = "") -> None:
    # The whole request: closing on an unread body would break the connection before the answer is read.
    with connection.makefile("rb") as asked:
        asked.readline()
        asked.read(int(http.client.parse_headers(asked).get("Content-Length") or 0))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    connection.sendall(head.encode() + body)


GRANT = b'{"token_type": "Bearer", "expires_in": 900, "access_token": "abc.def"}'


def first_grant_then(talk: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Give the first connection a token, and do with the others as told."""
    given = threading.Event()

    def serve(connection: socket.socket) -> None:
        if given.is_set():
            talk(connection)
        else:
            given.set()
            reply(connection, GRANT, "Connection: close\r\n")

    return serve


def test_a_drip_ends_at_the_deadline(raw: Any, simulator: Simulator, connect_to: Connect):
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[")
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    retry = RetryPolicy(read_timeout=5, total_timeout=0.4, max_attempts=2, first_delay=0.01)
    school = connect_to(simulator, base_url=raw(first_grant_then(drip)), retry=retry)
    began = time.monotonic()
    with pytest.raises(hf.UnreachableError, match="in time"):
        hf.load_genders(school)
    assert time.monotonic() - began < 30


def test_a_compressed_bomb_is_refused_early(raw: Any, simulator: Simulator, connect_to: Connect):
    import gzip

    bomb = gzip.compress(b" " * 50_000_000)
    url = raw(first_grant_then(lambda connection: reply(connection, bomb, "Content-Encoding: gzip\r\n")))
    school = connect_to(simulator, base_url=url, retry=RetryPolicy(max_body=10**6))
    with pytest.raises(hf.PayloadError, match="larger than"):
        hf.load_genders(school)


def test_a_compressed_and_a_chunked_answer_are_read(raw: Any, simulator: Simulator, connect_to: Connect):
    import gzip

    body = gzip.compress(b'[{"id": 1, "name": "A"}]')

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:], b""))
        connection.sendall(head + chunks)

    school = connect_to(simulator, base_url=raw(first_grant_then(talk)))
    assert hf.load_genders(school).gender_id.tolist() == [1]


def test_a_certificate_that_is_not_trusted_is_explained(simulator: Simulator, connect_to: Connect):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    context.wrap_socket(connection, server_side=True)
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        school = connect_to(simulator, base_url=f"https://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(hf.UnreachableError, match="root certificate"):
            hf.load_genders(school)


def test_a_certificate_that_the_user_names_is_trusted(
    simulator: Simulator, connect_to: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "school.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    talk = first_grant_then(lambda connection: reply(connection, b'[{"id": 1}]'))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "school.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            for _ in range(2):
                connection, _address = listener.accept()
                with context.wrap_socket(connection, server_side=True) as secure:
                    talk(secure)

        threading.Thread(target=accept, daemon=True).start()
        school = connect_to(simulator, base_url=f"https://127.0.0.1:{listener.getsockname()[1]}")
        assert hf.load_genders(school).gender_id.tolist() == [1]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REQUESTS_CA_BUNDLE", "/nowhere/school.pem", "file of certificates"),
        ("HTTPS_PROXY", "nonsense://user:hush-hush@proxy:1", "a proxy looks like"),
        ("HTTPS_PROXY", "http://user:1234/hush-hush@127.0.0.1:9", "an address that is not shown|a proxy looks like"),
        ("HTTPS_PROXY", "http://user:hush-hush@127.0.0.1:9", r"through the proxy http://127\.0\.0\.1:9 "),
    ],
)
def test_a_setting_of_the_network_that_cannot_be_used_is_explained(
    simulator: Simulator, connect_to: Connect, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
):
    for each in ("NO_PROXY", "no_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, value)
    school = connect_to(simulator, base_url="https://127.0.0.1:9")
    with pytest.raises(hf.HubmisError, match=said) as caught:
        hf.load_genders(school)
    assert "hush-hush" not in str(caught.value)
    assert "1234" not in str(caught.value)


def test_a_name_that_does_not_resolve_is_explained(simulator: Simulator, connect_to: Connect):
    school = connect_to(simulator, base_url="https://hubmis.invalid")
    with (
        pytest.warns(hf.HubmisWarning, match="infers"),
        pytest.raises(hf.UnreachableError, match="name of the server was not found"),
    ):
        hf.load_genders(school)


# --- tokens and the rate


@pytest.mark.parametrize("code", [429, 500])
def test_a_token_endpoint_in_trouble_is_waited_for(serve: Serve, connect_to: Connect, code: int):
    simulator = serve()
    left = [2]

    def trouble(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.path != TOKEN or not left[0]:
            return answer
        left[0] -= 1
        return replace(answer, status=code)

    simulator.hooks.append(trouble)
    school = connect_to(simulator, rate=Rate(500, 0.02))
    assert len(hf.load_genders(school)) > 0
    assert simulator.count(TOKEN) == 3


def test_a_token_is_not_older_than_its_life_after_a_long_queue(
    serve: Serve, connect_to: Connect, monkeypatch: pytest.MonkeyPatch
):
    simulator = serve(token_seconds=900)
    school = connect_to(simulator)
    hf.load_genders(school)
    take = school._session.bucket.take
    passed = [0.0]
    monotonic = time.monotonic

    def long_queue() -> None:
        take()
        passed[0] += 1000
        simulator.advance(1000)

    monkeypatch.setattr(school._session.bucket, "take", long_queue)
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + passed[0])
    monkeypatch.setattr(school._session._adapter, "_retry", RetryPolicy(max_wait_429=10**6, total_timeout=10**6))
    assert len(hf.load_titles(school)) > 0
    assert next(asked.status for asked in simulator.log if asked.path.endswith("titles")) == 200


def test_every_attempt_costs_a_place_and_a_cached_answer_none(serve: Serve, connect_to: Connect):
    simulator = serve(capacity=500, refill_seconds=5.0, send_rate_headers=False)
    school = connect_to(simulator, rate=Rate(500, 5.0))
    failing = [2]

    def fails(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if "genders" in asked.path and failing[0]:
            failing[0] -= 1
            return replace(answer, status=503)
        return answer

    simulator.hooks.append(fails)
    hf.load_genders(school)
    for _ in range(5):
        hf.load_genders(school)
    assert len(simulator.log) == school.sent == 4  # a token and three attempts
    assert 495.9 < school._session.bucket.left() <= 496.1


CHILD = """
import sys
from pathlib import Path
import hubmis_frames as hf
from hubmis_frames.transport import Rate, Session
from hubmis_frames.school import School
url, folder, first, last, interval = sys.argv[1:]
session = Session(base_url=url, realm="S999", client_id="demo-client", client_secret="demo-secret",
    cache_dir=Path(folder) / "cache", rate_file=Path(folder) / "rate.sqlite", rate=Rate(20, float(interval)))
school = School(session, progress=False)
students = hf.load_students(school)
marks = hf.load_student_attendance(school, students.iloc[int(first):int(last)])
print(marks.student_id.nunique())
"""


@pytest.mark.slow
def test_two_processes_that_share_a_client_draw_hardly_a_429(serve: Serve, tmp_path: Path):
    simulator = serve(capacity=20, refill_seconds=0.1)
    command = [sys.executable, "-c", CHILD, simulator.url, str(tmp_path)]
    children = [
        subprocess.Popen([*command, first, last, "0.1"], stdout=subprocess.PIPE, text=True)
        for first, last in (("0", "25"), ("25", "50"))
    ]
    assert [int(child.communicate(timeout=60)[0]) for child in children] == [25, 25]
    assert sum(asked.status == 429 for asked in simulator.log) <= 2


def test_a_waiter_that_is_killed_has_taken_nothing(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from hubmis_frames.transport import Bucket, Rate\n"
        "bucket = Bucket(Path(sys.argv[1]), 'a', Rate(1, 3.0)); bucket.take()\n"
        "print('taken', flush=True); bucket.take()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "rate.sqlite")], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.3)
        child.kill()
    from hubmis_frames.transport import Bucket

    left = Bucket(tmp_path / "rate.sqlite", "a", Rate(1, 3.0)).left()
    assert 0 < left < 1, "one place was taken, and it is coming back"


# --- disks


@pytest.mark.posix("limits of a process", proved_by="test_a_disk_that_fails_is_no_success")
def test_a_full_disk_is_an_error_and_no_hang(serve: Serve, tmp_path: Path):
    simulator = serve()
    code = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import hubmis_frames\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n" + CHILD
    )
    command = [sys.executable, "-c", code, simulator.url, str(tmp_path), "0", "50", "0.001"]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "CacheError: Cannot write the cache" in done.stderr
    assert time.monotonic() - began < 40
    again = subprocess.run([*command[:2], CHILD, *command[3:]], capture_output=True, text=True, timeout=60, check=False)
    assert again.stdout.strip() == "50", again.stderr


def test_an_interrupted_write_does_not_block_the_next(simulator: Simulator, school: School):
    rows = school._session._store.responses

    def interrupted() -> None:
        with rows.connection(commit=True) as db:
            db.execute("DELETE FROM responses")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(hf.load_genders(school)) == len(hf.load_genders(school)) > 0
    assert simulator.count("genders") == 1, "the answer was kept"


def test_upstream_still_retries_for_ever_so_that_our_deadline_is_needed():
    """When this fails, requests-cache has changed, and Rows may be simpler."""
    import inspect

    from requests_cache.backends.sqlite import SQLiteDict

    source = inspect.getsource(SQLiteDict._acquire_sqlite_lock)
    assert "while True" in source
    assert "except sqlite3.OperationalError:\n                self._connection.rollback()" in source


def test_an_older_cache_goes_with_a_sentence_and_a_later_one_stays(simulator: Simulator, connect_to: Connect):
    school = connect_to(simulator)
    folder = Path(str(school.cache()["file"])).parent
    school.close()
    older = [folder / name for name in ("answers-0.sqlite", "answers-0.sqlite-wal", "answers-encrypted-0.sqlite")]
    for file in (*older, folder / "answers-99.sqlite"):
        file.write_bytes(b"of another version")
    with pytest.warns(hf.HubmisWarning, match="an older version's and was removed"):
        school = connect_to(simulator)
    assert not any(file.exists() for file in older)
    assert (folder / "answers-99.sqlite").read_bytes() == b"of another version"
    assert len(hf.load_genders(school)) > 0


def test_a_cache_whose_columns_are_another_librarys_is_rebuilt(simulator: Simulator, connect_to: Connect):
    school = connect_to(simulator)
    file = Path(str(school.cache()["file"]))
    school.close()
    file.unlink()
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE responses (id TEXT PRIMARY KEY, body BLOB)")
    db.close()
    with pytest.warns(hf.HubmisWarning, match="fetched again"):
        school = connect_to(simulator)
    assert len(hf.load_genders(school)) > 0


# --- secrets


def test_neither_a_traceback_with_its_variables_nor_a_log_shows_a_secret(
    simulator: Simulator, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    shown: list[str] = []

    def attempt(**given: Any) -> None:
        settings = {"realm": "S999", "client_id": "demo-client", "base_url": simulator.url, "cache_dir": tmp_path / "c"}
        monkeypatch.setenv("HUBMIS_CLIENT_SECRET", "hush-hush-hush")
        try:
            with hf.connect(**{**settings, **given}) as school:
                hf.load_genders(school)
        except hf.HubmisError as error:
            shown.extend(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    attempt()  # wrong secret
    attempt(realm=" ")  # a setting that is missing
    attempt(cache_dir="/proc/nowhere")
    simulator.hooks.append(
        lambda asked, answer: replace(answer, body=b'{"access_token": "to-ken\\n", "expires_in": {}}')
    )
    attempt()
    assert len(shown) > 20
    text = "".join(shown) + caplog.text
    assert "hush-hush" not in text
    assert "to-ken" not in text


# --- schools


@pytest.mark.parametrize("realm", ["../x", "CON", "a/b\\c", "学校-東京", "r" * 200, "é" * 200, "NUL.txt", "s999 "])
def test_any_realm_names_files_that_are_its_own(serve: Serve, connect_to: Connect, tmp_path: Path, realm: str):
    simulator = serve({realm: build_world(students=20, seed=2, realm=realm), "S999": build_world(students=20, seed=1)})
    for each in (realm, "S999"):
        connect_to(simulator, realm=each).export(tmp_path / "out", ["students", "genders"])
    students = pd.read_parquet(tmp_path / "out" / "students")
    assert len(students) == 40
    assert students.realm.nunique() == 2
    assert {path.name for path in tmp_path.iterdir()} == {"out", "cache", "rate.sqlite"}
    assert len(list((tmp_path / "out").glob("manifest-*.json"))) == 2


# --- death


@pytest.mark.slow
def test_killed_again_and_again_an_export_never_leaves_half_a_file(serve: Serve, connect_to: Connect, tmp_path: Path):
    import pyarrow.parquet as pq

    simulator = serve(latency=0.005)
    code = CHILD.replace(
        "students = hf",
        "school.export(Path(folder) / 'out', on_table=lambda table, *_: print(table, flush=True))\nstudents = hf",
    )
    command = [sys.executable, "-c", code, simulator.url, str(tmp_path), "0", "1", "0.0001"]
    for number in range(100):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline()
            time.sleep(0.01 * number)
            child.kill()
            child.communicate()
        for file in (tmp_path / "out").rglob("*.parquet"):
            assert pq.ParquetFile(file).read() is not None
        for database in tmp_path.rglob("*.sqlite"):
            with sqlite3.connect(database) as db:
                assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)
            db.close()
    done = connect_to(simulator).export(tmp_path / "out")
    assert (done.status == "complete").all()
    whole = connect_to(serve(), cache_dir=tmp_path / "other", rate_file=tmp_path / "other.sqlite")
    whole.export(tmp_path / "whole")
    for folder in (path for path in (tmp_path / "whole").iterdir() if path.is_dir()):
        one, other = (
            file.read_bytes()
            for side in ("out", "whole")
            for file in (tmp_path / side / folder.name).rglob("*.parquet")
        )
        assert one == other, folder.name


# --- files and bodies


def test_a_file_that_another_program_holds_is_a_clear_error(school: School, tmp_path: Path):
    """On Windows a file that is open in Excel cannot be replaced; a folder in its place cannot be anywhere."""
    (tmp_path / "out" / "genders" / "realm=S999" / "part-0.parquet" / "held").mkdir(parents=True)
    with pytest.raises(hf.ExportError, match="close programs that have a file"):
        school.export(tmp_path / "out", ["genders"])


def test_a_reader_sees_whole_files_while_they_are_written(serve: Serve, connect_to: Connect, tmp_path: Path):
    school = connect_to(serve())
    school.export(tmp_path / "out", ["students"])
    ended = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not ended.is_set():
            seen.append(len(pd.read_parquet(tmp_path / "out" / "students" / "realm=S999" / "part-0.parquet")))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(10):
        school.export(tmp_path / "out", ["students"], refresh=True)
    ended.set()
    reader.join()
    assert len(seen) > 5
    assert set(seen) == {60}


def nested(depth: int) -> Callable[[SimulatedRequest, SimulatedResponse], SimulatedResponse]:
    body = b'[{"id": 1, "deep": ' + b'{"a": ' * depth + b"1" + b"}" * depth + b"}]"
    return lambda asked, answer: replace(answer, body=body) if "genders" in asked.path else answer


@pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")
def test_nesting_is_read_at_any_depth_that_occurs(simulator: Simulator, school: School):
    simulator.hooks.append(nested(50))
    assert hf.load_genders(school).iloc[0].tolist()[-1] == 1


def test_nesting_beyond_all_measure_is_refused(simulator: Simulator, school: School):
    simulator.hooks.append(nested(1000))
    with pytest.raises(hf.PayloadError, match="genders"):
        hf.load_genders(school)
