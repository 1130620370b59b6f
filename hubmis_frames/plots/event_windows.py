"""Attendance before and after a wellbeing event, as a picture."""

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from ._style import (
    COLOURS,
    GREY,
    PALE,
    axes,
    folded,
    heading,
    legend_beside,
    need,
    nothing,
    rate_label,
    room,
    students_said,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes


def before_and_after(around: pd.DataFrame, *, title: str | None = None, ax: "Axes | None" = None) -> "Axes":
    """Draw attendance by week from an event, beside that of comparable students.

    Parameters
    ----------
    around
        What ``hf.joint.around_events(..., by_week=True)`` returned.
    title, ax
        The title, and where to draw; a new figure unless given. The numbers below the title stay.

    Returns
    -------
    Axes
        Two lines, students with an event and comparable students, in per cent of possible sessions, with the number of
        the first below each week, or below some where weeks are many. The axis says if it does not begin at 0. The
        bars are the interval of the *difference*, drawn about the first line: one that does not reach the other line
        differs from it. Hidden and missing weeks are gaps. The note on regression to the mean stands below, always.

    Raises
    ------
    BadArgumentError
        A column is not there, or the frame is not by week.
    """
    needed = ["week", "students", "comparison_students", "attendance_rate", "comparison_rate"]
    needed += ["difference", "difference_low", "difference_high"]
    need(around, needed, "before_and_after", "hf.joint.around_events(..., by_week=True)")
    if len(around) and around["week"].isna().all():
        raise BadArgumentError("before_and_after: give around_events(..., by_week=True), a row per week.")
    ax = axes(ax, 9.5, 5.2)
    hidden = around["students"].isna()
    most = [students_said(around[name].dropna().nlargest(1)) for name in ("students", "comparison_students")]
    count = f"% of possible sessions; {most[0]} with an event, {most[1]} to compare with"
    if hidden.any():
        count = "% of possible sessions; numbers of students hidden where they are few"
    heading(ax, title or "Attendance around a wellbeing event", count)
    week = around["week"].to_numpy(int)
    own, other, difference, least, greatest = (
        around[name].to_numpy(float)
        for name in ("attendance_rate", "comparison_rate", "difference", "difference_low", "difference_high")
    )
    reach = np.vstack([np.minimum(difference - least, own), np.minimum(greatest - difference, 100 - own)])
    known = np.isfinite(own) & np.isfinite(reach).all(axis=0)
    shown = np.concatenate([own + np.nan_to_num(reach[1]), own - np.nan_to_num(reach[0]), other])
    shown = shown[np.isfinite(shown)]
    low, high = 0.0, 100.0
    if len(shown):
        _draw(ax, week, own, other)
        if known.any():
            interval = str(around.attrs.get("interval", "Interval of the difference"))
            ax.errorbar(week[known], own[known], reach[:, known], fmt="none", ecolor=COLOURS[0], elinewidth=1,
                        capsize=3, label=interval)  # fmt: skip
        legend_beside(ax)
        low, high = min(shown.min(), shown.max() - 5), shown.max()
    else:
        nothing(ax, "no students with an event", hidden=bool(hidden.any()))
    # Below the lines the numbers of students; above them room for whole markers, but no scale beyond 100 per cent.
    ax.set_ylim(low - 0.12 * (high - low), high + 0.05 * (high - low))
    ax.set_yticks([tick for tick in ax.get_yticks() if max(low - 1, 0) <= tick <= 100] if len(shown) else [])
    if len(week):
        ax.set_xlim(week.min() - 0.6, week.max() + 0.6)
    longest = max((len(f"{count}") for count in around["students"].fillna(999_999)), default=1)
    step = math.ceil(len(week) * 5 * longest / (0.65 * room(ax)))  # the legend takes its part
    # Counted from the week of the event, so that it is always among those that have a number.
    labelled = week % step == 0
    ax.set_xticks(week[labelled])
    for at, students in zip(week[labelled], around["students"][labelled], strict=True):
        text = "hidden" if pd.isna(students) else f"{students}"
        ax.text(at, 0.02, text, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=7.5, color=GREY)
    ax.set_ylabel(rate_label(ax, "Attendance", low))
    axis = "Calendar weeks from the week of the event (0, shaded); above: number of students with an event"
    below = [axis, *([note] if (note := str(around.attrs.get("note", ""))) else [])]
    ax.set_xlabel("\n\n".join(folded(text, room(ax), 8) for text in below), fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _draw(
    ax: "Axes", week: "npt.NDArray[np.int64]", own: "npt.NDArray[np.float64]", other: "npt.NDArray[np.float64]"
) -> None:
    ax.axvspan(-0.5, 0.5, color=PALE, linewidth=0, zorder=0)
    ax.plot(week, own, "-o", color=COLOURS[0], markersize=6, label="Students with an event")
    # Above the other, whose line is whole, so that both are seen where they are one.
    ax.plot(week, other, "--s", color=COLOURS[1], markersize=4, label="Comparable students, same weeks")
