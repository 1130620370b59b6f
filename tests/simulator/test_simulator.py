"""The simulated school holds together, and its server behaves as the rules say, over real sockets."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import orjson
import pyarrow as pa
import pytest
import requests

from hubmis_frames.operations import CATALOGUE
from hubmis_frames.operations.declaration import YEAR, Endpoint
from hubmis_frames.operations.shapes import refers
from hubmis_frames.simulator import Answer, Asked, Rules, Simulator, World, build_world
from hubmis_frames.simulator.__main__ import main
from hubmis_frames.simulator.filters import WITHOUT_EFFECT, found
from hubmis_frames.simulator.store import Store, kind_of, thing

V1 = "/api/v1/"
LAST_YEAR, THIS_YEAR = 21, 23
ATTENDING = {"/", "\\", "L", "K", "V", "P", "W", "B"}
ABSENT = {"C", "C1", "C2", "E", "I", "J1", "M", "R", "S", "T", "G", "N", "O", "U"}
NOT_POSSIBLE = {"D", "Q", "X", "Z", "#"} | {f"Y{n}" for n in range(1, 8)}
CREDENTIALS = {"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}


class Client(requests.Session):
    """A session with a token and a realm."""

    def __init__(self, simulator: Simulator, realm: str = "S999") -> None:
        super().__init__()
        self.url = simulator.url + V1
        token = self.post(f"{self.url}token", data=CREDENTIALS).json()["access_token"]
        self.headers.update({"Authorization": f"Bearer {token}", "Realm": realm})

    def ask(self, path: str, year: int | None = None, **query: object) -> requests.Response:
        """GET a path; ``filter_x=1`` would not do for brackets, so they come in a dict."""
        headers = {"academic-year-id": str(year)} if year else {}
        return self.get(self.url + path, params=query.get("params"), headers=headers)  # type: ignore[arg-type]

    def rows(self, path: str, params: dict[str, Any] | None = None, year: int | None = None) -> Any:
        answer = self.ask(path, year, params=params)
        assert answer.status_code == 200, answer.text
        return orjson.loads(answer.content)


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


@pytest.fixture(scope="module")
def store(world: World) -> Store:
    return Store(world)


@pytest.fixture(scope="module")
def simulator(world: World) -> Iterator[Simulator]:
    with Simulator(world, Rules(capacity=10**6)) as running:
        yield running


@pytest.fixture(scope="module")
def client(simulator: Simulator) -> Iterator[Client]:
    with Client(simulator) as session:
        yield session


@pytest.fixture(scope="module")
def small() -> World:
    return build_world(30)


@pytest.fixture
def serve(small: World) -> Iterator[Any]:
    """Start a simulator by other rules; return it with a client."""
    opened: list[Any] = []

    def start(*, hooks: Any = (), **rules: Any) -> tuple[Simulator, Client]:
        running = Simulator(small, Rules(**rules), hooks).start()
        opened.append(running)
        session = Client(running)
        opened.append(session)
        return running, session

    yield start
    for each in reversed(opened):
        each.close()


@pytest.fixture(scope="module")
def everyone(client: Client) -> list[dict[str, Any]]:
    return client.rows("students", {"page[size]": 1000})


@pytest.fixture(scope="module")
def marks(client: Client, world: World) -> dict[int, list[dict[str, Any]]]:
    return {n: client.rows(f"students/{n}/attendance-records") for n in world.entities["student"]}


@pytest.fixture(scope="module")
def stays(client: Client, world: World) -> dict[int, dict[str, Any]]:
    """When each student came and left, and as what they are enrolled."""
    people = world.entities["student"]
    return {n: client.rows(f"students/{n}/enrolment") | client.rows(f"students/{n}/destination") for n in people}


# Tokens


def test_a_token_is_given_for_a_form(serve: Any) -> None:
    running, client = serve()
    granted = requests.post(f"{client.url}token", data=CREDENTIALS)
    assert granted.status_code == 200
    assert granted.headers["Content-Type"] == "application/json"
    assert granted.json()["token_type"] == "Bearer"
    assert granted.json()["expires_in"] == 86400
    assert requests.post(f"{client.url}token", json=CREDENTIALS).status_code == 415
    assert requests.get(f"{client.url}token").status_code == 405
    assert running.count("token") == 4


@pytest.mark.parametrize(("body", "form", "json"), [("json", 415, 200), ("both", 200, 200)])
def test_credentials_are_taken_as_the_rules_say(small: World, body: Any, form: int, json: int) -> None:
    with Simulator(small, Rules(token_body=body)) as running:
        assert requests.post(f"{running.url}{V1}token", data=CREDENTIALS).status_code == form
        assert requests.post(f"{running.url}{V1}token", json=CREDENTIALS).status_code == json


@pytest.mark.parametrize(
    ("change", "status"),
    [({"client_secret": "x"}, 401), ({"client_id": "x"}, 401), ({"grant_type": "password"}, 400)],
)
def test_wrong_credentials_get_no_token(client: Client, change: dict[str, str], status: int) -> None:
    refused = requests.post(f"{client.url}token", data=CREDENTIALS | change)
    assert refused.status_code == status
    assert "access_token" not in refused.json()


def test_a_token_expires_when_it_is_due_and_not_when_it_claims(serve: Any) -> None:
    running, client = serve(token_seconds=60)
    running.advance(59)
    assert client.ask("genders").status_code == 200
    running.advance(2)
    assert client.ask("genders").status_code == 401


def test_nothing_is_said_without_a_token(simulator: Simulator) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}):
        assert requests.get(f"{simulator.url}{V1}genders", headers={"Realm": "S999", **headers}).status_code == 401


# Refusals


def test_the_realm_selects_the_school(client: Client) -> None:
    assert client.get(f"{client.url}genders", headers={"Realm": None}).status_code == 400  # type: ignore[dict-item]
    assert client.get(f"{client.url}genders", headers={"Realm": "S1"}).status_code == 403
    assert client.get(f"{client.url}genders", headers={"Realm": None, "realm": "S999"}).status_code == 200  # type: ignore[dict-item]


def test_two_realms_are_two_schools(small: World) -> None:
    other = build_world(21, seed=2, realm="S1")
    with Simulator({"S999": small, "S1": other}) as running, Client(running) as one, Client(running, "S1") as two:
        assert one.rows("students") != two.rows("students")
        assert len(two.rows("students")) == 21


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nothing", 404),
        ("students/1", 404),
        ("students/x", 404),
        ("students/1/enrolment", 404),
        ("students/-5", 404),
        ("academic-years/99/terms", 404),
        ("pastoral/categories/other", 404),
        ("students?filter[colour]=1", 400),
        ("students?page=1", 400),
        ("genders?page[number]=1", 400),
        ("genders?sort[name]=asc", 400),
        ("students?filter[yearGroup]=nine", 422),
        ("students?filter[yearGroup]=", 422),
        ("houses?filter[houseType]=other", 422),
        ("houses?filter[isActive]=perhaps", 422),
        ("pastoral/events?filter[dateTime][from]=monday", 422),
        ("students?page[size]=0", 422),
        ("students?page[number]=one", 422),
        ("students?sort[last_name]=up", 422),
        ("students?sort[colour]=asc", 422),
        ("custom-fields", 422),
        ("students?filter[academicYear]=99", 422),
        ("students?filter[academicYear]=2025/26", 422),
    ],
)
def test_what_the_document_does_not_allow_is_refused(client: Client, path: str, status: int) -> None:
    refused = client.ask(path)
    assert refused.status_code == status
    assert refused.json()["message"]


def test_the_header_for_the_year_is_checked(client: Client) -> None:
    assert client.ask("students", year=99).status_code == 422
    assert client.ask("genders", year=99).status_code == 200, "an operation that takes no year does not look"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_nothing_can_be_changed(client: Client, method: str) -> None:
    assert client.request(method, f"{client.url}students").status_code == 405


def test_a_forbidden_table_is_refused_and_others_are_not(serve: Any) -> None:
    _, client = serve(forbidden=frozenset({"learning_support_records"}))
    assert client.ask("learning-support/records").status_code == 403
    assert client.ask("learning-support/types").status_code == 200


def test_parameters_may_be_unknown_by_other_rules(serve: Any) -> None:
    _, client = serve(strict_query=False)
    assert len(client.rows("students", {"filter[colour]": 1})) == 30


# Limits


def test_the_bucket_empties_and_fills_again(serve: Any) -> None:
    running, client = serve(capacity=3, refill_seconds=5.0)
    answers = [client.ask("genders") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429], "the token took the first place"
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"3"}
    assert [answer.headers.get("X-RateLimit-Retry-After") is None for answer in answers] == [True, True, False]
    assert 3 <= int(answers[2].headers["X-RateLimit-Retry-After"]) - running.now() <= 5
    running.advance(5.1)
    assert [client.ask("genders").status_code for _ in range(2)] == [200, 429]
    running.advance(60)
    assert [client.ask("genders").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_an_address_may_have_a_limit_that_no_header_shows(serve: Any) -> None:
    running, client = serve(per_address_per_minute=4)
    answers = [client.ask("genders") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[3].headers["X-RateLimit-Remaining"]) > 400
    running.advance(61)
    assert client.ask("genders").status_code == 200


def test_rate_headers_may_be_left_out(serve: Any) -> None:
    _, client = serve(send_rate_headers=False)
    assert not [name for name in client.ask("genders").headers if name.startswith("X-RateLimit")]


# Pages


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
def test_pages_are_counted_as_the_rules_say(
    serve: Any, small: World, rules: Any, query: Any, first: int, count: int
) -> None:
    _, client = serve(**rules)
    everybody = [n for n, row in small.entities["student"].items() if row["enrolment_status"] == "current"]
    assert [row["id"] for row in client.rows("students", query)] == everybody[first : first + count]


def test_page_zero_may_be_an_error(serve: Any) -> None:
    _, client = serve(page_zero="error")
    assert client.ask("students?page[number]=0").status_code == 422
    assert client.ask("students?page[number]=1").status_code == 200


# Filters and sorts


def test_students_are_filtered_by_what_they_are(client: Client, everyone: list[dict[str, Any]]) -> None:
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
    query = {"filter[yearGroup]": 9, "filter[gender]": everyone[0]["gender"]["id"]}
    asked = client.rows("students", query)
    assert asked
    assert {(row["year_group"]["id"], row["gender"]["id"]) for row in asked} == {(9, everyone[0]["gender"]["id"])}


def test_a_tutor_group_is_found_through_its_members(client: Client) -> None:
    group = client.rows(f"academic-years/{THIS_YEAR}/tutor-groups")[2]["id"]
    asked = client.rows("students", {"filter[tutorGroup]": group})
    members = client.rows(f"academic-years/{THIS_YEAR}/tutor-groups/{group}/students")
    assert {row["id"] for row in asked} == {row["id"] for row in members} != set()


def test_a_search_looks_into_every_text(client: Client, everyone: list[dict[str, Any]]) -> None:
    name = everyone[3]["last_name"]
    asked = client.rows("students", {"search": name.upper()})
    assert everyone[3] in asked
    assert all(name.casefold() in str(row).casefold() for row in asked)
    assert client.rows("students", {"search": "no such text"}) == []


def test_the_status_that_is_asked_for_by_number_is_text_in_the_record(client: Client) -> None:
    for number, status in ((1, "active"), (2, "inactive")):
        assert {row["status"] for row in client.rows("contacts", {"filter[status]": number})} == {status}


def test_enrolment_statuses_are_apart(client: Client, everyone: list[dict[str, Any]]) -> None:
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
def test_marks_are_filtered_by_moment(client: Client, world: World, first: str, last: str, expected: set[str]) -> None:
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


def test_events_of_past_students_come_when_asked_for(client: Client, world: World) -> None:
    def asked(include: str) -> list[int]:
        query = {"page[size]": 10000, "filter[includePastStudents]": include}
        return [row["student"]["id"] for row in client.rows("pastoral/events", query)]

    past = {n for n, row in world.entities["student"].items() if row["enrolment_status"] == "past"}
    assert not past & set(asked("false"))
    assert past & set(asked("true"))
    assert len(client.rows("pastoral/events", {"page[size]": 10000})) == len(asked("false")) < len(asked("true"))


def test_events_are_filtered_by_the_student_s_place(client: Client) -> None:
    rows = client.rows("pastoral/events", {"filter[yearGroup]": 9, "page[size]": 10000})
    assert rows
    assert {row["year_group"]["id"] for row in rows} == {9}
    kinds = client.rows("pastoral/events", {"filter[type]": "wellbeing_plan", "page[size]": 10000})
    assert {row["type"] for row in kinds} == {"wellbeing_plan"}


def test_a_summary_counts_what_its_filters_let_through(client: Client) -> None:
    for query in ({}, {"filter[yearGroup]": 9}, {"filter[status]": "active", "filter[includePastStudents]": "true"}):
        summary = client.rows("pastoral/events/summary", query)
        events = client.rows("pastoral/events", {**query, "page[size]": 10000})
        assert sum(row["total"] for row in summary) == len(events) > 0


def test_filters_may_be_ignored(serve: Any) -> None:
    _, client = serve(ignore_filters=True)
    assert client.rows("students", {"filter[yearGroup]": 9}) == client.rows("students")


@pytest.mark.parametrize("spelling", ["last_name", "lastName"])
def test_rows_are_sorted_by_a_field(client: Client, everyone: list[dict[str, Any]], spelling: str) -> None:
    def names(direction: str) -> list[str]:
        rows = client.rows("students", {f"sort[{spelling}]": direction, "page[size]": 1000})
        return [row["last_name"].casefold() for row in rows]

    assert names("asc") == sorted(row["last_name"].casefold() for row in everyone)
    assert names("desc") == names("asc")[::-1]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_nulls_are_sorted_last_whichever_way(client: Client, direction: str) -> None:
    rows = client.rows("students", {"sort[boardingHouse]": direction, "page[size]": 1000})
    houses = [row["boarding_house"] for row in rows]
    first = houses.index(None)
    assert not any(houses[first:])
    named = [house["name"] for house in houses[:first]]
    assert named == sorted(named, reverse=direction == "desc")
    assert len(set(named)) == 2


def test_a_second_sort_orders_what_the_first_leaves_equal(client: Client) -> None:
    rows = client.rows("students", {"sort[year_group]": "asc", "sort[first_name]": "desc", "page[size]": 1000})
    for one, other in pairwise(row for row in rows if row["year_group"]["id"] == 8):
        assert one["first_name"].casefold() >= other["first_name"].casefold()


def test_every_filter_of_the_document_looks_at_something(store: Store) -> None:
    """A filter that looks at a field nobody has would let nothing through, whatever is asked."""
    blind = []
    for endpoint in CATALOGUE.values():
        kind = {"pastoral_events_summary": "pastoral_event"}.get(endpoint.table, kind_of(endpoint))
        if endpoint.table == "student_attendance" or "calendar" in endpoint.table:
            continue
        for parameter in endpoint.parameters:
            name = parameter.name
            if parameter.place != "query" or name in {YEAR, "search", "include_past_students"} | WITHOUT_EFFECT:
                continue
            if name.endswith(("_from", "_to")):
                continue
            rows = [store.row(kind, number, THIS_YEAR) or {} for number in store.rows(kind)]
            if not any(found(store, THIS_YEAR, name, row, {}) for row in rows):
                blind.append(f"{endpoint.table}: {name}")
    assert blind == []


# Every operation


def address(store: Store, endpoint: Endpoint, turn: int = 0) -> tuple[str, dict[str, str]]:
    """Return a path of the endpoint with ids that exist and belong together, and the query it requires.

    Another turn gives other ids.
    """
    ids: dict[str, Any] = {}
    for parameter in endpoint.path_ids:
        rows = store.rows(thing(parameter.name)) if not parameter.choices else {}
        own = [n for n in store.values(parameter) if all(rows.get(n, {}).get(thing(k), v) == v for k, v in ids.items())]
        ids[parameter.name] = THIS_YEAR if parameter.name == YEAR else own[(len(own) // 2 + turn) % len(own)]
        if parameter.name == "address_mapping_id":
            ids[parameter.name] = next(n for n, row in rows.items() if row.get("staff") == ids["staff_id"])
    query = {p.wire: "2026-01-05" for p in endpoint.parameters if p.required and p.kind not in (int, str)}
    group = next(iter(store.rows("custom_field_group")))
    query |= {p.wire: str(group) for p in endpoint.parameters if p.required and p.place == "query" and p.kind is int}
    return endpoint.path.format(**ids).removeprefix(V1), query


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
def test_an_operation_answers_with_what_it_declares(client: Client, store: Store, table: str) -> None:
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


def test_no_list_is_empty_everywhere(client: Client, store: Store) -> None:
    def filled(endpoint: Endpoint) -> bool:
        for turn in range(80):
            path, query = address(store, endpoint, turn)
            answer = client.rows(path, query)
            if answer[endpoint.wrapper] if endpoint.wrapper else answer:
                return True
        return False

    assert [table for table, endpoint in CATALOGUE.items() if not filled(endpoint)] == []


def test_what_one_student_has_is_not_another_s(client: Client, world: World) -> None:
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


# One school


def test_groups_hold_those_whose_group_it_is(client: Client, everyone: list[dict[str, Any]]) -> None:
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


def test_houses_hold_those_whose_house_it_is(client: Client, everyone: list[dict[str, Any]]) -> None:
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
    now = {row["id"]: row["year_group"]["id"] for row in everyone}
    before = client.rows("students", {"page[size]": 1000}, year=LAST_YEAR)
    assert 150 < len(before) < len(everyone)
    assert all(now[row["id"]] == row["year_group"]["id"] + 1 for row in before)
    asked = client.rows("students", {"page[size]": 1000, "filter[academicYear]": LAST_YEAR})
    assert asked == before
    one = before[0]["id"]
    assert client.rows(f"students/{one}", year=LAST_YEAR)["form"] != client.rows(f"students/{one}")["form"]
    groups = client.rows(f"academic-years/{LAST_YEAR}/year-groups")
    assert sum(group["total_student_count"] for group in groups) > len(before), "some have left since"


def test_contacts_and_students_tell_of_each_other(client: Client, world: World) -> None:
    contacts = {row["id"]: row for row in client.rows("contacts", {"page[size]": 1000})}
    counts = Counter()
    for student in world.entities["student"]:
        relations = client.rows(f"students/{student}/contacts")
        counts[len(relations)] += 1
        for relation in relations:
            assert relation["student"]["id"] == student
            assert student in {row["id"] for row in contacts[relation["contact"]["id"]]["students"]}
    assert set(counts) == {1, 2}
    shared = next(row for row in contacts.values() if len(row["students"]) > 1)
    relations = client.rows(f"contacts/{shared['id']}/students")
    assert {row["student"]["id"] for row in relations} == {row["id"] for row in shared["students"]}
    one, other = (row["id"] for row in shared["students"][:2])
    assert other in {row["related_student"]["id"] for row in client.rows(f"students/{one}/relations")}


def test_the_school_s_own_fields_stand_in_their_groups(client: Client) -> None:
    groups = client.rows("custom-field-groups/student")
    fields = [client.rows("custom-fields", {"groupId": group["id"]}) for group in groups]
    assert [[row["custom_field_group"]["id"] for row in rows] for rows in fields] == [
        [group["id"]] * len(rows) for group, rows in zip(groups, fields, strict=True)
    ]
    assert all(fields)
    assert client.rows(f"custom-fields/{fields[0][0]['id']}/options")


def test_whoever_is_named_exists(client: Client, store: Store) -> None:
    """Every id in an object that stands for a thing is the id of one."""

    def walk(record: Any, kind: pa.StructType, where: str) -> None:
        for field in kind:
            values = record[field.name] if isinstance(record[field.name], list) else [record[field.name]]
            inner = field.type.value_type if pa.types.is_list(field.type) else field.type
            for value in values if pa.types.is_struct(inner) else ():
                if value is not None:
                    if key := refers(field):
                        assert value["id"] in store.rows(thing(key)), f"{where}.{field.name}"
                    walk(value, inner, f"{where}.{field.name}")

    for endpoint in CATALOGUE.values():
        path, query = address(store, endpoint)
        answer = client.rows(path, query)
        answer = answer[endpoint.wrapper] if endpoint.wrapper else answer
        for record in [answer] if endpoint.single else answer:
            walk(record, endpoint.record, endpoint.table)


def test_people_come_and_go(client: Client, stays: dict[int, dict[str, Any]]) -> None:
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


def test_the_calendar_follows_the_timetable_and_the_school_s_days(client: Client, world: World) -> None:
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


# Attendance


def steady(world: World) -> int:
    """Return a student who is in the school in both years and seldom away."""
    placed = world.yearly["student"]
    both = (n for n in placed[LAST_YEAR] if n in placed[THIS_YEAR] and placed[LAST_YEAR][n]["_first"] == "2024-09-01")
    people = world.entities["student"]
    return next(
        n for n in both if people[n]["enrolment_status"] == "current" and people[n]["learning_support_record_summary"]
    )


def letters(rows: list[dict[str, Any]]) -> Counter[str | None]:
    return Counter(row["attendance_code"]["code"] if row["attendance_code"] else None for row in rows)


def absence(counts: Counter[str | None]) -> tuple[int, int]:
    """Return the sessions missed and the possible ones."""
    missed = sum(counts[code] for code in ABSENT)
    return missed, missed + sum(counts[code] for code in ATTENDING)


def test_attendance_is_a_school_s(marks: dict[int, list[dict[str, Any]]]) -> None:
    counts = {student: letters(rows) for student, rows in marks.items() if rows}
    pooled: Counter[str | None] = sum(counts.values(), Counter())
    missed, possible = absence(pooled)
    assert 0.92 < 1 - missed / possible < 0.96
    rates = [absence(each)[0] / max(1, absence(each)[1]) for each in counts.values()]
    assert 5 <= sum(rate >= 0.1 for rate in rates) <= len(rates) / 5
    assert 1 <= sum(rate >= 0.5 for rate in rates) <= 4
    assert set(pooled) - ATTENDING - ABSENT - NOT_POSSIBLE == {"*", "-", None}, "a code of the school's, and unmarked"
    assert 0 < pooled[None] + pooled["-"] < possible / 100
    assert {"/", "\\", "L", "V", "P", "W", "B", "K", "I", "M", "C", "O", "U", "N", "G", "Y4", "D", "#"} <= set(pooled)
    assert pooled["L"] / possible < 0.04
    assert pooled["V"] / possible < 0.02


def test_a_mark_stands_for_every_session_and_no_other(client: Client, world: World) -> None:
    student = steady(world)
    rows = client.rows(f"students/{student}/attendance-records")
    sessions = Counter((row["date"], row["attendance_session"]) for row in rows)
    assert set(sessions.values()) == {1}
    assert 340 <= sum(row["date"] < "2025-09-01" for row in rows) <= 390
    free = []
    for year in (LAST_YEAR, THIS_YEAR):
        for kind in ("holidays", "inset-days"):
            free += client.rows(f"academic-years/{year}/{kind}")
    days = {date.fromisoformat(row["date"]) for row in rows}
    for row in free:
        first = date.fromisoformat(row.get("date_from") or row["date"])
        last = date.fromisoformat(row.get("date_to") or row["date"])
        assert not days & {first + timedelta(n) for n in range((last - first).days + 1)}, row
    assert max(days) == date(2026, 7, 3)
    assert {day.weekday() for day in days} == set(range(5))
    assert len({row["id"] for row in rows}) == len(rows)
    summer = next(row for row in rows if row["date"] == "2026-06-10")
    winter = next(row for row in rows if row["date"] == "2026-01-13")
    assert (summer["date_time"][11:13], winter["date_time"][11:13]) == ("07", "08"), (
        "the register is taken at half past eight"
    )


def test_marks_lie_within_the_enrolment(
    stays: dict[int, dict[str, Any]], marks: dict[int, list[dict[str, Any]]]
) -> None:
    late_or_early = 0
    for student, rows in marks.items():
        start, end = stays[student]["start_date"], stays[student]["leaving_date"] or "2026-07-03"
        assert all(start <= row["date"] <= end for row in rows)
        late_or_early += bool(rows) and (
            start > "2025-09-02" or end < "2025-07-20" or "2025-09-02" < end < "2026-07-03"
        )
    assert late_or_early >= 5


def test_absence_follows_the_week_the_winter_and_the_student(
    marks: dict[int, list[dict[str, Any]]], world: World
) -> None:
    by_day: dict[tuple[int, str], Counter[bool]] = {}
    by_month: dict[str, Counter[bool]] = {}
    for rows in marks.values():
        for row in rows:
            code = row["attendance_code"]["code"] if row["attendance_code"] else None
            if code in ATTENDING | ABSENT - {"S"}:
                day = date.fromisoformat(row["date"]).weekday()
                by_day.setdefault((day, row["attendance_session"]), Counter())[code in ABSENT] += 1
                by_month.setdefault(row["date"][:7], Counter())[code in ABSENT] += 1
    weekly = {slot: count[True] / count.total() for slot, count in by_day.items()}
    assert max(weekly, key=weekly.__getitem__) == (4, "pm")
    monthly = {month: count[True] / count.total() for month, count in by_month.items()}
    assert monthly["2025-12"] > 1.3 * monthly["2025-09"]
    assert monthly["2025-01"] > 1.3 * monthly["2025-03"]
    rates = {n: world.entities["student"][n]["_habits"].rate for n in marks}
    events = Counter(row["student"] for row in world.entities["pastoral_event"].values())
    often = [events[n] for n, rate in rates.items() if rate >= 0.1]
    seldom = [events[n] for n, rate in rates.items() if rate < 0.05]
    assert sum(often) / len(often) > 1.5 * sum(seldom) / len(seldom)


def test_a_missing_reason_is_recent(marks: dict[int, list[dict[str, Any]]]) -> None:
    days = Counter(row["date"] for rows in marks.values() for row in rows if letters([row])["N"])
    recent = sum(count for day, count in days.items() if day >= "2026-06-25")
    assert recent >= 5
    weeks = 70
    assert (days.total() - recent) / weeks < recent


def test_codes_that_are_hidden_stand_in_history(client: Client, marks: dict[int, list[dict[str, Any]]]) -> None:
    hidden = {row["code"] for row in client.rows("attendance-codes", {"filter[display]": "false"})}
    shown = {row["code"] for row in client.rows("attendance-codes", {"filter[display]": "true"})}
    used = set(sum((letters(rows) for rows in marks.values()), Counter()))
    assert hidden & used
    assert used - {None} <= hidden | shown
    assert not hidden & shown
    codes = client.rows("attendance-codes")
    assert len({row["code"] for row in codes}) == len(codes)


# Faults


def test_a_hook_changes_an_answer(serve: Any) -> None:
    def spoil(asked: Asked, answer: Answer) -> Answer:
        if asked.table == "faiths":
            return Answer(503, b"<html>", {"Content-Type": "text/html"})
        return answer

    _, client = serve(hooks=[spoil])
    spoilt = client.ask("faiths")
    assert (spoilt.status_code, spoilt.text, spoilt.headers["Content-Type"]) == (503, "<html>", "text/html")
    assert client.ask("genders").status_code == 200


def test_a_hook_cuts_the_connection(serve: Any) -> None:
    running, client = serve()
    running.hooks += [lambda _, __: None, lambda _, answer: Answer(200, answer.body)]
    with pytest.raises(requests.ConnectionError):
        client.ask("genders")
    running.hooks.clear()
    assert client.ask("genders").status_code == 200
    assert [asked.status for asked in running.log] == [200, 0, 200]


def test_a_hook_cuts_a_body_short(serve: Any) -> None:
    running, client = serve()
    running.hooks.append(lambda _, answer: Answer(200, answer.body, cut_after=20))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="20 bytes read"):
        client.ask("genders")


def test_the_log_keeps_everything_but_secrets(serve: Any) -> None:
    running, client = serve()
    client.ask("students?page[size]=3")
    client.get(f"{client.url}genders", headers={"Authorization": "Bearer secret-token"})
    client.get(f"{client.url}genders", headers={"Authorization": None})
    assert [(asked.method, asked.path, asked.status) for asked in running.log] == [
        ("POST", f"{V1}token", 200),
        ("GET", f"{V1}students", 200),
        ("GET", f"{V1}genders", 401),
        ("GET", f"{V1}genders", 401),
    ]
    assert [asked.headers["authorization"] for asked in running.log] == ["missing", "valid", "invalid", "missing"]
    assert "secret" not in repr(running.log)
    assert running.log[1].target == f"{V1}students?page[size]=3"
    assert running.count("students?page") == 1
    assert running.log[1].headers["realm"] == "S999"


def test_latency_delays_answers(serve: Any) -> None:
    _, client = serve(latency=0.05)
    begun = time.perf_counter()
    client.ask("genders")
    assert time.perf_counter() - begun >= 0.05


def test_the_server_ends_cleanly(small: World) -> None:
    running = Simulator(small).start()
    with Client(running) as client:
        assert client.ask("genders").status_code == 200
        url = running.url
        running.close()
        running.close()
        with pytest.raises(requests.ConnectionError):
            client.ask("genders")
    with pytest.raises(requests.ConnectionError):
        requests.get(url)
    with pytest.raises(RuntimeError, match="not been started"):
        _ = running.url


# Determinism and cost


def test_the_same_seed_gives_the_same_bytes(small: World) -> None:
    paths = ["students?page[size]=500", "pastoral/events", "timetables", "rooms", "learning-support/records"]
    paths += [f"students/{n}/attendance-records" for n in list(small.entities["student"])[:3]]
    found = []
    for world in (small, build_world(30), build_world(30, seed=2)):
        with Simulator(world) as running, Client(running) as client:
            found.append([client.ask(path).content for path in paths])
    assert found[0] == found[1]
    assert found[0] != found[2]


SAMPLE = """
import zlib
from hubmis_frames.operations import CATALOGUE
from hubmis_frames.simulator import Rules, build_world
from hubmis_frames.simulator.school import School
world = build_world(30)
school = School(world, Rules())
bodies = [school.body(CATALOGUE[table], {}, "", {}) for table in ("students", "staff", "pastoral_events", "rooms")]
marks = [world.marks(number) for number in world.entities["student"]]
sample = zlib.crc32(repr((world.entities, world.yearly, bodies, marks)).encode())
"""


def test_the_school_is_the_same_in_every_process() -> None:
    here: dict[str, Any] = {}
    exec(SAMPLE, here)
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", f"{SAMPLE}\nprint(sample)"]
    assert int(subprocess.run(command, env=environment, capture_output=True, check=True).stdout) == here["sample"]


def test_a_school_is_built_quickly() -> None:
    begun = time.perf_counter()
    assert (
        len([r for r in build_world(240, seed=5).entities["student"].values() if r["enrolment_status"] == "current"])
        == 240
    )
    assert time.perf_counter() - begun < 1.5


def test_answers_that_are_kept_are_served_quickly(client: Client) -> None:
    client.ask("genders")
    begun = time.perf_counter()
    for _ in range(200):
        client.ask("genders")
    assert 200 / (time.perf_counter() - begun) > 400, "and most of that is the client's own time"


@pytest.mark.parametrize("seed", range(2, 6))
def test_every_school_has_a_few_who_are_often_absent(seed: int) -> None:
    world = build_world(seed=seed)
    codes = {number: row["code"] for number, row in world.entities["attendance_code"].items()}
    rates = [row["_habits"].rate for row in world.entities["student"].values()]
    assert 8 <= sum(rate > 0.1 for rate in rates) <= 50
    severe = [n for n, row in world.entities["student"].items() if row["_habits"].rate > 0.5]
    assert 1 <= len(severe) <= 2
    for student in severe:
        missed, possible = absence(Counter(codes.get(mark["attendance_code"]) for mark in world.marks(student)))
        assert 2 * missed >= possible > 300


@pytest.mark.parametrize("students", [7, 61])
def test_a_school_of_any_size_stands(students: int) -> None:
    world = build_world(students, seed=students)
    with Simulator(world) as running, Client(running) as client:
        assert len(client.rows("students")) == students


def test_another_day_is_the_last_of_which_anything_is_known() -> None:
    world = build_world(60, today=date(2025, 11, 14))
    marks = [mark["date"] for student in world.entities["student"] for mark in world.marks(student)]
    assert max(marks) == "2025-11-14"
    assert max(row["date"] for row in world.entities["pastoral_event"].values()) <= "2025-11-14"
    students = world.entities["student"].values()
    assert max(row["start_date"] for row in students if row["enrolment_status"] != "applicant") <= "2025-11-14"
    assert max(row["leaving_date"] or "" for row in students) <= "2025-11-14"


def test_a_school_is_served_from_the_command_line(monkeypatch: Any, capsys: Any) -> None:
    def ask() -> None:
        lines = capsys.readouterr().out.splitlines()
        said = dict(line.removeprefix("export ").split("=") for line in lines if line.startswith("export "))
        assert list(said) == ["HUBMIS_BASE_URL", "HUBMIS_REALM", "HUBMIS_CLIENT_ID", "HUBMIS_CLIENT_SECRET"]
        granted = requests.post(
            f"{said['HUBMIS_BASE_URL']}{V1}token",
            data={
                "grant_type": "client_credentials",
                "client_id": said["HUBMIS_CLIENT_ID"],
                "client_secret": said["HUBMIS_CLIENT_SECRET"],
            },
        )
        headers = {"Authorization": f"Bearer {granted.json()['access_token']}", "Realm": said["HUBMIS_REALM"]}
        query = {"filter[colour]": "red"}
        students = requests.get(f"{said['HUBMIS_BASE_URL']}{V1}students", query, headers=headers)
        assert len(students.json()) == 8
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.argv", ["simulator", "--students", "8", "--realm", "S7", "--no-strict"])
    monkeypatch.setattr("hubmis_frames.simulator.__main__.wait", ask)
    main()


def test_a_school_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="2025-09-01 to 2026-08-31"):
        build_world(30, today=date(2024, 1, 1))
    with pytest.raises(ValueError, match="7 to 4000"):
        build_world(3)


def test_bodies_are_as_small_as_json_can_be(client: Client) -> None:
    body = client.ask("genders").content
    assert body == orjson.dumps(orjson.loads(body))
