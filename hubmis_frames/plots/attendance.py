"""Attendance and absence over time: the trend, the weekday and session, and one year beside another."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..analysis.calendar import Calendar, check_calendar
from ..errors import BadArgumentError
from ._readable import readable
from ._style import (
    COLOURS,
    GREY,
    MARKERS,
    PALE,
    STYLES,
    font_size,
    legend_beside,
    points_available,
    rate_label,
    rate_name,
    require_one_group,
    require_result,
    shorten,
    start_plot,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

_FEW_WEEKS = 10


@readable
def attendance_trend(
    summary: pd.DataFrame,
    *,
    rate: str = "absence_rate",
    calendar: Calendar | None = None,
    suppress_below: int | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a rate week by week, with holidays shaded and terms named.

    Parameters
    ----------
    summary
        The result of ``hf.attendance.summarise(marks, by="week")``, or by one more column, with a line for each of its
        values, at most seven.
    rate
        The column to draw, in per cent, such as ``"attendance_rate"`` or ``"persistent_absence_rate"``. The line below
        the title says per cent of what.
    calendar
        The school's days, to shade weeks in which it is shut and to name terms.
    suppress_below
        Hide rates of fewer students than this, 2 or more, and further ones that would give them away
        (:func:`hubmis_frames.suppress`). None, the default, hides nothing.
    title, ax
        The title, and the axes to draw on; a new figure if not given. Units and numbers of students always stay below
        the title.

    Returns
    -------
    Axes
        A line per group over the first days of the weeks. Weeks without a rate, because the school is shut or the rate
        is hidden, are gaps and not zeros. The axis of absence begins at 0; that of attendance does not, and says so.

    Raises
    ------
    BadArgumentError
        A column is missing, there is no such rate, or there are more than seven lines.
    """
    require_result(summary, ["week", "students", rate], "attendance_trend", 'hf.attendance.summarise(marks, by="week")')
    if calendar is not None:
        check_calendar(calendar, "attendance_trend")
    others = [column for column in summary.columns[: summary.columns.get_loc("students")] if column != "week"]
    if len(others) > 1:
        raise BadArgumentError(f"attendance_trend draws one line per group: give one of {', '.join(others)} and week.")
    name = rate_name(rate)
    groups = summary.groupby(others, dropna=False, observed=True, sort=False) if others else [("", summary)]
    _check_lines("attendance_trend", len(groups))
    ax, shown = start_plot(
        summary, rate, ax, (10, 4.2),
        title=title or f"{name} by week", suppress_below=suppress_below,
        of=" a week in each line" if others else " a week",
    )  # fmt: skip
    if shown[rate].isna().all():
        return ax
    style_axes(ax)
    for number, (_, rows) in enumerate(groups):
        # Every week of the span has a place, so that the line breaks where the school was shut.
        weeks = pd.date_range(rows["week"].min(), rows["week"].max(), freq="7D")
        line = shown.loc[rows.index].set_index("week")[rate].reindex(weeks)
        name_of_line = str(rows[others[0]].iloc[0]) if others and rows[others[0]].notna().all() else "(missing)"
        _line(ax, number, line.index, line, name_of_line)
    if others:
        legend_beside(ax, others[0].removesuffix("_name").replace("_", " ").capitalize())
    _scale(ax, rate)
    first, last = shown["week"].min(), shown["week"].max()
    shaded = calendar is not None and _shade(ax, calendar, first, last + pd.Timedelta(days=7))
    ax.set_xlabel("Week beginning" + ("; grey: school shut" if shaded else ""))
    ax.set_ylabel(rate_label(ax, name, ax.get_ylim()[0]))
    _dates(ax, shown["week"])
    return ax


