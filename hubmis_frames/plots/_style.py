"""Shared by all plots: colours, titles, numbers of students, and how small groups are hidden."""

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from ..errors import BadArgumentError
from ..frames.partitions import refuse_dask
from ..privacy.suppression import check_suppress_below, hidden_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people with any colour vision can distinguish.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY, PALE = "#767676", "#E6E6E6"  # this grey can be read on white and on black
RATES = {
    "attendance_rate": "Attendance",
    "absence_rate": "Absence",
    "authorised_rate": "Authorised absence",
    "unauthorised_rate": "Unauthorised absence",
    "persistent_absence_rate": "Persistent absence",
    "severe_absence_rate": "Severe absence",
}
_OF_A_RULE = "_absence_rate"


def axes(ax: "Axes | None", width: float, height: float) -> "Axes":
    """The given axes, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def require_result(frame: pd.DataFrame, columns: list[str], caller: str, made_by: str) -> None:
    """Raise unless a frame has the columns of a plot. ``made_by`` is the call that returns such a frame."""
    refuse_dask(frame, caller)
    if missing := [column for column in columns if column not in frame]:
        raise BadArgumentError(
            f"{caller} draws the result of {made_by}, and this frame has no column {', '.join(missing)}. "
            f"The frame has {', '.join(map(str, frame.columns))}."
        )


def rate_name(rate: str) -> str:
    """The name of a rate in a title."""
    if rate in RATES:
        return RATES[rate]
    rule = rate.removesuffix(_OF_A_RULE)
    if rule and rule != rate:
        return f"Absence by the rule {rule.replace('_', ' ')}"
    raise BadArgumentError(
        f"There is no rate {rate!r}. The rates are {', '.join(RATES)}, and <name>{_OF_A_RULE} of a school's own rule."
    )


def rate_unit(rate: str) -> str:
    """The unit of a rate: per cent of what."""
    return "% of students" if rate.endswith(_OF_A_RULE) else "% of possible sessions"


def start_plot(
    frame: pd.DataFrame,
    rate: str,
    ax: "Axes | None",
    size: tuple[float, float],
    *,
    title: str,
    suppress_below: int | None,
    how: str = "",
    of: str = "",
) -> "tuple[Axes, pd.DataFrame]":
    """The axes with their heading, and the summary with small groups hidden and the column ``hidden``.

    If no rate is left to show, the axes say so, and the caller draws nothing more.
    """
    hidden = hidden_groups(frame, suppress_below, rate)
    shown = frame.assign(**{rate: frame[rate].mask(hidden), "hidden": hidden})
    ax = axes(ax, *size)
    students = number_of_students(frame["students"][~hidden])
    small = f"; groups under {suppress_below} hidden, and others that would give them away" if hidden.any() else ""
    heading(ax, title, f"{rate_unit(rate)}{how}; {students}{of}{small}")
    if shown[rate].isna().all():
        draw_empty(ax, hidden=bool(hidden.any()))
    return ax, shown


def heading(ax: "Axes", title: str, below: str, lift: int = 0) -> None:
    """Write the title, and below it in grey the numbers and units; ``lift`` points higher if labels are on top."""
    below = wrap_text(below, points_available(ax), 9)
    above = 12.5 + 9.5 + 12 * below.count("\n") + lift
    ax.set_title(wrap_text(title, points_available(ax), 13.5), loc="left", fontsize=12, fontweight="bold", pad=above)
    ax.annotate(
        below,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 7 + lift),
        textcoords="offset points",
        fontsize=9,
        color=GREY,
    ).set_in_layout(False)  # a long line must not make the plot smaller


def points_available(ax: "Axes", parts: int = 1, *, down: bool = False) -> float:
    """The width in points of each of some parts side by side, or with ``down`` the height of each in a column."""
    box = ax.get_window_extent()
    return float(box.height if down else box.width) * 72 / ax.figure.dpi / max(parts, 1)


def font_size(points: float, most: float) -> float:
    """The font size for lines that are so many points apart."""
    return max(5, min(most, 0.8 * points))


def wrap_text(text: str, points: float, size: float) -> str:
    """Text wrapped into lines that are no wider than so many points."""
    width = max(16, int(points / (0.57 * size)))
    return "\n".join(textwrap.fill(line, width) for line in text.splitlines())


def shorten(name: object, most: int = 44) -> str:
    """Cut the middle out of a long name, because similar names differ at their ends."""
    text = " ".join(str(name).split())
    if len(text) <= most:
        return text
    # Whole words at the end, unless there is only one.
    tail = text[-(most // 3) :].partition(" ")[2] or text[-(most // 3) :]
    return f"{text[: most - most // 3 - 5].rstrip()} ... {tail}"


def row_names(names: Iterable[object], points: float) -> list[str]:
    """Names for rows that are so many points high, in two lines where there is room."""
    return [textwrap.fill(shorten(name), 26) if points >= 20 else shorten(name, 24) for name in names]


def legend_beside(ax: "Axes", title: str | None = None) -> None:
    """Draw the legend to the right of the plot, where it covers nothing.

    Give an artist its label with a space in front: matplotlib leaves out labels that begin with ``_``.
    """
    handles, labels = ax.get_legend_handles_labels()
    labels = [textwrap.fill(shorten(label, 72), 26) for label in labels]
    ax.legend(
        handles, labels, frameon=False, fontsize=8.5, title=title, title_fontsize=8.5, alignment="left",
        loc="upper left", bbox_to_anchor=(1, 1),
    )  # fmt: skip


def rate_label(ax: "Axes", name: str, low: float) -> str:
    """The label of an axis of rates; it says so if the axis does not begin at 0."""
    return wrap_text(f"{name} (%)" + (", not from 0" if low > 0 else ""), 0.7 * points_available(ax, down=True), 10)


def style_axes(ax: "Axes") -> None:
    """Remove the frame above and on the right, and draw a faint grid behind everything."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)


def number_of_students(counts: pd.Series) -> str:
    """The number of students as text: one number, or the fewest and the most."""
    counts = counts[counts > 0]
    if counts.empty:
        return "no students"
    low, high = int(counts.min()), int(counts.max())
    return quantity(low, "student") if low == high else f"{low:,} to {high:,} students"


def quantity(number: int, one: str, more: str | None = None) -> str:
    """A number with its noun, as text."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def hidden_groups(frame: pd.DataFrame, suppress_below: int | None, rate: str = "") -> "pd.Series[bool]":
    """Whether each row is hidden: few students, or its figure would give those of few away (``hf.suppress``)."""
    check_suppress_below(suppress_below)
    if suppress_below is None or not len(frame):
        return pd.Series(False, index=frame.index, dtype=bool)
    by = list(frame.columns[: frame.columns.get_loc("students")])
    if "school_week" in by:
        by = [name for name in by if name != "week"]
    met = rate.replace("_absence_rate", "_absentees")
    people = ["students", *([met] if met in frame and met != rate else [])]
    return pd.Series(hidden_rows(frame, by, people, suppress_below), index=frame.index)


def draw_empty(ax: "Axes", why: str = "no possible sessions", *, hidden: bool = False) -> None:
    """Write in the middle of the axes why nothing is drawn."""
    text = f"Nothing to show: {'the groups are too small' if hidden else why}"
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY)
    ax.set(xticks=[], yticks=[])


def require_one_group(frame: pd.DataFrame, keys: list[str], caller: str) -> None:
    """Raise if a frame holds several groups and the plot draws one."""
    if frame.duplicated(keys).any():
        raise BadArgumentError(f"{caller} draws one group; the frame has several rows for one {' and '.join(keys)}.")
