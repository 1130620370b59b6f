"""An opened school: what it hands out is what is done by hand, live and from files, for one school and for several."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.group import Group
from hubmis_frames.school import School
from hubmis_frames.simulator import PROFILES, Simulator, build_world
from tests.helpers.examples import given_few

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
DEMO = Path(__file__).parents[2] / "data" / "demo"
CODES = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})
IDS = ["student_id", "form_id", "year_group_id", "tutor_group_id", "academic_house_id", "boarding_house_id"]


@pytest.fixture(scope="module")
def data() -> hf.SchoolData:
    return hf.open_export(DEMO).with_settings(code_map=CODES, praise=["Achievement"])


def by_hand(data: hf.SchoolData) -> pd.DataFrame:
    """All marks of students who were not removed, with the calendar of the school and today's groups."""
    students = data.students()
    records = data["student_attendance"]
    records = records[records["student_id"].isin(students["student_id"])]
    marks = hf.attendance.marks(records, data["attendance_codes"], code_map=CODES, calendar=data.calendar)
    groups = ["section_name", "year_group_name", "form_name", "tutor_group_name", "academic_house_name"]
    groups += ["boarding_house_name", "boarding_type_name", "gender_name"]
    return hf.join(marks, students[["student_id", "realm", *groups]])


@given_few(
    years=st.sampled_from([None, "all", "2024/25", ["2024/25", "2025/26"]]),
    since=st.none() | st.dates(pd.Timestamp("2024-08-01").date(), pd.Timestamp("2026-03-01").date()),
    until=st.none() | st.dates(pd.Timestamp("2026-03-02").date(), pd.Timestamp("2026-08-01").date()),
    few=6,
    full=40,
)
def test_marks_are_those_done_by_hand(data: hf.SchoolData, years: Any, since: Any, until: Any):
    got = data.marks(academic_year=years, since=since, until=until, groups="now")
    hand = by_hand(data)
    if years is None and since is None:
        years = "2025/26"
    if years not in (None, "all"):
        hand = hand[hand["academic_year"].isin([years] if isinstance(years, str) else years)]
    first, last = pd.Timestamp(since or "2000-01-01"), pd.Timestamp(until or data.newest_register)
    hand = hand[hand["date"].between(first, last)].reset_index(drop=True)
    pd.testing.assert_frame_equal(got, hand[list(got)], check_flags=False)


def test_frames_are_copies_and_missing_tables_are_explained(data: hf.SchoolData):
    frame = data["students"]
    frame["student_id"] = 0
    assert data["students"]["student_id"].ne(0).all()
    assert "contacts" not in data
    assert data.get("contacts") is None
    with pytest.raises(hf.ExportError, match=r"has no table 'contacts'.*--tables contacts"):
        data["contacts"]
    assert set(data) == {folder.name for folder in DEMO.iterdir() if folder.is_dir()}


def test_earlier_years_have_no_groups_of_today_unless_they_are_asked_for(data: hf.SchoolData):
    tables = {name: data[name] for name in data if name != "academic_year_students"}
    data = hf.SchoolData(tables, code_map=CODES)
    assert "year_group_name" in data.marks()
    assert "year_group_name" in data.marks(since="2025-09-10")
    for earlier in (data.marks(academic_year="all"), data.marks(since="2025-06-01"), data.marks(until="2025-05-01")):
        assert "year_group_name" not in earlier
    assert "year_group_name" in data.marks(academic_year="2024/25", groups="now")
    assert set(data.marks(until="2025-05-01")["academic_year"]) == {"2024/25"}
    with pytest.raises(hf.BadArgumentError, match=r"no academic year '2025-26'. Did you mean '2025/26'"):
        data.marks(academic_year="2025-26")


def test_removed_students_are_left_out_everywhere_and_counted(data: hf.SchoolData):
    removed = data.students(removed=True).loc[lambda rows: rows["deleted_at"].notna(), "student_id"]
    assert len(removed)
    assert not set(removed) & set(data.students()["student_id"])
    assert not set(removed) & set(data.marks(academic_year="all")["student_id"])
    assert not set(removed) & set(data.events(academic_year="all")["student_id"])
    records = data["student_attendance"]["student_id"]
    row = data.checks().set_index("check").loc["removed students"]
    assert (row["students"], row["rows"]) == (len(removed), records.isin(removed).sum())
    with_them = data.marks(students=data.students(removed=True))
    assert set(removed) <= set(with_them["student_id"])


