"""Lists of duty, worked out a second time day by day, and the recipes of the notebook that are no function."""

from collections import Counter
from typing import Any

import pandas as pd
import pytest
from hypothesis import strategies as st

from hubmis_frames import attendance as at
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from tests.helpers.examples import given_few
from tests.helpers.registers import calendar, canonical, only, register

ATTENDED, ABSENT, UNAUTHORISED = set("/\\LB"), set("IMSO"), set("O")
SCHOOL = calendar()
DAYS = SCHOOL.open_days()[:14]
LAST = DAYS[-1]
Marks = dict[int, dict[pd.Timestamp, dict[str, str]]]


@st.composite
def schools(draw: st.DrawFn) -> Marks:
    """Marks of three students over some weeks with a day off; a blank is a session without a mark."""
    codes = st.text("IO/M#- ", min_size=2 * len(DAYS), max_size=2 * len(DAYS))
    return {student: by_day(draw(codes)) for student in (1, 2, 3)}


def by_day(codes: str) -> dict[pd.Timestamp, dict[str, str]]:
    pairs = zip(DAYS, zip(codes[::2], codes[1::2], strict=True), strict=True)
    return {day: {s: code for s, code in zip(("am", "pm"), two, strict=True) if code != " "} for day, two in pairs}


def frame_of(school: Marks) -> pd.DataFrame:
    rows = [
        (student, day, session, code)
        for student, days in school.items()
        for day, sessions in days.items()
        for session, code in sessions.items()
    ]
    frame = pd.DataFrame(rows, columns=["student_id", "date", "session", "code"])
    return at.marks(frame.astype({"student_id": "Int64", "code": "str"}), calendar=SCHOOL)


def runs_by_hand(days: dict[pd.Timestamp, dict[str, str]], counts: set[str]) -> list[tuple[list[Any], bool]]:
    """The sessions of each run, and whether it goes on; day by day."""
    runs: list[list[Any]] = [[]]
    for day in days:
        if not days[day]:
            runs.append([])
        for session, code in days[day].items():
            if code in counts:
                runs[-1].append((day, session, code))
            elif code in ATTENDED | ABSENT:
                runs.append([])
    ends = max(
        (n for n, day in enumerate(days) if set(days[day].values()) & ((ATTENDED | ABSENT) - counts)), default=-1
    )
    order = {day: n for n, day in enumerate(days)}
    kept = [run for run in runs if run]

    def goes_on(run: list[Any]) -> bool:
        day, session, _ = run[-1]
        later = [code for s, code in days[day].items() if s > session]
        return run is kept[-1] and order[day] >= ends and not set(later) & ((ATTENDED | ABSENT) - counts)

    return [(run, goes_on(run)) for run in kept]


def as_counted(run: list[Any], days: dict[pd.Timestamp, dict[str, str]], counts: set[str], unit: str) -> list[Any]:
    """The day of each session, day or whole day that counts, in order."""
    if unit == "sessions":
        return [day for day, *_ in run]
    own = list(dict.fromkeys(day for day, *_ in run))
    if unit == "days":
        return own
    return [day for day in own if not (set(days[day].values()) & (ATTENDED | ABSENT)) - counts]


