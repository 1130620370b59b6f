"""Brings a long history up to date by its last days: what to request again, and how new rows replace old ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..frames import alike, empty, joined, to_pandas
from ..operations.declaration import Endpoint
from ..operations.further import PAST_MARKS
from .folder import read_file
from .manifest import Entry
from .write import is_sound

WINDOW = 21  # days for which a mark may still be corrected
_MARGIN = pd.Timedelta(days=1)  # the document does not say if a bound is inclusive, nor in which time zone
NOTICED_AT = "noticed_at"


class Keys(NamedTuple):
    """The columns that tell the rows of a history apart."""

    person: str
    day: str
    part: str


_MARKS = Keys("student_id", "date", "attendance_session")
HISTORIES = {"student_attendance": _MARKS, PAST_MARKS: _MARKS}
"""Tables that are requested person by person, grow every day, and change only in their last days."""


class History:
    """The rows of a table in an earlier export, and how new rows are merged into them.

    Parameters
    ----------
    file
        The table's Parquet file.
    keys
        Its columns.
    until
        The day up to which it was complete.
    window
        How many days before the last row of each person to look for corrections.
    """

    def __init__(self, file: Path, keys: Keys, until: date, window: int) -> None:
        self._file = file
        self._keys = keys
        days = _read(file, columns=[keys.person, keys.day]).to_pandas()
        self.usable = bool(days.notna().to_numpy().all())  # a row without a day could not be told from a new one
        last = days.groupby(keys.person)[keys.day].max()
        # Marks may lie in the future, if an absence is known beforehand: they say nothing of today's.
        self._since = last.clip(upper=pd.Timestamp(until)) - pd.Timedelta(days=window)
        self.deleted: list[pa.Table] = []
        """Rows that the server no longer sends."""
        self.counts: Counter[str] = Counter()

    def ask_from(self, person: object) -> date | None:
        """The day from which to request a person's rows; ``None`` for all rows, if the earlier export has none."""
        since = self._since.get(person)
        return None if since is None else (since - _MARGIN).date()

    def merge_window(self, people: Sequence[object], new: pa.Table) -> pa.Table:
        """The rows of some people: old ones before the days that were requested again, and new ones from then on."""
        person, day, _ = self._keys
        old = self._rows_of(people)
        since = self._since.reindex(list(people))
        first = new.select([person, day]).to_pandas().groupby(person)[day].min().reindex(since.index)
        ignored = first < since - _MARGIN
        self.counts["responses not limited to the days asked for"] += int(ignored.sum())
        since = since.mask(ignored)
        in_window, new_in_window = self._in_window(old, since), self._in_window(new, since)
        self._compare(old.filter(in_window), new.filter(new_in_window))
        merged = joined([old.filter(~in_window), new.filter(new_in_window)])
        place = since.index.get_indexer(merged[person].to_pandas())
        return merged.take(np.argsort(place, kind="stable"))

    def remaining_rows(self, asked: Sequence[object], failed: Sequence[object]) -> pa.Table:
        """The old rows of people whose requests failed; those of people no longer asked for count as deleted."""
        gone = _read(self._file, filters=~self._is_of(asked))
        self.counts["of people no longer asked for"] += len(gone)
        self.deleted.append(gone)
        return self._rows_of(failed)

    def sentences(self) -> list[str]:
        """How the history changed, in numbers."""
        return [f"{count} {change}" for change, count in self.counts.items() if count]

    def _rows_of(self, people: Sequence[object]) -> pa.Table:
        return _read(self._file, filters=self._is_of(people))

    def _is_of(self, people: Sequence[object]) -> pc.Expression:
        type_ = pq.read_schema(self._file).field(self._keys.person).type
        return pc.field(self._keys.person).isin(pa.array(people, type_))

    def _in_window(self, table: pa.Table, since: pd.Series) -> npt.NDArray[np.bool_]:
        """Whether each row is in the days that were requested again; true for all rows if everything was requested."""
        rows = table.select([self._keys.person, self._keys.day]).to_pandas()
        bound = since.reindex(rows[self._keys.person]).to_numpy()
        inside: npt.NDArray[np.bool_] = ~(rows[self._keys.day].to_numpy() < bound)
        return inside

    def _compare(self, before: pa.Table, after: pa.Table) -> None:
        keys = list(self._keys)
        common, old, new = _comparable(before, after)
        gone = ~_is_among(old, new, keys)
        self.deleted.append(before.filter(gone))
        self.counts["rows no longer sent"] += int(gone.sum())
        self.counts["rows changed"] += int((~gone & ~_is_among(old, new, common)).sum())
        self.counts["rows new"] += int((~_is_among(new, old, keys)).sum())


