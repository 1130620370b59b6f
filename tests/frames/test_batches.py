"""Batches side by side: the same rows in the same order as all at once, in bounded memory, and both roads agree."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import strategies as st

from hubmis_frames.errors import PayloadError
from hubmis_frames.frames import Findings, flatten, flattening, parsing, tidy, to_pandas
from hubmis_frames.operations.declaration import CATALOGUE, Endpoint
from tests.helpers.examples import given_few

MARKS, STUDENTS, PERIODS = (CATALOGUE[name] for name in ("student_attendance", "students", "staff_timetable"))


def frames_of(endpoint: Endpoint, answers: Any, size: int | None = None) -> tuple[dict[str, pd.DataFrame], Findings]:
    report = Findings()
    with pytest.MonkeyPatch.context() as patch:
        if size is not None:
            patch.setattr(flattening, "BATCH", size)
        return {name: to_pandas(table) for name, table in tidy(endpoint, answers, report).items()}, report


def assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    assert set(one) == set(other)
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame.sort_index(axis=1), other[name].sort_index(axis=1))


ROW = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(1, 5),
        "code": st.sampled_from(["/", "N"]),
        "date": st.sampled_from(["2026-03-02", "soon", ""]),
        "parts": st.lists(st.fixed_dictionaries({"n": st.integers(0, 3)}), min_size=1, max_size=2),
        "extra": st.sampled_from(["a", "b"]),
    },
)


@given_few(pages=st.lists(st.lists(ROW, max_size=3), min_size=1, max_size=7), size=st.integers(1, 200), few=15)
@pytest.mark.parametrize("key", ["attendance_record_id", None])
def test_the_size_of_a_batch_is_no_matter(key: str | None, pages: list[Any], size: int):
    answers = [((number,), [json.dumps(rows).encode()]) for number, rows in enumerate(pages)]
    parts = pa.field("parts", pa.list_(pa.struct([("n", pa.int64())])))  # without a key, rows with lists are numbered
    endpoint = replace(MARKS, key=key, record=pa.struct([*MARKS.record, parts]))
    (whole, all_at_once), (parts, bit_by_bit) = (frames_of(endpoint, answers, each) for each in (2**20, size))
    assert_same(whole, parts)
    assert all_at_once == bit_by_bit


def test_no_more_is_held_than_what_is_worked_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(flattening, "BATCH", 1)
    asked = 0

    def answers() -> Iterator[Any]:
        nonlocal asked
        for asked in range(1, 31):
            yield (asked,), [b"[]"]

    batches = flatten(MARKS, answers(), Findings())
    assert next(batches).requests == []
    assert asked == 0, "a batch was begun before it was asked for"
    for done, batch in enumerate(batches, 1):
        assert batch.requests == [(done,)]
        assert asked - done < flattening.WORKERS
    assert asked == 30


def test_an_error_in_a_batch_ends_the_work_and_is_the_callers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(flattening, "BATCH", 1)
    before = threading.active_count()
    batches = flatten(MARKS, [((1,), [b"[]"]), ((2,), [b"{"]), ((3,), [b"[]"])], Findings())
    assert len([next(batches), next(batches)]) == 2
    with pytest.raises(PayloadError):
        list(batches)
    assert threading.active_count() <= before


PERIOD = st.fixed_dictionaries(
    {"id": st.integers(1, 9)},
    optional={
        "day": st.integers(0, 6),
        "subject": st.fixed_dictionaries({"id": st.integers(), "name": st.text(max_size=3)}) | st.none(),
        "extra": st.text(max_size=3) | st.none(),
    },
)
ENVELOPE = st.fixed_dictionaries(
    {},
    optional={
        "total": st.integers(0, 9) | st.none(),
        "next": st.text(max_size=3) | st.none(),
        "links": st.fixed_dictionaries({"next": st.text(max_size=3)}),
        "school": st.text(max_size=3) | st.none(),
        "id": st.integers(0, 9),
        "@type": st.just("list"),
        "day": st.sampled_from(["2026-03-02", "Monday"]),
    },
)


@given_few(answers=st.lists(st.tuples(ENVELOPE, st.lists(PERIOD, max_size=3)), min_size=1, max_size=4), few=20)
@pytest.mark.parametrize("way", [("timetables",), ("data", "rows")])
def test_an_envelope_is_opened_alike_on_both_roads(way: tuple[str, ...], answers: list[Any]):
    endpoint = replace(PERIODS, wrapper="/".join(way))
    bodies = []
    for number, (envelope, rows) in enumerate(answers):
        body: Any = rows
        for name in reversed(way):
            body = envelope | {name: body}
        bodies.append(((number,), [json.dumps(body).encode()]))
    fast, _ = frames_of(endpoint, bodies)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "_fast", lambda *_: None)
        slow, _ = frames_of(endpoint, bodies)
    assert_same(fast, slow)


@pytest.mark.parametrize(
    "odd", [b"null", b"[]", b'{"timetables": null}', b'{"timetables": {"id": 3}}', b'{"id": 3}', b"[null]", b"{}"]
)
def test_an_answer_of_another_shape_beside_enveloped_ones_is_read_the_slow_way(odd: bytes):
    bodies = [((1,), [b'{"timetables": [{"id": 1}]}']), ((2,), [odd])]
    alone, _ = frames_of(PERIODS, bodies[1:])
    both, _ = frames_of(PERIODS, bodies)
    assert len(both["staff_timetable"]) == 1 + len(alone["staff_timetable"])


@pytest.mark.parametrize("table", ["staff_timetable", "students"])
def test_an_envelope_takes_the_fast_road(table: str, monkeypatch: pytest.MonkeyPatch):
    def no(*_: object) -> None:
        raise AssertionError("the slow road was taken")

    monkeypatch.setattr(parsing, "fitted", no)
    endpoint = replace(CATALOGUE[table], wrapper="data")
    body = b'{"data": [{"id": 1}, {"id": 2}], "meta": {"total": 2, "next": null}, "school": "S1"}'
    frames, _ = frames_of(endpoint, [((), [body])] if table == "students" else [((5,), [body])])
    assert frames[table][endpoint.key].tolist() == [1, 2]
    assert frames[table]["answer_school"].tolist() == ["S1", "S1"]
