"""How to declare an operation: once, as a typed function whose signature is the request.

The decorator reads path parameters, filters and their wire names from the signature, so nothing
about an operation is stated twice. A declaration fetches nothing: a call of a loader passes the
endpoint and the arguments to the school.
"""

import functools
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal, ParamSpec, Protocol

import pandas as pd
import pyarrow as pa

from ..errors import did_you_mean
from ..request import Paging, Scopes, listed, scopes_in_words

P = ParamSpec("P")

Ids = int | Iterable[int] | pd.Series | pd.DataFrame
"""One id, many, a Series of ids, or a frame that holds the id's column. Text if the vendor's file says that ids are."""
Id = int | pd.DataFrame
"""An id of something that a filter names, or a frame of one row that holds it, as :func:`hubmis_frames.find` gives."""
When = str | date | datetime
"""A date or an instant: ISO text, a ``date`` or a ``datetime``."""

PREFIX = "/api/v1/"  # the one path the document gives begins so; for the others it is inferred
YEAR = "academic_year_id"

# How long a response can be used, by how fast such records change in a school.
REFERENCE = timedelta(days=7)
PEOPLE = timedelta(days=1)
EVENTS = timedelta(hours=4)

_NOT_FILTERS = {"search": "search", "assessment_creation": "assessmentCreation", "custom_field_group_id": "groupId"}
_NOT_SENT = ("sort", "refresh")


