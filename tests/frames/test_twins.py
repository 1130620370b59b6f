"""Fields with one tidy name: one column where they agree, filled from either, and two where they differ."""

import itertools
import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import strategies as st

from hubmis_frames.frames import Findings, parsing, tidy, tidy_name, to_pandas
from hubmis_frames.operations.declaration import CATALOGUE, Endpoint
from hubmis_frames.operations.shapes import DATE, ID, NUMBER, TEXT, record, struct_of
from tests.helpers.examples import given_few


def load(endpoint: Endpoint, rows: Any) -> tuple[dict[str, pd.DataFrame], Findings]:
    report = Findings()
    tables = tidy(endpoint, [((), [json.dumps(rows).encode()])], report)
    return {name: to_pandas(table) for name, table in tables.items()}, report


def students(**fields: Any) -> Endpoint:
    return replace(CATALOGUE["students"], record=record(id=ID, **fields))


HOUSE: dict[str, Any] = {"house_id": ID, "house": struct_of("house_id")}


@pytest.mark.parametrize("names", [*list(itertools.permutations(HOUSE)), ("house",), ("house_id",), ()])
def test_an_id_beside_its_object_is_one_column_filled_from_either(names: tuple[str, ...]):
    rows = [
        {"id": 1, "house_id": 9, "house": {"id": 9, "name": "Red"}},
        {"id": 2, "house_id": 9, "house": None},
        {"id": 3, "house": {"id": 8, "name": "Blue"}},
        {"id": 4, "houseId": "7"},
        {"id": 5},
    ]
    tables, report = load(students(**{name: HOUSE[name] for name in names}), rows)
    frame = tables["students"]
    assert frame.house_id.astype("Int64").tolist() == [9, 9, 8, 7, pd.NA]
    assert set(frame) == {"student_id", "house_id", "house_name"}
    assert not report.twofold
    assert not report.misfits


@pytest.mark.parametrize("names", list(itertools.permutations(HOUSE)))
def test_where_they_differ_it_is_said_and_both_are_kept(names: tuple[str, ...]):
    rows = [{"id": 1, "house_id": 9, "house": {"id": 9}}, {"id": 2, "house_id": 5, "house": {"id": 6}}]
    tables, report = load(students(**{name: HOUSE[name] for name in names}), rows)
    frame = tables["students"]
    assert frame.house_id.tolist() == [9, 6]
    assert frame.house_id_from_house_id.tolist() == [pd.NA, 5]
    assert report.sentences() == [
        "1 value of house_id differs from house.id: it is in the column students.house_id_from_house_id"
    ]


@pytest.mark.parametrize("declared", [True, False])
def test_an_id_in_the_place_of_an_object_is_the_objects_id(declared: bool):
    rows = [{"id": 1, "house": 9}, {"id": 2, "house": {"id": 8, "name": "Red"}}, {"id": 3, "house": None}]
    tables, report = load(students(**{"house": HOUSE["house"]} if declared else {}), rows)
    assert tables["students"].house_id.tolist() == [9, 8, pd.NA]
    assert tables["students"].house_name.tolist()[1] == "Red"
    assert not report.misfits
    tables, report = load(students(house=struct_of("house_id")), [{"id": 1, "house": "Red"}, {"id": 2, "house": True}])
    assert tables["students"].house_id.isna().all()
    assert tables["students"].house_as_sent.tolist() == ["Red", "true"]


def test_a_record_inside_a_record_of_its_kind_is_another_one():
    student: dict[str, Any] = {"id": ID, "born": DATE, "points": NUMBER, "name": TEXT}
    endpoint = students(born=DATE, student=struct_of("student_id", **student), twin=struct_of("student_id", **student))
    inner = {"id": 7, "born": "2011-02-03", "points": 1.5}
    row = {"id": 7, "student_id": 7, "students": [{"id": 8}, {"id": 7}], "student": inner, "twin": {**inner, "id": 9}}
    for names in itertools.permutations(row):
        tables, report = load(endpoint, [{name: row[name] for name in names}])
        frame = tables["students"]
        assert (frame.student_id[0], frame.student_student_id[0], frame.twin_id[0]) == (7, 7, 9)
        assert frame.twin_born.tolist() == frame.student_born.tolist() == [pd.Timestamp(2011, 2, 3)]
        assert frame.twin_points.tolist() == [1.5]
        assert tables["students_students"].student_id.tolist() == [7, 7]
        assert tables["students_students"].student_student_id.tolist() == [8, 7]
        assert not report.twofold


