"""Files and folders that hold a school's data: private to their owner, named safely, written whole or not at all."""

import contextlib
import filecmp
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path


def private_folder(folder: Path) -> Path:
    """Make a folder, and those above it, that only their owner can enter; one that is there is left as it is."""
    if not folder.is_dir():
        private_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)  # a umask can only take away from this
    return folder


def expanded(path: str | os.PathLike[str]) -> Path:
    """A path in which a leading ``~`` is the user's home folder; a shell leaves it as it is inside quotes."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # this user has no home folder
        return Path(path)


def own_folder(folder: Path) -> Path:
    """Make a private folder; in a new one, git passes over whatever comes to lie there."""
    if not folder.is_dir():
        private_file(folder / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder


def private_file(file: Path) -> Path:
    """Make an empty file that only its owner can read, where there is none yet."""
    private_folder(file.parent)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    file.chmod(0o600)
    return file


def safe_name(text: str) -> str:
    """Name a folder after any text: readable, never a path or a reserved name, different for different texts."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:40]
    return f"{readable}-{digest}" if readable else digest


def shared_by(folder: Path) -> str | None:
    """Say by what the contents of a folder leave this machine, as far as its path shows it."""
    path = str(folder.expanduser().absolute())
    if path.startswith(("\\\\", "//")):
        return "a network share"
    found = re.search(r"OneDrive|Dropbox|Google ?Drive|iCloud|Mobile Documents|Nextcloud|ownCloud|pCloud", path, re.I)
    return found[0] if found else None


@contextlib.contextmanager
def scratch_file(file: Path) -> Iterator[Path]:
    """Yield an empty temporary file beside ``file``, which goes in the end."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".part")
    os.close(handle)  # mkstemp made it 0600
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def put(part: Path, file: Path) -> None:
    """Let a file that is complete take the place of another, unless that is the same already."""
    if file.exists() and filecmp.cmp(part, file, shallow=False):
        return
    with part.open("rb+") as written:
        os.fsync(written.fileno())
    part.replace(file)
    _sync_folder(file.parent)


@contextlib.contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Yield a temporary file beside ``file`` that takes its place once it is complete and on the disk."""
    with scratch_file(file) as part:
        yield part
        put(part, file)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and replaces durably without
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
