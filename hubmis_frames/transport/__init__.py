"""HTTP within the rate limit: session, adapter, token, cache, pages and fan-out. It knows no endpoint and no column."""

from .addresses import is_loopback, proxy_for, shown_address
from .body import parse
from .cache import Cipher
from .fanout import Outcome, gather
from .list_reading import Pages
from .pagination import read_pages
from .rate_limit import DOCUMENTED, Bucket, Rate
from .retry import DEFAULT_RETRY, RetryPolicy
from .session import Answer, Reading, Session
from .threads import SLICE

__all__ = [
    "DEFAULT_RETRY",
    "DOCUMENTED",
    "SLICE",
    "Answer",
    "Bucket",
    "Cipher",
    "Outcome",
    "Pages",
    "Rate",
    "Reading",
    "RetryPolicy",
    "Session",
    "gather",
    "is_loopback",
    "parse",
    "proxy_for",
    "read_pages",
    "shown_address",
]
