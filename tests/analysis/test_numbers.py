"""Rows by numbers: as pandas and numpy find them, who look at every row."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from hubmis_frames.analysis.columns import once_each, row_numbers, sorted_numbers
from hubmis_frames.attendance.checks import is_repeated
from tests.helpers.examples import given_few

TEXTS = st.sampled_from(["/", "N", "am", None])
ROWS = st.lists(st.tuples(TEXTS, st.none() | st.integers(1, 3), st.sampled_from(["2026-03-02", "2026-03-03", None])))


def frame_of(rows: list[tuple[str | None, int | None, str | None]]) -> pd.DataFrame:
    texts, numbers, days = zip(*rows, strict=True) if rows else ((), (), ())
    return pd.DataFrame(
        {
            "text": pd.array(texts, dtype="str"),
            "kind": pd.Categorical(texts, categories=["/", "N", "am"]),
            "number": pd.array(numbers, dtype="Int64"),
            "day": pd.to_datetime(pd.Series(days, dtype="object")),
        }
    )


@given_few(rows=ROWS, few=20)
def test_repeated_rows_are_those_of_pandas(rows: list[tuple[str | None, int | None, str | None]]):
    frame = frame_of(rows)
    assert len(np.unique(row_numbers(frame))) == len(frame.drop_duplicates())
    for keys in (["text"], ["number", "day"], list(frame)):
        assert is_repeated(frame, keys).tolist() == frame.duplicated(keys).tolist()
        assert is_repeated(frame, keys, keep=False).tolist() == frame.duplicated(keys, keep=False).tolist()


@given_few(numbers=st.lists(st.integers(0, 9) | st.integers(0, 2**61)), few=30)
def test_distinct_numbers_are_those_of_numpy(numbers: list[int]):
    given = np.array(numbers, dtype=np.int64)
    for found, wanted in zip(sorted_numbers(given), np.unique(given, return_inverse=True), strict=True):
        assert found.tolist() == wanted.tolist()


@given_few(rows=ROWS, few=20)
def test_what_is_made_of_each_distinct_value_is_made_of_all(rows: list[tuple[str | None, int | None, str | None]]):
    frame = frame_of(rows).set_axis(range(5, 5 + len(rows)))
    seen: list[int] = []

    def upper(values: pd.Series) -> pd.Series:
        seen.append(len(values))
        return values.str.upper()

    pd.testing.assert_series_equal(
        once_each(frame["text"], upper), frame["text"].str.upper(), check_names=False, check_index_type=False
    )
    assert seen == [frame["text"].nunique(dropna=False)]


def test_numbers_near_each_other_and_far_apart_are_found_alike():
    near = np.random.default_rng(1).integers(0, 2**20, 5000)
    (close, of_close), (far, of_far) = sorted_numbers(near), sorted_numbers(near * 2**30)
    assert (far == close * 2**30).all()
    assert (of_far == of_close).all()
