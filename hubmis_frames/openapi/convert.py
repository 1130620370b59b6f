"""A JSON schema to the Arrow type of our own declarations, and back. It knows no operation.

Each schema is converted once for each of three levels, so the time is bounded by the size of the file. An entity (a
record with an id of its own) holds other entities, and those hold the id and the name of further ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from ..frames import tidy_name
from ..operations.shapes import BARE, BOOL, DATE, ID, INSTANT, MAP, NUMBER, REFERS, TEXT, TEXT_TOO, TIME
from .document import Document, Json, mapping, sequence, text

DEEPEST = 30
LARGEST_RECORD = 1000
"""The most values that a record may hold, at any depth. What would make it larger is left to the data."""
_LARGEST_PART = 300
_MOST_TABLES = 40
_MOST_TABLES_PER_PART = 10
_INSIDE = 2  # the level at which an entity stands inside an entity inside an entity
_SHORT = ("id", "name", "first_name", "last_name", "firstName", "lastName")

# The first name of a type is the one we write: a "time" has an offset, which a bell has not.
_FORMATS = {"date": DATE, "date-time": INSTANT, "time-local": TIME, "time": TIME}
_SCALARS = {"integer": ID, "number": NUMBER, "boolean": BOOL, "string": TEXT}


class Converter:
    """Convert schemas of one document.

    Parameters
    ----------
    document
        Where references point.
    key_of
        The key that an object refers to, given the name of its schema and the name of its field.
    """

    def __init__(self, document: Document, key_of: Callable[[str | None, str], str | None]) -> None:
        self._document = document
        self._key_of = key_of
        self._converted: dict[tuple[int, int], tuple[Any, pa.DataType | None]] = {}
        self._open: set[tuple[int, int]] = set()
        self._depth = 0
        self._where = ""

    def record(self, schema: Any, where: str = "") -> pa.StructType | None:
        """Convert the schema of one record; ``None`` if it is no object or names no field."""
        self._where = where
        type_ = self._type(schema, 0)
        return type_ if type_ is not None and pa.types.is_struct(type_) and type_.num_fields else None

    def _type(self, node: Any, level: int) -> pa.DataType | None:
        """Convert a schema at a level; ``None`` if it says nothing, so that the data tell."""
        schema, _ = self._document.schema(node, self._where)
        place = id(schema), level
        if place in self._converted:
            return self._converted[place][1]
        # A group of objects without ids may come back to itself; there the data tell the rest.
        if not schema or place in self._open or self._depth > DEEPEST:
            return None
        self._open.add(place)
        self._depth += 1
        try:
            type_ = self._built(schema, level)
        finally:
            self._depth -= 1
            self._open.discard(place)
        self._converted[place] = schema, type_  # kept with its schema, so that no other gets its id
        return type_

    def _built(self, schema: Json, level: int) -> pa.DataType | None:
        if parts := sequence(schema.get("allOf")):
            own = {key: value for key, value in schema.items() if key != "allOf"}
            return _together([self._type(part, level) for part in (*parts, own)])
        for key in ("oneOf", "anyOf"):
            if options := sequence(schema.get(key)):
                types = [self._type(option, level) for option in options if not self._is_null(option)]
                own = {name: value for name, value in schema.items() if name != key}
                return _together([*types, self._type(own, level) if mapping(own.get("properties")) else None])
        kinds = kinds_of(schema)
        if "object" in kinds or "properties" in schema or "additionalProperties" in schema:
            return _together([self._object(schema, level), *(_SCALARS[kind] for kind in kinds if kind in _SCALARS)])
        if "array" in kinds or "items" in schema:
            return self._list(schema, level)
        if len(kinds) > 1:
            return _either([_SCALARS[kind] for kind in kinds if kind in _SCALARS])
        (kind,) = kinds or ("",)
        if kind == "string":
            return _FORMATS.get(text(schema.get("format")), TEXT)
        return _SCALARS.get(kind)

    def _object(self, schema: Json, level: int) -> pa.DataType | None:
        properties = mapping(schema.get("properties"))
        if level >= _INSIDE and "id" in properties:
            properties = {name: properties[name] for name in _SHORT if name in properties}
        fields: list[pa.Field] = []
        size = tables = 0
        for name, node in properties.items():
            if not isinstance(name, str) or text(name) != name or not name:
                continue
            field = self._field(name, node, level)
            if field is None:
                continue
            part, lists = _size(field.type), _lists(field.type)
            too_large = part > _LARGEST_PART or size + part > LARGEST_RECORD
            if too_large or lists > _MOST_TABLES_PER_PART or tables + lists > _MOST_TABLES:
                self._document.note(self._where, f"{name} holds more fields than a table can; the data tell them")
                continue
            size, tables = size + part, tables + lists
            fields.append(field)
        more = schema.get("additionalProperties")
        if fields or not isinstance(more, Mapping) or not more:
            return pa.struct(fields)
        return self._map(more, level)

    def _map(self, schema: Json, level: int) -> pa.DataType:
        """An object whose names are data: each name makes a row, so it is a list of entries with a ``key``."""
        inner = self._type(schema, level)
        if inner is None:
            return pa.struct([])
        entry = list(inner) if pa.types.is_struct(inner) else [pa.field("value", inner)]
        entry = [field for field in entry if field.name != "key"]
        return pa.list_(pa.field("item", pa.struct([pa.field("key", TEXT), *entry]), metadata={MAP: b"1"}))

    def _field(self, name: str, node: Any, level: int) -> pa.Field | None:
        below = level + 1 if self.is_entity(node) else level
        if below >= _INSIDE and below > level and self._is_list(node):
            return None  # a table of its own for each relation of a relation would be dozens of tables
        type_ = self._type(node, min(below, _INSIDE))
        if type_ is None or (pa.types.is_struct(type_) and type_.num_fields == 0):
            return None
        if type_ in (TEXT, NUMBER) and self._is_id(name):
            return self._id(name, type_, node)
        inner = type_.value_type if pa.types.is_list(type_) else type_
        if not pa.types.is_struct(inner) or inner.get_field_index("id") < 0:
            return pa.field(name, type_)
        key = self._key_of(self._name(node), name)
        return pa.field(name, type_, metadata={REFERS: key.encode()} if key else None)

    def _is_id(self, name: str) -> bool:
        """Whether a field is a record's own id, or the id of something that has a key of ours."""
        tidy = tidy_name(name)
        return tidy == "id" or (tidy.endswith("_id") and self._key_of(None, tidy.removesuffix("_id")) is not None)

    def _id(self, name: str, type_: pa.DataType, node: Any) -> pa.Field:
        """An id. Text of no format may hold whole numbers: many generators call every id text."""
        formats = {text(part.get("format")) for part in self._parts(node)} - {"", "int32", "int64"}
        if type_ == TEXT and formats:
            return pa.field(name, TEXT)
        return pa.field(name, ID, metadata={TEXT_TOO: b"1"} if type_ == TEXT else None)

    def _list(self, schema: Json, level: int) -> pa.DataType | None:
        item = self._type(schema.get("items"), level)
        if item is None or (pa.types.is_struct(item) and item.num_fields == 0):
            return None
        return pa.list_(item)

    def is_entity(self, node: Any) -> bool:
        """Whether a schema is an object with an id, or a list of such."""
        return any("id" in mapping(part.get("properties")) for part in self._parts(node))

    def _is_list(self, node: Any) -> bool:
        return any("items" in part for part in self._parts(node))

    def _parts(self, node: Any) -> Iterator[Json]:
        """A schema, what it is put together from, and the items of its lists; each once."""
        waiting, seen = [node], set[int]()
        while waiting and len(seen) < LARGEST_RECORD:
            schema, _ = self._document.schema(waiting.pop(), self._where)
            if id(schema) in seen:
                continue
            seen.add(id(schema))
            yield schema
            if "items" in schema:
                waiting.append(schema["items"])
            waiting += [part for key in ("allOf", "oneOf", "anyOf") for part in sequence(schema.get(key))]

    def _name(self, node: Any) -> str | None:
        """The name of the schema of an object, or of the objects of a list, through wrappers that add nothing."""
        waiting = [node]
        for _ in range(DEEPEST):
            if not waiting:
                return None
            schema, name = self._document.schema(waiting.pop(0), self._where)
            if name and "items" not in schema:
                return name
            inner = [schema["items"]] if "items" in schema else []
            waiting = [
                *inner,
                *(part for key in ("allOf", "oneOf", "anyOf") for part in sequence(schema.get(key))),
                *waiting,
            ]
        return None

    def _is_null(self, node: Any) -> bool:
        schema, _ = self._document.schema(node, self._where)
        return schema.get("type") in ("null", ["null"])


