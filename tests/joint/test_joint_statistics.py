"""Edge cases of wellbeing and joint analysis: few students, empty frames, other types, several schools."""

import math
import warnings
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hubmis_frames import joint as jt
from hubmis_frames import wellbeing as wb
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from tests.helpers.figures import STUDENTS, canonical_events, events_on, marks_of, students_in

EVENT, PLAN = ("x", "active", "wellbeing_event"), ("Plan", "active", "wellbeing_plan")


def held(concerned: int, comparable: int, rng: np.random.Generator) -> tuple[bool, bool]:
    """Whether students who are all alike but for chance show no difference: is there an interval, and is 0 in it."""
    base = rng.beta(16, 3, concerned + comparable)
    marks = marks_of({n: "".join(np.where(rng.random(35) < rate, "/", "I")) for n, rate in enumerate(base)})
    row = jt.around_events(marks, events_on(*((n, 14 + n % 7) for n in range(concerned))), weeks=2).iloc[0]
    return bool(pd.notna(row["difference_low"])), row["difference_low"] <= 0 <= row["difference_high"]


def test_few_comparable_students_widen_the_interval_and_one_gives_none() -> None:
    rng = np.random.default_rng(7)
    assert not any(there for there, _ in (held(12, 1, rng) for _ in range(3)))
    # Held 82 % of the time when each group's rate was taken for that of many.
    assert np.mean([inside for _, inside in (held(12, 3, rng) for _ in range(60))]) >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize(("concerned", "comparable"), [(10, 40), (20, 12)])
def test_the_interval_covers_as_often_as_it_says(concerned: int, comparable: int) -> None:
    rng = np.random.default_rng(11)
    assert 0.92 <= np.mean([held(concerned, comparable, rng)[1] for _ in range(500)]) <= 0.99


def test_small_numbers_left_out_are_hidden_and_suppress_below_is_checked() -> None:
    marks, events = marks_of({1: "/" * 42, 2: "/" * 42, 3: "/" * 42}), events_on((1, 21), (2, 0))
    assert jt.around_events(marks, events, weeks=2).attrs["left_out"]["no sessions before or none after"] == 1
    hidden = jt.around_events(marks, events, weeks=2, suppress_below=5).attrs["left_out"]
    assert hidden["no sessions before or none after"] is None
    assert set(hidden.values()) == {None}, "the others would give it back"
    for bad in (True, 1, -3, 2.5):
        with pytest.raises(BadArgumentError, match="suppress_below takes"):
            jt.around_events(marks, events, weeks=2, suppress_below=bad)  # type: ignore[arg-type]


def test_an_old_date_of_one_student_does_not_disturb_the_windows_of_another() -> None:
    dates = [(1, "1900-01-01"), (1, "2025-09-01"), (2, "2025-09-01"), (2, "2025-09-02"), (3, "1900-01-02")]
    found = canonical_events(*((who, f"{day}T10:00Z") for who, day in dates))
    table = wb.repeated_events(found, at_least=2)
    assert table["student_id"].tolist() == [2]
    assert table["most_in_window"].tolist() == [2]


def test_an_empty_list_of_students_counts_no_one() -> None:
    found = canonical_events((1, "2025-09-01T10:00Z", *EVENT), (2, "2025-09-01T10:00Z", *PLAN))
    assert len(wb.plan_coverage(found, students=STUDENTS.head(0), by="year_group_name")) == 0
    assert len(wb.without_plan(found, students=STUDENTS.head(0))) == 0
    assert wb.summarise(found, students=STUDENTS.head(0))["unlisted"].tolist() == [1]


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_a_missing_group_is_one_group_of_whatever_type(dtype: str) -> None:
    students = STUDENTS.assign(year_group_name=pd.Series([*STUDENTS["year_group_name"]], dtype=dtype))
    if dtype == "object":
        students["year_group_name"] = students["year_group_name"].where(students["year_group_name"].notna(), None)
    day = "2025-09-01T10:00Z"
    found = canonical_events((1, day, *EVENT), (5, day, *EVENT), (99, day, *PLAN), (99, day, *EVENT))
    table = wb.summarise(found, "year_group_name", students=students)
    assert table["students"].tolist() == [2, 2, 1, 1]
    assert table["events"].tolist() == [1, 0, 0, 1]
    assert table["unlisted"].tolist() == [0, 0, 0, 1]
    assert wb.plan_coverage(found, students=students, by="year_group_name")["students"].tolist() == [2, 2, 1, 1]
    nameless = students.assign(year_group_name=pd.Series([None] * 6, dtype=dtype))
    assert wb.summarise(found, "year_group_name", students=nameless)["students"].tolist() == [6]


