"""Joins two frames by the id that identifies the rows of the right one."""

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ..errors import BadArgumentError, warn
from .keys import REALM, key_of, may_join, row_ids, tables_with
from .layout import free_name
from .partitions import by_partition

_WHOLE = ("integer", "floating", "mixed-integer-float")
_EXACT = 2**53  # from here on a float cannot tell neighbouring integers apart


@by_partition(realms=True)
def join(
    left: pd.DataFrame,
    right: pd.DataFrame,
    on: str | None = None,
    *,
    fill: float | None = None,
    matched: str | None = None,
) -> pd.DataFrame:
    """Add to each row of ``left`` the row of ``right`` that it refers to.

    Every row of ``left`` stays, once and in its place. Works on frames from the loaders and on those
    that were read back from Parquet. If both frames have the column ``realm``, rows join within their school.

    The frames join by the id that identifies a row of ``right``: ``student_id`` for students, for the members
    of a form, or for one number per student. A role of that id in ``left`` joins too, as ``academic_house_id`` joins
    houses. The id of a list to pick from, such as ``gender_id``, joins only that list, unless ``on`` names it.

    Parameters
    ----------
    left
        Rows that refer to something, such as marks. A Dask frame gives a Dask frame.
    right
        One row per thing referred to, such as students. If ``left`` is a Dask frame, this may be of either kind, and
        each worker holds all of it: choose its columns first.
    on
        The column of ``left`` to join by, if several refer to ``right``, as a student's ``academic_house_id`` and
        ``boarding_house_id`` do, or to join by another id that both frames have.
    fill
        The number for rows of ``left`` without a partner in ``right``, if ``right`` holds counts: ``fill=0``. There is
        no warning then. A count that is missing in ``right`` itself stays missing, and so do the counts of rows
        whose own id is missing.
    matched
        The name of a column to add that says whether the row has a partner.

    Returns
    -------
    DataFrame
        One row per row of ``left``, with its columns and those of ``right``. If both have a column of one name, the
        name of what was joined is added at its end (``name_form``).

    Raises
    ------
    BadArgumentError
        ``left`` does not refer to the rows of ``right``, several of its columns do, ids are of different types,
        ``right`` has several rows for an id, or ``fill`` does not fit a column.

    Warns
    -----
    HubmisWarning
        Rows of ``left`` refer to something that is not in ``right``.
    """
    if matched in left or matched in right:
        raise BadArgumentError(f"join: there is a column {matched} already. Give matched= another name.")
    column, key = _columns(left, right, on)
    by_realm = _check_realms(left, right)
    sought, offered = _comparable(left[column], right[key], column)
    sought_keys, offered_keys = sought.to_frame(column), offered.to_frame(column)
    if by_realm:
        sought_keys[REALM], offered_keys[REALM] = left[REALM].astype("str"), right[REALM].astype("str")
    has_key = offered_keys[column].notna()
    offered_keys = offered_keys[has_key]
    if (twice := int(offered_keys.duplicated(keep=False).sum())) > 0:
        raise BadArgumentError(
            f"join: {twice} rows of the right frame share their {key}, so rows of the left one would be doubled. "
            "Swap the frames, or keep one row for each id first."
        )
    positions = _index(offered_keys).get_indexer(_index(sought_keys))
    unknown = sought.isna().to_numpy()
    found = positions >= 0
    added = right[has_key].drop(columns=[key, *([REALM] if by_realm else [])]).reset_index(drop=True)
    if fill is not None:
        _check_fill(added, fill)
    added = added.reindex(positions) if fill is None else added.reindex(positions, fill_value=fill)
    added.index = left.index
    if fill is not None and unknown.any():  # a count of 0 for an unknown id would be a guess
        added = added.where(np.broadcast_to(~unknown[:, np.newaxis], added.shape))
    result = left.assign(**({REALM: sought_keys[REALM]} if by_realm else {}), **{column: sought})
    result = pd.concat([result, added.set_axis(_free_names(added, result, column), axis=1)], axis=1)
    lost = sought[~found & ~unknown]
    if len(lost) and fill is None:
        some = ", ".join(map(str, lost.drop_duplicates().head(5)))
        warn(
            f"join: {len(lost)} of {len(left)} rows found no partner: their {column} is not in the right frame ({some}"
            f"{', ...' if lost.nunique() > 5 else ''})."
        )
    return result.assign(**{matched: pd.array(found, dtype="boolean")}) if matched else result


def _columns(left: pd.DataFrame, right: pd.DataFrame, on: str | None) -> tuple[str, str]:
    """The column of ``left`` and the column of ``right`` to join by."""
    if on is not None:
        return _columns_on(left, right, on)
    own = row_ids(right)
    pairs = [(str(column), key) for key in own for column in left if str(column) == key or key_of(str(column), key)]
    if len(pairs) == 1:
        (pair,) = pairs
        if may_join(pair[1], right):
            return pair
        raise BadArgumentError(
            f"join: {pair[1]} is the id of a list to pick from, and the right frame is not that list, so its rows may "
            f"be about something else. If each of its rows is about one {pair[1]}, say on={pair[0]!r}."
        )
    if pairs:
        several = ", ".join(dict.fromkeys(column for column, _ in pairs))
        raise BadArgumentError(f"join: several columns would do: {several}. Say which with on=.")
    raise BadArgumentError(_no_key(left, right, own))


