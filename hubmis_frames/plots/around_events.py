"""Attendance before and after a wellbeing event, as a picture."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from ._style import COLOURS, GREY, PALE, axes, heading, need, nothing, students_said

if TYPE_CHECKING:
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
        Two lines, students with an event and comparable students, with the number of the first below each week. The
        bars are the interval of the *difference*, drawn about the first line: one that does not reach the other line
        differs from it. Hidden and missing weeks are gaps. The note on regression to the mean stands below, always.

    Raises
    ------
    BadArgumentError
        A column is not there, or the frame is not by week.
    """
    from matplotlib.ticker import MaxNLocator

    needed = ["week", "students", "attendance_rate", "comparison_rate", "difference", "difference_low"]
    need(around, needed, "before_and_after", "hf.joint.around_events(..., by_week=True)")
    if around["week"].isna().all():
        raise BadArgumentError("before_and_after: give around_events(..., by_week=True), a row per week.")
    ax = axes(ax, 8.5, 5.2)
    if around["students"].isna().any():
        count = "numbers of students hidden where they are few"
    else:
        count = f"{students_said(around['students'].nlargest(1))} with an event"
    heading(ax, title or "Attendance around a wellbeing event", count)
    week = around["week"].to_numpy(int)
    own, other = (around[name].to_numpy(float) for name in ("attendance_rate", "comparison_rate"))
    half = (around["difference"] - around["difference_low"]).to_numpy(float)
    ax.axvspan(-0.5, 0.5, color=PALE, linewidth=0, zorder=0)
    ax.plot(week, other, "--s", color=COLOURS[1], markersize=5, label="Comparable students, same weeks")
    ax.plot(week, own, "-o", color=COLOURS[0], markersize=6, label="Students with an event")
    known = np.isfinite(own) & np.isfinite(half)
    interval = str(around.attrs.get("interval", "Interval of the difference"))
    reach = np.vstack([np.minimum(half, own), np.minimum(half, 100 - own)])
    if known.any():
        ax.errorbar(
            week[known], own[known], reach[:, known], fmt="none", ecolor=COLOURS[0], elinewidth=1, capsize=3,
            label=textwrap.fill(interval, 48),
        )  # fmt: skip
    shown = np.concatenate([own + np.nan_to_num(reach[1]), own - np.nan_to_num(reach[0]), other])
    shown = shown[np.isfinite(shown)]
    low, high = (min(shown.min(), shown.max() - 5), shown.max()) if len(shown) else (0.0, 100.0)
    ax.set_ylim(low - 0.12 * (high - low), high + 0.05 * (high - low))
    ax.set_xlim(week.min() - 0.6, week.max() + 0.6)
    for at, students in zip(week, around["students"], strict=True):
        text = "hidden" if pd.isna(students) else f"{students}"
        ax.text(at, 0.02, text, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=8, color=GREY)
    if not len(shown):
        nothing(ax, "no students with an event", hidden=bool(around["students"].isna().any()))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=15))
    ax.set_ylabel("Attendance (% of possible sessions)")
    note = textwrap.fill(str(around.attrs.get("note", "")), 118)
    axis = "Calendar weeks from the week of the event (0, shaded); above: number of students with an event"
    ax.set_xlabel(axis + (f"\n\n{note}" if note else ""), fontsize=8)
    ax.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1.01, 1), borderaxespad=0.1)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