class SchoolOrGroup(Protocol):
    """What a loader is called with: a school, or a group of schools."""

    def _load(self, endpoint: "Endpoint", arguments: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """Load every table of the response, by name; the operation's own table comes first."""


class WithTables(Protocol[P]):
    """A function that loads: call it for the frame, or its ``.tables`` for every table of the response."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> pd.DataFrame:
        """The operation's table."""

    def tables(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, pd.DataFrame]:
        """The operation's table and its child tables, by name."""


class Loader(WithTables[P], Protocol[P]):
    """The loader of one operation."""

    endpoint: "Endpoint"
    __name__: str


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation: its name in Python and on the wire."""

    name: str
    wire: str
    place: Literal["path", "query", "header"]
    kind: type  # int, str, bool, date, or datetime for an instant
    choices: tuple[str, ...] = ()
    """The texts that it takes; beside an id, if the kind is ``int``."""
    required: bool = False
    text_too: bool = False
    """Whether an id may be text, as the vendor's file says."""


@dataclass(frozen=True, eq=False)
class Endpoint:
    """Everything that we know about one operation."""

    table: str
    title: str
    section: str
    path: str
    record: pa.StructType
    key: str | None
    single: bool
    paging: Paging | None
    deprecated: bool
    expire_after: timedelta
    wrapper: str | None
    sorts: tuple[str, ...] | None
    checks: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    doc: str
    defaults: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    path_source: str = "inferred"
    sort_wires: Mapping[str, str] = field(default_factory=dict)
    attributes: bool = False
    """Whether records are JSON:API's, with their fields in ``attributes``."""
    scopes: Scopes = ()
    """The OAuth scopes that the document, or the vendor's file, says the operation takes."""
    scopes_with: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """The fewer scopes that are enough with some values of a filter."""
    realm_header: str = "Realm"
    asks: str = ""
    """The operation that it asks, if that has a table of its own already: see ``further``."""
    columns_too: tuple[str, ...] = ()
    """Parameters outside the path whose values are columns of the result too."""
    function: Callable[..., pd.DataFrame] | None = field(default=None, repr=False)

    @property
    def loader(self) -> str:
        """The name of the loader function."""
        return f"load_{self.asks or self.table}"

    @property
    def paged(self) -> bool:
        """Whether the operation sends its list in pages."""
        return self.paging is not None

    @property
    def can_be_followed(self) -> bool:
        """Whether there is a way to ask for all pages of the list."""
        return self.paging is None or self.paging.style != "first"

    @property
    def grain(self) -> str:
        """What one row is, from the first line of the docstring."""
        return self.doc.partition("one row per ")[2].partition(".")[0]

    @property
    def instead(self) -> str:
        """What to use in place of a deprecated operation, from its docstring."""
        return self.doc.partition("\n\n")[2].partition("\n\n")[0].replace("\n", " ") if self.deprecated else ""

    @property
    def fields_source(self) -> str:
        """Where the declared fields come from. The document shows only those of single records."""
        if self.path_source == "openapi":
            return "openapi"
        return "document" if self.single else "inferred"

    @property
    def scopes_needed(self) -> str:
        """The scopes that it takes, in words; empty if they are not known."""
        return scopes_in_words(self.scopes)

    @property
    def any_scopes(self) -> Scopes:
        """The sets of scopes with each of which it can be asked in some way."""
        return (*self.scopes, *(scopes for values in self.scopes_with.values() for scopes in values.values()))

    @property
    def fewer_scopes(self) -> str:
        """How to ask so that fewer scopes are enough, as a sentence; empty if there is no such way."""
        ways = [
            f"with {name}={value!r} {listed(scopes)}"
            for name, values in self.scopes_with.items()
            for value, scopes in values.items()
        ]
        return f"W{'; '.join(ways)[1:]} is enough." if ways else ""

    @property
    def path_ids(self) -> tuple[Parameter, ...]:
        """The path parameters, in the order of the path, then ``columns_too``. Each is a column of the result."""
        by_wire = {p.name: p for p in self.parameters if p.place == "path"}
        others = {p.name: p for p in self.parameters if p.place != "path"}
        names = re.findall(r"{(\w+)}", self.path)
        return (*(by_wire[name] for name in names), *(others[name] for name in self.columns_too))

    @property
    def year(self) -> tuple[Parameter, ...]:
        """The places in which the operation takes the academic year."""
        return tuple(p for p in self.parameters if p.name == YEAR)


CATALOGUE: dict[str, Endpoint] = {}
"""Every declared operation by the name of its table, in the order of declaration."""


@functools.cache
def listed_in() -> Mapping[str, str]:
    """The table that lists the values of each key and needs no id. Call it when all operations are declared."""
    tables = dict[str, str]()
    for endpoint in CATALOGUE.values():
        ids = [parameter for parameter in endpoint.path_ids if parameter.kind is int and parameter.name != YEAR]
        if endpoint.key and not endpoint.single and not endpoint.deprecated and not ids:
            tables.setdefault(endpoint.key, endpoint.table)
    return tables


@dataclass(frozen=True)
class Section:
    """A section of the document. As a decorator it declares one of the section's operations."""

    name: str

    def __call__(
        self,
        title: str,
        path: str,
        record: pa.StructType,
        *,
        key: str | None = None,
        single: bool = False,
        paged: bool = False,
        deprecated: bool = False,
        expire_after: timedelta = PEOPLE,
        wrapper: str | None = None,
        year: Mapping[Literal["header", "query"], str] | None = None,
        sorts: tuple[str, ...] | None = None,
        wire: Mapping[str, str] | None = None,
        defaults: Mapping[str, str] | None = None,
        checks: Mapping[str, str] | None = None,
        also: tuple[str, ...] = (),
        scopes: tuple[str, ...] = (),
        scopes_with: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None,
    ) -> Callable[[Callable[P, pd.DataFrame]], Loader[P]]:
        """Declare an operation.

        Parameters
        ----------
        title
            The document's title, exactly.
        path
            The path below ``/api/v1/`` with the Python names of its parameters in braces.
        record
            One record as the server sends it.
        key
            The name of the record's own ``id`` in every table; ``None`` if the record has no ``id``.
        single
            The server sends one record and not a list.
        paged
            The operation takes ``page[number]`` and ``page[size]``.
        deprecated
            The document calls the operation deprecated. One that has a successor is declared by
            :func:`deprecated_twin`.
        expire_after
            How long a cached response can be used.
        wrapper
            The field of the response that holds the list, if the response is an object around the list; if the list
            lies deeper, the names on the way joined by ``/``.
        year
            The header or query parameter that takes the academic year, if it is not part of the path.
        sorts
            The fields that the document names for sorting; ``()`` if it names none, ``None`` if the operation cannot
            sort.
        wire
            Wire names that do not follow from the Python name by rule.
        defaults
            Parameters that the document requires and a caller may leave out, each with the parameter whose value it
            takes then.
        checks
            The column that shows, for each date filter, whether the server applied it.
        also
            Other sections in which the document lists the operation.
        scopes
            The OAuth scopes that a call without filters takes, all of them, where the document names them.
        scopes_with
            The fewer scopes that are enough with some values of a filter.
        """

        def declare(function: Callable[P, pd.DataFrame]) -> Loader[P]:
            table = function.__name__.removeprefix("load_")
            endpoint = Endpoint(
                table=table,
                title=title,
                section=self.name,
                also=also,
                path=PREFIX + path,
                record=record,
                key=key,
                single=single,
                paging=Paging() if paged else None,
                deprecated=deprecated,
                expire_after=expire_after,
                wrapper=wrapper,
                sorts=sorts,
                checks=checks or {},
                parameters=tuple(_parameters(function, path, wire or {}, defaults or {}, year or {})),
                doc=inspect.getdoc(function) or "",
                defaults=defaults or {},
                scopes=(scopes,) if scopes else (),
                scopes_with=scopes_with or {},
                function=function,
            )
            return _declare(endpoint, function)

        return declare


def deprecated_twin(
    successor: Loader[P],
    path: str,
    *,
    title: str | None = None,
    record: pa.StructType | None = None,
    filters: tuple[str, ...] = (),
    **differences: Any,
) -> Loader[P]:
    """Declare a deprecated operation from the one that replaces it; its loader ends in ``_deprecated``.

    Parameters
    ----------
    successor
        The loader of the operation that replaces it. The twin takes the same arguments.
    path
        The path below ``/api/v1/``.
    title, record
        Where they are not those of the successor.
    filters
        The filters in the document's order, where it is another than the successor's.
    **differences
        Other fields of :class:`Endpoint` that differ.
    """
    old = successor.endpoint
    signature = inspect.signature(successor)
    reordered = iter(filters)
    names = [next(reordered) if name in filters else name for name in signature.parameters]

    def twin(*args: P.args, **kwargs: P.kwargs) -> pd.DataFrame:
        raise NotImplementedError("a declaration is never called")

    twin.__name__ = twin.__qualname__ = f"{successor.__name__}_deprecated"
    twin.__module__ = successor.__module__
    twin.__doc__ = f"{old.doc.splitlines()[0]}\n\nDeprecated: use ``{successor.__name__}``."
    twin.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[signature.parameters[name] for name in names]
    )
    endpoint = replace(
        old,
        table=f"{old.table}_deprecated",
        title=title or old.title,
        path=PREFIX + path,
        record=record or old.record,
        parameters=tuple(sorted(old.parameters, key=lambda parameter: names.index(parameter.name))),
        deprecated=True,
        doc=twin.__doc__,
        function=twin,
        **differences,
    )
    return _declare(endpoint, twin)


