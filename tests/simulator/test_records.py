"""Every operation returns the declared records, and the records of the simulated school agree with each other."""

import re
from collections import Counter
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from hubmis_frames.operations import CATALOGUE
from hubmis_frames.operations.declaration import Endpoint
from hubmis_frames.operations.shapes import refers
from hubmis_frames.simulator import World
from hubmis_frames.simulator.store import Store, kind_of_id
from hubmis_frames.simulator.structure import YEAR_GROUP_IDS
from tests.helpers.simulator import LAST_YEAR, THIS_YEAR, Client, address, steady


def as_text(kind: pa.DataType) -> pa.DataType:
    """Return the type with its dates, times and instants as the text that JSON has."""
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, as_text(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(as_text(kind.value_type))
    return pa.string() if pa.types.is_temporal(kind) else kind


def check(value: Any, kind: pa.DataType, where: str) -> None:
    """Assert that a JSON value has the declared fields, all of them and no others, of the declared types."""
    if value is None:
        return
    if pa.types.is_struct(kind):
        assert list(value) == [field.name for field in kind], where
        for field in kind:
            check(value[field.name], field.type, f"{where}.{field.name}")
    elif pa.types.is_list(kind):
        for item in value:
            assert item is not None, where
            check(item, kind.value_type, where)
    elif pa.types.is_boolean(kind):
        assert isinstance(value, bool), where
    elif pa.types.is_integer(kind):
        assert type(value) is int, f"{where}: {value!r}"
    elif pa.types.is_date(kind):
        date.fromisoformat(value)
    elif pa.types.is_timestamp(kind):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value), where
    elif pa.types.is_time(kind):
        assert re.fullmatch(r"\d\d:\d\d:\d\d", value), where
    elif pa.types.is_string(kind):
        assert isinstance(value, str), f"{where}: {value!r}"
        assert value == value.strip() != "", where


@pytest.mark.parametrize("table", CATALOGUE)
def test_an_operation_returns_the_declared_fields(client: Client, store: Store, table: str) -> None:
    endpoint = CATALOGUE[table]
    path, query = address(store, endpoint)
    answer = client.rows(path, query)
    if endpoint.wrapper:
        assert list(answer) == [endpoint.wrapper]
        answer = answer[endpoint.wrapper]
    assert isinstance(answer, dict if endpoint.single else list)
    records = [answer] if endpoint.single else answer
    assert pa.array(records, type=as_text(endpoint.record)).null_count == 0
    for record in records:
        check(record, endpoint.record, table)
    if endpoint.key and not endpoint.single and "id" in (record or {} for record in records[:1]):
        ids = [record["id"] for record in records]
        assert len(set(ids)) == len(ids)


def test_every_list_has_rows_somewhere(client: Client, store: Store) -> None:
    def filled(endpoint: Endpoint) -> bool:
        for turn in range(80):
            path, query = address(store, endpoint, turn)
            answer = client.rows(path, query)
            if answer[endpoint.wrapper] if endpoint.wrapper else answer:
                return True
        return False

    assert [table for table, endpoint in CATALOGUE.items() if not filled(endpoint)] == []


def test_records_belong_to_the_requested_student(client: Client, world: World) -> None:
    mails = [client.rows(f"students/{n}/emails") for n in list(world.entities["student"])[:20]]
    seen = [row["id"] for rows in mails for row in rows]
    assert len(seen) == len(set(seen)) > 0
    reports = [client.rows(f"students/{n}/progress-reports") for n in list(world.entities["student"])[:20]]
    seen = [row["id"] for rows in reports for row in rows]
    assert len(seen) == len(set(seen)) > 0
    staff, other = list(world.entities["staff"])[:2]
    mapping = client.rows(f"staff/{staff}/addresses")[0]["id"]
    assert client.ask(f"staff/{staff}/addresses/{mapping}").status_code == 200
    assert client.ask(f"staff/{other}/addresses/{mapping}").status_code == 404


