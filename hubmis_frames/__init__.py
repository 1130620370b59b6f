"""HUBmis, a school's management information system, as tidy pandas DataFrames."""

from . import endpoints as _declared
from .__about__ import __version__
from .connect import connect, demo
from .endpoints import *  # noqa: F403 - every loader, by the declarations
from .endpoints.declaration import CATALOGUE
from .errors import (
    BadArgumentError,
    CacheError,
    CredentialsError,
    ExportError,
    FilterIgnoredError,
    HubmisError,
    HubmisWarning,
    IncompleteError,
    NotCachedError,
    NotFoundError,
    NotPermittedError,
    PayloadError,
    RateLimitError,
    RefusedError,
    SettingsError,
    SpecError,
    UnreachableError,
)
from .frames.keys import join, keys
from .load import load, load_tables
from .privacy import open_key, pseudonymise, suppress
from .reference import document as _document
from .reference import endpoints
from .school import School, source

_document(_declared)

__all__ = [
    "BadArgumentError",
    "CacheError",
    "CredentialsError",
    "ExportError",
    "FilterIgnoredError",
    "HubmisError",
    "HubmisWarning",
    "IncompleteError",
    "NotCachedError",
    "NotFoundError",
    "NotPermittedError",
    "PayloadError",
    "RateLimitError",
    "RefusedError",
    "School",
    "SettingsError",
    "SpecError",
    "UnreachableError",
    "__version__",
    "connect",
    "demo",
    "endpoints",
    "join",
    "keys",
    "load",
    "load_tables",
    "open_key",
    "pseudonymise",
    "source",
    "suppress",
    *(endpoint.loader for endpoint in CATALOGUE.values()),
]
