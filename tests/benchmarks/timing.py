"""Measure in turn, so that a busy machine slows all alike, and print a Markdown table."""

import gc
import importlib.metadata
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple


class Taken(NamedTuple):
    """Seconds by the clock and of all processors; on a shared machine, the second is more reliable."""

    clock: float
    processor: float


def in_turn(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Taken]:
    """The shortest time of each function. With several rounds, each runs once before without being counted."""
    # pyperf and pytest-benchmark run one benchmark to its end before the next, so their ratios drift with the machine.
    taken: dict[str, list[Taken]] = {name: [] for name in contenders}
    for number in range(-1 if rounds > 1 else 0, rounds):
        for name, run in contenders.items():
            gc.collect()
            begun = Taken(time.perf_counter(), time.process_time())
            run()
            if number >= 0:
                taken[name].append(Taken(time.perf_counter() - begun.clock, time.process_time() - begun.processor))
    return {name: Taken(*map(min, zip(*each, strict=True))) for name, each in taken.items()}


def machine(*packages: str) -> str:
    """The machine, the versions and the date, for the line below a table."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}; {date.today()}."


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
