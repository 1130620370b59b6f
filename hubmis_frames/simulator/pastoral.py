"""Wellbeing events, plans and learning support; students who are absent more have more of them."""

from datetime import date, timedelta
from random import Random

from .calendar import YEARS, instant
from .groups import Placements
from .people import Entities
from .reference import EVENT_CATEGORIES, PLAN_CATEGORIES
from .rows import Row, numbered

TEXTS = {
    "Anxiety or low mood": "Said in tutor time that things feel too much at present.",
    "Friendships": "Fell out with friends; both sides have been spoken to.",
    "Bullying": "Reported unkind messages; parents informed.",
    "Attendance concern": "Absence has risen; call home made.",
    "Family circumstances": "A change at home; staff to be aware.",
    "Homesickness": "Unsettled in the evenings.",
    "Academic pressure": "Worried about deadlines; extension agreed.",
    "Achievement": "Commended for helping younger students.",
    "Attendance plan": "Weekly targets and a meeting each Monday.",
    "Return to school": "Staged return over four weeks.",
    "Emotional support": "Six sessions with the school counsellor.",
    "Risk assessment": "Reviewed with the family each half-term.",
}


def add(rng: Random, today: date, entities: Entities, placements: Placements) -> None:
    """Add events, plans and learning support records to the entities."""
    categories: dict[str, list[int]] = {}
    for number, row in entities["pastoral_category"].items():
        categories.setdefault(row["pastoral_category_type"], []).append(number)
    events = []
    for year, students in placements.items():
        last = min(YEARS[year].end, today)
        for number, placed in students.items():
            first, until = placed["_first"], min(placed["_last"], str(last))
            days = YEARS[year].days(date.fromisoformat(first), date.fromisoformat(until))
            rate = entities["student"][number]["_habits"].rate
            expected = {"wellbeing_event": 0.25 + 9 * rate, "wellbeing_plan": 0.08 + 3 * max(0.0, rate - 0.06)}
            kinds = [kind for kind, mean in expected.items() for _ in range(_count(rng, mean) if days else 0)]
            events += [_event(rng, kind, number, rng.choice(days), today, rate, categories, entities) for kind in kinds]
    events.sort(key=lambda row: (row["date_time"], row["student"]))
    entities["pastoral_event"] = numbered("pastoral_event", events)
    _learning_support(rng, entities)


def _count(rng: Random, mean: float) -> int:
    """Draw a number that is nearly Poisson distributed."""
    return sum(rng.random() < mean / 6 for _ in range(6))


def _event(
    rng: Random,
    kind: str,
    student: int,
    day: date,
    today: date,
    rate: float,
    categories: dict[str, list[int]],
    entities: Entities,
) -> Row:
    names = EVENT_CATEGORIES if kind == "wellbeing_event" else PLAN_CATEGORIES
    weights = [4 if rate > 0.1 and "ttendance" in name else 1.5 if name == names[0] else 1 for name in names]
    category = rng.choices(categories[kind], weights=weights)[0]
    name = entities["pastoral_category"][category]["name"]
    severities = list(entities["pastoral_severity_level"])
    severity = rng.choices(severities, weights=(50, 32, 13, 5) if rate < 0.1 else (25, 38, 27, 10))[0]
    current = [n for n, row in entities["staff"].items() if row["status"] == "current"]
    when = instant(day, rng.randrange(9, 16), rng.randrange(60))
    ends = day + timedelta(rng.choice((7, 14, 28) if kind == "wellbeing_event" else (42, 84, 180)))
    return {
        "type": kind,
        "name": name,
        "title": name,
        "description": TEXTS[name],
        "student": student,
        "students": [student],
        "category": category,
        "severity": severity,
        "severity_level": severity,
        "status": "active" if ends >= today else "inactive",
        "shanarri_items": sorted(rng.sample([*entities["shanarri_item"]], rng.choice((1, 1, 2)))),
        "assigned_to": sorted(rng.sample(current, rng.choice((1, 1, 2)))),
        "created_by": rng.choice(current),
        "date": str(day),
        "date_time": when,
        "start_date": str(day),
        "end_date": str(ends),
        "review_date": str(ends),
        "created_at": when,
        "updated_at": when,
        "deleted_at": None,
    }


def _learning_support(rng: Random, entities: Entities) -> None:
    types, statuses, severities = (
        list(entities[f"learning_support_{kind}"]) for kind in ("type", "status", "severity")
    )
    records = []
    for number, student in entities["student"].items():
        chance = 0.12 + 0.35 * min(0.4, student["_habits"].rate)
        for _ in range(rng.choice((1, 1, 1, 2)) if rng.random() < chance else 0):
            begun, plan = date(2022, 9, 5) + timedelta(rng.randrange(1300)), rng.random() < 0.18
            status = rng.choices(statuses, weights=(75, 12, 13))[0]
            kind = rng.choice(types)
            name = entities["learning_support_type"][kind]["name"]
            records.append(
                {
                    "student": number,
                    "name": name,
                    "description": f"{name}: adjustments in class and in examinations",
                    "ehcp": plan,
                    "ehcp_date": str(begun + timedelta(60)) if plan else None,
                    "files": [],
                    "learning_support_date": str(begun),
                    "learning_support_type": kind,
                    "severity": rng.choices(severities, weights=(30, 35, 25, 10))[0],
                    "status": status,
                    "inactive_date": str(begun + timedelta(200)) if status == statuses[-1] else None,
                }
            )
    entities["learning_support_record"] = numbered("learning_support_record", records)
    for number, row in entities["learning_support_record"].items():
        entities["student"][row["student"]]["learning_support_record_summary"].append(number)
    entities["learning_support_review"] = numbered(
        "learning_support_review",
        (
            _review(rng, row, entities)
            for row in entities["learning_support_record"].values()
            for _ in range(rng.choice((0, 1, 2)))
        ),
    )


def _review(rng: Random, record: Row, entities: Entities) -> Row:
    held = date(2024, 10, 1) + timedelta(rng.randrange(600))
    staff = [n for n, row in entities["staff"].items() if row["status"] == "current"]
    contacts = [
        r["contact"] for r in entities["student_contact_relation"].values() if r["student"] == record["student"]
    ]
    status = rng.choice(((1, "Completed"), (1, "Completed"), (2, "Planned")))
    return {
        "student": record["student"],
        "description": f"Review of {record['name']}",
        "meeting_aims": "Progress and next steps",
        "agreed_actions": "Adjustments to go on; to be looked at again next term.",
        "attending_contacts": contacts[:1],
        "attending_contact_text": None,
        "attending_staff": rng.sample(staff, 2),
        "special_needs_coordinators": staff[:1],
        "is_student_attending": rng.random() < 0.7,
        "ehcp_notes": "Plan reviewed" if record["ehcp"] else None,
        "files": [],
        "review_type": rng.choice([*entities["learning_support_review_type"]]),
        "review_status": {"id": status[0], "name": status[1]},
        "review_date_time": instant(held, 15, 30),
        "next_review": instant(held + timedelta(120), 15, 30),
    }
