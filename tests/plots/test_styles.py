"""A user's style hides no data, and names have their letters in any script, or squares with one sentence about it."""

import warnings
from collections.abc import Callable, Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.text import Text

import hubmis_frames as hf
from hubmis_frames import plots
from hubmis_frames.plots import _readable
from tests.plots.test_plain_text import NAMED, TITLED
from tests.tools.pictures import bands, grid, groups

mpl.use("Agg")
STYLES = ["dark_background", "ggplot", "seaborn-v0_8", "Solarize_Light2"]
PLOTS = {**NAMED, **TITLED}


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def data_of(ax: Axes) -> list[object]:
    """What is drawn in some axes besides text: each artist's kind, colours and width, in order."""
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    shown: list[object] = [to_rgba(ax.get_facecolor())]
    for artist in [*ax.patches, *ax.lines, *ax.collections]:
        face = artist.get_facecolor() if hasattr(artist, "get_facecolor") else artist.get_color()  # type: ignore[union-attr]
        shown.append((type(artist).__name__, str(face), str(artist.get_linewidth()), artist.get_visible()))
    # How many lines a grid has depends on the size of the style's letters.
    shown.append(
        {line.get_visible() and line.get_alpha() != 0 for line in [*ax.get_xgridlines(), *ax.get_ygridlines()]}
    )
    return shown


def brightness(colour: object) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))  # type: ignore[arg-type]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: object, other: object) -> float:
    low, high = sorted([brightness(one), brightness(other)])
    return (high + 0.05) / (low + 0.05)


def check_style(style: str, draw: Callable[[], Axes]) -> None:
    with plt.style.context("default"):
        usual = data_of(draw())
    with plt.style.context(style):
        ax = draw()
        assert data_of(ax) == usual
        around = ax.figure.get_facecolor()
        outside = [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]  # type: ignore[attr-defined]
        legend = ax.get_legend()
        outside += [*legend.get_texts(), legend.get_title()] if legend is not None else []
        for text in outside:
            if text.get_text():
                assert contrast(text.get_color(), around) > 2.4, text.get_text()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["bars", "bands", "heat map"])
def test_a_style_hides_no_data(name: str, style: str) -> None:
    check_style(style, PLOTS[name])


@pytest.mark.slow
@pytest.mark.parametrize("style", [name for name in plt.style.available if not name.startswith("_")])
def test_no_style_hides_data_of_any_plot(style: str) -> None:
    for draw in PLOTS.values():
        check_style(style, draw)
        plt.close("all")


def test_axes_of_a_dark_figure_show_the_severe_bar() -> None:
    with plt.style.context("dark_background"):
        ax = plots.absence_bands(bands([9] * 11), ax=plt.subplots()[1])
    assert contrast(ax.patches[-1].get_facecolor(), ax.get_facecolor()) > 10


GEORGIAN = ["გიორგი", "ნინო", "მარიამ", "Year 9"]
EVERYWHERE = ["王小明", "さくら組", "สมชาย", "🎉 Party", "Year 9"]


def only_fonts(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let the system have only these fonts, of those that come with matplotlib."""
    listed = [font for font in font_manager.fontManager.ttflist if font.name in names]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", listed)
    monkeypatch.setitem(mpl.rcParams, "font.family", [names[0]])
    for cached in (_readable._fallbacks, _readable._letters_of):
        cached.cache_clear()


@pytest.fixture
def own_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    yield lambda *names: only_fonts(monkeypatch, *names)
    for cached in (_readable._fallbacks, _readable._letters_of):
        cached.cache_clear()


def test_a_font_of_the_system_stands_in_for_letters_that_the_usual_one_lacks(own_fonts: Callable[..., None]) -> None:
    own_fonts("STIXGeneral", "DejaVu Sans")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plots.attendance_bars(groups(GEORGIAN, [4.0, 5, 6, 7]), title=GEORGIAN[0])
        ax.figure.draw_without_rendering()
    assert [label.get_text().partition(" ")[0] for label in ax.get_yticklabels()] == [*GEORGIAN[:3], "Year"]


@pytest.mark.parametrize("name", ["bars", "heat map"])
def test_without_a_font_one_sentence_says_so_and_names_nobody(name: str, own_fonts: Callable[..., None]) -> None:
    own_fonts("DejaVu Sans")
    draws: dict[str, Callable[[], Axes]] = {
        "bars": lambda: plots.attendance_bars(groups(EVERYWHERE, [4.0, 5, 6, 7, 8])),
        "heat map": lambda: plots.attendance_heat_map(grid([5.0] * 10), title="สวัสดี"),
    }
    with pytest.warns(hf.HubmisWarning, match=r"No font of this system has .*THAI") as said:
        ax = draws[name]()
    assert len(said) == 1
    assert not set(str(said[0].message)) & set("".join(EVERYWHERE[:3]))
    ax.figure.draw_without_rendering()  # no warning of matplotlib's own for each letter
    assert any("\N{WHITE SQUARE}" in text.get_text() for text in ax.findobj(Text))


def test_after_a_plot_the_settings_are_those_of_the_user_and_of_jupyterlab():
    @_readable.readable
    def first() -> Axes:
        mpl.interactive(True)
        return plt.subplots()[1]

    before, interactive = dict(mpl.rcParams), mpl.is_interactive()
    try:
        first()
        assert mpl.is_interactive()
    finally:
        mpl.interactive(interactive)
    assert dict(mpl.rcParams) == before
