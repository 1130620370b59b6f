"""Attendance and wellbeing together: what goes with what, with numbers and intervals, and never why.

Each function takes canonical marks (``hf.attendance.marks``), mostly with canonical events (``hf.wellbeing.events``),
and returns a frame. Rates pool sessions: 100 x sum over sum. Intervals are clustered by student, because the sessions
of one student are alike. An event is what somebody recorded, often because of attendance, so recording alone links the
two.
"""

from .absence import events_by_absence_band
from .event_windows import around_events
from .students import lateness_and_events, per_student
from .support import STATUSES, attendance_by_learning_support, attendance_by_plan

__all__ = [
    "STATUSES",
    "around_events",
    "attendance_by_learning_support",
    "attendance_by_plan",
    "events_by_absence_band",
    "lateness_and_events",
    "per_student",
]


def __dir__() -> list[str]:
    return __all__  # completion offers these, and no module that they are from
