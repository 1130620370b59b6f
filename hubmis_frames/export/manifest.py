"""The manifest beside an export: what was fetched, when, how many rows, and what was not permitted or failed."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from .. import __about__
from ..errors import ExportError, warn
from ..files import safe_name, whole_file

FORMAT = 1

Status = Literal["complete", "incomplete", "not permitted", "failed"]


@dataclass
class Entry:
    """What became of one operation."""

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
    """When all of it was last asked for, where since then only its last days were."""
    failed: dict[str, str] = field(default_factory=dict)
    """The ids that failed, each with the reason."""
    remarks: list[str] = field(default_factory=list)


class Manifest:
    """One realm's manifest, rewritten whole after each table."""

    def __init__(
        self,
        directory: Path,
        realm: str,
        base_url: str,
        academic_year_id: int | None,
        free_text: bool,
        pseudonymised: bool,
    ) -> None:
        self.file = _file(directory, realm)
        self._head = {
            "format": FORMAT,
            "hubmis_frames": __about__.__version__,
            "realm": realm,
            "address": base_url,
            "academic_year_id": academic_year_id,
            "free_text": free_text,
            "pseudonymised": pseudonymised,
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self.entries = self._read()

    @staticmethod
    def unfinished_year(directory: Path, realm: str) -> int | None:
        """The academic year of an export that did not end: the next run goes on with it, whatever is active now."""
        try:
            known = json.loads(_file(directory, realm).read_text(encoding="utf-8"))
            return None if known["finished_at"] else known["academic_year_id"]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, entries: Mapping[str, Entry], complete: bool) -> None:
        """Record what became of operations, and whether the whole export is complete with them."""
        self.entries |= entries
        content = {
            **self._head,
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds") if complete else None,
            "operations": {name: asdict(each) for name, each in self.entries.items()},
        }
        with whole_file(self.file) as part:
            part.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")

    def _read(self) -> dict[str, Entry]:
        """Earlier exports into the same directory may have written other tables, which stay."""
        if not self.file.exists():
            return {}
        try:
            known = json.loads(self.file.read_text(encoding="utf-8"))
            if known.get("pseudonymised", False) != self._head["pseudonymised"]:
                raise ExportError(
                    f"{self.file.parent} holds an export {'with' if known['pseudonymised'] else 'without'} pseudonyms. "
                    "Mixed, they would give them away: export into another directory."
                )
            if known["format"] > FORMAT:
                raise ExportError(
                    f"{self.file} was written by a later version of hubmis_frames ({known['hubmis_frames']}). Install "
                    "that one, or export into another directory."
                )
            if known["format"] < FORMAT:
                warn(
                    f"{self.file} was an older version's and is written anew. It no longer names tables of earlier "
                    "exports, whose files stay: export them again, or remove them."
                )
                return {}
            return {name: Entry(**entry) for name, entry in known["operations"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ExportError(f"{self.file} cannot be read. Remove it, or export into another directory.") from error


def manifests(directory: Path) -> list[dict[str, Any]]:
    """What the manifests of a directory hold, one per realm; others are passed over with a warning."""
    found = []
    for file in sorted(directory.glob("manifest-*.json")):
        content = None
        with contextlib.suppress(OSError, ValueError):
            content = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("format") == FORMAT and content.keys() >= {"realm", "operations"}:
            found.append(content)
        else:
            warn(
                f"{file} cannot be read, or is another version's, and is passed over. Export again: that writes it "
                "anew, or says why it cannot."
            )
    return found


def _file(directory: Path, realm: str) -> Path:
    return directory / f"manifest-{safe_name(realm)}.json"
