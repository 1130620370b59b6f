"""How a school is shown in a notebook, and whether this is one."""

import sqlite3
import sys
from collections.abc import Iterable
from datetime import date, datetime

import pandas as pd

from ..errors import HubmisError
from ..transport import Session
from .streams import is_terminal


def is_watched() -> bool:
    """Whether the output goes to a terminal or a notebook."""
    return is_terminal(sys.stderr) or in_notebook()


def in_notebook() -> bool:
    """Whether this code runs in the kernel of a notebook; that IPython is imported is not enough."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def as_table(sessions: Iterable[Session], today: date | None = None) -> str | None:
    """Return an HTML table with one row per school, or ``None`` if a cache or the count of requests cannot be read.

    It contains no secret and sends no request. ``today`` is the day in a simulated school.
    """
    try:
        table = pd.DataFrame([_facts(session) for session in sessions]).set_index("realm")
        if today:
            table["today"] = f"{today:%d %b %Y} (simulated)"
        with pd.option_context("display.max_colwidth", None):
            return (table.T if len(table) == 1 else table).to_html()
    except (HubmisError, OSError, sqlite3.Error):  # showing a school must never raise
        return None


def _facts(session: Session) -> dict[str, str]:
    cache = session.cache()
    at_once, interval = session.permitted()
    ages = [_local(str(cache[name])) for name in ("oldest", "newest") if cache[name]]
    return {
        "realm": session.realm,
        "address": session.base_url,
        "responses in the cache": f"{cache['answers']:,} in {cache['megabytes']} MB",
        "fetched": " to ".join(dict.fromkeys(ages)) or "none yet",
        "requests": "none, it is offline" if session.offline else f"{at_once:,} at once, then one in {interval:g} s",
    }


def _local(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone():%d %b %Y %H:%M}"
