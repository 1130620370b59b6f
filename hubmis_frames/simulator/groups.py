"""Forms, tutor groups, subject sets and activities of each academic year, with their students and staff."""

from collections import Counter, defaultdict
from random import Random
from string import ascii_uppercase

from .calendar import ACTIVE, PREVIOUS, YEARS
from .people import Entities
from .reference import by_name
from .rows import Row, RowsById, ids
from .structure import ADVANCED_BLOCKS, BLOCKS, YEAR_GROUP_IDS

Placements = dict[int, RowsById]
"""A student's fields in one academic year (year group, form, ...), by year and student."""

FORM_SIZE, SET_SIZE = 24, 20
CHANGED_HOUSE = 19
"""One student in so many was in another house last year."""
ACTIVITIES = ("Orchestra", "Chess", "Debating", "Netball", "Rowing", "Choir", "Robotics", "Model aircraft")


def placements(entities: Entities) -> Placements:
    """Return the students of each academic year with their year group, section, first and last day."""
    placed: Placements = {year: {} for year in YEARS}
    for number, student in entities["student"].items():
        for year in YEARS.values():
            year_number = student["_cohort"] - (year.id != ACTIVE)
            first = max(student["start_date"], str(year.start))
            last = min(student["leaving_date"] or str(year.end), str(year.end))
            if year_number in YEAR_GROUP_IDS and first <= last:
                group = YEAR_GROUP_IDS[year_number]
                placed[year.id][number] = {
                    "year_group": group,
                    "section": entities["year_group"][group]["section"],
                    "subject_sets": [],
                    "_year_number": year_number,
                    "_first": first,
                    "_last": last,
                }
        if number in placed[PREVIOUS] and number % CHANGED_HOUSE == 0:
            houses = [n for n, row in entities["house"].items() if row["house_type"] == "academic"]
            others = [n for n in houses if n != student["academic_house"]]
            placed[PREVIOUS][number]["academic_house"] = others[number % len(others)]
    return placed


