"""Small groups stay hidden from a reader who puts all tables together: attacked with an integer solver."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

import hubmis_frames as hf
from hubmis_frames import attendance as at
from hubmis_frames import joint as jt
from hubmis_frames import wellbeing as wb
from hubmis_frames.attendance import PERSISTENT
from tests.helpers.examples import given_few
from tests.helpers.figures import canonical_events

BELOW = 5
Table = tuple[tuple[str, ...], pd.DataFrame]
"""The columns that identify a row of a protected table, and the table."""


def groupings(names: Sequence[str]) -> list[tuple[str, ...]]:
    return [chosen for size in range(len(names) + 1) for chosen in itertools.combinations(names, size)]


def totals(cells: pd.DataFrame, by: tuple[str, ...], count: str) -> pd.DataFrame:
    if not by:
        return pd.DataFrame({count: [cells[count].sum()]})
    return cells.groupby(list(by), as_index=False)[count].sum()


def known_too_well(cells: pd.DataFrame, names: Sequence[str], count: str, tables: list[Table]) -> list[str]:
    """The small counts that a reader of all the tables knows to fewer than three values.

    A variable is a cell of the finest grid. A shown count is the exact sum of its cells; a group without a row is 0.
    """
    grid = pd.DataFrame(list(itertools.product(*(sorted(cells[name].unique()) for name in names))), columns=list(names))

    def cells_of(by: tuple[str, ...], row: pd.Series) -> Any:
        return np.logical_and.reduce([np.ones(len(grid), bool), *((grid[name] == row[name]) for name in by)])

    equations, values = [], []
    for by, table in tables:
        with_row = np.zeros(len(grid), bool)
        for _, row in table.iterrows():
            inside = cells_of(by, row)
            with_row |= inside
            if pd.notna(row[count]):
                equations.append(inside.astype(float))
                values.append(float(row[count]))
        for empty in np.flatnonzero(~with_row):
            equations.append(np.eye(len(grid))[empty])
            values.append(0.0)
    rules = [LinearConstraint(np.array(equations), values, values)] if equations else []
    found = []
    for by, _ in tables:
        for _, row in totals(cells, by, count).iterrows():
            if 0 < row[count] < BELOW:
                sums = cells_of(by, row).astype(float)
                ends = [
                    sign
                    * milp(sign * sums, constraints=rules, integrality=np.ones(len(grid)), bounds=Bounds(0, 999)).fun
                    for sign in (1, -1)
                ]
                if round(ends[1]) - round(ends[0]) < 2:
                    found.append(f"{count} by {by}: {dict(row)} is between {ends}")
    return found


def attacked_alone_and_together(
    cells: pd.DataFrame, names: Sequence[str], count: str, protect: Callable[[tuple[str, ...]], pd.DataFrame]
) -> tuple[int, int]:
    """Attack each table, each two, and all together; return how many there are, and how many figures are shown."""
    tables: list[Table] = []
    for by in groupings(names):
        try:
            tables.append((by, protect(by)))
        except hf.BadArgumentError as refused:
            assert "can't be protected" in str(refused)  # noqa: PT017
    for chosen in [*([table] for table in tables), *map(list, itertools.combinations(tables, 2)), tables]:
        assert known_too_well(cells, names, count, chosen) == []
    return len(tables), sum(int(table[count].notna().sum()) for _, table in tables)


@st.composite
def counted(draw: st.DrawFn) -> pd.DataFrame:
    """Counts by one to three columns, many of them small, some groups without a row."""
    sizes = draw(st.lists(st.integers(2, 3), min_size=1, max_size=3))
    cells = pd.DataFrame(
        list(itertools.product(*(range(size) for size in sizes))), columns=[f"g{n}" for n in range(len(sizes))]
    ).astype("str")
    numbers = st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6, 8, 20, 40])
    cells["persistent_absentees"] = draw(st.lists(numbers, min_size=len(cells), max_size=len(cells)))
    kept = draw(st.lists(st.integers(0, 4), min_size=len(cells), max_size=len(cells)))
    return cells[np.array(kept) > 0].reset_index(drop=True)


@given_few(counted(), few=25)
def test_no_small_count_is_known_from_any_tables_of_the_same_groups(cells: pd.DataFrame) -> None:
    if len(cells):
        names = [name for name in cells if name.startswith("g")]
        count = "persistent_absentees"
        attacked_alone_and_together(cells, names, count, lambda by: hf.suppress(totals(cells, by, count), by=list(by)))


def test_rows_and_columns_do_not_give_a_count_back_together() -> None:
    # Each row and column has two hidden counts where lines alone are looked at, and the 3 is a sum of shown ones.
    values = [[3, 9, 30], [8, 40, 2], [50, 4, 7]]
    cells = pd.DataFrame(
        [{"form": str(i), "house": str(j), "students": values[i][j]} for i in range(3) for j in range(3)]
    )
    protect = lambda by: hf.suppress(totals(cells, by, "students"))  # noqa: E731
    number, _ = attacked_alone_and_together(cells, ["form", "house"], "students", protect)
    assert number == 4


def school(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Marks of a school with few boarders in some year groups, and its students."""
    rng = np.random.default_rng(seed)
    sizes = {("Year 7", "Day"): 20, ("Year 7", "Full"): 3, ("Year 8", "Day"): 12, ("Year 8", "Full"): 8}
    sizes |= {("Year 9", "Day"): 15, ("Year 9", "Full"): 1, ("Year 10", "Day"): 9, ("Year 10", "Full"): 6}
    groups = [group for group, size in sizes.items() for _ in range(size)]
    students = pd.DataFrame(groups, columns=["year_group_name", "boarding_type_name"])
    students.insert(0, "student_id", pd.array(range(1, len(students) + 1), dtype="Int64"))
    days = pd.DataFrame({"date": pd.date_range("2025-09-01", periods=10, freq="B").astype("datetime64[us]")})
    marks = students.merge(days, how="cross")
    absent = rng.random(len(marks)) < rng.choice([0.02, 0.3], len(students), p=[0.8, 0.2])[marks["student_id"] - 1]
    return marks.assign(
        session="am", code=np.where(absent, "N", "/"), category=np.where(absent, "unauthorised_absence", "present")
    ), students


