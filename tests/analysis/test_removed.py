"""Students whom a user removed count in no figure, and each call says so."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

import hubmis_frames as hf
from hubmis_frames import attendance as at
from hubmis_frames import joint as jt
from hubmis_frames import wellbeing as wb
from tests.helpers.registers import register

INSTANT = pd.Timestamp("2025-11-03T09:30Z")
FORMS: dict[str, Callable[[bool], Any]] = {
    "instant": lambda removed: INSTANT if removed else pd.NaT,
    "day": lambda removed: pd.Timestamp("2025-11-03") if removed else pd.NaT,
    "text": lambda removed: "2025-11-03T09:30:00Z" if removed else None,
    "text of a csv": lambda removed: "2025-11-03" if removed else " ",
    "flag": lambda removed: removed,
}


def students_of(people: dict[int, bool], form: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "student_id": pd.Series(list(people), dtype="Int64"),
            "year_group_name": [f"Year {7 + number % 2}" for number in people],
            "deleted_at": [FORMS[form](removed) for removed in people.values()],
        }
    )


def records_of(people: dict[int, bool], *, own: bool) -> pd.DataFrame:
    codes = ["/\\", "O", "N/", "L\\", "/O"]
    marks = pd.concat([register(codes[n % 5] * 12, student=n) for n in people], ignore_index=True)
    return marks.assign(deleted_at=None) if own else marks


def events_of(people: dict[int, bool]) -> pd.DataFrame:
    number = range(len(people) * 2)
    return pd.DataFrame(
        {
            "pastoral_event_id": number,
            "student_id": pd.Series([n for n in people for _ in range(2)], dtype="Int64"),
            "type": ["wellbeing_event", "wellbeing_plan"] * len(people),
            "date": pd.Timestamp("2025-09-10"),
            "status": "active",
        }
    )


@contextmanager
def warned_once(expected: bool) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    messages = [str(one.message) for one in caught if "removed from HUBmis" in str(one.message)]
    assert len(messages) == expected, messages


def figures(people: dict[int, bool], form: str, *, own: bool, expected: bool) -> dict[str, pd.DataFrame]:
    """Every kind of figure for these people; the values say whether each was removed."""
    students = students_of(people, form)
    with warned_once(expected):
        marks = at.marks(hf.join(records_of(people, own=own), students))
    events = wb.events(events_of(people))
    result = {"rates": at.summarise(marks, by="year_group_name")}
    calls: dict[str, Callable[[], pd.DataFrame]] = {
        # Events of students who are not listed are in a group of their own, in which nothing else is counted.
        "events": lambda: (
            wb.summarise(events, "year_group_name", students=students)
            .dropna(subset="year_group_name")
            .drop(columns="unlisted")
        ),
        "coverage": lambda: wb.plan_coverage(events, students=students, by="year_group_name"),
        "without plan": lambda: wb.without_plan(events, students=students),
        "per student": lambda: jt.per_student(marks, events, students=students),
        "bands": lambda: jt.events_by_absence_band(marks, events, students=students),
        "lateness": lambda: jt.lateness_and_events(marks, events, students=students),
        "windows": lambda: jt.around_events(marks, events, weeks=1, students=students),
    }
    for name, call in calls.items():
        with warned_once(expected):
            result[name] = call()
    return result


@settings(max_examples=5)
@given(st.integers(3, 8), st.integers(1, 3), st.sampled_from(sorted(FORMS)), st.booleans())
def test_removed_students_change_no_figure_and_each_call_warns(present: int, removed: int, form: str, own: bool):
    people = dict.fromkeys(range(1, present + 1), False)
    more = people | dict.fromkeys(range(90, 90 + removed), True)
    without = figures(people, form, own=own, expected=False)
    with_removed = figures(more, form, own=own, expected=True)
    for name, frame in without.items():
        pd.testing.assert_frame_equal(frame, with_removed[name], obj=name, check_dtype=False)


def test_the_warning_counts_students_and_marks_and_their_events_are_unlisted():
    people = {1: False, 2: True, 3: True}
    students = students_of(people, "instant")
    joined = hf.join(records_of(people, own=False), students)
    with pytest.warns(hf.HubmisWarning, match=r"removed from HUBmis \(2\) and their marks \(\d\d\) were left out"):
        marks = at.marks(joined)
    assert set(marks["student_id"]) == {1}
    quality = at.data_quality(marks).set_index("check")
    assert quality.loc["of removed students", "sessions"] == len(joined) - len(marks)
    assert set(at.marks(joined.drop(columns="deleted_at"))["student_id"]) == {1, 2, 3}
    with pytest.warns(hf.HubmisWarning, match="removed"):
        table = wb.summarise(wb.events(events_of(people)), students=students)
    assert table[["students", "events", "unlisted"]].iloc[0].tolist() == [1, 1, 2]


def test_rows_of_events_that_know_their_students_removal_are_left_out():
    people = {1: False, 2: True}
    frame = hf.join(events_of(people).assign(deleted_at=pd.NaT), students_of(people, "instant"))
    assert "deleted_at_student" in frame
    with pytest.warns(hf.HubmisWarning, match=r"\(1\) and their events and plans \(2\)"):
        assert set(wb.events(frame)["student_id"]) == {1}
    # The event's own deleted_at is about the event.
    own = events_of(people).assign(deleted_at=[INSTANT, pd.NaT] * 2)
    assert wb.events(own)["deleted"].tolist() == [True, False] * 2


def test_a_removal_that_is_no_instant_is_not_guessed():
    people = {1: False, 2: True}
    students = students_of(people, "text").assign(deleted_at=[None, "yes"])
    with pytest.raises(hf.BadArgumentError, match="deleted_at"):
        at.marks(hf.join(records_of(people, own=False), students))
