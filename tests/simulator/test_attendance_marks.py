"""The marks of the simulated school look like those of a school."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from hubmis_frames.simulator import World
from tests.helpers.simulator import (
    ABSENT,
    ATTENDING,
    LAST_YEAR,
    NOT_POSSIBLE,
    THIS_YEAR,
    Client,
    absence,
    letters,
    steady,
)


def test_attendance_is_a_school_s(marks: dict[int, list[dict[str, Any]]]) -> None:
    counts = {student: letters(rows) for student, rows in marks.items() if rows}
    pooled: Counter[str | None] = sum(counts.values(), Counter())
    missed, possible = absence(pooled)
    assert 0.92 < 1 - missed / possible < 0.96
    rates = [absence(each)[0] / max(1, absence(each)[1]) for each in counts.values()]
    assert 5 <= sum(rate >= 0.1 for rate in rates) <= len(rates) / 5
    assert 1 <= sum(rate >= 0.5 for rate in rates) <= 4
    assert set(pooled) - ATTENDING - ABSENT - NOT_POSSIBLE == {"*", "-", None}, "a code of the school's, and unmarked"
    assert 0 < pooled[None] + pooled["-"] < possible / 100
    assert {"/", "\\", "L", "V", "P", "W", "B", "K", "I", "M", "C", "O", "U", "N", "G", "Y4", "D", "#"} <= set(pooled)
    assert pooled["L"] / possible < 0.04
    assert pooled["V"] / possible < 0.02


def test_a_mark_stands_for_every_session_and_no_other(client: Client, world: World) -> None:
    student = steady(world)
    rows = client.rows(f"students/{student}/attendance-records")
    sessions = Counter((row["date"], row["attendance_session"]) for row in rows)
    assert set(sessions.values()) == {1}
    assert 340 <= sum(row["date"] < "2025-09-01" for row in rows) <= 390
    free = []
    for year in (LAST_YEAR, THIS_YEAR):
        for kind in ("holidays", "inset-days"):
            free += client.rows(f"academic-years/{year}/{kind}")
    days = {date.fromisoformat(row["date"]) for row in rows}
    for row in free:
        first = date.fromisoformat(row.get("date_from") or row["date"])
        last = date.fromisoformat(row.get("date_to") or row["date"])
        assert not days & {first + timedelta(n) for n in range((last - first).days + 1)}, row
    assert max(days) == date(2026, 7, 3)
    assert {day.weekday() for day in days} == set(range(5))
    assert len({row["id"] for row in rows}) == len(rows)
    summer = next(row for row in rows if row["date"] == "2026-06-10")
    winter = next(row for row in rows if row["date"] == "2026-01-13")
    assert (summer["date_time"][11:13], winter["date_time"][11:13]) == ("07", "08"), (
        "the register is taken at half past eight"
    )


def test_marks_lie_within_the_enrolment(
    stays: dict[int, dict[str, Any]], marks: dict[int, list[dict[str, Any]]]
) -> None:
    late_or_early = 0
    for student, rows in marks.items():
        start, end = stays[student]["start_date"], stays[student]["leaving_date"] or "2026-07-03"
        assert all(start <= row["date"] <= end for row in rows)
        late_or_early += bool(rows) and (
            start > "2025-09-02" or end < "2025-07-20" or "2025-09-02" < end < "2026-07-03"
        )
    assert late_or_early >= 5


def test_absence_follows_the_week_the_winter_and_the_student(
    marks: dict[int, list[dict[str, Any]]], world: World
) -> None:
    by_day: dict[tuple[int, str], Counter[bool]] = {}
    by_month: dict[str, Counter[bool]] = {}
    for rows in marks.values():
        for row in rows:
            code = row["attendance_code"]["code"] if row["attendance_code"] else None
            if code in ATTENDING | ABSENT - {"S"}:
                day = date.fromisoformat(row["date"]).weekday()
                by_day.setdefault((day, row["attendance_session"]), Counter())[code in ABSENT] += 1
                by_month.setdefault(row["date"][:7], Counter())[code in ABSENT] += 1
    weekly = {slot: count[True] / count.total() for slot, count in by_day.items()}
    assert max(weekly, key=weekly.__getitem__) == (4, "pm")
    monthly = {month: count[True] / count.total() for month, count in by_month.items()}
    assert monthly["2025-12"] > 1.3 * monthly["2025-09"]
    assert monthly["2025-01"] > 1.3 * monthly["2025-03"]
    rates = {n: world.entities["student"][n]["_habits"].rate for n in marks}
    events = Counter(row["student"] for row in world.entities["pastoral_event"].values())
    often = [events[n] for n, rate in rates.items() if rate >= 0.1]
    seldom = [events[n] for n, rate in rates.items() if rate < 0.05]
    assert sum(often) / len(often) > 1.5 * sum(seldom) / len(seldom)


def test_a_missing_reason_is_recent(marks: dict[int, list[dict[str, Any]]]) -> None:
    days = Counter(row["date"] for rows in marks.values() for row in rows if letters([row])["N"])
    recent = sum(count for day, count in days.items() if day >= "2026-06-25")
    assert recent >= 5
    weeks = 70
    assert (days.total() - recent) / weeks < recent


def test_codes_that_are_hidden_stand_in_history(client: Client, marks: dict[int, list[dict[str, Any]]]) -> None:
    hidden = {row["code"] for row in client.rows("attendance-codes", {"filter[display]": "false"})}
    shown = {row["code"] for row in client.rows("attendance-codes", {"filter[display]": "true"})}
    used = set(sum((letters(rows) for rows in marks.values()), Counter()))
    assert hidden & used
    assert used - {None} <= hidden | shown
    assert not hidden & shown
    codes = client.rows("attendance-codes")
    assert len({row["code"] for row in codes}) == len(codes)
