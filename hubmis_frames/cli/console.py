"""What commands share: exit statuses, tables for people and for programs, and a line that shows progress."""

import contextlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..display.streams import is_terminal
from ..errors import ONLINE

if TYPE_CHECKING:
    import pandas as pd  # help and wrong usage do not wait for it

COMPLETE, FAILED, PARTLY = 0, 1, 3


def print_table(frame: "pd.DataFrame", as_json: bool = False) -> None:
    """Print a table in columns, or as a JSON list of its rows."""
    if as_json:
        print_json(rows_of(frame))
        return
    cells = frame.astype(object).where(frame.notna(), "")
    for column in frame.select_dtypes("float"):
        cells[column] = [f"{value:,.1f}" if isinstance(value, float) else value for value in cells[column]]
    print(cells.to_string(index=False, max_colwidth=60))


def in_command_words(message: str) -> str:
    """A message of the package for someone who uses the command line."""
    return message.replace(ONLINE, "run the command without --offline")


def rows_of(frame: "pd.DataFrame") -> list[dict[str, object]]:
    """Return the rows of a table as JSON values; missing values become null."""
    rows: list[dict[str, object]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return rows


def print_json(value: object) -> None:
    """Print a value as JSON in ASCII: whatever the encoding of the console or file, no letter is lost."""
    print(json.dumps(value, indent=1))


@contextlib.contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """Show what is being done, on a terminal only; the line is cleared at the end."""
    shown = is_terminal(sys.stderr)
    width = shutil.get_terminal_size().columns - 1

    def show(text: str) -> None:
        if shown:
            print(f"  {text} ...".ljust(width), end="\r", file=sys.stderr, flush=True)

    yield show
    if shown:
        print(" " * width, end="\r", file=sys.stderr, flush=True)
