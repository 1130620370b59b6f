"""The lists about attendance: who is at risk, absent by the school's rules, away now, and more; and why."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from ..attendance import absentees, at_risk, recent_change, repeated_absence, runs, summarise
from ..attendance.codes import CodeMap
from ..attendance.rules import AbsenceRule
from .lists import NameList, Row, day, named, reasons

if TYPE_CHECKING:
    from ..school_data import SchoolData

ABSENT = ["authorised_absence", "unauthorised_absence"]
_NOT_COUNTED = ["not_possible", "administrative", "unmapped", "unmarked"]
_NEAR = 6  # sessions
_AWAY = 4  # sessions in a row
_RISE = 10  # percentage points
_WEEKS = 4
_EARLY = 6  # weeks
_SEVERAL = 5  # students
_DAY = pd.Timedelta(days=1)
_STUDY = re.compile(r"\bstudy leave\b", re.IGNORECASE)


class AbsenceLists:
    """The lists about attendance, worked out for the whole school. Each method gives one."""

    def __init__(self, data: "SchoolData") -> None:
        self.data = data
        self.marks = data.marks()
        self.calendar, self.newest, self.rule = data.calendar, data.newest_register, data.rule
        self.absent = self.marks[self.marks["category"].isin(ABSENT)]
        self.is_study = self.marks["code"].isin(study_leave_codes(data))
        weeks = summarise(self.marks, "week")
        self.weeks = weeks.loc[weeks["possible_sessions"].gt(0), "week"]

    def all(self) -> Iterator[NameList]:
        """Every list, in the order in which to act."""
        yield self.at_risk()
        yield from (self.of_rule(rule) for rule in self.data.rules)
        yield self.away()
        yield self.risen()
        yield self.unauthorised()
        yield self.without_marks()
        yield self.study_leave()

    @cached_property
    def without_study(self) -> pd.DataFrame:
        """The marks without study leave, which then is neither absent nor possible."""
        return self.marks[~self.is_study]

    @cached_property
    def _risk(self) -> pd.DataFrame:
        return self._near(self.marks)

    def _near(self, marks: pd.DataFrame) -> pd.DataFrame:
        """Students who can still avoid meeting the rule, and are near to it or meet it now."""
        risk = at_risk(marks, self.calendar, rule=self.rule, on=self.newest)
        risk = risk[risk["possible_sessions"].gt(0)]
        self._unit = "days" if "remaining_days" in risk else "sessions"
        risk["left"] = risk[f"remaining_{self._unit}"]
        risk["booked"] = risk["student_id"].map(self._booked).fillna(0).astype("int64")
        risk["free"] = risk["can_still_miss"] - risk["booked"]
        risk["now"] = risk["status"].eq(self.rule.name).fillna(False)
        open_yet = risk["avoidable"].fillna(False) & risk["can_still_miss"].lt(risk["left"]).fillna(False)
        return risk[open_yet & (risk["now"] | risk["free"].le(_NEAR).fillna(False))].sort_values("free", kind="stable")

    @cached_property
    def _booked(self) -> pd.Series:
        """How many absences are booked for each student, in sessions or days like the rule."""
        last = self.calendar.terms.loc[self.calendar.terms["academic_year"].eq(self.data.academic_year), "end"].max()
        ahead = self.data.marks(since=self.newest + _DAY, until=max(last, self.newest + _DAY))
        ahead = ahead[ahead["category"].isin(ABSENT)]
        if last > self.newest:
            ahead = ahead[ahead["date"].isin(self.calendar.open_days(since=self.newest + _DAY, until=last))]
        if self._unit == "days":
            ahead = ahead.drop_duplicates(["student_id", "date"])
        booked: pd.Series = ahead.groupby("student_id").size()
        return booked

    def at_risk(self) -> NameList:
        """Who is near to meeting the school's first rule, and can still avoid it."""
        risk, unit = self._risk, self._unit
        risk = risk[~risk["student_id"].isin(self._only_study(risk, self._near(self.without_study)))]

        def why(row: Row) -> str:
            booked = f", besides {row['booked']} booked" if row["booked"] else ""
            so_far = f"Missed {row['absent_sessions']} of {row['possible_sessions']} sessions so far"
            if row["free"] < 0:
                limit = "only if booked absence is given up"
            elif row["free"] == 0:
                limit = f"if none of the {row['left']} {unit} left is missed{booked}"
            else:
                limit = f"if no more than {row['free']} of the {row['left']} {unit} left are missed{booked}"
            if row["now"]:
                return f"{so_far}: {met(self.rule)} now, and can end the year below the limit {limit}."
            return f"{so_far}: stays below the limit {limit}."

        rows = self._listed(risk, why, {"absence_rate": "Absence (%)", "free": "Can still miss"}, since=None)
        return NameList(
            "at-risk",
            "At risk of persistent absence" if self.rule.name == "persistent" else f"At risk by rule {self.rule.name}",
            f"They are {met(self.rule)} now or would be after a few more missed {unit}, and can still prevent it this "
            f"year by attending. The nearest come first. This counts the {unit} left in the calendar: no forecast.",
            rows,
        )

    def of_rule(self, rule: AbsenceRule) -> NameList:
        """Who meets a rule, study leave apart."""
        found, real = (self._by_rule(marks, rule) for marks in (self.marks, self.without_study))
        only_study = self._only_study(found, real)
        listed = found[~found["student_id"].isin(only_study)]

        def why(row: Row) -> str:
            unauthorised = row["unauthorised_sessions"] or "none"
            return (
                f"Missed {row['absent_sessions']} of {row['possible_sessions']} sessions, {unauthorised} unauthorised."
            )

        counts = summarise(self.marks, "student_id").set_index("student_id")["unauthorised_sessions"]
        listed = listed.assign(unauthorised_sessions=listed["student_id"].map(counts))
        rows = self._listed(listed, why, {"absence_rate": "Absence (%)"}, since=None)
        about = f"{_sentence(rule)} The most absent come first."
        if len(only_study):
            about += f" {len(only_study)} more are so only because of study leave; they are in a list below."
        if len(self.weeks) < _EARLY:
            about += f" The year has {len(self.weeks)} school weeks so far, so one illness can put a student here."
        return NameList(_anchor(rule.name), met(rule).capitalize(), about, rows)

    def _by_rule(self, marks: pd.DataFrame, rule: AbsenceRule) -> pd.DataFrame:
        found = absentees(marks, rules=[rule])
        return found[found[rule.name]]

    @cached_property
    def _runs(self) -> pd.DataFrame:
        found = runs(self.marks, self.calendar, at_least=_AWAY)
        now = found[found["ongoing"] & found["end"].eq(self.newest)].copy()
        study = self.absent[self.absent.index.isin(self.marks.index[self.is_study])]
        study = study.merge(now[["student_id", "start"]], on="student_id")
        counted = study[study["date"] >= study["start"]].groupby("student_id").size()
        now["studying"] = now["student_id"].map(counted).fillna(0).gt(now["absent_sessions"] / 2)
        return now

    def away(self) -> NameList:
        """Who is absent now."""
        now = self._runs[~self._runs["studying"]]

        def why(row: Row) -> str:
            unauthorised = f", {row['unauthorised_sessions']} unauthorised" if row["unauthorised_sessions"] else ""
            return f"Missed {row['absent_sessions']} sessions in a row since {day(row['start'])}{unauthorised}."

        rows = self._listed(
            now,
            why,
            {"start": "Since", "absent_sessions": "Sessions missed"},
            since=now.set_index("student_id")["start"],
        )
        return NameList(
            "away",
            "Away now",
            f"Absent at the newest register, of {day(self.newest)}, and for {_AWAY} sessions in a row or more. Those "
            "longest away come first. Students on study leave are left out.",
            rows,
        )

    def risen(self) -> NameList:
        """Whose absence has risen."""
        title = "Absence has risen"
        if len(self.weeks) < 2 * _WEEKS:
            weeks = f"The year has {len(self.weeks)} school weeks so far, and this comparison needs {2 * _WEEKS}."
            return NameList("risen", title, "", unknown=weeks)
        change = recent_change(self.without_study, weeks=_WEEKS, until=self.newest)
        change = change[change["change"].ge(_RISE).fillna(False)]

        def why(row: Row) -> str:
            before, now = row["earlier_absence_rate"], row["recent_absence_rate"]
            return (
                f"From {before:.1f} % to {now:.1f} % absence: missed {row['recent_absent_sessions']} of "
                f"{row['recent_possible_sessions']} sessions in the last {_WEEKS} school weeks."
            )

        rows = self._listed(
            change, why, {"change": "Rise (points)"}, since=self.weeks.tail(_WEEKS).min(), marks=self.without_study
        )
        return NameList(
            "risen",
            title,
            f"Absence of the last {_WEEKS} school weeks is at least {_RISE} percentage points above that of the "
            f"{_WEEKS} before. Study leave is left out. Some students' absence rises by chance: ask, do not conclude.",
            rows,
        )

    def unauthorised(self) -> NameList:
        """Who has repeated unauthorised absence now."""
        marks = self.data.marks(academic_year="all")
        marks = marks[marks["date"] >= self.calendar.terms["start"].min()]
        listed = repeated_absence(marks, self.calendar, until=self.newest)
        listed = listed[listed["current"]].sort_values("current_sessions", ascending=False, kind="stable")

        def why(row: Row) -> str:
            return f"{row['current_sessions']} unauthorised sessions within the last ten school weeks."

        # Ten school weeks of the calendar, which may reach back into the year before.
        weeks = pd.Series(sorted(self.calendar.week_of(pd.Series(self.calendar.open_days(until=self.newest))).unique()))
        rows = self._listed(
            listed, why, {"current_sessions": "Unauthorised sessions"}, since=weeks.tail(10).min(),
            marks=marks[marks["category"].eq("unauthorised_absence")],
        )  # fmt: skip
        return NameList(
            "unauthorised",
            "Repeated unauthorised absence",
            "Ten or more sessions of unauthorised absence within the ten school weeks up to the newest register. From "
            "this number on, state schools in England consider a penalty notice.",
            rows,
        )

    def without_marks(self) -> NameList:
        """Who is in no register lately."""
        counted = self.marks[~self.marks["category"].isin(_NOT_COUNTED)]
        last = counted.groupby("student_id")["date"].max()
        lately = self.calendar.open_days(until=self.newest)[-5:].min()
        students = self.data.students()
        students = students.assign(last_mark=students["student_id"].map(last))
        boarding = students.get("boarding_type_name", pd.Series(pd.NA, students.index, "str"))
        never = students["last_mark"].isna().groupby(boarding).agg(["all", "size"])
        kinds = never.index[never["all"] & never["size"].ge(_SEVERAL)]
        lost = students[~boarding.isin(kinds) & ~(students["last_mark"] >= lately)]
        lost = lost.sort_values("last_mark", kind="stable", na_position="first")

        def why(row: Row) -> str:
            if pd.isna(row["last_mark"]):
                return "No mark this year says present or absent."
            return f"The last mark that says present or absent is of {day(row['last_mark'])}."

        about = (
            "On the list of students, but in no register of the last five school days: leavers, registers that were "
            "not taken, or sessions that were not possible. They can be in none of the lists above."
        )
        if len(kinds):
            out = int(boarding.isin(kinds).sum())
            about += f" Left out: {out} students of boarding types that have no register: {', '.join(kinds)}."
        rows = self._listed(lost, why, {"last_mark": "Last mark"}, since=None, codes=False)
        return NameList("no-marks", "No mark for five school days", about, rows)

    def study_leave(self) -> NameList:
        """Who would be in one of these lists only because of study leave."""
        noted: dict[int, list[str]] = {}

        def note(ids: pd.Series, reason: str) -> None:
            for student in ids:
                noted.setdefault(student, []).append(reason)

        note(self._only_study(self._risk, self._near(self.without_study)), "near the limit")
        for rule in self.data.rules:
            found, real = (self._by_rule(marks, rule) for marks in (self.marks, self.without_study))
            note(self._only_study(found, real), met(rule))
        note(self._runs.loc[self._runs["studying"], "student_id"], "away now")
        rate = summarise(self.marks, "student_id").set_index("student_id")
        own = summarise(self.without_study, "student_id").set_index("student_id")
        listed = pd.DataFrame({"student_id": list(noted)}, dtype=self.marks["student_id"].dtype)
        listed["absence_rate"] = listed["student_id"].map(rate["absence_rate"])
        listed["without_study"] = listed["student_id"].map(own["absence_rate"])

        def why(row: Row) -> str:
            other = row["without_study"]
            rest: str = "no other session" if pd.isna(other) else f"{other:.1f} % absence without it"
            listed_as = " and ".join(dict.fromkeys(noted[row["student_id"]]))
            return f"{listed_as.capitalize()} only because of study leave; {rest}."

        return NameList(
            "study-leave",
            "On study leave (no call needed)",
            "They would be in a list above, but only because study leave counts as absence. They are counted in the "
            "school's figures.",
            self._listed(listed, why, {"absence_rate": "Absence (%)"}, since=None),
        )

    def _only_study(self, found: pd.DataFrame, real: pd.DataFrame) -> pd.Series:
        """The students of a list who had study leave and would not be in the list without it."""
        had = self.marks.loc[self.is_study, "student_id"].unique()
        students = found["student_id"]
        return students[students.isin(had) & ~students.isin(real["student_id"])]

    def _listed(
        self,
        found: pd.DataFrame,
        why: Callable[[Row], str],
        figures: Mapping[str, str],
        *,
        since: pd.Series | pd.Timestamp | None,
        marks: pd.DataFrame | None = None,
        codes: bool = True,
    ) -> pd.DataFrame:
        """The rows of a list with names, figures, reason and the codes of the absences since a day."""
        absent = self.absent if marks is None else marks[marks["category"].isin(ABSENT)]
        rows = found[["student_id", *figures]].rename(columns=figures).assign(Why=reasons(found, why))
        if codes:
            rows["Codes"] = found["student_id"].map(_codes_since(since, absent)).astype("str")
        return named(self.data, rows).assign(row=lambda frame: frame["student_id"].astype("str"))


