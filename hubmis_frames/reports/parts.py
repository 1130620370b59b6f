"""The parts of a school's reports, made once for all its pages. A part that fails is named, and the others stay."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import pandas as pd

from ..errors import ExportError, HubmisError
from ..school_data import SchoolData
from ..school_data.people import full_name
from .absence import AbsenceLists
from .figures import Block, attendance_figures, trust, wellbeing_figures
from .lists import NameList, day
from .wellbeing import WellbeingLists, praise_of

FIGURES = ("Attendance in figures", "Wellbeing in figures", "Can the figures be trusted?")
"""The headings of the parts after the lists."""
_Made = TypeVar("_Made")


class Parts:
    """What all pages of a report share.

    Attributes
    ----------
    school, realm
        What the school is called, and its realm.
    lists
        The lists, of the whole school.
    problems
        A sentence for each part that could not be made.
    register
        How old the marks are, as a sentence.
    praise_said
        Which categories count as praise, as a sentence.
    pseudonymous
        Whether the students have no names.
    incomplete
        Tables that lack rows, each with the reason.

    Raises
    ------
    BadArgumentError
        A category that the school named as praise does not exist.
    """

    def __init__(self, data: SchoolData) -> None:
        self.data = data
        self.realm = data.realms[0] if data.realms else ""
        settings = data.settings.set_index("setting")
        name = settings.loc["school_name"]
        self.school = f"School {self.realm}".strip() if name["source"] == "not said" else str(name["value"])
        self.incomplete = data._tables.problems()
        students = data.students()
        self.pseudonymous = bool(full_name(students).isna().all())
        self.problems: list[str] = []
        self.lists: list[NameList] = []
        self.register = ""
        self.praise: list[str] = []
        self.praise_said = ""
        if settings.loc["praise", "source"] != "not said":
            self._check_praise()
        self._attempt("The lists about attendance", self._absence)
        self._attempt("The lists about wellbeing", self._wellbeing)

    def figures(self, students: pd.DataFrame) -> Iterator[tuple[str, list[Block]]]:
        """The figures of some students: headings, and what stands below each. A part that fails says so there."""
        parts: list[Callable[[], Iterator[Block]]] = [
            lambda: attendance_figures(self.data, students),
            lambda: wellbeing_figures(self.data, students, self.praise),
            lambda: trust(self.data, students),
        ]
        for heading, blocks in zip(FIGURES, parts, strict=True):
            made = self._attempt(heading, lambda blocks=blocks: list(blocks()))  # type: ignore[misc]
            yield heading, [f"This part is missing. {self.problems[-1]}"] if made is None else made

    def _absence(self) -> None:
        newest = self.data.newest_register
        ago = (pd.Timestamp.now().normalize() - newest).days
        then = "today" if ago == 0 else f"{ago} {'day' if ago == 1 else 'days'} ago"
        self.lists = [*AbsenceLists(self.data).all(), *self.lists]
        self.register = f"The newest register is of {newest:%A}, {day(newest)}, {then}: 'now' means that day."

    def _wellbeing(self) -> None:
        self.praise, self.praise_said = praise_of(self.data)
        self.lists += WellbeingLists(self.data, self.praise).all()

    def _check_praise(self) -> None:
        try:
            self.data.events(academic_year="all", without="praise")
        except ExportError:  # a table is missing, which the part says
            return

    def _attempt(self, part: str, make: Callable[[], _Made]) -> _Made | None:
        """What a part makes, or None if it fails. Only our own messages surely name nobody."""
        try:
            return make()
        except HubmisError as error:
            reason = str(error)
        except Exception as error:  # the other parts are worth having
            reason = f"{type(error).__name__}, which is a mistake in hubmis_frames. Please report it."
        problem = f"{part} could not be made: {reason}"
        if problem not in self.problems:
            self.problems.append(problem)
        return None
