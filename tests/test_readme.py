"""The pages for people: short, closed, with links that lead somewhere and code and commands that exist."""

import re
from pathlib import Path

import pytest

from hubmis_frames.cli.command import main
from tests.tools.draw_readme import OPERATIONS, catalogue, diagram

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


def test_the_diagram_is_that_of_the_declarations():
    assert text(OPERATIONS).partition("```mermaid\n")[2].partition("\n```")[0] == diagram()


def test_the_catalogue_is_that_of_the_declarations():
    shown = text(OPERATIONS).partition("<!-- catalogue -->\n")[2].partition("\n<!-- end of the catalogue -->")[0]
    assert shown == catalogue()
    assert shown.count("`load_") == 131


@each_page
def test_what_is_opened_is_closed(page: Path):
    assert text(page).count("<details>") == text(page).count("</details>")
    fences = re.findall(r"^```(\w*)$", text(page), re.MULTILINE)
    assert all(language for language in fences[::2]), "a block of code has no language, or one before it is not closed"
    assert not any(fences[1::2]), "a block of code is not closed"


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
