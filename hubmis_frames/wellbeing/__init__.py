"""Wellbeing events and plans: who is concerned, how often, for how long, and with what plan.

:func:`events` puts what a loader returned into one canonical shape. Every other function takes that shape and returns
a frame; none of them fetches anything. They count what staff recorded. A measure that needs a field which the server
does not send raises :class:`hubmis_frames.MissingFieldError` instead of showing zero.
"""

from .canonical import concerns, events
from .cases import closing_time, open_events, repeated_events, reviews_due
from .counts import summarise
from .coverage import plan_coverage, without_plan
from .indicators import SHANARRI, shanarri
from .record import timeline
from .staff import staff_load

__all__ = [
    "SHANARRI",
    "closing_time",
    "concerns",
    "events",
    "open_events",
    "plan_coverage",
    "repeated_events",
    "reviews_due",
    "shanarri",
    "staff_load",
    "summarise",
    "timeline",
    "without_plan",
]


def __dir__() -> list[str]:
    return __all__  # completion offers these, and no module that they are from
