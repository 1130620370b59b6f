"""Answers on disk: one SQLite file per address, realm and client, private to its owner.

requests-cache keeps it. Ours are the content of a row (a line of JSON and the body, compressed; nothing that could
run), the key of a row, a deadline for each write, and what becomes of a file that is damaged.
"""

import contextlib
import hashlib
import re
import sqlite3
import time
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
import requests
from requests.structures import CaseInsensitiveDict
from requests_cache.backends.base import BaseCache
from requests_cache.backends.sqlite import SQLiteDict
from requests_cache.models.response import CachedResponse
from requests_cache.serializers import SerializerPipeline, Stage

from ..errors import CacheError, warn
from ..files import private_file, private_folder, safe_name, why
from .sqlite_files import is_damaged, set_aside

FORMAT = 2
KEPT_AFTER_EXPIRY = 30 * 86400  # for offline work; children's data should not stay for longer
_WRITE_DEADLINE = 15.0
_COLUMNS = {("key", True), ("value", False), ("expires", False)}  # and whether it is the primary key
_KEYED_HEADERS = ("Realm", "academic-year-id")
_OTHER_HEADERS = frozenset(name.casefold() for name in _KEYED_HEADERS) | {
    "accept", "accept-encoding", "authorization", "cache-control", "connection", "user-agent", "if-none-match",
    "if-modified-since",
}  # fmt: skip


def open_store(
    cache_dir: Path | None, base_url: str, realm: str, client_id: str, cipher: "Cipher | None" = None
) -> BaseCache:
    """Open the cache of one school as one client sees it; rename a damaged file, and remove an older version's.

    Without a folder, answers are kept in memory, for as long as this cache is open.

    Raises
    ------
    CacheError
        The folder or the file cannot be written.
    """
    if cache_dir is None:
        return BaseCache(cache_name="")
    kind = "answers-encrypted" if cipher else "answers"
    file = cache_dir / safe_name(f"{realm} {base_url} {client_id}") / f"{kind}-{FORMAT}.sqlite"
    try:
        private_folder(file.parent)
        _remove_older(file.parent)
        private_file(file)
        try:
            rows = _open_rows(file, cipher)
        except (CacheError, sqlite3.Error, UnicodeError) as error:
            cause = error.__cause__ if isinstance(error, CacheError) else error
            if not isinstance(cause, Exception) or not is_damaged(file, cause):
                raise
            aside = set_aside(file)
            warn(f"The cache could not be read: it was renamed to {aside}, and answers will be fetched again.")
            rows = _open_rows(private_file(file), cipher)
    except (OSError, sqlite3.Error) as error:
        raise CacheError(
            f"Cannot use the cache at {file}: {why(error)}. Make the folder writable, free some disk, or choose "
            "another one with HUBMIS_CACHE_DIR (or cache_dir=)."
        ) from error
    store = BaseCache(cache_name=str(file))
    store.responses = rows
    return store


def _remove_older(folder: Path) -> None:
    """Remove the cache of an older version: it is not read any more, and it holds children's data."""
    older = [file for file in folder.glob("answers*.sqlite*") if _format_of(file) < FORMAT]
    if not older:
        return
    try:
        for file in older:
            file.unlink()
    except OSError as error:
        warn(f"{folder} holds a cache of an older version that cannot be removed ({error.strerror}). Remove it.")
    else:
        warn(
            f"The cache in {folder} was an older version's and was removed. Answers will be fetched again. Your "
            "exports stay as they are."
        )


def _format_of(file: Path) -> int:
    """The format in a file's name; for any other file, the present one."""
    named = re.match(r"answers(?:-encrypted)?-(\d+)\.sqlite", file.name)
    return int(named[1]) if named else FORMAT


def is_further(name: str) -> bool:
    """Whether a header is one that the vendor's file adds to those of every request."""
    return name.casefold() not in _OTHER_HEADERS


