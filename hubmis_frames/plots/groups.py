"""Rates of groups with their intervals, and students by band of absence."""

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
    font_size,
    heading,
    hidden_groups,
    points_available,
    quantity,
    rate_label,
    rate_name,
    require_one_group,
    require_result,
    row_names,
    start_plot,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PERSISTENT = 2
"""How many bands of absence lie below 10 per cent."""


@readable
def attendance_bars(
    frame: pd.DataFrame,
    *,
    rate: str = "absence_rate",
    suppress_below: int | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a rate of each group with its interval and number of students.

    Parameters
    ----------
    frame
        The result of ``hf.attendance.summarise(marks, by="year_group_name", confidence=0.95)``, or by any one column.
    rate
        ``"absence_rate"``, ``"attendance_rate"``, ``"authorised_rate"`` or ``"unauthorised_rate"``, in per cent of
        possible sessions.
    suppress_below, title, ax
        As for :func:`attendance_trend`. Axes with less than a quarter of an inch per group show no figures.

    Returns
    -------
    Axes
        A point per group with its figure, a line from the lower to the upper bound where there are bounds, and the
        number of students. Points rather than bars, as attendance is always high and its axis does not begin at 0.

    Raises
    ------
    BadArgumentError
        A column is missing, there is no such rate, or the groups are those of several columns.
    """
    low, high = f"{rate}_low", f"{rate}_high"
    made_by = "hf.attendance.summarise(marks, by=..., confidence=0.95)"
    require_result(frame, ["students", rate, low, high], "attendance_bars", made_by)
    by = list(frame.columns[: frame.columns.get_loc("students")])
    if len(by) != 1:
        raise BadArgumentError(f"attendance_bars draws groups of one column, not of {', '.join(by) or 'none'}.")
    name = rate_name(rate)
    ax, shown = start_plot(
        frame, rate, ax, (7.5, 1.6 + 0.42 * max(len(frame), 3)),
        title=title or f"{name} by {by[0].removesuffix('_name').replace('_', ' ')}", suppress_below=suppress_below,
        how=f", with {_confidence(frame)}intervals", of=" in each group",
    )  # fmt: skip
    if shown[rate].isna().all():
        return ax
    style_axes(ax)
    ax.grid(axis="x", color=PALE, linewidth=0.8)
    ax.grid(visible=False, axis="y")
    tall = points_available(ax, len(shown), down=True)
    names = row_names(shown[by[0]].astype("str").where(shown[by[0]].notna(), "(missing)"), tall)
    columns = zip(shown["students"], shown[rate], shown[low], shown[high], shown["hidden"], strict=True)
    for place, (students, value, lower, upper, small) in enumerate(columns):
        if pd.isna(value):
            text = "hidden" if small else "no possible sessions"
            ax.annotate(text, (0, place), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points",
                        va="center", fontsize=font_size(tall, 9), color=GREY)  # fmt: skip
            continue
        names[place] += f"  (n = {students:,})"
        ax.plot([lower, upper], [place, place], color=COLOURS[0], linewidth=2.2, zorder=2, marker="|", clip_on=False)
        ax.plot(value, place, marker="o", color=COLOURS[0], markersize=min(7, 0.5 * tall), zorder=3, clip_on=False)
        if tall >= 20:
            ax.annotate(f"{value:.1f}", (value, place), xytext=(0, 6), textcoords="offset points", ha="center",
                        fontsize=8.5)  # fmt: skip
    step = math.ceil(6.5 / tall)  # better to show a few names than many that cannot be read
    ax.set_yticks(range(0, len(names), step), names[::step], fontsize=font_size(tall * step, 9.5))
    ax.set_ylim(len(names) - 0.4, -0.75)
    ax.tick_params(axis="y", length=0, pad=9)
    ax.spines["left"].set_visible(False)
    left, right = ax.get_xlim()
    # A group without absence, or with no other attendance than full, is drawn whole; nothing is below 0 or above 100.
    ax.set_xlim(0 if rate != "attendance_rate" else max(0, min(left, right - 2)), min(100, max(right, left + 1)))
    ax.margins(x=0)
    ax.set_xlabel(rate_label(ax, name, ax.get_xlim()[0]))
    return ax


def _confidence(frame: pd.DataFrame) -> str:
    """The confidence of the intervals for the title; a frame that was read from a file has lost it."""
    confidence = frame.attrs.get("confidence")
    return "" if confidence is None else f"{round(100 * confidence, 6):g} % "


@readable
def absence_bands(
    frame: pd.DataFrame, *, suppress_below: int | None = None, title: str | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw the number of students in each band of absence, with a line where persistent absence begins.

    Parameters
    ----------
    frame
        The result of ``hf.attendance.absence_bands(marks)`` for one group.
    suppress_below
        Hide bands with fewer students than this, 2 or more, and as many other bands as needed so that the total does
        not give them away (:func:`hubmis_frames.suppress`). None, the default, hides nothing.
    title, ax
        As for :func:`attendance_trend`.

    Returns
    -------
    Axes
        A bar per band with its students and their share, in per cent of all; a hidden band is labelled. Dashed lines
        mark where persistent (10 per cent) and severe absence (50 per cent) begin.

    Raises
    ------
    BadArgumentError
        A column is missing, or the frame holds several groups.
    """
    made_by = "hf.attendance.absence_bands(marks)"
    require_result(frame, ["absence_band", "students", "share"], "absence_bands", made_by)
    require_one_group(frame, ["absence_band"], "absence_bands")
    counts = frame["students"].astype("Int64").mask(hidden_groups(frame, suppress_below)).reset_index(drop=True)
    total = int(frame["students"].sum())
    ax = axes(ax, 8, 4)
    few = suppress_below is not None and 0 < total < suppress_below
    none = not counts.fillna(0).any()
    students = f"fewer than {suppress_below} students" if few else quantity(total, "student")
    also = f"; bands under {suppress_below} hidden, and others that would give them away" if counts.isna().any() else ""
    heading(ax, title or "Students by how much they are absent", students + also)
    if none:
        draw_empty(ax, hidden=total > 0)
        return ax
    style_axes(ax)
    places = np.arange(len(counts))
    colour = np.where(places < _PERSISTENT, COLOURS[0], COLOURS[1])
    colour[-1] = COLOURS[6]
    ax.bar(places, counts.fillna(0).to_numpy(float), color=colour, width=0.82)
    size = font_size(points_available(ax, len(counts)) / 2.8, 9)
    for place, (count, share) in enumerate(zip(counts, frame["share"], strict=True)):
        text = "hidden" if pd.isna(count) else f"{count:,}\n{share:.1f}%" if count else "0"
        ax.annotate(text, (place, 0 if pd.isna(count) else count), xytext=(0, 3), textcoords="offset points",
                    ha="center", fontsize=size, rotation=90 if pd.isna(count) else 0,
                    color="black" if text[-1] == "%" else GREY)  # fmt: skip
    edges = ((_PERSISTENT - 0.5, "persistent:\n10 % and more"), (len(counts) - 1.5, "severe:\n50 % and more"))
    for edge, text in edges:
        ax.axvline(edge, color=GREY, linewidth=1, linestyle="--")
        ax.annotate(text, (edge, 1), xycoords=("data", "axes fraction"), xytext=(4, -2), textcoords="offset points",
                    va="top", fontsize=8, color=GREY)  # fmt: skip
    bands = [str(band).replace(" to ", " to\n").replace(" and ", " and\n") for band in frame["absence_band"]]
    ax.set_xticks(places, bands, fontsize=size)
    ax.set(xlabel="Absence (% of own possible sessions)", ylabel="Students")
    ax.set_ylim(0, max(float(counts.fillna(0).max()), 1) * 1.45)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.locator_params(axis="y", integer=True)
    return ax
