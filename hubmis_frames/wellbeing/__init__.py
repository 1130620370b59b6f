"""Wellbeing events and plans: who, how many, how often, how long, and with what plan.

``events`` puts what a loader returned into one shape; every other function takes that shape and returns a frame. All
are functions of frames alone and fetch nothing. What they count is what staff recorded. A measure that needs a field
which the server does not send raises :class:`MissingFieldError`; it never appears as zero.
"""

from ..errors import MissingFieldError
from .canonical import concerns, events, timeline
from .cases import closing_time, open_age, plans, repeat, review_due, without_plan
from .counts import SHANARRI, shanarri, staff_load, summarise

__all__ = [
    "SHANARRI",
    "MissingFieldError",
    "closing_time",
    "concerns",
    "events",
    "open_age",
    "plans",
    "repeat",
    "review_due",
    "shanarri",
    "staff_load",
    "summarise",
    "timeline",
    "without_plan",
]
