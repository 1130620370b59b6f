"""A group of schools in Dask: the figures of pandas, whichever partition anybody's marks lie in."""

import datetime
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames import attendance as at
from hubmis_frames import wellbeing as wb
from hubmis_frames.errors import BadArgumentError, HubmisError, HubmisWarning

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what its imports say is not ours
    import dask
    import dask.dataframe as dd
    import distributed

REALMS = ("A", "B", "0042")  # in the order of groups; files come in another
CODES = ["/", "\\", "L", "I", "O", "V", "X", "-", "C", "#"]
GROUPINGS: list[Any] = [
    None, "week", "realm", "year_group_name", "weekday", "session", "category", "bus", "month",
    ["realm", "year_group_name", "week"], ["realm", "student_id"], ["session", "weekday", "school"],
]  # fmt: skip
FAST_GROUPINGS: list[Any] = [None, "bus", ["realm", "year_group_name", "week"], ["realm", "student_id"]]


def folder_of(root: Path) -> Path:
    """Three schools with the same ids: B has a column that the others lack, and none of theirs for the bus."""
    rng = np.random.default_rng(5)
    for number, realm in enumerate(REALMS):
        days = pd.bdate_range("2025-09-08", periods=15 + number, unit="us")
        ids = np.arange(1, 21 + number)
        marks = pd.MultiIndex.from_product([ids, days, ["am", "pm"]], names=["student_id", "date", "session"])
        frame = marks.to_frame(index=False).rename(columns={"session": "attendance_session"})
        frame["student_id"] = frame["student_id"].astype("Int64")
        often = rng.random(len(ids))[np.repeat(np.arange(len(ids)), 2 * len(days))]
        absent = rng.random(len(frame)) < 0.3 * often
        # Each school numbers its codes in its own way.
        code = np.where(absent, rng.integers(3, len(CODES), len(frame)), rng.integers(0, 3, len(frame)))
        frame["attendance_code_id"] = pd.array((code + number) % len(CODES) + 1, "Int64")
        if realm == "B":
            frame["school"] = "Beech"
        write(root, "marks", realm, frame)
        own = [CODES[(place - number) % len(CODES)] for place in range(len(CODES))]
        ids_of_codes = pd.array(range(1, len(CODES) + 1), "Int64")
        write(root, "codes", realm, pd.DataFrame({"attendance_code_id": ids_of_codes, "code": own}))
        students = pd.DataFrame({"student_id": pd.array(ids, "Int64")})
        students["form_id"] = pd.array(ids % 4, "Int64")
        students["year_group_name"] = [f"Year {7 + place % 5}" if place % 7 else None for place in ids + number]
        if realm != "B":
            students["bus"] = pd.array(ids % 3, "Int64")
        write(root, "students", realm, students)
        write(root, "events", realm, events_of(rng, ids))
    return root


def events_of(rng: np.random.Generator, ids: Any) -> pd.DataFrame:
    count = 40
    days = np.datetime64("2025-09-08") + rng.integers(0, 40, count)
    return pd.DataFrame(
        {
            "pastoral_event_id": pd.array(range(count), "Int64"),
            "student_id": pd.array(rng.choice([*ids, 99], count), "Int64"),
            "date": pd.Series(days).astype("datetime64[us]"),
            "type": np.where(rng.random(count) < 0.8, "wellbeing_event", "wellbeing_plan"),
            "category_name": rng.choice(["Praise", "Concern"], count),
        }
    )


def write(root: Path, table: str, realm: str, frame: pd.DataFrame) -> None:
    folder = root / table / f"realm={realm}"
    folder.mkdir(parents=True)
    frame.to_parquet(folder / "part-0.parquet")


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("group"))


def analysed(group: Path, engine: Any) -> Any:
    """The same lines for either engine."""
    records = hf.read(group, "marks", engine=engine)
    students = hf.read(group, "students", engine=engine)
    return at.marks(hf.join(records, students), hf.read(group, "codes"))


