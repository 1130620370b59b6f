"""Where the files of an export are: the only place that turns a table's or a realm's name into a path.

Names of tables can come from JSON keys or from a manifest, so they are never used as paths as they are.
"""

import contextlib
import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from ..errors import ExportError
from ..files import fits_every_system, private_folder, put, put_all, remove, safe_name, scratch_file, while_held
from ..frames import empty
from ..operations import CATALOGUE, FURTHER

T = TypeVar("T")

FILE = "part-0.parquet"
INCOMPLETE = "_INCOMPLETE.txt"  # readers of Parquet skip names that begin with an underscore
LOCK = ".export.lock"
DELETED = "_deleted"  # student_attendance_deleted: rows that the server no longer sends
_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,99}")
_MANIFEST = re.compile(r"manifest-(.+-)?[0-9a-f]{10}\.json")  # as safe_name ends them
_SCRATCH = re.compile(r"\..+\.[a-z0-9_]{8}\.part")  # as scratch_file names them
_JUNCTION = 0xA0000003  # the reparse tag of a Windows junction, a link between folders


@dataclass(frozen=True)
class ExportFolder:
    """The folder of an export, and where one realm's files lie in it."""

    directory: Path
    realm: str

    @property
    def manifest(self) -> Path:
        """The file of the realm's manifest."""
        return self.directory / f"manifest-{safe_name(self.realm)}.json"

    def of_table(self, table: str) -> Path:
        """The folder that holds the realm's rows of a table."""
        return self.directory / table_folder(table) / f"realm={partition(self.realm)}"

    def file(self, table: str) -> Path:
        """The Parquet file of a table."""
        return self.of_table(table) / FILE

    def make(self, table: str) -> Path:
        """Make the folder of a table.

        Raises
        ------
        ExportError
            It is a link, so the rows would be written elsewhere.
        """
        self.refuse_links(table)
        return private_folder(self.of_table(table))

    def refuse_links(self, table: str) -> None:
        """Raise if the folder of a table is a link to elsewhere."""
        folder = self.of_table(table)
        for path in (folder.parent, folder):
            if is_link(path):
                raise ExportError(
                    f"{path} is a link, and nothing is written through links in an export. Remove the link, then "
                    "export again."
                )

    def mark_incomplete(self, table: str, reason: str) -> None:
        """Mark a table whose file lacks rows, with the reason."""
        with scratch_file(self.directory / table_folder(table)) as part:
            part.write_text(reason, encoding="utf-8")
            replace_file(part, self.make(table) / INCOMPLETE)

    def remove(self, table: str) -> None:
        """Remove the files of a table, and its folders once they are empty."""
        self.refuse_links(table)
        folder = self.of_table(table)
        for file in (folder / FILE, folder / INCOMPLETE):
            remove_file(file)
        for empty_folder in (folder, folder.parent):
            with contextlib.suppress(OSError):
                empty_folder.rmdir()

    def sweep(self) -> None:
        """Remove scratch files that a killed export left: they hold children's rows. Call this only under the lock."""
        for file in self.directory.iterdir():
            if _SCRATCH.fullmatch(file.name):
                with contextlib.suppress(OSError):
                    file.unlink()


def table_folder(table: str) -> str:
    """Name the folder of a table: as the table if that is a plain name, else readable text and a digest.

    The name is legal on Windows too, short, and different for tables whose names differ only in case.
    """
    if _PLAIN.fullmatch(table) and fits_every_system(table):
        return table
    return safe_name(table).lower()


def partition(realm: str) -> str:
    """Write a realm as readers of partitions decode it.

    Where the case of a letter is not that of the letter before (the first: not a capital), it is written as ``%XX``:
    on Windows and macOS, folders whose names differ only in case are the same. A realm too long for the name of a
    folder is cut, with a digest behind it.
    """
    text = ""
    capital = True
    for character in realm:
        if character.isascii() and character.isalpha() and character.isupper() != capital:
            text += f"%{ord(character):02X}"
            capital = not capital
        else:
            text += quote(character, safe="", errors="surrogatepass").replace(".", "%2E")
    return text if len(text) <= 200 else safe_name(realm)


def owned_name(operation: str, table: str, others: Iterable[str] = ()) -> str:
    """The name under which to store an operation's child table: its own, unless that belongs to another operation.

    ``others`` are the operations that only the vendor's file knows.
    """
    if owns(operation, table, others):
        return table
    return f"{operation}__{table.removeprefix(operation).lstrip('_')}"


def owns(operation: str, table: str, others: Iterable[str] = ()) -> bool:
    """Whether a table is an operation's own: a JSON key must not replace the table of another operation."""
    declared = _declared_tables().get(table)
    if declared is not None:
        return declared == operation
    names = (name for name in (*CATALOGUE, *others) if table == name or table.startswith(f"{name}_"))
    return max(names, key=len, default=None) == operation and table != f"{operation}{DELETED}"


@functools.cache
def _declared_tables() -> Mapping[str, str]:
    operations = {**CATALOGUE, **FURTHER}
    return {table: name for name, endpoint in operations.items() for table in empty(endpoint)}


def is_link(path: Path) -> bool:
    """Whether a path is a symbolic link, or a junction of Windows."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return path.is_symlink() or getattr(status, "st_reparse_tag", 0) == _JUNCTION


def replace_file(part: Path, file: Path) -> None:
    """Put a complete file in place, waiting for a program that holds the old one open.

    Raises
    ------
    ExportError
        The program still held it after ten seconds.
    """
    with _held_by_nobody("replaced or removed"):
        put(part, file)


def replace_files(files: Mapping[Path, Path], removed: Iterable[Path]) -> None:
    """Put complete files in place, each given with what replaces it, and remove others: all of them or none.

    Waits and raises like :func:`replace_file`.
    """
    with _held_by_nobody("replaced or removed"):
        put_all(files, removed)


def remove_file(file: Path) -> None:
    """Remove a file if it exists, waiting for a program that holds it open. Raises like :func:`replace_file`."""
    with _held_by_nobody("replaced or removed"):
        remove(file)


def read_file(file: Path, read: Callable[[], T]) -> T:
    """Read a file, waiting for a program that lets nobody else open it. Raises like :func:`replace_file`."""
    with _held_by_nobody("read"):
        return while_held(read, file)


@contextlib.contextmanager
def _held_by_nobody(what: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise ExportError(
            f"{error.filename} cannot be {what}: {error.strerror}. Close the program that has it open, such as a "
            "notebook, a database or a program that copies files, then do it again."
        ) from error


def refuse_nested(directory: Path) -> None:
    """Raise if a folder lies inside an export, whose readers would take its files for those of a table."""
    for parent in directory.resolve().parents:
        with contextlib.suppress(OSError):  # a folder above that we may not list
            if any(_MANIFEST.fullmatch(file.name) for file in manifest_files(parent)):
                raise ExportError(
                    f"{directory} lies inside the export {parent}, whose tables could no longer be read. Choose a "
                    "folder outside it."
                )


def manifest_files(directory: Path) -> list[Path]:
    """The manifests of a folder, one per realm."""
    return sorted(directory.glob("manifest-*.json"))
