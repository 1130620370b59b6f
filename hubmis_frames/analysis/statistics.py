"""Statistics of the analysis: Student's t, rank correlation, and intervals clustered by student.

Sessions of one student are alike. So a sample is one of students and not of sessions, and every interval here counts
students.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import BadArgumentError

Numbers = npt.NDArray[np.float64]


class Correlation(NamedTuple):
    """A rank correlation."""

    n: int
    value: float
    low: float
    high: float


def check_confidence(confidence: float) -> float:
    """A share between a half and one, such as 0.95."""
    if not 0.5 <= confidence < 1:
        raise BadArgumentError(f"confidence takes a share such as 0.95, not {confidence!r}.")
    return confidence


def student_t(confidence: float, df: int) -> float:
    """How many standard errors an interval reaches to either side.

    From 200 degrees of freedom the expansion about the normal quantile (Abramowitz and Stegun, Handbook of
    Mathematical Functions, 26.7.5), which is then right to eight digits; below, the closed form of Student's
    distribution for whole degrees of freedom (26.7.3 and 26.7.4), inverted by bisection. Missing without a degree of
    freedom.
    """
    if df < 1:
        return math.nan
    if df >= 200:
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        terms = (
            (z**3 + z) / 4,
            (5 * z**5 + 16 * z**3 + 3 * z) / 96,
            (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
            (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
        )
        return z + sum((term / df**power for power, term in enumerate(terms, 1)), start=0.0)
    low, high = 0.0, 1.0
    while _within(high, df) < confidence:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, df) < confidence else (low, middle)
    return (low + high) / 2


def _within(t: float, df: int) -> float:
    """The chance that a t of so many degrees of freedom lies between ``-t`` and ``t``."""
    angle = math.atan(t / math.sqrt(df))
    term = math.cos(angle) if df % 2 else 1.0
    total = 0.0 if df == 1 else term
    for k in range(3 if df % 2 else 2, df - 1, 2):
        term *= (k - 1) / k * math.cos(angle) ** 2
        total += term
    if df % 2:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total


def ranks(values: Numbers) -> Numbers:
    """Ranks from 1; equal values share the mean of the ranks they cover."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    shared: Numbers = (last - (count - 1) / 2)[place]
    return shared


def spearman(x: Numbers, y: Numbers, confidence: float = 0.95) -> Correlation:
    """Spearman's rank correlation: Pearson's of the ranks, so that ties are handled.

    The interval is Fisher's z with the variance ``(1 + r² / 2) / (n - 3)`` of Bonett and Wright (2000), Sample size
    requirements for estimating Pearson, Kendall and Spearman correlations, Psychometrika 65, 23-28. It is missing below
    four pairs and for a perfect correlation, where the formula has no width to give; the correlation is missing where
    one of the two does not vary.
    """
    check_confidence(confidence)
    n = len(x)
    a, b = ranks(x) - (n + 1) / 2, ranks(y) - (n + 1) / 2
    scale = math.sqrt(float(a @ a) * float(b @ b))
    if scale == 0:
        return Correlation(n, math.nan, math.nan, math.nan)
    r = max(-1.0, min(1.0, float(a @ b) / scale))
    if n < 4 or abs(r) > 1 - 1e-12:
        return Correlation(n, r, math.nan, math.nan)
    half = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt((1 + r * r / 2) / (n - 3))
    return Correlation(n, r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half))


def half_width(influence: Numbers, clusters: int, confidence: float, degrees: int | None = None) -> float:
    """Half of an interval, from what each student adds to an estimate.

    ``influence`` is the linearised share of each student in the estimate (it sums to zero); the variance is the sum
    of its squares times ``clusters / (clusters - 1)``, as for a ratio estimated from clusters (Cochran, Sampling
    Techniques, 3rd edition, 1977, 3.12 and 6.3), with Student's t of ``degrees`` of freedom, ``clusters - 1`` unless
    given. Missing with fewer than two clusters, and where all are alike: ten students without an event do not show that
    there are none.
    """
    if clusters < 2 or not influence.any():
        return math.nan
    reach = student_t(confidence, clusters - 1 if degrees is None else degrees)
    return reach * math.sqrt(clusters / (clusters - 1) * float(influence @ influence))
