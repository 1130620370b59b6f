"""Files and folders that hold a school's data: private to their owner, named safely, written whole or not at all."""

import contextlib
import errno
import filecmp
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from glob import escape as glob_escape
from pathlib import Path
from typing import Literal

import platformdirs

HELD = 10.0
"""For how many seconds a file that another program holds open is tried again."""
LONGEST_NAME = 200
_ABANDONED = 86400.0
_SCRATCH = re.compile(r"\..+\.[a-z0-9_]{8}\.part", re.DOTALL)
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")
_UNSUPPORTED = {errno.EINVAL, errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems answer, network homes among them, that have no permissions or cannot sync."""


def user_path(path: str | os.PathLike[str]) -> Path:
    """Return the path that a user names, with ``~`` expanded. Only places where a path enters call this.

    Raises
    ------
    OSError
        It begins with ``~``, and this user has no home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise OSError(
            errno.ENOENT, "this user has no home folder that ~ could stand for: give a whole path", path
        ) from None


def user_folder(kind: Literal["cache", "config", "state"]) -> Path:
    """Return this user's folder for files of ours; for a user without a home, a private one among temporary files.

    Raises
    ------
    OSError
        The user has no home folder, and another user's folder is in the way.
    """
    try:
        return Path(getattr(platformdirs, f"user_{kind}_dir")("hubmis_frames"))
    except RuntimeError:  # neither HOME nor an entry in passwd, as in a container
        number = getattr(os, "getuid", int)()
        folder = private_folder(Path(tempfile.gettempdir()) / f"hubmis_frames-{number}")
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != number or status.st_mode & 0o077:
            raise PermissionError(errno.EACCES, "it is not private to this user", str(folder)) from None
        return folder / kind


def private_folder(folder: Path) -> Path:
    """Make a folder, and those above it, that only their owner can enter; leave an existing one as it is."""
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
    """Make a private folder; git ignores everything in a new one."""
    if not folder.is_dir():
        private_file(folder / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder


def private_file(file: Path) -> Path:
    """Make an empty file that only its owner can read, unless it exists; then only its owner can read it."""
    private_folder(file.parent)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    with _if_supported():
        file.chmod(0o600)
    return file


def safe_name(text: str) -> str:
    """Name a file after any text: readable, never a path or a reserved name, different for different texts."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:40]
    return f"{readable}-{digest}" if readable else digest


def file_name(text: str) -> str:
    """Name a file or a folder after any text so that readers of partitions get the text back from the name.

    A plain text, such as the name of a table or the realm ``S999``, is its own name. Any other character is written as
    ``%`` and the two digits of each of its bytes, as in an address. The name is legal on every system and never a path.
    Names of different texts differ even where case does not count: of texts that differ in case alone only one
    is plain, the one in small letters, or in capitals if it has one or two letters and digits behind them.

    A name of more than 200 characters is cut, with a digest behind it; the text cannot be read back from that.
    """
    plain, other = str.lower, str.upper
    if re.fullmatch(r"[A-Za-z]{1,2}[0-9]*", text):
        plain, other = other, plain
    letters = re.sub(r"[^A-Za-z]", "", text)
    escaped = 0 if letters == plain(letters) else 1 if letters == other(letters) else len(letters)
    if _RESERVED.fullmatch(text):
        escaped = 1
    name = ""
    for character in text:
        is_letter = character.isascii() and character.isalpha()
        if (is_letter and not escaped) or character in "0123456789-" or (character == "_" and name):
            name += character
            continue
        escaped -= is_letter
        name += "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
    if len(name) > LONGEST_NAME:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
        return f"{name[: LONGEST_NAME - 22]}%-{digest}"  # no other name holds these two characters
    return name or "%"


def shared_by(folder: Path) -> str | None:
    """Name what copies a folder to other machines, if its path shows it."""
    path = str(Path(os.path.expanduser(folder)).absolute())  # noqa: PTH111  # it takes a user without a home folder
    if path.startswith(("\\\\", "//")):
        return "a network share"
    service = re.search(r"OneDrive|Dropbox|Google ?Drive|iCloud|Mobile Documents|Nextcloud|ownCloud|pCloud", path, re.I)
    return service[0] if service else None


@contextlib.contextmanager
def scratch_file(file: Path) -> Iterator[Path]:
    """Yield an empty temporary file beside ``file``, and remove it at the end.

    What a process that was killed left there of the same file goes too, a day later.
    """
    for part in file.parent.glob(f".{glob_escape(file.name)}.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > _ABANDONED:
                _remove_scratch(part)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".part")
    os.close(handle)  # mkstemp made it 0600
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def sweep_scratch_files(folder: Path) -> int:
    """Remove every scratch file in a folder and below it, which killed processes left; return how many.

    Only whoever holds the lock of the folder may call this: a scratch file in use looks the same.
    """
    count = 0
    for parent, folders, names in os.walk(folder):  # it follows no link
        folders[:] = [name for name in folders if not Path(parent, name).is_symlink()]
        count += sum(_remove_scratch(Path(parent, name)) for name in names)
    return count


def _remove_scratch(file: Path) -> bool:
    if not _SCRATCH.fullmatch(file.name) or file.is_symlink():
        return False
    with contextlib.suppress(OSError):  # another program may hold it: the next sweep takes it
        file.unlink()
        return True
    return False


def put(part: Path, file: Path) -> None:
    """Replace a file by a complete one, unless both are the same already.

    Windows replaces no file that a reader holds open, so that is tried again for ten seconds.

    Raises
    ------
    OSError
        The file cannot be replaced; it is as it was.
    """
    gives_up = time.monotonic() + HELD
    while True:
        try:
            if not (file.exists() and filecmp.cmp(part, file, shallow=False)):
                with part.open("rb+") as written, _if_supported():
                    os.fsync(written.fileno())
                part.replace(file)
                _sync_folder(file.parent)
            return
        except PermissionError:
            if time.monotonic() >= gives_up or not os.access(file.parent, os.W_OK):
                raise
            time.sleep(0.2)


@contextlib.contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Yield a temporary file beside ``file`` that replaces it once it is complete and on the disk."""
    with scratch_file(file) as part:
        yield part
        put(part, file)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and replaces durably without
        return
    # The file is whole and in its place; that its name survives a power cut is all that this adds.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _if_supported() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