def test_groups_contain_the_students_who_name_them(client: Client, everyone: list[dict[str, Any]]) -> None:
    by_form = Counter(row["form"]["id"] for row in everyone)
    forms = client.rows(f"academic-years/{THIS_YEAR}/forms")
    assert set(by_form) == {form["id"] for form in forms}
    for form in forms:
        members = client.rows(f"academic-years/{THIS_YEAR}/forms/{form['id']}/students")
        assert len(members) == form["student_count"] == by_form[form["id"]]
        assert {member["id"] for member in members} == {
            row["id"] for row in everyone if row["form"]["id"] == form["id"]
        }
        assert {member["year_group"]["id"] for member in members} == {form["year_group"]["id"]}


def test_houses_contain_the_students_who_name_them(client: Client, everyone: list[dict[str, Any]]) -> None:
    houses = client.rows("houses")
    assert Counter(house["house_type"] for house in houses) == {"academic": 4, "boarding": 2}
    totals = {row["id"]: row["student_count"] for row in client.rows("houses/summary")}
    for house in houses:
        field = f"{house['house_type']}_house"
        expected = {row["id"] for row in everyone if row[field] and row[field]["id"] == house["id"]}
        assert {row["id"] for row in client.rows(f"houses/{house['id']}/students")} == expected != set()
        assert totals[house["id"]] == len(expected)


def test_each_year_has_groups_of_its_own(client: Client) -> None:
    for kind in ("forms", "tutor-groups", "subject-sets?page[size]=1000"):
        last, this = (client.rows(f"academic-years/{year}/{kind}") for year in (LAST_YEAR, THIS_YEAR))
        assert not {row["id"] for row in last} & {row["id"] for row in this}
        assert {row["academic_year"]["id"] for row in last} == {LAST_YEAR}
    form = client.rows(f"academic-years/{LAST_YEAR}/forms")[0]["id"]
    assert client.ask(f"academic-years/{LAST_YEAR}/forms/{form}").status_code == 200
    for path in (f"forms/{form}", f"forms/{form}/students"):
        assert client.ask(f"academic-years/{THIS_YEAR}/{path}").status_code == 404


def test_a_year_ago_students_were_a_year_lower(client: Client, everyone: list[dict[str, Any]]) -> None:
    number = {year_group: year for year, year_group in YEAR_GROUP_IDS.items()}
    now = {row["id"]: number[row["year_group"]["id"]] for row in everyone}
    before = client.rows("students", {"page[size]": 1000}, year=LAST_YEAR)
    assert 150 < len(before) < len(everyone)
    assert all(now[row["id"]] == number[row["year_group"]["id"]] + 1 for row in before)
    asked = client.rows("students", {"page[size]": 1000, "filter[academicYear]": LAST_YEAR})
    assert asked == before
    one = before[0]["id"]
    assert client.rows(f"students/{one}", year=LAST_YEAR)["form"] != client.rows(f"students/{one}")["form"]
    groups = client.rows(f"academic-years/{LAST_YEAR}/year-groups")
    assert sum(group["total_student_count"] for group in groups) > len(before), "some have left since"


def test_contacts_and_students_refer_to_each_other(client: Client, world: World) -> None:
    contacts = {row["id"]: row for row in client.rows("contacts", {"page[size]": 1000})}
    counts = Counter()
    for student in world.entities["student"]:
        relations = client.rows(f"students/{student}/contacts")
        counts[len(relations)] += 1
        for relation in relations:
            assert relation["student"]["id"] == student
            assert student in {row["id"] for row in contacts[relation["contact"]["id"]]["students"]}
    assert set(counts) == {0, 1, 2}
    shared = next(row for row in contacts.values() if len(row["students"]) > 1)
    relations = client.rows(f"contacts/{shared['id']}/students")
    assert {row["student"]["id"] for row in relations} == {row["id"] for row in shared["students"]}
    one, other = (row["id"] for row in shared["students"][:2])
    assert other in {row["related_student"]["id"] for row in client.rows(f"students/{one}/relations")}


