"""The environment, the folders and the typing of a person who sets up."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hubmis_frames.simulator import Simulator
from tests.helpers.schools import SECRET


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("state", "cache", "config"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    for name in ("APPDATA", "LOCAL_APPDATA"):
        monkeypatch.setenv(f"WIN_PD_OVERRIDE_{name}", str(tmp_path / name.lower()))
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
