"""What a person may pass to a loader or a setting, and what is said of the rest, before anything is sent."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.operations.arguments import requests_of
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.operations.response import active_year
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator


def ask(table: str, **arguments: Any) -> Any:
    return requests_of(CATALOGUE[table], arguments, lambda: 23)


@pytest.mark.parametrize(
    "given_ids",
    [
        [7, 3, 7],
        (7, 3),
        iter([7, 3]),
        np.array([7, 3]),
        pd.Series([7, 3, 3]),
        pd.Series([7, 3], dtype="Int64"),
        pd.Series([7.0, 3.0]),
        pd.DataFrame({"student_id": [7, 3], "other": [1, 2]}),
        pd.Index([7, 3]),
    ],
)
def test_ids_in_any_form_are_asked_once_in_the_order_given(given_ids: Any):
    assert [request.ids for request in ask("student_attendance", student_id=given_ids)] == [(7,), (3,)]


def test_one_id_is_one_request():
    (request,) = ask("student_attendance", student_id=np.int64(7))
    assert request.path == "/api/v1/students/7/attendance-records"


@given(st.lists(st.integers(1, 2**63 - 1)))
def test_ids_keep_their_order_and_come_once(ids: list[int]):
    asked = ask("student_attendance", student_id=ids)
    assert [request.ids[0] for request in asked] == list(dict.fromkeys(ids))


def test_several_ids_go_side_by_side_and_one_goes_with_all():
    pairs = ask("staff_address", staff_id=[1, 1, 2, 1], address_mapping_id=[7, 8, 9, 7])
    assert [request.ids for request in pairs] == [(1, 7), (1, 8), (2, 9)]
    assert [request.ids for request in ask("staff_address", staff_id=1, address_mapping_id=[7, 8])] == [(1, 7), (1, 8)]
    with pytest.raises(hf.BadArgumentError, match="differ in length"):
        ask("staff_address", staff_id=[1, 2], address_mapping_id=[7, 8, 9])


@pytest.mark.parametrize(
    "bad", [0, -1, 1.5, True, "7", None, float("nan"), pd.NA, 2**63, [1, None], pd.Series([1.0, None])]
)
def test_what_is_no_id_is_refused(bad: Any):
    with pytest.raises(hf.BadArgumentError, match="student_id"):
        ask("student_attendance", student_id=bad)


def test_a_frame_without_the_column_names_those_it_has():
    with pytest.raises(hf.BadArgumentError, match=r"no column student_id\. Its columns: id, name"):
        ask("student_attendance", student_id=pd.DataFrame({"id": [1], "name": ["x"]}))


def test_no_ids_are_no_request_and_a_frame_with_all_columns(school: School, simulator: Simulator):
    marks = hf.load_student_attendance(school, [])
    assert len(marks) == 0
    assert "attendance_code_id" in marks
    assert simulator.log == []


def test_filters_sort_and_years_have_their_names_on_the_wire():
    (request,) = ask(
        "student_attendance",
        student_id=7,
        attendance_session="am",
        date_time_from=date(2026, 1, 5),
        date_time_to=datetime(2026, 1, 9, 12, tzinfo=UTC),
        sort="-attendance_code",
    )
    assert dict(request.query) == {
        "filter[attendanceSession]": "am",
        "filter[dateTime][from]": "2026-01-05T00:00:00Z",
        "filter[dateTime][to]": "2026-01-09T12:00:00+00:00",
        "sort[attendanceCode]": "desc",
    }
    (students,) = ask("students", year_group=9)
    assert dict(students.query) == {"filter[yearGroup]": "9"}
    assert dict(students.headers) == {"academic-year-id": "23"}
    (earlier,) = ask("students", academic_year_id=21)
    assert dict(earlier.headers) == {"academic-year-id": "21"}
    assert dict(earlier.query) == {"filter[academicYear]": "21"}
    (forms,) = ask("forms")
    assert forms.path == "/api/v1/academic-years/23/forms"
    assert forms.ids == (23,)
    (houses,) = ask("houses", is_active=True)
    assert dict(houses.query) == {"filter[isActive]": "true"}


@pytest.mark.parametrize(
    "day",
    [
        lambda text: text,
        date.fromisoformat,
        datetime.fromisoformat,
        pd.Timestamp,
        lambda text: f"{text}T00:00",
        lambda text: f"{text} 00:00:00",
    ],
)
def test_a_date_or_midnight_without_a_zone_bounds_a_whole_day(day: Callable[[str], Any]):
    bounds = {"date_time_from": day("2026-01-05"), "date_time_to": day("2026-01-09")}
    (request,) = ask("student_attendance", student_id=7, **bounds)
    assert dict(request.query) == {
        "filter[dateTime][from]": "2026-01-05T00:00:00Z",
        "filter[dateTime][to]": "2026-01-09T23:59:59Z",
    }


def test_midnight_with_a_zone_is_an_instant():
    (request,) = ask("student_attendance", student_id=7, date_time_to=pd.Timestamp("2026-01-09", tz="UTC"))
    assert dict(request.query) == {"filter[dateTime][to]": "2026-01-09T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("table", "arguments", "said"),
    [
        (
            "student_attendance",
            {"student_id": 1, "attendance_session": "AM"},
            "'am', 'pm'; not 'AM'. Did you mean 'am'",
        ),
        ("student_attendance", {"student_id": 1, "attendance_session": "noon"}, "one of 'am', 'pm'"),
        ("student_attendance", {"student_id": 1, "date_time_from": "05/01/2026"}, "as '2026-01-31'"),
        ("student_attendance", {"student_id": 1, "date_time_from": "2026-02-30"}, "as '2026-01-31'"),
        ("student_attendance", {"student_id": 1, "date_time_from": 20260105}, "as '2026-01-31'"),
        ("student_attendance", {"student_id": 1, "date_time_from": pd.NaT}, "as '2026-01-31'"),
        (
            "student_attendance",
            {"student_id": 1, "attendance_code": "L"},
            r"positive integers, not text\. hf\.load_attendance_codes\(school\) lists",
        ),
        ("students", {"gender": "female"}, r"hf\.load_genders\(school\) lists the ids"),
        ("student_attendance", {"student_id": "Ann"}, r"not text\. hf\.load_students\(school\) lists the ids"),
        ("pastoral_events", {"severity": "high"}, r"hf\.load_pastoral_severity_levels\(school\) lists"),
        ("pastoral_events", {"category": "x"}, r"load_pastoral_categories\(school, pastoral_category_type=\.\.\.\)"),
        ("past_students", {"destination_school": "x"}, "not text\\.$"),
        ("student_attendance", {"student_id": 1, "sort": "datum"}, "one of 'description', 'date'"),
        ("students", {"sort": "Last Name"}, "the name of a field"),
        ("students", {"sort": "last_name]=asc&x[y"}, "the name of a field"),
        ("students", {"year_group": -9}, "positive integers"),
        ("students", {"search": "  "}, "text that is not empty"),
        ("houses", {"is_active": "yes"}, "True or False"),
        ("pastoral_categories", {"pastoral_category_type": "wellbeing"}, "one of 'wellbeing_event'"),
    ],
)
def test_bad_arguments_are_refused_with_what_is_allowed(table: str, arguments: dict[str, Any], said: str):
    with pytest.raises(hf.BadArgumentError, match=said):
        ask(table, **arguments)


def test_a_sort_that_the_server_refuses_is_named_and_no_other_argument(school: School):
    with pytest.raises(
        hf.RefusedError, match=r"422\. Check the sort first.* sort\[lastname\]=desc.*help\(\)"
    ) as caught:
        hf.load_students(school, search="Ann Lee", sort="-lastname")
    assert "Ann" not in str(caught.value)
    assert caught.value.status == 422
    with pytest.raises(hf.RefusedError, match=r"422\. Check the arguments\.$"):
        hf.load_students(school, academic_year_id=10**9)


def test_a_missing_school_is_said():
    with pytest.raises(TypeError, match="the first argument is the school"):
        hf.load_students([1, 2])  # type: ignore[arg-type]


def test_without_a_known_year_a_path_that_needs_one_says_so():
    with pytest.raises(hf.BadArgumentError, match="academic_year_id="):
        requests_of(CATALOGUE["forms"], {}, lambda: None)
    (request,) = requests_of(CATALOGUE["students"], {}, lambda: None)
    assert request.headers == ()


@pytest.mark.parametrize(
    ("years", "expected"),
    [
        ({"academic_year_id": [1, 2], "is_active": [False, True]}, 2),
        ({"academic_year_id": [1, 2], "active": ["true", "false"]}, 1),
        ({"academic_year_id": [1, 2], "is_active": [True, True]}, None),
        (
            {
                "academic_year_id": [1, 2],
                "start_date": ["2025-09-01", "2026-09-01"],
                "end_date": ["2026-07-20", "2027-07-20"],
            },
            2,
        ),
        (
            {
                "academic_year_id": [1, 2],
                "date_from": ["2024-09-01", "2025-09-01"],
                "date_to": ["2025-07-20", "2026-07-20"],
            },
            None,
        ),
        ({"academic_year_id": [1], "name": ["2026/27"]}, None),
    ],
)
def test_the_active_year_is_found_or_nothing_is_guessed(years: dict[str, Any], expected: int | None):
    assert active_year(pd.DataFrame(years), date(2026, 11, 23)) == expected


def test_a_filter_that_the_server_ignores_is_an_error(
    serve: Callable[..., Simulator], connect_to: Callable[..., School]
):
    school = connect_to(serve(ignore_filters=True))
    with pytest.raises(hf.FilterIgnoredError, match="attendance_session='am'"):
        hf.load_student_attendance(school, hf.load_students(school).head(1), attendance_session="am")
    with pytest.raises(hf.FilterIgnoredError, match="date_time_from"):
        hf.load_student_attendance(school, hf.load_students(school).head(1), date_time_from="2026-01-05")


def test_filters_reach_the_rows(school: School):
    student = hf.load_students(school).head(1)
    marks = hf.load_student_attendance(
        school, student, attendance_session="am", date_time_from="2026-01-05", date_time_to="2026-01-09"
    )
    assert set(marks.attendance_session) == {"am"}
    assert marks.date.between(pd.Timestamp(2026, 1, 5), pd.Timestamp(2026, 1, 9)).all()
    assert 1 <= len(marks) <= 5


# --- the interface


def test_every_loader_is_a_function_with_a_signature_and_a_reference():
    for endpoint in CATALOGUE.values():
        loader = getattr(hf, endpoint.loader)
        assert inspect.isfunction(loader)
        names = list(inspect.signature(loader).parameters)
        assert names[0] == "school"
        assert names[-1] == "refresh"
        for section in ("Parameters\n---", "Returns\n---", "Raises\n---", "Notes\n---"):
            assert section in loader.__doc__
        assert endpoint.title in " ".join(loader.__doc__.split())
        assert inspect.signature(loader.tables) == inspect.signature(loader)


@pytest.mark.slow
def test_a_type_checker_refuses_what_the_document_does_not_allow(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(
        "import hubmis_frames as hf\n"
        "school = hf.demo()\n"
        "frame = hf.load_student_attendance(school, 1, attendance_session='am')\n"
        "frame.merge(hf.load_students(school))\n"
        "hf.load_students.tables(school)['students'].head()\n"
        "hf.load_student_attendance(school, 1, attendance_session='xx')\n"
        "hf.load_students(school, colour='red')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 2, done.stdout
    assert ":6: error" in errors[0]
    assert ":7: error" in errors[1]


def test_the_catalogue_has_a_row_for_each_operation():
    catalogue = hf.endpoints()
    assert len(catalogue) == 131
    assert {"loader", "title", "deprecated", "section", "path", "path_source", "paged", "key", "grain"} <= set(
        catalogue
    )
    assert (catalogue.path_source == "inferred").all()
    assert catalogue.set_index("loader").key["load_students"] == "student_id"
    assert catalogue.set_index("loader").key.isna()["load_student_enrolment"]


def test_a_query_is_read_back_as_it_was_meant(school: School, simulator: Simulator):
    hf.load_students(school, search="O'Brien & [x]=ü")
    asked = next(asked for asked in simulator.log if asked.path.endswith("/students"))
    assert dict(parse_qsl(asked.query))["search"] == "O'Brien & [x]=ü"


# --- settings


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("REALM", "CLIENT_ID", "CLIENT_SECRET", "BASE_URL", "CACHE_DIR", "OPENAPI"):
        monkeypatch.delenv(f"HUBMIS_{name}", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return monkeypatch


def test_what_is_not_set_is_named(no_settings: pytest.MonkeyPatch):
    no_settings.setenv("HUBMIS_REALM", "S999")
    with pytest.raises(hf.SettingsError, match="Not set: HUBMIS_CLIENT_ID, HUBMIS_CLIENT_SECRET"):
        hf.connect()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://api.hubmis.com", "unencrypted"),
        ("http://127.0.0.1.example.com", "unencrypted"),
        ("ftp://api.hubmis.com", "not an address"),
        ("api.hubmis.com", "not an address"),
        ("https://api.hubmis.com/api/v1", "without a path"),
        ("https://someone:hush@api.hubmis.com", "no user name"),
        ("https://api.hubmis.com:port", "not an address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(no_settings: pytest.MonkeyPatch, url: str, said: str):
    with pytest.raises(hf.SettingsError, match=said) as caught:
        hf.connect("S999", "id", "secret", base_url=url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "http://127.0.0.1:8000/", "http://[::1]:8000", "https://test.hubmis.com"]
)
def test_an_address_that_can_be_used(no_settings: pytest.MonkeyPatch, url: str):
    with hf.connect("S999", "id", "secret", base_url=url) as school:
        assert school.base_url == url.rstrip("/")


def test_settings_come_from_the_environment_and_reach_the_server(no_settings: pytest.MonkeyPatch, simulator: Simulator):
    no_settings.setenv("HUBMIS_REALM", "S999")
    no_settings.setenv("HUBMIS_CLIENT_ID", simulator.rules.client_id)
    no_settings.setenv("HUBMIS_CLIENT_SECRET", simulator.rules.client_secret)
    no_settings.setenv("HUBMIS_BASE_URL", simulator.url)
    with hf.connect() as school:
        assert len(hf.load_students(school)) == 60
        assert simulator.rules.client_secret not in repr(school)


def test_a_secret_with_a_line_end_is_refused_before_it_is_sent(no_settings: pytest.MonkeyPatch):
    with pytest.raises(hf.SettingsError, match="HUBMIS_CLIENT_SECRET") as caught:
        hf.connect("S999", "id", "hush\nhush")
    assert "hush" not in str(caught.value)


def test_a_beginning_after_the_end_is_refused():
    with pytest.raises(hf.BadArgumentError, match="date_time_from is after date_time_to"):
        ask("student_attendance", student_id=7, date_time_from=date(2026, 1, 9), date_time_to="2026-01-05")
    ask("student_attendance", student_id=7, date_time_from=date(2026, 1, 5), date_time_to="2026-01-05")


ODD = [
    np.array("x"),
    np.array(5),
    np.array([[1]]),
    pd.NA,
    pd.NaT,
    float("nan"),
    1.5,
    b"x",
    {"a": 1},
    object(),
    {1},
    [[]],
]


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    ("loader", "name"),
    [
        ("student_attendance", "attendance_session"),
        ("student_attendance", "date_time_from"),
        ("students", "search"),
        ("students", "year_group"),
        ("custom_field_groups", "user_type"),
    ],
)
def test_an_argument_of_any_kind_is_taken_or_refused_in_our_words(loader: str, name: str, value: Any):
    endpoint = CATALOGUE[loader]
    names = {parameter.name for parameter in endpoint.parameters}
    given = {"student_id": 5} if "student_id" in names else {}
    assert name in names, "the table has no such parameter"
    refused = None
    try:
        requests_of(endpoint, {**given, name: value}, lambda: 1)
    except hf.BadArgumentError as error:
        refused = str(error)
    assert refused is None or name in refused


def test_a_filter_takes_one_row_of_the_list_that_holds_its_id():
    listed = pd.DataFrame({"year_group_id": [7, 9], "name": ["Year 7", "Year 9"]})
    houses = pd.DataFrame({"house_id": pd.array([84], dtype="Int64"), "name": ["Ash"]})
    row = hf.find(listed, "year 9")
    query = dict(requests_of(CATALOGUE["students"], {"year_group": row, "house": houses}, lambda: 23)[0].query)
    assert query == {"filter[yearGroup]": "9", "filter[house]": "84"}
    with pytest.raises(hf.BadArgumentError, match="takes one id, and the frame has 2 rows"):
        requests_of(CATALOGUE["students"], {"year_group": listed}, lambda: 23)
    with pytest.raises(hf.BadArgumentError, match="has no column year_group_id"):
        requests_of(CATALOGUE["students"], {"year_group": houses}, lambda: 23)
    with pytest.raises(hf.BadArgumentError, match=r'year_group=hf\.find\(hf\.load_year_groups\(school\), "\.\.\."\)'):
        requests_of(CATALOGUE["students"], {"year_group": "Year 9"}, lambda: 23)
