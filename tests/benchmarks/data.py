"""Responses to measure with: records of the simulated school, as many as needed, each with an id of its own."""

from collections.abc import Iterator
from itertools import count, cycle, islice
from typing import Any, NamedTuple

import orjson

from hubmis_frames.operations.declaration import CATALOGUE, Endpoint
from hubmis_frames.simulator import Rules, build_world
from hubmis_frames.simulator.school import SimulatedSchool

NOTHING: dict[str, str] = {}


class Data(NamedTuple):
    """The responses of one operation."""

    endpoint: Endpoint
    answers: list[tuple[tuple[int | str, ...], list[bytes]]]

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, bodies in self.answers for body in bodies]

    @property
    def megabytes(self) -> float:
        return sum(map(len, self.bodies)) / 1e6


def students(pages: int = 1000, size: int = 100) -> Data:
    """One list of students, page by page; the pages do not overlap."""
    endpoint = CATALOGUE["students"]
    school = SimulatedSchool(build_world(min(max(pages * size // 50, 7), 2000)), Rules(page_default=4000))
    records = _again(orjson.loads(school.body(endpoint, NOTHING, "", NOTHING)))
    return Data(endpoint, [((), [orjson.dumps(list(islice(records, size)))]) for _ in range(pages)])


def marks(students: int = 800, size: int = 380) -> Data:
    """The marks of students, one response for each student."""
    endpoint = CATALOGUE["student_attendance"]
    world = build_world(max(min(students, 200), 7))
    school = SimulatedSchool(world, Rules())
    known = (school.body(endpoint, {"student_id": str(number)}, "", NOTHING) for number in world.entities["student"])
    records = _again([mark for body in known for mark in orjson.loads(body)])
    return Data(
        endpoint, [((number,), [orjson.dumps(list(islice(records, size)))]) for number in range(1, students + 1)]
    )


def _again(records: list[Any]) -> Iterator[dict[str, Any]]:
    return ({**record, "id": number} for number, record in zip(count(1), cycle(records)))
