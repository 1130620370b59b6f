"""The API reference: a picture stands beside every plot, and constraints name every dependency's lower bound."""

import pytest

from hubmis_frames import plots
from tests.tools import lowest
from tests.tools.build_reference import gallery


def test_the_gallery_has_a_picture_of_every_plot():
    assert set(gallery()) == set(plots.__all__) - {"COLOURS", "draw_keys"}


def test_the_lowest_versions_are_the_bounds_of_users_dependencies(tmp_path, monkeypatch: pytest.MonkeyPatch):
    constraints = lowest.lowest()
    assert "pandas==3.0.2" in constraints
    assert any(line.startswith("xlsxwriter==") for line in constraints)
    assert not any(line.startswith(("pytest", "pdoc", "hubmis")) for line in constraints)
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["one"]\n[project.optional-dependencies]\n')
    monkeypatch.setattr(lowest, "PYPROJECT", tmp_path / "pyproject.toml")
    with pytest.raises(ValueError, match=r"one in pyproject\.toml has no lower bound"):
        lowest.lowest()
