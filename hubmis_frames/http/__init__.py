"""The polite HTTP layer: rate bucket, token, wire, cache, pages and fan-out. It knows no endpoint and no column."""

from .bucket import DOCUMENTED, Bucket, Rate
from .fanout import Outcome, gather
from .pages import Pages, read_pages
from .session import Answer, Session
from .store import Cipher
from .wire import PATIENT, Patience, parse

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
    "read_pages",
]
