"""Measure, and print Markdown: ``python -m tests.benchmarks [WHAT ...]``. Without WHAT, measure everything."""

import argparse

from . import analysis, flatten, imports, pulls, warm

PARTS = {"flatten": flatten, "requests": pulls, "warm": warm, "import": imports, "analysis": analysis}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"what to measure: {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often to measure; the fastest counts")
    given = parser.parse_args()
    for name in given.what or PARTS:
        print(f"\n## {name}\n\n{PARTS[name].report(given.rounds)}", flush=True)


if __name__ == "__main__":
    main()
