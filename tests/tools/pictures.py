"""Each plot with ordinary and with odd data. The frames are made by hand, so no analysis is involved.

Run this file to draw the baseline pictures again after an intended change. Then look at every picture.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.legend import Legend
from matplotlib.text import Text

from hubmis_frames import plots
from hubmis_frames.attendance import Calendar

BASELINE = Path(__file__).parents[1] / "plots" / "baseline"
LONG = "Learners of the combined upper school transition and enrichment programme (north campus)"
BANDS = [*(f"{low} to <{low + 5}" for low in range(0, 50, 5)), "50 and over"]
RATES = ("attendance_rate", "absence_rate")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
NOTE = "Unusual weeks are followed by more usual ones by chance alone (regression to the mean). " * 3
Case = Callable[[Any], Any]


def calendar() -> Calendar:
    terms = pd.DataFrame(
        {
            "name": ["Autumn Term", "Spring Term", "Summer Term"],
            "date_from": ["2025-09-01", "2026-01-05", "2026-04-13"],
            "date_to": ["2025-12-19", "2026-03-27", "2026-07-17"],
        }
    )
    half_term = pd.DataFrame({"name": ["Half-term"], "date_from": ["2025-10-27"], "date_to": ["2025-10-31"]})
    inset = pd.DataFrame({"name": ["Training"], "date": ["2025-11-28"]})
    return Calendar(terms, half_term, inset)


def rates(absence: Any, **columns: Any) -> pd.DataFrame:
    """A summary: its keys, students, and both rates."""
    absence = np.asarray(absence, dtype=float)
    students = columns.pop("students", 180)
    return pd.DataFrame({**columns, "students": students, "attendance_rate": 100 - absence, "absence_rate": absence})


def weeks(absence: Any, **columns: Any) -> pd.DataFrame:
    """Open weeks from September on, without half-term and Christmas."""
    all_weeks = pd.date_range("2025-09-01", periods=90, freq="7D")
    is_open = ~all_weeks.isin(pd.to_datetime(["2025-10-27", "2025-12-22", "2025-12-29"]))
    return rates(absence, **columns, week=all_weeks[is_open][: len(absence)])


def trend(length: int = 24, turn: float = 0) -> list[float]:
    return [round(6 + turn + 2.5 * np.sin(week / 3 + turn) + (week % 4) / 2, 1) for week in range(length)]


def lines(names: list[str], length: int = 16) -> pd.DataFrame:
    groups = [weeks(trend(length, number), year_group_name=name, students=60) for number, name in enumerate(names)]
    return pd.concat(groups, ignore_index=True)


def grid(absence: Any, students: Any = 180) -> pd.DataFrame:
    frame = pd.DataFrame({"weekday": np.repeat(DAYS, 2), "session": ["am", "pm"] * 5})
    frame["weekday"] = pd.Categorical(frame["weekday"], categories=list(DAYS), ordered=True)
    return rates(absence, **frame, students=students)


def groups(names: list[str], absence: Any, half: float = 1.2, students: Any = 60) -> pd.DataFrame:
    frame = rates(absence, year_group_name=names, students=students)
    for rate in RATES:
        middle = frame[rate].where(frame[rate].between(0.01, 99.99))
        frame[f"{rate}_low"] = (middle - half).clip(0, 100)
        frame[f"{rate}_high"] = (middle + 1.5 * half).clip(0, 100)
    frame.attrs["confidence"] = 0.95
    return frame


def bands(counts: list[int]) -> pd.DataFrame:
    share = [100 * count / sum(counts) if sum(counts) else np.nan for count in counts]
    return pd.DataFrame(
        {"absence_band": pd.Categorical(BANDS, categories=BANDS, ordered=True), "students": counts, "share": share}
    )


def years(number: int = 2, length: int = 20, **columns: Any) -> pd.DataFrame:
    parts = []
    for year in range(number):
        ends = length if year == number - 1 else 38
        absence = [8 - year + 2 * np.exp(-week / 8) - week * 0.02 for week in range(ends)]
        name = f"{2026 - number + year}/{(27 - number + year) % 100:02}"
        parts.append(rates(absence, academic_year=name, school_week=range(1, ends + 1), **columns))
    return pd.concat(parts, ignore_index=True)


def marks(
    first: str = "2025-09-01", number: int = 15, codes: str = "/\\/\\/\\IIL\\/\\/V/\\/\\OO/\\X-CC/\\?\\D\\"
) -> pd.DataFrame:
    """One student's marks over open weeks; the codes repeat."""
    categories = {
        "/": "present", "\\": "present", "L": "late", "V": "approved_activity", "D": "not_possible",
        "I": "authorised_absence", "C": "authorised_absence", "O": "unauthorised_absence", "X": "not_possible",
        "-": "unmarked", "?": "unmapped", "#": "administrative",
    }  # fmt: skip
    days = calendar().open_days(since=first)[: 5 * number]
    used = [codes[place % len(codes)] for place in range(2 * len(days))] if codes else []
    return pd.DataFrame(
        {
            "student_id": pd.array([101] * len(used), dtype="Int64"),
            "date": days.repeat(2)[: len(used)],
            "session": (["am", "pm"] * len(days))[: len(used)],
            "code": pd.Series(used, dtype="str"),
            "category": pd.Series([categories[code] for code in used], dtype="str"),
        }
    )


