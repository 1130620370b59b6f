"""Ctrl-C at a chosen moment."""

import _thread
import contextlib
import threading
import time
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def interrupted(ready: Callable[[], bool]) -> Iterator[None]:
    """Press Ctrl-C once something is under way.

    This does not wake the main thread from a lock, as a signal does on POSIX: it is noticed as on Windows, when a wait
    has ended.
    """

    def press() -> None:
        while not ready():
            time.sleep(0.01)
        time.sleep(0.2)
        _thread.interrupt_main()

    threading.Thread(target=press, daemon=True).start()
    yield
