"""What every school's data lack: missing e-mail addresses and contacts, and what ends when somebody is removed.

It takes from the finished rows and draws from random numbers of its own, so all other rows stay as they are.
"""

from collections import Counter
from collections.abc import Callable
from random import Random

from .people import STATUS_IDS, Entities
from .rows import Row


def leave_gaps(seed: int, entities: Entities) -> None:
    """Leave some students without an e-mail address or contacts, and at least one contact inactive but not removed."""
    rng = Random(f"gaps {seed}")
    students = entities["student"]
    current = [n for n, row in students.items() if row["enrolment_status"] == "current"]
    children = Counter(row["_family"] for row in students.values())
    single = [number for number in current if children[students[number]["_family"]] == 1]
    alone = rng.sample(single, min(len(single), max(1, len(current) // 60)))
    _remove_contacts({students[number]["_family"] for number in alone}, entities)
    contacts = entities["contact"]
    for kind, numbers, share in (("student", current, 30), ("contact", list(contacts), 15)):
        without = set(rng.sample(numbers, max(1, len(numbers) // share)))
        for number in without:
            entities[kind][number]["primary_email"] = None
        _remove(entities, "email", kind, without)
    if not any(row["status"] == "inactive" and not row["deleted_at"] for row in contacts.values()):
        of_current = [n for n, row in contacts.items() if not row["deleted_at"] and set(row["students"]) & {*current}]
        contacts[rng.choice(of_current)] |= {"status": "inactive", "status_id": STATUS_IDS["inactive"]}
    removed = {number: row["deleted_at"] for number, row in students.items() if row["deleted_at"]}
    _keep(entities, "pastoral_event", lambda row: row["date_time"] <= removed.get(row["student"], row["date_time"]))


def _remove_contacts(families: set[int], entities: Entities) -> None:
    """Remove the contacts of these families, and whatever belongs to them."""
    contacts = {number for number, row in entities["contact"].items() if row["_family"] in families}
    students = {number for number, row in entities["student"].items() if row["_family"] in families}
    _remove(entities, "contact", "id", contacts)
    for kind in ("student_contact_relation", "email", "phone", "address_mapping", "related_address"):
        _remove(entities, kind, "contact", contacts)
    _remove(entities, "related_address", "student", students)
    for row in entities["learning_support_review"].values():
        row["attending_contacts"] = [number for number in row["attending_contacts"] if number not in contacts]


def _remove(entities: Entities, kind: str, field: str, numbers: set[int]) -> None:
    """Remove the rows of a kind that hold one of these ids in a field."""
    _keep(entities, kind, lambda row: row.get(field) not in numbers)


def _keep(entities: Entities, kind: str, stays: Callable[[Row], bool]) -> None:
    entities[kind] = {number: row for number, row in entities[kind].items() if stays(row)}
