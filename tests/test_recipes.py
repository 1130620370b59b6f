"""The recipes, run as they stand on an export of the simulated school; what each ends in is checked."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import openpyxl
import pandas as pd
import pytest
from matplotlib.axes import Axes

import hubmis_frames as hf
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator, World
from tests.helpers.pages import blocks, run

PAGE = Path(__file__).parents[1] / ".github" / "RECIPES.md"
CODES = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})


@pytest.fixture
def folder(school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an export of one school and one of a group, in which the recipes run."""
    mpl.use("Agg")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("HUBMIS_PSEUDONYM_KEY", str(tmp_path / "key" / "pseudonym.key"))
    school.export("school", ["core", "student_contacts", "contact_phones"])
    data = hf.open_export("school").with_settings(code_map=CODES)
    categories = data["pastoral_categories"]["name"]
    about = [name for name in categories if "ttendance" in name]
    data.with_settings(praise=["Achievement"], about_attendance=about).save_settings()
    shutil.copytree("school", "group")
    yield work
    plt.close("all")


def sheet(file: str, name: str = "Sheet1") -> pd.DataFrame:
    head, *rows = openpyxl.load_workbook(file)[name].iter_rows(values_only=True)
    return pd.DataFrame(rows, columns=head)


def drawn(axes: Any) -> None:
    figure = (axes if isinstance(axes, Axes) else next(iter(axes))).figure
    figure.canvas.draw()
    assert any(own.has_data() for own in figure.axes)


def at_risk(got: pd.DataFrame, data: hf.SchoolData) -> None:
    assert list(got)[:7] == ["realm", "student_id", "name", "year_group_name", "form_name", "tutor_name", "contacts"]
    assert got["status"].eq("at risk").all()
    assert got["can_still_miss"].notna().all()


def ten_in_ten(got: Path, data: hf.SchoolData) -> None:
    rows = sheet(str(got))
    listed = hf.attendance.repeated_absence(data.marks(academic_year="all"), data.calendar)
    assert rows["student_id"].tolist() == listed.loc[listed["current"], "student_id"].tolist()
    assert (rows["current_sessions"] >= 10).all()


def per_house(got: pd.DataFrame, data: hf.SchoolData) -> None:
    events = data.events()
    assert got["events"].sum() + got["unlisted"].max() >= len(events[events["category_name"].ne("Achievement")]) * 0.5
    assert got["students"].sum() == data.students()["academic_house_name"].notna().sum()


def for_governors(got: Path, data: hf.SchoolData) -> None:
    rows = sheet(str(got), "Attendance")
    shown = rows["Students"].dropna()
    assert shown.ge(5).all()
    assert rows.loc[rows["Suppressed"], "Attendance rate (per cent)"].isna().all()
    assert "newest register" in set(sheet(str(got), "About")["What"])


def for_research(got: Path, data: hf.SchoolData) -> None:
    told = pd.read_csv(got)
    assert set(told["table"]) == set(hf.open_export("for-research"))
    assert not told["column"].isin(["last_name", "first_name", "email"]).any()


def late(got: pd.DataFrame, data: hf.SchoolData) -> None:
    marks = data.marks(academic_year="2025/26")
    assert got["late"].sum() == marks["category"].eq("late").sum()
    assert got["late"].is_monotonic_decreasing


def support(got: pd.DataFrame, data: hf.SchoolData) -> None:
    total = hf.attendance.summarise(data.marks()).iloc[0]
    assert got["possible_sessions"].sum() == total["possible_sessions"]
    assert 0 in got.index


def all_schools(got: pd.DataFrame, data: hf.SchoolData) -> None:
    whole = hf.attendance.summarise(data.marks(), by="term")
    assert got["possible_sessions"].sum() == whole["possible_sessions"].sum()
    assert set(got["realm"]) == set(data.realms)


def year_before(got: pd.DataFrame, data: hf.SchoolData) -> None:
    assert got["academic_year"].tolist() == [data.academic_year]
    assert len(plt.get_fignums())


def meeting(got: Path, data: hf.SchoolData) -> None:
    assert "Brocklebank, Ottilie" in got.read_text(encoding="utf-8")


def refreshed(got: pd.DataFrame, data: hf.SchoolData) -> None:
    assert set(got["status"]) == {"complete"}


CHECKS: dict[int, Callable[[Any, hf.SchoolData], None]] = {
    1: lambda got, data: drawn(got),
    2: at_risk,
    3: ten_in_ten,
    4: lambda got, data: drawn(got),
    5: year_before,
    6: meeting,
    7: per_house,
    8: lambda got, data: drawn(got),
    9: refreshed,
    10: all_schools,
    11: for_governors,
    12: for_research,
    13: late,
    14: support,
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")  # such as: students who have left are not in it
def test_each_recipe_runs_as_it_stands(
    folder: Path, simulator: Simulator, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    for name, value in {
        "REALM": "S999", "CLIENT_ID": simulator.rules.client_id, "CLIENT_SECRET": simulator.rules.client_secret,
        "BASE_URL": simulator.url, "CACHE_DIR": str(tmp_path / "cache"),
    }.items():  # fmt: skip
        monkeypatch.setenv(f"HUBMIS_{name}", value)
    scripts = blocks(PAGE)
    assert len(scripts) == len(CHECKS) == 14
    data = hf.open_export("school")
    someone = data.students().iloc[0]
    for number, script in enumerate(scripts, 1):
        script = script.replace("Ottilie Brocklebank", f"{someone['first_name']} {someone['last_name']}")
        if number == 9:  # the pace that HUBmis allows would make the test wait
            monkeypatch.setattr(hf, "connect", lambda connect=hf.connect: connect(rate=(10**6, 0.001), progress=False))
        names: dict[str, Any] = {"hf": hf, "data": data}
        got = run(script, names)
        if number == 6:
            assert f"{someone['last_name']}" in got.read_text(encoding="utf-8")
            continue
        CHECKS[number](got, names["data"])
