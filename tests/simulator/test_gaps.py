"""The simulated school has what makes real data hard: ids that say nothing, missing contacts, removed students."""

from datetime import date

import pytest

import hubmis_frames as hf
from hubmis_frames.simulator import World, build_world


@pytest.fixture(scope="module", params=[7, 30])
def school(request: pytest.FixtureRequest) -> World:
    return build_world(request.param, seed=request.param)


def test_no_id_is_a_year_number(school: World) -> None:
    assert {kind: ids for kind, rows in school.entities.items() if (ids := set(rows) & {*range(7, 14)})} == {}
    year_groups = list(school.entities["year_group"])
    assert year_groups != sorted(year_groups), "nor do ids follow the order of the years"


def test_some_students_have_no_address_or_contact(school: World) -> None:
    current = {n: row for n, row in school.entities["student"].items() if row["enrolment_status"] == "current"}
    contacts, links = school.entities["contact"], school.entities["student_contact_relation"].values()
    with_contact = {row["student"] for row in links} & {*current}
    assert 0 < len(with_contact) < len(current)
    for kind, people in (("student", current), ("contact", contacts)):
        listed = {row[kind] for row in school.entities["email"].values() if kind in row}
        with_address = {number for number, row in people.items() if row["primary_email"]}
        assert with_address == listed & {*people}
        assert 0 < len(with_address) < len(people)
    assert any(
        contacts[row["contact"]]["status"] == "inactive" and not contacts[row["contact"]]["deleted_at"]
        for row in links
        if row["student"] in current
    )
    every = [row for rows in school.entities.values() for row in rows.values()]
    named = {row["contact"] for row in every if "contact" in row}
    assert named <= {*contacts}, "nothing is left of contacts that are not there"


def test_nothing_happens_to_a_student_after_their_removal(school: World) -> None:
    removed = {n: row["deleted_at"] for n, row in school.entities["student"].items() if row["deleted_at"]}
    assert removed
    for number, instant in removed.items():
        marks = [row["date_time"] for row in school.marks(number)]
        assert max(marks) < instant < f"{school.today}"
        events = [row["date_time"] for row in school.entities["pastoral_event"].values() if row["student"] == number]
        assert max(events, default="") <= instant


def test_the_simulated_school_says_which_day_it_is() -> None:
    with hf.demo(7, profile="gulf") as school:
        assert school.today == build_world(7, profile="gulf").today
        assert f"where it is {school.today}" in repr(school)
        assert f"{school.today:%d %b %Y} (simulated)" in (school._repr_html_() or "")


def test_a_real_school_has_the_day_of_this_machine() -> None:
    with hf.connect("S1", "client", "secret", "https://hubmis.example", cache_dir=None) as school:
        before, shown, after = date.today(), school.today, date.today()
        assert before <= shown <= after
        assert "where it is" not in repr(school)
        assert "simulated" not in (school._repr_html_() or "")
