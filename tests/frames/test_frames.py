"""The tidy rules, on bytes: what a value becomes, and that none is lost."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import strategies as st

from hubmis_frames.frames import Findings, empty, tidy, to_pandas
from hubmis_frames.frames import parsing as read_module
from hubmis_frames.operations.declaration import CATALOGUE, Endpoint
from tests.helpers.examples import given_few

STUDENTS = CATALOGUE["students"]
MARKS = CATALOGUE["student_attendance"]
FORMS = CATALOGUE["forms"]


def load(endpoint: Endpoint, *answers: tuple[tuple[Any, ...], list[Any]]) -> tuple[dict[str, pd.DataFrame], Findings]:
    report = Findings()
    bodies = [
        (ids, [page if isinstance(page, bytes) else json.dumps(page).encode() for page in pages])
        for ids, pages in answers
    ]
    return {name: to_pandas(table) for name, table in tidy(endpoint, bodies, report).items()}, report


def students(*rows: Any) -> tuple[dict[str, pd.DataFrame], Findings]:
    return load(STUDENTS, ((), [list(rows)]))


def test_nested_objects_become_columns_and_lists_child_tables():
    tables, report = students(
        {
            "id": 5,
            "gender": {"id": 1, "name": "Female"},
            "academic_house": {"id": 9, "name": "Ash"},
            "nationalities": [{"id": 3, "name": "British"}, {"id": 4, "name": "Irish"}],
        }
    )
    row = tables["students"].iloc[0]
    assert (row.student_id, row.gender_id, row.gender_name, row.academic_house_id) == (5, 1, "Female", 9)
    child = tables["students_nationalities"]
    assert child.to_dict("list") == {
        "student_id": [5, 5],
        "position": [0, 1],
        "nationality_id": [3, 4],
        "name": ["British", "Irish"],
    }
    assert report.sentences() == []


def test_types_are_those_of_the_tidy_rules():
    tables, _ = students(
        {"id": 5, "date_of_birth": "2010-08-24", "last_login": "2019-08-24T15:15:22+01:00", "multi_realm": False}
    )
    frame = tables["students"]
    assert str(frame.dtypes["student_id"]) == "Int64"
    assert str(frame.dtypes["multi_realm"]) == "boolean"
    assert str(frame.dtypes["first_name"]) == "str"
    assert frame.date_of_birth[0] == pd.Timestamp(2010, 8, 24)
    assert frame.last_login[0] == pd.Timestamp("2019-08-24T14:15:22Z")
    assert frame.multi_realm[0] is False or not frame.multi_realm[0]
    assert frame.first_name.isna().all()
    assert frame.has_global_note.isna().all()


def test_a_number_in_quotes_stays_text():
    tables, _ = load(CATALOGUE["student_enrolment"], ((5,), [{"unique_pupil_number": "0090210"}]))
    assert tables["student_enrolment"].unique_pupil_number[0] == "0090210"
    assert tables["student_enrolment"].student_id[0] == 5


@pytest.mark.parametrize("endpoint", CATALOGUE.values(), ids=lambda endpoint: endpoint.table)
def test_an_empty_answer_has_the_columns_and_types_of_a_full_one(endpoint: Endpoint):
    ids = tuple(1 if p.kind is int else p.choices[0] if p.choices else "x" for p in endpoint.path_ids)
    none, report = load(endpoint, (ids, [[]]))
    one, _ = load(endpoint, (ids, [[{"id": 1} if endpoint.key else {}]]))
    declared = {name: to_pandas(table) for name, table in empty(endpoint).items()}
    assert report.sentences() == []
    assert list(none) == list(one) == list(declared)
    for name, frame in declared.items():
        assert list(none[name].dtypes.items()) == list(frame.dtypes.items())
        assert list(one[name].dtypes.items()) == list(frame.dtypes.items())
        assert list(frame.columns) == list(dict.fromkeys(frame.columns))


def test_path_ids_are_columns_in_the_order_asked():
    tables, _ = load(MARKS, ((7,), [[{"id": 1}, {"id": 2}]]), ((3,), [[]]), ((5,), [[{"id": 3}]]))
    frame = tables["student_attendance"]
    assert list(frame.columns[:2]) == ["student_id", "attendance_record_id"]
    assert frame.student_id.tolist() == [7, 7, 5]
    assert frame.attendance_record_id.tolist() == [1, 2, 3]


def test_a_field_that_repeats_a_path_id_is_one_column_and_another_value_is_kept():
    same, report = load(FORMS, ((21,), [[{"id": 1, "academic_year": {"id": 21, "name": "A"}}, {"id": 2}]]))
    assert same["forms"].academic_year_id.tolist() == [21, 21]
    assert not {name for name in same["forms"] if "academic_year_id" in name} - {"academic_year_id"}
    assert report.sentences() == []
    other, report = load(FORMS, ((21,), [[{"id": 1, "academic_year": {"id": 22, "name": "B"}}]]))
    assert other["forms"].academic_year_id.tolist() == [21]
    assert other["forms"].form_academic_year_id.tolist() == [22]
    (sentence,) = report.sentences()
    assert sentence.endswith(
        "another academic_year_id than the one in the request: it is in the column forms.form_academic_year_id"
    )


def test_a_field_called_like_our_numbering_is_kept_always():
    item = {"id": 3, "position": 0, "row": 1, "value": 2, "student_id": 5}
    tables, _ = students({"id": 5, "nationalities": [item], "position": 7})
    child = tables["students_nationalities"]
    assert child.position.tolist() == child.nationality_position.tolist() == [0]
    assert (child.row[0], child.value[0]) == (1, 2)
    assert tables["students"].position.tolist() == [7]
    assert [name for name in child if "student_id" in name] == ["student_id"]


def test_lists_inside_lists_go_on_and_find_their_parents():
    tables, report = students(
        {"id": 5, "plans": [{"id": 8, "steps": [{"done": True}, {"done": False}]}, {"id": 9, "steps": []}]}
    )
    assert tables["students_plans"].to_dict("list") == {"student_id": [5, 5], "position": [0, 1], "plan_id": [8, 9]}
    assert tables["students_plans_steps"].to_dict("list") == {
        "student_id": [5, 5],
        "plans_position": [0, 0],
        "position": [0, 1],
        "done": [True, False],
    }
    assert len(report.undeclared) == 2


def test_a_field_called_like_a_link_to_the_parents_row_is_not_taken_for_it():
    tables, _ = students({"id": 5, "plans": [{"id": 8, "plans_position": 99, "steps": [{"done": True}]}]})
    assert tables["students_plans"].plans_position.tolist() == [99]
    assert tables["students_plans_steps"].plans_position.tolist() == [0]


def test_no_child_table_has_the_name_of_another_operation():
    names = Counter(name for endpoint in CATALOGUE.values() for name in empty(endpoint))
    assert max(names.values()) == 1
    tables, _ = load(CATALOGUE["student"], ((5,), [{"id": 5, "emails": [{"id": 1}]}]))
    assert "student_emails" not in tables
    assert len(tables["student_emails_nested"]) == 1


def test_a_list_of_scalars_has_the_column_value():
    tables, _ = students({"id": 5, "awards": ["gold", None, "silver"]})
    assert tables["students_awards"].position.tolist() == [0, 1, 2]
    assert tables["students_awards"]["value"].isna().tolist() == [False, True, False]


def test_rows_without_an_id_are_numbered_when_they_have_children():
    tables, _ = load(CATALOGUE["staff_further_details"], ((4,), [{"children": [{"first_name": "A"}]}]))
    root, child = tables.values()
    assert root.row.tolist() == child.row.tolist() == [0]
    assert child.staff_id.tolist() == [4]


def test_an_undeclared_column_comes_last_and_is_reported():
    tables, report = students({"id": 5, "gender": {"id": 1, "colour": "red"}, "shoe_size": 43, "seen": "2024-01-01"})
    frame = tables["students"]
    assert list(frame.columns[-3:]) == ["gender_colour", "shoe_size", "seen"]
    assert frame.seen[0] == "2024-01-01", "an undeclared text stays text, whatever it looks like"
    assert set(report.undeclared) == {"students.gender_colour", "students.shoe_size", "students.seen"}


@pytest.mark.parametrize(
    ("field", "value", "kept", "column"),
    [
        ("id", 1.5, "1.5", "student_id"),
        ("id", "007", "007", "student_id"),
        ("id", 2**70, str(2**70), "student_id"),
        ("id", True, "true", "student_id"),
        ("multi_realm", "perhaps", "perhaps", "multi_realm"),
        ("first_name", {"given": "A"}, '{"given": "A"}', "first_name"),
        ("gender", "M", "M", "gender_id"),
        ("date_of_birth", "24/08/2010", "24/08/2010", "date_of_birth"),
        ("date_of_birth", "2010-08-23T23:00:00Z", "2010-08-23T23:00:00Z", "date_of_birth"),
        ("date_of_birth", [2010, 8], "[2010, 8]", "date_of_birth"),
        ("last_login", "yesterday", "yesterday", "last_login"),
    ],
)
def test_a_value_that_does_not_fit_is_kept_beside_its_column(field: str, value: Any, kept: str, column: str):
    tables, report = students({"id": 5}, {"id": 6, "date_of_birth": "2011-01-31", field: value})
    frame = tables["students"]
    found = frame[f"{field if field != 'id' else 'id'}_as_sent"]
    assert found.isna().tolist() == [True, False]
    assert found[1] == kept
    assert pd.isna(frame[column][1])
    assert len(report.misfits) == 1


@pytest.mark.parametrize(
    ("field", "value", "column", "expected"),
    [
        ("id", "7", "student_id", 7),
        ("id", 7.0, "student_id", 7),
        ("multi_realm", 1, "multi_realm", True),
        ("multi_realm", "false", "multi_realm", False),
        ("first_name", 12, "first_name", "12"),
        ("date_of_birth", "2010-08-24T00:00:00Z", "date_of_birth", pd.Timestamp(2010, 8, 24)),
        ("last_login", "2019-08-24T14:15:22.1234567Z", "last_login", pd.Timestamp("2019-08-24T14:15:22.123456Z")),
        ("last_login", "2019-08-24T14:15:22", "last_login", pd.Timestamp("2019-08-24T14:15:22Z")),
    ],
)
def test_a_value_of_another_type_that_fits_without_loss_is_converted(
    field: str, value: Any, column: str, expected: Any
):
    tables, report = students({field: value})
    assert tables["students"][column][0] == expected
    assert not report.misfits


@pytest.mark.parametrize(
    ("field", "value"),
    [("last_login", 1710120810930), ("date_of_birth", 20100824), ("date_of_birth", 1.5), ("last_login", True)],
)
def test_a_number_is_no_date(field: str, value: Any):
    tables, report = students({"id": 1, field: value})
    assert tables["students"][field].isna().all()
    assert tables["students"][f"{field}_as_sent"][0] == json.dumps(value)
    assert not report.converted


@pytest.mark.parametrize(
    "value", ["20100824", "2010-W34-2", "185143.25", "10000000000000000000804276", "09:30:00+01:00"]
)
def test_a_spelling_that_could_be_something_else_is_no_date_or_time(value: str):
    tables, _ = load(CATALOGUE["timetables"], ((), [[{"id": 1, "time_from": value, "date_from": value}]]))
    frame = tables["timetables"]
    assert frame.time_from.isna().all()
    assert frame.date_from.isna().all()
    assert frame.time_from_as_sent[0] == frame.date_from_as_sent[0] == value


def test_what_stands_beside_a_wrapped_list_does_not_replace_what_is_in_it():
    body = {"timetables": [{"id": 1}, {"id": 2}], "id": 99, "term": "Spring"}
    tables, _ = load(CATALOGUE["staff_timetable"], ((5,), [body]))
    frame = tables["staff_timetable"]
    assert frame.timetable_period_id.tolist() == [1, 2]
    assert frame.answer_id.tolist() == [99, 99]
    assert frame.answer_term.tolist() == ["Spring", "Spring"]


def test_ids_beyond_floats_are_told_apart_although_one_is_missing():
    tables, report = load(STUDENTS, ((), [[{"id": 2**53}, {"first_name": "A"}], [{"id": 2**53 + 1}]]))
    assert len(tables["students"]) == 3
    assert report.repeated == report.superseded == 0


def test_ids_that_are_names_are_kept():
    tables, _ = students({"id": 1, "nationalities": {"826": {"name": "UK"}, "250": {"name": "FR"}}})
    child = tables["students_nationalities"]
    assert child.key.tolist() == ["826", "250"]
    assert child.name.tolist() == ["UK", "FR"]


def test_a_field_that_is_called_like_our_remainder_loses_nothing():
    tables, _ = students({"id": 1, "date_of_birth": "garbage", "date_of_birth_as_sent": "OWN"})
    assert {"garbage", "OWN"} <= set(tables["students"].iloc[0].dropna().astype(str))
    tables, _ = students({"id": 1, "first_name": {"a": 1}, "first_name_as_sent": 5})
    assert {'{"a": 1}', "5"} <= set(tables["students"].iloc[0].dropna().astype(str))


def test_two_lists_whose_names_join_to_the_same_are_two_tables():
    tables, _ = students({"id": 1, "pet_name": ["a"], "pet": {"name": ["b"]}})
    found = [frame["value"].tolist() for name, frame in tables.items() if name.startswith("students_pet")]
    assert sorted(found) == [["a"], ["b"]]


def test_three_sources_of_one_id_are_all_kept():
    tables, _ = load(MARKS, ((7,), [[{"id": 1, "student_id": 3, "student": {"id": 4}}]]))
    assert {7, 3, 4} <= set(tables["student_attendance"].iloc[0].dropna().tolist())


def test_a_new_columns_type_does_not_change_with_a_batch_that_misses_it():
    padding = [{"id": 2}] * 400_000
    tables, _ = load(MARKS, ((1,), [[{"id": 1, "n": None}, *padding]]), ((2,), [[{"id": 3, "n": 5}]]))
    assert tables["student_attendance"].n.dropna().tolist() == [5]


@pytest.mark.parametrize("nothing", ["", "0000-00-00"])
def test_a_date_that_says_nothing_is_missing(nothing: str):
    tables, report = students({"id": 1, "date_of_birth": nothing})
    assert tables["students"].date_of_birth.isna().all()
    assert report.sentences() == []


def test_an_empty_list_for_an_object_is_an_absent_object():
    tables, report = students({"id": 1, "gender": []})
    assert tables["students"].gender_id.isna().all()
    assert report.sentences() == []


def test_an_integer_that_a_float_would_round_is_not_rounded():
    tables, _ = students({"id": 1, "n": 2**53 + 1}, {"id": 2, "n": 0.5})
    assert tables["students"].n.tolist() == [str(2**53 + 1), "0.5"]
    batches, _ = load(
        MARKS, ((1,), [[{"id": 1, "n": 2**53 + 1}] + [{"id": 2}] * 400_000]), ((2,), [[{"id": 3, "n": 0.5}]])
    )
    assert batches["student_attendance"].n.dropna().tolist() == [str(2**53 + 1), "0.5"]


@pytest.mark.parametrize("items", [[None, False], [None, 5], [None, "a"], [None, {"a": 1}], [None, [1]]])
def test_a_new_list_that_begins_with_null_is_read_whole(items: list[Any]):
    tables, _ = students({"id": 1, "new": items}, {"id": 2, "new": items})
    assert tables["students_new"].student_id.tolist() == [1, 1, 2, 2]
    assert tables["students_new"].position.tolist() == [0, 1, 0, 1]


def test_a_key_that_stands_twice_loses_neither_value():
    tables, _ = load(STUDENTS, ((), [b'[{"id": 1, "first_name": "A", "first_name": "B"}]']))
    assert tables["students"].first_name[0] == "B"
    assert tables["students"].first_name_repeated[0] == "A"


def test_half_a_surrogate_pair_is_spelt_out():
    tables, _ = load(STUDENTS, ((), [b'[{"id": 1, "first_name": "A\\ud800"}]']))
    assert tables["students"].first_name[0] == "A\\ud800"


def test_a_row_that_is_not_an_object_is_kept():
    tables, report = load(STUDENTS, ((), [[{"id": 1}, "what", None]]))
    assert tables["students"].student_id.tolist()[0] == 1
    assert tables["students"].as_sent[1] == "what"
    assert len(tables["students"]) == 2
    assert report.null_rows == 1


def test_a_body_that_closes_our_wrapper_is_no_row():
    with pytest.raises(Exception, match="not JSON"):
        load(MARKS, ((1,), [b'[{"id": 1}]}\n{"data":[{"id": 2}]']))


def test_an_object_is_accepted_for_a_list_and_a_list_for_an_object():
    single, _ = load(CATALOGUE["student"], ((5,), [[{"id": 5}]]))
    listed, _ = load(CATALOGUE["attendance_codes"], ((), [{"id": 5}]))
    assert single["student"].student_id.tolist() == listed["attendance_codes"].attendance_code_id.tolist() == [5]


def test_a_wrapper_is_opened():
    endpoint = next(e for e in CATALOGUE.values() if e.wrapper)
    tables, report = load(endpoint, ((5,), [{endpoint.wrapper: [{"id": 1}, {"id": 2}]}]))
    assert len(tables[endpoint.table]) == 2
    assert report.sentences() == []


def test_rows_that_overlapping_pages_repeat_are_kept_once_with_their_children():
    row = {"id": 1, "nationalities": [{"id": 3, "name": "B"}]}
    tables, report = load(STUDENTS, ((), [[row, {"id": 2}], [{"id": 2}, {"id": 3}], [row]]))
    assert sorted(tables["students"].student_id) == [1, 2, 3]
    assert len(tables["students_nationalities"]) == 1
    assert (report.repeated, report.superseded) == (2, 0)


def test_of_two_versions_of_a_row_the_later_is_kept_and_said():
    tables, report = load(STUDENTS, ((), [[{"id": 1, "first_name": "A"}], [{"id": 1, "first_name": "B"}]]))
    assert tables["students"].first_name.tolist() == ["B"]
    assert report.superseded == 1
    assert "refresh=True" in report.sentences()[0]


def test_ids_shared_within_a_page_are_no_identity():
    tables, report = load(STUDENTS, ((), [[{"id": 1, "first_name": "A"}, {"id": 1, "first_name": "B"}]]))
    assert len(tables["students"]) == 2
    assert report.shared_ids == 2


# --- properties: the fast road, the slow road and a plain Python reference agree -------------------------------------

SMALL = st.integers(-(2**53), 2**53)
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
REF = st.fixed_dictionaries({}, optional={"id": SMALL | st.none(), "name": TEXT | st.none()}) | st.none()
EXTRA = st.recursive(
    st.booleans() | SMALL | TEXT | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
DAYS = st.dates().map(str) | st.none()
INSTANTS = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.none()
STUDENT = st.fixed_dictionaries(
    {"id": st.integers(1, 2**62)},
    optional={
        "gender": REF,
        "academic_house": REF,
        "first_name": TEXT | st.none(),
        "multi_realm": st.booleans() | st.none(),
        "date_of_birth": DAYS,
        "last_login": INSTANTS,
        "nationalities": st.lists(REF, max_size=3) | st.none(),
        "tags": st.lists(REF, max_size=2) | st.none(),
        "extra": EXTRA,
        "more": st.dictionaries(st.sampled_from(["x", "y"]), TEXT | SMALL, max_size=2),
    },
)


@given_few(st.lists(STUDENT, max_size=6), few=20)
def test_both_roads_give_the_same_frames(rows: list[Any]):
    fast, _ = students(*rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_module, "_fast", lambda *_: None)
        slow, _ = students(*rows)
    assert list(fast) == list(slow) or set(fast) == set(slow)
    for name, frame in fast.items():
        pd.testing.assert_frame_equal(frame.sort_index(axis=1), slow[name].sort_index(axis=1))


PLAIN = st.fixed_dictionaries(
    {},
    optional={
        "a": SMALL,
        "b": st.lists(SMALL, max_size=3),
        "c": st.lists(st.fixed_dictionaries({"d": TEXT}), max_size=2),
    },
)


@given_few(st.lists(st.tuples(STUDENT, PLAIN), max_size=6, unique_by=lambda pair: pair[0]["id"]), few=20)
def test_every_value_that_was_sent_is_in_the_frames(pairs: list[Any]):
    rows = [{**row, "extra": extra} for row, extra in pairs]
    tables, _ = students(*rows)
    assert tables["students"].student_id.tolist() == [row["id"] for row in rows]
    found = Counter[str]()
    for name, frame in tables.items():
        keys = {"position", "student_id"} if name != "students" else set()
        for column in frame.columns:
            if column not in keys and not column.endswith("_position"):
                found.update(_normal(value) for value in frame[column].dropna().tolist())
    assert found == Counter(_normal(value) for row in rows for value in _scalars(row))


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _scalars(inner)
    elif value is not None:
        yield value


def _normal(value: Any) -> str:
    """One spelling for a value, as sent and as found: a column of mixed types becomes text."""
    if isinstance(value, pd.Timestamp):
        return value.isoformat() if value.tzinfo else str(value.date())
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)


def test_pandas_gives_back_the_same_from_arrow_metadata():
    tables, _ = students({"id": 1, "date_of_birth": "2010-08-24", "multi_realm": True})
    schema = pa.Schema.from_pandas(tables["students"])
    assert schema.field("student_id").type == pa.int64()
