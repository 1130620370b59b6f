"""The manifest beside an export: what was fetched, when, how many rows, and what was not permitted or failed.

A manifest that is read back is a file like any other and may have been changed: it is checked once, here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from .. import __about__
from ..errors import ExportError, warn
from ..files import expanded, scratch_file
from ..operations import CATALOGUE
from ..transport import is_loopback
from .folder import ExportFolder, manifest_files, owns, read_file, replace_file

FORMAT = 1
_GOES_ON_FOR = timedelta(hours=12)  # a refresh of last night begins anew, or its rows would be a day old

Status = Literal["complete", "incomplete", "not permitted", "failed"]


@dataclass
class Entry:
    """The outcome of one operation."""

    operation: str
    path: str
    path_source: str
    status: Status
    tables: dict[str, int] = field(default_factory=dict)
    """Each table written, with its rows."""
    requests: int = 0
    cached: int = 0
    fetched_from: str | None = None
    fetched_to: str | None = None
    whole_from: str | None = None
    """When all of it was last requested, if only its last days have been requested since."""
    failed: dict[str, str] = field(default_factory=dict)
    """The ids that failed, each with the reason."""
    remarks: list[str] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """With pseudonyms: the declared columns of each table that are left out."""


class Manifest:
    """One realm's manifest, rewritten whole after each table.

    Raises
    ------
    ExportError
        The folder holds an export that this one must not be mixed with, or its manifest cannot be used.
    """

    def __init__(self, folder: ExportFolder, base_url: str, *, free_text: bool, pseudonymised: bool) -> None:
        self._file = folder.manifest
        self._head: dict[str, Any] = {
            "format": FORMAT,
            "hubmis_frames": __about__.__version__,
            "realm": folder.realm,
            "address": base_url,
            "free_text": free_text,
            "pseudonymised": pseudonymised,
        }
        self.started_at = datetime.now(UTC)
        self.academic_year_id: int | str | None = None
        self.refresh_began: datetime | None = None
        """When a refresh began that has not ended."""
        self.unfinished_year: int | str | None = None
        """The academic year of an export that did not end: the next run continues with it, whichever is active now."""
        self.entries: dict[str, Entry] = {}
        _refuse_other_address(folder.directory, base_url)
        if self._file.exists():
            self._take_over(self._read())

    def begin_refresh(self) -> datetime:
        """The instant since which responses count as new: now, or the start of a refresh that was interrupted."""
        now = datetime.now(UTC)
        if self.refresh_began is None or not timedelta() <= now - self.refresh_began < _GOES_ON_FOR:
            self.refresh_began = now
        return self.refresh_began

    def write(self, entries: Mapping[str, Entry], complete: bool) -> None:
        """Record the outcome of operations, and whether the whole export has ended.

        Raises
        ------
        ExportError
            Another program holds the manifest open. The next one that is written records these operations too.
        """
        self.entries |= entries
        if complete:
            self.refresh_began = None
        content = {
            **self._head,
            "academic_year_id": self.academic_year_id,
            "started_at": self.started_at.isoformat(timespec="seconds"),
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds") if complete else None,
            "refresh_began": self.refresh_began.isoformat() if self.refresh_began else None,
            "operations": {name: asdict(entry) for name, entry in self.entries.items()},
        }
        with scratch_file(self._file) as part:
            part.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
            replace_file(part, self._file)

    def _read(self) -> dict[str, Any]:
        try:
            return read_file(self._file, lambda: read_manifest(self._file))
        except ValueError as error:
            raise ExportError(
                f"{self._file} cannot be read: {error}. Remove it, or export into another directory."
            ) from error

    def _take_over(self, known: Mapping[str, Any]) -> None:
        """Continue from an earlier export into the same folder; its other tables stay."""
        if known["format"] > FORMAT:
            raise ExportError(
                f"{self._file} was written by a later version of hubmis_frames ({known.get('hubmis_frames')}). Install "
                "that one, or export into another folder."
            )
        if known["format"] < FORMAT:
            warn(
                f"{self._file} is from an older version and is written anew. It no longer names the tables of earlier "
                "exports, whose files stay: export them again, or remove them."
            )
            return
        if known["pseudonymised"] != self._head["pseudonymised"]:
            raise ExportError(
                f"{self._file.parent} holds an export {'with' if known['pseudonymised'] else 'without'} pseudonyms. "
                "Mixed, they would show who is who: export into another folder."
            )
        self.entries = {name: Entry(**entry) for name, entry in known["operations"].items()}
        self.unfinished_year = None if known["finished_at"] else known["academic_year_id"]
        self.refresh_began = datetime.fromisoformat(known["refresh_began"]) if known["refresh_began"] else None


def manifests(directory: Path) -> list[dict[str, Any]]:
    """The contents of the manifests in a folder, one per realm; skips those that cannot be used, with a warning."""
    contents = []
    for file in manifest_files(expanded(directory)):
        try:
            content = read_manifest(file)
            if content["format"] != FORMAT:
                raise ValueError("it is from another version")
        except (OSError, ValueError) as error:
            warn(f"{file} cannot be used ({error}) and is skipped. Export again: that writes it anew, or says why not.")
        else:
            contents.append(content)
    return contents


def _refuse_other_address(directory: Path, base_url: str) -> None:
    for file in manifest_files(directory):
        try:
            address = read_manifest(file).get("address")
        except (OSError, ValueError):
            continue  # another realm's; the manifest of this realm is read next and reports its own problem
        if address is not None and _server(address) != _server(base_url):
            raise ExportError(
                f"{directory} holds an export from {address}, and this one is from {base_url}. Mixed, they could not "
                "be told apart: export into another folder."
            )


def _server(address: str) -> str:
    """What distinguishes servers: all simulated schools on this machine count as one, because each gets a new port."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return address
    return "this machine" if is_loopback(host) else address.rstrip("/").casefold()


