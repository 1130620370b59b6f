"""The settings of a school: read, checked, shown with their source, and written so that they read back the same."""

import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.attendance import AbsenceRule
from hubmis_frames.school_data.settings import check_settings, read_settings, write_settings
from tests.helpers.examples import given_few

DEMO = Path(__file__).parents[2] / "data" / "demo"
CODES = hf.attendance.CodeMap.england().extend({"*": "approved_activity"})

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
weeks = st.lists(st.integers(0, 6), min_size=1, unique=True)
sessions = st.sampled_from([["am"], ["pm"], ["am", "pm"]])
short = st.dictionaries(st.integers(0, 6), sessions)
days = st.dates().map(str)
rules = st.builds(
    AbsenceRule,
    st.sampled_from(["persistent", "concern"]),
    more_than=st.one_of(st.integers(1, 99), st.decimals(1, 99, places=2)),
    minimum_sessions=st.integers(0, 30),
    source=st.text(st.characters(exclude_categories=["Cs"])),
)
chosen = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.sampled_from(["Asia/Dubai", "Europe/London", "Australia/Sydney"]),
        "weekdays": st.one_of(weeks, st.dictionaries(days, weeks, min_size=1)),
        "sessions": sessions,
        "short_days": st.one_of(short, st.dictionaries(days, short.filter(bool), min_size=1)),
        "code_map": st.sampled_from(["england", "code-map.csv"]),
        "rules": st.lists(rules, min_size=1, max_size=2, unique_by=lambda rule: rule.name),
        "praise": st.lists(names),
        "about_attendance": st.lists(names),
    },
)


@given_few(common=chosen, own=chosen, realm=names, few=15)
def test_what_is_written_reads_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, common: dict[str, Any], own: dict[str, Any], realm: str
):
    folder = tmp_path_factory.mktemp("school")
    common, own = check_settings(common, "test"), check_settings(own, "test")
    write_settings(folder, common, {realm: own}, ["timezone: Europe/London (default)"])
    read, by_realm = read_settings(folder)
    assert read == common
    assert by_realm.get(realm, {}) == own


@pytest.mark.parametrize(
    ("text", "line", "advice"),
    [
        ('timezone = "Europe/Lundon"', 1, "Did you mean 'Europe/London'"),
        ('\n# ours\nweekdays = ["Monday", "Tusday"]', 3, "Did you mean 'Tuesday'"),
        ("weekdays = 5", 1, "takes a list"),
        ('[weekdays]\n03.01.2022 = ["Monday"]', 1, "is not a date such as 2022-01-03"),
        ('praise = ["Achievement"]\nprase = []', 2, "Did you mean 'praise'"),
        ('[short_days]\nFriday = ["am", "noon"]', 1, "sessions with a register"),
        ('[[rules]]\nname = "a"\nat_least = 10\n[[rules]]\nname = "b"\natleast = 5', 6, "Did you mean 'at_least'"),
        ("[[rules]]\nat_least = 10", 1, "a rule has no name"),
        ('[[rules]]\nname = "a"\nat_least = 200', 1, "is no rule"),
        ('rules = ["england"]', 1, "there is no rule 'england'"),
        ('[realms.S1]\ntimezone = "Moon"', 2, "such as 'Asia/Dubai'"),
        ('code_map = "../secret.csv"', 1, "a CSV file beside the export"),
        ("timezone = Europe/London", 1, "Each setting is a line such as"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, text: str, line: int, advice: str):
    (tmp_path / "school.toml").write_text(text, encoding="utf-8")
    with pytest.raises(hf.SettingsError) as error:
        read_settings(tmp_path)
    assert f"line {line}" in str(error.value)
    assert advice in str(error.value)


def test_an_export_reads_its_settings_and_says_where_each_is_from(tmp_path: Path):
    folder = tmp_path / "school"
    shutil.copytree(DEMO, folder)
    CODES.save(folder / "code-map.csv")
    (folder / "school.toml").write_text(
        'praise = ["Achievement"]\n[[rules]]\nname = "concern"\nmore_than = 7.5\n', encoding="utf-8"
    )
    data = hf.open_export(folder)
    source = data.settings.set_index("setting")["source"].to_dict()
    assert source == {
        "school_name": "not said",
        "timezone": "HUBmis",
        "weekdays": "seen in the marks",
        "sessions": "seen in the marks",
        "short_days": "seen in the marks",
        "code_map": "code-map.csv",
        "rules": "school.toml",
        "praise": "school.toml",
        "about_attendance": "not said",
    }
    assert data.rule == AbsenceRule("concern", more_than=Decimal("7.5"))
    assert "Achievement" not in set(data.events(academic_year="all", without="praise")["category_name"])
    with pytest.raises(hf.BadArgumentError, match=r"has not said which categories are about attendance.*Bullying"):
        data.events(without="about_attendance")
    with pytest.raises(hf.BadArgumentError, match=r"no category 'Achievment'.*Did you mean 'Achievement'"):
        data.events(without="Achievment")


def test_settings_that_were_given_are_saved_and_what_was_inferred_stays_a_comment(tmp_path: Path):
    folder = tmp_path / "school"
    shutil.copytree(DEMO, folder)
    (folder / "school.toml").write_text('praise = ["Achievement"]\n', encoding="utf-8")
    data = hf.open_export(folder)
    assert not (folder / "code-map.csv").exists()
    file = data.with_settings(code_map=CODES, timezone="Asia/Dubai", short_days={"Friday": ["am"]}).save_settings()
    text = file.read_text(encoding="utf-8")
    assert "# weekdays: Monday, Tuesday, Wednesday, Thursday, Friday (seen in the marks)" in text
    again = hf.open_export(folder)
    assert again.timezone == "Asia/Dubai"
    assert again.calendar.timezone == "Asia/Dubai"
    assert "*" in set(again.code_map.frame["code"])  # type: ignore[union-attr]
    settings = again.settings.set_index("setting")
    assert settings.loc["praise", "value"] == "Achievement"
    assert settings.loc["short_days", "source"] == "school.toml"
    days = again.calendar.days
    friday = days[days["is_open"] & (days.index.day_of_week == 4)]
    assert friday["am"].all()
    assert not friday["pm"].any()
