"""One simulated school for all tests of the simulator, and small ones with other rules."""

from collections.abc import Iterator
from typing import Any

import pytest

from hubmis_frames.simulator import Rules, Simulator, World, build_world
from hubmis_frames.simulator.store import Store
from tests.helpers.simulator import Client


@pytest.fixture(scope="package")
def world() -> World:
    return build_world()


@pytest.fixture(scope="package")
def store(world: World) -> Store:
    return Store(world)


@pytest.fixture(scope="package")
def simulator(world: World) -> Iterator[Simulator]:
    with Simulator(world, Rules(capacity=10**6)) as running:
        yield running


@pytest.fixture(scope="package")
def client(simulator: Simulator) -> Iterator[Client]:
    with Client(simulator) as session:
        yield session


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
def everyone(client: Client) -> list[dict[str, Any]]:
    return client.rows("students", {"page[size]": 1000})


@pytest.fixture(scope="package")
def marks(client: Client, world: World) -> dict[int, list[dict[str, Any]]]:
    return {n: client.rows(f"students/{n}/attendance-records") for n in world.entities["student"]}


@pytest.fixture(scope="package")
def stays(client: Client, world: World) -> dict[int, dict[str, Any]]:
    """When each student came and left, and as what they are enrolled."""
    people = world.entities["student"]
    return {n: client.rows(f"students/{n}/enrolment") | client.rows(f"students/{n}/destination") for n in people}
