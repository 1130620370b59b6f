"""What people in a school call things that HUBmis calls something else, and the units of what columns count."""

import re
from collections.abc import Iterator

MEANINGS = {
    "pupil": ("student",),
    "child": ("student",),
    "parent": ("contact",),
    "guardian": ("contact",),
    "carer": ("contact",),
    "mark": ("student attendance", "attendance"),
    "register": ("student attendance", "attendance"),
    "absence": ("student attendance", "attendance"),
    "behaviour": ("pastoral events", "pastoral", "wellbeing"),
    "behavior": ("pastoral events", "pastoral", "wellbeing"),
    "incident": ("pastoral event", "pastoral", "wellbeing"),
    "telephone": ("phone",),
    "mobile": ("phone",),
    "e-mail": ("email",),
    "class": ("form",),
    "teacher": ("staff",),
    "sen": ("learning support records", "learning support"),
    "send": ("learning support records", "learning support"),
}
"""The words of HUBmis for a word of people's own; the first is the likeliest in the name of a table."""


_UNITS = (
    (r"events_per_100_(students|sessions)(?:_low|_high)?", "events per 100 {}"),
    (r"rank_correlation(_low|_high)?", "from -1 to 1"),
    (r"(.*_)?(change|difference)(_low|_high)?", "percentage points"),
    (r"(.*_rate|(.*_)?share|coverage|absence_from)(_low|_high)?", "per cent"),
    (r"(.*_)?minutes(_late)?", "minutes"),
    (r"(.*_)?days(_open|_overdue|_until|_since_previous|_to_recover)?", "days"),
    (r"can_still_miss|(.*_)?sessions(_until|_to_recover)?", "sessions"),
    (r"(.*_)?weeks", "weeks"),
    (r"with_(lateness|events.*|active_plan)|(.*_)?students(_concerned)?|(total_)?student_count", "students"),
    (r".*_absentees|.*_below_minimum|unlisted|left_out", "students"),
    (r"(?:.*_)?(events|plans|marks|holidays|rows)", "{}"),
    (r"most_in_window", "events"),
    (r"age_at_start_of_year", "years"),
)
"""The unit of a column by its name. Names of columns follow these patterns everywhere."""


def unit_of(column: str, type_name: str) -> str | None:
    """The unit of the numbers in a column; None for a number that has none, and for all else."""
    if type_name not in ("integer", "number"):
        return None
    for pattern, unit in _UNITS:
        if found := re.fullmatch(pattern, column):
            return unit.format(found[1]) if "{}" in unit else unit
    return None


def label(column: str, unit: str | None) -> str:
    """A heading for people: ``year_group_name`` is Year group, ``absence_rate`` is Absence rate (per cent)."""
    words = re.sub(r"(?<=.)_name$", "", column).replace("_", " ")
    words = re.sub(r"\bid\b", "ID", words[:1].upper() + words[1:])
    said = unit is None or unit in words.casefold()
    return words if said else f"{words} ({unit})"


def meanings(word: str) -> tuple[str, ...]:
    """What a word means in HUBmis; nothing if HUBmis has no other word for it. A plural has plurals."""
    for one, many in _forms(word.casefold()):
        if one in MEANINGS:
            return tuple(f"{meaning}{many}" for meaning in MEANINGS[one])
    return ()


def in_hubmis_words(name: str) -> str:
    """A name with each word replaced by the likeliest of HUBmis: ``load_parents`` is ``load_contacts``."""
    parts = name.replace(" ", "_").split("_")
    return "_".join((meanings(part) or (part,))[0].replace(" ", "_") for part in parts)


def _forms(word: str) -> Iterator[tuple[str, str]]:
    yield word, ""
    if word == "children":
        yield "child", "s"
    for ending in ("es", "s"):
        if word.endswith(ending):
            yield word.removesuffix(ending), "s"
