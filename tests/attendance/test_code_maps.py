"""Code maps: the categories of codes, their dates, and the files that hold them."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hubmis_frames import attendance as at
from hubmis_frames.errors import BadArgumentError, HubmisWarning
from tests.helpers.registers import canonical, only, register


def test_england_changes_on_19_august_2024() -> None:
    codes = pd.Series(["J", "H", "Y", "J1", "C1", "C2", "K", "Q", "Y4", "B", "X"])
    before = at.CodeMap.england().categorise(codes, pd.Series(pd.Timestamp("2024-08-18"), index=codes.index))
    since = at.CodeMap.england().categorise(codes, pd.Series(pd.Timestamp("2024-08-19"), index=codes.index))
    assert list(before) == [
        "approved_activity", "authorised_absence", "not_possible", *["unmapped"] * 6, "approved_activity",
        "not_possible",
    ]  # fmt: skip
    assert list(since) == [
        *["unmapped"] * 3, *["authorised_absence"] * 3, "approved_activity", *["not_possible"] * 2,
        "approved_activity", "not_possible",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("category", "codes"),
    [
        ("present", "/ \\"),
        ("late", "L"),
        ("approved_activity", "K V P W B"),
        ("authorised_absence", "C C1 C2 E I J1 M R S T"),
        ("unauthorised_absence", "G N O U"),
        ("not_possible", "D Q X Y1 Y2 Y3 Y4 Y5 Y6 Y7"),
        ("administrative", "Z #"),
        ("unmapped", "c A / 1 Y8 F H J"),
    ],
)
def test_england_since_2024(category: str, codes: str) -> None:
    texts = pd.Series(codes.split() if category != "unmapped" else ["c", "A", "/ ", "1", "Y8", "F", "H", "J", "NA"])
    found = at.CodeMap.england().categorise(texts, pd.Series(pd.Timestamp("2025-01-10"), index=texts.index))
    assert set(found) == {category}


def test_x_is_a_choice_that_is_seen() -> None:
    england = at.CodeMap.england()
    rows = england.frame[england.frame["code"].eq("X")]
    assert rows.loc[rows["category"].ne("other_possible"), "meaning"].str.contains("not possible").all()
    assert set(canonical(register("X"), code_map=at.CodeMap.england(x="authorised"))["category"]) == {
        "authorised_absence"
    }


@pytest.mark.parametrize("x", ["not_possible", "authorised"])
def test_x_of_two_covid_years_is_possible_and_neither_attended_nor_absent(x: str) -> None:
    england = at.CodeMap.england(x=x)
    days = pd.Series(
        pd.to_datetime(["2020-08-31", "2020-09-01", "2021-01-11", "2022-07-20", "2022-08-31", "2022-09-01"])
    )
    found = england.categorise(pd.Series(["X"] * len(days)), days)
    assert found.eq("other_possible").tolist() == [False, True, True, True, True, False]
    row = only(at.summarise(canonical(register("XX/I", start="2021-01-11"), code_map=england)))
    assert (row["possible_sessions"], row["attended_sessions"], row["absent_sessions"]) == (4, 1, 1)
    assert (row["attendance_rate"], row["absence_rate"], row["other_possible_sessions"]) == (25, 25, 2)


def test_each_built_in_map_states_its_sources_and_its_end_and_stands_in_for_no_other() -> None:
    for name in ("england", "wales", "scotland"):
        mine = at.CodeMap.built_in(name)
        assert mine.frame.loc[mine.frame["category"].ne("unmarked"), "source"].notna().all()
        assert mine.frame["source"].dropna().iloc[0] in repr(mine)
    assert "no end date" in repr(at.CodeMap.england())
    for mine, last in ((at.CodeMap.wales(), "2026-08-31"), (at.CodeMap.scotland(), "2026-07-31")):
        assert mine.frame.loc[mine.frame["category"].ne("unmarked"), "valid_to"].eq(last).all()
        assert f"until {last}" in repr(mine)
    texts = pd.Series(["I", "/", "B", "L", "U", "02", "10", "2", "10 "])
    days = pd.Series(pd.Timestamp("2025-01-10"), index=texts.index)
    assert at.CodeMap.wales().categorise(texts, days).tolist() == [
        *["unmapped"] * 3, "late", "unauthorised_absence", *["unmapped"] * 4,
    ]  # fmt: skip
    assert at.CodeMap.scotland().categorise(texts, days).tolist() == [
        *["unmapped"] * 5, "not_possible", "present", "unmapped", "unmapped",
    ]  # fmt: skip
    later = days + pd.Timedelta(days=700)
    assert at.CodeMap.scotland().categorise(texts, later).eq("unmapped").all()
    with pytest.warns(HubmisWarning, match=r"CodeMap\.wales\(\)\.extend"):
        canonical(register("/"), code_map="wales")
    with pytest.raises(BadArgumentError, match="No map stands in for another"):
        at.CodeMap.built_in("northern ireland")


def test_blank_and_dash_are_unmarked() -> None:
    assert list(canonical(register([None, "", " ", "-"]))["category"]) == ["unmarked"] * 4


def test_a_map_that_changes_mid_term_works_per_date() -> None:
    codes = pd.DataFrame({"code": ["1", "2"], "description": ["Here", "Away"]})
    old = at.CodeMap.from_frame(codes, {"1": "present", "2": "authorised"}, valid_to="2025-09-14")
    new = at.CodeMap.from_frame(codes, {"1": "present", "2": "approved"}, valid_from="2025-09-15")
    frame = register(["2"] * 20)
    found = at.marks(frame, codes, code_map=at.CodeMap(pd.concat([old.frame, new.frame])))
    assert (found["category"].eq("approved_activity") == (found["date"] >= "2025-09-15")).all()
    assert only(at.summarise(found))["absent_sessions"] == 10


def test_a_map_ends_with_its_last_day() -> None:
    codes = pd.DataFrame({"code": ["1"], "description": ["Here"]})
    mine = at.CodeMap.from_frame(codes, {"1": "present"}, valid_from="2025-09-02", valid_to="2025-09-04")
    dates = pd.Series(pd.to_datetime(["2025-09-01", "2025-09-02", "2025-09-04", "2025-09-05", None]))
    found = mine.categorise(pd.Series(["1"] * 5), dates)
    assert list(found) == ["unmapped", "present", "present", "unmapped", "unmapped"]


def test_further_codes_extend_a_map() -> None:
    mine = at.CodeMap.england().extend({"*": "approved", "J": "late"})
    assert list(canonical(register("*J/"), code_map=mine)["category"]) == ["approved_activity", "late", "present"]


def test_a_saved_map_comes_back_as_it_was(tmp_path: Any) -> None:
    codes = pd.DataFrame({"code": ["1", "NA", "0", " "], "description": ["a", "b, with comma", None, '"']})
    mine = at.CodeMap.from_frame(codes, {"1": "present", "NA": "unauthorised", "0": "late"}, valid_from="2025-09-01")
    path = mine.save(tmp_path / "codes.csv")
    pd.testing.assert_frame_equal(at.CodeMap.load(path).frame, mine.frame)
    england = at.CodeMap.england()
    pd.testing.assert_frame_equal(at.CodeMap.load(england.save(path)).frame, england.frame)


def test_maps_that_cannot_be_meant_are_refused() -> None:
    codes = pd.DataFrame({"code": ["1"], "description": ["Here"]})
    with pytest.raises(BadArgumentError, match="no code '9'"):
        at.CodeMap.from_frame(codes, {"9": "present"})
    with pytest.raises(BadArgumentError, match="here is not a category"):
        at.CodeMap.from_frame(codes, {"1": "here"})
    with pytest.raises(BadArgumentError, match="overlap"):
        at.CodeMap(pd.DataFrame({"code": ["1", "1"], "category": ["present", "late"]}))


def test_a_map_that_a_spreadsheet_saved_says_which_file_and_what_to_do(tmp_path: Path) -> None:
    file = at.CodeMap.england().save(tmp_path / "code-map.csv")
    kept = file.read_text(encoding="utf-8")
    file.write_text(kept.replace("2024-08-19", "19/08/2024"), encoding="utf-8")
    with pytest.raises(
        BadArgumentError, match=r"code-map\.csv: A code map: valid_from.*written 2024-08-19\. A spreadsheet"
    ):
        at.CodeMap.load(file)
    file.write_text(kept.replace(",", ";"), encoding="utf-8")
    with pytest.raises(BadArgumentError, match=r"code-map\.csv: .*Columns are separated by commas"):
        at.CodeMap.load(file)
    file.write_text("", encoding="utf-8")
    with pytest.raises(BadArgumentError, match=r"code-map\.csv is empty"):
        at.CodeMap.load(file)
    with pytest.raises(BadArgumentError, match="Did you mean 'approved_activity'"):
        at.CodeMap.england().extend({"*": "aproved activity"})
