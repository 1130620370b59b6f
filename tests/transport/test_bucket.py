"""The rate limit shared by threads and processes."""

import contextlib
import multiprocessing
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hubmis_frames.transport import Bucket, Rate, Session
from hubmis_frames.transport.session import THREADS


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_burst_and_then_one_an_interval(tmp_path: Path):
    clock = Clock()
    bucket = Bucket(tmp_path / "rate.sqlite", "a", Rate(3, 5.0), clock)
    assert [bucket._try() for _ in range(3)] == [0.0, 0.0, 0.0]
    assert abs(bucket._try() - 5.25) < 1e-6
    clock.now += 5.25
    assert bucket._try() == 0.0
    assert bucket._try() > 0


def test_an_idle_bucket_fills_to_its_capacity_and_no_further(tmp_path: Path):
    clock = Clock()
    bucket = Bucket(tmp_path / "rate.sqlite", "a", Rate(3, 5.0), clock)
    bucket._try()
    clock.now += 10**6
    assert bucket.left() == 3


def test_clients_do_not_share_and_processes_do(tmp_path: Path):
    clock = Clock()
    one, same, other = (Bucket(tmp_path / "rate.sqlite", client, Rate(3, 5.0), clock) for client in "aab")
    one._try()
    assert same.left() < 2.01
    assert other.left() == 3


def test_the_server_only_ever_lowers_the_count(tmp_path: Path):
    bucket = Bucket(tmp_path / "rate.sqlite", "a", Rate(500, 5.0), Clock())
    bucket.lower(100)
    assert abs(bucket.left() - 100) < 1e-6
    bucket.lower(400)
    assert abs(bucket.left() - 100) < 1e-6


def test_after_a_pause_there_is_one_place_at_a_time(tmp_path: Path):
    clock = Clock()
    bucket = Bucket(tmp_path / "rate.sqlite", "a", Rate(500, 5.0), clock)
    bucket.pause(30)
    assert abs(bucket._try() - 30) < 1e-3
    clock.now += 30.001
    assert bucket._try() == 0.0
    assert 5.2 < bucket._try() < 5.3


def test_a_clock_set_back_does_not_stop_everybody(tmp_path: Path):
    clock = Clock()
    bucket = Bucket(tmp_path / "rate.sqlite", "a", Rate(10, 5.0), clock)
    bucket._try()
    clock.now -= 10**7
    assert bucket._try() < 1000


def _spend(file: Path, seconds: float) -> int:
    bucket = Bucket(file, "a", Rate(5, 0.05))
    until = time.monotonic() + seconds

    def work(_: int) -> int:
        mine = 0
        while time.monotonic() < until:
            bucket.take()
            mine += 1
        return mine

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(work, range(4)))


def test_threads_of_several_processes_keep_to_one_limit(tmp_path: Path):
    file = tmp_path / "rate.sqlite"
    Bucket(file, "a", Rate(5, 0.05))
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        taken = sum(pool.starmap(_spend, [(file, 1.5)] * 3))
    passed = time.monotonic() - began
    # Each thread takes one place more after its time is up.
    assert taken <= 5 + passed / 0.0525 + 1
    assert taken > 12


def test_a_plan_reckons_with_what_is_left_of_the_burst_and_then_with_the_pace(tmp_path: Path):
    session = Session(
        base_url="http://127.0.0.1:9", realm="S999", client_id="a", client_secret="b", cache_dir=None,
        rate_file=tmp_path / "rate.sqlite",
    )  # fmt: skip
    with contextlib.closing(session):
        assert session.seconds(500) == 500 * session._adapter.latency / THREADS
        session.bucket.lower(100)
        assert abs(session.seconds(300) - session.seconds(100) - 200 * 5.25) < 0.1
        assert session.seconds(0) == 0


@pytest.mark.parametrize("jump", [60.0, 1800.0, 3600.0, 86400.0, 10.0**7])
@pytest.mark.parametrize("used", [0, 3, 10])
def test_a_clock_that_is_put_right_leaves_what_was_left(tmp_path: Path, jump: float, used: int):
    clock = Clock()
    bucket = Bucket(tmp_path / "rate.sqlite", "a", Rate(10, 5.0), clock)
    clock.now += jump
    assert [bucket._try() for _ in range(used)] == [0.0] * used
    clock.now -= jump
    assert abs(bucket.left() - (10 - used)) < 1e-6
    # Time goes on as before: nobody waits for the clock to come back to where it was.
    clock.now += 5.25
    assert abs(bucket.left() - min(10, 11 - used)) < 1e-6
    assert bucket._try() == 0.0


@pytest.mark.parametrize("full_at", [1e300, float("inf"), 2e9])
def test_a_count_that_nobody_wrote_is_an_empty_bucket(tmp_path: Path, full_at: float):
    clock = Clock()
    bucket = Bucket(tmp_path / "rate.sqlite", "a", Rate(10, 5.0), clock)
    with sqlite3.connect(tmp_path / "rate.sqlite") as db:
        db.execute("INSERT INTO bucket VALUES ('a', ?, ?)", (full_at, clock.now))
    db.close()
    assert bucket._try() < 6
    clock.now += 6
    assert bucket._try() == 0.0
