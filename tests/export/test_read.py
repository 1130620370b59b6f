"""Reading an export back: what it lacks is said."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.export.write import INCOMPLETE
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator, build_world

Serve = Callable[..., Simulator]
Connect = Callable[..., School]


def test_a_table_comes_back_as_the_loader_gave_it_and_knows_its_source(
    serve: Serve, connect_to: Connect, tmp_path: Path
):
    with connect_to(serve()) as school:
        school.export(tmp_path / "out", ["students"])
        loaded = hf.load_students(school, enrolment_status="current")
    frame = hf.read(tmp_path / "out", "students")
    pd.testing.assert_frame_equal(frame.drop(columns="realm"), loaded, check_flags=False)
    assert frame["realm"].eq("S999").all()
    for from_export in (frame, hf.read(tmp_path / "out", "students_nationalities")):
        known, first = hf.source(from_export), hf.source(loaded)
        assert known.keys() == first.keys()
        assert all(known[name] == first[name] for name in ("operation", "path", "path_source", "realm"))
        assert known["fetched_from"] <= known["fetched_to"]


def test_a_realm_of_digits_stays_text_and_one_school_can_be_chosen(serve: Serve, connect_to: Connect, tmp_path: Path):
    worlds = [build_world(students=10, seed=seed, realm=realm) for seed, realm in ((1, "0042"), (2, "St A/b"))]
    simulator = serve({world.realm: world for world in worlds})
    for world in worlds:
        with connect_to(simulator, realm=world.realm) as school:
            school.export(tmp_path / "out", ["houses"])
    both = hf.read(tmp_path / "out", "houses")
    assert list(both["realm"].unique()) == ["0042", "St A/b"]
    assert hf.source(both) == {}
    one = hf.read(tmp_path / "out", "houses", realm="St A/b")
    assert list(one["realm"].unique()) == ["St A/b"]
    with pytest.raises(hf.ExportError, match="no table 'houses' of 'S7'"):
        hf.read(tmp_path / "out", "houses", realm="S7")


def test_a_column_that_one_school_alone_has_is_kept(tmp_path: Path):
    for realm, extra in (("A", {}), ("B", {"bus": ["7"]})):
        folder = tmp_path / "students" / f"realm={realm}"
        folder.mkdir(parents=True)
        pd.DataFrame({"student_id": pd.array([2**60], "Int64"), **extra}).to_parquet(folder / "part-0.parquet")
    frame = hf.read(tmp_path, "students")
    assert list(frame["student_id"]) == [2**60, 2**60]
    assert frame["bus"].isna().tolist() == [True, False]


def test_an_incomplete_table_warns(tmp_path: Path):
    folder = tmp_path / "marks" / "realm=A"
    folder.mkdir(parents=True)
    pd.DataFrame({"n": [1]}).to_parquet(folder / "part-0.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hf.read(tmp_path, "marks")
    (folder / INCOMPLETE).write_text("3 requests failed.")
    with pytest.warns(hf.HubmisWarning, match="marks of A is incomplete. 3 requests failed"):
        hf.read(tmp_path, "marks")


def test_what_is_not_there_says_why(serve: Serve, connect_to: Connect, tmp_path: Path):
    with connect_to(serve(forbidden=frozenset({"houses"}))) as school:
        school.export(tmp_path / "out", ["houses", "genders"])
    with pytest.raises(hf.ExportError, match=r"'houses': not permitted\. HUBmis does not permit"):
        hf.read(tmp_path / "out", "houses")
    with pytest.raises(hf.ExportError, match="Did you mean 'genders'"):
        hf.read(tmp_path / "out", "gender")
    with pytest.raises(hf.ExportError, match="no manifest"):
        hf.read(tmp_path / "elsewhere", "houses")


def test_what_is_not_there_says_what_to_run(school: School, tmp_path: Path):
    school.export(tmp_path / "out", ["students"])
    with pytest.raises(hf.ExportError, match=r"Add it: hubmis-frames export .*out.? --tables student_attendance"):
        hf.read(tmp_path / "out", "student_attendance")
    (file,) = (tmp_path / "out" / "students").rglob("*.parquet")
    file.unlink()
    with pytest.raises(hf.ExportError) as caught:
        hf.read(tmp_path / "out", "students")
    assert "Did you mean 'students'" not in str(caught.value)
    (manifest,) = (tmp_path / "out").glob("manifest-*.json")
    content = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(content | {"finished_at": None}), encoding="utf-8")
    with pytest.raises(hf.ExportError, match=r"the export has not ended\. Run it again"):
        hf.read(tmp_path / "out", "staff")
