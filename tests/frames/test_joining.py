"""Joins: by the right frame's own key or not at all, whatever the type of the ids and however often."""

import itertools
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.frames import empty, to_pandas
from hubmis_frames.frames.keys import row_ids
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School

NUMBERS = ("Int64", "int64[pyarrow]", "object", "category")
TEXTS = ("str", "string[pyarrow]", "object", "category")
LISTS_TO_PICK_FROM = ("gender_id", "ethnicity_id", "title_id", "faith_id", "nationality_id", "attendance_code_id")


def people(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


# --- which id joins


def test_the_contacts_of_one_student_do_not_join_a_class_by_gender(school: School):
    students = hf.load_students(school)
    contacts = hf.load_contacts(school).drop_duplicates("gender_id").head(2)
    with pytest.raises(hf.BadArgumentError, match=r"refers to contact_id.*student_contacts.*join by way of it"):
        hf.join(students, contacts)
    with pytest.raises(hf.BadArgumentError, match=r"gender_id is the id of a list to pick from.*on='gender_id'"):
        hf.join(students, contacts[["gender_id", "primary_email"]])
    both = students[students.gender_id.isin(contacts.gender_id)]
    assert hf.join(both, contacts, on="gender_id").contact_id.notna().all()
    assert hf.join(students, hf.load_genders(school)).name.eq(students.gender_name).all()


@pytest.mark.parametrize("key", LISTS_TO_PICK_FROM)
@pytest.mark.parametrize(
    "right_id", [endpoint.key for endpoint in CATALOGUE.values() if endpoint.paged and endpoint.key]
)
def test_no_shared_choice_joins_frames_about_different_things(key: str, right_id: str):
    """Two frames of one row for each thing that share nothing but what was picked from a list."""
    if right_id == key:
        return
    left = people(activity_id=[1, 2, 3], **{key: [1, 2, 1]})
    right = people(**{right_id: [8, 9], key: [1, 2], "email": ["a", "b"]})
    with pytest.raises(hf.BadArgumentError, match="join: "):
        hf.join(left, right)
    assert hf.join(left, right, on=key).email.tolist() == ["a", "b", "a"]


def test_each_declared_table_is_joined_by_its_own_key():
    """The key of an operation, without one the ids of its path: found again from the names of the columns."""
    for endpoint in CATALOGUE.values():
        frame = to_pandas(empty(endpoint)[endpoint.table])
        ids = [p.name for p in endpoint.path_ids if p.kind is int]
        if endpoint.key:
            assert row_ids(frame) == [endpoint.key]
        elif ids:
            assert row_ids(frame) == ids


@pytest.mark.parametrize(
    "columns", list(itertools.permutations(["academic_year_id", "form_id", "gender_id", "student_id"]))
)
def test_members_of_a_group_are_told_apart_as_students(columns: tuple[str, ...]):
    assert row_ids(pd.DataFrame({name: [1] for name in columns})) == ["student_id"]


def test_what_to_do_is_said_where_the_right_frame_refers_to_the_left_one():
    students, events = people(student_id=[1, 2]), people(pastoral_event_id=[7], student_id=[2], status=["active"])
    with pytest.raises(hf.BadArgumentError, match=r"refers to the left one by student_id: swap.*on='student_id'"):
        hf.join(students, events)
    with pytest.warns(hf.HubmisWarning, match="found no partner"):
        assert hf.join(students, events, on="student_id").status.isna().tolist() == [True, False]


def test_the_teachers_of_a_period_are_not_taken_for_the_one_that_was_asked():
    teachers = people(staff_id=[5, 5], timetable_period_id=[1, 1], timetable_period_staff_id=[5, 6])
    staff = people(staff_id=[5, 6], last_name=["A", "B"])
    with pytest.raises(hf.BadArgumentError, match=r"staff_id, timetable_period_staff_id\. Say which with on="):
        hf.join(teachers, staff)
    assert hf.join(teachers, staff, on="timetable_period_staff_id").last_name.tolist() == ["A", "B"]


# --- ids of any type, joined as often as anybody likes


def cast(ids: list[Any], dtype: str) -> pd.Series:
    return pd.Series(ids, dtype="object").astype(dtype)


@given(
    st.lists(st.integers(1, 9) | st.none(), max_size=8),
    st.lists(st.integers(1, 9), max_size=6, unique=True),
    st.sampled_from([(NUMBERS, int), (TEXTS, str)]),
    st.data(),
)
def test_each_row_gets_the_row_of_its_own_id(left_ids: list[Any], right_ids: list[int], kind: Any, data: st.DataObject):
    dtypes, convert = kind
    left_type, right_type = data.draw(st.sampled_from(dtypes)), data.draw(st.sampled_from(dtypes))
    ids = [None if number is None else convert(number) for number in left_ids]
    index = data.draw(st.lists(st.integers(0, 3), min_size=len(ids), max_size=len(ids)))
    left = pd.DataFrame({"student_id": cast(ids, left_type), "n": range(len(ids))}).set_axis(index)
    right = pd.DataFrame({"student_id": cast([convert(i) for i in right_ids], right_type), "marks": right_ids})
    joined = hf.join(left, right, fill=0, matched="known")
    assert joined.index.tolist() == index
    assert joined.n.tolist() == left.n.tolist()
    assert joined.known.tolist() == [number in right_ids for number in left_ids]
    expected = [None if number is None else number if number in right_ids else 0 for number in left_ids]
    assert [None if pd.isna(count) else count for count in joined.marks] == expected


@pytest.mark.parametrize(("one", "other"), list(itertools.product(NUMBERS, TEXTS)))
def test_numbers_and_text_are_never_compared_in_silence(one: str, other: str):
    numbers = pd.DataFrame({"student_id": cast([1, 2], one), "a": 1})
    texts = pd.DataFrame({"student_id": cast(["1", "2"], other), "b": 1})
    for left, right in ((numbers, texts), (texts, numbers)):
        with pytest.raises(hf.BadArgumentError, match=r'is text in the (left|right) frame.*"Int64"'):
            hf.join(left, right)


@pytest.mark.parametrize("bad", [1.5, True, 2.0**53, pd.Timestamp(2026, 1, 1), float("inf")])
def test_what_is_no_id_is_refused_and_never_rounded(bad: Any):
    with pytest.raises(hf.BadArgumentError, match="values that are no ids"):
        hf.join(people(student_id=[1]), people(student_id=pd.Series([bad, 7 if bad is not True else False])))


def test_joining_again_and_again_keeps_every_column():
    students = people(student_id=[1, 2], _found=["x", "y"])
    counts = people(student_id=[2, 1], n=[20, 10], n_student=[2, 1])
    joined = students
    for times in range(1, 5):
        joined = hf.join(joined, counts)
        assert joined.columns.is_unique
        assert joined.shape == (2, 2 + 2 * times)
        assert all(joined[name].tolist() in ([10, 20], [1, 2]) for name in joined if str(name).startswith("n"))
    houses = people(house_id=[5, 6], name=["Ash", "Oak"], academic_house_id=[0, 0])
    twice = people(student_id=[1], academic_house_id=[5], boarding_house_id=[6])
    twice = hf.join(hf.join(twice, houses, on="academic_house_id"), houses, on="boarding_house_id")
    assert twice[["name", "name_boarding_house"]].iloc[0].tolist() == ["Ash", "Oak"]
    with pytest.raises(hf.BadArgumentError, match="there is a column n already"):
        hf.join(students, counts, matched="n")


# --- counts


def test_fill_is_for_counts_of_rows_without_a_partner():
    students = pd.DataFrame({"student_id": pd.array([1, 2, 3, None], dtype="Int64")})
    records = pd.DataFrame({"student_id": [1, 2], "records": pd.array([4, None], dtype="Int64")})
    joined = hf.join(students, records, fill=0)  # and no warning, which would be an error here
    assert joined.records.isna().tolist() == [False, True, False, True]
    assert joined.records[2] == 0
    for column in ("name", "form_id", "is_active"):
        values = {"name": ["a", "b"], "form_id": [1, 2], "is_active": [True, False]}[column]
        with pytest.raises(hf.BadArgumentError, match=f"is for counts, and the right frame's column {column}"):
            hf.join(students, records.assign(**{column: values}), fill=0)
    with pytest.raises(hf.BadArgumentError, match="fill takes a number"):
        hf.join(students, records, fill="none")  # type: ignore[call-overload]


def test_arrow_dictionaries_are_ids_too():
    ids = pd.Series([1, 2, None], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.int64())))
    joined = hf.join(pd.DataFrame({"student_id": ids}), people(student_id=[2, 1], n=[20, 10]))
    assert joined.n.tolist()[:2] == [10, 20]