def events(counts: Any, names: list[str], students: Any = 120, start: str = "2025-09-01") -> pd.DataFrame:
    """Events by month (across) and category (down); a missing count is a hidden one."""
    counts = np.asarray(counts, dtype=float)
    months = pd.date_range(start, periods=counts.shape[1], freq="MS")
    count = pd.array(np.where(np.isnan(counts.ravel()), None, counts.ravel()), dtype="Int64")
    frame = pd.DataFrame({"month": np.tile(months, len(names)), "category_name": np.repeat(names, len(months))})
    hidden = pd.Series(count).isna()
    students = pd.Series(pd.array([students] * len(frame), dtype="Int64")).mask(hidden)
    return frame.assign(
        events=count, students_concerned=count, students=students, unlisted=0,
        events_per_100_students=100 * count / students, concerned_rate=100 * count / students,
        suppressed=pd.array(hidden, dtype="boolean"),
    )  # fmt: skip


def record(*rows: tuple[str | None, str, str | None, int | None, str | None, str]) -> pd.DataFrame:
    """A student's timeline: date, what, name, severity and status of each entry."""
    frame = pd.DataFrame(rows, columns=["date", "what", "name", "severity_id", "severity_name", "status"])
    support = frame["what"].str.startswith("learning_support")
    return frame.assign(
        student_id=pd.array([101] * len(frame), dtype="Int64"),
        date=pd.to_datetime(frame["date"]),
        severity_id=frame["severity_id"].astype("Int64"),
        learning_support_record_id=pd.array(np.where(support, 7, None), dtype="Int64"),
    ).astype(dict.fromkeys(("what", "name", "severity_name", "status"), "str"))


RECORD = record(
    ("2025-09-10", "wellbeing_event", "Friendships", 1, "Low", "inactive"),
    ("2025-10-02", "wellbeing_event", "Friendships", 2, "Medium", "active"),
    ("2025-11-20", "wellbeing_event", "Attendance concern", 3, "High", "active"),
    ("2025-11-24", "wellbeing_event", None, None, None, "active"),
    ("2025-12-01", "wellbeing_plan", "Attendance concern", 2, "Medium", "active"),
    ("2025-09-20", "learning_support_begins", "Dyslexia", None, None, ""),
    ("2026-01-20", "learning_support_ends", "Dyslexia", None, None, ""),
)
CROWD = record(
    *(
        (f"2025-{9 + day // 28:02}-{1 + day % 28:02}", "wellbeing_event", f"{LONG} {day % 14}", day % 9 + 1,
         f"Severity of the {day % 9 + 1}th order", "active" if day % 3 else "inactive")
        for day in range(0, 110, 2)
    )
)  # fmt: skip


