"""Which columns are personal and which are safe to pass on: derived only from the declarations."""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

import pyarrow as pa

from ..frames import AS_SENT, FROM, Column, TableLayout, lay_out
from ..frames.keys import keys_of
from ..frames.layout import ROW
from ..operations.declaration import CATALOGUE, listed_in
from ..operations.further import FURTHER
from ..operations.shapes import PEOPLE_KEYS

UNDECLARED = "undeclared text of a person"
FREE_TEXT = "free text"

_FREE_TEXT_NAMES = re.compile(r"(^|_)(comment|description|detail|note|reason|remark|summary)s?(_as_sent|_from_.*)?$")
"""Columns of an undeclared table that may tell of a child in sentences."""

_SAFE_TEXTS = frozenset(
    {"access_status", "attendance_session", "dates_based_on", "day", "dfe_year", "enrolment_status", "group_type",
     "house_type", "key_stage", "person_type", "start_day_week", "status", "timezone", "type"}
)  # fmt: skip
"""Texts that are one of a few words, in any record."""
_LABELS = frozenset({"code", "description", "name"})
"""The name of an entry in a list that the school picks from."""
_SAFE_DAYS = frozenset(
    {"date", "date_end", "date_from", "date_start", "date_time", "date_to", "deleted_at", "inactive_date",
     "learning_support_date", "next_review", "review_date_time"}
)  # fmt: skip
"""Days that figures need. Other days, such as the day on which a student joined, may belong to only one child."""


QUASI_IDENTIFIERS: Mapping[str, tuple[str, ...]] = {
    "gender": ("gender",),
    "title": ("title",),
    "ethnicity": ("ethnicity",),
    "faith": ("faith",),
    "nationality": ("nationality",),
    "languages": ("language_first", "language_second"),
    "country of birth and of an address": ("country_of_birth", "address_country"),
    "marital status": ("marital_status",),
    "age": ("date_of_birth", "age_at_start_of_year"),
    "academic year, year group and key stage": ("academic_year", "year_group", "key_stage", "term"),
    "form, section and tutor group": ("form", "section", "tutor_group", "group_type"),
    "house, boarding type and room": ("academic_house", "boarding_house", "house", "boarding_type", "room"),
    "subjects, sets and activities": ("subject", "subject_set", "activity"),
    "department, position and contract of staff": ("department", "staff_position", "employment_contract"),
    "destination after school": ("destination",),
    "local authority": ("authority", "authority_type"),
    "kind, severity and status of a person or record": (
        "type", "person_type", "status", "access_status", "enrolment_status", "category", "severity",
        "relationship_type", "learning_support_type", "review_type",
    ),
    "the answers yes and no, such as disability, an EHCP or a consent": (),  # whatever their name
    "days": tuple(sorted(_SAFE_DAYS)),
    "hours of a timetable": ("day", "time_from", "time_to", "duration_days", "dates_based_on"),
    "codes and sessions of marks": ("attendance_code", "attendance_session"),
    "the place in a list": ("position",),
    "names of entries": ("name", "code", "description"),
}  # fmt: skip
"""What stays in a pseudonymised table and can still point to a person: in words, and the columns, without ``_id``,
``_name``, ``_code`` or ``_description`` at the end."""


class Treatment(NamedTuple):
    """How a column is kept in a pseudonymised table."""

    how: Literal["unchanged", "pseudonym", "day", "age"]
    key: str = ""
    """For a pseudonym: what the ids refer to."""


def personal_columns(table: str, columns: Iterable[str], texts: Iterable[str]) -> dict[str, str]:
    """Say which columns of a table are personal, and of which kind.

    Parameters
    ----------
    table
        The name of the table.
    columns
        Its columns.
    texts
        Those that hold text. An undeclared text in a table about people is personal.
    """
    declared = {name: column.personal for name, column in _columns().get(table, {}).items()}
    about_people = any(key.key in PEOPLE_KEYS for key in keys_of(table)) or not declared
    kinds: dict[str, str] = {}
    text_columns = set(texts)
    for column in columns:
        original = column.removesuffix(AS_SENT).partition(FROM)[0]
        kind = declared.get(column, declared.get(original) if original != column else None)
        if kind:
            kinds[column] = kind
        elif column not in declared and column in text_columns and about_people and column != "realm":
            kinds[column] = UNDECLARED
    return kinds


def without_free_text(table: str, columns: Iterable[str]) -> list[str]:
    """The columns of a table that are not free text: by their declaration, in an undeclared table by their names."""
    if table not in _columns():
        return [column for column in columns if not _FREE_TEXT_NAMES.search(column)]
    kinds = personal_columns(table, columns, ())
    return [column for column in columns if kinds.get(column) != FREE_TEXT]


