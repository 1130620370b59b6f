"""Every error and warning that reaches a person.

A message says what to do next and holds no secret, no token and no child's data.
"""

import difflib
import inspect
import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd  # a command that only prints its version should not wait for it


class HubmisError(Exception):
    """Anything that hubmis_frames raises on purpose."""


class SettingsError(HubmisError, ValueError):
    """A setting is missing or cannot be used; nothing was sent."""


class BadArgumentError(HubmisError, ValueError):
    """An argument is not what the document allows; nothing was sent."""


class MissingFieldError(BadArgumentError):
    """A measure needs a field that the server did not send; no figure stands in for it."""


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
    """HUBmis refused the request as such (another 4xx, or a redirect); ``status`` says with what."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class RateLimitError(HubmisError):
    """HUBmis kept answering 429 for longer than we were ready to wait."""


class UnreachableError(HubmisError):
    """No complete answer arrived: no connection, a broken one, a deadline, or a server fault that lasted."""


class ServerFaultError(UnreachableError):
    """The server answered every attempt with a fault of its own (5xx)."""


class NotFromHubmisError(ServerFaultError):
    """Something on the way answered every attempt in place of HUBmis: a filter, a proxy or a sign-in page."""


class PayloadError(HubmisError):
    """What arrived is not the JSON that the operation answers with."""


class SpecError(HubmisError, ValueError):
    """An OpenAPI file cannot be used, or has no such operation; nothing was sent."""


class NotCachedError(HubmisError):
    """Offline, and the answer is not in the cache."""


class CacheError(HubmisError):
    """The cache or another file of ours cannot be read or written."""


class FilterIgnoredError(HubmisError):
    """Rows came back that a filter should have kept away."""


class IncompleteError(HubmisError):
    """Some of many requests failed.

    Attributes
    ----------
    tables
        What did arrive, by table name. It is not all that was asked for.
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
    """Something a reader of the frame should know: fields nobody declared, values that did not fit, rows dropped."""


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
    """What to do where a realm permits nothing that was asked."""
    return (
        f"Compare the realm {realm!r} letter by letter with what WCBS sent; if it is right, ask WCBS for the scopes of "
        "this client."
    )


def did_you_mean(said: object, known: Iterable[str], most: int = 1) -> str:
    """The end of a sentence that names what was probably meant; nothing where nothing is near."""
    plain = {_plain(name): name for name in known}
    near = difflib.get_close_matches(_plain(str(said)), plain, most)
    return f" Did you mean {' or '.join(repr(plain[name]) for name in near)}?" if near else ""


def _plain(name: str) -> str:
    return name.replace("_", "").replace(" ", "").casefold()
