"""An export brought up to date: what is asked, what the files become, and what is said of the difference."""

import json
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.export.refresh import HISTORIES, History
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator, build_world
from tests.helpers.examples import given_few

Serve = Callable[..., Simulator]
Connect = Callable[..., School]
Export = Callable[..., pd.DataFrame]

FRIDAY, TUESDAY = date(2026, 6, 26), date(2026, 6, 30)
MARKS = "student_attendance"
STUDENTS = 20


def remarks(folder: Path) -> str:
    content = json.loads(next(folder.glob("manifest-*.json")).read_text(encoding="utf-8"))
    return "; ".join(content["operations"][MARKS]["remarks"])


def files(folder: Path) -> dict[str, bytes]:
    found = {str(file.relative_to(folder)): file.read_bytes() for file in folder.glob("*/realm=*/*.parquet")}
    return {name: content for name, content in found.items() if not name.startswith(f"{MARKS}_deleted")}


def asked_of_marks(simulator: Simulator) -> list[SimulatedRequest]:
    return [asked for asked in simulator.log if asked.table == MARKS]


def change_marks(
    change: Callable[[int, list[dict[str, Any]]], list[dict[str, Any]]],
) -> Callable[..., SimulatedResponse]:
    """A hook that changes the marks of each student."""

    def hook(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table == MARKS and answer.status == 200:
            rows = change(int(asked.path.split("/")[-2]), json.loads(answer.body))
            answer.body = json.dumps(rows).encode()
        return answer

    return hook


@pytest.fixture
def export(connect_to: Connect, tmp_path: Path) -> Export:
    def run(simulator: Simulator, name: str, tables: Any = (MARKS,), **choices: Any) -> pd.DataFrame:
        # In memory alone: nothing of what is new may come from an older answer.
        with connect_to(simulator, cache_dir=None) as school:
            return school.export(tmp_path / name, tables, **choices).set_index("table")

    return run


@pytest.fixture
def on(serve: Serve) -> Callable[[date], Simulator]:
    """The same school on a day: later marks are not made yet."""
    world = build_world(students=STUDENTS, seed=5, today=TUESDAY)
    for row in world.entities["student"].values():
        row["deleted_at"] = None  # marks of removed students end early, and here all end on the same day

    def start(day: date) -> Simulator:
        simulator = serve(world)
        simulator.hooks.append(change_marks(lambda _, rows: [row for row in rows if row["date"] <= str(day)]))
        return simulator

    return start


@pytest.mark.parametrize("choices", [{}, {"free_text": True}, {"pseudonymise": True}])
def test_a_refresh_leaves_the_very_files_that_a_new_export_writes(
    on: Callable[[date], Simulator], export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choices: Any
):
    monkeypatch.setenv("HUBMIS_PSEUDONYM_KEY", str(tmp_path / "key"))
    earlier, later = on(FRIDAY), on(TUESDAY)
    export(earlier, "kept", "core", **choices)
    written = {file: file.stat().st_mtime_ns for file in (tmp_path / "kept").glob("*/*/*.parquet")}
    done = export(later, "kept", "core", refresh=True, **choices)
    export(later, "new", "core", **choices)
    assert files(tmp_path / "kept") == files(tmp_path / "new")
    assert done.requests[MARKS] == STUDENTS
    assert f"{4 * STUDENTS} rows new" in remarks(tmp_path / "kept")  # Monday's and Tuesday's
    touched = {file.parent.parent.name for file, when in written.items() if file.stat().st_mtime_ns != when}
    assert MARKS in touched
    assert not {"houses", "terms", "attendance_codes"} & touched


def test_marks_are_asked_from_the_window_before_the_last_one(on: Callable[[date], Simulator], export: Export):
    simulator = on(FRIDAY)
    export(simulator, "kept")
    simulator.log.clear()
    export(simulator, "kept", refresh=True, window=7)
    bounds = [parse_qs(asked.query)["filter[dateTime][from]"] for asked in asked_of_marks(simulator)]
    # A day more, as nothing says whether the bound is inclusive.
    assert bounds == [[f"{FRIDAY - timedelta(days=8)}T00:00:00Z"]] * STUDENTS


def test_a_refresh_moves_about_a_tenth_of_the_bytes(on: Callable[[date], Simulator], export: Export):
    moved = {FRIDAY: 0, TUESDAY: 0}
    for day in moved:
        simulator = on(day)

        def count(asked: SimulatedRequest, answer: SimulatedResponse, day: date = day) -> SimulatedResponse:
            moved[day] += len(answer.body)
            return answer

        simulator.hooks.append(count)
        export(simulator, "kept", "core", refresh=True)
    # In a school as small as this, what each list costs to find its first page and its end counts for something.
    # So do the lists of other years, as nothing here has a cache, which would keep them for a week.
    assert moved[TUESDAY] < 0.12 * moved[FRIDAY]


def test_corrections_within_the_window_are_taken_and_counted_and_deleted_marks_are_kept(
    on: Callable[[date], Simulator], export: Export, tmp_path: Path
):
    simulator = on(TUESDAY)
    export(simulator, "kept")
    before = hf.read(tmp_path / "kept", MARKS)
    days = [FRIDAY, TUESDAY - timedelta(days=60)]  # within the window, and long before

    def change(student: int, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for row in rows:
            if row["date"] in map(str, days) and row["attendance_session"] == "am":
                row["attendance_code"] = {"id": 99, "code": "I", "description": "Illness"}
        return [row for row in rows if not (row["date"] in map(str, days) and row["attendance_session"] == "pm")]

    simulator.hooks.append(change_marks(change))
    export(simulator, "kept", refresh=True)
    after = hf.read(tmp_path / "kept", MARKS)
    of_day = {day: (after["date"] == str(day)) for day in days}
    assert after.loc[of_day[FRIDAY], "attendance_code_id"].eq(99).all()
    assert after.loc[of_day[FRIDAY], "attendance_session"].eq("am").all()
    assert not after.loc[of_day[days[1]], "attendance_code_id"].eq(99).any()  # older than the window, and said so
    deleted = hf.read(tmp_path / "kept", f"{MARKS}_deleted")
    assert set(deleted["date"].dt.date) == {FRIDAY}
    assert deleted["noticed_at"].notna().all()
    gone = before.merge(deleted[["student_id", "date", "attendance_session"]])
    pd.testing.assert_frame_equal(
        gone.drop(columns="realm"), deleted.drop(columns=["realm", "noticed_at"]), check_like=True
    )
    said = remarks(tmp_path / "kept")
    assert f"{len(deleted)} rows no longer sent" in said
    assert f"{of_day[FRIDAY].sum()} rows changed" in said
    assert "rows new" not in said
    export(simulator, "kept", refresh=True)  # no row is counted as deleted twice
    assert len(hf.read(tmp_path / "kept", f"{MARKS}_deleted")) == len(deleted)
    export(simulator, "kept", refresh=True, window=90)
    assert set(hf.read(tmp_path / "kept", f"{MARKS}_deleted")["date"].dt.date) == set(days)


def test_marks_in_the_future_do_not_hide_those_of_today(
    on: Callable[[date], Simulator], export: Export, tmp_path: Path
):
    def add(student: int, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        known = {"id": 10**9 + student, "date": "2027-07-01", "attendance_session": "am", "attendance_code": None}
        return [*rows, known]

    for day, name in ((FRIDAY, "kept"), (TUESDAY, "kept"), (TUESDAY, "new")):
        simulator = on(day)
        simulator.hooks.append(change_marks(add))
        export(simulator, name, refresh=True)
        manifest = next((tmp_path / name).glob("manifest-*.json"))
        content = json.loads(manifest.read_text(encoding="utf-8"))
        content["operations"][MARKS]["fetched_from"] = f"{day}T20:00:00+00:00"  # the simulated school lives in the past
        manifest.write_text(json.dumps(content), encoding="utf-8")
    assert files(tmp_path / "kept") == files(tmp_path / "new")


def test_a_server_that_ignores_the_bound_is_believed_whole(
    on: Callable[[date], Simulator], export: Export, tmp_path: Path
):
    simulator = on(TUESDAY)
    export(on(FRIDAY), "kept")
    whole: dict[str, bytes] = {}

    def remember(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        whole[asked.path] = answer.body
        return answer

    simulator.hooks.append(remember)
    export(simulator, "new")
    ignoring = on(TUESDAY)

    def ignore(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        answer.body = whole[asked.path] if asked.table == MARKS else answer.body
        return answer

    ignoring.hooks.append(ignore)
    export(ignoring, "kept", refresh=True)
    assert files(tmp_path / "kept") == files(tmp_path / "new")
    assert f"{STUDENTS} responses not limited to the days asked for" in remarks(tmp_path / "kept")


def test_those_whose_request_fails_keep_their_rows_and_the_table_is_marked(
    on: Callable[[date], Simulator], export: Export, tmp_path: Path
):
    simulator = on(TUESDAY)
    export(on(FRIDAY), "kept")
    whom = int(hf.read(tmp_path / "kept", MARKS)["student_id"].iloc[0])

    def fail(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        return SimulatedResponse(500, b"{}") if asked.table == MARKS and f"/{whom}/" in asked.path else answer

    simulator.hooks.append(fail)
    assert export(simulator, "kept", refresh=True).status[MARKS] == "incomplete"
    with pytest.warns(hf.HubmisWarning, match="incomplete"):
        marks = hf.read(tmp_path / "kept", MARKS)
    last = marks.groupby("student_id")["date"].max()
    assert last[whom] == pd.Timestamp(FRIDAY)
    assert last.drop(whom).eq(pd.Timestamp(TUESDAY)).all()
    simulator.hooks.clear()
    export(simulator, "kept", refresh=True)
    export(simulator, "new")
    assert files(tmp_path / "kept") == files(tmp_path / "new")


def test_a_student_who_left_goes_from_the_table_and_is_kept_aside(
    on: Callable[[date], Simulator], export: Export, tmp_path: Path
):
    export(on(FRIDAY), "kept")
    whom = int(hf.read(tmp_path / "kept", MARKS)["student_id"].iloc[0])
    simulator = on(TUESDAY)

    def leave(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table == "students":
            answer.body = json.dumps([row for row in json.loads(answer.body) if row["id"] != whom]).encode()
        return answer

    simulator.hooks.append(leave)
    export(simulator, "kept", refresh=True)
    assert whom not in set(hf.read(tmp_path / "kept", MARKS)["student_id"])
    deleted = hf.read(tmp_path / "kept", f"{MARKS}_deleted")
    assert set(deleted["student_id"]) == {whom}
    assert f"{len(deleted)} of people no longer asked for" in remarks(tmp_path / "kept")


@pytest.mark.parametrize("first", [{"free_text": False}, {"free_text": True}])
def test_an_export_made_otherwise_is_asked_for_whole(
    on: Callable[[date], Simulator], export: Export, tmp_path: Path, first: dict[str, bool]
):
    simulator = on(FRIDAY)
    export(simulator, "kept", **first)
    simulator.log.clear()
    other = {"free_text": not first["free_text"]}
    export(simulator, "kept", refresh=True, **other)
    assert not any(asked.query for asked in asked_of_marks(simulator))
    export(simulator, "new", **other)
    assert files(tmp_path / "kept") == files(tmp_path / "new")


# --- the formula, without a server


DAYS = pd.date_range("2026-01-05", periods=40, unit="us")
KEYS = HISTORIES[MARKS]


def table(rows: list[tuple[int, int, str, str]]) -> pa.Table:
    return pa.table(
        {
            KEYS.person: pa.array([who for who, *_ in rows], pa.int64()),
            KEYS.day: pa.array([DAYS[day].to_pydatetime() for _, day, *_ in rows], pa.timestamp("us")),
            KEYS.part: pa.array([part for _, _, part, _ in rows], pa.string()),
            "code": pa.array([code for *_, code in rows], pa.string()),
        }
    )


marked = st.dictionaries(
    st.tuples(st.integers(1, 4), st.integers(0, 39), st.sampled_from(["am", "pm"])),
    st.sampled_from("/IOL"),
    max_size=60,
)


@given_few(
    truth=marked, until=st.integers(5, 35), window=st.integers(0, 10), before=marked, part=st.integers(1, 4), few=25
)
def test_whatever_changed_within_the_window_the_refreshed_rows_are_those_of_the_server(
    truth: dict[Any, str], until: int, window: int, before: dict[Any, str], part: int
):
    people = [3, 1, 4, 2]
    now = [(*key, code) for who in people for key, code in sorted(truth.items()) if key[0] == who]
    # What an export held that day: older than the window it is as it is today, and within it anything.
    last = {who: max((day for w, day, *_ in now if w == who and day <= until), default=until) for who in people}
    old = [row for row in now if row[1] < last[row[0]] - window]
    old += [(*key, code) for key, code in sorted(before.items()) if last[key[0]] - window <= key[1] <= last[key[0]]]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "part-0.parquet"
        pq.write_table(table(old), file)
        history = History(file, KEYS, DAYS[until].date(), window)
        since = {who: history.ask_from(who) for who in people}
        sent = [row for row in now if since[row[0]] is None or DAYS[row[1]].date() >= since[row[0]]]
        parts = [
            history.merge_window(some, table([row for row in sent if row[0] in some]))
            for some in (people[:part], people[part:])
            if some
        ]
        rest = history.remaining_rows(people, [])
        assert pa.concat_tables([*parts, rest]).to_pylist() == table(now).to_pylist()
        gone = {
            (row[KEYS.person], row[KEYS.day], row[KEYS.part]) for rows in history.deleted for row in rows.to_pylist()
        }
        assert gone == {(who, DAYS[day].to_pydatetime(), half) for who, day, half, _ in old} - {
            (who, DAYS[day].to_pydatetime(), half) for who, day, half, _ in now
        }
