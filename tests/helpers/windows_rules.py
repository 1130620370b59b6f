"""Rules of Windows that hold in every test, wherever it runs.

Nobody removes, renames or replaces an open file, and ``rename`` replaces none at all: that is ``replace``.
"""

import errno
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

EXEMPT = ("filelock", "hypothesis")
"""Packages that do it on POSIX alone, and otherwise on Windows."""
WAITS = 1.0
"""For how many seconds a file may still be open: Arrow's threads close what they have read a moment later."""


def is_open(path: Any, dir_fd: int | None = None) -> bool:
    """Whether this process holds a file open."""
    try:
        wanted = os.stat(path, dir_fd=dir_fd, follow_symlinks=False)
    except (OSError, ValueError):
        return False
    for handle in os.listdir("/dev/fd"):  # noqa: PTH208
        try:
            held = os.fstat(int(handle))
        except OSError:
            continue  # the handle of the listing itself
        if (held.st_dev, held.st_ino) == (wanted.st_dev, wanted.st_ino):
            return True
    return False


def refuse(path: Any, dir_fd: int | None = None, *, exists: bool = False) -> None:
    """Raise if a file is open, or with ``exists`` if it is there."""
    caller = sys._getframe(2).f_globals.get("__name__", "")
    if caller.startswith(EXEMPT):
        return
    if exists and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "rename replaces no file, as Windows would say", os.fspath(path))
    until = time.monotonic() + WAITS
    while is_open(path, dir_fd):
        if time.monotonic() >= until:
            break
        time.sleep(0.01)
    else:
        return
    raise PermissionError(errno.EACCES, "it is open in this process, as Windows would say", os.fspath(path))


def keep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the functions that remove and rename keep the rule. Windows keeps it itself."""

    def removing(function: Callable[..., None]) -> Callable[..., None]:
        def checked(path: Any, *, dir_fd: int | None = None) -> None:
            refuse(path, dir_fd)
            function(path, dir_fd=dir_fd)

        return checked

    def renaming(function: Callable[..., None], *, replaces: bool) -> Callable[..., None]:
        def checked(old: Any, new: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
            refuse(old, src_dir_fd)
            refuse(new, dst_dir_fd, exists=not replaces and dst_dir_fd is None and os.fspath(old) != os.fspath(new))
            function(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

        return checked

    if os.name != "nt":
        for name in ("remove", "unlink"):
            monkeypatch.setattr(os, name, removing(getattr(os, name)))
        for name in ("rename", "replace"):
            monkeypatch.setattr(os, name, renaming(getattr(os, name), replaces=name == "replace"))
