"""Wellbeing as pictures: events by category over time, and one student's record."""

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from ._readable import readable
from ._style import (
    COLOURS,
    GREY,
    MARKERS,
    PALE,
    axes,
    draw_empty,
    font_size,
    heading,
    legend_beside,
    number_of_students,
    points_available,
    quantity,
    require_result,
    row_names,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

_PERIODS = {"week": "%d %b %y", "month": "%b %y", "term": "", "half_term": "", "academic_year": "", "weekday": ""}
_FIGURES = {
    "events": ("Events", "{:,.0f}"),
    "students_concerned": ("Students concerned", "{:,.0f}"),
    "events_per_100_students": ("Events per 100 students", "{:,.1f}"),
    "concerned_rate": ("Students concerned per 100 students", "{:,.1f}"),
}
_COUNTS = ("events", "students_concerned")
_MARGIN = pd.Timedelta(days=14)
_LANE = 0.36  # how far a lane's content reaches to either side, as a share of its height
_LANES = {
    "wellbeing_plan": "Plan: {}",
    "learning_support_begins": "Learning support: {}",
    "learning_support_ends": "Learning support: {}",
}
_HATCH = "#ADADAD"


@readable
def wellbeing_by_category(
    summary: pd.DataFrame, *, value: str = "events", title: str | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw events by category and period as a table in which darker cells hold larger figures.

    Parameters
    ----------
    summary
        What ``hf.wellbeing.summarise(events, [period, "category_name"], ...)`` returned, with ``"week"``, ``"month"``,
        ``"term"``, ``"half_term"``, ``"academic_year"`` or ``"weekday"`` as the period, and any one other column for
        the rows.
    value
        ``"events"``, ``"students_concerned"``, ``"events_per_100_students"`` or ``"concerned_rate"``.
    title, ax
        Your own title, and the axes to draw on. Without ``ax`` a new figure is made. The numbers below the title are
        always drawn.

    Returns
    -------
    Axes
        A row per category and a column per period. Categories with most events come first; other rows, and all rows if
        a figure is hidden, keep the order of the summary. The figure stands in its cell if there is room. Zero is a
        pale cell with 0. A hidden or missing figure is a hatched cell without a number.

    Raises
    ------
    BadArgumentError
        The frame lacks the figure or a period, or does not have exactly one column beside the period.
    """
    period, row = _keys_of(summary, value)
    table, periods = _as_table(summary, period, row, value)
    label, number_format = _FIGURES[value]
    height, width = table.shape
    ax = axes(ax, min(16, max(7.5, 3.6 + 0.46 * width)), 1.9 + 0.36 * max(height, 3))
    hatched = "" if table.notna().all(axis=None) else "; hatched: hidden or missing"
    outside = int(summary.loc[summary[period].isna(), "events"].sum())
    undrawn = f"; {quantity(outside, 'event')} in no {_words(period)}" if outside else ""
    heading(ax, title or f"{label} by {_words(row)} and {_words(period)}", _size(summary) + undrawn + hatched)
    if table.empty:
        draw_empty(ax, "no events")
        return ax
    values = table.to_numpy(float)
    # A single event should not get the darkest shade.
    darkest = max([*values[np.isfinite(values)], 5.0 if value in _COUNTS else 1.0])
    mesh = _draw_cells(ax, values, darkest)
    row_height, column_width = points_available(ax, height, down=True), 0.85 * points_available(ax, width)
    _write_figures(ax, values, darkest, number_format, row_height, column_width)
    every = math.ceil(6.5 / row_height)  # fewer names if there is no room to read all
    ax.set_yticks(np.arange(0, height, every) + 0.5, row_names(table.index, row_height)[::every])
    _name_periods(ax, [_period_name(value, period) for value in periods], column_width)
    ax.invert_yaxis()
    ax.tick_params(length=0, labelsize=8)
    ax.tick_params(axis="y", labelsize=font_size(row_height * every, 8))
    ax.spines[:].set_visible(False)
    if np.isfinite(values).any():
        _add_scale(ax, mesh, label, whole_numbers=value in _COUNTS)
    return ax


@readable
def student_timeline(
    timeline: pd.DataFrame,
    *,
    attendance: pd.DataFrame | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw one student's record in order of date: events, plans and learning support.

    Parameters
    ----------
    timeline
        What ``hf.wellbeing.timeline(events, student_id, ...)`` returned.
    attendance
        The same student's attendance by week, which is drawn below: ``week`` and ``attendance_rate``, as
        ``hf.attendance.summarise(marks, "week")`` returns them for this student's marks.
    title, ax
        Your own title, and the axes to draw on. Without ``ax`` a new figure is made. The numbers below the title are
        always drawn.

    Returns
    -------
    Axes
        A lane per category of event, plan and learning support. The marker and colour of an event show its severity; a
        hollow marker is an event that is no longer active. A learning support record is a line from its beginning to
        its end, or an arrow if only one of the two is known. The lowest lane shows absence by week and is 100 per cent
        high: a week without possible sessions has no bar, and a fully attended week has a line at the bottom.

    Raises
    ------
    BadArgumentError
        A column is missing, or the frame holds several students.
    """
    import matplotlib.dates as mdates

    columns = ["student_id", "date", "what", "name", "severity_id", "severity_name", "status"]
    require_result(timeline, columns, "student_timeline", "hf.wellbeing.timeline")
    students = timeline["student_id"].dropna().unique()
    if len(students) > 1:
        raise BadArgumentError(
            "student_timeline: the frame holds several students. Give what hf.wellbeing.timeline returns for one."
        )
    dated = timeline[timeline["date"].notna()]
    lane_names = _lane_names(dated)
    lanes = list(dict.fromkeys(lane_names))
    weeks = None if attendance is None else _weeks(attendance)
    height = len(lanes) + (weeks is not None)
    ax = axes(ax, 10, 1.9 + 0.36 * max(height, 3))
    who = f"Student {students[0]}" if len(students) else "A student"
    undated = len(timeline) - len(dated)
    count = quantity(len(dated), "entry", "entries") + (f" and {undated} without a date" if undated else "")
    heading(ax, title or f"{who}: what is on record", f"1 student; {count}")
    if not height:
        draw_empty(ax, "no entry has a date" if undated else "no entries")
        return ax
    lane_numbers = lane_names.map({lane: number for number, lane in enumerate(lanes)})
    support = dated["what"].str.startswith("learning_support")
    _draw_support(ax, dated[support], lane_numbers[support])
    _draw_events(ax, dated[~support], lane_numbers[~support])
    if weeks is not None:
        _draw_absence(ax, weeks, bottom=len(lanes) + _LANE)
    row_height = points_available(ax, height, down=True)
    every = math.ceil(6.5 / row_height)  # fewer names if there is no room to read all
    names = row_names(lanes, row_height)
    names += ["Absence by week\n(0 to 100 % of sessions)"] if weeks is not None else []
    ax.set_yticks(range(0, height, every), names[::every], fontsize=font_size(row_height * every, 8))
    ax.set_ylim(height - 0.4, -0.6)
    dates = pd.concat([dated["date"], *([weeks["week"]] if weeks is not None else [])])
    # At least 90 days, so that the axis of a single entry does not show hours.
    margin = max(_MARGIN, (pd.Timedelta(days=90) - (dates.max() - dates.min())) / 2)
    ax.set_xlim(dates.min() - margin, dates.max() + margin)
    locator = mdates.AutoDateLocator(minticks=3, maxticks=14)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    ax.set_xlabel("Date")
    ax.grid(axis="x", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def _keys_of(summary: pd.DataFrame, value: str) -> tuple[str, str]:
    """Return the names of the period and of the other column of a summary."""
    if value not in _FIGURES:
        raise BadArgumentError(f"wellbeing_by_category: value is one of {', '.join(_FIGURES)}, not {value!r}.")
    require_result(
        summary, ["events", "students", "suppressed", value], "wellbeing_by_category", "hf.wellbeing.summarise"
    )
    figures = {*_FIGURES, "students", "unlisted", "suppressed"}
    keys = [str(name) for name in summary if name not in figures]
    periods = [name for name in keys if name in _PERIODS]
    if len(keys) != 2 or len(periods) != 1:
        raise BadArgumentError(
            f"wellbeing_by_category: give a summary by one period ({', '.join(_PERIODS)}) and one other column, "
            f"not by {', '.join(keys) or 'nothing'}."
        )
    return periods[0], next(name for name in keys if name != periods[0])


def _as_table(summary: pd.DataFrame, period: str, row: str, value: str) -> tuple[pd.DataFrame, list[object]]:
    """Return categories by periods, and the periods in order. Rows without a period cannot be drawn."""
    dated = summary[summary[period].notna()]
    order = list(dated[period].drop_duplicates())
    named = dated.assign(_row=dated[row].astype("str").where(dated[row].notna(), "(none)"))
    table = named.pivot(index="_row", columns=period, values=value)[order].astype(float)
    table = table.loc[list(named["_row"].drop_duplicates())]
    if row == "category_name" and not summary["suppressed"].any():
        total = named.groupby("_row")["events"].sum().astype(float)[table.index]
        table = table.loc[total.sort_values(ascending=False, kind="stable").index]
    return table, order


def _size(summary: pd.DataFrame) -> str:
    """Say how many events and students a summary covers."""
    hidden = bool(summary["suppressed"].any())
    events = quantity(int(summary["events"].sum()), "event") + (" shown" if hidden else "")
    if len(summary) and summary["events"].isna().all():
        return "no figure is shown"
    known = summary["students"].dropna()
    if known.empty:
        return f"{events}, number of students not given"
    return f"{events}, {number_of_students(known)} in each row"


def _draw_cells(ax: "Axes", values: "npt.NDArray[np.float64]", darkest: float) -> "QuadMesh":
    """Shade the cells by their figure, and hatch those without one."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    shades = LinearSegmentedColormap.from_list("pale to dark blue", ["#F4F8FB", COLOURS[0]])
    mesh = ax.pcolormesh(np.ma.masked_invalid(values), cmap=shades, vmin=0, vmax=darkest, edgecolors="white")
    mesh.set_linewidth(1.2 if values.shape[1] <= 30 else 0.3)
    for y, x in np.argwhere(~np.isfinite(values)):
        ax.add_patch(Rectangle((x, y), 1, 1, facecolor="white", edgecolor=_HATCH, hatch="////", linewidth=0))
    return mesh


def _write_figures(
    ax: "Axes",
    values: "npt.NDArray[np.float64]",
    darkest: float,
    number_format: str,
    row_height: float,
    column_width: float,
) -> None:
    """Write each figure into its cell, unless the cells are too small to read it."""
    longest = max((len(number_format.format(value)) for value in values[np.isfinite(values)]), default=1)
    size = min(8, 0.7 * row_height, column_width / (0.65 * max(longest, 2)))
    if size < 5:
        return
    for y, x in np.argwhere(np.isfinite(values)):
        colour = "white" if values[y, x] > 0.75 * darkest else "#222222"
        text = number_format.format(values[y, x])
        ax.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=size, color=colour)


def _name_periods(ax: "Axes", names: list[str], column_width: float) -> None:
    """Name the columns, upright if there is room and slanted otherwise."""
    import matplotlib.pyplot as plt

    upright = column_width >= 5 * min(14, max(map(len, names)))
    every = 1 if upright else math.ceil(13 / column_width)
    if upright:
        names = [textwrap.fill(name, 14) for name in names]
    ax.set_xticks(np.arange(0, len(names), every) + 0.5, names[::every], rotation=0 if upright else 45)
    plt.setp(ax.get_xticklabels(), ha="center" if upright else "right", rotation_mode="anchor")
    # With an anchor, "center" would put the middle of an upright label on the axis.
    plt.setp(ax.get_xticklabels(), va="top" if upright else "center")


def _add_scale(ax: "Axes", mesh: "QuadMesh", label: str, *, whole_numbers: bool) -> None:
    """Add the scale of shades on the right."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, fraction=0.04)
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    bar.formatter = StrMethodFormatter("{x:,g}")
    if whole_numbers:
        bar.locator = MaxNLocator(integer=True)
    bar.update_ticks()


def _lane_names(dated: pd.DataFrame) -> pd.Series:
    """Return the lane of each entry, those of events before those of plans and of learning support."""
    name = dated["name"].fillna("(no category)")
    forms = dated["what"].map(_LANES)
    filled = [form.format(text) if isinstance(form, str) else text for form, text in zip(forms, name, strict=True)]
    rank = dated["what"].map({"wellbeing_plan": 1, "learning_support_begins": 2, "learning_support_ends": 2}).fillna(0)
    lanes = pd.Series(filled, index=dated.index, dtype="str")
    return lanes.iloc[np.argsort(rank.to_numpy(), kind="stable")]


def _draw_events(ax: "Axes", rows: pd.DataFrame, lane_numbers: pd.Series) -> None:
    """Draw events and plans with a marker and a colour for each severity, filled while active."""
    with_severity = rows.dropna(subset="severity_name").sort_values(["severity_id", "severity_name"])
    levels: list[str | None] = list(dict.fromkeys(with_severity["severity_name"]))
    for number, level in enumerate([*levels, None] if rows["severity_name"].isna().any() else levels):
        of_level = rows["severity_name"].isna() if level is None else rows["severity_name"].eq(level).fillna(False)
        colour = "#000000" if level is None else COLOURS[number % (len(COLOURS) - 1)]
        active = rows["status"].str.casefold().eq("active").fillna(False)
        for filled in (True, False):
            part = rows[of_level & (active == filled)]
            ax.scatter(
                part["date"], lane_numbers[part.index], s=58, marker=MARKERS[number % len(MARKERS)], linewidths=1.6,
                facecolors=colour if filled else "white", edgecolors=colour, zorder=3,
            )  # fmt: skip
        ax.scatter(
            [], [], s=40, marker=MARKERS[number % len(MARKERS)], color=colour,
            label=" not given" if level is None else f" {level}",
        )  # fmt: skip
    if len(rows):
        ax.scatter([], [], s=40, marker="o", facecolors="white", edgecolors=GREY, label="hollow: not active")
        legend_beside(ax, "Severity")


def _draw_absence(ax: "Axes", weeks: pd.DataFrame, bottom: float) -> None:
    """Draw absence by week as bars that grow upwards from the bottom of their lane."""
    with_sessions = weeks[weeks["attendance_rate"].notna()]
    monday = with_sessions["week"]
    absence = (100 - with_sessions["attendance_rate"].astype(float)) / 100 * 2 * _LANE
    ax.axhspan(bottom - 2 * _LANE, bottom, color="#F2F2F2", linewidth=0, zorder=0)
    ax.bar(monday, -absence, width=6, bottom=bottom, align="edge", color=GREY)
    ax.hlines(np.full(len(monday), bottom), monday, monday + pd.Timedelta(days=6), color=GREY, lw=1)


def _draw_support(ax: "Axes", rows: pd.DataFrame, lane_numbers: pd.Series) -> None:
    """Draw each learning support record as a bar from its beginning to its end, or an arrow if only one is known."""
    key = "learning_support_record_id"
    rows = rows.assign(lane=lane_numbers)
    is_end = rows["what"].eq("learning_support_ends")
    ends = rows.loc[is_end, [key, "date"]].drop_duplicates(key)
    ends_only = rows[is_end & ~rows[key].isin(rows.loc[~is_end, key])]
    ax.plot(ends_only["date"], ends_only["lane"], marker="<", linestyle="", markersize=7, color=COLOURS[2])
    begins = rows[rows["what"] == "learning_support_begins"].merge(ends, how="left", on=key, suffixes=("", "_of_end"))
    for lane, first, last in zip(begins["lane"], begins["date"], begins["date_of_end"], strict=True):
        if pd.isna(last):
            ax.plot([first], [lane], marker=">", markersize=7, color=COLOURS[2])
        else:
            ax.plot([first, last], [lane, lane], color=COLOURS[2], linewidth=4, solid_capstyle="butt")


def _weeks(attendance: pd.DataFrame) -> pd.DataFrame:
    """Return one student's attendance by week, checked."""
    require_result(
        attendance, ["week", "attendance_rate"], "student_timeline", 'hf.attendance.summarise(marks, "week")'
    )
    if attendance["week"].duplicated().any():
        raise BadArgumentError("student_timeline: attendance has several rows for a week. Give one student's.")
    return attendance


def _period_name(value: object, period: str) -> str:
    return value.strftime(_PERIODS[period]) if isinstance(value, pd.Timestamp) else str(value)


def _words(name: str) -> str:
    return name.removesuffix("_name").replace("_", " ")
