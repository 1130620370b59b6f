"""Attendance: from marks to figures that a school can act on.

>>> calendar = hf.attendance.Calendar(terms, holidays, inset_days, closure_dates)
>>> marks = hf.attendance.marks(hf.join(records, students), codes, calendar=calendar)
>>> hf.attendance.data_quality(marks, calendar)
>>> hf.attendance.summarise(marks, by=["year_group_name", "half_term"])

Every function takes canonical marks (:func:`marks`) and returns a frame; none fetches. A session is half a day. A rate
is 100 x a sum of sessions over the sum of *possible* ones, so a group's rate pools its sessions and is not the mean of
its students' rates. Sessions that are unmarked, unmapped, not possible or administrative are in no rate.
"""

from ..analysis.calendar import Calendar
from .canonical import marks, newest_register, on_closed_days
from .checks import CANONICAL
from .codes import CATEGORIES, CodeMap
from .duties import long_absence, status_changes
from .patterns import beside_holidays, broken_weeks, lateness, runs
from .quality import data_quality, heavy_codes, registers_not_taken
from .risk import absentees, at_risk
from .rules import PERSISTENT, RULES, SEVERE, AbsenceRule
from .summary import BANDS, absence_bands, code_frequency, summarise
from .trends import cumulative, recent_change, year_on_year
from .windows import repeated_absence

__all__ = [
    "BANDS",
    "CANONICAL",
    "CATEGORIES",
    "PERSISTENT",
    "RULES",
    "SEVERE",
    "AbsenceRule",
    "Calendar",
    "CodeMap",
    "absence_bands",
    "absentees",
    "at_risk",
    "beside_holidays",
    "broken_weeks",
    "code_frequency",
    "cumulative",
    "data_quality",
    "heavy_codes",
    "lateness",
    "long_absence",
    "marks",
    "newest_register",
    "on_closed_days",
    "recent_change",
    "registers_not_taken",
    "repeated_absence",
    "runs",
    "status_changes",
    "summarise",
    "year_on_year",
]
