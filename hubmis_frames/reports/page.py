"""A report as one HTML page: the lists to act on first, then figures, pictures, checks and what the words mean."""

import base64
import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_float_dtype, is_integer_dtype

from .figures import Block, Picture, Table
from .lists import NameList, day
from .parts import FIGURES, Parts
from .previous import Record, as_html

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{record}
<style>{style}</style>
</head>
<body>
{body}
<script id="own">{script}</script>
</body>
</html>
"""
_TOOLS = """<div id="tools" role="search" hidden>
<label>Find in all lists: <input type="search" id="search" autocomplete="off"></label>
{only_new}
<span id="found" role="status"></span>
</div>"""
_WORDS = (
    ("Session", "half a school day, morning or afternoon."),
    ("Absence (%)", "missed sessions out of the student's own possible sessions. Unmarked sessions and codes without a "
     "category are in no rate."),
    ("Can still miss", "how many sessions the student can miss until the end of the year, besides those already "
     "booked, and still end it below the limit. Below 0, booked absence must be given up too."),
    ("Codes", "the school's codes of the missed sessions that the line is about, with how often each was used. N "
     "usually means that no reason is known yet, and may change within five school days."),
    ("Study leave", "counts as absence in the school's figures, as in published ones. Those who are on a list only "
     "because of it are in a list of their own."),
    ("Concern", "a pastoral event of a category that is not praise."),
    ("New", "the line was not in the same list of the report before."),
)  # fmt: skip
_WORDS_HEADING = "What the words mean"
_LONG_WORD = re.compile(r"(\S{20})(?=\S)")
_CANNOT_SAY = (
    "The page cannot say why a student was absent: a code is what somebody wrote down. It cannot say whether students "
    "are well: it counts records, and a quiet student has none. It says nothing about students who have left."
)


@dataclass(frozen=True)
class Page:
    """One page: the lists of some students, and what was listed before.

    Attributes
    ----------
    parts
        What all pages of the report share.
    group
        The names of the students' groups; empty for the whole school.
    students
        The students.
    lists
        Their lists.
    record, before
        What this page lists, for the next report, and what the report before listed, if there is one.
    book
        The name of the workbook beside the page.
    """

    parts: Parts
    group: str
    students: pd.DataFrame
    lists: list[NameList]
    record: Record
    before: Record | None
    book: str | None

    def html(self) -> str:
        """The page."""
        style, script = _file("page.css"), _file("page.js")
        policy = (
            f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
            "base-uri 'none'; form-action 'none'"
        )
        figures = [_section(heading, blocks) for heading, blocks in self.parts.figures(self.students)]
        only_new = _ONLY_NEW if self.before else ""
        main = [
            self._short(), _TOOLS.format(only_new=only_new), *map(self._list, self.lists), *figures, _words_section()
        ]  # fmt: skip
        # The head comes last, as it names the parts that failed.
        body = "\n".join([f"<header>{''.join(self._head())}</header>", "<main>", *main, "</main>"])
        title = f"{self.parts.school}: attendance and wellbeing{f', {self.group}' if self.group else ''}"
        return _PAGE.format(
            policy=escape(policy),
            title=escape(title),
            record=as_html(self.record, self.before),
            style=style,
            script=script,
            body=body,
        )

    def sheets(self) -> dict[str, pd.DataFrame]:
        """The sheets of the workbook: how many are on each list, then a sheet for each list, with ids at the end."""
        short = pd.DataFrame(
            {
                "List": [each.title for each in self.lists],
                "Listed": pd.array([None if each.unknown else len(each.rows) for each in self.lists], dtype="Int64"),
                "What it holds": [(each.unknown and f"Not known: {each.unknown}") or each.about for each in self.lists],
            }
        )
        sheets = {"In short": short}
        for each in self.lists:
            if each.unknown:
                continue
            rows = each.rows[each.columns].copy()
            new = self._new(each)
            if new is not None and self.before:
                flags = each.rows["row"].isin(new).map({True: "new", False: ""})
                rows.insert(min(1, rows.shape[1]), self._new_since, flags)
            sheets[each.title] = rows.assign(**{"Student id": each.rows["student_id"]})
        return sheets

    # --- what is new

    @property
    def _made_before(self) -> str:
        return day(self.before.made) if self.before else ""

    @property
    def _new_since(self) -> str:
        return f"New since {self._made_before}"

    def _new(self, each: NameList) -> frozenset[str] | None:
        """The rows that the report before did not have; None where that is not known."""
        if self.before is None or each.unknown or each.key not in self.before.lists:
            return None
        return frozenset(each.rows["row"]) - self.before.lists[each.key]

    def _gone(self, each: NameList) -> frozenset[str] | None:
        """The rows that only the report before had; None if it was about other students."""
        if self.before is None or self._new(each) is None or self.before.group != self.record.group:
            return None
        return self.before.lists[each.key] - frozenset(each.rows["row"])

    # --- parts of the page

    def _head(self) -> Iterator[str]:
        parts = self.parts
        yield f"<h1>{escape(parts.school)}</h1>"
        whom = f"{self.group}: " if self.group else ""
        whom = f"{escape(whom)}{len(self.students):,} students"
        yield f"<p>Attendance and wellbeing. {whom}. Made on {day(date.today())}.</p>"
        if parts.register:
            yield f"<p>{escape(parts.register)}</p>"
        who = "lists children by pseudonym" if parts.pseudonymous else "names children"
        yield (
            f'<p class="notice"><strong>This report {who}.</strong> Store it only where people who may see the '
            "register can open it, and delete it when you no longer need it.</p>"
        )
        for problem in parts.problems:
            yield f'<p class="notice"><strong>A part is missing.</strong> {escape(problem)}</p>'
        if parts.incomplete:
            items = [f"{table}: {reason}" if table else reason for table, reason in parts.incomplete]
            yield (
                '<div class="notice"><p><strong>The export is not complete</strong>, so figures that use these tables '
                f"are not complete either:</p><ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul></div>"
            )
        if parts.praise_said:
            yield f"<p>{escape(parts.praise_said)}</p>"
        compared = (
            f"What is new since the report of {self._made_before} is marked."
            if self.before
            else "This folder has no earlier report, so nothing is marked as new."
        )
        beside = f" The same lists are in {self.book}." if self.book else ""
        yield f"<p>{escape(compared + beside)}</p>"

    def _short(self) -> str:
        headings = ["List", "Listed", *(["New", "Gone"] if self.before else [])]
        caption = "How many are on each list"
        if self.before:
            caption += f", and how many are new or gone since {self._made_before}"
        rows = []
        for each in self.lists:
            cells = [f'<a href="#{each.key}">{escape(each.title)}</a>']
            cells.append("not known" if each.unknown else f"{len(each.rows):,}")
            if self.before:
                cells += ["" if found is None else f"{len(found):,}" for found in (self._new(each), self._gone(each))]
            rows.append(cells)
        head, *others = [escape(heading) for heading in headings]
        lines = [
            f'<tr role="row"><th scope="row" role="rowheader">{cells[0]}</th>'
            + "".join(
                f'<td role="cell" class="number" data-label="{heading}">{cell}</td>'
                for heading, cell in zip(others, cells[1:], strict=True)
            )
            + "</tr>"
            for cells in rows
        ]
        table = _table("short", caption, [head, *others], lines)
        after = ", ".join(f'<a href="#{_anchor(part)}">{escape(part)}</a>' for part in (*FIGURES, _WORDS_HEADING))
        return (
            f'<section aria-labelledby="in-short"><h2 id="in-short">In short</h2>{table}'
            f"<p>After the lists: {after}</p></section>"
        )

    def _list(self, each: NameList) -> str:
        heading = f"{each.key}-heading"
        content = [f'<h2 id="{heading}">{escape(each.title)}</h2>']
        if each.unknown:
            content.append(f"<p>Not known: {escape(each.unknown)}</p>")
        elif each.rows.empty:
            content.append(f"<p>{escape(each.about)}</p><p><strong>Nobody.</strong></p>")
        else:
            content.append(f'<p>{escape(each.about)}</p><p class="shown" role="status" hidden></p>')
            number = f"{len(each.rows):,} {'line' if len(each.rows) == 1 else 'lines'}"
            marked = [row in (self._new(each) or ()) for row in each.rows["row"]]
            content.append(_frame_table("names", f"{each.title}: {number}", each.rows[each.columns], marked))
        content.append('<p class="to-top"><a href="#in-short">Back to the lists</a></p>')
        return f'<section id="{each.key}" aria-labelledby="{heading}">{"".join(content)}</section>'


_ONLY_NEW = '<label><input type="checkbox" id="only-new"> only what is new</label>'


def _section(heading: str, blocks: Iterable[Block]) -> str:
    anchor, content = _anchor(heading), "".join(map(_block, blocks))
    return f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{escape(heading)}</h2>{content}</section>'


def _anchor(heading: str) -> str:
    return re.sub(r"[^a-z]+", "-", heading.casefold()).strip("-")


def _block(block: Block) -> str:
    if isinstance(block, Picture):
        image = base64.b64encode(block.png).decode("ascii")
        return f'<figure><img src="data:image/png;base64,{image}" alt="{escape(block.alt)}"></figure>'
    if isinstance(block, Table):
        return _frame_table("figures", block.caption, block.rows, [False] * len(block.rows))
    return f"<p>{escape(block)}</p>"


def _words_section() -> str:
    words = "".join(f"<li><strong>{escape(word)}</strong>: {escape(meaning)}</li>" for word, meaning in _WORDS)
    anchor = _anchor(_WORDS_HEADING)
    return (
        f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{_WORDS_HEADING}</h2><ul>{words}</ul>'
        f"<p>{escape(_CANNOT_SAY)}</p></section>"
    )


def _frame_table(kind: str, caption: str, frame: pd.DataFrame, marked: Sequence[bool]) -> str:
    """A frame as a table whose first column names the row."""
    columns = [_cells(str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns)]
    lines = []
    for row, (first, *others) in enumerate(zip(*columns, strict=True)):
        new = ' <span class="new">new</span>' if marked[row] else ""
        flag = " data-new" if marked[row] else ""
        lines.append(
            f'<tr role="row"{flag}><th scope="row" role="rowheader"{first[0]}>{first[1]}{new}</th>'
            + "".join(f'<td role="cell"{attributes}>{text}</td>' for attributes, text in others)
            + "</tr>"
        )
    return _table(kind, caption, [escape(str(name)) for name in frame.columns], lines)


def _table(kind: str, caption: str, headings: Iterable[str], lines: Iterable[str]) -> str:
    """A table. The roles stand there because on a phone its rows are shown as blocks, which would else lose them."""
    heads = "".join(f'<th scope="col" role="columnheader">{heading}</th>' for heading in headings)
    return (
        f'<table class="{kind}" role="table"><caption>{escape(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(lines)}</tbody></table>'
    )


def _cells(name: str, column: pd.Series) -> list[tuple[str, str]]:
    """The attributes and the text of each cell of a column. The value is what sorting compares."""
    label = f' data-label="{escape(name)}"'
    cells = []
    for value in column:
        if pd.isna(value):
            cells.append((label, ""))
        elif is_datetime64_any_dtype(column.dtype):
            cells.append((f'{label} data-value="{value:%Y-%m-%d}"', f"{value.day} {value:%b %Y}"))
        elif is_float_dtype(column.dtype):
            cells.append((f'{label} class="number" data-value="{value}"', f"{round(value, 1) + 0.0:,.1f}"))
        elif is_integer_dtype(column.dtype):
            cells.append((f'{label} class="number" data-value="{value}"', f"{value:,}"))
        else:
            cells.append((label, _breakable(str(value))))
    return cells


def _breakable(text: str) -> str:
    """Text as HTML. A word without end may break, or its column would push others off the page."""
    return "<wbr>".join(escape(part) for part in _LONG_WORD.split(text) if part)


@functools.cache
def _file(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """How the page's policy names the one style or script that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
