"""Figures of attendance once more, in plain Python and from raw records, to hold those of the package against."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from hubmis_frames.attendance import AbsenceRule

BOTH = ("am", "pm")
ATTENDED = ("present", "late", "approved_activity")
ABSENT = ("authorised_absence", "unauthorised_absence")
POSSIBLE = (*ATTENDED, *ABSENT, "other_possible")
ROW = dict[str, Any]


class Mark(NamedTuple):
    """One mark: of a session of a student."""

    student: int
    day: date
    session: str
    code: str | None
    category: str


class Days:
    """A school's days: the sessions of each open one, its academic year, its week and that week's number."""

    def __init__(
        self,
        years: Mapping[str, Sequence[tuple[date, date]]],
        shut: Iterable[tuple[date, date]],
        week: Mapping[int, Sequence[str]],
        first: int = 0,
    ) -> None:
        closed = {start + timedelta(n) for start, end in shut for n in range((end - start).days + 1)}
        self.week, self.first = week, first
        self.years = {year: (min(a for a, _ in terms), max(b for _, b in terms)) for year, terms in years.items()}
        self.opens: dict[date, tuple[str, ...]] = {}
        self.year: dict[date, str] = {}
        for year, terms in years.items():
            for start, end in terms:
                for n in range((end - start).days + 1):
                    day = start + timedelta(n)
                    if day.weekday() in week and day not in closed:
                        self.opens[day], self.year[day] = tuple(week[day.weekday()]), year
        self.opens = dict(sorted(self.opens.items()))
        self.number: dict[tuple[str, date], int] = {}
        for day in self.opens:
            known = [week for year, week in self.number if year == self.year[day]]
            self.number.setdefault((self.year[day], self.week_of(day)), len(known) + 1)

    def week_of(self, day: date) -> date:
        return day - timedelta((day.weekday() - self.first) % 7)

    def year_at(self, day: date) -> str:
        """The year of a day; between two years, the earlier one."""
        return max((start, year) for year, (start, _) in self.years.items() if start <= day)[1]


def rate(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def by_student(marks: Iterable[Mark]) -> dict[int, list[Mark]]:
    found = defaultdict(list)
    for mark in sorted(marks, key=lambda mark: (mark.day, mark.session)):
        found[mark.student].append(mark)
    return dict(found)


def grouped(marks: Iterable[Mark], key: Callable[[Mark], Any]) -> dict[Any, list[Mark]]:
    found = defaultdict(list)
    for mark in marks:
        found[key(mark)].append(mark)
    return dict(found)


def amounts(marks: Sequence[Mark], kinds: Sequence[str] = ABSENT) -> tuple[int, int]:
    """Sessions missed, and possible ones."""
    possible = [mark for mark in marks if mark.category in POSSIBLE]
    return sum(mark.category in kinds for mark in possible), len(possible)


def amounts_by_rule(rule: AbsenceRule, marks: Sequence[Mark]) -> tuple[int, int]:
    """What a student missed by a rule, and what was possible: sessions, or days."""
    if rule.unit in ("per cent", "sessions"):
        return amounts(marks, rule.categories)
    days = [amounts(part, rule.categories) for part in grouped(marks, lambda mark: mark.day).values()]
    missed = [absent == possible if rule.whole_days else absent > 0 for absent, possible in days if possible]
    return sum(missed), len(missed)


def meets(rule: AbsenceRule, absent: int, possible: int, sessions: int) -> bool:
    """Whether so much absence meets a rule, by its words."""
    if not sessions or sessions < rule.minimum_sessions or not possible:
        return False
    amount = Fraction(100 * absent, possible) if rule.unit.startswith("per cent") else Fraction(absent)
    if rule.at_least is not None:
        return amount >= Fraction(rule.at_least)
    assert rule.more_than is not None
    return amount > Fraction(rule.more_than)


def meets_by(rule: AbsenceRule, marks: Sequence[Mark]) -> bool:
    return meets(rule, *amounts_by_rule(rule, marks), amounts(marks)[1])


def summarise(marks: Sequence[Mark], key: Callable[[Mark], Any], rules: Sequence[AbsenceRule] = ()) -> dict[Any, ROW]:
    """The summary of each group."""
    rows = {}
    for group, part in grouped(marks, key).items():
        count = {name: sum(mark.category in kinds for mark in part) for name, kinds in CATEGORIES_OF.items()}
        possible = count["possible_sessions"]
        rows[group] = {"students": len({mark.student for mark in part}), **count}
        for name in ("attendance", "absence", "authorised", "unauthorised"):
            source = {"attendance": "attended", "absence": "absent"}.get(name, name)
            rows[group][f"{name}_rate"] = rate(count[f"{source}_sessions"], possible)
        people = by_student(part).values()
        some = [own for own in people if amounts(own)[1]]
        for rule in rules:
            counted = [own for own in some if amounts(own)[1] >= rule.minimum_sessions]
            met = sum(meets_by(rule, own) for own in counted)
            rows[group][f"{rule.name}_absentees"] = met
            rows[group][f"{rule.name}_absence_rate"] = rate(met, len(counted))
            if rule.minimum_sessions:
                rows[group][f"{rule.name}_below_minimum"] = len(some) - len(counted)
    return rows


CATEGORIES_OF: dict[str, Sequence[str]] = {
    "possible_sessions": POSSIBLE,
    "attended_sessions": ATTENDED,
    "absent_sessions": ABSENT,
    "late_sessions": ("late",),
    "approved_activity_sessions": ("approved_activity",),
    "authorised_sessions": ("authorised_absence",),
    "unauthorised_sessions": ("unauthorised_absence",),
    "other_possible_sessions": ("other_possible",),
    "not_possible_sessions": ("not_possible",),
    "unmarked_sessions": ("unmarked",),
    "unmapped_sessions": ("unmapped",),
}


def absence_bands(marks: Sequence[Mark], key: Callable[[Mark], Any]) -> dict[tuple[Any, int], int]:
    """The number of students in each band of five points (0 to 10)."""
    found: dict[tuple[Any, int], int] = defaultdict(int)
    for group, part in grouped(marks, key).items():
        for own in by_student(part).values():
            absent, possible = amounts(own)
            if possible:
                found[group, next(band for band in range(10, -1, -1) if 100 * absent >= 5 * band * possible)] += 1
    return dict(found)


def newest_register(marks: Sequence[Mark]) -> date:
    possible = [mark for mark in marks if mark.category in POSSIBLE] or list(marks)
    students = {day: len({mark.student for mark in part}) for day, part in grouped(possible, lambda m: m.day).items()}
    usual = sorted(students[mark.day] for mark in possible)
    middle = (usual[(len(usual) - 1) // 2] + usual[len(usual) // 2]) / 2
    return max(day for day, number in students.items() if 2 * number >= middle)


def at_risk(
    marks: Sequence[Mark], days: Days, rule: AbsenceRule, on: date, within: int, leaving: Mapping[int, date]
) -> dict[int, ROW]:
    """How near each student is to meeting a rule, by missing and attending what is to come, step by step."""
    start, end = days.years[days.year_at(on)]
    so_far = [mark for mark in marks if start <= mark.day <= on]
    today = grouped((m for m in so_far if m.day == on and m.category != "unmarked"), lambda mark: mark.session)
    sizes = {session: len({mark.student for mark in part}) for session, part in today.items()}
    taken = [session for session in BOTH if sizes.get(session, 0) and 2 * sizes[session] >= max(sizes.values())]
    later = BOTH[BOTH.index(taken[-1]) + 1 :] if taken else BOTH
    to_come = [session for session in days.opens.get(on, ()) if session in later]
    so_far = [mark for mark in so_far if not (mark.day == on and mark.session in to_come)]
    every = [(on, session) for session in to_come]
    every += [(day, session) for day, sessions in days.opens.items() if on < day <= end for session in sessions]
    rows = {}
    for student, own in by_student(so_far).items():
        ahead = [(day, session) for day, session in every if day <= leaving.get(student, day)]
        rows[student] = _risk_of(own, ahead, every, rule, within)
    return rows


def _risk_of(
    own: list[Mark], ahead: list[tuple[date, str]], every: list[tuple[date, str]], rule: AbsenceRule, within: int
) -> ROW:
    absent, possible = amounts(own)
    row: ROW = {"possible_sessions": possible, "absent_sessions": absent, "absence_rate": rate(absent, possible)}
    by_days = rule.unit in ("days", "per cent of days")
    mine, all_of = (_steps(places, by_days) for places in (ahead, every))
    begun = [mark for mark in own if every and mark.day == every[0][0] and mark.category in POSSIBLE]
    sessions, rest = possible, 0
    if by_days and any((mark.category in rule.categories) != rule.whole_days for mark in begun):
        # How today counts is decided: missed if one session is enough, not missed if all have to be.
        mine, all_of = ([step for step in steps if step[0][0] != begun[0].day] for steps in (mine, all_of))
        rest = sum(day == begun[0].day for day, _ in every)  # of today, which passes before any day to come
    elif by_days:
        own = [mark for mark in own if mark not in begun]
    missed, of = amounts_by_rule(rule, own)
    met = meets(rule, missed, of, sessions)
    unit = "days" if by_days else "sessions"
    row[f"remaining_{unit}"] = len(mine)

    def at_the_end(further: int) -> bool:
        return meets(rule, missed + further, of + len(mine), sessions + len(ahead))

    row["avoidable"] = not at_the_end(0)
    allowed = [number for number in range(len(mine) + 1) if not at_the_end(number)]
    row["can_still_miss"] = max(allowed) if allowed else "negative"
    if not possible:
        return row | {"status": None}

    def in_a_row(number: int, absence: int) -> bool:
        done = every.index(all_of[number - 1][-1]) + 1 if number else rest
        return meets(rule, missed + absence, of + number, sessions + done)

    until = next((number for number in range(len(all_of) + 1) if in_a_row(number, number)), None)
    near = within if not by_days else sum(any(place in every[:within] for place in step) for step in all_of)
    if until is not None:
        row[f"{unit}_until"] = until
    if until is not None or len(every) > within:
        row["status"] = rule.name if met else "at risk" if until is not None and until <= near else "below"
    if met:
        row[f"{unit}_to_recover"] = next((n for n in range(1, len(mine) + 1) if not in_a_row(n, 0)), None)
    return row


def _steps(places: list[tuple[date, str]], by_days: bool) -> list[list[tuple[date, str]]]:
    """What is to come, by sessions or by days."""
    return [list(part) for _, part in itertools.groupby(places, lambda place: place[0] if by_days else place)]


def runs(marks: Sequence[Mark], days: Days, kinds: Sequence[str] = ABSENT) -> list[ROW]:
    """Runs of absence, found by walking over each student's sessions."""
    order = list(days.opens)
    found = []
    for student, own in by_student(marks).items():
        own = [mark for mark in own if mark.day in days.opens]
        last_day = None

        def close(going_on: bool, current: list[Mark], own: list[Mark] = own, student: int = student) -> None:
            gone = [mark for mark in current if mark.category in kinds]
            if not gone:
                return
            inside = current[current.index(gone[0]) : current.index(gone[-1]) + 1]
            of_day = grouped(own, lambda mark: mark.day)
            missed = {mark.day for mark in gone}
            whole = [d for d in missed if amounts(of_day[d], kinds)[0] == amounts(of_day[d])[1]]
            found.append(
                {
                    "student_id": student,
                    "start": gone[0].day,
                    "start_session": gone[0].session,
                    "end": gone[-1].day,
                    "end_session": gone[-1].session,
                    "absent_sessions": len(gone),
                    "authorised_sessions": sum(mark.category == ABSENT[0] for mark in gone),
                    "unauthorised_sessions": sum(mark.category == ABSENT[1] for mark in gone),
                    "school_days": len(missed),
                    "whole_days": len(whole),
                    "unknown_sessions": sum(mark.category in ("unmarked", "unmapped") for mark in inside),
                    "ongoing": going_on,
                }
            )

        pieces: list[list[Mark]] = [[]]
        for mark in own:
            gap = last_day is not None and order.index(mark.day) - order.index(last_day) > 1
            ends = mark.category in ATTENDED or (mark.category in ABSENT and mark.category not in kinds)
            if gap or ends:
                pieces.append([])
            if not ends:
                pieces[-1].append(mark)
            last_day = mark.day
        attended = [mark for mark in own if mark.category in (*ATTENDED, *ABSENT) and mark.category not in kinds]
        with_gone = [piece for piece in pieces if any(mark.category in kinds for mark in piece)]
        for piece in with_gone:
            final = [mark for mark in piece if mark.category in kinds][-1]
            later = any((m.day, m.session) > (final.day, final.session) for m in attended)
            close(piece is with_gone[-1] and not later, piece)
    return found


