"""The rate limit as two numbers per client in SQLite, shared by every process on the machine.

Each number is the instant at which the bucket would be full again: by our own count, and by what the server's last
answer said. A request costs one interval in both, and may be sent while neither is more than the bucket's capacity of
intervals from full.
"""

import contextlib
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from ..errors import CacheError, HubmisError, warn
from ..files import private_file, why
from .sqlite_files import is_damaged, remove

LONGEST_PAUSE = 900.0
_COLUMNS = {("client", True), ("full_at", False), ("server_full_at", False), ("noted_at", False)}
T = TypeVar("T")


@dataclass(frozen=True)
class Rate:
    """A bucket of ``capacity`` requests into which one comes back every ``interval`` seconds."""

    capacity: int = 500
    interval: float = 5.0

    @property
    def paced(self) -> float:
        """The interval we keep: a little longer than permitted, as clocks and networks are uneven."""
        return self.interval * 1.05


DOCUMENTED = Rate()


WORKER = threading.local()
"""Of a worker thread: ``stop``, the event by which the caller stops it."""


def called_off() -> threading.Event:
    """The event that stops what this thread waits for; for a thread that is no worker, an event that is never set."""
    event: threading.Event = getattr(WORKER, "stop", _NEVER)
    return event


_NEVER = threading.Event()


class StoppedError(HubmisError):
    """The work was interrupted while it waited for the rate limit."""


class _Counts(NamedTuple):
    """The instants at which the bucket will be full."""

    own: float = 0.0
    """By our own count."""
    server: float = 0.0
    """By the server's last answer and what was sent since. The next answer replaces it: a wrong one does not last."""


class Bucket:
    """The requests that one client may send, whichever process sends them.

    A damaged file is replaced, with a warning: a wrong count costs a 429 at most.
    """

    def __init__(self, file: Path, client: str, rate: Rate, clock: Callable[[], float] = time.time) -> None:
        self.rate = rate
        self._file = file
        self._client = client
        self._clock = clock
        self._queue = threading.Lock()  # one thread of a process waits in SQLite, the others here
        self._run(lambda _: None)

    def take(self) -> None:
        """Wait until a request may be sent, and count it. A process that is killed while waiting has used none."""
        stop = called_off()
        with self._queue:
            while not stop.is_set() and (wait := self._try()) > 0:
                if stop.wait(wait):
                    break
            if stop.is_set():
                raise StoppedError("Interrupted while waiting for the rate limit.")

    def left(self) -> float:
        """How many requests could be sent at once."""
        return self._run(self._left)

    def note_remaining(self, remaining: float, *, overtaken: bool = False) -> None:
        """Note how many requests remain by the server's last answer. More than we count ourselves changes nothing.

        An answer that a later one has overtaken can lower the number, and not raise it.
        """

        def note(db: sqlite3.Connection) -> None:
            server = self._clock() + max(self.rate.capacity - remaining, 0.0) * self.rate.paced
            counts = self._counts(db)
            self._write(db, counts._replace(server=max(server, counts.server) if overtaken else server))

        self._run(note)

    def pause(self, seconds: float) -> None:
        """After a 429: no request from any process until then, and from then on one at a time."""

        def pause(db: sqlite3.Connection) -> None:
            empty = self._clock() + (self.rate.capacity - 1) * self.rate.paced + min(seconds, LONGEST_PAUSE)
            counts = self._counts(db)
            self._write(db, counts._replace(own=max(empty, counts.own)))

        self._run(pause)

    def _try(self) -> float:
        """Count a request, and return 0; or return the seconds after which one may be sent."""

        def attempt(db: sqlite3.Connection) -> float:
            left = self._left(db)
            if left >= 1:
                now = self._clock()
                self._write(db, _Counts(*(max(full_at, now) + self.rate.paced for full_at in self._counts(db))))
                return 0.0
            return max((1 - left) * self.rate.paced, 0.001)

        return self._run(attempt)

    def _left(self, db: sqlite3.Connection) -> float:
        return self.rate.capacity - max(0.0, max(self._counts(db)) - self._clock()) / self.rate.paced

    def _counts(self, db: sqlite3.Connection) -> _Counts:
        """Read both counts; corrected in the file where the clock was set back."""
        row = db.execute(
            "SELECT full_at, server_full_at, noted_at FROM bucket WHERE client = ?", (self._client,)
        ).fetchone()
        if row is None:
            return _Counts()
        *instants, noted_at = (float(instant) for instant in row)
        counts = _Counts(*instants)
        now = self._clock()
        # What was left of the bucket when it was noted is left of it still: the clock moved, and no time passed.
        set_back = max(0.0, noted_at - now)
        corrected = _Counts(*(self._plausible(full_at - set_back) for full_at in counts))
        if corrected != counts:
            self._write(db, corrected)
        return corrected

    def _plausible(self, full_at: float) -> float:
        """An instant that we could have written; for any other, that of an empty bucket."""
        if math.isfinite(full_at) and full_at <= self._latest():
            return full_at
        return self._clock() + self.rate.capacity * self.rate.paced

    def _latest(self) -> float:
        return self._clock() + self.rate.capacity * self.rate.paced + LONGEST_PAUSE

    def _write(self, db: sqlite3.Connection, counts: _Counts) -> None:
        db.execute("INSERT OR REPLACE INTO bucket VALUES (?, ?, ?, ?)", (self._client, *counts, self._clock()))

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the file in one transaction; replace a damaged file first.

        Raises
        ------
        CacheError
            The file cannot be read or written.
        """
        try:
            try:
                with self._transaction() as db:
                    return work(db)
            except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
                if not is_damaged(self._file, error):
                    raise
            # Here the error is gone, and with it the cursor that keeps the file open: Windows removes no open file.
            remove(self._file)
            with self._transaction() as db:
                result = work(db)
        except (OSError, sqlite3.Error) as error:
            raise CacheError(
                f"Cannot keep count of requests in {self._file}: {why(error)}. Make its folder writable, free some "
                "disk, or close the program that holds the file."
            ) from error
        warn(f"The count of requests in {self._file} was damaged and starts again.")
        return result

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        private_file(self._file)
        db = sqlite3.connect(self._file, timeout=10, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous = OFF")  # waiting for the disk each time would cost more than the count
            db.execute("BEGIN IMMEDIATE")
            db.execute(
                "CREATE TABLE IF NOT EXISTS bucket "
                "(client TEXT PRIMARY KEY, full_at REAL NOT NULL, server_full_at REAL NOT NULL, noted_at REAL NOT NULL)"
            )
            columns = {(name, bool(key)) for _, name, _, _, _, key in db.execute("PRAGMA table_info(bucket)")}
            if columns != _COLUMNS:
                raise sqlite3.DatabaseError("it has other columns")
            yield db
            db.execute("COMMIT")
        finally:
            db.close()
