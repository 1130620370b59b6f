"""Tables and the keys by which they join, as a picture for the project's own pages; not part of the public surface."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..frames.keys import Key, keys_of, references
from ._style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINE = 0.42
_WIDTH = 4.3


def draw_keys(columns: Sequence[Sequence[str]], ax: "Axes | None" = None) -> "Axes":
    """Draw tables and the keys by which they join.

    Parameters
    ----------
    columns
        The tables of each column of the picture, from left to right. Put look-up lists on the right, and the tables
        that refer to them on the left.
    ax
        The axes to draw on; a new figure unless given.

    Returns
    -------
    Axes
        A box per table, with its key in bold and the ids that refer to other tables. An arrow leads from each of these
        ids to the table that lists it, in one colour per listed table.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import ConnectionPatch, Rectangle

    tables = [table for column in columns for table in column]
    arrows = references(tables)
    rows = {table: _rows(table, tables) for table in tables}
    places: dict[str, tuple[float, float]] = {}
    for number, column in enumerate(columns):
        y = 0.0
        for table in column:
            places[table] = (number * (_WIDTH + 2.2), -y)
            y += _LINE * (len(rows[table]) + 1) + 0.55
    if ax is None:
        height = max(_LINE * sum(len(rows[table]) + 2.4 for table in column) for column in columns)
        _, ax = plt.subplots(figsize=(3.6 * len(columns), 0.62 * height))
    targets = list(dict.fromkeys(arrow.refers_to for arrow in arrows))
    for table, (x, y) in places.items():
        tall = _LINE * (len(rows[table]) + 1)
        ax.add_patch(Rectangle((x, y - tall), _WIDTH, tall, facecolor="#F7F7F7", edgecolor="#666666", linewidth=0.8))
        ax.add_patch(Rectangle((x, y - _LINE), _WIDTH, _LINE, facecolor="#DDE6EE", edgecolor="#666666", linewidth=0.8))
        ax.text(x + 0.1, y - _LINE / 2, table, va="center", fontsize=9, fontweight="bold")
        for number, row in enumerate(rows[table], 1):
            weight = "bold" if row.own else "normal"
            ax.text(x + 0.1, y - _LINE * (number + 0.5), row.column, va="center", fontsize=8, fontweight=weight)
    for arrow in arrows:
        colour = COLOURS[targets.index(arrow.refers_to) % len(COLOURS)]
        line = [row.column for row in rows[arrow.table]].index(arrow.column) + 1.5
        (x, y), (to_x, to_y) = places[arrow.table], places[str(arrow.refers_to)]
        rightwards = to_x > x
        start = (x + _WIDTH if rightwards or to_x == x else x, y - _LINE * line)
        end = (to_x if rightwards else to_x + _WIDTH, to_y - _LINE / 2)
        bend = "arc3,rad=-0.35" if to_x == x else "arc3,rad=0.06"
        style = "-|>,head_width=0.18,head_length=0.3"
        ax.add_artist(
            ConnectionPatch(
                start, end, "data", arrowstyle=style, connectionstyle=bend, color=colour, linewidth=1.1, zorder=0
            )
        )
    ax.set(xlim=(-0.2, len(columns) * (_WIDTH + 2.2) - 1.2), aspect="auto")
    ax.set_ylim(min(y - _LINE * (len(rows[table]) + 1) for table, (_, y) in places.items()) - 0.2, 0.3)
    ax.set_axis_off()
    ax.set_title("Tables of HUBmis and the ids by which they join", loc="left", fontsize=12)
    return ax


def _rows(table: str, among: Sequence[str]) -> list[Key]:
    """Return the table's own key and the ids that refer to another of these tables."""
    return [row for row in keys_of(table) if row.own or (row.refers_to in among and row.refers_to != table)]
