"""Figures by year, term and weekday of a Dask frame whose partitions have other years, terms and weeks."""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest

import hubmis_frames as hf
from hubmis_frames import attendance as at
from hubmis_frames.attendance import PERSISTENT
from hubmis_frames.frames.partitions import Frame
from tests.analysis.test_model import WEEKS, YEARS, calendar_of, frame_of, marks_in, quiet
from tests.helpers.model import Days

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what its imports say is not ours
    import dask
    import dask.dataframe as dd

PLANS = {
    "A": ({"24": YEARS["2024"], "25": YEARS["2025"]}, WEEKS[0]),
    "B": ({"Year two": YEARS["2025"]}, WEEKS[4]),  # from Sunday to Thursday
    "C": ({"Before": YEARS["2024"], "After": YEARS["2025"]}, WEEKS[2]),
}
FIGURES: dict[str, Callable[[Frame], pd.DataFrame]] = {
    **{
        "summarise " + " ".join(by): lambda marks, by=by: at.summarise(marks, by, rules=[PERSISTENT], across_years=True)
        for by in (
            ["academic_year"], ["realm", "academic_year"], ["term"], ["realm", "half_term"], ["weekday", "session"],
            ["week"], [],
        )
    },
    "absentees by year": lambda marks: at.absentees(marks, "academic_year"),
    "absentees by term": lambda marks: at.absentees(marks, ["term", "academic_year"]),
    "absence_bands": lambda marks: at.absence_bands(marks, ["realm", "academic_year"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def marks() -> Iterator[pd.DataFrame]:
    parts = []
    for seed, (realm, (years, week)) in enumerate(PLANS.items()):
        days = Days(years, [], *week)
        with quiet():
            parts.append(frame_of(marks_in(days, seed), calendar_of(days, years, [])).assign(realm=realm))
    with dask.config.set(scheduler="synchronous"):
        yield pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("split", ["by school", "by year", "by quarter", "by student"])
def test_partitions_of_other_years_terms_and_weeks_give_the_figures_of_pandas(marks: pd.DataFrame, split: str) -> None:
    keys = {
        "by school": marks["realm"],
        "by year": marks["realm"] + marks["academic_year"],
        "by quarter": marks["date"].dt.quarter + 10 * marks["date"].dt.year,
        "by student": marks["student_id"],
    }[split]
    lazy = dd.concat([dd.from_pandas(part, npartitions=1) for _, part in marks.groupby(keys)])
    for name, figure in FIGURES.items():
        wanted, found = figure(marks), figure(lazy)
        for column in wanted.select_dtypes("category"):
            assert isinstance(found[column].dtype, pd.CategoricalDtype), (name, column)
        texts = dict.fromkeys(wanted.select_dtypes("category"), "str")
        pd.testing.assert_frame_equal(found.astype(texts), wanted.astype(texts), obj=name)
    for one in (marks, lazy):
        with pytest.raises(hf.BadArgumentError, match="are in one figure"):
            at.summarise(one, "realm")
    assert np.isin(["24", "After"], figure_years(lazy)).all()


def figure_years(lazy: Frame) -> list[str]:
    return at.summarise(lazy, ["realm", "academic_year"])["academic_year"].astype("str").tolist()
