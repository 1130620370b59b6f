"""Attendance against published figures, boundary cases, brute force and the whole."""

import itertools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubmis_frames import attendance as at
from hubmis_frames.analysis.periods import PERIODS
from hubmis_frames.errors import BadArgumentError, HubmisWarning

WESTMINSTER = {
    "/": 62325, "\\": 63831, "L": 1707, "B": 79, "D": 113, "J": 56, "P": 37, "V": 1131, "W": 0, "I": 3887, "M": 424,
    "R": 14, "S": 0, "T": 0, "H": 12, "E": 0, "C": 638, "G": 121, "U": 375, "O": 987, "N": 206, "X": 0,
}  # fmt: skip
COUNTED = [
    "possible_sessions", "attended_sessions", "late_sessions", "approved_activity_sessions", "authorised_sessions",
    "unauthorised_sessions", "absent_sessions", "not_possible_sessions", "unmarked_sessions", "unmapped_sessions",
]  # fmt: skip
SUMMARY = [
    "students", *COUNTED, "attendance_rate", "absence_rate", "authorised_rate", "unauthorised_rate",
    "persistent_absentees", "persistent_absence_rate", "severe_absentees", "severe_absence_rate",
]  # fmt: skip


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


# --- published figures


def test_westminster_early_2022_23() -> None:
    codes = [code for code, count in WESTMINSTER.items() for _ in range(count)]
    frame = pd.DataFrame({"student_id": range(len(codes)), "date": "2022-09-20", "session": "am", "code": codes})
    row = only(at.summarise(at.marks(frame)))
    assert (row["attended_sessions"], row["absent_sessions"], row["possible_sessions"]) == (129166, 6664, 135830)
    assert (row["authorised_sessions"], row["unauthorised_sessions"]) == (4975, 1689)
    assert row["not_possible_sessions"] == 113
    assert row["attendance_rate"] == pytest.approx(95.0938673341677, abs=1e-12)
    assert row["absence_rate"] == pytest.approx(4.90613266583229, abs=1e-12)
    assert row["authorised_rate"] == pytest.approx(3.66266656850475, abs=1e-12)
    assert row["unauthorised_rate"] == pytest.approx(1.24346609732754, abs=1e-12)


def test_solihull_primary_2009_10() -> None:
    absent = np.zeros(15103, dtype=int)
    absent[:1917], absent[:36] = 1, 5
    category = np.where(np.arange(10) < absent[:, None], "authorised_absence", "present")
    marks = pd.DataFrame(
        {
            "student_id": np.arange(15103).repeat(10),
            "date": np.tile(days(5).repeat(2), 15103),
            "session": np.tile(["am", "pm"], 15103 * 5),
            "code": "",
            "category": category.ravel(),
        }
    )
    row = only(at.summarise(marks))
    assert (row["students"], row["persistent_absentees"], row["severe_absentees"]) == (15103, 1917, 36)
    assert round(row["persistent_absence_rate"], 5) == 12.69284
    assert round(row["severe_absence_rate"], 5) == 0.23836


# --- code maps


def test_england_changes_on_19_august_2024() -> None:
    codes = pd.Series(["J", "H", "Y", "J1", "C1", "C2", "K", "Q", "Y4", "B", "X"])
    before = at.CodeMap.england().categorise(codes, pd.Series(pd.Timestamp("2024-08-18"), index=codes.index))
    since = at.CodeMap.england().categorise(codes, pd.Series(pd.Timestamp("2024-08-19"), index=codes.index))
    assert list(before) == [
        "approved_activity", "authorised_absence", "not_possible", *["unmapped"] * 6, "approved_activity",
        "not_possible",
    ]  # fmt: skip
    assert list(since) == [
        *["unmapped"] * 3, *["authorised_absence"] * 3, "approved_activity", *["not_possible"] * 2,
        "approved_activity", "not_possible",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("category", "codes"),
    [
        ("present", "/ \\"),
        ("late", "L"),
        ("approved_activity", "K V P W B"),
        ("authorised_absence", "C C1 C2 E I J1 M R S T"),
        ("unauthorised_absence", "G N O U"),
        ("not_possible", "D Q X Y1 Y2 Y3 Y4 Y5 Y6 Y7"),
        ("administrative", "Z #"),
        ("unmapped", "c A / 1 Y8 F H J"),
    ],
)
def test_england_since_2024(category: str, codes: str) -> None:
    texts = pd.Series(codes.split() if category != "unmapped" else ["c", "A", "/ ", "1", "Y8", "F", "H", "J", "NA"])
    found = at.CodeMap.england().categorise(texts, pd.Series(pd.Timestamp("2025-01-10"), index=texts.index))
    assert set(found) == {category}


def test_x_is_a_choice_that_is_seen() -> None:
    england = at.CodeMap.england()
    assert england.frame.loc[england.frame["code"].eq("X"), "meaning"].str.contains("not possible").all()
    assert set(canonical(register("X"), code_map=at.CodeMap.england(x="authorised"))["category"]) == {
        "authorised_absence"
    }


def test_blank_and_dash_are_unmarked() -> None:
    assert list(canonical(register([None, "", " ", "-"]))["category"]) == ["unmarked"] * 4


def test_a_map_that_changes_mid_term_works_per_date() -> None:
    codes = pd.DataFrame({"code": ["1", "2"], "description": ["Here", "Away"]})
    old = at.CodeMap.from_frame(codes, {"1": "present", "2": "authorised"}, valid_to="2025-09-14")
    new = at.CodeMap.from_frame(codes, {"1": "present", "2": "approved"}, valid_from="2025-09-15")
    frame = register(["2"] * 20)
    found = at.marks(frame, codes, code_map=at.CodeMap(pd.concat([old.frame, new.frame])))
    assert (found["category"].eq("approved_activity") == (found["date"] >= "2025-09-15")).all()
    assert only(at.summarise(found))["absent_sessions"] == 10


