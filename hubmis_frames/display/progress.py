"""One progress bar for anything that takes longer than two seconds: a line in a terminal, an output in a notebook."""

import io
import sys
from collections.abc import Callable
from typing import Any

from tqdm.std import tqdm

from .notebook import in_notebook

DELAY = 2.0


class Progress(tqdm):  # type: ignore[type-arg]
    """Show how many requests are left and how long they may take, or how many pages have arrived.

    tqdm estimates only from the past, but the speed of the first burst says nothing about the requests after it. In a
    notebook, tqdm needs ipywidgets or leaves lines on standard error, so there we display the line ourselves.

    Parameters
    ----------
    name
        The table that is being loaded.
    total
        How many requests there are; ``None`` for the pages of one list, whose number is not known.
    seconds
        Gives the seconds that a number of requests would take.
    """

    monitor_interval = 0  # tqdm starts no thread of its own

    def __init__(self, name: str, total: int | None, seconds: Callable[[int], float]) -> None:
        self._seconds = seconds
        self._output: Any = None
        with_total = "{percentage:3.0f} %|{bar}| {left} requests left, up to {time}"
        place: dict[str, Any] = {"dynamic_ncols": True}
        if in_notebook() or sys.stderr is None:
            place = {"file": io.StringIO(), "ncols": 90, "ascii": False}
        super().__init__(
            desc=name, total=total, delay=DELAY, leave=False, miniters=1, mininterval=0.5,
            bar_format="{desc}: " + (with_total if total else "{n} pages, {elapsed}"), **place,
        )  # fmt: skip

    @property
    def format_dict(self) -> Any:
        """The values that the line shows: tqdm's own, the requests that are left, and their time."""
        values = super().format_dict
        left = max(int((self.total or 0) - self.n), 0)
        pace = values["elapsed"] / self.n if self.n else 0.0
        time = self.format_interval(max(self._seconds(left), left * pace)) if self.total else ""
        return {**values, "left": f"{left:,}", "time": time}

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:  # type: ignore[override]
        """Show the line; at the end, clear it."""
        if not in_notebook():
            return bool(super().display(msg, pos))
        from IPython.display import display

        line = {"text/plain": str(self) if msg is None else msg}
        if self._output is None:
            self._output = display(line, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._output.update(line, raw=True)
        return True
