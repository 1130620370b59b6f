"""Finding an operation: in the list, by words, and by a title that is not quite right."""

import json
from collections.abc import Callable

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.group import Group
from hubmis_frames.operations.declaration import CATALOGUE, Endpoint
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator


@pytest.mark.parametrize(
    ("words", "loader"),
    [
        ("date of birth", "load_students"),
        ("DATE_OF_BIRTH", "load_students"),
        ("attendance records", "load_student_attendance"),
        ("severity pastoral", "load_pastoral_events"),
        ("nationality", "load_students"),  # a column of a child table
        ("inset", "load_inset_days"),
        ("session date", "load_student_attendance"),  # the grain
    ],
)
def test_words_find_an_operation_in_its_title_section_grain_or_columns(words: str, loader: str):
    found = hf.endpoints(search=words)
    assert loader in set(found["loader"])
    assert len(found) < 60


def test_a_search_is_a_part_of_the_list_and_keeps_its_columns():
    whole = hf.endpoints()
    for words in ("student", "staff", "no such thing", ""):
        found = hf.endpoints(search=words)
        assert list(found.dtypes.items()) == list(whole.dtypes.items()) or found.empty
        assert list(found.columns) == list(whole.columns)
        assert set(found["loader"]) <= set(whole["loader"])
    assert hf.endpoints(search="no such thing").empty
    assert len(hf.endpoints(search="")) == len(whole)
    for words in ("form", "year group"):
        narrower = set(hf.endpoints(search=f"{words} student")["loader"])
        assert narrower < set(hf.endpoints(search=words)["loader"])


def test_a_search_without_its_name_says_how_it_is_written():
    with pytest.raises(hf.BadArgumentError, match=r"hf\.endpoints\(search='wellbeing'\)"):
        hf.endpoints("wellbeing")  # type: ignore[arg-type]
    with pytest.raises(hf.BadArgumentError, match="search takes text"):
        hf.endpoints(search=9)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "title"),
    [
        ("Students: Get Lists", "Students: Get List"),
        ("studnets", "Students: Get List"),
        ("wellbeing", "Wellbeing"),
        ("attendance-code", "Get all attendance codes"),
    ],
)
def test_an_unknown_operation_is_answered_with_what_was_probably_meant(
    school: School, simulator: Simulator, wrong: str, title: str
):
    with pytest.raises(hf.BadArgumentError, match=rf"Did you mean .*{title}.*hf\.endpoints\(school"):
        hf.load(school, wrong)
    assert simulator.log == []
    with pytest.raises(hf.BadArgumentError, match=r"^(?!.*Did you mean).*hf\.endpoints"):
        hf.load(school, "zzzzzz")
    with pytest.raises(hf.BadArgumentError, match=r"no argument yeargroup\. Did you mean 'year_group'"):
        hf.load(school, "students", yeargroup=9)


def test_load_gives_what_the_loader_gives_for_a_school_and_for_a_group(
    school: School, serve: Callable[..., Simulator], connect_to: Callable[..., School]
):
    pd.testing.assert_frame_equal(hf.load(school, "Students: Get List"), hf.load_students(school))
    tables = hf.load.tables(school, "/api/v1/students", search="a")
    assert list(tables) == list(hf.load_students.tables(school, search="a"))
    group = Group([school])
    assert set(hf.load(group, "students")["realm"]) == {school.realm}
    with pytest.raises(TypeError, match="the first argument is the school"):
        hf.load("students", "students")  # type: ignore[arg-type]


@pytest.mark.parametrize("twin", [e for e in CATALOGUE.values() if e.deprecated], ids=lambda e: e.table)
def test_a_deprecated_operation_has_the_arguments_of_the_one_that_replaces_it(twin: Endpoint):
    successor = CATALOGUE.get(twin.table.removesuffix("_deprecated"))
    if successor is None:
        assert "nothing replaces it" in twin.doc
        return
    assert {(p.name, p.wire, p.place) for p in twin.parameters} == {
        (p.name, p.wire, p.place) for p in successor.parameters
    }
    assert (twin.key, twin.grain, twin.section) == (successor.key, successor.grain, successor.section)
    assert twin.path != successor.path
    assert f"use ``{successor.loader}``" in twin.instead


@pytest.mark.parametrize(
    ("word", "loader"),
    [
        ("pupil", "load_students"),
        ("Parents", "load_contacts"),
        ("guardian", "load_student_contacts"),
        ("mark", "load_student_attendance"),
        ("registers", "load_student_attendance"),
        ("behaviour", "load_pastoral_events"),
        ("incidents", "load_pastoral_events"),
        ("telephone", "load_contact_phones"),
        ("parent telephone", "load_contact_phones"),
        ("E-mail", "load_contact_emails"),
        ("classes", "load_forms"),
        ("SEN", "load_learning_support_records"),
        ("wellbeing", "load_pastoral_events"),
    ],
)
def test_words_of_a_school_find_what_hubmis_calls_otherwise(word: str, loader: str, capsys: pytest.CaptureFixture[str]):
    found = set(hf.endpoints(search=word)["loader"])
    assert loader in found
    assert len(found) < 131
    assert main(["endpoints", *word.split(), "--json"]) == 0
    assert {row["loader"] for row in json.loads(capsys.readouterr().out)} == found


def test_a_short_word_is_not_found_inside_another():
    assert "load_staff_further_details" not in set(hf.endpoints(search="sen")["loader"])


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("load_parents", "load_contacts"),
        ("load_pupils", "load_students"),
        ("load_parent_phones", "load_contact_phones"),
        ("load_parent_telephones", "load_contact_phones"),
        ("load_marks", "load_student_attendance"),
        ("load_behaviour", "load_pastoral_events"),
        ("load_sen", "load_learning_support_records"),
        ("load_classes", "load_forms"),
        ("load_studnets", "load_students"),
    ],
)
def test_a_wrong_loader_is_answered_with_one_that_means_the_same(wrong: str, meant: str):
    with pytest.raises(AttributeError, match=f"Did you mean '{meant}'"):
        getattr(hf, wrong)
