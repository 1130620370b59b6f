"""Attendance around a wellbeing event, as a picture."""

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from ._readable import readable
from ._style import (
    COLOURS,
    GREY,
    PALE,
    axes,
    draw_empty,
    heading,
    legend_beside,
    number_of_students,
    points_available,
    rate_label,
    require_result,
    wrap_text,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes


@readable
def around_events(around: pd.DataFrame, *, title: str | None = None, ax: "Axes | None" = None) -> "Axes":
    """Draw attendance by week around an event, beside that of comparable students.

    Parameters
    ----------
    around
        What ``hf.joint.around_events(..., by_week=True)`` returned.
    title, ax
        Your own title, and the axes to draw on. Without ``ax`` a new figure is made. The numbers below the title are
        always drawn.

    Returns
    -------
    Axes
        Two lines, students with an event and comparable students, in per cent of possible sessions. The number of
        students with an event stands below each week, or below some weeks if there are many. The axis says if it does
        not begin at 0. The bars are the interval of the *difference*, drawn around the first line: where a bar does not
        reach the other line, the two differ. Hidden and missing weeks are gaps. The note on regression to the mean
        always stands below.

    Raises
    ------
    BadArgumentError
        A column is missing, or the frame is not by week.
    """
    needed = ["week", "students", "comparison_students", "attendance_rate", "comparison_rate", "difference"]
    require_result(around, needed, "around_events", "hf.joint.around_events(..., by_week=True)")
    if len(around) and around["week"].isna().all():
        raise BadArgumentError("around_events: give hf.joint.around_events(..., by_week=True), a row per week.")
    ax = axes(ax, 9.5, 5.2)
    hidden = around["students"].isna()
    most = [number_of_students(around[name].dropna().nlargest(1)) for name in ("students", "comparison_students")]
    count = f"% of possible sessions; {most[0]} with an event, {most[1]} to compare with"
    if hidden.any():
        count = "% of possible sessions; numbers of students hidden where they are few"
    heading(ax, title or "Attendance around a wellbeing event", count)
    week = around["week"].to_numpy(int)
    own, other = (around[name].to_numpy(float) for name in ("attendance_rate", "comparison_rate"))
    bars = _bars(around)
    with_bar = np.isfinite(own) & np.isfinite(bars).all(axis=0)
    drawn = np.concatenate([own + np.nan_to_num(bars[1]), own - np.nan_to_num(bars[0]), other])
    drawn = drawn[np.isfinite(drawn)]
    low, high = 0.0, 100.0
    if len(drawn):
        _draw_lines(ax, week, own, other)
        if with_bar.any():
            interval = str(around.attrs.get("interval", "Interval of the difference"))
            ax.errorbar(week[with_bar], own[with_bar], bars[:, with_bar], fmt="none", ecolor=COLOURS[0], elinewidth=1,
                        capsize=3, label=interval)  # fmt: skip
        legend_beside(ax)
        low, high = min(drawn.min(), drawn.max() - 5), drawn.max()
    else:
        draw_empty(ax, "no students with an event", hidden=bool(hidden.any()))
    # Room for the numbers of students below and for whole markers above, but no scale beyond 100 per cent.
    ax.set_ylim(low - 0.12 * (high - low), high + 0.05 * (high - low))
    ax.set_yticks([tick for tick in ax.get_yticks() if max(low - 1, 0) <= tick <= 100] if len(drawn) else [])
    if len(week):
        ax.set_xlim(week.min() - 0.6, week.max() + 0.6)
    longest = max((len(f"{count}") for count in around["students"].fillna(999_999)), default=1)
    step = math.ceil(len(week) * 5 * longest / (0.65 * points_available(ax)))  # the legend needs the other part
    # Counted from the week of the event, so that this week always has its number.
    labelled = week % step == 0
    ax.set_xticks(week[labelled])
    for number, students in zip(week[labelled], around["students"][labelled], strict=True):
        text = "hidden" if pd.isna(students) else f"{students}"
        ax.text(
            number, 0.02, text, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=7.5, color=GREY
        )
    ax.set_ylabel(rate_label(ax, "Attendance", low))
    axis = "Calendar weeks from the week of the event (0, shaded); above: number of students with an event"
    below = [axis, *([note] if (note := str(around.attrs.get("note", ""))) else [])]
    ax.set_xlabel("\n\n".join(wrap_text(text, points_available(ax), 8) for text in below), fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _bars(around: pd.DataFrame) -> "npt.NDArray[np.float64]":
    """How far the interval reaches below and above the first line; missing if the frame has no interval."""
    if not {"difference_low", "difference_high"} <= set(around):
        return np.full((2, len(around)), np.nan)
    own, difference, low, high = (
        around[name].to_numpy(float) for name in ("attendance_rate", "difference", "difference_low", "difference_high")
    )
    return np.vstack([np.minimum(difference - low, own), np.minimum(high - difference, 100 - own)])


def _draw_lines(
    ax: "Axes", week: "npt.NDArray[np.int64]", own: "npt.NDArray[np.float64]", other: "npt.NDArray[np.float64]"
) -> None:
    ax.axvspan(-0.5, 0.5, color=PALE, linewidth=0, zorder=0)
    ax.plot(week, own, "-o", color=COLOURS[0], markersize=6, label="Students with an event")
    # Dashed and drawn on top of the solid line, so that both can be seen where they coincide.
    ax.plot(week, other, "--s", color=COLOURS[1], markersize=4, label="Comparable students, same weeks")
