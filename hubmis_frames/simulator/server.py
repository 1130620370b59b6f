"""The HTTP server: takes a request, has it answered as HUBmis would, lets hooks spoil the answer, sends it."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

import orjson
from requests.structures import CaseInsensitiveDict

from hubmis_frames.openapi import as_openapi
from hubmis_frames.operations.declaration import CATALOGUE, PREFIX, Endpoint

from .limits import Limits
from .routes import Routes
from .rules import Answer, Asked, Hook, RefusedError, Rules
from .school import School
from .world import World

TOKEN = f"{PREFIX}token"
OPENAPI = "/openapi.json"


class Simulator:
    """A HUBmis of simulated schools, on a port of this machine.

    Use it as a context manager, or call ``start`` and ``close``. It describes itself at ``/openapi.json``.

    Parameters
    ----------
    worlds
        The schools by realm, or one school.
    rules
        How the server behaves.
    hooks
        Called in turn on every request and its answer; see ``Hook``.
    endpoints
        The operations to serve; those of the document unless given.
    port
        The port to listen on; any free one unless given.
    clock
        Gives the time; what it gives can be moved on by ``advance``.

    Attributes
    ----------
    log
        Every request seen, in the order in which they were answered.
    hooks
        The hooks, a list to change at will.

    Notes
    -----
    The document says nothing of errors, so these are choices, checked in this order: 429 for an
    empty bucket; 404 for an unknown path; 405 for any method but GET; 401 for a token that is
    missing, wrong or expired; 400 for a missing ``Realm`` and 403 for an unknown one; 403 for a
    forbidden table; 404 for the id of nothing; 400 for a parameter that the operation does not
    have; 422 for a value that does not fit. Every request costs a place in the bucket, refused
    ones and those for a token too; only a 429 is free.
    """

    def __init__(
        self,
        worlds: Mapping[str, World] | World,
        rules: Rules | None = None,
        hooks: Iterable[Hook] = (),
        *,
        endpoints: Iterable[Endpoint] = CATALOGUE.values(),
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        known = {worlds.realm: worlds} if isinstance(worlds, World) else worlds
        self.rules = rules or Rules()
        self.hooks: list[Hook] = list(hooks)
        self.log: list[Asked] = []
        self._schools = {realm: School(world, self.rules) for realm, world in known.items()}
        self._clock, self._offset = clock, 0.0
        self._limits = Limits(self.rules, self.now)
        self._endpoints = tuple(endpoints)
        self._routes = Routes(self._endpoints)
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Simulator":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where the server listens."""
        if self._server is None:
            raise RuntimeError("The simulator has not been started.")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> "Simulator":
        """Listen, in threads of its own."""
        if self._server is None:
            self._server = _Server(("127.0.0.1", self._port), self)
            self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
            self._thread.start()
        return self

    def close(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.close_connections()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def now(self) -> float:
        """Return the time by which tokens expire and the bucket fills."""
        return self._clock() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the server's time on."""
        self._offset += seconds

    def count(self, part: str = "") -> int:
        """Return how many requests were seen whose path and query hold ``part``."""
        return sum(part in asked.target for asked in self.log)

    def answer(self, asked: Asked, body: bytes, address: str) -> Answer | None:
        """Return the answer to a request, or ``None`` to cut the connection."""
        if self.rules.latency:
            time.sleep(self.rules.latency)
        again = self._limits.take(address)
        answer: Answer | None
        if again is not None:
            answer = _error(429, "Too Many Attempts.")
            answer.headers["X-RateLimit-Retry-After"] = str(int(again))
        else:
            try:
                answer = Answer(200, self._body(asked, body))
            except RefusedError as refusal:
                answer = _error(refusal.status, refusal.message, refusal.errors)
        if self.rules.send_rate_headers:
            answer.headers["X-RateLimit-Limit"] = str(self.rules.capacity)
            answer.headers["X-RateLimit-Remaining"] = str(self._limits.remaining)
        for hook in list(self.hooks):
            answer = hook(asked, answer)
            if answer is None:
                break
        asked.status = answer.status if answer else 0
        self.log.append(asked)
        return answer

    def _body(self, asked: Asked, body: bytes) -> bytes:
        if asked.path == TOKEN:
            return self._token(asked, body)
        if asked.path == OPENAPI:
            return orjson.dumps(as_openapi(self._endpoints))
        route = self._routes.find(asked.path)
        if route is None:
            raise RefusedError(404, "There is nothing at this path.")
        endpoint, ids = route
        asked.table = endpoint.table
        if asked.method != "GET":
            raise RefusedError(405, f"{asked.method} is not allowed here.")
        if asked.headers.get("Authorization") != "valid":
            raise RefusedError(401, "Unauthenticated.")
        realm = asked.headers.get("Realm", "").encode("latin-1").decode("utf-8", "replace")
        if not realm:
            raise RefusedError(400, "The Realm header is missing.")
        if realm not in self._schools:
            raise RefusedError(403, "This client has no access to the realm.")
        if endpoint.table in self.rules.forbidden:
            raise RefusedError(403, "This client lacks the scope.")
        return self._schools[realm].body(endpoint, ids, asked.query, asked.headers)

    def _token(self, asked: Asked, body: bytes) -> bytes:
        if asked.method != "POST":
            raise RefusedError(405, f"{asked.method} is not allowed here.")
        form = asked.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
        if self.rules.token_body not in ("both", "form" if form else "json"):
            raise RefusedError(415, f"Credentials are taken as {self.rules.token_body} alone.")
        try:
            sent: Any = dict(parse_qsl(body.decode())) if form else json.loads(body)
        except ValueError:
            sent = None
        if not isinstance(sent, dict) or sent.get("grant_type") != "client_credentials":
            raise RefusedError(400, "unsupported_grant_type")
        if (sent.get("client_id"), sent.get("client_secret")) != (self.rules.client_id, self.rules.client_secret):
            raise RefusedError(401, "invalid_client")
        granted = {"token_type": "Bearer", "expires_in": self.rules.token_claims, "access_token": self._limits.token()}
        return orjson.dumps(granted)

    def authorised(self, given: str | None) -> str:
        """Return what the log says of the authorisation that was given."""
        return "missing" if given is None else "valid" if self._limits.knows(given) else "invalid"


def _error(status: int, message: str, errors: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, orjson.dumps({"message": message, **({"errors": dict(errors)} if errors else {})}))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        super().__init__(address, _Handler)
        self.simulator = simulator
        self.connections: set[socket.socket] = set()

    def close_connections(self) -> None:
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the other side was quicker


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client went away, as clients may

    def log_message(self, *_: object) -> None:
        """Say nothing: the log is the simulator's."""

    def do_GET(self) -> None:
        simulator = self.server.simulator
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = CaseInsensitiveDict(self.headers.items())
        headers["Authorization"] = simulator.authorised(headers.get("Authorization"))
        path, _, query = self.path.partition("?")
        asked = Asked(self.command, path, query, headers, simulator.now())
        answer = simulator.answer(asked, body, self.client_address[0])
        if answer is None:
            self.close_connection = True
            return
        self._send(answer)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = do_QUERY = do_GET  # noqa: N815

    def _send(self, answer: Answer) -> None:
        reason = self.responses.get(answer.status, ("",))[0]
        headers = {
            "Date": formatdate(self.server.simulator.now(), usegmt=True),
            "Content-Type": "application/json",
            "Content-Length": str(len(answer.body)),
            **answer.headers,
        }
        lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        body = b"" if self.command == "HEAD" else answer.body
        if answer.cut_after is not None:
            body, self.close_connection = body[: answer.cut_after], True
        self.wfile.write("\r\n".join(lines).encode("latin-1") + body)
