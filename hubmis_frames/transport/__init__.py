"""The polite HTTP layer: rate bucket, token, wire, cache, pages and fan-out. It knows no endpoint and no column."""

from .adapter import PATIENT, Patience, parse, proxy_for, shown_address
from .cache import Cipher
from .fanout import Outcome, gather
from .pagination import Pages, read_pages
from .rate_limit import DOCUMENTED, Bucket, Rate
from .session import Answer, Session

__all__ = [
    "DOCUMENTED",
    "PATIENT",
    "Answer",
    "Bucket",
    "Cipher",
    "Outcome",
    "Pages",
    "Patience",
    "Rate",
    "Session",
    "gather",
    "parse",
    "proxy_for",
    "read_pages",
    "shown_address",
]
