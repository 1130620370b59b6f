"""The rate limit as one number per client in SQLite, shared by every process on the machine.

The number is the instant at which the bucket would be full again. A place costs one interval;
there is a place as long as the bucket is not more than its capacity of intervals from full.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import CacheError, HubmisError
from ..files import private_file

LONGEST_PAUSE = 900.0


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
"""Of a thread that works for a caller: ``stop``, the event by which the caller calls it off."""


def called_off() -> threading.Event:
    """The event that ends what this thread waits for; for a thread of nobody's, one that never comes."""
    event: threading.Event = getattr(WORKER, "stop", _NEVER)
    return event


_NEVER = threading.Event()


class StoppedError(HubmisError):
    """The work was interrupted while it waited for a place."""


class Bucket:
    """Places to send a request, one client's, whatever process asks."""

    def __init__(self, file: Path, client: str, rate: Rate, clock: Callable[[], float] = time.time) -> None:
        self.rate = rate
        self._file = file
        self._client = client
        self._clock = clock
        self._queue = threading.Lock()  # one thread of a process waits in SQLite, the others here
        try:
            private_file(file)
            try:
                self._make()
            except sqlite3.DatabaseError as damaged:
                if isinstance(damaged, sqlite3.OperationalError):
                    raise
                file.unlink()  # a count of requests is soon made anew
                private_file(file)
                self._make()
        except (OSError, sqlite3.Error) as error:
            raise CacheError(f"Cannot keep count of requests in {file}: {error}. Make its folder writable.") from error

    def _make(self) -> None:
        with self._transaction() as db:
            db.execute("CREATE TABLE IF NOT EXISTS bucket (client TEXT PRIMARY KEY, full_at REAL NOT NULL)")

    def take(self) -> None:
        """Wait for a place and take it. A waiter that dies has taken nothing."""
        stop = called_off()
        with self._queue:
            while not stop.is_set() and (wait := self._try()) > 0:
                if stop.wait(wait):
                    break
            if stop.is_set():
                raise StoppedError("Interrupted while waiting for the rate limit.")

    def left(self) -> float:
        """How many requests could be sent at once."""
        with self._transaction() as db:
            return self._left(db)

    def lower(self, remaining: float) -> None:
        """Believe the server when it says that fewer requests remain than we thought. Never the other way."""
        with self._transaction() as db:
            if remaining < self._left(db):
                self._write(db, self._clock() + (self.rate.capacity - remaining) * self.rate.paced)

    def pause(self, seconds: float) -> None:
        """After a 429: no place for any process until then, and from then on one at a time."""
        with self._transaction() as db:
            empty = self._clock() + (self.rate.capacity - 1) * self.rate.paced + min(seconds, LONGEST_PAUSE)
            self._write(db, max(empty, self._full_at(db)))

    def _try(self) -> float:
        with self._transaction() as db:
            left = self._left(db)
            if left >= 1:
                self._write(db, max(self._full_at(db), self._clock()) + self.rate.paced)
                return 0.0
            return max((1 - left) * self.rate.paced, 0.001)

    def _left(self, db: sqlite3.Connection) -> float:
        return self.rate.capacity - max(0.0, self._full_at(db) - self._clock()) / self.rate.paced

    def _full_at(self, db: sqlite3.Connection) -> float:
        row = db.execute("SELECT full_at FROM bucket WHERE client = ?", (self._client,)).fetchone()
        # A clock set back would otherwise make everybody wait for as long as it jumped.
        latest = self._clock() + self.rate.capacity * self.rate.paced + LONGEST_PAUSE
        return min(float(row[0]), latest) if row else 0.0

    def _write(self, db: sqlite3.Connection, full_at: float) -> None:
        db.execute("INSERT OR REPLACE INTO bucket VALUES (?, ?)", (self._client, full_at))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._file, timeout=10, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous = OFF")  # waiting for the disk at each place would cost more than the place
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise CacheError(
                f"Cannot keep count of requests in {self._file}: {error}. Close what holds the file, or free some disk."
            ) from error
        finally:
            db.close()
