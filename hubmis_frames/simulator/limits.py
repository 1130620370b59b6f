"""What the server grants and counts: tokens, the bucket of a client, requests by address."""

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
        self._level, self._at = float(rules.capacity), now()
        self._seen: defaultdict[str, deque[float]] = defaultdict(deque)

    def token(self) -> str:
        """Return a new token."""
        token = f"{secrets.token_hex(8)}.{secrets.token_urlsafe(24)}"
        with self._lock:
            now = self._now()
            self._tokens = {each: until for each, until in self._tokens.items() if until > now}
            self._tokens[token] = now + self._rules.token_seconds
        return token

    def knows(self, authorization: str | None) -> bool:
        """Whether the header carries a token that is still good."""
        scheme, _, token = (authorization or "").partition(" ")
        with self._lock:
            return scheme.lower() == "bearer" and self._tokens.get(token, 0.0) > self._now()

    def take(self, address: str) -> float | None:
        """Take one request; return when there will be one again if there is none now."""
        rules, now = self._rules, self._now()
        with self._lock:
            self._level = min(rules.capacity, self._level + (now - self._at) / rules.refill_seconds)
            self._at = now
            recent = self._seen[address]
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
        """How many whole requests are left in the bucket."""
        return int(self._level)
