"""Finds out which operations answer and what their responses look like, for an account without the vendor's file."""

import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
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
    NotFromHubmisError,
    NotPermittedError,
    PayloadError,
    RateLimitError,
    RefusedError,
    ServerFaultError,
)
from ..export import Step, steps_of
from ..files import whole_file, why
from ..frames import Findings, tidy, to_pandas
from ..openapi import read_spec
from ..openapi.answers import answer_shape
from ..openapi.document import Document
from ..operations import CATALOGUE
from ..operations.arguments import requests_of
from ..operations.declaration import Endpoint
from ..operations.response import active_year, rows_of
from ..request import Request, scopes_in_words
from ..transport import Reading, RetryPolicy, Session, parse
from .json_shape import Shape, schema_of, shape_of
from .settings import Settings, open_session

FORMAT = 1
BUDGET = 150
"""Enough for each of the 131 operations once, a token, and a few new tokens."""
_MOST_PER_OPERATION = 6  # a token in two spellings and the operation, and all again after a 401
_MOST_UNREACHED = 3
_MOST_NAMED = 5
_LARGEST_FILE = 500_000
_OF_ENVELOPES = frozenset(
    {"attributes", "content", "data", "included", "items", "jsonapi", "links", "member", "meta", "pagination",
     "records", "relationships", "results", "@context", "@id", "@type", "_embedded", "_links", "hydra:member",
     "hydra:totalItems", "hydra:view"}
)  # fmt: skip
"""Names around records, which are shown even where they do not look like those of fields."""
_AS_IT_COMES = Reading(timedelta(0), lambda _: True, lambda _: [], refresh=True)
_ONCE = RetryPolicy(connect_timeout=10, read_timeout=60, total_timeout=120, max_attempts=1, max_wait_429=0)


