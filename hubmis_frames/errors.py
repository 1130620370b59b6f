"""Every error and warning that reaches a person.

A message says what to do next and holds no secret, no token and no child's data.
"""

import difflib
import inspect
import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .words import in_hubmis_words

if TYPE_CHECKING:
    import pandas as pd  # a command that only prints its version should not wait for it


class HubmisError(Exception):
    """Anything that hubmis_frames raises on purpose."""


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
    while frame is not None:
        level += 1
        if str(frame.f_globals.get("__name__")).partition(".")[0] == __package__:
            users_line = level  # whoever called the outermost of our functions
        frame = frame.f_back
    show = getattr(sys.modules.get("distributed"), "warn", warnings.warn)
    show(text, HubmisWarning, stacklevel=users_line)


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
