"""What requests have shown of how a server pages its lists, by operation; kept beside the cache, and soon tried again.

Nothing here may cost a list a row: the reader of pages relies on a fact only while it is recent, or where the pages
themselves come from the cache, and forgets it as soon as an answer contradicts it.
"""

import contextlib
import math
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import orjson

from ..files import whole_file

FIRST_PAGE = "first_page"
PAGE_SIZE = "page_size"
RECENT = {FIRST_PAGE: 3600.0, PAGE_SIZE: 86400.0}
"""For how many seconds a fact saves requests. A wrong page size costs requests alone, so it may be older."""
EVIDENCE = 3
"""How many rows have to agree before the first page counts as known: fewer could agree because rows were deleted."""
_KEPT = 60 * 86400.0


class Fact(NamedTuple):
    """One fact of an operation, and when it was learnt."""

    value: int
    learnt_at: float


class ServerFacts:
    """The facts of one server, as one client sees it.

    Parameters
    ----------
    file
        Where they are kept; ``None``: in memory.
    """

    def __init__(self, file: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._facts: dict[str, Fact] | None = None
        self._evidence: dict[str, int] = {}

    def get(self, name: str, path: str, *, since: float = -math.inf, any_age: bool = False) -> int | None:
        """Return a fact of the operation at a path, unless it is too old, or older than ``since``."""
        with self._lock:
            fact = self._read().get(_key(name, path))
        if fact is None or fact.learnt_at < since:
            return None
        return fact.value if any_age or self._clock() - fact.learnt_at < RECENT[name] else None

    def learn(self, name: str, path: str, value: int, evidence: int = EVIDENCE) -> None:
        """Remember a fact, once enough rows have shown it. A file that cannot be written costs requests alone."""
        key = _key(name, path)
        with self._lock:
            shown = f"{key} {value}"
            self._evidence[shown] = self._evidence.get(shown, 0) + evidence
            if self._evidence[shown] >= EVIDENCE:
                # Another process may have learnt something too.
                self._facts = {**self._load(), **self._read(), key: Fact(value, self._clock())}
                self._write()

    def forget(self, name: str, path: str) -> None:
        """Forget a fact that an answer has contradicted."""
        with self._lock:
            self._evidence.clear()
            self._facts = {**self._load(), **self._read()}
            if self._facts.pop(_key(name, path), None):
                self._write()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._facts, self._evidence = {}, {}
            if self._file:
                with contextlib.suppress(OSError):
                    self._file.unlink(missing_ok=True)

    def _read(self) -> dict[str, Fact]:
        if self._facts is None:
            self._facts = self._load()
        return self._facts

    def _load(self) -> dict[str, Fact]:
        """The facts in the file; what cannot be one is left out, whatever wrote it."""
        try:
            stored = orjson.loads(self._file.read_bytes()) if self._file else {}
        except (OSError, ValueError):
            return {}
        facts = {}
        for key, entry in stored.items() if isinstance(stored, dict) else ():
            if isinstance(entry, list) and len(entry) == 2 and self._is_fact(key, *entry):
                facts[key] = Fact(*entry)
        return facts

    def _is_fact(self, key: str, value: object, learnt_at: object) -> bool:
        if type(value) is not int or not isinstance(learnt_at, int | float) or isinstance(learnt_at, bool):
            return False
        possible = range(2) if key.startswith(f"{FIRST_PAGE} ") else range(1, 10**6)
        return value in possible and 0 <= self._clock() - learnt_at < _KEPT

    def _write(self) -> None:
        if self._file is None:
            return
        with contextlib.suppress(OSError), whole_file(self._file) as part:
            part.write_bytes(orjson.dumps({key: list(fact) for key, fact in (self._facts or {}).items()}))


def _key(name: str, path: str) -> str:
    """Name a fact of an operation: its path without ids, as the same operation is asked for many students."""
    return f"{name} {re.sub(r'/[0-9]+(?=/|$)', '/{id}', path)}"