def test_a_map_ends_with_its_last_day() -> None:
    codes = pd.DataFrame({"code": ["1"], "description": ["Here"]})
    mine = at.CodeMap.from_frame(codes, {"1": "present"}, valid_from="2025-09-02", valid_to="2025-09-04")
    dates = pd.Series(pd.to_datetime(["2025-09-01", "2025-09-02", "2025-09-04", "2025-09-05", None]))
    found = mine.categorise(pd.Series(["1"] * 5), dates)
    assert list(found) == ["unmapped", "present", "present", "unmapped", "unmapped"]


def test_further_codes_extend_a_map() -> None:
    mine = at.CodeMap.england().extend({"*": "approved", "J": "late"})
    assert list(canonical(register("*J/"), code_map=mine)["category"]) == ["approved_activity", "late", "present"]


def test_warnings_point_at_the_line_that_called() -> None:
    for frame in (register("?"), register("//").assign(attendance_session="am", date="2025-09-08")):
        with pytest.warns(HubmisWarning) as said:
            at.marks(frame)
        assert {warning.filename for warning in said} == {__file__}


def test_a_saved_map_comes_back_as_it_was(tmp_path: Any) -> None:
    codes = pd.DataFrame({"code": ["1", "NA", "0", " "], "description": ["a", "b, with comma", None, '"']})
    mine = at.CodeMap.from_frame(codes, {"1": "present", "NA": "unauthorised", "0": "late"}, valid_from="2025-09-01")
    path = mine.save(tmp_path / "codes.csv")
    pd.testing.assert_frame_equal(at.CodeMap.load(path).frame, mine.frame)
    england = at.CodeMap.england()
    pd.testing.assert_frame_equal(at.CodeMap.load(england.save(path)).frame, england.frame)


def test_maps_that_cannot_be_meant_are_refused() -> None:
    codes = pd.DataFrame({"code": ["1"], "description": ["Here"]})
    with pytest.raises(BadArgumentError, match="no code '9'"):
        at.CodeMap.from_frame(codes, {"9": "present"})
    with pytest.raises(BadArgumentError, match="here is not a category"):
        at.CodeMap.from_frame(codes, {"1": "here"})
    with pytest.raises(BadArgumentError, match="overlap"):
        at.CodeMap(pd.DataFrame({"code": ["1", "1"], "category": ["present", "late"]}))


# --- marks


def test_marks_are_canonical_and_keep_other_columns() -> None:
    frame = register("/I").assign(year_group_name="Year 9", attendance_code_description="x")
    found = at.marks(frame)
    assert list(found)[:5] == ["student_id", "date", "session", "code", "category"]
    assert {"year_group_name", "attendance_code_description"} <= set(found)
    pd.testing.assert_frame_equal(at.marks(found)[at.CANONICAL], found[at.CANONICAL])


def test_columns_are_found_or_given_or_named_in_the_error() -> None:
    frame = register("/I").rename(columns={"attendance_code_code": "what", "attendance_session": "half"})
    with pytest.raises(BadArgumentError, match=r"session.*code.*student_id, date, half, what"):
        at.marks(frame)
    assert list(at.marks(frame, columns={"code": "what", "session": "half"})["code"]) == ["/", "I"]
    with pytest.raises(BadArgumentError, match="no field 'codes'"):
        at.marks(frame, columns={"codes": "what"})
    with pytest.raises(BadArgumentError, match="there is no column wat"):
        at.marks(frame, columns={"code": "wat"})


def test_lessons_are_no_sessions() -> None:
    with pytest.raises(BadArgumentError, match="'Period 3'"):
        at.marks(register("/I").assign(attendance_session=["am", "Period 3"]))


def test_codes_are_found_by_their_id_and_a_strange_id_is_a_code() -> None:
    codes = pd.DataFrame({"attendance_code_id": [50, 68], "code": ["/", "I"], "description": ["Here", "Ill"]})
    frame = register("/I/").drop(columns="attendance_code_code").assign(attendance_code_id=[50, 68, 7])
    with pytest.warns(HubmisWarning, match="'id 7': 1 marks"):
        assert list(at.marks(frame, codes)["code"]) == ["/", "I", "id 7"]
    with pytest.raises(BadArgumentError, match="code_id, with codes="):
        at.marks(frame)


def test_an_unmapped_code_is_said_by_name_and_number_and_in_no_rate() -> None:
    codes = pd.DataFrame({"code": ["*", "9"], "description": ["Music lesson", None]})
    with pytest.warns(HubmisWarning, match=r"'\*' \(Music lesson\): 2, '9'.*: 1 marks") as said:
        marks = at.marks(register("//**9I"), codes)
    text = str(only(pd.DataFrame({"said": list(said)}))["said"].message)
    assert "The school decides which category each code has; the categories are present, late, " in text
    assert "if '*' is an approved activity, give" in text
    assert 'code_map=hf.attendance.CodeMap.england().extend({"*": "approved_activity"})' in text
    named = text.partition("the categories are ")[2].partition(". For")[0].split(", ")
    assert "unmapped" not in named
    assert set(at.CodeMap(pd.DataFrame({"code": named, "category": named})).frame["category"]) == set(named)
    with pytest.warns(HubmisWarning, match=r'code_map=your_map\.extend\(\{"/": "approved_activity"'):
        at.marks(register("/I"), code_map=at.CodeMap(pd.DataFrame({"code": ["I"], "category": ["authorised"]})))
    row = only(at.summarise(marks))
    assert (row["unmapped_sessions"], row["possible_sessions"], row["absence_rate"]) == (3, 3, pytest.approx(100 / 3))


