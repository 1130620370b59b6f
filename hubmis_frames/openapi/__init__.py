"""The vendor's OpenAPI file: read, matched with our declarations, and our own declarations written as one.

A file says what to ask, as our declarations do. It never says where to send a token, and nothing is fetched here.
"""

from .differences import compare, count_differences
from .spec import Spec, read_spec
from .write import as_draft, as_openapi

__all__ = ["Spec", "as_draft", "as_openapi", "compare", "count_differences", "read_spec"]
