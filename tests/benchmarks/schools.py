"""How a group of schools is summarised in Dask: time and memory as schools grow from 1 to 10 to 100.

Run it: ``python -m tests.benchmarks.schools [SCHOOLS ...]``. It writes made-up schools of about 300,000 marks each
into a temporary folder, in the layout of an export, summarises them by school, year group and week on two workers of
one thread, and prints a table. The memory is that of all processes together, the client's and the scheduler's too.
"""

import argparse
import os
import platform
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import dask
import distributed
import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

import hubmis_frames as hf
from hubmis_frames.export.folder import FILE, partition
from hubmis_frames.export.write import ROW_GROUP
from hubmis_frames.frames import to_pandas
from hubmis_frames.simulator.calendar import ACTIVE, YEARS
from hubmis_frames.simulator.marks import NOTES, SPELLS, WEEKDAY
from hubmis_frames.simulator.reference import CODES

STUDENTS = 800
BY = ["realm", "year_group_name", "week"]


def make(folder: Path, number: int) -> int:
    """Write one school: its students, its codes and a year of marks; absence comes in spells, as in the simulator.

    The simulator's own generator draws each student's marks in Python, which would take hours for thirty million.
    """
    rng = np.random.default_rng([2026, number])
    realm = f"S{number:03}"
    year = YEARS[ACTIVE]
    days = pd.DatetimeIndex(year.days(year.start, year.end)).as_unit("us")
    sessions = 2 * len(days)
    rates = rng.gamma(3.2, 0.0128, STUDENTS)
    often = rng.random(STUDENTS) < 0.05
    rates[often] = 0.11 + 0.2 * rng.random(int(often.sum()))
    texts = list(CODES)
    place = {code: index for index, code in enumerate(texts)}
    marks = np.tile([place["/"], place["\\"]], (STUDENTS, len(days)))
    late = rng.random((STUDENTS, len(days))) < 0.02
    marks[:, ::2][late] = place["L"]
    shares, lengths = np.array(list(SPELLS.values())).T
    mean = float((shares / shares.sum() * np.maximum(lengths, 0.5)).sum())
    weekday = np.array(WEEKDAY)[days.day_of_week]
    begun = rng.random((STUDENTS, len(days))) < (rates / (1 - rates) / mean)[:, None] * weekday
    student, day = np.nonzero(begun)
    reason = rng.choice(len(SPELLS), len(student), p=shares / shares.sum())
    length = np.where(lengths[reason] == 0.5, 1, 2 * rng.geometric(1 / np.maximum(1, lengths[reason])))
    first = 2 * day + rng.integers(0, 2, len(day)) * (lengths[reason] == 0.5)
    spell = np.repeat(np.arange(len(student)), length)
    at = first[spell] + np.arange(length.sum()) - np.repeat(length.cumsum() - length, length)
    inside = at < sessions
    codes = np.array([place[code] for code in SPELLS])
    marks[student[spell][inside], at[inside]] = codes[reason[spell]][inside]
    marks[rng.random(marks.shape) < 0.0035] = place["-"]
    when = pd.DatetimeIndex(np.repeat(days, 2)) + pd.to_timedelta(np.tile([8, 13], len(days)), unit="h")
    ids = np.repeat(np.arange(1, STUDENTS + 1), sessions)
    flat = marks.ravel()
    table = pa.table(
        {
            "student_id": pa.array(ids),
            "attendance_record_id": pa.array(np.arange(1, len(ids) + 1)),
            "date": pa.array(np.tile(np.repeat(days, 2), STUDENTS), pa.timestamp("us")),
            "date_time": pa.array(np.tile(when.to_numpy(), STUDENTS), pa.timestamp("us", tz="UTC")),
            "attendance_session": pa.array(["am", "pm"]).take(pa.array(np.tile([0, 1], len(ids) // 2))),
            "attendance_code_id": pa.array(flat + 1),
            "description": pa.array([NOTES.get(code) for code in texts], pa.string()).take(pa.array(flat)),
        }
    )
    of_year = pa.array([f"Year {7 + student % 7}" for student in range(STUDENTS)])
    students = pa.table({"student_id": pa.array(np.arange(1, STUDENTS + 1)), "year_group_name": of_year})
    own = pa.table({"attendance_code_id": pa.array(np.arange(1, len(texts) + 1)), "code": pa.array(texts)})
    for name, each in (("student_attendance", table), ("students", students), ("attendance_codes", own)):
        file = folder / name / f"realm={partition(realm)}" / FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        remarks = pa.Schema.from_pandas(to_pandas(each.schema.empty_table()), preserve_index=False).metadata
        pq.write_table(each.replace_schema_metadata(remarks), file, row_group_size=ROW_GROUP, compression="zstd")
    return len(table)


def analyse(folder: Path) -> dict[str, pd.DataFrame]:
    """What a user writes."""
    records = hf.read(folder, "student_attendance", engine="dask")
    students = hf.read(folder, "students")[["realm", "student_id", "year_group_name"]]
    marks = hf.attendance.marks(hf.join(records, students), hf.read(folder, "attendance_codes"))
    return {"summarise": hf.attendance.summarise(marks, by=BY)}


class Memory(threading.Thread):
    """The most that this process and all below it hold at a time, looked at ten times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self._done = threading.Event()
        self.start()

    def run(self) -> None:
        me = psutil.Process()
        while not self._done.wait(0.1):
            held = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.most = max(self.most, held)

    def stop(self) -> int:
        self._done.set()
        self.join()
        return self.most


def measure(schools: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="schools-") as name:
        folder = Path(name)
        begun = time.perf_counter()
        marks = sum(make(folder, number) for number in range(schools))
        made = time.perf_counter() - begun
        size = sum(file.stat().st_size for file in folder.rglob("*.parquet"))
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            client.run(__import__, "hubmis_frames.attendance")
            memory = Memory()
            begun = time.perf_counter()
            found = analyse(folder)["summarise"]
            took = time.perf_counter() - begun
            most = memory.stop()
        assert found["realm"].nunique() == schools
        assert found["possible_sessions"].sum() > 0.9 * marks
    return {
        "schools": schools,
        "marks": f"{marks:,}",
        "Parquet, MB": round(size / 1e6),
        "made in, s": round(made, 1),
        "rows of result": f"{len(found):,}",
        "summarised in, s": round(took, 1),
        "all processes, GB": round(most / 1e9, 2),
        "absence, %": round(float(100 * found["absence"].sum() / found["possible_sessions"].sum()), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("schools", nargs="*", type=int, default=[1, 10, 100])
    rows = [measure(schools) for schools in parser.parse_args().schools]
    versions = f"Python {platform.python_version()}, pandas {pd.__version__}, dask {dask.__version__}"
    print(f"{os.cpu_count()} cores, {versions}, pyarrow {pa.__version__}, {time.strftime('%Y-%m-%d')}")
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
