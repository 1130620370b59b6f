"""Fetches the tables of an export into memory, without writing a file."""

import contextlib
from collections.abc import Iterable

import pandas as pd

from ..errors import BadArgumentError, CredentialsError, HubmisError, SpecError, warn
from ..fetch import Fetcher
from ..frames import to_pandas
from ..frames.provenance import set_provenance
from ..privacy import without_free_text
from .folder import owned_name
from .steps import Step, steps_of


def collect(
    fetcher: Fetcher, tables: str | Iterable[str], *, refresh: bool = False
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Fetch what an export would, as frames, and the reasons why tables or rows are missing.

    Free text about children is left out, as from an export.

    Raises
    ------
    BadArgumentError
        There is no such table.
    HubmisError
        No table could be fetched.
    """
    steps = steps_of(tables, fetcher.others)
    year = None
    if any(step.endpoint.year for step in steps):
        with contextlib.suppress(SpecError):  # the step for the academic years reports it
            year = fetcher.current_year()
    loaded: dict[str, pd.DataFrame] = {}
    frames: dict[str, pd.DataFrame] = {}
    problems: dict[str, str] = {}
    errors: list[HubmisError] = []
    for step in steps:
        try:
            own, remark = _fetch(fetcher, step, loaded, year, refresh)
        except (CredentialsError, BadArgumentError):
            raise  # every other table would fail in the same way
        except HubmisError as error:
            errors.append(error)
            problems[step.endpoint.table] = str(error)
            continue
        frames |= own
        if remark:
            problems[step.endpoint.table] = remark
            warn(f"{step.endpoint.table} of {fetcher.session.realm} is incomplete. {remark}")
    if not frames:
        raise errors[0]
    return frames, problems


def _fetch(
    fetcher: Fetcher, step: Step, loaded: dict[str, pd.DataFrame], year: int | str | None, refresh: bool
) -> tuple[dict[str, pd.DataFrame], str]:
    """The tables of one operation, and why rows are missing."""
    endpoint = fetcher.resolve(step.endpoint)
    if missing := step.missing(loaded, year):
        raise HubmisError(f"It needs {missing}.")
    requests = step.requests(fetcher, endpoint, loaded, year)
    fetched = fetcher.fetch(endpoint, requests, refresh=refresh and step.refreshed)
    tables = {name: to_pandas(table) for name, table in step.kept(fetched.tables()).items()}
    for sentence in fetched.findings.sentences():
        fetcher.warn_once(f"{endpoint.table}: {sentence}.")
    loaded[endpoint.table] = tables[endpoint.table]
    realm = fetcher.session.realm
    frames = {}
    for name, frame in tables.items():
        kept = frame[without_free_text(name, list(frame.columns))].assign(realm=pd.Series(realm, frame.index, "str"))
        set_provenance(kept, endpoint.title, endpoint.path, endpoint.path_source, realm, **fetched.ages)
        frames[owned_name(endpoint.table, name, fetcher.others)] = kept
    if not fetched.failed:
        return frames, ""
    reason = next(iter(fetched.failed.values()))
    return frames, f"{len(fetched.failed)} of {len(requests)} requests failed, so rows are missing: {reason}"