@readable
def attendance_heat_map(
    summary: pd.DataFrame,
    *,
    rate: str = "absence_rate",
    suppress_below: int | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a rate by weekday and session, as numbers on colours.

    Parameters
    ----------
    summary
        The result of ``hf.attendance.summarise(marks, by=["weekday", "session"])`` for one group.
    rate, suppress_below, title, ax
        As for :func:`attendance_trend`.

    Returns
    -------
    Axes
        A row per session, a column per weekday and the rate in per cent in each cell. The colours run from the lowest
        rate to the highest, at least one percentage point. Cells that are hidden or have no possible session are
        hatched and labelled.

    Raises
    ------
    BadArgumentError
        A column is missing, there is no such rate, or the summary holds several groups.
    """
    made_by = 'hf.attendance.summarise(marks, by=["weekday", "session"])'
    require_result(summary, ["weekday", "session", "students", rate], "attendance_heat_map", made_by)
    require_one_group(summary, ["weekday", "session"], "attendance_heat_map")
    name = rate_name(rate)
    ax, shown = start_plot(
        summary, rate, ax, (7, 2.9), title=title or f"{name} by weekday and session", suppress_below=suppress_below,
        of=" in each cell",
    )  # fmt: skip
    if shown[rate].isna().all():
        return ax
    shown = shown.astype({"session": "str"})
    cells, small = (
        shown.pivot(index="session", columns="weekday", values=column).astype(float) for column in (rate, "hidden")
    )
    values = np.ma.masked_invalid(cells.to_numpy())
    low, high = _colour_range(float(values.min()), float(values.max()))
    image = ax.imshow(values, cmap="cividis", aspect="auto", vmin=low, vmax=high)
    size = font_size(points_available(ax, len(cells.columns)) / 3, 11)
    for (row, column), value in np.ndenumerate(cells.to_numpy()):
        if np.isnan(value):
            ax.add_patch(_hatched(column - 0.5, row - 0.5))
            text = "hidden" if small.iat[row, column] == 1 else "no\nsessions"
            ax.text(column, row, text, ha="center", va="center", fontsize=0.8 * size, color=GREY,
                    bbox={"facecolor": "white", "linewidth": 0, "pad": 2})  # fmt: skip
        else:
            ink = "white" if value < (low + high) / 2 else "black"
            ax.text(column, row, f"{value:.1f}", ha="center", va="center", color=ink, fontsize=size)
    ax.set_xticks(range(len(cells.columns)), [str(day) for day in cells.columns], fontsize=min(9, size))
    ax.set_yticks(range(len(cells.index)), [str(half) for half in cells.index])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(image, ax=ax, label=f"{name} (%)", shrink=0.9)
    return ax


@readable
def attendance_cumulative(
    frame: pd.DataFrame,
    *,
    rate: str = "attendance_rate",
    suppress_below: int | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a rate since the year began, one line per academic year, aligned by school week.

    Parameters
    ----------
    frame
        The result of ``hf.attendance.cumulative(marks)`` for one group.
    rate
        ``"attendance_rate"``, ``"absence_rate"`` or ``"unauthorised_rate"``, in per cent since the year began.
    suppress_below, title, ax
        As for :func:`attendance_trend`.

    Returns
    -------
    Axes
        A line per academic year over school weeks, so that the same stage of two years has the same place. The legend
        gives the last figure of each year. The axis of attendance does not begin at 0, and says so.

    Raises
    ------
    BadArgumentError
        A column is missing, there is no such rate, or the frame holds several groups or more than seven years.
    """
    needed = ["academic_year", "school_week", "students", rate]
    require_result(frame, needed, "attendance_cumulative", "hf.attendance.cumulative(marks)")
    require_one_group(frame, ["academic_year", "school_week"], "attendance_cumulative")
    name = rate_name(rate)
    years = sorted(frame["academic_year"].astype("str").unique(), reverse=True)
    _check_lines("attendance_cumulative", len(years))
    ax, shown = start_plot(
        frame, rate, ax, (9.5, 4.2), title=title or f"{name} as the year goes on", suppress_below=suppress_below,
        how=" since the year began", of=" a week",
    )  # fmt: skip
    if shown[rate].isna().all():
        return ax
    style_axes(ax)
    for number, year in enumerate(years):
        rows = shown[shown["academic_year"].astype("str").eq(year)]
        # The legend has the last figures, as those of two years may overlap.
        last = rows[rows[rate].notna()].tail(1)
        end = [
            f"{year}: {value:.1f} %, week {week}" for week, value in zip(last["school_week"], last[rate], strict=True)
        ]
        _line(ax, number, rows["school_week"].astype(float), rows[rate], *end or [f"{year}: nothing to show"])
    legend_beside(ax, "Academic year")
    _scale(ax, rate)
    ax.set(xlabel="School week (weeks in which the school is open)", ylabel=rate_label(ax, name, ax.get_ylim()[0]))
    ax.locator_params(axis="x", integer=True)
    ax.set_xlim(0, float(shown["school_week"].max()) + 1)
    return ax


def _check_lines(caller: str, number: int) -> None:
    if number > len(COLOURS):
        raise BadArgumentError(f"{caller} draws at most {len(COLOURS)} lines, not {number}: choose some.")


def _line(ax: "Axes", number: int, x: "pd.Index | pd.Series", y: pd.Series, label: str) -> None:
    """Draw a line that differs from others in colour, marker and style, and is not cut at 0 and 100 per cent."""
    ax.plot(
        x.to_numpy(),
        y.to_numpy(),
        color=COLOURS[number],
        linestyle=STYLES[number % len(STYLES)],
        linewidth=1.6 if number else 2.2,
        marker=MARKERS[number],
        markersize=4 if len(y) <= 20 else 2.5,
        label=f" {label}",
        clip_on=False,
        zorder=3,
    )


def _colour_range(low: float, high: float) -> tuple[float, float]:
    """A scale of at least one point, so that noise does not look like a pattern, and within 0 to 100 per cent."""
    low = max(0.0, min(low, (low + high) / 2 - 0.5, 99))
    return low, min(100.0, max(high, low + 1))


def _scale(ax: "Axes", rate: str) -> None:
    """Begin the axis of absence at 0, and that of attendance below its lowest value."""
    low, high = ax.get_ylim()
    if rate == "attendance_rate":
        ax.set_ylim(max(min(low, high - 2), 0), min(high, 100))
    else:
        ax.set_ylim(0, min(max(high, 1), 100))


def _shade(ax: "Axes", calendar: Calendar, first: pd.Timestamp, last: pd.Timestamp) -> bool:
    """Shade weeks in which the school is shut and name the terms; return whether any week is shaded."""
    # A point stands on the first day of its week, so a shaded week reaches half a week to either side of it.
    half = pd.Timedelta(days=3.5)
    shut = calendar.shut_weeks()
    shut = shut[(shut["end"] >= first) & (shut["start"] <= last)]
    for start, end in zip(shut["start"], shut["end"], strict=True):
        ax.axvspan(start - half, end + half, color=PALE, linewidth=0, zorder=0)
    # A term with only a few weeks in the picture has no room for its name, and many terms have little each.
    crowded = len(calendar.terms) > 3
    for name, start, end in zip(*(calendar.terms[column] for column in ("term", "start", "end")), strict=True):
        seen = (max(start, first), min(end, last))
        if seen[1] - seen[0] > (last - first) * 0.1:
            name = shorten(name, 24)
            text = name.replace(" ", "\n", 1) if crowded else name
            ax.annotate(text, (seen[0] + (seen[1] - seen[0]) / 2, 1), xycoords=("data", "axes fraction"),
                        xytext=(0, -4), textcoords="offset points", ha="center", va="top", fontsize=8,
                        color=GREY).set_in_layout(False)  # fmt: skip
    ax.set_xlim(first - half, last)  # type: ignore[arg-type]
    # Room for the names above the lines, but without ticks: no value is above 100 per cent.
    low, high = ax.get_ylim()
    ax.set_yticks([tick for tick in ax.get_yticks() if low <= tick <= min(high, 100)])
    ax.set_ylim(low, high + (high - low) * 0.15)
    return bool(len(shut))


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
