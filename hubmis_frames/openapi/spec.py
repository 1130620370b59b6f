"""A whole file held against our declarations: what it says of our operations, what it lacks, and what it adds."""

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import SpecError
from ..frames import singular, tidy_name
from ..operations import CATALOGUE
from ..operations.declaration import Endpoint
from .adopt import adopted, declared, taken_tables
from .answers import answer_shape, properties_of
from .convert import Converter
from .document import NOT_THERE, Document, Flaw, FlawError, Operation
from .match import matches
from .reading import read_file

_SEVERAL = 3


@dataclass(frozen=True)
class Spec:
    """What a file says of our operations, and of others."""

    source: str
    endpoints: Mapping[str, Endpoint]
    """Our declarations, by table, with what the file says of them."""
    missing: tuple[str, ...]
    """Tables whose operation is not in the file."""
    unusable: Mapping[str, str]
    """Tables whose operation the file describes in a way that cannot be asked, and why."""
    others: Mapping[str, Endpoint] = field(default_factory=dict)
    """Operations that only the file knows, by a table name made from their title."""
    flaws: tuple[Flaw, ...] = ()
    """Parts of the file that could not be read. Each costs the operation that it stands in, or less."""

    def endpoint(self, declared: Endpoint) -> Endpoint:
        """Return the operation as the file has it.

        Raises
        ------
        SpecError
            The file does not have it, or not in a way that can be asked.
        """
        if declared.table in self.endpoints:
            return self.endpoints[declared.table]
        if declared.table in self.unusable:
            raise SpecError(f"{declared.loader}: {self.unusable[declared.table]}")
        if declared.table in self.others:
            return declared
        raise SpecError(
            f'{self.source} has no operation "{declared.title}"{" (deprecated)" if declared.deprecated else ""}, so '
            f"{declared.loader} has no path to ask at. 'hubmis-frames spec check' lists what matched."
        )


def read_spec(file: str | os.PathLike[str]) -> Spec:
    """Read an OpenAPI file and match it with our declarations.

    Raises
    ------
    SpecError
        The file cannot be read, is cut short, or is another product's.
    """
    document = Document(*read_file(file))
    operations = list(document.operations())
    matched = dict(matches(operations))
    if not matched:
        raise SpecError(
            f"None of the {len(operations)} GET operations in {document.source} is one of HUBmis. Is it another "
            f"product's file? Download the OpenAPI specification from the HUBmis document.{_first_flaw(document)}"
        )
    converter = Converter(document, _keys(document, matched))
    endpoints: dict[str, Endpoint] = {}
    unusable: dict[str, str] = {}
    for table, operation in matched.items():
        try:
            endpoints[table] = adopted(CATALOGUE[table], operation, document, converter)
        except FlawError as flaw:
            unusable[table] = str(flaw)
    of_ours = {id(operation) for operation in matched.values()}
    taken = taken_tables()
    others: dict[str, Endpoint] = {}
    for operation in operations:
        if id(operation) not in of_ours:
            endpoint = declared(operation, document, converter, taken)
            others[endpoint.table] = endpoint
    _check_whole(document, len(matched))
    missing = tuple(table for table in CATALOGUE if table not in matched)
    return Spec(document.source, endpoints, missing, unusable, others, tuple(document.flaws))


def _first_flaw(document: Document) -> str:
    if not document.flaws:
        return ""
    flaw = document.flaws[0]
    return f" It also has flaws ({len(document.flaws)}); the first is at {flaw.where}: {flaw.reason}."


def _check_whole(document: Document, matched: int) -> None:
    """Refuse a file that was cut short: most of its operations refer to parts that it does not have."""
    lost = [flaw for flaw in document.flaws if flaw.reason.endswith(NOT_THERE)]
    parts, operations = {flaw.reason for flaw in lost}, {flaw.where for flaw in lost}
    if len(parts) >= _SEVERAL and len(operations) > matched // 2:
        raise SpecError(
            f"{document.source} refers to many parts that are not in it, so it is cut short. Download it again."
        )


def _keys(document: Document, matched: Mapping[str, Operation]) -> "_KeyOf":
    """Find the key that each named schema belongs to: that of the one operation which answers with it."""
    keys: dict[str, set[str]] = defaultdict(set)
    for table, operation in matched.items():
        endpoint = CATALOGUE[table]
        shape = answer_shape(document, operation.response, endpoint.record.names, endpoint.wrapper, operation.where)
        _, name = document.schema(shape.record, operation.where)
        fields = properties_of(document, shape.record, operation.where)
        if name and endpoint.key and (_is_named_after(name, endpoint.key) or not _ANYTHING.issuperset(fields)):
            keys[name].add(endpoint.key)
    return _KeyOf({name: found.pop() for name, found in keys.items() if len(found) == 1})


_ANYTHING = frozenset(("id", "name"))
"""The fields of a schema that may be of anything, such as one called ``IdName``."""


def _is_named_after(schema: str, key: str) -> bool:
    """Whether a schema has the name of what a key is the id of, or a part of it: ``BoardingType``, ``Cat``."""
    own = [word for word in tidy_name(schema).split("_") if len(word) > 2]
    return any(ours.startswith(word) for ours in key.removesuffix("_id").split("_") for word in own)


class _KeyOf:
    """The key that an object refers to: that of its schema, else one of ours with the name of its field."""

    def __init__(self, by_schema: Mapping[str, str]) -> None:
        self._by_schema = by_schema
        self._known = {endpoint.key for endpoint in CATALOGUE.values() if endpoint.key}

    def __call__(self, schema: str | None, field_name: str) -> str | None:
        field_name = tidy_name(field_name)
        by_field = (f"{field_name}_id", f"{singular(field_name)}_id")
        if named := next((key for key in by_field if key in self._known), None):
            return named
        return self._by_schema.get(schema) if schema is not None else None
