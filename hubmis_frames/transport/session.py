"""The connection to one school: GET requests through the cache, and the error for each status."""

import contextlib
import hashlib
import http.cookiejar
import json
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from requests_cache.models.response import CachedResponse

from ..errors import CacheError, NotCachedError, PayloadError, SettingsError, SpecError
from ..files import remove, why
from ..request import REALM, Envelope, Request, Scopes
from .adapter import RetryAdapter
from .addresses import is_same_server
from .body import parse
from .cache import Cipher, Rows, cache_key, open_store
from .concurrency import ConcurrencyLimiter
from .problems import lacking, refusal
from .rate_limit import DOCUMENTED, Bucket, Rate, StoppedError, called_off
from .retry import DEFAULT_RETRY, RetryPolicy
from .server_facts import ServerFacts
from .threads import SLICE, run_apart
from .token import ClientCredentials

THREADS = 8


@dataclass(frozen=True)
class Reading:
    """How to read the answers of an operation, without knowing which operation it is."""

    expire_after: timedelta
    """How long a cached answer stays good."""
    is_answer: Callable[[object], bool]
    """Whether a parsed body can be an answer of the operation, and is no error message."""
    rows: Callable[[object], list[object]]
    """The rows in an answer."""
    envelope: Callable[[object], Envelope] = lambda _: Envelope()
    """What an answer says of the list that it is a page of."""
    single: bool = False
    """Whether an answer is one record and no list."""
    enveloped: bool = False
    """Whether answers hold more than the rows."""
    refresh: bool = False
    """Ask the server, whatever the cache holds."""
    only_cached: bool = False
    """Ask the cache alone."""
    began: float = field(default_factory=time.time)
    """When it began: with ``refresh``, what was learnt of the server before is not relied on."""


