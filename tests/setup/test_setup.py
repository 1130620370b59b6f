"""A person's first hour: credentials, the doctor, the probe, and commands in scripts, over real sockets."""

import io
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keyring
import keyring.backends.null
import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.setup.json_shape import shape_of
from hubmis_frames.setup.keyring import Login, store_login, stored_login
from hubmis_frames.setup.settings import BASE_URL, look_up, open_session, settings
from hubmis_frames.simulator import Answer, Asked, Simulator

Serve = Callable[..., Simulator]
SECRET = "demo-secret"
posix = pytest.mark.skipif(os.name == "nt", reason="pseudo terminals and limits are POSIX's")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("state", "cache", "config"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def environment(simulator: Simulator, folders: None, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"REALM": "S999", "CLIENT_ID": "demo-client", "CLIENT_SECRET": SECRET, "BASE_URL": simulator.url}
    for name, value in given.items():
        monkeypatch.setenv(f"HUBMIS_{name}", value)


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Type lines, and a secret where it is not shown."""

    def type_(*lines: str, secret: str = SECRET) -> None:
        terminal = io.StringIO("".join(f"{line}\n" for line in lines))
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdin", terminal)
        monkeypatch.setattr("getpass.getpass", lambda prompt: secret)

    return type_


# --- where a setting comes from


def test_an_argument_goes_before_the_environment_and_that_before_the_keyring(
    memory_keyring: Any, monkeypatch: pytest.MonkeyPatch
):
    store_login(Login("K", "id-k", "secret-k", BASE_URL))
    assert {name: found.source for name, found in look_up().items()} == {
        "realm": "keyring", "client_id": "keyring", "client_secret": "keyring", "base_url": "keyring",
        "cache_dir": "default",
    }  # fmt: skip
    monkeypatch.setenv("HUBMIS_REALM", "E")
    assert look_up()["realm"] == ("E", "environment")
    assert look_up(realm="A")["realm"] == ("A", "argument")
    assert settings("A", None, None, None, None, None).client_secret == "secret-k"
    with pytest.raises(hf.SettingsError, match="HUBMIS_REALM"):
        settings(" ", None, None, None, None, None)


def test_a_stored_secret_goes_to_no_other_address_and_with_no_other_client(
    memory_keyring: Any, monkeypatch: pytest.MonkeyPatch
):
    store_login(Login("K", "id-k", "secret-k", BASE_URL))
    with pytest.raises(hf.SettingsError, match=r"belongs to https://api\.hubmis\.com and is not sent"):
        settings(None, None, None, "https://test.example", None, None)
    with pytest.raises(hf.SettingsError, match="Not set: HUBMIS_CLIENT_SECRET"):
        settings(None, "another", None, None, None, None)
    assert settings(None, "id-k", None, f"{BASE_URL}/", None, None).client_secret == "secret-k"


def test_what_shows_itself_holds_no_secret(memory_keyring: Any):
    login = Login("K", "id-k", "hush-hush", BASE_URL)
    store_login(login)
    assert stored_login() == login
    assert "hush" not in repr([login, look_up(), settings(None, None, None, None, None, None)])


@pytest.mark.parametrize("held", ["", "no json", "[]", "{}", '{"realm": "x"}', "17"])
def test_an_entry_that_is_no_login_is_none(memory_keyring: Any, held: str):
    memory_keyring.set_password("hubmis_frames", "login", held)
    assert stored_login() is None


def test_a_keyring_that_fails_in_its_own_way_is_no_traceback(memory_keyring: Any, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: str) -> str:
        raise OSError("the bus with hush-hush is closed")

    monkeypatch.setattr(memory_keyring, "get_password", fail)
    with pytest.raises(hf.SettingsError, match="hubmis-frames login") as caught:
        hf.connect()
    assert "hush-hush" not in str(caught.value)


# --- login


@pytest.mark.usefixtures("folders")
def test_login_tries_stores_and_says_where_and_then_everything_works_without_settings(
    simulator: Simulator, memory_keyring: Any, types: Callable[..., None], capsys: pytest.CaptureFixture[str]
):
    types("", "S999", "demo-client")
    assert main(["login", "--base-url", simulator.url]) == 0
    said = capsys.readouterr()
    assert "memory keyring" in said.out
    assert SECRET not in said.out + said.err
    assert simulator.count() == 2, "a token and one cheap operation"
    with hf.connect() as school:
        assert len(hf.load_genders(school)) > 0
    assert main(["doctor"]) == 0
    assert "S999 (keyring)" in capsys.readouterr().out
    assert main(["login", "--forget"]) == 0
    assert not memory_keyring.held
    assert main(["login", "--forget"]) == 0
    assert "No login was stored" in capsys.readouterr().out


@pytest.mark.usefixtures("folders")
def test_login_stores_nothing_that_was_refused(
    simulator: Simulator, memory_keyring: Any, types: Callable[..., None], capsys: pytest.CaptureFixture[str]
):
    types("S999", "demo-client", secret="hush-hush")
    assert main(["login", "--base-url", simulator.url]) == 1
    types("S998", "demo-client", "n")
    assert main(["login", "--base-url", simulator.url]) == 1
    types("S999")  # and then the end of input
    assert main(["login", "--base-url", simulator.url]) == 1
    said = capsys.readouterr()
    assert "refused the client id and secret" in said.err
    assert "letter by letter" in said.out
    assert "nothing was stored" in said.err
    assert not memory_keyring.held
    assert "hush-hush" not in said.out + said.err


@pytest.mark.usefixtures("folders")
def test_an_account_that_may_read_little_can_be_stored_all_the_same(
    serve: Serve, memory_keyring: Any, types: Callable[..., None]
):
    simulator = serve(forbidden=frozenset({"genders", "countries", "academic_years"}))
    types("S999", "demo-client", "y")
    assert main(["login", "--base-url", simulator.url]) == 0
    assert stored_login() == Login("S999", "demo-client", SECRET, simulator.url)


@pytest.mark.usefixtures("folders")
def test_without_a_keyring_login_says_what_to_set(
    simulator: Simulator, types: Callable[..., None], capsys: pytest.CaptureFixture[str]
):
    types("S999", "demo-client")
    assert main(["login", "--base-url", simulator.url]) == 1
    said = capsys.readouterr().out
    assert "[Environment]::SetEnvironmentVariable('HUBMIS_REALM', 'S999', 'User')" in said
    assert "export HUBMIS_CLIENT_ID=demo-client" in said
    assert "read -rs HUBMIS_CLIENT_SECRET" in said
    assert SECRET not in said
    keyring.set_keyring(keyring.backends.null.Keyring())  # keeps nothing, and says nothing
    types("S999", "demo-client")
    assert main(["login", "--base-url", simulator.url]) == 1


def test_login_without_a_terminal_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("S999\nid\nhush-hush\n"))
    assert main(["login"]) == 1
    assert "needs a terminal" in capsys.readouterr().err


@posix
@pytest.mark.usefixtures("folders")
def test_in_a_real_terminal_the_secret_is_not_echoed(simulator: Simulator):
    import pty  # Windows has none

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hubmis_frames", "login", "--base-url", simulator.url]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True):
        os.close(theirs)
        said = ""
        for prompt, answer in (("Realm: ", "S999"), ("Client id: ", "demo-client"), ("secret: ", SECRET)):
            while not said.endswith(prompt):
                said += os.read(ours, 1024).decode()
            time.sleep(0.2)  # the echo is off once the prompt is out
            os.write(ours, f"{answer}\n".encode())
        try:
            while piece := os.read(ours, 1024):
                said += piece.decode()
        except OSError:
            pass  # the end of a terminal
    os.close(ours)
    assert "HUBmis answered." in said
    assert "demo-client" in said
    assert SECRET not in said


# --- doctor


@pytest.mark.usefixtures("environment")
def test_the_doctor_finds_all_well_and_sends_little(simulator: Simulator, capsys: pytest.CaptureFixture[str]):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    for part in ("pandas ", "S999 (environment)", "cache folder", "131 inferred", "seconds ahead", "All is well"):
        assert part in said
    assert simulator.count() == 4
    assert not {SECRET, "demo-client"} & set(re.findall(r"[\w-]+", said))
    assert str(Path.home()) not in said


def examined(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["doctor", *arguments]) == 1
    said = capsys.readouterr()
    assert "What to do:\n  1. " in said.out
    assert "Traceback" not in said.out + said.err
    assert SECRET not in said.out + said.err
    return said.out


@pytest.mark.usefixtures("folders")
def test_the_doctor_without_settings(capsys: pytest.CaptureFixture[str]):
    said = examined(capsys)
    assert "realm: not set" in said
    assert "Run 'hubmis-frames login'" in said


@pytest.mark.usefixtures("environment")
def test_the_doctor_on_what_people_get_wrong(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert "letter by letter" in examined(capsys, "--realm", "S998")
    assert "name of the server was not found" in examined(capsys, "--base-url", "https://hubmis.invalid")
    assert "'api.hubmis.com' is not an address" in examined(capsys, "--base-url", "api.hubmis.com")
    assert "is not an address" in examined(capsys, "--base-url", "http://[api")
    assert "unencrypted" in examined(capsys, "--base-url", "http://api.hubmis.com")
    assert "hubmis.json" in examined(capsys, "--openapi", str(tmp_path / "hubmis.json"))
    (tmp_path / "file").write_text("no folder")
    assert "cannot be written" in examined(capsys, "--cache-dir", str(tmp_path / "file" / "cache"))
    simulator.hooks.append(lambda asked, answer: replace(answer, headers={"Date": "Wed, 01 Jan 2020 10:00:00 GMT"}))
    assert "Set this machine's clock" in examined(capsys)
    monkeypatch.setenv("HUBMIS_CLIENT_SECRET", "wrong-secret")
    said = examined(capsys)
    assert "refused the client" in said
    assert "wrong-secret" not in said


@pytest.mark.usefixtures("environment")
def test_the_doctor_does_not_wait_for_a_rate_limit(simulator: Simulator, capsys: pytest.CaptureFixture[str]):
    simulator.hooks.append(lambda asked, answer: replace(answer, status=429))
    began = time.monotonic()
    assert "429" in examined(capsys)
    assert "no request is left" in examined(capsys)
    assert time.monotonic() - began < 5


def spend(left: float) -> None:
    """Leave so many requests in the bucket of the client that the environment names."""
    session = open_session(settings(None, None, None, None, None, None))
    session.bucket.lower(left)
    session.close()


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("left", [0, 1, 3])
def test_the_doctor_asks_as_much_as_there_are_requests_left(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], left: int
):
    spend(left + 0.4)
    said = examined(capsys)
    assert simulator.count() == left
    assert f"note  rate: {left} of 500 requests left" in said
    assert "not asked: no request is left; there are enough again in 1 minute\n" in said
    assert "  1. Wait 1 minute, or" in said
    assert "WRONG" not in said
    assert ("token: HUBmis took the client" in said) == (left > 0)
    assert ("realm: not known, as too little could be asked" in said) == (left == 1)
    assert ("realm: S999 answers" in said) == (left == 3)


@pytest.mark.usefixtures("environment")
def test_with_one_request_the_doctor_knows_a_wrong_secret_and_with_enough_wants_no_more(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    spend(4.4)
    assert main(["doctor"]) == 0
    assert "note  rate: 4 of 500" in capsys.readouterr().out
    monkeypatch.setenv("HUBMIS_CLIENT_ID", "another-client")
    spend(1.4)
    assert "WRONG token: HUBmis answered, and refused the client" in examined(capsys)


@pytest.mark.usefixtures("environment")
def test_the_doctor_does_not_wait_where_the_server_says_that_nothing_is_left(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
):
    simulator.hooks.append(lambda asked, answer: replace(answer, headers={"X-RateLimit-Remaining": "0"}))
    said = examined(capsys)
    assert simulator.count() == 1
    assert "operations: not asked" in said
    spend(-100)
    assert "Wait 10 minutes" in examined(capsys)


@pytest.mark.usefixtures("environment")
def test_the_doctor_judges_no_realm_by_one_refusal(serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch):
    monkeypatch.setenv("HUBMIS_BASE_URL", serve(forbidden=frozenset({"genders"})).url)
    spend(2.4)
    assert "letter by letter" not in examined(capsys)


@pytest.mark.usefixtures("environment")
def test_the_doctor_shows_no_password_of_a_proxy(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    for each in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hush-hush@127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/school.pem")
    said = examined(capsys, "--base-url", "https://127.0.0.1:9")
    assert "through the proxy http://127.0.0.1:9" in said
    assert "/nowhere/school.pem, which is not there" in said
    assert "hush-hush" not in said
    monkeypatch.setenv("HTTPS_PROXY", "http://user:1234/hush-hush@127.0.0.1:9")
    said = examined(capsys, "--base-url", "https://127.0.0.1:9")
    assert "an address that is not shown" in said
    assert "1234" not in said
    assert "hush-hush" not in said


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from hubmis_frames.cli.command import main
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
sys.exit(main(sys.argv[1:]))
"""


@posix
@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    "arguments", [["doctor"], ["export", "out", "--tables", "genders"], ["spec", "export", "x"], ["spec", "probe", "x"]]
)
def test_on_a_full_disk_every_command_says_so(arguments: list[str]):
    done = subprocess.run(
        [sys.executable, "-c", FULL, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "ree some disk" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# --- probe


@pytest.mark.usefixtures("environment")
def test_the_probe_learns_which_paths_hold_and_with_what_fields(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    simulator = serve(forbidden=frozenset({"staff", "faiths", "rooms"}))
    monkeypatch.setenv("HUBMIS_BASE_URL", simulator.url)

    def other(asked: Asked, answer: Answer) -> Answer:
        if asked.table == "ethnicities":
            return replace(answer, status=404)
        if asked.table == "languages":
            return replace(answer, body=b'{"message": "Welcome"}')
        if asked.table == "genders":
            body = b'[{"id": 1, "colour": "puce", "byPerson": {"4711": {"mark": 1}, "Ann Lee": {"mark": 2.5}}}]'
            return replace(answer, body=body)
        return answer

    simulator.hooks.append(other)
    assert main(["spec", "probe", "--json"]) == 0
    said = capsys.readouterr()
    rows = {row["table"]: row for row in json.loads(said.out)}
    text = (tmp_path / "hubmis-probe.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert list(found["operations"]) == list(rows)
    assert len(rows) == 131
    assert found["requests_sent"] == len(simulator.log) <= 132
    outcomes = {table: each["outcome"] for table, each in found["operations"].items()}
    assert outcomes["students"] == outcomes["student_attendance"] == "answered"
    assert outcomes["staff"] == outcomes["faiths"] == "refused"
    assert outcomes["ethnicities"] == "not found"
    assert outcomes["languages"] == "answered otherwise"
    assert outcomes["staff_emails"] == "not tried", "its ids could not be had"
    untried = sum("ids of staff," in row["remark"] for row in rows.values())
    assert f"Not tried: {untried} operations (asked by ids of staff, which did not answer)." in said.err
    assert "Not tried: room (asked by ids of rooms, which did not answer)." in said.err
    assert "share it with whoever maintains hubmis_frames" in said.err
    assert "ask WCBS for the OpenAPI file" in said.err
    genders = found["operations"]["genders"]
    assert genders["shape"] == [{"id": "integer", "colour": "text", "byPerson": {"*": {"mark": "integer | number"}}}]
    assert genders["undeclared"] == ["colour", "byPerson"]
    assert genders["absent"] == ["name"]
    assert max(sum(asked.table == table for asked in simulator.log) for table in rows) == 1
    for secret in ("puce", "4711", "Ann Lee", "S999", "demo-client", SECRET, "Welcome"):
        assert secret not in text


@pytest.mark.usefixtures("environment")
def test_a_shape_holds_no_value_of_the_school(simulator: Simulator, school: hf.School, tmp_path: Path):
    students, contacts = hf.load_students(school), hf.load_contacts(school)
    assert main(["spec", "probe", "probe.json"]) == 0
    text = (tmp_path / "probe.json").read_text(encoding="utf-8")
    shapes = json.dumps([each["shape"] for each in json.loads(text)["operations"].values()])
    words = set(re.findall(r'"([^"]*)"', shapes))
    for frame in (students, contacts):
        for column in ("last_name", "first_name", "primary_email"):
            assert not set(frame[column].dropna()) & words
    assert not re.search(r"\d{2,}", shapes)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("budget", [6, 7, 20, 60])
def test_the_budget_holds_whatever_the_server_does(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], budget: int
):
    refused = lambda asked, answer: replace(answer, status=401) if len(simulator.log) % 3 else answer  # noqa: E731
    assert main(["spec", "probe", "--budget", str(budget)]) == 3
    assert len(simulator.log) <= budget
    assert "Cut short: the budget" in capsys.readouterr().err
    before = len(simulator.log)
    simulator.hooks.append(refused)
    main(["spec", "probe", "--budget", str(budget)])
    assert len(simulator.log) - before <= budget


@pytest.mark.usefixtures("environment")
def test_the_probe_stops_at_a_rate_limit_and_says_what_budget_it_needs(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
):
    assert main(["spec", "probe", "--budget", "1"]) == 1
    assert "at least 6" in capsys.readouterr().err
    simulator.hooks.append(lambda asked, answer: replace(answer, status=429) if len(simulator.log) > 9 else answer)
    assert main(["spec", "probe"]) == 3
    said = capsys.readouterr().err
    assert "Cut short: HUBmis answered 429" in said
    assert said.count("answered 429") == 1
    assert len(simulator.log) == 11


@pytest.mark.usefixtures("environment")
def test_with_the_vendors_file_the_probe_asks_for_none(capsys: pytest.CaptureFixture[str]):
    assert main(["spec", "export", "ours.json"]) == 0
    assert main(["spec", "probe", "--openapi", "ours.json", "--budget", "6"]) == 3
    said = capsys.readouterr().err
    assert "share it with whoever maintains hubmis_frames" in said
    assert "WCBS" not in said


def test_a_shape_says_what_some_rows_lack_and_what_is_mixed():
    known = frozenset({"id"})
    assert shape_of([{"id": 1, "a": None}, {"id": 2}, {"id": 3, "a": "x"}], known) == [
        {"id": "integer", "a?": "null | text"}
    ]
    assert shape_of([], known) == []
    assert shape_of({"2026-01-01": True, "Smith": False}, known) == {"*": "true or false"}
    assert shape_of({"jsmith": [1], "alee": [2]}, known) == {"*": ["integer"]}


# --- mistyped


def test_a_mistyped_name_is_told_the_right_one(school: hf.School, simulator: Simulator):
    with pytest.raises(TypeError, match=r"no argument 'yeargroup'. Did you mean 'year_group'\?"):
        hf.load_students(school, yeargroup=9)
    with pytest.raises(TypeError, match="Did you mean 'year_group'"):
        hf.load_students.tables(school, yearGroup=9)
    with pytest.raises(hf.BadArgumentError, match="Did you mean 'year_group'"):
        hf.load(school, "students", yeargrop=9)
    with pytest.raises(hf.BadArgumentError, match="Did you mean 'am'"):
        hf.load_student_attendance(school, 1, attendance_session="AM")  # type: ignore[arg-type]
    with pytest.raises(hf.BadArgumentError, match="Did you mean 'students'"):
        school.plan(["studnets"])
    with pytest.raises(AttributeError, match="Did you mean 'load_students'"):
        _ = hf.load_student_s
    assert not simulator.log


def test_a_mistyped_operation_on_the_command_line(capsys: pytest.CaptureFixture[str]):
    assert main(["endpoints", "student_atendance"]) == 1
    assert "Did you mean 'student_attendance'?" in capsys.readouterr().err


# --- in a script


@pytest.mark.usefixtures("environment")
def test_tables_come_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def rows(*arguments: str, status: int = 0) -> Any:
        assert main([*arguments, "--json"]) == status
        return json.loads(capsys.readouterr().out)

    assert len(rows("endpoints")) == 131
    assert rows("endpoints", "load_student_attendance")[0]["key"] == "attendance_record_id"
    assert rows("plan", "--tables", "core,titles")[-1]["table"] == "titles"
    assert {row["requests"] for row in rows("plan", "--tables", "genders,student_attendance")} >= {1, None}
    assert rows("export", "out", "--tables", "genders")[0]["status"] == "complete"
    assert rows("cache")["answers"] == 1
    assert rows("cache", "purge") | {"removed": 1, "answers": 0} == rows("cache", "purge") | {"removed": 1}
    assert main(["spec", "export", "ours.json"]) == 0
    capsys.readouterr()
    assert len(rows("spec", "check", "ours.json")["matched"]) == 131


@pytest.mark.usefixtures("environment")
def test_the_cache_is_told_in_words_and_its_json_stays(capsys: pytest.CaptureFixture[str]):
    def said(*arguments: str) -> str:
        assert main(["cache", *arguments]) == 0
        return capsys.readouterr().out

    assert "oldest     none yet\nnewest     none yet\n" in said()
    assert json.loads(said("--json"))["oldest"] is None
    assert main(["export", "out", "--tables", "genders"]) == 0
    capsys.readouterr()
    assert said("purge", "--student", "987654") == "No answer held student 987654\n"
    assert json.loads(said("purge", "--student", "987654", "--json"))["removed"] == 0
    assert said("purge").startswith("Removed 1 answer from ")
    assert said("purge").startswith("Removed 0 answers from ")


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hubmis_frames", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


@pytest.mark.usefixtures("environment")
def test_as_a_module_with_statuses_quiet_unless_asked(simulator: Simulator):
    failing = [1]

    def fails(asked: Asked, answer: Answer) -> Answer:
        if asked.table == "genders" and failing:
            failing.pop()
            return replace(answer, status=503)
        return answer

    simulator.hooks.append(fails)
    done = run("export", "out", "--tables", "genders")
    assert (done.returncode, done.stderr) == (0, "")
    failing.append(1)
    done = run("--verbose", "export", "out", "--tables", "genders", "--refresh")
    assert "INFO HUBmis answered 503" in done.stderr
    assert "DEBUG GET /api/v1/genders: 200" in done.stderr
    done = run("-v", "export", "out", "--tables", "student_attendance")
    assert "/students/.../attendance-records" in done.stderr
    assert not re.search(r"students/\d", done.stderr)
    assert SECRET not in done.stderr
    assert run("exprot").returncode == 2


def test_the_library_logs_nothing_by_itself():
    handlers = logging.getLogger("hubmis_frames").handlers
    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)


def test_a_reader_that_has_seen_enough_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "hubmis_frames", "endpoints"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


# --- upgrades


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("held", ["[]", "{}", "3", '{"format": 1}', '{"format": 1, "operations": []}', "\0"])
def test_a_manifest_that_is_none_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], held: str):
    assert main(["export", "out", "--tables", "genders"]) == 0
    (manifest,) = (tmp_path / "out").glob("manifest-*.json")
    manifest.write_text(held)
    assert main(["report", "out"]) == 1
    assert "is skipped" in capsys.readouterr().err
    assert main(["export", "out", "--tables", "genders"]) == 1
    said = capsys.readouterr().err
    assert "cannot be read: " in said
    assert "Remove it, or export into another directory" in said


@pytest.mark.usefixtures("environment")
def test_an_older_manifest_is_written_anew_and_a_later_one_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["export", "out", "--tables", "genders"]) == 0
    (manifest,) = (tmp_path / "out").glob("manifest-*.json")
    known = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(known | {"format": 0, "operations": [{"named": "in an older way"}]}))
    assert main(["export", "out", "--tables", "titles"]) == 0
    assert "note: " in (said := capsys.readouterr().err)
    assert "is from an older version and is written anew" in said
    assert list(json.loads(manifest.read_text())["operations"]) == ["titles"]
    manifest.write_text(json.dumps(known | {"format": 99, "hubmis_frames": "9.0"}))
    assert main(["export", "out", "--tables", "titles"]) == 1
    assert "later version of hubmis_frames (9.0)" in capsys.readouterr().err
    assert json.loads(manifest.read_text())["format"] == 99