def schema_of(type_: pa.DataType) -> dict[str, Any]:
    """Write an Arrow type as the schema of OpenAPI 3.1; anything may be absent or null."""
    if pa.types.is_struct(type_):
        return {"type": ["object", "null"], "properties": {field.name: schema_of(field.type) for field in type_}}
    if pa.types.is_list(type_):
        return {"type": ["array", "null"], "items": schema_of(type_.value_type)}
    for name, format_ in _FORMATS.items():
        if type_ == format_:
            return {"type": ["string", "null"], "format": name}
    return {"type": [next(name for name, scalar in _SCALARS.items() if scalar == type_), "null"]}


def _size(type_: pa.DataType) -> int:
    """How many values a type holds, at any depth."""
    if pa.types.is_list(type_):
        return _size(type_.value_type)
    return sum(_size(field.type) for field in type_) if pa.types.is_struct(type_) else 1


def _lists(type_: pa.DataType) -> int:
    """How many lists a type holds, at any depth. Each makes a table."""
    if pa.types.is_list(type_):
        return 1 + _lists(type_.value_type)
    return sum(_lists(field.type) for field in type_) if pa.types.is_struct(type_) else 0


def kinds_of(schema: Json) -> tuple[str, ...]:
    """The types that a schema names, without null; of an enumeration those of its values."""
    declared = schema.get("type")
    kinds = [declared] if isinstance(declared, str) else [kind for kind in sequence(declared) if isinstance(kind, str)]
    if not kinds:
        samples = [schema["const"]] if "const" in schema else list(sequence(schema.get("enum")))
        kinds = [_KINDS[type(sample)] for sample in samples if type(sample) in _KINDS]
    return tuple(dict.fromkeys(kind for kind in kinds if kind != "null"))


