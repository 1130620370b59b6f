"""Attempts on the wire: each takes a place in the bucket and reads a whole body under a deadline.

429, server faults and broken connections end here. The cache lies above, so a cached answer costs
nothing, and credentials are added to a copy here, so the cache never sees them.
"""

import codecs
import email.utils
import json
import logging
import re
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import requests
import truststore
import urllib3
from requests.adapters import HTTPAdapter

from .. import __about__
from ..errors import CredentialsError, PayloadError, RateLimitError, ServerFaultError, SettingsError, UnreachableError
from .addresses import place, proxy_for
from .cache import is_further
from .rate_limit import LONGEST_PAUSE, Bucket, called_off

log = logging.getLogger("hubmis_frames")

_SENT_HEADERS = (
    "Accept",
    "Accept-Encoding",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Realm",
    "academic-year-id",
)
_USUAL_LATENCY = 0.2
_BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
)


@dataclass(frozen=True)
class RetryPolicy:
    """How long to go on with a request before giving up."""

    connect_timeout: float = 20.0
    read_timeout: float = 60.0
    total_timeout: float = 300.0
    max_body: int = 512 * 2**20
    max_attempts: int = 4
    first_delay: float = 1.0
    max_wait_429: float = 1800.0  # by time, as the number of answers 429 says nothing


DEFAULT_RETRY = RetryPolicy()


class ConcurrencyLimiter:
    """How many requests may be under way at once.

    Two to begin with. Each answer whose headers confirm that the bucket still holds plenty lets one
    more in; a 429 sends all but one away.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = min(2, most)
        self._under_way = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            while self._under_way >= self._allowed:
                self._changed.wait()
            self._under_way += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify()

    def grow(self) -> None:
        """Let one more in."""
        with self._changed:
            self._allowed = min(self._allowed + 1, self._most)
            self._changed.notify()

    def shrink(self) -> None:
        """Let one at a time in from now on."""
        with self._changed:
            self._allowed = 1


class Tokens(Protocol):
    """Where an adapter gets what it puts into ``Authorization``."""

    def bearer(self) -> str:
        """``Bearer`` and a token that is good for a while yet."""

    def drop(self, bearer: str) -> None:
        """Forget a token that was refused."""


class RetryAdapter(HTTPAdapter):
    """Send a request until it is answered, within the rate limit."""

    def __init__(
        self, bucket: Bucket, retry: RetryPolicy, limiter: ConcurrencyLimiter, tokens: Tokens | None = None
    ) -> None:
        # The system's certificates too: a school that inspects traffic installs its own there, not with Python.
        self._trust = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(pool_maxsize=16)
        self._bucket = bucket
        self._retry = retry
        self._limiter = limiter
        self._tokens = tokens
        self._count = threading.Lock()
        self.sent = 0
        self.clock_ahead: float | None = None
        """By how many seconds this machine's clock was ahead of the server's at the last answer."""
        self._answered = 0
        self._busy = 0.0

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make connections that trust what the system trusts."""
        super().init_poolmanager(*arguments, **options, ssl_context=self._trust)

    def proxy_manager_for(self, proxy: str, **options: Any) -> urllib3.ProxyManager:
        """Make connections through a proxy that trust what the system trusts."""
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **options, ssl_context=self._trust)
        return manager

    @property
    def latency(self) -> float:
        """Seconds from a request to its whole answer, on average; a guess before the first."""
        return self._busy / self._answered if self._answered else _USUAL_LATENCY

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Answer with a response whose body is complete; raise when there is none to be had."""
        faults = 0
        renewed = False
        kind: type[UnreachableError]
        gives_up = time.monotonic() + self._retry.max_wait_429
        where = place(request.url)
        shown = re.sub(r"(?<=/)\d+(?=/|$)", "...", where)  # a log holds no id of a child
        while True:
            # In this order, so that the token is not older than its life when it leaves.
            self._bucket.take()
            copy = self._outgoing(request)
            try:
                with self._limiter:
                    response = self._attempt(copy, options)
            except _BROKEN as error:
                kind, problem = UnreachableError, _explain(error, where) + _through(str(request.url))
                faults += 1
            except OSError as error:  # requests could not even begin
                raise SettingsError(_unusable(error)) from None
            else:
                self._heed(response)
                log.debug("%s %s: %d", request.method, shown, response.status_code)
                if response.status_code == 429:
                    log.info("HUBmis answered 429 (too many requests). Waiting.")
                    if time.monotonic() > gives_up:
                        minutes = (
                            f" for {self._retry.max_wait_429 / 60:.0f} minutes" if self._retry.max_wait_429 else ""
                        )
                        raise RateLimitError(
                            f"HUBmis has answered 429 (too many requests){minutes} at {where}. Another "
                            "program may use the same client: stop it, or try again later. What was fetched "
                            "is kept in the cache."
                        )
                    continue
                if response.status_code == 401 and self._tokens:
                    if renewed:
                        raise CredentialsError(
                            f"HUBmis refused a token that it had just issued, at {where}. Check that the realm "
                            "belongs to this client, and that the clock of this machine is right."
                        )
                    self._tokens.drop(copy.headers["Authorization"])
                    renewed = True
                    continue
                if response.status_code < 500:
                    if self._tokens and response.status_code == 200:
                        parse(response.content, where)  # before the cache can keep it
                    response.request = request  # the one without credentials
                    return response
                kind = ServerFaultError
                problem = f"HUBmis answered {response.status_code} (a fault on its side) at {where}."
                faults += 1
            if faults >= self._retry.max_attempts:
                raise kind(
                    f"{problem} Tried {faults} times. Try again later; what was fetched is kept in the cache."
                ) from None
            log.info("%s Trying again.", problem.replace(where, shown))
            called_off().wait(self._retry.first_delay * 2 ** (faults - 1))

    def _outgoing(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        copy = request.copy()
        kept = {name: value for name, value in copy.headers.items() if name in _SENT_HEADERS or is_further(name)}
        copy.headers = requests.structures.CaseInsensitiveDict(
            kept | {"Accept": "application/json", "User-Agent": f"hubmis-frames/{__about__.__version__}"}
        )
        if "Realm" in kept:  # in whatever script; as text it would have to be Latin
            copy.headers["Realm"] = str(kept["Realm"]).encode()  # type: ignore[assignment]
        if self._tokens:
            copy.headers["Authorization"] = self._tokens.bearer()
        return copy

    def _attempt(self, request: requests.PreparedRequest, options: Mapping[str, Any]) -> requests.Response:
        begun = time.monotonic()
        with self._count:
            self.sent += 1
        options = {name: options[name] for name in ("verify", "cert", "proxies") if name in options}
        timeout = (self._retry.connect_timeout, self._retry.read_timeout)
        response = super().send(request, stream=True, timeout=timeout, **options)
        body = bytearray()
        try:
            # As it comes: waiting for a whole piece would let a drip outlast the deadline.
            while piece := response.raw.read1(2**16, decode_content=True):
                body += piece
                if time.monotonic() - begun > self._retry.total_timeout:
                    raise requests.Timeout(f"no whole answer within {self._retry.total_timeout:.0f} s")
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

    def _heed(self, response: requests.Response) -> None:
        """Learn from the rate limit's headers; without them, stay as careful as at the start."""
        remaining = _number(response.headers.get("X-RateLimit-Remaining"))
        if (server_now := _instant(response.headers.get("Date"))) is not None:
            self.clock_ahead = time.time() - server_now
        if response.status_code == 429:
            self._limiter.shrink()
            self._bucket.pause(pause_asked(response.headers, time.time(), self._bucket.rate.interval))
        elif remaining is not None:
            self._bucket.lower(remaining)
            if remaining >= 20:
                self._limiter.grow()


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
        kind = "a web page, perhaps a proxy's" if body.lstrip()[:1] == b"<" else "not whole JSON"
        kind = kind if body.strip() else "empty"
        raise PayloadError(
            f"The answer at {where} is {kind}. Nothing of it was kept. Check HUBMIS_BASE_URL and the network; if it "
            "happens again, tell the vendor."
        ) from None
    if not isinstance(value, list | dict):
        raise PayloadError(f"The answer at {where} is neither a list nor an object. Nothing of it was kept.")
    return value


