"""How an operation is declared: once, as a typed function whose signature is the request.

The decorator reads path parameters, filters and their wire names off the signature, so nothing
about an operation is stated twice. A declaration fetches nothing: calling a loader hands the
endpoint and the arguments to the school.
"""

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, ParamSpec, Protocol

import pandas as pd
import pyarrow as pa

from ..errors import did_you_mean
from ..request import FOLLOWED, Paging

P = ParamSpec("P")

Ids = int | Iterable[int] | pd.Series | pd.DataFrame
"""One id, many, a Series of ids, or a frame that holds the id's column."""
When = str | date | datetime
"""A date or an instant: ISO text, a ``date`` or a ``datetime``."""

PREFIX = "/api/v1/"  # the one path the document gives begins so; for the others it is inferred
YEAR = "academic_year_id"

# How long an answer stays good, by how fast its kind of thing changes in a school.
REFERENCE = timedelta(days=7)
PEOPLE = timedelta(days=1)
EVENTS = timedelta(hours=4)

_NOT_FILTERS = {"search": "search", "assessment_creation": "assessmentCreation", "custom_field_group_id": "groupId"}
_NOT_SENT = ("sort", "refresh")


class SchoolOrGroup(Protocol):
    """What a loader is called with: a school, or a group of schools."""

    def _load(self, endpoint: "Endpoint", arguments: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """Every table of the response by name, the operation's own table first."""


class Loader(Protocol[P]):
    """A loader function: call it for the frame, or ``.tables`` for every table of the response."""

    endpoint: "Endpoint"
    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> pd.DataFrame:
        """The operation's table."""

    def tables(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, pd.DataFrame]:
        """The operation's table and its child tables, by name."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation: its name in Python and on the wire."""

    name: str
    wire: str
    place: Literal["path", "query", "header"]
    kind: type  # int, str, bool, date, or datetime for an instant
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, eq=False)
class Endpoint:
    """Everything that is known of one operation."""

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
    also: tuple[str, ...] = ()
    path_source: str = "inferred"
    sort_wires: Mapping[str, str] = field(default_factory=dict)
    attributes: bool = False
    """Whether records are JSON:API's, with their fields in ``attributes``."""
    scopes: tuple[str, ...] = ()
    """The OAuth scopes that the vendor's file says the operation takes."""
    realm_header: str = "Realm"
    function: Callable[..., pd.DataFrame] | None = field(default=None, repr=False)

    @property
    def loader(self) -> str:
        """The name of the loader function."""
        return f"load_{self.table}"

    @property
    def paged(self) -> bool:
        """Whether the operation answers page by page."""
        return self.paging is not None

    @property
    def can_be_followed(self) -> bool:
        """Whether all pages of the list can be read."""
        return self.paging is None or self.paging.style in FOLLOWED

    @property
    def grain(self) -> str:
        """What one row is, as the docstring's first line says it."""
        return self.doc.partition("one row per ")[2].partition(".")[0]

    @property
    def instead(self) -> str:
        """What a deprecated operation's docstring says to use instead."""
        return self.doc.partition("\n\n")[2].partition("\n\n")[0].replace("\n", " ") if self.deprecated else ""

    @property
    def fields_source(self) -> str:
        """Where the declared fields come from: the document shows those of single records alone."""
        if self.path_source == "openapi":
            return "openapi"
        return "document" if self.single else "inferred"

    @property
    def path_ids(self) -> tuple[Parameter, ...]:
        """The path parameters in the path's order, each a column of the result."""
        by_wire = {p.name: p for p in self.parameters if p.place == "path"}
        return tuple(by_wire[name] for name in re.findall(r"{(\w+)}", self.path))

    @property
    def year(self) -> tuple[Parameter, ...]:
        """The places in which the operation takes the academic year."""
        return tuple(p for p in self.parameters if p.name == YEAR)


CATALOGUE: dict[str, Endpoint] = {}
"""Every declared operation by the name of its table, in the order of declaration."""


@functools.cache
def listed_in() -> Mapping[str, str]:
    """The table that lists the values of each key and is asked by no id; to be called once all is declared."""
    found = dict[str, str]()
    for endpoint in CATALOGUE.values():
        asked_by = [parameter for parameter in endpoint.path_ids if parameter.kind is int and parameter.name != YEAR]
        if endpoint.key and not endpoint.single and not endpoint.deprecated and not asked_by:
            found.setdefault(endpoint.key, endpoint.table)
    return found


@dataclass(frozen=True)
class Section:
    """A section of the document; called as a decorator, it declares one of its operations."""

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
    ) -> Callable[[Callable[P, pd.DataFrame]], Loader[P]]:
        """Declare an operation.

        Parameters
        ----------
        title
            The document's title, exactly.
        path
            The path below ``/api/v1/`` with the Python names of its parameters in braces.
        record
            One record as it comes over the wire.
        key
            What the record's own ``id`` is called in every table; ``None`` where it has none.
        single
            The operation answers with one record and not with a list.
        paged
            The operation takes ``page[number]`` and ``page[size]``.
        expire_after
            How long a cached answer stays good.
        wrapper
            The field of the answer that holds the list, where the answer is an object around it; where the list
            lies deeper, the names on the way joined by ``/``.
        year
            Where else than in the path the academic year goes, and its name there.
        sorts
            The fields the document names to sort by; ``()`` where it names none.
        wire
            Wire names that do not follow from the Python name by rule.
        defaults
            Parameters the document requires that may be left out here, and the one whose value they take.
        checks
            The column in which a date filter shows whether the server obeyed it.
        also
            Other sections under which the document lists the operation.
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
                function=function,
            )
            CATALOGUE[table] = endpoint
            # A star import of the module brings its loaders, and no record or import of it.
            function.__globals__.setdefault("__all__", []).append(function.__name__)
            return _loader(function, endpoint, defaults or {})

        return declare


def _loader(function: Callable[P, pd.DataFrame], endpoint: Endpoint, defaults: Mapping[str, str]) -> Loader[P]:
    signature = inspect.signature(function)

    def load_all(*args: P.args, **kwargs: P.kwargs) -> dict[str, pd.DataFrame]:
        if unknown := [name for name in kwargs if name not in signature.parameters]:
            known = list(signature.parameters)[1:]
            raise TypeError(
                f"{function.__name__} has no argument {unknown[0]!r}.{did_you_mean(unknown[0], known)} It takes "
                f"{', '.join(known)}."
            )
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        school, *_ = bound.arguments.values()
        if not hasattr(school, "_load"):
            raise TypeError(
                f"{function.__name__}: the first argument is the school, from hf.connect() or hf.demo(), "
                f"not a {type(school).__name__}."
            )
        arguments = dict(list(bound.arguments.items())[1:])
        for name, source in defaults.items():
            if arguments[name] is None:
                arguments[name] = arguments[source]
        tables: dict[str, pd.DataFrame] = school._load(endpoint, arguments)
        return tables

    @functools.wraps(function)
    def load(*args: P.args, **kwargs: P.kwargs) -> pd.DataFrame:
        return load_all(*args, **kwargs)[endpoint.table]

    functools.update_wrapper(load_all, function)
    load.tables = load_all  # type: ignore[attr-defined]
    load.endpoint = endpoint  # type: ignore[attr-defined]
    return typing.cast(Loader[P], load)


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
    """``student_id`` -> ``id``, as the document calls the one record asked about, whatever it is."""
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
    for option in options:
        if typing.get_origin(option) is Literal:
            return str, typing.get_args(option)
    if datetime in options:
        return datetime, ()
    (kind,) = (option for option in options if option is not types.NoneType)
    return kind, ()
