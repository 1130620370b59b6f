"""Who is where in each academic year: forms, tutor groups, subject sets, and the staff who take them."""

from collections import Counter, defaultdict
from random import Random
from string import ascii_uppercase

from .calendar import ACTIVE, YEARS
from .people import Entities
from .reference import by_name
from .rows import Row, Rows, ids
from .structure import ADVANCED_BLOCKS, BLOCKS

Placements = dict[int, Rows]
"""What holds of a student in one academic year only, by year and student."""

FORM_SIZE, SET_SIZE = 24, 20
ACTIVITIES = ("Orchestra", "Chess", "Debating", "Netball", "Rowing", "Choir", "Robotics", "Model aircraft")


def placements(entities: Entities) -> Placements:
    """Return the students of each academic year with their year group, section and days there."""
    sections = {number: row["section"] for number, row in entities["year_group"].items()}
    placed: Placements = {year: {} for year in YEARS}
    for number, student in entities["student"].items():
        for year in YEARS.values():
            group = student["_cohort"] - (year.id != ACTIVE)
            first = max(student["start_date"], str(year.start))
            last = min(student["leaving_date"] or str(year.end), str(year.end))
            if group in sections and first <= last:
                placed[year.id][number] = {
                    "year_group": group,
                    "section": sections[group],
                    "subject_sets": [],
                    "_first": first,
                    "_last": last,
                }
    return placed


