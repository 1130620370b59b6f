"""A model of a server of paged lists, and the reader against it: a list is whole, or an error says that it is not.

One thing no reader can see: a row is deleted, and the rows behind it move one page forward past what is read next. So
as many rows may be missing as were deleted meanwhile.
"""

import random
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubmis_frames.errors import (
    HubmisError,
    NotFoundError,
    NotPermittedError,
    PayloadError,
    RateLimitError,
    RefusedError,
    ServerFaultError,
    UnreachableError,
)
from hubmis_frames.request import Paging, Request
from hubmis_frames.transport import Reading, read_pages
from hubmis_frames.transport.server_facts import ServerFacts
from hubmis_frames.transport.session import Answer

NUMBERINGS = ("from 0", "from 1, clamped", "from 1, refused", "from 1, empty")
REFUSED = RefusedError("page[number] must be at least 1", 422)
FAULTS: list[HubmisError] = [
    *(RefusedError("No.", status) for status in (204, 206, 302, 304, 400, 410, 413, 416, 418, 422)),
    NotFoundError("No."),
    NotPermittedError("No."),
    PayloadError("A web page."),
    ServerFaultError("500, four times."),
    UnreachableError("Cut, four times."),
    RateLimitError("429, for half an hour."),
]


@dataclass
class Model:
    """A server of one list for each path, and the session that asks it."""

    numbering: dict[str, str]
    rows: dict[str, list[int]]
    cap: int
    smallest: int = 1
    stable: bool = True
    largest: int = 10**6
    changes: dict[int, list[tuple[str, float]]] = field(default_factory=dict)
    """Before which request what is done to each list, and where in it."""
    faults: dict[int, HubmisError] = field(default_factory=dict)
    offline: bool = False

    def __post_init__(self) -> None:
        self.server_facts = ServerFacts(None)
        self.requests = 0
        self.next_id = 10**6
        self.shuffle = random.Random(len(self.changes) + self.cap)
        self.begin()

    def begin(self) -> None:
        """Begin to note what a list holds while it is read."""
        self.ever = {path: set(rows) for path, rows in self.rows.items()}
        self.always = {path: set(rows) for path, rows in self.rows.items()}
        self.deleted = 0

    def get(self, request: Request, _: Reading) -> Answer:
        """Answer a request, or raise what the session would."""
        self.requests += 1
        for action, where in self.changes.get(self.requests, ()):
            self.change(action, where)
        if fault := self.faults.get(self.requests):
            raise fault
        query = dict(request.query)
        rows = self.page(request.path, int(query["page[number]"]), int(query["page[size]"]))
        return Answer(orjson.dumps([{"id": row} for row in rows]), datetime.now(UTC), False)

    def page(self, path: str, number: int, size: int) -> list[int]:
        if size > self.largest:
            raise RefusedError("page[size] is too large", 422)
        rows, numbering = self.rows[path], self.numbering[path]
        if not self.stable:
            rows = self.shuffle.sample(rows, len(rows))
        size = min(max(size, self.smallest), self.cap)
        if numbering != "from 0":
            if number == 0 and numbering == "from 1, refused":
                raise REFUSED
            if number == 0 and numbering == "from 1, empty":
                return []
            number = max(number - 1, 0)
        return rows[number * size : (number + 1) * size]

    def change(self, action: str, where: float) -> None:
        for path, rows in self.rows.items():
            index = round(where * len(rows))
            if action == "insert":
                rows.insert(index, self.next_id)
                self.ever[path].add(self.next_id)
                self.next_id += 1
            elif index < len(rows):
                self.always[path].discard(rows.pop(index))
                self.deleted += 1

    def read(self, path: str) -> list[int]:
        self.begin()
        reading = Reading(timedelta(1), is_answer=lambda _: True, rows=lambda value: list(value))  # type: ignore[call-overload]
        session: Any = self
        pages: Generator[Answer, None, Any] = read_pages(session, Request(path), Paging(most=500), reading)
        while True:
            try:
                next(pages)
            except StopIteration as end:
                return [row["id"] for answer in end.value.answers for row in orjson.loads(answer.body)]


@st.composite
def models(draw: st.DrawFn) -> Model:
    paths = ("/api/v1/students", "/api/v1/staff")
    stable = draw(st.booleans())
    # A server that shuffles can seem to begin at 1 by chance, so of those only they do that begin there.
    numberings = st.sampled_from(NUMBERINGS if stable else NUMBERINGS[1:])
    at = st.integers(1, 40)
    change = st.tuples(st.sampled_from(["insert", "delete"]), st.sampled_from([0.0, 0.0, 0.2, 0.5, 1.0]))
    moments = draw(st.lists(at, max_size=3, unique=True))
    return Model(
        numbering={path: draw(numberings) for path in paths},
        rows={path: list(range(1, 1 + draw(st.integers(0, 60)))) for path in paths},
        cap=draw(st.sampled_from([1, 2, 3, 5, 7, 10, 20, 25, 30, 59, 60, 1000])),
        smallest=draw(st.sampled_from([1, 1, 10, 1000])),
        stable=stable,
        largest=draw(st.sampled_from([10**6, 10**6, 100])),
        changes={moment: [draw(change)] for moment in moments},
        faults=draw(st.dictionaries(at, st.sampled_from(FAULTS), max_size=4)),
    )


def check(model: Model) -> None:
    for path in ("/api/v1/students", "/api/v1/staff", "/api/v1/students", "/api/v1/staff"):
        before = model.requests
        failed = None
        try:
            rows = model.read(path)
        except HubmisError as error:
            failed = error
        if failed:
            happened = any(before < moment <= model.requests for moment in (*model.faults, *model.changes))
            # One row a page from a server that refuses page 0 looks the same as one whose page 0 is in trouble.
            unclear = model.cap == 1 and model.numbering[path] == "from 1, refused"
            assert happened or unclear or not model.stable, f"nothing was in the way, and yet: {failed}"
            continue
        assert set(rows) <= model.ever[path], "no row that the list does not hold"
        missing = model.always[path] - set(rows)
        assert len(missing) <= model.deleted, f"{len(missing)} rows are missing, {model.deleted} were deleted"


@settings(max_examples=60)
@given(models())
def test_a_list_is_whole_or_an_error(model: Model):
    check(model)


@pytest.mark.slow
@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@given(models())
def test_a_list_is_whole_or_an_error_slow(model: Model):
    check(model)
