"""Property tests that run with few examples by default, and with all of them among the slow tests."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

Test = Callable[..., Any]


def given_few(*strategies: Any, few: int, full: int = 100, **named: Any) -> Callable[[Test], Test]:
    """Decorate a test like ``hypothesis.given``, with ``few`` examples by default.

    The same test with ``full`` examples is added to its module: it ends in ``_in_full`` and is marked as slow. Marks of
    pytest go below this decorator, or else the second test would not have them.
    """

    def decorate(test: Test) -> Test:
        def with_examples(number: int) -> Test:
            return settings(max_examples=number)(given(*strategies, **named)(test))

        test.__globals__[f"{test.__name__}_in_full"] = pytest.mark.slow(with_examples(full))
        return with_examples(few)

    return decorate
