"""The streams of the process: a program without a console has none, and some consoles are odd."""

import os
import sys
from pathlib import Path


def is_terminal(stream: object) -> bool:
    """Whether a person reads a stream; a missing or closed one is no terminal."""
    isatty = getattr(stream, "isatty", None)
    try:
        return bool(isatty and isatty())
    except (OSError, ValueError):  # it is closed
        return False


def replace_missing_streams() -> None:
    """Let what is printed vanish where there is no console, as under ``pythonw`` or after ``2>&-``."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # it stays open
