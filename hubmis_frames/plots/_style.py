"""What all pictures share: colours, titles, numbers of students, and how small groups are hidden."""

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from ..analysis.groups import check_suppress_below
from ..errors import BadArgumentError
from ..frames.partitions import refuse_dask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY, PALE = "#555555", "#E6E6E6"
RATES = {
    "attendance_rate": "Attendance",
    "absence_rate": "Absence",
    "authorised_rate": "Authorised absence",
    "unauthorised_rate": "Unauthorised absence",
    "persistent_absence_rate": "Persistent absence",
    "severe_absence_rate": "Severe absence",
}


def axes(ax: "Axes | None", width: float, height: float) -> "Axes":
    """The axes given, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def need(frame: pd.DataFrame, columns: list[str], what: str, source: str) -> None:
    """Raise unless a summary has the columns that a picture is drawn from."""
    refuse_dask(frame, what)
    if lacking := [column for column in columns if column not in frame]:
        raise BadArgumentError(
            f"{what} draws what {source} returns; there is no column {', '.join(lacking)}. "
            f"The frame has {', '.join(map(str, frame.columns))}."
        )


def rate_name(rate: str) -> str:
    """What a rate is called in a title."""
    if rate not in RATES:
        raise BadArgumentError(f"There is no rate {rate!r}. They are {', '.join(RATES)}.")
    return RATES[rate]


def unit(rate: str) -> str:
    """What a rate is in per cent of."""
    return "% of students" if rate.endswith("_absence_rate") else "% of possible sessions"


def begin(
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
    """The axes with their heading, and the summary with small groups hidden and a column that says which these are.

    Where no rate is left to show, the axes say so, and there is nothing more to draw.
    """
    hidden = hide(frame["students"], suppress_below)
    shown = frame.assign(**{rate: frame[rate].mask(hidden), "hidden": hidden})
    ax = axes(ax, *size)
    students = students_said(frame["students"][~hidden])
    small = f"; groups under {suppress_below} hidden" if hidden.any() else ""
    heading(ax, title, f"{unit(rate)}{how}; {students}{of}{small}")
    if shown[rate].isna().all():
        nothing(ax, hidden=bool(hidden.any()))
    return ax, shown


def heading(ax: "Axes", title: str, below: str, lift: int = 0) -> None:
    """Title, and under it in grey the numbers and units; ``lift`` points higher where labels stand on top."""
    below = folded(below, room(ax), 9)
    above = 12.5 + 9.5 + 12 * below.count("\n") + lift
    ax.set_title(folded(title, room(ax), 13.5), loc="left", fontsize=12, fontweight="bold", pad=above)
    ax.annotate(
        below,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 7 + lift),
        textcoords="offset points",
        fontsize=9,
        color=GREY,
    ).set_in_layout(False)  # a long line must not take room from the picture


def room(ax: "Axes", parts: int = 1, *, down: bool = False) -> float:
    """How many points each of some parts has, side by side or one below the other."""
    box = ax.get_window_extent()
    return float(box.height if down else box.width) * 72 / ax.figure.dpi / max(parts, 1)


def fitting(points: float, most: float) -> float:
    """The font size for what has so much room from line to line."""
    return max(5, min(most, 0.8 * points))


def folded(text: str, points: float, size: float) -> str:
    """Text in lines that are no wider than so many points."""
    width = max(16, int(points / (0.57 * size)))
    return "\n".join(textwrap.fill(line, width) for line in text.splitlines())


def shortened(name: object, most: int = 44) -> str:
    """A name without its middle, if it is long: names that differ do so at their ends."""
    text = " ".join(str(name).split())
    if len(text) <= most:
        return text
    # Whole words at the end, unless there is but one.
    tail = text[-(most // 3) :].partition(" ")[2] or text[-(most // 3) :]
    return f"{text[: most - most // 3 - 5].rstrip()} ... {tail}"


def row_names(names: Iterable[object], points: float) -> list[str]:
    """Names for rows of so many points, in two lines where there is room."""
    return [textwrap.fill(shortened(name), 26) if points >= 20 else shortened(name, 24) for name in names]


def legend_beside(ax: "Axes", title: str | None = None) -> None:
    """The legend on the right of the picture, where it covers nothing."""
    handles, labels = ax.get_legend_handles_labels()
    labels = [textwrap.fill(shortened(label, 72), 26) for label in labels]
    ax.legend(
        handles, labels, frameon=False, fontsize=8.5, title=title, title_fontsize=8.5, alignment="left",
        loc="upper left", bbox_to_anchor=(1, 1),
    )  # fmt: skip


def rate_label(ax: "Axes", name: str, low: float) -> str:
    """What an axis of rates measures; and that it does not begin at 0, if so."""
    return folded(f"{name} (%)" + (", not from 0" if low > 0 else ""), 0.7 * room(ax, down=True), 10)


def plain(ax: "Axes") -> None:
    """No frame above and on the right; a faint grid that reads values off, behind everything."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)


def students_said(counts: pd.Series) -> str:
    """How many students: one number, or from the fewest to the most."""
    counts = counts[counts > 0]
    if counts.empty:
        return "no students"
    low, high = int(counts.min()), int(counts.max())
    return counted(low, "student") if low == high else f"{low:,} to {high:,} students"


def counted(number: int, one: str, more: str | None = None) -> str:
    """A number of things, in words."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def hide(counts: pd.Series, suppress_below: int | None) -> "pd.Series[bool]":
    """Which groups are too small to show: at least one student and fewer than ``suppress_below``."""
    check_suppress_below(suppress_below)
    if suppress_below is None:
        return pd.Series(False, index=counts.index)
    hidden: pd.Series[bool] = (counts > 0) & (counts < suppress_below)
    return hidden


def nothing(ax: "Axes", why: str = "no possible sessions", *, hidden: bool = False) -> None:
    """Say in the middle of the picture why there is nothing in it."""
    text = f"Nothing to show: {'the groups are too small' if hidden else why}"
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY)
    ax.set(xticks=[], yticks=[])


def lone(frame: pd.DataFrame, keys: list[str], what: str) -> None:
    """Raise when a frame holds several groups where a picture draws one."""
    if frame.duplicated(keys).any():
        raise BadArgumentError(f"{what} draws one group; the frame has several rows for one {' and '.join(keys)}.")
