"""The simulated school held against our own OpenAPI document, by a tool that makes requests up."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hubmis_frames.simulator import Rules, Simulator, build_world

SIMULATOR = Simulator(build_world(students=20, seed=4), Rules(capacity=10**9, refill_seconds=0.001)).start()
SCHEMA = schemathesis.openapi.from_url(f"{SIMULATOR.url}/openapi.json")
TOKEN = SIMULATOR._limits.token()


@pytest.fixture(scope="module", autouse=True)
def close() -> object:
    yield
    SIMULATOR.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@SCHEMA.parametrize()
@settings(
    max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
def test_the_simulator_answers_as_our_document_says(case: schemathesis.Case) -> None:
    case.headers = {**(case.headers or {}), "Realm": "S999", "Authorization": f"Bearer {TOKEN}"}
    response = case.call(base_url=SIMULATOR.url)
    case.validate_response(
        response,
        checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance],
    )
