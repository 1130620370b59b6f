"""The polite HTTP layer: rate bucket, token, wire, cache, pages and fan-out. It knows no endpoint and no column."""

from .bucket import DOCUMENTED, Bucket, Rate
from .fanout import Outcome, gather
from .pages import Pages, read_pages
from .session import Answer, Session
from .store import Cipher
from .wire import PATIENT, Patience, parse, proxy_for, shown_address

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
