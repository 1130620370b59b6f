"""The pages for people: short, closed, with links that lead somewhere and code and commands that exist."""

import functools
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.simulator import Rules, Simulator, build_world
from tests.helpers.pages import blocks, run
from tests.helpers.schools import GENEROUS

TOP = Path(__file__).parent.parent
PACKAGE = TOP / "hubmis_frames"
README = TOP / "README.md"
FOLDERS = ("hubmis_frames", "hubmis_frames/operations", "notebooks", "tests", "data", ".github")
PAGES = [README, *(page for folder in FOLDERS for page in sorted((TOP / folder).glob("*.md")))]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(TOP).as_posix())


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """What links to the headings of a page are called."""
    headings = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_folder_has_a_page_and_the_first_is_short():
    assert [folder for folder in FOLDERS[:-1] if not (TOP / folder / "README.md").exists()] == []
    assert len(text(README).splitlines()) <= 250


@each_page
def test_what_is_opened_is_closed(page: Path):
    assert text(page).count("<details>") == text(page).count("</details>")
    fences = re.findall(r"^```(\w*)$", text(page), re.MULTILINE)
    assert all(language for language in fences[::2]), "a block of code has no language, or one before it is not closed"
    assert not any(fences[1::2]), "a block of code is not closed"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")  # such as: the code * has no category
def test_each_block_of_python_in_the_readme_runs_in_order_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    worlds = {realm: build_world(students=number, seed=3) for realm, number in (("S999", 60), ("S1", 12), ("S2", 12))}
    monkeypatch.chdir(tmp_path)
    with Simulator(worlds, Rules(**GENEROUS)) as simulator:
        for name, value in {
            "REALM": "S999", "CLIENT_ID": simulator.rules.client_id, "CLIENT_SECRET": simulator.rules.client_secret,
            "BASE_URL": simulator.url, "CACHE_DIR": str(tmp_path / "cache"),
        }.items():  # fmt: skip
            monkeypatch.setenv(f"HUBMIS_{name}", value)
        # Only the pace differs, as the one that HUBmis allows would make the test wait.
        pace = {"rate": (10**6, 0.001), "progress": False}
        monkeypatch.setattr(hf, "connect", functools.partial(hf.connect, **pace))
        monkeypatch.setattr(hf, "connect_group", functools.partial(hf.connect_group, **pace))
        monkeypatch.setattr(hf, "demo", functools.partial(hf.demo, 24, progress=False))
        names: dict[str, Any] = {}
        for block in blocks(README):
            run(block, names)
        schools = [names["school"], names["group"]]
    for school in schools:
        school.close()
    data = names["data"]
    marks = data.marks()
    recent = marks[marks["date"] > data.newest_register - pd.Timedelta(weeks=4)]
    missed = (
        recent[recent["category"].isin(["authorised_absence", "unauthorised_absence"])].groupby("student_id").size()
    )
    written = {
        file: pd.read_excel(tmp_path / f"{file}.xlsx") for file in ("absent", "boarding", "without-email", "houses")
    }
    absent = written["absent"]
    assert absent["Absent sessions"].tolist() == sorted(missed[missed > 5], reverse=True)
    assert set(absent["Student ID"]) == set(missed[missed > 5].index)
    assert absent["Contacts"].notna().any()
    assert written["boarding"]["Possible sessions"].sum() == hf.attendance.summarise(marks)["possible_sessions"].sum()
    links = data["student_contacts"].merge(data["contacts"], on="contact_id")
    can = links[links["primary_email"].notna() & links["deleted_at"].isna() & links["status"].ne("inactive")]
    without = set(data.students()["student_id"]) - set(can["student_id"])
    assert set(written["without-email"]["Student ID"]) == without
    assert written["houses"].shape[1] == 3
    assert {file.name for file in (tmp_path / "group").glob("manifest-*.json")} != set()
    assert set(hf.open_export(tmp_path / "group").realms) == {"S1", "S2"}


@each_page
def test_links_lead_somewhere(page: Path):
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if target.startswith("https:"):
            continue
        file, _, anchor = target.partition("#")
        other = page.parent / file if file else page
        if not other.exists() or (anchor and anchor not in anchors(other)):
            lost.append(target)
    assert lost == []


def test_every_command_that_a_page_names_exists(capsys: pytest.CaptureFixture[str]):
    named = {command for page in PAGES for command in re.findall(r"hubmis-frames ((?:spec )?[a-z]+)", text(page))}
    assert len(named) > 10
    for command in sorted(named):
        with pytest.raises(SystemExit) as ended:
            main([*command.split(), "--help"])
        assert ended.value.code == 0, command


def test_the_walks_lead_through_code_that_exists():
    steps = re.findall(r"`([\w/]+(?:\.py|/))`, `(\w+)`", text(PACKAGE / "README.md"))
    assert len(steps) > 20
    for place, name in steps:
        files = [PACKAGE / place] if place.endswith(".py") else (PACKAGE / place).glob("*.py")
        code = "\n".join(text(file) for file in files)
        assert re.search(rf"^ *(?:def|class) {name}\b", code, re.MULTILINE), f"{name} is not in {place}"


def test_the_map_shows_every_room():
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    modules = {path.name for path in PACKAGE.glob("[a-z]*.py")}
    table = text(PACKAGE / "README.md").partition("## The rooms")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([\w/.]+)`", table))
    assert {f"{room}/" for room in rooms} | modules <= named
