"""The look-up lists of a school: genders, faiths, attendance codes, categories and so on."""

from .profiles import Profile
from .rows import Row, RowsById, numbered

NAMED = {
    "gender": "Female|Male|Non-binary",
    "boarding_type": "Day|Full boarder|Weekly boarder",
    "title": "Mr|Mrs|Ms|Miss|Mx|Dr|Revd",
    "faith": "None|Christian|Muslim|Hindu|Sikh|Buddhist|Jewish|Other",
    "marital_status": "Single|Married|Civil partnership|Divorced|Widowed",
    "relationship_group": "Parents|Carers|Wider family|Professionals",
    "relationship_type": "Mother|Father|Step-parent|Guardian|Grandparent|Aunt or uncle|Social worker|Sibling",
    "group_type": "Form|Tutor group|Subject set|Year group|Extra-curricular activity",
    "education_type": "Primary|Secondary|Further education|Higher education|Employment",
    "school_college_category": "Maintained|Independent|Academy|University|Overseas",
    "school_college": "Hollowbrook College|St Wystan's School|University of Marlmouth|Ferncliffe Academy|"
    "Tidewell Sixth Form|Apprenticeship|Brackenfield High School|Schule am Lindenhof",
    "learning_support_type": "Dyslexia|Dyspraxia|ADHD|Autism spectrum|Speech and language|Hearing impairment|"
    "Social, emotional and mental health|Physical disability|English as an additional language",
    "learning_support_severity": "Monitoring|Mild|Moderate|Severe",
    "learning_support_status": "Active|Under review|Inactive",
    "learning_support_review_type": "Annual review|Termly review|Interim review|Transition review",
    "staff_contract_type": "Permanent|Fixed term|Hourly|Peripatetic",
    "staff_position": "Head|Deputy Head|Head of Department|Teacher|Houseparent|Teaching assistant|Nurse|Administrator",
    "qualification": "GCSE|A level|BTEC|EPQ|International Baccalaureate",
    "authority_type": "County council|Unitary authority|London borough",
    "authority": "Marlshire County Council|Port Ellery City Council|North Tarn Council",
    "location": "Main building|Science block|Sports hall|Arts centre|Boarding site",
    "pastoral_severity_level": "Low|Medium|High|Critical",
    "shanarri_item": "Safe|Healthy|Achieving|Nurtured|Active|Respected|Responsible|Included",
    "learning_support_term": "Learning support|Individual education plan|Provision map",
    "address_type": "Home|Term time|Work|Correspondence",
    "ethnicity": "White British|White Irish|Any other White background|Indian|Pakistani|Black African|"
    "Black Caribbean|Chinese|Arab|Mixed White and Asian|Mixed White and Black Caribbean|Not stated",
    "language": "English|Irish|Welsh|Polish|Spanish|German|Czech|Gujarati|Punjabi|Hindi|Urdu|Yoruba|Igbo|Somali|"
    "Mandarin|Cantonese|Arabic|French",
    "nationality": "British|Irish|Polish|Spanish|German|Czech|Indian|Pakistani|Nigerian|Ghanaian|Jamaican|Chinese|"
    "Egyptian|Iraqi",
    "country": "United Kingdom|Ireland|Poland|Spain|Germany|Czechia|India|Pakistan|Nigeria|Ghana|Jamaica|China|"
    "Egypt|Iraq|Côte d'Ivoire",
}
"""Lists whose entries need only a name, by kind."""

EVENT_CATEGORIES = (
    "Anxiety or low mood",
    "Friendships",
    "Bullying",
    "Attendance concern",
    "Family circumstances",
    "Homesickness",
    "Academic pressure",
    "Achievement",
)
PLAN_CATEGORIES = ("Attendance plan", "Return to school", "Emotional support", "Risk assessment")

CUSTOM_FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "student": {"Transport": ("Bus route", "Bus stop"), "Music": ("Instrument",)},
    "staff": {"Vehicle": ("Registration",)},
    "contact": {"Correspondence": ("Newsletter",)},
}
"""The custom fields of the school, by the kind of person and by group."""
OPTIONS = {
    "Bus route": ("North", "South", "Coast"),
    "Instrument": ("Violin", "Cello", "Flute"),
    "Newsletter": ("Yes", "No"),
}
"""The options of custom fields that offer a choice."""

HIDDEN = ("C2", "D", "T", "Y1", "Y4", "#", "H", "J")
"""Codes that the school no longer offers in its registers; earlier marks hold most of them."""

