"""A school's own years, halves and time zone, lessons, corrections, and registers that are not kept or not taken."""

from typing import Any

import pandas as pd
import pytest

from hubmis_frames import attendance as at
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from tests.helpers.registers import calendar, canonical, days, only, register


def terms(*spans: tuple[str, str, str], **columns: Any) -> pd.DataFrame:
    return pd.DataFrame(spans, columns=["name", "date_from", "date_to"]).assign(**columns)


JANUARY = [("T1", "2025-01-28", "2025-06-27"), ("T2", "2025-07-21", "2025-12-05"), ("T1", "2026-01-27", "2026-06-26")]


@pytest.mark.parametrize("ids", [{"academic_year_id": [4, 4, 9]}, {"academic_year_name": ["Y4", "Y4", "Y9"]}, {}])
def test_years_that_begin_in_january_are_the_schools_own(ids: dict[str, Any]) -> None:
    known = at.Calendar(terms(*JANUARY, **ids))
    names = ["Y4", "Y9"] if "academic_year_name" in ids else ["2025", "2026"]
    assert known.terms["academic_year"].unique().tolist() == names
    assert known.year_of("2025-11-03") == names[0]
    marks = canonical(register("IIII", start="2025-06-23"), register("////", start="2025-11-03"), calendar=known)
    row = only(at.at_risk(marks, known, on="2025-11-04"))
    assert (row["possible_sessions"], row["absent_sessions"]) == (8, 4)
    assert only(at.summarise(marks, "academic_year"))["possible_sessions"] == 8
    # The calendar goes before columns that were made without one.
    with pytest.warns(HubmisWarning, match="academic year is not known"):
        plain = canonical(register("/" * 50, start="2025-07-21"))
    assert plain["academic_year"].isna().all()
    assert at.summarise(plain, "academic_year", calendar=known)["academic_year"].tolist() == [names[0]]


def test_years_of_one_calendar_must_be_years() -> None:
    with pytest.raises(BadArgumentError, match="cover more than a year"):
        at.Calendar(terms(*JANUARY, academic_year_id=1))
    with pytest.raises(BadArgumentError, match="neither academic_year_id nor"):
        at.Calendar(terms(*JANUARY, academic_year_name=["a", None, "b"]))
    with pytest.raises(BadArgumentError, match="alternate"):
        at.Calendar(terms(*JANUARY[:2], ("T3", "2025-12-08", "2025-12-09"), academic_year_id=[1, 2, 1]))


def test_marks_without_a_calendar_have_the_year_from_august_if_there_is_a_summer() -> None:
    marks = canonical(register("//", start="2025-07-21"), register("//", start="2025-09-03"))
    assert marks["academic_year"].tolist() == ["2024/25"] * 2 + ["2025/26"] * 2
    assert at.marks(marks.assign(academic_year="mine"))["academic_year"].eq("mine").all()


@pytest.mark.parametrize("kind", ["one holiday", "days", "closures", "INSET and days"])
def test_a_half_term_gives_halves_however_it_was_entered(kind: str) -> None:
    autumn = terms(("Autumn", "2025-09-01", "2025-12-19"))
    week = pd.DataFrame({"name": "Half term", "date": days(5, "2025-10-27")})
    whole = pd.DataFrame({"name": ["Half term"], "date_from": ["2025-10-27"], "date_to": ["2025-10-31"]})
    given = {
        "one holiday": {"holidays": whole},
        "days": {"holidays": week},
        "closures": {"closure_dates": week},
        "INSET and days": {"holidays": week.iloc[1:], "inset_days": week.iloc[:1]},
    }[kind]
    halves = at.Calendar(autumn, **given).days["half_term"]
    assert halves[["2025-10-24", "2025-11-03"]].tolist() == ["Autumn, first half", "Autumn, second half"]


