"""Pseudonyms: replaces ids of people in the same way in every table, so that joins still work, and removes names."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import filelock
import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_object_dtype, is_string_dtype

from ..errors import BadArgumentError, CacheError
from ..files import expanded, private_folder, unquoted, user_folder, whole_file, why
from ..frames.partitions import refuse_dask
from .personal import safe_columns

_SHORTEST_KEY = 16

_LENGTH = 32
PSEUDONYM = f"[0-9a-f]{{{_LENGTH}}}"


def pseudonymise(
    tables: Mapping[str, pd.DataFrame], key: bytes, *, year_start: date, realm: str = ""
) -> dict[str, pd.DataFrame]:
    """Replace everything that identifies a person, in the same way in every table, and leave out what may not be safe.

    Ids of students, staff, contacts and of their records become keyed HMAC-SHA-256 pseudonyms (32 hexadecimal digits),
    the same in every table. Of the other columns only those stay that are declared and safe: yes or no, numbers,
    texts that are one of a few words, names of entries in lists that the school picks from (year groups, forms,
    attendance codes), and days on which something happened. So names, e-mail, logins, telephones, addresses, job
    titles, references of other systems, free text, pictures and every column that is not declared are left out.
    A date of birth becomes the age in years at the start of the academic year, an instant becomes its day (UTC), and
    rows are sorted by pseudonym.

    What stays can still point to a person: gender; title; ethnicity; faith; nationality; languages; country of birth
    and of an address; marital status; age; academic year, year group and key stage; form, section and tutor group;
    house, boarding type and room; subjects, sets and activities; department, position and contract of staff;
    destination after school; local authority; kind, severity and status of a person or record; the answers yes and no,
    such as disability, an EHCP or a consent; days; hours of a timetable; codes and sessions of marks; the place in a
    list; names of entries. A rare combination of them may fit only one child, and anyone who has the school's own marks
    can find a child by them. Pseudonyms are not anonymity.

    Parameters
    ----------
    tables
        Tables by name, as a loader's ``.tables`` or an export gives them. From an undeclared table, only ids
        of people stay.
    key
        The secret key, at least 16 bytes; :func:`open_key` keeps one. Anyone who has it can find out who is who.
    year_start
        The first day of the academic year.
    realm
        The school, so that the same id at two schools gets two pseudonyms; a column ``realm`` takes precedence.

    Returns
    -------
    dict
        The tables, by the same names; the frames that were given are not changed.

    Raises
    ------
    BadArgumentError
        The key is too short.
    """
    if len(key) < _SHORTEST_KEY:
        raise BadArgumentError(f"The key for pseudonyms takes at least {_SHORTEST_KEY} bytes, kept secret.")
    for table, frame in tables.items():
        refuse_dask(frame, f"pseudonymise: {table}")
    return {table: _table(table, frame, key, year_start, realm) for table, frame in tables.items()}


def pseudonyms_of(ids: pd.Series, kind: str, key: bytes, realm: str | pd.Series) -> pd.Series:
    """The pseudonyms of ids, each of a kind (``student_id``) and a school; a missing id has none."""
    schools = realm if isinstance(realm, pd.Series) else pd.Series(realm, index=ids.index, dtype="str")
    pairs = pd.DataFrame({"realm": schools, "id": ids})
    known = pairs.dropna().drop_duplicates()
    digests = [
        hmac.new(key, f"{school}\x1f{kind}\x1f{number}".encode(), hashlib.sha256).hexdigest()[:_LENGTH]
        for school, number in known.itertuples(index=False)
    ]
    matched = pairs.merge(known.assign(pseudonym=pd.Series(digests, index=known.index, dtype="str")), how="left")
    return pd.Series(matched["pseudonym"].to_numpy(), index=ids.index, dtype="str")


def sorted_positions(frame: pd.DataFrame) -> npt.NDArray[np.intp]:
    """The positions of rows in an order that depends only on their content: first by pseudonyms, then by the rest."""
    values = {
        str(position): frame.iloc[:, position].astype("str") if is_object_dtype(dtype) else frame.iloc[:, position]
        for position, dtype in enumerate(frame.dtypes)
    }
    first = sorted(values, key=lambda position: not is_pseudonym(values[position]))
    if not first:
        return np.arange(len(frame))
    ordered = pd.DataFrame(values).reset_index(drop=True).sort_values(first, kind="stable")
    return np.asarray(ordered.index, dtype=np.intp)


def is_pseudonym(values: pd.Series) -> bool:
    """Whether a column holds pseudonyms: text of their form, and at least one."""
    if not is_string_dtype(values.dtype):
        return False
    present = values.dropna()
    return bool(len(present)) and bool(present.str.fullmatch(PSEUDONYM).all())


def open_key(file: str | os.PathLike[str] | None = None) -> bytes:
    """Open the key for pseudonyms; create one if there is none yet.

    Parameters
    ----------
    file
        Where it is kept; by default ``HUBMIS_PSEUDONYM_KEY``, else a file in the user's configuration folder. Keep it
        apart from the exports. If you lose it, new exports have other pseudonyms.

    Raises
    ------
    CacheError
        The file cannot be read or created, it does not hold a whole key, or the user has no folder to keep it in.
    """
    path = _key_file(file)
    try:
        if not path.exists():
            private_folder(path.parent)
            with filelock.FileLock(path.with_name(f"{path.name}.lock"), mode=0o600):
                if not path.exists():  # or else another process was quicker
                    with whole_file(path) as part:
                        part.write_bytes(secrets.token_hex(32).encode())
        key = path.read_bytes().strip()
    except (OSError, ValueError) as error:  # a path with a NUL, too
        told = why(error) if isinstance(error, OSError) else "its name is no path"
        raise CacheError(
            f"Cannot read or create the key for pseudonyms at {path}: {told}. Make the folder writable, free some "
            "disk, or choose another file with HUBMIS_PSEUDONYM_KEY."
        ) from None
    if len(key) < _SHORTEST_KEY or len(set(key)) == 1:
        raise CacheError(
            f"{path} does not hold a whole key for pseudonyms. Restore it from a backup. If there is none, remove the "
            "file: a new key is created, and earlier exports no longer match new ones."
        )
    return key


def find_key() -> bytes | None:
    """The key for pseudonyms in its usual place, if it is there and whole; none is created."""
    try:
        return open_key() if _key_file(None).exists() else None
    except (CacheError, OSError, ValueError):
        return None


def _key_file(file: str | os.PathLike[str] | None) -> Path:
    """The file of the key. It has to outlive a restart, so that later exports get the same pseudonyms."""
    try:
        named = file or unquoted(os.environ.get("HUBMIS_PSEUDONYM_KEY", ""))
        return expanded(named) if named else user_folder("config", lasting=True) / "pseudonym.key"
    except OSError as error:
        raise CacheError(
            f"There is no place for the key for pseudonyms: {error.strerror}. Set HUBMIS_PSEUDONYM_KEY to a file that "
            "only you can read and that stays."
        ) from None


def _table(table: str, frame: pd.DataFrame, key: bytes, year_start: date, realm: str) -> pd.DataFrame:
    schools: str | pd.Series = frame["realm"].astype("str") if "realm" in frame else realm
    treatments = safe_columns(table)
    columns: dict[str, pd.Series] = {}
    for name in map(str, frame.columns):
        values = frame[name]
        if name == "realm":
            columns[name] = values
        if name not in treatments:
            continue
        treatment = treatments[name]
        if treatment.how == "pseudonym":
            columns[name] = pseudonyms_of(values, treatment.key, key, schools)
        elif treatment.how == "unchanged":
            columns[name] = values
        elif is_datetime64_any_dtype(values.dtype):  # dates that are still text were not read as dates
            if treatment.how == "age":
                columns["age_at_start_of_year"] = _ages(values, year_start)
            else:
                columns[name] = values.dt.normalize()
    result = pd.DataFrame(columns, index=frame.index)
    return result.iloc[sorted_positions(result)].reset_index(drop=True)


def _ages(births: pd.Series, on: date) -> pd.Series:
    """Whole years between a birth and a day; somebody born on 29 February is older on 1 March."""
    not_yet = (births.dt.month > on.month) | ((births.dt.month == on.month) & (births.dt.day > on.day))
    ages: pd.Series = (on.year - births.dt.year - not_yet.astype(int)).astype("Int64")
    return ages
