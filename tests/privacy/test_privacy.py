"""Pseudonyms, suppression, free text and what is left of a student in the cache."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.export import CORE
from hubmis_frames.files import user_folder
from hubmis_frames.privacy import find_key
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator
from hubmis_frames.transport import Rate, Session

Connect = Callable[..., School]
KEY = b"k" * 32
START = date(2025, 9, 1)


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "config" / "pseudonym.key"
    monkeypatch.setenv("HUBMIS_PSEUDONYM_KEY", str(file))
    return file


def names_of(school: School) -> set[str]:
    """Every name, address and reference of a student or contact, long enough to be searched for."""
    found: set[str] = set()
    for frame in (hf.load_students(school), hf.load_contacts(school), hf.load_past_students(school)):
        for column in ("last_name", "primary_email", "external_id"):
            found |= {value for value in frame[column].dropna() if len(value) > 4}
    return found


def test_an_export_with_pseudonyms_names_nobody_and_still_joins(school: School, tmp_path: Path, key_file: Path):
    school.export(tmp_path / "plain", free_text=True)
    done = school.export(tmp_path / "out", pseudonymise=True, free_text=True)
    assert (done.status == "complete").all()
    names = names_of(school)
    assert len(names) > 100
    said = set()
    for file in (tmp_path / "out").rglob("*.parquet"):
        for column in pd.read_parquet(file).select_dtypes("str"):
            said |= set(pd.read_parquet(file, columns=[column])[column].dropna())
    assert not names & said
    students, marks = (pd.read_parquet(tmp_path / "out" / table) for table in ("students", "student_attendance"))
    plain = pd.read_parquet(tmp_path / "plain" / "student_attendance")
    joined = hf.join(marks, students)
    assert joined["year_group_name"].notna().all()
    sizes = marks.groupby("student_id").size().sort_values().tolist()
    assert sizes == plain.groupby("student_id").size().sort_values().tolist()
    assert students["age_at_start_of_year"].between(10, 18).all()
    assert not {"first_name", "date_of_birth", "external_id", "profile_image_url"} & set(students)
    assert key_file.read_bytes() not in b"".join(f.read_bytes() for f in (tmp_path / "out").rglob("*") if f.is_file())
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600 or os.name == "nt"


def test_plain_and_pseudonymous_tables_are_not_mixed(school: School, tmp_path: Path, key_file: Path):
    school.export(tmp_path / "out", ["genders"])
    with pytest.raises(hf.ExportError, match="without pseudonyms"):
        school.export(tmp_path / "out", ["genders"], pseudonymise=True)


def test_pseudonyms_are_the_same_in_every_table_and_differ_by_key_school_and_kind(school: School):
    tables = hf.load_students.tables(school)
    one = hf.pseudonymise(tables, KEY, year_start=START, realm="A")
    again = hf.pseudonymise(
        {"student_contacts": pd.DataFrame({"student_id": tables["students"].student_id})},
        KEY,
        year_start=START,
        realm="A",
    )
    assert again["student_contacts"].student_id.tolist() == one["students"].student_id.tolist()
    assert set(one["students_nationalities"].student_id) <= set(one["students"].student_id)
    assert one["students"].student_id.is_unique
    for other in ({"key": b"x" * 32, "realm": "A"}, {"key": KEY, "realm": "B"}):
        ids = hf.pseudonymise(tables, other["key"], year_start=START, realm=str(other["realm"]))["students"].student_id
        assert not set(ids) & set(one["students"].student_id)
    people = pd.DataFrame({"student_id": [5], "staff_id": [5], "contact_id": [None]}, dtype="Int64")
    both = hf.pseudonymise({"x": people}, KEY, year_start=START)["x"]
    assert both.student_id[0] != both.staff_id[0]
    assert both.contact_id.isna().all()


def test_only_declared_and_safe_columns_stay_in_every_table():
    students = pd.DataFrame(
        {"student_id": [1], "nickname": ["Bo"], "first_name_as_sent": ["{}"], "year_group_name": ["Year 9"]}
    ).assign(
        last_login=pd.Timestamp("2026-07-03 08:41:17", tz="UTC"), studentId=1, tutor_payroll_no=77, uln=1234567890,
        mobile=7700900031, dob=pd.Timestamp("2011-04-05"),
    )  # fmt: skip
    genders = pd.DataFrame({"gender_id": [1], "name": ["Female"], "colour": ["red"]})
    staff = pd.DataFrame({"staff_id": [1], "job_title": ["Head of English"], "status": ["active"]})
    result = hf.pseudonymise({"students": students, "genders": genders, "staff": staff}, KEY, year_start=START)
    assert list(result["students"]) == ["student_id", "year_group_name"]
    assert list(result["genders"]) == ["gender_id", "name"]
    assert list(result["staff"]) == ["staff_id", "status"]


def test_ids_of_records_are_pseudonyms_and_instants_are_days(school: School):
    events = hf.load_pastoral_events(school)
    hidden = hf.pseudonymise({"pastoral_events": events}, KEY, year_start=START)["pastoral_events"]
    assert hidden["pastoral_event_id"].str.fullmatch("[0-9a-f]{32}").all()
    assert hidden["date_time"].dropna().dt.normalize().equals(hidden["date_time"].dropna())
    assert not {"created_at", "updated_at", "title", "student_last_name"} & set(hidden)
    assert hidden["pastoral_event_id"].is_monotonic_increasing
    shuffled = events.sample(frac=1, random_state=1)
    again = hf.pseudonymise({"pastoral_events": shuffled}, KEY, year_start=START)["pastoral_events"]
    pd.testing.assert_frame_equal(again, hidden)


@pytest.mark.parametrize(
    ("born", "age"), [("2014-08-31", 11), ("2014-09-01", 11), ("2014-09-02", 10), ("2012-02-29", 13), (None, None)]
)
def test_age_is_counted_at_the_start_of_the_year(born: str | None, age: int | None):
    frame = pd.DataFrame({"student_id": [1], "date_of_birth": pd.to_datetime([born])})
    found = hf.pseudonymise({"students": frame}, KEY, year_start=START)["students"]["age_at_start_of_year"][0]
    assert found == age if age is not None else pd.isna(found)


def test_a_disk_that_is_full_while_the_key_is_written_breaks_nothing(key_file: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("hubmis_frames.files.os.fsync", full)
        with pytest.raises(hf.CacheError, match="No space left"):
            hf.open_key()
    assert not key_file.exists()
    key = hf.open_key()
    assert len(key) == 64
    assert hf.open_key() == key
    assert not list(key_file.parent.glob("*.part"))


@pytest.mark.parametrize("content", [b"", b"\n", b"3f9a", b"\0" * 64])
def test_a_key_that_is_not_whole_is_refused_and_not_replaced(key_file: Path, content: bytes):
    key_file.parent.mkdir()
    key_file.write_bytes(content)
    with pytest.raises(hf.CacheError, match=r"whole key.*Restore it from a backup"):
        hf.open_key()
    assert key_file.read_bytes() == content


@pytest.mark.parametrize("given", ["", "~/keys/hubmis.key", "a\0b"])
def test_without_a_lasting_place_for_the_key_a_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
):
    """A key among temporary files would be lost, and with it the pseudonyms that later exports should have."""

    def homeless(*_: object, **options: object) -> str:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.PlatformDirs.user_config_dir", property(homeless))
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(hf.CacheError, match="HUBMIS_PSEUDONYM_KEY"):
        hf.open_key(given or None)
    assert find_key() is None
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_found_without_being_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert find_key() is None
    assert list(tmp_path.iterdir()) == []
    key = hf.open_key()
    assert find_key() == key
    assert [file.name for file in user_folder("config").glob("*.key")] == ["pseudonym.key"]
    (user_folder("config") / "pseudonym.key").write_text("short")
    assert find_key() is None


def test_processes_that_open_a_new_key_at_once_get_the_same(key_file: Path):
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: hf.open_key(), range(16)))) == 1


def test_a_short_key_is_refused():
    with pytest.raises(hf.BadArgumentError, match="16 bytes"):
        hf.pseudonymise({}, b"short", year_start=START)


def test_free_text_is_left_out_unless_asked_for(school: School, tmp_path: Path):
    school.export(tmp_path / "out", ["pastoral_events", "learning_support_records"])
    events = pd.read_parquet(tmp_path / "out" / "pastoral_events")
    assert not {"title", "description"} & set(events)
    assert "description" not in pd.read_parquet(tmp_path / "out" / "learning_support_records")
    school.export(tmp_path / "with", ["pastoral_events"], free_text=True)
    assert {"title", "description"} <= set(pd.read_parquet(tmp_path / "with" / "pastoral_events"))
    assert {"title", "description"} <= set(hf.load_pastoral_events(school)), "a loader gives all"


# --- the cache


def test_what_a_student_may_stand_in_is_removed_from_the_disk(school: School):
    students = hf.load_students(school)
    marks = hf.load_student_attendance(school, students.head(5))
    hf.load_genders(school)
    gone = int(students.student_id.iloc[2])
    file = Path(str(school.cache()["file"]))
    before = int(str(school.cache()["answers"]))
    removed = school.purge_cache(gone)
    assert 2 <= removed < before
    rows = list(school._session._store.responses.values())
    assert all(f"/students/{gone}/" not in str(row.url) for row in rows)
    assert all(f'"id":{gone},'.encode() not in row.content for row in rows)
    assert any("/genders" in str(row.url) for row in rows)
    kept = [f"/students/{number}/" for number in students.student_id.iloc[[0, 1, 3, 4]]]
    assert sum(any(path in str(row.url) for path in kept) for row in rows) >= 3
    assert file.with_name(f"{file.name}-wal").stat().st_size == 0
    assert len(marks) > 0


def test_purging_all_leaves_nothing(school: School):
    hf.load_students(school)
    assert school.purge_cache() > 0
    assert school.cache()["answers"] == 0


def test_a_cache_in_memory_writes_nothing(simulator: Simulator, connect_to: Connect, tmp_path: Path):
    school = connect_to(simulator, cache_dir=None)
    students = hf.load_students(school)
    asked = len(simulator.log)
    assert hf.load_students(school).equals(students)
    assert len(simulator.log) == asked
    assert not (tmp_path / "cache").exists()


def test_an_encrypted_cache_holds_nothing_to_read(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory_keyring: Any
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    given: dict[str, Any] = {
        "realm": "S999", "client_id": "demo-client", "client_secret": "demo-secret", "base_url": simulator.url,
        "cache_dir": tmp_path / "cache", "encrypt": True,
    }  # fmt: skip
    with hf.connect(**given) as school:
        students = hf.load_students(school)
        file = Path(str(school.cache()["file"]))
    assert b'"status"' not in file.read_bytes()
    asked = len(simulator.log)
    with hf.connect(**given) as school:
        assert hf.load_students(school).equals(students)
    assert len(simulator.log) == asked
    memory_keyring.held.clear()
    with hf.connect(**given) as school:
        assert hf.load_students(school).equals(students), "another key: asked for anew"
    assert len(simulator.log) > asked


def test_encryption_without_a_keyring_says_so(simulator: Simulator):
    with pytest.raises(hf.SettingsError, match="no keyring"):
        hf.connect("S999", "id", "secret", base_url=simulator.url, encrypt=True)


def test_every_table_of_the_core_knows_its_personal_columns(school: School):
    from hubmis_frames.privacy import personal_columns

    for table in CORE:
        frame = hf.load(school, table) if table in ("students", "staff", "past_students", "pastoral_events") else None
        if frame is not None:
            texts = list(frame.select_dtypes("str"))
            assert {"name", "free text"} & set(personal_columns(table, frame.columns, texts).values())


def test_a_session_knows_where_it_writes(tmp_path: Path, simulator: Simulator):
    session = Session(
        base_url=simulator.url, realm="S999", client_id="a", client_secret="b", cache_dir=None,
        rate_file=tmp_path / "rate.sqlite", rate=Rate(5, 0.01),
    )  # fmt: skip
    assert session.cache()["file"] == "in memory"
    session.close()


@pytest.mark.parametrize("folder", ["OneDrive - School", "Dropbox", "Google Drive"])
@pytest.mark.filterwarnings("error")
def test_a_folder_that_is_synced_is_warned_of(school: School, tmp_path: Path, folder: str):
    with pytest.warns(hf.HubmisWarning, match="leaves this machine"):
        school.export(tmp_path / folder / "out", ["genders"])


def test_a_frame_knows_where_and_when_it_is_from(school: School, tmp_path: Path):
    students = hf.load_students(school)
    said = hf.source(students)
    assert said["operation"] == "Students: Get List"
    assert said["realm"] == "S999"
    assert str(said["fetched_from"]) <= str(said["fetched_to"])
    students.to_parquet(tmp_path / "x.parquet")
    assert hf.source(pd.read_parquet(tmp_path / "x.parquet")) == said
    assert hf.source(pd.DataFrame()) == {}


def test_answers_do_not_lie_about_for_ever(simulator: Simulator, connect_to: Connect):
    school = connect_to(simulator)
    hf.load_students(school)
    hf.load_genders(school)
    with school._session._store.responses.connection(commit=True) as db:
        db.execute("UPDATE responses SET expires = expires - 38 * 86400 WHERE rowid = 1")
    before = int(str(school.cache()["answers"]))
    assert int(str(connect_to(simulator).cache()["answers"])) == before - 1


@pytest.mark.filterwarnings("ignore:.*students who were removed")
def test_pseudonymised_frames_are_analysed_like_others(school: School):
    plain = {
        "students": hf.load_students(school, enrolment_status="current"),
        "student_attendance": hf.load_student_attendance(school, hf.load_students(school).head(20)),
        "learning_support_records": hf.load_learning_support_records(school),
        "staff": hf.load_staff(school),
        **hf.load_pastoral_events.tables(school),
    }
    hidden = hf.pseudonymise(plain, KEY, year_start=START, realm="S999")
    codes = hf.load_attendance_codes(school)
    own = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})
    found = []
    for tables in (plain, hidden):
        marks = hf.attendance.marks(tables["student_attendance"], codes, code_map=own)
        events = hf.wellbeing.events(tables["pastoral_events"])
        students, records = tables["students"], tables["learning_support_records"]
        load = hf.wellbeing.staff_load(events, tables["pastoral_events_assigned_to"], staff=tables["staff"])
        whom = hf.wellbeing.repeated_events(events, at_least=1)["student_id"].min()
        line = hf.wellbeing.timeline(events, whom, learning_support=records)
        assert line["student_id"].eq(whom).all()
        found.append(
            [
                hf.attendance.summarise(marks, calendar=None, by="month"),
                hf.wellbeing.summarise(events, "year_group_name", students=students),
                hf.wellbeing.plan_coverage(events, students=students, by="year_group_name"),
                hf.joint.attendance_by_plan(marks, events),
                hf.joint.attendance_by_learning_support(marks, records),
                hf.joint.events_by_absence_band(marks, events, students=students),
                load[["events", "open_events"]].sort_values(["events", "open_events"], ignore_index=True),
                hf.wellbeing.repeated_events(events, at_least=2)[["events"]].sort_values("events", ignore_index=True),
            ]
        )
    for before, after in zip(*found, strict=True):
        pd.testing.assert_frame_equal(before, after)
