"""In a notebook: how a school is shown, the progress bar, the warning about inferred paths, completion."""

import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import nbclient
import nbformat
import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from requests_cache.models.response import CachedResponse

import hubmis_frames as hf
from hubmis_frames.display import completion, progress
from hubmis_frames.display.progress import Progress
from hubmis_frames.fetch import INFERRED
from hubmis_frames.group import Group
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator, build_world
from hubmis_frames.transport import Rate, Session

Connect = Callable[..., School]


def facts(shown: str | None) -> pd.DataFrame:
    assert shown
    head, *rows = [[cell.text for cell in row] for row in ElementTree.fromstring(shown).iter("tr")]
    return pd.DataFrame([row[1:] for row in rows], [row[0] for row in rows], head[1:])


def test_a_school_shows_itself_and_nothing_secret(simulator: Simulator, connect_to: Connect):
    school = connect_to(simulator, rate=Rate(500, 5.0))
    before = facts(school._repr_html_())["S999"]
    assert before["address"] == simulator.url
    assert before["fetched"] == "none yet"
    assert before["requests"] == "500 at once, then one in 5 s"
    hf.load_genders(school)
    shown = school._repr_html_()
    after = facts(shown)["S999"]
    assert after["responses in the cache"].startswith("1 in ")
    assert f"{datetime.now():%d %b %Y}" in after["fetched"]
    assert after["requests"] == "498 at once, then one in 5 s"  # a token and a list
    assert simulator.rules.client_id not in str(shown)
    assert simulator.rules.client_secret not in str(shown)
    assert repr(school) == f"<School 'S999' at {simulator.url}>"


def test_an_address_that_is_markup_stays_text(simulator: Simulator, connect_to: Connect):
    assert "<script" not in str(connect_to(simulator, realm="<script>alert(1)</script>")._repr_html_())


def test_a_group_shows_a_row_for_each_school(serve: Callable[..., Simulator], connect_to: Connect):
    simulator = serve({realm: build_world(students=10, seed=1, realm=realm) for realm in ("S1", "S2")})
    with Group(connect_to(simulator, realm=realm) for realm in ("S1", "S2")) as group:
        assert list(facts(group._repr_html_()).index) == ["realm", "S1", "S2"]


def test_a_school_with_an_unreadable_cache_is_shown_as_plain_text(school: School):
    file = Path(str(school.cache()["file"]))
    school.close()
    for beside in file.parent.glob(f"{file.name}*"):
        beside.write_bytes(b"no database " * 1000)
    assert school._repr_html_() is None


def test_the_cache_shows_its_ages_without_reading_its_responses(school: School, monkeypatch: pytest.MonkeyPatch):
    rows = school._session._store.responses
    now = datetime.now(UTC).replace(microsecond=0)
    for hours in range(20, 0, -1):  # the newest has the first key
        at = now - timedelta(hours=hours)
        rows[f"{hours:02}"] = CachedResponse(content=b"[]", url="/genders", status_code=200, created_at=at)
    rows["20"] = CachedResponse(content=b'[{"id": 7}]', url="/genders", status_code=200, created_at=now)  # refreshed
    assert school.purge_cache(student_id=7) == 1  # and the file is rewritten
    read: list[str] = []
    get = type(rows).__getitem__
    monkeypatch.setattr(type(rows), "__getitem__", lambda self, key: (read.append(key), get(self, key))[1])
    said = school.cache()
    assert said["answers"] == 19
    assert said["oldest"] == (now - timedelta(hours=19)).isoformat()
    assert said["newest"] == (now - timedelta(hours=1)).isoformat()
    assert len(read) == 2


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(Progress, "__init__", _with_clock(Progress.__init__, now))
    return now


def _with_clock(init: Callable[..., None], now: list[float]) -> Callable[..., None]:
    def begin(self: Progress, *given: object) -> None:
        init(self, *given)
        if not self.disable:
            self._time = lambda: now[0]
            self.start_t = self.last_print_t = now[0]

    return begin


def test_the_bar_counts_what_is_left_at_the_permitted_rate(capsys: pytest.CaptureFixture[str], clock: list[float]):
    with Progress("marks", 10, lambda left: left * 60.0) as bar:
        clock[0] = 1.9
        bar.update()
        assert capsys.readouterr().err == ""  # nothing is shown for the first two seconds
        clock[0] = 3.0
        bar.update()
        assert "8 requests left, up to 08:00" in capsys.readouterr().err
        clock[0] = 1200.0  # slower than the limit asks for
        bar.update()
        assert "7 requests left, up to 46:40" in capsys.readouterr().err
    assert capsys.readouterr().err.strip("\r ") == ""  # the line is cleared


