"""Draw the pictures in ``.github/``. Run this file after plots, figures or keys have changed."""

import tempfile
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import hubmis_frames as hf
from hubmis_frames.plots.keys import draw_keys

TOP = Path(__file__).parents[2]
COLUMNS = (
    ("student_attendance", "pastoral_events", "learning_support_records", "form_students", "tutor_group_students"),
    ("students", "attendance_codes"),
    ("forms", "houses", "tutor_groups", "staff"),
    ("year_groups", "sections", "terms", "academic_years"),
)


def first_look(file: Path) -> Figure:
    """Draw the picture at the top of the README: absence by week and by year group, and students near 10 %."""
    with tempfile.TemporaryDirectory() as folder, hf.demo(progress=False) as school:
        school.export(folder, "core")
        names = (
            "students",
            "student_attendance",
            "attendance_codes",
            "terms",
            "holidays",
            "inset_days",
            "closure_dates",
        )
        data = {name: hf.read(folder, name) for name in names}
    students = data["students"]
    calendar = hf.attendance.Calendar(*(data[name] for name in names[3:]))
    # The school decided on this code, which is not an English one: music lessons off site.
    codes = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})
    records = hf.join(data["student_attendance"], students[["student_id", "realm", "year_group_name"]])
    marks = hf.attendance.marks(records, data["attendance_codes"], code_map=codes, calendar=calendar)
    year = calendar.year_of(marks["date"].max())
    marks = marks[marks["date"] >= calendar.terms.loc[calendar.terms["academic_year"].eq(year), "start"].min()]
    risk = hf.join(hf.attendance.at_risk(marks, calendar), students[["student_id", "first_name", "last_name"]])
    near = risk[risk["avoidable"]].head(8)

    figure = plt.figure(figsize=(11, 6.6))
    caption = f"hubmis_frames: the simulated school, {students['student_id'].nunique()} made-up students"
    figure.text(0.98, 0.96, caption, ha="right", fontsize=9.5, color="#555555")
    top = figure.add_axes((0.06, 0.60, 0.92, 0.28))
    hf.plots.attendance_trend(hf.attendance.summarise(marks, "week"), calendar=calendar, ax=top)
    left = figure.add_axes((0.13, 0.08, 0.33, 0.31))
    rates = hf.attendance.summarise(marks, "year_group_name", confidence=0.95)
    hf.plots.attendance_bars(rates, suppress_below=5, ax=left)
    _table(figure.add_axes((0.55, 0.03, 0.43, 0.36)), near)
    figure.savefig(file, dpi=100, metadata={"Software": None})
    return figure


def _table(ax: Axes, near: pd.DataFrame) -> None:
    """Write a table of the students who can still stay below 10 % on the axes."""
    ax.set_axis_off()
    ax.set_title("Students who can still avoid persistent absence", loc="left", fontsize=12, fontweight="bold", pad=12)
    cells = pd.DataFrame(
        {
            "student": near["first_name"] + " " + near["last_name"],
            "absence": near["absence_rate"].map("{:.1f} %".format),
            "can still miss": near["can_still_miss"].astype("str"),
            "sessions left": near["remaining_sessions"].astype("str"),
        }
    )
    table = ax.table(cells.to_numpy().tolist(), colLabels=list(cells), bbox=(0, 0, 1, 1), edges="horizontal")
    table.auto_set_font_size(False)
    for (row, column), cell in table.get_celld().items():
        cell.set(edgecolor="#CCCCCC", linewidth=0.8)
        cell.get_text().set(fontsize=9.5, ha="right" if column else "left", weight="normal" if row else "bold")


def main() -> None:
    matplotlib.use("Agg")
    first_look(TOP / ".github" / "first-look.png")
    axes = draw_keys(COLUMNS)
    axes.figure.savefig(TOP / ".github" / "keys.png", dpi=90, bbox_inches="tight", metadata={"Software": None})


if __name__ == "__main__":
    main()