def test_events_without_any_plan_warn() -> None:
    found = canonical_events((1, "2025-09-01T10:00Z", *EVENT))
    for measure in (
        lambda: wb.plan_coverage(found, students=STUDENTS),
        lambda: wb.without_plan(found, students=STUDENTS),
        lambda: jt.attendance_by_plan(marks_of({1: "//"}), found),
    ):
        with pytest.warns(HubmisWarning, match="no row is a wellbeing_plan") as said:
            measure()
        assert said[0].filename == __file__
    # Deleted plans were loaded.
    both = canonical_events((1, "2025-09-01T10:00Z", *EVENT), (1, "2025-09-01T10:00Z", *PLAN), deleted=[False, True])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert wb.plan_coverage(both, students=STUDENTS)["coverage"].tolist() == [0]


def test_a_status_of_another_name_is_refused_and_not_taken_for_closed() -> None:
    strange = canonical_events(
        (1, "2025-09-01T10:00Z", "x", "Open"), (1, "2025-09-01T10:00Z", "x", "Open", "wellbeing_plan")
    )
    assigned = pd.DataFrame({"pastoral_event_id": [100], "staff_id": [7]})
    for measure in (
        lambda: wb.open_events(strange, "2025-09-10"),
        lambda: wb.plan_coverage(strange, students=STUDENTS),
        lambda: wb.staff_load(strange, assigned),
        lambda: jt.attendance_by_plan(marks_of({1: "//"}), strange),
    ):
        with pytest.raises(BadArgumentError, match="status 'Open', which is neither active nor inactive"):
            measure()


def test_a_closed_event_without_a_closing_date_is_not_open_because_others_have_one() -> None:
    states = [("inactive", None), ("inactive", "2025-09-04"), ("active", None), (None, None)]
    found = canonical_events(*((n, "2025-09-01T10:00Z", "x", status) for n, (status, _) in enumerate(states, 1)))
    found["closed_date"] = pd.to_datetime([closed for _, closed in states])
    assert wb.open_events(found, "2025-09-10")["student_id"].tolist() == [3, 4]
    # The same of plans by day: without a status and with closing dates of others, it is in force still.
    plans = found.assign(type="wellbeing_plan")
    table = jt.attendance_by_plan(marks_of(dict.fromkeys(range(1, 5), "/////")), plans).set_index("status")
    assert table["possible_sessions"].tolist() == [5 + 5 + 3, 5, 2, 0]


def test_frames_of_two_schools_are_not_joined() -> None:
    marks, events = marks_of({1: "/" * 10}).assign(realm="A"), events_on((1, 2), realm="A")
    other, here = students_in({1: "Y"}).assign(realm="B"), students_in({1: "Y"}).assign(realm="A")
    plan = events_on((1, 2), kind="wellbeing_plan", status="active", realm="B")
    support = pd.DataFrame(
        {"learning_support_record_id": [1], "student_id": [1], "learning_support_date": [pd.NaT],
         "inactive_date": [pd.NaT], "realm": ["B"]}
    )  # fmt: skip
    staff = pd.DataFrame({"pastoral_event_id": [0], "staff_id": [7], "name": ["Safe"], "realm": ["B"]})
    assert jt.per_student(marks, events, students=here)["events"].tolist() == [1]
    for measure in (
        lambda: jt.per_student(marks, events, students=other),
        lambda: jt.per_student(marks.assign(realm="B"), events),
        lambda: jt.around_events(marks, events, weeks=1, students=other),
        lambda: jt.attendance_by_plan(marks, plan),
        lambda: jt.attendance_by_learning_support(marks, support),
        lambda: wb.summarise(events, students=other),
        lambda: wb.plan_coverage(plan, students=here),
        lambda: wb.timeline(events, 1, learning_support=support),
        lambda: wb.staff_load(events, staff),
        lambda: wb.shanarri(staff, events),
    ):
        with pytest.raises(BadArgumentError, match="several schools"):
            measure()


