"""Files on disks, systems and homes of every kind: private, whole, named safely, and in nobody's way."""

import errno
import os
import stat
import string
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubmis_frames import files
from hubmis_frames.simulator import Simulator

texts = st.one_of(
    st.text(st.characters()),  # surrogates too
    st.text("aAbB1_-.% /\\:", max_size=12),
    st.sampled_from(["CON", "con", "Con", "nul.txt", "aux ", "COM1", "lpt9", "..", "", " ", "x" * 300, "é" * 300]),
    st.text("aA%é", min_size=150, max_size=260),
)


# --- names


@given(texts)
def test_a_name_is_legal_everywhere_and_stays_in_its_folder(text: str):
    name = files.safe_name(text)
    assert 10 <= len(name) <= 60
    assert set(name) <= {*string.ascii_letters, *string.digits, "-"}
    assert name.lower() not in {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(10))}


@st.composite
def recased(draw: st.DrawFn) -> tuple[str, str]:
    """Two texts that differ in case alone, or not at all."""
    text = draw(texts)
    flips = draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    return text, "".join(c.swapcase() if flip else c for c, flip in zip(text, flips, strict=True))


@given(st.one_of(recased(), st.tuples(texts, texts)))
@example(("Ab", "AB"))
@example(("S999", "s999"))
@example(("con", "%63on"))
@example(("x" * 300, "x" * 299 + "X"))
def test_no_two_texts_share_a_file_where_case_does_not_count(pair: tuple[str, str]):
    one, other = pair
    assert (files.safe_name(one).casefold() == files.safe_name(other).casefold()) == (one == other)


# --- disks that cannot do everything


@pytest.mark.posix("file systems without permission bits")
@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EPERM])
def test_a_file_system_without_permissions_or_sync_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    def unsupported(*_: object, **__: object) -> None:
        raise OSError(number, "unsupported")

    monkeypatch.setattr(os, "fsync", unsupported)
    monkeypatch.setattr(os, "chmod", unsupported)
    monkeypatch.setattr(Path, "chmod", unsupported)
    file = files.private_file(tmp_path / "folder" / "file")
    with files.whole_file(file) as part:
        part.write_text("whole")
    assert file.read_text() == "whole"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_disk_that_fails_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def failing(_: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    (tmp_path / "file").write_text("old")
    with pytest.raises(OSError, match="input/output"), files.whole_file(tmp_path / "file") as part:
        part.write_text("new")
    assert (tmp_path / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# --- homes


def test_a_home_is_put_in_for_the_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert files.expanded("~/x") == tmp_path / "x"
    assert files.expanded(tmp_path / "~" / "x") == tmp_path / "~" / "x"
    assert files.shared_by(Path("~/OneDrive - School/x")) == "OneDrive"


def test_a_user_without_a_home_is_told_so_where_one_is_needed_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def homeless(path: Any) -> Any:
        return path

    monkeypatch.setattr(os.path, "expanduser", homeless)  # what it answers without HOME and an entry in passwd
    assert files.expanded(tmp_path) == tmp_path
    assert files.shared_by(Path("~/x")) is None
    with pytest.raises(OSError, match="no home folder"):
        files.expanded("~/x")


@pytest.mark.posix("users without a home", proved_by="test_a_user_without_a_home_is_told_so_where_one_is_needed_alone")
def test_a_user_without_a_home_connects(simulator: Simulator, tmp_path: Path):
    code = (
        "import os, sys, hubmis_frames as hf\n"
        "os.environ.pop('HOME', None)\n"
        "import pwd\n"
        "def unknown(_): raise KeyError\n"
        "pwd.getpwuid = unknown\n"
        "for given in ({'cache_dir': sys.argv[2]}, {'cache_dir': None}, {}):\n"
        "    with hf.connect('S999', 'demo-client', 'demo-secret', sys.argv[1], **given) as school:\n"
        "        print(len(hf.load_genders(school)) > 0)\n"
    )
    (tmp_path / "cwd").mkdir()
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "HUBMIS_"))}
    variables |= {"TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, simulator.url, str(tmp_path / "cache")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=variables, cwd=tmp_path / "cwd", check=False
    )
    assert done.stdout.split() == ["True"] * 3, done.stderr
    assert not list((tmp_path / "cwd").iterdir())
    assert stat.S_IMODE((tmp_path / f"hubmis_frames-{os.getuid()}").stat().st_mode) == 0o700


