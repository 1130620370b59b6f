"""From JSON to tidy tables. A record's Arrow type says which tables; nothing here knows HTTP."""

from .findings import Findings
from .flattening import Batch, as_schema, empty, final_type, flatten, joined, joined_by_name, tidy, to_pandas
from .layout import AS_SENT, Column, TableLayout, free_name, lay_out, singular

__all__ = [
    "AS_SENT",
    "Batch",
    "Column",
    "Findings",
    "TableLayout",
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