PRECEDENCE = [
    ("/", "present"), ("L", "late"), ("V", "approved_activity"), ("I", "authorised_absence"),
    ("O", "unauthorised_absence"), ("X", "not_possible"), ("#", "administrative"), ("-", "unmarked"),
]  # fmt: skip


@pytest.mark.parametrize("pair", list(itertools.combinations(PRECEDENCE, 2)))
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_marks_for_a_session_one_is_kept(pair: Any, turned: bool) -> None:
    codes = [code for code, _ in (reversed(pair) if turned else pair)]
    frame = pd.DataFrame({"student_id": 1, "date": "2025-09-08", "session": "am", "code": codes})
    with pytest.warns(HubmisWarning, match="1 marks are further ones"):
        marks = at.marks(frame)
    assert only(marks)["category"] == pair[0][1]
    quality = at.data_quality(marks).set_index("check")["sessions"]
    assert quality["repeated"] == 1


def test_three_of_one_session_leave_one_and_equal_ones_the_first() -> None:
    frame = pd.DataFrame(
        {"student_id": [1, 2, 1, 1], "date": "2025-09-08", "session": "am", "code": ["I", "/", "M", "I"], "n": range(4)}
    )
    with pytest.warns(HubmisWarning, match="2 marks"):
        assert list(at.marks(frame)["n"]) == [0, 1]


def test_a_clock_change_moves_no_session_to_another_day() -> None:
    # Clocks went back on 26 October 2025 and forward on 29 March 2026.
    times = [
        "2025-10-24T07:40Z", "2025-10-24T23:30Z", "2025-10-27T00:10Z", "2025-10-27T08:40Z", "2025-10-27T13:36Z",
        "2026-03-30T07:40Z", "2026-03-30T11:30Z", "2026-03-29T23:30Z",
    ]  # fmt: skip
    frame = pd.DataFrame({"student_id": range(8), "date_time": pd.to_datetime(times, utc=True), "code": "/"})
    found = at.marks(frame)
    assert list(found["date"].dt.strftime("%m-%d")) == [
        "10-24", "10-25", "10-27", "10-27", "10-27", "03-30", "03-30", "03-30",
    ]  # fmt: skip
    assert list(found["session"]) == ["am", "am", "am", "am", "pm", "am", "pm", "am"]
    abroad = at.marks(frame, timezone="Asia/Hong_Kong")
    assert abroad["date"].iloc[1] == pd.Timestamp("2025-10-25")
    assert abroad["session"].iloc[0] == "pm"


def test_a_date_sent_as_local_midnight_in_utc_is_the_local_day() -> None:
    frame = register("/").assign(date=pd.to_datetime(["2025-06-09T23:00:00Z"]))
    assert at.marks(frame)["date"].iloc[0] == pd.Timestamp("2025-06-10")


def test_rows_without_a_place_are_left_out_aloud() -> None:
    frame = register("//I").assign(student_id=pd.array([1, pd.NA, 1], dtype="Int64"))
    with pytest.warns(HubmisWarning, match="1 rows have no student"):
        assert len(at.marks(frame)) == 2


def test_sessions_run_from_joining_to_leaving() -> None:
    frame = register("OO" + "/" * 10 + "OO")
    enrolment = pd.DataFrame(
        {
            "student_id": [1],
            "start_date": pd.to_datetime(["2025-09-09"]),
            "leaving_date": pd.to_datetime(["2025-09-15"]),
        }
    )
    with pytest.warns(HubmisWarning, match="4 marks lie before a student joined or after"):
        marks = at.marks(frame, enrolment=enrolment)
    assert only(at.summarise(marks))["possible_sessions"] == 10
    with pytest.warns(HubmisWarning, match="2 marks"):
        at.marks(frame, enrolment=enrolment.drop(columns="leaving_date"))


def test_marks_on_closed_days_are_listed_and_stay() -> None:
    frame = pd.concat([register("//", start="2025-09-22"), register(["Y4", "Y4"], start="2026-01-07")])
    frame = pd.concat([frame, register("//", start="2025-09-01"), register("//", start="2027-01-04")])
    with pytest.warns(HubmisWarning, match="4 on days when the school is shut and 2 on days that the calendar"):
        marks = at.marks(frame, calendar=calendar())
    assert len(marks) == 8
    listed = at.on_closed_days(marks, calendar())
    assert listed["closed_as"].value_counts().to_dict() == {
        "holiday": 2, "INSET day": 2, "closure": 2, "outside the calendar": 2,
    }  # fmt: skip


def test_several_schools_are_read_one_by_one_and_refused_where_a_figure_is_of_one() -> None:
    frame = register("/I").assign(realm=["A", "B"])
    frame = pd.concat([frame, frame.assign(attendance_code_code="L")])
    with pytest.warns(HubmisWarning, match="marks of [AB]: 1 marks are further ones"):
        marks = at.marks(frame)
    assert marks["code"].tolist() == ["/", "L"]
    assert marks["realm"].tolist() == ["A", "B"]
    assert marks.attrs["attendance_marks"]["duplicates"] == 2
    with pytest.raises(BadArgumentError, match="a calendar is one school's"):
        at.marks(frame, calendar=calendar())
    with pytest.raises(BadArgumentError, match="several schools"):
        at.code_frequency(marks)
    with pytest.raises(BadArgumentError, match="several schools"):
        at.broken_weeks(marks)