_KINDS: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _together(types: Sequence[pa.DataType | None]) -> pa.DataType | None:
    """One type for what several schemas describe."""
    said = [type_ for type_ in types if type_ is not None]
    if not said:
        return None
    if objects := [type_ for type_ in said if pa.types.is_struct(type_)]:
        fields: dict[str, pa.Field] = {}
        for field in (field for type_ in objects for field in type_):
            if known := fields.get(field.name):
                remarks = {**(field.metadata or {}), **(known.metadata or {})}
                field = pa.field(field.name, _together([known.type, field.type]), metadata=remarks or None)
            fields[field.name] = field
        if "id" in fields and any(not pa.types.is_nested(type_) for type_ in said):
            fields["id"] = fields["id"].with_metadata({**(fields["id"].metadata or {}), BARE: b"1"})
        return pa.struct(list(fields.values()))
    if lists := [type_ for type_ in said if pa.types.is_list(type_)]:
        item = _together([type_.value_type for type_ in lists])
        return pa.list_(lists[0].value_field.with_type(item))
    return _either(said)


def _either(types: Sequence[pa.DataType]) -> pa.DataType | None:
    distinct = set(types)
    if len(distinct) <= 1:
        return types[0] if types else None
    return NUMBER if distinct == {ID, NUMBER} else TEXT
