"""A school's tables together with what the school knows of itself: calendar, code map, rules, years, newest register.

Only what a person holds lives here: it reads an export or takes frames, and hands plain frames to the analysis. It
never asks HUBmis, and calculates no figure.
"""

from .data import SchoolData, open_export

__all__ = ["SchoolData", "open_export"]
