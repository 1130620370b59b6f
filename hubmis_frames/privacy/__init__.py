"""What makes tables safer to pass on: pseudonyms, and small counts hidden. Pure functions of frames."""

from .personal import (
    QUASI_IDENTIFIERS,
    declared_columns,
    is_declared,
    personal_columns,
    quasi_identifier,
    safe_columns,
    student_columns,
    without_free_text,
)
from .pseudonyms import find_key, open_key, pseudonymise, pseudonyms_of, sorted_positions
from .suppression import suppress

__all__ = [
    "QUASI_IDENTIFIERS",
    "declared_columns",
    "find_key",
    "is_declared",
    "open_key",
    "personal_columns",
    "pseudonymise",
    "pseudonyms_of",
    "quasi_identifier",
    "safe_columns",
    "sorted_positions",
    "student_columns",
    "suppress",
    "without_free_text",
]
