"""HUBmis, a school's management information system, as tidy pandas DataFrames."""

import importlib
import logging
from typing import TYPE_CHECKING

from . import operations as _operations
from .__about__ import __version__
from .catalogue.loading import load
from .catalogue.reference import document as _document
from .catalogue.reference import endpoints
from .connections import connect, connect_group, demo
from .display import completion as _completion
from .display.table import show
from .errors import (
    BadArgumentError,
    CacheError,
    CredentialsError,
    ExportError,
    FilterIgnoredError,
    HubmisError,
    HubmisWarning,
    IncompleteError,
    MissingFieldError,
    NoKeyringError,
    NotCachedError,
    NotFoundError,
    NotFromHubmisError,
    NotPermittedError,
    PayloadError,
    RateLimitError,
    RefusedError,
    ServerFaultError,
    SettingsError,
    SpecError,
    UnreachableError,
)
from .errors import did_you_mean as _did_you_mean
from .export import read
from .frames.finding import find
from .frames.joining import join
from .frames.keys import keys
from .frames.output import to_csv, to_excel, to_parquet
from .frames.provenance import source
from .group import Group
from .operations import *  # noqa: F403 - every loader, from the declarations
from .operations.declaration import CATALOGUE as _CATALOGUE
from .privacy import open_key, pseudonymise, suppress
from .school import School

if TYPE_CHECKING:
    from . import attendance, joint, plots, wellbeing
    from .reports.page import report
    from .school_data import SchoolData, open_export

# Imported when they are first used, so that a program that only loads does not wait for them.
_LAZY_MODULES = ("attendance", "joint", "plots", "wellbeing")
_LAZY_NAMES = {"SchoolData": ".school_data", "open_export": ".school_data", "report": ".reports.page"}

_document(_operations)
_completion.register()
logging.getLogger(__name__).addHandler(logging.NullHandler())  # quiet until a program asks for logs


def __getattr__(name: str) -> object:
    if name in _LAZY_MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _LAZY_NAMES:
        return getattr(importlib.import_module(_LAZY_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{_did_you_mean(name, __all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "BadArgumentError",
    "CacheError",
    "CredentialsError",
    "ExportError",
    "FilterIgnoredError",
    "Group",
    "HubmisError",
    "HubmisWarning",
    "IncompleteError",
    "MissingFieldError",
    "NoKeyringError",
    "NotCachedError",
    "NotFoundError",
    "NotFromHubmisError",
    "NotPermittedError",
    "PayloadError",
    "RateLimitError",
    "RefusedError",
    "School",
    "SchoolData",
    "ServerFaultError",
    "SettingsError",
    "SpecError",
    "UnreachableError",
    "__version__",
    "attendance",
    "connect",
    "connect_group",
    "demo",
    "endpoints",
    "find",
    "join",
    "joint",
    "keys",
    "load",
    "open_export",
    "open_key",
    "plots",
    "pseudonymise",
    "read",
    "report",
    "show",
    "source",
    "suppress",
    "to_csv",
    "to_excel",
    "to_parquet",
    "wellbeing",
    *(endpoint.loader for endpoint in _CATALOGUE.values()),
]
