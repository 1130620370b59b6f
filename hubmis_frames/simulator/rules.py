"""How the simulated HUBmis behaves where the document is silent or contradicts itself, and what a hook may change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import unquote


@dataclass(frozen=True)
class Rules:
    """How the server behaves; as the document has it unless said otherwise.

    Attributes
    ----------
    client_id, client_secret
        The credentials that get a token.
    token_seconds, token_claims
        How long a token is good, and how long the answer claims.
    token_body
        Whether credentials are taken form-encoded, as JSON, or either way.
    capacity, refill_seconds
        The bucket of a client: how many requests it holds, and in how many seconds one comes back.
    per_address_per_minute
        A second limit by address, which no header shows.
    page_default, page_cap
        The size of a page that nobody asked a size for, and the largest that is given.
    first_page, page_zero
        The number of the first page, and what page 0 gives where that is 1.
    ignore_paging, ignore_filters
        Answer as if no page, or no filter and sort, had been asked for.
    statuses
        The enrolment statuses that the list of students holds when none is asked for.
    forbidden
        Tables that the client may not read.
    strict_query
        Refuse parameters that the document does not give the operation.
    latency
        Seconds by which every answer is late.
    send_rate_headers
        Whether answers tell what is left in the bucket.
    """

    client_id: str = "demo-client"
    client_secret: str = "demo-secret"  # noqa: S105  # it opens nothing but the simulated school
    token_seconds: float = 900
    token_claims: int = 86400
    token_body: Literal["form", "json", "both"] = "form"  # noqa: S105  # a way to send, not a secret
    capacity: int = 500
    refill_seconds: float = 5.0
    per_address_per_minute: int | None = None
    page_default: int = 100
    page_cap: int | None = None
    first_page: int = 1
    page_zero: Literal["same", "error", "empty"] = "same"
    ignore_paging: bool = False
    ignore_filters: bool = False
    statuses: frozenset[str] = frozenset({"current"})
    forbidden: frozenset[str] = frozenset()
    strict_query: bool = True
    latency: float = 0.0
    send_rate_headers: bool = True


@dataclass
class Asked:
    """A request as it came, its authorisation reduced to whether it was good."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    time: float
    table: str | None = None
    status: int = 0

    @property
    def target(self) -> str:
        """The path with its query, as a person would write them."""
        return unquote(f"{self.path}?{self.query}" if self.query else self.path)


@dataclass
class Answer:
    """An answer before it is sent; a hook may change it or return another.

    ``cut_after`` sends so many bytes of the body alone, though its length is announced in full.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None


Hook: TypeAlias = Callable[[Asked, Answer], Answer | None]
"""Changes an answer; ``None`` cuts the connection without one."""


class RefusedError(Exception):
    """A request that gets no records, with the status that says why."""

    def __init__(self, status: int, message: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, dict(errors or {})