@given_few(
    school=schools(),
    at_least=st.integers(1, 6),
    within=st.integers(0, 3),
    in_a_row=st.booleans(),
    unit=st.sampled_from(["sessions", "days", "whole"]),
    counts=st.sampled_from([ABSENT, UNAUTHORISED, {"I"}, {"I", "O"}]),
    few=8,
    full=100,
)
def test_long_absences_are_those_found_day_by_day(
    school: Marks, at_least: int, within: int, in_a_row: bool, unit: str, counts: set[str]
):
    expected = []
    for student, days in school.items():
        runs = runs_by_hand(days, counts)
        for run, ongoing in runs if in_a_row else [([mark for own, _ in runs for mark in own], True)]:
            found = as_counted(run, days, counts, unit)
            lacking = max(at_least - len(found), 0)
            if run and (lacking == 0 or (lacking <= within and ongoing)):
                on = found[at_least - 1] if not lacking else pd.NaT
                codes = sorted(Counter(code for *_, code in run).items(), key=lambda item: (-item[1], item[0]))
                text = ", ".join(f"{code} {n}" for code, n in codes)
                expected.append((student, len(found), len(run), run[0][0], run[-1][0], on, lacking, text, ongoing))
    chosen: dict[str, Any] = {"categories": ["unauthorised_absence"]} if counts == UNAUTHORISED else {}
    if counts not in (ABSENT, UNAUTHORISED):
        chosen = {"codes": sorted(counts)}
    got = at.long_absence(
        frame_of(school), SCHOOL, at_least=at_least, within=within, in_a_row=in_a_row, until=LAST,
        unit="sessions" if unit == "sessions" else "days", whole_days=unit == "whole", **chosen,
    )  # fmt: skip
    rows = got if in_a_row else got.assign(ongoing=True)
    said, wanted = (
        [(int(row[0]), *(None if pd.isna(value) else value for value in row[1:])) for row in found]
        for found in (rows.itertuples(index=False, name=None), expected)
    )
    assert sorted(said, key=lambda row: (row[0], row[3])) == sorted(wanted, key=lambda row: (row[0], row[3]))
    assert said == sorted(said, key=lambda row: (-row[1], -row[2], row[0], row[3]))


def test_an_absence_goes_on_over_a_holiday_and_half_days_are_no_days():
    with pytest.warns(HubmisWarning, match="school is shut"):
        marks = canonical(register("OOO/" + "OO" * 10 + "/\\", start="2025-09-17"), calendar=SCHOOL)
    row = only(at.long_absence(marks, SCHOOL, at_least=9, categories="unauthorised_absence", until="2025-10-10"))
    shut = pd.Timestamp("2025-09-22")
    assert row["first_date"] < shut < row["last_date"]
    assert (row["days"], row["absent_sessions"], row["ongoing"]) == (9, 18, False)  # not the holiday's two marks
    assert only(at.long_absence(marks, SCHOOL, at_least=10, in_a_row=False, until="2025-10-10"))["days"] == 10


def test_what_cannot_be_counted_is_refused():
    marks = canonical(register("////"), calendar=SCHOOL)
    for wrong in ({"at_least": 0}, {"at_least": 1.5}, {"within": -1}, {"unit": "weeks"}, {"codes": "I"},
                  {"categories": ["late"]}):  # fmt: skip
        with pytest.raises(BadArgumentError, match="long_absence: "):
            at.long_absence(marks, SCHOOL, **{"at_least": 1, **wrong})
    with pytest.raises(BadArgumentError, match="is after the last day"):
        at.status_changes(marks, "2025-12-01", until="2025-11-01")
    assert at.long_absence(marks, SCHOOL, at_least=1).empty
    assert at.status_changes(marks.iloc[:0], "2025-09-09", until="2025-09-10").empty


@given_few(school=schools(), since=st.integers(0, len(DAYS) - 1), limit=st.sampled_from([10, 50, 90]), few=6, full=60)
def test_who_moved_by_a_rule_is_who_is_counted_otherwise_before(school: Marks, since: int, limit: int):
    rule = at.AbsenceRule("limit", at_least=limit)

    def counted(days: dict[pd.Timestamp, dict[str, str]], until: int) -> tuple[int, int]:
        codes = [code for day in DAYS[:until] for code in days[day].values() if code in ATTENDED | ABSENT]
        return sum(code in ABSENT for code in codes), len(codes)

    expected = {}
    for student, days in school.items():
        (missed, of), (missed_now, of_now) = counted(days, since), counted(days, len(DAYS))
        was, now = (100 * m >= limit * n > 0 for m, n in ((missed, of), (missed_now, of_now)))
        if was != now:
            expected[student] = ("into" if now else "out of", missed_now, missed_now - missed)
    got = at.status_changes(frame_of(school), DAYS[since], until=LAST, rule=rule)
    columns = ["moved", "absent_sessions", "further_absent_sessions"]
    said = {int(key): tuple(row) for key, row in zip(got["student_id"], got[columns].to_numpy(), strict=True)}
    assert said == expected
    change = (got["absence_rate"] - got["previous_absence_rate"].fillna(0)).abs()
    assert change.is_monotonic_decreasing
