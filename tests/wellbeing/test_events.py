"""Canonical events, concerns and timelines: columns, types, days, duplicates, deleted rows."""

import warnings
from datetime import date
from typing import Any

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from hubmis_frames import wellbeing as wb
from hubmis_frames.errors import BadArgumentError, HubmisWarning, MissingFieldError
from tests.helpers.figures import EVENT_ROWS, GROUPS, STUDENTS, TERMS, made, sent


def test_the_date_of_an_event_is_the_day_at_the_school() -> None:
    found = made((1, "2025-06-02T23:30Z"), (1, "2025-12-02T23:30Z"), (1, None))
    assert found["date"].astype("str").tolist()[:2] == ["2025-06-03", "2025-12-02"]
    assert found["date"].isna().tolist() == [False, False, True]
    assert str(wb.events(sent((1, "2025-06-02T23:30Z")), timezone="UTC").loc[0, "date"])[:10] == "2025-06-02"
    assert str(wb.events(sent((1, "2025-06-02T23:30Z")), timezone="Asia/Singapore").loc[0, "date"])[:10] == "2025-06-03"


def test_fields_come_from_known_or_chosen_columns_and_missing_ones_raise() -> None:
    other = pd.DataFrame({"pupil_id": [1.0], "event_date": ["2025-09-05"], "Ended on": ["2025-09-09"], "x": [1]})
    found = wb.events(other, columns={"closed_date": "Ended on"})
    assert found.loc[0, "student_id"] == 1
    assert str(found.loc[0, "date"])[:10] == "2025-09-05"
    assert str(found.loc[0, "closed_date"])[:10] == "2025-09-09"
    assert found["x"].tolist() == [1]
    assert "pupil_id" not in found
    with pytest.raises(BadArgumentError, match=r"no column student_id.*The frame has who, event_date"):
        wb.events(pd.DataFrame({"who": [1], "event_date": ["2025-09-05"]}))
    with pytest.raises(BadArgumentError, match=r"no column date_time.*The frame has student_id, when"):
        wb.events(pd.DataFrame({"student_id": [1], "when": ["2025-09-05"]}))
    with pytest.raises(BadArgumentError, match="no field 'student'"):
        wb.events(other, columns={"student": "pupil_id"})
    with pytest.raises(BadArgumentError, match="no column nowhere"):
        wb.events(other, columns={"status": "nowhere"})
    with pytest.raises(BadArgumentError, match="event_date holds values that are no ISO dates"):
        wb.events(other.assign(event_date="5 Sept"))
    with pytest.raises(BadArgumentError, match="pupil_id holds values that are no ids"):
        wb.events(other.assign(pupil_id=1.5))


def test_columns_and_types_are_the_same_without_rows_and_when_applied_twice() -> None:
    full = made((1, "2025-09-05T10:00Z"))
    empty = wb.events(sent())
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)
    pd.testing.assert_frame_equal(wb.events(full), full)
    bare = wb.events(pd.DataFrame({"student_id": [1], "date": [date(2025, 9, 5)]}))
    canonical = list(bare.columns)
    pd.testing.assert_series_equal(bare.dtypes, full.dtypes[canonical])


def test_incomplete_rows_are_kept_and_warned_of_and_duplicates_are_dropped() -> None:
    frame = sent((1, "2025-09-05T10:00Z"), (None, "2025-09-05T10:00Z"), (2, None), (1, "2025-09-05T10:00Z"))
    frame.loc[3, "pastoral_event_id"] = 100
    with pytest.warns(HubmisWarning, match="of 4 rows, duplicates: 1, without student: 1, without date: 1"):
        found = wb.events(frame)
    assert len(found) == 3
    # Two students in one event are two rows, and rows without an event's id are not the same event.
    frame = sent((1, "2025-09-05T10:00Z"), (2, "2025-09-05T10:00Z"), (1, "2025-09-06T10:00Z"), (1, "2025-09-06T10:00Z"))
    frame["pastoral_event_id"] = pd.array([100, 100, None, None], dtype="Int64")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(wb.events(frame)) == 4


@pytest.mark.parametrize(
    ("column", "values", "flags"),
    [
        ("deleted_at", pd.to_datetime([None, "2025-09-09"], utc=True), [False, True]),
        ("deleted_at", [None, "2025-09-09T10:00:00Z"], [False, True]),
        ("is_deleted", [False, True], [False, True]),
        ("is_deleted", [None, True], [None, True]),
    ],
)
def test_deleted_rows_are_flagged_and_not_counted(column: str, values: Any, flags: list[bool | None]) -> None:
    found = made((1, "2025-09-05T10:00Z"), (2, "2025-09-05T10:00Z"), **{column: values})
    assert [None if pd.isna(flag) else bool(flag) for flag in found["deleted"]] == flags
    assert wb.summarise(found)["events"].tolist() == [1]
    assert len(wb.timeline(found, 2)) == 0


