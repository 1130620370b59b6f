"""A simulated school over real sockets, and schools that read it."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import keyring
import keyring.backend
import keyring.backends.fail
import pytest

from hubmis_frames.school import School
from hubmis_frames.simulator import Rules, Simulator, World, build_world
from hubmis_frames.transport import Rate, Session
from tests.helpers import windows_rules
from tests.helpers.schools import GENEROUS, QUICK, MemoryKeyring

# Machines are shared and uneven, so no test is timed. The examples are the same in each run, so that a run fails for
# what was changed; ``--hypothesis-profile explore`` looks for new ones.
_UNTIMED = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("explore", _UNTIMED)
hypothesis.settings.register_profile("repeat", _UNTIMED, derandomize=True, database=None)
hypothesis.settings.load_profile("repeat")

# Started in the background of a shell, Python ignores Ctrl-C, which some tests send.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip on Windows what needs a POSIX system."""
    if os.name == "nt" and (mark := item.get_closest_marker("posix")):
        pytest.skip(mark.args[0])


@pytest.fixture(autouse=True)
def rules_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test, and nothing that it runs, remove or rename a file that it still holds open."""
    windows_rules.keep(monkeypatch)


@pytest.fixture(scope="session", autouse=True)
def nobodys_settings_in_shared_fixtures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """As :func:`nobodys_settings`, for the fixtures that several tests share, which are made before a test begins."""
    with pytest.MonkeyPatch.context() as patch:
        _leave_settings(patch, tmp_path_factory)
        yield


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep tests, and processes that they start, from the settings, folders and keyring of the person who runs them."""
    _leave_settings(monkeypatch, tmp_path_factory)


def _leave_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in [name for name in os.environ if name.startswith("HUBMIS_")]:
        monkeypatch.delenv(name)
    for name in ("CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path_factory.getbasetemp() / "user" / name.lower()))
    if os.name == "nt":  # tests name folders of their own by XDG, which Windows does not heed
        user = tmp_path_factory.mktemp("user")
        for name in ("APPDATA", "LOCAL_APPDATA"):
            monkeypatch.setenv(f"WIN_PD_OVERRIDE_{name}", str(user / name.lower()))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    keyring.set_keyring(keyring.backends.fail.Keyring())


@pytest.fixture
def memory_keyring(nobodys_settings: None) -> MemoryKeyring:
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    return backend


@pytest.fixture(scope="session")
def world() -> World:
    return build_world(students=60, seed=3)


@pytest.fixture
def serve(world: World) -> Iterator[Callable[..., Simulator]]:
    """Start a simulated school; arguments are its rules."""
    with contextlib.ExitStack() as stack:

        def start(worlds: Any = None, **rules: Any) -> Simulator:
            return stack.enter_context(Simulator(worlds or world, Rules(**{**GENEROUS, **rules})))

        yield start


@pytest.fixture
def connect_to(tmp_path: Path) -> Iterator[Callable[..., School]]:
    """Connect to a simulated school, with a cache of the test's own."""
    with contextlib.ExitStack() as stack:

        def connect(simulator: Simulator, **given: Any) -> School:
            settings: dict[str, Any] = {
                "base_url": simulator.url,
                "realm": "S999",
                "client_id": simulator.rules.client_id,
                "client_secret": simulator.rules.client_secret,
                "cache_dir": tmp_path / "cache",
                "rate_file": tmp_path / "rate.sqlite",
                "rate": Rate(simulator.rules.capacity, simulator.rules.refill_seconds),
                "retry": QUICK,
            }
            spec = given.pop("spec", None)
            return stack.enter_context(School(Session(**{**settings, **given}), progress=False, spec=spec))

        yield connect


@pytest.fixture
def simulator(serve: Callable[..., Simulator]) -> Simulator:
    return serve()


@pytest.fixture
def school(simulator: Simulator, connect_to: Callable[..., School]) -> School:
    return connect_to(simulator)
