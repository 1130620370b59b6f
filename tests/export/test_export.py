"""Exports: what pandas reads back, what a manifest says, and what a fault or an interruption leaves."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.export import CORE
from hubmis_frames.export.steps import steps_of
from hubmis_frames.export.write import INCOMPLETE
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator, build_world
from hubmis_frames.transport import Session

Serve = Callable[..., Simulator]
Connect = Callable[..., School]


def manifest(directory: Path) -> Any:
    (file,) = directory.glob("manifest-*.json")
    return json.loads(file.read_text(encoding="utf-8"))


def test_core_is_read_back_by_pandas_as_the_loaders_gave_it(school: School, tmp_path: Path):
    done = school.export(tmp_path / "out", "core", free_text=True)
    assert done.table.tolist() == list(CORE)
    assert (done.status == "complete").all()
    students = hf.load_students(school)
    for table, frame in {**hf.load_students.tables(school), **hf.load_staff.tables(school)}.items():
        read = pd.read_parquet(tmp_path / "out" / table)
        pd.testing.assert_frame_equal(read.drop(columns="realm"), frame)
        assert set(read.realm) <= {"S999"}
    marks = pd.read_parquet(tmp_path / "out" / "student_attendance").drop(columns="realm")
    pd.testing.assert_frame_equal(marks, hf.load_student_attendance(school, students))
    assert set(marks.student_id) == set(students.student_id)


def test_core_asks_for_nothing_twice_and_a_second_export_asks_nothing(
    simulator: Simulator, school: School, tmp_path: Path
):
    school.export(tmp_path / "out")
    asked = [asked.target for asked in simulator.log]
    headers = [(asked.target, asked.headers.get("academic-year-id")) for asked in simulator.log]
    assert len(headers) == len(set(headers))
    school.export(tmp_path / "again")
    assert len(simulator.log) == len(asked)


def test_core_costs_the_requests_that_its_docstring_says(simulator: Simulator, school: School, tmp_path: Path):
    rows = school.export(tmp_path / "out").set_index("table").rows
    single = ["students", "forms", "tutor_groups", "houses"]
    twice = ["terms", "holidays", "inset_days", "closure_dates", "pastoral_categories"]
    asked_by_id = ["student_attendance", "form_students", "tutor_group_students", "house_students"]
    by_year = hf.read(tmp_path / "out", "academic_year_students").groupby(["academic_year_id", "enrolment_status"])
    paged = [table for table in CORE if table in CATALOGUE and CATALOGUE[table].paged]
    others = len(CORE) - len(paged) - len(twice) - len(asked_by_id) - 1
    pages = sum(-(-int(rows[table]) // 500) + 2 for table in paged)
    pages += sum(-(-len(own) // 500) + 1 for _, own in by_year)  # the number of the first page is known by then
    formula = int(rows[single].sum()) + pages + 2 * len(twice) + others + 1
    assert len(simulator.log) == formula
    assert len({asked.target + asked.headers.get("academic-year-id", "") for asked in simulator.log}) == formula


def test_core_has_the_calendar_of_the_year_before(school: School, tmp_path: Path):
    school.export(tmp_path / "out", ["terms", "forms"])
    assert pd.read_parquet(tmp_path / "out" / "terms").academic_year_id.nunique() == 2
    assert pd.read_parquet(tmp_path / "out" / "forms").academic_year_id.nunique() == 1


def test_the_manifest_says_what_was_fetched(school: School, tmp_path: Path):
    school.export(tmp_path / "out", ["students", "student_attendance"])
    said = manifest(tmp_path / "out")
    assert said["realm"] == "S999"
    assert said["academic_year_id"] == school._fetcher.current_year()
    assert said["finished_at"] >= said["started_at"]
    marks = said["operations"]["student_attendance"]
    assert marks["operation"] == "Get a list of student session attendance records"
    assert marks["path_source"] == "inferred"
    assert marks["requests"] == 60
    assert marks["fetched_from"] <= marks["fetched_to"]
    assert marks["tables"]["student_attendance"] == len(pd.read_parquet(tmp_path / "out" / "student_attendance"))


def test_what_is_not_permitted_stops_nothing_and_is_no_empty_table(serve: Serve, connect_to: Connect, tmp_path: Path):
    school = connect_to(serve(forbidden=frozenset({"pastoral_events", "houses"})))
    done = school.export(tmp_path / "out").set_index("table")
    assert done.status["pastoral_events"] == "not permitted"
    assert done.status["houses"] == "not permitted"
    assert done.status["house_students"] == "failed"
    assert done.status["student_attendance"] == "complete"
    assert pd.isna(done.rows["pastoral_events"])
    assert not (tmp_path / "out" / "pastoral_events").exists()
    assert "scope" in manifest(tmp_path / "out")["operations"]["pastoral_events"]["remarks"][0]


def test_one_id_that_fails_leaves_the_rest_marked_incomplete(simulator: Simulator, school: School, tmp_path: Path):
    students = hf.load_students(school)
    bad = int(students.student_id.iloc[30])

    def fails(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        return replace(answer, status=500) if f"/students/{bad}/attendance" in asked.path else answer

    simulator.hooks.append(fails)
    done = school.export(tmp_path / "out", ["student_attendance"]).set_index("table")
    folder = tmp_path / "out" / "student_attendance" / "realm=S999"
    assert done.status["student_attendance"] == "incomplete"
    assert (folder / INCOMPLETE).exists()
    assert list(manifest(tmp_path / "out")["operations"]["student_attendance"]["failed"]) == [str(bad)]
    assert bad not in set(pd.read_parquet(folder.parent).student_id)

    with pytest.raises(hf.IncompleteError, match="1 of 60 requests failed") as caught:
        hf.load_student_attendance(school, students)
    assert caught.value.tables["student_attendance"].student_id.nunique() == 59
    assert list(caught.value.failed) == [(bad,)]

    simulator.hooks.clear()
    before = len(simulator.log)
    school.export(tmp_path / "out", ["student_attendance"])
    assert len(simulator.log) - before == 1, "only what failed is asked for again"
    assert not (folder / INCOMPLETE).exists()
    assert bad in set(pd.read_parquet(folder.parent).student_id)


def test_an_operation_that_always_fails_is_given_up_soon(simulator: Simulator, school: School, tmp_path: Path):
    simulator.hooks.append(
        lambda asked, answer: replace(answer, status=403) if "attendance-records" in asked.path else answer
    )
    done = school.export(tmp_path / "out", ["student_attendance", "genders"]).set_index("table")
    assert done.status.to_dict()["student_attendance"] == "not permitted"
    assert done.status.to_dict()["genders"] == "complete"
    assert simulator.count("attendance-records") < 30


def test_two_realms_go_into_one_directory(serve: Serve, connect_to: Connect, tmp_path: Path):
    simulator = serve(
        {realm: build_world(students=20, seed=seed, realm=realm) for seed, realm in enumerate(("A1", "B.2/../x"))}
    )
    for realm in ("A1", "B.2/../x"):
        connect_to(simulator, realm=realm).export(tmp_path / "out", ["students"])
    read = pd.read_parquet(tmp_path / "out" / "students")
    assert read.realm.value_counts().to_dict() == {"A1": 20, "B.2/../x": 20}
    assert len(list((tmp_path / "out").glob("manifest-*.json"))) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"out", "cache", "rate.sqlite"}


def test_a_second_export_into_the_same_directory_is_refused(school: School, tmp_path: Path):
    import filelock

    directory = tmp_path / "out"
    directory.mkdir()
    with filelock.FileLock(directory / ".export.lock"), pytest.raises(hf.ExportError, match="Another export"):
        school.export(directory, ["genders"])


def test_a_directory_that_cannot_be_written_is_refused_before_anything_is_sent(
    simulator: Simulator, school: School, tmp_path: Path
):
    (tmp_path / "file").write_text("")
    with pytest.raises(hf.ExportError, match="Cannot write"):
        school.export(tmp_path / "file" / "out")
    assert simulator.log == []


def test_a_table_that_does_not_exist_is_said(school: School, tmp_path: Path):
    with pytest.raises(hf.BadArgumentError, match="Did you mean 'students'"):
        school.export(tmp_path / "out", ["studnets"])
    with pytest.raises(hf.BadArgumentError, match=r"'attendance_codes' or 'student_attendance'\?"):
        school.export(tmp_path / "out", ["attendence"])
    with pytest.raises(hf.BadArgumentError, match="There is no table 'everything'"):
        school.export(tmp_path / "out", "everything")
    assert school.export(tmp_path / "out", ["load_genders"]).table.tolist() == ["genders"]


@pytest.mark.slow
def test_all_is_everything_but_deprecated_twins(simulator: Simulator, connect_to: Connect, tmp_path: Path):
    small = Simulator(build_world(students=14, seed=2), simulator.rules)
    with small:
        school = connect_to(small)
        done = school.export(tmp_path / "out", "all").set_index("table")
    assert (done.status == "complete").all(), done[done.status != "complete"]
    declared = {table for table, endpoint in CATALOGUE.items() if not endpoint.deprecated}
    assert set(done.index) == declared | set(CORE)
    assert done.index[: len(CORE)].tolist() == list(CORE)
    assert done.requests.loc["student"] > 0
    assert done.index.get_loc("student") > done.index.get_loc("student_emails")


def test_what_is_no_longer_permitted_leaves_no_older_file(simulator: Simulator, school: School, tmp_path: Path):
    school.export(tmp_path / "out", ["students", "genders"])
    simulator.hooks.append(lambda asked, answer: replace(answer, status=403) if "genders" in asked.path else answer)
    done = school.export(tmp_path / "out", ["genders", "houses"], refresh=True).set_index("table")
    assert done.status["genders"] == "not permitted"
    assert not (tmp_path / "out" / "genders").exists()
    assert (tmp_path / "out" / "students").exists()


def test_few_requests_that_are_all_refused_are_no_empty_table(serve: Serve, connect_to: Connect, tmp_path: Path):
    school = connect_to(serve(forbidden=frozenset({"house_students"})))
    done = school.export(tmp_path / "out", ["house_students"]).set_index("table")
    assert done.status["house_students"] == "not permitted"
    assert not (tmp_path / "out" / "house_students").exists()


@pytest.mark.parametrize("status", [403, 500])
def test_where_nothing_can_be_had_an_export_fails_and_leaves_what_is_there(
    simulator: Simulator, connect_to: Connect, tmp_path: Path, status: int
):
    with pytest.raises(hf.NotPermittedError, match="Compare the realm 'WRONG' letter by letter"):
        connect_to(simulator, realm="WRONG").export(tmp_path / "out")
    assert not list((tmp_path / "out").glob("[!.]*")), "not even a manifest, which would pass for a school's"
    school = connect_to(simulator)
    school.export(tmp_path / "out", ["genders", "houses"])
    before = {file: file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file()}
    simulator.hooks.append(lambda asked, answer: replace(answer, status=status))
    with pytest.raises(hf.NotPermittedError if status == 403 else hf.UnreachableError):
        school.export(tmp_path / "out", ["genders", "houses"], refresh=True)
    assert {file: file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file()} == before


def test_what_is_asked_by_years_that_are_not_permitted_says_so(serve: Serve, connect_to: Connect, tmp_path: Path):
    school = connect_to(serve(forbidden=frozenset({"academic_years"})))
    done = school.export(tmp_path / "out", ["terms", "genders", "staff_timetable_calendar"]).set_index("table")
    assert done.status["genders"] == "complete"
    assert done.remarks["terms"] == "It needs the academic year, and academic_years could not be fetched."
    assert done.status["staff_timetable_calendar"] == "failed"


def test_what_was_complete_and_no_longer_is_is_said(simulator: Simulator, school: School, tmp_path: Path):
    school.export(tmp_path / "out", ["genders", "houses"])
    simulator.hooks.append(lambda asked, answer: replace(answer, status=403) if "/houses" in asked.path else answer)
    done = school.export(tmp_path / "out", ["genders", "houses"], refresh=True).set_index("table")
    assert "what was fetched at 20" in done.remarks["houses"]
    assert "was removed" in done.remarks["houses"]
    assert done.remarks["genders"] == ""


def test_what_fails_keeps_the_rows_of_an_earlier_export_and_marks_them(
    simulator: Simulator, school: School, tmp_path: Path
):
    out = tmp_path / "out"
    school.export(out, ["student_attendance", "genders"])
    before = hf.read(out, "student_attendance")
    simulator.hooks.append(
        lambda asked, answer: replace(answer, status=500) if "attendance-records" in asked.path else answer
    )
    for _ in range(2):  # the second night knows no less than the first
        done = school.export(out, ["student_attendance", "genders"], refresh=True).set_index("table")
        assert done.status.to_dict() | {"genders": "complete", "student_attendance": "failed"} == done.status.to_dict()
        assert "The rows here were fetched at 20" in done.remarks["student_attendance"]
        with pytest.warns(hf.HubmisWarning, match="S999 is incomplete.*The rows here were fetched"):
            after = hf.read(out, "student_attendance")
        pd.testing.assert_frame_equal(after, before)
    simulator.hooks.clear()
    done = school.export(out, ["student_attendance"], refresh=True).set_index("table")
    assert done.status["student_attendance"] == "complete"
    assert "its last 21 days were asked again" in done.remarks["student_attendance"]
    pd.testing.assert_frame_equal(hf.read(out, "student_attendance"), before, check_flags=False)


def test_git_passes_over_a_new_export_and_an_older_folder_is_left_as_it_is(school: School, tmp_path: Path):
    school.export(tmp_path / "new", ["genders"])
    assert (tmp_path / "new" / ".gitignore").read_text() == "*\n"
    (tmp_path / "project").mkdir()
    school.export(tmp_path / "project", ["genders"])
    assert not (tmp_path / "project" / ".gitignore").exists()


def test_one_record_without_an_id_does_not_stop_the_others(simulator: Simulator, school: School, tmp_path: Path):
    import orjson

    def headless(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if not asked.path.endswith("/students") or answer.body == b"[]":
            return answer
        rows = orjson.loads(answer.body)
        return replace(answer, body=orjson.dumps([{**rows[0], "id": None}, *rows[1:]]))

    simulator.hooks.append(headless)
    done = school.export(tmp_path / "out", ["student_attendance"]).set_index("table")
    assert done.status["student_attendance"] == "incomplete"
    assert pd.read_parquet(tmp_path / "out" / "student_attendance").student_id.nunique() == 59
    assert "have no id" in manifest(tmp_path / "out")["operations"]["student_attendance"]["remarks"][0]


def test_an_export_that_did_not_end_goes_on_in_its_own_year(school: School, tmp_path: Path):
    school.export(tmp_path / "out", ["forms"])
    (file,) = (tmp_path / "out").glob("manifest-*.json")
    said = json.loads(file.read_text(encoding="utf-8"))
    earlier = min(hf.load_academic_years(school).academic_year_id)
    file.write_text(json.dumps({**said, "finished_at": None, "academic_year_id": int(earlier)}), encoding="utf-8")
    school.export(tmp_path / "out", ["forms"])
    assert set(pd.read_parquet(tmp_path / "out" / "forms").academic_year_id) == {earlier}


def test_a_field_called_realm_does_not_clash_with_the_folder(simulator: Simulator, school: School, tmp_path: Path):
    simulator.hooks.append(
        lambda asked, answer: (
            replace(answer, body=b'[{"id": 1, "realm": "own"}]') if "genders" in asked.path else answer
        )
    )
    school.export(tmp_path / "out", ["genders"])
    read = pd.read_parquet(tmp_path / "out" / "genders")
    assert read.realm_as_sent.tolist() == ["own"]
    assert read.realm.tolist() == ["S999"]


@pytest.mark.posix("permission bits", proved_by="test_new_folders_are_private_on_windows")
def test_exported_files_are_their_owners_alone(school: School, tmp_path: Path):
    before = os.umask(0)
    try:
        school.export(tmp_path / "out", ["students"])
    finally:
        os.umask(before)
    for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_ids_beyond_floats_come_back_exact(simulator: Simulator, school: School, tmp_path: Path):
    large = 2**53 + 1

    def enlarge(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        return (
            replace(answer, body=b'[{"id": %d, "name": "A"}, {"name": "B"}]' % large)
            if "genders" in asked.path
            else answer
        )

    simulator.hooks.append(enlarge)
    school.export(tmp_path / "out", ["genders"])
    read = pd.read_parquet(tmp_path / "out" / "genders")
    assert read.gender_id.dtype == "Int64"
    assert read.gender_id[0] == large
    assert pd.isna(read.gender_id[1])


# --- plan


def test_a_plan_sends_nothing_and_says_what_is_unknown(simulator: Simulator, school: School):
    plan = school.plan("core").set_index("table")
    assert simulator.log == []
    assert plan.requests["genders"] == 1
    assert plan.requests["students"] is pd.NA
    assert "academic year" in plan.basis["students"]
    assert "students" in plan.basis["student_attendance"]


def test_a_plan_counts_what_the_export_then_sends(simulator: Simulator, school: School, tmp_path: Path):
    school.export(tmp_path / "lists", ["students", "forms", "houses", "tutor_groups", "genders"])
    plan = school.plan("core").set_index("table")
    assert not plan.requests.isna().any()
    assert plan.cached["genders"] == 1
    assert plan.minutes["genders"] == 0
    assert plan.requests["student_attendance"] == 60
    assert 0 < plan.minutes["student_attendance"] < 0.5  # the bucket is full
    done = school.export(tmp_path / "out").set_index("table")
    unpaged = [table for table in CORE if table in CATALOGUE and not CATALOGUE[table].paged]
    assert (plan.requests[unpaged] - plan.cached[unpaged] == done.requests[unpaged]).all()
    after = school.plan("core")
    assert (after.requests == after.cached).all()
    assert after.minutes.sum() == 0
    anew = school.plan("core", refresh=True).set_index("table")
    assert (anew.cached.drop("academic_year_students") == 0).all()
    again = school.export(tmp_path / "out", refresh=True).set_index("table")
    assert (
        anew.requests - anew.cached - again.requests
    ).abs().max() <= 1  # the certainty that a list ends may come with a page


# --- interruption


CHILD = """
import sys
from pathlib import Path
from hubmis_frames.transport import Rate, Session
from hubmis_frames.school import School
url, folder = sys.argv[1:]
session = Session(base_url=url, realm="S999", client_id="demo-client", client_secret="demo-secret",
    cache_dir=Path(folder) / "cache", rate_file=Path(folder) / "rate.sqlite", rate=Rate(10**6, 0.001))
