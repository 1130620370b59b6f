"""Serve a simulated school until interrupted: ``python -m hubmis_frames.simulator``."""

import argparse
import os
import sys
import time

from ..display.shell import argument, powershell_text
from ..display.streams import replace_missing_streams
from ..transport import SLICE
from . import PROFILES, UNFELT, Rules, Simulator, build_world


def wait() -> None:
    """Wait until interrupted."""
    while True:
        time.sleep(SLICE)


def main() -> None:
    """Start the server and print the settings to connect to it."""
    rules = Rules(**UNFELT)
    parser = argparse.ArgumentParser(prog="python -m hubmis_frames.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port to listen on; any free port if left out")
    parser.add_argument("--students", type=int, default=240, help="how many students the school has")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same school")
    parser.add_argument(
        "--profile",
        default="england",
        choices=PROFILES,
        help="; ".join(f"{profile.name}: {profile.about}" for profile in PROFILES.values()),
    )
    parser.add_argument("--realm", default="S999", help="the realm of the school")
    parser.add_argument(
        "--capacity",
        type=int,
        default=rules.capacity,
        help="how many requests the rate limit's bucket holds; HUBmis has 500",
    )
    parser.add_argument(
        "--refill-seconds",
        type=float,
        default=rules.refill_seconds,
        help="seconds until the bucket gains one request; HUBmis has 5",
    )
    parser.add_argument("--latency", type=float, default=rules.latency, help="seconds to wait before each response")
    parser.add_argument(
        "--scope", action="append", help="a scope of the client, several times if need be; all scopes if left out"
    )
    parser.add_argument(
        "--strict",
        action=argparse.BooleanOptionalAction,
        default=rules.strict_query,
        help="refuse parameters that the published document does not list",
    )
    arguments = parser.parse_args()
    rules = Rules(
        capacity=arguments.capacity,
        refill_seconds=arguments.refill_seconds,
        latency=arguments.latency,
        strict_query=arguments.strict,
        scopes=frozenset(arguments.scope) if arguments.scope else None,
    )
    world = build_world(arguments.students, seed=arguments.seed, realm=arguments.realm, profile=arguments.profile)
    with Simulator(world, rules, port=arguments.port) as simulator:
        lines = (
            f"A simulated school of {arguments.students} students, where it is {world.today}.",
            "Set these in another terminal. Ctrl-C stops it.",
            _setting("HUBMIS_BASE_URL", simulator.url),
            _setting("HUBMIS_REALM", arguments.realm),
            _setting("HUBMIS_CLIENT_ID", rules.client_id),
            _setting("HUBMIS_CLIENT_SECRET", rules.client_secret),
            _setting("HUBMIS_RATE", f"{rules.capacity},{rules.refill_seconds:g}"),
        )
        replace_missing_streams()
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        try:
            wait()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


def _setting(name: str, value: str) -> str:
    """Return the command that sets a variable: for PowerShell on Windows, for a shell elsewhere."""
    return f"$env:{name} = {powershell_text(value)}" if os.name == "nt" else f"export {name}={argument(value)}"


if __name__ == "__main__":
    main()
