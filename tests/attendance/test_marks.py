"""Canonical marks from what a server sends: columns, codes, days, sessions and what is left out."""

import itertools
from typing import Any

import pandas as pd
import pytest

from hubmis_frames import attendance as at
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from tests.helpers.registers import calendar, only, register


def test_warnings_point_at_the_line_that_called() -> None:
    for frame in (register("?"), register("//").assign(attendance_session="am", date="2025-09-08")):
        with pytest.warns(HubmisWarning) as said:
            at.marks(frame)
        assert {warning.filename for warning in said} == {__file__}


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
    with pytest.warns(HubmisWarning, match="4 marks are from before a student joined or after"):
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
    with pytest.raises(BadArgumentError, match="a calendar belongs to one school"):
        at.marks(frame, calendar=calendar())
    with pytest.raises(BadArgumentError, match="several schools"):
        at.code_frequency(marks)
    with pytest.raises(BadArgumentError, match="several schools"):
        at.broken_weeks(marks)


def test_a_code_that_to_csv_guarded_is_the_code_that_it_was() -> None:
    assert at.marks(register(["/", "'-", "'", "I"]), code_map=at.CodeMap.england().extend({"'": "late"}))[
        "category"
    ].tolist() == ["present", "unmarked", "late", "authorised_absence"]


def test_codes_given_first_are_said() -> None:
    with pytest.raises(BadArgumentError, match="the marks come first"):
        at.marks(pd.DataFrame({"code": ["/"]}), register("/"))


def test_what_a_loader_gave_is_told_the_call_that_comes_first() -> None:
    for measure in (at.summarise, at.absentees, at.runs, at.data_quality, at.absence_bands):
        with pytest.raises(BadArgumentError, match=r"Give hf\.attendance\.marks\(frame\), not the frame that was load"):
            measure(register("//"))