def safe_columns(table: str) -> Mapping[str, Treatment]:
    """The columns of a table that may be passed on, and how. Every other column is left out.

    Safe are ids, yes or no, numbers, texts that are one of a few words, entries of lists that the school picks from,
    and the days on which something happened. Ids of such entries stay; ids of people and records become pseudonyms.
    In an undeclared table, only the ids of people are safe.
    """
    return _safe_columns().get(table, {key: Treatment("pseudonym", key) for key in PEOPLE_KEYS})


def quasi_identifier(column: str, type_: pa.DataType | None = None) -> str | None:
    """What a column that stays in a pseudonymised table tells of a person, in words; ``None`` if it tells nothing."""
    names = {column, re.sub("_(id|name|code|description)$", "", column), re.sub("^.*_position$", "position", column)}
    for words, columns in QUASI_IDENTIFIERS.items():
        if not names.isdisjoint(columns) or (not columns and type_ == pa.bool_()):
            return words
    return None


def student_columns(table: str, columns: Iterable[str]) -> list[str]:
    """The columns of a table that may hold ids of students.

    Those are the declared ones, and undeclared ones that have the name of an id or of a student.
    """
    declared, safe = _columns().get(table, {}), safe_columns(table)

    def may_hold(name: str) -> bool:
        if name not in declared:
            return bool(re.search("student|pupil|child|id(_as_sent)?$", name, re.IGNORECASE))
        return name == "children_id" or (name in safe and safe[name].key == "student_id")

    return [name for name in columns if may_hold(name)]


def is_declared(table: str) -> bool:
    """Whether a table is declared, with an operation or as a child table."""
    return table in _columns()


def declared_columns(table: str) -> list[str]:
    """The declared columns of a table."""
    return list(_columns().get(table, {}))


@functools.cache
def _columns() -> Mapping[str, Mapping[str, Column]]:
    """Every declared table, with its columns by name."""
    columns: dict[str, dict[str, Column]] = {}
    for _, layout in _layouts():
        keys = {name: Column(name, (), pa.int64()) for name in layout.keys}
        columns[layout.name] = keys | {column.name: column for column in layout.columns}
    return columns


@functools.cache
def _safe_columns() -> Mapping[str, Mapping[str, Treatment]]:
    tables: dict[str, dict[str, Treatment]] = {}
    for operation, layout in _layouts():
        kept = {name: _of_key(name, operation) for name in layout.keys}
        kept |= {column.name: how for column in layout.columns if (how := _of_column(column, layout, operation))}
        tables[layout.name] = kept
    return tables


def _layouts() -> Iterator[tuple[str, TableLayout]]:
    """Every declared table, with its operation."""
    for endpoint in (*CATALOGUE.values(), *FURTHER.values()):
        ids = tuple(parameter.name for parameter in endpoint.path_ids)
        for layout in lay_out(endpoint.table, endpoint.record, endpoint.key, ids).all():
            yield endpoint.table, layout


def _of_key(name: str, operation: str) -> Treatment:
    if name == ROW:  # numbers the rows in the order sent, which would show whose they are
        return Treatment("pseudonym", f"{operation}.{ROW}")
    if name.endswith("_id") and not _is_picked(name):
        return Treatment("pseudonym", name)
    return Treatment("unchanged")


def _of_column(column: Column, layout: TableLayout, operation: str) -> Treatment | None:
    """How a column that is no key of the table is kept; ``None`` if it is left out."""
    if column.personal:
        return Treatment("age") if column.personal == "birth" else None
    if column.refers or column.name == ROW or column.name.endswith("_id"):
        return _of_key(column.refers or column.name, operation)
    type_ = column.type
    if pa.types.is_temporal(type_) and not pa.types.is_time(type_):
        return Treatment("day") if column.name in _SAFE_DAYS else None
    if pa.types.is_string(type_):
        return Treatment("unchanged") if _is_safe_text(column, layout) else None
    return Treatment("unchanged")


def _is_safe_text(column: Column, layout: TableLayout) -> bool:
    """Whether a text is one of a few words, or belongs to an entry of a list that the school picks from."""
    if column.name in _SAFE_TEXTS:
        return True
    *above, field = column.path
    ids = [other for other in layout.columns if other.path == (*above, "id")]
    return field in _LABELS and any(_is_picked(other.refers or other.name) for other in ids)


@functools.cache
def _is_picked(key: str) -> bool:
    """Whether ids are those of a list that the school picks from: a list that names no person."""
    table = listed_in().get(key)
    return table is not None and not any(row.key in PEOPLE_KEYS for row in keys_of(table))