GROUPS = ("year_group_name", "boarding_type_name")


@pytest.mark.parametrize("seed", [1, 2])
def test_summaries_of_attendance_do_not_give_small_groups_back(seed: int) -> None:
    marks, _ = school(seed)
    finest = at.summarise(marks, list(GROUPS), rules=[PERSISTENT])
    for count in ("students", "persistent_absentees"):

        def protect(by: tuple[str, ...]) -> pd.DataFrame:
            return at.summarise(marks, list(by), rules=[PERSISTENT], suppress_below=BELOW)

        number, shown = attacked_alone_and_together(finest, GROUPS, count, protect)
        assert number > 1
        assert shown > 0
    safe = at.summarise(marks, "year_group_name", rules=[PERSISTENT], suppress_below=BELOW)
    pd.testing.assert_frame_equal(safe, hf.suppress(at.summarise(marks, "year_group_name", rules=[PERSISTENT])))
    hidden = safe[safe["suppressed"]]
    assert hidden.drop(columns=["year_group_name", "suppressed"]).isna().all(axis=None)


def test_a_group_of_few_is_hidden_in_every_week_and_so_is_another() -> None:
    marks, _ = school(3)
    marks["house"] = np.where(marks["student_id"] <= 3, "Ash", np.where(marks["student_id"] <= 30, "Elm", "Oak"))
    table = at.summarise(marks, ["house", "week"], suppress_below=BELOW)
    assert table.groupby("house")["suppressed"].agg(["all", "any"]).to_numpy().tolist() == [[1, 1], [1, 1], [0, 0]]


