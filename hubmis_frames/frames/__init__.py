"""From JSON to tidy tables. A record's Arrow type says which tables; nothing here knows HTTP."""

from .findings import Findings
from .flattening import (
    Batch,
    alike,
    as_schema,
    concatenated,
    empty,
    final_type,
    flatten,
    joined,
    joined_by_name,
    tidy,
    to_pandas,
)
from .layout import AS_SENT, FROM, Column, TableLayout, free_name, lay_out, singular, tidy_name

__all__ = [
    "AS_SENT",
    "FROM",
    "Batch",
    "Column",
    "Findings",
    "TableLayout",
    "alike",
    "as_schema",
    "concatenated",
    "empty",
    "final_type",
    "flatten",
    "free_name",
    "joined",
    "joined_by_name",
    "lay_out",
    "singular",
    "tidy",
    "tidy_name",
    "to_pandas",
]
