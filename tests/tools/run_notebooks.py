"""Run every notebook from top to bottom; fail if a cell fails or its output differs from the committed one.

``--write`` writes the new outputs to the files. Outputs of cells tagged ``varies``, such as a port, are not compared.
"""

import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def run(file: Path) -> nbformat.NotebookNode:
    """Run a notebook in an empty folder; return it with its outputs."""
    notebook = nbformat.read(file, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            notebook,
            timeout=300,
            resources={"metadata": {"path": folder}},
            record_timing=False,
            coalesce_streams=True,  # or one print arrives in several pieces on a busy machine
            extra_arguments=["--log-level=40"],
        ).execute()
    return notebook


def output_words(cell: nbformat.NotebookNode) -> list[list[str]]:
    """The words in each output of a cell, without spacing."""
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]
    return [text.split() for text in texts]


def main() -> int:
    files = sorted(NOTEBOOKS.glob("*.ipynb"))
    changed = 0
    for file in files:
        started = time.monotonic()
        committed, fresh = nbformat.read(file, as_version=4), run(file)
        if "--write" in sys.argv:
            nbformat.write(fresh, file)
        for number, (old, new) in enumerate(zip(committed.cells, fresh.cells, strict=True)):
            if (
                "--write" not in sys.argv
                and "varies" not in old.metadata.get("tags", [])
                and output_words(old) != output_words(new)
            ):
                print(f"{file.name}, cell {number} does not show what the committed notebook shows:", file=sys.stderr)
                print(*(" ".join(text)[:2000] for text in output_words(new)), sep="\n", file=sys.stderr)
                changed += 1
        print(f"{file.name}: {len(fresh.cells)} cells ran in {time.monotonic() - started:.0f} s")
    if changed:
        print(
            "If the change is intended, update the notebooks: python -m tests.tools.run_notebooks --write",
            file=sys.stderr,
        )
    return 1 if changed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