def cache_key(request: requests.PreparedRequest, **_: Any) -> str:
    """The key of an answer, made of all that selects it: the whole URL, and the headers that say what is asked."""
    parts = [request.url or "", *(str(request.headers.get(name, "")) for name in _KEYED_HEADERS)]
    others = {name.casefold(): str(value) for name, value in request.headers.items()}
    parts += [f"{name}: {others[name]}" for name in sorted(others) if is_further(name)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _open_rows(file: Path, cipher: "Cipher | None") -> "Rows":
    rows = Rows(
        file,
        table_name="responses",
        serializer=SerializerPipeline([Stage(_Row(cipher))], is_binary=True),
        wal=True,
        busy_timeout=5000,
    )
    try:
        with rows.connection() as db:
            columns = {(name, bool(key)) for _, name, _, _, _, key in db.execute("PRAGMA table_info(responses)")}
            (encoding,) = db.execute("PRAGMA encoding").fetchone()
            # The whole check: the quick one does not see that the index and the rows differ.
            sound = db.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
            if not sound or encoding != "UTF-8" or columns != _COLUMNS:
                raise sqlite3.DatabaseError("it is damaged, or another library's")
        with rows.connection(commit=True) as db:
            db.execute("DELETE FROM responses WHERE expires < ?", (time.time() - KEPT_AFTER_EXPIRY,))
    except BaseException:
        rows.close()  # type: ignore[no-untyped-call]  # an open file cannot be renamed on Windows
        raise
    return rows


class Rows(SQLiteDict):
    """The rows of the cache. A write succeeds or fails within a deadline: requests-cache would retry it without end."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        try:
            super().__init__(*arguments, **options)
        except BaseException:
            self.close()  # type: ignore[no-untyped-call]  # as above
            raise

    def keys_by_age(self) -> list[str]:
        """The keys of all rows, the one written longest ago first. No answer is read."""
        with self.connection() as db:
            return [key for (key,) in db.execute("SELECT key FROM responses ORDER BY rowid")]

    def wipe(self) -> None:
        """Overwrite what was deleted, which SQLite would leave in the file."""
        with self.connection() as db:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextlib.contextmanager
    def _acquire_sqlite_lock(self) -> Iterator[None]:
        deadline = time.monotonic() + _WRITE_DEADLINE
        with self._lock:
            db = self._connection
            assert db is not None
            while True:
                try:
                    db.execute("BEGIN IMMEDIATE")
                    break
                except sqlite3.OperationalError as error:
                    locked = "locked" in str(error) or "busy" in str(error)
                    if not locked or time.monotonic() > deadline:
                        raise self._failure(error) from error
                    time.sleep(0.01)
            self._active_transaction = True
            try:
                yield
                db.commit()
            except BaseException as error:  # Ctrl-C too: an open transaction would block the next write
                db.rollback()
                if isinstance(error, sqlite3.Error | SystemError):  # which Python 3.11 raises of some full disks
                    raise self._failure(error) from error
                raise
            finally:
                self._active_transaction = False

    def _failure(self, error: Exception) -> CacheError:
        return CacheError(
            f"Cannot write the cache at {self.db_path}: {error}. Free some disk, close what holds the file, or choose "
            "another folder with HUBMIS_CACHE_DIR (or cache_dir=)."
        )


class Cipher(Protocol):
    """Encrypts and decrypts the rows of a cache."""

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt bytes."""

    def decrypt(self, token: bytes) -> bytes:
        """Decrypt bytes; raise any error if they were changed."""


class _Row:
    """Serializes a row: one line of JSON and the body as it came, compressed. It holds no request and no header.

    A damaged row is noticed by the checksum of the compression.
    """

    def __init__(self, cipher: Cipher | None) -> None:
        self._cipher = cipher

    def dumps(self, response: CachedResponse) -> bytes:
        expires = response.expires and response.expires.isoformat()
        path = urlsplit(response.url or "").path
        head = {
            "path": path,
            "status": response.status_code,
            "created_at": response.created_at.isoformat(),
            "expires": expires,
            **({"link": link} if (link := response.headers.get("Link")) else {}),
        }
        row = zlib.compress(orjson.dumps(head) + b"\n" + response.content, 1)
        return self._cipher.encrypt(row) if self._cipher else row

    def loads(self, row: bytes) -> CachedResponse:
        try:
            row = self._cipher.decrypt(row) if self._cipher else row
            line, _, body = zlib.decompress(row).partition(b"\n")
            head = orjson.loads(line)
            return CachedResponse(
                content=body,
                url=str(head["path"]),
                status_code=int(head["status"]),
                headers=CaseInsensitiveDict({"Link": str(head["link"])} if "link" in head else {}),
                created_at=datetime.fromisoformat(head["created_at"]),
                expires=head["expires"] and datetime.fromisoformat(head["expires"]),
            )
        except Exception:  # a damaged row can lead to any error
            raise ValueError("a row of the cache is damaged; it will be fetched again") from None
