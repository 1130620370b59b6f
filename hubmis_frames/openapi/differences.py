"""Where a file and our declarations differ: columns and parameters that are new, gone, or of another type."""

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa

from ..frames import lay_out
from ..operations import CATALOGUE
from ..operations.declaration import Endpoint
from .spec import Spec

Difference = tuple[str, str, str, str, str, str]


def compare(spec: Spec) -> pd.DataFrame:
    """List the differences: one row per column or parameter.

    Returns
    -------
    DataFrame
        ``operation``, ``table``, ``name``, ``difference`` (``new``, ``gone``, ``another type`` or
        ``another name``), ``declared`` and ``file``.
    """
    rows = [row for table, in_file in spec.endpoints.items() for row in _differences(CATALOGUE[table], in_file)]
    return pd.DataFrame(rows, columns=["operation", "table", "name", "difference", "declared", "file"])


def count_differences(differences: pd.DataFrame) -> pd.DataFrame:
    """Count the differences: one row per operation, one column per kind of difference."""
    counts = pd.crosstab(differences["operation"], differences["difference"])
    return counts.rename_axis(columns=None).reset_index()


def _differences(declared: Endpoint, in_file: Endpoint) -> Iterator[Difference]:
    ours, theirs = _columns(declared), _columns(in_file)
    for table, name in dict.fromkeys([*ours, *theirs]):
        our_type, their_type = ours.get((table, name)), theirs.get((table, name))
        if our_type == their_type:
            continue
        difference = "gone" if their_type is None else "new" if our_type is None else "another type"
        yield declared.table, table, name, difference, str(our_type or ""), str(their_type or "")
    for parameter in declared.parameters:
        wires = [other.wire for other in in_file.parameters if other.name == parameter.name and other.place != "path"]
        if parameter.place != "path" and parameter.wire not in wires:
            difference = "another name" if wires else "gone"
            yield declared.table, declared.table, parameter.name, difference, parameter.wire, ", ".join(wires)


def _columns(endpoint: Endpoint) -> dict[tuple[str, str], pa.DataType]:
    ids = tuple(parameter.name for parameter in endpoint.path_ids)
    tables = lay_out(endpoint.table, endpoint.record, endpoint.key, ids).all()
    return {(table.name, column.name): column.type for table in tables for column in table.columns}
