"""The list of operations and the docstring of each loader, both made from the declarations."""

import functools
import re
import textwrap
from datetime import date, datetime
from types import ModuleType

import pandas as pd
import pyarrow as pa

from ..errors import BadArgumentError
from ..frames import TableLayout, final_type, lay_out
from ..group import Group
from ..operations.declaration import CATALOGUE, YEAR, Endpoint, Parameter
from ..school import School
from ..words import meanings

API = "HUBmis API 1.2.0"


def endpoints(school: School | Group | None = None, *, search: str | None = None) -> pd.DataFrame:
    """List the operations: one row per operation of the document.

    Parameters
    ----------
    school
        A school that has the vendor's OpenAPI file. The list then shows the operations as the file describes them,
        and adds those that only the file has. An operation that the file does not have keeps its inferred path, and
        its loader raises an error.
    search
        Words that must all occur in the title, the section, the name of the table, the grain or the columns of an
        operation, in upper or lower case: ``hf.endpoints(search="date of birth")``. Words of a school find what HUBmis
        calls otherwise: ``"parent"`` finds contacts, ``"SEN"`` learning support.

    Returns
    -------
    DataFrame
        ``loader``, ``title`` (the document's), ``deprecated``, ``section``, ``path``, ``path_source``
        (``document``, ``inferred`` or ``openapi``), ``fields_source`` (the same; the document shows the
        fields of single records only), ``paged``, ``key`` (the column with a row's own id, or missing),
        ``grain`` (what one row is), ``instead`` (what replaces a deprecated operation), ``ids`` (the ids that a call
        needs), ``filters``, ``tables`` (the operation's table and its child tables), ``cached_hours`` (how long a
        cached response is used) and ``scopes`` (those that a client needs, ``a and b, or c``; empty if neither the
        document nor the file says).

    Raises
    ------
    BadArgumentError
        ``school`` is text, or ``search`` is not.
    """
    if isinstance(school, str):
        raise BadArgumentError(f"endpoints: to search, write hf.endpoints(search={school!r}).")
    if search is not None and not isinstance(search, str):
        raise BadArgumentError(f"endpoints: search takes text, not {search!r}.")
    rows = [_row(endpoint) for endpoint in known_endpoints(school) if search is None or matches(endpoint, search)]
    frame = pd.DataFrame(rows, columns=list(_row(next(iter(CATALOGUE.values())))))
    return frame.astype({"deprecated": "boolean", "paged": "boolean"})


def known_endpoints(school: School | Group | None = None) -> list[Endpoint]:
    """The declared operations as a school's OpenAPI file has them, then those that only the file has."""
    one = next(iter(school), None) if isinstance(school, Group) else school
    spec = one._fetcher.spec if one else None
    if not spec:
        return list(CATALOGUE.values())
    return [*(spec.endpoints.get(table, endpoint) for table, endpoint in CATALOGUE.items()), *spec.others.values()]


def matches(endpoint: Endpoint, words: str) -> bool:
    """Whether all words, or what they mean in HUBmis, begin words in the title, section, loader, grain or columns."""
    text = _searched(endpoint)
    return all(
        any(f" {meant}" in text for meant in (word, *(meaning.rstrip("s") for meaning in meanings(word))))
        for word in _words(words).split()
    )


@functools.cache
def _searched(endpoint: Endpoint) -> str:
    columns = [name for table in _tables(endpoint) for name in (table.name, *(column.name for column in table.columns))]
    parts = [endpoint.title, endpoint.section, *endpoint.also, endpoint.loader, endpoint.grain, *columns]
    return f" {_words(' '.join(parts))}"


def _words(text: str) -> str:
    """Small letters, and a space between words; the hyphen of e-mail stays."""
    return re.sub(r"[^\w-]+|_", " ", text.casefold())


def describe(loader: str) -> str:
    """Write the docstring of a loader, as ``help()`` shows it."""
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
    """Give every loader of a module its docstring."""
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
        "scopes": endpoint.scopes_needed,
    }


def _tables(endpoint: Endpoint) -> list[TableLayout]:
    ids = tuple(p.name for p in endpoint.path_ids)
    return list(lay_out(endpoint.table, endpoint.record, endpoint.key, ids).all())


