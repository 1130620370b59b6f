"""What others write against: names, signatures and return types, held against a list that is committed.

After a change that is meant, write the list anew with ``python tests/test_public_surface.py``, read its difference in
Git as a user would, and commit it with the change.
"""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy.typing as npt
import pytest

import hubmis_frames as hf
from hubmis_frames import errors
from hubmis_frames.cli.command import main
from hubmis_frames.export import WINDOW

LIST = Path(__file__).with_name("public_surface.txt")
MODULES = ("attendance", "joint", "plots", "wellbeing")


def surface() -> str:
    """One line for each public name."""
    lines = [line for name in dir(hf) for line in _lines(name, getattr(hf, name))]
    for module in MODULES:
        loaded = getattr(hf, module)
        lines += [line for name in sorted(loaded.__all__) for line in _lines(f"{module}.{name}", getattr(loaded, name))]
    return "\n".join(lines) + "\n"


def _lines(name: str, value: object) -> Iterator[str]:
    if isinstance(value, ModuleType):
        yield f"{name}: module"
    elif inspect.isclass(value):
        bases = ", ".join(base.__name__ for base in value.__bases__)
        error = issubclass(value, BaseException)
        yield f"{name}: class of {bases}" if error else f"{name}{_signature(value)}"
        members = {} if error else vars(value)
        for member in sorted(member for member in members if not member.startswith("_")):
            attribute = inspect.getattr_static(value, member)
            if isinstance(attribute, property):
                yield f"{name}.{member}: {_plain(str(inspect.signature(attribute.fget).return_annotation))}"
            elif callable(getattr(value, member)):
                yield f"{name}.{member}{_signature(getattr(value, member))}"
            else:
                yield f"{name}.{member}"
    elif callable(value):
        yield f"{name}{_signature(value)}" + (" and .tables" if hasattr(value, "tables") else "")
    else:
        yield f"{name}: {type(value).__name__}"


def _signature(value: object) -> str:
    try:
        return _plain(str(inspect.signature(value)))  # type: ignore[arg-type]
    except ValueError:
        return "(...)"


def _plain(annotation: str) -> str:
    """An annotation without addresses, and without modules, which differ between versions of Python and libraries."""
    text = re.sub(r"<function [^>]*<lambda> at 0x\w+>|<\w+[^<>]* at 0x\w+>", "...", annotation)
    text = re.sub(r"<class '([^']+)'>", r"\1", text)
    text = _without_modules(text).replace(_without_modules(str(npt.ArrayLike)), "ArrayLike")
    return re.sub(r"ndarray\[(?:tuple\[Any, \.\.\.\]|Any), dtype\[(\w+)\]\]", r"NDArray[\1]", text)


def _without_modules(text: str) -> str:
    return re.sub(r"(?<![\w'])(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])", "", text)


def test_the_public_surface_is_the_one_that_is_written_down() -> None:
    now, before = surface().splitlines(), LIST.read_text("utf-8").splitlines()
    changed = [f"- {line}" for line in before if line not in now] + [f"+ {line}" for line in now if line not in before]
    assert not changed, (
        "The public surface has changed. If that is meant, write it anew with 'python tests/test_public_surface.py' "
        "and commit the difference:\n" + "\n".join(changed)
    )
    assert now == before


def test_no_function_hides_a_module_of_its_package() -> None:
    packages = [hf, *(importlib.import_module(found.name) for found in _modules() if found.ispkg)]
    assert len(packages) > 10
    for package in packages:
        for found in pkgutil.iter_modules(package.__path__):
            if found.name != "__main__":
                importlib.import_module(f"{package.__name__}.{found.name}")
                assert isinstance(getattr(package, found.name), ModuleType), f"{package.__name__}.{found.name}"


def _modules() -> Iterator[pkgutil.ModuleInfo]:
    return pkgutil.walk_packages(hf.__path__, f"{hf.__name__}.", onerror=lambda _: None)


def test_completion_offers_what_is_public_and_nothing_else() -> None:
    assert dir(hf) == sorted(hf.__all__)
    assert len(set(hf.__all__)) == len(hf.__all__)
    for name in hf.__all__:
        assert getattr(hf, name) is not None


@pytest.mark.parametrize(
    ("arguments", "status"), [(["--help"], 0), (["export", "--help"], 0), (["--version"], 0), (["export"], 2), ([], 2)]
)
def test_help_and_wrong_usage_wait_for_no_library(arguments: list[str], status: int) -> None:
    program = (
        "import sys; from hubmis_frames.cli.command import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as ended: status = ended.code\n"
        "loaded = {'pandas', 'numpy', 'pyarrow', 'requests', 'hubmis_frames.operations'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
        "sys.exit(status)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == status, run.stderr


def test_the_window_of_a_refresh_is_the_one_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    assert f"(default: {WINDOW})" in " ".join(capsys.readouterr().out.split())


def test_every_error_and_warning_can_be_caught_by_its_name() -> None:
    classes = [value for _, value in inspect.getmembers(errors, inspect.isclass) if value.__module__ == errors.__name__]
    assert len(classes) > 15
    for found in _modules():
        # Those of worker threads do not reach a caller.
        if found.name.endswith(".__main__") or ".transport" in found.name:
            continue
        for name, value in inspect.getmembers(importlib.import_module(found.name), inspect.isclass):
            ours = issubclass(value, errors.HubmisError | Warning) and value.__module__ == found.name
            if ours and not name.startswith("_"):
                classes.append(value)
    for value in classes:
        assert getattr(hf, value.__name__, None) is value, f"{value.__module__}.{value.__name__}"


def test_analysis_is_importable_by_name_and_waits_until_it_is_used() -> None:
    script = (
        "import sys, hubmis_frames as hf\n"
        f"late = [name for name in {(*MODULES, 'reports')} if 'hubmis_frames.' + name in sys.modules]\n"
        "assert not late and 'matplotlib' not in sys.modules, late\n"
        "from hubmis_frames.attendance import marks\n"
        "from hubmis_frames.wellbeing import events\n"
        "from hubmis_frames.joint import per_student\n"
        "from hubmis_frames.plots import attendance_trend\n"
        "assert callable(hf.open_export) and hf.attendance.marks is marks\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["errors", "operations", "school_data", "catalogue"])
def test_a_module_of_the_package_can_be_the_first_thing_that_is_imported(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"from hubmis_frames import {name}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-300:]


if __name__ == "__main__":
    LIST.write_text(surface(), encoding="utf-8")
