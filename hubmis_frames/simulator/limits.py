"""Tokens and rate limits: the bucket of the client, and the requests of each address."""

import secrets
import threading
from collections import defaultdict, deque
from collections.abc import Callable

from .rules import Rules


class Limits:
    """Tokens and request counts of one server."""

    def __init__(self, rules: Rules, now: Callable[[], float]) -> None:
        self._rules, self._now = rules, now
        self._lock = threading.Lock()
        self._tokens: dict[str, float] = {}
        self._level, self._updated = float(rules.capacity), now()
        self._requests: defaultdict[str, deque[float]] = defaultdict(deque)

    def token(self) -> str:
        """Return a new token."""
        token = f"{secrets.token_hex(8)}.{secrets.token_urlsafe(24)}"
        with self._lock:
            now = self._now()
            self._tokens = {old: expires for old, expires in self._tokens.items() if expires > now}
            self._tokens[token] = now + self._rules.token_seconds
        return token

    def is_valid(self, authorization: str | None) -> bool:
        """Whether the header has a token that has not expired."""
        scheme, _, token = (authorization or "").partition(" ")
        with self._lock:
            return scheme.lower() == "bearer" and self._tokens.get(token, 0.0) > self._now()

    def take_request(self, address: str) -> float | None:
        """Use one request; if none is left, return the time at which there will be one again."""
        rules, now = self._rules, self._now()
        with self._lock:
            self._level = min(rules.capacity, self._level + (now - self._updated) / rules.refill_seconds)
            self._updated = now
            recent = self._requests[address]
            while recent and recent[0] <= now - 60:
                recent.popleft()
            if self._level < 1:
                return now + (1 - self._level) * rules.refill_seconds
            if rules.per_address_per_minute is not None and len(recent) >= rules.per_address_per_minute:
                return recent[0] + 60
            self._level -= 1
            if rules.per_address_per_minute is not None:
                recent.append(now)
        return None

    @property
    def remaining(self) -> int:
        """The number of whole requests left in the bucket."""
        return int(self._level)
