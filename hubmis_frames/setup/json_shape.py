"""The shape of a JSON value: its names and types, without any value."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SAMPLE = 200
ANY_NAME = "*"
_LIKE_A_FIELD = re.compile(r"[a-z_][A-Za-z0-9_]{0,39}")
_DEEPEST = 30
_TYPES = {"text": "string", "true or false": "boolean", "integer": "integer", "number": "number", "null": "null"}
_KINDS = {str: "text", bool: "true or false", int: "integer", float: "number", type(None): "null"}

Shape = str | list["Shape"] | dict[str, "Shape"]


def shape_of(value: Any, known: frozenset[str]) -> Shape:
    """Describe the names and types of a JSON value.

    Parameters
    ----------
    value
        A value from ``json.loads``. Only the first rows of a long list count.
    known
        Names of fields that are always shown. Another name is shown if it looks like a field's; a name
        that is itself data (an id, a person, a date) becomes ``*``.

    Returns
    -------
    str, list or dict
        The type of a scalar, or several joined by ``|``; a list with the shape of its items, or an empty
        one; the shapes of an object by name. A name that some objects lack ends in ``?``.
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
        items = [item for values in lists for item in values[:SAMPLE]]
        return [_shape(items, known)] if items else []
    return " | ".join(kinds)


def _object(objects: Sequence[Mapping[str, Any]], known: frozenset[str]) -> Shape:
    names = list(dict.fromkeys(name for value in objects for name in value))
    if _is_map(names, objects, known):
        return {ANY_NAME: _shape([inner for value in objects for inner in value.values()], known)}
    result: dict[str, Shape] = {}
    hidden: list[Any] = []
    for name in names:
        values = [value[name] for value in objects if name in value]
        if name in known or _LIKE_A_FIELD.fullmatch(name):
            result[name if len(values) == len(objects) else f"{name}?"] = _shape(values, known)
        else:
            hidden += values
    if hidden:
        result[ANY_NAME] = _shape(hidden, known)
    return result


def _is_map(names: Sequence[str], objects: Iterable[Mapping[str, Any]], known: frozenset[str]) -> bool:
    """Whether the names are data, as the days in marks by day: several, none of them known, and all with records."""
    if len(names) < 2 or known & set(names):
        return False
    return all(isinstance(value, Mapping | list) for record in objects for value in record.values())


def schema_of(shape: object, depth: int = 0) -> dict[str, Any]:
    """The schema of OpenAPI 3.1 for a shape. What came as null alone, or as an empty list, says nothing of its type.

    Raises
    ------
    ValueError
        No probe writes such a shape.
    """
    if depth > _DEEPEST:
        raise ValueError("fields are nested too deep")
    if isinstance(shape, list) and len(shape) <= 1:
        return {"type": ["array", "null"], "items": schema_of(shape[0], depth + 1) if shape else {}}
    if isinstance(shape, dict):
        fields = {name.removesuffix("?"): schema_of(inner, depth + 1) for name, inner in shape.items()}
        others = fields.pop(ANY_NAME, None)
        schema: dict[str, Any] = {"type": ["object", "null"], "properties": fields}
        return schema if others is None else {**schema, "additionalProperties": others}
    kinds = shape.split(" | ") if isinstance(shape, str) else []
    if not kinds or not set(kinds) <= set(_TYPES):
        raise ValueError("a field is not a name and a type")
    return {} if kinds == ["null"] else {"type": [*dict.fromkeys([*(_TYPES[kind] for kind in kinds), "null"])]}
