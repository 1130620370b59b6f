"""HUBmis, a school's management information system, as tidy pandas DataFrames."""

import functools
import importlib
import logging
import sys
from typing import TYPE_CHECKING

from .__about__ import __version__ as __version__

if TYPE_CHECKING:  # for type checkers and editors; what is imported when the program runs is in _NAMES
    from . import attendance as attendance
    from . import joint as joint
    from . import plots as plots
    from . import wellbeing as wellbeing
    from .catalogue.loading import load as load
    from .catalogue.reference import endpoints as endpoints
    from .connections import connect as connect
    from .connections import connect_group as connect_group
    from .connections import demo as demo
    from .display.table import show as show
    from .errors import BadArgumentError as BadArgumentError
    from .errors import CacheError as CacheError
    from .errors import CredentialsError as CredentialsError
    from .errors import ExportError as ExportError
    from .errors import FilterIgnoredError as FilterIgnoredError
    from .errors import HubmisError as HubmisError
    from .errors import HubmisWarning as HubmisWarning
    from .errors import IncompleteError as IncompleteError
    from .errors import MissingFieldError as MissingFieldError
    from .errors import NoKeyringError as NoKeyringError
    from .errors import NotCachedError as NotCachedError
    from .errors import NotFoundError as NotFoundError
    from .errors import NotFromHubmisError as NotFromHubmisError
    from .errors import NotPermittedError as NotPermittedError
    from .errors import PayloadError as PayloadError
    from .errors import RateLimitError as RateLimitError
    from .errors import RefusedError as RefusedError
    from .errors import ServerFaultError as ServerFaultError
    from .errors import SettingsError as SettingsError
    from .errors import SpecError as SpecError
    from .errors import UnreachableError as UnreachableError
    from .export import read as read
    from .frames.finding import find as find
    from .frames.joining import join as join
    from .frames.keys import keys as keys
    from .frames.output import to_csv as to_csv
    from .frames.output import to_excel as to_excel
    from .frames.output import to_parquet as to_parquet
    from .frames.provenance import source as source
    from .group import Group as Group
    from .operations import *  # noqa: F403 - every loader, from the declarations
    from .privacy import open_key as open_key
    from .privacy import pseudonymise as pseudonymise
    from .privacy import suppress as suppress
    from .school import School as School
    from .school_data import SchoolData as SchoolData
    from .school_data import open_export as open_export
    from .school_data.columns import dictionary as dictionary

_MODULES = ("attendance", "joint", "plots", "wellbeing")
_NAMES = {
    "catalogue.loading": ("load",),
    "catalogue.reference": ("endpoints",),
    "connections": ("connect", "connect_group", "demo"),
    "display.table": ("show",),
    "errors": (
        "BadArgumentError", "CacheError", "CredentialsError", "ExportError", "FilterIgnoredError", "HubmisError",
        "HubmisWarning", "IncompleteError", "MissingFieldError", "NoKeyringError", "NotCachedError", "NotFoundError",
        "NotFromHubmisError", "NotPermittedError", "PayloadError", "RateLimitError", "RefusedError", "ServerFaultError",
        "SettingsError", "SpecError", "UnreachableError",
    ),
    "export": ("read",),
    "frames.finding": ("find",),
    "frames.joining": ("join",),
    "frames.keys": ("keys",),
    "frames.output": ("to_csv", "to_excel", "to_parquet"),
    "frames.provenance": ("source",),
    "group": ("Group",),
    "privacy": ("open_key", "pseudonymise", "suppress"),
    "school": ("School",),
    "school_data": ("SchoolData", "open_export"),
    "school_data.columns": ("dictionary",),
}  # fmt: skip
"""The public names of each module. A module is imported when one of its names is first used, so that a program does not
wait for what it does not use; the loaders, from the declarations, are public too."""
_PLACES = {name: module for module, names in _NAMES.items() for name in names}

logging.getLogger(__name__).addHandler(logging.NullHandler())  # quiet until a program asks for logs


def __getattr__(name: str) -> object:
    if name == "__all__":
        return __dir__()
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _PLACES:
        value = getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
    elif name.startswith("load_") and name in _loaders():
        value = _loaders()[name]
    else:
        from .errors import did_you_mean

        known = () if name.startswith("_") else __dir__()
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{did_you_mean(name, known)}")
    globals()[name] = value  # the next use finds it at once
    return value


def __dir__() -> list[str]:
    return sorted(["__version__", *_MODULES, *_PLACES, *_loaders()])


@functools.cache
def _loaders() -> dict[str, object]:
    """Every loader by its name, with its docstring."""
    from .catalogue.reference import document

    operations = importlib.import_module(".operations", __name__)  # "from . import" would ask __getattr__ for it
    document(operations)
    return {endpoint.loader: getattr(operations, endpoint.loader) for endpoint in operations.CATALOGUE.values()}


if "IPython" in sys.modules:
    from .display.completion import register

    register()