def test_a_closure_longer_than_the_holiday_divides_no_term() -> None:
    snow = pd.DataFrame({"name": "Snow", "date": days(7, "2025-12-01")})
    whole = pd.DataFrame({"name": ["Half term"], "date_from": ["2025-10-27"], "date_to": ["2025-10-31"]})
    halves = at.Calendar(terms(("Autumn", "2025-09-01", "2025-12-19")), whole, closure_dates=snow).days["half_term"]
    assert halves["2025-11-03"] == "Autumn, second half"


@pytest.mark.parametrize(
    "given",
    [
        {"weekdays": ()}, {"weekdays": (7,)}, {"weekdays": (0.5,)}, {"weekdays": "01"}, {"weekdays": (True,)},
        {"sessions": "am"}, {"sessions": []}, {"sessions": ["evening"]}, {"short_days": {4: "am"}},
        {"short_days": {5: ["am"]}}, {"short_days": {4: ["pm"]}, "sessions": ["am"]},
        {"short_days": {"Friday": ["am"]}},
        {"timezone": "Asia/Atlantis"}, {"timezone": ""},
    ],
)  # fmt: skip
def test_a_week_that_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadArgumentError):
        calendar(**given)


# --- the clock


@pytest.mark.parametrize("zone", ["Asia/Dubai", "Australia/Sydney", "America/Los_Angeles", "Asia/Kathmandu"])
def test_registers_are_of_the_schools_day_in_every_zone(zone: str) -> None:
    local = pd.to_datetime(["2025-09-08 07:30", "2025-09-08 13:05"]).tz_localize(zone)
    frame = pd.DataFrame({"student_id": 1, "date_time": local.tz_convert("UTC"), "code": ["/", "I"]})
    known = calendar(timezone=zone)
    for marks in (
        at.marks(frame, calendar=known),
        at.marks(frame, timezone=zone),
        at.marks(frame.assign(date_time=local)),
        at.marks(frame.assign(date=pd.Timestamp("2025-09-08", tz="UTC")), timezone=zone),
    ):
        assert marks["date"].tolist() == [pd.Timestamp("2025-09-08")] * 2
        assert marks["session"].tolist() == ["am", "pm"]
    with pytest.raises(BadArgumentError, match="no time zone 'Dubai'"):
        at.marks(frame, timezone="Dubai")


def test_lessons_are_refused_and_corrections_are_not() -> None:
    times = pd.to_datetime([f"2025-09-08T{hour:02}:00:00Z" for hour in (8, 9, 10, 12, 13, 14)])
    lessons = pd.DataFrame({"student_id": 1, "date_time": times, "code": list("NN/NN/")})
    with pytest.raises(BadArgumentError, match="marks of lessons and not of sessions"):
        at.marks(lessons)
    with pytest.raises(BadArgumentError, match="marks of lessons"):
        at.marks(lessons.assign(attendance_session=["am"] * 3 + ["pm"] * 3))
    day = register("/" * 40).assign(date_time=lambda frame: frame["date"] + pd.Timedelta(hours=8))
    late = day.head(1).assign(date_time=day["date_time"] + pd.Timedelta(minutes=50))
    with pytest.warns(HubmisWarning, match="1 marks are further ones"):
        assert len(at.marks(pd.concat([day, late], ignore_index=True))) == 40


@pytest.mark.parametrize("turned", [False, True])
def test_the_last_correction_of_a_session_wins(turned: bool) -> None:
    frame = pd.DataFrame(
        {
            "student_id": 1,
            "date": "2025-09-08",
            "session": ["am"] * 3 + ["pm"] * 2,
            "code": ["/", "O", "I", "O", "/"],
            "updated_at": ["2025-09-08T08:00Z", "2025-09-09T10:00Z", None, None, None],
        }
    )
    with pytest.warns(HubmisWarning, match="3 marks are further ones.*changed last"):
        marks = at.marks(frame.iloc[::-1] if turned else frame)
    assert marks.set_index("session")["code"].to_dict() == {"am": "O", "pm": "/"}


# --- registers


