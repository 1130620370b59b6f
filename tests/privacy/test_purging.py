"""Whatever an answer looks like: if it holds the id of a student, purging the student removes it."""

import hypothesis.strategies as st
import orjson
import pytest
from hypothesis import example, given
from requests_cache.models.response import CachedResponse

from hubmis_frames.transport.session import _is_about

ID = 5151
leaves = st.one_of(st.none(), st.booleans(), st.integers(0, 99), st.text("ab xé", max_size=5), st.just("2026-07-03"))
shapes = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab_", max_size=4), inner)),
    max_leaves=8,
)
holding = st.sampled_from(
    [ID, str(ID), f" {ID} ", float(ID), f"{ID}.0", f"0{ID}", f"1,{ID},2", f"/students/{ID}", f"S{ID}", f"[{ID}]"]
).flatmap(lambda value: st.just(value) if not isinstance(value, str) else st.sampled_from([value, {value: 1}]))


@st.composite
def with_the_id(draw: st.DrawFn) -> object:
    """JSON that contains the id somewhere, as a value or as a key."""
    value: object = draw(holding)
    for _ in range(draw(st.integers(0, 4))):
        beside = draw(shapes)
        value = draw(st.sampled_from([[beside, value], [value, beside], {"z": beside, "y": value}, {"ids": [value]}]))
    return value


def answer(content: bytes, path: str = "/genders") -> CachedResponse:
    return CachedResponse(content=content, url=path, status_code=200)


@given(with_the_id())
@example({"student_ids": [ID]})
@example({"by": {str(ID): {"n": 1}}})
@example({"sid": str(ID)})
def test_an_answer_with_the_id_anywhere_is_removed(value: object):
    assert _is_about(answer(orjson.dumps(value)), ID)


@given(shapes)
@example("2026-07-03T05:15:15Z")
def test_an_answer_without_it_stays(value: object):
    assert not _is_about(answer(orjson.dumps(value)), ID)
    assert _is_about(answer(orjson.dumps(value), f"/students/{ID}/photo"), ID)


@pytest.mark.parametrize(
    "content",
    [b"<html>", b'{"id": 5', b"\xff\xfe", b"", b"[" * 10**5, b'{"id": 5151, "id": 1}', b'{"id": 515\\u0031, "x": 1}'],
)
def test_an_answer_that_cannot_be_read_goes_and_of_two_equal_keys_both_are_read(content: bytes):
    assert _is_about(answer(content), ID)


def test_an_id_is_no_flag_and_no_part_of_a_date():
    assert not _is_about(answer(b'[true, "2026-01-01", "2026-01-01T01:01:01.1+01:00"]'), 1)
