"""Text from outside is never markup in a report, and JupyterLab gets no secret."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames.export.folder import partition
from hubmis_frames.files import safe_name
from hubmis_frames.reports import parts as report_parts
from hubmis_frames.reports.making import write_report
from hubmis_frames.reports.notebooks import run_jupyterlab
from tests.helpers.browser import BROWSER, page
from tests.helpers.reports import DEMO, demo_data

HOSTILE = (
    "</title></style></textarea><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"
    "<svg onload='window.ran = 1'></svg><iframe srcdoc='<script>parent.ran = 1</script>'></iframe>"
    "![i](http://127.0.0.1:9/i.png) [l](javascript:window.ran=1) <http://127.0.0.1:9/a> **b** `c` &lt;b&gt; $$x$$ \\("
)
REALM = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"
TEXTS = {
    "students": ("first_name", "last_name", "form_name"),
    "staff": ("first_name", "last_name"),
    "pastoral_events": ("category_name", "severity_name"),
    "pastoral_categories": ("name",),
    "attendance_codes": ("description",),
    "terms": ("name",),
    "holidays": ("name",),
}
"""Columns of which each value gets a hostile text behind it, so that every value stays what it is among others."""


def hostile_export(folder: Path, missing: str | None = None) -> Path:
    """Copy the export of the simulated school, with a hostile text in each place where a school's own text enters."""
    shutil.copytree(DEMO, folder)
    for part in folder.glob("*/realm=*"):
        part.rename(part.with_name(f"realm={partition(REALM)}"))
    for table, columns in TEXTS.items():
        (file,) = (folder / table).glob("realm=*/*.parquet")
        frame = pd.read_parquet(file, partitioning=None)
        for column in columns:
            frame[column] = frame[column] + HOSTILE
        frame[HOSTILE] = HOSTILE
        if table == "students":
            frame["year_group_name"] = frame["year_group_name"].replace("Year 9", HOSTILE)
        frame.to_parquet(file)
    (manifest,) = folder.glob("manifest-*.json")
    content = json.loads(manifest.read_text(encoding="utf-8")) | {"realm": REALM}
    content["operations"]["students"] |= {"status": "incomplete", "remarks": [f"Field not declared: {HOSTILE}"]}
    if missing:
        shutil.rmtree(folder / missing)
        content["operations"][missing] |= {"status": "not permitted", "tables": {}, "remarks": [HOSTILE]}
    manifest.unlink()
    (folder / f"manifest-{safe_name(REALM)}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def show_in_browser(file: Path) -> dict[str, object]:
    """Open a page in Chromium; return what ran, what it asked for, and its elements that are not the report's own."""
    with page() as shown:
        requests: list[str] = []
        shown.on("request", lambda request: requests.append(request.url))
        shown.goto(file.as_uri())
        shown.wait_for_timeout(300)
        foreign = (
            "script:not(#record):not(#own), svg, iframe, textarea, [onerror], [onload], img:not([src^='data:']), "
            "a:not([href^='#'])"
        )
        return {
            "ran": shown.evaluate("window.ran ?? null"),
            "requests": [url for url in requests if not url.startswith(("data:", file.as_uri()))],
            "foreign": shown.evaluate(f"[...document.querySelectorAll(`{foreign}`)].map(item => item.outerHTML)"),
            "text": shown.evaluate("document.body.innerText"),
            "title": shown.title(),
        }


needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome is installed here")


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("missing", [None, "pastoral_events"])
def test_text_from_outside_is_shown_and_nothing_of_it_runs(missing: str | None, tmp_path: Path) -> None:
    name = "school" if sys.platform == "win32" else "<img src=x onerror='window.ran = 1'>"
    folder = hostile_export(tmp_path / name, missing)
    praise = [] if missing else [f"Achievement{HOSTILE}"]
    data = hf.open_export(folder).with_settings(praise=praise, school_name=f"School {HOSTILE}")
    files, problems = write_report(data, tmp_path / "page.html", year_group=HOSTILE, excel=True)
    assert len(problems) == (2 if missing else 0), problems
    shown = show_in_browser(files[0])
    assert (shown["ran"], shown["requests"], shown["foreign"]) == (None, [], [])
    assert shown["title"] == f"School {HOSTILE}: attendance and wellbeing, {HOSTILE}"
    text = str(shown["text"])
    assert text.startswith(f"School {HOSTILE}")
    assert f"Field not declared: {HOSTILE}" in text
    assert text.count(HOSTILE) > 5
    for sheet in openpyxl.load_workbook(files[1]):
        assert not [cell for row in sheet for cell in row if cell.data_type == "f" or cell.hyperlink]


@needs_browser
def test_the_policy_of_the_page_stops_a_script_that_got_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_parts.Parts, "figures", lambda self, students: iter(()))
    ((file,), _) = write_report(demo_data(), tmp_path / "page.html")
    attack = "<script>window.ran = 1</script><img src='http://127.0.0.1:9/i.png' onerror='window.ran = 1'>"
    content = file.read_text(encoding="utf-8").replace("<main>", f"<main>{attack}")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', content)

    def result(policy_used: str) -> tuple[object, object]:
        (tmp_path / "attacked.html").write_text(content.replace(policy, policy_used), encoding="utf-8")
        shown = show_in_browser(tmp_path / "attacked.html")
        return shown["ran"], len(shown["requests"])  # type: ignore[arg-type]

    assert result("default-src *; script-src 'unsafe-inline'") == (1, 1)
    assert result(policy)[0] is None


def test_jupyterlab_does_not_get_the_client_secret_and_says_where_notebooks_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jupyterlab.py").write_text("import os, json; json.dump(dict(os.environ), open('seen', 'w'))")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.setenv("HUBMIS_CLIENT_SECRET", "hunter2-of-the-school")
    monkeypatch.setenv("HUBMIS_REALM", "S1")
    with pytest.warns(hf.HubmisWarning, match="keyring") as warned:
        assert run_jupyterlab(tmp_path) == 0
    seen = json.loads((tmp_path / "seen").read_text())
    assert seen["HUBMIS_REALM"] == "S1"
    assert "hunter2-of-the-school" not in str(seen) + str(warned[0].message)


def test_without_a_secret_in_the_environment_jupyterlab_starts_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    (tmp_path / "jupyterlab.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run_jupyterlab(tmp_path) == 0
    assert not [warning for warning in recwarn if issubclass(warning.category, hf.HubmisWarning)]
