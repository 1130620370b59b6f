"""What the user should know about the data that the server sent. It holds names and numbers, never values."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from ..request import listed

NAMED = 6
"""How many columns a sentence names; the log names all of them, at the level DEBUG."""


@dataclass
class Findings:
    """Collected while responses become tables."""

    undeclared: dict[str, str] = field(default_factory=dict)
    """Each ``table`` or ``table.column`` that is not declared, and which of the two it is."""
    misfits: Counter[str] = field(default_factory=Counter)
    """Values that do not fit the declared type, by the ``..._as_sent`` column that keeps them."""
    converted: Counter[str] = field(default_factory=Counter)
    """Values that came as another type and were converted without loss, by field."""
    differing: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Values that differ from the id that the request named, by the column that keeps them and the id's column."""
    twofold: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Values that differ from those of another field with the same tidy name, by the column that keeps them, their
    field, and the other one."""
    null_rows: int = 0
    """Entries of the list that are null and make no row."""
    repeated: int = 0
    """Rows of a paged list that came twice with the same content, and are kept once."""
    superseded: int = 0
    """Rows of a paged list that came twice with different content. The later one is kept."""
    shared_ids: int = 0
    """Rows that share their id with another row of the same page. All are kept."""
    without_id: int = 0
    """Child rows whose parent has no id."""

    def add(self, other: "Findings") -> None:
        """Add what was noticed in other responses."""
        for each in fields(self):
            mine, new = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, dict):
                mine.update(new)  # a Counter adds
            else:
                setattr(self, each.name, mine + new)

    def sentences(self, most: int | None = NAMED) -> list[str]:
        """One sentence for each kind of finding, which names ``most`` columns; ``None``: all of them."""
        sentences = []
        if len(self.undeclared) == 1:
            sentences += [f"the {kind} {name} is not declared and is kept as it came"
                          for name, kind in self.undeclared.items()]  # fmt: skip
        elif self.undeclared:
            kinds = " and ".join(f"{kind}s" for kind in dict.fromkeys(self.undeclared.values()))
            names = _first(self.undeclared, most)
            sentences.append(f"{len(self.undeclared)} {kinds} are not declared and are kept as they came: {names}")
        if self.misfits:
            columns = f"column{'s' if len(self.misfits) > 1 else ''} {_first(self.misfits, most)}"
            sentences.append(
                f"{_values(self.misfits.total())} did not fit the declared type and are kept as text in the {columns}"
            )
        if self.converted:
            sentences.append(
                f"{_values(self.converted.total())} of {_first(self.converted, most)} came as another type and fitted "
                "without loss"
            )
        sentences += [
            f"{count} rows hold another {key} than the one in the request: it is in the column {name}"
            for (name, key), count in self.differing.items()
        ]
        sentences += [
            f"{_values(count)} of {own} {'differs' if count == 1 else 'differ'} from {other}: "
            f"{'it is' if count == 1 else 'they are'} in the column {name}"
            for (name, own, other), count in self.twofold.items()
        ]
        if self.null_rows:
            sentences.append(f"{self.null_rows} entries of the list are null and make no row")
        if self.repeated:
            sentences.append(f"{self.repeated} rows came twice on different pages and are kept once")
        if self.superseded:
            sentences.append(
                f"{self.superseded} rows came twice on different pages with different content: the later one is kept. "
                "The list changed while it was read; load it again with refresh=True"
            )
        if self.shared_ids:
            sentences.append(
                f"{self.shared_ids} rows share their id with another row, so it does not identify a row here"
            )
        if self.without_id:
            sentences.append(f"{self.without_id} rows have no id, so their child rows cannot be matched to them")
        return sentences


def _first(names: Iterable[str], most: int | None) -> str:
    """Some names, and how many there are besides."""
    shown = list(names)
    if most is None or len(shown) <= most:
        return listed(shown)
    return listed([*shown[:most], f"{len(shown) - most} more"])


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"
