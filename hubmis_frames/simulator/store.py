"""All rows that can be served, by kind and id: those of the simulated school, and synthetic ones of other kinds."""

from collections.abc import Iterator

from hubmis_frames.operations import CATALOGUE
from hubmis_frames.operations.declaration import Endpoint, Parameter

from . import synthetic
from .calendar import ACTIVE
from .rows import Row, RowsById, digest
from .world import World


def kind_of_id(key: str) -> str:
    """Return the kind of row to which a column of ids refers: ``student`` for ``student_id``."""
    return key.removesuffix("_id")


def kind_of_records(endpoint: Endpoint) -> str:
    """Return the kind of an endpoint's records: the one of its key, or else the name of its table."""
    return kind_of_id(endpoint.key) if endpoint.key else endpoint.table.removesuffix("_deprecated")


class Store:
    """The rows of one school."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._synthetic: dict[str, RowsById] = {}

    @property
    def active(self) -> int:
        """The academic year to use if a request has none."""
        return ACTIVE

    def has_kind(self, kind: str) -> bool:
        """Whether the simulated school itself has rows of the kind."""
        return kind in self.world.entities

    def rows(self, kind: str) -> RowsById:
        """Return all rows of a kind; if the school has none, make synthetic rows and keep them."""
        if kind in self.world.entities:
            return self.world.entities[kind]
        if kind not in self._synthetic:
            endpoints = [e for e in CATALOGUE.values() if kind_of_records(e) == kind and not e.single]
            count = 20 + digest(kind) % 8 if any(e.paged for e in endpoints) else 5 + digest(kind) % 8
            self._synthetic[kind] = synthetic.rows(kind, count, [p for e in endpoints for p in self._parents(e)])
        return self._synthetic[kind]

    def row(self, kind: str, number: int, year: int = ACTIVE) -> Row | None:
        """Return one row as of an academic year."""
        row = self.rows(kind).get(number)
        yearly = self.world.yearly.get(kind)
        if row is None or yearly is None:
            return row
        return row | yearly[year].get(number, {})

    def _parents(self, endpoint: Endpoint) -> Iterator[Row]:
        """Yield the rows to which a row of this endpoint can belong, by the last id in its path."""
        if endpoint.path_ids:
            last = endpoint.path_ids[-1]
            for value in self.values(last):
                yield {kind_of_id(last.name): value}

    def values(self, parameter: Parameter) -> list[int] | list[str]:
        """Return the valid values of a path parameter."""
        return list(parameter.choices) or list(self.rows(kind_of_id(parameter.name)))