def weeks_with_sessions(marks: Sequence[Mark], days: Days) -> list[date]:
    return sorted({days.week_of(mark.day) for mark in marks if mark.category in POSSIBLE})


def own_changes(earlier: Mapping[int, tuple[int, int]], later: Mapping[int, tuple[int, int]]) -> tuple[int, Any]:
    """How many have sessions on both sides, and the mean of their own changes in points."""
    changes = [
        100 * Fraction(later[student][0], later[student][1]) - 100 * Fraction(*earlier[student])
        for student in earlier.keys() & later.keys()
        if earlier[student][1] and later[student][1]
    ]
    return len(changes), float(sum(changes) / len(changes)) if changes else None


def each(marks: Sequence[Mark], kinds: Sequence[str] = ABSENT) -> dict[int, tuple[int, int]]:
    return {student: amounts(own, kinds) for student, own in by_student(marks).items()}


def recent_change(marks: Sequence[Mark], days: Days, key: Callable[[Mark], Any], weeks: int) -> dict[Any, ROW]:
    last = weeks_with_sessions(marks, days)[-2 * weeks :]
    halves = {"earlier": set(last[:weeks]), "recent": set(last[weeks:])}
    rows = {}
    inside = [mark for mark in marks if last[0] <= days.week_of(mark.day) <= last[-1]]
    for group, part in grouped(inside, key).items():
        sides = {half: [m for m in part if days.week_of(m.day) in chosen] for half, chosen in halves.items()}
        rows[group] = {}
        for half, own in sides.items():
            absent, possible = amounts(own)
            rows[group] |= {
                f"{half}_possible_sessions": possible,
                f"{half}_absent_sessions": absent,
                f"{half}_absence_rate": rate(absent, possible),
            }
        number, change = own_changes(each(sides["earlier"]), each(sides["recent"]))
        rows[group] |= {"students": number, "change": change}
    return rows


