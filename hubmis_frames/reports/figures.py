"""The figures and pictures of a report, and what to know before trusting them. A picture's words say what it shows."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ..attendance import absence_bands, code_frequency, cumulative, summarise
from ..plots import (
    absence_bands as draw_bands,
)
from ..plots import (
    attendance_bars,
    attendance_cumulative,
    attendance_heat_map,
    attendance_trend,
    wellbeing_by_category,
)
from ..wellbeing import summarise as summarise_events
from .absence import met
from .lists import day

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..school_data import SchoolData

_DPI = 110
_RATES = {
    "students": "Students",
    "possible_sessions": "Possible sessions",
    "attendance_rate": "Attendance (%)",
    "authorised_rate": "Authorised absence (%)",
    "unauthorised_rate": "Unauthorised absence (%)",
}


@dataclass(frozen=True)
class Picture:
    """A picture, which has its title in it, and in words what it shows."""

    alt: str
    png: bytes


@dataclass(frozen=True)
class Table:
    """A table with its caption."""

    caption: str
    rows: pd.DataFrame


Block = Picture | Table | str


def attendance_figures(data: "SchoolData", students: pd.DataFrame) -> Iterator[Block]:
    """The figures on attendance of some students: the year so far, by week, group and weekday, and beside last year."""
    marks = data.marks(students=students)
    yield Table("The academic year so far", _main_figures(data, marks))
    group = _group_of(students)
    if group is not None:
        by_group = _rates(data, marks, group)
        if len(by_group):
            yield Table(f"Attendance by {_words(group)}", by_group)
            rates = summarise(marks, group, confidence=0.95)
            yield _picture(
                lambda ax: attendance_bars(rates, ax=ax),
                (7.5, 1.6 + 0.42 * max(len(rates), 3)),
                _extremes(f"Absence by {_words(group)}", rates[group], rates["absence_rate"]),
            )
            yield (
                "The lines are intervals: with few students in a group, one or two who are rarely in school change its "
                "rate by points. Do not rank groups by this chart."
            )
    weekly = summarise(marks, "week")
    yield _picture(
        lambda ax: attendance_trend(weekly, calendar=data.calendar, ax=ax),
        (10, 4.2),
        _extremes(
            "Absence by week", weekly["week"].map(lambda week: f"the week of {day(week)}"), weekly["absence_rate"]
        ),
    )
    yield from _years(data, students)
    by_day = summarise(marks, ["weekday", "session"])
    yield _picture(
        lambda ax: attendance_heat_map(by_day, ax=ax),
        (7, 2.9),
        _extremes(
            "Absence by weekday and session",
            by_day["weekday"].astype("str") + " " + by_day["session"].astype("str"),
            by_day["absence_rate"],
        ),
    )
    bands = absence_bands(marks)
    told = "; ".join(
        f"{band} %: {count}" for band, count in zip(bands["absence_band"], bands["students"], strict=True) if count
    )
    yield _picture(
        lambda ax: draw_bands(bands, ax=ax),
        (8, 4),
        f"Number of students by per cent of their sessions missed. {told or 'No student has a session.'}.",
    )


def _main_figures(data: "SchoolData", marks: pd.DataFrame) -> pd.DataFrame:
    (whole,) = summarise(marks, rules=data.rules).to_dict("records")
    counted = int(summarise(marks, "student_id")["possible_sessions"].gt(0).sum())
    rows = [(label, _per_cent(whole[name])) for name, label in _RATES.items() if name.endswith("_rate")]
    for rule in data.rules:
        share = f" ({_per_cent(whole[f'{rule.name}_absence_rate'])} %)" if counted else ""
        rows.append((met(rule).capitalize(), f"{whole[f'{rule.name}_absentees']} of {counted} students{share}"))
    rows.append(("Sessions in no rate, as they are unmarked", f"{whole['unmarked_sessions']:,}"))
    rows.append(("Sessions in no rate, as their code has no category", f"{whole['unmapped_sessions']:,}"))
    return pd.DataFrame(rows, columns=["Figure", "Value"])


def _rates(data: "SchoolData", marks: pd.DataFrame, group: str) -> pd.DataFrame:
    frame = summarise(marks, group, rules=data.rules)
    named = {f"{rule.name}_absentees": met(rule).capitalize() for rule in data.rules}
    columns = {group: _words(group).capitalize(), **_RATES, **named}
    return frame[list(columns)].round(1).rename(columns=columns)


def _group_of(students: pd.DataFrame) -> str | None:
    """The first column of groups that tells these students apart."""
    for name in ("year_group_name", "form_name"):
        if name in students and students[name].nunique() > 1:
            return name
    return None


def _years(data: "SchoolData", students: pd.DataFrame) -> Iterator[Block]:
    running = cumulative(data.marks(academic_year=data.academic_years[-2:], students=students))
    last = running[running["attendance_rate"].notna()].groupby("academic_year").tail(1)
    if len(last) < 2:
        yield "The marks are all from one academic year, so there is no other year to compare with."
        return
    told = "; ".join(
        f"{year}: {_per_cent(rate)} % up to school week {week}"
        for year, rate, week in last[["academic_year", "attendance_rate", "school_week"]].itertuples(index=False)
    )
    yield _picture(
        lambda ax: attendance_cumulative(running, ax=ax),
        (9.5, 4.2),
        f"Attendance since the year began, week by week, one line for each academic year. {told}.",
    )
    yield "Last year has only students who are still here. Those who left were often absent more."


def wellbeing_figures(data: "SchoolData", students: pd.DataFrame, praise: list[str]) -> Iterator[Block]:
    """The figures on wellbeing of some students: events by category and month, and concerns by group."""
    # An event about somebody on no list of these students is not theirs.
    events = data.events()
    events = events[events["student_id"].isin(students["student_id"])]
    concerns = events[~events["category_name"].isin(praise)]
    met_by = concerns["student_id"].nunique()
    yield (
        f"This year {len(concerns)} concerns about {met_by} of {len(students)} students are on record. They count what "
        "staff wrote down: more records can mean more need, more recording, or both."
    )
    if events["date"].notna().any():
        by_month = summarise_events(events, ["month", "category_name"], students=students, calendar=data.calendar)
        most = by_month.groupby("category_name")["events"].sum().sort_values(ascending=False)
        yield _picture(
            lambda ax: wellbeing_by_category(by_month, ax=ax),
            (12, 1.9 + 0.36 * max(by_month["category_name"].nunique(), 3)),
            "Number of pastoral events by category and month. In all: "
            + "; ".join(f"{name} {number}" for name, number in most.items()) + ".",
        )  # fmt: skip
    group = _group_of(students)
    if group is not None:
        frame = summarise_events(concerns, group, students=students)
        columns = {
            group: _words(group).capitalize(), "events": "Concerns", "students_concerned": "Students with a concern",
            "students": "Students", "events_per_100_students": "Concerns per 100 students",
        }  # fmt: skip
        yield Table(f"Concerns of this year by {_words(group)}", frame[list(columns)].round(1).rename(columns=columns))


def trust(data: "SchoolData", students: pd.DataFrame) -> Iterator[Block]:
    """What to know of the data before any figure: codes without a category, checks, settings, and the codes used."""
    marks = data.marks(academic_year="all", groups="now")
    unmapped = marks.loc[marks["category"].eq("unmapped"), "code"].value_counts()
    if len(unmapped):
        codes = ", ".join(f"{code} ({number:,} marks)" for code, number in unmapped.items())
        yield (
            f"In no rate, because these codes have no category: {codes}. The school decides what they count as: "
            "write it in code-map.csv beside the export."
        )
    checks = data.checks()
    found = checks[checks["rows"].fillna(0).ne(0) | checks["students"].fillna(0).ne(0) | checks["rows"].isna()]
    found = found[~(found["rows"].isna() & found["students"].eq(0).fillna(False))]
    labels = {
        "check": "Check", "detail": "Detail", "rows": "Rows", "students": "Students", "meaning": "What it means",
    }  # fmt: skip
    yield f"{len(checks) - len(found)} checks of the whole school's data found nothing. These found something:"
    yield Table("Checks of the data that found something", found[list(labels)].rename(columns=labels))
    used = code_frequency(data.marks(students=students))
    used = used.drop(columns="share", errors="ignore")
    used["code"] = used["code"].astype("str").str.strip().replace("", "(blank)").fillna("(blank)")
    used["category"] = used["category"].astype("str").str.replace("_", " ")
    yield Table("Codes of this year's marks", used.rename(columns=lambda name: _words(str(name)).capitalize()))
    settings = data.settings.rename(columns=lambda name: str(name).capitalize())
    settings["Setting"] = settings["Setting"].str.replace("_", " ")
    yield Table("What is known of the school, and where from", settings)
    yield "Where a setting is wrong, write the right one in school.toml beside the export."


def _picture(draw: "Callable[[Axes], object]", size: tuple[float, float], alt: str) -> Picture:
    """Draw on a white page, whatever style the user has chosen for other pictures."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context("default"):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=_DPI)
    return Picture(alt, file.getvalue())


def _extremes(what: str, names: pd.Series, rates: pd.Series) -> str:
    """A chart of rates in words: its lowest and highest."""
    known = rates.dropna()
    if known.empty:
        return f"{what}: no possible sessions."
    places = known.to_numpy().argmin(), known.to_numpy().argmax()
    low, high = (f"{_per_cent(known.iloc[place])} %, {names[known.index].iloc[place]}" for place in places)
    return f"{what}, in per cent of possible sessions. Lowest: {low}. Highest: {high}."


def _per_cent(value: float) -> str:
    return "not known" if pd.isna(value) else f"{value:.1f}"


def _words(name: str) -> str:
    return name.removesuffix("_name").replace("_", " ")
