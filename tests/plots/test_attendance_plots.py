"""Attendance as pictures: what stands on them, what is hidden, and that odd data break none."""

from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from hubmis_frames import attendance as at
from hubmis_frames import plots
from hubmis_frames.errors import BadArgumentError

mpl.use("Agg")
WEEKDAY_AND_SESSION = ["weekday", "session"]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def calendar() -> at.Calendar:
    terms = pd.DataFrame(
        {
            "name": ["Autumn Term", "Spring Term"],
            "date_from": pd.to_datetime(["2025-09-01", "2026-01-05"]),
            "date_to": pd.to_datetime(["2025-12-19", "2026-03-27"]),
        }
    )
    half_term = pd.DataFrame({"name": ["Half-term"], "date_from": ["2025-10-27"], "date_to": ["2025-10-31"]})
    return at.Calendar(terms, half_term)


@pytest.fixture(scope="module")
def marks(calendar: at.Calendar) -> pd.DataFrame:
    days, students = calendar.open_days(until="2026-01-30"), 24
    rng = np.random.default_rng(2)
    codes = rng.choice(
        ["/", "I", "O", "L", "V", "X", "-"], (students, 2 * len(days)), p=[0.86, 0.06, 0.02, 0.03, 0.01, 0.01, 0.01]
    )
    return at.marks(
        pd.DataFrame(
            {
                "student_id": np.arange(students).repeat(2 * len(days)),
                "date": np.tile(days.repeat(2), students),
                "session": np.tile(["am", "pm"], students * len(days)),
                "code": codes.ravel(),
                "year_group_name": (np.array(["Year 7", "Year 8", "Year 10"] * 8)).repeat(2 * len(days)),
            }
        )
    )


def draw(name: str, marks: pd.DataFrame, calendar: at.Calendar, **given: Any) -> Any:
    match name:
        case "trend":
            return plots.attendance_trend(at.summarise(marks, "week"), calendar=calendar, **given)
        case "heat":
            return plots.attendance_heat_map(at.summarise(marks, WEEKDAY_AND_SESSION), **given)
        case "bars":
            return plots.attendance_bars(at.summarise(marks, "year_group_name", confidence=0.95), **given)
        case "bands":
            return plots.absence_bands(at.absence_bands(marks), **given)
        case "cumulative":
            return plots.attendance_cumulative(at.cumulative(marks, calendar=calendar), **given)
    return plots.student_register(marks[marks["student_id"].eq(marks["student_id"].min())], calendar=calendar, **given)


ALL = ["trend", "heat", "bars", "bands", "cumulative", "register"]


def texts(ax: Any) -> str:
    # Drawn once, so that texts laid out late are there too.
    ax.figure.canvas.draw()
    labels = [*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels()]
    legend = ax.get_legend()
    labels += legend.get_texts() if legend else []
    return " | ".join(
        [ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel(), *(text.get_text() for text in labels)]
    )


def ink(ax: Any) -> float:
    """The share of the axes' pixels that are not white."""
    ax.figure.canvas.draw()
    picture = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3]
    return float((picture.min(axis=2) < 250).mean())


@pytest.mark.parametrize("name", ALL)
def test_each_draws_into_the_axes_given_with_title_units_and_students(
    name: str, marks: pd.DataFrame, calendar: at.Calendar
) -> None:
    _, ax = plt.subplots()
    assert draw(name, marks, calendar, ax=ax, title="My title") is ax
    said = texts(ax)
    assert said.startswith("My title")
    assert {"register": "1 student", "bars": "8 students in each group"}.get(name, "24 students") in said
    if name not in ("register", "bands"):
        assert "% of possible sessions" in said
    assert ink(ax) > 0.02


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("odd", ["none", "one", "unmarked", "all absent", "never absent"])
def test_odd_data_break_no_picture(name: str, odd: str, marks: pd.DataFrame, calendar: at.Calendar) -> None:
    if odd == "none":
        chosen = marks.head(0)
    elif odd == "one":
        chosen = marks.head(1)
    else:
        kinds = {"unmarked": "unmarked", "all absent": "authorised_absence", "never absent": "present"}
        chosen = marks.assign(category=kinds[odd])
    ax = draw(name, chosen, calendar)
    if odd == "none" or (odd == "unmarked" and name != "register"):
        assert "Nothing to show" in texts(ax)
        assert not ax.lines
    else:
        assert "Nothing to show" not in texts(ax)


