"""SQLite files of ours that were damaged, anywhere and in any way: made anew with a warning, never in the way."""

import sqlite3
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from requests_cache.models.response import CachedResponse

import hubmis_frames as hf
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator
from hubmis_frames.transport import Bucket, Rate
from hubmis_frames.transport.cache import open_store

RATE = Rate(10, 5.0)
BODY = b'[{"id": 1, "name": "A"}]' * 40
Damage = list[tuple[float, int]]
"""Where in the file, as a fraction of its size, and what is xored to the byte there."""

damages = st.one_of(
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=6),
    # The header decides how all the rest is read.
    st.lists(st.tuples(st.integers(0, 99).map(lambda byte: byte / 10**6), st.integers(1, 255)), min_size=1, max_size=2),
)


def damage(whole: bytes, changes: Damage, length: float) -> bytes:
    changed = bytearray(whole)
    for where, bits in changes:
        changed[int(where * 10**6) if where < 1e-4 else int(where * len(whole))] ^= bits
    return bytes(changed[: round(len(changed) * length)])


def made(make: Callable[[Path], object]) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rate.sqlite"
        make(file)
        files = list(Path(folder).rglob("*.sqlite"))
        return files[0].read_bytes()


def count_requests(file: Path) -> None:
    for client in ("a", "b", "c"):
        Bucket(file, client, RATE).take()


def response(path: str, body: bytes = BODY) -> CachedResponse:
    now = datetime.now(UTC)
    expires = (now + timedelta(days=1)).replace(tzinfo=None)
    return CachedResponse(content=body, url=path, status_code=200, created_at=now, expires=expires)


def fill(file: Path) -> None:
    store = open_store(file.parent, "https://hubmis.invalid", "S1", "me")
    for number in range(20):
        store.responses[f"{number:064}"] = response(f"/api/{number}")
    store.close()


COUNT, CACHE = made(count_requests), made(fill)


@settings(max_examples=40)
@given(damages, st.sampled_from([1.0, 1.0, 0.5, 0.1]))
@example([(18e-6, 4)], 1.0)
@example([(19e-6, 7)], 1.0)
@example([(47e-6, 9)], 1.0)
@example([(28e-6, 255)], 1.0)
def test_a_damaged_count_of_requests_is_kept_or_begun_anew(changes: Damage, length: float):
    check_count(damage(COUNT, changes, length))


@pytest.mark.slow
@settings(max_examples=1000)
@given(damages, st.sampled_from([1.0, 1.0, 0.5, 0.1]))
def test_a_damaged_count_of_requests_is_kept_or_begun_anew_slow(changes: Damage, length: float):
    check_count(damage(COUNT, changes, length))


def check_count(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rate.sqlite"
        file.write_bytes(content)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for client in ("a", "b", "d"):
                bucket = Bucket(file, client, RATE)
                bucket.note_remaining(5)
                assert -200 < bucket.left() < 5.5
                bucket.pause(1)
                assert 0 < bucket._try() <= 6
        assert all(warning.category is hf.HubmisWarning for warning in caught)
        Bucket(file, "a", RATE).left()  # warns no second time


@settings(max_examples=40)
@given(damages, st.sampled_from([1.0, 1.0, 0.5, 0.1]))
@example([(18e-6, 4)], 1.0)
@example([(19e-6, 7)], 1.0)
@example([(47e-6, 9)], 1.0)
@example([(28e-6, 255)], 1.0)
@example([(59e-6, 3)], 1.0)
def test_a_damaged_cache_gives_the_answers_as_they_were_or_none(changes: Damage, length: float):
    check_cache(damage(CACHE, changes, length))


@pytest.mark.slow
@settings(max_examples=1000)
@given(damages, st.sampled_from([1.0, 1.0, 0.5, 0.1]))
def test_a_damaged_cache_gives_the_answers_as_they_were_or_none_slow(changes: Damage, length: float):
    check_cache(damage(CACHE, changes, length))


def check_cache(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        fill(Path(folder) / "rate.sqlite")
        file = next(Path(folder).rglob("*.sqlite"))
        file.write_bytes(content)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            store = open_store(Path(folder), "https://hubmis.invalid", "S1", "me")
        assert all(warning.category is hf.HubmisWarning for warning in caught)
        for number in range(20):
            answer = store.get_response(f"{number:064}")
            assert answer is None or (answer.content, answer.url) == (BODY, f"/api/{number}")
        store.responses["new"] = response("/new", b"[]")
        answer = store.get_response("new")
        assert answer is not None
        assert answer.content == b"[]"
        for key in list(store.responses):
            store.responses.pop(key)
        store.responses.wipe()  # type: ignore[attr-defined]
        store.close()
        open_store(Path(folder), "https://hubmis.invalid", "S1", "me").close()  # warns no second time


OTHER_SCHEMAS = [
    "CREATE TABLE {} (client TEXT PRIMARY KEY, full_at REAL NOT NULL)",
    "CREATE TABLE {} (key TEXT PRIMARY KEY, value BLOB, expires INTEGER, more TEXT NOT NULL)",
    "CREATE TABLE {} (key TEXT, value BLOB, expires INTEGER)",
    "CREATE TABLE {} (client TEXT PRIMARY KEY, full_at REAL NOT NULL, noted_at REAL NOT NULL)",
    "CREATE TABLE {} (client TEXT, full_at REAL, server_full_at REAL, noted_at REAL)",
    "CREATE VIEW {} AS SELECT 1 AS client, 2 AS full_at",
    "CREATE VIRTUAL TABLE {} USING fts5(body)",
]


@pytest.mark.parametrize("schema", OTHER_SCHEMAS)
def test_files_with_other_columns_are_made_anew(
    simulator: Simulator, connect_to: Callable[..., School], tmp_path: Path, schema: str
):
    school = connect_to(simulator)
    cache, count = Path(str(school.cache()["file"])), tmp_path / "rate.sqlite"
    school.close()
    for file, table in ((cache, "responses"), (count, "bucket")):
        file.unlink()
        db = sqlite3.connect(file)
        db.execute(schema.format(table))
        db.commit()
        db.close()
    with pytest.warns(hf.HubmisWarning) as caught:
        school = connect_to(simulator)
    assert {"fetched again" in str(w.message) or "starts again" in str(w.message) for w in caught} == {True}
    assert len(caught) == 2
    assert len(hf.load_genders(school)) > 0
    school.close()
    assert len(hf.load_genders(connect_to(simulator, offline=True))) > 0
