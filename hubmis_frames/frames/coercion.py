"""The slow way to read bodies, for values that clash with their declared type.

Nothing is dropped. A value that can be converted without loss is converted and counted. Any other value is missing
in its own column, and is kept as text in a column with ``_as_sent`` at the end of its name.
"""

import gc
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import PayloadError
from ..operations.shapes import BARE, MAP, TEXT_TOO
from .casting import cast_text
from .findings import Findings
from .layout import AS_SENT, free_name

_INT64 = range(-(2**63), 2**63)
_EXACT = 2**53
WHOLE = r"0|-?[1-9][0-9]{0,18}"  # "007" and "+7" would lose a character, so they are not integers


def fitted(
    bodies: Sequence[bytes], record: pa.StructType, rows_in: Callable[[Any], list[Any]] | None, report: Findings
) -> pa.ListArray:
    """Decode each body to a list of records, in a type that has the fields of ``record`` and all new ones."""
    with _without_collector():
        fitter = _Fitter(report)
        responses = [[fitter.item(row, record, "") for row in _rows(body, rows_in)] for body in bodies]
        type_ = _widened(on_wire(record), [row for response in responses for row in response])
        return pa.array([[_forced(row, type_) for row in response] for response in responses], pa.list_(type_))


def converted_to(values: pa.Array, type_: pa.DataType) -> tuple[pa.Array, pa.Array]:
    """Convert an array without loss; the second array says which values have no equal of that type."""
    if values.type == type_:
        return values, pa.repeat(False, len(values))
    if pa.types.is_temporal(type_):
        if not pa.types.is_string(values.type):
            return pa.nulls(len(values), type_), values.is_valid()
        converted, as_sent = cast_text(values, type_)
        return converted, pa.repeat(False, len(values)) if as_sent is None else as_sent.is_valid()
    encoded = pc.dictionary_encode(values)
    fitter = _Fitter(Findings())
    pairs = [fitter.fit(value, type_, "") for value in encoded.dictionary.to_pylist()]
    converted = pa.array([value for _, value in pairs], type_).take(encoded.indices)
    return converted, pc.fill_null(pa.array([not fits for fits, _ in pairs], pa.bool_()).take(encoded.indices), False)


def on_wire(type_: pa.DataType) -> pa.DataType:
    """The type as JSON holds it: dates and times are text, in more spellings than Arrow reads."""
    if pa.types.is_struct(type_):
        return pa.struct([field.with_type(on_wire(field.type)) for field in type_])
    if pa.types.is_list(type_):
        return pa.list_(type_.value_field.with_type(on_wire(type_.value_type)))
    return pa.string() if pa.types.is_temporal(type_) else type_


