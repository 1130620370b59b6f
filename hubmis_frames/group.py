"""Several schools that one client may read: the same calls, for one school after another."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pandas as pd

from .display.notebook import as_table
from .errors import BadArgumentError, HubmisError, IncompleteError, warn
from .export import collect, plan
from .frames import concatenated
from .operations.declaration import Endpoint
from .school import School

if TYPE_CHECKING:
    from .school_data import SchoolData

T = TypeVar("T")


class Group:
    """Several schools that one client may read. :func:`connect_group` makes it; close it when you are done.

    The loaders take it in place of a school: ``hf.load_students(group)`` returns the students of all schools, with the
    column ``realm`` in front. Each school has its own cache, and all share the client's request limit. If a school
    fails, the others go on.

    Parameters
    ----------
    schools
        The schools, each with its own realm.

    Attributes
    ----------
    schools
        Each school by its realm.
    """

    def __init__(self, schools: Iterable[School]) -> None:
        self.schools = {school.realm: school for school in schools}

    def __repr__(self) -> str:
        return f"<Group of {', '.join(map(repr, self.schools))}>"

    def _repr_html_(self) -> str | None:
        return as_table(school._session for school in self)

    def __iter__(self) -> Iterator[School]:
        return iter(self.schools.values())

    def __enter__(self) -> "Group":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Group holds credentials and cannot be pickled. Connect again where you need it.")

    @property
    def sent(self) -> int:
        """The number of requests sent so far, with those for tokens and repeated attempts."""
        return sum(school.sent for school in self)

    def close(self) -> None:
        """Close connections and caches."""
        for school in self:
            school.close()

    def plan(self, tables: str | Iterable[str] = "core", *, refresh: bool = False) -> pd.DataFrame:
        """Say what an export of all schools would cost: the rows of :meth:`School.plan` for each, with ``realm``."""
        tables = tables if isinstance(tables, str) else list(tables)
        plans: list[pd.DataFrame] = []
        sent = 0
        for school in self:
            plans.append(_with_realm(plan(school._fetcher, tables, refresh, sent), school.realm))
            sent += int((plans[-1]["requests"] - plans[-1]["cached"]).sum())
        return pd.concat(plans, ignore_index=True)

    def fetch(self, tables: str | Iterable[str] = "core", *, refresh: bool = False) -> "SchoolData":
        """Fetch what an export of all schools would, without writing a file. See :meth:`School.fetch`.

        Parameters
        ----------
        tables, refresh
            As for :meth:`School.fetch`.

        Returns
        -------
        SchoolData
            The tables of the schools from which anything could be fetched, with the column ``realm``.

        Raises
        ------
        HubmisError
            Nothing could be fetched from any school. This is the error of the first one.

        Warns
        -----
        HubmisWarning
            A school failed, and is not in the result.
        """
        from .school_data import SchoolData  # the analysis is imported when it is first used

        names = tables if isinstance(tables, str) else list(tables)
        done, failed = self._ask_all(lambda school: collect(school._fetcher, names, refresh=refresh))
        for realm, error in failed.items():
            warn(f"{realm}: {error}")
        every = dict.fromkeys(name for frames, _ in done.values() for name in frames)
        together = {
            name: pd.concat([frames[name] for frames, _ in done.values() if name in frames], ignore_index=True)
            for name in every
        }
        problems = {realm: reasons for realm, (_, reasons) in done.items()}
        return SchoolData._fetched(together, problems, list(done))

    def export(
        self, directory: str | PathLike[str], tables: str | Iterable[str] = "core", **choices: Any
    ) -> pd.DataFrame:
        """Write tables of all schools into one directory, as :meth:`School.export` does for one.

        Parameters
        ----------
        directory, tables, **choices
            As for :meth:`School.export`.

        Returns
        -------
        DataFrame
            As from :meth:`School.export`, with ``realm`` in front. A school from which nothing could be loaded has one
            row without a table and with the status ``failed``, and a warning says why.

        Raises
        ------
        HubmisError
            Nothing could be loaded from any school. This is the error of the first one.
        """
        tables = tables if isinstance(tables, str) else list(tables)
        done, failed = self._ask_all(lambda school: school.export(directory, tables, **choices))
        for realm, error in failed.items():
            warn(f"{realm}: {error}")
        rows = [_with_realm(frame, realm) for realm, frame in done.items()]
        rows += [pd.DataFrame({"realm": [realm], "status": ["failed"]}) for realm in failed]
        return pd.concat(rows, ignore_index=True).astype({"rows": "Int64"})

    def _load(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """Load the tables of an operation from every school; the loaders call this.

        Raises
        ------
        BadArgumentError
            The ids do not say which school they belong to.
        IncompleteError
            Some schools failed. The error holds the tables of the others, and each realm's error.
        """
        ids = {parameter.name for parameter in endpoint.path_ids if parameter.kind is int}
        for name in ids & arguments.keys():
            value = arguments[name]
            if name != "academic_year_id" and not (isinstance(value, pd.DataFrame) and "realm" in value):
                raise BadArgumentError(
                    f"{endpoint.loader}: an id belongs to one school. Give a frame with the columns {name} and realm, "
                    "as a loader returns it for a group, or ask one school: group.schools['...']."
                )

        def ask(school: School) -> dict[str, pd.DataFrame]:
            own = {
                name: value[value["realm"].astype("str") == school.realm] if isinstance(value, pd.DataFrame) else value
                for name, value in arguments.items()
            }
            return school._load(endpoint, own)

        done, failed = self._ask_all(ask)
        done |= {realm: error.tables for realm, error in failed.items() if isinstance(error, IncompleteError)}
        names = dict.fromkeys(name for tables in done.values() for name in tables)
        tables = {
            name: concatenated([_with_realm(tables[name], realm) for realm, tables in done.items() if name in tables])
            for name in names
        }
        if failed:
            first = next(iter(failed.items()))
            raise IncompleteError(
                f"{endpoint.loader}: {len(failed)} of {len(self.schools)} schools failed. The error's .tables holds "
                f"the others, its .failed each realm's error. {first[0]}: {first[1]}",
                tables,
                {(realm,): error for realm, error in failed.items()},
            )
        return tables

    def _ask_all(self, ask: Callable[[School], T]) -> tuple[dict[str, T], dict[str, HubmisError]]:
        """The result of each school, and the errors of those that failed. Raises the first error if all failed."""
        done: dict[str, T] = {}
        failed: dict[str, HubmisError] = {}
        for school in self:
            try:
                done[school.realm] = ask(school)
            except HubmisError as error:
                failed[school.realm] = error
        if not done:
            raise next(iter(failed.values()))
        return done, failed


def _with_realm(frame: pd.DataFrame, realm: str) -> pd.DataFrame:
    frame = frame.drop(columns="realm", errors="ignore")
    frame.insert(0, "realm", pd.Series(realm, index=frame.index, dtype="str"))
    return frame