def form_groups(rng: Random, entities: Entities, placed: Placements) -> None:
    """Add the forms and tutor groups of each year, and place the students in them."""
    forms, tutor_groups = _GroupBuilder("form"), _GroupBuilder("tutor_group")
    houses = entities["house"]
    for year, students in placed.items():
        teachers = _teachers(entities)
        free = rng.sample(teachers, len(teachers))
        by_group, by_house = defaultdict(list), defaultdict(list)
        for number, row in students.items():
            by_group[row["_year_number"]].append(number)
            academic_house = {**entities["student"][number], **row}["academic_house"]
            by_house[row["section"], academic_house].append(number)
        for year_number, in_year_group in sorted(by_group.items()):
            count = -(-len(in_year_group) // FORM_SIZE)
            group = YEAR_GROUP_IDS[year_number]
            for letter, position in zip(ascii_uppercase, range(count), strict=False):
                members = in_year_group[position::count]
                form = forms.add(year, f"{year_number}{letter}", f"Form {year_number}{letter}", members, FORM_SIZE + 6)
                form |= {
                    "year_group": group,
                    "section": entities["year_group"][group]["section"],
                    "short_description": f"Year {year_number} form group {letter}",
                    "staff": [free.pop() if free else rng.choice(_teachers(entities))],
                    "student_representatives": sorted(rng.sample(members, min(2, len(members)))),
                }
                for number in members:
                    students[number]["form"] = form["id"]
        for (section, house), members in sorted(by_house.items()):
            name = f"{houses[house]['name']} {entities['section'][section]['name']}"
            tutor_group = tutor_groups.add(
                year, houses[house]["code"] + entities["section"][section]["code"][0], name, members, 60
            )
            tutor_group |= {
                "section": section,
                "staff": [rng.choice(_teachers(entities))],
                "short_description": f"{name} tutor group",
            }
            for number in members:
                students[number]["tutor_group"] = tutor_group["id"]
    entities["form"], entities["tutor_group"] = forms.rows, tutor_groups.rows


def subject_sets(rng: Random, entities: Entities, placed: Placements) -> None:
    """Add the subject sets of each year, and place the students in them."""
    sets = _GroupBuilder("subject_set")
    subjects = by_name(entities["subject"])
    for year, students in placed.items():
        takers = defaultdict(list)
        for number, row in students.items():
            for name in _subjects(number, row["_year_number"]):
                takers[row["_year_number"], name].append(number)
        for (year_number, name), members in sorted(takers.items()):
            count = -(-len(members) // SET_SIZE)
            row, group = entities["subject"][subjects[name]], YEAR_GROUP_IDS[year_number]
            for position in range(count):
                code = f"{year_number}{row['code']}{position + 1}"
                in_set = members[position::count]
                subject_set = sets.add(year, code, f"Year {year_number} {name} {position + 1}", in_set, SET_SIZE + 5)
                subject_set |= {
                    "subject": subjects[name],
                    "year_group": group,
                    "section": entities["year_group"][group]["section"],
                    "short_description": f"{name}, set {position + 1}",
                    "credit_score": rng.choice((1, 2, 3)) if year_number > 9 else None,
                    "_year_number": year_number,
                }
                for number in in_set:
                    students[number]["subject_sets"].append(subject_set["id"])
    entities["subject_set"] = sets.rows


def staff_allocations(rng: Random, entities: Entities) -> None:
    """Link staff to their groups, houses, departments and year groups of the active year, in both directions."""
    people = entities["staff"]
    for kind in ("form", "tutor_group", "subject_set"):
        for number, row in entities[kind].items():
            row["staff_report_writers"] = row["staff"]
            for member in row["staff"] if row["academic_year"] == ACTIVE else ():
                _add_once(people[member], f"{kind}s", number)
                for field in ("section", "year_group", "subject"):
                    if field in row:
                        _add_once(people[member], f"{field}s", row[field])
    for number, house in entities["house"].items():
        parents = rng.sample(_teachers(entities), 2)
        house |= {"house_parents": parents[:1], "staff": parents, "genders": [*entities["gender"]], "max_students": 100}
        for parent in parents:
            _add_once(people[parent], f"{house['house_type']}_houses", number)
    for number, department in entities["department"].items():
        department["department_heads"] = _teachers(entities, number)[:1]
        department["subjects"] = [n for n, row in entities["subject"].items() if row["department"] == number]
        for head in department["department_heads"]:
            people[head]["job_title"] = f"Head of {department['name']}"
    for row in entities["subject"].values():
        row["subject_heads"] = _teachers(entities, row["department"])[-1:]
    for kind, heads in (("year_group", "year_group_heads"), ("section", "section_heads")):
        for row in entities[kind].values():
            row[heads] = [rng.choice(_teachers(entities))]


def sizes(entities: Entities, placed: Placements) -> dict[str, Placements]:
    """Return the numbers of students and forms in year groups and houses in each academic year."""
    sizes: dict[str, Placements] = {"house": {}, "year_group": {}}
    for year, students in placed.items():
        people = [entities["student"][number] | row for number, row in students.items()]
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
    """Remove from each group the students who left before the end of the year."""
    for kind in ("form", "tutor_group", "subject_set", "activity"):
        for row in entities[kind].values():
            students, last = placed[row["academic_year"]], str(YEARS[row["academic_year"]].terms[-1][2])
            row["students"] = [number for number in row["students"] if students[number]["_last"] >= last]
            row["student_count"] = len(row["students"])
            representatives = row.get("student_representatives", [])
            row["student_representatives"] = [number for number in representatives if number in row["students"]]


def activities(rng: Random, entities: Entities, placed: Placements) -> None:
    """Add the extra-curricular activities of each year."""
    built = _GroupBuilder("activity")
    for year, students in placed.items():
        for name in ACTIVITIES:
            groups = sorted(rng.sample([*entities["year_group"]], rng.choice((3, 5, 7))))
            eligible = [number for number, row in students.items() if row["year_group"] in groups]
            members = sorted(rng.sample(eligible, min(len(eligible), rng.randrange(8, 26))))
            row = built.add(year, name[:4].upper(), name, members, 40)
            staff = [rng.choice(_teachers(entities))]
            row |= {"year_groups": groups, "staff": staff, "staff_report_writers": staff, "rooms": []}
            row["short_description"] = f"{name}, after lessons"
    entities["activity"] = built.rows


class _GroupBuilder:
    """Builds the groups of one kind over all years, each with an id of its own."""

    def __init__(self, kind: str) -> None:
        self.rows: RowsById = {}
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


def _subjects(student: int, year_number: int) -> list[str]:
    """Return a student's subjects; students choose again in Year 10 and in Year 12."""
    rng = Random(f"options of {student} {year_number > 9} {year_number > 11}")
    return [rng.choice(block) for block in (ADVANCED_BLOCKS if year_number > 11 else BLOCKS)]


def _teachers(entities: Entities, department: int | None = None) -> list[int]:
    """Return the current teachers, of all departments or of one."""
    return [
        number
        for number, row in entities["staff"].items()
        if row["status"] == "current" and (department in row["departments"] if department else row["departments"])
    ]


def _add_once(row: Row, field: str, number: int) -> None:
    if number not in row[field]:
        row[field].append(number)