def decode(body: bytes) -> Any:
    """Decode JSON without loss: integers of any size, numbers too large for a float as text, both of two equal keys."""
    try:
        return json.loads(
            body, object_pairs_hook=_with_repeated_keys, parse_float=_float_or_text, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise PayloadError("A body is not JSON that can be read.") from None


def _rows(body: bytes, rows_in: Callable[[Any], list[Any]] | None) -> list[Any]:
    response = decode(body)
    if rows_in is not None:
        return rows_in(response)
    if isinstance(response, list):
        return response
    return [] if response is None else [response]


class _Fitter:
    def __init__(self, report: Findings) -> None:
        self._report = report

    def item(self, value: Any, type_: pa.DataType, where: str) -> Any:
        """Fit one item of a list. One that does not fit becomes an object that holds it as text."""
        fits, result = self.fit(value, type_, where)
        if fits:
            return result
        return {AS_SENT.lstrip("_"): _text(value)}

    def fit(self, value: Any, type_: pa.DataType, where: str) -> tuple[bool, Any]:
        """Whether a value fits its declared type, and the value in that type."""
        if value is None:
            return True, None
        if pa.types.is_struct(type_):
            return self._fit_object(value, type_, where)
        if pa.types.is_list(type_):
            return self._fit_list(value, type_, where)
        if pa.types.is_temporal(type_):  # text is parsed later; a number could be a date in several ways
            return isinstance(value, str), _clean(value) if isinstance(value, str) else None
        if isinstance(value, _NATIVE[type_]) and not (isinstance(value, bool) and type_ != pa.bool_()):
            if type_ != pa.int64() or value in _INT64:
                return True, _clean(value)
            return False, None
        fits, result = _CONVERT[type_](value)
        if fits and result is not None and type_ != pa.float64():
            self._report.converted[where] += 1
        return fits, result

    def _fit_object(self, value: Any, type_: pa.DataType, where: str) -> tuple[bool, Any]:
        if value == []:  # PHP writes an empty object like this
            return True, None
        if not isinstance(value, dict):
            return self._fit_bare_id(value, type_, where)
        declared = {field.name: field for field in type_}
        result = {}
        for name, inner in value.items():
            if name not in declared:
                result[name] = inner
                continue
            fits, result[name] = self._fit_field(inner, declared[name], f"{where}_{name}".lstrip("_"))
            if not fits:
                result[free_name(f"{name}{AS_SENT}", value, result)] = _text(inner)
        return True, result

    def _fit_field(self, value: Any, field: pa.Field, where: str) -> tuple[bool, Any]:
        if TEXT_TOO not in (field.metadata or {}):
            return self.fit(value, field.type, where)
        if isinstance(value, str):
            return True, _clean(value) or None
        fits, number = self.fit(value, pa.int64(), where)
        return (True, number) if fits else self.fit(value, pa.string(), where)

    def _fit_bare_id(self, value: Any, type_: pa.DataType, where: str) -> tuple[bool, Any]:
        """An id in the place of an object with that id, as a server writes a relation that it did not load."""
        index = type_.get_field_index("id")
        if index < 0 or isinstance(value, list) or value == "":
            return False, None
        fits, number = self._fit_field(value, type_.field(index), f"{where}_id")
        if fits and BARE not in (type_.field(index).metadata or {}):
            self._report.converted[where] += 1
        return fits, {"id": number} if fits else None

    def _fit_list(self, value: Any, type_: pa.DataType, where: str) -> tuple[bool, Any]:
        item = type_.value_type
        if isinstance(value, dict) and MAP in (type_.value_field.metadata or {}):
            value = [
                {"key": key, **(inner if isinstance(inner, dict) else {"value": inner})} for key, inner in value.items()
            ]
        elif isinstance(value, dict):
            self._report.converted[where] += 1
            if list(value) == [str(number) for number in range(len(value))]:
                value = list(value.values())  # PHP writes some lists like this
            elif pa.types.is_struct(item) and value and all(isinstance(inner, dict) for inner in value.values()):
                value = [{"key": key, **inner} for key, inner in value.items()]  # the names may be ids
            elif pa.types.is_struct(item):
                value = [value]  # one item, bare
        if not isinstance(value, list):
            return False, None
        if pa.types.is_struct(item):
            return True, [self.item(inner, item, where) for inner in value]
        parts = [self.fit(inner, item, where) for inner in value]
        return all(fits for fits, _ in parts), [result for _, result in parts]


def _to_int(value: Any) -> tuple[bool, Any]:
    if value == "":
        return True, None
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return True, int(value)
    if isinstance(value, str) and re.fullmatch(WHOLE, value) and int(value) in _INT64:
        return True, int(value)
    return False, None


def _to_float(value: Any) -> tuple[bool, Any]:
    if value == "":
        return True, None
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= _EXACT, float(value) if abs(value) <= _EXACT else None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value, re.ASCII):
        return True, float(value)
    return False, None


def _to_bool(value: Any) -> tuple[bool, Any]:
    if value == "":
        return True, None
    known = {0: False, 1: True, "true": True, "false": False}
    return (True, known[value]) if isinstance(value, int | str) and value in known else (False, None)


def _to_text(value: Any) -> tuple[bool, Any]:
    return (False, None) if isinstance(value, dict | list) else (True, _text(value))


