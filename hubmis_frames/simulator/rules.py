"""How the simulator behaves where the document is silent or contradicts itself, and what a hook may change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote


@dataclass(frozen=True)
class Rules:
    """How the server behaves; the defaults follow the document.

    Attributes
    ----------
    client_id, client_secret
        The credentials for which the server gives a token.
    token_seconds, token_claims
        How long a token is valid, and how long the response says it is.
    token_body
        Whether credentials must be form-encoded, JSON, or either.
    capacity, refill_seconds
        The client's bucket: how many requests it holds, and after how many seconds it gains one.
    whole_places
        Whether the bucket gains one request at once after each ``refill_seconds``, and not a part of one all the time.
    per_address_per_minute
        A second limit for each address, which no header shows.
    tokens_per_address_per_minute
        The same for requests of a token alone.
    page_default, page_cap
        The page size if the request has none, and the largest page size.
    first_page, page_zero
        The number of the first page, and the response to page 0 if the first page is 1.
    ignore_paging, ignore_filters
        Respond as if the request had no page, or no filter and sort.
    statuses
        The enrolment statuses in the list of students if the request names none.
    forbidden
        The tables that the client may not read.
    scopes
        The scopes of the client; ``None`` means all. An operation of which the document names no scope takes none.
    strict_query
        Refuse parameters that the document does not list for the operation.
    latency
        Seconds to wait before each response.
    send_rate_headers
        Whether responses have headers that show what is left in the bucket.
    always_retry_after
        Whether all responses have the header that says when to ask again, and not only those with status 429.
    empty_429, plain_401
        Whether a response with status 429 has no body, and one with status 401 has a text that is not JSON.
    """

    client_id: str = "demo-client"
    client_secret: str = "demo-secret"  # noqa: S105  # opens the simulated school only
    token_seconds: float = 900
    token_claims: int = 86400
    token_body: Literal["form", "json", "both"] = "form"  # noqa: S105  # a way to send, not a secret
    capacity: int = 500
    refill_seconds: float = 5.0
    whole_places: bool = False
    per_address_per_minute: int | None = None
    tokens_per_address_per_minute: int | None = None
    page_default: int = 100
    page_cap: int | None = None
    first_page: int = 1
    page_zero: Literal["same", "error", "empty"] = "same"
    ignore_paging: bool = False
    ignore_filters: bool = False
    statuses: frozenset[str] = frozenset({"current"})
    forbidden: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    strict_query: bool = True
    latency: float = 0.0
    send_rate_headers: bool = True
    always_retry_after: bool = False
    empty_429: bool = False
    plain_401: bool = False

    @classmethod
    def symfony(cls, **changed: Any) -> "Rules":
        """Rules like those of Symfony's rate limiter, whose header names the document has."""
        known = {
            "whole_places": True,
            "tokens_per_address_per_minute": 12,
            "always_retry_after": True,
            "empty_429": True,
            "plain_401": True,
        }
        return cls(**{**known, **changed})


UNFELT: dict[str, Any] = {"capacity": 1_000_000, "refill_seconds": 0.001}
"""A rate limit that nobody feels."""


@dataclass
class SimulatedRequest:
    """A request as received, with its Authorization replaced by ``valid``, ``invalid`` or ``missing``."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    time: float
    table: str | None = None
    status: int = 0

    @property
    def target(self) -> str:
        """The path with its query, without percent encoding."""
        return unquote(f"{self.path}?{self.query}" if self.query else self.path)


@dataclass
class SimulatedResponse:
    """A response before it is sent; a hook may change it or return another.

    ``cut_after`` sends only that many bytes of the body, although Content-Length gives the full length.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None


Hook: TypeAlias = Callable[[SimulatedRequest, SimulatedResponse], SimulatedResponse | None]
"""Changes a response; ``None`` cuts the connection without a response."""


class HttpStatusError(Exception):
    """Raised to respond with an error status instead of records."""

    def __init__(self, status: int, message: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, dict(errors or {})
