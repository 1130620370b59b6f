"""What a person sees of an error, a warning or an interruption: short, once, and with what to do next."""

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import distributed
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.errors import warn
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator

Connect = Callable[..., School]
DEMO = Path(__file__).parents[2] / "data" / "demo"


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = InteractiveShell.instance(colors="nocolor", config=Config({"HistoryManager": {"enabled": False}}))
    yield shell
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    "cell",
    [
        "hf.load_genders(school)",
        "hf.load_genders.tables(school)",
        "hf.load_students(school, enrolment_status='curent')",
        "hf.load_student(school, [1, 2, 3])",
        "school.export(folder)",
        "school.fetch()",
        "hf.read(demo, 'studnts')",
        "hf.open_export(folder)",
        "hf.attendance.CodeMap.england().extend({'*': 'no category'})",
        "hf.to_csv(hf.read(demo, 'students'), folder + '/a/b/c.csv')",
    ],
)
def test_a_notebook_shows_the_users_lines_of_an_error_and_what_to_do(
    shell: InteractiveShell, school: School, simulator: Simulator, tmp_path: Path, capsys: Any, cell: str
):
    simulator.close()
    (tmp_path / "file").write_text("")
    shell.push({"hf": hf, "school": school, "demo": str(DEMO), "folder": str(tmp_path / "file")})
    result = shell.run_cell(f"def ask():\n    return {cell}\n\nask()")
    assert isinstance(result.error_in_exec, hf.HubmisError)
    shown = capsys.readouterr().out
    assert cell in shown
    assert "ask()" in shown
    assert str(result.error_in_exec).splitlines()[0] in shown
    assert "hubmis_frames/" not in shown.replace(str(result.error_in_exec), "").replace("\\", "/")
    assert len(shown.splitlines()) < 25
    assert result.error_in_exec.__traceback__ is not None, "for %debug, nothing is lost"
    assert sys.last_value is result.error_in_exec


def in_a_loop() -> None:
    for _ in range(3):
        warn("rows are missing")
        pd.DataFrame({"a": [1]}).to_html()
        with warnings.catch_warnings():  # as pandas does: Python then forgets what it has shown
            warnings.simplefilter("ignore", DeprecationWarning)
        warn("rows are doubled")


@pytest.mark.parametrize("loaded", [{}, {"distributed": distributed}], ids=["alone", "beside Dask"])
def test_a_warning_in_a_loop_is_shown_once(monkeypatch: pytest.MonkeyPatch, loaded: dict[str, Any]):
    monkeypatch.delitem(sys.modules, "distributed", raising=False)
    for name, module in loaded.items():
        monkeypatch.setitem(sys.modules, name, module)
    shown: list[str] = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_, **__: shown.append(str(message)))
    monkeypatch.setattr("hubmis_frames.errors._SHOWN", set())
    with warnings.catch_warnings():
        warnings.resetwarnings()
        monkeypatch.setattr(warnings, "showwarning", lambda message, *_, **__: shown.append(str(message)))
        in_a_loop()
        assert sorted(shown) == ["rows are doubled", "rows are missing"]
        warn("rows are missing")  # from another line
        assert len(shown) == 3


@pytest.mark.parametrize(("action", "count"), [("always", 6), ("ignore", 0), ("default", 2)])
def test_pythons_filters_decide(monkeypatch: pytest.MonkeyPatch, action: Any, count: int):
    monkeypatch.setattr("hubmis_frames.errors._SHOWN", set())
    with warnings.catch_warnings(record=True) as shown:
        warnings.resetwarnings()
        warnings.simplefilter(action, hf.HubmisWarning)
        in_a_loop()
    assert len([each for each in shown if each.category is hf.HubmisWarning]) == count
    with warnings.catch_warnings():
        warnings.simplefilter("error", hf.HubmisWarning)
        with pytest.raises(hf.HubmisWarning, match="missing"):
            in_a_loop()


@pytest.mark.parametrize("refresh", [False, True])
def test_an_interrupted_pull_says_what_is_kept(
    simulator: Simulator, school: School, monkeypatch: pytest.MonkeyPatch, refresh: bool
):
    students = hf.load_students(school)
    counted = school._fetcher.session.get
    answered = 0

    def get(request: Any, *more: Any) -> Any:
        nonlocal answered
        answered += 1
        if answered > 3:
            raise KeyboardInterrupt
        return counted(request, *more)

    monkeypatch.setattr(school._session, "get", get)
    with pytest.raises(KeyboardInterrupt) as caught:
        hf.load_student_attendance(school, students.head(9), refresh=refresh)
    (note,) = caught.value.__notes__
    assert "load_student_attendance was interrupted. The answers to " in note
    assert ("without refresh=True goes on from there." in note) == refresh


def test_an_interrupted_export_says_what_is_kept(school: School, tmp_path: Path):
    def interrupt(table: str, *_: Any) -> None:
        if table == "genders":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        school.export(tmp_path / "out", ["genders", "students"], on_table=interrupt)
    assert caught.value.__notes__ == [
        "export was interrupted. What was fetched is kept. The same call goes on from there."
    ]


def test_in_memory_it_helps_only_as_long_as_the_school_is_open(
    simulator: Simulator, connect_to: Connect, tmp_path: Path
):
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    school = connect_to(simulator, cache_dir=None)
    with pytest.raises(KeyboardInterrupt) as caught:
        school.export(tmp_path / "out", "genders", on_table=interrupt)
    assert caught.value.__notes__[0].endswith("goes on from there, as long as this school is open.")


def test_an_address_that_does_not_answer_is_named(simulator: Simulator, school: School):
    def cut(_: SimulatedRequest, __: SimulatedResponse) -> None:
        return None

    simulator.hooks.append(cut)
    with pytest.raises(hf.UnreachableError) as caught:
        hf.load_genders(school)
    assert simulator.url in str(caught.value)
    address = simulator.url
    simulator.close()
    with pytest.raises(hf.UnreachableError) as caught:
        hf.load_genders(school)
    assert f"{address} refused the connection" in str(caught.value)


@pytest.mark.parametrize("tables", ["genders", "core"])
def test_the_command_speaks_of_its_own_options(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any, tables: str
):
    for name, value in {
        "REALM": "S999", "CLIENT_ID": simulator.rules.client_id, "CLIENT_SECRET": simulator.rules.client_secret,
        "BASE_URL": simulator.url,
    }.items():  # fmt: skip
        monkeypatch.setenv(f"HUBMIS_{name}", value)
    assert main(["export", str(tmp_path / "out"), "--tables", tables, "--offline"]) == 1
    said = capsys.readouterr()
    assert "run the command without --offline" in said.err
    assert "offline=True" not in said.out + said.err


def test_dir_of_the_modules_holds_public_names_alone():
    code = (
        "import hubmis_frames as hf\n"
        "assert {'attendance', 'joint', 'plots', 'wellbeing'} <= set(dir(hf))\n"
        "for part in (hf.attendance, hf.joint, hf.plots, hf.wellbeing):\n"
        "    assert sorted(dir(part)) == sorted(part.__all__), part\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
