"""Run every notebook from top to bottom in a copy, and fail on the first cell that does."""

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def main() -> int:
    found = sorted(NOTEBOOKS.glob("*.ipynb"))
    for file in found:
        notebook = nbformat.read(file, as_version=4)
        if any(cell.get("outputs") for cell in notebook.cells):
            print(f"{file.name}: holds outputs; clear them before committing", file=sys.stderr)
            return 1
        with tempfile.TemporaryDirectory() as folder:
            NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
        print(f"{file.name}: {len(notebook.cells)} cells ran")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
