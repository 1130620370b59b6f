"""JSON to tidy tables: a record's Arrow type says which, Arrow does the work. Nothing here knows HTTP."""

from .coercion import free_name
from .findings import Findings
from .flattening import Batch, as_schema, empty, final_type, flatten, joined, joined_by_name, tidy, to_pandas
from .layout import AS_SENT, Column, Table, lay_out, singular

__all__ = [
    "AS_SENT",
    "Batch",
    "Column",
    "Findings",
    "Table",
    "as_schema",
    "empty",
    "final_type",
    "flatten",
    "free_name",
    "joined",
    "joined_by_name",
    "lay_out",
    "singular",
    "tidy",
    "to_pandas",
]
