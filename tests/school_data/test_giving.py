"""What an opened school gives away: SQL that reaches nothing else, pseudonyms as in an export, a page for a meeting."""

import html
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.school import School
from tests.helpers.traces import personal_texts

DEMO = Path(__file__).parents[2] / "data" / "demo"
CODES = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})


@pytest.fixture(scope="module")
def data() -> hf.SchoolData:
    return hf.open_export(DEMO).with_settings(code_map=CODES)


@pytest.fixture(autouse=True)
def own_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUBMIS_PSEUDONYM_KEY", str(tmp_path / "key" / "pseudonym.key"))


# --- SQL


def test_sql_gives_what_pandas_gives(data: hf.SchoolData):
    marks = data.marks(academic_year="all")
    groups = marks if "form_name" in marks else data.marks(academic_year="all", groups="now")
    got = data.sql("SELECT form_name, count(*) AS late FROM Marks WHERE category = 'late' GROUP BY ALL ORDER BY ALL")
    expected = groups[groups["category"].eq("late")].groupby("form_name").size().rename("late").reset_index()
    pd.testing.assert_frame_equal(got, expected.sort_values("form_name").reset_index(drop=True), check_dtype=False)
    events = data.sql("SELECT count(*) AS n, sum(student_id) AS total FROM events")
    every = data.events(academic_year="all")
    assert events.iloc[0].tolist() == [len(every), every["student_id"].sum()]
    assert set(data.sql("SHOW TABLES")["name"]) == set(data)
    for name in ("students", "staff_roles"):
        back = data.sql(f"SELECT * FROM {name}")
        pd.testing.assert_frame_equal(back, data[name], check_dtype=False, check_flags=False)
        assert back["realm"].tolist() == data[name]["realm"].tolist()


def test_a_realm_of_digits_stays_text(data: hf.SchoolData):
    renamed = hf.SchoolData({"houses": data["houses"].assign(realm="0042")})
    assert renamed.sql("SELECT DISTINCT realm FROM houses")["realm"].tolist() == ["0042"]


def test_a_query_reaches_no_file_no_setting_and_no_variable(data: hf.SchoolData, tmp_path: Path):
    secret, out = tmp_path / "secret.csv", tmp_path / "out"
    secret.write_text("a,b\n1,2\n", encoding="utf-8")
    houses = data["houses"]
    assert len(houses)
    parquet = next(DEMO.glob("students/*/*.parquet")).as_posix()
    queries = [
        f"SELECT * FROM '{secret.as_posix()}'",
        f"SELECT * FROM read_csv('{secret.as_posix()}')",
        f"SELECT content FROM read_text('{secret.as_posix()}')",
        f"SELECT * FROM glob('{tmp_path.as_posix()}/*')",
        f"SELECT * FROM read_parquet('{parquet}')",
        f"SELECT * FROM parquet_metadata('{parquet}')",
        f"COPY students TO '{out.as_posix()}.csv'",
        f"COPY (SELECT 1) TO '{out.as_posix()}.parquet'",
        f"EXPORT DATABASE '{out.as_posix()}'",
        f"ATTACH '{out.as_posix()}.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '10GB'",
        "PRAGMA enable_profiling = 'json'",
        f"SELECT * FROM enable_logging(storage = 'file', storage_path = '{out.as_posix()}')",
        "SELECT * FROM secret",
        "SELECT * FROM data",
        "CREATE TABLE kept AS SELECT 1",
        "DROP VIEW students",
        "SELECT 1; SELECT 2",
        "",
    ]
    for query in queries:
        with pytest.raises(hf.BadArgumentError):
            data.sql(query)
    assert list(tmp_path.iterdir()) == [secret]
    assert len(data.sql("SELECT * FROM students")) == len(data["students"])


def test_no_message_of_a_query_holds_a_value(data: hf.SchoolData):
    names = set(data["students"]["last_name"])
    for query in ("SELECT last_name::INT FROM students", "SELECT error(last_name) FROM students"):
        with pytest.raises(hf.BadArgumentError) as error:
            data.sql(query)
        assert not any(name in str(error.value) for name in names)
        assert error.value.__cause__ is None
        assert error.value.__suppress_context__
    with pytest.raises(hf.BadArgumentError, match="last_nam"):
        data.sql("SELECT last_nam FROM students")


# --- pseudonyms


def test_pseudonyms_are_those_of_an_export_with_pseudonyms(school: School, tmp_path: Path):
    tables = ["students", "form_students", "student_attendance", "terms"]
    school.export(tmp_path / "school", tables)
    school.export(tmp_path / "asked", tables, pseudonymise=True)
    data = hf.open_export(tmp_path / "school").with_settings(code_map=CODES)
    given = data.pseudonymise(tmp_path / "given")
    asked, made = hf.open_export(tmp_path / "asked"), hf.open_export(tmp_path / "given")
    assert list(made) == list(asked) == given["table"].tolist()
    for name in asked:
        pd.testing.assert_frame_equal(made[name], asked[name], check_flags=False)
    assert given["rows"].tolist() == [len(made[name]) for name in made]
    assert "last_name" in given.set_index("table")["left_out"]["students"]
    told = [hf.dictionary(tmp_path / folder) for folder in ("asked", "given")]
    pd.testing.assert_frame_equal(*told)
    with pytest.raises(hf.BadArgumentError, match="already"):
        made.pseudonymise(tmp_path / "again")