def test_deleted_is_missing_if_no_column_says_so() -> None:
    assert made((1, "2025-09-05T10:00Z"))["deleted"].isna().all()


def test_a_loaded_frame_raises_with_the_call_that_prepares_it() -> None:
    raw = sent((1, "2025-11-03T10:00Z"))
    for measure in (
        wb.summarise,
        wb.repeated_events,
        wb.staff_load,
        lambda frame: wb.timeline(frame, 1),
        lambda frame: wb.open_events(frame, "2026-01-01"),
        lambda frame: wb.plan_coverage(frame, students=STUDENTS),
    ):
        with pytest.raises(BadArgumentError, match=r"Give hf\.wellbeing\.events\(frame\), not the frame that was load"):
            measure(raw)  # type: ignore[operator]
    with pytest.raises(MissingFieldError, match=r"give hf\.wellbeing\.events\(frame, columns="):
        wb.closing_time(wb.events(raw))
    with pytest.raises(BadArgumentError, match="Did you mean 'year_group_name'"):
        wb.plan_coverage(wb.events(raw), students=STUDENTS, by="year_groupname")


def test_concerns_leave_out_praise_and_raise_for_an_unknown_category() -> None:
    rows = pd.DataFrame({"category_name": ["Bullying", "Achievement", None], "student_id": [1, 2, 3]})
    categories = pd.DataFrame({"name": ["Bullying", "Achievement", "Merit"]})
    assert wb.concerns(rows, ["Achievement"])["student_id"].tolist() == [1, 3]
    assert wb.concerns(rows, "Achievement")["student_id"].tolist() == [1, 3]
    assert len(wb.concerns(rows, ["Merit"], categories=categories)) == 3
    assert len(wb.concerns(rows, [])) == 3
    with pytest.raises(BadArgumentError, match=r"There is no category 'Achievment'.*Did you mean 'Achievement'"):
        wb.concerns(rows, ["Achievment"])
    with pytest.raises(BadArgumentError, match="There is no category 'Merit'"):
        wb.concerns(rows, ["Merit"])


def test_a_timeline_holds_events_plans_and_learning_support_in_order() -> None:
    plan = ("Plan", "active", "wellbeing_plan")
    found = made(
        (1, "2025-09-10T10:00Z"), (1, "2025-09-03T10:00Z", *plan), (2, "2025-09-04T10:00Z"), (1, None),
        (1, "2025-09-10T12:00Z"),
    )  # fmt: skip
    support = pd.DataFrame(
        {
            "learning_support_record_id": pd.array([7, 8], dtype="Int64"),
            "student_id": pd.array([1, 2], dtype="Int64"),
            "learning_support_date": pd.to_datetime(["2025-09-01", "2025-09-01"]),
            "inactive_date": pd.to_datetime(["2025-09-20", None]),
            "learning_support_type_name": ["Dyslexia", "ADHD"],
        }
    )
    line = wb.timeline(found, 1, learning_support=support)
    assert line["what"].tolist() == [
        "learning_support_begins", "wellbeing_plan", "wellbeing_event", "wellbeing_event", "learning_support_ends",
        "wellbeing_event",
    ]  # fmt: skip
    assert line["days_since_previous"].tolist()[1:5] == [2, 7, 0, 10]
    assert line["days_since_previous"].isna().tolist() == [True, False, False, False, False, True]
    nobody = wb.timeline(found, 5)
    assert len(nobody) == 0
    pd.testing.assert_series_equal(nobody.dtypes, line.dtypes)
    pd.testing.assert_series_equal(wb.timeline(found, 1).dtypes, line.dtypes)


def test_several_schools_at_once_are_refused() -> None:
    frame = sent((1, "2025-09-01T10:00Z"), (1, "2025-09-02T10:00Z"), realm=["A", "B"])
    with pytest.raises(BadArgumentError, match="several schools"):
        wb.repeated_events(wb.events(frame))
    with pytest.raises(BadArgumentError, match="one row per student"):
        wb.summarise(made(), students=pd.concat([STUDENTS, STUDENTS]))


@given(EVENT_ROWS, GROUPS, st.randoms())
@settings(max_examples=7)
def test_the_order_of_rows_changes_nothing(rows: list[Any], by: list[str], random: Any) -> None:
    found = made(*rows)
    places = list(range(len(found)))
    random.shuffle(places)
    other = found.iloc[places]
    other.attrs = {}
    people = STUDENTS.iloc[::-1]
    for one, two in (
        (
            wb.summarise(found, by, students=STUDENTS, calendar=TERMS),
            wb.summarise(other, by, students=people, calendar=TERMS),
        ),
        (wb.repeated_events(found, at_least=2, days=10), wb.repeated_events(other, at_least=2, days=10)),
        (wb.open_events(found, "2026-03-01"), wb.open_events(other, "2026-03-01")),
        (wb.timeline(found, 1), wb.timeline(other, 1)),
    ):
        pd.testing.assert_frame_equal(one, two)
