"""Every attendance summary, on one year's marks of a school."""

import warnings
from collections.abc import Callable

import pandas as pd

import hubmis_frames as hf
from hubmis_frames.frames import Findings, tidy, to_pandas
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.simulator import Rules, build_world
from hubmis_frames.simulator.calendar import ACTIVE, YEARS
from hubmis_frames.simulator.school import SimulatedSchool

from .data import NOTHING
from .timing import in_turn, machine, markdown

CODE_MAP = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})


def report(rounds: int, students: int = 840) -> str:
    """Seconds of each summary."""
    school = SimulatedSchool(build_world(students), Rules(page_default=5000))
    people = _frame(school, "students", NOTHING)
    records = pd.concat(
        [_frame(school, "student_attendance", {"student_id": str(each)}) for each in people["student_id"]]
    )
    records = records[records["date"] >= pd.Timestamp(YEARS[ACTIVE].start)]
    calendar = hf.attendance.Calendar(
        *(
            pd.concat([_frame(school, table, {"academic_year_id": str(year)}) for year in YEARS])
            for table in ("terms", "holidays", "inset_days", "closure_dates")
        )
    )
    codes = _frame(school, "attendance_codes", NOTHING)
    joined = hf.join(records, people)
    marks = hf.attendance.marks(joined, codes, code_map=CODE_MAP, calendar=calendar)
    by = ["year_group_name", "half_term"]
    at = hf.attendance
    summaries: dict[str, Callable[[], object]] = {
        "marks": lambda: at.marks(joined, codes, code_map=CODE_MAP, calendar=calendar),
        "data_quality": lambda: at.data_quality(marks, calendar),
        "summarise, by year group and half term": lambda: at.summarise(marks, by),
        "summarise, by student": lambda: at.summarise(marks, "student_id"),
        "summarise, by student and week": lambda: at.summarise(marks, ["student_id", "week"]),
        "summarise, with intervals": lambda: at.summarise(marks, "year_group_name", confidence=0.95),
        "absence_bands": lambda: at.absence_bands(marks, by),
        "absentees": lambda: at.absentees(marks, by),
        "code_frequency": lambda: at.code_frequency(marks, "year_group_name"),
        "cumulative": lambda: at.cumulative(marks, "year_group_name"),
        "year_on_year": lambda: at.year_on_year(marks, "year_group_name", calendar=calendar),
        "recent_change": lambda: at.recent_change(marks),
        "runs": lambda: at.runs(marks, calendar),
        "broken_weeks": lambda: at.broken_weeks(marks, "year_group_name"),
        "beside_holidays": lambda: at.beside_holidays(marks, calendar),
        "at_risk": lambda: at.at_risk(marks, calendar),
        "on_closed_days": lambda: at.on_closed_days(marks, calendar),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hf.HubmisWarning)
        taken = in_turn(summaries, rounds)
    rows = [[name, f"{each.clock:.2f}", f"{each.processor:.2f}"] for name, each in taken.items()]
    table = markdown([f"{len(marks):,} marks", "s", "s of processor"], rows)
    return f"{table}\n\n{machine('hubmis-frames', 'pandas', 'pyarrow')} Fastest of {rounds} rounds in turn."


def _frame(school: SimulatedSchool, table: str, ids: dict[str, str]) -> pd.DataFrame:
    endpoint = CATALOGUE[table]
    query = "&".join(f"{name}={value}" for name, value in ids.items() if name not in endpoint.path)
    asked = {name: value for name, value in ids.items() if name in endpoint.path}
    body = school.body(endpoint, asked, query, NOTHING)
    return to_pandas(tidy(endpoint, [(tuple(map(int, asked.values())), [body])], Findings())[table])
