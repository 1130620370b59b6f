"""Tokens and rate limits: the bucket of the client, and the requests of each address."""

import math
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
        self._requests: defaultdict[tuple[str, bool], deque[float]] = defaultdict(deque)

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

    def take_request(self, address: str, for_token: bool = False) -> float | None:
        """Use one request; if none is left, return the time at which there will be one again."""
        rules, now = self._rules, self._now()
        limits = {False: rules.per_address_per_minute}
        if for_token:
            limits[True] = rules.tokens_per_address_per_minute
        with self._lock:
            gained = (now - self._updated) / rules.refill_seconds
            if rules.whole_places:
                gained = math.floor(gained)
            self._level = min(rules.capacity, self._level + gained)
            self._updated = self._updated + gained * rules.refill_seconds if rules.whole_places else now
            if self._level < 1:
                return self._updated + (1 - self._level) * rules.refill_seconds
            for only_tokens, limit in limits.items():
                recent = self._requests[address, only_tokens]
                while recent and recent[0] <= now - 60:
                    recent.popleft()
                if limit is not None and len(recent) >= limit:
                    return recent[0] + 60
            self._level -= 1
            for only_tokens, limit in limits.items():
                if limit is not None:
                    self._requests[address, only_tokens].append(now)
        return None

    @property
    def remaining(self) -> int:
        """The number of whole requests left in the bucket."""
        return int(self._level)