def _loads(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # Slower, and more lenient in one thing that occurs: half a surrogate pair inside a text.
        return json.loads(body, parse_constant=_no_constant)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def pause_asked(headers: Mapping[str, str], now: float, interval: float) -> float:
    """Seconds to wait after a 429, from headers that may be absent or nonsense.

    ``X-RateLimit-Retry-After`` is a Unix time floored to a second, so it is read against the
    response's own ``Date``; a plain ``Retry-After`` holds seconds or a date.
    """
    server_now = _instant(headers.get("Date")) or now
    until = _number(headers.get("X-RateLimit-Retry-After"))
    if until is not None:
        if until > 1e11:  # milliseconds
            until /= 1000
        wait = until - server_now + 1
    else:
        plain = headers.get("Retry-After")
        seconds = _number(plain)
        instant = _instant(plain)
        wait = seconds if seconds is not None else instant - server_now if instant else interval
    return min(max(wait, interval), LONGEST_PAUSE)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _instant(text: str | None) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text or "").timestamp()
    except ValueError:
        return None


def _unusable(error: Exception) -> str:
    """Say which setting of the environment keeps requests from sending; its own message may hold a password."""
    if "certificate" in str(error):
        return (
            "The file of certificates that REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) names is not there or cannot be "
            "read. Correct the variable, or remove it: without it, what the system trusts is trusted."
        )
    return (
        f"The request could not be sent ({type(error).__name__}). Check the settings HTTPS_PROXY, HTTP_PROXY and "
        "ALL_PROXY: a proxy looks like http://host:port."
    )


def _through(url: str) -> str:
    proxy = proxy_for(url)
    said = f" It was asked through the proxy {proxy} (HTTPS_PROXY, or the system's settings): is that the right one?"
    return said if proxy else ""


def _explain(error: Exception, where: str) -> str:
    """Say in words what broke; the library's own message holds the whole URL."""
    text = str(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return f"The proxy did not let the request through at {where}. Check the settings HTTPS_PROXY and NO_PROXY."
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"The certificate of the server was not accepted at {where}. If the school's network inspects traffic, "
            "ask for its root certificate, and install it in the system or name its file in REQUESTS_CA_BUNDLE."
        )
    if isinstance(error, requests.ConnectTimeout | requests.ReadTimeout | requests.Timeout):
        return f"No whole answer arrived in time at {where}."
    if "NameResolution" in text or "getaddrinfo" in text:
        return "The name of the server was not found. Check the network and HUBMIS_BASE_URL."
    if "refused" in text:
        return "The server refused the connection. Check the network, the proxy and HUBMIS_BASE_URL."
    return f"The connection broke before the answer was complete at {where}."
