"""From JSON bodies to one Arrow array of records, with Arrow's own parser and no Python object per value."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from ..operations.shapes import TEXT_TOO
from .coercion import WHOLE, fitted, on_wire
from .findings import Findings
from .layout import merged

BLOCK = 2**20  # bytes that one thread parses at a time; a smaller block costs more than a second thread gains
_EXACT = 2.0**53  # from here on a float cannot tell neighbouring integers apart
_TINY = re.compile(rb"\d[eE]-0*\d{3}")  # a number that a float may not tell from 0


def read_records(
    bodies: Sequence[bytes], record: pa.StructType, rows_in: Callable[[Any], list[Any]] | None, report: Findings
) -> tuple[pa.ListArray, pa.StructType]:
    """Read each body into a list of records, of the type that comes second: declared fields, then new ones, marked.

    ``rows_in`` takes the records out of an envelope; ``None`` if the responses have none.
    """
    records = None if rows_in else _fast(bodies, record)
    if records is None and not rows_in and (as_text := _with_ids_as_text(record)) != record:
        records = _fast(bodies, as_text)
        if records is not None and _may_be_numbers(records.flatten(), record):
            records = None
    if records is None:
        records = fitted(bodies, record, rows_in, report)
    return records, merged(record, records.type.value_type)


def _fast(bodies: Sequence[bytes], record: pa.StructType) -> pa.ListArray | None:
    """Let Arrow parse all bodies at once, one a line; ``None`` if only the slow way is safe."""
    lines = [_line(body) for body in bodies]
    try:
        records = _parse(lines, on_wire(record))
        if records is None:
            return None
        as_text = _without_guesses(records.type.value_type, record)
        if as_text is not None:  # Arrow took text for instants: read it again, as text
            records = _parse(lines, as_text)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
        return None
    return None if records is None or _inexact(records, lines) else records


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


def _line(body: bytes) -> bytes:
    body = body.strip()
    if body[:1] == b"{":
        body = b"[" + body + b"]"
    # JSON text never holds raw line ends, and here they would end the row.
    return body.replace(b"\n", b"").replace(b"\r", b"")


def _parse(lines: Sequence[bytes], record: pa.DataType) -> pa.ListArray | None:
    text = b"".join(part for line in lines for part in (b'{"data":', line, b"}\n"))
    table = pyarrow.json.read_json(
        pa.BufferReader(text),
        read_options=pyarrow.json.ReadOptions(block_size=max(2 * max(map(len, lines)), BLOCK)),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=pa.schema([("data", pa.list_(record))]), unexpected_field_behavior="infer"
        ),
    )
    # Arrow 26 builds a broken array from a list that begins with null and whose type it has to guess.
    table.validate()
    # A body that closes our wrapper early shows as a row too many or a second column.
    if table.num_rows != len(lines) or table.column_names != ["data"]:
        return None
    return pa.concat_arrays(table.column("data").chunks)


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
