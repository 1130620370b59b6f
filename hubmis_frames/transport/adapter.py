"""Send one request until it is answered: each attempt is counted in the rate limit and carries a token.

The cache lies above, so a cached answer costs nothing. Credentials are added here to a copy, so the
cache never sees them. All of this runs in a thread of its own (:mod:`.threads`), never in the caller's.
"""

import codecs
import contextlib
import http.client
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import requests
import urllib3

from .. import __about__
from ..errors import (
    CredentialsError,
    HubmisError,
    NotFromHubmisError,
    PayloadError,
    RateLimitError,
    ServerFaultError,
    SettingsError,
    UnreachableError,
)
from .addresses import place
from .body import is_from_hubmis, is_page, parse
from .cache import is_further
from .concurrency import ConcurrencyLimiter
from .connection import OneRequestAdapter
from .problems import (
    broken_connection,
    not_from_hubmis,
    refused_token,
    server_fault,
    too_many_requests,
    unusable_setting,
)
from .rate_limit import Bucket, called_off
from .retry import PASSING, RetryPolicy, instant, number, pause_after_429, retry_after
from .threads import run_apart

log = logging.getLogger("hubmis_frames")

_SENT_HEADERS = ("Accept", "Accept-Encoding", "Content-Length", "Content-Type", "Realm", "academic-year-id")
_USUAL_LATENCY = 0.2
_TAKE_TURNS = 0.5
"""Seconds within which a refused token is renewed: two programs that end each other's tokens then take turns."""
_BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    TimeoutError,
)


class Tokens(Protocol):
    """Where an adapter gets what it puts into ``Authorization``."""

    def bearer(self) -> str:
        """``Bearer`` and a token that is still valid for a while."""

    def drop(self, bearer: str) -> None:
        """Forget a token that was refused."""