@pytest.fixture(scope="module")
def marks(group: Path) -> pd.DataFrame:
    return analysed(group, "pandas")


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.Client]:
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)


RULES = (at.PERSISTENT, at.SEVERE, at.AbsenceRule("days", at_least=2, unit="days", whole_days=True, minimum_sessions=3))


def summaries(by: Any) -> list[Callable[[Any], pd.DataFrame]]:
    given = [by] if isinstance(by, str) else list(by or [])
    found: list[Callable[[Any], pd.DataFrame]] = [
        lambda each: at.summarise(each, by),
        lambda each: at.summarise(each, by, rules=RULES, confidence=0.9),
        lambda each: at.absence_bands(each, by),
    ]
    return found if "student_id" in given else [*found, lambda each: at.absentees(each, by)]


def spread(marks: pd.DataFrame) -> Iterator[Any]:
    """Marks in one partition, in several that cut schools and people, in pieces out of order, with empty ones."""
    yield dd.from_pandas(marks, npartitions=1)
    yield dd.from_pandas(marks, npartitions=7, sort=False)
    yield dd.from_pandas(marks.sample(frac=1, random_state=1).reset_index(drop=True), npartitions=4)
    with dask.config.set({"dataframe.convert-string": False}):
        cut = [marks[marks["date"] < "2025-09-15"], marks.iloc[:0], marks[marks["date"] >= "2025-09-15"]]
        yield dd.from_map(lambda part: part, cut, meta=marks.iloc[:0])


# --- reading


def test_each_school_is_a_partition_with_the_columns_and_types_of_pandas(group: Path) -> None:
    for table in ("marks", "students", "codes", "events"):
        frame, lazy = hf.read(group, table), hf.read(group, table, engine="dask")
        assert lazy.npartitions == len(REALMS)
        assert lazy.dtypes.to_dict() == frame.dtypes.to_dict()
        for place, realm in enumerate(REALMS):
            part = lazy.get_partition((place + 1) % 3).compute()  # files are in the order of their names
            same(part, frame[frame["realm"] == realm].reset_index(drop=True))
    assert hf.read(group, "marks", realm="A", engine="dask").npartitions == 1
    with pytest.raises(BadArgumentError, match="engine takes"):
        hf.read(group, "marks", engine="polars")  # type: ignore[call-overload]
    with pytest.raises(hf.ExportError, match="no table"):
        hf.read(group, "houses", engine="dask")


def test_where_schools_have_other_types_values_decide_as_in_pandas(tmp_path: Path) -> None:
    first = {"a": [1, 2], "b": [1.5, None], "c": ["x", None], "d": pd.array([None, None], "Int64"), "e": [2**60, 1]}
    other = {"a": ["1", None], "b": pd.array([3, None], "Int64"), "c": pd.array([True, None], "boolean")}
    write(tmp_path, "t", "A", pd.DataFrame(first).assign(at=[datetime.time(8, 30), None]))
    write(tmp_path, "t", "B", pd.DataFrame(other | {"d": ["x", None], "e": [0.5, None]}))
    write(tmp_path, "t", "C", pd.DataFrame(first).iloc[:0])
    frame, lazy = hf.read(tmp_path, "t"), hf.read(tmp_path, "t", engine="dask")
    assert lazy.dtypes.to_dict() == frame.dtypes.to_dict()
    same(lazy.compute().reset_index(drop=True), frame)
    assert frame["at"].iloc[0] == datetime.time(8, 30)


def test_an_incomplete_table_warns_before_anything_is_computed(tmp_path: Path) -> None:
    write(tmp_path, "marks", "A", pd.DataFrame({"n": [1]}))
    (tmp_path / "marks" / "realm=A" / "_INCOMPLETE.txt").write_text("3 requests failed.")
    with pytest.warns(HubmisWarning, match="marks of A is incomplete"):
        hf.read(tmp_path, "marks", engine="dask")


