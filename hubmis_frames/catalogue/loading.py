"""Loading any GET operation by its title or path, those included that only the vendor's OpenAPI file knows."""

import difflib
from typing import Any

import pandas as pd

from ..errors import BadArgumentError, did_you_mean
from ..operations.declaration import CATALOGUE, Endpoint
from ..school import School


def load(
    school: School, what: str, /, *, refresh: bool = False, sort: str | None = None, **arguments: Any
) -> pd.DataFrame:
    """Load the table of an operation that is found by its title or path.

    Parameters
    ----------
    school
        From ``hf.connect()`` or ``hf.demo()``.
    what
        The document's title, a path, a table or a loader. Of two operations with the same title, the
        one that is not deprecated is meant.
    refresh
        Ask HUBmis, whatever the cache holds.
    sort
        A field to sort by, with ``-`` in front to turn it round.
    **arguments
        Path parameters and filters by their Python names; an error names those that the operation takes.

    Returns
    -------
    DataFrame
        One row per record of the answer, in the columns that the loader or the OpenAPI file declares.

    Raises
    ------
    BadArgumentError
        There is no such operation, or it does not take such an argument; nothing was sent.
    HubmisError
        As the loaders.
    """
    return load_tables(school, what, refresh=refresh, sort=sort, **arguments)[find(school, what).table]


def load_tables(
    school: School, what: str, /, *, refresh: bool = False, sort: str | None = None, **arguments: Any
) -> dict[str, pd.DataFrame]:
    """Load every table of an operation that is found by its title or path. See :func:`load`."""
    endpoint = find(school, what)
    known = dict.fromkeys(parameter.name for parameter in endpoint.parameters)
    if unknown := [name for name in arguments if name not in known]:
        raise BadArgumentError(
            f"{endpoint.title}: there is no argument {unknown[0]}.{did_you_mean(unknown[0], known)} It takes "
            f"{', '.join(known) or 'none'}."
        )
    given = {parameter: arguments.get(parameter) for parameter in known}
    return school._load(endpoint, {**given, "sort": sort, "refresh": refresh})


def find(school: School, what: str) -> Endpoint:
    """Find an operation by its title, path, table or loader."""
    spec = school._fetcher.spec
    known = [*spec.endpoints.values(), *spec.others.values()] if spec else list(CATALOGUE.values())
    wanted = " ".join(what.split()).casefold()
    found = [each for each in known if wanted in _names(each)]
    for endpoint in sorted(found, key=lambda each: each.deprecated):
        return endpoint
    titles = {name: each.title for each in known for name in (each.title.casefold(), each.table)}
    near = difflib.get_close_matches(wanted, titles, 1)
    hint = f' Did you mean "{titles[near[0]]}"?' if near else ""
    raise BadArgumentError(f"No operation has the title or path {what!r}.{hint} hf.endpoints(school) lists them all.")


def _names(endpoint: Endpoint) -> set[str]:
    by_wire = endpoint.path.format(**{p.name: f"{{{p.wire}}}" for p in endpoint.path_ids})
    return {name.casefold() for name in (endpoint.title, endpoint.table, endpoint.loader, endpoint.path, by_wire)}
