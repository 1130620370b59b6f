"""Damage done to a description file at random, of the kinds that real files have."""

import copy
import random
from typing import Any

VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, "", "x", "\x00", "../..", "@evil.example", "\ud800", [], {}, [[]], [None],
    [True], [{}], {"": 1}, {"$ref": "#"}, {"$ref": "#/nothing"}, {"$ref": "other.yaml#/x"}, {"$ref": 5},
    {"type": ["string", 5]}, {"allOf": [True]}, {"oneOf": {}}, {"properties": []}, {"items": True}, "9" * 5000,
    {"type": "array", "items": {"$ref": "#/components"}}, {"in": "path", "name": "{"}, "class", "__init__",
]  # fmt: skip


def mutated(content: Any, chance: random.Random, times: int = 3) -> Any:
    """A copy of a file with a few of its values replaced, removed, doubled or moved."""
    content = copy.deepcopy(content)
    for _ in range(times):
        places = list(_places(content, chance))
        if not places:
            return content
        holder, key = chance.choice(places)
        kind = chance.randrange(5)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[chance.choice(["", "{0}", "$ref", "allOf", "items", "a/b", "id", "\u00e9"])] = holder.pop(key)
        elif kind == 2:
            holder[key] = [holder[key]] if chance.random() < 0.5 else {"x": holder[key]}
        elif kind == 3 and len(places) > 1:
            other, name = chance.choice(places)
            holder[key] = copy.deepcopy(other[name])
        else:
            holder[key] = copy.deepcopy(chance.choice(VALUES))
    return content


def _places(node: Any, chance: random.Random) -> Any:
    """Places on a few walks from the top down, so that shallow ones are as likely as deep ones."""
    for _ in range(20):
        holder = node
        while isinstance(holder, dict | list) and holder:
            key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
            yield holder, key
            if chance.random() < 0.15:
                break
            holder = holder[key]
