"""A model of a server of paged lists, and the reader against it: a list is whole, or an error says that it is not.

One thing no reader can see: a row is deleted, and the rows behind it move one page forward past what is read next. So
as many rows may be missing as were deleted meanwhile.
"""

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
from tests.helpers.server_model import NUMBERINGS, PageRefusedError, ServerModel

PATHS = ("/api/v1/students", "/api/v1/staff")
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
class FakeSession(ServerModel):
    """The model, asked by calling it: it raises what a session would."""

    faults: dict[tuple[str, int], HubmisError] = field(default_factory=dict)
    offline: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.server_facts = ServerFacts(None)

    def get(self, request: Request, _: Reading) -> Answer:
        """Answer a request, or raise what the session would."""
        if fault := self.faults.get(self.count(request.path)):
            raise fault
        query = dict(request.query)
        try:
            rows = self.page(request.path, int(query["page[number]"]), int(query["page[size]"]))
        except PageRefusedError as error:
            raise RefusedError(str(error), 422) from None
        return Answer(orjson.dumps([{"id": row} for row in rows]), datetime.now(UTC), False)

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
def models(draw: st.DrawFn) -> FakeSession:
    stable = draw(st.booleans())
    # A server that shuffles can seem to begin at 1 by chance, so of those only they do that begin there.
    numberings = st.sampled_from(NUMBERINGS if stable else NUMBERINGS[1:])
    moment = st.tuples(st.sampled_from(PATHS), st.integers(1, 40))
    change = st.tuples(st.sampled_from(["insert", "delete"]), st.sampled_from([0.0, 0.0, 0.2, 0.5, 1.0]))
    return FakeSession(
        numbering={path: draw(numberings) for path in PATHS},
        rows={path: list(range(1, 1 + draw(st.integers(0, 60)))) for path in PATHS},
        cap=draw(st.sampled_from([1, 2, 3, 5, 7, 10, 20, 25, 30, 59, 60, 1000])),
        smallest=draw(st.sampled_from([1, 1, 10, 1000])),
        stable=stable,
        largest=draw(st.sampled_from([10**6, 10**6, 100])),
        changes=draw(st.dictionaries(moment, change, max_size=4)),
        faults=draw(st.dictionaries(moment, st.sampled_from(FAULTS), max_size=4)),
    )


def check(model: FakeSession) -> None:
    for path in PATHS * 2:
        before = model.requests[path]
        failed = None
        try:
            rows = model.read(path)
        except HubmisError as error:
            failed = error
        if failed:
            moments = [moment for asked, moment in (*model.faults, *model.changes) if asked == path]
            happened = any(before < moment <= model.requests[path] for moment in moments)
            # One row a page from a server that refuses page 0 looks the same as one whose page 0 is in trouble.
            unclear = model.cap == 1 and model.numbering[path] == "from 1, refused"
            assert happened or unclear or not model.stable, f"nothing was in the way, and yet: {failed}"
            continue
        model.check(path, rows)


@settings(max_examples=60)
@given(models())
def test_a_list_is_whole_or_an_error(model: FakeSession):
    check(model)


@pytest.mark.slow
@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@given(models())
def test_a_list_is_whole_or_an_error_slow(model: FakeSession):
    check(model)
