"""``hubmis-frames lab`` copies notebooks, never overwrites one, and opens JupyterLab, also in a real browser."""

import importlib.util
import json
import re
import stat
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest

import hubmis_frames as hf
from hubmis_frames.cli import actions
from hubmis_frames.cli import command as cli
from hubmis_frames.reports.notebooks import copy_notebooks, notebooks, run_jupyterlab
from tests.helpers.browser import BROWSER, lab, page, run_notebook

NAMES = sorted(notebook.name for notebook in notebooks().glob("*.ipynb"))


def test_notebooks_are_copied_and_a_changed_one_is_kept(tmp_path: Path):
    folder = tmp_path / "mine" / "notebooks"
    assert copy_notebooks(folder) == (NAMES, [])
    for name in NAMES:
        assert (folder / name).read_bytes() == (notebooks() / name).read_bytes()
    (folder / NAMES[1]).write_text("changed", encoding="utf-8")
    (folder / NAMES[2]).unlink()
    assert copy_notebooks(folder) == ([NAMES[2]], [NAMES[1]])
    assert (folder / NAMES[1]).read_text(encoding="utf-8") == "changed"


@pytest.mark.posix("permission bits", proved_by="test_new_folders_are_private_on_windows")
def test_only_the_owner_can_read_them(tmp_path: Path):
    copy_notebooks(tmp_path / "mine")
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "mine").iterdir()} == {0o600}


def test_a_synced_folder_gives_a_warning(tmp_path: Path):
    with pytest.warns(hf.HubmisWarning, match="Dropbox"):
        copy_notebooks(tmp_path / "Dropbox")


def test_a_folder_that_cannot_be_made_gives_a_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(hf.SettingsError, match="Choose another folder"):
        copy_notebooks(tmp_path / "file" / "notebooks")


def test_the_command_says_what_was_copied_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    ran: list[tuple[Path, list[str]]] = []

    def run(folder: Path, options: list[str]) -> int:
        ran.append((folder, options))
        return 0

    monkeypatch.setattr(actions, "run_jupyterlab", run)
    assert cli.main(["lab", str(tmp_path), "--no-browser"]) == 0
    (tmp_path / NAMES[0]).write_text("changed", encoding="utf-8")
    assert cli.main(["lab", str(tmp_path)]) == 0
    assert ran == [(tmp_path, ["--no-browser"]), (tmp_path, [])]
    shown = capsys.readouterr().out
    assert shown.count("Copied to") == 1
    assert f"Kept as they are in {tmp_path}: {NAMES[0]}." in shown


def test_without_jupyterlab_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["lab", str(tmp_path / "new")]) == 1
    assert 'pip install -e ".[notebooks]"' in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_jupyterlab_runs_with_this_python_and_we_return_its_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "jupyterlab.py").write_text("import os, sys; open('seen', 'w').write(repr(sys.argv[1:])); sys.exit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run_jupyterlab(tmp_path, ["--no-browser"]) == 7
    assert (tmp_path / "seen").read_text() == repr([f"--ServerApp.root_dir={tmp_path}", "--no-browser"])


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome is installed here")
@pytest.mark.posix("process groups", proved_by="test_jupyterlab_runs_with_this_python_and_we_return_its_status")
def test_a_notebook_runs_in_a_real_browser(tmp_path: Path):
    folder, name = tmp_path / "notebooks", "02-attendance.ipynb"
    with lab(folder, tmp_path / "home") as address, page() as shown:
        try:
            run_notebook(shown, address, name)
            picture = shown.locator(".jp-RenderedImage img").first
            assert picture.evaluate("image => image.complete && image.naturalWidth") > 300
            picture.screenshot(path=tmp_path / "picture.png")
        finally:
            shown.screenshot(path=tmp_path / "screenshot.png")
    assert plt.imread(tmp_path / "picture.png").std() > 0.05  # something is drawn there
    cells = [cell for cell in nbformat.read(folder / name, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    committed = nbformat.read(notebooks() / name, as_version=4).cells
    pictures = sum("image/png" in output.get("data", {}) for cell in committed for output in cell.get("outputs", []))
    assert sum("image/png" in output.get("data", {}) for output in outputs) == pictures > 3


@pytest.mark.parametrize("name", ["02-attendance", "03-wellbeing"])
def test_each_notebook_has_one_settings_cell_and_tags_what_is_true_only_of_the_simulated_school(name: str) -> None:
    cells = json.loads((notebooks() / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    tagged = [(set(cell["metadata"].get("tags", [])), "".join(cell["source"])) for cell in cells]
    settings = [text for tags, text in tagged if "parameters" in tags]
    assert len(settings) == 1
    assert settings[0].startswith("EXPORT = ")
    others = [text for tags, text in tagged if "simulated" not in tags]
    assert not [text for text in others if re.search("in the simulated school", text, re.IGNORECASE)]