def study_leave_codes(data: "SchoolData") -> list[str]:
    """The codes that mean study leave, by the code map and by the school's own list of codes."""
    mapping = CodeMap.built_in(data.code_map) if isinstance(data.code_map, str) else data.code_map
    known = mapping.frame
    codes = set(known.loc[known["meaning"].astype("str").str.contains(_STUDY).fillna(False), "code"])
    own = data.get("attendance_codes")
    if own is not None and {"code", "description"} <= set(own):
        codes |= set(own.loc[own["description"].astype("str").str.contains(_STUDY).fillna(False), "code"].dropna())
    return sorted(codes)


def _codes_since(since: pd.Series | pd.Timestamp | None, absent: pd.DataFrame) -> pd.Series:
    """The codes of each student's absences since a day, or since a day for each student; the most frequent first."""
    if isinstance(since, pd.Series):
        absent = absent[absent["date"] >= pd.to_datetime(absent["student_id"].map(since.to_dict()))]
    elif since is not None:
        absent = absent[absent["date"] >= since]
    counted = absent.groupby("student_id")["code"].value_counts().reset_index(name="n")
    joined: pd.Series = (
        (counted["code"].astype("str") + " " + counted["n"].astype("str")).groupby(counted["student_id"]).agg(", ".join)
    )
    return joined


def met(rule: AbsenceRule) -> str:
    """Being an absentee by a rule, in words."""
    return f"{rule.name}ly absent" if rule.name in ("persistent", "severe") else f"absent by the rule {rule.name}"


def _sentence(rule: AbsenceRule) -> str:
    text = str(rule).partition(": ")[2].partition(" (")[0].replace("of own", "of their own")
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _anchor(name: str) -> str:
    return "rule-" + (re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "own")
