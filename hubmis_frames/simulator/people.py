"""The people of the school: staff, students, their families' contacts, and how they are related."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from . import names
from .calendar import ACTIVE, PREVIOUS, YEARS, instant
from .reference import by_name
from .rows import Row, RowsById, ids, numbered
from .structure import KEY_STAGES

Entities = dict[str, RowsById]

APPLICANT, LEFT_IN_2025, LEFT_IN_2024 = 6, 14, 15
"""The cohorts that are not in the school now: the year group that they would have in the active year."""

STATUS_IDS = {"current": 1, "past": 2, "active": 1, "inactive": 2}
"""The ids of the statuses of staff and of contacts."""

LEADERS = {1: "Head", 2: "Deputy Head", 3: "School Nurse"}
"""The staff who do not teach, counted from the end of the list."""
BOARDING = ("Full boarder", "Full boarder", "Weekly boarder")
"""The boarding types of boarders, drawn with equal chances."""
JOINING = (date(2025, 1, 13), date(2025, 11, 3), date(2026, 1, 19), date(2026, 4, 20))
LEAVING = (date(2025, 2, 14), date(2025, 4, 4), date(2025, 12, 5), date(2026, 3, 13))
"""Days on which students join and leave in the middle of a year."""

NOT_LEFT: dict[str, Any] = dict.fromkeys(
    ("leaving_status", "leaving_date", "term", "academic_year", "destination", "destination_start_date", "key_stage")
)
"""The fields about leaving, for students who have not left."""


@dataclass
class Family:
    """What the children of a family share."""

    kind: names.Background
    number: int
    name: str
    faith: str
    language: str
    nationality: str
    children: list[int] = field(default_factory=list)
    years: set[int] = field(default_factory=set)


def staff(rng: Random, count: int, entities: Entities) -> RowsById:
    """Return the members of staff, still without groups and subjects."""
    genders, titles = by_name(entities["gender"]), by_name(entities["title"])
    departments = list(entities["department"])
    listed = []
    for position in range(count):
        kind, gender = names.background(rng), rng.choice(("Female", "Female", "Male"))
        first, last = names.first_name(rng, kind, gender), names.family_name(rng, kind)
        title = "Dr" if rng.random() < 0.08 else "Mr" if gender == "Male" else rng.choice(("Mrs", "Ms", "Miss"))
        gone = 5 < position < count - len(LEADERS) and rng.random() < 0.05
        leads = LEADERS.get(count - position)
        listed.append(
            {
                **_person(first, last, genders[gender], "staff"),
                "title": titles[title],
                "email": f"{first[0]}.{last}{position}@school.example".lower(),
                "job_title": leads or "Teacher",
                "status": "past" if gone else "current",
                "status_id": STATUS_IDS["past" if gone else "current"],
                "departments": [] if leads else [departments[position % len(departments)]],
                **{group: [] for group in ("academic_houses", "boarding_houses", "forms", "tutor_groups")},
                **{group: [] for group in ("subjects", "subject_sets", "year_groups", "sections")},
            }
        )
    return numbered("staff", listed)


def students(rng: Random, count: int, today: date, boarders: float, entities: Entities) -> None:
    """Add the students, their contacts and their relations to the entities."""
    people = RowsById()
    families: list[Family] = []
    cohorts = [7 + n % 7 for n in range(count)] + [LEFT_IN_2025] * (count // 7) + [LEFT_IN_2024] * max(4, count // 25)
    cohorts += [8 + n for n in range(6)] + [APPLICANT] * max(3, count // 40)
    for position, (number, year) in enumerate(zip(ids("student", len(cohorts)), cohorts, strict=True)):
        leaves_early = len(cohorts) - max(3, count // 40) - 6 <= position and year != APPLICANT
        family = _family(rng, families, year)
        stay = _enrolment(rng, year, leaves_early, today, entities)
        people[number] = {**_student(rng, number, year, family, boarders, entities), **stay, "_family": family.number}
        family.children.append(number)
        family.years.add(year)
    entities["student"] = people
    for number in rng.sample([n for n, row in people.items() if row["enrolment_status"] == "current"], 2):
        people[number]["deleted_at"] = instant(today - timedelta(rng.randrange(5, 60)), 10, 15)
    entities["contact"], entities["student_contact_relation"] = _contacts(rng, families, entities)
    entities["student_relation"] = _siblings(families, entities)


def _person(first: str, last: str, gender: int, person_type: str) -> Row:
    return {
        "name": f"{first} {last}",
        "first_name": first,
        "last_name": last,
        "middle_name": None,
        "preferred_name": None,
        "gender": gender,
        "person_type": person_type,
        "multi_realm": False,
        "deleted_at": None,
    }


def _family(rng: Random, families: list[Family], year: int) -> Family:
    for _ in range(3):  # a brother or sister is a few years older or younger, and families are small
        sibling_family = rng.choice(families) if families and rng.random() < 0.16 else None
        if sibling_family and len(sibling_family.children) < 3 and year not in sibling_family.years:
            return sibling_family
    kind = names.background(rng)
    faith, language, nationality = (rng.choice(values) for values in (kind.faiths, kind.languages, kind.nationalities))
    family = Family(kind, len(families), names.family_name(rng, kind), faith, language, nationality)
    families.append(family)
    return family


def _student(rng: Random, number: int, year: int, family: Family, boarders: float, entities: Entities) -> Row:
    named = {kind: by_name(entities[kind]) for kind in ("gender", "ethnicity", "faith", "language", "nationality")}
    gender = rng.choices(("Female", "Male", "Non-binary"), weights=(49, 50, 1))[0]
    first = names.first_name(rng, family.kind, gender)
    academic, boarding = _houses(entities)
    boards, countries = rng.random() < boarders, list(entities["country"])
    second = [language for language in family.kind.languages if language != family.language]
    born = date(2025 - year - 5, 9, 1) + timedelta(rng.randrange(365))  # Year 7 begins at eleven
    both = family.nationality != "British" and rng.random() < 0.4
    return {
        **_person(first, family.name, named["gender"][gender], "stduent" if number % 41 == 0 else "student"),
        "id": number,
        "middle_name": names.first_name(rng, family.kind, gender) if rng.random() < 0.4 else None,
        "preferred_name": first[:3] if len(first) > 5 and rng.random() < 0.2 else None,
        "name_in_local_language": names.local_name(family.kind, family.name),
        "access_status": rng.choice(("invited", "active", "active", "no_access")),
        "academic_house": academic[number % len(academic)],
        "boarding_house": rng.choice(boarding) if boards else None,
        "boarding_type": by_name(entities["boarding_type"])[rng.choice(BOARDING) if boards else "Day"],
        "country_of_birth": countries[0] if rng.random() < 0.85 else rng.choice(countries),
        "date_of_birth": str(born),
        "ethnicity": named["ethnicity"][family.kind.ethnicity],
        "faith": named["faith"][family.faith],
        "language_first": named["language"][family.language],
        "language_second": named["language"][second[0]] if second else None,
        "nationalities": [named["nationality"][name] for name in (family.nationality, *["British"] * both)],
        "external_id": f"{rng.randrange(10**6):06}",
        "national_identity": None,
        "primary_email": f"s{number:05}@school.example",
        "has_global_note": rng.random() < 0.1,
        "unique_pupil_number": f"{rng.randrange(10**13):013}",
        "unique_pupil_number_status": "permanent" if rng.random() < 0.95 else "temporary",
        "candidate_number": f"{number:04}" if year >= 10 else None,
        "account_reference": f"{rng.randrange(10**5):05}",
        "learning_support_record_summary": [],
        **dict.fromkeys(("year_group", "section", "form", "tutor_group")),  # set by the placements of each year
        "subject_sets": [],
    }


def _houses(entities: Entities) -> tuple[list[int], list[int]]:
    kinds = {number: row["house_type"] for number, row in entities["house"].items()}
    return [n for n in kinds if kinds[n] == "academic"], [n for n in kinds if kinds[n] == "boarding"]


def _enrolment(rng: Random, year: int, leaves_early: bool, today: date, entities: Entities) -> Row:
    """Return when the student joined and left, and the destination."""
    if year == APPLICANT:
        return {"enrolment_status": "applicant", "start_date": "2026-09-01", "_cohort": year, **NOT_LEFT}
    joined_in = rng.choices((7, 9, 12), weights=(86, 6, 8))[0]
    begins = date(2025 - max(0, year - (joined_in if joined_in <= year else 7)), 9, 1)
    if rng.random() < 0.03:  # some join in the middle of a year
        begins = max(begins, rng.choice([day for day in JOINING if day <= today]))
    if year in (LEFT_IN_2025, LEFT_IN_2024) or leaves_early:
        begins = min(begins, date(2024, 9, 1) if leaves_early or year == LEFT_IN_2025 else date(2020, 9, 1))
    row: Row = {"enrolment_status": "current", "start_date": str(begins), "_cohort": year, **NOT_LEFT}
    ends = {LEFT_IN_2025: date(2025, 7, 22), LEFT_IN_2024: date(2024, 7, 19)}.get(year)
    if leaves_early:
        ends = rng.choice([day for day in LEAVING if day <= today])
    if not ends:
        return row
    left = PREVIOUS if ends <= YEARS[PREVIOUS].end else ACTIVE
    terms = [n for n, t in entities["term"].items() if t["start_date"] <= str(ends) <= t["end_date"]]
    return row | {
        "enrolment_status": "past",
        "leaving_status": "Leaver",
        "leaving_date": str(ends),
        "term": terms[0] if terms else None,
        "academic_year": left if terms else None,
        "destination": rng.choice([*entities["school_college"]]),
        "destination_start_date": str(ends.replace(day=1) + timedelta(45)) if rng.random() < 0.7 else None,
        "key_stage": KEY_STAGES[min(13, year - (left == PREVIOUS))] if year > 7 else "KS3",
    }


def _contacts(rng: Random, families: list[Family], entities: Entities) -> tuple[RowsById, RowsById]:
    genders, titles = by_name(entities["gender"]), by_name(entities["title"])
    types = by_name(entities["relationship_type"])
    contacts, relations = [], []
    numbers = iter(ids("contact", 2 * len(families)))
    for family in families:
        for position, parent in enumerate(("Mother", "Father") if rng.random() < 0.72 else ("Mother",), start=1):
            gender = "Female" if parent == "Mother" else "Male"
            first = names.first_name(rng, family.kind, gender)
            last = family.name if rng.random() < 0.85 else names.family_name(rng, family.kind)
            number, inactive = next(numbers), rng.random() < 0.03
            contacts.append(
                {
                    **_person(first, last, genders[gender], "contact"),
                    "id": number,
                    "title": titles["Mr" if gender == "Male" else rng.choice(("Mrs", "Ms"))],
                    "primary_email": f"family{number:05}@mail.example",
                    "external_id": None,
                    "status": "inactive" if inactive else "active",
                    "status_id": STATUS_IDS["inactive" if inactive else "active"],
                    "deleted_at": "2025-10-02T09:30:00Z" if inactive and rng.random() < 0.4 else None,
                    "_family": family.number,
                    "students": family.children,
                    "students_access": family.children if position == 1 else [],
                }
            )
            relations += [
                {
                    "student": child,
                    "contact": number,
                    "relationship_type": types[parent if rng.random() < 0.95 else "Guardian"],
                    "is_primary": position == 1,
                    "parental_responsibility": True,
                    "lives_with": position == 1 or rng.random() < 0.8,
                    "position": position,
                }
                for child in family.children
            ]
    return {row["id"]: row for row in contacts}, numbered("student_contact_relation", relations)


def _siblings(families: list[Family], entities: Entities) -> RowsById:
    sibling = by_name(entities["relationship_type"])["Sibling"]
    pairs = [(a, b) for family in families for a in family.children for b in family.children if a != b]
    return numbered(
        "student_relation",
        (
            {"student": a, "related_student": b, "relationship_type": sibling, "position": position}
            for position, (a, b) in enumerate(pairs, start=1)
        ),
    )
