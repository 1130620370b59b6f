"""What people in a school call things that HUBmis calls something else."""

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
