"""The page as people read it: on a phone, on a laptop, on paper, with a screen reader; sorted and searched."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pypdf
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.helpers.browser import BROWSER, page
from tests.helpers.reports import demo_data, tables_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome is installed here"),
]
PHONE, LAPTOP, PAPER = 390, 1280, 703  # A4 between its margins


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a school in which many are absent, so that lists go on over several pages."""

    def absent(marks: pd.DataFrame) -> pd.DataFrame:
        often = marks["student_id"].mod(3).gt(0) & marks["date"].dt.day.mod(4).eq(0)
        codes = marks["attendance_code_code"].mask(often & marks["attendance_code_code"].isin(["/", "\\"]), "I")
        return marks.assign(attendance_code_code=codes)

    def long_names(students: pd.DataFrame) -> pd.DataFrame:
        last = students["last_name"].where(students.index != 3, "Featherstonehaugh-Cholmondeley-Marjoribanks")
        return students.assign(last_name=last)

    data = demo_data(student_attendance=absent, students=long_names)
    (file,) = data.report(tmp_path_factory.mktemp("read") / "page.html")
    return file


@pytest.fixture
def shown(report: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    with page(getattr(request, "param", LAPTOP)) as opened:
        opened.goto(report.as_uri())
        yield opened


@pytest.mark.parametrize("shown", [PHONE, LAPTOP], indirect=True)
def test_axe_finds_nothing_that_shuts_people_out(shown: Page) -> None:
    # Not a run of scripts in the page, which its policy would stop.
    found = Axe().run(shown)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("shown", [PHONE, LAPTOP, PAPER], indirect=True)
def test_nothing_leaves_the_page(shown: Page) -> None:
    width = shown.viewport_size["width"] if shown.viewport_size else 0
    if width == PAPER:
        shown.emulate_media(media="print")
    beyond = shown.evaluate(
        "width => [...document.querySelectorAll('body *')].filter(item => "
        "item.getBoundingClientRect().right > width + 1).map(item => item.outerHTML.slice(0, 200))",
        width,
    )
    assert beyond == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= width


def test_lists_can_be_sorted_by_what_their_columns_hold(shown: Page) -> None:
    table = shown.locator("#rule-persistent table")
    column = table.locator("thead th").all_inner_texts().index("Absence (%)")
    figures = "(table, column) => [...table.tBodies[0].rows].map(row => Number(row.cells[column].dataset.value))"

    def values() -> list[float]:
        return [float(value) for value in table.evaluate(f"table => ({figures})(table, {column})")]

    before = values()
    assert len(set(before)) > 3
    heading = table.get_by_role("button", name="Absence (%)")
    heading.click()
    assert values() == sorted(before)
    assert table.locator("thead th").nth(column).get_attribute("aria-sort") == "ascending"
    heading.press("Enter")
    assert values() == sorted(before, reverse=True)
    table.get_by_role("button", name="Student").press(" ")
    names = table.locator("tbody th").all_inner_texts()
    assert [name.split(",")[0] for name in names] == sorted(
        (name.split(",")[0] for name in names), key=lambda name: unicodedata.normalize("NFKD", name).casefold()
    )


def test_a_search_leaves_the_lines_that_have_all_the_words(shown: Page) -> None:
    lines = shown.locator("table.names tbody tr")
    every = lines.evaluate_all("rows => rows.map(row => row.textContent)")
    name = every[0].split(",")[0]
    words = f"{name.upper()} 7"
    shown.get_by_label("Find in all lists").fill(words)
    visible = lines.evaluate_all("rows => rows.filter(row => !row.hidden).map(row => row.textContent)")
    expected = [text for text in every if name.casefold() in text.casefold() and "7" in text]
    assert visible == expected
    assert shown.locator("#found").inner_text() == f"{len(expected)} lines shown."
    shown.get_by_label("Find in all lists").fill("")
    assert lines.evaluate_all("rows => rows.every(row => !row.hidden)")


def test_paper_has_every_cell(shown: Page, report: Path, tmp_path: Path) -> None:
    shown.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    pages = pypdf.PdfReader(tmp_path / "page.pdf").pages
    width, height = (float(side) / 72 * 25.4 for side in (pages[0].mediabox.width, pages[0].mediabox.height))
    assert (round(width), round(height)) == (210, 297)
    texts = [_squeezed(one.extract_text()) for one in pages]
    printed = "".join(texts)
    tables = tables_of(report.read_text(encoding="utf-8"))
    missing = [cell for rows in tables.values() for row in rows for cell in row if _squeezed(cell) not in printed]
    assert missing == []
    assert not re.search("Findinalllists|Backtothelists", printed)


def test_a_list_repeats_its_headings_on_the_next_sheet(shown: Page, report: Path, tmp_path: Path) -> None:
    tables = tables_of(report.read_text(encoding="utf-8"))
    caption = max(
        (caption for caption in tables if "Student" in tables[caption][0]), key=lambda name: len(tables[name])
    )
    shown.pdf(path=tmp_path / "page.pdf", width="210mm", height="130mm")  # short, so that it goes on
    texts = [_squeezed(one.extract_text()) for one in pypdf.PdfReader(tmp_path / "page.pdf").pages]
    (first,) = [number for number, text in enumerate(texts) if _squeezed(caption) in text]
    last_name = _squeezed(tables[caption][-1][0])
    assert last_name not in texts[first].partition(_squeezed(caption))[2]
    heading = _squeezed("".join(tables[caption][0]))
    assert heading in texts[first]
    assert heading in texts[first + 1]


def _squeezed(text: str) -> str:
    """Text without spaces, as lines break anywhere, and with ligatures as letters."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
