"""Files and folders that hold a school's data: private to their owner, named safely, written whole or not at all."""

import contextlib
import errno
import filecmp
import functools
import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from glob import escape as glob_escape
from pathlib import Path
from typing import Literal, TypeVar

import platformdirs

T = TypeVar("T")

HELD = 10.0
"""For how many seconds a file that another program holds open is tried again."""
_ABANDONED = 86400.0
_UNSUPPORTED = {errno.EINVAL, errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""The errors of file systems, such as network homes, that have no permissions or cannot sync."""


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path that a user names, with a leading ``~`` replaced by the home folder; a shell leaves it in quotes.

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


def unquoted(text: str) -> str:
    """The value of a variable of the environment, which has quotes around it if cmd was told ``set NAME="value"``."""
    return text.strip().removeprefix('"').removesuffix('"') if re.fullmatch(r'\s*".*"\s*', text, re.S) else text


def user_folder(kind: Literal["cache", "config", "state"], *, lasting: bool = False) -> Path:
    """Return this user's folder for files of ours; for a user without a home, a private one among temporary files.

    Raises
    ------
    OSError
        The user has no home folder, and another user's folder is in the way, or the files have to be ``lasting``.
    """
    try:
        # Roaming, where Windows keeps settings: else the key for pseudonyms would lie in the folder of the cache there.
        options = {"roaming": True} if kind == "config" else {}
        # An older platformdirs answers with ~ where there is no home.
        return Path(getattr(platformdirs, f"user_{kind}_dir")("hubmis_frames", **options)).expanduser()
    except RuntimeError:  # neither HOME nor an entry in passwd, as in a container
        if lasting:
            raise OSError(errno.ENOENT, "this user has no home folder to keep it in") from None
        number = getattr(os, "getuid", int)()
        folder = private_folder(Path(tempfile.gettempdir()) / f"hubmis_frames-{number}")
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != number or status.st_mode & 0o077:
            raise PermissionError(errno.EACCES, "it is not private to this user", str(folder)) from None
        return folder / kind


def keeps_others_out(windows: bool = os.name == "nt", python: tuple[int, ...] = sys.version_info[:3]) -> bool:
    """Whether a new folder of ours is private. On Windows, only newer Pythons make it so.

    https://docs.python.org/3/library/os.html#os.mkdir
    """
    first = {(3, 11): (3, 11, 10), (3, 12): (3, 12, 4)}.get((python[0], python[1]), (3, 13))
    return not windows or python >= first


def private_folder(folder: Path) -> Path:
    """Make a folder, and those above it, that only their owner can enter; leave an existing one as it is.

    On Windows administrators can enter it too, and what is made inside has its permissions: bits of files say nothing
    there. See :func:`keeps_others_out`.
    """
    if not folder.is_dir():
        if folder.parent != folder:  # on Windows even the first can be missing: a drive, a share
            private_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)  # a umask can only take away from this
    return folder


def own_folder(folder: Path) -> Path:
    """Make a private folder; git ignores everything in a new one."""
    if not folder.is_dir():
        private_file(folder / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder


def private_file(file: Path) -> Path:
    """Make an empty file that only its owner can read, unless it exists; then only its owner can read it.

    An existing one is not opened: on POSIX, closing it would give up all locks that this process has on it, those of
    SQLite too, and two programs would write at once (https://sqlite.org/howtocorrupt.html).
    """
    private_folder(file.parent)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with _if_supported():
        file.chmod(0o600)
    return file


def safe_name(text: str) -> str:
    """Name a file after any text: readable, short, legal on every system, never a path.

    Names of different texts differ, even where case does not count: the digest is that of the exact text.
    """
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:40]
    return f"{readable}-{digest}" if readable else digest


def fits_every_system(name: str) -> bool:
    """Whether a text can be the name of a file, and of the file that is meant, on every system.

    https://learn.microsoft.com/windows/win32/fileio/naming-a-file
    """
    return bool(_FITTING.fullmatch(name)) and not _DEVICE.fullmatch(name)


_FITTING = re.compile(r"[^<>:\"/\\|?*\x00-\x1f\ud800-\udfff]+(?<![. ])")
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\..*)?", re.I)


def why(error: Exception, *, windows: bool = os.name == "nt") -> str:
    """Why a file cannot be used: what the system says, and the limit of Windows if the path is beyond it.

    https://learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation
    """
    if not isinstance(error, OSError):
        return str(error)
    said = (error.strerror or str(error)).strip()  # Arrow ends what Windows says with a line end
    longest = max((len(str(name)) for name in (error.filename, error.filename2) if name is not None), default=0)
    if not windows or longest < _LONGEST_FOLDER or error.errno not in (errno.ENOENT, errno.EINVAL, errno.ENAMETOOLONG):
        return said
    return (
        f"{said}. The path has {longest} characters, and Windows takes {_LONGEST_PATH}, for a folder "
        f"{_LONGEST_FOLDER - 1}, unless long paths are switched on. Choose a folder with a shorter path, such as "
        "C:\\hubmis"
    )


_LONGEST_PATH = 259
_LONGEST_FOLDER = 248  # a name of 8.3 characters has to fit into it


def shared_by(folder: Path) -> str | None:
    """The service that copies the contents of a folder off this machine; ``None`` if its place shows none."""
    whole = Path(os.path.expanduser(folder)).absolute()  # noqa: PTH111  # it takes a user without a home folder
    places = [str(folder), str(whole)]
    with contextlib.suppress(OSError, RuntimeError):  # a link can lead into a shared folder
        places.append(str(whole.resolve()))
    for place in places:
        if service := _service(place) or _network_drive(place):
            return service
    return None


def _service(path: str) -> str | None:
    """The service that a path names. The rules of Windows hold everywhere."""
    if re.match(r"(\\\\|//)(?![?.][\\/](?!UNC))", path):
        return "a network share"
    for part in re.split(r"[\\/]+", path):
        if named := re.search(r"OneDrive|SharePoint|Dropbox|iCloud|Nextcloud|ownCloud|pCloud", part, re.I):
            return named[0]
        for service, pattern in _SERVICES:
            if re.fullmatch(pattern, part, re.I):
                return service
    return None


_SERVICES = (
    ("Google Drive", r"Google ?Drive.*|My Drive|Shared drives|DriveFS|GDrive"),
    ("Box", r"Box|Box Sync|Box-.*"),
    ("iCloud", r"Mobile Documents"),
    ("SharePoint", r".+ - (Documents|Shared Documents)"),  # as its library is called on a disk
    ("cloud storage", r"CloudStorage"),
)


def _network_drive(path: str) -> str | None:
    """Whether a path lies on a drive letter or a mount that stands for a server; in words."""
    if drive := re.match("[A-Za-z]:", path):
        return "a network drive" if _drive_type(f"{drive[0]}\\") == _REMOTE else None
    above = {str(parent) for parent in (Path(path), *Path(path).parents)}
    kinds = {mount[1].replace(r"\040", " "): mount[2] for mount in map(str.split, _mounts()) if len(mount) > 2}
    nearest = max((place for place in kinds if place in above), key=len, default="")
    return "a network drive" if kinds.get(nearest, "").rpartition(".")[2] in _REMOTE_KINDS else None


_REMOTE = 4  # what Windows returns for a drive letter that stands for a share
_REMOTE_KINDS = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "sshfs", "davfs", "rclone", "gvfsd-fuse")


def _drive_type(root: str) -> int:
    """What Windows says of a drive letter; elsewhere there are none."""
    if sys.platform == "win32":
        import ctypes

        return int(ctypes.windll.kernel32.GetDriveTypeW(root))
    return 0


def _mounts() -> list[str]:
    """What is mounted where, as Linux says it: one line each."""
    try:
        return Path("/proc/mounts").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []


@contextlib.contextmanager
def scratch_file(file: Path) -> Iterator[Path]:
    """Yield an empty temporary file beside ``file``, and remove it at the end.

    Temporary files that a killed process left of the same file are removed too, a day later.

    Raises
    ------
    OSError
        It cannot be made; on Windows also if it is beside a file whose name would be that of something else there.
    """
    _refuse_name(file)
    for part in file.parent.glob(f".{glob_escape(file.name)}.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.lstat().st_mtime > _ABANDONED:
                part.unlink()
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".part")
    os.close(handle)  # mkstemp made it 0600
    try:
        yield Path(name)
    finally:
        remove(Path(name))


def _refuse_name(file: Path, *, windows: bool = os.name == "nt") -> None:
    """Raise if Windows would write something else: to a device, to a hidden stream of a file, to another name."""
    if windows and not fits_every_system(file.name):
        raise OSError(
            errno.EINVAL,
            'on Windows the name of a file has none of < > : " / \\ | ? * in it, no dot or space at its end, and is '
            "no device such as NUL or COM1",
            str(file),
        )


def put(part: Path, file: Path) -> None:
    """Replace a file by a complete one, unless both are the same already.

    Raises
    ------
    OSError
        The file cannot be replaced; it is as it was.
    """
    while_held(lambda: _replace(part, file), file)


def put_all(files: Mapping[Path, Path], removed: Iterable[Path] = ()) -> None:
    """Replace files by complete ones, each given with what replaces it, and remove others: all of them or none.

    Raises
    ------
    OSError
        One of them is held or cannot be written; the files are as they were.
    """
    changed = {file: part for file, part in files.items() if not _is_same(part, file)}
    for file in (*changed, *removed):
        if file.exists():
            while_held(functools.partial(file.replace, file), file)  # Windows refuses if it is held
    with contextlib.ExitStack() as undo:
        for file, part in changed.items():
            if len(changed) > 1:
                undo.enter_context(_kept(file, part))
            put(part, file)
        for file in removed:
            remove(file)


@contextlib.contextmanager
def _kept(file: Path, beside: Path) -> Iterator[None]:
    """Bring back a file as it is now, or its absence, if what follows fails."""
    with scratch_file(beside) as copy:
        there = file.exists()
        if there:
            shutil.copyfile(file, copy)
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                if there:
                    put(copy, file)
                else:
                    remove(file)
            raise


def remove(file: Path) -> None:
    """Remove a file if it exists. Raises like :func:`put`."""
    while_held(lambda: file.unlink(missing_ok=True), file)


def while_held(action: Callable[[], T], file: Path) -> T:
    """Try an action again for ten seconds: Windows neither replaces nor removes a file that a reader holds open.

    Raises
    ------
    PermissionError
        It is still held. The error names the file.
    """
    gives_up = time.monotonic() + HELD
    while True:
        try:
            return action()
        except PermissionError as error:
            if time.monotonic() >= gives_up or not os.access(file.parent, os.W_OK):
                raise PermissionError(error.errno, (error.strerror or str(error)).strip(), str(file)) from error
            time.sleep(0.2)


def _is_same(part: Path, file: Path) -> bool:
    return file.exists() and while_held(lambda: filecmp.cmp(part, file, shallow=False), file)


def _replace(part: Path, file: Path) -> None:
    if file.exists() and filecmp.cmp(part, file, shallow=False):
        return
    with part.open("rb+") as written, _if_supported():
        os.fsync(written.fileno())
    part.replace(file)
    _sync_folder(file.parent)


@contextlib.contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Yield a temporary file beside ``file`` that replaces it once it is complete and on the disk."""
    with scratch_file(file) as part:
        yield part
        put(part, file)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and replaces durably without
        return
    # The file is already whole and in place. This only makes its name survive a power cut.
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
