"""Attendance at its edges: odd types, clock changes, blank marks to come, maps from a spreadsheet, any grouping."""

import datetime as dt
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import strategies as st

from hubmis_frames import attendance as at
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from tests.helpers.examples import given_few

TERMS = pd.DataFrame(
    {
        "name": ["Spring Term", "Autumn Term", "Summer Term"],
        "date_from": pd.to_datetime(["2025-01-06", "2024-08-05", "2025-04-22"]),
        "date_to": pd.to_datetime(["2025-04-04", "2024-12-20", "2025-07-22"]),
        "academic_year_name": "2024/25",
    }
)
HALF_TERM = pd.DataFrame(
    {"name": ["Half-term"], "date_from": pd.to_datetime(["2024-10-28"]), "date_to": pd.to_datetime(["2024-11-01"])}
)
ROWS = pd.DataFrame(
    {
        "student_id": [1, 1, 2, 2, 3],
        "date": pd.to_datetime(["2024-09-09"] * 4 + ["2024-09-10"]),
        "session": ["am", "pm", "am", "pm", "am"],
        "code": ["/", "I", None, "X", "L"],
    }
)


def school() -> at.Calendar:
    return at.Calendar(TERMS, HALF_TERM)


def register(codes: str, start: str = "2024-09-09", student: int = 1) -> pd.DataFrame:
    when = pd.bdate_range(start, periods=(len(codes) + 1) // 2, unit="us").repeat(2)[: len(codes)]
    session = (["am", "pm"] * len(codes))[: len(codes)]
    return pd.DataFrame({"student_id": student, "date": when, "session": session, "code": list(codes)})


def only(frame: pd.DataFrame) -> "pd.Series[Any]":
    assert len(frame) == 1
    return frame.iloc[0]


# --- what a frame may be made of


@pytest.mark.parametrize(
    "change",
    [
        dict.fromkeys(ROWS, "category"),
        dict.fromkeys(ROWS, object),
        {"session": "string", "code": "string", "student_id": "string"},
        {"session": pd.ArrowDtype(pa.string()), "code": pd.ArrowDtype(pa.string()), "student_id": "float64"},
        {"date": "datetime64[ns]", "student_id": pd.ArrowDtype(pa.int64())},
        {"date": pd.ArrowDtype(pa.timestamp("us")), "student_id": "uint64"},
        {"date": pd.ArrowDtype(pa.date32())},
        {"date": "str", "student_id": "Int64"},
    ],
)
def test_types_change_no_mark(change: Any) -> None:
    frame = ROWS.astype(change).set_axis([0, 0, 1, 1, 1])
    pd.testing.assert_frame_equal(at.marks(frame), at.marks(ROWS))


def test_days_may_be_date_objects_or_midnight_in_utc() -> None:
    midnight = (ROWS["date"] - pd.Timedelta(hours=1)).dt.tz_localize("UTC")
    for date in (ROWS["date"].dt.date, midnight, midnight.astype(pd.ArrowDtype(pa.timestamp("us", tz="UTC")))):
        pd.testing.assert_frame_equal(at.marks(ROWS.assign(date=date)), at.marks(ROWS))


@pytest.mark.parametrize("date", [[20240909] * 5, ["09/09/2024"] * 5])
def test_numbers_and_other_formats_are_no_dates(date: list[object]) -> None:
    with pytest.raises(BadArgumentError, match=r"date holds (numbers|values that are not ISO dates)"):
        at.marks(ROWS.assign(date=pd.Series(date, dtype=object)))


@pytest.mark.parametrize("read", [str, dt.datetime.fromisoformat])
def test_text_with_two_offsets_across_a_clock_change_is_instants(read: Any) -> None:
    times = ["2024-10-25T08:40:00+01:00", "2024-10-25T23:30:00+00:00", "2024-10-28T12:10:00+00:00"]
    frame = pd.DataFrame({"student_id": [1, 2, 3], "code": "/"}).assign(date_time=[read(text) for text in times])
    found = at.marks(frame)
    assert found["date"].dt.day.tolist() == [25, 26, 28]
    assert found["session"].tolist() == ["am", "am", "pm"]
    with pytest.raises(BadArgumentError, match="a time zone in some rows only"):
        at.marks(frame.assign(date_time=[*times[:2], "2024-10-28T12:10:00"]))


def test_whole_numbers_that_a_file_made_floats_are_codes() -> None:
    codes = pd.DataFrame({"code": ["1", "2"], "description": ["Here", "Late"]})
    mine = at.CodeMap.from_frame(codes, {"1": "present", "2": "late"})
    found = at.marks(ROWS.assign(code=[1, 2, np.nan, 1, 2]), codes, code_map=mine)
    assert found["category"].tolist() == ["present", "late", "unmarked", "present", "late"]


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(BadArgumentError, match="several columns called code"):
        at.marks(pd.concat([ROWS, ROWS[["code"]]], axis=1))


def test_marks_whose_days_a_file_made_text_are_sent_back() -> None:
    marks = at.marks(ROWS)
    for date in (marks["date"].astype("str"), marks["date"].dt.tz_localize("UTC"), marks["date"].dt.date):
        with pytest.raises(BadArgumentError, match=r"date holds .*Give the frame to hf\.attendance\.marks again"):
            at.summarise(marks.assign(date=date), "week")


# --- code maps


def test_dates_of_a_spreadsheet_are_refused_and_not_turned_round(tmp_path: Any) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("code,category,valid_from\n1,present,01/09/2024\n", encoding="utf-8")
    with pytest.raises(BadArgumentError, match="A code map: valid_from holds values that are not ISO dates"):
        at.CodeMap.load(path)
    path.write_text("code,category,valid_from\n1,authorised,2024-09-01\n", encoding="utf-8-sig")
    assert at.CodeMap.load(path).frame["category"].tolist() == ["authorised_absence"]
    path.write_text("code,category,meaning\n1,present,Café\n", encoding="cp1252")
    with pytest.raises(BadArgumentError, match="not in UTF-8"):
        at.CodeMap.load(path)


def test_a_code_map_is_a_code_map() -> None:
    for wrong in ("northern ireland", "ireland", pd.DataFrame({"code": ["1"], "category": ["present"]})):
        with pytest.raises(BadArgumentError, match="takes 'england', 'wales', 'scotland' or a CodeMap, not"):
            at.marks(ROWS, code_map=wrong)  # type: ignore[arg-type]


def test_england_changes_within_a_term() -> None:
    # 16 August 2024 was a Friday, and the new codes hold from the Monday after it.
    with pytest.warns(HubmisWarning, match="'J1': 2, 'J': 2 marks"):
        marks = at.marks(
            pd.concat(
                [
                    register("JJHH", "2024-08-16").assign(code=["J", "J1", "J", "J1"]),
                    register("JJHH", "2024-08-16", student=2).assign(code=["J1", "J", "J1", "J"]),
                ]
            )
        )
    term = only(at.summarise(marks, "term", calendar=school()))
    assert (term["approved_activity_sessions"], term["authorised_sessions"], term["unmapped_sessions"]) == (2, 2, 4)


# --- grouping


def test_a_group_may_not_have_the_name_of_a_result() -> None:
    marks = at.marks(ROWS)
    for name in ("students", "absent_sessions"):
        with pytest.raises(BadArgumentError, match=f"column '{name}' of its own"):
            at.summarise(marks.assign(**{name: "x"}), name)
    for call, name in (
        (at.absence_bands, "absence_band"),
        (lambda marks, by: at.summarise(marks, by, rules=[at.PERSISTENT]), "persistent_absence_rate"),
        (at.absentees, "severe"),
        (at.code_frequency, "code"),
        (lambda marks, by: at.summarise(marks, by, confidence=0.95), "absence_rate_low"),
        (at.recent_change, "change"),
    ):
        with pytest.raises(BadArgumentError, match=f"column '{name}' of its own"):
            call(marks.assign(absence_band="x", absence_rate_low="x", change="x"), name)  # type: ignore[operator]


VALUES: dict[str, Any] = {
    "str": st.sampled_from(["Year 9", "Year 10", "", None]),
    "object": st.sampled_from([7, "7A", "Year 9", None, dt.date(2024, 9, 1)]),
    "category": st.sampled_from(["b", "a", None]),
    "string": st.sampled_from(["b", "a", None]),
    "float64": st.sampled_from([1.5, 2.0, None]),
    "Int64": st.sampled_from([1, 2, None]),
    "boolean": st.sampled_from([True, False, None]),
    "datetime64[us]": st.sampled_from(["2024-01-01", "2020-01-01", None]),
    "arrow": st.sampled_from(["b", "a", None]),
}
MARK = st.tuples(
    st.integers(1, 5),
    st.integers(-20, 380),
    st.sampled_from(["am", "pm"]),
    st.sampled_from(["/", "\\", "L", "V", "J", "J1", "I", "O", "X", "#", "-", "?"]),
)
AS_THEY_COME: Any = {"dropna": False, "observed": True, "sort": False}
PERIODS = ["week", "weekday", "month", "term", "half_term", "academic_year", "school_week"]
SUMS = [
    "possible_sessions", "attended_sessions", "absent_sessions", "authorised_sessions", "unauthorised_sessions",
    "late_sessions",
]  # fmt: skip


@given_few(st.data(), few=20)
@pytest.mark.filterwarnings("ignore:.*are pooled in one figure")
def test_any_grouping_pools_to_the_whole_in_every_function(data: st.DataObject) -> None:
    rows = data.draw(st.lists(MARK, max_size=60))
    frame = pd.DataFrame(rows, columns=["student_id", "day", "session", "code"])
    frame["date"] = pd.Timestamp("2024-08-05") + pd.to_timedelta(frame.pop("day").astype("int64"), unit="D")
    for number in range(2):
        kind = data.draw(st.sampled_from(sorted(VALUES)))
        values = data.draw(st.lists(VALUES[kind], min_size=len(frame), max_size=len(frame)))
        kept = pd.ArrowDtype(pa.string()) if kind == "arrow" else kind
        frame[f"own{number}"] = pd.Series(values, dtype=object).astype(kept)
    wanted = ["own0", "own1", "student_id", "date", "session", *PERIODS]
    by = data.draw(st.lists(st.sampled_from(wanted), max_size=3, unique=True))
    weekdays = data.draw(st.sampled_from([(0, 1, 2, 3, 4), (6, 0, 1, 2, 3)]))
    known = at.Calendar(TERMS, HALF_TERM, weekdays=weekdays)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HubmisWarning)
        marks = at.marks(frame)
        beside = at.beside_holidays(marks, known, by, across_years=True)
        whole_beside = only(at.beside_holidays(marks, known, None, across_years=True))
    whole = only(at.summarise(marks, across_years=True))
    parts = at.summarise(marks, by, calendar=known, across_years=True)
    counts = [*SUMS, "approved_activity_sessions", "not_possible_sessions", "unmarked_sessions", "unmapped_sessions"]
    assert parts[counts].sum().tolist() == whole[counts].tolist()
    assert not parts.duplicated(by).any() if by else len(parts) == 1
    # Each group is what pandas finds by the columns' own values.
    if by and (own := [name for name in by if name in marks and name not in PERIODS]):
        late = marks["category"].eq("late").groupby([marks[name] for name in own], **AS_THEY_COME).sum()
        found = parts.groupby(own, **AS_THEY_COME)["late_sessions"].sum()
        assert sorted(late) == sorted(found)
    frequent = at.code_frequency(marks, by, calendar=known)
    assert frequent["marks"].sum() == len(marks)
    banded = at.absence_bands(marks, by, calendar=known, across_years=True)
    rated = parts["possible_sessions"].gt(0).sum()
    assert (banded["share"].groupby(np.arange(len(banded)) // 11).sum().round(9).eq(100)).sum() == rated
    for name in [
        *(f"beside_{sort}_sessions" for sort in ("possible", "absent", "unauthorised")),
        "not_beside_possible_sessions",
        "not_beside_absent_sessions",
    ]:
        assert beside[name].sum() == whole_beside[name]
    # One week is compared with one before, however few weeks there are.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "recent_change: there are only", HubmisWarning)
        lately = at.recent_change(marks, by, weeks=1, calendar=known)
        all_lately = only(at.recent_change(marks, None, weeks=1, calendar=known))
    for name in (f"{half}_{sort}_sessions" for half in ("earlier", "recent") for sort in ("possible", "absent")):
        assert lately[name].sum() == all_lately[name]
    others = [name for name in by if name not in ("student_id", "week")]
    broken = at.broken_weeks(marks, others, calendar=known, across_years=True)
    if not set(by) - {"student_id", "week"}:
        able = at.summarise(marks, ["student_id", "week"], calendar=known, across_years=True)
        assert broken["weeks"].sum() == able["possible_sessions"].gt(0).sum()
    held = at.summarise(marks, by, calendar=known, confidence=0.95, across_years=True)
    pd.testing.assert_frame_equal(held[list(parts)], parts, check_exact=True)


@given_few(st.lists(MARK, max_size=60), st.sampled_from(sorted(VALUES)), st.data(), few=15)
def test_a_year_pools_too(rows: list[Any], kind: str, data: st.DataObject) -> None:
    frame = pd.DataFrame(rows, columns=["student_id", "day", "session", "code"])
    frame["date"] = pd.Timestamp("2024-08-05") + pd.to_timedelta(frame.pop("day").astype("int64") % 350, unit="D")
    values = data.draw(st.lists(VALUES[kind], min_size=len(frame), max_size=len(frame)))
    frame["own"] = pd.Series(values, dtype=object).astype(pd.ArrowDtype(pa.string()) if kind == "arrow" else kind)
    later = TERMS.assign(academic_year_name="2025/26", name=TERMS["name"] + " again")
    year = pd.Timedelta(days=364)
    later[["date_from", "date_to"]] += year
    known = at.Calendar(pd.concat([later, TERMS]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HubmisWarning)
        marks = at.marks(pd.concat([frame, frame.assign(date=frame["date"] + year)], ignore_index=True))
        whole, parts = at.cumulative(marks, calendar=known), at.cumulative(marks, "own", calendar=known)
        change = at.year_on_year(marks, "own", calendar=known, rate="absence_rate")
    last = whole.groupby("academic_year").last()[["possible_sessions", "absent_sessions"]]
    ends = parts.groupby(["own", "academic_year"], **AS_THEY_COME)[["possible_sessions", "absent_sessions"]].last()
    assert ends.groupby("academic_year").sum().equals(last)
    # The second year repeats the first, and codes of both mean the same, J and J1 aside.
    if not {"J", "J1"} & set(frame["code"]):
        assert change["change"].dropna().eq(0).all()
        assert change["previous_rate"].isna().equals(change["absence_rate"].isna())


def test_no_mark_on_an_open_day_has_no_groups_beside_holidays() -> None:
    text = ROWS.assign(form_name=pd.array(["9A"] * 5, dtype=pd.ArrowDtype(pa.string())))
    marks = at.marks(text.assign(date=pd.Timestamp("2024-10-29")).drop_duplicates(["student_id", "session"]))
    assert at.beside_holidays(marks, school(), "form_name").empty


# --- marks to come, doubled marks, days beyond the calendar


def test_leave_booked_for_some_and_a_morning_half_taken_are_no_newest_register() -> None:
    rows = [(student, day, "/") for student in range(1, 11) for day in pd.bdate_range("2025-09-01", "2025-09-12")]
    rows += [(1, day, "C") for day in pd.bdate_range("2025-09-15", "2025-09-19")]  # leave
    rows += [(student, pd.Timestamp("2025-09-15"), "/") for student in range(2, 5)]  # the registers in by nine
    rows += [(5, pd.Timestamp("2025-09-26"), "/")]  # a slip of the pen
    frame = pd.DataFrame(rows, columns=["student_id", "date", "code"]).assign(session="am")
    marks = at.marks(frame)
    assert at.newest_register(marks) == pd.Timestamp("2025-09-12")
    fifth = at.marks(pd.concat([frame, frame.tail(1).assign(date=pd.Timestamp("2025-09-15"))]))
    assert at.newest_register(fifth) == pd.Timestamp("2025-09-15"), "half of the usual ten"
    assert at.newest_register(marks[marks["student_id"].eq(1)]) == pd.Timestamp("2025-09-19")
    assert pd.isna(at.newest_register(marks.head(0)))
    # Days booked ahead may be more than there were, and their marks are few.
    ahead = [(1, day, "B") for day in pd.bdate_range("2025-09-15", "2025-10-31")]
    booked = pd.DataFrame(ahead, columns=["student_id", "date", "code"]).assign(session="am")
    assert at.newest_register(at.marks(pd.concat([frame[frame["date"] <= "2025-09-12"], booked]))) == pd.Timestamp(
        "2025-09-12"
    )


def test_an_appointment_this_afternoon_is_no_register_of_the_afternoon() -> None:
    day = pd.Timestamp("2025-09-12")
    rows = [(student, day, "/", "am") for student in range(1, 5)] + [(1, day, "M", "pm")]
    frame = pd.DataFrame(rows, columns=["student_id", "date", "code", "session"])
    terms = pd.DataFrame({"name": ["Autumn"], "date_from": ["2025-09-01"], "date_to": ["2025-09-12"]})
    left = at.at_risk(at.marks(frame), at.Calendar(terms))["remaining_sessions"]
    assert left.tolist() == [1, 1, 1, 1]
    taken = frame.assign(session="pm").drop_duplicates("student_id").assign(code="/")
    both = at.marks(pd.concat([frame[frame["session"].eq("am")], taken]))
    assert at.at_risk(both, at.Calendar(terms))["remaining_sessions"].tolist() == [0, 0, 0, 0]


def test_blank_and_planned_marks_to_come_do_not_move_today() -> None:
    held = register("I/" * 4 + "//")
    ahead = [
        pd.DataFrame({"student_id": 1, "date": [pd.Timestamp(day)], "session": session, "code": code})
        for day, session, code in (("2024-09-16", "am", "-"), ("2024-12-20", "am", None), ("2024-12-20", "pm", "#"))
    ]
    now, later = at.marks(held), at.marks(pd.concat([held, *ahead]))
    pd.testing.assert_frame_equal(at.at_risk(later, school()), at.at_risk(now, school()))
    morning = at.marks(pd.concat([held.iloc[:-1], held.iloc[-1:].assign(code=None)]))
    assert only(at.at_risk(morning, school()))["remaining_sessions"] == (
        only(at.at_risk(now, school()))["remaining_sessions"] + 1
    )
    unknown = at.marks(pd.concat([held.assign(code="N"), *ahead]))
    assert at.data_quality(unknown).set_index("check").loc["no reason yet", "sessions"] == 10


def test_marks_doubled_since_they_were_made_are_counted() -> None:
    marks = at.marks(register("/I//"))
    found = at.data_quality(pd.concat([marks, marks.head(3)])).set_index("check")
    assert found.loc["counted twice", "sessions"] == 3
    assert at.data_quality(marks).set_index("check").loc["counted twice", "sessions"] == 0


def test_marks_beyond_the_calendar_are_said() -> None:
    marks = at.marks(pd.concat([register("II//", "2024-09-09"), register("IIII//", "2023-09-11")]))
    calls: list[Any] = [
        at.runs,
        at.beside_holidays,
        lambda marks, calendar: at.cumulative(marks, calendar=calendar),
    ]
    for call in calls:
        with pytest.warns(HubmisWarning, match=r"6 of 10 marks lie outside the calendar") as said:
            call(marks, school())
        assert {warning.filename for warning in said} == {__file__}
    with pytest.raises(BadArgumentError, match="has 2024/25 only"):
        at.year_on_year(marks, calendar=school())


def test_a_school_from_sunday_to_thursday() -> None:
    known = at.Calendar(TERMS, HALF_TERM, weekdays=(6, 0, 1, 2, 3))
    thursday = register("II", "2024-09-12")
    sunday = register("II//", "2024-09-15").assign(date=pd.to_datetime(["2024-09-15"] * 2 + ["2024-09-16"] * 2))
    marks = at.marks(pd.concat([thursday, sunday]))
    row = only(at.runs(marks, known))
    assert (row["absent_sessions"], row["school_days"], row["ongoing"]) == (4, 2, False)
    weeks = at.summarise(marks, "week", calendar=known)
    assert weeks["week"].dt.day_name().unique().tolist() == ["Sunday"]
    assert weeks["possible_sessions"].tolist() == [2, 4]
    assert at.summarise(marks, "weekday", calendar=known)["weekday"].tolist() == ["Sunday", "Monday", "Thursday"]