def _declare(endpoint: Endpoint, function: Callable[P, pd.DataFrame]) -> Loader[P]:
    CATALOGUE[endpoint.table] = endpoint
    # A star import of the module brings its loaders, and no record or import of it.
    vars(sys.modules[function.__module__]).setdefault("__all__", []).append(endpoint.loader)
    return _loader(function, endpoint)


def with_tables(load_tables: Callable[P, dict[str, pd.DataFrame]], load: Callable[P, pd.DataFrame]) -> WithTables[P]:
    """Give a function that loads one table the one that loads all, as its ``.tables``."""
    load.tables = load_tables  # type: ignore[attr-defined]
    return typing.cast(WithTables[P], load)


def _loader(function: Callable[P, pd.DataFrame], endpoint: Endpoint) -> Loader[P]:
    signature = inspect.signature(function)

    def load_tables(*args: P.args, **kwargs: P.kwargs) -> dict[str, pd.DataFrame]:
        if unknown := [name for name in kwargs if name not in signature.parameters]:
            names = list(signature.parameters)[1:]
            raise TypeError(
                f"{endpoint.loader} has no argument {unknown[0]!r}.{did_you_mean(unknown[0], names)} It takes "
                f"{', '.join(names)}."
            )
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        school, *_ = bound.arguments.values()
        if not hasattr(school, "_load"):
            raise TypeError(
                f"{endpoint.loader}: the first argument is the school, from hf.connect() or hf.demo(), "
                f"not a {type(school).__name__}."
            )
        arguments = dict(list(bound.arguments.items())[1:])
        for name, source in endpoint.defaults.items():
            if arguments[name] is None:
                arguments[name] = arguments[source]
        tables: dict[str, pd.DataFrame] = school._load(endpoint, arguments)
        return tables

    @functools.wraps(function)
    def load(*args: P.args, **kwargs: P.kwargs) -> pd.DataFrame:
        return load_tables(*args, **kwargs)[endpoint.table]

    functools.update_wrapper(load_tables, function)
    load.endpoint = endpoint  # type: ignore[attr-defined]
    return typing.cast(Loader[P], with_tables(load_tables, load))


