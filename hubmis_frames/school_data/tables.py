"""Where a school's frames come from: the files of an export, or frames in memory."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from ..analysis.realms import REALM, realms_of
from ..display.shell import argument
from ..errors import BadArgumentError, ExportError, did_you_mean
from ..export import read
from ..export.columns import Held, held_in
from ..export.manifest import manifests
from ..files import expanded
from ..frames.output import flattened
from ..frames.provenance import source


class Tables(Protocol):
    """The tables of one school or of several."""

    directory: Path | None
    """The folder of the export, if there is one."""
    realms: tuple[str, ...]

    def names(self) -> list[str]:
        """The tables that can be read."""

    def read(self, name: str) -> pd.DataFrame:
        """Read a table; raise :class:`ExportError` if there is none."""

    def fetched(self, name: str) -> str | None:
        """When the newest response of a table arrived, as an ISO instant."""

    def problems(self) -> list[tuple[str, str]]:
        """Tables that lack rows or are missing altogether, each with the reason."""

    def held(self) -> Iterable[Held]:
        """What the tables hold: columns, types, rows, missing values."""

    def of(self, realm: str) -> "Tables":
        """The tables of one of the schools."""


class ExportTables:
    """The tables of an export, each read when it is first needed."""

    def __init__(self, directory: Path, contents: Mapping[str, Mapping[str, Any]]) -> None:
        self.directory: Path | None = directory
        self.realms = tuple(contents)
        self._folder = directory
        self._contents = contents
        self._frames: dict[str, pd.DataFrame] = {}

    @classmethod
    def of_folder(cls, directory: Any, realm: str | None) -> "ExportTables":
        """Find the manifests of a folder."""
        folder = expanded(directory).absolute()
        contents = {
            content["realm"]: content
            for content in manifests(folder)
            if any(entry["tables"] for entry in content["operations"].values())
        }
        if not contents:
            raise ExportError(_why_none(folder))
        if realm is None:
            return cls(folder, contents)
        if realm not in contents:
            raise ExportError(
                f"{folder} holds {', '.join(sorted(contents))} and no school {realm!r}.{did_you_mean(realm, contents)} "
                "Choose one with --realm (or realm=)."
            )
        return cls(folder, {realm: contents[realm]})

    def names(self) -> list[str]:
        """The tables that can be read."""
        return list(dict.fromkeys(name for entry in self._entries() for name in entry["tables"]))

    def read(self, name: str) -> pd.DataFrame:
        """A table; see :class:`Tables`."""
        if name not in self._frames:
            realm = self.realms[0] if len(self.realms) == 1 else None
            self._frames[name] = read(self._folder, name, realm=realm)
        return self._frames[name]

    def fetched(self, name: str) -> str | None:
        """When the newest response of a table arrived."""
        instants = [entry["fetched_to"] for entry in self._entries() if name in entry["tables"] and entry["fetched_to"]]
        return max(instants, default=None)

    def problems(self) -> list[tuple[str, str]]:
        """Tables that lack rows, each with the reason."""
        return [
            (table, f"{entry['status']}. {' '.join(entry['remarks'])}".strip())
            for content in self._contents.values()
            for table, entry in content["operations"].items()
            if entry["status"] != "complete"
        ] + [
            ("", "the export was interrupted: run it again, and it continues where it stopped")
            for content in self._contents.values()
            if not content["finished_at"]
        ]

    def held(self) -> Iterable[Held]:
        """What the tables hold."""
        return held_in(self._folder, self._contents.values())

    def of(self, realm: str) -> "ExportTables":
        """The tables of one of the schools."""
        return ExportTables(self._folder, {realm: self._contents[realm]})

    def manifest(self) -> Mapping[str, Any]:
        """The manifest of the one school."""
        (content,) = self._contents.values()
        return content

    def _entries(self) -> Iterable[Mapping[str, Any]]:
        return (entry for content in self._contents.values() for entry in content["operations"].values())


class FrameTables:
    """Frames of one's own, or frames that were just fetched, with the reasons why others are missing."""

    directory: Path | None = None

    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame],
        missing: Mapping[str, Mapping[str, str]] | None = None,
        realms: Iterable[str] = (),
    ) -> None:
        for name, frame in frames.items():
            if not isinstance(name, str) or not isinstance(frame, pd.DataFrame):
                raise BadArgumentError(
                    "SchoolData takes frames by the name of their table, as load_students.tables(school) returns them, "
                    f"and {name!r} is a {type(frame).__name__}."
                )
        self._frames = dict(frames)
        self._missing = dict(missing or {})
        self.realms = tuple(realms) or tuple(sorted(realms_of(*self._frames.values())))

    def names(self) -> list[str]:
        """The tables that can be read."""
        return list(self._frames)

    def read(self, name: str) -> pd.DataFrame:
        """A table; see :class:`Tables`."""
        if name in self._frames:
            return self._frames[name]
        reasons = [own[name] for own in self._missing.values() if name in own]
        advice = reasons[0] if reasons else "Add it to the tables that you fetch or give."
        raise ExportError(f"There is no table {name!r}.{did_you_mean(name, self._frames)} {advice}")

    def fetched(self, name: str) -> str | None:
        """When the newest response of a table arrived."""
        return source(self._frames[name]).get("fetched_to") if name in self._frames else None

    def problems(self) -> list[tuple[str, str]]:
        """Tables that lack rows, each with the reason."""
        return [problem for own in self._missing.values() for problem in own.items()]

    def held(self) -> Iterable[Held]:
        """What the tables hold."""
        for name, frame in self._frames.items():
            schema = pa.Schema.from_pandas(flattened(frame), preserve_index=False)
            missing = {str(column): int(frame[column].isna().sum()) for column in frame}
            path_source = str(source(frame).get("path_source", "inferred"))
            yield Held(name, name, schema, len(frame), missing, path_source)

    def of(self, realm: str) -> "FrameTables":
        """The rows of one school. Every frame of a group needs to say which school its rows are of."""
        own = {}
        for name, frame in self._frames.items():
            if REALM not in frame:
                raise BadArgumentError(
                    f"SchoolData: the tables hold several schools, and {name} has no column realm, which says whose "
                    "its rows are."
                )
            own[name] = frame[frame[REALM].astype("str").eq(realm)].reset_index(drop=True)
        missing = {realm: self._missing.get(realm, {})}
        return FrameTables(own, missing, [realm])


def schools_in(folder: Path) -> list[str]:
    """The schools of which a folder holds an export."""
    return [content["realm"] for content in manifests(folder)]


def _why_none(folder: Path) -> str:
    if list(folder.parent.glob("manifest-*.json")):
        return f"{folder} is one table of an export. Use the folder above it: {folder.parent}"
    below = sorted({str(file.parent) for file in folder.glob("*/manifest-*.json")})
    advice = (
        f"There is one in {' and in '.join(below)}." if below else f"Make one: hubmis-frames export {argument(folder)}"
    )
    return f"{folder} holds no export. {advice}"
