"""Print each direct dependency at its lowest version, as constraints for pip: ``python -m tests.tools.lowest``.

The versions are the lower bounds in ``pyproject.toml``. The extras that only developers install stay at their newest.
"""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
DEVELOPERS = ("benchmarks", "docs", "tests")
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w.,-]+\])?>=(?P<version>[\w.]+)")


def lowest() -> list[str]:
    """Constraints such as ``pandas==3.0.2``; a dependency without a lower bound is an error."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras = {name: rows for name, rows in project["optional-dependencies"].items() if name not in DEVELOPERS}
    constraints = {}
    for requirement in [*project["dependencies"], *(row for rows in extras.values() for row in rows)]:
        bound = _REQUIREMENT.match(requirement)
        if bound is None:
            raise ValueError(f"{requirement} in pyproject.toml has no lower bound")
        constraints[bound["name"]] = f"{bound['name']}=={bound['version']}"
    return sorted(constraints.values())


if __name__ == "__main__":
    print("\n".join(lowest()))
