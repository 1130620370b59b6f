"""A client of the simulator that sends requests by hand, and paths for every operation."""

from collections import Counter
from typing import Any

import orjson
import requests

from hubmis_frames.operations.declaration import YEAR, Endpoint
from hubmis_frames.simulator import Simulator, World
from hubmis_frames.simulator.store import Store, kind_of_id

V1 = "/api/v1/"
LAST_YEAR, THIS_YEAR = 21, 23
CREDENTIALS = {"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}
ATTENDING = {"/", "\\", "L", "K", "V", "P", "W", "B"}
ABSENT = {"C", "C1", "C2", "E", "I", "J1", "M", "R", "S", "T", "G", "N", "O", "U"}
NOT_POSSIBLE = {"D", "Q", "X", "Z", "#"} | {f"Y{n}" for n in range(1, 8)}


class Client(requests.Session):
    """A session with a token and a realm."""

    def __init__(self, simulator: Simulator, realm: str = "S999") -> None:
        super().__init__()
        self.url = simulator.url + V1
        token = self.post(f"{self.url}token", data=CREDENTIALS).json()["access_token"]
        self.headers.update({"Authorization": f"Bearer {token}", "Realm": realm})

    def ask(self, path: str, year: int | None = None, **query: object) -> requests.Response:
        """GET a path; ``filter_x=1`` would not do for brackets, so they come in a dict."""
        headers = {"academic-year-id": str(year)} if year else {}
        return self.get(self.url + path, params=query.get("params"), headers=headers)  # type: ignore[arg-type]

    def rows(self, path: str, params: dict[str, Any] | None = None, year: int | None = None) -> Any:
        answer = self.ask(path, year, params=params)
        assert answer.status_code == 200, answer.text
        return orjson.loads(answer.content)


def address(store: Store, endpoint: Endpoint, turn: int = 0) -> tuple[str, dict[str, str]]:
    """Return a path of the endpoint with ids that exist and belong together, and the query it requires.

    Another turn gives other ids.
    """
    ids: dict[str, Any] = {}
    for parameter in endpoint.path_ids:
        rows = store.rows(kind_of_id(parameter.name)) if not parameter.choices else {}
        own = [
            n
            for n in store.values(parameter)
            if all(rows.get(n, {}).get(kind_of_id(k), v) == v for k, v in ids.items())
        ]
        ids[parameter.name] = THIS_YEAR if parameter.name == YEAR else own[(len(own) // 2 + turn) % len(own)]
        if parameter.name == "address_mapping_id":
            ids[parameter.name] = next(n for n, row in rows.items() if row.get("staff") == ids["staff_id"])
    query = {p.wire: "2026-01-05" for p in endpoint.parameters if p.required and p.kind not in (int, str)}
    group = next(iter(store.rows("custom_field_group")))
    query |= {p.wire: str(group) for p in endpoint.parameters if p.required and p.place == "query" and p.kind is int}
    return endpoint.path.format(**ids).removeprefix(V1), query


def steady(world: World) -> int:
    """Return a student who is in the school in both years and seldom away."""
    placed = world.yearly["student"]
    both = (n for n in placed[LAST_YEAR] if n in placed[THIS_YEAR] and placed[LAST_YEAR][n]["_first"] == "2024-09-01")
    people = world.entities["student"]
    return next(
        n for n in both if people[n]["enrolment_status"] == "current" and people[n]["learning_support_record_summary"]
    )


def letters(rows: list[dict[str, Any]]) -> Counter[str | None]:
    return Counter(row["attendance_code"]["code"] if row["attendance_code"] else None for row in rows)


def absence(counts: Counter[str | None]) -> tuple[int, int]:
    """Return the sessions missed and the possible ones."""
    missed = sum(counts[code] for code in ABSENT)
    return missed, missed + sum(counts[code] for code in ATTENDING)