def around(own: Any, other: Any, students: Any, half: float = 4.0) -> pd.DataFrame:
    own, other = np.asarray(own, dtype=float), np.asarray(other, dtype=float)
    reach = len(own) // 2
    frame = pd.DataFrame(
        {
            "period": "", "week": pd.array(range(-reach, reach + 1), dtype="Int64"),
            "students": pd.array(students if isinstance(students, list) else [students] * len(own), dtype="Int64"),
            "comparison_students": pd.array([512] * len(own), dtype="Int64"),
            "attendance_rate": own, "comparison_rate": other, "difference": own - other,
            "difference_low": own - other - half, "difference_high": own - other + half,
        }
    )  # fmt: skip
    frame.attrs = {"note": NOTE, "interval": "95 % interval of the difference, from 500 draws of whole students"}
    return frame


NINE = ([93, 92, 90, 86, 80, 88, 91, 92, 92.5], [94, 94, 93.5, 93, 93.5, 94, 94, 93.8, 94])
CATEGORIES = ["Friendships", "Attendance concern", "Bullying", "Family circumstances"]
COUNTS = [[9, 12, 3, 0, 7, 8], [4, 4, 5, 9, 0, 2], [0, 1, 0, 0, 2, 0], [1, 0, 0, 3, 0, 0]]
YEARS = [f"Year {number}" for number in range(7, 14)]

_NAN = float("nan")
_TREND, _HEAT, _BARS = plots.attendance_trend, plots.attendance_heat_map, plots.attendance_bars
_BANDS, _YEARS, _REGISTER = plots.absence_bands, plots.attendance_cumulative, plots.student_register
_EVENTS, _RECORD, _AROUND = plots.wellbeing_by_category, plots.student_timeline, plots.around_events
_HEAT_VALUES = [7.2, 6.1, 5.0, 5.2, 4.9, 5.5, 5.6, 6.0, 8.4, 9.3]