def _parameters(
    function: Callable[..., Any],
    path: str,
    wire: Mapping[str, str],
    defaults: Mapping[str, str],
    year: Mapping[Literal["header", "query"], str],
) -> Iterable[Parameter]:
    _, *declared = inspect.signature(function).parameters.values()
    in_path = re.findall(r"{(\w+)}", path)
    for parameter in declared:
        name = parameter.name
        if name in _NOT_SENT:
            continue
        kind, choices = _kind(parameter.annotation)
        if name in in_path:
            yield Parameter(name, wire.get(name) or _path_name(parameter), "path", kind, choices, required=True)
        elif name != YEAR:
            required = parameter.default is inspect.Parameter.empty or name in defaults
            spelling = wire.get(name) or _wire_name(name)
            # The document's one range takes instants, its other bounds take dates.
            kind = date if kind is datetime and "dateTime" not in spelling else kind
            yield Parameter(name, spelling, "query", kind, choices, required)
        for place, called in year.items() if name == YEAR else ():
            yield Parameter(name, called, place, int)


def _path_name(parameter: inspect.Parameter) -> str:
    """``student_id`` -> ``id``: the document calls the id of any single record so."""
    return "id" if parameter.annotation == Ids else camel(parameter.name)


def _wire_name(name: str) -> str:
    """``year_group`` -> ``filter[yearGroup]``, ``date_time_from`` -> ``filter[dateTime][from]``."""
    if name in _NOT_FILTERS:
        return _NOT_FILTERS[name]
    if bound := re.fullmatch(r"date_time_(from|to)", name):
        return f"filter[dateTime][{bound[1]}]"
    return f"filter[{camel(name)}]"


def camel(name: str) -> str:
    """``year_group`` -> ``yearGroup``."""
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _kind(annotation: Any) -> tuple[type, tuple[str, ...]]:
    if annotation == Ids:
        return int, ()
    is_union = typing.get_origin(annotation) in (types.UnionType, typing.Union)
    options = typing.get_args(annotation) if is_union else (annotation,)
    choices = next((typing.get_args(option) for option in options if typing.get_origin(option) is Literal), ())
    for kind in (datetime, str, int):  # an id that may be text is text; a date may be given as text
        if kind in options:
            return kind, choices
    if choices:
        return str, choices
    (kind,) = (option for option in options if option is not types.NoneType)
    return kind, ()
