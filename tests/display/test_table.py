"""Tables to read: how dates, numbers, words and nothing look, in a notebook and as text."""

import pandas as pd
import pytest

import hubmis_frames as hf

FRAME = pd.DataFrame(
    {
        "student_id": pd.array([12345, 7], dtype="Int64"),
        "form_name": ["<b>11A</b>", None],
        "absence_rate": [12.34, None],
        "possible_sessions": pd.array([1234, None], dtype="Int64"),
        "severe": [True, False],
        "date": pd.to_datetime(["2026-07-03", None]),
        "at": pd.to_datetime(["2026-07-03 09:05", "2026-07-03 00:00"]),
        "category": ["authorised_absence", "late"],
        "change": [-0.04, -12.05],
    }
)


def test_cells_look_as_people_write_them() -> None:
    found = hf.show(FRAME)._cells
    assert found.iloc[0].tolist() == [
        "12345", "<b>11A</b>", "12.3", "1,234", "yes", "3 Jul 2026", "3 Jul 2026 09:05", "authorised absence",
        "0.0",
    ]  # fmt: skip
    assert found.iloc[1].tolist() == ["7", "", "", "", "no", "", "3 Jul 2026 00:00", "late", "-12.1"]


def test_headings_are_plain_and_can_be_given() -> None:
    found = hf.show(
        FRAME[["student_id", "form_name", "absence_rate", "possible_sessions"]], labels={"form_name": "set"}
    )
    assert list(found._cells) == ["student", "set", "absence rate (%)", "possible sessions"]


def test_what_is_left_out_is_said_and_html_is_text() -> None:
    shown = hf.show(FRAME, 1)
    assert repr(shown).endswith("The first 1 of 2.")
    page = shown._repr_html_()
    assert page.count("<tr>") == 2
    assert "&lt;b&gt;11A&lt;/b&gt;" in page
    assert page.endswith("<p>The first 1 of 2.</p>")
    assert "The first" not in hf.show(FRAME, 2)._repr_html_()


def test_no_rows_are_a_word_and_no_empty_table() -> None:
    shown = hf.show(FRAME.head(0), 10, none="Nobody.")
    assert repr(shown) == "Nobody."
    assert shown._repr_html_() == "<p>Nobody.</p>"


def test_columns_of_one_name_each_stand_for_themselves() -> None:
    twice = pd.DataFrame([[1, 2.5]], columns=["n", "n"])
    assert hf.show(twice)._cells.iloc[0].tolist() == ["1", "2.5"]


def test_what_is_no_frame_and_no_number_of_rows_is_refused() -> None:
    with pytest.raises(hf.BadArgumentError, match="this is a dict"):
        hf.show({"students": FRAME})  # type: ignore[arg-type]
    with pytest.raises(hf.BadArgumentError, match="rows takes a whole number"):
        hf.show(FRAME, "10")  # type: ignore[arg-type]


def test_odd_columns_are_shown_as_what_they_are() -> None:
    frame = pd.DataFrame(
        {
            "student_id": [1234.0, None], "year": [2025, 2026], "codes": [["I", "N"], []], "flag": [True, None],
            "at": pd.to_datetime(["2026-07-03 09:05", None], utc=True),
        }
    )  # fmt: skip
    assert hf.show(frame)._cells.iloc[0].tolist() == [
        "1234", "2025", "['I', 'N']", "yes", "3 Jul 2026 09:05 UTC",
    ]  # fmt: skip
    groups = pd.DataFrame({"form": ["A", "A", "B"], "n": [1, 2, 4]}).groupby("form").sum()
    assert list(hf.show(groups)._cells) == ["form", "n"]
    assert hf.show(groups)._cells.iloc[0].tolist() == ["A", "3"]


def test_a_wide_table_wraps_and_a_narrow_one_keeps_its_names_whole() -> None:
    def kept_on_one_line(columns: int) -> int:
        frame = pd.DataFrame({f"name {n}": ["Bartholomew Featherstonehaugh"] for n in range(columns)})
        frame["day"] = pd.Timestamp("2026-11-12")
        return str(hf.show(frame)._repr_html_()).count("white-space: nowrap")

    assert kept_on_one_line(4) == 5
    assert kept_on_one_line(12) == 1, "a date is short in any table"
    operations = str(hf.show(hf.endpoints().head(3))._repr_html_())
    assert len([part for part in operations.split("<td")[1:17] if "nowrap" in part]) < 10
