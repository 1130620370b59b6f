"""Further tables of an operation: what an export makes of one that has a table already, asked with other arguments.

They have no loader: ``load_students(school, academic_year_id=...)`` and ``load_student_attendance(school, past)`` load
the same.
"""

from dataclasses import replace

from ..errors import SpecError
from .attendance import load_student_attendance
from .declaration import REFERENCE, YEAR, Endpoint
from .students import load_students

YEAR_LISTS = "academic_year_students"
PAST_MARKS = "past_student_attendance"

FURTHER: dict[str, Endpoint] = {
    YEAR_LISTS: replace(
        load_students.endpoint,
        table=YEAR_LISTS,
        asks="students",
        columns_too=(YEAR, "enrolment_status"),
        expire_after=REFERENCE,
        doc="Students by academic year: one row per academic year, enrolment status asked for, and student.",
    ),
    PAST_MARKS: replace(load_student_attendance.endpoint, table=PAST_MARKS, asks="student_attendance"),
}
"""Every further table by its name."""


def as_further(table: str, operation: Endpoint) -> Endpoint:
    """The operation of a further table as the vendor's file describes it.

    Raises
    ------
    SpecError
        The file does not have a parameter that the table needs.
    """
    declared = FURTHER[table]
    known = {parameter.name for parameter in operation.parameters}
    if lacking := [name for name in declared.columns_too if name not in known]:
        raise SpecError(f'{table}: in the vendor\'s file, "{operation.title}" does not take {" and ".join(lacking)}.')
    changed = {name: getattr(declared, name) for name in ("table", "asks", "columns_too", "expire_after", "doc")}
    return replace(operation, **changed)
