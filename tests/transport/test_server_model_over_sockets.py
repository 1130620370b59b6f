"""The model of a server over real sockets, and the loaders against it, with any fault at any request.

Every row is one that the server holds for the student it was asked for, and a list is whole, or an error says that it
is not and for whom.
"""

import contextlib
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from urllib.parse import parse_qs, urlsplit

import orjson
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.school import School
from hubmis_frames.transport import Rate, RetryPolicy, Session, adapter
from tests.helpers.raw_server import GRANT, RawServer, Received, response
from tests.helpers.server_model import NUMBERINGS, PageRefusedError, ServerModel
from tests.helpers.wire_faults import HARMLESS, LASTING, PASSING, Send

pytestmark = pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")  # rows that came twice are kept once
STUDENTS = [7, 8, 9]
TOKEN = "/api/v1/token"
YEARS = "/api/v1/academic-years"
LIST = "/api/v1/students"
EVENTS = {student: f"{LIST}/{student}/wellbeing-events" for student in STUDENTS}
PATHS = [LIST, *EVENTS.values()]
SENDS: dict[str, Send] = {**HARMLESS, **PASSING, **LASTING}
IMPATIENT = RetryPolicy(connect_timeout=5, read_timeout=5, total_timeout=5, first_delay=0.001, max_wait_429=5)


@dataclass
class WireModel(ServerModel):
    """The model, asked over sockets."""

    faults: dict[tuple[str, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.lock = threading.Lock()
        self.faulted: set[tuple[str, int]] = set()

    def talk(self, connection: socket, request: Received) -> str | None:
        """Answer a request in its own way."""
        path = urlsplit(request.path).path
        with self.lock:
            moment = self.count(path)
            status, body = ("200 OK", GRANT) if path == TOKEN else self.answer(request.path)
            fault = self.faults.get(moment)
            if fault:
                self.faulted.add(moment)
        if fault and (status.startswith("200") or fault not in HARMLESS):
            return SENDS[fault](connection, body)
        return connection.sendall(response(body, status))

    def answer(self, target: str) -> tuple[str, bytes]:
        """The right answer to a request for a page."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path not in self.rows:
            return "200 OK", b'[{"id": 23}]' if path == YEARS else b"[]"
        try:
            rows = self.page(path, int(query["page[number]"][0]), int(query["page[size]"][0]))
        except PageRefusedError:
            return "422 Unprocessable", b'{"message": "No such page."}'
        other = {"access_status": "full"} if path == LIST else {"title": "A word"}
        return "200 OK", orjson.dumps([{"id": row, **other} for row in rows])

    @property
    def is_passing(self) -> bool:
        """Whether nothing has happened yet but what one further request gets past."""
        serious = [moment for moment in self.faulted if self.faults[moment] not in HARMLESS]
        lonely = all((path, number + 1) not in serious for path, number in serious)
        passing = all(path != TOKEN and self.faults[path, number] in PASSING for path, number in serious)
        unclear = self.cap == 1 and "from 1, refused" in self.numbering.values()
        return lonely and passing and not self.changed and not unclear


@st.composite
def models(draw: st.DrawFn) -> WireModel:
    listed, events = draw(st.sampled_from(NUMBERINGS)), draw(st.sampled_from(NUMBERINGS))
    moment = st.tuples(st.sampled_from([TOKEN, LIST, *PATHS, *PATHS]), st.integers(1, 12))
    change = st.tuples(st.sampled_from(["insert", "delete"]), st.sampled_from([0.0, 0.2, 0.5, 1.0]))
    fault = st.one_of(*(st.sampled_from(list(kind)) for kind in (HARMLESS, PASSING, LASTING)))
    sizes = st.one_of(st.integers(0, 12), st.integers(20, 26))
    return WireModel(
        numbering={path: listed if path == LIST else events for path in PATHS},
        # The ids of one student's events are those of nobody else.
        rows={path: list(range(1 + 1000 * place, 1 + 1000 * place + draw(sizes))) for place, path in enumerate(PATHS)},
        cap=draw(st.sampled_from([1, 2, 3, 5, 7, 12, 20, 25, 1000])),
        smallest=draw(st.sampled_from([1, 1, 10, 1000])),
        largest=draw(st.sampled_from([10**6, 10**6, 100])),
        changes=draw(st.dictionaries(moment, change, max_size=2)),
        faults=draw(st.dictionaries(moment, fault, max_size=6)),
    )


def check_events(model: WireModel, frame: pd.DataFrame, failed: set[int | str]) -> None:
    for student, path in EVENTS.items():
        rows = frame.loc[frame.student_id == student, "pastoral_event_id"].tolist()
        if student in failed:
            assert not rows, "a student who failed has rows"
        else:
            model.check(path, rows)
    assert set(frame.student_id) <= set(STUDENTS)


def load(
    loader: Callable[[bool], pd.DataFrame], refresh: bool
) -> tuple[pd.DataFrame, None] | tuple[None, hf.HubmisError]:
    """Return what a loader gives, or its error."""
    try:
        return loader(refresh), None
    except hf.HubmisError as error:
        return None, error


def check(model: WireModel) -> None:
    with (
        RawServer(model.talk) as server,
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        contextlib.closing(
            Session(
                base_url=server.url, realm="S999", client_id="a", client_secret="b", cache_dir=None,
                rate_file=Path(folder, "rate.sqlite"), rate=Rate(1_000_000, 0.001), retry=IMPATIENT,
            )
        ) as session,
    ):  # fmt: skip
        patch.setattr(adapter, "_TAKE_TURNS", 0.001)
        school = School(session, progress=False)
        for refresh in (False, True, False):
            students, error = load(lambda how: hf.load_students(school, refresh=how), refresh)
            if students is not None:
                model.check(LIST, students.student_id.tolist())
            assert error is None or not model.is_passing, f"nothing but passing trouble, and yet: {error}"
            events, error = load(lambda how: hf.load_student_wellbeing_events(school, STUDENTS, refresh=how), refresh)
            if isinstance(error, hf.IncompleteError):
                check_events(model, error.tables["student_wellbeing_events"], {ids[0] for ids in error.failed})
            elif events is not None:
                check_events(model, events, set())
            assert error is None or not model.is_passing, f"nothing but passing trouble, and yet: {error}"


@settings(max_examples=20)
@given(models())
def test_rows_belong_to_their_question_and_a_list_is_whole_or_an_error(model: WireModel):
    check(model)


@pytest.mark.slow
@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@given(models())
def test_rows_belong_to_their_question_and_a_list_is_whole_or_an_error_slow(model: WireModel):
    check(model)


@pytest.mark.slow
@pytest.mark.parametrize("fault", SENDS)
@pytest.mark.parametrize("number", [1, 2, 4])
def test_each_fault_at_a_request_of_each_list(fault: str, number: int):
    check(
        WireModel(
            numbering=dict.fromkeys(PATHS, "from 1, clamped"),
            rows={path: list(range(1 + 1000 * place, 9 + 1000 * place)) for place, path in enumerate(PATHS)},
            cap=3,
            faults={(path, number): fault for path in PATHS},
        )
    )
