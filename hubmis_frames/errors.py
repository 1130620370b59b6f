"""Every error and warning that reaches a person.

A message says what to do next and holds no secret, no token and no child's data.
"""

import difflib
import inspect
import itertools
import sys
import traceback
import types
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .words import in_hubmis_words

if TYPE_CHECKING:
    import pandas as pd  # a command that only prints its version should not wait for it


class HubmisError(Exception):
    """Anything that hubmis_frames raises on purpose.

    A notebook shows it with the user's own lines alone; ``%debug`` and :func:`traceback.print_last` have all lines.
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: up to the first of our lines, and no cause, as the message says what to do."""
        frames = [(frame, line) for frame, line in traceback.walk_tb(self.__traceback__)]
        users = list(itertools.takewhile(lambda each: not _is_ours(each[0]), frames))
        short = None
        for frame, line in reversed(users):
            short = types.TracebackType(short, frame, frame.f_lasti, line)
        cause, context = self.__cause__, self.__context__
        self.__cause__ = self.__context__ = None
        try:
            shown: list[str] = (
                sys.modules["IPython"].get_ipython().InteractiveTB.structured_traceback(type(self), self, short)
            )
        finally:
            self.__cause__, self.__context__ = cause, context
        return shown


class SettingsError(HubmisError, ValueError):
    """A setting is missing or cannot be used; nothing was sent."""


class BadArgumentError(HubmisError, ValueError):
    """An argument is not what the document allows; nothing was sent."""


class MissingFieldError(BadArgumentError):
    """A measure needs a field that the server did not send, so there is no figure."""


class NoKeyringError(SettingsError):
    """The system has no keyring, or does not open it."""


class CredentialsError(HubmisError):
    """HUBmis refused the client id and secret, or a token that it had just issued."""


class NotPermittedError(HubmisError):
    """HUBmis answered 403: this account may not read this. It does not mean that there are no rows."""


class NotFoundError(HubmisError):
    """HUBmis answered 404: there is no such record, or the inferred path is wrong."""

    status = 404


class RefusedError(HubmisError):
    """HUBmis refused the request (another 4xx, or a redirect); ``status`` is the HTTP status."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class RateLimitError(HubmisError):
    """HUBmis kept answering 429 for longer than we were ready to wait."""


class UnreachableError(HubmisError):
    """No complete response arrived: no connection, a broken connection, a timeout, or a server fault that lasted."""


class ServerFaultError(UnreachableError):
    """The server answered every attempt with a fault of its own (5xx)."""


class NotFromHubmisError(ServerFaultError):
    """Something on the way answered every attempt in place of HUBmis: a filter, a proxy or a sign-in page."""


class PayloadError(HubmisError):
    """The response is not the JSON that the operation should return."""


class SpecError(HubmisError, ValueError):
    """An OpenAPI file cannot be used, or has no such operation; nothing was sent."""


class NotCachedError(HubmisError):
    """Offline, and the response is not in the cache."""


ONLINE = "connect without offline=True"
"""What to do if an answer is not in the cache; the command line has words of its own for it."""


class CacheError(HubmisError):
    """The cache or another file of ours cannot be read or written."""


class FilterIgnoredError(HubmisError):
    """Rows came back that a filter should have excluded."""


class IncompleteError(HubmisError):
    """Some of many requests failed.

    Attributes
    ----------
    tables
        The rows that arrived, by table name. Others are missing.
    failed
        The ids that failed, each with the error.
    """

    def __init__(
        self, message: str, tables: "Mapping[str, pd.DataFrame]", failed: Mapping[tuple[int | str, ...], HubmisError]
    ) -> None:
        super().__init__(message)
        self.tables = dict(tables)
        self.failed = dict(failed)


class ExportError(HubmisError):
    """An export cannot start or go on."""


class HubmisWarning(UserWarning):
    """Something a reader of the frame should know: undeclared fields, values that did not fit, rows left out."""


def warn(text: str) -> None:
    """Warn at the user's own line; from a Dask worker, where nobody would see it, at the client."""
    users_line, level, frame = 2, 1, inspect.currentframe()
    users = frame
    while frame is not None:
        level += 1
        if _is_ours(frame):
            users_line, users = level, frame.f_back  # whoever called the outermost of our functions
        frame = frame.f_back
    if _on_dask_worker():
        sys.modules["distributed"].warn(text, HubmisWarning, stacklevel=users_line)
        return
    module, file = ("sys", "sys") if users is None else (str(users.f_globals.get("__name__")), users.f_code.co_filename)
    line = 0 if users is None else users.f_lineno
    # Python forgets what it has shown whenever pandas changes a filter, so a loop would show it again and again.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    seen = (text, file, line, getattr(shell, "execution_count", None))
    if _action(text, module, line) in ("default", "module", "once"):
        if seen in _SHOWN:
            return
        _SHOWN.add(seen)
    warnings.warn_explicit(text, HubmisWarning, file, line, module, registry={})


def _on_dask_worker() -> bool:
    try:
        sys.modules["distributed"].get_worker()
    except (AttributeError, KeyError, ValueError):  # not loaded, half loaded, or loaded in a user's own process
        return False
    return True


_SHOWN: set[tuple[str, str, int, int | None]] = set()
"""The warnings that were shown: text, file, line, and in a notebook the number of the run of the cell."""


def _action(text: str, module: str, line: int) -> str:
    """What the filters of Python's warnings say about one of ours: ``default``, ``error``, ``always``, ``ignore``."""
    for action, message, category, of_module, of_line in warnings.filters:
        if (
            (message is None or message.match(text))
            and issubclass(HubmisWarning, category)
            and (of_module is None or of_module.match(module))
            and of_line in (0, line)
        ):
            return action
    return "default"


def _is_ours(frame: types.FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] == __package__


def check_realm(realm: str) -> str:
    """What to do if a realm permits none of the requests."""
    return (
        f"Compare the realm {realm!r} letter by letter with what WCBS sent; if it is right, ask WCBS for the scopes of "
        "this client."
    )


def did_you_mean(name: object, known: Iterable[str], most: int = 1) -> str:
    """The end of a message that suggests names that mean the same, else similar ones; empty if there are none."""
    plain = {_plain(name): name for name in known}
    meant = _plain(in_hubmis_words(str(name)))
    near = difflib.get_close_matches(meant, plain, most) or difflib.get_close_matches(_plain(str(name)), plain, most)
    return f" Did you mean {' or '.join(repr(plain[name]) for name in near)}?" if near else ""


def _plain(name: str) -> str:
    return name.replace("_", "").replace(" ", "").casefold()