def beside_holidays(
    marks: Sequence[Mark], days: Days, key: Callable[[Mark], Any], reach: int, shortest: int
) -> dict[Any, ROW]:
    """Days next to a stretch of weekdays without school, or at an edge of a year, beside the others."""
    opens = list(days.opens)
    edges: dict[date, set[int]] = defaultdict(set)
    number = 0
    for place, day in enumerate([*opens, None]):
        before = opens[place - 1] if place else None
        between = 0
        if day is not None and before is not None:
            span = (before + timedelta(n) for n in range(1, (day - before).days))
            between = sum(between_day.weekday() in days.week for between_day in span)
        if day is None or before is None or days.year[day] != days.year[before] or between >= shortest:
            number += 1
            for near in [*opens[max(place - reach, 0) : place], *opens[place : place + reach]]:
                edges[near].add(number)
    rows = {}
    for group, part in grouped([mark for mark in marks if mark.day in days.opens], key).items():
        sides = {
            "beside": [m for m in part if m.day in edges], "not_beside": [m for m in part if m.day not in edges]
        }  # fmt: skip
        rows[group] = {}
        for side, own in sides.items():
            absent, possible = amounts(own)
            rows[group] |= {
                f"{side}_possible_sessions": possible,
                f"{side}_absent_sessions": absent,
                f"{side}_absence_rate": rate(absent, possible),
            }
        people, difference = own_changes(each(sides["not_beside"]), each(sides["beside"]))
        # A day next to two holidays counts for the later one.
        touched = {max(edges[mark.day]) for mark in sides["beside"] if mark.category in ABSENT}
        rows[group] |= {
            "students": people,
            "difference": difference,
            "holidays": len(touched),
            "beside_unauthorised_sessions": amounts(sides["beside"], ABSENT[1:])[0],
        }
    return rows