def test_ids_and_dates_of_other_types_are_the_same_ids_and_dates() -> None:
    found = canonical_events((1, "2025-09-01T10:00Z"), (1, "2025-09-04T10:00Z"))
    records = pd.DataFrame({"learning_support_record_id": [1], "student_id": [1], "inactive_date": [None]})
    # Midnight in a British summer, as an instant, is the evening before in UTC.
    days: list[Any] = [date(2025, 9, 3), "2025-09-03", pd.Timestamp("2025-09-02T23:00Z"), pd.Timestamp("2025-09-03")]
    for day in days:
        for who in (1, "1", 1.0):
            mine = records.assign(learning_support_date=[day], student_id=[who])
            line = wb.timeline(found, who, learning_support=mine)  # type: ignore[arg-type]
            assert line["days_since_previous"].tolist()[1:] == [2, 1], (day, who)
            table = jt.attendance_by_learning_support(marks_of({1: "/////"}), mine)
            assert table["possible_sessions"].tolist() == [3, 0, 2, 0], (day, who)
    with pytest.raises(BadArgumentError, match="that are not ids"):
        wb.timeline(found, "Ann")  # type: ignore[arg-type]
    assigned = pd.DataFrame({"pastoral_event_id": ["100", None], "staff_id": ["7", "8"]})
    assert wb.staff_load(found, assigned)["events"].tolist() == [1, 1]


def test_rows_without_an_id_are_not_treated_as_one_event() -> None:
    found = canonical_events(*((n, "2025-09-01T10:00Z") for n in (1, 2, 3)))
    found["pastoral_event_id"] = pd.array([100, None, None], dtype="Int64")
    assigned = pd.DataFrame({"pastoral_event_id": [100, None], "staff_id": [7, 8]}, dtype="Int64")
    table = wb.staff_load(found, assigned)
    assert table["staff_id"].tolist()[:1] == [7]
    assert table["events"].tolist() == [1, 2]
    # An item without a name beside one with: the event has an indicator.
    items = pd.DataFrame({"pastoral_event_id": [100, 100], "name": ["Safe", None]})
    assert wb.shanarri(items, found)["events"].tolist() == [1, *[0] * 8]
    assert wb.shanarri(items.assign(name=math.nan), found)["events"].tolist() == [*[0] * 8, 1]


@pytest.mark.parametrize(
    "bad", [20250910, 2025.5, True, "soon", "", math.nan, pd.NaT, "01/09/2025", "1 Sep 2025", "2025-09", "2025-9-1"]
)
def test_a_value_that_is_not_a_day_raises_in_every_function(bad: Any) -> None:
    found = canonical_events((1, "2025-09-01T10:00Z"), (1, "2025-09-01T10:00Z", *PLAN))
    found["review_date"] = pd.Timestamp("2025-10-01")
    for measure in (
        lambda: wb.open_events(found, bad),
        lambda: wb.reviews_due(found, bad),
        lambda: wb.summarise(found, since=bad),
        lambda: wb.summarise(found, since="2025-09-01", until=bad),
        lambda: wb.plan_coverage(found, students=STUDENTS, since=bad),
        lambda: wb.without_plan(found, students=STUDENTS, since=bad),
    ):
        with pytest.raises(BadArgumentError, match="give a date such as"):
            measure()