School(session, progress=False).export(Path(folder) / "out", on_table=lambda table, *_: print(table, flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "stop",
    [
        subprocess.Popen.kill,
        pytest.param(
            lambda child: child.send_signal(signal.SIGINT),
            marks=pytest.mark.posix(
                "one process interrupts another", proved_by=""
                "test_ctrl_c_ends_at_once_and_sends_nothing_more",
            ),
        ),
    ],
)  # fmt: skip
def test_an_interrupted_export_leaves_whole_files_and_goes_on(
    serve: Serve, connect_to: Connect, tmp_path: Path, stop: Callable[..., None]
):
    simulator = serve(latency=0.02)
    for pause in (0.05, 0.3, 0.6, 0.9):
        command = [sys.executable, "-c", CHILD, simulator.url, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline(), child.stderr
            time.sleep(pause)
            stop(child)
            child.communicate(timeout=20)
        for file in (tmp_path / "out").rglob("*.parquet"):
            assert pq.read_table(file) is not None
    answered = {asked.target for asked in simulator.log if asked.status == 200 and asked.method == "GET"}
    before = len(simulator.log)
    school = connect_to(simulator)
    done = school.export(tmp_path / "out")
    assert (done.status == "complete").all()
    # What was under way when the process died may be asked for again, and nothing else.
    again = [asked.target for asked in simulator.log[before:] if asked.target in answered]
    assert len(again) <= 4 * 9
    undisturbed = connect_to(serve(), cache_dir=tmp_path / "other", rate_file=tmp_path / "other.sqlite")
    undisturbed.export(tmp_path / "whole")
    for folder in (tmp_path / "whole").iterdir():
        if folder.is_dir():
            pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / folder.name), pd.read_parquet(folder))


