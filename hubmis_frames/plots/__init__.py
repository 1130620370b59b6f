"""Pictures: a summary and an axes in, an axes out. Nothing here computes a figure about a school.

Colours are Okabe and Ito's or cividis, which people with any colour vision tell apart and which print well in grey.
"""

from ._style import COLOURS
from .attendance import attendance_cumulative, attendance_heat_map, attendance_trend
from .event_windows import before_and_after
from .groups import absence_bands, attendance_bars
from .keys import draw_keys
from .register import student_register
from .wellbeing import student_timeline, wellbeing_by_category

__all__ = [
    "COLOURS",
    "absence_bands",
    "attendance_bars",
    "attendance_cumulative",
    "attendance_heat_map",
    "attendance_trend",
    "before_and_after",
    "draw_keys",
    "student_register",
    "student_timeline",
    "wellbeing_by_category",
]
