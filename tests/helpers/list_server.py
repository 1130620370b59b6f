"""A server of one list over sockets, in any way of paging: rows are added, and requests refused, while it is read."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from hubmis_frames.openapi import read_spec
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.transport import Rate, RetryPolicy, Session, adapter
from tests.helpers.raw_server import GRANT, RawServer, Received, response
from tests.helpers.styles import Style, answer_of, described, page_of

TABLE = "contacts"
IMPATIENT = RetryPolicy(connect_timeout=5, read_timeout=5, total_timeout=5, first_delay=0.001, max_wait_429=5)


@dataclass
class ListServer:
    """A list of contacts."""

    style: Style
    rows: list[int]
    cap: int = 25
    inserted: Mapping[int, float] = field(default_factory=dict)
    """Before which request a row is added, and where in the list: from 0.0 to 1.0."""
    refused: Mapping[int, int] = field(default_factory=dict)
    """Which requests are refused, and with which status."""
    changed: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the envelope that do not say the truth."""
    ignored: frozenset[str] = frozenset()
    """Parameters that the server does not take, although its file names them."""
    link: bool = False
    """Whether the header ``Link`` names the next page, and the envelope does not."""

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.asked: list[dict[str, str]] = []

    def talk(self, connection: socket, request: Received) -> None:
        """Answer a request."""
        if request.is_token:
            return connection.sendall(response(GRANT))
        with self.lock:
            query = dict(parse_qsl(urlsplit(request.path).query))
            self.asked.append(query)
            number = len(self.asked)
            if number in self.inserted:
                self.rows.insert(round(self.inserted[number] * len(self.rows)), 1000 + number)
            if number in self.refused:
                return connection.sendall(response(b'{"message": "No."}', f"{self.refused[number]} No"))
            query = {name: value for name, value in query.items() if name not in self.ignored}
            page, facts = page_of(self.style, self.rows, query, self.cap)
            records = [{"id": row, "first_name": f"Row {row}"} for row in page]
            if self.link:
                header = f'Link: <{facts.next}>; rel="next", </first>; rel="first"\r\n' if facts.next else ""
                return connection.sendall(response(orjson.dumps(records), headers=header))
            answer = answer_of(self.style, records, False, facts)
            answer = {**answer, **self.changed} if self.changed else answer
            return connection.sendall(response(orjson.dumps(answer)))

    @contextmanager
    def school(self, folder: Path) -> Iterator[School]:
        """Connect a school that knows the server by its file."""
        file = folder / "file.json"
        file.write_bytes(orjson.dumps(described(self.style, [TABLE])))
        spec = read_spec(file)
        assert TABLE in spec.endpoints
        assert CATALOGUE[TABLE].paged
        with RawServer(self.talk) as server, pytest.MonkeyPatch.context() as patch:
            patch.setattr(adapter, "_TAKE_TURNS", 0.001)
            session = Session(
                base_url=server.url, realm="S999", client_id="a", client_secret="b", cache_dir=None,
                rate_file=folder / "rate.sqlite", rate=Rate(1_000_000, 0.001), retry=IMPATIENT,
            )  # fmt: skip
            school = School(session, progress=False, spec=spec)
            try:
                yield school
            finally:
                session.close()
