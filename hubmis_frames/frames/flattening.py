"""From responses to tidy tables: nested objects become columns, nested lists become child tables."""

import functools
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, time
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..operations.declaration import Endpoint
from .casting import cast_text
from .coercion import converted_to
from .findings import Findings
from .layout import AS_SENT, POSITION, ROW, VALUE, Path, TableLayout, free_name, lay_out
from .parsing import read_records

BATCH = 8 * 2**20  # bytes of JSON that one worker turns into tables at a time
WORKERS = 2

_NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}

Response = tuple[tuple[int | str, ...], Sequence[bytes]]
Responses = Iterable[Response]
Arrays = dict[str, pa.Array]
_T = TypeVar("_T")
_R = TypeVar("_R")


class Batch(NamedTuple):
    """The tables of some of the responses."""

    requests: list[tuple[int | str, ...]]
    """The path ids of their requests."""
    tables: dict[str, pa.Table]


def flatten(endpoint: Endpoint, responses: Responses, report: Findings) -> Iterator[Batch]:
    """Make tables of responses, a few megabytes at a time. A response is its path ids and the bodies of its pages.

    The first batch has no rows and all declared columns. Undeclared fields come after them, in the batches in which
    they occur, and ``report`` names them. :func:`joined` makes one table of several.
    """
    declared = empty(endpoint)
    yield Batch([], declared)
    work = functools.partial(_flatten_batch, endpoint, functools.cache(functools.partial(_laid_out, endpoint)))
    rows = 0
    for ids, tables, numbered, found in _in_order(work, _batches(responses)):
        if rows and numbered:
            tables = {name: _moved(table, rows) for name, table in tables.items()}
        rows += len(tables[endpoint.table])
        _report_undeclared(declared, tables, found)
        report.add(found)
        yield Batch(ids, tables)


def tidy(endpoint: Endpoint, responses: Responses, report: Findings) -> dict[str, pa.Table]:
    """Make the tables of an operation from all its responses."""
    return joined_by_name(batch.tables for batch in flatten(endpoint, responses, report))


def joined_by_name(batches: Iterable[Mapping[str, pa.Table]]) -> dict[str, pa.Table]:
    """Make one table of each name from the tables of several batches."""
    parts: dict[str, list[pa.Table]] = {}
    for tables in batches:
        for name, table in tables.items():
            parts.setdefault(name, []).append(table)
    return {name: joined(tables) for name, tables in parts.items()}


def empty(endpoint: Endpoint) -> dict[str, pa.Table]:
    """Make the tables of an operation without rows: all declared columns, in order and of their types."""
    kinds = _id_types(endpoint)
    types = {table.name: _schema(table, kinds) for table in _laid_out(endpoint, endpoint.record).all()}
    return {name: schema.empty_table() for name, schema in types.items()}


def final_type(type_: pa.DataType) -> pa.DataType:
    """The type of a column: a date becomes a timestamp without a zone, because pandas has no dtype for dates."""
    if pa.types.is_date(type_):
        return pa.timestamp("us")
    return pa.string() if pa.types.is_null(type_) else type_


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Turn a table into a frame with pandas' nullable types, so that a missing value stays missing."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_NULLABLE.get)
    return frame


def _laid_out(endpoint: Endpoint, record: pa.StructType) -> TableLayout:
    return lay_out(endpoint.table, record, endpoint.key, tuple(p.name for p in endpoint.path_ids))


def _id_types(endpoint: Endpoint) -> dict[str, pa.DataType]:
    """The types of the key columns that come from the path."""
    return {p.name: pa.int64() if p.kind is int else pa.string() for p in endpoint.path_ids}


def _schema(table: TableLayout, ids: Mapping[str, pa.DataType]) -> pa.Schema:
    keys = [(name, ids.get(name, pa.int64())) for name in table.keys]
    return pa.schema(keys + [(column.name, final_type(column.type)) for column in table.columns])


