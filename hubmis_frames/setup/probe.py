"""Which operations answer, at which path and with what shape: for an account without the vendor's file."""

import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from .. import __about__
from ..errors import (
    BadArgumentError,
    CacheError,
    CredentialsError,
    HubmisError,
    NotFoundError,
    NotPermittedError,
    PayloadError,
    RateLimitError,
    RefusedError,
    ServerFaultError,
)
from ..export import Step, steps_of
from ..files import whole_file
from ..frames import Findings, tidy, to_pandas
from ..openapi import read_spec
from ..operations import CATALOGUE
from ..operations.arguments import requests_of
from ..operations.declaration import Endpoint
from ..operations.response import active_year, rows_of
from ..request import Request
from ..transport import Reading, RetryPolicy, Session, parse
from .json_shape import Shape, shape_of
from .settings import Settings, open_session

FORMAT = 1
BUDGET = 150
"""Each of the 131 operations once, a token, and room for a few new tokens."""
_DEAREST = 6  # what one operation can cost: its token in two spellings, itself, and both again after a 401
_HOPELESS = 3
_FEW = 5  # so many are named one by one
_LARGEST_FILE = 500_000
_AS_IT_COMES = Reading(timedelta(0), lambda _: True, lambda _: [], refresh=True)
_ONCE = RetryPolicy(connect_timeout=10, read_timeout=60, total_timeout=120, max_attempts=1, max_wait_429=0)


@dataclass
class Probed:
    """What became of one operation. ``shape`` holds names and types alone."""

    title: str
    deprecated: bool
    path: str
    path_source: str
    outcome: str
    """``answered``, ``answered otherwise`` (nothing in common with our record), ``refused``, ``not found``,
    ``failed`` or ``not tried``."""
    remark: str = ""
    shape: Shape | None = None
    undeclared: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


