"""How a file pages a list, by the names and the schemas of its query parameters."""

import re
from collections.abc import Sequence
from typing import Literal

from ..request import Paging
from .document import WireParameter, mapping, sequence

_ROLES = {
    "number": "page pagenumber pagepage pageno pageindex pagenum",
    "offset": "offset skip pageoffset startindex pageskip",
    "cursor": "cursor pagecursor after pageafter pagetoken nexttoken nextcursor continuationtoken startingafter",
    "size": "pagesize perpage pageperpage limit pagelimit size count take itemsperpage pagecount maxresults top",
}
_ROLE_OF = {name: role for role, names in _ROLES.items() for name in names.split()}


def paging_of(
    parameters: Sequence[WireParameter], declared: Paging | None, next_at: str
) -> tuple[Paging | None, set[str]]:
    """How an operation is paged, and the parameters which say so.

    Parameters
    ----------
    declared
        Our own declaration, which stands if the file does not say how a list is paged.
    next_at
        Where the envelope says what the next page is.
    """
    found: dict[str, WireParameter] = {}
    for parameter in parameters:
        role = _ROLE_OF.get(re.sub(r"[\W_]", "", parameter.name).casefold())
        if parameter.place == "query" and role and parameter.schema.get("format") not in ("date", "date-time"):
            found.setdefault(role, parameter)
    styles: tuple[Literal["number", "offset", "cursor"], ...] = ("number", "offset", "cursor")
    style = next((style for style in styles if style in found), None)
    size = found.get("size")
    if style is None:
        if size is not None:
            return Paging("", size.name, _most(size), style="first", next_at=next_at), {size.name}
        return (declared._replace(next_at=next_at, assumed=True) if declared else None), set()
    number = found[style]
    if size is None and style == "number" and _is_object(number):
        return (declared or Paging())._replace(next_at=next_at), {number.name}
    first = None if style == "cursor" else _first(number)
    paging = Paging(number.name, size.name if size else "", _most(size), first, style, next_at)
    return paging, {number.name, *([size.name] if size else [])}


def _is_object(parameter: WireParameter) -> bool:
    kind = parameter.schema.get("type")
    return kind == "object" or kind == ["object", "null"]


def _most(size: WireParameter | None) -> int:
    """The largest page that the file allows, within our own bound."""
    most = Paging().most
    if size is None:
        return most
    parts = [part for key in ("anyOf", "oneOf", "allOf") for part in sequence(size.schema.get(key))]
    for schema in map(mapping, (size.schema, *parts)):
        allowed = [schema.get("maximum"), *sequence(schema.get("enum"))]
        sizes = [value for value in allowed if isinstance(value, int) and not isinstance(value, bool) and value > 0]
        if sizes:
            return min(most, max(sizes))
    return most


def _first(number: WireParameter) -> int | None:
    """The number of the first page or row, if the file says it."""
    for word in ("minimum", "default"):
        value = number.schema.get(word)
        if isinstance(value, int) and not isinstance(value, bool) and value in (0, 1):
            return value
    return None
