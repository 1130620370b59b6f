"""A long history brought up to date by its last days: what to ask again, and how the answers go over what is there."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..frames import empty, joined, to_pandas
from ..operations.declaration import Endpoint
from .manifest import Entry

WINDOW = 21  # days for which a mark may still be corrected
_MARGIN = pd.Timedelta(days=1)  # whether a bound is inclusive, and in which time zone, the document does not say


class Keys(NamedTuple):
    """The columns that tell the rows of a history apart."""

    who: str
    day: str
    part: str


HISTORIES = {"student_attendance": Keys("student_id", "date", "attendance_session")}
"""Tables asked person by person that grow by the day, and change in their last days alone."""


class History:
    """What an earlier export holds of a table, and what new answers make of it.

    Parameters
    ----------
    file
        The table's Parquet file.
    keys
        Its columns.
    until
        The day up to which it was complete.
    window
        So many days before the last row of each person, corrections are looked for.
    """

    def __init__(self, file: Path, keys: Keys, until: date, window: int) -> None:
        self._file = file
        self._keys = keys
        days = _read(file, columns=[keys.who, keys.day]).to_pandas()
        self.usable = bool(days.notna().to_numpy().all())  # a row without a day could not be told from a new one
        last = days.groupby(keys.who)[keys.day].max()
        # Marks may lie in the future, where somebody is known to be away: they say nothing of today's.
        self._since = last.clip(upper=pd.Timestamp(until)) - pd.Timedelta(days=window)
        self.vanished: list[pa.Table] = []
        self.counts: Counter[str] = Counter()

    def ask_from(self, who: object) -> date | None:
        """The day from which to ask for somebody's rows; ``None`` for all, where none are here."""
        since = self._since.get(who)
        return None if since is None else (since - _MARGIN).date()

    def lay_over(self, people: Sequence[object], new: pa.Table) -> pa.Table:
        """The rows of some people: old ones up to the days that were asked again, and from then on the new ones."""
        who, day, _ = self._keys
        old = self._rows_of(people)
        since = self._since.reindex(list(people))
        first = new.select([who, day]).to_pandas().groupby(who)[day].min().reindex(since.index)
        ignored = first < since - _MARGIN
        self.counts["answers not limited to the days asked for"] += int(ignored.sum())
        since = since.mask(ignored)
        stay, come = ~self._reaches(old, since), self._reaches(new, since)
        self._compare(old.filter(~stay), new.filter(come))
        both = joined([old.filter(stay), new.filter(come)])
        place = since.index.get_indexer(both[who].to_pandas())
        return both.take(np.argsort(place, kind="stable"))

    def rest(self, asked: Sequence[object], failed: Sequence[object]) -> pa.Table:
        """The old rows of those whose requests failed; rows of people who are no longer asked for count as vanished."""
        gone = _read(self._file, filters=~self._is_of(asked))
        self.counts["of people no longer asked for"] += len(gone)
        self.vanished.append(gone)
        return self._rows_of(failed)

    def sentences(self) -> list[str]:
        """What became of the history, in numbers."""
        return [f"{count} {what}" for what, count in self.counts.items() if count]

    def _rows_of(self, people: Sequence[object]) -> pa.Table:
        return _read(self._file, filters=self._is_of(people))

    def _is_of(self, people: Sequence[object]) -> pc.Expression:
        type_ = pq.read_schema(self._file).field(self._keys.who).type
        return pc.field(self._keys.who).isin(pa.array(people, type_))

    def _reaches(self, table: pa.Table, since: pd.Series) -> npt.NDArray[np.bool_]:
        """Whether each row lies in the days that were asked again; all do where all was asked."""
        rows = table.select([self._keys.who, self._keys.day]).to_pandas()
        bound = since.reindex(rows[self._keys.who]).to_numpy()
        inside: npt.NDArray[np.bool_] = ~(rows[self._keys.day].to_numpy() < bound)
        return inside

    def _compare(self, before: pa.Table, after: pa.Table) -> None:
        keys = list(self._keys)
        same_type = [name for name in before.column_names if name in after.column_names]
        same_type = [name for name in same_type if before.schema.field(name).type == after.schema.field(name).type]
        old, new = to_pandas(before.select(same_type)), to_pandas(after.select(same_type))
        gone = ~_found(old, new, keys)
        self.vanished.append(before.filter(gone))
        self.counts["rows no longer sent"] += int(gone.sum())
        self.counts["rows changed"] += int((~gone & ~_found(old, new, same_type)).sum())
        self.counts["rows new"] += int((~_found(new, old, keys)).sum())


def open_history(
    endpoint: Endpoint, file: Path, shown: Sequence[str], earlier: Entry | None, window: int
) -> History | None:
    """Open what an earlier export holds of a table; ``None`` where only asking for all of it again is safe.

    ``shown`` are the declared columns that an export made as this one writes.
    """
    keys = HISTORIES[endpoint.table]
    if earlier is None or earlier.fetched_from is None or earlier.path != endpoint.path or not file.exists():
        return None
    declared = empty(endpoint)
    # Child tables are found by ids alone, which do not say on which days they lie.
    if not list(earlier.tables) == list(declared) == [endpoint.table]:
        return None
    there, known = set(pq.read_schema(file).names), {*declared[endpoint.table].column_names, *shown}
    if there & known != set(shown) or not {*keys} <= there:
        return None
    history = History(file, keys, datetime.fromisoformat(earlier.fetched_from).date(), window)
    return history if history.usable else None


def vanished_rows(history: History, file: Path) -> pa.Table | None:
    """All rows that were in the table once and are no longer sent, those noticed now with the instant; or none."""
    found = [table for table in history.vanished if len(table)]
    if not found:
        return None
    rows = joined(found)
    rows = rows.append_column(
        "noticed_at", pa.repeat(pa.scalar(datetime.now(UTC), pa.timestamp("us", "UTC")), len(rows))
    )
    return joined([_read(file), rows]) if file.exists() else rows


def _read(file: Path, **choice: object) -> pa.Table:
    return pq.read_table(file, partitioning=None, **choice).replace_schema_metadata(None)


def _found(rows: pd.DataFrame, among: pd.DataFrame, columns: list[str]) -> npt.NDArray[np.bool_]:
    """Whether each row stands, by some columns, among others; two missing values are the same."""
    marked = rows[columns].merge(among[columns].drop_duplicates(), how="left", on=columns, indicator=True)
    found: npt.NDArray[np.bool_] = marked["_merge"].eq("both").to_numpy()
    return found
