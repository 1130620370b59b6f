"""One school's connection: GET requests through the cache, and what a status means."""

import contextlib
import hashlib
import http.cookiejar
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson
import requests
from requests_cache import CachedSession
from requests_cache.models.response import CachedResponse

from ..errors import (
    CacheError,
    NotCachedError,
    NotFoundError,
    NotPermittedError,
    PayloadError,
    RefusedError,
    SettingsError,
    SpecError,
)
from ..files import whole_file
from ..request import REALM, Request
from .adapter import DEFAULT_RETRY, ConcurrencyLimiter, RetryAdapter, RetryPolicy, parse
from .cache import Cipher, Rows, cache_key, open_store
from .rate_limit import DOCUMENTED, Bucket, Rate
from .token import ClientCredentials

THREADS = 8


@dataclass(frozen=True)
class Reading:
    """How the answers of an operation are read; which operation that is, nobody here knows."""

    expire_after: timedelta
    """How long a cached answer stays good."""
    is_answer: Callable[[object], bool]
    """Whether a JSON object can be an answer of the operation, and is no message."""
    rows: Callable[[object], list[object]]
    """The rows in an answer."""
    refresh: bool = False
    """Ask the server, whatever the cache holds."""
    only_cached: bool = False
    """Ask the cache alone."""


class Answer(NamedTuple):
    """The body of one answer, JSON that parses, and when it was fetched."""

    body: bytes
    fetched_at: datetime
    cached: bool