def broken_weeks(marks: Sequence[Mark], days: Days, key: Callable[[Mark], Any]) -> dict[Any, ROW]:
    rows = {}
    for group, part in grouped(marks, key).items():
        weeks = [own for own in grouped(part, lambda m: days.week_of(m.day)).values() if amounts(own)[1]]
        if not weeks:
            continue
        broken = [own for own in weeks if amounts(own)[0]]
        whole = [own for own in broken if not amounts(own, ATTENDED)[0]]
        rows[group] = {
            "weeks": len(weeks),
            "broken_weeks": len(broken),
            "whole_weeks": len(whole),
            "broken_week_rate": rate(len(broken), len(weeks)),
            "absence_rate": rate(*amounts(part)),
        }
    return rows


def cumulative(marks: Sequence[Mark], days: Days, key: Callable[[Mark], Any]) -> dict[tuple[Any, str, int], ROW]:
    """Of each group, year and school week with a mark of the group, the sessions since the year began."""

    def place(mark: Mark) -> tuple[str, int] | None:
        found = [year for year, (start, end) in days.years.items() if start <= mark.day <= end]
        number = days.number.get((found[0], days.week_of(mark.day))) if found else None
        return (found[0], number) if number else None

    rows = {}
    for group, part in grouped([mark for mark in marks if place(mark)], key).items():
        for at in {place(mark) for mark in part}:
            assert at is not None
            so_far = [m for m in part if (p := place(m)) and p[0] == at[0] and p[1] <= at[1]]
            (attended, possible), (absent, _) = amounts(so_far, ATTENDED), amounts(so_far)
            unauthorised = amounts(so_far, ABSENT[1:])[0]
            rows[group, *at] = {
                "students": len({m.student for m in part if place(m) == at}),
                "possible_sessions": possible,
                "attended_sessions": attended,
                "absent_sessions": absent,
                "unauthorised_sessions": unauthorised,
                "attendance_rate": rate(attended, possible),
                "absence_rate": rate(absent, possible),
                "unauthorised_rate": rate(unauthorised, possible),
                "_each": each(so_far, ATTENDED),
            }
    return rows