# --- reading


def read_manifest(file: Path) -> dict[str, Any]:
    """Read a manifest and check every value; for another format, only the format.

    Raises
    ------
    ValueError
        It is not a manifest, or holds something that no export writes.
    """
    try:
        content = orjson.loads(file.read_bytes())  # refuses what json lets through: NaN, half a character, great depth
    except orjson.JSONDecodeError:
        raise ValueError("it is not JSON") from None
    if not isinstance(content, dict) or not _is_count(content.get("format")):
        raise ValueError("it is not the manifest of an export")
    if content["format"] != FORMAT:
        return content
    head = _checked(content, _HEAD, "the manifest")
    others = [name for name in head["operations"] if name not in CATALOGUE]
    head["operations"] = {name: _operation(name, entry, others) for name, entry in head["operations"].items()}
    return head


def _operation(name: str, entry: object, others: Sequence[str]) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise ValueError("one of its operations is not an object")
    checked = _checked(entry, _ENTRY, "one of its operations")
    if not all(owns(name, table, others) for table in checked["tables"]):
        raise ValueError("it gives an operation the table of another operation")
    return checked


def _checked(content: Mapping[str, Any], kinds: "Mapping[str, Kind]", where: str) -> dict[str, Any]:
    """The known fields of an object, with their types checked; an optional field that is missing gets its default."""
    checked = {}
    for name, (is_kind, *default) in kinds.items():
        if name not in content and default:
            checked[name] = default[0]
        elif name in content and is_kind(content[name]):
            checked[name] = content[name]
        else:
            raise ValueError(f"{where} lacks {name}, or it is not what an export writes")
    return checked


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_instant(value: object) -> bool:
    """Whether it is an instant with a time zone, or None."""
    try:
        return value is None or (isinstance(value, str) and datetime.fromisoformat(value).utcoffset() is not None)
    except ValueError:
        return False


def _is_status(value: object) -> bool:
    return value in ("complete", "incomplete", "not permitted", "failed")


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_counts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_count, value.values()))


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_text_by_text(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


Kind = tuple[Callable[[object], bool], *tuple[Any, ...]]
_HEAD: dict[str, Kind] = {
    "format": (_is_count,),
    "hubmis_frames": (_is_text, ""),
    "realm": (_is_text,),
    "address": (_is_text, None),
    "academic_year_id": (lambda value: value is None or isinstance(value, str) or _is_count(value), None),
    "free_text": (_is_bool, False),
    "pseudonymised": (_is_bool, False),
    "started_at": (_is_instant, None),
    "finished_at": (_is_instant, None),
    "refresh_began": (_is_instant, None),
    "operations": (_is_object,),
}
_ENTRY: dict[str, Kind] = {
    "operation": (_is_text, ""),
    "path": (_is_text, ""),
    "path_source": (_is_text, "inferred"),
    "status": (_is_status, "complete"),
    "tables": (_is_counts,),
    "requests": (_is_count, 0),
    "cached": (_is_count, 0),
    "fetched_from": (_is_instant, None),
    "fetched_to": (_is_instant, None),
    "whole_from": (_is_instant, None),
    "failed": (_is_text_by_text, {}),
    "remarks": (_is_texts, []),
    "left_out": (lambda value: isinstance(value, dict) and all(map(_is_texts, value.values())), {}),
}
