"""Texts that would show that a file still holds somebody's data."""

from string import hexdigits

import pandas as pd

_NAMES = ("last_name", "first_name", "preferred_name", "primary_email", "external_id")
_SHORTEST = 5  # shorter ones occur by chance
_SHORTEST_HEX = 10  # as parts of pseudonyms, too


def personal_texts(people: pd.DataFrame) -> list[str]:
    """Names, addresses and references of people that are long enough to be found only where they were written."""
    texts = {str(value) for name in _NAMES if name in people for value in people[name].dropna()}
    return sorted(text for text in texts if len(text) >= (_SHORTEST if set(text) - set(hexdigits) else _SHORTEST_HEX))