class RetryAdapter(OneRequestAdapter):
    """Send a request until it is answered, within the rate limit.

    Without ``tokens`` it is the adapter that fetches them, on behalf of a request that has its slot already.
    """

    def __init__(
        self, bucket: Bucket, retry: RetryPolicy, limiter: ConcurrencyLimiter, tokens: Tokens | None = None
    ) -> None:
        super().__init__()
        self._bucket = bucket
        self._retry = retry
        self._limiter = limiter
        self._tokens = tokens
        self._count = threading.Lock()
        self.sent = 0
        self.clock_ahead: float | None = None
        """By how many seconds this machine's clock was ahead of the server's at the last answer."""
        self._accepted = False
        """Whether a token was ever accepted. If so, a new one is refused because another program got a newer one."""
        self._answered = 0
        self._busy = 0.0

    @property
    def latency(self) -> float:
        """Seconds from a request to its whole answer, on average; a guess before the first."""
        return self._busy / self._answered if self._answered else _USUAL_LATENCY

    def send(
        self,
        request: requests.PreparedRequest,
        *_: Any,
        is_answer: Callable[[object], bool] | None = None,
        **options: Any,
    ) -> requests.Response:
        """Return a response whose body is complete.

        Parameters
        ----------
        is_answer
            Whether the parsed body of a 200 is an answer to this request; without it the body is not parsed.

        Raises
        ------
        UnreachableError, RateLimitError, CredentialsError, PayloadError, SettingsError
            No usable response arrived.
        """
        faults = 0
        renewed = False
        gives_up = time.monotonic() + self._retry.max_wait_429
        where = place(request.url)
        shown = re.sub(r"(?<=/)\d+(?=/|$)", "...", where)  # a log holds no id of a child
        while True:
            problem: HubmisError | None
            asked_wait: float | None = None
            try:
                response, bearer = self._attempt(request, options)
            except _BROKEN as error:
                problem = UnreachableError(broken_connection(error, where, str(request.url)))
            except OSError as error:  # requests could not even begin
                raise SettingsError(unusable_setting(error)) from None
            else:
                status = response.status_code
                log.debug("%s %s: %d", request.method, shown, status)
                if status == 429:
                    log.info("HUBmis answered 429 (too many requests). Waiting.")
                    if time.monotonic() > gives_up:
                        raise RateLimitError(too_many_requests(self._retry.max_wait_429, where))
                    continue
                if status == 401 and self._tokens:
                    self._tokens.drop(bearer)
                    if not renewed:
                        renewed = True
                        called_off().wait(random.uniform(0, _TAKE_TURNS))  # noqa: S311
                        continue
                problem = self._problem(response, where, is_answer)
                if problem is None:
                    self._accepted = True
                    response.request = request  # the one without credentials
                    return response
                asked_wait = retry_after(response.headers, time.time())
            faults += 1
            if faults >= self._most_attempts(problem):
                raise _final(problem, faults) from None
            log.info("%s Trying again.", str(problem).replace(where, shown))
            self._wait(faults, asked_wait, gives_up)

    def _problem(
        self, response: requests.Response, where: str, is_answer: Callable[[object], bool] | None
    ) -> HubmisError | None:
        """The error for a response, if asking again may give a better one; ``None`` if it is HUBmis's answer."""
        status = response.status_code
        if status >= 500 or status in PASSING:
            return ServerFaultError(server_fault(status, where, is_page(response.content)))
        if status == 200:
            return _unusable(response.content, where, is_answer) if is_answer else None
        if not is_from_hubmis(response):
            return NotFromHubmisError(not_from_hubmis(status, where))
        if status == 401 and self._tokens:
            return CredentialsError(refused_token(where))
        return None

    def _most_attempts(self, problem: HubmisError) -> int:
        if isinstance(problem, PayloadError):
            # What does not parse once may have been cut; what does not parse twice is how this server answers.
            return min(2, self._retry.max_attempts)
        if isinstance(problem, CredentialsError) and not self._accepted:
            return 1
        return self._retry.max_attempts

    def _wait(self, faults: int, asked: float | None, gives_up: float) -> None:
        """Wait before the next attempt: longer after each, and as long as the server asks if that is in time."""
        # Uneven, so that two programs that disturb each other get out of step.
        wait = self._retry.first_delay * 2 ** (faults - 1) * random.uniform(1, 1.25)  # noqa: S311
        if asked is not None and time.monotonic() + asked <= gives_up:
            wait = max(wait, asked)
        called_off().wait(wait)

    def _attempt(self, request: requests.PreparedRequest, options: Mapping[str, Any]) -> tuple[requests.Response, str]:
        """Send a request once. Returns the response and the ``Authorization`` that it was sent with."""
        with self._limiter if self._tokens else contextlib.nullcontext() as learnt:
            # In this order, so that the token is still valid when it leaves.
            self._bucket.take()
            outgoing = self._outgoing(request)
            response = run_apart(lambda: self._exchange(outgoing, options), self._retry.total_timeout)
            self._learn(response, learnt)
        return response, str(outgoing.headers.get("Authorization", ""))

    def _outgoing(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        copy = request.copy()
        kept = {name: value for name, value in copy.headers.items() if name in _SENT_HEADERS or is_further(name)}
        ours = {
            "Accept": "application/json",
            "Connection": "close",
            "User-Agent": f"hubmis-frames/{__about__.__version__}",
        }
        copy.headers = requests.structures.CaseInsensitiveDict(kept | ours)
        if "Realm" in kept:  # in whatever script; as text it would have to be Latin
            copy.headers["Realm"] = str(kept["Realm"]).encode()  # type: ignore[assignment]
        if self._tokens:
            copy.headers["Authorization"] = self._tokens.bearer()
        return copy

    def _exchange(self, request: requests.PreparedRequest, options: Mapping[str, Any]) -> requests.Response:
        begun = time.monotonic()
        with self._count:
            self.sent += 1
        options = {name: options[name] for name in ("verify", "cert", "proxies") if name in options}
        timeout = (self._retry.connect_timeout, self._retry.read_timeout)
        response = super().send(request, stream=True, timeout=timeout, **options)
        body = bytearray()
        try:
            while piece := response.raw.read1(2**16, decode_content=True):
                body += piece
                if len(body) > self._retry.max_body:
                    raise PayloadError(
                        f"The answer at {place(request.url)} is larger than {self._retry.max_body >> 20} MB. "
                        "No list of a school is; is this address HUBmis?"
                    )
        finally:
            response.close()
        with self._count:
            self._answered += 1
            self._busy += time.monotonic() - begun
        response._content = bytes(body).removeprefix(codecs.BOM_UTF8)
        return response

    def _learn(self, response: requests.Response, learnt: int | None) -> None:
        """Learn from the headers about the rate limit and the clock; without them, nothing changes."""
        remaining = number(response.headers.get("X-RateLimit-Remaining"))
        server_now = instant(response.headers.get("Date"))
        if server_now is not None:
            self.clock_ahead = time.time() - server_now
        if response.status_code == 429:
            self._limiter.shrink()
            self._bucket.pause(pause_after_429(response.headers, time.time(), self._bucket.rate.interval))
        elif remaining is not None:
            # The server may have answered before it saw the other requests that are under way.
            others = self._limiter.under_way - (learnt is not None)
            newest = self._limiter.learn(remaining, learnt)
            self._bucket.note_remaining(remaining - others, overtaken=not newest)


def _unusable(body: bytes, where: str, is_answer: Callable[[object], bool]) -> PayloadError | None:
    """The error for a body that does not parse.

    Raises
    ------
    PayloadError
        It parses, but is no answer. Asking again would not change that.
    """
    try:
        value = parse(body, where)
    except PayloadError as error:
        return error
    if not is_answer(value):
        raise PayloadError(
            f"The answer at {where} has nothing in common with a record of the operation; perhaps it is an error "
            "message. Nothing of it was kept."
        )
    return None


def _final(problem: HubmisError, attempts: int) -> HubmisError:
    if not isinstance(problem, UnreachableError):
        return problem
    return type(problem)(f"{problem} Tried {attempts} times. Try again later; what was fetched is kept in the cache.")
