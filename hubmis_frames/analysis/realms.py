"""Realms: one school's ids mean nothing in another, so a person is a realm and an id."""

from collections.abc import Sequence

import pandas as pd

from ..errors import BadArgumentError
from ..frames.partitions import refuse_dask

REALM = "realm"
STUDENTS = "student_id"


def realms_of(*frames: pd.DataFrame | None) -> list[str]:
    """The realms in some frames, each once; a frame without the column adds none."""
    columns = [frame[REALM].unique() for frame in frames if frame is not None and REALM in frame]
    return list(dict.fromkeys(str(realm) for realms in columns for realm in realms if pd.notna(realm)))


def require_one_school(frame: pd.DataFrame, caller: str, *others: pd.DataFrame | None) -> None:
    """Raise if a frame holds several schools, by itself or together with others: their ids mean different people."""
    for checked in (frame, *others):
        refuse_dask(checked, caller)
    if len(realms_of(frame, *others)) > 1:
        holds = "the frame holds" if others == () else "the frames hold"
        raise BadArgumentError(f"{caller}: {holds} several schools (realm). Analyse one at a time.")


def person_columns(frame: pd.DataFrame) -> list[str]:
    """The columns that identify a student: the id, and the realm if the frame has it."""
    return [REALM, STUDENTS] if REALM in frame else [STUDENTS]


def with_realm(by: str | Sequence[str] | None, frame: pd.DataFrame) -> list[str]:
    """The names to group by, each once; ``realm`` stands before ``student_id`` if the frame has it."""
    names = list(dict.fromkeys([by] if isinstance(by, str) else by or []))
    if STUDENTS in names and REALM in frame and REALM not in names:
        names.insert(names.index(STUDENTS), REALM)
    return names


def rows_of_school(frame: pd.DataFrame | None, school: pd.DataFrame, caller: str) -> pd.DataFrame | None:
    """The rows of ``frame`` that belong to the one school that ``school`` holds."""
    if frame is None or REALM not in frame:
        return frame
    if REALM not in school:
        require_one_school(frame, caller)
        return frame
    return frame[frame[REALM].astype("str").isin(realms_of(school))]


def check_groups_of_schools(realms: Sequence[str], by: Sequence[str], terms: Sequence[str], caller: str) -> None:
    """Raise if groups would mix the ids of several schools, or periods (``terms``) of one school's calendar."""
    if len(realms) < 2:
        return
    if REALM not in by and (ids := [name for name in by if name.endswith("_id")]):
        raise BadArgumentError(
            f"{caller}: the frame holds several schools (realm), and {ids[0]} belongs to one school. Add realm to by."
        )
    if terms:
        raise BadArgumentError(
            f"{caller}: the frame holds several schools (realm), and a calendar ({terms[0]}) belongs to one school. "
            "Analyse one school at a time, or give marks with the columns of their own calendars."
        )
