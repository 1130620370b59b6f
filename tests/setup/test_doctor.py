"""The doctor: what it finds, what it sends, and what it never shows."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import hubmis_frames as hf
from hubmis_frames import files
from hubmis_frames.cli.command import main
from hubmis_frames.setup.doctor import without_home
from hubmis_frames.setup.settings import open_session, settings
from hubmis_frames.simulator import Simulator
from tests.helpers.schools import SECRET

Serve = Callable[..., Simulator]


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
    assert time.monotonic() - began < 60, "a place comes back in minutes"


def spend(left: float) -> None:
    """Leave so many requests in the bucket of the client that the environment names."""
    session = open_session(settings(None, None, None, None, None, None))
    bucket = session.bucket
    own = bucket._clock() + (bucket.rate.capacity - left) * bucket.rate.paced
    bucket._run(lambda db: bucket._write(db, bucket._counts(db)._replace(own=own)))  # the server knows of none of it
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


@pytest.mark.posix("limits of a process", proved_by="test_a_disk_that_fails_is_no_success")
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


@pytest.mark.parametrize("home", [r"C:\Users\Ann Smith", "C:/Users/Ann Smith/"])
@pytest.mark.parametrize(
    "spelling",
    [r"c:\users\ann smith", "C:/Users/Ann Smith", r"C:\\Users\\Ann Smith", "C:/USERS\\aNN sMITH", r"C:\Users\ANNSMI~1"],
)
def test_the_home_folder_is_hidden_in_every_spelling(home: str, spelling: str):
    assert without_home(rf"in {spelling}\cache, 3 GB", home) == r"in ~\cache, 3 GB"
    assert without_home(spelling + "ers", home) == spelling + "ers", "another person's folder"


SHARED = {
    "OneDrive": "OneDrive - Our School/hubmis",
    "Google Drive": "Google Drive/hubmis",
    "Box": "Box/hubmis",
    "SharePoint": "Our School/Staff - Documents/hubmis",
    "a network share": "//server/share/hubmis",
    "a network drive": r"Z:\hubmis",
}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("service", SHARED)
def test_a_cache_in_a_shared_place_is_said_by_the_doctor_and_by_connect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, service: str
):
    monkeypatch.setattr(files, "_drive_type", lambda root: 4 if root == "Z:\\" else 3)
    if service != "a network share":
        with pytest.warns(hf.HubmisWarning, match=f"lies in {service}, which copies children's data off this machine"):
            hf.connect(cache_dir=SHARED[service]).close()
    said = examined(capsys, "--cache-dir", SHARED[service])
    assert re.search(f"WRONG cache folder .argument.: .*, in {service}\n", said)
    assert f"1. Choose a folder on this machine with HUBMIS_CACHE_DIR: {service} copies children's data off it" in said


@pytest.mark.posix("links take a privilege on Windows", proved_by="test_folders_of_services_are_known_by_their_names")
@pytest.mark.usefixtures("environment")
def test_the_cache_is_looked_for_behind_a_link(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "Dropbox").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "Dropbox")
    with pytest.warns(hf.HubmisWarning, match="lies in Dropbox"):
        hf.connect(cache_dir="link/cache").close()
    assert "in Dropbox" in examined(capsys, "--cache-dir", "link/cache")


@pytest.mark.usefixtures("environment")
def test_the_users_own_cache_folder_is_looked_at_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    own = property(lambda _: str(tmp_path / "OneDrive" / "cache"))
    monkeypatch.setattr(files.platformdirs.PlatformDirs, "user_cache_dir", own)
    with pytest.warns(hf.HubmisWarning, match="lies in OneDrive"):
        hf.connect().close()
    assert "cache folder (default): " in (said := examined(capsys))
    assert "in OneDrive" in said
