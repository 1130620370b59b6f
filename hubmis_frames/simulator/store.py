"""All rows that can be served, by kind and id: the school's own, and synthetic ones where it has none."""

from collections.abc import Iterator

from hubmis_frames.operations import CATALOGUE
from hubmis_frames.operations.declaration import Endpoint, Parameter

from . import synthetic
from .calendar import ACTIVE
from .rows import Row, Rows, digest
from .world import World


def thing(key: str) -> str:
    """Return the kind of thing of which a column holds the ids."""
    return key.removesuffix("_id")


def kind_of(endpoint: Endpoint) -> str:
    """Return the kind of an endpoint's records: that of its key, else its table's name."""
    return thing(endpoint.key) if endpoint.key else endpoint.table.removesuffix("_deprecated")


class Store:
    """The rows of one school."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._made: dict[str, Rows] = {}

    @property
    def active(self) -> int:
        """The academic year that holds where none is asked for."""
        return ACTIVE

    def knows(self, kind: str) -> bool:
        """Whether the school itself has things of the kind."""
        return kind in self.world.entities

    def rows(self, kind: str) -> Rows:
        """Return all rows of a kind; a kind that the school has none of is made up at once and kept."""
        if kind in self.world.entities:
            return self.world.entities[kind]
        if kind not in self._made:
            homes = [e for e in CATALOGUE.values() if kind_of(e) == kind and not e.single]
            count = 20 + digest(kind) % 8 if any(e.paged for e in homes) else 5 + digest(kind) % 8
            self._made[kind] = synthetic.rows(kind, count, [p for e in homes for p in self._parents(e)])
        return self._made[kind]

    def row(self, kind: str, number: int, year: int = ACTIVE) -> Row | None:
        """Return one row as of an academic year."""
        row = self.rows(kind).get(number)
        yearly = self.world.yearly.get(kind)
        if row is None or yearly is None:
            return row
        return row | yearly[year].get(number, {})

    def _parents(self, endpoint: Endpoint) -> Iterator[Row]:
        """Yield what a row may belong to, by the last id in the path of its list."""
        if endpoint.path_ids:
            last = endpoint.path_ids[-1]
            for value in self.values(last):
                yield {thing(last.name): value}

    def values(self, parameter: Parameter) -> list[int] | list[str]:
        """Return the values that a path parameter may take."""
        return list(parameter.choices) or list(self.rows(thing(parameter.name)))
