"""What the README shows of the declarations is what they say, and its own links lead somewhere."""

import re
from pathlib import Path

import pytest

from hubmis_frames.cli.command import main
from tests.tools.draw_readme import catalogue, diagram

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")


def test_the_diagram_is_that_of_the_declarations():
    assert README.partition("```mermaid\n")[2].partition("\n```")[0] == diagram()


def test_the_catalogue_is_that_of_the_declarations():
    shown = README.partition("<!-- catalogue -->\n")[2].partition("\n<!-- end of the catalogue -->")[0]
    assert shown == catalogue()
    assert shown.count("`load_") == 131


def test_what_is_opened_is_closed():
    assert README.count("<details>") == README.count("</details>") > 0
    fences = re.findall(r"^```(\w*)$", README, re.MULTILINE)
    assert all(language for language in fences[::2]), "a block of code has no language, or one before it is not closed"
    assert not any(fences[1::2]), "a block of code is not closed"


def test_links_lead_somewhere():
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    targets = re.findall(r"\]\(([^)]+)\)", README)
    assert {target[1:] for target in targets if target.startswith("#")} <= anchors
    files = [target for target in targets if not target.startswith(("#", "https:"))]
    assert files
    assert [target for target in files if not (TOP / target).exists()] == []


def test_every_command_that_it_names_exists(capsys: pytest.CaptureFixture[str]):
    for command in sorted(set(re.findall(r"hubmis-frames ((?:spec )?[a-z]+)", README))):
        with pytest.raises(SystemExit) as ended:
            main([*command.split(), "--help"])
        assert ended.value.code == 0, command
