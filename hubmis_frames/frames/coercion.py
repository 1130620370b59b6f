"""The slower road for bodies that clash with their declared type: each value fitted, or kept as it was sent.

Nothing is dropped. A value that fits without loss is converted and counted; one that does not
leaves its place empty and stands as text in a field of the same name with ``_as_sent`` behind it.
"""

import gc
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from ..errors import PayloadError
from ..operations.shapes import MAP
from .findings import Findings
from .layout import AS_SENT

_INT64 = range(-(2**63), 2**63)
_EXACT = 2**53


def fitted(
    bodies: Sequence[bytes], record: pa.StructType, rows_in: Callable[[Any], list[Any]] | None, report: Findings
) -> pa.ListArray:
    """Decode bodies to a list of records each, in a type that holds all of ``record`` and all that is new."""
    with _without_collector():
        fitter = _Fitter(report)
        answers = [[fitter.item(row, record, "") for row in _rows(body, rows_in)] for body in bodies]
        type_ = _widened(on_wire(record), [row for answer in answers for row in answer])
        return pa.array([[_forced(row, type_) for row in answer] for answer in answers], pa.list_(type_))


def on_wire(type_: pa.DataType) -> pa.DataType:
    """The type as JSON can hold it: dates and times are text there, in more spellings than Arrow reads."""
    if pa.types.is_struct(type_):
        return pa.struct([field.with_type(on_wire(field.type)) for field in type_])
    if pa.types.is_list(type_):
        return pa.list_(type_.value_field.with_type(on_wire(type_.value_type)))
    return pa.string() if pa.types.is_temporal(type_) else type_


def decode(body: bytes) -> Any:
    """Decode JSON with integers of any size, and both values of a key that stands twice."""
    try:
        return json.loads(body, object_pairs_hook=_with_repeated_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise PayloadError("A body is not JSON that can be read.") from None


def _rows(body: bytes, rows_in: Callable[[Any], list[Any]] | None) -> list[Any]:
    answer = decode(body)
    if rows_in is not None:
        return rows_in(answer)
    if isinstance(answer, list):
        return answer
    return [] if answer is None else [answer]


class _Fitter:
    def __init__(self, report: Findings) -> None:
        self._report = report

    def item(self, value: Any, type_: pa.DataType, where: str) -> Any:
        """Fit one item of a list, which has no neighbour to be kept in: an object holds its own remainder."""
        fits, result = self.fit(value, type_, where)
        if fits:
            return result
        return {AS_SENT.lstrip("_"): _text(value)}

    def fit(self, value: Any, type_: pa.DataType, where: str) -> tuple[bool, Any]:
        if value is None:
            return True, None
        if pa.types.is_struct(type_):
            return self._fit_object(value, type_, where)
        if pa.types.is_list(type_):
            return self._fit_list(value, type_, where)
        if pa.types.is_temporal(type_):  # text is parsed later; a number says no date that we could be sure of
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
        if value == []:  # PHP writes an empty object so
            return True, None
        if not isinstance(value, dict):
            return False, None
        declared = {field.name: field.type for field in type_}
        result = {}
        for name, inner in value.items():
            if name not in declared:
                result[name] = inner
                continue
            here = f"{where}_{name}".lstrip("_")
            fits, result[name] = self.fit(inner, declared[name], here)
            if not fits:
                result[free_name(f"{name}{AS_SENT}", value, result)] = _text(inner)
        return True, result

    def _fit_list(self, value: Any, type_: pa.DataType, where: str) -> tuple[bool, Any]:
        item = type_.value_type
        if isinstance(value, dict) and MAP in (type_.value_field.metadata or {}):
            value = [
                {"key": key, **(inner if isinstance(inner, dict) else {"value": inner})} for key, inner in value.items()
            ]
        elif isinstance(value, dict):
            self._report.converted[where] += 1
            if list(value) == [str(number) for number in range(len(value))]:
                value = list(value.values())  # a list, as PHP writes some
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


def free_name(name: str, *taken: Iterable[str]) -> str:
    """The name, or one like it that nothing has."""
    number = 2
    candidate = name
    while any(candidate in names for names in taken):
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def _to_int(value: Any) -> tuple[bool, Any]:
    if value == "":
        return True, None
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return True, int(value)
    # "007" and "+7" would lose a character, so they are not integers.
    if isinstance(value, str) and re.fullmatch(r"0|-?[1-9]\d{0,18}", value, re.ASCII) and int(value) in _INT64:
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


def _widened(declared: pa.DataType | None, values: Sequence[Any]) -> pa.DataType:
    """The declared type with what is new in ``values`` behind it, or what ``values`` have in common."""
    present = [value for value in values if value is not None]
    if declared is not None and not pa.types.is_nested(declared):
        return declared
    kinds = {type(value) for value in present}
    if declared is None and kinds not in ({dict}, {list}):
        return _scalar(kinds, present)
    if (declared is not None and pa.types.is_list(declared)) or (declared is None and kinds == {list}):
        item = declared.value_type if declared is not None else None
        return pa.list_(_widened(item, [inner for value in present for inner in value]))
    known = {field.name: field.type for field in declared} if declared is not None else {}
    names = dict.fromkeys([*known, *(name for value in present for name in value)])
    return pa.struct(
        [(name, _widened(known.get(name), [value[name] for value in present if name in value])) for name in names]
    )


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
    """Bring a value that was only looked at so far into the type found for it."""
    if value is None or pa.types.is_null(type_):
        return None
    if pa.types.is_struct(type_):
        return {field.name: _forced(value.get(field.name), field.type) for field in type_}
    if pa.types.is_list(type_):
        return [_forced(inner, type_.value_type) for inner in value]
    if pa.types.is_string(type_):
        return _text(value)
    return float(value) if pa.types.is_floating(type_) else value


def _text(value: Any) -> str:
    return _clean(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _clean(value: Any) -> Any:
    """Half a surrogate pair cannot be written as UTF-8: it is spelt out."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _with_repeated_keys(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result and result[name] != value:
            result[free_name(f"{name}{AS_SENT}", result)] = _text(result[name])
        result[name] = value
    return result


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the garbage collector, which would walk all those new dicts again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