def events_of(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    who = rng.integers(1, 76, 60)
    days = (rng.integers(1, 12, 60)).tolist()
    return canonical_events(*((int(n), f"2025-09-{day:02d}T10:00Z") for n, day in zip(who, days, strict=True)))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("count", ["students", "students_concerned", "unlisted"])
def test_summaries_of_wellbeing_do_not_give_small_groups_back(seed: int, count: str) -> None:
    _, students = school(seed)
    found = events_of(seed)
    finest = wb.summarise(found, list(GROUPS), students=students).fillna(dict.fromkeys(GROUPS, "none"))

    def protect(by: tuple[str, ...]) -> pd.DataFrame:
        table = wb.summarise(found, list(by), students=students, suppress_below=BELOW)
        return table.fillna(dict.fromkeys(by, "none"))

    attacked_alone_and_together(finest, GROUPS, count, protect)


def test_a_hidden_row_of_few_unlisted_events_shows_no_events_that_a_table_without_students_would_complete() -> None:
    _, students = school(1)
    table = wb.summarise(events_of(1), "year_group_name", students=students.iloc[4:], suppress_below=BELOW)
    open_table = wb.summarise(events_of(1), "year_group_name", students=students.iloc[4:])
    few = open_table["unlisted"].between(1, BELOW - 1)
    assert few.any()
    assert table.loc[few, ["events", "unlisted", "students_concerned"]].isna().all(axis=None)


def test_the_sessions_of_few_children_are_no_difference_of_shown_ones() -> None:
    marks, _ = school(1)
    plans = canonical_events(
        *((n, "2025-09-01T10:00Z", "x", "active", "wellbeing_plan") for n in (1, 2, 3)),
        *((n, "2025-01-01T10:00Z", "x", "inactive", "wellbeing_plan") for n in range(4, 14)),
    )
    open_table = jt.attendance_by_plan(marks, plans)
    table = jt.attendance_by_plan(marks, plans, suppress_below=BELOW)
    assert open_table["students"].between(1, 4).any()
    hidden = table["suppressed"]
    assert open_table.loc[hidden, "students"].max() >= BELOW
    assert table.loc[hidden, ["possible_sessions", "attended_sessions", "attendance_rate"]].isna().all(axis=None)
    bands = jt.events_by_absence_band(marks, events_of(1), suppress_below=BELOW)
    counts = jt.events_by_absence_band(marks, events_of(1))
    for name in ("students", "students_concerned"):
        few = counts[name].between(1, BELOW - 1)
        assert bands.loc[few, "suppressed"].all()
        assert not few.any() or counts.loc[bands["suppressed"], name].sum() >= BELOW or counts[name].sum() < BELOW


def test_weeks_around_an_event_are_hidden_all_or_none() -> None:
    marks, _ = school(1)
    marks = marks[(marks["student_id"] > 4) | marks["date"].lt("2025-09-08")]
    found = canonical_events(*((n, "2025-09-08T10:00Z") for n in range(1, 9)))
    more = marks.assign(date=marks["date"] + pd.Timedelta(days=14))
    every = pd.concat([marks, more])
    every = every[~(every["student_id"].isin([1, 2, 3, 5, 6]) & every["date"].between("2025-09-08", "2025-09-12"))]
    table = jt.around_events(every, found, weeks=2, by_week=True)
    few = table[["students", "comparison_students"]]
    assert (few.ge(1) & few.lt(BELOW)).any(axis=None)
    safe = jt.around_events(every, found, weeks=2, by_week=True, suppress_below=BELOW)
    assert safe["suppressed"].all()
    assert "left_out" in table.attrs
    again = hf.suppress(table)
    assert again["suppressed"].all()
    assert "left_out" not in again.attrs
    assert safe[["students", "possible_sessions", "attendance_rate"]].isna().all(axis=None)


def test_the_vocabulary_hides_every_figure_and_refuses_what_it_does_not_know() -> None:
    table = pd.DataFrame({"form": list("abcd"), "students": [3, 20, 30, 0], "share": [5.7, 37.7, 56.6, 0.0]})
    result = hf.suppress(table)
    assert result["students"].isna().tolist() == [True, True, False, False], "20 goes too, or the total would give 3"
    assert result["share"].isna().tolist() == [True, True, False, False]
    assert result["suppressed"].tolist() == [True, True, False, False]
    assert table["students"].tolist() == [3, 20, 30, 0]
    odd = table.assign(minutes=1.5)
    with pytest.raises(hf.BadArgumentError, match="minutes holds numbers"):
        hf.suppress(odd)
    named = hf.suppress(odd, counts={"students": "minutes"})
    assert named["minutes"].isna().tolist() == [True, True, False, False]
    own = hf.suppress(table.rename(columns={"students": "pupils"}), counts="pupils")
    assert own["pupils"].isna().tolist() == [True, True, False, False]
    assert not hf.suppress(pd.DataFrame({"form": list("ab"), "students": [5, 0]}))["suppressed"].any()


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({}, {"counts": "pupils"}, "no column pupils"),
        ({}, {"by": "year"}, "have the same year"),
        ({"students": [1.5, 2]}, {}, "not a count"),
        ({"student_id": [1, 2]}, {}, "one student"),
        ({}, {"below": 1}, "suppress_below takes"),
    ],
)
def test_a_table_that_cannot_be_protected_says_why(columns: dict[str, Any], options: dict[str, Any], said: str) -> None:
    table = pd.DataFrame({"form": list("ab"), "year": ["9", "9"], "students": [5, 0]}).assign(**columns)
    with pytest.raises(hf.BadArgumentError, match=said):
        hf.suppress(table, **options)
    with pytest.raises(hf.BadArgumentError, match="no column counts students"):
        hf.suppress(table[["form", "year"]])


def test_too_many_small_groups_are_refused() -> None:
    # Without a box: the shown totals 9 and 8 and the missing groups would give the 1 back.
    cells = pd.DataFrame({"a": list("00011122"), "b": list("01201203"), "students": [8, 2, 6, 20, 4, 1, 1, 8]})
    with pytest.raises(hf.BadArgumentError, match="can't be protected"):
        hf.suppress(cells)
