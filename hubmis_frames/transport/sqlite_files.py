"""What the errors of an SQLite file mean: it is damaged and can be rebuilt, or the machine prevents its use."""

import contextlib
import os
import sqlite3
import time
from pathlib import Path

_MACHINE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_AUTH,
}
_EITHER = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS}
"""A full or failing disk, or a header that says that a file is larger than any."""
SIDECARS = ("-journal", "-wal", "-shm")


def is_damaged(file: Path, error: Exception) -> bool:
    """Whether an error says that the file itself cannot be used, by any process, now or later."""
    if isinstance(error, UnicodeError | ValueError | OverflowError):  # values that we would never write
        return True
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _MACHINE:
        return False
    if code == sqlite3.SQLITE_READONLY:  # a damaged header can say so too
        return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)
    return code not in _EITHER or not _is_sound(file)


def _is_sound(file: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=5)) as db:
            return bool(db.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
    except sqlite3.Error as error:  # a file that another program holds, such as a virus scanner, is not damaged
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _MACHINE
    except UnicodeError:
        return False


def set_aside(file: Path) -> Path:
    """Rename a damaged file and what SQLite keeps beside it, so that a new one can take its place.

    No connection of this process may be open, as Windows renames no open file.
    """
    aside = file.with_suffix(f".damaged-{time.time():.0f}")
    for suffix in ("", *SIDECARS):
        with contextlib.suppress(FileNotFoundError):
            file.with_name(file.name + suffix).replace(aside.with_name(aside.name + suffix))
    return aside


def remove(file: Path) -> None:
    """Remove a database and what SQLite keeps beside it."""
    for suffix in ("", *SIDECARS):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
