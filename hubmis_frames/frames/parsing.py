"""JSON bodies to one Arrow array of records, in Arrow's own parser, without a Python object per value."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from .coercion import fitted, on_wire
from .findings import Findings
from .layout import merged

BLOCK = 2**20  # bytes that one thread parses at a time; a smaller block costs more than a second thread gains
_EXACT = 2.0**53  # from here on a float no longer tells neighbouring integers apart


def read_records(
    bodies: Sequence[bytes], record: pa.StructType, rows_in: Callable[[Any], list[Any]] | None, report: Findings
) -> tuple[pa.ListArray, pa.StructType]:
    """Read bodies into a list of records each, and tell the record's type: declared fields, then new ones, marked.

    ``rows_in`` takes the records out of an envelope; ``None`` if the answers have none.
    """
    found = None if rows_in else _fast(bodies, record)
    if found is None:
        found = fitted(bodies, record, rows_in, report)
    return found, merged(record, found.type.value_type)


def _fast(bodies: Sequence[bytes], record: pa.StructType) -> pa.ListArray | None:
    """Let Arrow parse all bodies at once, one a line; ``None`` where only the slow road is safe."""
    lines = [_line(body) for body in bodies]
    try:
        found = _parse(lines, on_wire(record))
        if found is None:
            return None
        guessed = _without_guesses(found.type.value_type, record)
        if guessed is not None:  # Arrow took text for instants: read it again, as text
            found = _parse(lines, guessed)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
        return None
    return None if found is None or _inexact(found) else found


def _line(body: bytes) -> bytes:
    body = body.strip()
    if body[:1] == b"{":
        body = b"[" + body + b"]"
    # Raw line ends are never inside a JSON text, and here they would end the row.
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
    # Arrow 26 builds a broken array from a list it has to guess the type of and that begins with null.
    table.validate()
    # A body that closed our wrapper early would show as a row too many or a second column.
    if table.num_rows != len(lines) or table.column_names != ["data"]:
        return None
    return pa.concat_arrays(table.column("data").chunks)


def _without_guesses(found: pa.DataType, record: pa.DataType) -> pa.DataType | None:
    """The type with text where Arrow guessed an instant; ``None`` if it guessed none."""
    texts = on_wire(found)
    return None if texts == found else merged(on_wire(record), texts)


def _inexact(found: pa.Array) -> bool:
    """Whether integers may have been rounded, as Arrow reads ``[2**53 + 1, 1.5]`` as floats."""
    if pa.types.is_floating(found.type):
        largest = pc.max(pc.abs(found)).as_py()
        return largest is not None and largest >= _EXACT
    if pa.types.is_nested(found.type):
        return any(
            _inexact(part) for part in (found.flatten() if pa.types.is_struct(found.type) else [found.flatten()])
        )
    return False
