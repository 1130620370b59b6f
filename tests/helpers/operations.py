"""What every operation is asked by in an export, and what a simulated school sent."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hubmis_frames.export import steps_of
from hubmis_frames.frames import to_pandas
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse


@dataclass
class Heard:
    """The bodies that a simulated school sent, by path."""

    bodies: dict[str, list[bytes]] = field(default_factory=dict)

    def __call__(self, asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if answer.status == 200:
            self.bodies.setdefault(asked.path, []).append(answer.body)
        return answer


def calls_of(school: School, table: str, parents: int = 15) -> list[dict[str, Any]]:
    """The calls an export would make for the table, with so many parents at the most."""
    *before, step = steps_of([table])
    loaded: dict[str, pd.DataFrame] = {}
    fetcher = school._fetcher
    year = fetcher.current_year()
    for parent in before:
        endpoint = fetcher.resolve(parent.endpoint)
        requests = parent.requests(fetcher, endpoint, loaded, year)
        loaded[endpoint.table] = to_pandas(fetcher.fetch(endpoint, requests).tables()[endpoint.table]).head(parents)
    return step.calls(loaded, year)
