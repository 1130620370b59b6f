"""How wellbeing and joint analysis find a school's fields, and what they say when one is not there."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import pandas as pd

from ..errors import BadArgumentError, MissingFieldError, did_you_mean
from ..frames.partitions import refuse_dask
from ..privacy.pseudonyms import PSEUDONYM

DAY = pd.Timedelta(days=1)
REALM = "realm"
OF_CALENDAR = ("term", "half_term", "academic_year", "school_week")
"""Periods that a school's calendar tells."""
_NUMBERS = ("integer", "floating", "mixed-integer", "mixed-integer-float", "decimal", "complex", "boolean")
_OFFSET = r"[T ].*(?:[Zz]|[+-]\d\d(?::?\d\d)?)$"


def require(frame: pd.DataFrame, names: Iterable[str], what: str, made_by: str = "") -> None:
    """Raise unless a frame has these columns, naming the ones that it has, and the call that makes such a frame."""
    refuse_dask(frame, what)
    if lacking := [name for name in names if name not in frame]:
        instead = f" Give {made_by}, not the frame that was loaded." if made_by else ""
        instead = instead or did_you_mean(lacking[0], map(str, frame.columns))
        raise BadArgumentError(
            f"{what}: there is no column {', '.join(lacking)}.{instead} The frame has "
            f"{', '.join(map(str, frame.columns))}."
        )


def no_group(name: str, columns: Iterable[str], periods: Sequence[str], what: str, join: str) -> BadArgumentError:
    """What to raise of a name to group by that is neither a column nor a period; ``join`` is how it becomes one."""
    columns = list(dict.fromkeys(map(str, columns)))
    # Who writes yeargroup means the name; its id is as near.
    near = [each for each in columns if not each.endswith("_id") or f"{each.removesuffix('id')}name" not in columns]
    return BadArgumentError(
        f"{what}: there is no column or period {name!r}.{did_you_mean(name, [*near, *periods])} To group by what is "
        f"not there yet, join it first: {join}. Periods are {', '.join(periods)}; the columns are {', '.join(columns)}."
    )


def filled(frame: pd.DataFrame, name: str, measure: str, why: str) -> None:
    """Raise unless some row has a value in this column; a frame without rows has nothing to lack."""
    if len(frame) and (name not in frame or frame[name].isna().all()):
        raise MissingFieldError(
            f"{measure} needs {name}, {why}, and no row has one: the server does not send it, or the school does not "
            f'fill it in. If the frame has it under another name, give hf.wellbeing.events(frame, columns={{"{name}": '
            "...})."
        )


def schools(*frames: pd.DataFrame | None) -> list[str]:
    """The realms of frames, each once; of frames that do not say, none."""
    told = [each[REALM].dropna().unique() for each in frames if each is not None and REALM in each]
    return list(dict.fromkeys(str(realm) for realms in told for realm in realms))


def one_school(frame: pd.DataFrame, what: str, *others: pd.DataFrame | None) -> None:
    """Raise when a frame, or it and others, hold several schools: their ids mean different people."""
    for each in (frame, *others):
        refuse_dask(each, what)
    if len(schools(frame, *others)) > 1:
        holds = "the frame holds" if others == () else "the frames hold"
        raise BadArgumentError(f"{what}: {holds} several schools (realm). Analyse one at a time.")


def person(frame: pd.DataFrame) -> list[str]:
    """The columns that say who somebody is: an id is one school's alone."""
    return [REALM, "student_id"] if REALM in frame else ["student_id"]


def of_school(frame: pd.DataFrame | None, school: pd.DataFrame, what: str) -> pd.DataFrame | None:
    """The rows of a frame that are those of another's one school."""
    if frame is None or REALM not in frame:
        return frame
    if REALM not in school:
        one_school(frame, what)
        return frame
    return frame[frame[REALM].astype("str").isin(schools(school))]


