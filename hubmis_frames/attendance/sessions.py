"""Which day and session a record is of, by the school's clock, and which of several records of one session counts."""

import numpy as np
import pandas as pd

from ..analysis.calendar import SESSIONS
from ..analysis.columns import as_times, local_dates, once_each
from ..errors import BadArgumentError
from .checks import category_numbers, is_repeated

_FEW, _SOME = 2, 3
_SHARE_OF_LESSONS = 10
"""One session in so many has marks at several times: then these are marks of lessons."""
_HALVES = {"am": "am", "a": "am", "morning": "am", "pm": "pm", "p": "pm", "afternoon": "pm"}


def dates_and_sessions(frame: pd.DataFrame, fields: dict[str, str], timezone: str) -> tuple[pd.Series, pd.Series]:
    """The school's date and the session of each record."""
    date = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]")
    if "date" in fields:
        date = local_dates(frame[fields["date"]], timezone, f"marks: {fields['date']}")
    session = pd.Series(pd.NA, index=frame.index, dtype="str")
    if "session" in fields:
        texts = frame[fields["session"]].astype("str")
        session = once_each(texts, lambda each: each.str.strip().str.lower().map(_HALVES).astype("str"))
        if (strange := texts[session.isna() & texts.notna()]).size:
            raise BadArgumentError(
                f"marks: the column {fields['session']} holds {', '.join(map(repr, strange.unique()[:5]))}, which is "
                "neither am nor pm. Marks of lessons are not sessions: keep those of the two registers a day."
            )
    if "instant" in fields and (date.isna().any() or session.isna().any()):
        # The school's clock decides: in summer an early mark is the evening before in UTC.
        instants = as_times(frame[fields["instant"]], f"marks: {fields['instant']}")
        if isinstance(instants.dtype, pd.DatetimeTZDtype):
            instants = instants.dt.tz_convert(timezone).dt.tz_localize(None)
        date = date.fillna(instants.dt.normalize().astype("datetime64[us]"))
        halves = pd.Series(np.where(instants.dt.hour < 12, *SESSIONS), index=frame.index, dtype="str")
        session = session.fillna(halves.where(instants.notna()))
    return date, session


def own_zone(records: pd.DataFrame, fields: dict[str, str]) -> str | None:
    """The time zone that the instants have by themselves, if it is not UTC."""
    for field in ("instant", "date"):
        if field in fields and isinstance(dtype := records[fields[field]].dtype, pd.DatetimeTZDtype):
            name = str(dtype.tz)
            return None if name == "UTC" else name
    return None


def refuse_lessons(canonical: pd.DataFrame, records: pd.DataFrame, fields: dict[str, str], caller: str) -> None:
    """Raise if students have marks at several times of a session: then the marks are of lessons.

    A second time in one session may be a correction. Where the session is given and not told by the time, it takes a
    third.
    """
    if "instant" not in fields or canonical.empty:
        return
    instants = as_times(records[fields["instant"]], f"marks: {fields['instant']}")
    times = canonical[["student_id", "date", "session"]].assign(instant=instants).dropna().drop_duplicates()
    of_session = times.groupby(["student_id", "date", "session"])["instant"].size()
    several = int((of_session >= (_SOME if "session" in fields else _FEW)).sum())
    if several and several * _SHARE_OF_LESSONS >= len(of_session):
        raise BadArgumentError(
            f"{caller}: in {several} of {len(of_session)} half-days a student has marks at several times, so these are "
            "marks of lessons and not of sessions, and sessions cannot be made of them. Keep the marks of the two "
            'registers a day. If there is a column that says which these are, name it: columns={"session": "..."}.'
        )


def drop_duplicates(marks: pd.DataFrame, updated: pd.Series | None) -> tuple[pd.DataFrame, int]:
    """One mark for each student, date and session, and how many others there were.

    ``updated`` is when each record was changed. Its rows are those of ``marks``, and others.
    """
    keys = ["student_id", "date", "session"]
    repeated = is_repeated(marks, keys, keep=False)
    if not repeated.any():
        return marks, 0
    age = np.zeros(len(marks), dtype=np.int64)
    if updated is not None:
        times = as_times(updated.loc[marks.index[repeated]], f"marks: {updated.name}")
        # The latest first, and the unknown last.
        age[repeated] = -times.rank(method="dense").fillna(0).to_numpy(dtype=np.int64)
    order = np.lexsort((category_numbers(marks, "marks"), age))
    further = marks.iloc[order].duplicated(keys).to_numpy()
    keep = np.ones(len(marks), dtype=bool)
    keep[order[further]] = False
    return marks[keep], int(further.sum())
