"""Which column of which table refers to which, and joins by it. Derived from the declarations alone."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from ..errors import BadArgumentError, warn
from ..operations.declaration import CATALOGUE, Endpoint, listed_in
from .layout import Table, lay_out
from .partitions import by_partition

REALM = "realm"


def keys() -> pd.DataFrame:
    """List the ids in all tables: one row per column that holds ids.

    Returns
    -------
    DataFrame
        ``table``, ``column``, ``key`` (what the ids are called in the table that lists them),
        ``own`` (the column is the table's own key), ``role`` (it goes by another name than the key)
        and ``refers_to`` (the table that lists the ids, missing where no operation does).
    """
    frame = pd.DataFrame(_keys(), columns=["table", "column", "key", "own", "role", "refers_to"])
    return frame.astype({"own": "boolean", "role": "boolean"})


@by_partition(realms=True)
def join(left: pd.DataFrame, right: pd.DataFrame, on: str | None = None, *, matched: str | None = None) -> pd.DataFrame:
    """Add to each row of ``left`` the row of ``right`` that it refers to.

    Every row of ``left`` stays, once and in its place. Works on frames from the loaders and on those
    that were read back from Parquet; of several schools, each row finds its partner in its own ``realm``.

    Parameters
    ----------
    left
        Rows that refer to something, such as marks. A Dask frame gives a Dask frame.
    right
        One row per thing referred to, such as students. With a Dask frame it may be of either kind and each worker
        holds it whole: choose its columns first.
    on
        The column of ``left``, where several refer to ``right``: a student's ``academic_house_id`` and
        ``boarding_house_id``.
    matched
        The name of a column to add that says whether the row found a partner.

    Returns
    -------
    DataFrame
        One row per row of ``left``, with its columns and those of ``right``; a column that both have
        gets the name of what was joined behind it (``name_form``).

    Raises
    ------
    BadArgumentError
        The frames share no key, several would do, or ``right`` has more than one row for a key.

    Warns
    -----
    HubmisWarning
        Rows of ``left`` refer to something that is not in ``right``.
    """
    one, other = _pair(left, right, on)
    by = [REALM] if REALM in left and REALM in right else []
    lone = right if REALM in right else left
    if not by and REALM in lone and lone[REALM].nunique() > 1:
        raise BadArgumentError("One of the frames holds several schools and the other does not say which: add realm.")
    sought = left.astype({REALM: "str"}) if by else left
    offered = right.astype({REALM: "str"}) if by else right
    sought, offered = _same_type(sought, one), _same_type(offered, other)
    offered = offered[offered[other].notna()]
    if (twice := int(offered.duplicated([*by, other], keep=False).sum())) > 0:
        raise BadArgumentError(
            f"join: {twice} rows of the right frame share their {other}, so rows of the left one would be doubled. "
            "Turn the frames round, or keep one row for each first."
        )
    suffix = f"_{one.removesuffix('_id')}"
    if one != other:
        offered = offered.rename(columns={other: one})
    joined = sought.merge(offered, how="left", on=[*by, one], suffixes=("", suffix), indicator="_found")
    joined.index = left.index
    found = joined.pop("_found") == "both"
    lost = joined.loc[~found & joined[one].notna(), one]
    if len(lost):
        some = ", ".join(map(str, lost.drop_duplicates().head(5)))
        warn(
            f"join: {len(lost)} of {len(left)} rows found no partner: their {one} is not in the right frame ({some}"
            f"{', ...' if lost.nunique() > 5 else ''})."
        )
    return joined.assign(**{matched: found.astype("boolean").to_numpy()}) if matched else joined


def mermaid(tables: Iterable[str]) -> str:
    """Write tables and the keys between them as a Mermaid entity-relationship diagram."""
    chosen = list(tables)
    lines = ["erDiagram"]
    for table in chosen:
        lines.append(f"    {table} {{")
        for row in keys_of(table):
            mark = " PK" if row.own else " FK" if row.refers_to else ""
            lines += [f"        Int64 {row.column}{mark}"]
        lines.append("    }")
    lines += [f"    {row.table} }}o--o| {row.refers_to} : {row.column}" for row in references(chosen)]
    return "\n".join(lines)


def keys_of(table: str) -> list["Key"]:
    """The columns of a table that hold ids."""
    return [row for row in _keys() if row.table == table]


def references(tables: Sequence[str]) -> list["Key"]:
    """The columns of some tables that refer to another of them."""
    return [row for row in _keys() if row.table in tables and row.refers_to in tables and row.table != row.refers_to]


class Key(NamedTuple):
    """A column that holds ids."""

    table: str
    column: str
    key: str
    own: bool
    role: bool
    refers_to: str | None


@functools.cache
def _keys() -> tuple[Key, ...]:
    return tuple(row for endpoint in CATALOGUE.values() if not endpoint.deprecated for row in _of_endpoint(endpoint))


def _of_endpoint(endpoint: Endpoint) -> Iterator[Key]:
    ids = tuple(parameter.name for parameter in endpoint.path_ids)
    for number, table in enumerate(lay_out(endpoint.table, endpoint.record, endpoint.key, ids).all()):
        own = endpoint.key if number == 0 else None
        for column, key in _ids(table):
            yield Key(table.name, column, key, column == own, column != key, listed_in().get(key))


def _ids(table: Table) -> Iterator[tuple[str, str]]:
    for name in table.keys:
        if name.endswith("_id"):
            yield name, name
    for column in table.columns:
        if column.refers:
            yield column.name, column.refers
        elif column.path == ("id",) and column.name.endswith("_id"):
            yield column.name, column.name


def _pair(left: pd.DataFrame, right: pd.DataFrame, on: str | None) -> tuple[str, str]:
    """The column of ``left`` and the key of ``right`` that it refers to."""
    roles: dict[str, set[str]] = {}
    for row in _keys():
        roles.setdefault(row.column, {row.column}).add(row.key)
    names = [str(column) for column in left if on in (None, column)]
    own = _own_key(right)
    # First by the key of what the right frame holds; else by any id, which then proves to be doubled.
    for offered in ([own] if own else [], [str(column) for column in right if column in roles]):
        pairs = [(column, key) for column in names for key in offered if key in roles.get(column, set())]
        # The same name says more than a role: marks and students share student_id.
        chosen = [pair for pair in pairs if pair[0] == pair[1]] or pairs
        if len(chosen) == 1:
            return chosen[0]
        if chosen:
            several = ", ".join(dict.fromkeys(one for one, _ in chosen))
            raise BadArgumentError(f"join: several columns would do: {several}. Say which with on=.")
    wanted = f"{on!r} of the left frame does not refer" if on else "No column of the left frame refers"
    raise BadArgumentError(f"join: {wanted} to a key of the right frame. hf.keys() lists what refers to what.")


def _own_key(frame: pd.DataFrame) -> str | None:
    """The key of the table whose declared columns a frame's are most like."""
    columns = set(map(str, frame.columns)) - {REALM}
    best, found = 0.3, None
    for endpoint in CATALOGUE.values():
        ids = tuple(parameter.name for parameter in endpoint.path_ids)
        declared = {
            *ids,
            *(column.name for column in lay_out(endpoint.table, endpoint.record, endpoint.key, ids).columns),
        }
        alike = len(columns & declared) / len(columns | declared)
        if alike > best and endpoint.key in columns:
            best, found = alike, endpoint.key
    return found


def _same_type(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Ids as ``Int64``: a merge elsewhere may have made floats of them."""
    if str(frame[column].dtype) in ("Int64", "str"):  # text: pseudonyms
        return frame
    try:
        return frame.astype({column: "Int64"})
    except (TypeError, ValueError):
        raise BadArgumentError(f"join: the column {column} holds values that are no ids.") from None