def _columns_on(left: pd.DataFrame, right: pd.DataFrame, on: str) -> tuple[str, str]:
    if on not in left:
        raise BadArgumentError(f"join: the left frame has no column {on}. Its columns: {', '.join(map(str, left))}.")
    own = row_ids(right)
    candidates = [key for key in own if key == on or key_of(on, key)]
    candidates += [on] if on in right and on.endswith("_id") else []
    candidates += [str(key) for key in right if key_of(on, str(key))]
    if not candidates:
        raise BadArgumentError(
            f"join: {on!r} of the left frame does not refer to an id of the right frame. hf.keys() lists what refers "
            "to what."
        )
    return on, candidates[0]


def _no_key(left: pd.DataFrame, right: pd.DataFrame, own: Iterable[str]) -> str:
    keys = list(own)
    if not keys:
        return "join: No column of the left frame refers to the right frame, which has no id. hf.keys() lists the ids."
    message = (
        f"join: No column of the left frame refers to {' or '.join(keys)}, by which the rows of the right frame are "
        "told apart."
    )
    left_ids = row_ids(left)
    if shared := [key for key in left_ids if key in right]:
        return (
            f"{message} The right frame refers to the left one by {shared[0]}: swap the frames, or, if the right one "
            f"has at most one row for each, say on={shared[0]!r}."
        )
    if tables := [table for first in left_ids for second in keys for table in tables_with(first, second)]:
        return f"{message} The table {' or '.join(dict.fromkeys(tables[:2]))} has both ids: join by way of it."
    return f"{message} hf.keys() lists what refers to what."


def _check_realms(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    """Whether rows have to be of the same school."""
    if REALM in left and REALM in right:
        return True
    for frame in (left, right):
        if REALM in frame and frame[REALM].nunique() > 1:
            raise BadArgumentError(
                "join: one of the frames holds several schools and the other does not say which: add realm."
            )
    return False


def _comparable(sought: pd.Series, offered: pd.Series, column: str) -> tuple[pd.Series, pd.Series]:
    """The ids of both frames in one type: whole numbers, or text where both are text (pseudonyms)."""
    sought, offered = _plain(sought), _plain(offered)
    types = [_type_of(ids, column) for ids in (sought, offered)]
    if "str" in types and "Int64" in types:
        side = ("left", "right")[types.index("str")]
        raise BadArgumentError(
            f"join: {column} is text in the {side} frame and a number in the other one. If the text holds the same "
            f'numbers, make it numbers first: frame.astype({{"{column}": "Int64"}}).'
        )
    no_ids_but_text = types == [None, None] and "str" in (sought.dtype, offered.dtype)
    type_: Any = "str" if "str" in types or no_ids_but_text else "Int64"
    return sought.astype(type_), offered.astype(type_)


def _plain(ids: pd.Series) -> pd.Series:
    """The ids without categories, and in no encoding of Arrow's."""
    if isinstance(ids.dtype, pd.CategoricalDtype):
        ids = ids.astype(ids.cat.categories.dtype) if ids.notna().all() else ids.astype("object")
    return ids.astype("object") if isinstance(ids.dtype, pd.ArrowDtype) else ids


def _type_of(ids: pd.Series, column: str) -> str | None:
    """``Int64`` or ``str``; ``None`` if there is no id."""
    values = ids.dropna().unique()
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if not len(values):
        return None
    if kind == "string":
        return "str"
    largest = _EXACT - 1 if "float" in kind else 2**63 - 1
    if kind in _WHOLE and all(abs(value) <= largest and value == int(value) for value in values):
        return "Int64"
    raise BadArgumentError(
        f"join: the column {column} holds values that are not ids. An id is a whole number, or text in pseudonymised "
        "data."
    )


def _index(keys: pd.DataFrame) -> pd.Index:
    return pd.Index(keys.iloc[:, 0]) if keys.shape[1] == 1 else pd.MultiIndex.from_frame(keys)


def _check_fill(added: pd.DataFrame, fill: object) -> None:
    if isinstance(fill, bool) or not isinstance(fill, numbers.Real):
        raise BadArgumentError(f"join: fill takes a number, not {fill!r}.")
    for name, dtype in added.dtypes.items():
        if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype) or str(name).endswith("_id"):
            raise BadArgumentError(
                f"join: fill={fill} is for counts, and the right frame's column {name} holds something else. Choose "
                "the id and the counts of the right frame first."
            )


def _free_names(added: pd.DataFrame, left: pd.DataFrame, column: str) -> list[str]:
    """The names of the added columns: where the left frame has the name, with what was joined behind it."""
    taken = [str(name) for name in left]
    others = [str(name) for name in added]
    names: list[str] = []
    for name in others:
        clash = name in taken
        longer = f"{name}_{column.removesuffix('_id')}"
        names.append(free_name(longer, taken, names, others) if clash else free_name(name, names))
    return names
