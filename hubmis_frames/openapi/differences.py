"""Where a file and our declarations differ: columns and parameters that are new, gone, or of another type."""

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa

from ..frames import lay_out
from ..operations import CATALOGUE
from ..operations.declaration import Endpoint
from .spec import Spec


def compare(spec: Spec) -> pd.DataFrame:
    """List the differences: one row per column or parameter.

    Returns
    -------
    DataFrame
        ``table``, ``name``, ``difference`` (``new``, ``gone``, ``another type`` or ``another name``),
        ``declared`` and ``file``.
    """
    rows = [row for table, found in spec.endpoints.items() for row in _differences(CATALOGUE[table], found)]
    return pd.DataFrame(rows, columns=["table", "name", "difference", "declared", "file"])


def _differences(ours: Endpoint, theirs: Endpoint) -> Iterator[tuple[str, str, str, str, str]]:
    mine, found = _columns(ours), _columns(theirs)
    for table, name in dict.fromkeys([*mine, *found]):
        declared, there = mine.get((table, name)), found.get((table, name))
        if declared == there:
            continue
        difference = "gone" if there is None else "new" if declared is None else "another type"
        yield table, name, difference, str(declared or ""), str(there or "")
    for parameter in ours.parameters:
        wires = [each.wire for each in theirs.parameters if each.name == parameter.name and each.place != "path"]
        if parameter.place != "path" and parameter.wire not in wires:
            difference = "another name" if wires else "gone"
            yield ours.table, parameter.name, difference, parameter.wire, ", ".join(wires)


def _columns(endpoint: Endpoint) -> dict[tuple[str, str], pa.DataType]:
    ids = tuple(parameter.name for parameter in endpoint.path_ids)
    tables = lay_out(endpoint.table, endpoint.record, endpoint.key, ids).all()
    return {(table.name, column.name): column.type for table in tables for column in table.columns}
