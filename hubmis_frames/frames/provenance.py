"""Where a frame comes from, in its ``attrs``."""

import pandas as pd

_SOURCE = "hubmis"


def source(frame: pd.DataFrame) -> dict[str, str | None]:
    """Where a frame comes from.

    Returns
    -------
    dict
        ``operation`` (its title), ``path``, ``path_source``, ``realm``, and when its oldest and its newest
        response arrived (``fetched_from``, ``fetched_to``, ISO instants). It is empty unless the frame is from a
        loader or from one school's export: pandas drops it when frames from several sources are combined.
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
    """Record where a frame comes from, as text, so that it stays when the frame is written to a file."""
    frame.attrs[_SOURCE] = {
        "operation": operation,
        "path": path,
        "path_source": path_source,
        "realm": realm,
        "fetched_from": fetched_from,
        "fetched_to": fetched_to,
    }
