"""How long ``import hubmis_frames`` takes, beyond the libraries that its users import anyway."""

import os
import resource
import subprocess
import sys
import time

from .timing import machine, markdown

WITHOUT = "import pandas, pyarrow, requests_cache"
WITH = f"{WITHOUT}, hubmis_frames"


def report(rounds: int) -> str:
    """Milliseconds of two processes, measured in turn."""
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    taken: dict[str, list[tuple[float, float]]] = {WITHOUT: [], WITH: []}
    for _ in range(4 * rounds):
        for code, times in taken.items():
            begun = time.perf_counter(), _processor()
            subprocess.run([sys.executable, "-c", code], check=True, env=compiled)
            times.append((time.perf_counter() - begun[0], _processor() - begun[1]))
    best = {code: [1000 * min(each) for each in zip(*times, strict=True)] for code, times in taken.items()}
    rows = [[f"`{code}`", *(f"{value:.0f}" for value in values)] for code, values in best.items()]
    rows.append(["hubmis_frames adds", *(f"{b - a:.0f}" for a, b in zip(*best.values(), strict=True))])
    table = markdown(["process", "ms", "ms of processor"], rows)
    return f"{table}\n\n{machine('hubmis-frames', 'pandas', 'pyarrow', 'requests-cache')}"


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
