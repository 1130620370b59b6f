"""The structure of the school without people: sections, year groups, houses, departments, subjects and rooms."""

from .rows import Row, RowsById, ids, numbered

ENTERED = (12, 13, 7, 8, 9, 10, 11)
"""The year groups in the order of their ids: the school entered its sixth form first."""
YEAR_GROUP_IDS = dict(zip(ENTERED, ids("year_group", len(ENTERED)), strict=True))
"""The id of each year group, which is never the number in its name."""
SECTIONS = {"Lower School": (7, 8, 9), "Upper School": (10, 11), "Sixth Form": (12, 13)}
KEY_STAGES = {7: "KS3", 8: "KS3", 9: "KS3", 10: "KS4", 11: "KS4", 12: "KS5", 13: "KS5"}
ACADEMIC_HOUSES = ("Ash", "Briar", "Cedar", "Dogwood")
BOARDING_HOUSES = ("Saltmarsh House", "Windmill House")
DEPARTMENTS = {
    "English": ("English", "Drama"),
    "Mathematics": ("Mathematics", "Computer Science"),
    "Science": ("Science", "Physics", "Chemistry", "Biology"),
    "Humanities": ("History", "Geography", "Religious Studies"),
    "Languages": ("French", "Spanish", "Latin"),
    "Creative Arts": ("Art", "Music"),
    "Physical Education": ("Physical Education",),
}
BLOCKS = (
    ("English",),
    ("Mathematics",),
    ("Science",),
    ("Physical Education",),
    ("History", "Geography", "Religious Studies"),
    ("French", "Spanish"),
    ("Art", "Music"),
    ("Computer Science", "Drama", "Latin"),
)
"""Subjects up to Year 11: a student takes one subject of each block, and all sets of a block meet at the same time."""
ADVANCED_BLOCKS = (
    ("Mathematics", "Physics", "History", "Art", "Latin"),
    ("English", "Chemistry", "Geography", "Music", "Spanish"),
    ("Biology", "Computer Science", "French", "Drama"),
)
"""The same for the sixth form."""
WEEKLY = {"English": 4, "Mathematics": 4, "Science": 5, "Physical Education": 2}
"""The periods per week of a subject up to Year 11, if it does not have three."""
ROOMS = {"Main building": ("M", 12), "Science block": ("S", 6), "Sports hall": ("G", 2), "Arts centre": ("A", 5)}
"""The rooms of each location: the letter of their codes and their number."""


def sections() -> RowsById:
    """Return the sections of the school."""
    listed = SECTIONS.items()
    return numbered(
        "section",
        (
            {
                "name": name,
                "code": name[0] + "S",
                "year_groups": [YEAR_GROUP_IDS[n] for n in years],
                "position": position,
            }
            for position, (name, years) in enumerate(listed, start=1)
        ),
    )


def year_groups(sections: RowsById) -> RowsById:
    """Return the year groups, which stay the same in every academic year."""
    return {
        YEAR_GROUP_IDS[number]: {
            "id": YEAR_GROUP_IDS[number],
            "name": f"Year {number}",
            "code": f"Y{number:02}",
            "dfe_year": str(number),
            "final_year": number == 13,
            "key_stage": KEY_STAGES[number],
            "max_students": None,
            "position": number - 6,
            "section": section,
            "status": "active",
        }
        for section, row in sections.items()
        for number in SECTIONS[row["name"]]
    }


def houses() -> RowsById:
    """Return the academic houses, of which every student has one, and the boarding houses."""
    academic: list[Row] = [
        {"name": name, "code": name[:2].upper(), "house_type": "academic"} for name in ACADEMIC_HOUSES
    ]
    boarding: list[Row] = [{"name": name, "code": name[0] + "H", "house_type": "boarding"} for name in BOARDING_HOUSES]
    colours = ("red", "aqua", "green", "orange", "navy", "purple")
    return numbered(
        "house",
        (
            {**house, "is_active": True, "system_profile_image": colour, "note": None, "address": None, "phone": None}
            for house, colour in zip(academic + boarding, colours, strict=True)
        ),
    )


def departments() -> RowsById:
    """Return the departments."""
    named = ({"name": name, "code": name[:3].upper(), "can_copy": True} for name in DEPARTMENTS)
    return numbered("department", named)


def rooms(locations: RowsById) -> RowsById:
    """Return the rooms in which lessons are held."""
    return numbered(
        "room",
        (
            {
                "name": f"{ROOMS[row['name']][0]}{position}",
                "room_code": f"{ROOMS[row['name']][0]}{position}",
                "description": f"Classroom in the {row['name'].lower()}",
                "location": location,
                "room_capacity": 30,
                "timetable_code": f"{ROOMS[row['name']][0]}{position:02}",
                "telephone_extension": f"{100 + 7 * location + position}",
            }
            for location, row in locations.items()
            if row["name"] in ROOMS
            for position in range(1, ROOMS[row["name"]][1] + 1)
        ),
    )


def subjects(departments: RowsById, sections: RowsById) -> RowsById:
    """Return the subjects with their departments."""
    return numbered(
        "subject",
        (
            {
                "name": name,
                "code": "".join(word[:2] for word in name.split()).upper(),
                "alternative_name": None,
                "department": department,
                "can_copy": True,
                "sections": [
                    number for number, section in sections.items() if _is_taught(name, SECTIONS[section["name"]])
                ],
            }
            for department, row in departments.items()
            for name in DEPARTMENTS[row["name"]]
        ),
    )


def _is_taught(subject: str, years: tuple[int, ...]) -> bool:
    blocks = ADVANCED_BLOCKS if years[0] > 11 else BLOCKS
    return any(subject in block for block in blocks)
