"""Absences in rolling windows of school weeks."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..analysis.calendar import Calendar, Day, check_calendar
from ..analysis.columns import DAY, as_day
from ..analysis.realms import person_columns
from ..errors import BadArgumentError
from .canonical import newest_register
from .checks import check_marks, warn_out_of_range
from .rules import counted_categories


def repeated_absence(
    marks: pd.DataFrame,
    calendar: Calendar,
    *,
    at_least: int = 10,
    weeks: int = 10,
    until: Day | None = None,
    categories: Sequence[str] = ("unauthorised_absence",),
) -> pd.DataFrame:
    """One row per student with many absences in a rolling window of school weeks, first those who have them now.

    Parameters
    ----------
    marks
        Canonical marks. Give those of earlier academic years too: a window goes on over holidays and from one year to
        the next.
    calendar
        The school's days, of all these years. A school week is a week with at least one open day. Marks on days when
        the school is shut are not counted.
    at_least
        The fewest sessions worth listing. Fewer than the school's limit lists those who are near to it.
    weeks
        How many school weeks a window has.
    until
        The last day to count, and the last of the current window; the :func:`newest_register` if not given.
    categories
        The categories that count.

    Returns
    -------
    DataFrame
        ``realm`` if the marks have it, ``student_id``, ``most_sessions`` (in any one window), ``window_start`` and
        ``window_end`` (first and last day of the first window with so many), ``first_date`` and ``last_date`` (of the
        sessions in it), ``current_sessions`` (in the window that ends with the week of ``until``) and ``current``
        (``at_least`` of them are in it).

    Raises
    ------
    BadArgumentError
        ``at_least`` or ``weeks`` is not a whole number of at least 1, a category is no possible session, or the frame
        holds several schools.

    Warns
    -----
    HubmisWarning
        Marks lie outside the calendar, or a session of a student has several rows.

    Notes
    -----
    Ten sessions of unauthorised absence (``G``, ``N``, ``O``, ``U`` in any mix, not in a row) within ten school weeks
    is England's threshold for considering a penalty notice from 19 August 2024, for pupils of compulsory school age. It
    may span terms and school years. Source: Department for Education, *Working together to improve school attendance*,
    as quoted by local authorities. Independent schools issue no notices.
    """
    check_marks(marks, "repeated_absence", duplicates=True)
    check_calendar(calendar, "repeated_absence")
    for name, number in (("at_least", at_least), ("weeks", weeks)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise BadArgumentError(f"repeated_absence: {name} is a whole number, 1 or more, and not {number!r}.")
    kinds = counted_categories(categories, "repeated_absence")
    person = person_columns(marks)
    last = newest_register(marks) if until is None else as_day(until, "repeated_absence: until")
    warn_out_of_range(marks[marks["date"] <= last], calendar, "repeated_absence")
    days = calendar.days[calendar.days["is_open"] & (calendar.days.index <= last)]
    starts = pd.DatetimeIndex(days["week"].drop_duplicates())
    week = starts.get_indexer(pd.DatetimeIndex(days["week"]))

    place = days.index.get_indexer(pd.DatetimeIndex(marks["date"]))
    counts = (place >= 0) & marks["category"].isin(kinds).to_numpy()
    rows, place = marks.loc[counts, [*person, "date"]], place[counts]
    student, _ = pd.factorize(rows["student_id"])
    people = rows[person].drop_duplicates("student_id", ignore_index=True)
    of_week = np.zeros((len(people), len(starts) + 1), dtype=np.int64)
    np.add.at(of_week, (student, week[place] + 1), 1)
    # The sum of each window is the sum up to its last week less the sum up to the week before its first.
    total = of_week.cumsum(axis=1)
    before = np.maximum(np.arange(1, len(starts) + 1) - weeks, 0)
    windows = total[:, 1:] - total[:, before]
    best = windows.argmax(axis=1) if len(starts) else np.zeros(len(people), dtype=np.int64)
    first = before[best] if len(starts) else best
    inside = (week[place] >= first[student]) & (week[place] <= best[student])
    dates = rows["date"][inside].groupby(student[inside]).agg(["min", "max"]).reindex(range(len(people)))

    frame = people
    frame["most_sessions"] = windows.max(axis=1, initial=0)
    frame["window_start"] = starts[first] if len(starts) else pd.NaT
    frame["window_end"] = starts[best] + 6 * DAY if len(starts) else pd.NaT
    frame["first_date"], frame["last_date"] = dates["min"], dates["max"]
    frame["current_sessions"] = windows[:, -1] if len(starts) else 0
    frame["current"] = frame["current_sessions"] >= at_least
    spans = ["window_start", "window_end", "first_date", "last_date"]
    frame = frame.astype(dict.fromkeys(spans, "datetime64[us]"))[frame["most_sessions"] >= at_least]
    order = ["current_sessions", "most_sessions", *person]
    return frame.sort_values(order, ascending=[False, False, *(True for _ in person)], ignore_index=True)
