"""Wellbeing events by how much students are absent."""

import numpy as np
import pandas as pd

from ..analysis.groups import hide_small_groups
from ..analysis.realms import STUDENTS
from ..analysis.statistics import Numbers, check_confidence, half_width
from ..attendance.summary import BANDS
from ..wellbeing.selection import EVENT
from .students import per_student

_LAST_BAND = len(BANDS) - 1
_COUNTS = ["students", "students_concerned", "possible_sessions", "events"]
_RATE = "events_per_100_students"


def events_by_absence_band(
    marks: pd.DataFrame,
    events: pd.DataFrame,
    *,
    students: pd.DataFrame | None = None,
    kind: str | None = EVENT,
    confidence: float | None = 0.95,
    suppress_below: int | None = None,
) -> pd.DataFrame:
    """One row per band of absence, with how many events its students have.

    Parameters
    ----------
    marks, events, students, kind
        As for :func:`per_student`. Leave out events about attendance (a category) if you ask about other events: those
        about attendance are recorded because of the absence.
    confidence
        The confidence of the interval; None gives no interval.
    suppress_below
        Hide bands with 1 to ``suppress_below - 1`` students or students concerned, and further bands as
        :func:`hubmis_frames.suppress` does. None hides nothing.

    Returns
    -------
    DataFrame
        One row per band of five percentage points of absence, all eleven, and a last row without a band for students
        without a possible session: ``absence_band``, ``absence_from`` (per cent), ``students``,
        ``students_concerned``, ``possible_sessions``, ``events``, ``events_per_100_students``, with ``confidence`` its
        interval over students ``events_per_100_students_low`` and ``events_per_100_students_high`` (Student's t), and
        ``suppressed``. The rate of a band without students is missing.

    Raises
    ------
    BadArgumentError
        A column is missing, or a category of marks is unknown.

    Notes
    -----
    Bands as in the DfE's "Pupil absence in schools in England", from 0 to under 5 per cent up to 50 and over, compared
    in whole numbers. Students who were at the school for part of the time had less time for events;
    ``possible_sessions`` shows by how much. Events are unevenly spread over students, so in a band of ten students a
    95 % interval contains the true value about 90 % of the time.
    """
    if confidence is not None:
        check_confidence(confidence)
    counts = per_student(marks, events, students=students, kind=kind)
    possible = counts["possible_sessions"].where(counts["possible_sessions"] > 0)
    counts["band"] = (20 * counts["absent_sessions"] // possible).clip(upper=_LAST_BAND)
    counts["concerned"] = counts["events"].gt(0).astype("Int64")
    sums = counts.groupby("band", dropna=False).agg(
        students=(STUDENTS, "size"),
        students_concerned=("concerned", "sum"),
        possible_sessions=("possible_sessions", "sum"),
        events=("events", "sum"),
    )
    bands = pd.array([*range(_LAST_BAND + 1), pd.NA], dtype="Int64")
    frame = pd.DataFrame({"band": bands}).merge(sums.reset_index(), how="left", on="band")
    frame[_COUNTS] = frame[_COUNTS].astype("Int64").fillna(0)
    frame["absence_from"] = frame["band"] * 5
    frame["absence_band"] = pd.Series([*BANDS, None], dtype="str")
    mean = frame["events"].astype(float) / frame["students"].astype(float).where(frame["students"] > 0)
    frame[_RATE] = 100 * mean
    figures = [*_COUNTS, _RATE]
    if confidence is not None:
        events_of = dict(list(counts.groupby(counts["band"].fillna(-1))["events"]))
        half = [
            half_width(_influence(events_of[band]), len(events_of[band]), confidence) if band in events_of else np.nan
            for band in frame["band"].fillna(-1)
        ]
        # The number of events cannot be below zero.
        frame[f"{_RATE}_low"] = (100 * (mean - half)).clip(lower=0)
        frame[f"{_RATE}_high"] = 100 * (mean + half)
        figures += [f"{_RATE}_low", f"{_RATE}_high"]
    frame = frame[["absence_band", "absence_from", *figures]]
    return hide_small_groups(frame, ["absence_band"], ["students", "students_concerned"], figures, suppress_below)


def _influence(counts: pd.Series) -> Numbers:
    """Return what each student adds to the mean number of events."""
    values = counts.to_numpy(float)
    influence: Numbers = (values - values.mean()) / len(values)
    return influence
