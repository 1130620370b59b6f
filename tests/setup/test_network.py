"""Checks where the school's network answers in place of HUBmis: whatever the status, it is called the network's."""

import json
from collections.abc import Callable

import pytest

from hubmis_frames.cli.command import main
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator
from hubmis_frames.transport import RetryPolicy
from tests.helpers.faults import with_status

PAGE = b"<!DOCTYPE html><html>Blocked by the filter</html>"
STATUSES = [200, 302, 307, 400, 401, 403, 404, 407, 410, 418, 451, 502, 503]
pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture
def filtered(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, bool], None]:
    """Let a filter answer requests for tokens, or all others."""
    quick = RetryPolicy(first_delay=0.001, max_attempts=2, max_wait_429=0)
    monkeypatch.setattr("hubmis_frames.cli.setup.QUICK_RETRY", quick)
    monkeypatch.setattr("hubmis_frames.setup.doctor.QUICK_RETRY", quick)

    def start(status: int, tokens: bool) -> None:
        page = with_status(status, PAGE, **{"Content-Type": "text/html"})

        def hook(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse | None:
            return page(answer) if asked.path.endswith("/token") == tokens else answer

        simulator.hooks.append(hook)

    return start


@pytest.mark.parametrize("tokens", [True, False])
@pytest.mark.parametrize("status", STATUSES)
def test_the_doctor_blames_the_network(
    filtered: Callable[[int, bool], None], capsys: pytest.CaptureFixture[str], status: int, tokens: bool
):
    filtered(status, tokens)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "network" in said.partition("What to do:")[2]
    assert "letter by letter" not in said
    assert "refused the client" not in said
    assert "not permitted" not in said
    assert "not found" not in said
    assert "filter</html>" not in said


@pytest.mark.parametrize("status", STATUSES)
def test_the_probe_blames_the_network_and_judges_no_path(
    filtered: Callable[[int, bool], None], capsys: pytest.CaptureFixture[str], status: int
):
    filtered(status, False)
    main(["spec", "probe", "--json", "--budget", "20"])
    rows = json.loads(capsys.readouterr().out)
    failed = [row for row in rows if row["outcome"] != "not tried"]
    assert failed
    assert {row["outcome"] for row in failed} == {"failed"}
    assert all("network" in row["remark"] or "proxy" in row["remark"] for row in failed)
