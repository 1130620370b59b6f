"""The HTTP server: receives a request, builds the response that HUBmis would give, lets hooks change it, sends it."""

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
from .people import STATUS_IDS
from .routes import Routes
from .rules import Hook, HttpStatusError, Rules, SimulatedRequest, SimulatedResponse
from .school import SimulatedSchool
from .world import World

TOKEN = f"{PREFIX}token"
OPENAPI = "/openapi.json"


class Simulator:
    """A server of simulated schools on a port of this machine.

    Use it as a context manager, or call ``start`` and ``close``. Its OpenAPI description is at ``/openapi.json``.

    Parameters
    ----------
    worlds
        The schools by realm, or a single school.
    rules
        How the server behaves.
    hooks
        Called in order with every request and its response; see ``Hook``.
    endpoints
        The operations to serve; all those of the document if left out.
    port
        The port to listen on; any free port if left out.
    clock
        Returns the current time; ``advance`` adds to it.

    Attributes
    ----------
    log
        Every request received, in the order of the responses.
    hooks
        The list of hooks, which may be changed at any time.

    Notes
    -----
    The document does not describe errors, so these statuses are our choice. They are checked in this order: 429 for an
    empty bucket; 404 for an unknown path; 405 for any method except GET; 401 for a token that is missing, wrong or
    expired; 400 for a missing ``Realm`` and 403 for an unknown one; 403 for a forbidden table or a missing scope; 404
    for an id that does not exist; 400 for a parameter that the operation does not have; 422 for an invalid value. Every
    request uses one request of the bucket, also a refused one and one for a token; only a 429 uses none.
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
        by_realm = {worlds.realm: worlds} if isinstance(worlds, World) else worlds
        self.rules = rules or Rules()
        self.hooks: list[Hook] = list(hooks)
        self.log: list[SimulatedRequest] = []
        self._schools = {realm: SimulatedSchool(world, self.rules) for realm, world in by_realm.items()}
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
        """The base URL of the server."""
        if self._server is None:
            raise RuntimeError("The simulator has not been started.")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> "Simulator":
        """Start to listen, in other threads."""
        if self._server is None:
            self._server = _Server(("127.0.0.1", self._port), self)
            self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
            self._thread.start()
        return self

    def close(self) -> None:
        """Stop listening and cut all connections."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.close_connections()
            self._server.server_close()
            self._thread.join(5)
            self._server = self._thread = None

    def now(self) -> float:
        """Return the server's time, on which tokens and the bucket depend."""
        return self._clock() + self._offset

    def advance(self, seconds: float) -> None:
        """Advance the server's time."""
        self._offset += seconds

    def count(self, part: str = "") -> int:
        """Return the number of requests received whose path and query contain ``part``."""
        return sum(part in request.target for request in self.log)

    def respond(self, request: SimulatedRequest, body: bytes, address: str) -> SimulatedResponse | None:
        """Return the response to a request, or ``None`` to cut the connection."""
        if self.rules.latency:
            time.sleep(self.rules.latency)
        retry_at = self._limits.take_request(address, request.path == TOKEN)
        response: SimulatedResponse | None
        if retry_at is not None:
            response = SimulatedResponse(429, b"") if self.rules.empty_429 else _error(429, "Too Many Attempts.")
        else:
            try:
                response = SimulatedResponse(200, self._body(request, body))
            except HttpStatusError as refusal:
                response = _error(refusal.status, refusal.message, refusal.errors)
                if self.rules.plain_401 and refusal.status == 401:
                    response = SimulatedResponse(401, refusal.message.encode(), {"Content-Type": "text/plain"})
        if retry_at is not None or self.rules.always_retry_after:
            response.headers["X-RateLimit-Retry-After"] = str(int(self.now() if retry_at is None else retry_at))
        if self.rules.send_rate_headers:
            response.headers["X-RateLimit-Limit"] = str(self.rules.capacity)
            response.headers["X-RateLimit-Remaining"] = str(self._limits.remaining)
        for hook in list(self.hooks):
            response = hook(request, response)
            if response is None:
                break
        request.status = response.status if response else 0
        self.log.append(request)
        return response

    def _body(self, request: SimulatedRequest, body: bytes) -> bytes:
        if request.path == TOKEN:
            return self._token(request, body)
        if request.path == OPENAPI:
            return orjson.dumps(as_openapi(self._endpoints))
        route = self._routes.find(request.path)
        if route is None:
            raise HttpStatusError(404, "There is no operation at this path.")
        endpoint, ids = route
        request.table = endpoint.table
        if request.method != "GET":
            raise HttpStatusError(405, f"{request.method} is not allowed here.")
        if request.headers.get("Authorization") != "valid":
            raise HttpStatusError(401, "Unauthenticated.")
        realm = request.headers.get("Realm", "").encode("latin-1").decode("utf-8", "replace")
        if not realm:
            raise HttpStatusError(400, "The Realm header is missing.")
        if realm not in self._schools:
            raise HttpStatusError(403, "This client has no access to the realm.")
        if endpoint.table in self.rules.forbidden or self._lacks_scopes(endpoint, request.query):
            raise HttpStatusError(403, "This client lacks the scope.")
        return self._schools[realm].body(endpoint, ids, request.query, request.headers)

    def _lacks_scopes(self, endpoint: Endpoint, query: str) -> bool:
        """Whether the client has not all the scopes of any way to ask; some values of a filter take fewer."""
        if self.rules.scopes is None or not endpoint.scopes:
            return False
        ways = endpoint.scopes
        for wire, text in parse_qsl(query):
            names = [parameter.name for parameter in endpoint.parameters if parameter.wire == wire]
            for value, fewer in endpoint.scopes_with.get(names[0] if names else "", {}).items():
                if text in (value, str(STATUS_IDS.get(value))):
                    ways = (fewer,)
        return not any(self.rules.scopes.issuperset(way) for way in ways)

    def _token(self, request: SimulatedRequest, body: bytes) -> bytes:
        if request.method != "POST":
            raise HttpStatusError(405, f"{request.method} is not allowed here.")
        form = request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
        if self.rules.token_body not in ("both", "form" if form else "json"):
            raise HttpStatusError(415, f"Credentials must be sent as {self.rules.token_body}.")
        try:
            sent: Any = dict(parse_qsl(body.decode())) if form else json.loads(body)
        except ValueError:
            sent = None
        if not isinstance(sent, dict) or sent.get("grant_type") != "client_credentials":
            raise HttpStatusError(400, "unsupported_grant_type")
        if (sent.get("client_id"), sent.get("client_secret")) != (self.rules.client_id, self.rules.client_secret):
            raise HttpStatusError(401, "invalid_client")
        granted = {"token_type": "Bearer", "expires_in": self.rules.token_claims, "access_token": self._limits.token()}
        return orjson.dumps(granted)

    def authorization_state(self, authorization: str | None) -> str:
        """Return what stands in the log instead of the Authorization header."""
        if authorization is None:
            return "missing"
        return "valid" if self._limits.is_valid(authorization) else "invalid"


