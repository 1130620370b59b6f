"""Each profile is the English school on other days, with other sessions, codes and names."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import hubmis_frames as hf
from hubmis_frames.simulator import PROFILES, Rules, Simulator, World, build_world
from tests.helpers.simulator import THIS_YEAR, Client

Rows = list[dict[str, Any]]
MOVED = [name for name in PROFILES if name != "england"]


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    return {name: build_world(24, realm=name, profile=name) for name in PROFILES}


@pytest.fixture(scope="module")
def ask(worlds: dict[str, World]) -> Iterator[Callable[..., Any]]:
    with Simulator(worlds, Rules(capacity=10**6)) as running:
        clients = {name: Client(running, name) for name in worlds}
        yield lambda name, path, params=None: clients[name].rows(path, params)
        for client in clients.values():
            client.close()


def marks(ask: Callable[..., Any], worlds: dict[str, World], name: str) -> Iterator[tuple[int, Rows]]:
    for student in worlds[name].entities["student"]:
        yield student, ask(name, f"students/{student}/attendance-records")


def day(row: dict[str, Any]) -> date:
    return date.fromisoformat(row["date"])


@pytest.mark.parametrize("name", PROFILES)
def test_registers_are_kept_for_the_sessions_of_the_profile(
    ask: Callable[..., Any], worlds: dict[str, World], name: str
) -> None:
    profile, seen = PROFILES[name], set()
    for _, rows in marks(ask, worlds, name):
        sessions = Counter((row["date"], row["attendance_session"]) for row in rows)
        assert set(sessions.values()) <= {1}
        seen |= {(day(row).weekday(), row["attendance_session"]) for row in rows}
        for row in rows:
            local = datetime.fromisoformat(row["date_time"]).astimezone(ZoneInfo(profile.timezone))
            assert str(local.date()) == row["date"]
            assert (8 <= local.hour < 9) if row["attendance_session"] == "am" else local.hour == 13
    assert seen == {(weekday, session) for weekday, kept in profile.sessions.items() for session in kept}


@pytest.mark.parametrize("name", ["gulf", "january", "dubai", "daily", "scotland"])
def test_marks_are_those_of_the_english_school_on_other_days(
    ask: Callable[..., Any], worlds: dict[str, World], name: str
) -> None:
    profile = PROFILES[name]
    for student, rows in marks(ask, worlds, name):
        english = {
            (profile.moved_day(day(row)), row["attendance_session"]): row["attendance_code"]
            for row in ask("england", f"students/{student}/attendance-records")
        }
        for row in rows:
            before, now = english[day(row), row["attendance_session"]], row["attendance_code"]
            assert (before is None) == (now is None)
            if now:
                assert now["code"] == profile.codes.get(before["code"], (before["code"],))[0]
        kept = {key for key in english if key[1] in profile.sessions[key[0].weekday()]}
        assert {(day(row), row["attendance_session"]) for row in rows} == kept


@pytest.mark.parametrize("name", MOVED)
def test_the_calendar_is_moved_with_the_marks(ask: Callable[..., Any], name: str) -> None:
    days = timedelta(PROFILES[name].days)
    for kind in ("terms", "holidays", "inset-days", "closure-dates"):
        path = f"academic-years/{THIS_YEAR}/{kind}"
        for before, now in zip(ask("england", path), ask(name, path), strict=True):
            bounds = [key for key in before if key.startswith("date") or key.endswith("_date")]
            assert bounds
            for key in bounds:
                assert date.fromisoformat(before[key]) + days == date.fromisoformat(now[key])
    settings = ask(name, "school/regional-settings")
    assert settings["timezone"] == PROFILES[name].timezone
    assert settings["start_day_week"] == ("sunday" if name == "gulf" else "monday")


def test_names_are_those_of_the_profile(ask: Callable[..., Any]) -> None:
    assert [row["name"] for row in ask("january", "academic-years")] == ["2025", "2026"]
    assert ask("january", "academic-years")[1]["date_from"] == "2026-01-05"
    terms = ask("january", f"academic-years/{THIS_YEAR}/terms")
    assert [row["name"] for row in terms] == ["Term 1", "Term 2", "Term 3"]
    assert [row["name"] for row in ask("scotland", f"academic-years/{THIS_YEAR}/year-groups")] == [
        "P7",
        "S1",
        "S2",
        "S3",
        "S4",
        "S5",
        "S6",
    ]
    names = {row["description"]: row["code"] for row in ask("scotland", "attendance-codes")}
    assert (names["Attendance"], names["Late 2"], names["Temporary exclusion"]) == ("10", "21", "40")
    assert len(names) == len(set(names.values()))


def test_no_register_is_kept_for_full_boarders(ask: Callable[..., Any], worlds: dict[str, World]) -> None:
    students = {row["id"]: row["boarding_type"]["name"] for row in ask("boarding", "students", {"page[size]": 500})}
    assert 0.4 < sum(name != "Day" for name in students.values()) / len(students) < 0.8
    for student, rows in marks(ask, worlds, "boarding"):
        if student in students:
            assert bool(rows) == (students[student] != "Full boarder")


@pytest.mark.parametrize("name", PROFILES)
def test_lessons_are_on_days_with_a_register(ask: Callable[..., Any], worlds: dict[str, World], name: str) -> None:
    today = worlds[name].today
    bounds = {"filter[dateFrom]": str(today - timedelta(13)), "filter[dateTo]": str(today), "filter[date]": str(today)}
    student = next(iter(worlds[name].yearly["student"][THIS_YEAR]))
    lessons = ask(name, f"students/{student}/timetable/calendar", bounds)["calendar"]
    assert lessons
    periods = ask(name, f"students/{student}/timetable")["timetables"]
    names = {(row["day"], row["time_from"]) for row in periods}
    for lesson in lessons:
        assert date.fromisoformat(lesson["date"]).weekday() in PROFILES[name].sessions
        assert (f"{date.fromisoformat(lesson['date']):%A}", lesson["time_from"]) in names


def test_a_day_outside_the_year_and_an_unknown_profile_are_refused() -> None:
    assert build_world(10, profile="january", today=date(2026, 12, 1)).today == date(2026, 12, 1)
    with pytest.raises(ValueError, match="from 2026-01-05 to 2027-01-04"):
        build_world(10, profile="january", today=date(2025, 12, 1))
    with pytest.raises(ValueError, match="england, daily"):
        build_world(10, profile="gulff")
    with pytest.raises(hf.BadArgumentError, match="Did you mean 'gulf'"):
        hf.demo(profile="gulff")
