"""Our frames against pandas.json_normalize's, cell by cell, on the records that the benchmarks measure."""

import pandas as pd
import pytest

from tests.benchmarks import data, flatten

SMALL = {"students": lambda: data.students(4, 25), "marks": lambda: data.marks(12, 90)}


@pytest.mark.parametrize("name", SMALL)
def test_every_cell_is_that_of_json_normalize(name: str):
    made = SMALL[name]()
    frames, peers = flatten.ours(made), flatten.json_normalize(made)
    assert list(frames) == list(peers)
    cells = 0
    for table, frame in frames.items():
        peer = peers[table].rename(columns=_names(table, made.endpoint.table, str(made.endpoint.key)))
        # json_normalize leaves a column of nothing where an object is null, and knows no position.
        objects = [column for column in peer if peer[column].isna().all() and column not in frame]
        assert set(frame) - {"position"} == set(peer) - set(objects)
        for column in peer.columns.drop(objects):
            pd.testing.assert_series_equal(frame[column], _typed(peer[column], frame[column]))
            cells += frame[column].notna().sum()
    assert cells > 2000


def _names(table: str, parent: str, key: str) -> dict[str, str]:
    if table == parent:
        return {"id": key}
    own = {
        "nationalities": "nationality_id",
        "tags": "tag_id",
        "medical_condition_severity": "medical_condition_severity_id",
    }
    return {"parent_id": key, "id": own.get(table.removeprefix(f"{parent}_"), "learning_support_record_id")}


def _typed(peer: pd.Series, like: pd.Series) -> pd.Series:
    """The peer's values in our type; text, whole numbers and flags come through that unchanged or not at all."""
    if isinstance(like.dtype, pd.DatetimeTZDtype):
        return pd.to_datetime(peer, utc=True).astype(like.dtype)
    return peer.astype(like.dtype)


def test_positions_count_from_nought_in_each_parent():
    tags = flatten.ours(SMALL["students"]())["students_tags"]
    assert tags["position"].eq(tags.groupby("student_id").cumcount()).all()
    assert tags["position"].max() > 0
