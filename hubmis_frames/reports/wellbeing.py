"""The lists about wellbeing: what is open, overdue or comes close together; and which events are praise."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from ..errors import BadArgumentError
from ..wellbeing import open_events, repeated_events, reviews_due, without_plan
from .lists import NameList, Row, day, named, reasons

if TYPE_CHECKING:
    from ..school_data import SchoolData

_WINDOW = 28  # days
_DAY = pd.Timedelta(days=1)
_GOOD = re.compile(
    r"\b(achiev\w+|accomplish\w+|award\w*|celebrat\w+|commend\w+|congratulat\w+|credits?|excellen\w+|house ?points?|"
    r"kudos|merits?|positives?|prais\w+|recogni[sz]\w+|reward\w*|success\w*|well done|gold stars?)\b",
    re.IGNORECASE,
)
_NOT_GOOD = re.compile(
    r"\b(concern\w*|declin\w+|fail\w*|lack\w*|loss|lost|low|negative\w*|no|non|not|poor|remov\w+|under|un\w+|without|"
    r"withdraw\w+)\b",
    re.IGNORECASE,
)


def praise_of(data: "SchoolData") -> tuple[list[str], str]:
    """The categories of events that are praise, and where that is from, as a sentence."""
    said = data.settings.set_index("setting").loc["praise"]
    names = sorted(data.events(academic_year="all")["category_name"].dropna().unique())
    if said["source"] != "not said":
        concerns = set(data.events(academic_year="all", without="praise")["category_name"].dropna())
        good = [name for name in names if name not in concerns]
        return good, f"Praise, so not counted as concerns: {', '.join(good) or 'nothing'} ({said['source']})."
    good = [name for name in names if _GOOD.search(name) and not _NOT_GOOD.search(name)]
    if not good:
        return [], "No category of pastoral events is known as praise, so every event counts as a concern."
    return good, (
        f"Not counted as concerns, because the names of these categories speak of praise: {', '.join(good)}. If that "
        "is wrong, name the right ones as praise in school.toml."
    )


class WellbeingLists:
    """The lists about wellbeing, worked out for the whole school. Each method gives one."""

    def __init__(self, data: "SchoolData", praise: list[str]) -> None:
        self.data = data
        self.students = data.students()
        self.concerns = data.events(academic_year="all", without=praise)
        self.this_year = data.events(without=praise)
        self.plans = data.plans()
        self.newest = data.events(academic_year="all")["date"].max()
        self.on = self.newest if data.fetched_on is None else data.fetched_on  # the day on which a status is true
        years = data["academic_years"]
        self.since = years.loc[years["name"].eq(data.academic_year), "date_from"].min()

    def all(self) -> Iterator[NameList]:
        """Every list, in the order in which to act."""
        yield self.close_together()
        yield self.open()
        yield self.reviews()
        yield self.no_plan()

    def close_together(self) -> NameList:
        """Who has several concerns close together lately."""
        title = "Several concerns in four weeks"
        if pd.isna(self.newest):
            return NameList("concerns", title, "", unknown="No pastoral event is recorded.")
        first = self.newest - 3 * pd.Timedelta(days=_WINDOW) + _DAY
        recent = self.this_year[self.this_year["date"].ge(first)]
        found = repeated_events(recent, at_least=2, days=_WINDOW)
        kinds = recent.groupby("student_id")["category_name"].value_counts().reset_index(name="n")
        text = (kinds["category_name"].astype("str") + " " + kinds["n"].astype("str")).groupby(kinds["student_id"])

        def why(row: Row) -> str:
            return (
                f"{row['most_in_window']} concerns between {day(row['window_start'])} and {day(row['window_end'])}; "
                f"{row['events']} since {day(first)}."
            )

        rows = self._listed(found, why, {"most_in_window": "Concerns", "last_date": "Latest"})
        rows["Categories"] = rows["student_id"].map(text.agg(", ".join)).astype("str")
        return NameList(
            "concerns",
            title,
            f"Two or more concerns within {_WINDOW} days, in the twelve weeks up to the newest event, of "
            f"{day(self.newest)}. Those with most come first. Someone with many records may be better known to staff, "
            "and not worse off.",
            rows,
        )

    def open(self) -> NameList:
        """Which concerns are open."""
        title = "Concerns still open"
        try:
            found = open_events(self.concerns, self.on)
        except BadArgumentError:
            unknown = "The events have no status, or one other than active and inactive."
            return NameList("open", title, "", unknown=unknown)

        def why(row: Row) -> str:
            severity: str = "" if pd.isna(row["severity_name"]) else f" ({row['severity_name']})"
            kind: str = "No category" if pd.isna(row["category_name"]) else row["category_name"]
            if pd.isna(row["days_open"]):
                return f"{kind}{severity}, without a date."
            return f"{kind}{severity}, open since {day(row['date'])}."

        rows = self._listed(found, why, {"date": "Since", "days_open": "Days open"}, each="pastoral_event_id")
        about = f"One line for each concern that was open on {day(self.on)}, from any year. The oldest come first."
        return NameList("open", title, about, rows)

    def reviews(self) -> NameList:
        """Which reviews of plans are overdue."""
        title = "Reviews of plans overdue"
        try:
            found = reviews_due(self.plans, self.on)
        except BadArgumentError:
            return NameList("reviews", title, "", unknown="HUBmis sent no review dates.")

        def why(row: Row) -> str:
            kind: str = "Plan" if pd.isna(row["category_name"]) else row["category_name"]
            return f"{kind}: the review was due on {day(row['review_date'])}."

        rows = self._listed(
            found, why, {"review_date": "Due", "days_overdue": "Days overdue"}, each="pastoral_event_id"
        )
        without = int(found.attrs.get("without_review_date", 0))
        more = f" {without} open plans have no review date." if without else ""
        return NameList("reviews", title, f"Open plans whose review was due by {day(self.on)}.{more}", rows)

    def no_plan(self) -> NameList:
        """Who has several concerns and no active plan."""
        title = "Three concerns and no plan"
        both = pd.concat([self.concerns, self.plans])
        try:
            found = without_plan(both, students=self.students, at_least=3, since=self.since)
        except BadArgumentError:
            unknown = "The plans have no status, or one other than active and inactive."
            return NameList("no-plan", title, "", unknown=unknown)

        def why(row: Row) -> str:
            ended = f"; {row['ended_plans']} plans ended" if row["ended_plans"] else ""
            return f"{row['events']} concerns this year, the latest on {day(row['last_date'])}{ended}."

        return NameList(
            "no-plan",
            title,
            "Three or more concerns this year and no active wellbeing plan. Most events need no plan.",
            self._listed(found, why, {"events": "Concerns", "last_date": "Latest"}),
        )

    def _listed(
        self,
        found: pd.DataFrame,
        why: Callable[[Row], str],
        figures: Mapping[str, str],
        each: str | None = None,
    ) -> pd.DataFrame:
        found = found[found["student_id"].isin(self.students["student_id"])]
        row = found["student_id"].astype("str")
        if each is not None:
            row = row + ":" + found[each].astype("str")
        rows = found[["student_id", *figures]].rename(columns=figures).assign(Why=reasons(found, why), row=row)
        return named(self.data, rows)