def test_custom_fields_are_in_their_groups(client: Client) -> None:
    groups = client.rows("custom-field-groups/student")
    fields = [client.rows("custom-fields", {"groupId": group["id"]}) for group in groups]
    assert [[row["custom_field_group"]["id"] for row in rows] for rows in fields] == [
        [group["id"]] * len(rows) for group, rows in zip(groups, fields, strict=True)
    ]
    assert all(fields)
    assert client.rows(f"custom-fields/{fields[0][0]['id']}/options")


def test_every_id_refers_to_an_existing_row(client: Client, store: Store) -> None:
    """Every id in an object that stands for a thing is the id of one."""

    def walk(record: Any, kind: pa.StructType, where: str) -> None:
        for field in kind:
            values = record[field.name] if isinstance(record[field.name], list) else [record[field.name]]
            inner = field.type.value_type if pa.types.is_list(field.type) else field.type
            for value in values if pa.types.is_struct(inner) else ():
                if value is not None:
                    if key := refers(field):
                        assert value["id"] in store.rows(kind_of_id(key)), f"{where}.{field.name}"
                    walk(value, inner, f"{where}.{field.name}")

    for endpoint in CATALOGUE.values():
        path, query = address(store, endpoint)
        answer = client.rows(path, query)
        answer = answer[endpoint.wrapper] if endpoint.wrapper else answer
        for record in [answer] if endpoint.single else answer:
            walk(record, endpoint.record, endpoint.table)


def test_students_join_and_leave_within_the_years(client: Client, stays: dict[int, dict[str, Any]]) -> None:
    rows = list(stays.values())
    assert 1 <= sum("2025-09-02" < row["start_date"] < "2026-07-03" for row in rows) <= 20
    assert all((row["enrolment_status"] == "past") == (row["leaving_date"] is not None) for row in rows)
    assert 3 <= sum((row["leaving_date"] or "0000-07-")[4:8] != "-07-" for row in rows) <= 12
    assert all(row["start_date"] <= (row["leaving_date"] or "9") for row in rows)
    people = client.rows("students", {"page[size]": 1000})
    assert 1 <= sum(row["deleted_at"] is not None for row in people) <= 3
    assert 1 <= sum(row["person_type"] == "stduent" for row in people) <= 20
    assert any(row["unique_pupil_number"].startswith("0") for row in rows)
    assert any((row["candidate_number"] or "").startswith("0") for row in rows)
    assert not all(row["last_name"].isascii() for row in people)
    assert any((row["name_in_local_language"] or "") > "\u4e00" for row in people)
    logins = [row["last_login"] for row in people]
    assert 0 < logins.count(None) < len(logins) / 3, "a field that the school does not fill is null now and then"


def test_nobody_is_in_two_places_at_once(client: Client, world: World) -> None:
    for kind in ("students", "staff"):
        people = list(world.entities["student" if kind == "students" else "staff"])
        for number in people[::3]:
            periods = client.rows(f"{kind}/{number}/timetable")["timetables"]
            slots = [(row["day"], row["time_from"]) for row in periods]
            assert len(slots) == len(set(slots)), (kind, number)


def test_the_timetable_calendar_has_lessons_on_open_days_only(client: Client, world: World) -> None:
    student = steady(world)
    query = {"filter[dateFrom]": "2026-02-02", "filter[dateTo]": "2026-02-22", "filter[date]": "2026-02-02"}
    days = client.rows(f"students/{student}/timetable/calendar", query)["calendar"]
    week = client.rows(f"students/{student}/timetable")["timetables"]
    per_day = Counter(row["day"] for row in week)
    dates = Counter(row["date"] for row in days)
    assert "2026-02-05" not in dates, "the heating failed"
    assert max(dates) == "2026-02-13", "then half-term"
    assert dates["2026-02-02"] == dates["2026-02-09"] == per_day["Monday"] > 0
    (teacher,) = days[0]["staff"]
    taught = client.rows(f"staff/{teacher['id']}/timetable/calendar", query)["calendar"]
    assert days[0] in taught
    assert all(teacher in row["staff"] for row in taught)
