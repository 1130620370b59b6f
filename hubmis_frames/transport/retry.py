"""How long to go on with a request, and how long a server asks to wait. Pure: nothing is sent here."""

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

from .rate_limit import LONGEST_PAUSE

PASSING = frozenset({408, 421, 425})
"""Statuses below 500 that say nothing about the request itself: it can be sent again."""
_OLDEST, _NEWEST = 9.0e8, 4.1e9  # the years 1998 to 2099; another date is nonsense


@dataclass(frozen=True)
class RetryPolicy:
    """How long to go on with a request before giving up."""

    connect_timeout: float = 20.0
    """Seconds to connect."""
    read_timeout: float = 60.0
    """Seconds in which nothing at all arrives."""
    total_timeout: float = 300.0
    """Seconds of one attempt, from looking up the server's name to the last byte of the body."""
    max_body: int = 512 * 2**20
    max_attempts: int = 4
    first_delay: float = 1.0
    """Seconds before the second attempt; doubled before each further one."""
    max_wait_429: float = 1800.0
    """Seconds to go on after answers 429, whose number says nothing; and the longest ``Retry-After`` to wait for."""


DEFAULT_RETRY = RetryPolicy()


def pause_after_429(headers: Mapping[str, str], now: float, interval: float) -> float:
    """Seconds to wait after a 429, from headers that may be absent or nonsense.

    ``X-RateLimit-Retry-After`` is a Unix time floored to a second, so it is compared with the response's
    own ``Date``.
    """
    until = number(headers.get("X-RateLimit-Retry-After"))
    if until is None:
        seconds = retry_after(headers, now)
        wait = interval if seconds is None else seconds
    else:
        if until > 1e11:  # milliseconds
            until /= 1000
        wait = until - (instant(headers.get("Date")) or now) + 1
    return min(max(wait, interval), LONGEST_PAUSE)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that ``Retry-After`` asks for, as a number or as a date; ``None`` without a usable one."""
    seconds = number(headers.get("Retry-After"))
    if seconds is not None:
        return seconds
    until = instant(headers.get("Retry-After"))
    return None if until is None else max(until - (instant(headers.get("Date")) or now), 0.0)


def number(text: str | None) -> float | None:
    """A header's number; ``None`` if it is none, negative or infinite."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def instant(text: str | None) -> float | None:
    """A header's date as a Unix time; ``None`` if it is no date of our time."""
    try:
        date = email.utils.parsedate_to_datetime(text or "")
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError, TypeError):
        return None
    return seconds if _OLDEST < seconds < _NEWEST else None