CASES: dict[str, Case] = {
    "trend": lambda ax: _TREND(weeks(trend()), calendar=calendar(), ax=ax),
    "trend-lines": lambda ax: _TREND(lines(YEARS), calendar=calendar(), ax=ax),
    "trend-two-years": lambda ax: _TREND(weeks(trend(80)), calendar=calendar(), ax=ax),
    "trend-attendance": lambda ax: _TREND(weeks(trend()), rate="attendance_rate", calendar=calendar(), ax=ax),
    "trend-long": lambda ax: _TREND(lines([LONG, f"{LONG} 2", "C"]), title=f"{LONG}: absence by week", ax=ax),
    "trend-one": lambda ax: _TREND(weeks([7.0]), calendar=calendar(), ax=ax),
    "trend-none": lambda ax: _TREND(weeks([]), calendar=calendar(), ax=ax),
    "trend-missing": lambda ax: _TREND(weeks([5, _NAN, 6, 7, _NAN, _NAN, 5, 4]), ax=ax),
    "trend-zero": lambda ax: _TREND(weeks([0.0] * 12), calendar=calendar(), ax=ax),
    "trend-all": lambda ax: _TREND(weeks([100.0] * 12), calendar=calendar(), ax=ax),
    "trend-all-attendance": lambda ax: _TREND(weeks([0.0] * 12), rate="attendance_rate", calendar=calendar(), ax=ax),
    "trend-extremes": lambda ax: _TREND(weeks([0, 100, 0, 100, 50, 0]), rate="attendance_rate", ax=ax),
    "trend-hidden": lambda ax: _TREND(weeks(trend(8), students=[9, 9, 3, 9, 2, 9, 9, 9]), suppress_below=5, ax=ax),
    "trend-all-hidden": lambda ax: _TREND(weeks(trend(8), students=3), suppress_below=5, ax=ax),
    "heat": lambda ax: _HEAT(grid(_HEAT_VALUES), ax=ax),
    "heat-alike": lambda ax: _HEAT(grid([5.0] * 9 + [5.1]), ax=ax),
    "heat-one": lambda ax: _HEAT(grid(_HEAT_VALUES).head(1), ax=ax),
    "heat-zero": lambda ax: _HEAT(grid([0.0] * 10), ax=ax),
    "heat-extremes": lambda ax: _HEAT(grid([0, 100] * 5), rate="attendance_rate", ax=ax),
    "heat-missing": lambda ax: _HEAT(grid([*_HEAT_VALUES[:4], _NAN, _NAN, *_HEAT_VALUES[6:]]), ax=ax),
    "heat-hidden": lambda ax: _HEAT(grid(_HEAT_VALUES, [9, 9, 9, 9, 9, 9, 9, 9, 3, 2]), suppress_below=5, ax=ax),
    "heat-none": lambda ax: _HEAT(grid(_HEAT_VALUES).head(0), ax=ax),
    "heat-long": lambda ax: _HEAT(grid(_HEAT_VALUES), title=LONG, ax=ax),
    "bars": lambda ax: _BARS(groups(YEARS, [4.2, 5.1, 6.6, 7.0, 9.1, 5.5, 3.9]), ax=ax),
    "bars-attendance": lambda ax: _BARS(
        groups(YEARS, [4.2, 5.1, 6.6, 7.0, 9.1, 5.5, 3.9]), rate="attendance_rate", ax=ax
    ),
    "bars-many": lambda ax: _BARS(groups([f"Form {n}" for n in range(45)], [4 + n % 7 for n in range(45)]), ax=ax),
    "bars-long": lambda ax: _BARS(groups([LONG, f"{LONG} 2", "C"], [4, 5, 6]), ax=ax),
    "bars-one": lambda ax: _BARS(groups(["Year 7"], [4.2]), ax=ax),
    "bars-extremes": lambda ax: _BARS(groups(YEARS[:4], [0, 100, 50, 0.4]), ax=ax),
    "bars-zero": lambda ax: _BARS(groups(YEARS[:3], [0, 0, 0]), ax=ax),
    "bars-full-attendance": lambda ax: _BARS(groups(YEARS[:3], [0, 0, 0]), rate="attendance_rate", ax=ax),
    "bars-odd": lambda ax: _BARS(
        groups([*YEARS[:3], None], [4, 5, _NAN, 6], students=[60, 3, 0, 1]), suppress_below=5, ax=ax
    ),
    "bars-all-hidden": lambda ax: _BARS(groups(YEARS[:3], [4, 5, 6], students=3), suppress_below=5, ax=ax),
    "bars-none": lambda ax: _BARS(groups([], []), ax=ax),
    "bands": lambda ax: _BANDS(bands([310, 260, 120, 60, 31, 14, 9, 5, 3, 2, 11]), ax=ax),
    "bands-hidden": lambda ax: _BANDS(bands([310, 260, 120, 60, 31, 14, 9, 7, 3, 2, 11]), suppress_below=5, ax=ax),
    "bands-all-hidden": lambda ax: _BANDS(bands([3, 2, *[0] * 9]), suppress_below=5, ax=ax),
    "bands-one": lambda ax: _BANDS(bands([1, *[0] * 10]), ax=ax),
    "bands-last": lambda ax: _BANDS(bands([*[0] * 10, 400]), ax=ax),
    "bands-many": lambda ax: _BANDS(
        bands([12345, 23456, 34567, 11111, 5000, 400, 30, 2000, 100, 12000, 30000]), title=LONG, ax=ax
    ),
    "bands-none": lambda ax: _BANDS(bands([0] * 11), ax=ax),
    "cumulative": lambda ax: _YEARS(years(), ax=ax),
    "cumulative-absence": lambda ax: _YEARS(years(), rate="absence_rate", ax=ax),
    "cumulative-many": lambda ax: _YEARS(years(7), ax=ax),
    "cumulative-one": lambda ax: _YEARS(years(1, 1), ax=ax),
    "cumulative-extremes": lambda ax: _YEARS(
        rates([0, 100, 50, 100], academic_year=["A", "A", "B", "B"], school_week=[1, 2, 1, 2]), ax=ax
    ),
    "cumulative-full": lambda ax: _YEARS(years().assign(attendance_rate=100.0), ax=ax),
    "cumulative-zero": lambda ax: _YEARS(years().assign(absence_rate=0.0), rate="absence_rate", ax=ax),
    "cumulative-missing": lambda ax: _YEARS(
        years().assign(attendance_rate=lambda f: f["attendance_rate"].mask(f["school_week"].between(5, 9))), ax=ax
    ),
    "cumulative-hidden": lambda ax: _YEARS(
        years().assign(students=lambda f: f["school_week"].where(f["school_week"].lt(5), 40)), suppress_below=5, ax=ax
    ),
    "cumulative-none": lambda ax: _YEARS(years().head(0), ax=ax),
    "register": lambda ax: _REGISTER(marks("2025-11-03", 7), calendar=calendar(), ax=ax),
    "register-year": lambda ax: _REGISTER(marks(number=39), calendar=calendar(), ax=ax),
    "register-one": lambda ax: _REGISTER(marks().head(1), calendar=calendar(), ax=ax),
    "register-present": lambda ax: _REGISTER(marks(codes="/\\"), ax=ax),
    "register-absent": lambda ax: _REGISTER(marks(number=6, codes="O"), title=LONG, ax=ax),
    "register-none": lambda ax: _REGISTER(marks(codes=""), calendar=calendar(), ax=ax),
    "wellbeing": lambda ax: _EVENTS(events(COUNTS, CATEGORIES), ax=ax),
    "wellbeing-rate": lambda ax: _EVENTS(events(COUNTS, CATEGORIES), value="events_per_100_students", ax=ax),
    "wellbeing-many": lambda ax: _EVENTS(
        events(np.arange(24 * 30).reshape(24, 30) % 23, [f"{LONG[:40]} {n}" for n in range(24)]), ax=ax
    ),
    "wellbeing-hidden": lambda ax: _EVENTS(
        events([[9, 12, _NAN], [_NAN, 7, 0], [0, _NAN, _NAN]], CATEGORIES[:3]), ax=ax
    ),
    "wellbeing-all-hidden": lambda ax: _EVENTS(events([[_NAN, _NAN], [_NAN, _NAN]], CATEGORIES[:2]), ax=ax),
    "wellbeing-one": lambda ax: _EVENTS(events([[1]], ["Bullying"]), ax=ax),
    "wellbeing-zero": lambda ax: _EVENTS(events(np.zeros((3, 6)), CATEGORIES[:3]), ax=ax),
    "wellbeing-extremes": lambda ax: _EVENTS(events([[0, 4000], [1, 12345]], [LONG, "B"]), title=LONG, ax=ax),
    "wellbeing-none": lambda ax: _EVENTS(events(COUNTS, CATEGORIES).head(0), ax=ax),
    "timeline": lambda ax: _RECORD(RECORD, ax=ax),
    "timeline-attendance": lambda ax: _RECORD(
        RECORD, attendance=weeks([0, 10, 0, 30, _NAN, 100, 50, 20, 10, 0, 0, 5, 20, 100, 20]), ax=ax
    ),
    "timeline-many": lambda ax: _RECORD(CROWD, ax=ax),
    "timeline-one": lambda ax: _RECORD(RECORD.head(1), ax=ax),
    "timeline-weeks-only": lambda ax: _RECORD(RECORD.head(0), attendance=weeks([0, 10, 0, 30]), ax=ax),
    "timeline-undated": lambda ax: _RECORD(RECORD.head(2).assign(date=pd.NaT), ax=ax),
    "timeline-none": lambda ax: _RECORD(RECORD.head(0), ax=ax),
    "around": lambda ax: _AROUND(around(*NINE, 43), ax=ax),
    "around-hidden": lambda ax: _AROUND(
        around([93, _NAN, 90, 86, 80, 88, 91, _NAN, 92.5], NINE[1], [9, None, 8, 9, 9, 9, 9, None, 9]), ax=ax
    ),
    "around-many": lambda ax: _AROUND(
        around([90 + n % 5 for n in range(41)], [93 + n % 3 for n in range(41)], 1043), ax=ax
    ),
    "around-extremes": lambda ax: _AROUND(around([0, 100, 50], [100, 0, 50], [1, 1, 1], 60), title=LONG, ax=ax),
    "around-full": lambda ax: _AROUND(around([100] * 5, [100] * 5, 5, 0), ax=ax),
    "around-one": lambda ax: _AROUND(around([90], [95], 1), ax=ax),
    "around-none": lambda ax: _AROUND(around([_NAN] * 5, [_NAN] * 5, 0), ax=ax),
    "around-empty": lambda ax: _AROUND(around(*NINE, 43).head(0), ax=ax),
}

