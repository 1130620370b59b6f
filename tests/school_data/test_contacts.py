"""Contacts in lists of people, against the same worked out link by link in plain loops."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import strategies as st

import hubmis_frames as hf
from tests.helpers.examples import given_few

DEMO = Path(__file__).parents[2] / "data" / "demo"
CONTACTS = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["active", "active", "inactive", "Past", None]),
            "removed": st.sampled_from([False, False, False, True]),
            "primary_email": st.sampled_from([None, "a@mail.example", "b@mail.example", ""]),
            "phones": st.lists(st.tuples(st.sampled_from(["1", "2", "3", "", None]), st.booleans()), max_size=3),
            "emails": st.lists(
                st.tuples(st.sampled_from(["c@mail.example", "d@mail.example"]), st.booleans()), max_size=2
            ),
        }
    ),
    min_size=1,
    max_size=4,
)
LINKS = st.lists(
    st.tuples(
        st.integers(0, 2),  # the student
        st.integers(0, 3),  # the contact
        st.sampled_from([True, True, False, None]),  # parental responsibility
        st.booleans(),  # primary
        st.sampled_from(["Mother", "Father", None]),
    ),
    max_size=6,
    unique_by=lambda link: link[:2],
)


@pytest.fixture(scope="module")
def students() -> pd.DataFrame:
    return hf.open_export(DEMO)["students"].head(3)


def tables(
    students: pd.DataFrame, contacts: list[dict[str, Any]], links: list[Any], *, with_emails: bool
) -> dict[str, pd.DataFrame]:
    realm, ids = students["realm"].iloc[0], students["student_id"].tolist()
    instant = pd.Timestamp("2026-01-01", tz="UTC")
    known = pd.DataFrame(
        [
            {"realm": realm, "contact_id": number, "status": own["status"], "primary_email": own["primary_email"],
             "deleted_at": instant if own["removed"] else None}
            for number, own in enumerate(contacts)
        ]
    )  # fmt: skip
    linked = pd.DataFrame(
        [
            (realm, ids[student], number, f"First{number}", f"Last{number}", kind, primary, parental)
            for student, number, parental, primary, kind in links
            if number < len(contacts)
        ],
        columns=["realm", "student_id", "contact_id", "contact_first_name", "contact_last_name",
                 "relationship_type_name", "is_primary", "parental_responsibility"],
    )  # fmt: skip
    types = {
        "student_id": "Int64",
        "contact_id": "Int64",
        "is_primary": "boolean",
        "parental_responsibility": "boolean",
    }
    ways = {
        name: pd.DataFrame(
            [(realm, number, *way) for number, own in enumerate(contacts) for way in own[f"{name}s"]],
            columns=["realm", "contact_id", name, "is_primary"],
        ).astype({"contact_id": "Int64", name: "str", "is_primary": "boolean"})
        for name in ("phone", "email")
    }
    found = {"students": students, "contacts": known, "student_contacts": linked.astype(types)}
    found["contact_phones"] = ways["phone"]
    return found | ({"contact_emails": ways["email"]} if with_emails else {})


def by_hand(
    students: pd.DataFrame, contacts: list[dict[str, Any]], links: list[Any], *, with_emails: bool
) -> list[str]:
    """The text of each student; empty without a contact."""
    texts = []
    for student in range(len(students)):
        own = [link for link in links if link[0] == student and link[1] < len(contacts) and link[2]]
        parts = []
        for _, number, _, _, kind in sorted(own, key=lambda link: not link[3]):
            contact = contacts[number]
            if contact["removed"]:
                continue
            phones = [phone for phone, _ in sorted(contact["phones"], key=lambda way: not way[1]) if phone]
            emails = [email for email, _ in sorted(contact["emails"], key=lambda way: not way[1])]
            if not with_emails:
                emails = [contact["primary_email"]] if contact["primary_email"] else []
            gone = ", inactive" if (contact["status"] or "").casefold() in ("inactive", "past") else ""
            ways = ", ".join([*dict.fromkeys(phones), *dict.fromkeys(emails)])
            parts.append(f"First{number} Last{number} ({kind or 'contact'}{gone}) {ways}".strip())
        texts.append("; ".join(parts))
    return texts


@given_few(contacts=CONTACTS, links=LINKS, with_emails=st.booleans(), few=12, full=150)
def test_contacts_are_those_of_the_links(
    students: pd.DataFrame, contacts: list[dict[str, Any]], links: list[Any], with_emails: bool
):
    if with_emails and not any(own["emails"] for own in contacts):
        with_emails = False
    data = hf.SchoolData(tables(students, contacts, links, with_emails=with_emails))
    listed = data.with_names(students[["realm", "student_id"]], contacts=True)
    assert listed["contacts"].fillna("").tolist() == by_hand(students, contacts, links, with_emails=with_emails)
    assert listed["student_id"].tolist() == students["student_id"].tolist()


def test_a_contact_who_is_inactive_is_marked_and_one_who_was_removed_is_left_out(students: pd.DataFrame):
    contact: dict[str, Any] = {"status": "active", "removed": False, "primary_email": None, "phones": [], "emails": []}
    contacts = [contact, contact | {"status": "inactive", "phones": [("7", True)]}, contact | {"removed": True}]
    links = [(0, number, True, number == 1, "Mother") for number in range(3)]
    data = hf.SchoolData(tables(students, contacts, links, with_emails=False))
    text = data.with_names(students[["student_id"]].head(1), contacts=True)["contacts"].iloc[0]
    assert text == "First1 Last1 (Mother, inactive) 7; First0 Last0 (Mother)"
