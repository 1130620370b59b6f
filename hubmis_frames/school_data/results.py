"""What the columns of a result are, as the docstrings of the functions that return them say."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator

from ..export.columns import MADE_HERE
from ..words import unit_of

_MODULES = ("attendance", "wellbeing", "joint")
_METHODS = ("marks", "checks", "with_names")
_EXPLAIN = ("wellbeing.events", "attendance.marks", "attendance.summarise")
"""The functions whose docstrings explain columns that others return too."""
_NAME = re.compile(r"``((?:<\w+>_)?[a-z]\w*(?<!_)(?:_<\w+>)?)``")
_NO_COLUMN = re.compile(r"(columns of|rows of|window of|window|with|if|here|like)\s$")
_SECTION = re.compile(r"^Returns\n-+\nDataFrame\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
_TOLD = re.compile(rf"({_NAME.pattern}(?:(?:,| and|, and) {_NAME.pattern})*): (.*)")
_DATES = re.compile(r"(.*_)?date|reached_on|week|window_(start|end)|start|end")
_FRACTIONS = (
    "per cent", "percentage points", "events per 100 students", "events per 100 sessions", "from -1 to 1", "minutes",
)  # fmt: skip
_MEANS = ("mean_", "median_")
_FLAGS = ("current", "ongoing", "avoidable", "known", "suppressed", "deleted", "persistent")


def result_rows() -> list[dict[str, object]]:
    """One row per column of each result of the analysis, from the docstrings of its functions."""
    found = {
        name: (inspect.getdoc(function) or "", columns)
        for name, function in _functions()
        if (columns := columns_of(function))
    }
    told = {name: meaning for table in _EXPLAIN for name, meaning in found[table][1].items() if meaning}
    return [
        {
            "table": table,
            "grain": doc.partition("\n")[0].rstrip(".").replace("One row", "one row"),
            "column": name,
            "type": _type(name, meaning),
            "meaning": (meaning or told.get(name) or name.replace("_", " ")).replace("``", ""),
            "unit": unit_of(name, _type(name, meaning)),
            "key": False,
            "refers_to": "students.student_id" if name == "student_id" else None,
            "personal": "id of a person" if name in ("student_id", "staff_id") else None,
            "source": MADE_HERE,
        }
        for table, (doc, columns) in found.items()
        for name, meaning in columns.items()
    ]


def columns_of(function: Callable[..., object]) -> dict[str, str]:
    """The columns that a function's docstring says it returns, each with its meaning, as far as the list has one.

    The list is the first sentence of the section Returns (behind "One row per ...:"), or what follows "Columns:", and
    the bullets if that sentence names none. A meaning is in brackets behind a name, or behind the colon of a bullet.
    """
    section = _SECTION.search(inspect.getdoc(function) or "")
    if section is None:
        return {}
    text = inspect.cleandoc(section[1])
    first, *others = [" ".join(part.split()) for part in re.split(r"\n\n|\n(?=- )", text) if part.strip()]
    if "Columns: " in first:
        first = first.partition("Columns: ")[2]
    elif first.startswith("One row per"):
        first = first.partition(": ")[2]
    found = dict(_listed(_sentence(first)))
    if (same := re.match(r"The same columns as from :func:`(\w+)`", first)) is not None:
        found = columns_of(getattr(inspect.getmodule(function), same[1]))
    if not found:
        for bullet in (part[2:] for part in others if part.startswith("- ")):
            if (told := _TOLD.match(bullet)) is not None:
                found |= dict.fromkeys(_NAME.findall(told[1]), told[told.lastindex or 0].rstrip(";."))
            else:
                found |= dict(_listed(bullet))
    return found


def _functions() -> Iterator[tuple[str, Callable[..., object]]]:
    for module in _MODULES:
        room = importlib.import_module(f"..{module}", __package__)
        for name in room.__all__:
            value = getattr(room, name)
            if callable(value) and not inspect.isclass(value):
                yield f"{module}.{name}", value
    data = importlib.import_module(".data", __package__).SchoolData
    for name in _METHODS:
        yield f"SchoolData.{name}", getattr(data, name)


def _listed(text: str) -> Iterator[tuple[str, str]]:
    """The names in a list outside brackets, each with what stands in brackets behind it."""
    for name in _NAME.finditer(text):
        before = text[: name.start()]
        if before.count("(") > before.count(")") or _NO_COLUMN.search(before):
            continue
        rest = text[name.end() :]
        yield name[1], _in_brackets(rest[1:]) if rest.startswith(" (") else ""


def _in_brackets(text: str) -> str:
    depth = 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if not depth:
            return text[1:place]
    return ""


def _sentence(text: str) -> str:
    """The text up to the first full stop outside brackets."""
    depth = 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "." and not depth and text[place + 1 : place + 2] in ("", " "):
            return text[:place]
    return text


def _type(name: str, meaning: str) -> str:
    """The type of a column of a result, by its name and by what the docstring says of it."""
    if meaning.startswith(("number of", "number within", "how many")):
        return "integer"
    if _DATES.fullmatch(name):
        return "date"
    if name in _FLAGS:
        return "boolean"
    if name == "date_time":
        return "datetime"
    unit = unit_of(name, "number")
    if unit is None:
        return "integer" if name.endswith("_id") or name == "school_week" else "string"
    if name == "absence_from" or (unit not in _FRACTIONS and not name.startswith(_MEANS)):
        return "integer"
    return "number"
