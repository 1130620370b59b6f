"""The tidy rules once more, in plain Python and row by row, to hold the Arrow road against."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pandas as pd

from hubmis_frames.frames import singular
from hubmis_frames.operations.declaration import CATALOGUE, Endpoint
from hubmis_frames.operations.shapes import REFERS


def assert_tidy(
    endpoint: Endpoint, answers: Sequence[tuple[tuple[Any, ...], bytes]], tables: Mapping[str, pd.DataFrame]
) -> int:
    """Assert that tables hold each row, id and value of the bodies, cell by cell, and nothing else; return the rows."""
    expected: dict[str, list[dict[str, Any]]] = {}
    names = [parameter.name for parameter in endpoint.path_ids]
    seen: set[Any] = set()
    for ids, body in answers:
        rows = orjson.loads(body)
        if endpoint.wrapper:
            rows = rows[endpoint.wrapper]
        for row in rows if isinstance(rows, list) else [rows]:
            mark = (ids, orjson.dumps(row))
            if not endpoint.paged or mark not in seen:
                _row(endpoint.table, row, endpoint.key, dict(zip(names, ids, strict=True)), expected, endpoint.record)
            seen.add(mark)
    for table, wanted in expected.items():
        found = [{name: _plain(value) for name, value in row.items()} for row in tables[table].to_dict("records")]
        assert len(found) == len(wanted), table
        for one, other in zip(found, wanted, strict=True):
            for name in one.keys() | other.keys():
                if name != "row":
                    assert one.get(name) == _plain(other.get(name)), (table, name)
    for table, frame in tables.items():
        assert table in expected or len(frame) == 0, table
    return len(expected.get(endpoint.table, ()))


def _row(
    table: str,
    row: Mapping[str, Any],
    key: str | None,
    keys: Mapping[str, Any],
    out: dict[str, list[dict[str, Any]]],
    type_: Any,
) -> None:
    flat = dict(keys)
    lists: list[tuple[tuple[str, ...], list[Any], Any]] = []

    def walk(value: Mapping[str, Any], path: tuple[str, ...], inner: Any) -> None:
        for name, each in value.items():
            field = inner.field(inner.get_field_index(name)) if inner.get_field_index(name) >= 0 else None
            here = (*path, name)
            if isinstance(each, dict):
                walk(each, here, field.type)
            elif isinstance(each, list):
                lists.append((here, each, field))
            else:
                column = key if here == ("id",) and key else "_".join(here)
                if column in keys and column != "position":
                    assert each is None or each == keys[column], column
                elif column in keys:
                    flat[f"{key.removesuffix('_id') if key else singular(table)}_{column}"] = each
                else:
                    flat[column] = each

    walk(row, (), type_)
    out.setdefault(table, []).append(flat)
    parents = {name: value for name, value in keys.items() if name != "position"}
    if "position" in keys:
        parents[f"{table.split('__')[-1]}_position"] = keys["position"]
    if key and key in flat and "position" not in keys:
        parents[key] = flat[key]
    for path, items, field in lists:
        child = "_".join((table, *path))
        child += "_nested" * (child in CATALOGUE)
        refers = (field.metadata or {}).get(REFERS, b"").decode() if field is not None else ""
        own = refers or f"{singular(path[-1])}_id"
        if own in parents:
            own = f"{singular(path[-1])}_id"
        if own in parents:
            own = f"{key.removesuffix('_id') if key else singular(table)}_{own}"
        for position, item in enumerate(items):
            below = {**parents, "position": position}
            if isinstance(item, dict):
                _row(child, item, own, below, out, field.type.value_type)
            else:
                out.setdefault(child, []).append({**below, "value": item})


def _plain(value: Any) -> Any:
    """A value as JSON would have it."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        return value.tz_convert(None).isoformat() + "Z" if value.tzinfo else str(value.date())
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, str) and value.endswith("+00:00"):
        return value.removesuffix("+00:00") + "Z"
    return value.item() if hasattr(value, "item") else value
