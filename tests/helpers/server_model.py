"""A model of a server of paged lists: rows come and go between two requests, and pages are numbered in its own way."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

NUMBERINGS = ("from 0", "from 1, clamped", "from 1, refused", "from 1, empty")
Change = tuple[str, float]
"""``insert`` or ``delete``, and where in the list: from 0.0 to 1.0."""


class PageRefusedError(Exception):
    """The server refuses a page with 422."""


@dataclass
class ServerModel:
    """A server of one list for each path."""

    numbering: Mapping[str, str]
    """How each list numbers its pages."""
    rows: dict[str, list[int]]
    cap: int
    smallest: int = 1
    stable: bool = True
    largest: int = 10**6
    changes: Mapping[tuple[str, int], Change] = field(default_factory=dict)
    """What is done to a list before which of its requests."""

    def __post_init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.changed: list[tuple[str, int]] = []
        self.shuffle = random.Random(len(self.changes) + self.cap)
        self.begin()

    def begin(self) -> None:
        """Begin to note what the lists hold while they are read."""
        self.ever = {path: set(rows) for path, rows in self.rows.items()}
        self.always = {path: set(rows) for path, rows in self.rows.items()}
        self.deleted: Counter[str] = Counter()

    def count(self, path: str) -> tuple[str, int]:
        """Count a request to a path, and change its list if it is time."""
        self.requests[path] += 1
        moment = path, self.requests[path]
        if moment in self.changes and path in self.rows:
            self._change(path, *self.changes[moment])
            self.changed.append(moment)
        return moment

    def page(self, path: str, number: int, size: int) -> list[int]:
        """Return the rows of one page."""
        if size > self.largest:
            raise PageRefusedError("page[size] is too large")
        rows, numbering = self.rows[path], self.numbering[path]
        if not self.stable:
            rows = self.shuffle.sample(rows, len(rows))
        size = min(max(size, self.smallest), self.cap)
        if numbering != "from 0":
            if number == 0 and numbering == "from 1, refused":
                raise PageRefusedError("page[number] must be at least 1")
            if number == 0 and numbering == "from 1, empty":
                return []
            number = max(number - 1, 0)
        return rows[number * size : (number + 1) * size]

    def check(self, path: str, rows: list[int]) -> None:
        """Check what was read as the whole list."""
        assert set(rows) <= self.ever[path], f"{path}: rows that the list does not hold"
        missing = self.always[path] - set(rows)
        # A row that moves one page forward as another is deleted cannot be seen to be missing.
        # Of rows in another order each time, one can stay away from all pages by chance.
        assert len(missing) <= self.deleted[path] + (not self.stable), (
            f"{path}: {missing} missing, {self.deleted[path]} were deleted"
        )

    def _change(self, path: str, action: str, where: float) -> None:
        rows = self.rows[path]
        index = round(where * len(rows))
        if action == "insert":
            row = 10**6 * (1 + list(self.rows).index(path)) + self.requests[path]
            rows.insert(index, row)
            self.ever[path].add(row)
        elif index < len(rows):
            self.always[path].discard(rows.pop(index))
            self.deleted[path] += 1
