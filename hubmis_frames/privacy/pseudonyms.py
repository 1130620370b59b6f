"""Pseudonyms: ids of people replaced alike in every table, so that joins still work, and what names them removed."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from datetime import date

import filelock
import pandas as pd
import platformdirs
from pandas.api.types import is_string_dtype

from ..errors import BadArgumentError, CacheError
from ..files import expanded, private_folder, whole_file
from ..frames.keys import keys_of
from ..frames.partitions import refuse_dask
from ..operations.shapes import PEOPLE_KEYS
from .personal import personal_columns

_SHORTEST_KEY = 16

_LENGTH = 32
PSEUDONYM = f"[0-9a-f]{{{_LENGTH}}}"


def pseudonymise(
    tables: Mapping[str, pd.DataFrame], key: bytes, *, year_start: date, realm: str = ""
) -> dict[str, pd.DataFrame]:
    """Replace what says who somebody is, alike in every table.

    Ids of students, staff and contacts become keyed HMAC-SHA-256 pseudonyms (32 hexadecimal digits),
    the same in every table. Names, e-mail, logins, telephones, addresses, references of other systems, free
    text and pictures go, and so does a text of a person that nobody declared. A date of birth becomes
    the age in years at the start of the academic year. What remains (a rare nationality, a small form)
    can still point to a child: a pseudonym is no anonymity.

    Parameters
    ----------
    tables
        Tables by name, as a loader's ``.tables`` or an export gives them.
    key
        The secret key, at least 16 bytes; :func:`open_key` keeps one. Whoever holds it can find out who is who.
    year_start
        The first day of the academic year.
    realm
        The school, so that the same id at two schools gets two pseudonyms; a column ``realm`` goes before it.

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
        The file cannot be read or created, or it does not hold a whole key.
    """
    default = platformdirs.user_config_path("hubmis_frames") / "pseudonym.key"
    path = expanded(file or os.environ.get("HUBMIS_PSEUDONYM_KEY") or default)
    try:
        if not path.exists():
            private_folder(path.parent)
            with filelock.FileLock(path.with_name(f"{path.name}.lock"), mode=0o600):
                if not path.exists():  # or else another process was quicker
                    with whole_file(path) as part:
                        part.write_bytes(secrets.token_hex(32).encode())
        key = path.read_bytes().strip()
    except OSError as error:
        raise CacheError(
            f"Cannot read or create the key for pseudonyms at {path}: {error.strerror}. Make the folder writable, free "
            "some disk, or choose another file with HUBMIS_PSEUDONYM_KEY."
        ) from None
    if len(key) < _SHORTEST_KEY or len(set(key)) == 1:
        raise CacheError(
            f"{path} does not hold a whole key for pseudonyms. Restore it from a backup. If there is none, remove the "
            "file: a new key is created, and earlier exports no longer match new ones."
        )
    return key


def _table(table: str, frame: pd.DataFrame, key: bytes, year_start: date, realm: str) -> pd.DataFrame:
    result = frame.copy()
    people = {row.column: row.key for row in keys_of(table) if row.key in PEOPLE_KEYS and row.column in frame}
    people |= {column: column for column in PEOPLE_KEYS if column in frame}
    schools = frame["realm"].astype("str") if "realm" in frame else pd.Series(realm, index=frame.index, dtype="str")
    for column, kind in people.items():
        result[column] = _pseudonyms(frame[column], schools, kind, key)
    texts = [column for column in frame if is_string_dtype(frame[column].dtype) and column not in people]
    for column, personal in personal_columns(table, map(str, frame.columns), map(str, texts)).items():
        if personal == "birth" and not is_string_dtype(frame[column].dtype):
            place = result.columns.get_loc(column)
            result.insert(place, "age_at_start_of_year", _ages(frame[column], year_start))  # type: ignore[arg-type]
        if column not in people:
            result = result.drop(columns=column)
    return result


def _pseudonyms(ids: pd.Series, schools: pd.Series, kind: str, key: bytes) -> pd.Series:
    pairs = pd.DataFrame({"realm": schools, "id": ids})
    known = pairs.dropna().drop_duplicates()
    digests = [
        hmac.new(key, f"{realm}\x1f{kind}\x1f{int(number)}".encode(), hashlib.sha256).hexdigest()[:_LENGTH]
        for realm, number in known.itertuples(index=False)
    ]
    found = pairs.merge(known.assign(pseudonym=pd.Series(digests, index=known.index, dtype="str")), how="left")
    return pd.Series(found["pseudonym"].to_numpy(), index=ids.index, dtype="str")


def _ages(births: pd.Series, on: date) -> pd.Series:
    """Whole years between a birth and a day; somebody born on 29 February is older on 1 March."""
    not_yet = (births.dt.month > on.month) | ((births.dt.month == on.month) & (births.dt.day > on.day))
    ages: pd.Series = (on.year - births.dt.year - not_yet.astype(int)).astype("Int64")
    return ages
