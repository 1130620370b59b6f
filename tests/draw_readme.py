"""Draw what the README shows: run it after a change of the declarations."""

import re
from pathlib import Path

import matplotlib

import hubmis_frames as hf
from hubmis_frames.frames.keys import mermaid
from hubmis_frames.plots import draw_keys

TOP = Path(__file__).parent.parent
COLUMNS = (
    ("student_attendance", "pastoral_events", "learning_support_records", "form_students", "tutor_group_students"),
    ("students", "attendance_codes"),
    ("forms", "houses", "tutor_groups", "staff"),
    ("year_groups", "sections", "terms", "academic_years"),
)


def diagram() -> str:
    """The Mermaid text of the same tables."""
    return mermaid(table for column in COLUMNS for table in column)


def catalogue() -> str:
    """Every operation by section, in Markdown: its loader, what a row is, and by what it is asked."""
    lines = []
    for section, rows in hf.endpoints().groupby("section", sort=False):
        lines += ["", f"<details><summary>{section} ({len(rows)})</summary>", "", "| loader | one row per | asked by |"]
        lines += ["|---|---|---|"]
        for row in rows.itertuples():
            name = f"~~`{row.loader}`~~" if row.deprecated else f"`{row.loader}`"
            lines.append(f"| {name} | {row.grain} | {row.ids} |")
        lines += ["", "</details>"]
    return "\n".join(lines).strip()


def main() -> None:
    matplotlib.use("Agg")
    axes = draw_keys(COLUMNS)
    axes.figure.savefig(TOP / ".github" / "keys.png", dpi=90, bbox_inches="tight", metadata={"Software": None})
    readme = TOP / "README.md"
    text = readme.read_text(encoding="utf-8")
    text = re.sub(r"(?s)(?<=```mermaid\n).*?(?=\n```)", diagram(), text)
    text = re.sub(r"(?s)(?<=<!-- catalogue -->\n).*?(?=<!-- end of the catalogue -->)", f"{catalogue()}\n", text)
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
