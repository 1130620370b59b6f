"""Hiding small counts, and as many further ones as needed, so that no total gives them back."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from ..frames.partitions import refuse_dask


def suppress(
    frame: pd.DataFrame,
    counts: str | Sequence[str] | Mapping[str, str | Sequence[str]],
    by: str | Sequence[str],
    *,
    below: int = 5,
) -> pd.DataFrame:
    """One row per row of the frame, with small counts hidden and every figure that is built on them.

    A count from 1 to ``below - 1`` is hidden. A reader is assumed to know the total over the values of each column of
    ``by``. A single hidden count in such a total could be worked out, and two small ones with a small sum almost so.
    Therefore further counts are hidden until the hidden part of each total leaves every hidden count at least ``below``
    possible values. Hiding "1 to 4" is this project's choice, not a rule of the DfE.

    Parameters
    ----------
    frame
        One row per combination of the columns ``by``.
    counts
        The column of counts, or several. As a mapping, each count with the columns built on it, such as rates, which
        are hidden with it.
    by
        The column that identifies a row, or several.
    below
        The smallest count that is shown, except zero, which is always shown.

    Returns
    -------
    DataFrame
        The frame with hidden values missing, and a column ``suppressed`` that is true for a row with a hidden value.

    Raises
    ------
    BadArgumentError
        A column is missing, a count is not a whole number, or two rows have the same ``by``.
    """
    refuse_dask(frame, "suppress")
    by = _as_list(by)
    with_figures = counts if isinstance(counts, Mapping) else dict.fromkeys(_as_list(counts), ())
    built_on = {name: _as_list(figures) for name, figures in with_figures.items()}
    needed = [*by, *built_on, *(figure for figures in built_on.values() for figure in figures)]
    if missing := [name for name in needed if name not in frame]:
        raise BadArgumentError(f"suppress: there is no column {missing[0]}. Columns: {', '.join(map(str, frame))}.")
    if frame.duplicated(by).any():
        raise BadArgumentError(
            f"suppress: several rows have the same {', '.join(by)}. Give all columns that identify a row as by."
        )
    result = frame.copy()
    any_hidden = np.zeros(len(frame), dtype=bool)
    totals = list(_totals(frame, by))
    for name, figures in built_on.items():
        values = pd.to_numeric(frame[name]).astype("Float64")
        if ((values % 1 != 0) | (values < 0)).fillna(False).any():
            raise BadArgumentError(f"suppress: {name} holds a value that is not a count (a whole number from 0 up).")
        hidden = _hidden(values.fillna(0).to_numpy(dtype=np.int64), totals, below)
        result[name] = values.astype("Int64").mask(hidden)
        for figure in figures:
            result[figure] = frame[figure].mask(hidden)
        any_hidden |= hidden
    return result.assign(suppressed=pd.array(any_hidden, dtype="boolean"))


def _as_list(columns: str | Sequence[str]) -> list[str]:
    """Return one name or several as a list; a text is one name."""
    return [columns] if isinstance(columns, str) else list(columns)


def _totals(frame: pd.DataFrame, by: Sequence[str]) -> Iterator[np.ndarray]:
    """Yield the row numbers that add up to each total a reader may know: over one column of ``by`` at a time."""
    for column in by:
        others = [name for name in by if name != column]
        if not others:
            yield np.arange(len(frame))
            continue
        numbers = frame.groupby(others, dropna=False, observed=True).ngroup().to_numpy()
        yield from (np.flatnonzero(numbers == number) for number in range(int(numbers.max(initial=-1)) + 1))


def _hidden(values: np.ndarray, totals: Sequence[np.ndarray], below: int) -> np.ndarray:
    """Return which counts are hidden: the small ones, and further ones until no total gives one back."""
    hidden = (values > 0) & (values < below)
    changed = bool(hidden.any())
    while changed:
        changed = False
        for rows in totals:
            inside = rows[hidden[rows]]
            # A single hidden count is the total less the others. Each of several is between 1 and what the rest leave.
            while len(inside) and (len(inside) == 1 or values[inside].sum() - len(inside) < below - 1):
                shown = rows[~hidden[rows] & (values[rows] > 0)]
                if not len(shown):
                    shown = rows[~hidden[rows]]  # only zeros are left to hide
                if not len(shown):
                    break
                hidden[shown[np.argmin(values[shown])]] = True
                inside = rows[hidden[rows]]
                changed = True
    return hidden
