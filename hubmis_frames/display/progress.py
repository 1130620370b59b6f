"""One progress bar for what takes longer than two seconds: in a terminal a line, in a notebook an output that goes."""

import io
from collections.abc import Callable
from typing import Any

from tqdm.std import tqdm

from .notebook import in_notebook

DELAY = 2.0


class Progress(tqdm):  # type: ignore[type-arg]
    """The requests that are left, and how long they may take; or the pages that came so far.

    tqdm estimates from the past alone, and the burst that HUBmis lets through says nothing about what comes after it.
    In a notebook it needs ipywidgets or leaves lines of standard error; so there its line is an output of ours.

    Parameters
    ----------
    name
        What is asked for.
    total
        How many requests; ``None`` for the pages of one, whose number nobody knows.
    seconds
        How long so many requests would take.
    """

    monitor_interval = 0  # no thread that draws as well

    def __init__(self, name: str, total: int | None, seconds: Callable[[int], float]) -> None:
        self._seconds = seconds
        self._output: Any = None
        known = "{percentage:3.0f} %|{bar}| {left} requests left, up to {time}"
        place = {"file": io.StringIO(), "ncols": 90, "ascii": False} if in_notebook() else {"dynamic_ncols": True}
        super().__init__(
            desc=name, total=total, delay=DELAY, leave=False, miniters=1, mininterval=0.5,
            bar_format="{desc}: " + (known if total else "{n} pages, {elapsed}"), **place,
        )  # fmt: skip

    @property
    def format_dict(self) -> Any:
        """What the line is made of."""
        known = super().format_dict
        left = max(int((self.total or 0) - self.n), 0)
        so_far = known["elapsed"] / self.n if self.n else 0.0
        time = self.format_interval(max(self._seconds(left), left * so_far)) if self.total else ""
        return {**known, "left": f"{left:,}", "time": time}

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:  # type: ignore[override]
        """Show the line, or in the end nothing."""
        if not in_notebook():
            return bool(super().display(msg, pos))
        from IPython.display import display

        line = {"text/plain": str(self) if msg is None else msg}
        if self._output is None:
            self._output = display(line, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._output.update(line, raw=True)
        return True
