"""Wellbeing as pictures: events by category over time, and one student's record."""

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import BadArgumentError
from ._style import (
    COLOURS,
    GREY,
    MARKERS,
    PALE,
    axes,
    counted,
    fitting,
    heading,
    legend_beside,
    need,
    nothing,
    room,
    row_names,
    students_said,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PERIODS = {"week": "%d %b %y", "month": "%b %y", "term": "", "half_term": "", "academic_year": "", "weekday": ""}
_FIGURES = {
    "events": ("Events", "{:,.0f}"),
    "students_concerned": ("Students concerned", "{:,.0f}"),
    "events_per_100": ("Events per 100 students", "{:,.1f}"),
    "students_per_100": ("Students concerned per 100 students", "{:,.1f}"),
}
_COUNTS = ("events", "students_concerned")
_MARGIN = pd.Timedelta(days=14)
_LANE = 0.36  # of a lane's height, to either side
_LANES = {
    "wellbeing_plan": "Plan: {}",
    "learning_support_begins": "Learning support: {}",
    "learning_support_ends": "Learning support: {}",
}
_HATCH = "#ADADAD"


def wellbeing_by_category(
    summary: pd.DataFrame, *, value: str = "events", title: str | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw events by category and period as a table whose cells are shaded by their figure.

    Parameters
    ----------
    summary
        What ``hf.wellbeing.summarise(events, [period, "category_name"], ...)`` returned, with ``"week"``, ``"month"``,
        ``"term"``, ``"half_term"``, ``"academic_year"`` or ``"weekday"`` for the period and any one other column for
        the rows.
    value
        ``"events"``, ``"students_concerned"``, ``"events_per_100"`` or ``"students_per_100"``.
    title, ax
        The title, and where to draw; a new figure unless given. The numbers below the title stay.

    Returns
    -------
    Axes
        A row per category, those with most events first (other rows, and all where some figure is hidden, in the order
        of the summary), and a column per period; the figure stands in the cell where there is room. Zero is a pale cell
        with 0; a hidden or missing figure is hatched and never a number.

    Raises
    ------
    BadArgumentError
        The frame has no such period or figure, or not one column beside the period.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    period, row = _keys_of(summary, value)
    table, order = _as_table(summary, period, row, value)
    label, form = _FIGURES[value]
    tall, wide = table.shape
    ax = axes(ax, min(16, max(7.5, 3.6 + 0.46 * wide)), 1.9 + 0.36 * max(tall, 3))
    head = title or f"{label} by {_words(row)} and {_words(period)}"
    hatched = "" if table.notna().all(axis=None) else "; hatched: hidden or missing"
    nowhere = int(summary.loc[summary[period].isna(), "events"].sum())
    beside = f"; {counted(nowhere, 'event')} in no {_words(period)}" if nowhere else ""
    heading(ax, head, _size(summary) + beside + hatched)
    if table.empty:
        nothing(ax, "no events")
        return ax
    values = table.to_numpy(float)
    top = np.nanmax(values) if np.isfinite(values).any() else 0.0
    shades = LinearSegmentedColormap.from_list("from nothing to much", ["#F4F8FB", COLOURS[0]])
    # One event alone is no dark matter.
    full = max(top, 5.0 if value in _COUNTS else 1.0)
    mesh = ax.pcolormesh(np.ma.masked_invalid(values), cmap=shades, vmin=0, vmax=full, edgecolors="white")
    mesh.set_linewidth(1.2 if values.shape[1] <= 30 else 0.3)
    for y, x in np.argwhere(~np.isfinite(values)):
        ax.add_patch(Rectangle((x, y), 1, 1, facecolor="white", edgecolor=_HATCH, hatch="////", linewidth=0))
    longest = max((len(form.format(each)) for each in values[np.isfinite(values)]), default=1)
    high, across = room(ax, tall, down=True), 0.85 * room(ax, wide)
    size = min(8, 0.7 * high, across / (0.65 * max(longest, 2)))
    if size >= 5:
        for y, x in np.argwhere(np.isfinite(values)):
            dark = values[y, x] > 0.75 * full
            text = form.format(values[y, x])
            ax.text(
                x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=size, color="white" if dark else "#222222"
            )
    down = math.ceil(6.5 / high)  # rather some names than none that can be read
    ax.set_yticks(np.arange(0, len(table), down) + 0.5, row_names(table.index, high)[::down])
    names = [_period_name(each, period) for each in order]
    upright = across >= 5 * min(14, max(map(len, names)))
    step = 1 if upright else math.ceil(13 / across)
    if upright:
        names = [textwrap.fill(name, 14) for name in names]
    ax.set_xticks(np.arange(0, len(order), step) + 0.5, names[::step], rotation=0 if upright else 45)
    plt.setp(ax.get_xticklabels(), ha="center" if upright else "right", rotation_mode="anchor")
    # An anchored label is centred on its tick, which for one that stands upright is its middle.
    plt.setp(ax.get_xticklabels(), va="top" if upright else "center")
    ax.invert_yaxis()
    ax.tick_params(length=0, labelsize=8)
    ax.tick_params(axis="y", labelsize=fitting(high * down, 8))
    ax.spines[:].set_visible(False)
    if not np.isfinite(values).any():
        return ax
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, fraction=0.04)
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    bar.formatter = StrMethodFormatter("{x:,g}")
    if value in _COUNTS:
        bar.locator = MaxNLocator(integer=True)
    bar.update_ticks()
    return ax


def student_timeline(
    timeline: pd.DataFrame,
    *,
    attendance: pd.DataFrame | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw what is on record about one student, in order of date.

    Parameters
    ----------
    timeline
        What ``hf.wellbeing.timeline(events, student_id, ...)`` returned.
    attendance
        The same student's attendance by week, to stand below: ``week`` and ``attendance_rate``, as
        ``hf.attendance.summarise(marks, "week")`` gives them for this student's marks.
    title, ax
        The title, and where to draw; a new figure unless given. The numbers below the title stay.

    Returns
    -------
    Axes
        A lane per category of event, plan and learning support; the marker and colour of an event are its severity, a
        hollow one is no longer active. A learning support record is a line from its beginning to its end, or an arrow
        at the one of them that is known. A bar at the foot is a week's absence, its lane 100 per cent high; a week
        without possible sessions has none, and a week fully attended a line at the bottom of the lane.

    Raises
    ------
    BadArgumentError
        A column is not there, or the frame is of several students.
    """
    import matplotlib.dates as mdates

    columns = ["student_id", "date", "what", "name", "severity_id", "severity_name", "status"]
    need(timeline, columns, "student_timeline", "hf.wellbeing.timeline")
    people = timeline["student_id"].dropna().unique()
    if len(people) > 1:
        raise BadArgumentError("student_timeline: the frame is of several students. Give what timeline() returns.")
    dated = timeline[timeline["date"].notna()]
    lane_of = _lane_names(dated)
    lanes = list(dict.fromkeys(lane_of))
    weeks = None if attendance is None else _weeks(attendance)
    height = len(lanes) + (weeks is not None)
    ax = axes(ax, 10, 1.9 + 0.36 * max(height, 3))
    whose = f"Student {people[0]}" if len(people) else "A student"
    undated = len(timeline) - len(dated)
    count = counted(len(dated), "entry", "entries") + (f" and {undated} without a date" if undated else "")
    heading(ax, title or f"{whose}: what is on record", f"1 student; {count}")
    if not height:
        nothing(ax, "no entry has a date" if undated else "no entries")
        return ax
    places = lane_of.map({lane: number for number, lane in enumerate(lanes)})
    support = dated["what"].str.startswith("learning_support")
    _spans(ax, dated[support], places[support])
    _severities(ax, dated[~support], places[~support])
    if weeks is not None:
        floor = len(lanes) + _LANE
        known = weeks[weeks["attendance_rate"].notna()]
        absence = (100 - known["attendance_rate"].astype(float)) / 100 * 2 * _LANE
        ax.axhspan(floor - 2 * _LANE, floor, color="#F2F2F2", linewidth=0, zorder=0)
        ax.bar(known["week"], -absence, width=6, bottom=floor, align="edge", color=GREY)
        ax.hlines(np.full(len(known), floor), known["week"], known["week"] + pd.Timedelta(days=6), color=GREY, lw=1)
    tall = room(ax, height, down=True)
    step = math.ceil(6.5 / tall)  # rather some names than none that can be read
    names = [*row_names(lanes, tall), *(["Absence by week\n(0 to 100 % of sessions)"] if weeks is not None else [])]
    ax.set_yticks(range(0, height, step), names[::step], fontsize=fitting(tall * step, 8))
    ax.set_ylim(height - 0.4, -0.6)
    # One entry alone is not spread over years.
    reached = pd.concat([dated["date"], *([weeks["week"]] if weeks is not None else [])])
    margin = max(_MARGIN, (pd.Timedelta(days=90) - (reached.max() - reached.min())) / 2)
    ax.set_xlim(reached.min() - margin, reached.max() + margin)
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
    """The period and the other column of a summary."""
    if value not in _FIGURES:
        raise BadArgumentError(f"wellbeing_by_category: value is one of {', '.join(_FIGURES)}, not {value!r}.")
    need(summary, ["events", "students", "suppressed", value], "wellbeing_by_category", "hf.wellbeing.summarise")
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
    """Categories down, periods across. What has no date has no place on the way, and is not drawn."""
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
    """How many events and students a summary speaks of, as far as it says."""
    hidden = bool(summary["suppressed"].any())
    events = counted(int(summary["events"].sum()), "event") + (" shown" if hidden else "")
    if len(summary) and summary["events"].isna().all():
        return "no figure is shown"
    known = summary["students"].dropna()
    if known.empty:
        return f"{events}, number of students not given"
    return f"{events}, {students_said(known)} in each row"


def _lane_names(dated: pd.DataFrame) -> pd.Series:
    name = dated["name"].fillna("(no category)")
    forms = dated["what"].map(_LANES)
    full = [form.format(each) if isinstance(form, str) else each for form, each in zip(forms, name, strict=True)]
    rank = dated["what"].map({"wellbeing_plan": 1, "learning_support_begins": 2, "learning_support_ends": 2}).fillna(0)
    lanes = pd.Series(full, index=dated.index, dtype="str")
    return lanes.iloc[np.argsort(rank.to_numpy(), kind="stable")]


def _severities(ax: "Axes", rows: pd.DataFrame, places: pd.Series) -> None:
    """Events and plans: a marker and a colour for each severity, filled while active."""
    known = rows.dropna(subset="severity_name").sort_values(["severity_id", "severity_name"])
    levels: list[str | None] = list(dict.fromkeys(known["severity_name"]))
    for number, level in enumerate([*levels, None] if rows["severity_name"].isna().any() else levels):
        these = rows["severity_name"].isna() if level is None else rows["severity_name"].eq(level).fillna(False)
        colour = "#000000" if level is None else COLOURS[number % (len(COLOURS) - 1)]
        active = rows["status"].str.casefold().eq("active").fillna(False)
        for filled in (True, False):
            part = rows[these & (active == filled)]
            ax.scatter(
                part["date"], places[part.index], s=58, marker=MARKERS[number % len(MARKERS)], linewidths=1.6,
                facecolors=colour if filled else "white", edgecolors=colour, zorder=3,
            )  # fmt: skip
        ax.scatter(
            [], [], s=40, marker=MARKERS[number % len(MARKERS)], color=colour,
            label=level if level is not None else "not given",
        )  # fmt: skip
    if len(rows):
        ax.scatter([], [], s=40, marker="o", facecolors="white", edgecolors=GREY, label="hollow: not active")
        legend_beside(ax, "Severity")


def _spans(ax: "Axes", rows: pd.DataFrame, places: pd.Series) -> None:
    """Learning support: a bar from the beginning of each record to its end; an arrow where one of them is not known."""
    key = "learning_support_record_id"
    rows = rows.assign(lane=places)
    of_end = rows["what"].eq("learning_support_ends")
    ends = rows.loc[of_end, [key, "date"]].drop_duplicates(key)
    alone = rows[of_end & ~rows[key].isin(rows.loc[~of_end, key])]
    ax.plot(alone["date"], alone["lane"], marker="<", linestyle="", markersize=7, color=COLOURS[2])
    begins = rows[rows["what"] == "learning_support_begins"].merge(ends, how="left", on=key, suffixes=("", "_of_end"))
    for lane, first, last in zip(begins["lane"], begins["date"], begins["date_of_end"], strict=True):
        if pd.isna(last):
            ax.plot([first], [lane], marker=">", markersize=7, color=COLOURS[2])
        else:
            ax.plot([first, last], [lane, lane], color=COLOURS[2], linewidth=4, solid_capstyle="butt")


def _weeks(attendance: pd.DataFrame) -> pd.DataFrame:
    need(attendance, ["week", "attendance_rate"], "student_timeline", 'hf.attendance.summarise(marks, "week")')
    if attendance["week"].duplicated().any():
        raise BadArgumentError("student_timeline: attendance has several rows for a week. Give one student's.")
    return attendance


def _period_name(value: object, period: str) -> str:
    return value.strftime(_PERIODS[period]) if isinstance(value, pd.Timestamp) else str(value)


def _words(name: str) -> str:
    return name.removesuffix("_name").replace("_", " ")