def _parameters(endpoint: Endpoint) -> str:
    lines = ["Parameters", "----------", "school : School or Group", f"    From {_FROM}."]
    for parameter in {p.name: p for p in endpoint.parameters}.values():
        lines += [f"{parameter.name} : {_argument_type(parameter)}", f"    {_meaning(parameter)}"]
    if endpoint.sorts is not None:
        fields = f"One of {', '.join(endpoint.sorts)}." if endpoint.sorts else "The document names no fields."
        lines += ["sort : str", f"    A field to sort by. Put ``-`` in front to sort from high to low. {fields}"]
    lines += ["refresh : bool", "    Ask HUBmis even if the cache holds a response."]
    return "\n".join(lines)


def _argument_type(parameter: Parameter) -> str:
    if parameter.choices:
        words = f"{{{', '.join(map(repr, parameter.choices))}}}"
        return f"{words}, {_ARGUMENT_TYPES[int]}" if parameter.kind is int else words
    if parameter.place == "path" and parameter.kind is int and parameter.name != YEAR:
        return "int, iterable of int, Series or DataFrame"
    return _ARGUMENT_TYPES.get(parameter.kind, "date, datetime or ISO text")


def _meaning(parameter: Parameter) -> str:
    if parameter.name == YEAR:
        return "The id of the academic year. The default is the active year."
    if parameter.place == "path" and parameter.kind is int:
        return f"One id, several ids, a Series of ids, or a frame with the column ``{parameter.name}``."
    if parameter.place == "path":
        return "Which of the lists to load."
    if parameter.kind in (date, datetime) and parameter.name.endswith(("_from", "_to")):
        end = "first" if parameter.name.endswith("_from") else "last"
        whole = " A day without a time is the whole day, in UTC." if parameter.kind is datetime else ""
        return f"The {end} day or instant, inclusive.{whole} Sent as ``{parameter.wire}``."
    what = "An id, or a frame of one row that holds it, sent" if parameter.kind is int else "Sent"
    return f"{what} as ``{parameter.wire}``."


def _returns(endpoint: Endpoint) -> str:
    ids = {p.name: pa.int64() if p.kind is int else pa.string() for p in endpoint.path_ids}
    lines = ["Returns", "-------", "DataFrame", f"    One row per {endpoint.grain}."]
    for number, table in enumerate(_tables(endpoint)):
        if number:
            lines.append(f"    ``.tables`` also returns ``{table.name}``:")
        columns = [f"{key} ({_dtype(ids.get(key, pa.int64()))})" for key in table.keys]
        columns += [f"{column.name} ({_dtype(final_type(column.type))})" for column in table.columns]
        lines.append(_filled(", ".join(columns) + ".", 96, " " * 8))
    return "\n".join(lines)


def _dtype(type_: pa.DataType) -> str:
    if pa.types.is_timestamp(type_):
        return "UTC instant" if type_.tz else "date"
    return {pa.int64(): "Int64", pa.bool_(): "boolean", pa.string(): "text", pa.float64(): "number"}.get(type_, "time")


_FROM = "``hf.connect()``, ``hf.connect_group()`` or ``hf.demo()``"
_ARGUMENT_TYPES = {int: "int or DataFrame", bool: "bool", str: "str"}
_RAISES = """Raises
------
BadArgumentError
    The document does not allow an argument. Nothing was sent.
NotPermittedError
    The account may not read this. It does not mean that there are no rows.
IncompleteError
    Some of several requests failed. Its ``.tables`` holds the other rows, its ``.failed`` the ids.
HubmisError
    No usable response arrived. The message says what to do."""


def _source(endpoint: Endpoint) -> str:
    fields = {
        "document": "Its fields are the document's; the fields of nested objects are inferred",
        "inferred": "Its fields are inferred, because the document shows none",
        "openapi": "Its fields are those of the OpenAPI file",
    }[endpoint.fields_source]
    note = (
        f'Source: "{endpoint.title}"{" (deprecated)" if endpoint.deprecated else ""} in the section {endpoint.section} '
        f"of the {API}. Path: ``{endpoint.path}`` ({endpoint.path_source}). {fields}. A cached response is used for "
        f"{endpoint.expire_after.total_seconds() / 3600:.0f} hours.{_scopes(endpoint)}"
    )
    return "Notes\n-----\n" + _filled(note, 100)


def _scopes(endpoint: Endpoint) -> str:
    if not endpoint.scopes:
        return ""
    return f" The client needs the scopes {endpoint.scopes_needed}. {endpoint.fewer_scopes}".rstrip()


def _filled(text: str, width: int, indent: str = "") -> str:
    # Looking for hyphens would double the time, and each import does this for every loader.
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
