"""The calendar: halves of terms, school weeks, closed days, and what is not a calendar."""

from typing import Any

import pandas as pd
import pytest

from hubmis_frames import attendance as at
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from tests.helpers.registers import calendar, canonical, register


def test_the_calendar_knows_halves_weeks_and_why_it_is_shut() -> None:
    known = calendar().days
    assert known.loc["2025-10-24", "half_term"] == "Autumn Term, first half"
    assert known.loc["2025-11-03", "half_term"] == "Autumn Term, second half"
    assert known.loc["2026-01-05", "half_term"] == "Spring Term"
    # A week of holiday has no number, and a bank holiday takes none away.
    weeks = ["2025-09-02", "2025-09-23", "2025-10-24", "2025-11-03", "2026-01-05"]
    assert known.loc[weeks, "school_week"].tolist() == [1, 4, 8, 9, 16]
    assert pd.isna(known.loc["2025-10-28", "school_week"])
    assert known.loc[["2025-09-01", "2025-09-22", "2025-09-06", "2026-01-07"], "closed_as"].tolist() == [
        "INSET day", "holiday", "weekend", "closure",
    ]  # fmt: skip
    sunday = calendar(weekdays=(6, 0, 1, 2, 3)).days
    assert sunday.loc[["2025-09-07", "2025-09-12"], "is_open"].tolist() == [True, False]
    assert sunday.loc["2025-09-13", "week"] == pd.Timestamp("2025-09-07")


def test_terms_of_one_name_in_two_years_stay_apart() -> None:
    terms = pd.DataFrame(
        {
            "name": ["Autumn Term"] * 2,
            "date_from": pd.to_datetime(["2024-09-02", "2025-09-01"]),
            "date_to": pd.to_datetime(["2024-12-20", "2025-12-19"]),
        }
    )
    both = at.Calendar(terms)
    assert both.terms["term"].tolist() == ["Autumn Term 2024/25", "Autumn Term 2025/26"]
    assert both.days.loc["2025-09-01", "school_week"] == 1
    with pytest.raises(BadArgumentError, match="overlap"):
        at.Calendar(terms.assign(date_from=terms["date_from"].iloc[0]))
    with pytest.raises(BadArgumentError, match="no column of the"):
        at.Calendar(terms.drop(columns=["date_from", "date_to"]))


def test_a_calendar_of_other_tables_or_other_years_is_refused_or_said() -> None:
    terms = calendar().terms.rename(columns={"start": "date_from", "end": "date_to"}).assign(term_id=1)
    with pytest.raises(BadArgumentError, match="the frame given as holidays has the column term_id"):
        at.Calendar(terms, terms)
    with pytest.raises(BadArgumentError, match="the frame given as terms has the column holiday_id"):
        at.Calendar(terms.rename(columns={"term_id": "holiday_id"}))
    with pytest.warns(HubmisWarning, match="at_risk: 2 of 2 marks lie outside the calendar"):
        at.at_risk(canonical(register("//", start="2027-01-04")), calendar())


def test_what_is_no_calendar_is_told_how_to_make_one() -> None:
    marks = canonical(register("//"))
    needing: list[Any] = [at.at_risk, at.beside_holidays, at.on_closed_days]
    for measure in needing:
        with pytest.raises(BadArgumentError, match=rf"^{measure.__name__} needs calendar=.*hf\.load_terms\(school\)"):
            measure(marks, None)
    years: list[Any] = [at.cumulative, at.year_on_year]
    for measure in years:
        with pytest.raises(BadArgumentError, match=rf"^{measure.__name__} needs calendar=.* or marks with the column"):
            measure(marks)
        with pytest.raises(BadArgumentError, match=rf"^{measure.__name__} needs calendar=.* this is a DataFrame\."):
            measure(marks, calendar=pd.DataFrame({"name": ["Autumn Term"]}))
    for measure in (*needing, at.runs, at.data_quality):
        with pytest.raises(BadArgumentError, match=rf"^{measure.__name__} needs calendar=.* this is a DataFrame\."):
            measure(marks, pd.DataFrame({"name": ["Autumn Term"]}))
    with pytest.raises(BadArgumentError, match="summarise needs calendar="):
        at.summarise(marks, "week", calendar=pd.DataFrame())  # type: ignore[arg-type]
    with pytest.raises(BadArgumentError, match="marks needs calendar="):
        at.marks(register("//"), calendar="terms")
    assert len(at.runs(marks)) == 0
    assert len(at.data_quality(marks)) > 0


@pytest.mark.parametrize("terms", [None, "terms.csv", {"terms": pd.DataFrame()}, object()])
def test_a_calendar_of_no_frame_names_the_loaders(terms: Any) -> None:
    calls = r"hf\.attendance\.Calendar\(hf\.load_terms\(school\), hf\.load_holidays\(school\), hf\.load_inset_days"
    with pytest.raises(BadArgumentError, match=rf"terms is a {type(terms).__name__}: {calls}"):
        at.Calendar(terms)
    with pytest.raises(BadArgumentError, match="closure_dates is a list"):
        at.Calendar(calendar().terms.rename(columns={"start": "date_from", "end": "date_to"}), closure_dates=[])  # type: ignore[arg-type]
