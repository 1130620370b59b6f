"""What each column of a table or of a result is: ``hf.dictionary``."""

from os import PathLike

import pandas as pd

from ..export.columns import as_frame, declared_rows
from ..files import expanded
from .data import SchoolData
from .results import result_rows
from .tables import ExportTables


def dictionary(what: SchoolData | str | PathLike[str] | None = None) -> pd.DataFrame:
    """One row per column of each table, made from the declarations.

    An export has the same as ``dictionary.csv``, and as a Frictionless Data Package in ``datapackage.json``.

    Parameters
    ----------
    what
        An export: its folder, or what :func:`open_export`, :meth:`School.fetch` or :class:`SchoolData` gave. If not
        given: all tables, and the results of ``hf.attendance``, ``hf.wellbeing``, ``hf.joint`` and of
        :class:`SchoolData`, by the names of the functions (``attendance.summarise``), without the columns of ``by``.

    Returns
    -------
    DataFrame
        ``table``; ``grain`` (what a row is); ``column``; ``type`` (``integer``, ``number``, ``string``, ``boolean``,
        ``date``, ``datetime``, ``time``); ``meaning``; ``unit``; ``key`` (whether rows are told apart by it, alone or
        with the others marked; within a school); ``refers_to`` (``table.column`` that lists its ids); ``personal`` (the
        kind of personal data; missing for a column that says nothing of a person by itself); ``source``
        (``document``, ``inferred``, ``openapi``, ``made here``, or ``sent by HUBmis`` where no declaration has it);
        and with an export ``filled`` (per cent of the rows that have a value; missing without rows).

    Raises
    ------
    ExportError
        The folder holds no export.

    Examples
    --------
    >>> columns = hf.dictionary()  # doctest: +SKIP
    >>> columns[columns["column"].eq("absence_rate")]  # doctest: +SKIP
    """
    if what is None:
        return as_frame([*declared_rows(), *result_rows()])
    data = what if isinstance(what, SchoolData) else SchoolData._of(ExportTables.of_folder(expanded(what), None), {})
    return data._dictionary()