# --- the command line


@pytest.fixture
def environment(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HUBMIS_REALM": "S999",
        "HUBMIS_CLIENT_ID": simulator.rules.client_id,
        "HUBMIS_CLIENT_SECRET": simulator.rules.client_secret,
        "HUBMIS_BASE_URL": simulator.url,
        "HUBMIS_CACHE_DIR": str(tmp_path / "cache"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
def test_the_command_exports_and_says_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["export", str(tmp_path / "out"), "--tables", "students,genders"]) == 0
    said = capsys.readouterr().out
    assert "students" in said
    assert "complete" in said
    assert "requests sent" in said
    assert main(["plan", "--tables", "students"]) == 0
    assert "Requests: 0, less than a minute" in capsys.readouterr().out
    assert main(["cache"]) == 0
    assert "answers" in capsys.readouterr().out
    assert main(["cache", "purge"]) == 0
    assert main(["plan", "--tables", "genders"]) == 0
    assert "Requests: 1, less than a minute" in capsys.readouterr().out


@pytest.mark.usefixtures("environment")
def test_the_commands_say_what_is_not_counted_and_how_long_it_takes_where_nobody_watches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    out = str(tmp_path / "out")
    assert main(["plan"]) == 0
    said = capsys.readouterr().out
    assert "The cost is not known yet: 13 of" in said
    assert "minute" not in said.partition("The cost")[2], (
        "a time beside tables that are not counted reads as the whole cost"
    )
    assert main(["plan", "--tables", "all"]) == 0
    offered = capsys.readouterr().out.splitlines()[-1]
    lists = re.search(r"It loads (.*) first", offered)[1].split(", ")  # type: ignore[index]
    assert len(lists) > 5
    assert not any(steps_of(table)[-1].parents for table in lists), "loading them must be cheap"
    assert main(["plan", "--count"]) == 0
    counted = re.search(r"Requests: (?:at least )?\d+,", capsys.readouterr().out)
    assert main(["plan"]) == 0
    said = capsys.readouterr().out
    assert "not counted" not in said
    assert counted is not None
    assert counted[0] in said
    monkeypatch.setattr(Session, "seconds", lambda _, requests: 5.0 * requests)
    assert main(["export", out]) == 0
    said = capsys.readouterr().err
    assert "student_attendance: up to 60 requests, 5 minutes" in said
    assert "genders" not in said
    assert main(["export", out]) == 0
    assert "No requests were sent: everything was in the cache." in capsys.readouterr().out
    assert main(["export", out, "--refresh"]) == 0
    assert "student_attendance: its last 21 days were asked again; the whole was, at" in capsys.readouterr().err


def test_a_disk_that_is_full_in_the_middle_of_a_file_is_said(
    school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    closed = []

    class Full(pq.ParquetWriter):  # type: ignore[misc]
        def write_table(self, *_: object, **__: object) -> None:
            closed.append(True)
            raise OSError(28, "No space left on device") if len(closed) == 1 else ValueError("closed file")

    monkeypatch.setattr(pq, "ParquetWriter", Full)
    with pytest.raises(hf.ExportError, match="No space left on device"):
        school.export(tmp_path / "out", ["genders"])
    assert not list((tmp_path / "out").rglob("*.part"))


@pytest.mark.usefixtures("environment")
def test_what_goes_with_nothing_and_what_comes_beside_another_school_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert main(["export", str(tmp_path / "out"), "--window", "7"]) == 1
    assert "--window goes with --refresh" in capsys.readouterr().err
    assert main(["cache", "--student", "3"]) == 1
    assert "cache purge --student 3" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "out"), "--tables", "genders"]) == 0
    assert "beside it" not in capsys.readouterr().err
    monkeypatch.setenv("HUBMIS_REALM", "S888")
    main(["export", str(tmp_path / "out"), "--tables", "genders"])
    assert "already holds S999. S888 will be written beside it" in capsys.readouterr().err