# --- summarise


def test_exactly_ten_and_fifty_per_cent_are_in() -> None:
    marks = canonical(
        register("I" + "/" * 9, 1), register("I" + "/" * 10, 2), register("I/", 3), register("II" + "/" * 3, 4)
    )
    row = only(at.summarise(marks))
    assert (row["persistent_absentees"], row["severe_absentees"]) == (3, 1)
    assert row["persistent_absence_rate"] == 75
    assert list(at.absentees(marks)["student_id"]) == [3, 4, 1]


@pytest.mark.filterwarnings("ignore:.*are pooled in one figure")
def test_a_tenth_is_a_tenth_at_any_size() -> None:
    # Student n is absent from n of 10 n sessions; in floats some of these fall short of 10 per cent.
    size = np.arange(1, 400)
    student = size.repeat(10 * size)
    place = np.arange(len(student)) - (np.cumsum(10 * size) - 10 * size).repeat(10 * size)
    marks = pd.DataFrame({"student_id": student, "date": days(2000)[place // 2], "code": ""})
    marks["session"] = np.where(place % 2, "pm", "am")
    marks["category"] = np.where(place < student, "authorised_absence", "present")
    assert only(at.summarise(marks))["persistent_absentees"] == 399
    assert only(at.summarise(marks[place > 0]))["persistent_absentees"] == 0


@pytest.mark.parametrize("codes", ["--", "XX", "##", [None, ""]])
def test_without_a_possible_session_rates_are_missing_and_never_zero(codes: Any) -> None:
    row = only(at.summarise(canonical(register(codes))))
    assert row["students"] == 1
    assert row["possible_sessions"] == row["persistent_absentees"] == 0
    assert row[[name for name in SUMMARY if name.endswith("_rate")]].isna().all()


def test_who_has_no_possible_session_is_not_in_the_denominator() -> None:
    marks = canonical(register("II", 1), register("//", 2), register("XX", 3))
    row = only(at.summarise(marks))
    assert (row["students"], row["persistent_absence_rate"]) == (3, 50)


def test_one_mark() -> None:
    row = only(at.summarise(canonical(register("I"))))
    assert (row["possible_sessions"], row["absence_rate"], row["severe_absentees"]) == (1, 100, 1)


def test_columns_are_those_promised_also_of_nothing() -> None:
    marks = canonical(register("/I"))
    assert list(at.summarise(marks)) == SUMMARY
    for by in ("student_id", "week", ["session", "weekday"]):
        some, none = at.summarise(marks, by), at.summarise(marks.head(0), by)
        assert list(some) == [*([by] if isinstance(by, str) else by), *SUMMARY]
        assert none.empty
        assert list(none) == list(some)
        assert none.dtypes[SUMMARY].equals(some.dtypes[SUMMARY])
    assert at.summarise(marks.head(0))["absence_rate"].isna().all()


@pytest.mark.parametrize("function", [at.summarise, at.absentees, at.absence_bands, at.runs, at.code_frequency])
def test_marks_put_together_twice_are_said(function: Any) -> None:
    marks = canonical(register("/I"), register("//", 2))
    function(marks)
    with pytest.warns(HubmisWarning, match=r"4 marks are in the frame twice.*marks\(frame\), which keeps one"):
        function(pd.concat([marks, marks]))


def test_a_code_that_to_csv_guarded_is_the_code_that_it_was() -> None:
    assert at.marks(register(["/", "'-", "'", "I"]), code_map=at.CodeMap.england().extend({"'": "late"}))[
        "category"
    ].tolist() == ["present", "unmarked", "late", "authorised_absence"]


def test_a_calendar_of_other_tables_or_other_years_is_refused_or_said() -> None:
    terms = calendar().terms.rename(columns={"start": "date_from", "end": "date_to"}).assign(term_id=1)
    with pytest.raises(BadArgumentError, match="the frame given as holidays has the column term_id"):
        at.Calendar(terms, terms)
    with pytest.raises(BadArgumentError, match="the frame given as terms has the column holiday_id"):
        at.Calendar(terms.rename(columns={"term_id": "holiday_id"}))
    with pytest.warns(HubmisWarning, match="at_risk: 2 of 2 marks lie outside the calendar"):
        at.at_risk(canonical(register("//", start="2027-01-04")), calendar())


def test_codes_given_first_are_said() -> None:
    with pytest.raises(BadArgumentError, match="the marks come first"):
        at.marks(pd.DataFrame({"code": ["/"]}), register("/"))


def test_a_rate_pools_and_is_no_mean_of_rates() -> None:
    marks = canonical(register("I" * 10, 1), register("/" * 90, 2))
    assert only(at.summarise(marks))["absence_rate"] == 10


@pytest.mark.parametrize("function", [at.summarise, at.absence_bands, at.absentees, at.broken_weeks])
def test_years_in_one_figure_are_said_and_years_apart_are_not(function: Any) -> None:
    years = canonical(register("/I", start="2024-07-31"), register("/I", start="2025-09-08"))
    said = rf"^{function.__name__}: marks of 2023/24 to 2025/26 are pooled in one figure.*>= .2025-08-01"
    with pytest.warns(HubmisWarning, match=said):
        function(years, "session")
    years["own"] = years["date"].dt.year
    function(years, "own")
    function(years[years["date"] >= "2025-09-01"], "session")
    function(canonical(register("/I", start="2025-08-01"), register("/I", start="2026-07-31")), "session")


def test_groups_stand_in_order_of_time_and_name_and_a_missing_one_last() -> None:
    marks = canonical(*(register("/" * 20, student) for student in range(1, 5)))
    marks["year_group_name"] = marks["student_id"].map({1: "Year 10", 2: "Year 9", 3: None, 4: "Year 7"})
    found = at.summarise(marks, "year_group_name")["year_group_name"]
    assert found.iloc[:3].tolist() == ["Year 7", "Year 9", "Year 10"]
    assert pd.isna(found.iloc[3])
    assert at.summarise(marks, "weekday")["weekday"].tolist()[:2] == ["Monday", "Tuesday"]
    terms = canonical(register("//", start="2026-01-05"), register("//", start="2025-09-08"))
    assert at.summarise(terms, "term", calendar=calendar())["term"].tolist() == ["Autumn Term", "Spring Term"]


def test_persistent_is_within_the_period() -> None:
    marks = canonical(register("II" + "/" * 38))
    assert at.summarise(marks)["persistent_absentees"].tolist() == [0]
    assert at.summarise(marks, "week")["persistent_absentees"].tolist() == [1, 0, 0, 0]


def test_periods_need_a_calendar_and_unknown_columns_are_named() -> None:
    marks = canonical(register("//"))
    with pytest.raises(BadArgumentError, match="needs calendar="):
        at.summarise(marks, "half_term")
    with pytest.raises(BadArgumentError, match="no column or period 'form_name'"):
        at.summarise(marks, "form_name")
    with pytest.raises(BadArgumentError, match="Did you mean 'half_term'"):
        at.summarise(marks, "halfterm")
    with pytest.raises(BadArgumentError, match="Did you mean 'year_group_name'"):
        at.summarise(marks.assign(year_group_id=7, year_group_name="Year 7"), "yeargroup")


def test_what_is_no_calendar_is_told_how_to_make_one() -> None:
    marks = canonical(register("//"))
    needing: list[Any] = [at.at_risk, at.beside_holidays, at.on_closed_days]
    for measure in needing:
        with pytest.raises(BadArgumentError, match=rf"^{measure.__name__} needs calendar=.*hf\.load_terms\(school\)"):
            measure(marks, None)
    years: list[Any] = [at.cumulative, at.year_on_year]
    for measure in years:
        with pytest.raises(BadArgumentError, match=rf"^{measure.__name__} needs calendar=.* or marks with the column"):
            measure(marks)
        with pytest.raises(BadArgumentError, match=rf"^{measure.__name__} needs calendar=.* this is a DataFrame\."):
            measure(marks, calendar=pd.DataFrame({"name": ["Autumn Term"]}))
    for measure in (*needing, at.runs, at.data_quality):
        with pytest.raises(BadArgumentError, match=rf"^{measure.__name__} needs calendar=.* this is a DataFrame\."):
            measure(marks, pd.DataFrame({"name": ["Autumn Term"]}))
    with pytest.raises(BadArgumentError, match="summarise needs calendar="):
        at.summarise(marks, "week", calendar=pd.DataFrame())  # type: ignore[arg-type]
    with pytest.raises(BadArgumentError, match="marks needs calendar="):
        at.marks(register("//"), calendar="terms")
    assert len(at.runs(marks)) == 0
    assert len(at.data_quality(marks)) > 0


@pytest.mark.parametrize("terms", [None, "terms.csv", {"terms": pd.DataFrame()}, object()])
def test_a_calendar_of_no_frame_names_the_loaders(terms: Any) -> None:
    calls = r"hf\.attendance\.Calendar\(hf\.load_terms\(school\), hf\.load_holidays\(school\), hf\.load_inset_days"
    with pytest.raises(BadArgumentError, match=rf"terms is a {type(terms).__name__}: {calls}"):
        at.Calendar(terms)
    with pytest.raises(BadArgumentError, match="closure_dates is a list"):
        at.Calendar(calendar().terms.rename(columns={"start": "date_from", "end": "date_to"}), closure_dates=[])  # type: ignore[arg-type]


def test_what_a_loader_gave_is_told_the_call_that_comes_first() -> None:
    for measure in (at.summarise, at.absentees, at.runs, at.data_quality, at.absence_bands):
        with pytest.raises(BadArgumentError, match=r"Give hf\.attendance\.marks\(frame\), not the frame that was load"):
            measure(register("//"))


CODES = ["/", "\\", "L", "V", "I", "O", "X", "#", "-", "?"]
ROWS = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.integers(0, 240),
        st.sampled_from(["am", "pm"]),
        st.sampled_from(CODES),
        st.sampled_from(["9A", "10A", None]),
    ),
    max_size=80,
)
BY = st.lists(
    st.sampled_from(["student_id", "form_name", "session", "code", *PERIODS]), min_size=1, max_size=3, unique=True
)


@settings(max_examples=60)
@given(ROWS, BY)
def test_pooling_by_any_grouping_gives_the_whole_back(rows: list[Any], by: list[str]) -> None:
    frame = pd.DataFrame(rows, columns=["student_id", "day", "session", "code", "form_name"])
    frame["date"] = pd.Timestamp("2025-08-25") + pd.to_timedelta(frame.pop("day").astype("int64"), unit="D")
    frame = frame.astype({"form_name": "str", "code": "str", "session": "str"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        marks = at.marks(frame)
    whole, parts = only(at.summarise(marks)), at.summarise(marks, by, calendar=calendar())
    assert parts[COUNTED].sum().astype(int).to_dict() == whole[COUNTED].astype(int).to_dict()
    assert not parts.duplicated(by).any()
    weights = parts["possible_sessions"]
    if whole["possible_sessions"]:
        pooled = (parts["absence_rate"].fillna(0) * weights).sum() / weights.sum()
        assert pooled == pytest.approx(whole["absence_rate"])
    assert (parts["severe_absentees"] <= parts["persistent_absentees"]).all()
    assert (parts["persistent_absentees"] <= parts["students"]).all()
    # Against pandas itself, group by group.
    attended = marks["category"].isin(["present", "late", "approved_activity"])
    if "student_id" in by or by == ["form_name"]:
        names = [name for name in by if name in marks]
        expected = attended.groupby([marks[name] for name in names], dropna=False).sum()
        found = parts.groupby(names, dropna=False, observed=True)["attended_sessions"].sum()
        assert sorted(expected.tolist()) == sorted(found.tolist())


# --- bands, codes, intervals


@pytest.mark.parametrize(
    ("absent", "possible", "band"),
    [
        (0, 10, "0 to <5"), (1, 21, "0 to <5"), (1, 20, "5 to <10"), (1, 10, "10 to <15"), (35, 360, "5 to <10"),
        (9, 20, "45 to <50"), (179, 360, "45 to <50"), (1, 2, "50 and over"), (3, 3, "50 and over"),
        (3, 20, "15 to <20"), (7, 20, "35 to <40"), (29, 100, "25 to <30"),
    ],
)  # fmt: skip
def test_edges_of_bands(absent: int, possible: int, band: str) -> None:
    marks = canonical(register("I" * absent + "/" * (possible - absent)), register("XX", 2))
    found = at.absence_bands(marks).set_index("absence_band")
    assert len(found) == 11
    assert found.loc[band, "students"] == found["students"].sum() == 1
    assert found.loc[band, "share"] == 100


def test_bands_of_nobody_have_no_share() -> None:
    assert at.absence_bands(canonical(register("XX")))["share"].isna().all()


def test_code_frequency_counts_blanks_too() -> None:
    found = at.code_frequency(canonical(register(["/", "/", None, "I"]), register(["/"], 2)))
    assert found["code"].iloc[0] == "/"
    assert (found["marks"].tolist(), found["students"].tolist()) == ([3, 1, 1], [2, 1, 1])
    assert found["share"].sum() == pytest.approx(100)


def test_intervals_count_students_and_not_sessions() -> None:
    # Ten students of whom two are always absent: as 100 tossed coins the interval would be far narrower.
    marks = canonical(*(register(("I" if student < 2 else "/") * 10, student) for student in range(10)))
    row = only(at.summarise(marks, confidence=0.95))
    assert (row["students"], row["absence_rate"]) == (10, 20)
    # By hand: the standard error is sqrt(10 / 9 x 10 x 0.2 x 0.8) / 10, t of 9 is 2.262157, on the logit scale.
    error = np.sqrt(10 / 9 * 1.6) / 10
    for bound, sign in (("low", -1), ("high", 1)):
        logit = np.log(0.2 / 0.8) + sign * 2.2621571628 * error / 0.16
        assert row[f"absence_rate_{bound}"] == pytest.approx(100 / (1 + np.exp(-logit)))
    assert row["attendance_rate_low"] == pytest.approx(100 - row["absence_rate_high"])
    assert (
        at.summarise(canonical(register("//", 1), register("//", 2)), confidence=0.95)["absence_rate_high"].isna().all()
    )
    assert at.summarise(canonical(register("I/")), confidence=0.95)["absence_rate_high"].isna().all()


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    chance = rng.beta(1, 14, (300, 30, 1))
    absent = rng.random((300, 30, 40)) < chance
    group, student, session = (grid.ravel() for grid in np.indices(absent.shape))
    marks = pd.DataFrame(
        {
            "student_id": group * 100 + student,
            "date": days(20)[session // 2],
            "session": np.where(session % 2, "pm", "am"),
            "code": "",
            "category": np.where(absent.ravel(), "authorised_absence", "present"),
            "group": group,
        }
    )
    found = at.summarise(marks, "group", confidence=0.95)
    held = found["absence_rate_low"].le(100 / 15) & found["absence_rate_high"].ge(100 / 15)
    assert 0.9 < held.mean() < 0.985


# --- calendar and patterns


def test_the_calendar_knows_halves_weeks_and_why_it_is_shut() -> None:
    known = calendar().days
    assert known.loc["2025-10-24", "half_term"] == "Autumn Term, first half"
    assert known.loc["2025-11-03", "half_term"] == "Autumn Term, second half"
    assert known.loc["2026-01-05", "half_term"] == "Spring Term"
    # A week of holiday has no number, and a bank holiday takes none away.
    weeks = ["2025-09-02", "2025-09-23", "2025-10-24", "2025-11-03", "2026-01-05"]
    assert known.loc[weeks, "school_week"].tolist() == [1, 4, 8, 9, 16]
    assert pd.isna(known.loc["2025-10-28", "school_week"])
    assert known.loc[["2025-09-01", "2025-09-22", "2025-09-06", "2026-01-07"], "closed_as"].tolist() == [
        "INSET day", "holiday", "weekend", "closure",
    ]  # fmt: skip
    sunday = calendar(weekdays=(6, 0, 1, 2, 3)).days
    assert sunday.loc[["2025-09-07", "2025-09-12"], "is_open"].tolist() == [True, False]
    assert sunday.loc["2025-09-13", "week"] == pd.Timestamp("2025-09-07")


def test_terms_of_one_name_in_two_years_stay_apart() -> None:
    terms = pd.DataFrame(
        {
            "name": ["Autumn Term"] * 2,
            "date_from": pd.to_datetime(["2024-09-02", "2025-09-01"]),
            "date_to": pd.to_datetime(["2024-12-20", "2025-12-19"]),
        }
    )
    both = at.Calendar(terms)
    assert both.terms["term"].tolist() == ["Autumn Term 2024/25", "Autumn Term 2025/26"]
    assert both.days.loc["2025-09-01", "school_week"] == 1
    with pytest.raises(BadArgumentError, match="overlap"):
        at.Calendar(terms.assign(date_from=terms["date_from"].iloc[0]))
    with pytest.raises(BadArgumentError, match="no column of the"):
        at.Calendar(terms.drop(columns=["date_from", "date_to"]))


def test_runs_go_over_weekends_holidays_and_closures() -> None:
    # Thursday and Friday before half-term, Monday after it.
    away = pd.concat([register("//////IIOO", start="2025-10-20"), register("II//", start="2025-11-03")])
    there = pd.concat([register("/" * 10, 2, "2025-10-20"), register("/" * 4, 2, "2025-11-03")])
    marks = canonical(away, there)
    for given_calendar in (calendar(), None):
        row = only(at.runs(marks, given_calendar))
        assert (row["start"], row["end"]) == (pd.Timestamp("2025-10-23"), pd.Timestamp("2025-11-03"))
        assert (row["absent_sessions"], row["unauthorised_sessions"], row["school_days"], row["ongoing"]) == (
            6,
            2,
            3,
            False,
        )
    snow = canonical(register("//II", start="2026-01-05"), register(["Y4", "Y4", "I", "I"], start="2026-01-07"))
    row = only(at.runs(snow, calendar()))
    assert (row["absent_sessions"], row["end"], row["ongoing"]) == (4, pd.Timestamp("2026-01-08"), True)


def test_runs_end_with_attendance_or_where_marks_are_lacking() -> None:
    marks = canonical(register("II/III--I/I"), register("/" * 12, 2))
    found = at.runs(marks)
    assert found["absent_sessions"].tolist() == [4, 2, 1]
    assert found["unknown_sessions"].tolist() == [2, 0, 0]
    assert found["ongoing"].tolist() == [False, False, True]
    assert at.runs(marks, at_least=3)["absent_sessions"].tolist() == [4]
    lacking = canonical(register("II", start="2025-09-08"), register("II", start="2025-09-10"), register("/" * 6, 2))
    assert at.runs(lacking)["absent_sessions"].tolist() == [2, 2]


@settings(max_examples=50)
@given(st.lists(st.sampled_from("/IO-X"), min_size=1, max_size=40))
def test_runs_against_brute_force(codes: list[str]) -> None:
    expected: list[int] = []
    length = 0
    for code in [*codes, "/"]:
        if code in "IO":
            length += 1
        elif code == "/" and length:
            expected.append(length)
            length = 0
    found = at.runs(canonical(register(codes)))
    assert sorted(found["absent_sessions"]) == sorted(expected)
    since = "".join(codes).rpartition("/")[2]
    assert found["ongoing"].sum() == bool({"I", "O"} & set(since))


@settings(max_examples=60)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 80))
def test_at_risk_against_brute_force(attended: int, absent: int, left: int) -> None:
    if attended + absent == 0:
        return
    marks = canonical(register("I" * absent + "/" * attended, start="2025-01-06"))
    last = marks["date"].max()
    ahead = pd.bdate_range(last + pd.Timedelta(days=1), periods=left // 2)
    term = pd.DataFrame({"name": ["Year"], "date_from": ["2025-01-06"], "date_to": [max([last, *ahead])]})
    row = only(at.at_risk(marks, at.Calendar(term.astype({"date_to": "datetime64[us]"}))))
    remaining = 2 * len(ahead) + (attended + absent) % 2
    possible = attended + absent

    def is_persistent(missed: int, of: int) -> bool:
        return 10 * missed >= of

    assert row["remaining_sessions"] == remaining
    assert (row["status"] == "persistent") == is_persistent(absent, possible)
    assert row["sessions_until"] == next(k for k in range(200) if is_persistent(absent + k, possible + k))
    fine = [k for k in range(remaining + 1) if not is_persistent(absent + k, possible + remaining)]
    assert row["avoidable"] == bool(fine)
    if fine:
        assert row["can_still_miss"] == max(fine)
    else:
        over = -row["can_still_miss"]
        assert not is_persistent(absent - over, possible + remaining)
        assert is_persistent(absent - over + 1, possible + remaining)
    back = [k for k in range(remaining + 1) if not is_persistent(absent, possible + k)]
    if row["status"] == "persistent" and back:
        assert row["sessions_to_recover"] == back[0]
    else:
        assert pd.isna(row["sessions_to_recover"])


def test_at_risk_counts_this_year_until_that_day_and_who_leaves() -> None:
    marks = canonical(register("I" * 10, start="2025-09-08"), register("/" * 20, start="2025-09-15"))
    row = only(at.at_risk(marks, calendar(), on="2025-09-12"))
    assert (row["possible_sessions"], row["absent_sessions"]) == (10, 10)
    assert row["remaining_sessions"] == 2 * len(calendar().open_days(since="2025-09-13"))
    leaving = pd.DataFrame({"student_id": [1], "leaving_date": pd.to_datetime(["2025-09-16"])})
    assert only(at.at_risk(marks, calendar(), on="2025-09-12", enrolment=leaving))["remaining_sessions"] == 4
    with pytest.raises(BadArgumentError, match="before the calendar"):
        at.at_risk(marks, calendar(), on="2020-01-01")


def test_at_risk_of_a_student_without_possible_sessions() -> None:
    row = only(at.at_risk(canonical(register("XX")), calendar()))
    assert pd.isna(row["status"])
    assert row["avoidable"]
    assert pd.isna(row["sessions_until"])


def test_broken_weeks() -> None:
    marks = canonical(register("/" * 10 + "I" + "/" * 9 + "O" * 10 + "X" * 10))
    row = only(at.broken_weeks(marks))
    assert (row["weeks"], row["broken_weeks"], row["whole_weeks"]) == (3, 2, 1)
    assert (row["broken_week_rate"], row["absence_rate"]) == (pytest.approx(200 / 3), pytest.approx(1100 / 30))


def test_beside_holidays() -> None:
    around = pd.concat([register("/" * 8 + "OO", start="2025-10-20"), register("II//", start="2025-11-03")])
    first = register("I/", start="2025-09-02")
    bank = pd.concat([register("OO", start="2025-09-19"), register("OO", start="2025-09-23")])
    marks = canonical(around, first, bank)
    row = only(at.beside_holidays(marks, calendar()))
    assert (row["beside_possible_sessions"], row["beside_absent_sessions"]) == (6, 5)
    assert row["beside_unauthorised_sessions"] == 2
    assert (row["other_possible_sessions"], row["other_absent_sessions"], row["holidays"]) == (14, 4, 2)
    assert row["difference"] == pytest.approx(500 / 6 - 400 / 14)
    assert only(at.beside_holidays(marks, calendar(), None, shortest=1))["holidays"] == 3
    assert only(at.beside_holidays(marks, calendar(), days=2))["beside_possible_sessions"] == 10


def test_weekday_and_session_make_a_grid() -> None:
    found = at.summarise(canonical(register("I/" + "/" * 8)), ["weekday", "session"])
    assert len(found) == 10
    assert found.iloc[0][["weekday", "session", "absence_rate"]].tolist() == ["Monday", "am", 100]


def test_cumulative_ends_at_the_rate_of_the_year_and_years_are_aligned_by_school_week() -> None:
    terms = pd.DataFrame(
        {
            "name": ["A", "A"],
            "date_from": pd.to_datetime(["2024-09-02", "2025-09-08"]),
            "date_to": pd.to_datetime(["2024-12-20", "2025-12-19"]),
        }
    )
    both = at.Calendar(terms)
    marks = canonical(register("I" * 10 + "/" * 10, start="2024-09-02"), register("/" * 18 + "II", start="2025-09-08"))
    found = at.cumulative(marks, calendar=both)
    assert found["absence_rate"].tolist() == [100, 50, 0, 10]
    assert found["school_week"].tolist() == [1, 2, 1, 2]
    change = at.year_on_year(marks, calendar=both, rate="absence_rate")
    assert change["academic_year"].tolist() == ["2025/26"] * 2
    assert change["change"].tolist() == [-100, -40]
    with pytest.raises(BadArgumentError, match="no rate"):
        at.year_on_year(marks, calendar=both, rate="late")


def test_recent_change_passes_over_holidays() -> None:
    weeks = ["2025-10-13", "2025-10-20", "2025-11-03", "2025-11-10"]
    marks = canonical(*(register(code * 10, start=week) for code, week in zip("//I/", weeks, strict=True)))
    row = only(at.recent_change(marks, weeks=2))
    assert (row["earlier_possible_sessions"], row["recent_absent_sessions"], row["change"]) == (20, 10, 50)
    early = only(at.recent_change(marks, weeks=2, until="2025-10-24"))
    assert (early["earlier_possible_sessions"], early["recent_possible_sessions"]) == (0, 20)
    assert pd.isna(early["change"])
    with pytest.raises(BadArgumentError, match="at least 1"):
        at.recent_change(marks, weeks=0)


def test_data_quality_says_what_was_found_and_what_was_not() -> None:
    frame = pd.concat([register("//-N"), register("//", 2), register("/", 3, "2025-09-09"), register("XX", 4)])
    frame = pd.concat([frame, register("//", 2, "2025-09-10")])
    found = at.data_quality(at.marks(frame), calendar()).set_index("check")
    counts = found["sessions"]
    assert counts["all marks"] == 11
    assert counts["unmarked"] == counts["no reason yet"] == counts["one session of a day"] == 1
    assert counts["no possible session"] == 2
    assert counts["unmapped"] == counts["repeated"] == counts["on a closed day"] == 0
    # Student 2 has no mark on the 9th, and student 3 none in the afternoon.
    assert counts["no mark on an open day"] == 3
    assert found.loc["unmarked", "first_date"] == pd.Timestamp("2025-09-09")


def test_a_map_that_a_spreadsheet_saved_says_which_file_and_what_to_do(tmp_path: Path) -> None:
    file = at.CodeMap.england().save(tmp_path / "code-map.csv")
    kept = file.read_text(encoding="utf-8")
    file.write_text(kept.replace("2024-08-19", "19/08/2024"), encoding="utf-8")
    with pytest.raises(
        BadArgumentError, match=r"code-map\.csv: A code map: valid_from.*written 2024-08-19\. A spreadsheet"
    ):
        at.CodeMap.load(file)
    file.write_text(kept.replace(",", ";"), encoding="utf-8")
    with pytest.raises(BadArgumentError, match=r"code-map\.csv: .*Columns are separated by commas"):
        at.CodeMap.load(file)
    file.write_text("", encoding="utf-8")
    with pytest.raises(BadArgumentError, match=r"code-map\.csv is empty"):
        at.CodeMap.load(file)
    with pytest.raises(BadArgumentError, match="Did you mean 'approved_activity'"):
        at.CodeMap.england().extend({"*": "aproved activity"})
