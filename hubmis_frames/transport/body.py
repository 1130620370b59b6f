"""What a body is: JSON, a web page, nothing. No column is known here."""

import json
from typing import Any

import orjson
import requests

from ..errors import PayloadError
from .problems import SENT_BY_THE_NETWORK

_MOST_LEVELS = 1024


def parse(body: bytes, where: str) -> object:
    """Parse a body that should be a JSON list or object.

    Raises
    ------
    PayloadError
        It is something else; the message holds none of it.
    """
    try:
        value = _loads(body)
    except (ValueError, RecursionError):
        if is_page(body):
            raise PayloadError(
                f"The answer at {where} is a web page, and nothing of it was kept: {SENT_BY_THE_NETWORK}"
            ) from None
        form = "not whole JSON" if body.strip() else "empty"
        raise PayloadError(
            f"The answer at {where} is {form}. Nothing of it was kept. Check HUBMIS_BASE_URL and the network; if it "
            "happens again, tell the vendor."
        ) from None
    if not isinstance(value, list | dict):
        raise PayloadError(f"The answer at {where} is neither a list nor an object. Nothing of it was kept.")
    return value


def is_from_hubmis(response: requests.Response) -> bool:
    """Whether HUBmis itself sent a refusal, and not a filter, a proxy or a sign-in page on the way.

    HUBmis answers in JSON. A server that asks to come back later (``Retry-After``) has not judged the request.
    """
    if "Retry-After" in response.headers:
        return False
    body = response.content
    if not body.strip():
        page = "html" in response.headers.get("Content-Type", "").lower()
        return not page and not 300 <= response.status_code < 400
    try:
        _loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def is_page(body: bytes) -> bool:
    """Whether a body is HTML or XML."""
    return body.lstrip()[:1] == b"<"


def _loads(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # Slower, and more lenient in one thing that occurs: half a surrogate pair inside a text.
        value = json.loads(body, parse_constant=_no_constant)
    if isinstance(value, dict | list):
        _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    """Refuse what orjson refuses too; the limit of Python's own parser differs from version to version."""
    level = [value]
    for _ in range(_MOST_LEVELS):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise ValueError("it is nested too deeply")


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
