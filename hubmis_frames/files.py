"""Files and folders that hold a school's data: private to their owner, named safely, written whole or not at all."""

import contextlib
import filecmp
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


def private_folder(folder: Path) -> Path:
    """Make a folder, and those above it, that only their owner can enter; one that is there is left as it is."""
    if not folder.is_dir():
        private_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)  # a umask can only take away from this
    return folder


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
    """The service that copies the contents of a folder off this machine; ``None`` if its place shows none."""
    whole = folder.expanduser().absolute()
    places = [str(folder), str(whole)]
    with contextlib.suppress(OSError, RuntimeError):  # a link can lead into a shared folder
        places.append(str(whole.resolve()))
    for place in places:
        if service := _service(place):
            return service
    return "a network drive" if _on_network_drive(whole) else None


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


def _on_network_drive(path: Path) -> bool:
    """Whether a path lies on a drive letter or a mount that stands for a server."""
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.kernel32.GetDriveTypeW(path.anchor) == _REMOTE)
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(errors="replace").splitlines()]
    except OSError:
        return False
    above = {str(parent) for parent in (path, *path.parents)}
    kinds = {mount[1].replace(r"\040", " "): mount[2] for mount in mounts if len(mount) > 2}
    nearest = max((place for place in kinds if place in above), key=len, default="")
    return kinds.get(nearest, "").partition(".")[0] in ("nfs", "nfs4", "cifs", "smb3", "smbfs", "sshfs")


_REMOTE = 4  # what Windows answers for a drive letter that stands for a share


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
