"""What refers to what, and joins by it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.export import CORE
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator, build_world

Serve = Callable[..., Simulator]
Connect = Callable[..., School]


def test_keys_say_what_refers_to_what():
    keys = hf.keys().set_index(["table", "column"])
    assert keys.loc[("students", "student_id"), "own"]
    house = keys.loc[("students", "academic_house_id")]
    assert (house.key, house.refers_to, bool(house.role)) == ("house_id", "houses", True)
    assert keys.loc[("student_attendance", "student_id"), "refers_to"] == "students"
    assert keys.loc[("students_nationalities", "nationality_id"), "refers_to"] == "nationalities"
    assert keys.loc[("learning_support_records", "severity_id"), "refers_to"] == "learning_support_severities"
    assert set(keys.refers_to.dropna()) <= set(CATALOGUE)
    assert keys.index.is_unique


def test_every_reference_of_the_simulated_school_finds_its_partner(school: School, tmp_path: Path):
    """The export joins on every declared key of the core, so what refers to something refers to what is there."""
    school.export(tmp_path / "out")
    tables = {table: pd.read_parquet(tmp_path / "out" / table) for table in CORE}
    checked = 0
    for row in hf.keys().itertuples():
        if (
            row.table not in tables
            or row.refers_to not in tables
            or row.table == row.refers_to
            or "academic_year" in row.key
        ):
            continue
        if row.key == "student_id":  # events and records may be of others than current students
            applicants = hf.load_students(school, enrolment_status="applicant")
            known = pd.concat([tables["students"], tables["past_students"], applicants])[row.key]
        else:
            known = tables[row.refers_to][row.key]
        values = tables[row.table][row.column].dropna()
        if row.table in ("past_students", "pastoral_events") and row.key in ("form_id", "staff_id"):
            continue  # forms of earlier years and staff who left are in no list of this year
        assert values.isin(known).all(), (row.table, row.column)
        checked += len(values)
    assert checked > 10_000


def test_marks_find_their_students(school: School):
    students = hf.load_students(school).head(4)
    marks = hf.load_student_attendance(school, students)
    joined = hf.join(marks, students)
    assert len(joined) == len(marks)
    assert joined.student_id.tolist() == marks.student_id.tolist()
    assert joined.last_name.notna().all()


def test_a_role_finds_its_key_and_several_roles_have_to_be_told_apart(school: School):
    students, houses = hf.load_students(school), hf.load_houses(school)
    with pytest.raises(hf.BadArgumentError, match=r"academic_house_id, boarding_house_id\. Say which with on="):
        hf.join(students, houses)
    joined = hf.join(students, houses, on="academic_house_id")
    assert len(joined) == len(students)
    assert (joined["name"] == joined["academic_house_name"]).all()
    assert "house_id" not in joined


def test_rows_without_a_partner_stay_and_are_said(school: School):
    students = hf.load_students(school)
    marks = hf.load_student_attendance(school, students.head(3))
    gone = int(students.student_id.iloc[1])
    with pytest.warns(
        hf.HubmisWarning, match=rf"found no partner: their student_id is not in the right frame \({gone}\)"
    ):
        joined = hf.join(marks, students[students.student_id != gone], matched="known")
    assert len(joined) == len(marks)
    assert (~joined.known).sum() == (marks.student_id == gone).sum()
    assert joined.loc[~joined.known, "last_name"].isna().all()


def test_a_right_side_with_several_rows_for_a_key_is_refused(school: School):
    students = hf.load_students(school).head(2)
    marks = hf.load_student_attendance(school, students)
    with pytest.raises(hf.BadArgumentError, match="would be doubled"):
        hf.join(students, marks, on="student_id")
    twice = pd.concat([students, students])
    with pytest.raises(hf.BadArgumentError, match="would be doubled"):
        hf.join(marks, twice)


def test_frames_that_share_nothing_are_refused(school: School):
    with pytest.raises(hf.BadArgumentError, match="No column of the left frame refers to"):
        hf.join(hf.load_genders(school), hf.load_attendance_codes(school))
    with pytest.raises(hf.BadArgumentError, match="'first_name' of the left frame does not refer"):
        hf.join(hf.load_students(school), hf.load_forms(school), on="first_name")


def test_schools_in_one_directory_are_not_mixed(serve: Serve, connect_to: Connect, tmp_path: Path):
    simulator = serve(
        {realm: build_world(students=20, seed=seed, realm=realm) for seed, realm in enumerate(("A1", "B2"))}
    )
    for realm in ("A1", "B2"):
        connect_to(simulator, realm=realm).export(tmp_path / "out", ["students", "forms"])
    students, forms = (pd.read_parquet(tmp_path / "out" / table) for table in ("students", "forms"))
    forms["code"] = forms["realm"].astype(str)
    joined = hf.join(students, forms)
    assert len(joined) == 40
    assert (joined["code"] == joined["realm"]).all()
    with pytest.raises(hf.BadArgumentError, match="several schools"):
        hf.join(students, forms[forms.realm == "A1"].drop(columns="realm"))


@pytest.mark.parametrize("table", ["forms", "year_groups", "genders", "boarding_types"])
def test_students_find_what_they_belong_to(school: School, table: str):
    students = hf.load_students(school)
    joined = hf.join(students, getattr(hf, f"load_{table}")(school))
    assert len(joined) == len(students)
    assert joined.index.equals(students.index)


def test_ids_that_became_floats_still_join(school: School):
    students, forms = hf.load_students(school), hf.load_forms(school)
    floats: Any = students.astype({"form_id": "float64"})
    assert len(hf.join(floats, forms)) == len(students)
