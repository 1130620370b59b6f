"""What an earlier page says it listed: read back as it was written, and never trusted."""

from datetime import date
from pathlib import Path

import hypothesis.strategies as st
import pandas as pd
import pytest

from hubmis_frames.reports.lists import NameList
from hubmis_frames.reports.previous import as_html, earlier, record_of
from tests.helpers.examples import given_few

MONDAY, LATER = date(2026, 1, 5), date(2026, 1, 12)


def names(key: str, rows: list[str], unknown: str = "") -> NameList:
    return NameList(key, key, "", pd.DataFrame({"student_id": range(len(rows)), "row": rows}), unknown)


@given_few(st.lists(st.text(max_size=8), unique=True, max_size=5), st.text(max_size=12), few=15, full=200)
def test_a_record_is_read_back_whatever_is_in_it(rows: list[str], group: str) -> None:
    """It stands among other things in a page, and its text cannot end it."""
    import tempfile

    record = record_of(MONDAY, "S1", group, [names("away", rows), names("risen", rows, unknown="too early")])
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "a.html"
        page.write_text(f"<html>\n{as_html(record, None)}\n<p></script>", encoding="utf-8")
        found = earlier(Path(folder) / "new.html", LATER, "S1", group)
        assert found == record
        assert found is not None
        assert set(found.lists) == {"away"}, "a list that was not known is in no record"
        assert earlier(Path(folder) / "new.html", MONDAY, "S1", group) is None, "it is of the same day"
        assert earlier(Path(folder) / "new.html", LATER, "S2", group) is None
    assert "</" not in as_html(record, None).removesuffix("</script>")


def test_a_page_of_the_same_day_tells_of_the_one_before(tmp_path: Path) -> None:
    old, new = (record_of(day, "S1", "", [names("away", ["1"])]) for day in (MONDAY, LATER))
    (tmp_path / "same.html").write_text(as_html(new, old), encoding="utf-8")
    assert earlier(tmp_path / "same.html", LATER, "S1", "") == old


def test_the_page_of_the_whole_school_serves_for_a_group_that_has_none(tmp_path: Path) -> None:
    whole, form = record_of(MONDAY, "S1", "", []), record_of(MONDAY, "S1", "form 9A", [])
    (tmp_path / "b.html").write_text(as_html(whole, None), encoding="utf-8")
    assert earlier(tmp_path / "x.html", LATER, "S1", "form 9A") == whole
    (tmp_path / "a.html").write_text(as_html(form, None), encoding="utf-8")
    assert earlier(tmp_path / "x.html", LATER, "S1", "form 9A") == form
    assert earlier(tmp_path / "x.html", LATER, "S1", "") == whole


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{}", "3", "[3]", '[{"made": "2026-01-01"}]', "[" * 100_000,
        '[{"made": "soon", "realm": "S1", "group": "", "lists": {}}]',
        '[{"made": "2026-01-01", "realm": "S1", "group": "", "lists": []}]',
        '[{"made": "2026-01-01", "realm": "S1", "group": "", "lists": {"away": 3}}]',
    ],
    ids=range(10),
)  # fmt: skip
def test_a_damaged_record_is_none(content: str, tmp_path: Path) -> None:
    page = f'<script type="application/json" id="record">{content}</script>'
    (tmp_path / "a.html").write_bytes(page.encode() + b"\xff\x00")
    (tmp_path / "b.html").mkdir()
    (tmp_path / "c.html").write_text("no report")
    assert earlier(tmp_path / "x.html", LATER, "S1", "") is None