class Answer(NamedTuple):
    """The body of one answer, JSON that parses, and when it was fetched."""

    body: bytes
    fetched_at: datetime
    cached: bool
    next: str = ""
    """The query of the next page of the list, if the header ``Link`` names one."""


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
        self._http = requests.Session()
        self._http.auth = _leave_alone  # else a .netrc would add its own credentials
        self._http.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        if base_url.startswith("http://"):
            self._http.trust_env = False  # this machine; a proxy would get the secret in clear
        self._tokens_adapter = RetryAdapter(self.bucket, retry, limiter)
        self._http.mount("https://", self._tokens_adapter)
        self._http.mount("http://", self._tokens_adapter)
        self._credentials = ClientCredentials(self._http, base_url, realm, client_id, client_secret)
        self._adapter = RetryAdapter(self.bucket, retry, limiter, self._credentials)
        self._store = open_store(cache_dir, base_url, realm, client_id, cipher)
        self._on_disk = cache_dir is not None
        self.server_facts = ServerFacts(
            Path(self._store.cache_name).with_name("server_facts.json") if self._on_disk else None
        )
        self._process = os.getpid()
        self._same_url: dict[str, threading.Lock] = {}
        self._seen_scopes: set[str] = set()

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
        """How long this many requests would take: first those left of the burst, a few at once, then one by one."""
        quick = min(requests, int(self.bucket.left()))
        return quick * self._adapter.latency / THREADS + (requests - quick) * self.bucket.rate.paced

    @property
    def granted(self) -> frozenset[str]:
        """Scopes that the client has: those that its token names, else those of the operations that were answered."""
        return frozenset(self._seen_scopes) if self._credentials.scopes is None else self._credentials.scopes

    @property
    def token_names_scopes(self) -> bool:
        """Whether the token came with its scopes."""
        return self._credentials.scopes is not None

    def lacks(self, scopes: Scopes) -> list[str]:
        """The scopes that the client seems to lack for an operation, judging by its token and by what was answered."""
        return lacking(scopes, self.granted, all_known=self.token_names_scopes)

    @property
    def clock_ahead(self) -> float | None:
        """By how many seconds this machine's clock is ahead of the server's; ``None`` before the first answer."""
        ahead = self._adapter.clock_ahead
        return self._tokens_adapter.clock_ahead if ahead is None else ahead

    def log_in(self) -> None:
        """Get a token, if there is none yet, and ask for nothing else.

        Raises
        ------
        CredentialsError, RefusedError, UnreachableError, RateLimitError
            No token was issued.
        """

        def fetch() -> None:
            self._credentials.bearer()

        run_apart(fetch)

    def get(self, request: Request, reading: Reading) -> Answer:
        """Answer from the cache while it is good, else from HUBmis.

        Raises
        ------
        NotPermittedError, NotFoundError, RefusedError
            HUBmis answered 403, 404, or another status that is not 200.
        UnreachableError, RateLimitError, CredentialsError, PayloadError
            No usable answer arrived.
        SettingsError
            The address does not lead to HUBmis, or a setting of the network cannot be used; nothing was sent.
        NotCachedError
            Only the cache was asked, or the session is offline, and the cache holds no answer.
        """
        if os.getpid() != self._process:
            # Parent and child would read each other's answers off the same sockets.
            raise SettingsError("This school was opened in another process. Connect again in this one.")
        only_cached = reading.only_cached or self.offline
        prepared = self._prepare(request)
        key = cache_key(prepared)
        with self._alone(key), self._readable():
            stored = self._store.get_response(key) if only_cached or not reading.refresh else None
            # Offline, an old answer is better than none; its age is known.
            if stored is not None and (self.offline or not stored.is_expired):
                return self._checked(_stored(stored), request, reading)
            if only_cached:
                raise NotCachedError(
                    f"The answer at {request.path} is not in the cache. To ask for it, connect without "
                    "offline=True; on the command line, without --offline."
                )
            response = run_apart(lambda: self._ask(prepared, reading))
            if response.status_code != 200:
                raise refusal(response.status_code, request, self.granted, all_known=self.token_names_scopes)
            if len(request.scopes) == 1:
                self._seen_scopes.update(*request.scopes)
            answer = Answer(response.content, datetime.now(UTC), False, _next_page(response))
            self._keep(key, answer, prepared, reading.expire_after)
            return answer

    def _ask(self, prepared: requests.PreparedRequest, reading: Reading) -> requests.Response:
        """Ask HUBmis. Only in a thread of its own: the settings can hold a proxy's password."""
        options = self._http.merge_environment_settings(prepared.url, {}, None, None, None)
        return self._adapter.send(prepared, is_answer=reading.is_answer, **options)

    def _keep(self, key: str, answer: Answer, prepared: requests.PreparedRequest, expire_after: timedelta) -> None:
        """Keep an answer in the cache for as long as it is good."""
        if expire_after <= timedelta(0):
            return
        self._store.responses[key] = CachedResponse(
            content=answer.body,
            url=str(prepared.url),
            status_code=200,
            headers=CaseInsensitiveDict({"Link": f'<{answer.next}>; rel="next"'} if answer.next else {}),
            created_at=answer.fetched_at,
            expires=answer.fetched_at + expire_after,
        )

    @contextlib.contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Let one thread at a time ask for an answer, so that the others find it in the cache."""
        lock = self._same_url.setdefault(key, threading.Lock())
        while not lock.acquire(timeout=SLICE):
            if called_off().is_set():
                raise StoppedError("Interrupted while another thread asked for the same answer.")
        try:
            yield
        finally:
            lock.release()

    def _checked(self, answer: Answer, request: Request, reading: Reading) -> Answer:
        """An answer of the cache, unless it is an object that cannot be one; then the cache forgets it."""
        # A list was judged when it arrived, and would take long to parse again.
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
        file = Path(self._store.cache_name) if self._on_disk else None
        with self._readable():
            keys = rows.keys_by_age() if isinstance(rows, Rows) else sorted(rows, key=lambda key: rows[key].created_at)
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

    def purge(self, student_id: int | str | None = None) -> int:
        """Remove every answer from the cache, or those that may contain a student; return how many."""
        rows = self._store.responses
        with self._readable():
            keys = list(rows)
            if student_id is not None:
                # Any number, text or key that is the id counts: a few answers too many go, and none too few.
                sought = int(student_id) if str(student_id).isdecimal() else str(student_id).casefold()
                keys = [key for key in keys if _is_about(rows.get(key), sought)]
            for key in keys:
                rows.pop(key, None)
            if isinstance(rows, Rows):
                rows.wipe()
        if student_id is None:
            self.server_facts.clear()
        # A damaged file that was renamed may contain any child's data.
        for aside in Path(self._store.cache_name).parent.glob("*.damaged-*") if self._on_disk else ():
            try:
                remove(aside)
            except OSError as error:
                raise CacheError(
                    f"{aside} may hold any child's data and cannot be removed: {why(error)}. Close the program that "
                    "has it open, then purge again."
                ) from error
        return len(keys)

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise CacheError(
                f"The cache at {self._store.cache_name} cannot be read: {error}. Remove the file; what it held "
                "will be fetched again."
            ) from error

    def close(self) -> None:
        """Close connections and the cache."""
        self._http.close()
        self._adapter.close()
        self._store.close()  # type: ignore[no-untyped-call]

    def _prepare(self, request: Request) -> requests.PreparedRequest:
        named = {name: self.realm if value == REALM else value for name, value in request.headers}
        headers = {"Accept": "application/json", "Realm": self.realm, **named}
        url = f"{self.base_url}{request.path}"
        try:
            prepared = self._http.prepare_request(
                requests.Request("GET", url, headers=headers, params=list(request.query))
            )
            safe = is_same_server(str(prepared.url), str(requests.Request("GET", self.base_url).prepare().url))
        except (requests.RequestException, ValueError):
            safe = False
        # The path may come from a file. Whatever it holds, the token goes to the host that the user named.
        if not safe or not request.path.startswith("/"):
            raise SpecError("A path of the OpenAPI file would lead to another host than HUBmis. Nothing was sent.")
        return prepared


def _stored(response: CachedResponse) -> Answer:
    """An answer as the cache holds it."""
    return Answer(response.content, response.created_at, True, _next_page(response))


def _next_page(response: requests.Response | CachedResponse) -> str:
    """The query of the next page, if the header ``Link`` names one."""
    query = urlsplit(str(response.links.get("next", {}).get("url", ""))).query
    return f"?{query}" if query else ""


def _is_about(response: CachedResponse | None, student_id: int | str) -> bool:
    """Whether a student may stand in an answer; one that cannot be read may hold anybody."""
    if response is None or _mentions(str(response.url), student_id):
        return True
    try:
        # Pairs, as a dictionary would keep one of two values with the same key.
        waiting: list[object] = [json.loads(response.content, object_pairs_hook=list)]
    except (ValueError, RecursionError):
        return True
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, str):
            if _mentions(value, student_id):
                return True
        elif isinstance(value, int | float) and not isinstance(value, bool) and value == student_id:
            return True
    return False


def _mentions(text: str, student_id: int | str) -> bool:
    """Whether a text holds the id: a number as one of its own, as in ``5151,5152`` and ``/students/5151``."""
    if isinstance(student_id, str):
        return student_id in text.casefold() or quote(student_id).casefold() in text.casefold()
    if _A_TIME.match(text):
        return False
    return any(int(digits) == student_id for digits in re.findall(r"\d{1,20}", text))


_A_TIME = re.compile(r"\s*\d{4}-\d\d-\d\d(?:[T ][\d:.,]+\s*(?:Z|[+-][\d:]+)?)?\s*$", re.IGNORECASE)


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
