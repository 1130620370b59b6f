"""The catalogue of operations and each loader's reference, both made from the declarations alone."""

import textwrap
from datetime import datetime
from types import ModuleType

import pandas as pd
import pyarrow as pa

from ..errors import BadArgumentError
from ..frames import Table, final_type, lay_out
from ..operations.declaration import CATALOGUE, YEAR, Endpoint, Parameter
from ..school import School

API = "HUBmis API 1.2.0"


def endpoints(school: School | None = None) -> pd.DataFrame:
    """List every operation: one row per operation of the document.

    Parameters
    ----------
    school
        With a school that has the vendor's OpenAPI file: the operations as the file has them, and those
        that only the file knows. Operations that it does not have keep their inferred path and cannot be called.

    Returns
    -------
    DataFrame
        ``loader``, ``title`` (the document's), ``deprecated``, ``section``, ``path``, ``path_source``
        (``document``, ``inferred`` or ``openapi``), ``fields_source`` (the same; the document shows the
        fields of single records alone), ``paged``, ``key`` (the column with a row's own id, or missing),
        ``grain`` (what one row is), ``instead`` (what to use for a deprecated one), ``ids`` (what has to
        be given), ``filters``, ``tables`` (the operation's table and its child tables) and
        ``cached_hours`` (how long an answer stays good).
    """
    if isinstance(school, str):
        raise BadArgumentError(
            f"endpoints() lists all, as a frame to search; 'hubmis-frames endpoints {school}' searches."
        )
    spec = school._fetcher.spec if school else None
    known = [spec.endpoints.get(endpoint.table, endpoint) if spec else endpoint for endpoint in CATALOGUE.values()]
    known += spec.others.values() if spec else []
    frame = pd.DataFrame([_row(endpoint) for endpoint in known])
    return frame.astype({"deprecated": "boolean", "paged": "boolean"})


def describe(loader: str) -> str:
    """Write the reference of a loader, as ``help()`` shows it."""
    endpoint = CATALOGUE[loader.removeprefix("load_")]
    first, _, more = endpoint.doc.partition("\n")
    parts = [
        first,
        textwrap.dedent(more).strip(),
        _parameters(endpoint),
        _returns(endpoint),
        _RAISES,
        _source(endpoint),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def document(module: ModuleType) -> None:
    """Give every loader of a module its reference as docstring."""
    for endpoint in CATALOGUE.values():
        getattr(module, endpoint.loader).__doc__ = describe(endpoint.loader)


def _row(endpoint: Endpoint) -> dict[str, object]:
    ids = [p.name for p in endpoint.path_ids]
    filters = dict.fromkeys(p.name for p in endpoint.parameters if p.name not in ids)
    return {
        "loader": endpoint.loader,
        "title": endpoint.title,
        "deprecated": endpoint.deprecated,
        "section": endpoint.section,
        "path": endpoint.path,
        "path_source": endpoint.path_source,
        "fields_source": endpoint.fields_source,
        "paged": endpoint.paged,
        "key": endpoint.key,
        "grain": endpoint.grain,
        "instead": endpoint.instead,
        "ids": ", ".join(ids),
        "filters": ", ".join(filters),
        "tables": ", ".join(table.name for table in _tables(endpoint)),
        "cached_hours": endpoint.expire_after.total_seconds() / 3600,
    }


def _tables(endpoint: Endpoint) -> list[Table]:
    ids = tuple(p.name for p in endpoint.path_ids)
    return list(lay_out(endpoint.table, endpoint.record, endpoint.key, ids).all())


def _parameters(endpoint: Endpoint) -> str:
    lines = ["Parameters", "----------", "school : School or Group", f"    From {_FROM}."]
    for parameter in {p.name: p for p in endpoint.parameters}.values():
        lines += [f"{parameter.name} : {_kind(parameter)}", f"    {_meaning(parameter)}"]
    if endpoint.sorts is not None:
        fields = f"One of {', '.join(endpoint.sorts)}." if endpoint.sorts else "The document names no fields."
        lines += ["sort : str", f"    A field to sort by, with ``-`` in front to turn it round. {fields}"]
    lines += ["refresh : bool", "    Ask HUBmis, whatever the cache holds."]
    return "\n".join(lines)


def _kind(parameter: Parameter) -> str:
    if parameter.choices:
        return f"{{{', '.join(map(repr, parameter.choices))}}}"
    if parameter.place == "path" and parameter.kind is int and parameter.name != YEAR:
        return "int, several, Series or DataFrame"
    return _KINDS.get(parameter.kind, "date, datetime or ISO text")


def _meaning(parameter: Parameter) -> str:
    if parameter.name == YEAR:
        return "The academic year; the active one unless given."
    if parameter.place == "path" and parameter.kind is int:
        return f"One id, many, a Series of ids, or a frame with the column ``{parameter.name}``."
    if parameter.place == "path":
        return "Which of the lists."
    inclusive = (
        " Inclusive: a date, or midnight without a zone, means the whole day." if parameter.kind is datetime else ""
    )
    return f"{'An id, sent' if parameter.kind is int else 'Sent'} as ``{parameter.wire}``.{inclusive}"


def _returns(endpoint: Endpoint) -> str:
    ids = {p.name: pa.int64() if p.kind is int else pa.string() for p in endpoint.path_ids}
    lines = ["Returns", "-------", "DataFrame", f"    One row per {endpoint.grain}."]
    for number, table in enumerate(_tables(endpoint)):
        if number:
            lines.append(f"    ``.tables`` gives ``{table.name}`` as well:")
        columns = [f"{key} ({_dtype(ids.get(key, pa.int64()))})" for key in table.keys]
        columns += [f"{column.name} ({_dtype(final_type(column.type))})" for column in table.columns]
        lines.append(_filled(", ".join(columns) + ".", 96, " " * 8))
    return "\n".join(lines)


def _dtype(type_: pa.DataType) -> str:
    if pa.types.is_timestamp(type_):
        return "UTC instant" if type_.tz else "date"
    return {pa.int64(): "Int64", pa.bool_(): "boolean", pa.string(): "text", pa.float64(): "number"}.get(type_, "time")


_FROM = "``hf.connect()``, ``hf.connect_group()`` or ``hf.demo()``"
_KINDS = {int: "int", bool: "bool", str: "str"}
_RAISES = """Raises
------
BadArgumentError
    An argument is not what the document allows; nothing was sent.
NotPermittedError
    The account may not read this. It does not mean that there are no rows.
IncompleteError
    Some of many requests failed; ``.tables`` holds the rest and ``.failed`` the ids.
HubmisError
    No usable answer; the message says what to do."""


def _source(endpoint: Endpoint) -> str:
    fields = {
        "document": "Its fields are the document's, what lies inside nested ones is inferred",
        "inferred": "Its fields are inferred, as the document shows none",
        "openapi": "Its fields are those of the OpenAPI file",
    }[endpoint.fields_source]
    note = (
        f'Source: "{endpoint.title}"{" (deprecated)" if endpoint.deprecated else ""} in the section {endpoint.section} '
        f"of the {API}. Asked at ``{endpoint.path}`` (path {endpoint.path_source}). {fields}. An answer stays good for "
        f"{endpoint.expire_after.total_seconds() / 3600:.0f} hours."
    )
    return "Notes\n-----\n" + _filled(note, 100)


def _filled(text: str, width: int, indent: str = "") -> str:
    # To look for hyphens takes half the time, and each import does this for every loader.
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