def test_a_records_own_id_a_second_time_is_one_column_unless_it_differs():
    tables, report = load(students(), [{"id": 1, "student_id": 1}, {"id": 2}, {"student_id": 3}])
    assert tables["students"].to_dict("list") == {"student_id": [1, 2, 3]}
    assert report.sentences() == []
    tables, report = load(students(), [{"id": 1, "student_id": 1}, {"id": 2, "student_id": 5}])
    assert tables["students"].student_student_id.tolist() == [pd.NA, 5]
    assert len(report.sentences()) == 1


@pytest.mark.parametrize(
    ("sent", "tidy"),
    [
        ("houseId", "house_id"), ("HouseID", "house_id"), ("house-id", "house_id"), ("House Id", "house_id"),
        ("house_id", "house_id"), ("UPN", "upn"), ("XMLFile", "xml_file"), ("address1Line", "address1_line"),
        ("@id", "@id"), ("_links", "_links"), ("hydra:member", "hydra:member"), ("%", "%"), ("", ""), ("éA", "éa"),
    ],
)  # fmt: skip
def test_a_tidy_name_is_one_in_any_spelling(sent: str, tidy: str):
    assert tidy_name(sent) == tidy
    assert tidy_name(tidy) == tidy


SPELLINGS = ("house_id", "houseId", "HouseId", "house-id")
VALUES = st.integers(1, 3) | st.sampled_from(["1", "2", "x", "2020-01-02"]) | st.booleans() | st.just(1.5) | st.none()
ROW = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(SPELLINGS, VALUES)
    | {"house": st.none() | st.fixed_dictionaries({}, optional={"id": VALUES, "Id": VALUES})}
    | {"school": st.none() | st.fixed_dictionaries({}, optional={"house_id": VALUES, "houseId": VALUES})}
    | {"schoolHouse": st.fixed_dictionaries({}, optional={"id": VALUES})},
)
DECLARED = st.sampled_from([{}, {"house": struct_of()}, {"house_id": ID}, {"houseId": TEXT, "house_id": DATE}])


def _values(row: Any) -> list[Any]:
    if isinstance(row, dict):
        return [
            value for name, inner in row.items() if name != "id" or row.keys() != {"id"} for value in _values(inner)
        ]
    return [] if row is None else [row]


def _texts(values: Any) -> set[str]:
    dates = (str(value.date()) if isinstance(value, pd.Timestamp) else value for value in values)
    return {value if isinstance(value, str) else json.dumps(value) for value in dates}


@given_few(st.lists(ROW, min_size=1, max_size=4), DECLARED, st.randoms(use_true_random=False), few=60, full=1500)
def test_no_value_is_lost_and_the_order_of_fields_is_no_matter(rows: list[Any], declared: Any, chance: Any):
    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        names = list(value)
        chance.shuffle(names)
        return {name: shuffled(value[name]) for name in names}

    names = list(declared)
    endpoint = replace(CATALOGUE["students"], record=record(id=ID, **declared))
    sent = [{"id": 10 + number, **row} for number, row in enumerate(rows)]
    tables, report = load(endpoint, sent)
    frame = tables["students"]
    for (_, cells), row in zip(frame.iterrows(), rows, strict=True):
        kept = _texts(cells.dropna().tolist())
        for value in _values(row):
            assert any(_same(value, text) for text in kept), (value, kept, frame)
    other = replace(endpoint, record=record(id=ID, **{name: declared[name] for name in reversed(names)}))
    again, second = load(other, [shuffled(row) for row in sent])
    pd.testing.assert_frame_equal(again["students"].sort_index(axis=1), frame.sort_index(axis=1))
    assert second.twofold == report.twofold
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "_fast", lambda *_: None)
        slow, _ = load(endpoint, sent)
    pd.testing.assert_frame_equal(slow["students"].sort_index(axis=1), frame.sort_index(axis=1))


def _same(value: Any, text: str) -> bool:
    """Whether a text shows a value as it was sent, or in the type of the column that it is merged into."""
    sent = value if isinstance(value, str) else json.dumps(value)
    try:
        return sent == text or float(sent) == float(text)
    except ValueError:
        return sent == text or (sent, text) in (("true", "1"), ("false", "0"), ("true", "1.0"), ("1", "true"))
