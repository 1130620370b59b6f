"""One student's page for a meeting: attendance, wellbeing, plans and contacts, as one HTML file without a script.

All text of a school is escaped: a name is never markup.
"""

import base64
import html
import io
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ..analysis.realms import STUDENTS
from ..attendance import AbsenceRule, at_risk, code_frequency, runs, summarise
from ..errors import ExportError
from .one import OneSchool
from .people import contacts_of, full_name

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1d2329; max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem }
h1 { margin: 0 } h2 { margin: 1.6rem 0 .4rem; border-bottom: 2px solid #d5dbe1; font-size: 1.15rem }
p { margin: .3rem 0 } .quiet { color: #59636e } img { max-width: 100%; height: auto }
table { border-collapse: collapse; width: 100%; font-size: .93rem; margin: .8rem 0 }
caption { text-align: left; color: #59636e }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid #e3e8ec; vertical-align: top }
td.number, th.number { text-align: right } td { overflow-wrap: anywhere } thead { display: table-header-group }
@media print { body { margin: 0; max-width: none; font-size: 11px } h2 { break-after: avoid }
  tr { break-inside: avoid } }
"""
_PAGE = """<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
_SHORTEST_RUN = 2


def page_of(school: OneSchool, student: pd.DataFrame) -> str:
    """The page of one student, whose one row of :meth:`SchoolData.students` is given."""
    known = student.iloc[0]
    name = full_name(student).iloc[0]
    title = f"Student {known[STUDENTS]}" if pd.isna(name) else str(name)
    parts = [
        f"<h1>{_text(title)}</h1>",
        _sentence(_of(known, *_GROUPS)),
        *_attendance(school, student),
        *_wellbeing(school, student),
        *_contacts(school, student),
        '<p class="quiet">This page is about one child. Keep it only where people who may see it can open it.</p>',
    ]
    return _PAGE.format(title=_text(title), style=_STYLE, body="\n".join(parts))


_GROUPS = ("year_group_name", "form_name", "tutor_name", "academic_house_name", "boarding_house_name")


def _of(known: pd.Series, *columns: str) -> list[str]:
    told = {"tutor_name": "tutor {}", "boarding_house_name": "boards in {}"}
    return [told.get(name, "{}").format(known[name]) for name in columns if name in known and pd.notna(known[name])]


def _attendance(school: OneSchool, student: pd.DataFrame) -> Iterable[str]:
    if school.table("student_attendance") is None:
        yield _missing("Attendance", "student_attendance")
        return
    year = school.academic_year
    marks = school.marks([year], None, None, student, groups=None, past=False)
    yield f"<h2>Attendance in {_text(year)}</h2>"
    if marks.empty:
        yield "<p>There are no marks of this year.</p>"
        return
    total = summarise(marks)
    (row,) = total.to_dict("records")
    yield f'<p class="quiet">Up to {_day(school.newest_register)}, the newest register.</p>'
    if row["possible_sessions"]:
        yield (
            f"<p><strong>{row['attendance_rate']:.1f} % attended</strong>: {row['attended_sessions']} of "
            f"{row['possible_sessions']} possible sessions (half-days). Absent in {row['absent_sessions']}: "
            f"{row['authorised_sessions']} authorised, {row['unauthorised_sessions']} unauthorised. Late in "
            f"{row['late_sessions']}.</p>"
        )
    for rule in school.rules[:1]:
        risk = at_risk(marks, school.calendar, rule=rule).iloc[0]
        if pd.notna(risk["status"]):
            yield f"<p>{_text(_risk_in_words(rule, risk))}</p>"
    by_term = summarise(marks.dropna(subset=["term"]), by="term")
    yield _table("By term", by_term, _TERM)
    yield _picture(marks, school)
    codes = code_frequency(marks).assign(meaning=lambda rows: rows["code"].map(_meanings(school)))
    yield _table("Codes of the year", codes, _CODES)
    longest = runs(marks, school.calendar, at_least=_SHORTEST_RUN)
    if len(longest):
        yield _table("Absences of two or more sessions in a row, the longest first", longest, _RUNS)


_TERM = {
    "term": "Term",
    "possible_sessions": "Possible sessions",
    "attended_sessions": "Attended",
    "authorised_sessions": "Authorised absence",
    "unauthorised_sessions": "Unauthorised absence",
    "late_sessions": "Late",
    "attendance_rate": "Attended, per cent",
}
_CODES = {"code": "Code", "meaning": "Meaning", "category": "Counts as", "marks": "Sessions"}
_RUNS = {
    "start": "From",
    "end": "To",
    "absent_sessions": "Sessions",
    "authorised_sessions": "Authorised",
    "unauthorised_sessions": "Unauthorised",
    "ongoing": "Still absent",
}
_EVENTS = {"date": "Date", "category_name": "Category", "severity_name": "Severity", "status": "Status"}
_PLANS = {**_EVENTS, "review_date": "Review", "closed_date": "Closed"}


def _risk_in_words(rule: AbsenceRule, risk: pd.Series) -> str:
    sentence = str(rule).partition(": ")[2].removesuffix(f" ({rule.source})")
    left = "the year" if pd.isna(risk.get("remaining_sessions")) else f"the {risk['remaining_sessions']} sessions left"
    if risk["status"] == rule.name:
        can = "can still be avoided by the end of the year" if risk["avoidable"] else "can no longer be avoided"
        return f"Absence is {rule.name} ({sentence}). It {can}."
    can_miss = risk.get("can_still_miss")
    room = "" if pd.isna(can_miss) else f" Of {left}, {max(int(can_miss), 0)} can be missed without meeting it."
    return f"Absence is not {rule.name} ({sentence}).{room}"


def _meanings(school: OneSchool) -> dict[str, str]:
    codes = school.table("attendance_codes")
    if codes is None or not {"code", "description"} <= set(codes):
        return {}
    named = codes.dropna(subset=["code", "description"]).drop_duplicates("code")
    return dict(zip(named["code"].astype("str"), named["description"].astype("str"), strict=True))


def _picture(marks: pd.DataFrame, school: OneSchool) -> str:
    """The register of the year as a picture."""
    from matplotlib.figure import Figure

    from ..plots import student_register

    weeks = max(marks["week"].nunique(), 1) if "week" in marks else 40
    figure = Figure(figsize=(8, max(2.5, 1.2 + weeks / 5)), layout="constrained")
    student_register(marks, calendar=school.calendar, title="Register, a row for each week", ax=figure.subplots())
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    data = base64.b64encode(content.getvalue()).decode()
    first, last = marks["date"].min(), marks["date"].max()
    alternative = f"The marks of each day from {_day(first)} to {_day(last)}. The tables count the same marks."
    return f'<img alt="{_text(alternative)}" src="data:image/png;base64,{data}">'


def _wellbeing(school: OneSchool, student: pd.DataFrame) -> Iterable[str]:
    if school.table("pastoral_events") is None:
        yield _missing("Wellbeing", "pastoral_events")
        return
    ids = student[STUDENTS]
    events = school.events(None, None, None, [])
    own = events[events[STUDENTS].isin(ids)].sort_values("date", ascending=False)
    year = f" of {school.academic_year}"
    yield f"<h2>Wellbeing events{_text(year)}</h2>"
    yield _table("The newest first", own, _EVENTS) if len(own) else "<p>None is on record.</p>"
    plans = school.plans(None)
    own = plans[plans[STUDENTS].isin(ids)].sort_values("date", ascending=False)
    yield "<h2>Wellbeing plans</h2>"
    yield _table("Of all years, the newest first", own, _PLANS) if len(own) else "<p>None is on record.</p>"


def _contacts(school: OneSchool, student: pd.DataFrame) -> Iterable[str]:
    try:
        text = contacts_of(student, school.table, "DIRECTORY").iloc[0]
    except ExportError:
        yield _missing("Contacts", "student_contacts,contact_phones")
        return
    yield "<h2>Contacts with parental responsibility</h2>"
    if pd.isna(text):
        yield "<p>None is on record.</p>"
    else:
        yield "<ul>" + "".join(f"<li>{_text(each)}</li>" for each in str(text).split("; ")) + "</ul>"


def _missing(what: str, tables: str) -> str:
    command = f"hubmis-frames export DIRECTORY --tables {tables}"
    return f"<h2>{what}</h2><p>Not in this export. To add: <code>{command}</code></p>"


def _table(caption: str, frame: pd.DataFrame, columns: dict[str, str]) -> str:
    """A table of some columns that have a value."""
    shown = {name: head for name, head in columns.items() if name in frame and frame[name].notna().any()}
    kinds = {name: ' class="number"' if pd.api.types.is_numeric_dtype(frame[name]) else "" for name in shown}
    kinds = {name: "" if pd.api.types.is_bool_dtype(frame[name]) else kind for name, kind in kinds.items()}
    head = "".join(f'<th scope="col"{kinds[name]}>{_text(text)}</th>' for name, text in shown.items())
    rows = "".join(
        "<tr>" + "".join(f"<td{kinds[name]}>{_text(_shown(row[name]))}</td>" for name in shown) + "</tr>"
        for row in frame[list(shown)].to_dict("records")
    )
    return f"<table><caption>{_text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _shown(value: object) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):  # type: ignore[call-overload]
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    if isinstance(value, pd.Timestamp):
        return _day(value)
    return f"{value:.1f}" if isinstance(value, float) else str(value).replace("_", " ")


def _day(day: pd.Timestamp) -> str:
    return f"{day.day} {day:%b %Y}"


def _sentence(parts: Sequence[str]) -> str:
    return f"<p>{_text(', '.join(parts))}</p>" if parts else ""


def _text(value: str) -> str:
    return html.escape(value)
