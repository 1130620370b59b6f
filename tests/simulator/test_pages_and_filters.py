"""Pages, filters and sorts of the simulated school, over real sockets."""

from itertools import pairwise
from typing import Any

import pytest

from hubmis_frames.operations import CATALOGUE
from hubmis_frames.operations.declaration import YEAR
from hubmis_frames.simulator import World
from hubmis_frames.simulator.filters import WITHOUT_EFFECT, filter_values
from hubmis_frames.simulator.store import Store, kind_of_records
from hubmis_frames.simulator.structure import YEAR_GROUP_IDS
from tests.helpers.simulator import THIS_YEAR, Client, steady


def test_pages_follow_each_other_without_gap_or_overlap(client: Client, everyone: list[dict[str, Any]]) -> None:
    pages = [client.rows("students", {"page[number]": n, "page[size]": 70}) for n in range(1, 6)]
    assert [len(page) for page in pages] == [70, 70, 70, 30, 0]
    assert [row for page in pages for row in page] == everyone
    assert client.rows("students") == everyone[:100]


@pytest.mark.parametrize(
    ("rules", "query", "first", "count"),
    [
        ({}, {"page[number]": 0, "page[size]": 7}, 0, 7),
        ({"page_zero": "empty"}, {"page[number]": 0, "page[size]": 7}, 0, 0),
        ({"page_cap": 5}, {"page[size]": 7}, 0, 5),
        ({"page_cap": 5}, {"page[number]": 2, "page[size]": 7}, 5, 5),
        ({"page_default": 6}, {}, 0, 6),
        ({"first_page": 0}, {"page[number]": 1, "page[size]": 7}, 7, 7),
        ({"first_page": 0}, {"page[number]": 0, "page[size]": 7}, 0, 7),
        ({"ignore_paging": True}, {"page[number]": 3, "page[size]": 7}, 0, 30),
    ],
)
def test_page_size_and_first_page_follow_the_rules(
    serve: Any, small: World, rules: Any, query: Any, first: int, count: int
) -> None:
    _, client = serve(**rules)
    everybody = [n for n, row in small.entities["student"].items() if row["enrolment_status"] == "current"]
    assert [row["id"] for row in client.rows("students", query)] == everybody[first : first + count]


def test_page_zero_may_be_an_error(serve: Any) -> None:
    _, client = serve(page_zero="error")
    assert client.ask("students?page[number]=0").status_code == 422
    assert client.ask("students?page[number]=1").status_code == 200


def test_students_are_filtered_by_their_fields(client: Client, everyone: list[dict[str, Any]]) -> None:
    one = next(row for row in everyone if row["boarding_house"])
    for name, value, holds in (
        ("yearGroup", one["year_group"]["id"], lambda row: row["year_group"] == one["year_group"]),
        ("form", one["form"]["id"], lambda row: row["form"] == one["form"]),
        ("gender", one["gender"]["id"], lambda row: row["gender"] == one["gender"]),
        ("boardingType", one["boarding_type"]["id"], lambda row: row["boarding_type"] == one["boarding_type"]),
        ("house", one["boarding_house"]["id"], lambda row: row["boarding_house"] == one["boarding_house"]),
        ("house", one["academic_house"]["id"], lambda row: row["academic_house"] == one["academic_house"]),
    ):
        asked = client.rows("students", {f"filter[{name}]": value, "page[size]": 1000})
        assert asked == [row for row in everyone if holds(row)], name
        assert 0 < len(asked) < len(everyone), name


def test_filters_narrow_each_other(client: Client, everyone: list[dict[str, Any]]) -> None:
    year_group, gender = (everyone[0][name]["id"] for name in ("year_group", "gender"))
    asked = client.rows("students", {"filter[yearGroup]": year_group, "filter[gender]": gender})
    assert asked
    assert {(row["year_group"]["id"], row["gender"]["id"]) for row in asked} == {(year_group, gender)}


def test_events_are_filtered_by_the_tutor_group_of_students(client: Client) -> None:
    group = client.rows(f"academic-years/{THIS_YEAR}/tutor-groups")[2]["id"]
    asked = client.rows("students", {"filter[tutorGroup]": group})
    members = client.rows(f"academic-years/{THIS_YEAR}/tutor-groups/{group}/students")
    assert {row["id"] for row in asked} == {row["id"] for row in members} != set()


def test_a_search_compares_every_text(client: Client, everyone: list[dict[str, Any]]) -> None:
    name = everyone[3]["last_name"]
    asked = client.rows("students", {"search": name.upper()})
    assert everyone[3] in asked
    assert all(name.casefold() in str(row).casefold() for row in asked)
    assert client.rows("students", {"search": "no such text"}) == []


def test_a_status_filtered_by_number_is_text_in_the_record(client: Client) -> None:
    for number, status in ((1, "active"), (2, "inactive")):
        assert {row["status"] for row in client.rows("contacts", {"filter[status]": number})} == {status}


def test_enrolment_statuses_do_not_overlap(client: Client, everyone: list[dict[str, Any]]) -> None:
    past = client.rows("students/past", {"page[size]": 1000})
    here = client.rows("students", {"filter[enrolmentStatus]": "past", "page[size]": 1000})
    applicants = client.rows("students", {"filter[enrolmentStatus]": "applicant"})
    assert {row["enrolment_status"] for row in past + here} == {"past"}
    assert {row["id"] for row in here} < {row["id"] for row in past}
    assert {row["enrolment_status"] for row in applicants} == {"applicant"}
    assert {row["enrolment_status"] for row in everyone} == {"current"}