def school() -> pd.DataFrame:
    """Two forms of four day pupils and two boarders, who have no register on Fridays."""
    rows = [register("/" * 40, student) for student in range(1, 9)]
    frame = pd.concat([*rows, *(register("/" * 40, student) for student in (9, 10))], ignore_index=True)
    frame = frame.assign(
        form_name=frame["student_id"].map(lambda student: "9A" if student % 2 else "9B"),
        boarding_type_name=frame["student_id"].map(lambda student: "Weekly" if student > 8 else "Day"),
    )
    friday = frame["date"].dt.day_of_week.eq(4) & frame["student_id"].gt(8)
    return frame[~friday].reset_index(drop=True)


def test_no_register_for_boarders_is_told_from_missing_marks() -> None:
    frame = school().drop(index=[0, 1])
    people = pd.DataFrame({"student_id": range(1, 12), "boarding_type_name": ["Day"] * 8 + ["Weekly"] * 2 + ["Full"]})
    found = at.data_quality(at.marks(frame), calendar(), students=people).set_index(["check", "detail"])
    unkept = found.loc["no register is kept"]
    opens = calendar().open_days(since="2025-09-08", until="2025-10-03")
    # The last Friday is after their last mark.
    fridays = int((opens.day_of_week == 4).sum()) - 1
    assert unkept.loc["Weekly", "sessions"] == 2 * 2 * fridays
    assert (unkept.loc["Full", "sessions"], unkept.loc["Full", "students"]) == (2 * len(opens), 1)
    # Student 1 has no marks on the first day, and is expected from the first mark on.
    assert found.loc["no mark on an open day", "sessions"].sum() == 0
    gap = at.marks(school().drop(index=[4]))
    assert at.data_quality(gap, calendar()).set_index("check").loc["no mark on an open day", "sessions"] == 1


def test_registers_not_taken_are_listed_by_form_and_day() -> None:
    frame = school()
    frame = frame[frame["boarding_type_name"].eq("Day")]
    lost = frame["form_name"].eq("9B") & frame["date"].eq("2025-09-10") & frame["attendance_session"].eq("pm")
    booked = frame[lost].head(1).assign(attendance_code_code="M")
    marks = at.marks(pd.concat([frame[~lost], booked]))
    row = only(at.registers_not_taken(marks, calendar()))
    assert row.tolist() == ["9B", pd.Timestamp("2025-09-10"), "pm", 4, 1]
    assert at.registers_not_taken(at.marks(frame), calendar()).empty
    assert at.registers_not_taken(marks, calendar(), since="2025-09-11").empty
    blank = at.marks(frame.assign(attendance_code_code=frame["attendance_code_code"].mask(lost, "-")))
    assert only(at.registers_not_taken(blank, calendar()))["marked_students"] == 0


def test_heavy_codes_stand_beside_the_rest_of_the_school() -> None:
    marks = canonical(
        register("B" * 10 + "/" * 10, 1), register("B" * 2 + "/" * 18, 2), register("B" * 3 + "/" * 17, 3)
    )
    row = only(at.heavy_codes(marks))
    assert (row["student_id"], row["code"], row["marks"]) == (1, "B", 10)
    assert (row["share"], row["usual_share"]) == (50, 12.5)
    assert at.heavy_codes(marks, at_least=11).empty
    with pytest.raises(BadArgumentError, match="takes a list"):
        at.heavy_codes(marks, codes="B")


def test_lateness_keeps_late_and_after_closing_apart_and_adds_minutes() -> None:
    frame = register("LLU/I").assign(minutes_late=[5, None, 40, 7, None])
    row = only(at.lateness(at.marks(frame)))
    assert row.drop("student_id").tolist() == [5, 2, 40, 1, 2, 45, 22.5]
    assert pd.isna(only(at.lateness(canonical(register("L"))))["minutes_late"])
    with pytest.raises(BadArgumentError, match="not numbers of minutes"):
        at.marks(frame.assign(minutes_late="soon"))