def _batches(responses: Responses) -> Iterator[list[Response]]:
    batch: list[Response] = []
    size = 0
    for ids, bodies in responses:
        batch.append((ids, bodies))
        size += sum(map(len, bodies))
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _in_order(work: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Work on several items at a time and yield the results in order. No more than these are held."""
    with ThreadPoolExecutor(WORKERS) as pool:
        working: deque[Future[_R]] = deque()
        for item in items:
            working.append(pool.submit(work, item))
            if len(working) == WORKERS:
                yield working.popleft().result()
        while working:
            yield working.popleft().result()


def _flatten_batch(
    endpoint: Endpoint, lay: Callable[[pa.StructType], TableLayout], batch: Sequence[Response]
) -> tuple[list[tuple[int | str, ...]], dict[str, pa.Table], bool, Findings]:
    report = Findings()
    bodies = [body for _, pages in batch for body in pages]
    records, record = read_records(bodies, endpoint, report)
    rows, page = records.flatten(), records.value_parent_indices()
    report.null_rows += rows.null_count
    if rows.null_count:
        rows, page = rows.drop_null(), page.filter(rows.is_valid())
    request = np.repeat(np.arange(len(batch)), [len(pages) for _, pages in batch])[page.to_numpy()]
    if endpoint.paged or len(bodies) > len(batch):
        kept = _without_repeats(rows, request, page.to_numpy(), report)
        rows, request = rows.filter(kept), request[kept.to_numpy(zero_copy_only=False)]
    keys: Arrays = {}
    for index, (name, type_) in enumerate(_id_types(endpoint).items()):
        values = [ids[index] for ids, _ in batch]
        if any(isinstance(value, str) for value in values):
            values, type_ = [str(value) for value in values], pa.string()
        keys[name] = pa.array(values, type_).take(pa.array(request))
    tables: dict[str, pa.Table] = {}
    table = lay(record)
    _flatten(rows, table, keys, tables, report)
    return [ids for ids, _ in batch], tables, table.link[-1:] == (ROW,), report


def _moved(table: pa.Table, rows: int) -> pa.Table:
    """Number records on from those of the batches before."""
    index = table.column_names.index(ROW)
    return table.set_column(index, ROW, pc.add(table.column(index), rows))


def _without_repeats(rows: pa.StructArray, request: np.ndarray, page: np.ndarray, report: Findings) -> pa.BooleanArray:
    """Choose which rows to keep of a list whose pages may overlap because the list changed while we read it."""
    keep = np.ones(len(rows), dtype=bool)
    index = rows.type.get_field_index("id")
    if index >= 0:
        ids = pd.DataFrame({"request": request, "id": _exact(rows.field(index)), "page": page})
        twice = ids[ids["id"].notna() & ids.duplicated(["request", "id"], keep=False)]
        for _, group in twice.groupby(["request", "id"]):
            if group["page"].duplicated().any():
                report.shared_ids += len(group)  # the id does not identify a row, so no row may be dropped by it
                continue
            records = rows.take(pa.array(group.index)).to_pylist()
            differing = sum(record != records[-1] for record in records[:-1])
            report.superseded += differing
            report.repeated += len(records) - 1 - differing
            keep[group.index[:-1]] = False
    return pa.array(keep)


def _flatten(
    rows: pa.StructArray, table: TableLayout, keys: Arrays, tables: dict[str, pa.Table], report: Findings
) -> None:
    leaves = dict(_leaves(rows))
    result = dict(keys)
    misfits: Arrays = {}
    for column in table.columns:
        if column.name == ROW and not column.path:
            result[ROW] = pa.array(np.arange(len(rows)))
            continue
        result[column.name], as_sent = _final(_at(leaves, column.path, len(rows)), column.type)
        if as_sent is not None:
            misfits[f"{column.name}{AS_SENT}"] = as_sent
        for twin in column.twins:
            sent = _at(leaves, twin.path, len(rows))
            result[column.name], differing = _filled(result[column.name], sent, column.type)
            if count := len(differing) - differing.null_count:
                result[twin.name] = differing
                report.twofold[f"{table.name}.{twin.name}", ".".join(twin.path), ".".join(column.path)] += count
    for name, as_sent in misfits.items():
        result[free_name(name, result)] = as_sent
    for key, echo in table.echoes:
        values, _ = _final(_at(leaves, echo.path, len(rows)), echo.type)
        if differing := _differing(values, result[key]):
            name = free_name(echo.name, result)
            result[name] = values
            report.differing[f"{table.name}.{name}", key] += differing
    tables[table.name] = pa.table(result)
    for path, child in table.children:
        lists = _at(leaves, path, len(rows))
        if not pa.types.is_list(lists.type):
            continue
        parents = lists.value_parent_indices()
        # The last link of a child table is its own position, under another name.
        position = table.link[-1] if POSITION in table.keys else None
        link = {name: result[POSITION if name == position else name].take(parents) for name in table.link}
        report.without_id += max((values.null_count for values in link.values()), default=0)
        items = lists.flatten()
        if not pa.types.is_struct(items.type):
            items = pa.StructArray.from_arrays([items], names=[VALUE])
        below = link | {POSITION: pa.array(_positions(parents.to_numpy()))}
        _flatten(items, child, below, tables, report)


def _leaves(rows: pa.StructArray, path: Path = ()) -> Iterator[tuple[Path, pa.Array]]:
    # flatten() makes the fields of a null object null; field() would not.
    for field, values in zip(rows.type, rows.flatten(), strict=True):
        if pa.types.is_struct(field.type):
            yield from _leaves(values, (*path, field.name))
        else:
            yield (*path, field.name), values


def _at(leaves: Mapping[Path, pa.Array], path: Path, length: int) -> pa.Array:
    values = leaves.get(path)
    return pa.nulls(length) if values is None else values


def _final(values: pa.Array, type_: pa.DataType) -> tuple[pa.Array, pa.Array | None]:
    if pa.types.is_temporal(type_) and pa.types.is_string(values.type):
        values, as_sent = cast_text(values, type_)
        return pc.cast(values, final_type(type_)), as_sent
    return pc.cast(values, final_type(type_)), None


def _filled(values: pa.Array, sent: pa.Array, type_: pa.DataType) -> tuple[pa.Array, pa.Array]:
    """Fill missing values from another field of the same name; and what that field has where the two differ."""
    if sent.null_count == len(sent):
        return values, pa.nulls(len(sent))
    converted, is_lost = converted_to(sent, type_)
    converted = pc.cast(converted, final_type(type_))
    differs = pc.or_(is_lost, pc.fill_null(pc.not_equal(values, converted), False))
    return pc.coalesce(values, converted), pc.if_else(differs, sent, pa.scalar(None, sent.type))


def _differing(values: pa.Array, keys: pa.Array) -> int:
    """How many values are there and differ from the key of their row."""
    if values.null_count == len(values):
        return 0
    repeated, _ = converted_to(values, keys.type)
    return int(pc.sum(pc.and_(values.is_valid(), pc.invert(pc.fill_null(pc.equal(repeated, keys), False)))).as_py())


def _exact(values: pa.Array) -> pd.Series:
    """The values in pandas, with integers as integers although some are missing."""
    series: pd.Series = values.to_pandas(types_mapper=_NULLABLE.get)
    return series


def _positions(parents: np.ndarray) -> np.ndarray:
    """Number the items of each list from 0, given the index of each item's parent."""
    starts = np.flatnonzero(np.r_[True, parents[1:] != parents[:-1]]) if len(parents) else np.array([], dtype=int)
    return np.arange(len(parents)) - np.repeat(starts, np.diff(np.r_[starts, len(parents)]))


def joined(parts: Sequence[pa.Table]) -> pa.Table:
    """Concatenate tables whose columns may differ in name and type. Where types differ, the column is text."""
    return pa.concat_tables(alike(parts))


def concatenated(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate frames as :func:`joined` does tables: where types differ, a column is text and not Python objects."""
    whole = pd.concat(frames, ignore_index=True)
    for name in whole:
        if len({frame[name].dtype for frame in frames if name in frame}) > 1:
            parts = [pa.Table.from_pandas(frame.reindex(columns=[name]), preserve_index=False) for frame in frames]
            whole[name] = to_pandas(joined([part.replace_schema_metadata(None) for part in parts]))[name]
    return whole


def alike(parts: Sequence[pa.Table]) -> list[pa.Table]:
    """Give tables the same columns in the same types. Where types differ, the column is text."""
    if all(part.schema == parts[0].schema for part in parts):
        return list(parts)
    columns: dict[str, list[pa.ChunkedArray]] = {}
    for part in parts:
        for name, column in zip(part.column_names, part.columns, strict=True):
            columns.setdefault(name, []).append(column)
    schema = pa.schema([(name, _common(found)) for name, found in columns.items()])
    return [as_schema(part, schema) for part in parts]


def _common(columns: Sequence[pa.ChunkedArray]) -> pa.DataType:
    # A column without values says nothing about the type.
    types = {column.type for column in columns if column.null_count < len(column)} or {columns[0].type}
    if len(types) == 1:
        return types.pop()
    if types == {pa.int64(), pa.float64()}:
        whole = [column for column in columns if column.type == pa.int64()]
        if all((pc.max(pc.abs(column)).as_py() or 0) <= 2**53 for column in whole):
            return pa.float64()
    return pa.string()


def as_schema(part: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give a table all columns of a schema, in their order and types."""
    own = dict(zip(part.column_names, part.columns, strict=True))
    columns = [
        _as(own[field.name], field.type) if field.name in own else pa.chunked_array([pa.nulls(len(part), field.type)])
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _as(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    if column.type == type_ or not pa.types.is_string(type_):
        return pa.nulls(len(column), type_) if column.null_count == len(column) else pc.cast(column, type_)
    encoded = column.combine_chunks().dictionary_encode()
    texts = pa.array(map(_as_text, encoded.dictionary.to_pylist()), type_)
    return pa.chunked_array([texts.take(encoded.indices)])


def _as_text(value: object) -> str:
    """A value as the server would write it: a number as in JSON, a day or an instant in ISO."""
    if isinstance(value, datetime):
        is_day = value.tzinfo is None and value.time() == time.min
        return value.date().isoformat() if is_day else value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    return value if isinstance(value, str) else json.dumps(value)


def _report_undeclared(declared: Mapping[str, pa.Table], tables: Mapping[str, pa.Table], report: Findings) -> None:
    differing = {column for column, *_ in (*report.differing, *report.twofold)}
    for name, table in tables.items():
        if name not in declared:
            report.undeclared[name] = "table"
            continue
        known = set(declared[name].column_names)
        for field in table.schema:
            if field.name in known or f"{name}.{field.name}" in differing:
                continue
            if field.name.endswith(AS_SENT) or field.name == AS_SENT.lstrip("_"):
                column = table.column(field.name)
                report.misfits[f"{name}.{field.name}"] += len(column) - column.null_count
            else:
                report.undeclared[f"{name}.{field.name}"] = "column"
