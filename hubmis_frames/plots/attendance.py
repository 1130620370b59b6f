"""Attendance and absence over time: the trend, weekday and session, and one year on another."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from ._style import (
    COLOURS,
    GREY,
    MARKERS,
    PALE,
    STYLES,
    axes,
    heading,
    hidden_said,
    hide,
    lone,
    need,
    nothing,
    plain,
    rate_name,
    students_said,
    unit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

    from ..analysis.calendar import Calendar

_MOST_LINES = len(COLOURS)
_FEW_WEEKS = 10


def attendance_trend(
    summary: pd.DataFrame,
    *,
    rate: str = "absence_rate",
    calendar: "Calendar | None" = None,
    suppress: int | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """A rate week by week, with holidays shaded and terms named.

    Parameters
    ----------
    summary
        ``summarise(marks, by="week")``, or by one more column, which makes a line each: at most seven.
    rate
        Which rate, in per cent.
    calendar
        The school's days, to shade holidays and name terms.
    suppress
        Hide points of fewer students than this.
    title, ax
        The title, and where to draw; a new figure unless given.

    Returns
    -------
    Axes
        Weeks without a rate are gaps, not zeros.

    Raises
    ------
    BadArgumentError
        A column is not there, or there are more than seven lines.
    """
    need(summary, ["week", "students", rate], "attendance_trend", 'summarise(marks, by="week")')
    name = rate_name(rate)
    ax = axes(ax, 10, 4.2)
    others = [column for column in summary.columns[: summary.columns.get_loc("students")] if column != "week"]
    if len(others) > 1:
        raise BadArgumentError(f"attendance_trend draws one line per group: give one of {', '.join(others)} and week.")
    hidden = hide(summary["students"], suppress)
    shown = summary.assign(**{rate: summary[rate].mask(hidden)})
    groups = list(shown.groupby(others[0], dropna=False, observed=True, sort=False)) if others else [("", shown)]
    if len(groups) > _MOST_LINES:
        raise BadArgumentError(
            f"attendance_trend tells {_MOST_LINES} lines apart, not {len(groups)}: choose some groups."
        )
    below = f"{unit(rate)}; {students_said(summary['students'][~hidden])} a week{hidden_said(hidden, suppress)}"
    heading(ax, title or f"{name} by week", below)
    if not shown[rate].notna().any():
        nothing(ax, hidden=bool(hidden.any()))
        return ax
    plain(ax)
    for number, (label, rows) in enumerate(groups):
        # Every week of the span has its place, so that a line breaks where the school was shut.
        weeks = pd.date_range(rows["week"].min(), rows["week"].max(), freq="7D")
        line = rows.set_index("week")[rate].reindex(weeks)
        label = label[0] if isinstance(label, tuple) else label
        ax.plot(
            line.index.to_numpy(),
            line.to_numpy(),
            color=COLOURS[number],
            linestyle=STYLES[number % len(STYLES)],
            marker=MARKERS[number],
            markersize=3.5,
            linewidth=1.6,
            label="(missing)" if others and pd.isna(label) else str(label),
        )
    if others:
        ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    _scale(ax, rate)
    if calendar is not None:
        _shade(ax, calendar, shown["week"].min(), shown["week"].max() + pd.Timedelta(days=7))
    ax.set(xlabel="Week beginning", ylabel=f"{name} (%)")
    _dates(ax, shown["week"])
    return ax


def attendance_heat_map(
    summary: pd.DataFrame,
    *,
    rate: str = "absence_rate",
    suppress: int | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """A rate by weekday and session, as numbers on colours.

    Parameters
    ----------
    summary
        ``weekday_session(marks)``.
    rate, suppress, title, ax
        As for :func:`attendance_trend`.

    Returns
    -------
    Axes
        Cells without a possible session are hatched, and no colour stands for them.
    """
    need(summary, ["weekday", "session", "students", rate], "attendance_heat_map", "weekday_session(marks)")
    lone(summary, ["weekday", "session"], "attendance_heat_map")
    name = rate_name(rate)
    ax = axes(ax, 7, 2.9)
    hidden = hide(summary["students"], suppress)
    below = f"{unit(rate)}; {students_said(summary['students'][~hidden])}{hidden_said(hidden, suppress)}"
    heading(ax, title or f"{name} by weekday and session", below)
    shown = summary.assign(**{rate: summary[rate].mask(hidden)})
    if not shown[rate].notna().any():
        nothing(ax, hidden=bool(hidden.any()))
        return ax
    cells = shown.astype({"session": "str"}).pivot(index="session", columns="weekday", values=rate)
    grid = summary.assign(small=hidden.astype("int64")).astype({"session": "str"})
    small = grid.pivot(index="session", columns="weekday", values="small").to_numpy() == 1
    values = np.ma.masked_invalid(cells.to_numpy(dtype=float))
    middle = (float(values.min()) + float(values.max())) / 2
    # A scale of less than a point would make noise look like a pattern.
    low, high = min(float(values.min()), middle - 0.5), max(float(values.max()), middle + 0.5)
    image = ax.imshow(values, cmap="cividis", aspect="auto", vmin=low, vmax=high)
    for (row, column), value in np.ndenumerate(cells.to_numpy(dtype=float)):
        if np.isnan(value):
            text = f"under {suppress}" if small[row, column] else "none"
            ax.add_patch(_hatched(column - 0.5, row - 0.5))
            ax.text(column, row, text, ha="center", va="center", fontsize=9, color=GREY, backgroundcolor="white")
        else:
            dark = low + 0.55 * (high - low) > value
            ax.text(
                column, row, f"{value:.1f}", ha="center", va="center", color="white" if dark else "black", fontsize=11
            )
    ax.set_xticks(range(len(cells.columns)), [str(day) for day in cells.columns])
    ax.set_yticks(range(len(cells.index)), [str(half) for half in cells.index])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(image, ax=ax, label=f"{name} (%)", shrink=0.9)
    return ax


def attendance_cumulative(
    frame: pd.DataFrame,
    *,
    rate: str = "attendance_rate",
    suppress: int | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """A rate since the year began, one line per academic year, aligned by school week.

    Parameters
    ----------
    frame
        ``cumulative(marks, calendar)``, of one group.
    rate, suppress, title, ax
        As for :func:`attendance_trend`.
    """
    need(
        frame,
        ["academic_year", "school_week", "students", rate],
        "attendance_cumulative",
        "cumulative(marks, calendar)",
    )
    lone(frame, ["academic_year", "school_week"], "attendance_cumulative")
    name = rate_name(rate)
    ax = axes(ax, 8.5, 4.2)
    hidden = hide(frame["students"], suppress)
    below = (
        f"{unit(rate)} since the year began; {students_said(frame['students'][~hidden])}{hidden_said(hidden, suppress)}"
    )
    heading(ax, title or f"{name} as the year goes on", below)
    shown = frame.assign(**{rate: frame[rate].mask(hidden)})
    if not shown[rate].notna().any():
        nothing(ax, hidden=bool(hidden.any()))
        return ax
    plain(ax)
    years = sorted(shown["academic_year"].astype(str).unique(), reverse=True)
    if len(years) > _MOST_LINES:
        raise BadArgumentError(f"attendance_cumulative tells {_MOST_LINES} years apart, not {len(years)}.")
    for number, year in enumerate(years):
        rows = shown[shown["academic_year"].astype(str).eq(year)]
        weeks, values = rows["school_week"].to_numpy(dtype=float), rows[rate].to_numpy()
        ax.plot(weeks, values, color=COLOURS[number], linestyle=STYLES[number % len(STYLES)], label=year,
                linewidth=2.4 if number == 0 else 1.6, marker=MARKERS[number], markersize=3)  # fmt: skip
        last = rows[rows[rate].notna()].tail(1)
        for week, value in zip(last["school_week"], last[rate], strict=True):
            ax.annotate(f"{value:.1f}", (float(week), value), xytext=(5, 0), textcoords="offset points", va="center",
                        fontsize=9, color=COLOURS[number])  # fmt: skip
    ax.legend(frameon=False, fontsize=9, title="Academic year", title_fontsize=9)
    _scale(ax, rate)
    ax.set(xlabel="School week (weeks in which the school is open)", ylabel=f"{name} (%)")
    ax.locator_params(axis="x", integer=True)
    ax.set_xlim(0, float(shown["school_week"].max()) + 3)
    return ax


def _scale(ax: "Axes", rate: str) -> None:
    """Absence from zero; attendance up to a hundred at most, from below its lowest."""
    low, high = ax.get_ylim()
    if rate == "attendance_rate":
        ax.set_ylim(max(min(low, high - 2), 0), min(high, 100))
    else:
        ax.set_ylim(0, min(max(high, 1), 101))


def _shade(ax: "Axes", calendar: "Calendar", first: pd.Timestamp, last: pd.Timestamp) -> None:
    # A point stands on the first day of its week, so a shaded week reaches half a week to either side of it.
    half = pd.Timedelta(days=3.5)
    shut = calendar.shut_weeks()
    for start, end in zip(shut["start"], shut["end"], strict=True):
        if end >= first and start <= last:
            ax.axvspan(start - half, end + half, color=PALE, linewidth=0, zorder=0)
    # A term of which only a few weeks are seen has no room for its name, and many terms have little each.
    crowded = len(calendar.terms) > 3
    for name, start, end in zip(*(calendar.terms[column] for column in ("term", "start", "end")), strict=True):
        seen = (max(start, first), min(end, last))
        if seen[1] - seen[0] > (last - first) * 0.1:
            text = str(name).replace(" ", "\n", 1) if crowded else str(name)
            ax.annotate(text, (seen[0] + (seen[1] - seen[0]) / 2, 1), xycoords=("data", "axes fraction"),
                        xytext=(0, -4), textcoords="offset points", ha="center", va="top", fontsize=8,
                        color=GREY)  # fmt: skip
    ax.set_xlim(first - half, last)  # type: ignore[arg-type]
    # Room for the names above the lines, but no scale: nothing is above 100 per cent.
    low, high = ax.get_ylim()
    ax.set_yticks([tick for tick in ax.get_yticks() if low <= tick <= min(high, 100)])
    ax.set_ylim(low, high + (high - low) * 0.15)


def _dates(ax: "Axes", weeks: pd.Series) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    few = sorted(weeks.unique())
    if len(few) <= _FEW_WEEKS:
        ax.set_xticks(few, [f"{week.day} {week:%b}" for week in few])
        return
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _hatched(x: float, y: float) -> "Rectangle":
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), 1, 1, facecolor="white", edgecolor="#BBBBBB", hatch="///", linewidth=0)