@dataclass
class Probed:
    """The result for one operation. ``shape`` holds names and types only."""

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
    """The results for all operations, by table."""

    address: str
    budget: int
    sent: int
    operations: dict[str, Probed]
    cut_short: str
    """Why operations were left out; empty if all were asked."""

    def summary(self) -> str:
        """The results in a few sentences."""
        outcomes = Counter(result.outcome for result in self.operations.values())
        inferred = [result for result in self.operations.values() if result.path_source == "inferred"]
        holds = sum(result.outcome == "answered" for result in inferred)
        fails = sum(result.outcome in ("not found", "answered otherwise") for result in inferred)
        summary = f"{', '.join(f'{number} {outcome}' for outcome, number in outcomes.most_common())}."
        if inferred:
            summary += (
                f" Of {len(inferred)} inferred paths {holds} hold and {fails} seem wrong; the rest are not known."
            )
        untried: dict[str, list[str]] = {}
        for table, result in self.operations.items():
            if result.outcome == "not tried" and result.remark != self.cut_short:
                untried.setdefault(result.remark, []).append(table)
        for reason, tables in untried.items():
            named = ", ".join(tables) if len(tables) <= _MOST_NAMED else f"{len(tables)} operations"
            summary += f" Not tried: {named} ({reason})."
        return summary + (f" Cut short: {self.cut_short}." if self.cut_short else "")

    def table(self) -> pd.DataFrame:
        """One row per operation: ``table``, ``path``, ``path_source``, ``outcome`` and ``remark``."""
        rows = [
            {"table": table, "path": result.path, "path_source": result.path_source, "outcome": result.outcome,
             "remark": result.remark}
            for table, result in self.operations.items()
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def write(self, file: Path) -> None:
        """Write everything as JSON, without the realm and the client. The file is complete or not written at all."""
        content = {
            "format": FORMAT,
            "hubmis_frames": __about__.__version__,
            "probed_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "address": self.address,
            "requests_sent": self.sent,
            "cut_short": self.cut_short,
            "operations": {table: vars(result) for table, result in self.operations.items()},
        }
        with whole_file(file) as part:
            part.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


def probe(settings: Settings, file: Path, budget: int = BUDGET, show: Callable[[str], None] = lambda _: None) -> Probe:
    """Ask each operation once, lists first. Operations about one record take an id from a list.

    Responses are examined and not kept. Lists are asked without a page, which gives their first one.

    Parameters
    ----------
    settings
        The address and the credentials.
    file
        Where to write the results, as JSON.
    budget
        The most requests to send, including those for tokens.
    show
        Called with the name of each table before it is asked for.

    Raises
    ------
    BadArgumentError
        The budget is too small to ask anything.
    CredentialsError, UnreachableError
        HUBmis refused the client or could not be reached.
    CacheError
        The file cannot be written.
    """
    if budget < _MOST_PER_OPERATION:
        raise BadArgumentError(
            f"The budget is at least {_MOST_PER_OPERATION} requests, because one operation can cost that many."
        )
    spec = read_spec(settings.openapi) if settings.openapi else None
    file = file.expanduser().absolute()
    with _written(file), tempfile.TemporaryFile(dir=file.parent) as trial:
        trial.write(bytes(_LARGEST_FILE))  # a full disk must not waste all requests
    session = open_session(settings, retry=_ONCE)
    prober = _Prober(session, spec.endpoints if spec else CATALOGUE, budget)
    try:
        session.log_in()
        operations = {step.endpoint.table: prober.ask(step, show) for step in _steps()}
    finally:
        session.close()
    ordered = {table: operations[table] for table in CATALOGUE}
    result = Probe(settings.base_url, budget, session.sent, ordered, prober.stopped)
    with _written(file):
        result.write(file)
    return result


@contextlib.contextmanager
def _written(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CacheError(
            f"Cannot write {file}: {why(error)}. Make its folder writable, free some disk, or name another file."
        ) from error


def _steps() -> list[Step]:
    """All operations in the order of an export, the cheap and useful first; the deprecated last."""
    everything = [step for step in steps_of("all") if not step.endpoint.asks]
    deprecated = [endpoint.table for endpoint in CATALOGUE.values() if endpoint.deprecated]
    return list({step.endpoint.table: step for step in (*everything, *steps_of(deprecated))}.values())


class _Prober:
    """Asks operations, and keeps one record of each list for the ids that other operations need."""

    def __init__(self, session: Session, known: Any, budget: int) -> None:
        self._session, self._known, self._budget = session, known, budget
        self._records: dict[str, pd.DataFrame] = {}
        self._year: int | str | None = None
        self.stopped = ""
        self._unreached = 0
        declared = (name for endpoint in CATALOGUE.values() for name in _names(endpoint.record))
        self._names = _OF_ENVELOPES.union(declared)

    def ask(self, step: Step, show: Callable[[str], None]) -> Probed:
        declared = step.endpoint
        endpoint = self._known.get(declared.table, declared)
        result = Probed(endpoint.title, endpoint.deprecated, endpoint.path, endpoint.path_source, "not tried")
        if declared.table not in self._known:
            result.remark = "the OpenAPI file does not have it"
            return result
        request = self._request(step, endpoint, result)
        if request is None:
            return result
        show(endpoint.table)
        try:
            body = self._session.get(request, _AS_IT_COMES).body
        except HubmisError as error:
            self._refused(error, request, result)
            return result
        value = parse(body, request.path)
        result.outcome = "answered"
        result.shape = shape_of(value, self._names)
        endpoint = _in_envelope(endpoint, result.shape)
        self._compare(endpoint, value, result)
        if result.outcome == "answered":
            self._remember(endpoint, request, body)
        return result

    def _request(self, step: Step, endpoint: Endpoint, result: Probed) -> Request | None:
        if self.stopped:
            result.remark = self.stopped
        elif self._session.sent + _MOST_PER_OPERATION > self._budget:
            self.stopped = result.remark = f"the budget of {self._budget} requests is spent"
        elif missing := [parent for parent in step.parents if parent not in self._records]:
            result.remark = f"asked by ids of {' and '.join(missing)}, which could not be loaded"
        elif empty := [parent for parent in step.parents if self._records[parent].empty]:
            result.remark = f"asked by ids of {' and '.join(empty)}, which holds none"
        else:
            try:
                call = step.calls(self._records, self._year)[0]
                return requests_of(endpoint, call, lambda: self._year)[0]
            except (BadArgumentError, LookupError):
                result.remark = "no id to ask by was found"
        return None

    def _refused(self, error: HubmisError, request: Request, result: Probed) -> None:
        """Describe the error in our own words, as its message holds the path and so an id."""
        if isinstance(error, CredentialsError):
            raise error
        result.outcome = "failed"
        if isinstance(error, NotPermittedError):
            scopes = f"; it takes the scopes {scopes_in_words(request.scopes)}" if request.scopes else ""
            result.outcome, result.remark = "refused", f"403: not permitted, so the path may hold{scopes}"
        elif isinstance(error, NotFoundError):
            other = "the path is wrong, or this one record has none" if request.ids else "the path is wrong"
            result.outcome, result.remark = "not found", f"404: {other}"
        elif isinstance(error, RateLimitError):
            self.stopped = result.remark = "HUBmis answered 429: too many requests"
            result.outcome = "not tried"
        elif isinstance(error, RefusedError):
            result.remark = f"status {error.status}"
        elif isinstance(error, PayloadError):
            result.remark = (
                "the response is not a JSON list or object; a web page would come from the network's filter or proxy"
            )
        elif isinstance(error, NotFromHubmisError):
            result.remark = "the network's filter, proxy or sign-in page answered in place of HUBmis"
        elif isinstance(error, ServerFaultError):
            result.remark = "a fault of the server's (5xx), or of a proxy on the way"
        else:
            result.remark = "no complete response arrived"
            self._unreached += 1
            if self._unreached == _MOST_UNREACHED:
                self.stopped = "HUBmis could no longer be reached"

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
            return  # operations that need its ids are reported as not tried
        frame = to_pandas(tables[endpoint.table])
        if endpoint.key in frame:
            frame = frame.dropna(subset=[endpoint.key])
        if endpoint.table == "academic_years":
            self._year = active_year(frame, date.today())
            self._records[endpoint.table] = frame
        else:
            self._records[endpoint.table] = frame.head(1)


def _in_envelope(endpoint: Endpoint, shape: Shape) -> Endpoint:
    """The operation with the envelope that its response shows around the records, if it shows one."""
    try:
        schema = schema_of(shape)
    except ValueError:  # nested too deep
        return endpoint
    found = answer_shape(Document({}, ""), schema, endpoint.record.names, endpoint.wrapper, "")
    if found.wrapper is None and not found.attributes:
        return endpoint
    return replace(endpoint, wrapper=found.wrapper, attributes=found.attributes)


def _names(type_: pa.DataType) -> Iterator[str]:
    """Every name in a declared record, at any depth."""
    if pa.types.is_list(type_):
        yield from _names(type_.value_type)
    elif pa.types.is_struct(type_):
        for field in type_:
            yield field.name
            yield from _names(field.type)


def _rows(value: object, endpoint: Endpoint) -> list[dict[str, Any]]:
    return [row for row in rows_of(value, endpoint) if isinstance(row, dict)]


def _shown_names(shape: Shape | None) -> list[str]:
    """The names of a record in a shape, without the list around it."""
    while isinstance(shape, list) and shape:
        shape = shape[0]
    return [name.removesuffix("?") for name in shape] if isinstance(shape, dict) else []
