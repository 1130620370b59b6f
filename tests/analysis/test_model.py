"""Every figure of attendance held against plain Python, in small random schools of any week and in simulated ones."""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames import attendance as at
from hubmis_frames.attendance import AbsenceRule
from hubmis_frames.simulator import PROFILES
from tests.helpers import model
from tests.helpers.examples import given_few
from tests.helpers.model import Days, Mark

UNAUTHORISED = ("unauthorised_absence",)
RULES = [
    at.PERSISTENT,
    AbsenceRule("over", more_than=Decimal("7.5")),
    AbsenceRule("fixed", at_least=6, unit="sessions"),
    AbsenceRule("own", at_least=10, categories=("unauthorised_absence", "late"), minimum_sessions=20),
    AbsenceRule("days", at_least=5, unit="days"),
    AbsenceRule("whole", more_than=2, unit="days", whole_days=True),
    AbsenceRule("of_days", at_least=10, unit="per cent of days", minimum_sessions=12),
    AbsenceRule("of_whole", more_than=5, unit="per cent of days", whole_days=True),
    AbsenceRule("truant", at_least=2, unit="days", whole_days=True, categories=UNAUTHORISED),
]
WEEKS: list[tuple[dict[int, tuple[str, ...]], int]] = [
    (dict.fromkeys(range(5), model.BOTH), 0),
    (dict.fromkeys(range(5), ("am",)), 0),
    ({**dict.fromkeys(range(5), model.BOTH), 5: ("am",)}, 0),
    ({**dict.fromkeys(range(4), model.BOTH), 4: ("am",)}, 0),
    (dict.fromkeys((6, 0, 1, 2, 3), model.BOTH), 6),
    (dict.fromkeys(range(4), model.BOTH), 0),
]
CODES = {
    "/": "present", "L": "late", "B": "approved_activity", "I": "authorised_absence", "O": "unauthorised_absence",
    "Z": "other_possible", "D": "not_possible", "#": "administrative", "?": "unmapped", "-": "unmarked",
}  # fmt: skip
PLAIN = [0.55, 0.04, 0.03, 0.12, 0.12, 0.03, 0.03, 0.01, 0.02, 0.05]
YEARS = {
    "2024": [(date(2024, 1, 8), date(2024, 2, 9)), (date(2024, 2, 26), date(2024, 3, 22))],
    "2025": [(date(2025, 1, 6), date(2025, 2, 7)), (date(2025, 2, 24), date(2025, 3, 21))],
}
SHUT = [(date(2024, 1, 22), date(2024, 1, 25)), (date(2025, 1, 29), date(2025, 1, 29)), (date(2025, 3, 3),) * 2]


def calendar_of(days: Days, years: Any, shut: Any) -> at.Calendar:
    """The package's calendar of the same days."""
    terms = [(f"T{n}", year, *span) for year, spans in years.items() for n, span in enumerate(spans)]
    frame = pd.DataFrame(terms, columns=["name", "academic_year_name", "date_from", "date_to"])
    most = max(days.week.values(), key=len)
    return at.Calendar(
        frame,
        pd.DataFrame([("x", *span) for span in shut], columns=["name", "date_from", "date_to"]),
        weekdays=tuple(days.week),
        sessions=most,
        short_days={day: sessions for day, sessions in days.week.items() if tuple(sessions) != tuple(most)},
    )


