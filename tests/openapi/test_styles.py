"""One API described in the styles of many generators: the tables are those of our own declaration, each time."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.openapi import read_spec
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.simulator import Rules, Simulator, World, build_world
from tests.helpers.schools import GENEROUS
from tests.helpers.styles import Style, described, enveloped, served, styles

Connect = Callable[..., School]

TABLES = (
    "genders", "academic_years", "students", "student", "student_attendance", "staff", "staff_timetable", "contacts",
    "pastoral_events",
)  # fmt: skip
SINGLE = frozenset(table for table in TABLES if CATALOGUE[table].single)


def loaded(school: School) -> dict[str, pd.DataFrame]:
    """Every table of the operations, as a person loads them."""
    ids = hf.load_students(school).student_id.head(3)
    staff = hf.load_staff(school).staff_id.head(2)
    return {
        **hf.load_genders.tables(school),
        **hf.load_academic_years.tables(school),
        **hf.load_students.tables(school),
        **hf.load_student.tables(school, ids),
        **hf.load_student_attendance.tables(school, ids),
        **hf.load_staff_timetable.tables(school, staff),
        **hf.load_contacts.tables(school),
        **hf.load_pastoral_events.tables(school),
    }


@pytest.fixture(scope="module")
def world() -> World:
    """A school whose lists of people take more than one page, and not many."""
    return build_world(students=30, seed=3)


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return {}


def check(style: Style, world: World, connect_to: Connect, tmp_path: Path, expected: dict[str, Any]) -> None:
    if not expected:
        with Simulator(world, Rules(**GENEROUS)) as plain:
            expected.update(loaded(connect_to(plain, cache_dir=tmp_path / "plain")))
    file = tmp_path / "styled.json"
    file.write_text(json.dumps(described(style, TABLES)), encoding="utf-8")
    spec = read_spec(file)
    assert not spec.unusable, spec.unusable
    assert set(spec.endpoints) == set(TABLES)
    hook = functools.partial(enveloped, style, SINGLE)
    rules = Rules(**GENEROUS, strict_query=False)
    with Simulator(world, rules, [hook], endpoints=served(TABLES)) as simulator:
        tables = loaded(connect_to(simulator, spec=spec, cache_dir=tmp_path / "styled"))
        assert simulator.count() < 70, "a list did not end"
    assert list(tables) == list(expected)
    for name, frame in expected.items():
        if not frame.equals(tables[name]):  # equals takes a tenth of the time
            pd.testing.assert_frame_equal(tables[name], frame, obj=name)


QUICK = list(styles(6, seed=1))


@pytest.mark.parametrize("style", QUICK, ids=[f"{number}" for number in range(len(QUICK))])
@pytest.mark.filterwarnings("error::hubmis_frames.errors.HubmisWarning")
def test_each_style_gives_the_tables_of_our_declaration(
    style: Style, world: World, connect_to: Connect, tmp_path: Path, expected: dict[str, Any]
):
    check(style, world, connect_to, tmp_path, expected)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
@pytest.mark.filterwarnings("error::hubmis_frames.errors.HubmisWarning")
def test_mixtures_of_styles_give_the_tables_of_our_declaration(
    seed: int, world: World, connect_to: Connect, tmp_path: Path, expected: dict[str, Any]
):
    *_, style = styles(1, seed)
    check(style, world, connect_to, tmp_path, expected)