def test_without_dask_the_message_says_how_to_install_it(group: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask.dataframe", None)
    with pytest.raises(HubmisError, match=r'pip install "hubmis-frames\[dask\]"'):
        hf.read(group, "marks", engine="dask")


# --- the same figures


def test_marks_and_joins_are_those_of_pandas(group: Path, marks: pd.DataFrame) -> None:
    lazy = analysed(group, "dask")
    assert lazy.npartitions == len(REALMS)
    assert lazy.dtypes.to_dict() == marks.dtypes.to_dict()
    same(lazy.compute().reset_index(drop=True), marks)
    # Ids of codes mean another thing in each school.
    each = [
        at.marks(hf.read(group, "marks", realm=realm), hf.read(group, "codes", realm=realm))["code"]
        for realm in sorted(REALMS)
    ]
    assert marks["code"].tolist() == pd.concat(each).tolist()


@pytest.mark.parametrize("by", GROUPINGS)
def test_figures_are_those_of_pandas(group: Path, marks: pd.DataFrame, by: Any) -> None:
    lazy = analysed(group, "dask")
    for summary in summaries(by):
        same(summary(lazy), summary(marks))


@pytest.mark.parametrize(
    "by", [by if by in FAST_GROUPINGS else pytest.param(by, marks=pytest.mark.slow) for by in GROUPINGS]
)
def test_figures_are_right_when_people_lie_in_several_partitions(marks: pd.DataFrame, by: Any) -> None:
    for lazy in spread(marks):
        for summary in summaries(by):
            same(summary(lazy), summary(marks))


def test_a_student_is_a_realm_and_an_id(marks: pd.DataFrame) -> None:
    apart = pd.concat([at.summarise(marks[marks["realm"] == realm], rules=RULES) for realm in REALMS])
    whole = at.summarise(marks, rules=RULES).iloc[0]
    for name in (
        "students",
        "possible_sessions",
        "absent_sessions",
        "persistent_absentees",
        "severe_absentees",
        "days_absentees",
        "days_below_minimum",
    ):
        assert whole[name] == apart[name].sum()
    by_realm = pd.concat(
        [at.absence_bands(marks[marks["realm"] == realm]).assign(realm=realm) for realm in REALMS], ignore_index=True
    )
    assert at.absence_bands(marks, "realm")["students"].tolist() == by_realm["students"].tolist()
    listed = at.absentees(marks)
    assert len(listed) == whole["persistent_absentees"]
    assert not listed.duplicated(["realm", "student_id"]).any()


def test_of_one_school_without_a_realm_ids_are_people(marks: pd.DataFrame) -> None:
    one = marks[marks["realm"] == "A"].drop(columns="realm")
    lazy = dd.from_pandas(one, npartitions=5, sort=False)
    for summary in summaries("week"):
        same(summary(lazy), summary(one))


def test_a_calendar_groups_one_school(marks: pd.DataFrame) -> None:
    terms = pd.DataFrame({"name": ["Autumn"], "start_date": ["2025-09-01"], "end_date": ["2025-12-19"]})
    calendar = at.Calendar(terms.assign(academic_year_name="2025/26"))
    one = marks[marks["realm"] == "A"]
    for lazy in (dd.from_pandas(one, npartitions=3, sort=False), dd.from_pandas(one, npartitions=1)):
        same(
            at.summarise(lazy, ["term", "week"], calendar=calendar),
            at.summarise(one, ["term", "week"], calendar=calendar),
        )
    for several in (marks, dd.from_pandas(marks, npartitions=3)):
        for refused in (at.summarise, at.absence_bands, at.absentees):
            with pytest.raises(BadArgumentError, match=r"several schools \(realm\), and a calendar \(term\)"):
                refused(several, "term", calendar=calendar)


def test_ids_of_several_schools_are_not_one_group(marks: pd.DataFrame) -> None:
    for several in (marks, dd.from_pandas(marks, npartitions=3), dd.from_pandas(marks, npartitions=1)):
        with pytest.raises(BadArgumentError, match=r"form_id belongs to one school\. Add realm to by"):
            at.summarise(several, "form_id")
        assert len(at.summarise(several, ["realm", "form_id"])) == 12


def test_marks_of_one_session_in_different_partitions_are_refused(group: Path) -> None:
    records = hf.read(group, "marks", realm="A")
    lazy = dd.from_pandas(pd.concat([records, records], ignore_index=True), npartitions=2)
    canonical = at.marks(lazy, hf.read(group, "codes"))
    with pytest.raises(BadArgumentError, match=r'records.shuffle\("realm"\)'):
        at.summarise(canonical)
    with pytest.warns(HubmisWarning, match=f"marks of A: {len(records)} marks are further ones"):
        found = at.summarise(at.marks(lazy.shuffle("realm"), hf.read(group, "codes")))
    same(found, at.summarise(at.marks(records, hf.read(group, "codes"))))


def test_a_join_needs_to_know_the_school(group: Path) -> None:
    students = hf.read(group, "students", realm="A").drop(columns="realm")
    with pytest.raises(BadArgumentError, match="no column realm, which tells schools apart"):
        hf.join(hf.read(group, "marks", engine="dask"), students)
    with pytest.raises(BadArgumentError, match="takes a pandas frame"):
        hf.join(students, hf.read(group, "marks", engine="dask"))


def test_an_error_is_told_before_anything_is_computed(group: Path) -> None:
    lazy = analysed(group, "dask").map_partitions(lambda part: 1 / 0, meta=analysed(group, "dask")._meta)
    with pytest.raises(BadArgumentError, match="no column or period 'form'"):
        at.summarise(lazy, "form")
    with pytest.raises(BadArgumentError, match="no column session, category"):
        at.summarise(hf.read(group, "marks", engine="dask"))


# --- wellbeing

LISTED: list[Any] = [None, "week", "realm", "year_group_name", ["realm", "week"], "category_name", "month", "bus"]


@pytest.mark.parametrize("by", LISTED)
def test_wellbeing_figures_are_those_of_pandas(group: Path, by: Any) -> None:
    students = hf.read(group, "students")
    events = wb.events(hf.read(group, "events"))
    wanted = wb.summarise(events, by, students=students, suppress_below=3)
    lazy = wb.events(hf.read(group, "events", engine="dask"))
    assert lazy.dtypes.to_dict() == events.dtypes.to_dict()
    for each in (lazy, dd.from_pandas(events, npartitions=5)):
        for people in (students, hf.read(group, "students", engine="dask")):
            same(wb.summarise(each, by, students=people, suppress_below=3), wanted)
    if by not in ("year_group_name", "bus"):  # which the students' frame alone has
        same(wb.summarise(lazy, by), wb.summarise(events, by))


def test_wellbeing_of_a_group_is_that_of_its_schools(group: Path) -> None:
    events, students = wb.events(hf.read(group, "events")), hf.read(group, "students")
    apart = [
        wb.summarise(events[events["realm"] == realm], students=students[students["realm"] == realm])
        for realm in REALMS
    ]
    counts = ["events", "students_concerned", "students", "unlisted"]
    whole = wb.summarise(events, students=students)
    assert whole[counts].iloc[0].tolist() == pd.concat(apart)[counts].sum().tolist()
    same(
        wb.summarise(events, "realm", students=students)[counts].astype("Int64"),
        pd.concat(apart, ignore_index=True)[counts].astype("Int64"),
    )


def test_wellbeing_of_schools_that_do_not_match_is_refused_or_said(group: Path) -> None:
    events, students = wb.events(hf.read(group, "events")), hf.read(group, "students")
    with pytest.raises(BadArgumentError, match="several schools"):
        wb.summarise(events, students=students.drop(columns="realm"))
    with pytest.raises(BadArgumentError, match="students has no student of B"):
        wb.summarise(events, students=students[students["realm"] != "B"])
    with pytest.warns(HubmisWarning, match="students of B and no event"):
        wb.summarise(events[events["realm"] != "B"], students=students)
    with pytest.raises(BadArgumentError, match="student_id belongs to one school"):
        wb.summarise(events, "student_id")
    terms = pd.DataFrame({"name": ["Autumn"], "start_date": ["2025-09-01"], "end_date": ["2025-12-19"]})
    with pytest.raises(BadArgumentError, match="a calendar"):
        wb.summarise(events, "week", calendar=terms)
    twice = dd.from_pandas(pd.concat([events, events], ignore_index=True), npartitions=2)
    with pytest.raises(BadArgumentError, match="some events are in two partitions"):
        wb.summarise(twice)


# --- what takes no Dask frame


def test_other_functions_say_plainly_that_they_take_pandas(marks: pd.DataFrame, group: Path) -> None:
    lazy = dd.from_pandas(marks, npartitions=2)
    events = wb.events(hf.read(group, "events", engine="dask"))
    students, one = hf.read(group, "students", realm="A"), marks[marks["realm"] == "A"]
    calendar: Any = None
    for refused in (
        lambda: at.at_risk(lazy, calendar),
        lambda: at.beside_holidays(lazy, calendar),
        lambda: at.broken_weeks(lazy),
        lambda: at.code_frequency(lazy),
        lambda: at.cumulative(lazy),
        lambda: at.data_quality(lazy),
        lambda: at.on_closed_days(lazy, calendar),
        lambda: at.recent_change(lazy),
        lambda: at.runs(lazy),
        lambda: wb.closing_time(events),
        lambda: wb.open_events(events, "2025-12-01"),
        lambda: wb.plan_coverage(events, students=students),
        lambda: wb.repeated_events(events),
        lambda: wb.reviews_due(events, "2025-12-01"),
        lambda: wb.shanarri(students.assign(pastoral_event_id=1, name="Safe"), events),
        lambda: wb.staff_load(events),
        lambda: wb.timeline(events, 1),
        lambda: wb.without_plan(events, students=students),
        lambda: hf.joint.per_student(one, events),
        lambda: hf.joint.attendance_by_plan(one, events),
        lambda: hf.joint.around_events(one, events),
        lambda: hf.suppress(lazy, counts=["late"], by=["week"]),
        lambda: hf.to_csv(lazy, "lazy.csv"),
        lambda: hf.to_excel({"marks": lazy}, "lazy.xlsx"),
        lambda: hf.plots.attendance_bars(lazy),
        lambda: hf.plots.attendance_trend(lazy),
        lambda: hf.plots.absence_bands(lazy),
        lambda: hf.pseudonymise({"marks": lazy}, b"0" * 32, year_start=datetime.date(2025, 9, 1)),
    ):
        with pytest.raises(BadArgumentError, match="takes a pandas frame"):
            refused()


# --- a cluster


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_cluster_of_two_workers_gives_the_figures_of_pandas(
    group: Path, marks: pd.DataFrame, cluster: distributed.Client
) -> None:
    lazy = analysed(group, "dask")
    people = hf.read(group, "students")
    for by in GROUPINGS:
        for summary in summaries(by):
            same(summary(lazy), summary(marks))
    for by in (None, ["realm", "year_group_name", "week"]):
        for each in spread(marks):
            for summary in summaries(by):
                same(summary(each), summary(marks))
    events = wb.events(hf.read(group, "events"))
    lazily = wb.events(hf.read(group, "events", engine="dask"))
    same(
        wb.summarise(lazily, ["realm", "week"], students=people),
        wb.summarise(events, ["realm", "week"], students=people),
    )
    workers = cluster.scheduler_info()["workers"]
    assert len(workers) == 2


@pytest.mark.slow
def test_what_a_worker_warns_of_reaches_the_client(group: Path, cluster: distributed.Client) -> None:
    codes = hf.read(group, "codes")
    canonical = at.marks(hf.read(group, "marks", engine="dask"), codes[codes["code"] != "I"])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        at.summarise(canonical)
        for _ in range(50):  # it comes behind the figures
            if len(said) == len(REALMS):
                break
            time.sleep(0.1)
    for realm in REALMS:
        assert any(f"marks of {realm}: These codes have no category" in str(each.message) for each in said)
