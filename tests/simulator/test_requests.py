"""What the server refuses and limits, and what hooks do to its responses, over real sockets."""

import time
from typing import Any

import pytest
import requests

from hubmis_frames.simulator import Rules, SimulatedRequest, SimulatedResponse, Simulator, World, build_world
from tests.helpers.simulator import CREDENTIALS, V1, Client


def test_form_encoded_credentials_get_a_token(serve: Any) -> None:
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
def test_credentials_are_accepted_by_the_rules(small: World, body: Any, form: int, json: int) -> None:
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


def test_a_token_expires_by_the_rules_and_not_by_its_claim(serve: Any) -> None:
    running, client = serve(token_seconds=60)
    running.advance(59)
    assert client.ask("genders").status_code == 200
    running.advance(2)
    assert client.ask("genders").status_code == 401


def test_a_request_without_a_valid_token_gets_401(simulator: Simulator) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}):
        assert requests.get(f"{simulator.url}{V1}genders", headers={"Realm": "S999", **headers}).status_code == 401


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
def test_requests_that_the_document_does_not_allow_are_refused(client: Client, path: str, status: int) -> None:
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


def test_unknown_parameters_are_allowed_if_the_rules_say_so(serve: Any) -> None:
    _, client = serve(strict_query=False)
    assert len(client.rows("students", {"filter[colour]": 1})) == 30


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


def test_rules_like_those_of_symfony(small: World) -> None:
    clock = [1000.0]
    rules = Rules.symfony(capacity=14, refill_seconds=5.0, token_seconds=60)
    with Simulator(small, rules, clock=lambda: clock[0]) as running, Client(running) as client:
        first = client.ask("genders")
        assert first.headers["X-RateLimit-Retry-After"] == "1000", "all three headers are on every answer"
        assert [client.ask("genders").status_code for _ in range(12)] == [200] * 12
        for moment, statuses in ((1004.9, [429]), (1005.0, [200, 429]), (1012.0, [200, 429]), (1015.0, [200, 429])):
            clock[0] = moment  # a place comes back whole, at 1005, 1010 and 1015
            answers = [client.ask("genders") for _ in statuses]
            assert [answer.status_code for answer in answers] == statuses
            assert answers[-1].content == b""
            assert int(answers[-1].headers["X-RateLimit-Retry-After"]) == 1005 + 5 * (moment >= 1005) * int(
                (moment - 1000) // 5
            )
        clock[0] = 1100.0
        expired = client.ask("genders")
        assert (expired.status_code, expired.text) == (401, "Unauthenticated.")
        clock[0] = 1200.0
        tokens = [client.post(f"{client.url}token", data=CREDENTIALS).status_code for _ in range(13)]
        assert tokens == [200] * 12 + [429], "an address gets twelve tokens a minute"
        assert client.ask("genders").status_code == 401


def test_rate_headers_may_be_left_out(serve: Any) -> None:
    _, client = serve(send_rate_headers=False)
    assert not [name for name in client.ask("genders").headers if name.startswith("X-RateLimit")]


def test_a_hook_changes_an_answer(serve: Any) -> None:
    def spoil(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table == "faiths":
            return SimulatedResponse(503, b"<html>", {"Content-Type": "text/html"})
        return answer

    _, client = serve(hooks=[spoil])
    spoilt = client.ask("faiths")
    assert (spoilt.status_code, spoilt.text, spoilt.headers["Content-Type"]) == (503, "<html>", "text/html")
    assert client.ask("genders").status_code == 200


def test_a_hook_cuts_the_connection(serve: Any) -> None:
    running, client = serve()
    running.hooks += [lambda _, __: None, lambda _, answer: SimulatedResponse(200, answer.body)]
    with pytest.raises(requests.ConnectionError):
        client.ask("genders")
    running.hooks.clear()
    assert client.ask("genders").status_code == 200
    assert [asked.status for asked in running.log] == [200, 0, 200]


def test_a_hook_cuts_a_body_short(serve: Any) -> None:
    running, client = serve()
    running.hooks.append(lambda _, answer: SimulatedResponse(200, answer.body, cut_after=20))
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


def test_the_server_stops_cleanly(small: World) -> None:
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
