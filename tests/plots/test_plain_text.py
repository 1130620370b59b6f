"""A school's own text in a plot is text: matplotlib neither typesets it nor leaves it out."""

from collections.abc import Callable, Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text

from hubmis_frames import plots
from tests.tools.pictures import (
    COUNTS,
    NINE,
    RECORD,
    YEARS,
    around,
    bands,
    calendar,
    events,
    grid,
    groups,
    lines,
    marks,
    record,
    weeks,
    words,
    years,
)

mpl.use("Agg")
HOSTILE = ["House points $$", "$x^{2}$", r"\$5 and $\frac$", "_hidden", "$"]
TITLE = r"$\undefined{ $ _a_ $$"


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def severities() -> Axes:
    rows = [(f"2025-09-{day:02}", "wellbeing_event", name, day, name, "active") for day, name in enumerate(HOSTILE, 1)]
    return plots.student_timeline(record(*rows), title=TITLE)


NAMED: dict[str, Callable[[], Axes]] = {
    "trend": lambda: plots.attendance_trend(lines(HOSTILE), title=TITLE),
    "bars": lambda: plots.attendance_bars(groups(HOSTILE, [4.0, 5, 6, 7, 8]), title=TITLE),
    "events": lambda: plots.wellbeing_by_category(events([*COUNTS, COUNTS[0]], HOSTILE), title=TITLE),
    "timeline": severities,
}
TITLED: dict[str, Callable[[], Axes]] = {
    "heat map": lambda: plots.attendance_heat_map(grid([5.0] * 10), title=TITLE),
    "bands": lambda: plots.absence_bands(bands([3] * 11), title=TITLE),
    "cumulative": lambda: plots.attendance_cumulative(years(), title=TITLE),
    "register": lambda: plots.student_register(
        marks().replace({"code": {"I": "$x^2$"}}), calendar=calendar(), title=TITLE
    ),
    "around": lambda: plots.around_events(around(*NINE, 43), title=TITLE),
    "one week": lambda: plots.attendance_trend(weeks([7.0]), title=TITLE),
    "nothing": lambda: plots.student_timeline(RECORD.head(0), title=TITLE),
}


@pytest.mark.parametrize("name", [*NAMED, *TITLED])
def test_no_text_of_a_school_is_typeset(name: str) -> None:
    ax = (NAMED | TITLED)[name]()
    ax.figure.draw_without_rendering()  # matplotlib reads markup when it draws
    shown = [text for text in ax.findobj(Text) if "$" in text.get_text()]
    assert shown
    assert not any(text.get_parse_math() for text in shown)
    assert TITLE in words(ax)


@pytest.mark.parametrize("name", NAMED)
def test_every_name_is_shown_as_it_is(name: str) -> None:
    shown = [text.partition(" (n = ")[0] for text in words(NAMED[name]())]
    assert set(HOSTILE) <= set(shown)


def test_text_in_axes_of_the_caller_is_not_typeset_either() -> None:
    figure, (own, other) = plt.subplots(1, 2)
    other.set_title("$x^2$")
    plots.attendance_bars(groups([*YEARS[:2], "$$"], [4.0, 5, 6]), title=TITLE, ax=own)
    figure.draw_without_rendering()
    assert other.title.get_parse_math(), "the caller's other axes are left alone"
