"""Serve a simulated school until interrupted: ``python -m hubmis_frames.simulator``."""

import argparse
import os
import shlex
import sys
import threading

from . import Rules, Simulator, build_world


def wait() -> None:
    """Wait until interrupted."""
    threading.Event().wait()


def main() -> None:
    """Serve, and say how to be reached."""
    rules = Rules()
    parser = argparse.ArgumentParser(prog="python -m hubmis_frames.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port to listen on; any free one unless given")
    parser.add_argument("--students", type=int, default=240, help="how many students the school has")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same school")
    parser.add_argument("--realm", default="S999", help="the realm of the school")
    parser.add_argument("--capacity", type=int, default=rules.capacity, help="requests that the bucket holds")
    parser.add_argument("--refill-seconds", type=float, default=rules.refill_seconds, help="until one comes back")
    parser.add_argument("--latency", type=float, default=rules.latency, help="seconds by which answers are late")
    parser.add_argument(
        "--strict",
        action=argparse.BooleanOptionalAction,
        default=rules.strict_query,
        help="refuse parameters that the document does not know",
    )
    given = parser.parse_args()
    rules = Rules(
        capacity=given.capacity,
        refill_seconds=given.refill_seconds,
        latency=given.latency,
        strict_query=given.strict,
    )
    with Simulator(
        build_world(given.students, seed=given.seed, realm=given.realm), rules, port=given.port
    ) as simulator:
        lines = (
            f"A simulated school of {given.students} students. Set these in another terminal; Ctrl-C here ends it.",
            _setting("HUBMIS_BASE_URL", simulator.url),
            _setting("HUBMIS_REALM", given.realm),
            _setting("HUBMIS_CLIENT_ID", rules.client_id),
            _setting("HUBMIS_CLIENT_SECRET", rules.client_secret),
        )
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        try:
            wait()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


def _setting(name: str, value: str) -> str:
    """As a terminal takes it: PowerShell on Windows, a shell elsewhere."""
    return f'$env:{name} = "{value}"' if os.name == "nt" else f"export {name}={shlex.quote(value)}"


if __name__ == "__main__":
    main()
