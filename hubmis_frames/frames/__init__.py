"""JSON to tidy tables: a record's Arrow type says which, Arrow does the work. Nothing here knows HTTP."""

from .fit import free_name
from .layout import AS_SENT, Column, Table, lay_out, singular
from .report import Report
from .tidy import empty, final_type, joined, tidy, to_pandas

__all__ = [
    "AS_SENT",
    "Column",
    "Report",
    "Table",
    "empty",
    "final_type",
    "free_name",
    "joined",
    "lay_out",
    "singular",
    "tidy",
    "to_pandas",
]