def test_lists_of_people_keep_every_row_in_its_place(data: hf.SchoolData):
    risk = hf.attendance.at_risk(data.marks(), data.calendar, rule=data.rule)
    listed = data.with_names(pd.concat([risk, risk.head(2)]))
    assert list(listed)[:6] == ["realm", "student_id", "name", "year_group_name", "form_name", "tutor_name"]
    assert listed["student_id"].tolist() == [*risk["student_id"], *risk["student_id"].head(2)]
    students = data.students().set_index("student_id")
    for row in listed.itertuples():
        own = students.loc[row.student_id]
        first = own["first_name"] if pd.isna(own["preferred_name"]) else own["preferred_name"]
        assert row.name == f"{own['last_name']}, {first}"
    staff = data["tutor_groups_staff"].set_index("tutor_group_id")
    ava = students.iloc[0]
    assert ava["tutor_name"] == " ".join(staff.loc[ava["tutor_group_id"], ["first_name", "last_name"]])
    with pytest.raises(hf.ExportError, match="--tables student_contacts,contact_phones"):
        data.with_names(risk, contacts=True)


def test_a_student_is_found_by_name_and_no_message_holds_one(data: hf.SchoolData):
    own = data.students().iloc[3]
    for text in (f"{own['first_name']} {own['last_name']}", f"{own['last_name']},  {own['first_name'].upper()}"):
        assert own["student_id"] in set(data.find(text)["student_id"])
    with pytest.raises(hf.BadArgumentError) as error:
        data.find(f"Zzz {own['last_name']}")
    assert own["last_name"] not in str(error.value)
    with pytest.raises(hf.BadArgumentError, match="Did you mean 'Year 9'"):
        hf.find(data["year_groups"], "yeer 9")


def test_plans_in_force_are_those_of_that_day(data: hf.SchoolData):
    plans = data.plans()
    assert set(plans["type"]) == {"wellbeing_plan"}
    on = data.plans(on="2026-06-01")
    assert set(on["pastoral_event_id"]) <= set(plans["pastoral_event_id"])
    assert on["date"].max() <= pd.Timestamp("2026-06-01")
    assert on["status"].eq("active").all()
    assert set(data.events(academic_year="all")["type"]) == {"wellbeing_event"}


@pytest.mark.parametrize("profile", sorted(set(PROFILES) - {"scotland", "england"}))
def test_the_week_of_any_school_is_read_off_its_registers(profile: str, serve: Serve, connect_to: Connect):
    kind = PROFILES[profile]
    with connect_to(serve(build_world(students=14, seed=2, profile=profile))) as school:
        data = school.fetch().with_settings(code_map=CODES)
    seen = data.calendar
    kept = {day: tuple(own) for day, own in kind.sessions.items()}
    monday = data.newest_register - pd.Timedelta(days=int(data.newest_register.day_of_week))
    dates = pd.Series(pd.date_range(monday, periods=7))
    planned = seen.planned_sessions(dates)
    found = {d: tuple(s for s, on in zip(("am", "pm"), row, strict=True) if on) for d, row in enumerate(planned)}
    assert {day: own for day, own in found.items() if own} == kept
    assert data.timezone == kind.timezone
    assert len(data.academic_years) == 2
    assert set(data.marks()["academic_year"]) == {data.academic_year}
    fetched = data.settings.set_index("setting")["source"]
    assert fetched["weekdays"] == "seen in the marks"


