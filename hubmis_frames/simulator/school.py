"""One school's answers: from an operation and its arguments to the bytes of a body."""

from collections.abc import Mapping
from threading import Lock

import orjson

from hubmis_frames.operations.declaration import Endpoint

from . import filters, views
from .records import Records
from .routes import Query, parse
from .rows import Row
from .rules import RefusedError, Rules
from .store import Store
from .world import World

KEPT_BYTES = 128 * 2**20
"""How many bytes of bodies are kept; when there are more, all are let go."""


class School:
    """Answers for one school, each body made once and kept."""

    def __init__(self, world: World, rules: Rules) -> None:
        self._store = Store(world)
        self._records = Records(self._store)
        self._rules = rules
        self._kept: dict[tuple[str, ...], bytes] = {}
        self._bytes = 0
        self._lock = Lock()

    def body(self, endpoint: Endpoint, ids: Mapping[str, str], query: str, headers: Mapping[str, str]) -> bytes:
        """Return the body of an answer."""
        years = (headers.get(place.wire) or "" for place in endpoint.year if place.place == "header")
        key = (endpoint.table, *ids.values(), query, *years)
        if key in self._kept:
            return self._kept[key]
        asked = parse(endpoint, ids, query, headers, self._store, self._rules)
        records = self._page(asked, self._answer(asked))
        answer: object = records
        if endpoint.single:
            (answer,) = records
        elif endpoint.wrapper:
            answer = {endpoint.wrapper: records}
        made = orjson.dumps(answer)
        with self._lock:
            if self._bytes + len(made) > KEPT_BYTES:
                self._kept, self._bytes = {}, 0
            self._kept[key] = made
            self._bytes += len(made)
        return made

    def _answer(self, asked: Query) -> list[Row]:
        table = asked.endpoint.table
        rows = filters.without_past(self._store, asked, views.rows(self._store, asked))
        if table in views.COUNTED:  # its filters look at what is counted
            if not self._rules.ignore_filters:
                rows = [row for row, _ in filters.keep(self._store, asked, [(row, row) for row in rows])]
            return self._records.of(asked.endpoint, views.COUNTED[table](rows), asked.year)
        records = self._records.of(asked.endpoint, rows, asked.year)
        if self._rules.ignore_filters:
            return records
        kept = filters.keep(self._store, asked, list(zip(rows, records, strict=True)))
        return filters.order(asked, [record for _, record in kept])

    def _page(self, asked: Query, records: list[Row]) -> list[Row]:
        rules = self._rules
        if not asked.endpoint.paged or rules.ignore_paging:
            return records
        size = asked.size or rules.page_default
        size = min(size, rules.page_cap or size)
        page = rules.first_page if asked.page is None else asked.page
        if page < rules.first_page:
            if rules.page_zero == "error":
                raise RefusedError(422, "The given data was invalid.", {"page[number]": "must be at least 1"})
            if rules.page_zero == "empty":
                return []
            page = rules.first_page
        first = (page - rules.first_page) * size
        return records[first : first + size]
