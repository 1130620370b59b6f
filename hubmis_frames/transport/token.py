"""The OAuth2 token: fetched over a session that no cache sees, kept in memory alone."""

import threading
import time

import orjson
import requests

from ..errors import CredentialsError, RefusedError

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
        self._dies = 0.0

    def __repr__(self) -> str:
        return "<ClientCredentials>"

    def bearer(self) -> str:
        """``Bearer`` and a token that is good for a while yet; one request however many threads ask."""
        with self._lock:
            if not self._bearer or time.monotonic() > self._dies:
                self._fetch()
            return self._bearer

    def drop(self, bearer: str) -> None:
        """Forget a token that was refused, unless another thread has replaced it already."""
        with self._lock:
            if bearer == self._bearer:
                self._bearer = ""

    def _fetch(self) -> None:
        asked = time.monotonic()
        # The text of the document says form, its reference says JSON.
        response = self._session.post(self._url, data=self._grant, headers=self._headers, allow_redirects=False)
        if response.status_code in (400, 406, 415, 422):
            response = self._session.post(self._url, json=self._grant, headers=self._headers, allow_redirects=False)
        if response.status_code in (400, 401, 403):
            raise CredentialsError(
                "HUBmis refused the client id and secret. Copy both again from what WCBS sent: run 'hubmis-frames "
                "login', or correct HUBMIS_CLIENT_ID and HUBMIS_CLIENT_SECRET where you set them. Check too that they "
                "belong to the address that is asked."
            )
        if response.status_code != 200:
            raise RefusedError(
                f"The token endpoint answered {response.status_code}. Check HUBMIS_BASE_URL: it should be the address "
                "of HUBmis without a path."
            )
        self._bearer, claimed = _granted(response.content)
        if not self._bearer:
            raise RefusedError(
                "The token endpoint's answer holds no token. Check HUBMIS_BASE_URL, and whether a proxy answers in "
                "its place."
            )
        self._dies = asked + max(min(claimed, _LONGEST_LIFE) - _MARGIN, 1.0)


def _granted(body: bytes) -> tuple[str, float]:
    """What goes into ``Authorization`` and the seconds it is said to last; raises nothing, as the body is secret."""
    try:
        answer = orjson.loads(body)
    except ValueError:
        return "", 0.0
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token.isprintable() or not token.isascii() or not token:
        return "", 0.0
    claimed = answer.get("expires_in")
    return f"Bearer {token}", float(claimed) if isinstance(claimed, int | float) and claimed > 0 else _LONGEST_LIFE
