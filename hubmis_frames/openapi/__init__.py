"""The vendor's OpenAPI file: read, matched with our declarations, and our own declarations written as one.

A file says what to ask, as ``endpoints`` does; it never says where to send a token.
"""

from .differences import compare
from .match import Spec, read_spec
from .write import as_openapi

__all__ = ["Spec", "as_openapi", "compare", "read_spec"]
