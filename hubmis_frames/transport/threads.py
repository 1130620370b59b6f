"""Work in a thread of its own: the caller only waits, in short slices, and can leave at any moment.

Whatever the work raises comes back without its frames, because these hold the token, the client's
secret and a proxy's password.
"""

import contextlib
import math
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import HubmisError
from .rate_limit import WORKER, StoppedError, called_off

T = TypeVar("T")

SLICE = 0.25
"""Seconds of one wait. On Windows Ctrl-C is not noticed before a wait ends."""


class Stop(threading.Event):
    """Set when the thread that waits for some work has left, or the one that waits for that thread."""

    def __init__(self, outer: threading.Event) -> None:
        super().__init__()
        self._outer = outer
        self._socket: Any = None
        self._guard = threading.Lock()

    def is_set(self) -> bool:
        """Whether the work should end."""
        return super().is_set() or self._outer.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the work should end, at most for ``timeout`` seconds."""
        ends = math.inf if timeout is None else time.monotonic() + timeout
        while not self.is_set() and (left := ends - time.monotonic()) > 0:
            super().wait(min(left, SLICE))
        return self.is_set()

    def leave(self) -> None:
        """End the work: nothing more is sent, and what is under way is cut."""
        with self._guard:
            self.set()
            self._cut()

    def connected(self, connection: Any) -> None:
        """Remember the socket of the work, so that it can be cut.

        Raises
        ------
        StoppedError
            The work should have ended already; nothing has been sent.
        """
        with self._guard:
            self._socket = connection
            if self.is_set():
                self._cut()
                raise StoppedError("Interrupted before the request was sent.")

    def _cut(self) -> None:
        if isinstance(self._socket, socket.socket):
            with contextlib.suppress(OSError):  # it may be closed already
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            if os.name == "nt":  # there a thread that waits for a silent server goes on until its socket is closed
                with contextlib.suppress(OSError):
                    socket.close(socket.socket.detach(self._socket))


def run_apart(work: Callable[[], T], seconds: float = math.inf) -> T:
    """Do some work in another thread and wait for its result.

    Raises
    ------
    TimeoutError
        It took longer than ``seconds``. The work was told to end.
    StoppedError
        This thread was told to stop.
    """
    stop = Stop(called_off())
    ended = threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        WORKER.stop = stop
        try:
            results.append(work())
        except BaseException as error:
            errors.append(_without_frames(error))
        finally:
            ended.set()

    deadline = time.monotonic() + seconds
    try:
        # A daemon, so that a program can end while the system still looks for a server's name.
        threading.Thread(target=run, name="hubmis-request", daemon=True).start()
        while not ended.wait(min(SLICE, max(deadline - time.monotonic(), 0.0))):
            if stop.is_set():
                raise StoppedError("Interrupted while waiting for an answer.")
            if time.monotonic() >= deadline:
                raise TimeoutError(f"no whole answer within {seconds:.0f} s")
    finally:
        stop.leave()
    if errors:
        raise errors[0]
    return results[0]


def _without_frames(error: BaseException) -> BaseException:
    if not isinstance(error, HubmisError | OSError):  # a mistake of ours: its lines help, its variables would tell
        error.add_note("Raised in another thread:\n" + "".join(traceback.format_tb(error.__traceback__)))
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
