"""Where a frame comes from, kept in its ``attrs``."""

import pandas as pd

_SOURCE = "hubmis"


def source(frame: pd.DataFrame) -> dict[str, str | None]:
    """Say where a frame is from.

    Returns
    -------
    dict
        ``operation`` (its title), ``path``, ``path_source``, ``realm``, and when its oldest and its newest
        part were fetched (``fetched_from``, ``fetched_to``, ISO instants). Empty for a frame that is neither a
        loader's own nor read from one school's export: pandas drops it where frames from several sources meet.
    """
    return dict(frame.attrs.get(_SOURCE, {}))


def set_provenance(
    frame: pd.DataFrame,
    operation: str,
    path: str,
    path_source: str,
    realm: str,
    fetched_from: str | None,
    fetched_to: str | None,
) -> None:
    """Record where a frame is from, in text alone, so that it survives being written."""
    frame.attrs[_SOURCE] = {
        "operation": operation,
        "path": path,
        "path_source": path_source,
        "realm": realm,
        "fetched_from": fetched_from,
        "fetched_to": fetched_to,
    }
