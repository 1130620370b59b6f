"""Credentials: where they come from, how a person types, tries and stores them."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import keyring
import keyring.backends.null
import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.setup.keyring import Login, store_login, stored_login
from hubmis_frames.setup.settings import BASE_URL, look_up, settings
from hubmis_frames.simulator import Simulator
from tests.helpers.schools import SECRET

Serve = Callable[..., Simulator]


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


@pytest.mark.parametrize("length", [1, 1_000, 1_200, 5_000])
def test_a_keyring_that_takes_short_entries_alone_says_so(
    memory_keyring: Any, monkeypatch: pytest.MonkeyPatch, length: int
):
    """As the Credential Manager of Windows, which takes 2,560 bytes of UTF-16."""
    keep = memory_keyring.set_password

    def take(service: str, name: str, entry: str) -> None:
        if len(entry.encode("utf-16-le")) > 2_560:
            raise OSError(1783, "The stub received bad data")
        keep(service, name, entry)

    monkeypatch.setattr(memory_keyring, "set_password", take)
    login = Login("S1", "id", "x" * length, BASE_URL)
    if length < 1_200:
        store_login(login)
        assert stored_login() == login
    else:
        with pytest.raises(hf.SettingsError, match="Windows takes 1,280") as caught:
            store_login(login)
        assert "xxx" not in str(caught.value)
        assert stored_login() is None


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


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize("typed", ["\x16", "\x1b[200~secret\x1b[201~", "a\x16b", "\x03\x16"])
def test_what_is_typed_has_no_control_character(
    simulator: Simulator,
    memory_keyring: Any,
    types: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
):
    """In an old console of Windows Ctrl+V types one, and pastes nothing; it does not show in a hidden prompt."""
    types(typed, "S999", typed, "demo-client")
    answers = iter([typed, "", SECRET])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    assert main(["login", "--base-url", simulator.url]) == 0
    assert stored_login() == Login("S999", "demo-client", SECRET, simulator.url)
    said = capsys.readouterr().out
    assert said.count("right mouse button") == 3
    assert typed not in said


@pytest.mark.posix("pseudo terminals", proved_by="test_what_is_typed_has_no_control_character")
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
