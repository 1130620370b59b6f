"""Every operation, through its loader and over HTTP: each row, id and value that was sent is in the frames."""

from collections import Counter
from typing import Any

import pytest

import hubmis_frames as hf
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator
from tests.helpers.operations import Heard, calls_of
from tests.helpers.reference import assert_tidy


@pytest.mark.parametrize("table", CATALOGUE)
@pytest.mark.filterwarnings("ignore:.*has deprecated this operation")
def test_all_that_was_sent_is_in_the_frames(table: str, every: tuple[School, Heard]):
    school, heard = every
    endpoint = school._fetcher.resolve(CATALOGUE[table])
    loader = getattr(hf, endpoint.loader)
    rows = 0
    for given in calls_of(school, table)[:3]:
        heard.bodies.clear()
        tables = loader.tables(school, **given, refresh=True)
        ids_of = {request.path: request.ids for request in school._fetcher.requests(endpoint, given)}
        answers = [(ids, body) for path, ids in ids_of.items() for body in heard.bodies[path]]
        rows += assert_tidy(endpoint, answers, tables)
        assert next(iter(tables)) == table
        assert not any(isinstance(cell, list | dict) for frame in tables.values() for cell in frame.to_numpy().ravel())
    assert rows, "the simulated school should have some"


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from hubmis_frames.simulator import Rules, build_world
    from hubmis_frames.transport import Rate, Session
    from tests.helpers.schools import GENEROUS, QUICK

    folder = tmp_path_factory.mktemp("every")
    heard = Heard()
    with Simulator(build_world(students=40, seed=5), Rules(**GENEROUS), [heard]) as simulator:
        session = Session(
            base_url=simulator.url, realm="S999", client_id="demo-client", client_secret="demo-secret",
            cache_dir=folder / "cache", rate_file=folder / "rate.sqlite", rate=Rate(10**6, 0.001), retry=QUICK,
        )  # fmt: skip
        with School(session, progress=False) as school:
            yield school, heard


def test_a_deprecated_loader_says_so_once_and_what_to_use(school: School):
    with pytest.warns(hf.HubmisWarning, match="load_departments"):
        hf.load_departments_deprecated(school)
    hf.load_departments_deprecated(school)  # a second warning would be an error here


def test_no_operation_answers_for_another(school: School, simulator: Simulator):
    hf.load_departments(school)
    assert Counter("legacy" in asked.path for asked in simulator.log)[True] == 0
