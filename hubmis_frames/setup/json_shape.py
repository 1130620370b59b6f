"""The shape of a JSON value: names and types, and none of what it holds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SAMPLE = 200
ANY_NAME = "*"
_LIKE_A_FIELD = re.compile(r"[a-z_][A-Za-z0-9_]{0,39}")
_KINDS = {str: "text", bool: "true or false", int: "integer", float: "number", type(None): "null"}

Shape = str | list["Shape"] | dict[str, "Shape"]


def shape_of(value: Any, known: frozenset[str]) -> Shape:
    """Say what a JSON value is made of.

    Parameters
    ----------
    value
        As ``json.loads`` gives it. Of a long list the first rows are looked at.
    known
        Names of fields that may be shown whatever they look like. Others are shown where they look
        like a field's: a name that is itself data (an id, a person, a date) becomes ``*``.

    Returns
    -------
    str, list or dict
        A scalar's type, or several with ``|`` between them; a list with the one shape of its items, or
        none; an object's shapes by name. A name that some objects lack ends in ``?``.
    """
    return _shape([value], known)


def _shape(values: Sequence[Any], known: frozenset[str]) -> Shape:
    """The one shape of several values."""
    objects = [value for value in values if isinstance(value, Mapping)]
    lists = [value for value in values if isinstance(value, list)]
    kinds = sorted({_KINDS[type(value)] for value in values if not isinstance(value, Mapping | list)})
    if objects:
        return _object(objects, known)
    if lists:
        items = [item for each in lists for item in each[:SAMPLE]]
        return [_shape(items, known)] if items else []
    return " | ".join(kinds)


def _object(objects: Sequence[Mapping[str, Any]], known: frozenset[str]) -> Shape:
    names = list(dict.fromkeys(name for each in objects for name in each))
    if _is_map(names, objects, known):
        return {ANY_NAME: _shape([value for each in objects for value in each.values()], known)}
    result: dict[str, Shape] = {}
    hidden: list[Any] = []
    for name in names:
        values = [each[name] for each in objects if name in each]
        if name in known or _LIKE_A_FIELD.fullmatch(name):
            result[name if len(values) == len(objects) else f"{name}?"] = _shape(values, known)
        else:
            hidden += values
    if hidden:
        result[ANY_NAME] = _shape(hidden, known)
    return result


def _is_map(names: Sequence[str], objects: Iterable[Mapping[str, Any]], known: frozenset[str]) -> bool:
    """Whether the names are data, as of marks by day: several, none of them known, and all holding records."""
    if len(names) < 2 or known & set(names):
        return False
    return all(isinstance(value, Mapping | list) for each in objects for value in each.values())
