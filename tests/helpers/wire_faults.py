"""What can happen to an answer on its way: each function sends it, or something else, over the bare socket."""

import gzip
import socket
import time
from collections.abc import Callable

from .raw_server import response

Send = Callable[[socket.socket, bytes], str | None]
"""Answers a request whose right answer has this body; ``close`` ends the connection."""


def _instead(status: str, body: bytes = b'{"message": "No."}', headers: str = "") -> Send:
    return lambda connection, _: connection.sendall(response(body, status, headers))


def _page(status: str, headers: str = "") -> Send:
    page = response(b"<html>Sign in</html>", status, headers, kind="text/html")
    return lambda connection, _: connection.sendall(page)


def _after(interim: bytes) -> Send:
    return lambda connection, body: connection.sendall(interim + response(body))


def _before(excess: bytes) -> Send:
    return lambda connection, body: connection.sendall(response(body) + excess)


def _chunked(body: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    half = len(body) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + end


def _slow(connection: socket.socket, body: bytes) -> None:
    whole = response(body)
    for start in range(0, len(whole), len(whole) // 4):
        connection.sendall(whole[start : start + len(whole) // 4])
        time.sleep(0.002)


def _cut(connection: socket.socket, body: bytes) -> str:
    connection.sendall(response(body)[:-1])
    return "close"


def _cut_chunked(connection: socket.socket, body: bytes) -> str:
    connection.sendall(_chunked(body, b""))
    return "close"


def _cut_without_length(connection: socket.socket, body: bytes) -> str:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body[: len(body) // 2])
    return "close"


def _without_length(connection: socket.socket, body: bytes) -> str:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)
    return "close"


def _cut_headers(connection: socket.socket, _: bytes) -> str:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Ty")
    return "close"


EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"

HARMLESS: dict[str, Send] = {
    "100": _after(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "102": _after(b"HTTP/1.1 102 Processing\r\n\r\n"),
    "103": _after(EARLY_HINTS),
    "103 three times": _after(EARLY_HINTS * 3),
    "103 with a length": _after(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n"),
    "a second answer": _before(response(b'[{"id": 987654321, "title": "Another\'s"}]')),
    "bytes after the answer": _before(b"\r\n\r\nand more"),
    "slow": _slow,
    "in chunks": lambda connection, body: connection.sendall(_chunked(body)),
    "without a length": _without_length,
    "compressed": lambda connection, body: connection.sendall(
        response(gzip.compress(body), headers="Content-Encoding: gzip\r\n")
    ),
    "nothing remains": lambda connection, body: connection.sendall(
        response(body, headers="X-RateLimit-Remaining: 2\r\n")
    ),
}
"""The right answer, whatever comes before, after or between."""

PASSING: dict[str, Send] = {
    **{status: _instead(status) for status in ("408 Timeout", "421 Misdirected", "425 Too Early", "429 Too Many")},
    **{status: _instead(status) for status in ("500 Fault", "501 No", "502 Bad", "503 Busy", "504 Late", "599 Other")},
    "503 later": _instead("503 Busy", headers="Retry-After: 0\r\n"),
    "403 later": _instead("403 Forbidden", headers="Retry-After: 0\r\n"),
    "401": _instead("401 Unauthorized"),
    **{f"{status}, a page": _page(status) for status in ("302 Found", "403 Forbidden", "404 Not Found", "422 No")},
    "redirect": _instead("302 Found", b"", "Location: /login\r\n"),
    "200, a page": _page("200 OK"),
    "empty": _instead("200 OK", b""),
    "cut": _cut,
    "cut in chunks": _cut_chunked,
    "cut without a length": _cut_without_length,
    "cut in the headers": _cut_headers,
    "no answer": lambda *_: "close",
    "101": _instead("101 Switching Protocols", b""),
    "no HTTP": lambda connection, _: connection.sendall(b"220 mail ESMTP\r\n") or "close",
}
"""Trouble that one further request gets past."""

LASTING: dict[str, Send] = {
    **{
        status: _instead(status)
        for status in (
            "201 Created",
            "302 Found",
            "400 Bad",
            "403 Forbidden",
            "404 Not Found",
            "406 No",
            "409 Conflict",
        )
    },
    **{status: _instead(status) for status in ("410 Gone", "413 Too Large", "416 Range", "418 Teapot", "422 No")},
    "204": lambda connection, _: connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "204 with a body": lambda connection, body: connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n" + body),
    "206": lambda connection, _: connection.sendall(response(b"[]", "206 Partial Content")),
    "206 with rows": lambda connection, body: connection.sendall(response(body, "206 Partial Content")),
    "304": lambda connection, _: connection.sendall(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "an error object": _instead("200 OK", b'{"code": "quota_exceeded", "description": "Too much"}'),
    "a status": _instead("200 OK", b'{"status": "error"}'),
    "a problem": _instead("200 OK", b'{"type": "about:blank", "title": "Busy", "status": 503, "detail": "Later"}'),
    "errors": _instead("200 OK", b'[{"errorCode": 17}]'),
    "a word": _instead("200 OK", b'["Unauthorized"]'),
    "an empty object": _instead("200 OK", b"{}"),
    "null": _instead("200 OK", b"null"),
}
"""Answers in HUBmis's own form that are no page of a list."""
