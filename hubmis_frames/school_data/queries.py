"""SQL over a school's tables, in memory: a query reads these tables, and no file and no setting."""

import importlib.util
import re
from collections.abc import Callable, Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import BadArgumentError, SettingsError
from ..frames import to_pandas
from ..frames.output import flattened

_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # a name in a query is a table, never a variable of the program
    "temp_directory": "",  # rows that do not fit into memory would be written there
}
_SAYS_NO_VALUE = ("BinderException", "CatalogException", "ParserException", "SyntaxException", "PermissionException")
"""Errors about the query itself. Others can quote a value from a row, such as a name that is no number."""


def run(
    query: str, tables: Mapping[str, Callable[[], pd.DataFrame]], views: Mapping[str, Callable[[], pd.DataFrame]]
) -> pd.DataFrame:
    """Run one query over all ``tables``, and over those of the ``views`` that it names, as they take time to make.

    Raises
    ------
    SettingsError
        DuckDB is not installed.
    BadArgumentError
        It is not one query that reads, or it cannot be run.
    """
    if not isinstance(query, str):
        raise BadArgumentError(f"sql takes the text of a query, not a {type(query).__name__}.")
    if importlib.util.find_spec("duckdb") is None:
        raise SettingsError(
            "SQL needs the extra hubmis-frames[sql]. Install it in the folder of this project: python -m pip install "
            '-e ".[sql]"'
        )
    import duckdb

    with duckdb.connect(":memory:", config=_CLOSED) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
        try:
            statements = connection.extract_statements(query)
            reads = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)  # the second is PIVOT
            if len(statements) != 1 or statements[0].type not in reads:
                raise BadArgumentError("sql takes one query that reads: SELECT ... FROM ...")
            named = {name: make for name, make in views.items() if re.search(rf"\b{name}\b", query, re.IGNORECASE)}
            for name, make in {**tables, **named}.items():
                connection.register(name, _as_arrow(make()))
            return _as_frame(connection.sql(query).to_arrow_table())
        except duckdb.Error as error:
            kind = type(error).__name__
            why = str(error) if kind in _SAYS_NO_VALUE else f"{kind} (its message may hold values, so it is not shown)"
            raise BadArgumentError(f"sql: {why}") from None


def _as_arrow(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(flattened(frame), preserve_index=False).replace_schema_metadata(None)


def _as_frame(table: pa.Table) -> pd.DataFrame:
    """The rows with pandas' nullable types: a sum of whole numbers, which DuckDB widens, is one again."""
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if pa.types.is_dictionary(field.type):
            column = pc.cast(column, field.type.value_type)
        elif pa.types.is_decimal(field.type) or field.type in _UNSIGNED:
            column = _narrowed(column)
        table = table.set_column(place, field.name, column)
    return to_pandas(table)


_UNSIGNED = (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(), pa.int8(), pa.int16(), pa.int32())


def _narrowed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return pc.cast(column, pa.int64())
    except pa.ArrowInvalid:  # it has decimals, or more digits
        return pc.cast(column, pa.float64())