@pytest.mark.usefixtures("environment")
def test_the_command_tells_by_its_status_what_became_of_it(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    simulator.hooks.append(lambda asked, answer: replace(answer, status=403) if "genders" in asked.path else answer)
    assert main(["export", str(tmp_path / "out"), "--tables", "students,genders"]) == 3
    assert "genders: HUBmis does not permit this account" in capsys.readouterr().err
    monkeypatch.setenv("HUBMIS_CLIENT_SECRET", "wrong-secret")
    monkeypatch.setenv("HUBMIS_CACHE_DIR", str(tmp_path / "empty"))
    assert main(["export", str(tmp_path / "out"), "--tables", "students"]) == 1
    said = capsys.readouterr()
    assert "HUBmis refused the client id and secret" in said.err
    assert "Traceback" not in said.err
    assert "wrong-secret" not in said.err + said.out


def test_the_command_lists_and_describes_operations(capsys: pytest.CaptureFixture[str]):
    assert main(["endpoints"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 132
    assert main(["endpoints", "student_attendance"]) == 0
    assert "One row per student, date and session." in capsys.readouterr().out
    assert main(["endpoints", "no such thing"]) == 1


def test_the_demo_writes_a_school(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["demo", str(tmp_path / "demo"), "--students", "20"]) == 0
    assert len(pd.read_parquet(tmp_path / "demo" / "students")) == 20
    assert "Next, in Python" in capsys.readouterr().out
