"""Small counts hidden, and as many others as it takes that no total gives them back."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from ..frames.partitions import refuse_dask


def suppress(
    table: pd.DataFrame,
    counts: str | Sequence[str] | Mapping[str, str | Sequence[str]],
    by: str | Sequence[str],
    threshold: int = 5,
) -> pd.DataFrame:
    """Hide small counts and all that is built on them.

    A count from 1 to ``threshold - 1`` is hidden. Along every column of ``by``, the sum over its values
    is taken to be known, so that a single hidden count could be worked out, and two small ones with a
    small sum nearly so: further counts are hidden until what is hidden in each such sum leaves every
    hidden count at least ``threshold`` possible values. Hiding "1 to 4" is this project's choice, not a
    rule of the DfE.

    Parameters
    ----------
    table
        One row per combination of the columns ``by``.
    counts
        The column of counts, or several; as a mapping, each with the columns (rates) that are built on it and go with
        it.
    by
        The column that says what a row counts, or several.
    threshold
        The smallest count that is shown, zero aside.

    Returns
    -------
    DataFrame
        The table with hidden values missing, and a column ``suppressed`` that says whether the row has any.

    Raises
    ------
    BadArgumentError
        A column is not there, a count is no whole number, or ``by`` does not tell rows apart.
    """
    refuse_dask(table, "suppress")
    by = _names(by)
    with_rates = counts if isinstance(counts, Mapping) else dict.fromkeys(_names(counts), ())
    built_on = {name: _names(rates) for name, rates in with_rates.items()}
    needed = [*by, *built_on, *(rate for rates in built_on.values() for rate in rates)]
    if missing := [name for name in needed if name not in table]:
        raise BadArgumentError(f"suppress: there is no column {missing[0]}. Columns: {', '.join(map(str, table))}.")
    if table.duplicated(by).any():
        raise BadArgumentError(f"suppress: several rows share their {', '.join(by)}, so by does not tell them apart.")
    result = table.copy()
    any_hidden = np.zeros(len(table), dtype=bool)
    lines = list(_lines(table, by))
    for name, rates in built_on.items():
        values = pd.to_numeric(table[name]).astype("Float64")
        if ((values % 1 != 0) | (values < 0)).fillna(False).any():
            raise BadArgumentError(f"suppress: {name} holds a value that is no count.")
        hidden = _hidden(values.fillna(0).to_numpy(dtype=np.int64), lines, threshold)
        result[name] = values.astype("Int64").mask(hidden)
        for rate in rates:
            result[rate] = table[rate].mask(hidden)
        any_hidden |= hidden
    return result.assign(suppressed=pd.array(any_hidden, dtype="boolean"))


def _names(columns: str | Sequence[str]) -> list[str]:
    """One name or several, as a list: a text is no list of its letters."""
    return [columns] if isinstance(columns, str) else list(columns)


def _lines(table: pd.DataFrame, by: Sequence[str]) -> Iterator[np.ndarray]:
    """The rows of each sum that may be known: over one column of ``by`` at a time."""
    for column in by:
        others = [each for each in by if each != column]
        if not others:
            yield np.arange(len(table))
            continue
        numbers = table.groupby(others, dropna=False, observed=True).ngroup().to_numpy()
        yield from (np.flatnonzero(numbers == number) for number in range(int(numbers.max(initial=-1)) + 1))


def _hidden(values: np.ndarray, lines: Sequence[np.ndarray], threshold: int) -> np.ndarray:
    hidden = (values > 0) & (values < threshold)
    changed = bool(hidden.any())
    while changed:
        changed = False
        for line in lines:
            inside = line[hidden[line]]
            # One hidden count is the rest of the sum; several are between 1 and what the others leave.
            while len(inside) and (len(inside) == 1 or values[inside].sum() - len(inside) < threshold - 1):
                shown = line[~hidden[line] & (values[line] > 0)]
                if not len(shown):
                    shown = line[~hidden[line]]  # only zeros are left to hide behind
                if not len(shown):
                    break
                hidden[shown[np.argmin(values[shown])]] = True
                inside = line[hidden[line]]
                changed = True
    return hidden
