"""Tables to Parquet: what to request, what it costs, files that are complete or absent, and a manifest."""

from .in_memory import collect
from .places import exports_with
from .reading import read
from .refresh import WINDOW
from .run import ExportOptions, export
from .steps import CORE, Step, plan, steps_of
from .write import Compression

__all__ = [
    "CORE", "WINDOW", "Compression", "ExportOptions", "Step", "collect", "export", "exports_with", "plan", "read",
    "steps_of",
]  # fmt: skip
