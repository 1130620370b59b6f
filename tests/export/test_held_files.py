"""An export whose files other programs hold open, which Windows then neither replaces nor removes.

On other systems ``tests/helpers/windows_rules.py`` refuses the same for the files that this process holds.
"""

import contextlib
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import hubmis_frames as hf
from hubmis_frames import files
from hubmis_frames.export.folder import FILE, INCOMPLETE, ExportFolder
from hubmis_frames.export.write import is_sound
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator, World, build_world
from tests.helpers import windows_rules

TABLES = ["students", "genders"]
CHILD = "students_nationalities"


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(students=7, seed=3)


@pytest.fixture
def out(simulator: Simulator, school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An export of a school that has since renamed everything; files that are held are tried again for a moment."""
    school.export(tmp_path / "out", TABLES)
    simulator.hooks.append(rename_all)
    monkeypatch.setattr(files, "HELD", 0.3)
    monkeypatch.setattr(windows_rules, "WAITS", 0.1)
    return tmp_path / "out"


def rename_all(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
    if asked.table not in TABLES or answer.status != 200:
        return answer

    def renamed(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: renamed(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [renamed(inner) for inner in value]
        return f"new {value}" if name in ("name", "lastName") and isinstance(value, str) else value

    return replace(answer, body=json.dumps(renamed(json.loads(answer.body))).encode())


def content(folder: Path) -> dict[str, bytes]:
    """Each Parquet file, by its table."""
    return {file.parent.parent.name: file.read_bytes() for file in folder.rglob(FILE)}


def refresh(school: School, out: Path) -> pd.DataFrame:
    return school.export(out, TABLES, refresh=True).set_index("table")


# --- readers


@contextlib.contextmanager
def iterated(file: Path) -> Iterator[None]:
    batches = ds.dataset(file, format="parquet").to_batches(batch_size=1, batch_readahead=0, fragment_readahead=0)
    next(batches)
    yield
    batches.close()


@contextlib.contextmanager
def queried(file: Path) -> Iterator[None]:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as db:
        rows = db.execute(f"SELECT * FROM read_parquet('{file.as_posix()}')")
        rows.fetchone()
        yield


@contextlib.contextmanager
def has_read(file: Path) -> Iterator[None]:
    frame = pd.read_parquet(file)
    yield
    assert len(frame)


Reader = Callable[[Path], AbstractContextManager[Any]]
READERS: dict[str, Reader] = {
    "open": lambda file: file.open("rb"),
    "ParquetFile": pq.ParquetFile,
    "ParquetFile in memory": lambda file: pq.ParquetFile(file, memory_map=True),
    "dataset": iterated,
    "DuckDB": queried,
    "pandas": has_read,
}
HOLDING = ("open", "ParquetFile")
"""Readers that hold the file for certain; the others may have read a small one to its end and closed it."""


@pytest.mark.parametrize("held", ["students", CHILD])
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_finds_tables_of_one_export_whatever_it_holds(school: School, out: Path, reader: str, held: str):
    before = content(out)
    file = ExportFolder(out, "S999").file(held)
    with READERS[reader](file):
        done = refresh(school, out)
    after = content(out)
    if done.status["students"] == "failed":
        assert str(file) in done.remarks["students"]
        assert "Close the program" in done.remarks["students"]
        assert {table for table in before if after[table] != before[table]} == {"genders"}
        with pytest.warns(hf.HubmisWarning, match="incomplete"):
            hf.read(out, "students")
    else:
        assert reader not in HOLDING
        assert all(after[table] != before[table] for table in ("students", CHILD, "genders"))
    assert done.status["genders"] == "complete"
    assert not list(out.rglob("*.part"))
    assert set(refresh(school, out).status) == {"complete"}
    assert not list(out.rglob(INCOMPLETE))
    assert content(out).keys() == before.keys()
    assert all(content(out)[table] != before[table] for table in ("students", CHILD, "genders"))


def test_a_reader_that_closes_the_file_in_time_is_waited_for_and_nothing_changes_until_then(
    school: School, out: Path, monkeypatch: pytest.MonkeyPatch
):
    before = content(out)
    with ExportFolder(out, "S999").file(CHILD).open("rb") as reader:
        waits = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            assert content(out)["students"] == before["students"], "no new students beside old nationalities"
            reader.close()

        clock = SimpleNamespace(monotonic=lambda: 0.2 * len(waits), time=time.time, sleep=sleep)
        monkeypatch.setattr(files, "time", clock)
        assert set(refresh(school, out).status) == {"complete"}
    assert waits
    assert all(content(out)[table] != before[table] for table in ("students", CHILD))


@pytest.mark.parametrize("error", [PermissionError(13, "The process cannot access the file"), KeyboardInterrupt()])
@pytest.mark.parametrize("new", [False, True])
def test_what_fails_between_two_files_leaves_neither_changed(
    school: School, out: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, new: bool
):
    """As when a program opens the second file just after it was free, or somebody presses Ctrl-C."""
    if new:
        ExportFolder(out, "S999").file("students").unlink()
    before = content(out)
    replace_ = files._replace

    def held(part: Path, file: Path) -> None:
        if file == ExportFolder(out, "S999").file(CHILD):
            raise error
        replace_(part, file)

    with monkeypatch.context() as patch:
        patch.setattr(files, "_replace", held)
        if isinstance(error, KeyboardInterrupt):
            with pytest.raises(KeyboardInterrupt):
                refresh(school, out)
        else:
            done = refresh(school, out)
            assert done.status.to_dict()["students"] == "failed"
            assert CHILD in done.remarks["students"]
    after = content(out)
    assert {table: after.get(table) for table in before if table != "genders"} == {
        table: content for table, content in before.items() if table != "genders"
    }
    assert ("students" in after) != new
    assert not list(out.rglob("*.part"))


def test_a_mark_of_missing_rows_that_is_held_does_not_stay_on_whole_rows_unnoticed(school: School, out: Path):
    before = content(out)
    folder = ExportFolder(out, "S999")
    folder.mark_incomplete("students", "Some are missing.")
    with (folder.of_table("students") / INCOMPLETE).open("rb"):
        done = refresh(school, out)
    assert done.status["students"] == "failed"
    assert INCOMPLETE in done.remarks["students"]
    assert content(out)["students"] == before["students"]
    refresh(school, out)
    assert not list(out.rglob(INCOMPLETE))


def test_a_manifest_that_is_held_to_the_end_is_named(school: School, out: Path):
    manifest = ExportFolder(out, "S999").manifest
    earlier = manifest.read_bytes()
    with manifest.open("rb"), pytest.raises(hf.ExportError, match=r"manifest-S999-\w+\.json cannot be replaced"):
        refresh(school, out)
    assert manifest.read_bytes() == earlier
    assert set(refresh(school, out).status) == {"complete"}


def test_a_manifest_that_is_held_for_a_while_costs_nothing(simulator: Simulator, school: School, out: Path):
    manifest = ExportFolder(out, "S999").manifest
    with contextlib.ExitStack() as holding:

        def hold(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
            if asked.table == "students" and not asked.query.endswith("2"):
                holding.enter_context(manifest.open("rb"))
            elif asked.table == "genders":
                holding.close()
            return answer

        simulator.hooks.append(hold)
        assert set(refresh(school, out).status) == {"complete"}
    operations = json.loads(manifest.read_bytes())["operations"]
    assert {entry["status"] for entry in operations.values()} == {"complete"}
    assert operations["students"]["requests"] > 0


# --- other files that are held


def test_a_code_map_that_a_spreadsheet_has_open_stays_whole(out: Path):
    england = hf.attendance.CodeMap.england()
    file = england.save(out / "code-map.csv")
    before = file.read_bytes()
    with file.open("rb"), pytest.raises(hf.SettingsError, match=r"code-map\.csv.*Close the program"):
        england.extend({"*": "present"}).save(file)
    assert file.read_bytes() == before
    assert england.extend({"*": "present"}).save(file).read_bytes() != before


@pytest.mark.parametrize("name", ["dictionary.csv", "datapackage.json"])
def test_a_description_of_the_export_that_a_spreadsheet_has_open_costs_no_table(school: School, out: Path, name: str):
    described = out / name
    described.write_text("of an earlier export", encoding="utf-8")
    with described.open("rb"), pytest.warns(hf.HubmisWarning, match=f"{name}.*Close the program"):
        assert set(refresh(school, out).status) == {"complete"}
    refresh(school, out)
    assert described.read_text("utf-8-sig") != "of an earlier export"


def test_a_damaged_cache_that_is_held_is_not_counted_as_purged(school: School, out: Path, tmp_path: Path):
    hf.load_genders(school)
    (cache,) = (tmp_path / "cache").rglob("*.sqlite")
    aside = cache.with_name("answers-2.damaged-1")
    aside.write_bytes(b"may hold any child's data")
    with aside.open("rb"), pytest.raises(hf.CacheError, match=r"damaged-1 may hold.*then purge again"):
        school.purge_cache()
    school.purge_cache()
    assert not aside.exists()


# --- files that nobody else may open


def lock(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Let Arrow open a file no more, as where another program forbids it on Windows, or permissions do elsewhere."""
    opens = pq.ParquetFile.__init__

    def refuse(self: Any, source: Any, *more: Any, **options: Any) -> None:
        if str(source) == str(file):
            raise PermissionError(13, f"Failed to open local file '{file}'")
        opens(self, source, *more, **options)

    monkeypatch.setattr(pq.ParquetFile, "__init__", refuse)
    monkeypatch.setattr(pq, "read_table", lambda source, **options: pq.ParquetFile(source).read())


def test_a_file_that_cannot_be_opened_is_not_called_damaged(out: Path, monkeypatch: pytest.MonkeyPatch):
    file = ExportFolder(out, "S999").file("students")
    with monkeypatch.context() as patch:
        lock(patch, file)
        for read in (lambda: is_sound(file), lambda: hf.read(out, "students")):
            with pytest.raises(hf.ExportError, match=r"cannot be read.*Close the program") as error:
                read()
            assert str(file) in str(error.value)
            assert "damaged" not in str(error.value)
    assert len(hf.read(out, "students")) == 7


@pytest.mark.skipif(os.name != "nt", reason="elsewhere nobody can forbid others to open a file")
def test_a_file_that_another_program_keeps_to_itself_on_windows(school: School, out: Path):
    import ctypes

    file = ExportFolder(out, "S999").file("students")
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    kernel.CreateFileW.restype = ctypes.c_void_p
    handle = kernel.CreateFileW(str(file), 0x80000000, 0, None, 3, 0, None)
    try:
        with pytest.raises(hf.ExportError, match="cannot be read"):
            hf.read(out, "students")
        with pytest.warns(hf.HubmisWarning, match=r"dictionary\.csv"):
            done = refresh(school, out)
        assert done.status["students"] == "failed"
    finally:
        kernel.CloseHandle(ctypes.c_void_p(handle))
    assert set(refresh(school, out).status) == {"complete"}


def test_the_history_of_marks_is_not_begun_anew_because_it_cannot_be_opened(
    simulator: Simulator, school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A refresh that took it for damaged would ask for every mark again, and would lose the deleted rows."""
    marks = "student_attendance"
    out = tmp_path / "out"
    school.export(out, [marks])
    before = content(out)
    monkeypatch.setattr(files, "HELD", 0.1)
    with monkeypatch.context() as patch:
        lock(patch, ExportFolder(out, "S999").file(marks))
        simulator.log.clear()
        with pytest.warns(hf.HubmisWarning, match=r"dictionary\.csv"):
            done = school.export(out, [marks], refresh=True).set_index("table")
    assert done.status[marks] == "failed"
    assert not any(asked.table == marks for asked in simulator.log)
    assert content(out)[marks] == before[marks]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hf.HubmisWarning)
        assert len(hf.read(out, marks))