def test_live_and_from_files_is_the_same(serve: Serve, connect_to: Connect, tmp_path: Path):
    school = connect_to(serve(build_world(students=14, seed=2)))
    live = school.fetch().with_settings(code_map=CODES)
    school.export(tmp_path / "school")
    read = hf.open_export(tmp_path / "school").with_settings(code_map=CODES)
    assert set(live) == set(read)
    for name in live:
        pd.testing.assert_frame_equal(live[name], read[name])
    for ask in (hf.SchoolData.marks, hf.SchoolData.students, hf.SchoolData.events, hf.SchoolData.checks):
        pd.testing.assert_frame_equal(ask(live), ask(read), check_flags=False)
    assert live.fetched_on == read.fetched_on
    assert live.settings.equals(read.settings)


@pytest.fixture
def group(serve: Serve, connect_to: Connect) -> Iterator[Group]:
    worlds = {
        realm: build_world(students=12, seed=2, realm=realm, profile=profile)
        for realm, profile in (("S1", "england"), ("S2", "gulf"))
    }
    simulator = serve(worlds)
    with Group(connect_to(simulator, realm=realm) for realm in worlds) as opened:
        yield opened


def test_several_schools_each_have_their_own_time(group: Group, tmp_path: Path):
    group.export(tmp_path / "group")
    for data in (group.fetch(), hf.open_export(tmp_path / "group")):
        data = data.with_settings(code_map=CODES)
        assert data.realms == ("S1", "S2")
        rates = hf.attendance.summarise(data.marks(), by=["realm", "term"], rules=data.rules)
        assert set(rates["realm"]) == {"S1", "S2"}
        for realm in data.realms:
            own = data.school(realm)
            alone = hf.attendance.summarise(own.marks(), by=["realm", "term"], rules=own.rules)
            pd.testing.assert_frame_equal(
                rates[rates["realm"].eq(realm)].reset_index(drop=True), alone, check_flags=False, check_dtype=False
            )
        assert data.school("S2").calendar.weekdays[0] == 6
        assert data.school("S1").newest_register - data.school("S2").newest_register == pd.Timedelta(days=1)
        for name in ("calendar", "newest_register", "settings", "timezone", "academic_year"):
            with pytest.raises(hf.BadArgumentError, match=rf"Choose one: data\.school\('S1'\)\.{name}"):
                getattr(data, name)
        assert len(data.students()) == sum(len(data.school(realm).students()) for realm in data.realms)
        assert set(data.with_names(data.marks().head(3))["realm"]) == {"S1"}
        assert set(data.checks()["realm"]) == {"S1", "S2"}
    one = hf.open_export(tmp_path / "group", realm="S2").with_settings(timezone="Asia/Kuwait")
    one.save_settings()
    again = hf.open_export(tmp_path / "group")
    assert (again.school("S1").timezone, again.school("S2").timezone) == ("Europe/London", "Asia/Kuwait")


def test_figures_do_not_depend_on_which_ids_a_school_has(data: hf.SchoolData):
    def relabelled(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(**{name: 9000 - 7 * frame[name] for name in IDS if name in frame})

    other = hf.SchoolData({name: relabelled(data[name]) for name in data}, code_map=CODES)
    for by in ("year_group_name", "tutor_group_name", "section_name"):
        first, second = (hf.attendance.summarise(each.marks(), by, rules=each.rules) for each in (data, other))
        pd.testing.assert_frame_equal(first, second, check_flags=False)
    names = [each.with_names(each.marks()[["student_id"]])[["name", "tutor_name"]] for each in (data, other)]
    pd.testing.assert_frame_equal(
        names[0].sort_values("name", ignore_index=True), names[1].sort_values("name", ignore_index=True)
    )


def test_a_first_week_does_not_shut_the_days_that_have_not_come_yet(data: hf.SchoolData):
    """Marks of Wednesday to Friday say nothing about Monday."""
    marks = data["student_attendance"]
    days = marks["date"].between("2025-09-03", "2025-09-05")
    tables = {name: data[name] for name in data} | {"student_attendance": marks[days]}
    young = hf.SchoolData(tables, code_map=CODES)
    assert young.calendar.weekdays == (0, 1, 2, 3, 4)
    assert young.academic_years == ["2025/26"]


def test_an_unmapped_code_is_said_once():
    data = hf.open_export(DEMO)
    with pytest.warns(hf.HubmisWarning, match="codes have no category"):
        data.marks()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data.marks(academic_year="all")
        data.checks()