def test_a_day_is_a_date_a_timestamp_or_iso_text() -> None:
    found = canonical_events((1, "2025-09-01T10:00Z"))
    days: list[Any] = [date(2025, 9, 1), pd.Timestamp("2025-09-01"), pd.Timestamp("2025-09-01", tz="UTC"), "2025-09-01"]
    for day in days:
        assert wb.summarise(found, since=day, until="2025-09-02")["events"].tolist() == [1]
        assert wb.open_events(found, day)["days_open"].tolist() == [0]
    with pytest.raises(BadArgumentError, match="give a date such as"):
        wb.open_events(found, None)
    with pytest.raises(BadArgumentError, match="without_plan: at_least takes"):
        wb.without_plan(found, students=STUDENTS, at_least=1.5)  # type: ignore[arg-type]


def test_every_result_about_students_keeps_the_realm_of_its_input() -> None:
    days = "2025-09-01T10:00Z", "2025-09-02T10:00Z"
    found = canonical_events(
        (1, days[0], *EVENT), (1, days[1], *EVENT), (2, days[0], *PLAN), (3, days[0], "Plan", "inactive", PLAN[2])
    )
    found["review_date"] = pd.Timestamp("2025-09-03")
    marks = marks_of({1: "/" * 10, 2: "/" * 10})
    measures = {
        "repeated_events": lambda events, marks, students: wb.repeated_events(events, at_least=2),
        "open_events": lambda events, marks, students: wb.open_events(events, "2025-09-09"),
        "reviews_due": lambda events, marks, students: wb.reviews_due(events, "2025-09-09"),
        "without_plan": lambda events, marks, students: wb.without_plan(events, students=students),
        "timeline": lambda events, marks, students: wb.timeline(events, 1),
        "per_student": lambda events, marks, students: jt.per_student(marks, events, students=students),
    }
    for name, measure in measures.items():
        bare = measure(found, marks, STUDENTS)
        assert len(bare), name
        assert "realm" not in bare, name
        frames = [frame.assign(realm="S1") for frame in (found, marks, STUDENTS)]
        full = measure(*frames)
        assert list(full.columns[:2]) == ["realm", bare.columns[0]], name
        assert full["realm"].eq("S1").all(), name
        pd.testing.assert_frame_equal(full.drop(columns="realm"), bare)
        assert full.attrs == bare.attrs, name
        empty = measure(*(frame.head(0) for frame in frames))
        assert empty.dtypes.to_dict() == full.dtypes.to_dict(), name


def test_without_a_confidence_there_is_no_interval_and_with_one_it_has_the_name_of_its_figure() -> None:
    rng = np.random.default_rng(3)
    marks = marks_of({n: "".join(rng.choice(list("///LI"), 60)) for n in range(1, 9)})
    events = events_on((1, 30), (2, 31), (3, 40))
    plans = events_on((1, 20), (2, 25), kind="wellbeing_plan", status="active")
    records = pd.DataFrame({"student_id": [1], "learning_support_date": [pd.NaT], "inactive_date": [pd.NaT]})
    for figure, measure in (
        ("attendance_rate", lambda confidence: jt.attendance_by_plan(marks, plans, confidence=confidence)),
        (
            "attendance_rate",
            lambda confidence: jt.attendance_by_learning_support(marks, records, confidence=confidence),
        ),
        ("events_per_100_students", lambda confidence: jt.events_by_absence_band(marks, events, confidence=confidence)),
        ("rank_correlation", lambda confidence: jt.lateness_and_events(marks, events, confidence=confidence)),
        ("difference", lambda confidence: jt.around_events(marks, events, weeks=2, confidence=confidence)),
    ):
        narrow, wide, none = measure(0.8), measure(0.95), measure(None)
        bounds = [f"{figure}_low", f"{figure}_high"]
        assert set(wide) - set(none) == set(bounds)
        pd.testing.assert_frame_equal(none, wide.drop(columns=bounds), check_like=True)
        shown = wide[wide[bounds].notna().all(axis=1)]
        assert len(shown), figure
        assert (shown[bounds[0]] <= shown[figure]).all()
        assert (shown[figure] <= shown[bounds[1]]).all()
        assert (narrow.loc[shown.index, bounds[1]] <= shown[bounds[1]]).all()
        for bad in (95, 1, 0):
            with pytest.raises(BadArgumentError, match="confidence takes"):
                measure(bad)
