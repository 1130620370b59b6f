"""The same seed gives the same school, of any size, and on the command line."""

import os
import subprocess
import sys
from collections import Counter
from datetime import date
from typing import Any

import orjson
import pytest
import requests

import hubmis_frames as hf
from hubmis_frames.operations.declaration import Endpoint
from hubmis_frames.simulator import Rules, Simulator, World, build_world, school
from hubmis_frames.simulator.__main__ import main
from hubmis_frames.simulator.routes import Query, parse
from tests.helpers.simulator import LAST_YEAR, THIS_YEAR, V1, Client, absence


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
from hubmis_frames.simulator.school import SimulatedSchool
world = build_world(30)
school = SimulatedSchool(world, Rules())
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


def test_a_school_has_as_many_current_students_as_were_asked_for() -> None:
    students = build_world(240, seed=5).entities["student"].values()
    assert sum(row["enrolment_status"] == "current" for row in students) == 240


def test_a_body_is_made_once_for_each_query_and_year(small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def count(endpoint: Endpoint, *arguments: Any) -> Query:
        parsed.append(endpoint.table)
        return parse(endpoint, *arguments)

    monkeypatch.setattr(school, "parse", count)
    with Simulator(small, Rules(capacity=10**6)) as running, Client(running) as client:
        first = client.ask("genders")
        for _ in range(20):
            assert client.ask("genders").content == first.content
        assert parsed == ["genders"]
        for year in (LAST_YEAR, THIS_YEAR, LAST_YEAR):
            client.ask("students", year)
        client.ask("students", THIS_YEAR, params={"page[size]": 5})
        assert parsed == ["genders", "students", "students", "students"]


@pytest.mark.parametrize("seed", range(2, 6))
def test_every_school_has_some_persistently_absent_students(seed: int) -> None:
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
def test_a_school_can_have_any_size(students: int) -> None:
    world = build_world(students, seed=students)
    with Simulator(world) as running, Client(running) as client:
        assert len(client.rows("students")) == students


def test_no_data_is_later_than_today() -> None:
    world = build_world(60, today=date(2025, 11, 14))
    marks = [mark["date"] for student in world.entities["student"] for mark in world.marks(student)]
    assert max(marks) == "2025-11-14"
    assert max(row["date"] for row in world.entities["pastoral_event"].values()) <= "2025-11-14"
    students = world.entities["student"].values()
    assert max(row["start_date"] for row in students if row["enrolment_status"] != "applicant") <= "2025-11-14"
    assert max(row["leaving_date"] or "" for row in students) <= "2025-11-14"


PACE = ["--capacity", "60", "--refill-seconds", "0.5"]


def test_a_school_is_served_from_the_command_line(monkeypatch: Any, capsys: Any) -> None:
    def ask() -> None:
        lines = capsys.readouterr().out.splitlines()
        said = dict(line.removeprefix("export ").split("=") for line in lines if line.startswith("export "))
        names = ["BASE_URL", "REALM", "CLIENT_ID", "CLIENT_SECRET", "RATE"]
        assert list(said) == [f"HUBMIS_{name}" for name in names]
        granted = requests.post(
            f"{said['HUBMIS_BASE_URL']}{V1}token",
            data={
                "grant_type": "client_credentials",
                "client_id": said["HUBMIS_CLIENT_ID"],
                "client_secret": said["HUBMIS_CLIENT_SECRET"],
            },
        )
        for name, value in said.items():
            monkeypatch.setenv(name, value)
        with hf.connect() as connected:  # at its pace, so that nothing waits for the pace of HUBmis
            assert connected._session.permitted() == (60, 0.5)
        headers = {"Authorization": f"Bearer {granted.json()['access_token']}", "Realm": said["HUBMIS_REALM"]}
        query = {"filter[colour]": "red"}
        students = requests.get(f"{said['HUBMIS_BASE_URL']}{V1}students", query, headers=headers)
        assert len(students.json()) == 8
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.argv", ["simulator", "--students", "8", "--realm", "S7", "--no-strict", *PACE])
    monkeypatch.setattr("hubmis_frames.simulator.__main__.wait", ask)
    main()


def test_an_impossible_school_raises() -> None:
    with pytest.raises(ValueError, match="2025-09-01 to 2026-08-31"):
        build_world(30, today=date(2024, 1, 1))
    with pytest.raises(ValueError, match="7 to 4000"):
        build_world(3)


def test_bodies_are_compact_json(client: Client) -> None:
    body = client.ask("genders").content
    assert body == orjson.dumps(orjson.loads(body))
