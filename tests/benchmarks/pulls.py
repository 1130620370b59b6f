"""Requests to the simulated school over loopback: how close we come to the permitted rate."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import hubmis_frames as hf
from hubmis_frames.school import School
from hubmis_frames.simulator import Rules, SimulatedRequest, SimulatedResponse, Simulator, build_world
from hubmis_frames.transport import Rate, Session

from .timing import machine, markdown

LATENCY = 0.15
REFILL = 0.2  # instead of 5 s: the hidden limit of 12 a minute becomes 12 in as many of these as a minute has of those
WINDOW = 60 / 5 * REFILL


@contextlib.contextmanager
def connected(simulator: Simulator) -> Iterator[School]:
    """Serve the simulated school and read it with a cache of its own."""
    rules = simulator.rules
    with simulator, tempfile.TemporaryDirectory() as folder:
        session = Session(
            base_url=simulator.url,
            realm="S999",
            client_id=rules.client_id,
            client_secret=rules.client_secret,
            cache_dir=Path(folder),
            rate_file=Path(folder) / "rate.sqlite",
            rate=Rate(rules.capacity, rules.refill_seconds),
        )
        with School(session, progress=False) as school:
            yield school


def burst(count: int = 500) -> tuple[float, float]:
    """Seconds for requests that the burst covers, and the least that eight at once would need."""
    simulator = Simulator(build_world(count), Rules(capacity=count + 100, latency=LATENCY))
    return _pull(simulator, count), count * LATENCY / 8


def spent(count: int = 200, capacity: int = 10) -> tuple[float, float]:
    """Seconds from the first request to the last if the burst ends soon, and the least that the limit permits."""
    simulator = Simulator(build_world(count), Rules(capacity=capacity, refill_seconds=REFILL, latency=LATENCY))
    _pull(simulator, count)
    times = [asked.time for asked in simulator.log]
    return max(times) - min(times), (len(times) - capacity) * REFILL


def hidden(count: int = 100, told: bool = True) -> tuple[float, float, int]:
    """Seconds under a limit of 12 in a window that no header shows, the permitted time, and the number of 429s."""
    simulator = Simulator(build_world(count), Rules(refill_seconds=REFILL, latency=LATENCY))
    simulator.hooks.append(_limit(12, WINDOW, told))
    _pull(simulator, count)
    times = [asked.time for asked in simulator.log if asked.status == 200]
    refused = sum(asked.status == 429 for asked in simulator.log)
    return max(times) - min(times), (len(times) - 12) * REFILL, refused


def _limit(most: int, window: float, told: bool) -> Callable[[SimulatedRequest, SimulatedResponse], SimulatedResponse]:
    granted: list[float] = []

    def hook(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        now = time.time()
        recent = [at for at in granted if at > now - window]
        if len(recent) < most:
            granted.append(now)
            return answer
        until = {"X-RateLimit-Retry-After": str(int(recent[0] + window))} if told else {}
        return replace(answer, status=429, body=b"{}", headers=answer.headers | until)

    return hook


def _pull(simulator: Simulator, count: int) -> float:
    with connected(simulator) as school:
        ids = next(iter(simulator._schools.values()))._store.rows("student")
        begun = time.perf_counter()
        hf.load_student_enrolment(school, list(ids)[:count])
        return time.perf_counter() - begun


def planned(capacity: int, count: int = 200) -> tuple[float, float]:
    """Seconds that an export of marks took, and that the plan had predicted."""
    rules = Rules(capacity=capacity, refill_seconds=REFILL, latency=LATENCY)
    with connected(Simulator(build_world(count), rules)) as school, tempfile.TemporaryDirectory() as folder:
        school.export(folder, ["students"])
        said = 60 * float(school.plan("student_attendance")["minutes"].sum())
        begun = time.perf_counter()
        school.export(folder, ["student_attendance"])
        return time.perf_counter() - begun, said


def report(rounds: int) -> str:
    """Compare our time with the permitted time."""
    rows = []
    took, best = burst()
    rows.append(["500 requests of 150 ms, burst available", f"{took:.1f}", f"{best:.1f}", f"{took / best:.2f}", 0])
    took, best = spent()
    rows.append(["200 requests, burst of 10 spent", f"{took:.1f}", f"{best:.1f}", f"{took / best:.3f}", 0])
    for told in (True, False):
        took, best, refused = hidden(told=told)
        name = f"100 requests, 12 in a hidden window, {'' if told else 'not '}told when to come back"
        rows.append([name, f"{took:.1f}", f"{best:.1f}", f"{took / best:.2f}", refused])
    for capacity, name in ((1000, "burst available"), (10, "burst of 10 spent")):
        took, said = planned(capacity)
        rows.append([f"an export of 200 students' marks, {name}, against its plan", f"{took:.1f}", f"{said:.1f}",
                     f"{took / said:.2f}", 0])  # fmt: skip
    head = ["pull", "s", "permitted or planned, s", "ratio", "answers 429"]
    return f"{markdown(head, rows)}\n\n{machine('hubmis-frames', 'requests', 'requests-cache')}"