SHAPES = [
    "trend", "trend-lines", "trend-missing", "trend-extremes", "heat", "heat-missing", "bars", "bars-odd",
    "bands", "bands-hidden", "cumulative", "cumulative-many", "register", "wellbeing", "wellbeing-hidden",
    "timeline-attendance", "timeline-many", "around", "around-hidden", "around-extremes",
]  # fmt: skip
"""The pictures whose shapes are compared: each plot, and its edge cases that draw something else."""


def texts(ax: Any) -> list[Any]:
    """All visible texts, in the order in which they are drawn, without those of ticks beyond the end of an axis."""
    ax.figure.draw_without_rendering()
    colorbars = [bar for bar in (getattr(part, "colorbar", None) for part in [*ax.images, *ax.collections]) if bar]
    all_axes = [ax, *(bar.ax for bar in colorbars)]
    texts_in_order = dict.fromkeys(text for part in all_axes for text in part.findobj(Text))
    for axis in (axis for part in all_axes for axis in (part.xaxis, part.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low <= tick.get_loc() <= high:
                texts_in_order.pop(tick.label1, None)
                texts_in_order.pop(tick.label2, None)
    return [text for text in texts_in_order if text.get_visible() and text.get_text().strip()]


def words(ax: Any) -> list[str]:
    return [" ".join(text.get_text().split()) for text in texts(ax)]


def draw_shapes(name: str, folder: Path) -> Path:
    """Draw a picture without words and legend, in axes with a fixed place, as their sizes depend on the fonts."""
    with plt.style.context("default"):
        figure = plt.figure(figsize=(5, 3.4))
        CASES[name](figure.add_axes((0.14, 0.2, 0.6, 0.61)))
        figure.draw_without_rendering()
        for artist in figure.findobj(lambda artist: isinstance(artist, Text | Legend)):
            artist.set_visible(False)
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=60, metadata={"Software": None})
    return path


def main() -> None:
    mpl.use("Agg")
    BASELINE.mkdir(exist_ok=True)
    for old in BASELINE.glob("*.png"):
        old.unlink()
    for name in SHAPES:
        draw_shapes(name, BASELINE)
        plt.close("all")
    all_words = {}
    for name, draw in CASES.items():
        all_words[name] = words(draw(None))
        plt.close("all")
    (BASELINE / "words.json").write_text(json.dumps(all_words, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
