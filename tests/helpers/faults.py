"""Answers that are no page of a list, whatever gave them: HUBmis, a proxy, a filter, a network."""

from collections.abc import Callable
from dataclasses import replace

from hubmis_frames.simulator import SimulatedResponse

Fault = Callable[[SimulatedResponse], SimulatedResponse | None]


def with_status(code: int, body: bytes = b'{"message": "No."}', **headers: str) -> Fault:
    """SimulatedResponse with a status and a body."""
    return lambda answer: replace(answer, status=code, body=body, headers={**answer.headers, **headers})


FAULTS: dict[str, Fault] = {
    **{str(code): with_status(code) for code in (201, 400, 402, 403, 404, 405, 406, 409, 410, 413, 416, 418, 422, 451)},
    **{str(code): with_status(code) for code in (500, 501, 502, 503, 504, 599)},
    "204": with_status(204, b""),
    "206": with_status(206, b"[]"),
    "302": with_status(302, b"", Location="/login"),
    "304": with_status(304, b""),
    "404 as a web page": with_status(404, b"<html>Not found</html>"),
    "404 without a body": with_status(404, b""),
    "a web page": with_status(200, b"<html>Sign in</html>"),
    "no body": with_status(200, b""),
    "half a body": lambda answer: replace(answer, body=answer.body[:-1]),
    "an error object": with_status(200, b'{"message": "Busy"}'),
    "cut": lambda answer: replace(answer, cut_after=1),
    "no answer": lambda _: None,
}
