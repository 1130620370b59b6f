"""Every picture as a picture: its shapes as they were when looked at, its words, and that none covers another.

The shapes are compared without words in axes that stand where they stand, as fonts are drawn otherwise by each version
of matplotlib and shapes are not. The words are compared as text. ``python tests/pictures.py`` draws them again.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.testing.compare import compare_images
from pictures import BASELINE, CASES, SHAPES, draw_shapes, texts, words

mpl.use("Agg")
WORDS = json.loads((BASELINE / "words.json").read_text(encoding="utf-8"))
TOLERANCE = 1.0
"""Of the root mean square over all pixels, each from 0 to 255: below what the smallest marker weighs."""


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


def assert_all_legible(ax: mpl.axes.Axes) -> None:
    """Check that no two texts lie on one another and none reaches beyond the paper; by two pixels or more."""
    ax.figure.canvas.draw()
    paper = ax.figure.bbox.padded(2)
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in texts(ax)]
    outside = [said for said, box in boxes if not (paper.containsx(box.x0) and paper.containsx(box.x1))]
    outside += [said for said, box in boxes if not (paper.containsy(box.y0) and paper.containsy(box.y1))]
    covered = [
        (said, other)
        for number, (said, box) in enumerate(boxes)
        for other, its in boxes[:number]
        if mpl.transforms.Bbox.intersection(box, its)
    ]
    assert not outside
    assert not covered
    assert min(text.get_fontsize() for text in texts(ax)) >= 5
