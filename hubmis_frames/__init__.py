"""HUBmis, a school's management information system, as tidy pandas DataFrames."""

import importlib
import logging
from typing import TYPE_CHECKING

from . import operations as _declared
from .__about__ import __version__
from .catalogue.loading import load, load_tables
from .catalogue.reference import document as _document
from .catalogue.reference import endpoints
from .connections import connect, connect_group, demo
from .display import completion as _completion
from .display.table import table
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
    did_you_mean,
)
from .export import read
from .frames.keys import join, keys
from .frames.output import to_csv, to_excel, to_parquet
from .frames.provenance import source
from .group import Group
from .operations import *  # noqa: F403 - every loader, by the declarations
from .operations.declaration import CATALOGUE
from .privacy import open_key, pseudonymise, suppress
from .school import School

if TYPE_CHECKING:
    from . import attendance, joint, plots, wellbeing

_LATER = ("attendance", "joint", "plots", "wellbeing")

_document(_declared)
_completion.register()
logging.getLogger(__name__).addHandler(logging.NullHandler())  # quiet until a program asks


def __getattr__(name: str) -> object:
    """Import the analysis when it is first asked for: who only loads should not wait for it."""
    if name in _LATER:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{did_you_mean(name, __all__)}")


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
    "attendance",
    "connect",
    "connect_group",
    "demo",
    "endpoints",
    "join",
    "joint",
    "keys",
    "load",
    "load_tables",
    "open_key",
    "plots",
    "pseudonymise",
    "read",
    "source",
    "suppress",
    "table",
    "to_csv",
    "to_excel",
    "to_parquet",
    "wellbeing",
    *(endpoint.loader for endpoint in CATALOGUE.values()),
]