def open_history(
    endpoint: Endpoint, file: Path, written: pa.Schema, people: Iterable[object], earlier: Entry | None, window: int
) -> History | None:
    """Open the rows of a table in an earlier export; ``None`` if all of it has to be requested again to be safe.

    ``written`` are the declared columns that an export with the same options writes, and ``people`` the ids that it
    asks for, as it writes them.
    """
    keys = HISTORIES[endpoint.table]
    if earlier is None or earlier.fetched_from is None or earlier.path != endpoint.path or not file.exists():
        return None
    if not is_sound(file):
        return None
    declared = empty(endpoint)
    # Child rows have only ids, which do not show their day.
    if not list(earlier.tables) == list(declared) == [endpoint.table]:
        return None
    schema = pq.read_schema(file)
    columns, known = set(schema.names), {*declared[endpoint.table].column_names, *written.names}
    if columns & known != set(written.names) or not {*keys} <= columns:
        return None
    text_ids = any(isinstance(person, str) for person in people)
    if text_ids == pa.types.is_integer(schema.field(keys.person).type):
        return None
    before, now = (of.field(keys.day).type for of in (schema, written))
    if (pa.types.is_temporal(before), getattr(before, "tz", "")) != (pa.types.is_temporal(now), getattr(now, "tz", "")):
        return None
    try:
        history = History(file, keys, datetime.fromisoformat(earlier.fetched_from).date(), window)
    except (pa.ArrowException, TypeError, ValueError):  # its columns have other types, perhaps from another program
        return None
    return history if history.usable else None


def deleted_rows(history: History, file: Path) -> pa.Table | None:
    """All rows that were in the table once and are no longer sent, new ones with the instant; ``None`` if none are new.

    A refresh that failed before the table was in place notices the same rows again, so repeated rows are left out.
    """
    found = joined(history.deleted)
    known = _read(file) if file.exists() and is_sound(file) else None
    if known is not None:
        common, rows, others = _comparable(found, known)
        found = found.filter(~_is_among(rows, others, common))
    if not len(found):
        return None
    now = pa.scalar(datetime.now(UTC), pa.timestamp("us", "UTC"))
    found = found.append_column(NOTICED_AT, pa.repeat(now, len(found)))
    return found if known is None else joined([known, found])


def _comparable(one: pa.Table, other: pa.Table) -> tuple[list[str], pd.DataFrame, pd.DataFrame]:
    """The columns that both tables have, and these of each, in the same types."""
    common = [name for name in one.column_names if name in set(other.column_names)]
    rows, others = alike([one.select(common), other.select(common)])
    return common, to_pandas(rows), to_pandas(others)


def _read(file: Path, **choice: object) -> pa.Table:
    table = read_file(file, lambda: pq.read_table(file, partitioning=None, **choice))
    return table.replace_schema_metadata(None)


def _is_among(rows: pd.DataFrame, others: pd.DataFrame, columns: list[str]) -> npt.NDArray[np.bool_]:
    """Whether each row is among other rows, compared by some columns; two missing values are equal."""
    marked = rows[columns].merge(others[columns].drop_duplicates(), how="left", on=columns, indicator=True)
    found: npt.NDArray[np.bool_] = marked["_merge"].eq("both").to_numpy()
    return found