def test_there_is_no_bar_without_a_terminal_or_notebook(school: School, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hubmis_frames.display.progress.Progress", None)  # making a bar would fail
    hf.load_student_attendance(school, hf.load_students(school).head(3))


def test_every_request_and_every_page_is_counted(simulator: Simulator, school: School, monkeypatch: pytest.MonkeyPatch):
    counted: list[tuple[str, int | None, int]] = []

    class Counting(Progress):
        def close(self) -> None:
            if not self.disable:
                counted.append((str(self.desc).removesuffix(": "), self.total, self.n))

    monkeypatch.setattr("hubmis_frames.display.progress.Progress", Counting)
    school._fetcher.progress = True
    monkeypatch.setattr(progress, "DELAY", 1e9)
    students = hf.load_students(school)
    hf.load_student_attendance(school, students.head(5))
    pages = len([asked for asked in simulator.log if asked.path.endswith("/students")])
    assert pages >= 2
    assert list(dict.fromkeys(counted)) == [("students", None, pages), ("student_attendance", 5, 5)]


@pytest.mark.slow
def test_a_kernel_shows_one_bar_that_goes_and_no_standard_error():
    slow = "get = school._session.get\nschool._session.get = lambda *a, **k: (time.sleep(0.5), get(*a, **k))[1]\n"
    cells = [
        "import time, hubmis_frames as hf\nschool = hf.demo(students=60)\nstudents = hf.load_students(school)",
        slow + "marks = hf.load_student_attendance(school, students)",
        "school",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    lines: list[str] = []

    class Client(nbclient.NotebookClient):
        def process_message(self, msg, cell, cell_index):
            if msg["msg_type"] in ("display_data", "update_display_data"):
                lines.append(msg["content"]["data"]["text/plain"])
            return super().process_message(msg, cell, cell_index)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the client's own libraries
        Client(notebook, timeout=120).execute()
    assert all("requests left, up to" in line for line in lines[:-1])
    assert len(lines) > 2
    assert lines[-1] == ""
    quick, slowly, shown = (cell.outputs for cell in notebook.cells)
    assert quick == []
    assert [output.output_type for output in slowly] == ["display_data"]  # one, which is empty in the end
    assert slowly[0].data == {"text/plain": ""}
    assert "responses in the cache" in shown[0].data["text/html"]


@pytest.fixture
def far(tmp_path: Path) -> School:
    """A school at an address that is not this machine; it is never asked."""
    session = Session(
        base_url="https://hubmis.example", realm="S1", client_id="a", client_secret="b", offline=True,
        cache_dir=tmp_path / "far", rate_file=tmp_path / "far.sqlite",
    )  # fmt: skip
    return School(session, progress=False)


def test_inferred_paths_give_one_warning_at_the_line_of_the_caller(far: School):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for load in (hf.load_students, hf.load_genders, hf.load_students):
            with pytest.raises(hf.NotCachedError):
                load(far)
    assert [str(warning.message) for warning in said] == [INFERRED]
    assert said[0].filename == __file__


def test_the_simulated_school_gives_no_warning_about_inferred_paths(school: School):
    hf.load_genders(school)  # a warning would be an error


def test_a_frame_keeps_its_source_as_far_as_pandas_does(school: School, tmp_path: Path):
    students = hf.load_students(school)
    source = hf.source(students)
    assert (source["operation"], source["realm"]) == ("Students: Get List", "S999")
    assert datetime.fromisoformat(str(source["fetched_from"])) <= datetime.fromisoformat(str(source["fetched_to"]))
    kept = students[students["student_id"] > 0].sort_values("last_name").assign(new=1).reset_index()
    assert hf.source(kept) == source
    assert hf.source(hf.load_students.tables(school)["students_tags"]) == source
    kept.to_parquet(tmp_path / "students.parquet")
    assert hf.source(pd.read_parquet(tmp_path / "students.parquet")) == source
    both = students.merge(hf.load_genders(school), on="gender_id")
    assert hf.source(both) == {}  # a frame from two sources names neither


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    monkeypatch.setattr(sys, "ps1", ">>>", raising=False)
    shell = InteractiveShell()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: shell)
    completion.register()
    shell.user_ns.update(hf=hf, school=None, students=None)
    shell.Completer.use_jedi = False

    def complete(text: str) -> list[str]:
        with provisionalcompleter():
            return [found.text for found in shell.Completer.completions(text, len(text))]

    return complete


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("hf.load_students(school, enrolment_s", ["enrolment_status="]),
        ("hf.load_student_attendance(school, students, attendance_session=", ['"am"', '"pm"']),
        ("hf.load_student_attendance(school, students, attendance_session='", ["am", "pm"]),
        ("x = hf.load_student_attendance.tables(\n    school, list(students), attendance_session=p", ['"pm"']),
        ("hf.load_houses(school, house_type = ", ['"academic"', '"boarding"']),
        ("hf.load_staff(school, status='p", ["past"]),
        ('hf.read("school", "student_att', ["student_attendance"]),
        ("hf.read(folder, 'houses_sum", ["houses_summary"]),
        ('school.plan("cor', ["core"]),
        ('school.plan(["genders", "house_st', ["house_students"]),
        ('school.fetch(tables="genders', ["genders"]),
        ('school.export("school", ["students", "gende', ["genders"]),
    ],
)
def test_completion_offers_filters_and_their_values(
    complete: Callable[[str], list[str]], text: str, offered: list[str]
):
    assert [found for found in complete(text) if found in offered] == offered
    if "=" in offered[0]:
        return
    assert complete(text) == offered


@pytest.mark.parametrize(
    "text",
    [
        "hf.load_houses(school, house_type='academic')",
        "hf.load_houses(school), dict(house_type=",
        "hf.load_students(school, search=",
        "hf.load_nothing(school, house_type=",
        "print(house_type=",
        'hf.read("student_att',
        'school.export("student_att',
        'school.plan("core", "student_att',
        'school.plan("core")',
    ],
)
def test_no_value_is_offered_elsewhere(text: str):
    assert completion.choices(text) == []