@pytest.mark.parametrize("name", ["trend", "heat", "bars", "bands", "cumulative"])
def test_small_groups_are_hidden_when_asked(name: str, marks: pd.DataFrame, calendar: at.Calendar) -> None:
    few = marks[marks["student_id"] < 4]
    ax = draw(name, few, calendar, suppress_below=5)
    said = texts(ax)
    assert "hidden" in said
    assert "%\n" not in said
    assert not [bar for bar in ax.patches if getattr(bar, "get_height", lambda: 0)() > 0 and name == "bands"]
    if name != "bands":
        assert "too small" in said or name == "bars"
    with pytest.raises(BadArgumentError, match="suppress_below"):
        draw(name, few, calendar, suppress_below=0)


def test_a_hidden_band_takes_others_with_it_until_the_total_does_not_give_it_away() -> None:
    frame = at.absence_bands(at.marks(pd.DataFrame({"student_id": [], "date": [], "session": [], "code": []}))).assign(
        students=[60, 9, 2, *[0] * 8], share=0.0
    )
    assert texts(plots.absence_bands(frame, suppress_below=5)).count("| hidden") == 2
    both = frame.assign(students=[60, 9, 2, 3, *[0] * 7])
    # 2 and 3 alone would be 5 less the others: one of four pairs.
    assert texts(plots.absence_bands(both, suppress_below=5)).count("| hidden") == 3


def test_the_trend_breaks_where_the_school_was_shut(marks: pd.DataFrame, calendar: at.Calendar) -> None:
    ax = draw("trend", marks, calendar)
    (line,) = ax.lines
    drawn = dict(zip(pd.DatetimeIndex(line.get_xdata()).strftime("%m-%d"), line.get_ydata(), strict=True))
    assert np.isnan(drawn["10-27"])
    weekly = at.summarise(marks, "week").set_index("week")["absence_rate"]
    assert drawn["09-08"] == weekly["2025-09-08"]
    # Half-term and Christmas are shaded, each term has its name, and the scale of absence begins at zero.
    assert len(ax.patches) == 2
    assert "Autumn Term" in texts(ax)
    assert ax.get_ylim()[0] == 0


def test_lines_of_groups_differ_by_more_than_colour(marks: pd.DataFrame) -> None:
    ax = plots.attendance_trend(at.summarise(marks, ["year_group_name", "week"]), rate="attendance_rate")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Year 7", "Year 8", "Year 10"]
    assert len({(line.get_linestyle(), line.get_marker()) for line in ax.lines}) == 3
    assert ax.get_ylim()[1] <= 100
    with pytest.raises(BadArgumentError, match="24: choose"):
        plots.attendance_trend(at.summarise(marks, ["student_id", "week"]))
    with pytest.raises(BadArgumentError, match="one line per group"):
        plots.attendance_trend(at.summarise(marks, ["student_id", "year_group_name", "week"]))


def test_a_cell_without_sessions_is_hatched_and_not_coloured(marks: pd.DataFrame) -> None:
    ax = plots.attendance_heat_map(at.summarise(marks[marks["date"].dt.day_of_week != 2], WEEKDAY_AND_SESSION))
    assert "Wednesday" not in texts(ax)
    away = marks.assign(category=marks["category"].mask(marks["date"].dt.day_of_week == 2, "unmarked"))
    ax = plots.attendance_heat_map(at.summarise(away, WEEKDAY_AND_SESSION))
    assert texts(ax).count("no\nsessions") == 2
    assert ax.images[0].get_array().mask.sum() == 2


