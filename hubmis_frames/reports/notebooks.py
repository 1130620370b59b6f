"""The notebooks in a folder of the user's, and JupyterLab on it."""

import contextlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..errors import SettingsError, warn
from ..files import own_folder, shared_by, whole_file
from .page import notebooks

FOLDER = "hubmis-notebooks"


class Copied(NamedTuple):
    """The names of the notebooks that are new in a folder, and of those there that differ from ours and were kept."""

    new: list[str]
    kept: list[str]


def copy_notebooks(folder: Path) -> Copied:
    """Copy the notebooks into a folder, and touch none that is there.

    A notebook that was run shows children's data, so that only its owner can enter a folder that is made here.

    Raises
    ------
    SettingsError
        The folder cannot be written.
    """
    if service := shared_by(folder):
        warn(f"{folder} seems to lie in {service}, and a notebook that was run shows children's data.")
    copied = Copied([], [])
    try:
        own_folder(folder.absolute())
        for notebook in sorted(notebooks().glob("*.ipynb")):
            own, content = folder / notebook.name, notebook.read_bytes()
            if not own.exists():
                with whole_file(own) as part:
                    part.write_bytes(content)
                copied.new.append(own.name)
            elif own.read_bytes() != content:
                copied.kept.append(own.name)
    except OSError as error:
        raise SettingsError(f"Cannot write {folder}: {error.strerror or error}. Choose another folder.") from error
    return copied


def need_jupyterlab() -> None:
    """Refuse to begin without JupyterLab.

    Raises
    ------
    SettingsError
        It is not installed beside us.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise SettingsError(
            f'JupyterLab is not installed for {sys.executable}. Install it: pip install "hubmis-frames[notebooks]" '
            '(in a clone of the repository: pip install -e ".[notebooks]").'
        )


def run_jupyterlab(folder: Path, options: Iterable[str] = ()) -> int:
    """Run JupyterLab on a folder until it is shut down, and return its exit status."""
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.absolute()}", *options]
    with subprocess.Popen(command, cwd=folder) as server:  # noqa: S603 - our own Python and the user's own folder
        while server.poll() is None:
            with contextlib.suppress(KeyboardInterrupt):  # it gets Ctrl-C too, and asks before it ends
                server.wait()
        return server.returncode