def form_groups(rng: Random, entities: Entities, placed: Placements) -> None:
    """Add the forms and tutor groups of each year, and place the students in them."""
    forms, tutors = _Numbering("form"), _Numbering("tutor_group")
    houses = entities["house"]
    for year, students in placed.items():
        teachers = _teachers(entities)
        free = rng.sample(teachers, len(teachers))
        by_group, by_house = defaultdict(list), defaultdict(list)
        for number, row in students.items():
            by_group[row["year_group"]].append(number)
            by_house[row["section"], entities["student"][number]["academic_house"]].append(number)
        for group, everybody in sorted(by_group.items()):
            count = -(-len(everybody) // FORM_SIZE)
            for letter, position in zip(ascii_uppercase, range(count), strict=False):
                members = everybody[position::count]
                form = forms.add(year, f"{group}{letter}", f"Form {group}{letter}", members, FORM_SIZE + 6)
                form |= {
                    "year_group": group,
                    "section": entities["year_group"][group]["section"],
                    "short_description": f"Year {group} form group {letter}",
                    "staff": [free.pop() if free else rng.choice(_teachers(entities))],
                    "student_representatives": sorted(rng.sample(members, min(2, len(members)))),
                }
                for number in members:
                    students[number]["form"] = form["id"]
        for (section, house), members in sorted(by_house.items()):
            name = f"{houses[house]['name']} {entities['section'][section]['name']}"
            group = tutors.add(year, houses[house]["code"] + entities["section"][section]["code"][0], name, members, 60)
            group |= {
                "section": section,
                "staff": [rng.choice(_teachers(entities))],
                "short_description": f"{name} tutor group",
            }
            for number in members:
                students[number]["tutor_group"] = group["id"]
    entities["form"], entities["tutor_group"] = forms.rows, tutors.rows


def subject_sets(rng: Random, entities: Entities, placed: Placements) -> None:
    """Add the subject sets of each year, and place the students in them."""
    sets = _Numbering("subject_set")
    subjects = by_name(entities["subject"])
    for year, students in placed.items():
        takers = defaultdict(list)
        for number, row in students.items():
            for name in _subjects(number, row["year_group"]):
                takers[row["year_group"], name].append(number)
        for (group, name), members in sorted(takers.items()):
            count = -(-len(members) // SET_SIZE)
            row = entities["subject"][subjects[name]]
            for position in range(count):
                code = f"{group}{row['code']}{position + 1}"
                inside = members[position::count]
                made = sets.add(year, code, f"Year {group} {name} {position + 1}", inside, SET_SIZE + 5)
                made |= {
                    "subject": subjects[name],
                    "year_group": group,
                    "section": entities["year_group"][group]["section"],
                    "short_description": f"{name}, set {position + 1}",
                    "credit_score": rng.choice((1, 2, 3)) if group > 9 else None,
                }
                for number in inside:
                    students[number]["subject_sets"].append(made["id"])
    entities["subject_set"] = sets.rows


def staff_allocations(rng: Random, entities: Entities) -> None:
    """Tell members of staff and houses, departments and year groups of each other, as it is in the active year."""
    people = entities["staff"]
    for kind in ("form", "tutor_group", "subject_set"):
        for number, row in entities[kind].items():
            row["staff_report_writers"] = row["staff"]
            for each in row["staff"] if row["academic_year"] == ACTIVE else ():
                _note(people[each], f"{kind}s", number)
                for field in ("section", "year_group", "subject"):
                    if field in row:
                        _note(people[each], f"{field}s", row[field])
    for number, house in entities["house"].items():
        parents = rng.sample(_teachers(entities), 2)
        house |= {"house_parents": parents[:1], "staff": parents, "genders": [*entities["gender"]], "max_students": 100}
        for each in parents:
            _note(people[each], f"{house['house_type']}_houses", number)
    for number, department in entities["department"].items():
        department["department_heads"] = _teachers(entities, number)[:1]
        department["subjects"] = [n for n, row in entities["subject"].items() if row["department"] == number]
        for each in department["department_heads"]:
            people[each]["job_title"] = f"Head of {department['name']}"
    for row in entities["subject"].values():
        row["subject_heads"] = _teachers(entities, row["department"])[-1:]
    for kind, heads in (("year_group", "year_group_heads"), ("section", "section_heads")):
        for row in entities[kind].values():
            row[heads] = [rng.choice(_teachers(entities))]


def sizes(entities: Entities, placed: Placements) -> dict[str, Placements]:
    """Return how many students and forms year groups and houses have in each academic year."""
    sizes: dict[str, Placements] = {"house": {}, "year_group": {}}
    for year, students in placed.items():
        people = [entities["student"][number] for number in students]
        current = [row for row in people if row["enrolment_status"] == "current"]
        housed = Counter(row[kind] for row in current for kind in ("academic_house", "boarding_house"))
        sizes["house"][year] = {house: {"student_count": housed[house]} for house in entities["house"]}
        grouped = Counter(row["year_group"] for row in students.values())
        forms = Counter(row["year_group"] for row in entities["form"].values() if row["academic_year"] == year)
        sizes["year_group"][year] = {
            group: {"total_student_count": grouped[group], "form_count": forms[group]}
            for group in entities["year_group"]
        }
    return sizes


def leave(entities: Entities, placed: Placements) -> None:
    """Take from each group those who left the school before the year was over."""
    for kind in ("form", "tutor_group", "subject_set", "activity"):
        for row in entities[kind].values():
            students, last = placed[row["academic_year"]], str(YEARS[row["academic_year"]].terms[-1][2])
            row["students"] = [number for number in row["students"] if students[number]["_last"] >= last]
            row["student_count"] = len(row["students"])
            representatives = row.get("student_representatives", [])
            row["student_representatives"] = [number for number in representatives if number in row["students"]]


def activities(rng: Random, entities: Entities, placed: Placements) -> None:
    """Add the extra-curricular activities of each year."""
    made = _Numbering("activity")
    for year, students in placed.items():
        for name in ACTIVITIES:
            groups = sorted(rng.sample([*entities["year_group"]], rng.choice((3, 5, 7))))
            able = [number for number, row in students.items() if row["year_group"] in groups]
            members = sorted(rng.sample(able, min(len(able), rng.randrange(8, 26))))
            row = made.add(year, name[:4].upper(), name, members, 40)
            staff = [rng.choice(_teachers(entities))]
            row |= {"year_groups": groups, "staff": staff, "staff_report_writers": staff, "rooms": []}
            row["short_description"] = f"{name}, after lessons"
    entities["activity"] = made.rows


class _Numbering:
    """Groups of one kind over all years; each gets an id that no other year uses again."""

    def __init__(self, kind: str) -> None:
        self.rows: Rows = {}
        self._ids = iter(ids(kind, 9999))

    def add(self, year: int, code: str, name: str, members: list[int], size: int) -> Row:
        """Add a group with its students."""
        row: Row = {
            "id": next(self._ids),
            "academic_year": year,
            "code": code,
            "name": name,
            "timetable_code": code,
            "max_students": size,
            "student_count": len(members),
            "date_start": str(YEARS[year].start),
            "date_end": str(YEARS[year].end),
            "students": members,
        }
        self.rows[row["id"]] = row
        return row


def _subjects(student: int, year_group: int) -> list[str]:
    """Return what a student takes; the choice is made anew in Year 10 and in Year 12."""
    rng = Random(f"options of {student} {year_group > 9} {year_group > 11}")
    return [rng.choice(block) for block in (ADVANCED_BLOCKS if year_group > 11 else BLOCKS)]


def _teachers(entities: Entities, department: int | None = None) -> list[int]:
    """Return the current staff who teach, or those of one department."""
    return [
        number
        for number, row in entities["staff"].items()
        if row["status"] == "current" and (department in row["departments"] if department else row["departments"])
    ]


def _note(row: Row, field: str, number: int) -> None:
    if number not in row[field]:
        row[field].append(number)
