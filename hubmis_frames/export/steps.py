"""What an export requests, in which order, and what that costs. Nothing here sends a request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from types import MappingProxyType

import pandas as pd
import pyarrow as pa

from ..errors import BadArgumentError, SpecError, did_you_mean
from ..fetch import Fetcher
from ..frames import to_pandas
from ..operations import CATALOGUE, FURTHER
from ..operations.declaration import YEAR, Endpoint, Parameter
from ..operations.further import PAST_MARKS, YEAR_LISTS
from ..operations.response import plain_id
from ..request import Request
from .earlier import covered_years, kept_columns, leavers

CORE = (
    "academic_years",
    "terms",
    "holidays",
    "inset_days",
    "closure_dates",
    "school_regional_settings",
    "sections",
    "year_groups",
    "forms",
    "tutor_groups",
    "houses",
    "attendance_codes",
    "pastoral_categories",
    "pastoral_severity_levels",
    "learning_support_types",
    "learning_support_severities",
    "learning_support_statuses",
    "genders",
    "boarding_types",
    "students",
    "staff",
    "past_students",
    "learning_support_records",
    "pastoral_events",
    "form_students",
    "tutor_group_students",
    "house_students",
    "student_attendance",
    YEAR_LISTS,
)
"""What attendance and wellbeing analysis needs, cheap and useful tables first."""
LEAVERS = (PAST_MARKS,)
"""The marks of students who have left, of the academic years that the marks of the others cover."""

YEARS = "academic_years"  # ages and date limits depend on them
_MARKS = "student_attendance"
_CALENDAR = ("terms", "holidays", "inset_days", "closure_dates")
# Without a status, the list may hold everybody who was ever at the school: the document does not say.
_ASKED = {"students": {"enrolment_status": "current"}}
_MANY = ("students", "past_students", "contacts", "pastoral_events", "student_wellbeing_events")

Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Step:
    """One table of an export, and the tables whose ids it needs."""

    endpoint: Endpoint
    parent: str | None
    """The table that holds the ids of its path."""
    filtered_by: Mapping[str, str]
    """The tables that hold the ids of the filters it requires."""

    @property
    def parents(self) -> tuple[str, ...]:
        """Every table that has to be fetched first."""
        return (*((self.parent,) if self.parent else ()), *self.filtered_by.values())

    @property
    def refreshed(self) -> bool:
        """Whether a refresh asks again although the cache has an answer."""
        return True

    @property
    def counted_by(self) -> tuple[str, ...]:
        """The tables by which a plan counts its requests."""
        return self.parents

    @property
    def waits_for(self) -> str:
        """What its requests depend on while those tables are not loaded yet."""
        return f"one for each of {' and '.join(self.counted_by)}, not loaded yet".replace("_", " ")

    @property
    def by_year(self) -> bool:
        """Whether its path takes an academic year."""
        return any(parameter.name == YEAR for parameter in self.endpoint.path_ids)

    @property
    def by_dates(self) -> bool:
        """Whether it requires the dates of an academic year."""
        return any(p.required and p.kind is date for p in self.endpoint.parameters)

    def missing(self, loaded: Frames, year: int | str | None) -> str:
        """The ids or the academic year that the table needs and that could not be fetched."""
        if missing := [parent for parent in self.parents if parent not in loaded]:
            return f"the ids of {' and '.join(missing)}, which could not be fetched"
        if (self.by_year and year is None) or (self.by_dates and YEARS not in loaded):
            known = "none of them is active today" if YEARS in loaded else f"{YEARS} could not be fetched"
            return f"the academic year, and {known}"
        return ""

    def calls(self, loaded: Frames, year: int | str | None) -> list[dict[str, object]]:
        """The arguments of each call that the table takes, from the frames of its parents.

        Marks go back beyond the active year, so the calendar of the year before is requested too.
        """
        fixed: dict[str, object] = dict(_ASKED.get(self.endpoint.table, {}))
        varied: dict[str, list[object]] = {}
        for parameter in self.endpoint.parameters:
            name = parameter.name
            if name == YEAR:
                years = [year, _year_before(loaded, year)] if self.endpoint.table in _CALENDAR else [year]
                varied[name] = list(dict.fromkeys(years))
            elif name in self.filtered_by:
                varied[name] = loaded[self.filtered_by[name]][name].tolist()
            elif parameter.place == "path" and self.parent and name in loaded[self.parent]:
                # Nothing can be requested for a record without an id.
                fixed[name] = loaded[self.parent].dropna(subset=self.asked_by())[name]
            elif parameter.place == "path":
                varied[name] = list(parameter.choices)
            elif parameter.required:
                fixed[name] = _bound(parameter, loaded, year)
        return [fixed | dict(zip(varied, values, strict=True)) for values in product(*varied.values())]

    def asked_by(self) -> list[str]:
        """The columns of the parents whose ids the table needs."""
        return [p.name for p in self.endpoint.path_ids if p.place == "path" and p.name != YEAR and p.kind is int]

    def requests(self, fetcher: Fetcher, endpoint: Endpoint, loaded: Frames, year: int | str | None) -> list[Request]:
        """Build the requests of all calls of the operation, as the vendor's file describes it, each once."""
        calls = self.calls(loaded, year)
        return list(dict.fromkeys(request for call in calls for request in fetcher.requests(endpoint, call)))

    def kept(self, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """The tables of the answers that the export keeps."""
        return dict(tables)


class YearLists(Step):
    """The students of each earlier year that the marks cover, with their groups of that year.

    Past students are asked for apart, as few clients may read all at once, and for the present year too.
    """

    @property
    def parents(self) -> tuple[str, ...]:
        """The tables that tell which years those are."""
        return (YEARS, _MARKS)

    @property
    def refreshed(self) -> bool:
        """Years that are over hardly change: an answer is used for a week."""
        return False

    @property
    def counted_by(self) -> tuple[str, ...]:
        """The academic years: without marks, a plan counts the year before."""
        return (YEARS,)

    def calls(self, loaded: Frames, year: int | str | None) -> list[dict[str, object]]:
        """One list of current and one of past students for each year."""
        years = covered_years(loaded[YEARS], year, loaded[_MARKS].get("date") if _MARKS in loaded else None)
        earlier = [(each, status) for each in years for status in ("current", "past")]
        return [{YEAR: plain_id(each), "enrolment_status": status} for each, status in [*earlier, (year, "past")]]

    def kept(self, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """Ids and groups alone: the rest is in ``students`` and ``past_students``, as it is today."""
        table = tables[self.endpoint.table]
        return {self.endpoint.table: table.select(kept_columns(table.column_names))}


class PastMarks(Step):
    """The marks of past students who were there in the years that the marks of the others cover."""

    @property
    def parents(self) -> tuple[str, ...]:
        """The tables that tell who has left, and when."""
        return ("past_students", YEAR_LISTS, "students")

    @property
    def waits_for(self) -> str:
        """What its requests depend on."""
        return "one for each past student of the years that the marks cover, not loaded yet"

    def calls(self, loaded: Frames, year: int | str | None) -> list[dict[str, object]]:
        """The marks of each of them."""
        past = leavers(loaded["past_students"], loaded[YEAR_LISTS], loaded["students"])
        return super().calls({**loaded, "past_students": past}, year)


_KINDS: Mapping[str, type[Step]] = {YEAR_LISTS: YearLists, PAST_MARKS: PastMarks}


def steps_of(tables: str | Iterable[str], others: Mapping[str, Endpoint] = MappingProxyType({})) -> list[Step]:
    """Put the steps of an export in order, with the tables whose ids they need.

    ``others`` are the operations that only the vendor's file knows. They have to be named: ``"all"`` leaves them out.

    Raises
    ------
    BadArgumentError
        There is no such table, or no operation lists its ids.
    """
    named = [tables] if isinstance(tables, str) else [str(name) for name in tables]
    if not named:
        raise BadArgumentError("No table was named. 'core' stands for the tables that attendance and wellbeing need.")
    ordered: dict[str, Step] = {}
    groups = {"core": CORE, "all": _everything(), "leavers": LEAVERS}
    known = {**CATALOGUE, **FURTHER, **others}
    wanted = [table for name in named for table in groups.get(name, (name.removeprefix("load_"),))]
    if unknown := [table for table in dict.fromkeys(wanted) if table not in known]:
        each = " ".join(f"There is no table {name!r}.{did_you_mean(name, [*groups, *known], 3)}" for name in unknown)
        raise BadArgumentError(
            f"{each} hf.endpoints() and 'hubmis-frames endpoints' list them all; 'core' stands for those that "
            "attendance and wellbeing need, 'all' for all of them, 'leavers' for the marks of students who have left."
        )
    for table in wanted:
        _add(table, ordered, known)
    return list(ordered.values())


def plan(fetcher: Fetcher, tables: str | Iterable[str], refresh: bool = False, sent: int = 0) -> pd.DataFrame:
    """Say what an export would cost after ``sent`` other requests. See :meth:`School.plan`."""
    year = _cached_year(fetcher)
    seconds = fetcher.session.seconds
    loaded: dict[str, pd.DataFrame] = {}
    rows = []
    for step in steps_of(tables, fetcher.others):
        try:
            endpoint = fetcher.resolve(step.endpoint)
        except SpecError as error:
            rows.append(_plan_row(step, 0, 0, 0.0, str(error)))
            continue
        known = all(table in loaded for table in step.counted_by) and (year is not None or not step.endpoint.year)
        cached = to_send = 0
        if known:
            requests = step.requests(fetcher, endpoint, loaded, year)
            counts = [fetcher.count_cached(endpoint, request) for request in requests]
            # A paged list takes a page, and one more to be sure that no other follows.
            least = 2 if step.endpoint.paged else 1
            anew = refresh and step.refreshed
            to_send = sum(least if count is None else count * anew for count in counts)
            cached = 0 if anew else sum(count or 0 for count in counts)
            if None not in counts:
                tables = step.kept(fetcher.fetch(endpoint, requests).tables())
                loaded[endpoint.table] = to_pandas(tables[endpoint.table])
        minutes = (seconds(sent + to_send) - seconds(sent)) / 60
        basis = _basis(step, known, to_send)
        rows.append(_plan_row(step, cached + to_send if known else None, cached, minutes if known else None, basis))
        sent += to_send
    frame = pd.DataFrame(rows)
    return frame.astype(
        {"requests": "Int64", "cached": "Int64", "minutes": "Float64", "basis": "str", "asked_by": "str"}
    )


def _plan_row(step: Step, requests: int | None, cached: int, minutes: float | None, basis: str) -> dict[str, object]:
    return {
        "table": step.endpoint.table,
        "requests": pd.NA if requests is None else requests,
        "cached": cached,
        "minutes": pd.NA if minutes is None else minutes,
        "basis": basis,
        "asked_by": ", ".join(step.counted_by),
    }


def _basis(step: Step, known: bool, to_send: int) -> str:
    if not known:
        if not step.parents or step.counted_by == (YEARS,):
            return "asked by the academic year, and the years are not loaded yet"
        return step.waits_for
    return "at least: one for each page" if step.endpoint.paged and to_send else ""


def _everything() -> list[str]:
    """Every table except the deprecated twins, cheap and useful ones first.

    Then come tables that take one request for each group or member of staff, then for each student or contact, and
    last the single records, which their list holds already.
    """
    rest = [endpoint for endpoint in CATALOGUE.values() if not endpoint.deprecated and endpoint.table not in CORE]
    return [*CORE, *(endpoint.table for endpoint in sorted(rest, key=_cost))]


def _cost(endpoint: Endpoint) -> int:
    parent = _parent(endpoint, CATALOGUE)
    if parent is None:
        return 0
    if endpoint.key == CATALOGUE[parent].key:
        return 3
    return 2 if parent in _MANY else 1


def _add(name: str, ordered: dict[str, Step], known: Mapping[str, Endpoint]) -> None:
    if name in ordered:
        return
    endpoint = known[name]
    needed = [p for p in endpoint.parameters if p.place == "query" and p.required and p.kind is int]
    kind = _KINDS.get(name, Step)
    parent = "past_students" if kind is PastMarks else _parent(endpoint, known)
    step = kind(endpoint, parent, {p.name: _listing(endpoint, [p], known) for p in needed})
    if step.endpoint.year or step.by_dates:
        _add("academic_years", ordered, known)
    for parent in step.parents:
        _add(parent, ordered, known)
    ordered[name] = step


def _parent(endpoint: Endpoint, known: Mapping[str, Endpoint]) -> str | None:
    """The table that holds the ids of an operation's path, if it has any."""
    ids = [parameter for parameter in endpoint.path_ids if parameter.name != YEAR]
    return _listing(endpoint, ids, known) if any(parameter.kind is int for parameter in ids) else None


def _listing(endpoint: Endpoint, ids: Sequence[Parameter], known: Mapping[str, Endpoint]) -> str:
    """The list whose key is the last of the ids; of several, the first that needs the fewest other ids."""
    names = {YEAR, *(parameter.name for parameter in ids)}
    lists = [
        (len([p for p in other.path_ids if p.name not in names and p.kind is int]), other.table)
        for other in known.values()
        if other.key == ids[-1].name
        and not (other.single or other.deprecated or other.asks or other.table == endpoint.table)
    ]
    if not lists:
        raise BadArgumentError(f"{endpoint.table} cannot be exported: no operation lists the values of {ids[-1].name}.")
    return min(lists, key=lambda pair: pair[0])[1]


def _bound(parameter: Parameter, loaded: Frames, year: int | str | None) -> object:
    """The first or last day of the academic year, for an operation that requires its dates."""
    years = loaded["academic_years"]
    named = years[years["academic_year_id"] == year]
    column = "date_to" if parameter.name.endswith("_to") else "date_from"
    if column not in named or named[column].isna().all():
        raise BadArgumentError("The academic years that HUBmis lists have no dates, and this table needs them.")
    day: date = named[column].iloc[0].date()
    return day


def first_day(loaded: Frames, year: int | str | None) -> date:
    """The first day of the academic year, for ages; 1 September if HUBmis sends none."""
    try:
        day = _bound(_FROM, loaded, year)
    except (BadArgumentError, KeyError):
        today = date.today()
        return date(today.year - (today.month < 9), 9, 1)
    assert isinstance(day, date)
    return day


_FROM = Parameter("date_from", "", "query", date)


def _cached_year(fetcher: Fetcher) -> int | str | None:
    endpoint = fetcher.resolve(CATALOGUE["academic_years"])
    if fetcher.count_cached(endpoint, fetcher.requests(endpoint, {})[0]) is None:
        return None
    return fetcher.current_year()


def _year_before(loaded: Frames, year: int | str | None) -> int | str | None:
    """The academic year before ``year``, by its dates if the server sends any, else by order."""
    if year is None or "academic_years" not in loaded:
        return year
    years = loaded["academic_years"]
    order = "date_from" if years["date_from"].notna().all() else "academic_year_id"
    ids = years.dropna(subset=["academic_year_id"]).sort_values(order)["academic_year_id"].tolist()
    return plain_id(ids[ids.index(year) - 1]) if year in ids[1:] else year
