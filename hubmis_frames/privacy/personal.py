"""Which columns are personal: as declared with the operation, and by caution where nobody declared it."""

import functools
from collections.abc import Iterable, Mapping

from ..frames import AS_SENT, lay_out
from ..frames.keys import keys_of
from ..operations.declaration import CATALOGUE
from ..operations.shapes import PEOPLE_KEYS

UNDECLARED = "undeclared text of a person"
FREE_TEXT = "free text"


def personal_columns(table: str, columns: Iterable[str], texts: Iterable[str]) -> dict[str, str]:
    """Say which columns of a table are personal, and of which kind.

    Parameters
    ----------
    table
        The name of the table.
    columns
        Its columns.
    texts
        Those of them that hold text. One that nobody declared, in a table about people, is personal.
    """
    declared = _declared().get(table, {})
    about_people = any(key.key in PEOPLE_KEYS for key in keys_of(table)) or table not in _declared()
    found: dict[str, str] = {}
    text_columns = set(texts)
    for column in columns:
        original = column.removesuffix(AS_SENT)
        kind = declared.get(column, declared.get(original) if original != column else None)
        if kind:
            found[column] = kind
        elif column not in declared and column in text_columns and about_people and column != "realm":
            found[column] = UNDECLARED
    return found


def without_free_text(table: str, columns: Iterable[str]) -> list[str]:
    """The columns of a table that are not declared to be free text."""
    kinds = personal_columns(table, columns, ())
    return [column for column in columns if kinds.get(column) != FREE_TEXT]


@functools.cache
def _declared() -> Mapping[str, Mapping[str, str | None]]:
    found: dict[str, dict[str, str | None]] = {}
    for endpoint in CATALOGUE.values():
        ids = tuple(parameter.name for parameter in endpoint.path_ids)
        for table in lay_out(endpoint.table, endpoint.record, endpoint.key, ids).all():
            kinds: dict[str, str | None] = dict.fromkeys(table.keys)
            found[table.name] = kinds | {column.name: column.personal for column in table.columns}
    return found
