"""Pictures of summaries: each function takes a summary and returns the axes. None computes a figure about a school.

Colours are Okabe and Ito's or cividis, which people with any colour vision tell apart and which print well in grey.
"""

from ._style import COLOURS
from .attendance import attendance_cumulative, attendance_heat_map, attendance_trend
from .event_windows import around_events
from .groups import absence_bands, attendance_bars
from .register import student_register
from .wellbeing import student_timeline, wellbeing_by_category

__all__ = [
    "COLOURS",
    "absence_bands",
    "around_events",
    "attendance_bars",
    "attendance_cumulative",
    "attendance_heat_map",
    "attendance_trend",
    "student_register",
    "student_timeline",
    "wellbeing_by_category",
]


def __dir__() -> list[str]:
    return __all__  # completion offers these, and no module that they are from
