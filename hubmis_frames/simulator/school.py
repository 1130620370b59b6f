"""One school's responses: from an operation and its arguments to the bytes of a body."""

from collections.abc import Mapping
from threading import Lock

import orjson

from hubmis_frames.operations.declaration import Endpoint

from . import filters, views
from .records import Records
from .routes import Query, parse
from .rows import Row
from .rules import HttpStatusError, Rules
from .store import Store
from .world import World

MAX_CACHED_BYTES = 128 * 2**20
"""The largest size of the cache of bodies; a body that does not fit empties it first."""


class SimulatedSchool:
    """Makes the response bodies of one school, and caches them."""

    def __init__(self, world: World, rules: Rules) -> None:
        self._store = Store(world)
        self._records = Records(self._store)
        self._rules = rules
        self._cache: dict[tuple[str, ...], bytes] = {}
        self._cached_bytes = 0
        self._lock = Lock()

    def body(self, endpoint: Endpoint, ids: Mapping[str, str], query: str, headers: Mapping[str, str]) -> bytes:
        """Return the body of a response."""
        years = (headers.get(place.wire) or "" for place in endpoint.year if place.place == "header")
        key = (endpoint.table, *ids.values(), query, *years)
        if key in self._cache:
            return self._cache[key]
        parsed = parse(endpoint, ids, query, headers, self._store, self._rules)
        records = self._page(parsed, self._all_records(parsed))
        content: object = records
        if endpoint.single:
            (content,) = records
        elif endpoint.wrapper:
            content = {endpoint.wrapper: records}
        body = orjson.dumps(content)
        with self._lock:
            if self._cached_bytes + len(body) > MAX_CACHED_BYTES:
                self._cache, self._cached_bytes = {}, 0
            self._cache[key] = body
            self._cached_bytes += len(body)
        return body

    def _all_records(self, query: Query) -> list[Row]:
        table = query.endpoint.table
        rows = filters.without_past(self._store, query, views.rows(self._store, query))
        if table in views.COUNTED:  # its filters apply to the rows that are counted
            if not self._rules.ignore_filters:
                rows = [row for row, _ in filters.apply_filters(self._store, query, [(row, row) for row in rows])]
            return self._records.of(query.endpoint, views.COUNTED[table](rows), query.year)
        records = self._records.of(query.endpoint, rows, query.year)
        if self._rules.ignore_filters:
            return records
        passed = filters.apply_filters(self._store, query, list(zip(rows, records, strict=True)))
        return filters.sort_records(query, [record for _, record in passed])

    def _page(self, query: Query, records: list[Row]) -> list[Row]:
        rules = self._rules
        if not query.endpoint.paged or rules.ignore_paging:
            return records
        size = query.size or rules.page_default
        size = min(size, rules.page_cap or size)
        page = rules.first_page if query.page is None else query.page
        if page < rules.first_page:
            if rules.page_zero == "error":
                raise HttpStatusError(422, "The given data was invalid.", {"page[number]": "must be at least 1"})
            if rules.page_zero == "empty":
                return []
            page = rules.first_page
        first = (page - rules.first_page) * size
        return records[first : first + size]
