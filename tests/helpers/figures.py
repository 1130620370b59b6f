"""Small registers, events and students whose figures can be worked out by hand."""

import warnings
from datetime import date, timedelta
from typing import Any

import hypothesis.strategies as st
import pandas as pd

import hubmis_frames as hf
from hubmis_frames import wellbeing as wb

YEAR_GROUPS = {1: "Year 9", 2: "Year 9", 3: "Year 10", 4: "Year 10", 5: None, 6: "Year 11"}
STUDENTS = pd.DataFrame(
    {
        "student_id": pd.array([*YEAR_GROUPS], dtype="Int64"),
        "year_group_name": pd.Series([*YEAR_GROUPS.values()], dtype="str"),
        "gender_name": pd.Series(["F", "M", "F", "M", "F", "M"], dtype="str"),
    }
)

TERMS = pd.DataFrame(
    {
        "name": ["Autumn Term", "Spring Term"],
        "academic_year_name": ["2025/26", "2025/26"],
        "date_from": pd.to_datetime(["2025-09-02", "2026-01-05"]),
        "date_to": pd.to_datetime(["2025-12-19", "2026-03-27"]),
    }
)

START = date(2025, 9, 1)  # a Monday
CATEGORY = {
    "/": "present", "L": "late", "V": "approved_activity", "I": "authorised_absence", "O": "unauthorised_absence",
    "Z": "other_possible", "Y": "not_possible", "#": "administrative", "-": "unmarked", "?": "unmapped",
}  # fmt: skip
ATTENDED, ABSENT, POSSIBLE = set("/LV"), set("IO"), set("/LVIOZ")


def marks_of(registers: dict[int, str], per_day: int = 1, start: date = START) -> pd.DataFrame:
    """Return marks of students, given a letter per session; a blank is a session without a row."""
    rows = [
        (student, start + timedelta(number // per_day), "am" if number % per_day == 0 else "pm", code, CATEGORY[code])
        for student, register in registers.items()
        for number, code in enumerate(register)
        if code != " "
    ]
    frame = pd.DataFrame(rows, columns=["student_id", "date", "session", "code", "category"])
    return frame.astype({"student_id": "Int64", "date": "datetime64[us]"})


def events_on(*rows: tuple[int | None, int | None], kind: str = "wellbeing_event", **more: Any) -> pd.DataFrame:
    """Return canonical events, each given as a student and the number of a day."""
    days = [None if day is None else START + timedelta(day) for _, day in rows]
    frame = pd.DataFrame(
        {
            "pastoral_event_id": pd.array(range(len(rows)), dtype="Int64"),
            "student_id": pd.array([student for student, _ in rows], dtype="Int64"),
            "date": pd.Series(days, dtype="datetime64[us]"),
            "type": pd.Series([kind] * len(rows), dtype="str"),
            **more,
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hf.HubmisWarning)  # many of these tests give incomplete rows
        return wb.events(frame)


def students_in(groups: dict[int, str | None]) -> pd.DataFrame:
    """Return a list of students with their year groups."""
    return pd.DataFrame(
        {
            "student_id": pd.array(list(groups), dtype="Int64"),
            "year_group_name": pd.Series(list(groups.values()), dtype="str"),
        }
    )


def loaded_events(*rows: tuple[Any, ...], **more: list[Any]) -> pd.DataFrame:
    """Return events as a loader does, each given as student, time, and optionally category, status and type."""
    filled = [(*row, *("Friendships", "active", "wellbeing_event")[len(row) - 2 :]) for row in rows]
    names = ["student_id", "date_time", "category_name", "status", "type"]
    frame = pd.DataFrame(filled, columns=names).astype(dict.fromkeys(["category_name", "status", "type"], "str"))
    frame["student_id"] = frame["student_id"].astype("Int64")
    frame["date_time"] = pd.to_datetime(frame["date_time"], utc=True, format="ISO8601").astype("datetime64[us, UTC]")
    frame.insert(0, "pastoral_event_id", pd.array(range(100, 100 + len(frame)), dtype="Int64"))
    return frame.assign(**more)


def canonical_events(*rows: tuple[Any, ...], **more: list[Any]) -> pd.DataFrame:
    """Return the canonical form of :func:`loaded_events`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hf.HubmisWarning)  # many of these tests give incomplete rows
        return wb.events(loaded_events(*rows, **more))


EVENT_ROWS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3, 4, 5, 6, 77, None]),
        st.one_of(st.none(), st.dates(date(2025, 9, 1), date(2026, 2, 1)).map(lambda day: f"{day}T12:00Z")),
        st.sampled_from(["Friendships", "Bullying", None]),
        st.sampled_from(["active", "inactive"]),
        st.sampled_from(["wellbeing_event", "wellbeing_plan"]),
    ),
    max_size=30,
)
GROUPS = st.lists(
    st.sampled_from(["year_group_name", "gender_name", "category_name", "week", "month", "term", "weekday"]),
    max_size=3,
    unique=True,
)
