"""Every picture as a picture: its shapes as they were when looked at, its words, and that none covers another.

The shapes are compared without words in axes that stand where they stand, as fonts are drawn otherwise by each version
of matplotlib and shapes are not. The words are compared as text. ``python -m tests.tools.pictures`` draws them again.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.testing.compare import compare_images

from tests.tools.draw_readme import first_look
from tests.tools.pictures import BASELINE, CASES, SHAPES, draw_shapes, texts, words

mpl.use("Agg")
WORDS = json.loads((BASELINE / "words.json").read_text(encoding="utf-8"))
TOLERANCE = 2.0
"""Of the root mean square over all pixels, each from 0 to 255: 1.6 lie between versions, 2.9 are a marker's filling."""


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.mark.parametrize("name", SHAPES)
def test_the_shapes_are_those_that_were_looked_at(name: str, tmp_path: Path) -> None:
    drawn = draw_shapes(name, tmp_path)
    assert compare_images(str(BASELINE / drawn.name), str(drawn), TOLERANCE) is None


@pytest.mark.parametrize("name", CASES)
def test_a_picture_says_what_it_said_and_no_words_cover_others_or_are_cut_off(name: str) -> None:
    ax = CASES[name](None)
    assert words(ax) == WORDS[name]
    assert_all_legible(ax)


@pytest.mark.parametrize("name", SHAPES)
def test_no_words_cover_others_in_a_small_picture_among_others(name: str) -> None:
    _, others = plt.subplots(2, 2, figsize=(12, 8), layout="constrained")
    assert_all_legible(CASES[name](others[1, 1]))


@pytest.mark.slow
def test_the_picture_at_the_top_of_the_readme_is_legible_and_small(tmp_path: Path) -> None:
    for ax in first_look(tmp_path / "first-look.png").axes:
        assert_all_legible(ax)
    assert (tmp_path / "first-look.png").stat().st_size < 250_000


def assert_all_legible(ax: Axes) -> None:
    """Check that no two texts lie on one another, none reaches beyond the paper by two pixels, and none is tiny."""
    found = texts(ax)
    said = np.array([text.get_text() for text in found])
    x0, y0, x1, y1 = np.array([text.get_window_extent().padded(-1).extents for text in found]).T
    right, top = ax.figure.bbox.size
    assert not said[(x0 < -2) | (y0 < -2) | (x1 > right + 2) | (y1 > top + 2)].tolist()
    # The box of a slanted text holds more than the text.
    straight = np.array([text.get_rotation() in (0, 90) for text in found])
    apart = (x0 >= x1[:, None]) | (x1 <= x0[:, None]) | (y0 >= y1[:, None]) | (y1 <= y0[:, None])
    covered = np.triu(~apart & straight & straight[:, None], k=1)
    assert not [(said[one], said[other]) for one, other in np.argwhere(covered)]
    assert min(text.get_fontsize() for text in found) >= 5
