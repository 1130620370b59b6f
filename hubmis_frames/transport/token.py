"""The OAuth2 token: fetched over a session that no cache sees, kept in memory alone."""

import threading
import time

import orjson
import requests

from ..errors import CredentialsError, RefusedError
from .body import is_page
from .problems import SENT_BY_THE_NETWORK

_LONGEST_LIFE = 900.0  # the document's 15 minutes, whatever expires_in claims
_MARGIN = 60.0


class ClientCredentials:
    """Tokens for one client. Shows neither its secret nor its token."""

    def __init__(self, session: requests.Session, base_url: str, realm: str, client_id: str, secret: str) -> None:
        self._session = session
        self._url = f"{base_url}/api/v1/token"
        self._headers = {"Realm": realm}
        self._grant = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        self._lock = threading.Lock()
        self._bearer = ""
        self._expires = 0.0
        self.scopes: frozenset[str] | None = None
        """The scopes that came with the newest token; ``None`` if it did not say."""

    def __repr__(self) -> str:
        return "<ClientCredentials>"

    def bearer(self) -> str:
        """``Bearer`` and a token that is still valid for a while; one request, however many threads ask."""
        with self._lock:
            if not self._bearer or time.monotonic() > self._expires:
                self._fetch()
            return self._bearer

    def drop(self, bearer: str) -> None:
        """Forget a token that was refused, unless another thread has replaced it already."""
        with self._lock:
            if bearer == self._bearer:
                self._bearer = ""

    def _fetch(self) -> None:
        asked = time.monotonic()
        token = _read(self._post()) or _read(body := self._post())  # the first may have been cut
        if token is None:
            form = "is a web page" if is_page(body) else "holds no token"
            raise RefusedError(f"The token endpoint's answer {form}: {SENT_BY_THE_NETWORK}")
        bearer, claimed, self.scopes = token
        life = min(claimed, _LONGEST_LIFE)
        self._bearer, self._expires = bearer, asked + life - min(_MARGIN, life / 5)

    def _post(self) -> bytes:
        # The text of the document says form, its reference says JSON.
        response = self._session.post(self._url, data=self._grant, headers=self._headers, allow_redirects=False)
        if response.status_code in (400, 406, 415, 422):
            response = self._session.post(self._url, json=self._grant, headers=self._headers, allow_redirects=False)
        if response.status_code in (400, 401, 403):
            raise CredentialsError(
                "HUBmis refused the client id and secret. Copy both again from what WCBS sent: run 'hubmis-frames "
                "login', or correct HUBMIS_CLIENT_ID and HUBMIS_CLIENT_SECRET where you set them. Check too that they "
                "belong to this address."
            )
        if response.status_code not in (200, 201):
            raise RefusedError(
                f"The token endpoint answered {response.status_code}. Check HUBMIS_BASE_URL: it should be the address "
                "of HUBmis without a path."
            )
        return response.content


def _read(body: bytes) -> tuple[str, float, frozenset[str] | None] | None:
    """The value of ``Authorization``, the seconds that it should last, and its scopes; ``None`` without a token."""
    try:
        answer = orjson.loads(body)
    except ValueError:
        return None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token.isprintable() or not token.isascii() or not token:
        return None
    return f"Bearer {token}", _seconds(answer.get("expires_in")), _scopes(answer.get("scope"))


def _scopes(scope: object) -> frozenset[str] | None:
    """The scopes as OAuth writes them, with spaces between, or as a list; ``None`` if they are not named one by one."""
    scopes = scope.split() if isinstance(scope, str) else scope
    if not isinstance(scopes, list) or not all(isinstance(each, str) and each.isascii() for each in scopes):
        return None
    return frozenset(scopes) if scopes and "*" not in scopes else None


def _seconds(expires_in: object) -> float:
    try:
        seconds = float(expires_in) if isinstance(expires_in, int | float | str) else 0.0
    except (ValueError, OverflowError):
        seconds = 0.0
    return seconds if seconds > 0 else _LONGEST_LIFE
