"""Registers of students and a school's calendar, small enough to work figures out by hand."""

from typing import Any

import pandas as pd

from hubmis_frames import attendance as at


def days(count: int, start: str = "2025-09-08") -> pd.DatetimeIndex:
    return pd.bdate_range(start, periods=count, unit="us")


def register(codes: str | list[str | None], student: int = 1, start: str = "2025-09-08") -> pd.DataFrame:
    """A student's marks, two a day, as the loader gives them."""
    when = days((len(codes) + 1) // 2, start).repeat(2)[: len(codes)]
    return pd.DataFrame(
        {
            "student_id": pd.Series(student, index=range(len(codes)), dtype="Int64"),
            "date": when,
            "attendance_session": (["am", "pm"] * len(codes))[: len(codes)],
            "attendance_code_code": pd.Series(list(codes), dtype="str"),
        }
    )


def canonical(*registers: pd.DataFrame, **given: Any) -> pd.DataFrame:
    return at.marks(pd.concat(registers, ignore_index=True), **given)


def only(frame: pd.DataFrame) -> "pd.Series[Any]":
    assert len(frame) == 1
    return frame.iloc[0]


def calendar(**given: Any) -> at.Calendar:
    terms = pd.DataFrame(
        {
            "name": ["Autumn Term", "Spring Term"],
            "date_from": pd.to_datetime(["2025-09-01", "2026-01-05"]),
            "date_to": pd.to_datetime(["2025-12-19", "2026-03-27"]),
            "academic_year_name": "2025/26",
        }
    )
    holidays = pd.DataFrame(
        {
            "name": ["Half-term", "Christmas", "Bank holiday"],
            "date_from": pd.to_datetime(["2025-10-27", "2025-12-20", "2025-09-22"]),
            "date_to": pd.to_datetime(["2025-10-31", "2026-01-04", "2025-09-22"]),
        }
    )
    inset = pd.DataFrame({"name": ["Training"], "date": pd.to_datetime(["2025-09-01"])})
    closures = pd.DataFrame({"name": ["Snow"], "date": pd.to_datetime(["2026-01-07"])})
    return at.Calendar(terms, holidays, inset, closures, **given)
