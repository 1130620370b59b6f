"""What an earlier report of the same students listed, as its page says it, so that a new one can show what is new."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .lists import NameList

_BEGINS, _ENDS = '<script type="application/json" id="record">', "</script>"
_MOST = 10**7
"""Bytes at the beginning of a page in which its record stands."""


@dataclass(frozen=True)
class Record:
    """What one report listed: the day on which it was made, whom it covers, and the rows of each list."""

    made: str
    realm: str
    group: str
    lists: Mapping[str, frozenset[str]]


def record_of(made: date, realm: str, group: str, lists: Iterable[NameList]) -> Record:
    """The record of a report that is being made. A list that is not known is in none."""
    known = {each.key: frozenset(each.rows["row"].astype("str")) for each in lists if not each.unknown}
    return Record(made.isoformat(), realm, group, known)


def as_html(record: Record, before: Record | None) -> str:
    """A record as part of a page. It keeps the one before too, for a second report of the same day."""
    text = json.dumps([_plain(record), _plain(before) if before else None])
    return _BEGINS + text.replace("<", "\\u003c").replace("&", "\\u0026") + _ENDS


def earlier(target: Path, made: date, realm: str, group: str) -> Record | None:
    """The newest record of an earlier day about the same students, in the pages of a folder.

    A page of the whole school serves for a group too, as it lists everybody.
    """
    found: list[Record] = []
    for page in sorted(target.parent.glob("*.html")):
        found += _read(page)
    of_these = [one for one in found if one.realm == realm and one.group in (group, "") and one.made < made.isoformat()]
    return max(of_these, key=lambda one: (one.made, one.group == group), default=None)


def _read(page: Path) -> list[Record]:
    """The records of a page; none if it is no report, or cannot be read."""
    try:
        with page.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MOST)
        start = text.index(_BEGINS) + len(_BEGINS)
        return [_record(one) for one in json.loads(text[start : text.index(_ENDS, start)]) if one]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


def _record(content: Mapping[str, object]) -> Record:
    made, realm, group, lists = (content[name] for name in ("made", "realm", "group", "lists"))
    date.fromisoformat(str(made))
    return Record(str(made), str(realm), str(group), {key: frozenset(map(str, rows)) for key, rows in lists.items()})  # type: ignore[attr-defined]


def _plain(record: Record) -> dict[str, object]:
    lists = {key: sorted(rows) for key, rows in record.lists.items()}
    return {"made": record.made, "realm": record.realm, "group": record.group, "lists": lists}