_NATIVE: dict[pa.DataType, Any] = {
    pa.int64(): int,
    pa.float64(): float,
    pa.bool_(): bool,
    pa.string(): str,
}
_CONVERT: dict[pa.DataType, Callable[[Any], tuple[bool, Any]]] = {
    pa.int64(): _to_int,
    pa.float64(): _to_float,
    pa.bool_(): _to_bool,
    pa.string(): _to_text,
}


def _widened(declared: pa.DataType | None, values: Sequence[Any], text_too: bool = False) -> pa.DataType:
    """The declared type and, after its fields, those that only ``values`` have; else the type of all ``values``."""
    present = [value for value in values if value is not None]
    if text_too:
        whole = all(isinstance(value, int) or _to_int(value)[0] for value in present)
        return pa.int64() if whole else pa.string()
    if declared is None and _may_be_bare_ids(present):
        present = [value if isinstance(value, dict) else {"id": value} for value in present]
    if declared is None and {type(value) for value in present} == {dict, list}:
        # PHP writes an empty object as [], and other servers an empty list as {}: neither is of another type.
        present = [value for value in present if value]
    if declared is not None and not pa.types.is_nested(declared):
        return declared
    kinds = {type(value) for value in present}
    if declared is None and kinds not in ({dict}, {list}):
        return _scalar(kinds, present)
    if (declared is not None and pa.types.is_list(declared)) or (declared is None and kinds == {list}):
        item = declared.value_type if declared is not None else None
        return pa.list_(_widened(item, [inner for value in present for inner in value]))
    known = {field.name: field for field in declared} if declared is not None else {}
    found: dict[str, list[Any]] = {name: [] for name in known}
    for value in present:
        for name, inner in value.items():
            found.setdefault(name, []).append(inner)
    either = {name for name, field in known.items() if TEXT_TOO in (field.metadata or {})}
    types = {name: field.type for name, field in known.items()}
    return pa.struct([(name, _widened(types.get(name), inner, name in either)) for name, inner in found.items()])


def _may_be_bare_ids(present: Sequence[Any]) -> bool:
    """Whether values are objects with an id, and ids in the place of such objects."""
    bare = {type(value) for value in present if not isinstance(value, dict)}
    inside = {type(value.get("id")) for value in present if isinstance(value, dict)}
    return bool(inside) and bare == inside and bare in ({int}, {str})


def _scalar(kinds: set[type], present: Sequence[Any]) -> pa.DataType:
    if not kinds:
        return pa.null()
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64() if all(value in _INT64 for value in present) else pa.string()
    if kinds == {float} or kinds == {int, float}:
        exact = all(isinstance(value, float) or abs(value) <= _EXACT for value in present)
        return pa.float64() if exact else pa.string()
    return pa.string()


def _forced(value: Any, type_: pa.DataType) -> Any:
    """Convert an undeclared value to the type that holds all values of its field."""
    if value is None or pa.types.is_null(type_):
        return None
    if pa.types.is_nested(type_) and not value and isinstance(value, list) != pa.types.is_list(type_):
        return None  # [] for an empty object, or {} for an empty list
    if pa.types.is_struct(type_) and not isinstance(value, dict):
        value = {"id": value}
    if pa.types.is_struct(type_):
        return {field.name: _forced(value.get(field.name), field.type) for field in type_}
    if pa.types.is_list(type_):
        return [_forced(inner, type_.value_type) for inner in value]
    if pa.types.is_string(type_):
        return _text(value)
    if pa.types.is_integer(type_):
        return int(value)  # an id may be text
    return float(value) if pa.types.is_floating(type_) else value


def _text(value: Any) -> str:
    return str(_clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))


def _clean(value: Any) -> Any:
    """Spell out half a surrogate pair, which cannot be written as UTF-8."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _with_repeated_keys(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        name = _clean(key)
        if name in result and result[name] != value:
            result[free_name(f"{name}_repeated", result)] = _text(result[name])
        result[name] = value
    return result


def _float_or_text(number: str) -> float | str:
    """A float; a number that a float cannot hold, which would become infinite or 0, as text."""
    value = float(number)
    digits = re.split("[eE]", number)[0]
    return number if math.isinf(value) or (value == 0 and re.search("[1-9]", digits)) else value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the garbage collector, which would look at all the new dicts again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
