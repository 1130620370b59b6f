"""What a reader of a table should be told about what the server sent. It holds names and numbers, never values."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Findings:
    """Collected while a response is made tidy."""

    undeclared: dict[str, str] = field(default_factory=dict)
    """What nobody declared: ``table`` or ``table.column``, and which of the two it is."""
    misfits: Counter[str] = field(default_factory=Counter)
    """Values that did not fit, by the ``..._as_sent`` column in which they stand as they were sent."""
    converted: Counter[str] = field(default_factory=Counter)
    """Values that came as another type and fitted without loss."""
    null_rows: int = 0
    """Entries of the list that are null and make no row."""
    repeated: int = 0
    """Rows of a paged list that came twice, with the same content, and are kept once."""
    superseded: int = 0
    """Rows of a paged list that came twice with different content; the later one is kept."""
    shared_ids: int = 0
    """Rows that share their id with another row of the same page; all are kept."""
    without_id: int = 0
    """Rows without an id whose child rows therefore cannot be matched to them."""

    def sentences(self) -> list[str]:
        """One sentence for each thing worth saying."""
        said = [f"the {kind} {name} is not declared and is kept as it came" for name, kind in self.undeclared.items()]
        said += [
            f"{_values(count)} did not fit the declared type and stand in the column {name} as sent"
            for name, count in self.misfits.items()
        ]
        said += [
            f"{_values(count)} of {name} came as another type and fitted without loss"
            for name, count in self.converted.items()
        ]
        if self.null_rows:
            said.append(f"{self.null_rows} entries of the list are null and make no row")
        if self.repeated:
            said.append(f"{self.repeated} rows came twice on different pages and are kept once")
        if self.superseded:
            said.append(
                f"{self.superseded} rows came twice on different pages with different content: the later one is kept. "
                "The list changed while it was read; load it again with refresh=True"
            )
        if self.shared_ids:
            said.append(f"{self.shared_ids} rows share their id with another row: it does not identify a row here")
        if self.without_id:
            said.append(f"{self.without_id} rows have no id, so their child rows cannot be matched to them")
        return said


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"
