"""One student's register, as in a paper register."""

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..analysis.calendar import Calendar, check_calendar
from ..analysis.periods import week_start
from ..errors import BadArgumentError
from ._readable import readable
from ._style import (
    COLOURS,
    GREY,
    axes,
    draw_empty,
    font_size,
    heading,
    points_available,
    require_result,
    wrap_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Background and text colour. The letters serve readers who do not see the colours, and print.
_LOOK = {
    "present": ("white", "black"),
    "late": ("#F0E442", "black"),
    "approved_activity": (COLOURS[5], "black"),
    "authorised_absence": (COLOURS[4], "black"),
    "unauthorised_absence": (COLOURS[1], "white"),
    "not_possible": ("#D9D9D9", "#333333"),
    "administrative": ("#D9D9D9", "#333333"),
    "unmarked": ("white", "#333333"),
    "unmapped": (COLOURS[3], "black"),
}
_NAMES = {
    "present": "present",
    "late": "late",
    "approved_activity": "approved activity",
    "authorised_absence": "authorised absence",
    "unauthorised_absence": "unauthorised absence",
    "not_possible": "not a possible session",
    "administrative": "not a possible session",
    "unmarked": "unmarked",
    "unmapped": "code without a category",
}
_SHUT: dict[str, Any] = {"facecolor": "#F2F2F2", "edgecolor": "#BBBBBB", "hatch": "////", "linewidth": 0}
_GAP = 0.7


@readable
def student_register(
    marks: pd.DataFrame,
    *,
    calendar: Calendar | None = None,
    title: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw one student's marks: a row per week, and for each day the morning on the left, the afternoon on the right.

    Parameters
    ----------
    marks
        The result of ``hf.attendance.marks``, for one student and preferably one academic year.
    calendar
        The school's days, to shade days when it was shut. Its week begins the rows.
    title
        The title; the student's id if not given, so that a name appears only if you write it here.
    ax
        The axes to draw on; a new figure if not given.

    Returns
    -------
    Axes
        A stroke for each session present, rising in the morning and falling in the afternoon. Any other mark is its
        code on the colour of its category; the legend lists codes and colours. Without a mark the cell is empty. Weeks
        without marks, such as holidays, leave a gap between rows. A row needs a seventh of an inch.

    Raises
    ------
    BadArgumentError
        A column is missing, or the marks are those of several students.
    """
    require_result(
        marks, ["student_id", "date", "session", "code", "category"], "student_register", "hf.attendance.marks(frame)"
    )
    if calendar is not None:
        check_calendar(calendar, "student_register")
    if marks["student_id"].nunique() > 1:
        raise BadArgumentError(
            f"student_register draws one student, and these are marks of {marks['student_id'].nunique()}. Choose one: "
            'marks[marks["student_id"] == ...].'
        )
    first = week_start(marks, calendar)
    offset = (marks["date"].dt.day_of_week - first) % 7
    week = marks["date"] - pd.to_timedelta(offset, unit="D")
    wide = max(5, int(offset.max()) + 1) if len(marks) else 5
    weeks = sorted(week.unique())
    rows = _rows(weeks)
    ax = axes(ax, 1.6 + 0.85 * wide, 2.1 + 0.2 * (max(rows.values(), default=6) + 1))
    days = (
        list(dict.fromkeys(_date_text(day) for day in (marks["date"].min(), marks["date"].max()))) if len(marks) else []
    )
    name = f"Student {marks['student_id'].iloc[0]}" if len(marks) else "Register"
    heading(ax, title or name, f"1 student; {' to '.join(days)}" if days else "no marks", lift=14)
    if marks.empty:
        draw_empty(ax, "no marks")
        return ax
    shut = _draw_days(ax, rows, wide, calendar)
    tall = points_available(ax, round(max(rows.values()) + 1), down=True)
    x = 2 * offset + marks["session"].astype("str").eq("pm")
    y = week.map(rows)
    for left, top, code, category in zip(x, y, marks["code"], marks["category"].astype("str"), strict=True):
        _draw_mark(ax, float(left), float(top), "" if pd.isna(code) else str(code), category, font_size(tall, 7.5))
    bottom = max(rows.values()) + 1
    for day in range(wide + 1):
        ax.plot([2 * day, 2 * day], [0, bottom], color="#999999", linewidth=0.6, zorder=3)
    ax.set_xlim(-0.02, 2 * wide + 0.02)
    ax.set_ylim(bottom + 0.05, -0.05)
    ax.set_xticks([2 * day + 1 for day in range(wide)], [_DAYS[(first + day) % 7] for day in range(wide)])
    ax.xaxis.tick_top()
    step = math.ceil(6.5 / tall)  # better to show a few dates than many that cannot be read
    places, dates = [place + 0.5 for place in rows.values()], [f"{monday.day} {monday:%b}" for monday in rows]
    ax.set_yticks(places[::step], dates[::step], fontsize=font_size(tall * step, 8))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylabel("Week beginning")
    _legend(ax, marks, shut)
    return ax


def _date_text(day: pd.Timestamp) -> str:
    # Not %-d, which Windows does not have.
    return f"{day.day} {day:%B %Y}"


def _rows(weeks: list[pd.Timestamp]) -> dict[pd.Timestamp, float]:
    """The row of each week, counted from the top, with a gap where weeks are left out."""
    places: dict[pd.Timestamp, float] = {}
    place = 0.0
    for number, monday in enumerate(weeks):
        if number and (monday - weeks[number - 1]).days > 7:
            place += _GAP
        places[monday] = place
        place += 1
    return places


def _draw_days(ax: "Axes", rows: dict[pd.Timestamp, float], wide: int, calendar: Calendar | None) -> bool:
    """Draw lines between weeks and hatch days when the school is shut; return whether there are any."""
    from matplotlib.patches import Rectangle

    shut = False
    for monday, place in rows.items():
        ax.plot([0, 2 * wide], [place, place], color="#CCCCCC", linewidth=0.5, zorder=2)
        ax.plot([0, 2 * wide], [place + 1, place + 1], color="#CCCCCC", linewidth=0.5, zorder=2)
        if calendar is not None:
            days = pd.Series([monday + pd.Timedelta(days=day) for day in range(wide)])
            opens = calendar.lookup(days, ["is_open", "closed_as"])
            for day, (is_open, reason) in enumerate(zip(opens["is_open"], opens["closed_as"], strict=True)):
                if not is_open and not pd.isna(reason):
                    shut = True
                    ax.add_patch(Rectangle((2 * day, place), 2, 1, **_SHUT))
    return shut


def _draw_mark(ax: "Axes", x: float, y: float, code: str, category: str, size: float) -> None:
    from matplotlib.patches import Rectangle

    ground, ink = _LOOK[category]
    ax.add_patch(Rectangle((x, y), 1, 1, facecolor=ground, linewidth=0, zorder=1))
    if category == "present":
        # Downwards is up on this axis: a morning's stroke rises to the right.
        rising = x % 2 == 0
        ax.plot([x + 0.2, x + 0.8], [y + 0.82, y + 0.18] if rising else [y + 0.18, y + 0.82], color=ink, linewidth=0.9)
    else:
        text = "-" if category == "unmarked" else code or "?"
        ax.text(x + 0.5, y + 0.54, text, ha="center", va="center", fontsize=size, color=ink, zorder=4)


def _legend(ax: "Axes", marks: pd.DataFrame, shut: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: dict[str, Patch | Line2D] = {}
    named = marks["category"].astype("str").map(_NAMES)
    for category, (ground, _) in _LOOK.items():
        name = _NAMES[category]
        # The codes too, as two colours may be one grey on paper.
        codes = ", ".join(sorted(set(marks.loc[named.eq(name), "code"].dropna())))
        if category == "present" and named.eq(name).any():
            handles["present (am, pm)"] = Line2D(
                [], [], color="black", marker="$/ \\backslash$", linestyle="", markersize=9
            )
        elif named.eq(name).any():
            label = f"{name}: {codes}" if codes else name
            handles.setdefault(label, Patch(facecolor=ground, edgecolor="#999999", linewidth=0.6))
    if shut:
        handles["school shut"] = Patch(**_SHUT)
    labels = [wrap_text(label, 170, 8) for label in handles]
    ax.legend(list(handles.values()), labels, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2, frameon=False,
              fontsize=8, labelcolor=GREY)  # fmt: skip
