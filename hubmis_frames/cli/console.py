"""What commands share: exit statuses, tables for people and for programs, and a line that says what is under way."""

import contextlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator

import pandas as pd

COMPLETE, FAILED, PARTLY = 0, 1, 3


def print_table(frame: pd.DataFrame, as_json: bool = False) -> None:
    """Print a table in columns, or as a JSON list of its rows."""
    if as_json:
        print_json(rows_of(frame))
        return
    shown = frame.astype(object).where(frame.notna(), "")
    for column in frame.select_dtypes("float"):
        shown[column] = [f"{value:,.1f}" if isinstance(value, float) else value for value in shown[column]]
    print(shown.to_string(index=False, max_colwidth=60))


def rows_of(frame: pd.DataFrame) -> list[dict[str, object]]:
    """The rows of a table as JSON knows them; what is missing is null."""
    rows: list[dict[str, object]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return rows


def print_json(value: object) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


@contextlib.contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """Show what is under way where a person is watching; the line is gone in the end."""
    watched = sys.stderr.isatty()
    width = shutil.get_terminal_size().columns - 1

    def show(text: str) -> None:
        if watched:
            print(f"  {text} ...".ljust(width), end="\r", file=sys.stderr, flush=True)

    yield show
    if watched:
        print(" " * width, end="\r", file=sys.stderr, flush=True)