def groups_of_schools(realms: Sequence[str], by: Sequence[str], terms: Sequence[str], what: str) -> None:
    """Raise where groups of several schools would take one's ids for another's, or one's ``terms``."""
    if len(realms) < 2:
        return
    if REALM not in by and (ids := [name for name in by if name.endswith("_id")]):
        raise BadArgumentError(
            f"{what}: the frame holds several schools (realm), and {ids[0]} is one school's alone. Add realm to by."
        )
    if terms:
        raise BadArgumentError(
            f"{what}: the frame holds several schools (realm), and a calendar ({terms[0]}) is one school's. Analyse "
            "one at a time."
        )


def as_day(value: object, what: str) -> pd.Timestamp:
    """The day that was given as a date, a Timestamp or ISO text, without a time of day."""
    try:
        value = datetime.fromisoformat(value) if isinstance(value, str) else value
        # A number would be read as nanoseconds since 1970.
        day = pd.NaT if pd.api.types.is_number(value) else pd.Timestamp(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        day = pd.NaT
    if not isinstance(day, pd.Timestamp):
        raise BadArgumentError(f"{what}: give a date such as '2026-07-03', not {value!r}.")
    return day.tz_localize(None).normalize()


def pick(frame: pd.DataFrame, known: Mapping[str, Sequence[str]], given: Mapping[str, str] | None) -> dict[str, str]:
    """Which column of a frame holds each canonical field: the one given, else the first known name that is there."""
    given = given or {}
    if unknown := [name for name in given if name not in known]:
        raise BadArgumentError(f"columns: there is no field {unknown[0]!r}. The fields are {', '.join(known)}.")
    require(frame, given.values(), "columns")
    found = {
        field: given.get(field) or next((name for name in names if name in frame), None)
        for field, names in known.items()
    }
    if twice := [name for name in found.values() if name and list(frame.columns).count(name) > 1]:
        raise BadArgumentError(f"The frame has several columns called {twice[0]}: keep or rename one of them.")
    return {field: name for field, name in found.items() if name}


def local_dates(values: pd.Series, timezone: str, what: str) -> pd.Series:
    """The day on which an instant falls at the school; a date stays the day that it is."""
    instants = as_times(values, what)
    if isinstance(instants.dtype, pd.DatetimeTZDtype):
        instants = instants.dt.tz_convert(timezone).dt.tz_localize(None)
    dates: pd.Series = instants.dt.normalize().astype("datetime64[us]")
    return dates


def as_times(values: pd.Series, what: str) -> pd.Series:
    """Dates or instants as pandas' own type. ISO text is read; other text is refused, not lost."""
    if pd.api.types.is_datetime64_any_dtype(values) and not isinstance(values.dtype, pd.ArrowDtype):
        return values
    plain = values.astype(object)
    if pd.api.types.infer_dtype(plain, skipna=True) in _NUMBERS:
        raise BadArgumentError(f"{what} holds numbers, which are no dates.")
    try:
        return pd.to_datetime(plain, format="ISO8601")
    except (TypeError, ValueError):
        # Offsets differ where the clock changed, and are instants all the same. Of some with an offset and some
        # without, nobody knows what those without mean.
        if plain.dropna().astype("str").str.contains(_OFFSET).all():
            return pd.to_datetime(plain, format="ISO8601", utc=True)
        raise BadArgumentError(
            f"{what} holds values that are no ISO dates (2025-09-08), or a time zone in some rows alone: convert the "
            "column first, with pd.to_datetime and the format that it has."
        ) from None


def as_ids(values: pd.Series, what: str) -> pd.Series:
    """Ids as ``Int64``: a merge elsewhere may have made floats of them. Pseudonyms are text, and stay it."""
    given = values.dropna()
    text = isinstance(values.dtype, pd.StringDtype) or pd.api.types.infer_dtype(given) == "string"
    if text and given.str.fullmatch(PSEUDONYM).all():
        return values.astype("str")
    try:
        return values.astype("Int64")
    except (TypeError, ValueError):
        raise BadArgumentError(f"{what} holds values that are no ids (whole numbers, or pseudonyms).") from None


def natural(name: object) -> tuple[object, ...]:
    """A key that sorts Year 9 before Year 10, and what is missing last."""
    if not isinstance(name, str) and pd.isna(name):  # type: ignore[call-overload]
        return (1, "")
    parts = re.split(r"(\d+)", str(name))
    return (0, *((int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in parts if part))
