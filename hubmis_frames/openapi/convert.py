"""A JSON schema to the Arrow type of our own declarations, and back. It knows no operation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from ..operations.shapes import BOOL, DATE, ID, INSTANT, MAP, NUMBER, REFERS, TEXT, TIME
from .document import Document, Json

DEEPEST = 12

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

    def record(self, schema: Json) -> pa.StructType | None:
        """Convert the schema of one record; ``None`` where it is no object."""
        type_ = self._type(schema, ())
        return type_ if type_ is not None and pa.types.is_struct(type_) else None

    def _type(self, node: Any, above: tuple[str, ...]) -> pa.DataType | None:
        """Convert a schema; ``None`` where it says nothing, so that the data shall tell."""
        schema, name = self._document.resolve(node)
        # A student's contacts have students: where a schema comes back to itself, the data shall tell the rest.
        if not isinstance(schema, Mapping) or len(above) > DEEPEST or (name is not None and name in above):
            return None
        above = (*above, name) if name else above
        if parts := schema.get("allOf"):
            own = {key: value for key, value in schema.items() if key != "allOf"}
            return _together([self._type(part, above) for part in (*parts, own)])
        for key in ("oneOf", "anyOf"):
            if options := schema.get(key):
                found = [self._type(option, above) for option in options if not self._is_null(option)]
                own_type = self._type({**schema, key: None}, above) if "properties" in schema else None
                return _together([*found, own_type])
        kinds = _kinds(schema)
        if "object" in kinds or "properties" in schema or "additionalProperties" in schema:
            return self._object(schema, above)
        if "array" in kinds or "items" in schema:
            return self._list(schema, above)
        if len(kinds) > 1:
            return _either([_SCALARS[kind] for kind in kinds if kind in _SCALARS])
        (kind,) = kinds or (None,)
        if kind == "string":
            return _FORMATS.get(str(schema.get("format")), TEXT)
        return _SCALARS.get(str(kind))

    def _object(self, schema: Json, above: tuple[str, ...]) -> pa.DataType | None:
        fields = [
            field
            for name, node in (schema.get("properties") or {}).items()
            if (field := self._field(str(name), node, above)) is not None
        ]
        more = schema.get("additionalProperties")
        if fields or not isinstance(more, Mapping) or not more:
            return pa.struct(fields)
        # Names that are data make rows: a child table with the column key.
        inner = self._type(more, above)
        if inner is None:
            return pa.struct([])
        entry = list(inner) if pa.types.is_struct(inner) else [pa.field("value", inner)]
        entry = [field for field in entry if field.name != "key"]
        return pa.list_(pa.field("item", pa.struct([pa.field("key", TEXT), *entry]), metadata={MAP: b"1"}))

    def _field(self, name: str, node: Any, above: tuple[str, ...]) -> pa.Field | None:
        type_ = self._type(node, above)
        if type_ is None or (pa.types.is_struct(type_) and type_.num_fields == 0):
            return None
        inner = type_.value_type if pa.types.is_list(type_) else type_
        if not pa.types.is_struct(inner) or inner.get_field_index("id") < 0:
            return pa.field(name, type_)
        key = self._key_of(self._name(node), name)
        return pa.field(name, type_, metadata={REFERS: key.encode()} if key else None)

    def _list(self, schema: Json, above: tuple[str, ...]) -> pa.DataType | None:
        item = self._type(schema.get("items") or {}, above)
        if item is None or (pa.types.is_struct(item) and item.num_fields == 0):
            return None
        return pa.list_(item)

    def _name(self, node: Any) -> str | None:
        """The name of the schema of an object, or of the objects of a list, through wrappers that add nothing."""
        schema, name = self._document.resolve(node)
        if name and "items" not in schema:
            return name
        inner = [schema["items"]] if "items" in schema else []
        inner += [part for key in ("allOf", "oneOf", "anyOf") for part in schema.get(key) or ()]
        return next((found for part in inner if (found := self._name(part))), None)

    def _is_null(self, node: Any) -> bool:
        schema, _ = self._document.resolve(node)
        return isinstance(schema, Mapping) and schema.get("type") == "null"


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


def _kinds(schema: Json) -> tuple[str, ...]:
    declared = schema.get("type")
    kinds = [declared] if isinstance(declared, str) else list(declared or ())
    if not kinds:
        samples = [schema["const"]] if "const" in schema else list(schema.get("enum") or ())
        kinds = [_KINDS[type(sample)] for sample in samples if type(sample) in _KINDS]
    return tuple(dict.fromkeys(kind for kind in kinds if kind != "null"))


_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _together(types: Sequence[pa.DataType | None]) -> pa.DataType | None:
    """One type for what several schemas describe."""
    found = [type_ for type_ in types if type_ is not None]
    if not found:
        return None
    if objects := [type_ for type_ in found if pa.types.is_struct(type_)]:
        fields: dict[str, pa.Field] = {}
        for field in (field for type_ in objects for field in type_):
            known = fields.get(field.name)
            fields[field.name] = field if known is None else known.with_type(_together([known.type, field.type]))
        return pa.struct(list(fields.values()))
    if lists := [type_ for type_ in found if pa.types.is_list(type_)]:
        item = _together([type_.value_type for type_ in lists])
        return pa.list_(lists[0].value_field.with_type(item))
    return _either(found)


def _either(types: Sequence[pa.DataType]) -> pa.DataType:
    distinct = set(types)
    if len(distinct) == 1:
        return types[0]
    return NUMBER if distinct == {ID, NUMBER} else TEXT