def year_on_year(
    marks: Sequence[Mark], days: Days, key: Callable[[Mark], Any], compare: str
) -> dict[tuple[Any, str, int], ROW]:
    """The attendance so far beside that of the year before at the same school week."""
    so_far = cumulative(marks, days, key)
    years = sorted(days.years, key=lambda year: days.years[year])
    weeks = max(number for _, number in days.number.items())
    rows = {}
    for (group, year, week), row in so_far.items():
        place = years.index(year)
        earlier = years[place - 1] if place else None
        if earlier is None or not any(other == earlier for _, other, _ in so_far):
            continue
        then = so_far.get((group, earlier, week), {})
        result: ROW = {
            "attendance_rate": row["attendance_rate"],
            "previous_year": earlier,
            "previous_rate": then.get("attendance_rate"),
        }
        if then and compare == "students":
            # Who has no mark in that week of the year before may have some since it began.
            result["students"], result["change"] = own_changes(then["_each"], row["_each"])
        elif then:
            result["change"] = row["attendance_rate"] - then["attendance_rate"]
        rows[group, year, week] = result
    assert weeks
    return rows


def repeated_absence(
    marks: Sequence[Mark], days: Days, weeks: int, until: date, kinds: Sequence[str]
) -> dict[int, ROW]:
    """The most sessions in any run of so many school weeks, and those in the last."""
    opened = sorted({days.week_of(day) for day in days.opens if day <= until})
    rows = {}
    for student, own in by_student(marks).items():
        gone = [m for m in own if m.category in kinds and m.day in days.opens and m.day <= until]
        counts = [
            (sum(opened[max(end - weeks + 1, 0)] <= days.week_of(m.day) <= opened[end] for m in gone), end)
            for end in range(len(opened))
        ]
        most = max(count for count, _ in counts)
        end = next(end for count, end in counts if count == most)
        start = opened[max(end - weeks + 1, 0)]
        inside = [m.day for m in gone if start <= days.week_of(m.day) <= opened[end]]
        if most:
            rows[student] = {
                "most_sessions": most,
                "window_start": start,
                "window_end": opened[end] + timedelta(6),
                "first_date": min(inside),
                "last_date": max(inside),
                "current_sessions": counts[-1][0],
            }
    return rows


def code_frequency(marks: Sequence[Mark], key: Callable[[Mark], Any]) -> dict[Any, ROW]:
    rows = {}
    for group, part in grouped(marks, key).items():
        for (code, category), own in grouped(part, lambda m: (m.code, m.category)).items():
            rows[group, code, category] = {
                "marks": len(own),
                "students": len({m.student for m in own}),
                "share": rate(len(own), len(part)),
            }
    return rows
