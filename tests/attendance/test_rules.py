"""Absence rules against their definition in exact fractions, student by student."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import pytest

from hubmis_frames.attendance.rules import PERSISTENT, RULES, SEVERE, AbsenceRule, check_rules
from hubmis_frames.errors import BadArgumentError
from tests.helpers.examples import given_few

SHARES = st.one_of(st.integers(1, 99), st.decimals("0.01", "99.99", places=2, allow_nan=False, allow_infinity=False))
UNITS = st.sampled_from(["per cent", "per cent of days"])
NUMBERS = st.sampled_from(["sessions", "days"])
MINIMUM = st.one_of(st.just(0), st.integers(0, 40))


@st.composite
def rules(draw: st.DrawFn, name: str = "own") -> AbsenceRule:
    """Any rule: a share or a number, at least or more than, with and without a minimum."""
    unit = draw(st.one_of(UNITS, NUMBERS))
    share = unit in ("per cent", "per cent of days")
    limit = draw(st.sampled_from(["at_least", "more_than"]))
    lowest = 1 if limit == "at_least" else 0
    threshold = (
        draw(st.one_of(SHARES, st.just(100 if limit == "at_least" else 0))) if share else draw(st.integers(lowest, 60))
    )
    whole = draw(st.booleans()) and unit in ("days", "per cent of days")
    given: dict[str, Any] = {limit: threshold}
    return AbsenceRule(name, unit=unit, whole_days=whole, minimum_sessions=draw(MINIMUM), **given)


STUDENTS = st.integers(0, 400).flatmap(lambda possible: st.tuples(st.integers(0, possible), st.just(possible)))


def reached(rule: AbsenceRule, absent: int, possible: int) -> bool:
    """Whether a student reaches a threshold, by its words."""
    if not possible:
        return False
    amount = Fraction(100 * absent, possible) if rule.unit.startswith("per cent") else Fraction(absent)
    if rule.at_least is not None:
        return amount >= Fraction(rule.at_least)
    assert rule.more_than is not None
    return amount > Fraction(rule.more_than)


@given_few(rules(), STUDENTS, few=100, full=2000)
def test_a_rule_is_met_as_its_words_say(rule: AbsenceRule, student: tuple[int, int]) -> None:
    absent, possible = student
    assert rule.met([absent], [possible]).tolist() == [reached(rule, absent, possible)]
    most = int(rule.most([possible])[0])
    if possible:
        assert most < 0 or not reached(rule, most, possible)
        assert most >= possible or reached(rule, most + 1, possible)


@given_few(rules(), STUDENTS, few=60, full=1000)
def test_until_is_the_first_further_absence_that_meets_the_rule(rule: AbsenceRule, student: tuple[int, int]) -> None:
    absent, possible = student
    found = int(rule.until([absent], [possible])[0])
    first = next((k for k in range(5000) if reached(rule, absent + k, possible + k)), -1)
    # A share just below all takes more sessions than a school has.
    assert found == first or (first == -1 and (found >= 5000 or found == -1))
    if found == -1:
        assert not reached(rule, absent + 10**9, possible + 10**9)


@given_few(rules(), STUDENTS, few=60, full=1000)
def test_recovery_is_the_first_run_of_attendance_that_ends_below_the_rule(
    rule: AbsenceRule, student: tuple[int, int]
) -> None:
    absent, possible = student
    found = int(rule.to_recover([absent], [possible])[0])
    if found >= 0:
        assert not reached(rule, absent, possible + found)
        assert found == 0 or reached(rule, absent, possible + found - 1)
    else:
        assert reached(rule, absent, possible + 10**9)


@pytest.mark.parametrize(
    ("rule", "below", "met"),
    [
        (PERSISTENT, (18, 190), (19, 190)),  # exactly 10 per cent is in
        (SEVERE, (94, 190), (95, 190)),
        (RULES["wales_before_2023"], (37, 190), (38, 190)),
        (RULES["wales"], (19, 190), (20, 190)),  # exactly 10 per cent is out
        (RULES["wales_primary_in_year"], (37, 190), (38, 380)),
        (RULES["wales_secondary_in_year"], (29, 100), (30, 380)),
        (RULES["scotland"], (37, 380), (38, 380)),
        (RULES["northern_ireland_referral"], (57, 380), (58, 380)),
        (RULES["ireland"], (19, 20), (20, 183)),
        (RULES["us_chronic"], (17, 180), (18, 180)),
        (RULES["australia"], (10, 100), (11, 100)),
        (RULES["abu_dhabi"], (9, 180), (10, 180)),
        (RULES["abu_dhabi_kindergarten"], (18, 180), (19, 180)),
        (AbsenceRule("own", at_least=Decimal("2.5")), (1, 41), (1, 40)),
    ],
)
def test_published_thresholds(rule: AbsenceRule, below: tuple[int, int], met: tuple[int, int]) -> None:
    assert rule.met([below[0], met[0], 0], [below[1], met[1], 0]).tolist() == [False, True, False]


def test_each_published_rule_has_its_source() -> None:
    assert all(rule.source for rule in RULES.values())
    assert len(set(map(str, RULES.values()))) == len(RULES)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"at_least": 10, "more_than": 5},
        {"at_least": 0},
        {"at_least": -1},
        {"more_than": 100},
        {"more_than": -1, "unit": "sessions"},
        {"at_least": 101},
        {"at_least": 0.1},
        {"at_least": True},
        {"at_least": Decimal("nan")},
        {"at_least": Decimal("1E+40")},
        {"at_least": Decimal("1E-40")},
        {"at_least": Decimal("1.5"), "unit": "sessions"},
        {"at_least": 10, "unit": "weeks"},
        {"at_least": 10, "whole_days": True},
        {"at_least": 10, "categories": ("absent",)},
        {"at_least": 10, "categories": ()},
        {"at_least": 10, "categories": ("not_possible",)},
        {"at_least": 10, "minimum_sessions": -1},
        {"at_least": 10, "minimum_sessions": 1.5},
    ],
)
def test_what_is_no_rule_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadArgumentError, match="AbsenceRule own:"):
        AbsenceRule("own", **wrong)


@pytest.mark.parametrize("name", ["", "10 per cent", "a-b", None, 3])
def test_a_name_has_to_fit_into_a_column(name: Any) -> None:
    with pytest.raises(BadArgumentError, match="cannot be a name"):
        AbsenceRule(name, at_least=10)


def test_rules_of_one_name_and_what_is_no_rule_are_refused() -> None:
    with pytest.raises(BadArgumentError, match="two rules are called persistent"):
        check_rules([PERSISTENT, RULES["wales"]], "summarise")
    with pytest.raises(BadArgumentError, match=r"AbsenceRule, such as .*and not 'persistent'"):
        check_rules(["persistent"], "summarise")  # type: ignore[list-item]
    assert check_rules(SEVERE, "summarise") == (SEVERE,)  # type: ignore[arg-type]


def test_a_rule_reads_as_a_sentence_and_is_a_value() -> None:
    assert (
        str(AbsenceRule("concern", more_than=5)) == "concern: absent from more than 5 per cent of own possible sessions"
    )
    rule = AbsenceRule("long", at_least=20, unit="days", whole_days=True, minimum_sessions=10, source="the school")
    words = "absent from at least 20 whole days, among students with at least 10 possible sessions (the school)"
    assert str(rule) == f"long: {words}"
    late = AbsenceRule("often_late", at_least=5, categories="late")
    assert str(late) == "often_late: with late marks in at least 5 per cent of own possible sessions"
    assert late == AbsenceRule("often_late", at_least=5, categories=["late"])
    assert hash(late) == hash(AbsenceRule("often_late", at_least=5, categories=("late",)))