def test_settings_go_with_pseudonyms_and_no_name_does(tmp_path: Path):
    folder = tmp_path / "school"
    shutil.copytree(DEMO, folder)
    data = hf.open_export(folder).with_settings(praise=["Achievement"], code_map=CODES)
    data.save_settings()
    opened = hf.open_export(folder).with_settings(timezone="Asia/Dubai")
    opened.pseudonymise(tmp_path / "research", tables=["students", "student_attendance", "terms", "academic_years"])
    made = hf.open_export(tmp_path / "research")
    assert list(made) == ["students", "student_attendance", "terms", "academic_years"]
    settings = made.settings.set_index("setting")["value"]
    assert settings["timezone"] == "Asia/Dubai"
    assert "Achievement" in settings["praise"]
    first, second = hf.attendance.summarise(opened.marks()), hf.attendance.summarise(made.marks())
    pd.testing.assert_frame_equal(first, second, check_flags=False)
    texts = personal_texts(data["students"])
    for file in (file for file in (tmp_path / "research").rglob("*") if file.is_file()):
        content = file.read_bytes()
        assert not [text for text in texts if text.encode() in content], file.name


def test_an_export_is_never_mixed_with_its_own_pseudonyms(tmp_path: Path):
    folder = tmp_path / "school"
    shutil.copytree(DEMO, folder)
    data = hf.open_export(folder).with_settings(code_map=CODES)
    for target in (folder, folder / "research"):
        with pytest.raises(hf.ExportError):
            data.pseudonymise(target, tables="houses")
    assert not json.loads(next(folder.glob("manifest-*.json")).read_text(encoding="utf-8"))["pseudonymised"]
    with pytest.raises(hf.ExportError, match="no table 'hauses'"):
        data.pseudonymise(tmp_path / "research", tables="hauses")
    assert not (tmp_path / "research").exists()


# --- a page for a meeting


@pytest.fixture
def page(data: hf.SchoolData, tmp_path: Path) -> Callable[..., str]:
    def write(source: hf.SchoolData = data, student: object = None) -> str:
        chosen = int(source.students()["student_id"].iloc[0]) if student is None else student
        file = source.student_page(chosen, tmp_path / "meeting.html")  # type: ignore[arg-type]
        return file.read_text(encoding="utf-8")

    return write


def test_the_page_has_the_figures_of_the_student(data: hf.SchoolData, page: Callable[..., str]):
    marks, events = data.marks(), data.events()
    for student in data.students().head(2).itertuples():
        text = page(student=student.student_id)
        own = hf.attendance.summarise(marks[marks["student_id"].eq(student.student_id)]).iloc[0]
        assert f"{own['attendance_rate']:.1f} % attended" in text
        assert f"{int(own['attended_sessions'])} of {int(own['possible_sessions'])} possible sessions" in text
        for name in events.loc[events["student_id"].eq(student.student_id), "category_name"].dropna():
            assert html.escape(name) in text
        assert html.escape(student.last_name) in text
        others = set(data.students()["last_name"]) - {student.last_name}
        shown = re.sub(r"<[^>]*>|base64,[^\"]*", " ", text)
        staff = set(" ".join(data.students()["tutor_name"].dropna()).split())
        assert not [name for name in others - staff if re.search(rf"\b{re.escape(name)}\b", shown)]


def test_the_text_of_a_school_is_never_markup(data: hf.SchoolData, page: Callable[..., str]):
    hostile = "<script>alert(1)</script>&$x$\"'"
    tables = {name: data[name] for name in data}
    for name, frame in tables.items():
        texts = [c for c in frame if pd.api.types.is_string_dtype(frame[c]) and c.endswith(("name", "description"))]
        keep = {"academic_year_name"}
        changed = {c: frame[c].mask(frame[c].notna(), frame[c] + hostile) for c in texts if c not in keep}
        tables[name] = frame.assign(**changed)
    text = page(hf.SchoolData(tables, code_map=CODES))
    assert "<script" not in text
    assert html.escape(hostile) in text
    assert "default-src 'none'" in text


def test_the_page_is_of_one_student_who_is_there(data: hf.SchoolData, tmp_path: Path):
    file = tmp_path / "meeting.html"
    some = data.students()
    for student, match in ((some.head(2), "one student"), (some.head(0), "one student"), (10**9, "no student")):
        with pytest.raises(hf.BadArgumentError, match=match):
            data.student_page(student, file)
    with pytest.raises(hf.BadArgumentError, match=r"\.html"):
        data.student_page(some.head(1), tmp_path / "meeting.txt")
    assert not file.exists()
    tables = {name: data[name] for name in data if name != "student_attendance"}
    both = {name: pd.concat([frame, frame.assign(realm="S2")], ignore_index=True) for name, frame in tables.items()}
    group = hf.SchoolData(both, code_map=CODES)
    with pytest.raises(hf.BadArgumentError, match="several schools"):
        group.student_page(int(some["student_id"].iloc[0]), file)
    group.student_page(group.students().query("realm == 'S2'").head(1), file)
    one = file.read_text(encoding="utf-8")
    hf.SchoolData(tables, code_map=CODES).student_page(some.head(1), file)
    assert file.read_text(encoding="utf-8") == one


def test_a_page_without_marks_events_or_contacts_says_so(data: hf.SchoolData, page: Callable[..., str]):
    text = page(hf.SchoolData({"students": data["students"]}, code_map=CODES))
    for table in ("student_attendance", "pastoral_events", "student_contacts,contact_phones"):
        assert f"--tables {table}" in text