def marks_in(days: Days, seed: int) -> list[Mark]:
    """Random marks of seven students, up to some session of the second year, with gaps."""
    rng = np.random.default_rng(seed)
    places = [(day, session) for day, sessions in days.opens.items() for session in sessions]
    last = int(rng.integers(len(places) // 2, len(places)))
    found = []
    for student in range(1, 8):
        first = int(rng.choice([0, 0, rng.integers(0, last)]))
        chances = np.array(PLAIN) if student > 2 else np.array([0.9, *([0.1 / 9] * 9)])
        for day, session in places[first : last + 1]:
            if rng.random() > 0.02:
                code = str(rng.choice(list(CODES), p=chances / chances.sum()))
                found.append(Mark(student, day, session, None if code == "-" else code, CODES[code]))
    return found


def frame_of(marks: list[Mark], known: at.Calendar) -> pd.DataFrame:
    records = pd.DataFrame([mark[:4] for mark in marks], columns=["student_id", "date", "session", "code"])
    chosen = {code: name for code, name in CODES.items() if code not in "?-"}
    codes = at.CodeMap.from_frame(pd.DataFrame({"code": list(chosen)}), chosen)
    frame = at.marks(records.astype({"date": "datetime64[us]"}), code_map=codes, calendar=known)
    return frame.assign(form=frame["student_id"].mod(2))


def plain(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        return value.date()
    return value.item() if hasattr(value, "item") else value


def assert_same(name: str, frame: pd.DataFrame, keys: list[str], wanted: dict[Any, model.ROW]) -> None:
    """Assert that a table has the rows of the model, and in these the same figures."""
    rows = {tuple(plain(row[key]) for key in keys): row for row in frame.to_dict("records")}
    expected = {key if isinstance(key, tuple) else (key,): row for key, row in wanted.items()}
    assert rows.keys() == expected.keys(), name
    for key, row in expected.items():
        for column, value in row.items():
            found = plain(rows[key][column])
            if value == "negative":
                assert found < 0, (name, key, column)
            elif isinstance(value, float) and found is not None:
                assert found == pytest.approx(value, rel=1e-9, abs=1e-9), (name, key, column)
            else:
                assert found == plain(value), (name, key, column)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hf.HubmisWarning)
        yield


def compare(frame: pd.DataFrame, marks: list[Mark], known: at.Calendar, days: Days, form: dict[int, Any]) -> None:
    """Hold every figure of marks against the model."""
    of = lambda mark: form[mark.student]  # noqa: E731
    year = lambda mark: days.year_at(mark.day)  # noqa: E731
    by_form = lambda mark: (of(mark), year(mark))  # noqa: E731
    both = ["form", "academic_year"]
    assert [day.date() for day in known.open_days()] == list(days.opens)
    table = at.summarise(frame, both, rules=RULES)
    assert_same("summarise", table, both, model.summarise(marks, by_form, RULES))
    weekly = model.summarise(marks, lambda mark: days.week_of(mark.day), RULES)
    assert_same("by week", at.summarise(frame, "week", rules=RULES), ["week"], weekly)
    people = model.summarise(marks, lambda mark: (year(mark), mark.student), RULES)
    listed = {
        key: {"absence_rate": row["absence_rate"], **{r.name: bool(row[f"{r.name}_absentees"]) for r in RULES}}
        for key, row in people.items()
        if any(row[f"{rule.name}_absentees"] for rule in RULES)
    }
    found = at.absentees(frame, "academic_year", rules=RULES)
    assert_same("absentees", found, ["academic_year", "student_id"], listed)
    bands = at.absence_bands(frame, both).query("students > 0")
    bands = bands.assign(band=[at.BANDS.index(name) for name in bands["absence_band"]])
    wanted = {(*group, band): {"students": n} for (group, band), n in model.absence_bands(marks, by_form).items()}
    assert_same("absence_bands", bands, [*both, "band"], wanted)
    assert_same(
        "code_frequency",
        at.code_frequency(frame, "form"),
        ["form", "code", "category"],
        model.code_frequency(marks, of),
    )
    for kinds in (model.ABSENT, UNAUTHORISED):
        runs = {(r["student_id"], r["start"], r["start_session"]): r for r in model.runs(marks, days, kinds)}
        assert_same("runs", at.runs(frame, known, categories=kinds), ["student_id", "start", "start_session"], runs)
    assert_same(
        "broken_weeks",
        at.broken_weeks(frame, "academic_year", calendar=known),
        ["academic_year", "student_id"],
        model.broken_weeks(marks, days, lambda mark: (year(mark), mark.student)),
    )
    newest = model.newest_register(marks)
    assert at.newest_register(frame).date() == newest
    for weeks in (2, 4):
        table = at.repeated_absence(frame, known, at_least=1, weeks=weeks)
        assert_same("repeated", table, ["student_id"], model.repeated_absence(marks, days, weeks, newest, UNAUTHORISED))
        if weeks < len(model.weeks_with_sessions(marks, days)) < 2 * weeks:
            with pytest.raises(hf.BadArgumentError, match="school weeks with a possible session"):
                at.recent_change(frame, "form", weeks=weeks, calendar=known)
            continue
        table = at.recent_change(frame, "form", weeks=weeks, calendar=known)
        assert_same("recent_change", table, ["form"], model.recent_change(marks, days, of, weeks))
    for reach, shortest in ((1, 3), (2, 1)):
        for name, key in (("form", of), ("student_id", lambda mark: mark.student)):
            table = at.beside_holidays(frame, known, name, days=reach, shortest=shortest, across_years=True)
            assert_same("beside", table, [name], model.beside_holidays(marks, days, key, reach, shortest))
    so_far = model.cumulative(marks, days, of)
    own = {key: {name: value for name, value in row.items() if name != "_each"} for key, row in so_far.items()}
    keys = [*both, "school_week"]
    assert_same("cumulative", at.cumulative(frame, "form"), keys, own)
    for how in ("students", "groups"):
        table = at.year_on_year(frame, "form", compare=how)  # type: ignore[arg-type]
        assert_same(f"year_on_year {how}", table, keys, model.year_on_year(marks, days, of, how))


def compare_risk(frame: pd.DataFrame, marks: list[Mark], known: at.Calendar, days: Days, on: date) -> None:
    """Hold at_risk against the model by every rule, also with a day that is half over."""
    morning = [mark for mark in marks if (mark.day, mark.session) != (on, "pm")]
    half = frame[~(frame["date"].eq(pd.Timestamp(on)) & frame["session"].astype("str").eq("pm"))]
    leaving = {2: on + timedelta(9), 3: on}
    enrolment = pd.DataFrame({"student_id": list(leaving), "leaving_date": [*map(pd.Timestamp, leaving.values())]})
    for part, given in ((marks, frame), (morning, half)):
        for rule in RULES:
            for within in (1, 7):
                found = at.at_risk(given, known, rule=rule, on=on, within_sessions=within, enrolment=enrolment)
                wanted = model.at_risk(part, days, rule, on, within, leaving)
                assert_same(f"at_risk {rule}, on {on}, {within}", found, ["student_id"], wanted)


@given_few(st.sampled_from(WEEKS), st.integers(0, 10**6), few=6, full=150)
def test_figures_of_small_schools_are_those_of_plain_python(week: Any, seed: int) -> None:
    days = Days(YEARS, SHUT, *week)
    known = calendar_of(days, YEARS, SHUT)
    marks = marks_in(days, seed)
    with quiet():
        frame = frame_of(marks, known)
        compare(frame, marks, known, days, {student: student % 2 for student in range(1, 8)})


@given_few(st.sampled_from(WEEKS), st.integers(0, 10**6), few=6, full=150)
def test_risk_in_small_schools_is_that_of_plain_python(week: Any, seed: int) -> None:
    check_risk(week, seed)


def test_the_rest_of_a_decided_day_may_complete_the_minimum_of_a_rule() -> None:
    check_risk(WEEKS[3], 48)


def check_risk(week: Any, seed: int) -> None:
    days = Days(YEARS, SHUT, *week)
    known = calendar_of(days, YEARS, SHUT)
    marks = marks_in(days, seed)
    on = max(mark.day for mark in marks)
    with quiet():
        compare_risk(frame_of(marks, known), marks, known, days, on)


@pytest.mark.slow
@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_figures_of_every_simulated_school_are_those_of_plain_python(profile: str) -> None:
    with hf.demo(students=12, profile=profile) as school, quiet():
        data = school.fetch()
        if profile == "scotland":
            data = data.with_settings(code_map=at.CodeMap.built_in("scotland"))
    to_date: Callable[[pd.Series], list[date]] = lambda values: [day.date() for day in values]  # noqa: E731
    terms = data["terms"]
    years: dict[str, list[tuple[date, date]]] = {}
    for name, start, end in zip(
        terms["academic_year_name"], to_date(terms["date_from"]), to_date(terms["date_to"]), strict=True
    ):
        years.setdefault(name, []).append((start, end))
    shut = list(zip(to_date(data["holidays"]["date_from"]), to_date(data["holidays"]["date_to"]), strict=True))
    shut += [(day, day) for table in ("inset_days", "closure_dates") for day in to_date(data[table]["date"])]
    sessions = PROFILES[profile].sessions
    days = Days(years, shut, sessions, 6 if 6 in sessions else 0)
    with quiet():
        frame = data.marks(academic_year="all", groups="now").assign(form=lambda frame: frame["gender_name"])
        marks = [
            Mark(student, day.date(), session, None if pd.isna(code) else code, category)
            for student, day, session, code, category in frame[at.CANONICAL].itertuples(index=False)
        ]
        form = dict(zip(frame["student_id"], frame["form"], strict=True))
        compare(frame, marks, data.calendar, days, form)
        compare_risk(frame, marks, data.calendar, days, model.newest_register(marks))
