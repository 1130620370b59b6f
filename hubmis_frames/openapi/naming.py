"""Names that a file brings, as Python and our tables can carry them. They never hide a name of Python's or of ours."""

import functools
import keyword
import re
from collections.abc import Container

from ..frames import lay_out, singular
from ..operations import CATALOGUE
from ..operations.declaration import Endpoint

LONGEST = 60
_ARGUMENTS = frozenset(("school", "what", "refresh", "sort", "self"))
_BRACES = re.compile(r"{([^{}/]+)}")


def snake(name: str) -> str:
    """``filter[yearGroup]`` -> ``filter_year_group``, ``Year Group`` -> ``year_group``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[: 4 * LONGEST])
    return re.sub(r"[\W_]+", "_", spaced, flags=re.ASCII).strip("_").lower()[:LONGEST].strip("_")


def filter_name(name: str) -> str:
    """``filter_year_group`` -> ``year_group``, ``sort_last_name`` -> ``last_name``."""
    return re.sub(r"^(filter|sort)_(?=.)", "", name)


def argument_name(wire: str, place: str, path: str, taken: Container[str]) -> str:
    """The Python name of a parameter; one called ``id`` or by a number is named after the path before it."""
    whole = snake(wire)
    name = filter_name(whole)
    if place == "path" and (name in ("", "id") or name[0].isdigit()):
        before = path.partition(f"{{{wire}}}")[0].split("/")
        segment = next((part for part in reversed(before) if part and "{" not in part), "")
        name = f"{singular(snake(segment)) or 'record'}_id"
    for candidate in (name, whole):
        usable = _identifier(candidate, "parameter")
        if usable not in taken:
            return usable
    return _numbered(_identifier(whole, "parameter"), taken)


def table_name(title: str, taken: Container[str]) -> str:
    """The name of the table of an operation that only the file knows."""
    name = _identifier(snake(title), "operation")
    return _numbered(name, taken) if name in taken else name


def key_name(path: str, table: str) -> str:
    """What the id of a record is called: after the last part of the path that is no parameter."""
    last = next((part for part in reversed(path.split("/")) if part and "{" not in part), table)
    return f"{singular(_identifier(snake(last), table))}_id"


def python_path(path: str, names: dict[str, str]) -> str:
    """The path with the Python names of its parameters in braces."""
    return _BRACES.sub(lambda match: f"{{{names[match[1]]}}}" if match[1] in names else match[0], path)


def unfilled(path: str, names: dict[str, str]) -> list[str]:
    """The parameters of a path for which there is no name."""
    return [name for name in _BRACES.findall(path) if name not in names]


@functools.cache
def our_tables() -> frozenset[str]:
    """The names of all tables that our declarations make."""
    return frozenset(name for endpoint in CATALOGUE.values() for name in tables_of(endpoint))


def tables_of(endpoint: Endpoint) -> list[str]:
    """The names of the tables that an operation makes."""
    ids = tuple(parameter.name for parameter in endpoint.path_ids)
    return [table.name for table in lay_out(endpoint.table, endpoint.record, endpoint.key, ids).all()]


def _identifier(name: str, otherwise: str) -> str:
    if not name:
        return otherwise
    if name[0].isdigit():
        return f"{otherwise}_{name}"
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in _ARGUMENTS else name


def _numbered(name: str, taken: Container[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
