"""What makes every plot readable, in one place: names are never markup, have their letters, and no style hides data."""

import contextlib
import functools
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ParamSpec

from ..errors import warn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

_Arguments = ParamSpec("_Arguments")
_GROUPS = ("axes", "boxplot", "errorbar", "grid", "hatch", "image", "legend", "lines", "markers", "patch", "scatter")
_OUTSIDE = ("axes.edgecolor", "axes.labelcolor", "axes.titlecolor")
_UNKNOWN = "\N{WHITE SQUARE}"
# Fonts that come with systems, tried before all others: those for text rather than for show.
_FIRST = (
    "Noto Sans", "Segoe UI", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Leelawadee UI", "Nirmala UI", "PingFang",
    "Hiragino", "Thonburi", "Arial Unicode", "WenQuanYi", "IPA", "TakaoGothic", "Droid Sans", "Unifont",
)  # fmt: skip


def readable(plot: "Callable[_Arguments, Axes]") -> "Callable[_Arguments, Axes]":
    """Make a plot show its data on white, and all its text as it is, whatever the user's style.

    Text outside the axes and the figure around them keep the colours of the style, as the user may save them on its
    background. matplotlib would typeset ``$...$`` in a school's own names, and draw boxes for letters that its font
    does not have: fonts of the system stand in, and one warning says if none has them.
    """

    @functools.wraps(plot)
    def made_readable(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> "Axes":
        import matplotlib as mpl
        from matplotlib.text import Text

        own: dict[Any, Any] = {
            name: value
            for name, value in mpl.rcParamsDefault.items()
            if name.partition(".")[0] in _GROUPS and name not in _OUTSIDE
        }
        ink = mpl.rcParams["text.color"]
        titles = mpl.rcParams["axes.titlecolor"]
        own |= {
            "text.color": "black", "text.usetex": False, "text.parse_math": False, "legend.labelcolor": ink,
            "axes.titlecolor": ink if titles == "auto" else titles,
        }  # fmt: skip
        given: Any = kwargs.get("ax")
        before = set(given.figure.axes) if given is not None else set()
        with _settings(own):
            if given is not None:
                given.set_facecolor("white")
                given.grid(visible=False)
            ax = plot(*args, **kwargs)
            legend = ax.get_legend()
            if legend is not None:
                legend.get_title().set_color(ink)
            # The scale of colours is an axes of its own. Other axes of the caller are left alone.
            drawn = [ax, *(other for other in ax.figure.axes if other not in before | {ax})]
            texts = [text for part in drawn for text in part.findobj(Text)]
            for text in texts:
                text.set(parse_math=False, usetex=False)
            _give_fonts(drawn, texts)
        return ax

    return made_readable


@contextlib.contextmanager
def _settings(own: dict[Any, Any]) -> Iterator[None]:
    """Set these for a while; ``rc_context`` would also undo what JupyterLab sets when the first plot is made."""
    import matplotlib as mpl

    before = {name: mpl.rcParams[name] for name in own}
    mpl.rcParams.update(own)
    try:
        yield
    finally:
        mpl.rcParams.update(before)


def _give_fonts(drawn: "Iterable[Axes]", texts: "list[Text]") -> None:
    """Give texts the fonts that have their letters; letters that no font has become squares."""
    from matplotlib.ticker import FixedFormatter, FuncFormatter

    # Labels of our own on an axis are written anew whenever it is drawn.
    own = (FixedFormatter, FuncFormatter)
    axes = [axis for ax in drawn for axis in (ax.xaxis, ax.yaxis) if isinstance(axis.get_major_formatter(), own)]
    labels = {axis: [label.get_text() for label in axis.get_ticklabels()] for axis in axes}
    shown = [*(text.get_text() for text in texts), *(label for of_axis in labels.values() for label in of_axis)]
    letters = {letter for text in shown for letter in text}
    letters = {letter for letter in letters if ord(letter) > 0x7F}
    if not letters or not texts:
        return
    missing = frozenset(letters - _letters_of(tuple(texts[0].get_fontfamily())))
    if not missing:
        return
    families, lacking = _fallbacks(missing)
    squares = dict.fromkeys(map(ord, lacking), _UNKNOWN)
    for text in texts:
        if missing & set(text.get_text()):
            text.set_fontweight("normal")  # few of these fonts are bold too
        if text.get_fontweight() in ("normal", 400):
            text.set_fontfamily([*text.get_fontfamily(), *families])
        if lacking & set(text.get_text()):
            text.set_text(text.get_text().translate(squares))
    if lacking:
        for axis, of_axis in labels.items():
            if lacking & set("".join(of_axis)):
                axis.set_ticks(axis.get_majorticklocs(), [label.translate(squares) for label in of_axis])
        warn(
            f"No font of this system has {len(lacking)} of the letters in this picture ({_kinds(lacking)}), so it has "
            "squares in their place. Install a font for them, such as Noto Sans CJK for Chinese and Japanese."
        )


def _kinds(letters: Iterable[str]) -> str:
    """Which scripts letters are of, and not which letters: they may be those of a name."""
    names = {
        "symbols" if unicodedata.category(letter) == "So" else unicodedata.name(letter, "unknown").split()[0]
        for letter in letters
    }
    return ", ".join(sorted(names))


@functools.lru_cache(maxsize=32)
def _letters_of(families: tuple[str, ...]) -> frozenset[str]:
    """The letters of the font that matplotlib takes for some families."""
    from matplotlib.font_manager import FontProperties, fontManager

    return _letters_in(str(fontManager.findfont(FontProperties(family=list(families)))))


@functools.lru_cache(maxsize=2048)
def _letters_in(file: str) -> frozenset[str]:
    from matplotlib.font_manager import get_font

    try:
        return frozenset(map(chr, get_font(file).get_charmap()))
    except (RuntimeError, OSError, ValueError):  # a damaged font, or a kind that matplotlib cannot draw
        return frozenset()


@functools.lru_cache(maxsize=128)
def _fallbacks(missing: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Families of this system that together have most of these letters, and the letters that none has."""
    from matplotlib.font_manager import fontManager

    def rank(name: str) -> int:
        return next((place for place, first in enumerate(_FIRST) if name.startswith(first)), len(_FIRST))

    # "Last Resort" has a box for every letter.
    plain = {
        font.name: font.fname
        for font in fontManager.ttflist
        if font.style == "normal" and not font.name.replace(" ", "").startswith("LastResort")
    }
    chosen: list[str] = []
    for name in sorted(plain, key=lambda name: (rank(name), name)):
        if not missing:
            break
        if found := missing & _letters_in(plain[name]):
            chosen.append(name)
            missing -= found
    return tuple(chosen), missing
