"""Servers that no HTTP library would write: a function answers each request on the bare socket."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

GRANT = b'{"token_type": "Bearer", "expires_in": 900, "access_token": "abc.def"}'


class Received(NamedTuple):
    """A request, as it came."""

    method: str
    path: str
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def is_token(self) -> bool:
        return self.path.endswith("/token")


Talk = Callable[[socket.socket, Received], Any]


class RawServer:
    """Reads requests from each connection until it is closed, and lets ``talk`` answer them."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.received: list[Received] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "RawServer":
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def count(self, part: str) -> int:
        return sum(part in request.path for request in self.received)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ValueError), connection.makefile("rb") as sent:
            while line := sent.readline():
                method, path, _ = line.decode().split()
                headers = http.client.parse_headers(sent)
                # The whole request: closing on an unread body would break the connection before the answer is read.
                body = sent.read(int(headers.get("Content-Length") or 0))
                request = Received(method, path, headers, body)
                self.received.append(request)
                if self._talk(connection, request) == "close":
                    return


def response(body: bytes, status: str = "200 OK", headers: str = "", *, kind: str = "application/json") -> bytes:
    """A whole response; ``headers`` are lines that end in CR LF."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def granting(talk: Talk) -> Talk:
    """Answer requests for a token, and leave the others to ``talk``."""

    def answer(connection: socket.socket, request: Received) -> Any:
        if not request.is_token:
            return talk(connection, request)
        return connection.sendall(response(GRANT))

    return answer