def test_bars_show_the_rates_and_bounds_of_the_frame(marks: pd.DataFrame) -> None:
    frame = at.summarise(marks, "year_group_name", confidence=0.95)
    ax = plots.attendance_bars(frame)
    spans = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2]
    assert np.allclose(spans, frame[["absence_rate_low", "absence_rate_high"]])
    assert "Year 7  (n = 8)" in texts(ax)
    assert f"{frame['absence_rate'].iloc[0]:.1f}" in texts(ax)


def test_bars_say_how_sure_the_intervals_are_where_the_frame_does(marks: pd.DataFrame) -> None:
    frame = at.summarise(marks, "year_group_name", confidence=0.9)
    assert "with 90 % intervals;" in texts(plots.attendance_bars(frame))
    frame.attrs.clear()
    assert "with intervals;" in texts(plots.attendance_bars(frame))


def test_the_register_has_a_stroke_for_each_session_present_and_letters_for_the_rest(
    marks: pd.DataFrame, calendar: at.Calendar
) -> None:
    mine = marks[marks["student_id"].eq(0)]
    ax = plots.student_register(mine, calendar=calendar)
    strokes = [line for line in ax.lines if line.get_color() == "black"]
    assert len(strokes) == mine["category"].eq("present").sum()
    written = [text.get_text() for text in ax.texts]
    for code in ("I", "O", "L", "V", "X"):
        assert written.count(code) == mine["code"].eq(code).sum()
    rising = [line.get_ydata()[0] > line.get_ydata()[1] for line in strokes]
    assert rising == [session == "am" for session in mine.loc[mine["category"].eq("present"), "session"]]
    with pytest.raises(BadArgumentError, match=r'24\. Choose one: marks\[marks\["student_id"\] == \.\.\.\]'):
        plots.student_register(marks)


def test_what_is_no_summary_is_refused_by_the_name_of_what_lacks(marks: pd.DataFrame) -> None:
    with pytest.raises(BadArgumentError, match=r"summarise\(marks, by=\"week\"\).*no column week"):
        plots.attendance_trend(at.summarise(marks))
    with pytest.raises(
        BadArgumentError, match=r"result of hf\.attendance\.marks\(frame\), and this frame has no column code"
    ):
        plots.student_register(marks.drop(columns="code"))
    terms: Any = pd.DataFrame({"name": ["Autumn Term"]})
    with pytest.raises(BadArgumentError, match="attendance_trend needs calendar="):
        plots.attendance_trend(at.summarise(marks, "week"), calendar=terms)
    with pytest.raises(BadArgumentError, match="student_register needs calendar="):
        plots.student_register(marks, calendar=terms)
    with pytest.raises(BadArgumentError, match="no rate 'late_sessions'"):
        plots.attendance_heat_map(at.summarise(marks, WEEKDAY_AND_SESSION), rate="late_sessions")
    with pytest.raises(BadArgumentError, match="one group"):
        plots.absence_bands(at.absence_bands(marks, "year_group_name"))
    with pytest.raises(BadArgumentError, match="groups of one column"):
        plots.attendance_bars(at.summarise(marks, None, confidence=0.95))


def test_a_rule_of_the_schools_own_can_be_drawn(marks: pd.DataFrame, calendar: at.Calendar):
    rule = at.AbsenceRule("long_away", at_least=5)
    weekly = at.summarise(marks, "week", rules=[rule], calendar=calendar)
    ax = plots.attendance_trend(weekly, rate="long_away_absence_rate")
    words = " ".join(text.get_text() for text in ax.findobj(mpl.text.Text))
    assert "Absence by the rule long away" in words
    assert "% of students" in words
    assert ax.lines[0].get_ydata()[0] == weekly["long_away_absence_rate"].iloc[0]
    for rate in ("long_away", "_absence_rate"):
        with pytest.raises(BadArgumentError, match="of a school's own rule"):
            plots.attendance_trend(weekly.assign(**{rate: 0.0}), rate=rate)
