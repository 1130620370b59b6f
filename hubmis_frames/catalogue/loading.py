"""Load any GET operation by its title or path, including those that only the vendor's OpenAPI file has."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ..errors import BadArgumentError, did_you_mean
from ..group import Group
from ..operations.declaration import PREFIX, Endpoint, with_tables
from ..school import School
from .reference import known_endpoints, matches


def _load(
    school: School | Group, operation: str, /, *, refresh: bool = False, sort: str | None = None, **arguments: Any
) -> pd.DataFrame:
    """Load the table of an operation by its title or path. ``hf.load.tables`` returns its child tables too.

    Parameters
    ----------
    school : School or Group
        From ``hf.connect()``, ``hf.connect_group()`` or ``hf.demo()``.
    operation : str
        The document's title, a path, a table or a loader. If two operations have the same title, this loads the one
        that is not deprecated.
    refresh : bool
        Ask HUBmis even if the cache holds a response.
    sort : str
        A field to sort by. Put ``-`` in front to sort from high to low.
    **arguments
        Path parameters and filters by their Python names. An unknown one raises an error that names those that the
        operation takes.

    Returns
    -------
    DataFrame
        One row per record of the response, with the columns that the loader or the OpenAPI file declares.

    Raises
    ------
    BadArgumentError
        There is no such operation, or it does not take such an argument. Nothing was sent.
    HubmisError
        As for the loaders.
    """
    endpoint = find(school, operation)
    return _tables(school, endpoint, arguments, sort, refresh)[endpoint.table]


def _load_tables(
    school: School | Group, operation: str, /, *, refresh: bool = False, sort: str | None = None, **arguments: Any
) -> dict[str, pd.DataFrame]:
    """Load every table of an operation by its title or path. See :func:`hubmis_frames.load`."""
    return _tables(school, find(school, operation), arguments, sort, refresh)


_load.__name__ = _load.__qualname__ = "load"
_load_tables.__name__ = _load_tables.__qualname__ = "tables"
load = with_tables(_load_tables, _load)


def _tables(
    school: School | Group, endpoint: Endpoint, arguments: Mapping[str, Any], sort: str | None, refresh: bool
) -> dict[str, pd.DataFrame]:
    names = dict.fromkeys(parameter.name for parameter in endpoint.parameters)
    if unknown := [name for name in arguments if name not in names]:
        raise BadArgumentError(
            f"{endpoint.title}: there is no argument {unknown[0]}.{did_you_mean(unknown[0], names)} It takes "
            f"{', '.join(names) or 'none'}."
        )
    values = {name: arguments.get(name) for name in names}
    return school._load(endpoint, {**values, "sort": sort, "refresh": refresh})


def find(school: School | Group, operation: str) -> Endpoint:
    """Find an operation by its title, path, table or loader."""
    if not isinstance(school, School | Group):
        raise TypeError(
            "load: the first argument is the school, from hf.connect() or hf.demo(), and the second is the operation, "
            f"as in hf.load(school, {operation!r}). The first one here is a {type(school).__name__}."
        )
    endpoints = known_endpoints(school)
    wanted = " ".join(operation.split()).casefold()
    named = [endpoint for endpoint in endpoints if wanted in _names(endpoint)]
    for endpoint in sorted(named, key=lambda endpoint: endpoint.deprecated):
        return endpoint
    raise BadArgumentError(
        f"No operation has the title or path {operation!r}.{_suggestion(wanted, endpoints)} hf.endpoints(school) lists "
        'all, and hf.endpoints(school, search="...") those with some words.'
    )


def _names(endpoint: Endpoint) -> set[str]:
    by_wire = endpoint.path.format(**{p.name: f"{{{p.wire}}}" for p in endpoint.path_ids})
    names = (endpoint.title, endpoint.table, endpoint.loader, endpoint.path, by_wire, by_wire.removeprefix(PREFIX))
    return {name.casefold() for name in names}


def _suggestion(wanted: str, endpoints: Sequence[Endpoint]) -> str:
    """Name operations that are spelled alike, else those that match a search for the same words."""
    current = [endpoint for endpoint in endpoints if not endpoint.deprecated]
    titles = {name: endpoint.title for endpoint in current for name in _names(endpoint)}
    alike = [titles[name] for name in difflib.get_close_matches(wanted, titles, 3)]
    found = alike or [endpoint.title for endpoint in current if matches(endpoint, wanted)]
    quoted = [f'"{title}"' for title in dict.fromkeys(found)]
    return f" Did you mean {' or '.join(quoted[:3])}?" if quoted else ""
