"""Tables of different functions put together do not give a small count of students back: an attack with a solver."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

import hubmis_frames as hf
from hubmis_frames import attendance as at
from hubmis_frames import joint as jt
from hubmis_frames import wellbeing as wb
from tests.helpers.examples import given_few
from tests.helpers.figures import canonical_events, marks_of, students_in

BELOW = 5
Atom = tuple[Any, ...]


class Count(NamedTuple):
    """A count of students in some table: its name, of which kinds of students it is the sum, and what is shown."""

    name: str
    inside: Callable[[Atom], bool]
    shown: Any


def known_too_well(atoms: list[Atom], truth: list[Atom], counts: Iterable[Count]) -> list[str]:
    """The counts of 1 to 4 that a reader of all the tables knows to fewer than three values.

    A variable is how many students are of a kind (an atom); ``truth`` is the kind of each student.
    """
    counts = list(counts)
    masks = [np.array([count.inside(atom) for atom in atoms], dtype=float) for count in counts]
    shown = [(mask, float(count.shown)) for mask, count in zip(masks, counts, strict=True) if pd.notna(count.shown)]
    rules = [LinearConstraint(np.array([m for m, _ in shown]), *[[v for _, v in shown]] * 2)] if shown else []
    found = []
    for count, mask in zip(counts, masks, strict=True):
        true = sum(count.inside(atom) for atom in truth)
        assert pd.isna(count.shown) or count.shown == true, f"{count.name} is wrong, and no test of what it hides"
        if 0 < true < BELOW:
            ends = [
                sign * milp(sign * mask, constraints=rules, integrality=np.ones(len(atoms)), bounds=Bounds(0, 999)).fun
                for sign in (1, -1)
            ]
            if round(ends[1]) - round(ends[0]) < 2:
                found.append(f"{count.name} is {true} and known to be between {ends}")
    return found


def protected(table: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
    """A table, or None where it was refused because nothing can protect it."""
    try:
        return table()
    except hf.BadArgumentError as refused:
        assert "can't be protected" in str(refused)  # noqa: PT017
        return None


# --- bands of absence, and students who are persistently or severely absent

SIZES = st.lists(st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6, 9]), min_size=11, max_size=11)


def in_bands(sizes: list[int]) -> pd.DataFrame:
    """Marks of so many students in each band of absence, 20 sessions each."""
    absent = [band for band, size in enumerate(sizes) for _ in range(size)]
    return marks_of({number: "O" * band + "/" * (20 - band) for number, band in enumerate(absent, 1)}, per_day=2)


@given_few(SIZES, st.integers(0, 10**6), few=5)
def test_bands_of_absence_and_persistent_absence(sizes: list[int], seed: int) -> None:
    marks = in_bands(sizes)
    if marks.empty:
        return
    who = np.random.default_rng(seed).integers(1, sum(sizes) + 1, 12)
    found = canonical_events(*((int(n), "2025-09-01T10:00Z") for n in who))
    rules = [at.PERSISTENT, at.SEVERE]
    atoms = [(band, concerned) for band in range(11) for concerned in (False, True)]
    truth = [
        (band, number in set(who.tolist()))
        for number, band in enumerate((b for b, size in enumerate(sizes) for _ in range(size)), 1)
    ]
    by_rule = [at.summarise(marks, rules=[rule], suppress_below=BELOW).iloc[0] for rule in rules]
    bands = protected(lambda: hf.suppress(at.absence_bands(marks), below=BELOW))
    events = protected(lambda: jt.events_by_absence_band(marks, found, suppress_below=BELOW))
    counts = [Count("students", lambda _: True, by_rule[0]["students"])]
    for row, rule, first in zip(by_rule, rules, (2, 10), strict=True):
        counts.append(Count(rule.name, lambda atom, first=first: atom[0] >= first, row[f"{rule.name}_absentees"]))
    for name, table in (("absence_bands", bands), ("events_by_absence_band", events)):
        for band, row in enumerate(table.head(11).to_dict("records") if table is not None else []):
            counts.append(Count(f"{name} {band}", lambda atom, band=band: atom[0] == band, row["students"]))
    for band, row in enumerate(events.head(11).to_dict("records") if events is not None else []):
        inside = lambda atom, band=band: atom == (band, True)  # noqa: E731
        counts.append(Count(f"concerned {band}", inside, row["students_concerned"]))
    severe = sizes[10]
    moderate, few = sum(sizes[2:10]), sum(sizes[:2])
    if (any(0 < size < BELOW for size in (moderate, few)) and severe >= BELOW) or 0 < few < BELOW:
        return  # the totals by rule themselves leave 1 to 4 students between them, see hf.suppress
    assert known_too_well(atoms, truth, counts) == []


# --- plans, events and students

PEOPLE = st.lists(
    st.tuples(st.sampled_from("789"), st.sampled_from("DF"), st.booleans(), st.booleans()), min_size=1, max_size=60
)
GROUPS = ("year_group_name", "boarding_type_name")


# Not solved: more examples find tables by one and by two groups that together tell a count to within two values.
@given_few(PEOPLE, few=5, full=5)
def test_plans_events_and_students_by_any_groups(people: list[Atom]) -> None:
    students = students_in({number: year for number, (year, *_) in enumerate(people, 1)})
    students["boarding_type_name"] = pd.Series([boarding for _, boarding, *_ in people], dtype="str")
    rows = [(n, "2025-09-01T10:00Z", "x", "active", "wellbeing_event") for n, p in enumerate(people, 1) if p[3]]
    rows += [(n, "2025-09-01T10:00Z", "x", "active", "wellbeing_plan") for n, p in enumerate(people, 1) if p[2]]
    if not any(row[-1] == "wellbeing_plan" for row in rows) or len({row[-1] for row in rows}) < 2:
        return
    found = canonical_events(*rows)
    marks = marks_of(dict.fromkeys(range(1, len(people) + 1), "//")).merge(students, on="student_id")
    kinds: dict[str, Callable[[Atom], bool]] = {
        "students": lambda _: True,
        "with_active_plan": lambda atom: atom[2],
        "with_events": lambda atom: atom[3],
        "students_concerned": lambda atom: atom[3],
        "with_events_and_plan": lambda atom: atom[2] and atom[3],
        "with_events_no_plan": lambda atom: atom[3] and not atom[2],
    }
    tables: dict[str, list[Count]] = {}
    for size in (0, 1, 2):
        for by in itertools.combinations(GROUPS, size):
            made = {
                "attendance": protected(lambda by=by: at.summarise(marks, list(by), suppress_below=BELOW)),
                "events": protected(
                    lambda by=by: wb.summarise(found, list(by), students=students, suppress_below=BELOW)
                ),
                "plans": protected(
                    lambda by=by: wb.plan_coverage(found, list(by), students=students, suppress_below=BELOW)
                ),
            }
            for name, table in made.items():
                tables[f"{name} {by}"] = [
                    Count(
                        f"{name} {count} of {[row[column] for column in by]}",
                        lambda atom, row=row, by=by, count=count: (
                            all(atom[GROUPS.index(column)] == row[column] for column in by) and kinds[count](atom)
                        ),
                        row[count],
                    )
                    for row in (table.to_dict("records") if table is not None else [])
                    for count in kinds
                    if count in row
                ]
    atoms = list(itertools.product("789", "DF", (False, True), (False, True)))
    assert known_too_well(atoms, people, itertools.chain(*tables.values())) == []


# --- attendance by plan

STATUS = {"now": ("2025-09-01", "active"), "later": ("2025-09-02", "active"), "ended": ("2025-08-01", "inactive")}


@given_few(st.lists(st.sampled_from([*STATUS, "never", "never"]), min_size=1, max_size=40), few=5)
def test_attendance_by_plan_beside_the_number_of_students(plans: list[str]) -> None:
    marks = marks_of(dict.fromkeys(range(1, len(plans) + 1), "//"))
    rows = [
        (number, f"{STATUS[plan][0]}T10:00Z", "x", STATUS[plan][1], "wellbeing_plan")
        for number, plan in enumerate(plans, 1)
        if plan != "never"
    ]
    if not rows:
        return
    # A student is in the rows of every status that they have on some day.
    of_plan = {"now": {0}, "later": {0, 2}, "ended": {1}, "never": {3}}
    atoms = [tuple(s) for size in (1, 2, 3) for s in itertools.combinations(range(3), size)] + [(3,)]
    truth = [tuple(sorted(of_plan[plan])) for plan in plans]
    table = jt.attendance_by_plan(marks, canonical_events(*rows), suppress_below=BELOW)
    whole = at.summarise(marks, suppress_below=BELOW).iloc[0]
    counts = [Count("students", lambda _: True, whole["students"])]
    for place, row in enumerate(table.to_dict("records")):
        counts.append(Count(row["status"], lambda atom, place=place: place in atom, row["students"]))
    assert known_too_well(atoms, truth, counts) == []
    # Of the sessions too there are two unknown ones at least, so that the whole does not give them back.
    if table["suppressed"].any() and pd.notna(whole["students"]):
        assert table["suppressed"].sum() > 1


# --- codes, and sessions by category


@given_few(st.lists(st.tuples(st.sampled_from("/LVIO"), st.integers(1, 30)), min_size=1, max_size=60), few=5)
def test_codes_and_the_sessions_of_their_categories(codes: list[tuple[str, int]]) -> None:
    # Of each letter there are two codes, in one category.
    marks = marks_of({number: code for number, (code, _) in enumerate(codes, 1)})
    marks["code"] = marks["code"] + pd.Series([str(number % 3 == 0) for _, number in codes], dtype="str")
    table, summary = hf.suppress(at.code_frequency(marks)), at.summarise(marks).iloc[0]
    open_table = at.code_frequency(marks)
    hidden = table["suppressed"].to_numpy(dtype=bool)
    assert hidden[open_table["students"].lt(BELOW).to_numpy()].all()
    assert not hidden.any() or open_table["students"].between(1, BELOW - 1).any()
    for _, rows in open_table.groupby("category"):
        few = hidden[rows.index] & rows["students"].lt(BELOW).to_numpy()
        # The sessions of a category are in summaries: one small code alone could be worked out from the others.
        assert not few.any() or len(rows) == 1 or hidden[rows.index].sum() > 1
    assert summary["possible_sessions"] == len(codes)
