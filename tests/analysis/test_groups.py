"""Grouping of events by periods that are columns already, and the days that a range may have."""

import pandas as pd
import pytest

from hubmis_frames import attendance as at
from hubmis_frames import wellbeing as wb
from hubmis_frames.analysis.columns import as_days
from hubmis_frames.errors import BadArgumentError
from tests.helpers.figures import canonical_events

TERMS = pd.DataFrame(
    {
        "name": ["Michaelmas", "Lent"],
        "date_from": ["2025-09-01", "2026-01-05"],
        "date_to": ["2025-12-19", "2026-03-27"],
        "academic_year_name": "2025/26",
    }
)


@pytest.mark.parametrize("period", ["term", "half_term", "academic_year", "school_week"])
def test_events_with_a_column_of_periods_need_no_calendar(period: str) -> None:
    calendar = at.Calendar(TERMS)
    events = canonical_events((1, "2026-01-12T10:00Z"), (2, "2025-09-15T10:00Z"), (1, "2025-12-18T10:00Z"))
    with pytest.raises(BadArgumentError, match=f"by='{period}' needs calendar="):
        wb.summarise(events, period)
    with_column = events.assign(**{period: calendar.lookup(events["date"], [period])[period]})
    left = wb.summarise(events, period, calendar=calendar)
    right = wb.summarise(with_column, period)
    # The calendar also knows the school weeks without an event.
    left = left[left["events"] > 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(left, right)
    if period == "term":
        assert right["term"].tolist() == ["Michaelmas", "Lent"]


def test_a_range_of_days_has_no_bound_that_was_not_given() -> None:
    assert as_days(None, None, "f") == (None, None)
    assert as_days("2025-09-01", None, "f") == (pd.Timestamp("2025-09-01"), None)
    assert as_days(None, "2025-09-01", "f") == (None, pd.Timestamp("2025-09-01"))
    with pytest.raises(BadArgumentError, match="f: until"):
        as_days("2025-09-02", "2025-09-01", "f")
