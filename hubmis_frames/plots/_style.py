"""What all pictures share: colours, titles, numbers of students, and how small groups are hidden."""

from typing import TYPE_CHECKING

import pandas as pd

from ..errors import BadArgumentError

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


def heading(ax: "Axes", title: str, below: str, lift: int = 0) -> None:
    """Title, and under it in grey the numbers and units; ``lift`` points higher where labels stand on top."""
    ax.set_title(title, loc="left", fontsize=12, fontweight="bold", pad=22 + lift)
    ax.annotate(
        below,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 7 + lift),
        textcoords="offset points",
        fontsize=9,
        color=GREY,
    )


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
    if low == high:
        return f"{low:,} student{'' if low == 1 else 's'}"
    return f"{low:,} to {high:,} students"


def hide(counts: pd.Series, suppress: int | None) -> "pd.Series[bool]":
    """Which groups are too small to show: at least one student and fewer than ``suppress``."""
    if suppress is None:
        return pd.Series(False, index=counts.index)
    if suppress < 1:
        raise BadArgumentError(f"suppress takes the smallest number of students to show, such as 5, not {suppress!r}.")
    hidden: pd.Series[bool] = (counts > 0) & (counts < suppress)
    return hidden


def hidden_said(hidden: "pd.Series[bool]", suppress: int | None) -> str:
    """What to say of groups that are hidden."""
    return f"; groups under {suppress} hidden" if hidden.any() else ""


def nothing(ax: "Axes", why: str = "no possible sessions", *, hidden: bool = False) -> None:
    """Say in the middle of the picture why there is nothing in it."""
    text = f"Nothing to show: {'the groups are too small' if hidden else why}"
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY)
    ax.set(xticks=[], yticks=[])


def lone(frame: pd.DataFrame, keys: list[str], what: str) -> None:
    """Raise when a frame holds several groups where a picture draws one."""
    if frame.duplicated(keys).any():
        raise BadArgumentError(f"{what} draws one group; the frame has several rows for one {' and '.join(keys)}.")
