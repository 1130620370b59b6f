"""Hiding groups of few students, and further groups, so that no total gives them back. The one engine for it."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import BadArgumentError
from ..frames.partitions import refuse_dask

Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]

_PEOPLE = {
    "students", "students_concerned", "unlisted", "comparison_students", "with_active_plan", "with_events",
    "with_events_and_plan", "with_events_no_plan",
}  # fmt: skip
_PEOPLE_ENDS = ("_absentees", "_below_minimum")
_FIGURES = {
    "share", "change", "difference", "coverage", "events", "marks", "active_plans", "open_events", "shared_events",
    "events_per_100_students", "events_per_100_sessions",
}  # fmt: skip
_FIGURE_ENDS = ("_sessions", "_rate", "_low", "_high")
_PERIODS = {
    "week", "weekday", "month", "term", "half_term", "academic_year", "school_week", "session", "date", "previous_year",
}  # fmt: skip
_BAND = "absence_band"
_PERSISTENT, _SEVERE = 10, 50
_FEWEST_MOVED = 2
"""A count that can be greater by 1 and by 2 has three possible values."""
_LABELS = {"absence_from"}
"""Numbers that only say which row it is, and belong to a column that does so too."""


def suppress(
    frame: pd.DataFrame,
    *,
    below: int = 5,
    by: str | Sequence[str] | None = None,
    counts: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
) -> pd.DataFrame:
    """One row per row of the frame, with the figures of small groups hidden, and of groups that would give them back.

    A row with a count of 1 to ``below - 1`` students loses all its figures: a rate beside a hidden count gives it back.
    A reader is assumed to know the exact totals over each column of ``by`` and over several of them, as other tables
    show them. So further rows lose their figures too, until for each hidden count there is another table with the same
    totals in which it is greater by 1, by 2, and where possible so on by ``below`` (see Notes).

    Parameters
    ----------
    frame
        A result of ``hf.attendance``, ``hf.wellbeing`` or ``hf.joint``, or any table with one row per group.
    below
        The smallest number of students that is shown, except zero, which is always shown.
    by
        The columns that identify a row. If not given, they are the columns that hold no number, those of periods, and
        ids.
    counts
        Columns that count students, beside those with a name that this package uses (``students``,
        ``students_concerned``, ``persistent_absentees``, ...). A mapping also names the columns built on each. A column
        of numbers that is neither known nor named is refused.

    Returns
    -------
    DataFrame
        The frame with hidden values missing, and a column ``suppressed`` that is true for a row with hidden values. A
        hidden figure is neither zero nor unknown.

    Raises
    ------
    BadArgumentError
        A column is missing or not known, no column counts students, a count is not a whole number, two rows have the
        same ``by``, a row is one student (such a table can't be protected, only given pseudonyms), or there are few
        students in too many groups for any protection.

    Notes
    -----
    The hypercube method, as statistical offices use it (D. Repsilber, *Preservation of Confidentiality in Aggregated
    Data*, 1994), in a stricter form. A small group is the corner of a box, whose other corners are other groups. Moving
    students along the edges of the box changes no total. Every corner from which students are moved holds at least
    ``below``, or two if there is no such box. All corners are hidden. Totals that are small themselves, and so hidden
    in a table of their own, have a box among totals, and their rows have the same. Where there is no box, every row is
    hidden, or the table is refused if its totals could still give a small group back. Bands of absence have their box
    on their own side of 10 and of 50 per cent, and codes within their category, as summaries show these sums.

    What can't be protected. Two tables with the same groups on different days: a student who joined between them is the
    difference, so publish one. Two tables by groups that overlap and are no groups of this table, such as forms beside
    year groups: put both into ``by``. Two populations that differ by few students: their difference is those students.
    Several tables that count different things about the same students by one and by more groups, such as plans and
    events: each is protected, and together they can still leave a small count only two values.
    Hiding "1 to 4" is this project's choice, not a rule of the DfE.
    """
    refuse_dask(frame, "suppress")
    check_suppress_below(below)
    frame = frame.drop(columns="suppressed", errors="ignore")
    named = dict(counts) if isinstance(counts, Mapping) else dict.fromkeys(_as_list(counts), ())
    built_on = [column for figures in named.values() for column in _as_list(figures)]
    given = [] if by is None else _as_list(by)
    if missing := [name for name in [*given, *named, *built_on] if name not in frame]:
        raise BadArgumentError(f"suppress: there is no column {missing[0]}. Columns: {', '.join(map(str, frame))}.")
    people = [str(name) for name in frame if name not in given and (name in named or _counts_people(str(name)))]
    if not people:
        raise BadArgumentError("suppress: no column counts students. Name the one that does: counts=...")
    figures = [
        *people,
        *(str(n) for n in frame if n not in (*given, *people) and (n in built_on or _is_figure(str(n)))),
    ]
    rest = [str(name) for name in frame if name not in (*figures, *given) and name not in _LABELS]
    numeric = [n for n in rest if pd.api.types.is_numeric_dtype(frame[n]) and not pd.api.types.is_bool_dtype(frame[n])]
    unknown = [name for name in numeric if not (by is None and (name in _PERIODS or name.endswith("_id")))]
    if unknown:
        raise BadArgumentError(
            f"suppress: {unknown[0]} holds numbers and could give hidden ones back. If it identifies rows, name it in "
            f"by=; if it counts students, in counts=; if it is built on a count, counts={{'{people[0]}': "
            f"['{unknown[0]}']}}; else leave it out."
        )
    keys = rest if by is None else given
    if "student_id" in keys:
        raise BadArgumentError("suppress: a row is one student. Such a table can't be protected: give pseudonyms.")
    hidden = hidden_rows(frame, keys, people, below)
    result = frame.assign(
        **{name: frame[name].mask(hidden) for name in figures}, suppressed=pd.array(hidden, dtype="boolean")
    )
    result.attrs.pop("left_out", None)  # around_events keeps counts of students there, which may be small
    return result


def check_suppress_below(number: int | None) -> None:
    """Raise unless ``suppress_below`` is None or a number that hides something."""
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 2):
        raise BadArgumentError(f"suppress_below takes the smallest number that is shown, 2 or more, not {number!r}.")


def hidden_rows(frame: pd.DataFrame, by: Sequence[str], people: Sequence[str], below: int) -> Flags:
    """Whether each row is hidden: a count of people in it is small, or it would give such a one back."""
    # In one order whatever the call, so that tables with the same totals choose the same boxes.
    by = sorted(by)
    if (frame.duplicated(by) if by else pd.Series(len(frame) > 1)).any():
        raise BadArgumentError(
            f"suppress: several rows have the same {', '.join(by)}. Give all columns that identify a row as by."
        )
    if "comparison_students" in people:
        # Around events, rows share their students and weeks add up to periods: one row alone could be worked out.
        few = np.array([np.isin(_whole(frame[name], name), range(1, below)) for name in people])
        return np.full(len(frame), few.any())
    frame, by, parts = _parts_with_known_sums(frame, by, people, below)
    hidden = _hidden_rows(frame, by, people, below)
    for rows in parts:
        hidden[rows] |= _hidden_rows(frame[rows], by, people, below)
    return hidden


def _parts_with_known_sums(
    frame: pd.DataFrame, by: Sequence[str], people: Sequence[str], below: int
) -> tuple[pd.DataFrame, Sequence[str], list[Flags]]:
    """The table, the columns that identify its rows, and parts of it whose sums other tables show.

    A small group needs a partner in its own part. Summaries show the sessions of each category of codes, and the
    students who are absent from a tenth and from a half.
    """
    if _BAND in by:
        return frame, by, list(_sides_of_bands(frame, people, below))
    if {"code", "category"} <= set(by):
        category = frame["category"].astype("str")
        # The category divides the codes, and is no second dimension of the table.
        frame = frame.assign(code=frame["code"].astype("str").fillna("") + " " + category)
        by = [name for name in by if name != "category"]
        return frame, by, [category.eq(name).to_numpy(dtype=bool) for name in category.unique()]
    return frame, by, []


def _sides_of_bands(frame: pd.DataFrame, people: Sequence[str], below: int) -> Iterator[Flags]:
    """The rows of bands whose sum other tables show: below a tenth, from there, and from there below a half."""
    start = pd.to_numeric(frame[_BAND].astype("str").str.extract(r"^(\d+)", expand=False)).to_numpy(dtype=np.float64)
    severe = start >= _SEVERE
    yield start < _PERSISTENT
    yield (start >= _PERSISTENT) & ~severe
    if any(np.isin(_whole(frame.loc[severe, name], name), range(1, below)).any() for name in people):
        yield start >= _PERSISTENT


def _hidden_rows(frame: pd.DataFrame, by: Sequence[str], people: Sequence[str], below: int) -> Flags:
    """Whether each row is hidden, where the totals over all rows are shown."""
    codes = _codes(frame, by)
    hidden = np.zeros(len(frame), dtype=bool)
    for name in people:
        values = _whole(frame[name], name)
        settled, cells = np.zeros(len(frame), dtype=bool), codes
        again = [place for place, column in enumerate(by) if name == "students" and _repeats(frame, by, column)]
        if again:
            # The same students stand in each of these rows: a group is hidden in all of them or in none.
            own = np.delete(codes, again, axis=1)
            groups, number = np.unique(own, axis=0, return_inverse=True)
            most = np.zeros(len(groups), dtype=np.int64)
            np.maximum.at(most, number.ravel(), values)
            small = (most > 0) & (most < below)
            hidden |= _hidden(groups, most, below, np.zeros(len(groups), dtype=bool))[number.ravel()]
            settled = small[number.ravel()]
            # Sessions add up over the periods, and so over each row of them; the students do not.
            period = np.unique(codes[:, again], axis=0, return_inverse=True)[1].ravel()
            cells = np.column_stack([own, period])
        hidden |= _hidden(cells, values, below, settled)
    return hidden


class _Box(NamedTuple):
    """Cells between which people can be moved without a change of any total; the first is the small one."""

    corners: Whole
    """The codes of each cell."""
    gives: Flags
    """Whether people are moved out of the cell, rather than into it."""


class _Table:
    """The counts of a table: of all columns, or of some with the sums over the others."""

    def __init__(self, codes: Whole, values: Whole) -> None:
        self.codes, number = np.unique(codes, axis=0, return_inverse=True)
        self.values = np.zeros(len(self.codes), dtype=np.int64)
        np.add.at(self.values, number.ravel(), values)
        self._row = {tuple(code): row for row, code in enumerate(self.codes.tolist())}

    def rows(self, corners: Whole) -> Whole:
        """The row of each cell; -1 where the table has none, and so nothing to hide."""
        flat = corners.reshape(-1, corners.shape[-1]).tolist()
        return np.array([self._row.get(tuple(code), -1) for code in flat], dtype=np.int64).reshape(corners.shape[:-1])

    def cheapest(self, corners: Whole, gives: Flags, below: int) -> int | None:
        """Of several boxes, the one that hides the fewest of those that can move ``below`` people, or else two."""
        rows = self.rows(corners)
        held = np.where(rows >= 0, self.values[rows], 0)
        for moved in (below, _FEWEST_MOVED):
            usable = (rows >= 0).all(axis=1) & ((held >= moved) | ~gives).all(axis=1)
            if usable.any():
                return int(np.argmin(np.where(usable, held.sum(axis=1), np.iinfo(np.int64).max)))
        return None

    def box(self, cell: Whole, below: int) -> _Box | None:
        """The cheapest box around a cell."""
        other = self.codes[(self.codes != cell).all(axis=1)]
        if not len(other):
            return None
        take = np.array(list(itertools.product([False, True], repeat=len(cell))), dtype=bool)
        corners = np.where(take[None], other[:, None, :], cell[None, None, :])
        gives = take.sum(axis=1) % 2 == 1
        best = self.cheapest(corners, gives, below)
        return None if best is None else _Box(corners[best], gives)


def _hidden(codes: Whole, values: Whole, below: int, settled: Flags) -> Flags:
    """Which cells of a table are hidden for one count; those ``settled`` are protected by other means."""
    small = (values > 0) & (values < below)
    active = small & ~settled
    # Where the whole is small, it is hidden in a table of its own, and no total is known.
    if not active.any() or values.sum() < below:
        return small
    codes = codes[:, _dimensions(codes)]
    wide = codes.shape[1]
    table = _Table(codes, values)
    hidden = np.zeros(len(table.codes), dtype=bool)
    boxes: list[tuple[tuple[int, ...], _Box]] = []
    for columns in _subsets(wide):
        part = table if len(columns) == wide else _Table(codes[:, columns], values)
        few = (part.values > 0) & (part.values < below)
        wanted = np.zeros(len(part.codes), dtype=bool)
        wanted[part.rows(codes[active][:, columns])] = True
        for cell in part.codes[few & wanted]:
            # A cell below small totals takes the boxes of all of them: moving people within the total would not do.
            found = [_extend(part, columns, cell, *box, below) for box in boxes if _covers(columns, cell, *box)]
            found = found or [part.box(cell, below)]
            for box in found:
                if box is None:
                    return _nothing_shown(table)
                boxes.append((columns, box))
                if part is table:
                    hidden[table.rows(box.corners)] = True
    return hidden[table.rows(codes)] | small


def _nothing_shown(table: _Table) -> Flags:
    """All rows hidden, where that protects them: in a table whose rows do not say which groups are empty."""
    sizes = [len(np.unique(column)) for column in table.codes.T]
    if len(sizes) > 2 or len(table.codes) < np.prod(sizes, dtype=np.int64):
        raise BadArgumentError(
            "These groups can't be protected: there are few students in too many of them, so that the totals of other "
            "tables could give them back. Group by fewer columns, or put small groups together."
        )
    return np.ones(len(table.codes), dtype=bool)


def _dimensions(codes: Whole) -> list[int]:
    """The columns that divide the table: not those with one value, nor the second of two that say the same."""
    kept: list[int] = []
    for column in range(codes.shape[1]):
        size = len(np.unique(codes[:, column]))
        pairs = [len(np.unique(codes[:, [other, column]], axis=0)) for other in kept]
        same = [pair == size == len(np.unique(codes[:, other])) for pair, other in zip(pairs, kept, strict=True)]
        if size > 1 and not any(same):
            kept.append(column)
    return kept


def _subsets(wide: int) -> Iterator[tuple[int, ...]]:
    """The columns of each table of totals, and of the table itself, the coarsest first."""
    for size in range(1, wide + 1):
        yield from itertools.combinations(range(wide), size)


def _covers(columns: tuple[int, ...], cell: Whole, coarser: tuple[int, ...], box: _Box) -> bool:
    """Whether a cell belongs to the small total of a box."""
    return set(coarser) < set(columns) and bool((box.corners[0] == cell[[columns.index(n) for n in coarser]]).all())


def _extend(
    part: _Table, columns: tuple[int, ...], cell: Whole, coarser: tuple[int, ...], box: _Box, below: int
) -> _Box | None:
    """The box of a small total, continued at a cell that belongs to it."""
    corners = np.tile(cell, (len(box.corners), 1))
    corners[:, [columns.index(column) for column in coarser]] = box.corners
    return None if part.cheapest(corners[None], box.gives, below) is None else _Box(corners, box.gives)


def _codes(frame: pd.DataFrame, by: Sequence[str]) -> Whole:
    """The values of each column of ``by`` as numbers, in an order that does not depend on the rows."""
    columns = [pd.factorize(frame[name].astype("str"), sort=True, use_na_sentinel=False)[0] for name in by]
    result: Whole = np.zeros((len(frame), len(by)), dtype=np.int64)
    for place, column in enumerate(columns):
        result[:, place] = column
    return result


def _repeats(frame: pd.DataFrame, by: Sequence[str], column: str) -> bool:
    """Whether the students of a group are the same for each value of a column, rather than divided by it."""
    if column in _PERIODS:
        return True
    if "events" not in frame:
        return False
    others = [name for name in by if name != column]
    groups = frame.groupby(others, dropna=False, observed=True)["students"] if others else None
    different = groups.nunique(dropna=False) if groups is not None else pd.Series(frame["students"].nunique())
    return bool((different <= 1).all())


def _whole(counts: pd.Series, name: str) -> Whole:
    """Counts as whole numbers; a missing one is none."""
    values = pd.to_numeric(counts).astype("Float64")
    if ((values % 1 != 0) | (values < 0)).fillna(False).any():
        raise BadArgumentError(f"suppress: {name} holds a value that is not a count (a whole number from 0 up).")
    return np.asarray(values.fillna(0), dtype=np.int64)


def _counts_people(name: str) -> bool:
    """Whether a column of this name counts students."""
    return name in _PEOPLE or name.endswith(_PEOPLE_ENDS)


def _is_figure(name: str) -> bool:
    """Whether a column of this name is built on the students of its row."""
    return name in _FIGURES or name.endswith(_FIGURE_ENDS)


def _as_list(columns: str | Sequence[str] | None) -> list[str]:
    """Return one name or several as a list; a text is one name."""
    return [] if columns is None else [columns] if isinstance(columns, str) else list(columns)
