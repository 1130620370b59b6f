"""What tests of reports use: the small export of the simulated school, changed, and the tables of a page."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd

import hubmis_frames as hf

DEMO = Path(__file__).parents[2] / "data" / "demo"
Change = Callable[[pd.DataFrame], pd.DataFrame]


def demo_data(**changes: Change) -> hf.SchoolData:
    """The export of the simulated school in memory, with tables changed; its own code is an approved activity."""
    opened = hf.open_export(DEMO)
    frames = {name: opened[name] for name in opened}
    for name, change in changes.items():
        frames[name] = change(frames[name])
    code_map = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})
    return hf.SchoolData(frames, code_map=code_map)


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._caption: list[str] | None = None
        self._cell: list[str] | None = None
        self._rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "caption":
            self._caption, self._rows = [], []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)
        elif self._caption is not None:
            self._caption.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            self._rows[-1].append("".join(self._cell))
            self._cell = None
        elif tag == "caption" and self._caption is not None:
            self.tables["".join(self._caption)] = self._rows
            self._caption = None


def tables_of(page: str) -> dict[str, list[list[str]]]:
    """The tables of a page by caption: the headings, then the rows."""
    parser = _Tables()
    parser.feed(page)
    return parser.tables
