"""What ``hf.dictionary`` and the files beside an export say of columns is true of the frames."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

import hubmis_frames as hf
from hubmis_frames.export.package import DICTIONARY, PACKAGE, describe_export
from hubmis_frames.operations import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.school_data import people

DEMO = Path(__file__).parents[2] / "data" / "demo"
CODES = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})
ONLY_SOMETIMES = {  # columns that a result has with other arguments or other marks
    "attendance.absentees": {"persistent_days", "persistent_sessions"},
    "attendance.at_risk": {"<rule>_sessions", "possible_days", "<rule>_days"},
    "attendance.long_absence": {"sessions"},
    "attendance.marks": {"minutes_late"},
    "SchoolData.with_names": {"contacts"},
    "attendance.summarise": {"persistent_below_minimum"},
}
GROUPS = {*people.GROUPS, "category_name", "severe", "realm"}


@pytest.fixture(scope="module")
def data() -> hf.SchoolData:
    return hf.open_export(DEMO).with_settings(code_map=CODES, praise=["Achievement"])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "school"
    shutil.copytree(DEMO, folder)
    describe_export(folder)
    return folder


def kind(values: pd.Series) -> str:
    types = pd.api.types
    if types.is_datetime64_any_dtype(values):
        return "datetime" if isinstance(values.dtype, pd.DatetimeTZDtype) else "date"
    if types.is_bool_dtype(values):
        return "boolean"
    if types.is_integer_dtype(values):
        return "integer"
    return "number" if types.is_float_dtype(values) else "string"


def results(data: hf.SchoolData) -> dict[str, Callable[[], pd.DataFrame]]:
    at, wb, jt = hf.attendance, hf.wellbeing, hf.joint
    marks, every, calendar = data.marks(), data.marks(academic_year="all"), data.calendar
    events, plans, students, on = data.events(), data.plans(), data.students(), data.fetched_on
    both = pd.concat([events, plans])
    closed = events.assign(closed_date=events["date"])
    support, first = data["learning_support_records"], int(events["student_id"].iloc[0])
    items = pd.DataFrame({"pastoral_event_id": events["pastoral_event_id"], "name": "Safe"})
    assigned = data["pastoral_events_assigned_to"]
    return {
        "attendance.absence_bands": lambda: at.absence_bands(marks, "year_group_name"),
        "attendance.absentees": lambda: at.absentees(marks),
        "attendance.at_risk": lambda: at.at_risk(marks, calendar),
        "attendance.beside_holidays": lambda: at.beside_holidays(marks, calendar, by="year_group_name"),
        "attendance.broken_weeks": lambda: at.broken_weeks(marks),
        "attendance.code_frequency": lambda: at.code_frequency(marks),
        "attendance.cumulative": lambda: at.cumulative(marks),
        "attendance.data_quality": lambda: at.data_quality(marks, calendar),
        "attendance.heavy_codes": lambda: at.heavy_codes(marks, "form_name"),
        "attendance.lateness": lambda: at.lateness(marks.assign(minutes_late=5), "year_group_name"),
        "attendance.long_absence": lambda: at.long_absence(every, calendar, at_least=2),
        "attendance.marks": lambda: every[[name for name in every if name != "realm"]],
        "attendance.on_closed_days": lambda: at.on_closed_days(marks, calendar),
        "attendance.recent_change": lambda: at.recent_change(marks, "year_group_name", confidence=0.95),
        "attendance.registers_not_taken": lambda: at.registers_not_taken(marks, calendar, by="form_name"),
        "attendance.repeated_absence": lambda: at.repeated_absence(every, calendar),
        "attendance.runs": lambda: at.runs(marks),
        "attendance.status_changes": lambda: at.status_changes(marks, calendar.terms["start"].max()),
        "attendance.summarise": lambda: at.summarise(marks, rules=[at.PERSISTENT]),
        "attendance.year_on_year": lambda: at.year_on_year(every, confidence=0.95),
        "wellbeing.closing_time": lambda: wb.closing_time(closed, "category_name"),
        "wellbeing.events": lambda: wb.events(data["pastoral_events"])[list(wb.canonical.FIELDS)],
        "wellbeing.open_events": lambda: wb.open_events(events, on=on),
        "wellbeing.plan_coverage": lambda: wb.plan_coverage(both, "gender_name", students=students),
        "wellbeing.repeated_events": lambda: wb.repeated_events(events),
        "wellbeing.reviews_due": lambda: wb.reviews_due(plans.assign(review_date=plans["date"]), on=on),
        "wellbeing.staff_load": lambda: wb.staff_load(both, assigned, staff=data["staff"]),
        "wellbeing.shanarri": lambda: wb.shanarri(items, events),
        "wellbeing.summarise": lambda: wb.summarise(events, by="category_name", students=students),
        "wellbeing.timeline": lambda: wb.timeline(both, first, learning_support=support),
        "wellbeing.without_plan": lambda: wb.without_plan(both, students=students),
        "joint.around_events": lambda: jt.around_events(marks, events, students=students, confidence=0.95),
        "joint.attendance_by_learning_support": lambda: jt.attendance_by_learning_support(marks, support),
        "joint.attendance_by_plan": lambda: jt.attendance_by_plan(marks, plans),
        "joint.events_by_absence_band": lambda: jt.events_by_absence_band(marks, events, students=students),
        "joint.lateness_and_events": lambda: jt.lateness_and_events(marks, events, confidence=0.95),
        "joint.per_student": lambda: jt.per_student(marks, events),
        "SchoolData.marks": lambda: marks,
        "SchoolData.checks": data.checks,
        "SchoolData.with_names": lambda: data.with_names(students[["realm", "student_id"]]),
    }


@pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")  # this school has no list of leavers
def test_every_column_of_a_result_is_in_the_dictionary_with_its_type(data: hf.SchoolData):
    known = hf.dictionary()
    known = known[known["table"].str.contains(".", regex=False)]
    made = results(data)
    assert set(known["table"]) == set(made), "a function of the analysis is new: call it here"
    for table, make in made.items():
        frame, told = make(), known[known["table"].eq(table)].set_index("column")
        assert set(frame) - GROUPS <= set(told.index), table
        assert set(told.index) - set(frame) - {"realm"} <= ONLY_SOMETIMES.get(table, set()), table
        filled = [name for name in frame if name in told.index and frame[name].notna().any()]
        assert {name: kind(frame[name]) for name in filled} == told.loc[filled, "type"].to_dict(), table
    assert known["meaning"].str.strip().ne("").all()
    assert known[known["column"].str.endswith("_rate")]["unit"].eq("per cent").all()


def test_every_declared_column_is_in_the_dictionary():
    told = hf.dictionary()
    tables = [endpoint for endpoint in CATALOGUE.values() if not endpoint.deprecated]
    assert {endpoint.table for endpoint in tables} <= set(told["table"])
    assert not told.duplicated(["table", "column"]).any()
    ids = hf.keys().dropna(subset=["refers_to"])
    refers = told.dropna(subset=["refers_to"]).set_index(["table", "column"])["refers_to"]
    for row in ids[ids["refers_to"].ne(ids["table"])].itertuples():
        assert refers[row.table, row.column] == f"{row.refers_to}.{row.key}"
    assert set(told["source"]) == {"document", "inferred", "made here"}
    names = told[told["personal"].eq("name")]
    assert {"first_name", "last_name"} <= set(names["column"])
    assert told[told["column"].eq("student_id")]["personal"].eq("id of a person").all()


def test_the_dictionary_of_an_export_is_true_of_its_tables(copy: Path):
    told = hf.dictionary(copy)
    data = hf.open_export(copy)
    for name in data:
        frame, rows = hf.read(copy, name), told[told["table"].eq(name)].set_index("column")
        assert set(rows.index) == set(frame)
        assert rows["type"].to_dict() == {column: kind(frame[column]) for column in frame}
        for column in frame if len(frame) else ():
            assert rows.loc[column, "filled"] == pytest.approx(100 * frame[column].notna().mean())
    pd.testing.assert_frame_equal(hf.dictionary(data), told)
    in_memory = hf.dictionary(hf.SchoolData({name: data[name] for name in data}))
    both = [frame.sort_values(["table", "column"]).reset_index(drop=True) for frame in (told, in_memory)]
    pd.testing.assert_frame_equal(*both)


def test_the_files_beside_an_export_say_what_the_dictionary_says(copy: Path):
    told = hf.dictionary(copy)
    with (copy / DICTIONARY).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["table"], row["column"], row["type"]) for row in rows] == list(
        told[["table", "column", "type"]].itertuples(index=False, name=None)
    )
    package = json.loads((copy / PACKAGE).read_text(encoding="utf-8"))
    assert [resource["name"] for resource in package["resources"]] == list(told["table"].unique())
    for resource in package["resources"]:
        own = told[told["table"].eq(resource["name"]) & told["column"].ne("realm")].set_index("column")
        fields = {field["name"]: field for field in resource["schema"]["fields"]}
        assert list(fields) == list(own.index)
        assert own["type"].to_dict() == {name: field["type"] for name, field in fields.items()}
        (path,) = resource["path"]
        assert pq.read_schema(copy / path).names == list(fields)
        frame = hf.read(copy, resource["name"])
        if key := resource["schema"].get("primaryKey"):
            assert not frame.duplicated(key).any()
            assert frame[key].notna().all(axis=None)
        for foreign in resource["schema"].get("foreignKeys", ()):
            other = hf.read(copy, foreign["reference"]["resource"])
            ((name,), (target,)) = foreign["fields"], foreign["reference"]["fields"]
            assert set(frame[name].dropna()) <= set(other[target])


def keys_in(folder: Path, table: str) -> tuple[Any, list[str]]:
    package = json.loads((folder / PACKAGE).read_text(encoding="utf-8"))
    (schema,) = (resource["schema"] for resource in package["resources"] if resource["name"] == table)
    return schema.get("primaryKey"), [foreign["fields"][0] for foreign in schema.get("foreignKeys", ())]


def test_keys_that_do_not_hold_are_not_claimed(copy: Path):
    records = hf.read(copy, "student_attendance")["student_id"]
    assert "form_id" in keys_in(copy, "students")[1]
    file = next((copy / "forms").glob("*/*.parquet"))
    forms = pq.read_table(file, partitioning=None)
    pq.write_table(forms.slice(1), file)
    file = next((copy / "students").glob("*/*.parquet"))
    students = pq.read_table(file, partitioning=None)
    pq.write_table(students.take([0, *range(len(students))]), file)
    describe_export(copy)
    assert keys_in(copy, "students")[0] is None
    assert "form_id" not in keys_in(copy, "students")[1]
    # Marks of past students are in no list of students, with or without the row that was doubled.
    known = set(hf.read(copy, "students")["student_id"])
    assert ("student_id" in keys_in(copy, "student_attendance")[1]) == (set(records) <= known)


def test_an_export_with_pseudonyms_names_no_personal_column(school: School, tmp_path: Path):
    school.export(tmp_path / "research", ["students", "form_students"], pseudonymise=True)
    told = hf.dictionary(tmp_path / "research")
    students = told[told["table"].eq("students")].set_index("column")
    assert students.loc["student_id", ["type", "personal"]].tolist() == ["string", "pseudonym"]
    assert students.loc["age_at_start_of_year", ["type", "unit", "source"]].tolist() == [
        "integer",
        "years",
        "made here",
    ]
    kinds = told["personal"].dropna()
    assert (kinds.eq("pseudonym") | kinds.str.startswith("can point to a person: ")).all()
    assert (tmp_path / "research" / DICTIONARY).exists()


def test_ids_of_several_schools_are_no_keys(school: School, tmp_path: Path):
    folder = tmp_path / "group"
    school.export(folder, ["houses"])
    assert keys_in(folder, "houses")[0] == ["house_id"]
    manifest = next(folder.glob("manifest-*.json"))
    other = json.loads(manifest.read_text(encoding="utf-8")) | {"realm": "S1"}
    (folder / "manifest-s1-0123456789.json").write_text(json.dumps(other), encoding="utf-8")
    shutil.copytree(folder / "houses" / "realm=S999", folder / "houses" / "realm=S1")
    describe_export(folder)
    assert keys_in(folder, "houses") == (None, [])
    both, one = hf.dictionary(folder), hf.dictionary(hf.open_export(folder, realm="S1"))
    assert both[both["table"].eq("houses")]["column"].tolist() == one["column"].tolist()