class Session:
    """GET requests to one realm as one client."""

    def __init__(
        self,
        *,
        base_url: str,
        realm: str,
        client_id: str,
        client_secret: str,
        cache_dir: Path | None,
        rate_file: Path,
        rate: Rate = DOCUMENTED,
        retry: RetryPolicy = DEFAULT_RETRY,
        offline: bool = False,
        cipher: Cipher | None = None,
    ) -> None:
        self.realm = realm
        self.base_url = base_url
        self.offline = offline
        client = hashlib.sha256(f"{base_url} {client_id}".encode()).hexdigest()[:16]
        self.bucket = Bucket(rate_file, client, rate)
        limiter = ConcurrencyLimiter(THREADS)
        self._plain = requests.Session()
        self._tokens_adapter = RetryAdapter(self.bucket, retry, ConcurrencyLimiter(1))
        self._credentials = ClientCredentials(self._plain, base_url, realm, client_id, client_secret)
        self._adapter = RetryAdapter(self.bucket, retry, limiter, self._credentials)
        self._store = open_store(cache_dir, base_url, realm, client_id, cipher)
        self._cached = CachedSession(
            backend=self._store,
            key_fn=cache_key,
            allowable_codes=(200,),
            allowable_methods=("GET",),
            filter_fn=lambda response: response.status_code == 200 and not response.history,
            stale_if_error=False,
        )
        self._facts = Path(self._store.cache_name).with_name("facts.json") if cache_dir else None
        self._first_page: int | None = None
        self.largest_page = 10**6
        self._process = os.getpid()
        self._same_url: dict[str, threading.Lock] = {}
        for session, adapter in ((self._plain, self._tokens_adapter), (self._cached, self._adapter)):
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            session.auth = _leave_alone  # else a .netrc would speak for us
            if base_url.startswith("http://"):
                session.trust_env = False  # this machine; a proxy would get the secret in clear
            session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))

    def __repr__(self) -> str:
        return f"<Session {self.realm!r} at {self.base_url}>"

    @property
    def sent(self) -> int:
        """Requests that went over the wire, those for tokens and repeated attempts included."""
        return self._adapter.sent + self._tokens_adapter.sent

    def permitted(self) -> tuple[int, float]:
        """How many requests could be sent at once, and the seconds after which one more is permitted."""
        return int(self.bucket.left()), self.bucket.rate.interval

    def seconds(self, requests: int) -> float:
        """How long so many requests would take: first what is left of the burst, a few at once, then one by one."""
        quick = min(requests, int(self.bucket.left()))
        return quick * self._adapter.latency / THREADS + (requests - quick) * self.bucket.rate.paced

    @property
    def clock_ahead(self) -> float | None:
        """By how many seconds this machine's clock is ahead of the server's, once an answer has told."""
        ahead = self._adapter.clock_ahead
        return self._tokens_adapter.clock_ahead if ahead is None else ahead

    def log_in(self) -> None:
        """Get a token, if there is none yet, and ask for nothing else.

        Raises
        ------
        CredentialsError, RefusedError, UnreachableError, RateLimitError
            There is none to be had.
        """
        self._credentials.bearer()

    @property
    def first_page(self) -> int | None:
        """The number of this server's first page, once a paged operation has shown it."""
        if self._first_page is None and self._facts:
            try:
                first = orjson.loads(self._facts.read_bytes())["first_page"]
            except (OSError, ValueError, KeyError, TypeError):
                return None
            self._first_page = first if first in (0, 1) else None
        return self._first_page

    @first_page.setter
    def first_page(self, number: int) -> None:
        self._first_page = number
        if self._facts is None:
            return
        with contextlib.suppress(OSError), whole_file(self._facts) as part:  # it can be found out again
            part.write_bytes(orjson.dumps({"first_page": number}))

    def get(self, request: Request, reading: Reading) -> Answer:
        """Answer from the cache while it is good, else from HUBmis.

        Raises
        ------
        NotPermittedError, NotFoundError, RefusedError
            HUBmis answered 403, 404, or another status that is not 200.
        UnreachableError, RateLimitError, CredentialsError, PayloadError
            No usable answer arrived.
        NotCachedError
            Only the cache was asked, or the session is offline, and the cache holds no answer.
        """
        if os.getpid() != self._process:
            # Parent and child would read each other's answers off the same sockets.
            raise SettingsError("This school was opened in another process. Connect again in this one.")
        only_cached = reading.only_cached or self.offline
        prepared = self._prepare(request)
        key = cache_key(prepared)
        with self._same_url.setdefault(key, threading.Lock()), self._readable():
            # Looked up here, as requests-cache takes longer to decide on an answer than SQLite to find it.
            stored = self._store.get_response(key) if only_cached or not reading.refresh else None
            # Offline, an old answer is better than none; its age is known.
            if stored is not None and (self.offline or not stored.is_expired):
                return self._checked(Answer(stored.content, stored.created_at, True), request, reading)
            if only_cached:
                raise NotCachedError(
                    f"The answer at {request.path} is not in the cache. Connect without offline=True to ask for it."
                )
            options = self._cached.merge_environment_settings(prepared.url, {}, None, None, None)
            response = self._cached.send(
                prepared, expire_after=reading.expire_after, force_refresh=True, allow_redirects=False, **options
            )
        if response.status_code != 200:
            raise _refusal(response.status_code, request)
        fetched_at = getattr(response, "created_at", None) or datetime.now(UTC)
        return self._checked(Answer(response.content, fetched_at, False), request, reading)

    def _checked(self, answer: Answer, request: Request, reading: Reading) -> Answer:
        """The answer, unless it is an object that cannot be one; then the cache forgets it."""
        # A body that begins so is a list: it was parsed when it came off the wire.
        if answer.body.startswith(b"[") or reading.is_answer(parse(answer.body, request.path)):
            return answer
        self._store.responses.pop(cache_key(self._prepare(request)), None)
        raise PayloadError(
            f"The answer at {request.path} is an object that has nothing in common with a record of the operation; "
            "perhaps it is an error message. Nothing of it was kept."
        )

    def cache(self) -> dict[str, object]:
        """What the cache holds: its file, how many answers, their oldest and newest, and its size in MB."""
        rows = self._store.responses
        file = Path(self._store.cache_name) if self._facts else None
        with self._readable():
            keys = rows.as_written() if isinstance(rows, Rows) else sorted(rows, key=lambda key: rows[key].created_at)
            ends = [next(filter(None, map(rows.get, order)), None) for order in (keys, keys[::-1])]
        ages = [end.created_at.isoformat(timespec="seconds") if end else None for end in ends]
        parts = file.parent.glob(f"{file.name}*") if file else ()  # SQLite writes beside the file first
        return {
            "file": str(file or "in memory"),
            "answers": len(keys),
            "oldest": ages[0],
            "newest": ages[1],
            "megabytes": round(sum(part.stat().st_size for part in parts) / 1e6, 1),
        }

    def purge(self, student_id: int | None = None) -> int:
        """Remove every answer from the cache, or those in which a student may stand; tell how many."""
        rows = self._store.responses
        keys = list(rows)
        if student_id is not None:
            # An id is unique within its kind alone, so this takes a few answers too many, and none too few.
            named = re.compile(rb'"(?:id|\w*student_?id)"\s*:\s*"?%d\b' % student_id, re.IGNORECASE)
            keys = [key for key in keys if _is_about(rows.get(key), student_id, named)]
        for key in keys:
            rows.pop(key, None)
        if isinstance(rows, Rows):
            rows.wipe()
        # A damaged file that was set aside may hold anybody.
        for aside in Path(self._store.cache_name).parent.glob("*.damaged-*") if self._facts else ():
            aside.unlink()
        return len(keys)

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise CacheError(
                f"The cache at {self._store.cache_name} cannot be read: {error}. Remove the file; what it held "
                "will be asked for anew."
            ) from error

    def close(self) -> None:
        """Close connections and the cache."""
        self._plain.close()
        self._cached.close()  # type: ignore[no-untyped-call]

    def _prepare(self, request: Request) -> requests.PreparedRequest:
        named = {name: self.realm if value == REALM else value for name, value in request.headers}
        headers = {"Accept": "application/json", "Realm": self.realm, **named}
        url = f"{self.base_url}{request.path}"
        try:
            prepared = self._cached.prepare_request(
                requests.Request("GET", url, headers=headers, params=list(request.query))
            )
        except (requests.RequestException, ValueError):
            prepared = None
        # The path may come from a file. Whatever it holds, the token goes to the host that the user named.
        inside = prepared is not None and _origin(prepared.url or "") == _origin(self.base_url)
        if prepared is None or not inside or not request.path.startswith("/"):
            raise SpecError("A path of the OpenAPI file would lead to another host than HUBmis. Nothing was sent.")
        return prepared