def _error(status: int, message: str, errors: Mapping[str, str] | None = None) -> SimulatedResponse:
    return SimulatedResponse(status, orjson.dumps({"message": message, **({"errors": dict(errors)} if errors else {})}))


_LARGEST_BODY = 10**6


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
                continue  # the client closed it first


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
            self.close_connection = True  # the client closed the connection

    def log_message(self, *_: object) -> None:
        """Print nothing: the simulator keeps its own log."""

    def do_GET(self) -> None:
        simulator = self.server.simulator
        body = self._body()
        headers = CaseInsensitiveDict(self.headers.items())
        headers["Authorization"] = simulator.authorization_state(headers.get("Authorization"))
        path, _, query = self.path.partition("?")
        request = SimulatedRequest(self.command, path, query, headers, simulator.now())
        response = simulator.respond(request, body, self.client_address[0])
        if response is None:
            self.close_connection = True
            return
        self._send(response)

    def _body(self) -> bytes:
        """Read the body, if the request has one of a size that a client of HUBmis could send."""
        length = self.headers.get("Content-Length") or "0"
        if length.isascii() and length.isdecimal() and int(length[:9]) <= _LARGEST_BODY and self.command != "GET":
            return self.rfile.read(int(length))
        self.close_connection = self.close_connection or length != "0"  # what was sent is not the next request
        return b""

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = do_QUERY = do_GET  # noqa: N815

    def _send(self, response: SimulatedResponse) -> None:
        reason = self.responses.get(response.status, ("",))[0]
        headers = {
            "Date": formatdate(self.server.simulator.now(), usegmt=True),
            "Content-Type": "application/json",
            "Content-Length": str(len(response.body)),
            **response.headers,
        }
        lines = [
            f"HTTP/1.1 {response.status} {reason}",
            *(f"{name}: {value}" for name, value in headers.items()),
            "",
            "",
        ]
        body = b"" if self.command == "HEAD" else response.body
        if response.cut_after is not None:
            body, self.close_connection = body[: response.cut_after], True
        self.wfile.write("\r\n".join(lines).encode("latin-1") + body)
