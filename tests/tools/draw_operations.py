"""Write ``hubmis_frames/operations/README.md`` from the declarations: run it after a change of them."""

from pathlib import Path

import hubmis_frames as hf
from hubmis_frames.frames.keys import mermaid

COLUMNS = (
    ("student_attendance", "pastoral_events", "learning_support_records", "form_students", "tutor_group_students"),
    ("students", "attendance_codes"),
    ("forms", "houses", "tutor_groups", "staff"),
    ("year_groups", "sections", "terms", "academic_years"),
)
"""The tables of most analyses, those that refer to others first."""

FILE = Path(hf.__file__).parent / "operations" / "README.md"

PAGE = """# The operations of HUBmis

Each module here declares the operations of a section of HUBmis's document (API 1.2.0): {count} GET operations, each
written once. This page is generated: `python -m tests.tools.draw_operations`.

## How to add an operation

Declare it in the module of its section, as a function whose signature is the request:

```python
@attendance_section(
    "Get all reasons for absence",  # the document's title, exactly
    "absence-reasons",  # the path below /api/v1/
    record(id=ID, name=TEXT, attendance_code=struct_of("attendance_code_id")),
    key="absence_reason_id",  # the name of the record's id in every table
)
def load_absence_reasons(school: SchoolOrGroup, *, refresh: bool = False) -> pd.DataFrame:
    \"\"\"Reasons for absence: one row per reason.\"\"\"
```

Everything else follows: `hf.load_absence_reasons` with its docstring and `.tables`, its row in `hf.endpoints()` and in
`hf.keys()`, its table in an export, its place in our OpenAPI document, and records of it in the simulated school.

- `Section.__call__` in `declaration.py` explains each argument; `shapes.py` holds the words for records.
- The first line of the docstring is "Things: one row per thing." The rest says what a user has to know before relying
  on a figure. `help()` adds the parameters, the columns and the source.
- A filter called `year_group` is sent as `filter[yearGroup]`. `wire=` names exceptions.
- Say what is personal (`NAME`, `CONTACT`, `BIRTH`, `NOTE`, ...): exports leave out free text, and pseudonymised ones
  all of it.
- `deprecated_twin(load_x, path)` declares a deprecated operation from the one that replaces it.
- `tests/operations` compares every declaration with the facts of the document in `tests/fixtures/operations.json`.

## Which id refers to what

The tables of most analyses. `hf.keys()` lists the ids of all tables, and `hf.join` joins by them.

```mermaid
{diagram}
```

## The catalogue

Deprecated operations are struck through. `hf.endpoints()` returns this list as a frame with more columns, and
`hf.endpoints(search="attendance")` the operations with a word in their title, table or columns.

{catalogue}
"""


def catalogue() -> str:
    """Every operation by section: its loader, what a row is, and the ids that it needs."""
    lines: list[str] = []
    for section, rows in hf.endpoints().groupby("section", sort=False):
        lines += [f"### {section} ({len(rows)})", "", "| loader | one row per | needs |", "|---|---|---|"]
        for row in rows.itertuples():
            name = f"~~`{row.loader}`~~" if row.deprecated else f"`{row.loader}`"
            lines.append(f"| {name} | {row.grain} | {row.ids} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def page() -> str:
    """The whole page."""
    diagram = mermaid(table for column in COLUMNS for table in column)
    return PAGE.format(count=len(hf.endpoints()), diagram=diagram, catalogue=catalogue())


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