def test_the_list_of_students_may_hold_every_status(serve: Any) -> None:
    _, client = serve(statuses=frozenset({"current", "past", "applicant"}))
    assert {row["enrolment_status"] for row in client.rows("students")} == {"current", "past", "applicant"}


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2026-01-06", "2026-01-07", {"2026-01-06", "2026-01-07"}),
        ("2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z", {"2026-01-06"}),
        ("2026-01-06T08:00:00+00:00", "2026-01-06", {"2026-01-06"}),
        ("2026-01-06T23:00:00Z", "2026-01-07T23:59:59+00:00", {"2026-01-07"}),
    ],
)
def test_marks_are_filtered_by_time(client: Client, world: World, first: str, last: str, expected: set[str]) -> None:
    student = steady(world)
    query = {"filter[dateTime][from]": first, "filter[dateTime][to]": last}
    rows = client.rows(f"students/{student}/attendance-records", query)
    assert {row["date"] for row in rows} == expected
    assert len(rows) == 2 * len(expected)


def test_bounds_are_inclusive(client: Client, world: World) -> None:
    path = f"students/{steady(world)}/attendance-records"
    moment = client.rows(path)[100]["date_time"]
    query = {"filter[dateTime][from]": moment, "filter[dateTime][to]": moment}
    assert [row["date_time"] for row in client.rows(path, query)] == [moment]


def test_marks_are_filtered_by_code_and_session(client: Client, world: World) -> None:
    path = f"students/{steady(world)}/attendance-records"
    code = client.rows(path)[0]["attendance_code"]["id"]
    query = {"filter[attendanceCode]": code, "filter[attendanceSession]": "am"}
    rows = client.rows(path, query)
    assert rows
    assert {(row["attendance_code"]["id"], row["attendance_session"]) for row in rows} == {(code, "am")}


def test_events_of_past_students_are_returned_on_request(client: Client, world: World) -> None:
    def asked(include: str) -> list[int]:
        query = {"page[size]": 10000, "filter[includePastStudents]": include}
        return [row["student"]["id"] for row in client.rows("pastoral/events", query)]

    past = {n for n, row in world.entities["student"].items() if row["enrolment_status"] == "past"}
    assert not past & set(asked("false"))
    assert past & set(asked("true"))
    assert len(client.rows("pastoral/events", {"page[size]": 10000})) == len(asked("false")) < len(asked("true"))


def test_events_are_filtered_by_groups_of_the_student(client: Client) -> None:
    rows = client.rows("pastoral/events", {"filter[yearGroup]": YEAR_GROUP_IDS[9], "page[size]": 10000})
    assert rows
    assert {row["year_group"]["id"] for row in rows} == {YEAR_GROUP_IDS[9]}
    kinds = client.rows("pastoral/events", {"filter[type]": "wellbeing_plan", "page[size]": 10000})
    assert {row["type"] for row in kinds} == {"wellbeing_plan"}


def test_a_summary_counts_the_rows_that_pass_its_filters(client: Client) -> None:
    for query in (
        {},
        {"filter[yearGroup]": YEAR_GROUP_IDS[9]},
        {"filter[status]": "active", "filter[includePastStudents]": "true"},
    ):
        summary = client.rows("pastoral/events/summary", query)
        events = client.rows("pastoral/events", {**query, "page[size]": 10000})
        assert sum(row["total"] for row in summary) == len(events) > 0


def test_filters_may_be_ignored(serve: Any) -> None:
    _, client = serve(ignore_filters=True)
    assert client.rows("students", {"filter[yearGroup]": YEAR_GROUP_IDS[9]}) == client.rows("students")


@pytest.mark.parametrize("spelling", ["last_name", "lastName"])
def test_rows_are_sorted_by_a_field(client: Client, everyone: list[dict[str, Any]], spelling: str) -> None:
    def names(direction: str) -> list[str]:
        rows = client.rows("students", {f"sort[{spelling}]": direction, "page[size]": 1000})
        return [row["last_name"].casefold() for row in rows]

    assert names("asc") == sorted(row["last_name"].casefold() for row in everyone)
    assert names("desc") == names("asc")[::-1]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_nulls_are_sorted_last_in_both_directions(client: Client, direction: str) -> None:
    rows = client.rows("students", {"sort[boardingHouse]": direction, "page[size]": 1000})
    houses = [row["boarding_house"] for row in rows]
    first = houses.index(None)
    assert not any(houses[first:])
    named = [house["name"] for house in houses[:first]]
    assert named == sorted(named, reverse=direction == "desc")
    assert len(set(named)) == 2


def test_a_second_sort_orders_ties_of_the_first(client: Client) -> None:
    rows = client.rows("students", {"sort[year_group]": "asc", "sort[first_name]": "desc", "page[size]": 1000})
    for one, other in pairwise(row for row in rows if row["year_group"]["id"] == YEAR_GROUP_IDS[8]):
        assert one["first_name"].casefold() >= other["first_name"].casefold()


def test_every_filter_of_the_document_compares_a_field(store: Store) -> None:
    """A filter that looks at a field nobody has would let nothing through, whatever is asked."""
    blind = []
    for endpoint in CATALOGUE.values():
        kind = {"pastoral_events_summary": "pastoral_event"}.get(endpoint.table, kind_of_records(endpoint))
        if endpoint.table == "student_attendance" or "calendar" in endpoint.table:
            continue
        for parameter in endpoint.parameters:
            name = parameter.name
            if parameter.place != "query" or name in {YEAR, "search", "include_past_students"} | WITHOUT_EFFECT:
                continue
            if name.endswith(("_from", "_to")):
                continue
            rows = [store.row(kind, number, THIS_YEAR) or {} for number in store.rows(kind)]
            if not any(filter_values(store, THIS_YEAR, name, row, {}) for row in rows):
                blind.append(f"{endpoint.table}: {name}")
    assert blind == []
