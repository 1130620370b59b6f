"""Plots of wellbeing: what they show, what they hide, and what they say."""

from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from hubmis_frames import wellbeing as wb
from hubmis_frames.errors import BadArgumentError
from hubmis_frames.plots.wellbeing import student_timeline, wellbeing_by_category
from tests.helpers.figures import STUDENTS, made

mpl.use("Agg")


@pytest.fixture
def ax() -> Iterator[Any]:
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def words(ax: Any) -> list[str]:
    return [ax.get_title(loc="left"), *(text.get_text() for text in ax.texts)]


def test_a_plot_by_category_shows_zero_as_zero_and_no_hidden_figure(ax: Any) -> None:
    found = made(*((n, "2025-09-05T10:00Z") for n in (1, 2, 3, 4)), (1, "2025-10-09T10:00Z", "Bullying"))
    table = wb.summarise(found, ["month", "category_name"], students=STUDENTS)
    assert wellbeing_by_category(table, ax=ax) is ax
    assert words(ax) == ["Events by category and month", "5 events, 6 students in each row", "4", "0", "0", "1"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Friendships", "Bullying"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["Sep 25", "Oct 25"]
    ax.clear()
    hidden = wb.summarise(found, ["month", "category_name"], students=STUDENTS, suppress_below=2)
    shown = [str(count) for count in hidden["events"].dropna()]
    wellbeing_by_category(hidden, ax=ax, title="For the governors")
    assert words(ax)[0] == "For the governors"
    assert words(ax)[1].startswith("no figure is shown" if not shown else f"{sum(map(int, shown))} event")
    assert "hatched" in words(ax)[1]
    assert sorted(words(ax)[2:]) == sorted(shown)
    assert sum(bool(patch.get_hatch()) for patch in ax.patches) == int(hidden["suppressed"].sum()) > 0
    ax.clear()
    wellbeing_by_category(wb.summarise(made(), ["month", "category_name"]), ax=ax)
    assert words(ax)[-1] == "Nothing to show: no events"
    with pytest.raises(BadArgumentError, match="by one period"):
        wellbeing_by_category(wb.summarise(found, "category_name"), ax=ax)
    with pytest.raises(BadArgumentError, match="value is one of"):
        wellbeing_by_category(table, value="mood", ax=ax)


def test_a_timeline_plot_says_how_many_entries_there_are(ax: Any) -> None:
    found = made((1, "2025-09-05T10:00Z"), (1, "2025-10-05T10:00Z", None), (1, None), (2, "2025-09-05T10:00Z"))
    weeks = pd.DataFrame({"week": pd.to_datetime(["2025-09-01", "2025-09-08"]), "attendance_rate": [80.0, None]})
    student_timeline(wb.timeline(found, 1), attendance=weeks, ax=ax)
    assert words(ax) == ["Student 1: what is on record", "1 student; 2 entries and 1 without a date"]
    lanes = [label.get_text() for label in ax.get_yticklabels()]
    assert lanes[:2] == ["Friendships", "(no category)"]
    assert lanes[2].startswith("Absence by week")
    assert len(ax.containers[0]) == 1  # a week without sessions has no bar
    ax.clear()
    student_timeline(wb.timeline(found, 99), ax=ax)
    assert words(ax) == ["A student: what is on record", "1 student; 0 entries", "Nothing to show: no entries"]
    both = pd.concat([wb.timeline(found, 1), wb.timeline(found, 2)])
    with pytest.raises(BadArgumentError, match="several students"):
        student_timeline(both, ax=ax)
    with pytest.raises(BadArgumentError, match="several rows for a week"):
        student_timeline(wb.timeline(found, 1), attendance=pd.concat([weeks, weeks]), ax=ax)


def test_events_outside_the_terms_are_counted_below_the_title() -> None:
    summary = pd.DataFrame(
        {
            "term": ["Autumn", None], "category_name": ["Bullying", "Bullying"], "events": [3, 2], "students": [9, 9],
            "suppressed": [False, False],
        }
    )  # fmt: skip
    ax = wellbeing_by_category(summary, ax=plt.figure().subplots())
    assert words(ax)[1] == "5 events, 9 students in each row; 2 events in no term"
    plt.close()
