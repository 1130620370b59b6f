"""Summaries against published figures, boundary cases, pandas itself and the whole."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from hubmis_frames import attendance as at
from hubmis_frames.analysis.periods import PERIODS
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from tests.helpers.examples import given_few
from tests.helpers.registers import calendar, canonical, days, only, register

WESTMINSTER = {
    "/": 62325, "\\": 63831, "L": 1707, "B": 79, "D": 113, "J": 56, "P": 37, "V": 1131, "W": 0, "I": 3887, "M": 424,
    "R": 14, "S": 0, "T": 0, "H": 12, "E": 0, "C": 638, "G": 121, "U": 375, "O": 987, "N": 206, "X": 0,
}  # fmt: skip


COUNTED = [
    "possible_sessions", "attended_sessions", "late_sessions", "approved_activity_sessions", "authorised_sessions",
    "unauthorised_sessions", "absent_sessions", "other_possible_sessions",
    "not_possible_sessions", "unmarked_sessions", "unmapped_sessions",
]  # fmt: skip


SUMMARY = [
    "students", *COUNTED, "attendance_rate", "absence_rate", "authorised_rate", "unauthorised_rate",
]  # fmt: skip
ENGLAND = (at.PERSISTENT, at.SEVERE)
OF_RULES = ["persistent_absentees", "persistent_absence_rate", "severe_absentees", "severe_absence_rate"]


def test_westminster_early_2022_23() -> None:
    codes = [code for code, count in WESTMINSTER.items() for _ in range(count)]
    frame = pd.DataFrame({"student_id": range(len(codes)), "date": "2022-09-20", "session": "am", "code": codes})
    row = only(at.summarise(at.marks(frame)))
    assert (row["attended_sessions"], row["absent_sessions"], row["possible_sessions"]) == (129166, 6664, 135830)
    assert (row["authorised_sessions"], row["unauthorised_sessions"]) == (4975, 1689)
    assert row["not_possible_sessions"] == 113
    assert row["attendance_rate"] == pytest.approx(95.0938673341677, abs=1e-12)
    assert row["absence_rate"] == pytest.approx(4.90613266583229, abs=1e-12)
    assert row["authorised_rate"] == pytest.approx(3.66266656850475, abs=1e-12)
    assert row["unauthorised_rate"] == pytest.approx(1.24346609732754, abs=1e-12)


def test_solihull_primary_2009_10() -> None:
    absent = np.zeros(15103, dtype=int)
    absent[:1917], absent[:36] = 1, 5
    category = np.where(np.arange(10) < absent[:, None], "authorised_absence", "present")
    marks = pd.DataFrame(
        {
            "student_id": np.arange(15103).repeat(10),
            "date": np.tile(days(5).repeat(2), 15103),
            "session": np.tile(["am", "pm"], 15103 * 5),
            "code": "",
            "category": category.ravel(),
        }
    )
    row = only(at.summarise(marks, rules=ENGLAND))
    assert (row["students"], row["persistent_absentees"], row["severe_absentees"]) == (15103, 1917, 36)
    assert round(row["persistent_absence_rate"], 5) == 12.69284
    assert round(row["severe_absence_rate"], 5) == 0.23836


def test_exactly_ten_and_fifty_per_cent_are_in() -> None:
    marks = canonical(
        register("I" + "/" * 9, 1), register("I" + "/" * 10, 2), register("I/", 3), register("II" + "/" * 3, 4)
    )
    row = only(at.summarise(marks, rules=ENGLAND))
    assert (row["persistent_absentees"], row["severe_absentees"]) == (3, 1)
    assert row["persistent_absence_rate"] == 75
    assert list(at.absentees(marks)["student_id"]) == [3, 4, 1]


def test_a_tenth_is_a_tenth_at_any_size() -> None:
    # Student n is absent from n of 10 n sessions; in floats some of these fall short of 10 per cent.
    size = np.arange(1, 400)
    student = size.repeat(10 * size)
    place = np.arange(len(student)) - (np.cumsum(10 * size) - 10 * size).repeat(10 * size)
    marks = pd.DataFrame({"student_id": student, "date": days(2000)[place // 2], "code": ""})
    marks["session"] = np.where(place % 2, "pm", "am")
    marks["category"] = np.where(place < student, "authorised_absence", "present")
    given = {"rules": [at.PERSISTENT], "across_years": True}
    assert only(at.summarise(marks, **given))["persistent_absentees"] == 399
    assert only(at.summarise(marks[place > 0], **given))["persistent_absentees"] == 0


@pytest.mark.parametrize("codes", ["--", "XX", "##", [None, ""]])
def test_without_a_possible_session_rates_are_missing_and_never_zero(codes: Any) -> None:
    row = only(at.summarise(canonical(register(codes)), rules=ENGLAND))
    assert row["students"] == 1
    assert row["possible_sessions"] == row["persistent_absentees"] == 0
    assert row[[name for name in [*SUMMARY, *OF_RULES] if name.endswith("_rate")]].isna().all()


def test_who_has_no_possible_session_is_not_in_the_denominator() -> None:
    marks = canonical(register("II", 1), register("//", 2), register("XX", 3))
    row = only(at.summarise(marks, rules=ENGLAND))
    assert (row["students"], row["persistent_absence_rate"]) == (3, 50)


def test_one_mark() -> None:
    row = only(at.summarise(canonical(register("I")), rules=ENGLAND))
    assert (row["possible_sessions"], row["absence_rate"], row["severe_absentees"]) == (1, 100, 1)


def test_columns_are_those_promised_also_of_nothing() -> None:
    marks = canonical(register("/I"))
    assert list(at.summarise(marks)) == SUMMARY
    assert list(at.summarise(marks, rules=ENGLAND)) == [*SUMMARY, *OF_RULES]
    assert list(at.summarise(marks.head(0), rules=ENGLAND)) == [*SUMMARY, *OF_RULES]
    for by in ("student_id", "week", ["session", "weekday"]):
        some, none = at.summarise(marks, by), at.summarise(marks.head(0), by)
        assert list(some) == [*([by] if isinstance(by, str) else by), *SUMMARY]
        assert none.empty
        assert list(none) == list(some)
        assert none.dtypes[SUMMARY].equals(some.dtypes[SUMMARY])
    assert at.summarise(marks.head(0))["absence_rate"].isna().all()


@pytest.mark.parametrize("function", [at.summarise, at.absentees, at.absence_bands, at.runs, at.code_frequency])
def test_marks_put_together_twice_are_said(function: Any) -> None:
    marks = canonical(register("/I"), register("//", 2))
    function(marks)
    with pytest.warns(HubmisWarning, match=r"4 marks are in the frame twice.*marks\(frame\), which keeps one"):
        function(pd.concat([marks, marks]))


def test_a_rate_pools_and_is_no_mean_of_rates() -> None:
    marks = canonical(register("I" * 10, 1), register("/" * 90, 2))
    assert only(at.summarise(marks))["absence_rate"] == 10


@pytest.mark.parametrize("function", [at.summarise, at.absence_bands, at.absentees, at.broken_weeks])
def test_a_figure_over_several_years_is_refused_unless_asked_for(function: Any) -> None:
    years = canonical(register("/I", start="2024-07-31"), register("/I", start="2025-09-08"))
    said = (
        rf"^{function.__name__}: marks of 2023/24 to 2025/26 are in one figure.*\"academic_year\" to by.*across_years"
    )
    with pytest.raises(BadArgumentError, match=said):
        function(years, "session")
    assert len(function(years, "session", across_years=True))
    years["own"] = years["date"].dt.year
    function(years, "own")
    function(years[years["date"] >= "2025-09-01"], "session")
    function(canonical(register("/I", start="2025-08-01"), register("/I", start="2026-07-31")), "session")
    # A year without a possible session is in no figure.
    function(canonical(register("XX", start="2024-07-31"), register("/I", start="2025-09-08")), "session")


@pytest.mark.parametrize("function", [at.summarise, at.absence_bands, at.absentees, at.broken_weeks])
def test_years_are_those_of_the_school(function: Any) -> None:
    marks = canonical(register("/I", start="2026-03-02"), register("/I", start="2026-10-05"))
    with pytest.raises(BadArgumentError, match=r"2025/26 to 2026/27"):
        function(marks)
    function(marks.assign(academic_year="2026"))
    apart = marks.assign(academic_year=["2026", "2026", "2027", "2027"])
    with pytest.raises(BadArgumentError, match=r"marks of 2026 to 2027"):
        function(apart)
    function(apart, "academic_year")
    # Days between two years are of the year around them, and far from it of another.
    function(marks.assign(academic_year=[None, "2026", "2026", "2026"]))
    old = canonical(register("/I", start="2023-03-02"), register("/I", start="2026-10-05"))
    with pytest.raises(BadArgumentError, match=r"marks of 2022/23 to 2026"):
        function(old.assign(academic_year=[None, None, "2026", "2026"]))
    # Two schools may name their years in their own ways.
    both = pd.concat([marks.assign(realm="A", academic_year="2026"), marks.assign(realm="B", academic_year="2025-26")])
    if function is not at.broken_weeks:  # of one school
        function(both, "session")


def test_groups_stand_in_order_of_time_and_name_and_a_missing_one_last() -> None:
    marks = canonical(*(register("/" * 20, student) for student in range(1, 5)))
    marks["year_group_name"] = marks["student_id"].map({1: "Year 10", 2: "Year 9", 3: None, 4: "Year 7"})
    found = at.summarise(marks, "year_group_name")["year_group_name"]
    assert found.iloc[:3].tolist() == ["Year 7", "Year 9", "Year 10"]
    assert pd.isna(found.iloc[3])
    assert at.summarise(marks, "weekday")["weekday"].tolist()[:2] == ["Monday", "Tuesday"]
    terms = canonical(register("//", start="2026-01-05"), register("//", start="2025-09-08"))
    assert at.summarise(terms, "term", calendar=calendar())["term"].tolist() == ["Autumn Term", "Spring Term"]


def test_persistent_is_within_the_period() -> None:
    marks = canonical(register("II" + "/" * 38))
    assert at.summarise(marks, rules=ENGLAND)["persistent_absentees"].tolist() == [0]
    assert at.summarise(marks, "week", rules=ENGLAND)["persistent_absentees"].tolist() == [1, 0, 0, 0]


def test_periods_need_a_calendar_and_unknown_columns_are_named() -> None:
    marks = canonical(register("//"))
    with pytest.raises(BadArgumentError, match="needs calendar="):
        at.summarise(marks, "half_term")
    with pytest.raises(BadArgumentError, match="no column or period 'form_name'"):
        at.summarise(marks, "form_name")
    with pytest.raises(BadArgumentError, match="Did you mean 'half_term'"):
        at.summarise(marks, "halfterm")
    with pytest.raises(BadArgumentError, match="Did you mean 'year_group_name'"):
        at.summarise(marks.assign(year_group_id=7, year_group_name="Year 7"), "yeargroup")


CODES = ["/", "\\", "L", "V", "I", "O", "X", "#", "-", "?"]


ROWS = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.integers(0, 240),
        st.sampled_from(["am", "pm"]),
        st.sampled_from(CODES),
        st.sampled_from(["9A", "10A", None]),
    ),
    max_size=80,
)


BY = st.lists(
    st.sampled_from(["student_id", "form_name", "session", "code", *PERIODS]), min_size=1, max_size=3, unique=True
)


@given_few(ROWS, BY, few=20)
def test_pooling_by_any_grouping_gives_the_whole_back(rows: list[Any], by: list[str]) -> None:
    frame = pd.DataFrame(rows, columns=["student_id", "day", "session", "code", "form_name"])
    frame["date"] = pd.Timestamp("2025-08-25") + pd.to_timedelta(frame.pop("day").astype("int64"), unit="D")
    frame = frame.astype({"form_name": "str", "code": "str", "session": "str"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        marks = at.marks(frame)
    whole = only(at.summarise(marks, across_years=True))
    parts = at.summarise(marks, by, calendar=calendar(), rules=ENGLAND, across_years=True)
    assert parts[COUNTED].sum().astype(int).to_dict() == whole[COUNTED].astype(int).to_dict()
    assert not parts.duplicated(by).any()
    weights = parts["possible_sessions"]
    if whole["possible_sessions"]:
        pooled = (parts["absence_rate"].fillna(0) * weights).sum() / weights.sum()
        assert pooled == pytest.approx(whole["absence_rate"])
    assert (parts["severe_absentees"] <= parts["persistent_absentees"]).all()
    assert (parts["persistent_absentees"] <= parts["students"]).all()
    # Against pandas itself, group by group.
    attended = marks["category"].isin(["present", "late", "approved_activity"])
    if "student_id" in by or by == ["form_name"]:
        names = [name for name in by if name in marks and name not in PERIODS]  # those are of the calendar
        expected = attended.groupby([marks[name] for name in names], dropna=False).sum()
        found = parts.groupby(names, dropna=False, observed=True)["attended_sessions"].sum()
        assert sorted(expected.tolist()) == sorted(found.tolist())


@pytest.mark.parametrize(
    ("absent", "possible", "band"),
    [
        (0, 10, "0 to <5"), (1, 21, "0 to <5"), (1, 20, "5 to <10"), (1, 10, "10 to <15"), (35, 360, "5 to <10"),
        (9, 20, "45 to <50"), (179, 360, "45 to <50"), (1, 2, "50 and over"), (3, 3, "50 and over"),
        (3, 20, "15 to <20"), (7, 20, "35 to <40"), (29, 100, "25 to <30"),
    ],
)  # fmt: skip
def test_edges_of_bands(absent: int, possible: int, band: str) -> None:
    marks = canonical(register("I" * absent + "/" * (possible - absent)), register("XX", 2))
    found = at.absence_bands(marks).set_index("absence_band")
    assert len(found) == 11
    assert found.loc[band, "students"] == found["students"].sum() == 1
    assert found.loc[band, "share"] == 100


def test_bands_of_nobody_have_no_share() -> None:
    assert at.absence_bands(canonical(register("XX")))["share"].isna().all()


def test_code_frequency_counts_blanks_too() -> None:
    found = at.code_frequency(canonical(register(["/", "/", None, "I"]), register(["/"], 2)))
    assert found["code"].iloc[0] == "/"
    assert (found["marks"].tolist(), found["students"].tolist()) == ([3, 1, 1], [2, 1, 1])
    assert found["share"].sum() == pytest.approx(100)


def test_intervals_count_students_and_not_sessions() -> None:
    # Ten students of whom two are always absent: as 100 tossed coins the interval would be far narrower.
    marks = canonical(*(register(("I" if student < 2 else "/") * 10, student) for student in range(10)))
    row = only(at.summarise(marks, confidence=0.95))
    assert (row["students"], row["absence_rate"]) == (10, 20)
    # By hand: the standard error is sqrt(10 / 9 x 10 x 0.2 x 0.8) / 10, t of 9 is 2.262157, on the logit scale.
    error = np.sqrt(10 / 9 * 1.6) / 10
    for bound, sign in (("low", -1), ("high", 1)):
        logit = np.log(0.2 / 0.8) + sign * 2.2621571628 * error / 0.16
        assert row[f"absence_rate_{bound}"] == pytest.approx(100 / (1 + np.exp(-logit)))
    assert row["attendance_rate_low"] == pytest.approx(100 - row["absence_rate_high"])
    assert (
        at.summarise(canonical(register("//", 1), register("//", 2)), confidence=0.95)["absence_rate_high"].isna().all()
    )
    assert at.summarise(canonical(register("I/")), confidence=0.95)["absence_rate_high"].isna().all()


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    chance = rng.beta(1, 14, (300, 30, 1))
    absent = rng.random((300, 30, 40)) < chance
    group, student, session = (grid.ravel() for grid in np.indices(absent.shape))
    marks = pd.DataFrame(
        {
            "student_id": group * 100 + student,
            "date": days(20)[session // 2],
            "session": np.where(session % 2, "pm", "am"),
            "code": "",
            "category": np.where(absent.ravel(), "authorised_absence", "present"),
            "group": group,
        }
    )
    found = at.summarise(marks, "group", confidence=0.95)
    held = found["absence_rate_low"].le(100 / 15) & found["absence_rate_high"].ge(100 / 15)
    assert 0.9 < held.mean() < 0.985


def test_weekday_and_session_make_a_grid() -> None:
    found = at.summarise(canonical(register("I/" + "/" * 8)), ["weekday", "session"])
    assert len(found) == 10
    assert found.iloc[0][["weekday", "session", "absence_rate"]].tolist() == ["Monday", "am", 100]
