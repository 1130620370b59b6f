"""From a request line to the operation and its arguments; requests that the document does not allow are refused."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from hubmis_frames.operations.declaration import YEAR, Endpoint, Parameter

from .rows import Row
from .rules import HttpStatusError, Rules
from .store import Store, kind_of_id

SORT = re.compile(r"sort\[(\w+)]")


@dataclass(frozen=True)
class Query:
    """A request for an operation: path ids, filters and sorts by their Python names."""

    endpoint: Endpoint
    path: Row
    year: int
    filters: Row
    statuses: frozenset[str]  # the enrolment statuses in a list of students
    sorts: tuple[tuple[str, bool], ...]  # a field, and whether it is descending
    page: int | None
    size: int | None


class Routes:
    """The paths of all declared operations."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        # A path without ids is tried before one with ids: "past" in students/past is not a student's id.
        listed = sorted(endpoints, key=lambda endpoint: len(endpoint.path_ids))
        self._patterns = [
            (re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", endpoint.path)), endpoint) for endpoint in listed
        ]

    def find(self, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """Return the operation at a path and its ids as text."""
        for pattern, endpoint in self._patterns:
            if match := pattern.fullmatch(path):
                return endpoint, {name: unquote(text) for name, text in match.groupdict().items()}
        return None


def parse(
    endpoint: Endpoint, ids: Mapping[str, str], query: str, headers: Mapping[str, str], store: Store, rules: Rules
) -> Query:
    """Return the parsed request, or refuse it as the server would."""
    path = {parameter.name: _path_value(parameter, ids[parameter.name], store) for parameter in endpoint.path_ids}
    by_wire_name = {parameter.wire: parameter for parameter in endpoint.parameters if parameter.place == "query"}
    filters: Row = {}
    sorts: list[tuple[str, bool]] = []
    fields = {wire: field for field, wire in endpoint.sort_wires.items()}
    number, size, *_ = endpoint.paging or ("", "")
    paging: dict[str, int] = {}
    for wire, text in parse_qsl(query, keep_blank_values=True):
        if wire in by_wire_name:
            filters[by_wire_name[wire].name] = _value(by_wire_name[wire], text)
        elif wire in (number, size):
            if not text.isdecimal():
                raise HttpStatusError(422, "The given data was invalid.", {wire: "must be a whole number"})
            paging[wire] = int(text)
        elif (sort := SORT.fullmatch(wire)) and endpoint.sorts is not None:
            sorts.append(_sort(endpoint, fields.get(wire, sort[1]), text))
        elif rules.strict_query:
            raise HttpStatusError(400, f"{wire} is not a parameter of {endpoint.title!r}.")
    for wire, parameter in by_wire_name.items():
        if parameter.required and parameter.name not in filters:
            raise HttpStatusError(422, "The given data was invalid.", {wire: "is required"})
    if not paging.get(size, 1):
        raise HttpStatusError(422, "The given data was invalid.", {size: "must be at least 1"})
    year = path.get(YEAR) or filters.pop(YEAR, None) or _header_year(endpoint, headers) or store.active
    if year not in store.rows("academic_year"):
        raise HttpStatusError(422, "The given data was invalid.", {YEAR: "is not an academic year"})
    status = filters.get("enrolment_status")
    statuses = frozenset({status}) if status else rules.statuses
    return Query(endpoint, path, year, filters, statuses, tuple(sorts), paging.get(number), paging.get(size))


def _path_value(parameter: Parameter, text: str, store: Store) -> Any:
    if parameter.choices:
        if text in parameter.choices:
            return text
    elif text.isdecimal() and int(text) in store.rows(kind_of_id(parameter.name)):
        return int(text)
    raise HttpStatusError(404, f"No {kind_of_id(parameter.name).replace('_', ' ')} {text}.")


def _header_year(endpoint: Endpoint, headers: Mapping[str, str]) -> int | None:
    for parameter in endpoint.year:
        if parameter.place == "header" and (text := headers.get(parameter.wire)):
            return int(_value(parameter, text))
    return None


def _value(parameter: Parameter, text: str) -> Any:
    """Convert a parameter's text to the type that the document declares."""
    problem = f"must be {'one of ' + ', '.join(parameter.choices) if parameter.choices else parameter.kind.__name__}"
    if text in parameter.choices:
        return text
    if parameter.choices and parameter.kind is str:
        pass
    elif parameter.kind is bool:
        if text in ("true", "false", "1", "0"):
            return text in ("true", "1")
    elif parameter.kind is int:
        if re.fullmatch(r"-?\d{1,18}", text):
            return int(text)
    elif parameter.kind in (date, datetime):
        try:
            datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return text
    else:
        return text
    raise HttpStatusError(422, "The given data was invalid.", {parameter.wire: problem})


def _sort(endpoint: Endpoint, field: str, direction: str) -> tuple[str, bool]:
    name = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", field).lower()
    sortable = endpoint.sorts or [column.name for column in endpoint.record]
    if name not in sortable:
        raise HttpStatusError(
            422, "The given data was invalid.", {f"sort[{field}]": f"is not one of {', '.join(sortable)}"}
        )
    if direction not in ("asc", "desc"):
        raise HttpStatusError(422, "The given data was invalid.", {f"sort[{field}]": "must be asc or desc"})
    return name, direction == "desc"
