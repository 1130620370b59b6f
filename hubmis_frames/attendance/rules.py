"""Rules by which a student's absence is counted, as data: thresholds compared exactly, and published rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..analysis.groups import Whole
from ..errors import BadArgumentError
from .codes import ABSENT, POSSIBLE

Unit = Literal["per cent", "per cent of days", "sessions", "days"]

_UNITS = ("per cent", "per cent of days", "sessions", "days")
_LARGEST = 10**6  # of a numerator and a denominator: their products with a student's sessions fit into 64 bits


@dataclass(frozen=True)
class AbsenceRule:
    """When a student's absence is counted, for example "at least 10 per cent of own possible sessions".

    Parameters
    ----------
    name
        What the rule is called in columns: ``persistent`` gives ``persistent_absentees``, ``persistent_absence_rate``
        and the flag ``persistent``.
    at_least, more_than
        The threshold, exactly one of the two. ``at_least=10`` includes exactly 10, and ``more_than=10`` does not.
    unit
        ``"per cent"`` of the student's own possible sessions, ``"per cent of days"`` with a possible session, or a
        fixed number of ``"sessions"`` or ``"days"``.
    whole_days
        For rules by days: only a day on which every possible session was missed is a day of absence. Otherwise each
        day with a missed session is one.
    categories
        The categories of marks that are absence by this rule.
    minimum_sessions
        A student with fewer possible sessions is in no list and in no denominator of the rule. Their number is the
        column ``<name>_below_minimum``.
    source
        Who set the rule, where and from when.

    Raises
    ------
    BadArgumentError
        There is no threshold or there are two, or a value makes no sense.

    Notes
    -----
    Shares are compared in whole numbers: 19 of 190 sessions is exactly 10 per cent, and never 9.999. Which students
    the rule is for, such as those of compulsory age or all but boarders, is a choice of marks and not of the rule.

    Examples
    --------
    >>> from hubmis_frames.attendance import AbsenceRule
    >>> print(AbsenceRule("concern", more_than=5))
    concern: absent from more than 5 per cent of own possible sessions
    """

    name: str
    _: KW_ONLY
    at_least: int | Decimal | None = None
    more_than: int | Decimal | None = None
    unit: Unit = "per cent"
    whole_days: bool = False
    categories: Sequence[str] = ABSENT
    minimum_sessions: int = 0
    source: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise BadArgumentError(
                f"AbsenceRule: {self.name!r} cannot be a name. It becomes part of columns: use letters, digits and _."
            )
        thresholds = [value for value in (self.at_least, self.more_than) if value is not None]
        if len(thresholds) != 1:
            raise self._error("give either at_least= or more_than=")
        (threshold,) = thresholds
        if isinstance(threshold, bool) or not isinstance(threshold, int | Decimal):
            raise self._error(
                f"the threshold is a whole number or a Decimal, as a float is not exact, and not {threshold!r}"
            )
        if self.unit not in _UNITS:
            raise self._error(f"unit is one of {', '.join(_UNITS)}, and not {self.unit!r}")
        if isinstance(threshold, Decimal) and not threshold.is_finite():
            raise self._error(f"the threshold is a number, and not {threshold!r}")
        exact = Fraction(threshold)
        too_low = exact < 0 or (exact == 0 and self.at_least is not None)
        too_high = self.is_share and (exact > 100 or (exact == 100 and self.more_than is not None))
        if too_low or too_high or max(exact.numerator, exact.denominator) > _LARGEST:
            raise self._error(
                f"{'at least' if self.more_than is None else 'more than'} {threshold} {self.unit} is no rule"
            )
        if not self.is_share and exact.denominator != 1:
            raise self._error(f"{self.unit} are counted whole, and {threshold} is not a whole number")
        if self.whole_days and not self.by_days:
            raise self._error('whole_days=True goes with unit="days" or unit="per cent of days"')
        object.__setattr__(self, "categories", counted_categories(self.categories, f"AbsenceRule {self.name}"))
        minimum = self.minimum_sessions
        if isinstance(minimum, bool) or not isinstance(minimum, int) or minimum < 0:
            raise self._error(f"minimum_sessions is a whole number, 0 or more, and not {minimum!r}")

    def _error(self, what: str) -> BadArgumentError:
        return BadArgumentError(f"AbsenceRule {self.name}: {what}.")

    def __str__(self) -> str:
        """The rule as a sentence."""
        verb = "absent from" if set(self.categories) == set(ABSENT) else f"with {' or '.join(self._kinds)} marks in"
        threshold = f"more than {self.more_than}" if self.at_least is None else f"at least {self.at_least}"
        sort = "whole days" if self.whole_days else "days"
        amount = {
            "per cent": "per cent of own possible sessions",
            "per cent of days": f"per cent of own possible days, counting {sort}",
            "sessions": "sessions",
            "days": sort,
        }[self.unit]
        among = f", among students with at least {self.minimum_sessions} possible sessions"
        source = f" ({self.source})" if self.source else ""
        return f"{self.name}: {verb} {threshold} {amount}{among if self.minimum_sessions else ''}{source}"

    @property
    def _kinds(self) -> list[str]:
        return [name.replace("_", " ") for name in self.categories]

    @property
    def by_days(self) -> bool:
        """Whether the rule counts days, and not sessions."""
        return self.unit in ("days", "per cent of days")

    @property
    def is_share(self) -> bool:
        """Whether the threshold is a share of what was possible, and not a fixed number."""
        return self.unit in ("per cent", "per cent of days")

    @property
    def _fraction(self) -> tuple[int, int, bool]:
        """Numerator and denominator of the threshold, and whether it has to be exceeded."""
        strict = self.at_least is None
        threshold = Fraction(self.more_than if strict else self.at_least)  # type: ignore[arg-type]
        if self.is_share:
            threshold /= 100
        return threshold.numerator, threshold.denominator, strict

    def counts(self, sessions: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether each student is in the rule's denominator, by their possible sessions."""
        enough: npt.NDArray[np.bool_] = np.asarray(sessions, dtype=np.int64) >= max(self.minimum_sessions, 1)
        return enough

    def most(self, possible: npt.ArrayLike) -> Whole:
        """The most that each student can miss without reaching the threshold.

        Here and below, ``absent`` and ``possible`` are sessions, or days for a rule by days, and :func:`counts` is left
        to the caller.
        """
        of = np.asarray(possible, dtype=np.int64)
        top, bottom, strict = self._fraction
        limit = top * of if self.is_share else np.full_like(of, top)
        most: Whole = limit // bottom if strict else -(-limit // bottom) - 1
        return most

    def met(self, absent: npt.ArrayLike, possible: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether each student reaches the threshold; nobody does without anything possible."""
        missed, of = np.asarray(absent, dtype=np.int64), np.asarray(possible, dtype=np.int64)
        reached: npt.NDArray[np.bool_] = (of > 0) & (missed > self.most(of))
        return reached

    def until(self, absent: npt.ArrayLike, possible: npt.ArrayLike) -> Whole:
        """How many more missed in a row bring each student to the threshold; -1 where no number does."""
        missed, of = np.asarray(absent, dtype=np.int64), np.asarray(possible, dtype=np.int64)
        top, bottom, strict = self._fraction
        first = np.where(of > 0, 0, 1)
        if not self.is_share:
            fixed: Whole = np.maximum(self.most(of) + 1 - missed, first)
            return fixed
        if top == bottom:  # who attended once never misses all
            return np.where(missed < of, -1, first)
        # (missed + k) / (of + k) reaches top / bottom when k (bottom - top) reaches top of - bottom missed.
        short = top * of - bottom * missed
        further = short // (bottom - top) + 1 if strict else -(-short // (bottom - top))
        more: Whole = np.maximum(further, first)
        return more

    def to_recover(self, absent: npt.ArrayLike, possible: npt.ArrayLike) -> Whole:
        """How many attended in a row bring each student below the threshold again; 0 if below, -1 if no number does."""
        missed, of = np.asarray(absent, dtype=np.int64), np.asarray(possible, dtype=np.int64)
        top, bottom, strict = self._fraction
        never = not self.is_share or top == 0
        # missed is below top / bottom of (of + k) when top k exceeds bottom missed - top of.
        over, step = bottom * missed - top * of, max(top, 1)
        back = np.full_like(over, -1) if never else -(-over // step) if strict else over // step + 1
        attended: Whole = np.where(self.met(missed, of), back, 0)
        return attended


def counted_categories(given: str | Iterable[str], caller: str) -> tuple[str, ...]:
    """Return the categories to count as absence; raise unless they are categories of possible sessions."""
    names = (given,) if isinstance(given, str) else tuple(given)
    if not names or (unknown := [name for name in names if name not in POSSIBLE]):
        raise BadArgumentError(
            f"{caller}: {unknown[0] if names else 'no category'} cannot be counted. Categories of possible sessions "
            f"are {', '.join(POSSIBLE)}."
        )
    return names


def amount_column(rule: AbsenceRule) -> str | None:
    """The column of what a rule counts; None if that is ``absent_sessions``."""
    if rule.by_days:
        return f"{rule.name}_days"
    return None if set(rule.categories) == set(ABSENT) else f"{rule.name}_sessions"


def check_rules(rules: Iterable[AbsenceRule], caller: str) -> tuple[AbsenceRule, ...]:
    """Return the rules; raise if one is not a rule, or two have one name."""
    given = (rules,) if isinstance(rules, AbsenceRule) else tuple(rules)
    for rule in given:
        if not isinstance(rule, AbsenceRule):
            raise BadArgumentError(
                f"{caller}: rules takes hf.attendance.AbsenceRule, such as hf.attendance.PERSISTENT, and not {rule!r}."
            )
    names = [rule.name for rule in given]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise BadArgumentError(
            f"{caller}: two rules are called {repeated[0]}, and their columns would be too. Rename one: "
            "dataclasses.replace(rule, name=...)."
        )
    return given


PERSISTENT = AbsenceRule(
    "persistent", at_least=10, source="Department for Education, Pupil absence statistics: methodology, from 2015/16"
)
SEVERE = AbsenceRule(
    "severe", at_least=50, source="Department for Education, Pupil absence statistics: methodology, from 2020/21"
)
_WALES = "Welsh Government, Attendance of pupils in maintained schools, from September 2023"
_ABU_DHABI = "Abu Dhabi Department of Education and Knowledge, 2025/26, as reported by the press"
RULES: Mapping[str, AbsenceRule] = MappingProxyType(
    {
        "england_persistent": PERSISTENT,
        "england_severe": SEVERE,
        "wales_before_2023": AbsenceRule(
            "persistent", at_least=20, source="Welsh Government, SB 18/2017, until October 2023"
        ),
        # The text of 2023 does not say whether exactly 10 per cent counts; the yearly releases say "more than".
        "wales": AbsenceRule(
            "persistent",
            more_than=10,
            source="Welsh Government, Persistent absenteeism in secondary schools, yearly, from October 2023",
        ),
        "wales_primary_in_year": AbsenceRule(
            "persistent", at_least=38, unit="sessions", source=f"{_WALES}: primary, against the whole year"
        ),
        "wales_secondary_in_year": AbsenceRule(
            "persistent", at_least=30, unit="sessions", source=f"{_WALES}: secondary, against the whole year"
        ),
        "scotland": AbsenceRule(
            "persistent", at_least=10, source="Scottish Government, attendance statistics, 2023/24 and 2024/25"
        ),
        "northern_ireland_referral": AbsenceRule(
            "referral", more_than=15, source="Education Authority, referral to Education Welfare, attendance below 85 %"
        ),
        "ireland": AbsenceRule(
            "reported",
            at_least=20,
            unit="days",
            source="Education (Welfare) Act 2000, section 21(4), in aggregate in the school year",
        ),
        "us_chronic": AbsenceRule(
            "chronic",
            at_least=10,
            unit="per cent of days",
            source="US Department of Education, EDFacts, from 2018-19, in each school by itself",
        ),
        "australia": AbsenceRule(
            "below_level",
            more_than=10,
            source="ACARA, attendance level, Years 1 to 10, semester 1: the complement of 90 % and more",
        ),
        "abu_dhabi": AbsenceRule(
            "concern",
            more_than=5,
            unit="per cent of days",
            whole_days=True,
            source=f"{_ABU_DHABI}: grades 1 to 12",
        ),
        "abu_dhabi_kindergarten": AbsenceRule(
            "concern",
            more_than=10,
            unit="per cent of days",
            whole_days=True,
            source=f"{_ABU_DHABI}: kindergarten",
        ),
    }
)
"""Published rules by place. What a rule is for, such as an age, is said in its ``source``."""
