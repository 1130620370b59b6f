"""Students with their groups, and lists of people with names, tutor and contacts."""

from collections.abc import Callable
from typing import Literal

import pandas as pd

from ..analysis.realms import REALM, STUDENTS
from ..errors import BadArgumentError, ExportError
from ..frames.joining import join

ADDED = ["section_name", "key_stage", "tutor_group_id", "tutor_group_name", "tutor_name"]
"""The columns that students get from other tables."""
GROUPS = [
    "section_name",
    "year_group_name",
    "form_name",
    "tutor_group_name",
    "academic_house_name",
    "boarding_house_name",
    "boarding_type_name",
    "gender_name",
]
"""The columns of students by which marks are grouped."""
_CONTACT_TABLES = ("student_contacts", "contact_phones")
_GONE = ("inactive", "past", "archived", "former", "left")

Table = Callable[[str], pd.DataFrame | None]
"""Returns a table of the school, or None if there is none."""


def with_groups(students: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Students with the columns :data:`ADDED`, all missing where no table tells."""
    frame = students.drop(columns=[name for name in ADDED if name in students])
    year_groups, forms = _keyed(table("year_groups"), "year_group_id"), _keyed(table("forms"), "form_id")
    section = _looked_up(frame, "year_group_id", year_groups, "section_name")
    frame["section_name"] = _looked_up(frame, "form_id", forms, "section_name").fillna(section)
    frame["key_stage"] = _looked_up(frame, "year_group_id", year_groups, "key_stage")
    members = table("tutor_group_students")
    own = _keyed(None if members is None else members.sort_values("tutor_group_id"), STUDENTS)
    groups = _keyed(table("tutor_groups"), "tutor_group_id")
    frame["tutor_group_id"] = _looked_up(frame, STUDENTS, own, "tutor_group_id", "Int64")
    frame["tutor_group_name"] = _looked_up(frame, "tutor_group_id", groups, "name")
    of_group = _looked_up(frame, "tutor_group_id", _staff(table("tutor_groups_staff"), "tutor_group_id"), "name")
    of_form = _looked_up(frame, "form_id", _staff(table("forms_staff"), "form_id"), "name")
    frame["tutor_name"] = of_group.fillna(of_form)
    return frame


def groups_then(rows: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The columns :data:`GROUPS` of a list of another academic year, as far as it has them, by student."""
    year_groups = table("year_groups")
    section = _looked_up(rows, "year_group_id", _keyed(year_groups, "year_group_id"), "section_name")
    frame = rows if "section_name" in rows else rows.assign(section_name=section)
    # The gender has no year, and a group that the list does not name is not known.
    groups = frame.reindex(columns=[name for name in GROUPS if name in frame or name != "gender_name"])
    return groups.astype("str").where(groups.notna()).set_index(pd.Index(frame[STUDENTS]))


def full_name(people: pd.DataFrame) -> pd.Series:
    """Last name, then the preferred first name: ``Lumley, Barnaby``; missing for pseudonyms."""
    last, first = _text(people, "last_name"), _text(people, "first_name")
    first = _text(people, "preferred_name").fillna(first)
    both = (last + ", " + first).fillna(last).fillna(first)
    return both.astype("str")


def with_names(frame: pd.DataFrame, students: pd.DataFrame, contacts: pd.Series | None) -> pd.DataFrame:
    """A frame with the names and groups of its students in front."""
    if STUDENTS not in frame:
        raise BadArgumentError(
            f"with_names: the frame has no column student_id. It has {', '.join(map(str, frame.columns))}."
        )
    people = students[[name for name in (REALM, STUDENTS) if name in students]].copy()
    names = full_name(students)
    if names.notna().any() or not len(students):
        people["name"] = names
    for name in ("year_group_name", "form_name", "tutor_name"):
        if name in students:
            people[name] = students[name]
    if contacts is not None:
        people["contacts"] = contacts
    new = [name for name in people if name not in (REALM, STUDENTS)]
    # What the frame has already stays: a mark's own year group may be that of another year.
    joined = join(frame, people.drop(columns=[name for name in new if name in frame]), on=STUDENTS)
    front = [name for name in (REALM, STUDENTS, *new) if name in joined]
    return joined[[*front, *(name for name in joined if name not in front)]]


def contacts_of(students: pd.DataFrame, table: Table, where: str) -> pd.Series:
    """The contacts with parental responsibility of each student, as one text, with the index of ``students``.

    Raises
    ------
    ExportError
        The tables of contacts are not there.
    """
    links, phones = (table(name) for name in _CONTACT_TABLES)
    if links is None or phones is None:
        raise ExportError(
            "with_names: contacts need the tables student_contacts and contact_phones, which cost one request for each "
            f"student and one for each contact. Add them: hubmis-frames export {where} --tables "
            f"{','.join(_CONTACT_TABLES)}"
        )
    links = links[links["parental_responsibility"].fillna(False).astype(bool)]
    known = table("contacts")
    if known is not None and "contact_id" in known:
        removed = known.loc[_filled(known, "deleted_at"), "contact_id"]
        gone = known.loc[_text(known, "status").str.casefold().isin(_GONE), "contact_id"]
        links = links[~links["contact_id"].isin(removed)]
    else:
        gone = pd.Series(dtype="Int64")
    reached = _ways(phones, "phone")
    emails = _ways(table("contact_emails"), "email")
    if emails.empty and known is not None and "contact_id" in known:
        emails = _text(known, "primary_email").groupby(known["contact_id"]).first().dropna()
    name = (
        _text(links, "contact_first_name").fillna("") + " " + _text(links, "contact_last_name").fillna("")
    ).str.strip()
    kind = _text(links, "relationship_type_name").fillna("contact")
    inactive = pd.Series("", index=links.index).mask(links["contact_id"].isin(gone), ", inactive")
    text = name + " (" + kind + inactive + ")"
    ways = [links["contact_id"].map(own).astype("str") for own in (reached, emails)]
    both = (ways[0] + ", " + ways[1]).fillna(ways[0]).fillna(ways[1])
    text = text + (" " + both).fillna("")
    rows = links.assign(text=text).sort_values("is_primary", ascending=False, kind="stable")
    joined = rows.groupby(STUDENTS)["text"].agg("; ".join)
    of_students: pd.Series = students[STUDENTS].map(joined)
    return of_students.astype("str")


def _ways(frame: pd.DataFrame | None, name: str) -> pd.Series:
    """All telephone numbers, or addresses, of each contact as one text, the primary one first."""
    if frame is None or name not in frame:
        return pd.Series(dtype="str")
    rows = frame[_text(frame, name).notna()].sort_values("is_primary", ascending=False, kind="stable")
    joined: pd.Series = rows.groupby("contact_id")[name].agg(lambda own: ", ".join(dict.fromkeys(own)))
    return joined


def _staff(frame: pd.DataFrame | None, key: str) -> pd.DataFrame | None:
    """The names of the staff of each group, in order."""
    if frame is None or "last_name" not in frame:
        return None
    names = frame.assign(name=(_text(frame, "first_name").fillna("") + " " + frame["last_name"]).str.strip())
    if "position" in names:
        names = names.sort_values([key, "position"])
    named = names.dropna(subset=["name"]).groupby(key)["name"].agg(lambda own: ", ".join(dict.fromkeys(own)))
    return named.to_frame()


def _keyed(frame: pd.DataFrame | None, key: str) -> pd.DataFrame | None:
    if frame is None or key not in frame:
        return None
    return frame.dropna(subset=[key]).drop_duplicates(key).set_index(key)


def _looked_up(
    frame: pd.DataFrame, column: str, lookup: pd.DataFrame | None, wanted: str, dtype: Literal["str", "Int64"] = "str"
) -> pd.Series:
    if lookup is None or column not in frame or wanted not in lookup:
        return pd.Series(pd.NA, index=frame.index, dtype=dtype)
    found: pd.Series = frame[column].map(lookup[wanted]).astype(dtype)
    return found


def _text(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column of text; an empty one is missing, and so is one that the frame does not have."""
    if name not in frame:
        return pd.Series(pd.NA, index=frame.index, dtype="str")
    text: pd.Series = frame[name].astype("str").str.strip()
    return text.mask(text.eq("").fillna(False))


def _filled(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name].notna() if name in frame else pd.Series(False, index=frame.index)
