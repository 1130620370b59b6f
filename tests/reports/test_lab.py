"""``hubmis-frames lab`` copies notebooks, never overwrites one, and opens JupyterLab, also in a real browser."""

import importlib.util
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
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
    assert cli.main(["lab", str(tmp_path), "--no-browser", "--", "--port", "9000", "--allow-root"]) == 0
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab", "--", "--port=9000"]) == 0
    more = ["--no-browser", "--port", "9000", "--allow-root"]
    assert ran[:3] == [(tmp_path, ["--no-browser"]), (tmp_path, []), (tmp_path, more)]
    assert ran[3] == (Path("hubmis-notebooks"), ["--port=9000"])
    shown = capsys.readouterr().out
    assert shown.count("Copied to") == 2
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


@pytest.mark.posix(
    "signals between processes", proved_by="test_jupyterlab_runs_with_this_python_and_we_return_its_status"
)
def test_a_server_ends_with_the_command_that_started_it(tmp_path: Path):
    (tmp_path / "jupyterlab.py").write_text(
        "import os, time\n"
        "open('pid.part', 'w').write(str(os.getpid())); os.replace('pid.part', 'pid')\n"
        "while True: time.sleep(0.05)"
    )
    program = (
        "import pathlib, sys; from hubmis_frames.reports.notebooks import run_jupyterlab as run\n"
        f"sys.exit(run(pathlib.Path({str(tmp_path)!r})))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    with subprocess.Popen([sys.executable, "-c", program], env=environment) as command:
        while not (tmp_path / "pid").exists():
            assert command.poll() is None
            time.sleep(0.05)
        command.terminate()
        assert command.wait() == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.skipif(shutil.which("git") is None, reason="no git is installed here")
def test_a_folder_that_git_does_not_ignore_gives_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    copy_notebooks(tmp_path / "new")
    assert not recwarn.list, "git ignores a new folder"
    (tmp_path / "old").mkdir()
    with pytest.warns(hf.HubmisWarning, match="does not ignore notebooks"):
        copy_notebooks(tmp_path / "old")
    (tmp_path / "old" / ".gitignore").write_text("*\n", encoding="utf-8")
    copy_notebooks(tmp_path / "old")
    assert not recwarn.list


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
