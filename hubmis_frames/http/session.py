"""One school's connection: GET requests through the cache, and what a status means."""

import hashlib
import http.cookiejar
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import orjson
import requests
from requests_cache import CachedSession

from ..errors import NotCachedError, NotFoundError, NotPermittedError, RefusedError
from ..files import whole_file
from ..request import Request
from .bucket import DOCUMENTED, Bucket, Rate
from .store import cache_key, open_store
from .token import ClientCredentials
from .wire import PATIENT, Crowd, Patience, PatientAdapter

THREADS = 8


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
        cache_dir: Path,
        rate_file: Path,
        rate: Rate = DOCUMENTED,
        patience: Patience = PATIENT,
        offline: bool = False,
    ) -> None:
        self.realm = realm
        self.base_url = base_url
        self.offline = offline
        client = hashlib.sha256(f"{base_url} {client_id}".encode()).hexdigest()[:16]
        self.bucket = Bucket(rate_file, client, rate)
        crowd = Crowd(THREADS)
        self._plain = requests.Session()
        self._tokens_adapter = PatientAdapter(self.bucket, patience, Crowd(1))
        self._adapter = PatientAdapter(
            self.bucket, patience, crowd, ClientCredentials(self._plain, base_url, realm, client_id, client_secret)
        )
        self._store = open_store(cache_dir, base_url, realm, client_id)
        self._cached = CachedSession(
            backend=self._store,
            key_fn=cache_key,
            allowable_codes=(200,),
            allowable_methods=("GET",),
            filter_fn=lambda response: response.status_code == 200 and not response.history,
            stale_if_error=False,
        )
        self._facts = Path(self._store.cache_name).with_name("facts.json")
        self._same_url: dict[str, threading.Lock] = {}
        for session, adapter in ((self._plain, self._tokens_adapter), (self._cached, self._adapter)):
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            session.auth = _leave_alone  # else a .netrc would speak for us
            session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))

    def __repr__(self) -> str:
        return f"<Session {self.realm!r} at {self.base_url}>"

    @property
    def sent(self) -> int:
        """Requests that went over the wire, those for tokens and repeated attempts included."""
        return self._adapter.sent + self._tokens_adapter.sent

    @property
    def first_page(self) -> int | None:
        """The number of this server's first page, once a paged operation has shown it."""
        try:
            first = orjson.loads(self._facts.read_bytes())["first_page"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return first if first in (0, 1) else None

    @first_page.setter
    def first_page(self, number: int) -> None:
        with whole_file(self._facts) as part:
            part.write_bytes(orjson.dumps({"first_page": number}))

    def get(self, request: Request, keep: timedelta, refresh: bool = False, only_cached: bool = False) -> Answer:
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
        prepared = self._prepare(request)
        key = cache_key(prepared)
        if self.offline or only_cached:
            stored = self._store.get_response(key)
            # Offline, an old answer is better than none; its age is known.
            if stored is None or (stored.is_expired and not self.offline):
                raise NotCachedError(
                    f"The answer at {request.path} is not in the cache. Connect without offline=True to ask for it."
                )
            return Answer(stored.content, stored.created_at, True)
        with self._same_url.setdefault(key, threading.Lock()):
            options = self._cached.merge_environment_settings(prepared.url, {}, None, None, None)
            response = self._cached.send(
                prepared, expire_after=keep, force_refresh=refresh, allow_redirects=False, **options
            )
        if response.status_code != 200:
            raise _refusal(response.status_code, request.path)
        fetched_at = getattr(response, "created_at", None) or datetime.now(UTC)
        return Answer(response.content, fetched_at, bool(getattr(response, "from_cache", False)))

    def cache(self) -> dict[str, object]:
        """What the cache holds: its file, how many answers, their oldest and newest, and its size in MB."""
        ages = sorted(response.created_at for response in self._store.responses.values())
        file = Path(self._store.cache_name)
        return {
            "file": str(file),
            "answers": len(ages),
            "oldest": ages[0].isoformat(timespec="seconds") if ages else None,
            "newest": ages[-1].isoformat(timespec="seconds") if ages else None,
            "megabytes": round(file.stat().st_size / 1e6, 1),
        }

    def clear_cache(self) -> None:
        """Remove every answer from the disk."""
        self._store.responses.clear()
        self._facts.unlink(missing_ok=True)

    def resume(self) -> None:
        """Take up work again after an interruption."""
        self.bucket.stop.clear()

    def interrupt(self) -> None:
        """Let whoever waits for the rate limit give up at once."""
        self.bucket.stop.set()

    def close(self) -> None:
        """Close connections and the cache."""
        self._plain.close()
        self._cached.close()  # type: ignore[no-untyped-call]

    def _prepare(self, request: Request) -> requests.PreparedRequest:
        headers = {"Accept": "application/json", "Realm": self.realm, **dict(request.headers)}
        url = f"{self.base_url}{request.path}"
        return self._cached.prepare_request(requests.Request("GET", url, headers=headers, params=list(request.query)))


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _refusal(status: int, where: str) -> NotPermittedError | NotFoundError | RefusedError:
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
        return RefusedError(f"HUBmis redirects {where} elsewhere, which we do not follow. Check HUBMIS_BASE_URL.")
    return RefusedError(f"HUBmis refused the request at {where} with status {status}. Check the arguments.")
