"""Groups and students compared: rates with intervals, and how absence is spread."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from ._style import COLOURS, GREY, PALE, axes, heading, hidden_said, hide, lone, need, nothing, plain, rate_name, unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PERSISTENT = 2
"""How many bands of absence lie below 10 per cent."""


def attendance_bars(
    frame: pd.DataFrame,
    *,
    rate: str = "absence_rate",
    suppress: int | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """A rate of each group with its interval, and how many students it is of.

    Parameters
    ----------
    frame
        ``intervals(marks, by="year_group_name")``, or by any one column.
    rate
        ``absence_rate`` or ``attendance_rate``.
    suppress, title, ax
        As for :func:`attendance_trend`.

    Returns
    -------
    Axes
        A point and a line from the lower to the upper bound per group. Not bars from zero: attendance is always high.
    """
    low, high = f"{rate}_low", f"{rate}_high"
    need(frame, ["students", rate, low, high], "attendance_bars", "intervals(marks, by=...)")
    by = list(frame.columns[: frame.columns.get_loc("students")])
    if len(by) != 1:
        raise BadArgumentError(f"attendance_bars draws groups of one column, not of {', '.join(by) or 'none'}.")
    name = rate_name(rate)
    ax = axes(ax, 7.5, 1.4 + 0.42 * max(len(frame), 3))
    hidden = hide(frame["students"], suppress)
    shown = int(frame.loc[~hidden, "students"].sum())
    below = f"{unit(rate)}, 95 % intervals; {shown:,} students{hidden_said(hidden, suppress)}"
    heading(ax, title or f"{name} by {by[0].removesuffix('_name').replace('_', ' ')}", below)
    if not frame[rate].mask(hidden).notna().any():
        nothing(ax, hidden=bool(hidden.any()))
        return ax
    plain(ax)
    ax.grid(axis="x", color=PALE, linewidth=0.8)
    ax.grid(visible=False, axis="y")
    labels = []
    columns = zip(frame[by[0]], frame["students"], frame[rate], frame[low], frame[high], hidden, strict=True)
    for place, (group, students, value, lower, upper, small) in enumerate(columns):
        label = "(missing)" if pd.isna(group) else str(group)
        if small or pd.isna(value):
            labels.append(label)
            text = f"fewer than {suppress} students" if small else "no possible sessions"
            ax.annotate(text, (0, place), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points",
                        va="center", fontsize=9, color=GREY)  # fmt: skip
            continue
        labels.append(f"{label}  (n = {students:,})")
        ax.plot([lower, upper], [place, place], color=COLOURS[0], linewidth=2.2, zorder=2)
        ax.plot(value, place, marker="o", color=COLOURS[0], markersize=7, zorder=3)
        ax.annotate(f"{value:.1f}", (value, place), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=9)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.75)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(f"{name} (%)")
    if rate == "absence_rate":
        # A little left of zero, so that the point of a group without absence is whole.
        ax.set_xlim(-0.02 * ax.get_xlim()[1], None)
    return ax


def absence_bands(
    frame: pd.DataFrame, *, suppress: int | None = None, title: str | None = None, ax: "Axes | None" = None
) -> "Axes":
    """How many students are absent how much, with the line of persistent absence.

    Parameters
    ----------
    frame
        ``bands(marks)``, of one group.
    suppress
        Hide bands of fewer students than this. If that hides one band alone, the next smallest is hidden too, as the
        total would give it away.
    title, ax
        As for :func:`attendance_trend`.
    """
    need(frame, ["band", "students", "share"], "absence_bands", "bands(marks)")
    lone(frame, ["band"], "absence_bands")
    ax = axes(ax, 8, 4)
    counts = frame["students"].reset_index(drop=True)
    hidden = hide(counts, suppress)
    others = counts[~hidden & (counts > 0)]
    if hidden.sum() == 1 and len(others):
        hidden = hidden | (counts.index == others.idxmin())
    said = f"; bands of fewer than {suppress}, and one more if need be, hidden" if hidden.any() else ""
    heading(ax, title or "Students by how much they are absent", f"{int(counts.sum()):,} students{said}")
    if not counts.any():
        nothing(ax)
        return ax
    plain(ax)
    places = np.arange(len(counts))
    colour = np.where(places < _PERSISTENT, COLOURS[0], COLOURS[1])
    colour[-1] = COLOURS[6]
    ax.bar(places, counts.mask(hidden, 0), color=colour, width=0.82)
    for place, (count, share, small) in enumerate(zip(counts, frame["share"], hidden, strict=True)):
        text = "hidden" if small else f"{count:,}\n{share:.1f} %" if count else "0"
        at = 0 if small else int(count)
        ax.annotate(text, (place, at), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=9,
                    color=GREY if small or not count else "black")  # fmt: skip
    ax.axvline(_PERSISTENT - 0.5, color=GREY, linewidth=1, linestyle="--")
    ax.axvline(len(counts) - 1.5, color=GREY, linewidth=1, linestyle="--")
    for edge, text in ((_PERSISTENT - 0.5, "persistent: 10 % and more"), (len(counts) - 1.5, "severe: 50 %")):
        ax.annotate(text, (edge, 1), xycoords=("data", "axes fraction"), xytext=(4, -4), textcoords="offset points",
                    va="top", fontsize=9, color=GREY)  # fmt: skip
    ax.set_xticks(places, [str(band).replace(" to ", " to\n").replace(" and ", "\nand ") for band in frame["band"]])
    ax.set(xlabel="Absence (% of own possible sessions)", ylabel="Students")
    ax.set_ylim(0, max(float(counts.mask(hidden, 0).max()), 1) * 1.28)
    ax.locator_params(axis="y", integer=True)
    return ax
