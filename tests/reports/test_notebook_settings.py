"""The settings of the notebooks, which papermill and a report replace."""

import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest

import hubmis_frames as hf
from hubmis_frames.reports.notebooks import notebooks

NOTEBOOKS = sorted(notebooks().glob("*.ipynb"))


def code_of(file: Path) -> list[tuple[str, bool]]:
    """The source of each code cell, and whether it is the one with the settings."""
    cells = nbformat.read(file, as_version=4).cells
    return [(cell.source, "parameters" in cell.metadata.get("tags", [])) for cell in cells if cell.cell_type == "code"]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_every_notebook_has_one_cell_of_settings_and_nothing_else_in_it(file: Path):
    settings = [source for source, tagged in code_of(file) if tagged]
    assert len(settings) == 1
    names: dict[str, Any] = {}
    exec(settings[0], names)
    assert {name for name in names if name.isupper()} == set(names) - {"__builtins__"}


WITH_EXPORT = [file for file in NOTEBOOKS if any("EXPORT =" in source for source, tagged in code_of(file) if tagged)]


def test_all_but_the_first_read_an_export():
    assert [file.stem for file in NOTEBOOKS if file not in WITH_EXPORT] == ["01-first-look"]


@pytest.mark.parametrize("file", WITH_EXPORT, ids=lambda file: file.stem)
def test_a_folder_that_is_not_there_fails_at_once(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # a notebook changes it
    missing = tmp_path / "not-there"
    names: dict[str, Any] = {}
    sources = [source for source, _ in code_of(file)]
    (settings,) = (number for number, (_, tagged) in enumerate(code_of(file), start=1) if tagged)
    for source in sources[:settings]:
        exec(source, names)
    names["EXPORT"] = str(missing)
    with pytest.raises(hf.HubmisError, match="not-there"):
        exec(sources[settings], names)
    if scratch := names.get("scratch"):
        scratch.cleanup()
    assert not missing.exists()