CODES = {
    "/": "Present in the morning",
    "\\": "Present in the afternoon",
    "L": "Late before the register closed",
    "K": "Education arranged by the local authority",
    "V": "Educational visit",
    "P": "Sporting activity",
    "W": "Work experience",
    "B": "Other approved educational activity",
    "C": "Leave granted for exceptional circumstances",
    "C1": "Leave for a regulated performance",
    "C2": "Part-time timetable",
    "E": "Suspended or excluded",
    "I": "Illness",
    "J1": "Interview",
    "M": "Medical or dental appointment",
    "R": "Religious observance",
    "S": "Study leave",
    "T": "Parent travelling for work",
    "G": "Holiday not granted",
    "N": "No reason yet",
    "O": "Absent without authorisation",
    "U": "Arrived after the register closed",
    "D": "Dual registered",
    "X": "Not of compulsory school age and not required",
    "Y1": "Transport not available",
    "Y4": "Whole school closed unexpectedly",
    "Z": "Not yet on the admission register",
    "#": "Planned closure",
    "H": "Holiday granted (before August 2024)",
    "J": "Interview (before August 2024)",
    "*": "Music lesson off site",
    "-": "No mark",
}
"""The school's attendance codes: England's since August 2024, two earlier ones, and ``*``, a code of its own."""


def attendance_codes(profile: Profile) -> RowsById:
    """Return the attendance codes; a code that is no longer offered has ``display`` false."""
    codes = dict(profile.codes.get(code, (code, name)) for code, name in CODES.items())
    return numbered(
        "attendance_code",
        (
            {"code": code, "name": name, "description": name, "display": code not in HIDDEN, "position": position}
            for position, (code, name) in enumerate(codes.items(), start=1)
        ),
    )


def pastoral_categories() -> RowsById:
    """Return the categories of wellbeing events and of plans."""
    kinds = (("wellbeing_event", EVENT_CATEGORIES), ("wellbeing_plan", PLAN_CATEGORIES))
    return numbered(
        "pastoral_category",
        (
            {**_named(position, name), "pastoral_category_type": kind, "category": None, "system_value": False}
            for kind, names in kinds
            for position, name in enumerate(names, start=1)
        ),
    )


def custom_fields() -> dict[str, RowsById]:
    """Return the custom fields with their groups and options."""
    named_groups = [(whose, name, fields) for whose, groups in CUSTOM_FIELDS.items() for name, fields in groups.items()]
    groups = numbered("custom_field_group", ({"name": name, "user_type": whose} for whose, name, _ in named_groups))
    fields = numbered(
        "custom_field",
        (
            {"name": name, "type": "list" if name in OPTIONS else "text", "custom_field_group": group}
            for group, (_, _, names) in zip(groups, named_groups, strict=True)
            for name in names
        ),
    )
    choices = ((number, name) for number, row in fields.items() for name in OPTIONS.get(row["name"], ()))
    options = numbered("custom_field_option", ({"name": name, "custom_field": number} for number, name in choices))
    return {"custom_field_group": groups, "custom_field": fields, "custom_field_option": options}


def school(countries: RowsById, profile: Profile) -> RowsById:
    """Return the school's own record."""
    country = next(iter(countries))
    return {
        1: {
            "id": 1,
            "regional_country_id": country,
            "start_day_week": profile.start_day_week,
            "timezone": profile.timezone,
            "school_name": "Marlmouth School",
            "school_sms_name": "Marlmouth",
            "address": "Harbour Row, Marlmouth, ZZ1 1ZZ",
            "country": country,
            "phone": "01632960001",
            "email": "office@school.example",
        }
    }


def reference(profile: Profile) -> dict[str, RowsById]:
    """Return all look-up lists by kind."""
    lists = {
        kind: numbered(kind, (_named(position, name) for position, name in enumerate(names.split("|"), start=1)))
        for kind, names in NAMED.items()
    }
    return {
        **lists,
        "pastoral_category": pastoral_categories(),
        "attendance_code": attendance_codes(profile),
        **custom_fields(),
        "school": school(lists["country"], profile),
    }


def by_name(rows: RowsById) -> dict[str, int]:
    """Return the ids of the rows by name."""
    return {row["name"]: number for number, row in rows.items()}


def _named(position: int, name: str) -> Row:
    letters = "".join(word[0] for word in name.split()) if " " in name else name[:3]
    return {"name": name, "description": name, "code": letters.upper(), "position": position, "deleted_at": None}
