"""Contact details: e-mail addresses, telephones and the addresses that families share."""

from random import Random

from .people import Entities
from .reference import by_name
from .rows import Row, numbered

STREETS = ("Millstone Lane", "Harbour Row", "Old Ferry Road", "Larkfield Close", "Quarry Bank", "St Wystan's Terrace")


def add(rng: Random, entities: Entities) -> None:
    """Add e-mail addresses, telephones, address mappings and related addresses to the entities."""
    people = [(kind, row) for kind in ("student", "contact", "staff") for row in entities[kind].values()]
    entities["email"] = numbered(
        "email",
        (
            {kind: row["id"], "email": row.get("primary_email") or row["email"], "type": "Primary", "is_primary": True}
            for kind, row in people
        ),
    )
    entities["phone"] = numbered(
        "phone",
        (
            {kind: row["id"], "phone": phone, "type": name, "is_primary": name == "Mobile"}
            for kind, row in people
            if kind != "student"
            for name, phone in _phones(rng)
        ),
    )
    homes: dict[object, Row] = {}
    for _, row in people:  # a family's home is found by its number, the home of a member of staff by the name
        home = row.get("_family", row["name"])
        homes.setdefault(home, _home(rng, entities, 1000 + len(homes)))
        row["_home"] = homes[home]
    home_type = by_name(entities["address_type"])["Home"]
    entities["address_mapping"] = numbered(
        "address_mapping",
        (
            {
                kind: row["id"],
                "address_types": [{"id": home_type, "name": "Home"}],
                "position": 1,
                "address": row["_home"],
                "formatted_address": row["_home"]["formatted"],
            }
            for kind, row in people
        ),
    )
    pairs = [(row["student"], row["contact"]) for row in entities["student_contact_relation"].values()]
    related = [{"student": student, **_related(entities["contact"][contact])} for student, contact in pairs]
    related += [{"contact": contact, **_related(entities["student"][student])} for student, contact in pairs]
    entities["related_address"] = numbered("related_address", related)


def _phones(rng: Random) -> list[tuple[str, str]]:
    mobile = ("Mobile", f"07700900{rng.randrange(1000):03}")  # Ofcom reserves these numbers for drama
    return [mobile, ("Home", f"01632960{rng.randrange(1000):03}")] if rng.random() < 0.4 else [mobile]


def _home(rng: Random, entities: Entities, number: int) -> Row:
    postcode = f"ZZ{rng.randrange(1, 10)} {rng.randrange(1, 10)}ZZ"
    country = next(iter(entities["country"]))
    line = f"{rng.randrange(1, 180)} {rng.choice(STREETS)}, Marlmouth"
    return {"id": number, "postcode": postcode, "country": country, "formatted": f"{line}, {postcode}"}


def _related(person: Row) -> Row:
    return {
        "name": person["name"],
        "person_type": person["person_type"],
        "formatted_address": person["_home"]["formatted"],
    }
