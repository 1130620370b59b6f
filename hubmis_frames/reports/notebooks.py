"""Copies of the notebooks in a folder of the user, and JupyterLab in that folder."""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import SettingsError, warn
from ..files import own_folder, shared_by, whole_file, why
from ..transport import SLICE

_SECRET = "HUBMIS_CLIENT_SECRET"  # noqa: S105 - the name of a variable


def notebooks() -> Path:
    """Return the folder of the notebooks: inside an installed package, or beside the package in a clone."""
    package = Path(__file__).parent.parent
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


class Copied(NamedTuple):
    """Names of notebooks: those copied, and those kept because they differ from the original."""

    new: list[str]
    kept: list[str]


def copy_notebooks(folder: Path) -> Copied:
    """Copy the notebooks into a folder; a notebook that is already there is never overwritten.

    A notebook that was run shows children's data, so a new folder can be opened only by its owner.

    Raises
    ------
    SettingsError
        Cannot write to the folder.
    """
    if service := shared_by(folder):
        warn(
            f"{folder} seems to be in {service}, so notebooks there leave this machine. A notebook that you run shows "
            "children's data. Choose a folder that is not synced, unless you may store such data there."
        )
    copied = Copied([], [])
    try:
        own_folder(folder.absolute())
        for notebook in sorted(notebooks().glob("*.ipynb")):
            own, content = folder / notebook.name, notebook.read_bytes()
            if not own.exists():
                with whole_file(own) as scratch:
                    scratch.write_bytes(content)
                copied.new.append(own.name)
            elif own.read_bytes() != content:
                copied.kept.append(own.name)
    except OSError as error:
        raise SettingsError(f"Cannot write {folder}: {why(error)}. Choose another folder.") from None
    if _git_would_add(folder):
        warn(
            f"{folder} is in a git repository that does not ignore notebooks. A notebook that you run shows children's "
            f"data. Choose a new folder, or let git ignore this one: put a line * into {folder / '.gitignore'}"
        )
    return copied


def _git_would_add(folder: Path) -> bool:
    """Whether the folder is in a git repository that does not ignore its notebooks; not known without git."""
    git = shutil.which("git")
    if git is None:
        return False
    names = sorted(notebook.name for notebook in notebooks().glob("*.ipynb"))
    command = [git, "check-ignore", "--quiet", names[0]]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 1  # noqa: S603 - no input of others


def need_jupyterlab() -> None:
    """Check that JupyterLab is installed.

    Raises
    ------
    SettingsError
        This Python has no JupyterLab.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise SettingsError(
            f"JupyterLab is not installed for {sys.executable}. Install it with that Python, in your clone of "
            'hubmis_frames: python -m pip install -e ".[notebooks]"'
        )


def run_jupyterlab(folder: Path, options: Iterable[str] = ()) -> int:
    """Run JupyterLab in a folder until it is shut down, and return its exit status.

    Notebooks do not get the client secret of the environment: whatever runs in one could show it and save it.
    """
    environment = dict(os.environ)
    if environment.pop(_SECRET, None):
        warn(
            f"{_SECRET} is set, but notebooks do not get it, because a notebook could save it. To use hf.connect() in "
            "a notebook, run 'hubmis-frames login' once: it puts the secret into the keyring, where "
            "hf.connect() finds it."
        )
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.absolute()}", *options]
    with (
        _noticed(signal.SIGTERM) as ended,
        subprocess.Popen(command, cwd=folder, env=environment) as server,  # noqa: S603 - our own Python and the user's own folder
    ):
        while server.poll() is None:
            if ended.is_set():
                server.terminate()
            # JupyterLab receives Ctrl-C too, and asks before it stops.
            with contextlib.suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
                server.wait(SLICE)
        return server.returncode if server.returncode >= 0 else 128 - server.returncode  # ended by a signal


@contextlib.contextmanager
def _noticed(number: int) -> Iterator[threading.Event]:
    """Set an event at a signal, which would otherwise end this process alone; only a main thread handles signals."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.signal(number, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(number, before)
