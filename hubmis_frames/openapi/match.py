"""Matching a file's operations with our declarations: by title, else by section and parameters."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from ..operations import CATALOGUE
from ..operations.declaration import Endpoint
from .document import Operation, WireParameter

_REALM = re.compile(r"(x|hubmis|wcbs|school)?realm(id|name|code|key)?")

Shape = tuple[str, frozenset[str]]


def matches(operations: Sequence[Operation]) -> Iterator[tuple[str, Operation]]:
    """Yield the table and the operation of each match.

    An operation is matched by its title and by whether it is deprecated, else by its section and the names of its
    parameters if no other operation on either side has the same.
    """
    by_title: dict[tuple[str, bool], list[Operation]] = defaultdict(list)
    for operation in operations:
        by_title[operation.title.casefold(), operation.deprecated].append(operation)
    unmatched = []
    used: set[int] = set()
    for endpoint in CATALOGUE.values():
        candidates = by_title.get((" ".join(endpoint.title.split()).casefold(), endpoint.deprecated), [])
        if len(candidates) > 1:
            candidates = [operation for operation in candidates if _shapes_in_file(operation) & _shapes(endpoint)]
        if len(candidates) == 1:
            used.add(id(candidates[0]))
            yield endpoint.table, candidates[0]
        else:
            unmatched.append(endpoint)
    declared = Counter((shape, endpoint.deprecated) for endpoint in unmatched for shape in _shapes(endpoint))
    by_shape: dict[tuple[Shape, bool], list[Operation]] = defaultdict(list)
    for operation in operations:
        if id(operation) not in used:
            for shape in _shapes_in_file(operation):
                by_shape[shape, operation.deprecated].append(operation)
    for endpoint in unmatched:
        alone = [shape for shape in _shapes(endpoint) if declared[shape, endpoint.deprecated] == 1]
        candidates = list({id(op): op for shape in alone for op in by_shape[shape, endpoint.deprecated]}.values())
        if len(candidates) == 1:
            yield endpoint.table, candidates[0]


def is_realm(parameter: WireParameter) -> bool:
    """Whether a parameter is the realm, which the connection sends, in whatever spelling."""
    plain = re.sub(r"[\W_]", "", parameter.name).casefold()
    return parameter.place == "header" and bool(_REALM.fullmatch(plain))


def plain_name(name: str) -> str:
    """A name without its spelling: ``filter[yearGroup]`` and ``year_group`` are ``yeargroup``."""
    return re.sub(r"^filter(?=\W)|[\W_]", "", name).casefold()


def _shapes_in_file(operation: Operation) -> set[Shape]:
    return _by_tag(operation.tags, (wire for wire in operation.parameters if not is_realm(wire)))


def _by_tag(tags: Iterable[str], parameters: Iterable[WireParameter]) -> set[Shape]:
    names = frozenset(plain_name(wire.name) for wire in parameters if not wire.name.casefold().startswith("sort"))
    return {(tag.casefold(), names) for tag in tags}


def _shapes(endpoint: Endpoint) -> set[Shape]:
    names = {plain_name(parameter.wire) for parameter in endpoint.parameters}
    names |= {plain_name(name) for name in (endpoint.paging.number, endpoint.paging.size)} if endpoint.paging else set()
    return {(section.casefold(), frozenset(names)) for section in (endpoint.section, *endpoint.also)}