@dataclass
class Probe:
    """What became of all operations, by table."""

    address: str
    budget: int
    sent: int
    operations: dict[str, Probed]
    cut_short: str
    """Why operations were left out that could have been asked; empty where none was."""

    def summary(self) -> str:
        """Say in a few sentences what became of them all."""
        outcomes = Counter(each.outcome for each in self.operations.values())
        inferred = [each for each in self.operations.values() if each.path_source == "inferred"]
        holds = sum(each.outcome == "answered" for each in inferred)
        fails = sum(each.outcome in ("not found", "answered otherwise") for each in inferred)
        said = f"{', '.join(f'{number} {outcome}' for outcome, number in outcomes.most_common())}."
        if inferred:
            said += f" Of {len(inferred)} inferred paths {holds} hold and {fails} seem wrong; the others are not known."
        untried: dict[str, list[str]] = {}
        for table, each in self.operations.items():
            if each.outcome == "not tried" and each.remark != self.cut_short:
                untried.setdefault(each.remark, []).append(table)
        for reason, tables in untried.items():
            named = ", ".join(tables) if len(tables) <= _FEW else f"{len(tables)} operations"
            said += f" Not tried: {named} ({reason})."
        return said + (f" Cut short: {self.cut_short}." if self.cut_short else "")

    def table(self) -> pd.DataFrame:
        """One row per operation: ``table``, ``path``, ``path_source``, ``outcome`` and ``remark``."""
        rows = [
            {"table": table, "path": each.path, "path_source": each.path_source, "outcome": each.outcome,
             "remark": each.remark}
            for table, each in self.operations.items()
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def write(self, file: Path) -> None:
        """Write everything as JSON, whole or not at all. The realm and the client are left out."""
        content = {
            "format": FORMAT,
            "hubmis_frames": __about__.__version__,
            "probed_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "address": self.address,
            "requests_sent": self.sent,
            "cut_short": self.cut_short,
            "operations": {table: vars(each) for table, each in self.operations.items()},
        }
        with whole_file(file) as part:
            part.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


def probe(found: Settings, file: Path, budget: int = BUDGET, each: Callable[[str], None] = lambda _: None) -> Probe:
    """Ask each operation once, lists first, and those about one record with an id that a list gave.

    Answers are looked at and not kept. A list without a page asked for gives its first page, whatever
    the server numbers that.

    Parameters
    ----------
    found
        Where to ask, and as whom.
    file
        Where to write what was found, as JSON.
    budget
        The most requests to send, tokens among them.
    each
        Called with the name of each table before it is asked for.

    Raises
    ------
    BadArgumentError
        The budget is too small to ask anything.
    CredentialsError, UnreachableError
        HUBmis refused the client or was not reached.
    CacheError
        The file cannot be written.
    """
    if budget < _DEAREST:
        raise BadArgumentError(f"The budget is at least {_DEAREST} requests, as one operation may cost so many.")
    spec = read_spec(found.openapi) if found.openapi else None
    file = file.expanduser().absolute()
    with _written(file), tempfile.TemporaryFile(dir=file.parent) as room:
        room.write(bytes(_LARGEST_FILE))  # else all requests would have been for nothing
    session = open_session(found, retry=_ONCE)
    prober = _Prober(session, spec.endpoints if spec else CATALOGUE, budget)
    try:
        session.log_in()
        operations = {step.endpoint.table: prober.ask(step, each) for step in _steps()}
    finally:
        session.close()
    ordered = {table: operations[table] for table in CATALOGUE}
    result = Probe(found.base_url, budget, session.sent, ordered, prober.stopped)
    with _written(file):
        result.write(file)
    return result


@contextlib.contextmanager
def _written(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CacheError(
            f"Cannot write {file}: {error.strerror or error}. Make its folder writable, free some disk, or name "
            "another file."
        ) from error


def _steps() -> list[Step]:
    """All operations in the order of an export, the cheap and useful first; the deprecated last."""
    everything = steps_of("all")
    deprecated = [endpoint.table for endpoint in CATALOGUE.values() if endpoint.deprecated]
    return list({step.endpoint.table: step for step in (*everything, *steps_of(deprecated))}.values())


class _Prober:
    """Asks, and remembers a record of each list for the ids that others need."""

    def __init__(self, session: Session, known: Any, budget: int) -> None:
        self._session, self._known, self._budget = session, known, budget
        self._records: dict[str, pd.DataFrame] = {}
        self._year: int | None = None
        self.stopped = ""
        self._unreached = 0
        self._names = frozenset(name for endpoint in CATALOGUE.values() for name in _names(endpoint.record))

    def ask(self, step: Step, each: Callable[[str], None]) -> Probed:
        declared = step.endpoint
        endpoint = self._known.get(declared.table, declared)
        result = Probed(endpoint.title, endpoint.deprecated, endpoint.path, endpoint.path_source, "not tried")
        if declared.table not in self._known:
            result.remark = "the OpenAPI file does not have it"
            return result
        request = self._request(step, endpoint, result)
        if request is None:
            return result
        each(endpoint.table)
        try:
            body = self._session.get(request, _AS_IT_COMES).body
        except HubmisError as error:
            self._refused(error, request, result)
            return result
        value = parse(body, request.path)
        result.outcome = "answered"
        result.shape = shape_of(value, self._names)
        self._compare(endpoint, value, result)
        if result.outcome == "answered":
            self._remember(endpoint, request, body)
        return result

    def _request(self, step: Step, endpoint: Endpoint, result: Probed) -> Request | None:
        if self.stopped:
            result.remark = self.stopped
        elif self._session.sent + _DEAREST > self._budget:
            self.stopped = result.remark = f"the budget of {self._budget} requests is spent"
        elif missing := [parent for parent in step.parents if parent not in self._records]:
            result.remark = f"asked by ids of {' and '.join(missing)}, which did not answer"
        elif empty := [parent for parent in step.parents if self._records[parent].empty]:
            result.remark = f"asked by ids of {' and '.join(empty)}, which holds none"
        else:
            try:
                call = step.calls(self._records, self._year)[0]
                return requests_of(endpoint, call, lambda: self._year)[0]
            except (BadArgumentError, LookupError):
                result.remark = "ids to ask by could not be had"
        return None

    def _refused(self, error: HubmisError, request: Request, result: Probed) -> None:
        """Say it in our own words: an error's message holds the path, and so an id."""
        if isinstance(error, CredentialsError):
            raise error
        result.outcome = "failed"
        if isinstance(error, NotPermittedError):
            result.outcome, result.remark = "refused", "403: not permitted, so the path may hold"
        elif isinstance(error, NotFoundError):
            other = "the path is wrong, or this one record has none" if request.ids else "the path is wrong"
            result.outcome, result.remark = "not found", f"404: {other}"
        elif isinstance(error, RateLimitError):
            self.stopped = result.remark = "HUBmis answered 429: too many requests"
            result.outcome = "not tried"
        elif isinstance(error, RefusedError):
            result.remark = f"status {error.status}"
        elif isinstance(error, PayloadError):
            result.remark = "the answer is no JSON list or object"
        elif isinstance(error, ServerFaultError):
            result.remark = "a fault of the server's (5xx)"
        else:
            result.remark = "no complete answer arrived"
            self._unreached += 1
            if self._unreached == _HOPELESS:
                self.stopped = "HUBmis was no longer reached"

    def _compare(self, endpoint: Endpoint, value: object, result: Probed) -> None:
        rows = _rows(value, endpoint)
        names = {name for row in rows for name in row}
        declared = set(endpoint.record.names)
        if not names:
            result.remark = "empty, so the path holds and the fields are not known"
            return
        if declared and not names & declared:
            result.outcome = "answered otherwise"
            result.remark = "nothing in common with what is declared; perhaps a message"
            return
        shown = _shown_names(shape_of(rows, self._names))
        result.undeclared = [name for name in shown if name not in declared]
        result.absent = [name for name in endpoint.record.names if name not in names]
        new, gone = len(result.undeclared), len(result.absent)
        if new or gone:
            result.remark = f"{new} fields are not declared, {gone} declared ones did not come"

    def _remember(self, endpoint: Endpoint, request: Request, body: bytes) -> None:
        try:
            tables = tidy(endpoint, [(request.ids, [body])], Findings())
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return  # those that need its ids will say so
        frame = to_pandas(tables[endpoint.table])
        if endpoint.key in frame:
            frame = frame.dropna(subset=[endpoint.key])
        if endpoint.table == "academic_years":
            self._year = active_year(frame, date.today())
            self._records[endpoint.table] = frame
        else:
            self._records[endpoint.table] = frame.head(1)


def _names(type_: pa.DataType) -> Iterator[str]:
    """Every name that a declared record holds, at any depth."""
    if pa.types.is_list(type_):
        yield from _names(type_.value_type)
    elif pa.types.is_struct(type_):
        for each in type_:
            yield each.name
            yield from _names(each.type)


def _rows(value: object, endpoint: Endpoint) -> list[dict[str, Any]]:
    return [row for row in rows_of(value, endpoint) if isinstance(row, dict)]


def _shown_names(shape: Shape | None) -> list[str]:
    """The names of a record as the shape shows them, the list around it left out."""
    while isinstance(shape, list) and shape:
        shape = shape[0]
    return [name.removesuffix("?") for name in shape] if isinstance(shape, dict) else []