@pytest.mark.posix("permission bits", proved_by="test_new_folders_are_private_on_windows")
def test_a_folder_that_others_can_enter_is_not_used_in_place_of_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def homeless(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(platformdirs.PlatformDirs, "user_cache_dir", property(homeless))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert files.user_folder("cache").parent.parent == tmp_path
    files.user_folder("cache").parent.chmod(0o755)
    with pytest.raises(PermissionError):
        files.user_folder("cache")


# --- what killed processes left


def test_the_next_writer_of_a_file_removes_what_an_earlier_one_left_a_day_ago(tmp_path: Path):
    old, new, other = (
        tmp_path / name for name in (".f[1].html.abcdefgh.part", ".f[1].html.12345678.part", ".f1.x.part")
    )
    for path in (old, new, other):
        path.write_text("rows")
    for path in (old, other):
        os.utime(path, (time.time() - 2 * 86400,) * 2)
    with files.whole_file(tmp_path / "f[1].html") as part:
        part.write_text("whole")
    assert [path.exists() for path in (old, new, other)] == [False, True, True]


# --- readers that hold a file


@pytest.mark.parametrize("seconds", [0.5, 10.0**6])
def test_a_file_that_is_held_is_tried_again_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
):
    """As on Windows, where a file that is open cannot be replaced."""
    now = [0.0]
    replace = Path.replace

    def held(self: Path, target: Path) -> Path:
        if now[0] < seconds:
            raise PermissionError(errno.EACCES, "in use by another process")
        return replace(self, target)

    def sleep(pause: float) -> None:
        assert pause <= 0.5, "Ctrl-C is not heard during a longer wait on Windows"
        now[0] += pause

    monkeypatch.setattr(Path, "replace", held)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    file = tmp_path / "file"
    file.write_text("old")

    def write() -> None:
        with files.whole_file(file) as part:
            part.write_text("new")

    if seconds < files.HELD:
        write()
        assert file.read_text() == "new"
    else:
        with pytest.raises(PermissionError):
            write()
        assert 10 <= now[0] < 11
        assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("place", "service"),
    [
        (r"C:\Users\Ann\Google Drive\school", "Google Drive"),
        ("G:/My Drive/school", "Google Drive"),
        (r"C:\Users\Ann\Box\school", "Box"),
        (r"C:\Users\Ann\Our School\Staff - Documents\x", "SharePoint"),
        ("/home/ann/Boxing/My Driver/Documents", None),
    ],
)
def test_folders_of_services_are_known_by_their_names(place: str, service: str | None):
    assert files._service(place) == service


@pytest.mark.parametrize(("kind", "shared"), [(4, True), (3, False), (0, False)])
@pytest.mark.parametrize("place", [r"Z:\hubmis\cache", "z:/hubmis", "Z:"])
def test_a_drive_letter_that_stands_for_a_share_is_a_network_drive(
    monkeypatch: pytest.MonkeyPatch, place: str, kind: int, shared: bool
):
    asked: list[str] = []

    def drive_type(root: str) -> int:
        asked.append(root)
        return kind

    monkeypatch.setattr(files, "_drive_type", drive_type)
    assert files.shared_by(Path(place)) == ("a network drive" if shared else None)
    assert asked[0].upper() == "Z:\\", "Windows wants the root with its backslash"


@pytest.mark.parametrize(
    ("line", "shared"),
    [
        ("server:/home {} nfs4 rw 0 0", True),
        ("//server/share {} cifs rw 0 0", True),
        ("ann@server: {} fuse.sshfs rw 0 0", True),
        ("/dev/sda1 {} ext4 rw 0 0", False),
        ("", False),
    ],
)
@pytest.mark.posix("mounts", proved_by="test_a_drive_letter_that_stands_for_a_share_is_a_network_drive")
@pytest.mark.parametrize("name", ["share", "our share"])
def test_a_mount_of_a_server_is_a_network_drive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, shared: bool, name: str
):
    mount = tmp_path / name
    named = str(mount).replace(" ", r"\040")
    monkeypatch.setattr(files, "_mounts", lambda: ["/dev/sda1 / ext4 rw 0 0", line.format(named)])
    assert files.shared_by(mount / "cache") == ("a network drive" if shared else None)
    assert files.shared_by(tmp_path / "beside") is None
    (tmp_path / "link").symlink_to(mount)
    assert files.shared_by(tmp_path / "link" / "cache") == ("a network drive" if shared else None)
