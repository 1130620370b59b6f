"""How many requests of one client are under way at once."""

import threading
from types import TracebackType

from .rate_limit import StoppedError, called_off
from .threads import SLICE

_PLENTY = 20


class ConcurrencyLimiter:
    """Limits how many requests are under way at once.

    Two to begin with. Each answer whose headers say that plenty remain allows one more; a 429 reduces
    concurrency to one. Never more are under way than the last answer said remain.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = min(2, most)
        self._remaining = float(most)
        self._under_way = 0
        self._learnt = 0
        self._changed = threading.Condition()

    def __enter__(self) -> int:
        """Wait for a slot. Returns how many answers had been learnt from by then, for :meth:`learn`."""
        with self._changed:
            while self._under_way >= min(self._allowed, max(self._remaining, 1)):
                self._changed.wait(SLICE)
                if called_off().is_set():
                    raise StoppedError("Interrupted while other requests were under way.")
            self._under_way += 1
            return self._learnt

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def learn(self, remaining: float, learnt: int | None = None) -> bool:
        """Learn from an answer how many requests remain. Returns whether no later request was answered before it.

        Parameters
        ----------
        remaining
            What the answer says.
        learnt
            What entering returned before its request was sent. Answers can overtake each other, so one that
            was asked for before another came can lower the number, and not raise it.
        """
        with self._changed:
            newer = learnt is None or learnt == self._learnt
            self._remaining = remaining if newer else min(remaining, self._remaining)
            self._learnt += 1
            if remaining >= _PLENTY:
                self._allowed = min(self._allowed + 1, self._most)
            self._changed.notify_all()
            return newer

    @property
    def under_way(self) -> int:
        """How many requests are under way."""
        with self._changed:
            return self._under_way

    def shrink(self) -> None:
        """Allow one at a time from now on."""
        with self._changed:
            self._allowed = 1