def _is_about(response: CachedResponse | None, student_id: int, named: re.Pattern[bytes]) -> bool:
    """Whether a student may stand in an answer; one that cannot be read may hold anybody."""
    if response is None:
        return True
    return str(student_id) in str(response.url).split("/") or bool(named.search(response.content))


def _origin(url: str) -> tuple[str, str | None, int | None, bool]:
    """The scheme, host and port of an address, and whether it names a user."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port, "@" in parts.netloc


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _refusal(status: int, request: Request) -> NotPermittedError | NotFoundError | RefusedError:
    where = request.path
    if status == 403:
        return NotPermittedError(
            f"HUBmis does not permit this account to read {where}. Ask who manages HUBmis at the school for the "
            "scope. It does not mean that there are no rows."
        )
    if status == 404:
        return NotFoundError(
            f"HUBmis knows no {where}. Either there is no such record, or the path, which may be inferred, is wrong: "
            "give the vendor's OpenAPI file."
        )
    if 300 <= status < 400:
        return RefusedError(
            f"HUBmis redirects {where} elsewhere, which we do not follow. Check HUBMIS_BASE_URL.", status
        )
    # Of what was asked for, the sort alone may be shown: it is the name of a field, and a search can be a child's.
    sorts = [f"{name}={way}" for name, way in request.query if name.casefold().startswith("sort")]
    check = "Check the arguments."
    if sorts:
        check = (
            f"Check the sort first, which was sent as {sorts[0]}: help() of the loader shows the columns, not all of "
            "which a server can sort by. Or leave it out, and sort the frame: .sort_values(...)."
        )
    return RefusedError(f"HUBmis refused the request at {where} with status {status}. {check}", status)
