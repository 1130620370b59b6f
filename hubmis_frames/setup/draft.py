"""From what a probe recorded, a draft of the OpenAPI file to correct by hand, for an account without the vendor's.

It holds what the probe holds: paths that answered, and names and types of fields. The probe's file may have been
changed or cut short like any other: it is checked where it is read, here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from ..errors import SpecError
from ..openapi import as_draft
from ..operations import CATALOGUE
from ..operations.declaration import Endpoint
from .json_shape import schema_of
from .probe import FORMAT

_RECORDED = ("answered", "answered otherwise")
_LARGEST = 50 * 10**6


@dataclass
class Draft:
    """A draft, and what a person has to look at."""

    content: dict[str, Any]
    """The OpenAPI document."""
    recorded: list[str]
    """Tables whose operation is in it."""
    otherwise: list[str]
    """Those of them whose response has nothing in common with what we declare."""
    left_out: dict[str, str]
    """The other tables, each with the outcome of the probe."""


def draft(probe: Path) -> Draft:
    """Draft an OpenAPI file from the file that ``spec probe`` wrote.

    Raises
    ------
    SpecError
        It is not the file of a probe, or holds what no probe writes, or no operation answered.
    """
    operations = _read(probe)
    try:
        answers = dict(_answers(operations))
    except ValueError as error:
        raise _not_a_probe(probe, str(error)) from None
    recorded = [endpoint.table for endpoint in answers]
    left_out = {table: _text(operations, table, "outcome") for table in CATALOGUE if table not in recorded}
    if not recorded:
        raise SpecError(f"{probe} records no operation that answered, so there is nothing to draft. Probe again.")
    content = as_draft(
        answers,
        "A draft to correct by hand. Paths are those that answered, and fields those that came back; titles, and names "
        "of parameters, are those of the HUBmis API document 1.2.0. It holds no values.",
    )
    otherwise = [table for table in recorded if operations[table]["outcome"] == _RECORDED[1]]
    return Draft(content, recorded, otherwise, left_out)


def _read(probe: Path) -> dict[str, dict[str, Any]]:
    try:
        content = orjson.loads(probe.read_bytes()) if probe.stat().st_size <= _LARGEST else None
    except OSError as error:
        raise SpecError(
            f"{probe} cannot be read: {error.strerror or error}. Run 'hubmis-frames spec probe' first, which writes it."
        ) from None
    except ValueError:  # a NUL in the name, too
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("operations"), dict):
        raise _not_a_probe(probe, "it has no operations")
    if content.get("format") != FORMAT:
        raise _not_a_probe(probe, "it is from another version")
    return {table: entry for table, entry in content["operations"].items() if isinstance(entry, dict)}


def _not_a_probe(probe: Path, reason: str) -> SpecError:
    return SpecError(f"{probe} is not what 'hubmis-frames spec probe' writes: {reason}. Run it again.")


def _answers(operations: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Endpoint, dict[str, Any]]]:
    """Each operation that answered, at the path that it answered at, with the schema of its response."""
    paths: set[str] = set()
    for table, declared in CATALOGUE.items():
        entry = operations.get(table, {})
        if entry.get("outcome") not in _RECORDED:
            continue
        path = _text(operations, table, "path")
        names = re.findall(r"{(.*?)}", path)
        if (
            not path.startswith("/")
            or path.startswith("//")
            or sorted(names) != sorted(parameter.name for parameter in declared.path_ids)
        ):
            raise ValueError(f"the path of {table} is not one that can be asked")
        if re.search(r"[{}]", re.sub(r"{\w+}", "", path)) or (bare := re.sub(r"{\w+}", "{}", path)) in paths:
            raise ValueError(f"the path of {table} is not one that can be asked")
        paths.add(bare)
        yield replace(declared, path=path), schema_of(entry.get("shape"))


def _text(operations: Mapping[str, Mapping[str, Any]], table: str, field: str) -> str:
    value = operations.get(table, {}).get(field)
    return value if isinstance(value, str) else "not tried"
