"""What makes tables safer to pass on: pseudonyms, and small counts hidden. Pure functions of frames."""

from .personal import personal_columns, without_free_text
from .pseudonyms import open_key, pseudonymise
from .suppression import suppress

__all__ = ["open_key", "personal_columns", "pseudonymise", "suppress", "without_free_text"]
