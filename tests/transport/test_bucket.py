"""The rate limit shared by threads and processes."""

import contextlib
import multiprocessing
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubmis_frames.transport import Bucket, Rate, Session
from hubmis_frames.transport.rate_limit import LONGEST_PAUSE
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


@pytest.mark.parametrize(("sent", "remaining", "left"), [(0, 100, 100), (100, 450, 400), (0, 10**9, 500), (0, 0, 0)])
def test_the_servers_word_can_lower_the_count_and_not_raise_it(
    tmp_path: Path, sent: int, remaining: float, left: float
):
    bucket = Bucket(tmp_path / "rate.sqlite", "a", Rate(500, 5.0), Clock())
    assert not any(bucket._try() for _ in range(sent))
    bucket.note_remaining(remaining)
    assert abs(bucket.left() - left) < 1e-6


@pytest.mark.parametrize("wrong", [0, 1, 37])
def test_a_wrong_word_of_the_server_lasts_until_its_next_answer(tmp_path: Path, wrong: int):
    one, other = (Bucket(tmp_path / "rate.sqlite", "a", Rate(500, 5.0), Clock()) for _ in range(2))
    one.note_remaining(wrong)
    assert abs(other.left() - wrong) < 1e-6
    other.note_remaining(400)
    assert abs(one.left() - 400) < 1e-6
    assert one._try() == 0.0
    assert abs(other.left() - 399) < 1e-6


def test_a_pause_after_a_429_outlasts_what_later_answers_say(tmp_path: Path):
    bucket = Bucket(tmp_path / "rate.sqlite", "a", Rate(500, 5.0), Clock())
    bucket.pause(30)
    bucket.note_remaining(400)
    assert abs(bucket._try() - 30) < 1e-3


CAPACITY, PACED = 12, 5.25
_EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("try"), st.just(0.0)),
        st.tuples(st.just("pass"), st.floats(0, 100)),
        st.tuples(st.just("word"), st.floats(0, 2 * CAPACITY)),
        st.tuples(st.just("pause"), st.floats(0, 1000)),
        st.tuples(st.just("set back"), st.floats(0, 10**6)),
    ),
    max_size=20,
)


@given(_EVENTS, st.randoms(use_true_random=False))
def test_the_count_is_the_lesser_of_ours_and_the_servers_last_word(events: list[tuple[str, float]], chance: Random):
    own = server = float(CAPACITY)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        processes = [Bucket(Path(folder, "rate.sqlite"), "a", Rate(CAPACITY, 5.0), clock) for _ in range(2)]
        for event, number in events:
            bucket = chance.choice(processes)
            if event == "try":
                wait = bucket._try()
                assert (wait == 0) == (min(own, server) >= 1) or abs(min(own, server) - 1) < 1e-3
                own, server = (own - 1, server - 1) if wait == 0 else (own, server)
            elif event == "pass":
                clock.now += number
                own, server = (min(CAPACITY, left + number / PACED) for left in (own, server))
            elif event == "word":
                bucket.note_remaining(number)
                server = min(number, CAPACITY)
            elif event == "pause":
                bucket.pause(number)
                own = min(own, 1 - min(number, LONGEST_PAUSE) / PACED)
            else:  # no time passes
                bucket.note_remaining(server)  # so that now is when the file was last written
                clock.now -= number
            assert abs(chance.choice(processes).left() - min(own, server)) < 1e-3


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


def test_a_thread_that_begins_takes_no_lock_from_one_that_counts(tmp_path: Path):
    """On POSIX, closing any handle of a file gives up the locks that its process has on it."""
    file = tmp_path / "rate.sqlite"
    bucket = Bucket(file, "a", Rate(10, 5.0))
    code = (
        "import sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n"
        "try:\n    db.execute('BEGIN IMMEDIATE')\nexcept sqlite3.OperationalError as error:\n    print(error)\n"
    )
    with bucket._transaction():
        other = threading.Thread(target=lambda: Bucket(file, "b", Rate(10, 5.0)))
        other.start()
        other.join(0.5)
        said = subprocess.run(
            [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True
        ).stdout
    other.join()
    assert said == "database is locked\n"


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
        session.bucket.note_remaining(100)
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


@pytest.mark.parametrize("wrong", [1e300, float("inf"), 2e9])
@pytest.mark.parametrize("column", [0, 1])
def test_an_impossible_count_is_an_empty_bucket(tmp_path: Path, wrong: float, column: int):
    full_at = [wrong if column == index else 0.0 for index in range(2)]
    clock = Clock()
    bucket = Bucket(tmp_path / "rate.sqlite", "a", Rate(10, 5.0), clock)
    with sqlite3.connect(tmp_path / "rate.sqlite") as db:
        db.execute("INSERT INTO bucket VALUES ('a', ?, ?, ?)", (*full_at, clock.now))
    db.close()
    assert bucket._try() < 6
    clock.now += 6
    assert bucket._try() == 0.0
