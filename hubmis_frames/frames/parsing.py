"""From JSON bodies to one Arrow array of records, with Arrow's own parser and no Python object per value."""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from ..operations.declaration import Endpoint
from ..operations.response import beside_name, rows_of
from ..operations.shapes import TEXT_TOO
from .coercion import WHOLE, fitted, on_wire
from .findings import Findings
from .layout import Path, merged

_EXACT = 2.0**53  # from here on a float cannot tell neighbouring integers apart
_TINY = re.compile(rb"\d[eE]-0*\d{3}")  # a number that a float may not tell from 0


def read_records(bodies: Sequence[bytes], endpoint: Endpoint, report: Findings) -> tuple[pa.ListArray, pa.StructType]:
    """Read each body into a list of records, of the type that comes second: declared fields, then new ones, marked."""
    record, way = endpoint.record, tuple(endpoint.wrapper.split("/")) if endpoint.wrapper else ()
    records = None if endpoint.attributes else _fast(bodies, record, way)
    if records is None and not endpoint.attributes and (as_text := _with_ids_as_text(record)) != record:
        records = _fast(bodies, as_text, way)
        if records is not None and _may_be_numbers(records.flatten(), record):
            records = None
    if records is None:
        rows_in = (lambda response: rows_of(response, endpoint)) if way or endpoint.attributes else None
        records = fitted(bodies, record, rows_in, report)
    return records, merged(record, records.type.value_type)


def _fast(bodies: Sequence[bytes], record: pa.StructType, way: Path) -> pa.ListArray | None:
    """Let Arrow parse all bodies at once, one a line; ``None`` if only the slow way is safe.

    The list of records is at the end of the ``way`` through an envelope.
    """
    lines = [_line(body, enveloped=bool(way)) for body in bodies]
    try:
        records = _parse(lines, on_wire(record), way)
        if records is None:
            return None
        as_text = _without_guesses(records.type.value_type, record)
        if as_text is not None:  # Arrow took text for instants: read it again, as text
            records = _parse(lines, as_text, way)
        if records is not None and _inexact(records, lines):
            return None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
        return None
    return records


def _with_ids_as_text(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_list(type_):
        return pa.list_(type_.value_field.with_type(_with_ids_as_text(type_.value_type)))
    if not pa.types.is_struct(type_):
        return type_
    return pa.struct(
        [
            field.with_type(pa.string() if TEXT_TOO in (field.metadata or {}) else _with_ids_as_text(field.type))
            for field in type_
        ]
    )


def _may_be_numbers(rows: pa.Array, record: pa.DataType) -> bool:
    """Whether some column of ids that were read as text holds whole numbers alone."""
    if pa.types.is_list(record):
        return _may_be_numbers(rows.flatten(), record.value_type)
    for field in record if pa.types.is_struct(record) else ():
        values = rows.flatten()[rows.type.get_field_index(field.name)]
        if TEXT_TOO not in (field.metadata or {}):
            if _may_be_numbers(values, field.type):
                return True
        elif values.null_count < len(values) and pc.all(pc.match_substring_regex(values, f"^({WHOLE})?$")).as_py():
            return True
    return False


def _line(body: bytes, *, enveloped: bool) -> bytes:
    body = body.strip()
    if body[:1] == b"{" and not enveloped:
        body = b"[" + body + b"]"
    # JSON text never holds raw line ends, and here they would end the row.
    return body.replace(b"\n", b"").replace(b"\r", b"")


def _parse(lines: Sequence[bytes], record: pa.DataType, way: Path) -> pa.ListArray | None:
    type_: pa.DataType = pa.list_(record)
    for name in reversed(way):
        type_ = pa.struct([(name, type_)])
    text = b"".join(part for line in lines for part in (b'{"data":', line, b"}\n"))
    table = pyarrow.json.read_json(
        pa.BufferReader(text),
        # One block gives one array, with nothing to concatenate; batches are parsed side by side.
        read_options=pyarrow.json.ReadOptions(block_size=len(text), use_threads=False),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=pa.schema([("data", type_)]), unexpected_field_behavior="infer"
        ),
    )
    # Arrow 26 builds a broken array from a list that begins with null and whose type it has to guess.
    table.validate()
    # A body that closes our wrapper early shows as a row too many or a second column.
    if table.num_rows != len(lines) or table.column_names != ["data"]:
        return None
    return _opened(table.column("data").chunk(0), way)


def _opened(answers: pa.Array, way: Path) -> pa.ListArray | None:
    """Take the lists of records out of their envelopes; ``None`` if one may have none, or something hard beside it."""
    beside: dict[str, pa.Array] = {}
    for name in way:
        if answers.null_count:
            return None
        inside = dict(zip(answers.type.names, answers.flatten(), strict=True))
        answers = inside.pop(name)
        beside |= {of_row: values for other, values in inside.items() if (of_row := beside_name(other))}
    if not way or not (answers.null_count or beside):
        return answers
    rows, answer = answers.flatten(), answers.value_parent_indices()
    of_rows = [values.take(answer) for values in beside.values()]
    # A field that only answers without rows have is none, and Arrow may have taken text for an instant.
    hard = any(values.null_count == len(values) or on_wire(values.type) != values.type for values in of_rows)
    if hard or answers.null_count or rows.null_count or beside.keys() & set(rows.type.names):
        return None
    rows = pa.StructArray.from_arrays([*of_rows, *rows.flatten()], [*beside, *rows.type.names])
    return pa.ListArray.from_arrays(answers.offsets, rows)


def _without_guesses(type_: pa.DataType, record: pa.DataType) -> pa.DataType | None:
    """The type with text where Arrow guessed an instant; ``None`` if it guessed none."""
    as_text = on_wire(type_)
    return None if as_text == type_ else merged(on_wire(record), as_text)


def _inexact(values: pa.Array, lines: Sequence[bytes]) -> bool:
    """Whether floats may not be what was sent.

    Arrow reads ``[2**53 + 1, 1.5]`` as floats, which rounds the integer; ``1E400`` as infinite; and ``1E-400`` as 0.
    """
    if pa.types.is_floating(values.type):
        sizes = pc.min_max(pc.abs(values)).as_py()
        if sizes["max"] is None:
            return False
        return sizes["max"] >= _EXACT or (sizes["min"] == 0 and _has_tiny_numbers(lines))
    if pa.types.is_nested(values.type):
        parts = values.flatten() if pa.types.is_struct(values.type) else [values.flatten()]
        return any(_inexact(part, lines) for part in parts)
    return False


def _has_tiny_numbers(lines: Sequence[bytes]) -> bool:
    # To look for two bytes first takes a tenth of the time of the expression.
    return any((b"e-" in line or b"E-" in line) and _TINY.search(line) for line in lines)
