"""An attack: link a pseudonymised export to the named one by every column, order, file and text. It has to fail."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pandas.api.types import is_bool_dtype

import hubmis_frames as hf
from hubmis_frames.export import CORE
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.privacy import (
    QUASI_IDENTIFIERS,
    declared_columns,
    is_declared,
    pseudonyms_of,
    quasi_identifier,
    safe_columns,
)
from hubmis_frames.privacy.personal import _columns
from hubmis_frames.school import School
from hubmis_frames.simulator import Rules, SimulatedRequest, SimulatedResponse, Simulator, World
from hubmis_frames.transport import Rate, Session
from tests.helpers.schools import GENEROUS, QUICK

TABLES = [*CORE, "contacts", "student_contacts", "student_emails", "student_learning_support_reviews"]
NAME = "Ottilie Brocklebank"


@pytest.fixture(scope="module")
def exports(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, bytes]:
    """The same school, named and pseudonymised, with fields that nobody declared, and one request that fails."""
    folder = tmp_path_factory.mktemp("linking")
    with pytest.MonkeyPatch.context() as patch, Simulator(world, Rules(**GENEROUS)) as simulator:
        patch.setenv("HUBMIS_PSEUDONYM_KEY", str(folder / "key"))
        session = Session(
            base_url=simulator.url, realm="S999", client_id="demo-client", client_secret="demo-secret",
            cache_dir=folder / "cache", rate_file=folder / "rate.sqlite", rate=Rate(10**6, 0.001), retry=QUICK,
        )  # fmt: skip
        with School(session, progress=False) as school:
            _export_twice(simulator, school, folder)
    return folder / "named", folder / "hidden", (folder / "key").read_bytes()


def _export_twice(simulator: Simulator, school: School, folder: Path) -> None:

    def add(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.table not in ("students", "student_attendance", "staff") or answer.status != 200:
            return answer
        rows = json.loads(answer.body)
        for number, row in enumerate(rows):
            row |= {"studentId": 10**6 + number, "uln": 10**9 + number, "dob": f"2011-04-{number % 28 + 1:02}"}
            row |= {"tutor": {"id": number, "payroll_no": number}, NAME: "x", "mobile": f"0770090{number:04}"}
            if asked.table == "students":
                row["friends"] = [{NAME: number}]
                row[f"{NAME} list"] = [{"n": number}]
        return replace(answer, body=json.dumps(rows).encode())

    simulator.hooks.append(add)
    bad = int(hf.load_students(school).student_id.iloc[7])
    simulator.hooks.append(
        lambda asked, answer: replace(answer, status=404) if f"/students/{bad}/att" in asked.path else answer
    )
    school.export(folder / "named", TABLES)
    school.export(folder / "hidden", TABLES, pseudonymise=True)


def tables_of(folder: Path) -> dict[str, pd.DataFrame]:
    return {path.name: pd.read_parquet(path) for path in sorted(folder.iterdir()) if path.is_dir()}


def type_of(values: pd.Series) -> pa.DataType:
    return pa.bool_() if is_bool_dtype(values.dtype) else pa.string()


def person_column(table: str, frame: pd.DataFrame) -> tuple[str, str] | None:
    """The column by which a row is a person's, and what its ids are ids of."""
    kept = safe_columns(table)
    for column in frame:
        key = kept[column].key if column in kept else ""
        if key in ("student_id", "staff_id", "contact_id"):
            return str(column), key
    return None


@pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")
def test_a_pseudonymised_export_is_not_linked_to_the_named_one(exports: tuple[Path, Path, bytes]):
    named_folder, hidden_folder, key = exports
    named, hidden = tables_of(named_folder), tables_of(hidden_folder)
    assert set(hidden) < set(named)
    assert all(is_declared(table) for table in hidden)
    linked: list[str] = []
    for table, rows in hidden.items():
        plain = named[table]
        assert len(rows) == len(plain)
        assert set(rows) - {"realm", "age_at_start_of_year"} <= set(safe_columns(table)) <= set(declared_columns(table))
        if (person := person_column(table, plain)) is None or len(plain) < 10:
            continue
        column, kind = person
        truth = pseudonyms_of(plain[column], kind, key, "S999")
        assert set(truth.dropna()) == set(rows[column].dropna()), "it would be a poor test without the truth"
        # By order, forwards, backwards, and by rank of ids.
        by_id = plain.assign(truth=truth).sort_values(column, kind="stable")["truth"]
        chance = 3 / truth.nunique() + 3 / len(truth) ** 0.5
        for order in (truth, truth[::-1], by_id, by_id[::-1]):
            assert (order.to_numpy() == rows[column].to_numpy()).mean() < chance, table
        # By every column: a value that stands once in each.
        for name in set(rows) & set(plain):
            once_named = plain[~plain[name].duplicated(keep=False) & plain[name].notna()]
            once_hidden = rows[~rows[name].duplicated(keep=False) & rows[name].notna()]
            pairs = (
                once_named[[name]]
                .assign(truth=truth, value=once_named[name].astype("str"))
                .merge(
                    once_hidden[[column]]
                    .rename(columns={column: "found"})
                    .assign(value=once_hidden[name].astype("str")),
                    on="value",
                )
            )
            if (pairs["truth"] == pairs["found"]).any() and not quasi_identifier(name, type_of(rows[name])):
                linked.append(f"{table}.{name}")
    assert linked == []


@pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")
def test_no_file_of_a_pseudonymised_export_holds_an_id_a_name_or_the_named_files_bytes(
    exports: tuple[Path, Path, bytes],
):
    named_folder, hidden_folder, _ = exports
    named, hidden = tables_of(named_folder), tables_of(hidden_folder)
    ids = {str(value) for table in ("students", "staff", "past_students") for value in named[table].iloc[:, 0]}
    (manifest,) = hidden_folder.glob("manifest-*.json")
    content = json.loads(manifest.read_text(encoding="utf-8"))
    texts = json.dumps(content["operations"], ensure_ascii=False)
    texts += "".join(path.read_text(encoding="utf-8") for path in hidden_folder.rglob("_INCOMPLETE.txt"))
    assert NAME not in texts + " ".join(str(path) for path in hidden_folder.rglob("*"))
    assert not ids & set(re.findall(r"(?<=/)\d+|(?<=_id )\d+", texts))
    assert content["operations"]["student_attendance"]["status"] == "incomplete"
    assert content["operations"]["student_attendance"]["failed"] == {}
    assert {"first_name", "last_name"} <= set(content["operations"]["students"]["left_out"]["students"])
    for table, rows in hidden.items():
        for column, treatment in safe_columns(table).items():
            if treatment.how == "pseudonym" and column in rows:
                assert rows[column].dropna().str.fullmatch("[0-9a-f]{32}").all()
    of_people = [table for table in hidden if person_column(table, hidden[table]) and len(hidden[table])]
    plain = {file.read_bytes() for table in of_people for file in (named_folder / table).rglob("*.parquet")}
    assert not plain & {file.read_bytes() for table in of_people for file in (hidden_folder / table).rglob("*.parquet")}


def test_every_declared_column_that_stays_was_decided_by_a_rule():
    left: dict[str, Any] = {}
    for table in CATALOGUE:
        for column, treatment in safe_columns(table).items():
            left.setdefault(treatment.how, set()).add(column)
    for personal in ("first_name", "last_name", "primary_email", "job_title", "phone", "address", "external_id"):
        assert not any(personal in columns for columns in left.values())
    assert left["age"] == {"date_of_birth"}


PEOPLE = {"student_id", "staff_id", "contact_id"}


def test_what_stays_and_can_point_to_a_person_is_listed_with_every_column_of_it():
    """A declaration that lets one more column stay has to say here what it tells."""
    unlisted, told = set(), set()
    for table, columns in _columns().items():
        safe = safe_columns(table)
        if not any(treatment.key in PEOPLE for treatment in safe.values()):
            continue
        for name, treatment in safe.items():
            if treatment.how == "pseudonym":
                continue
            words = quasi_identifier(name, columns[name].type)
            told.add(words)
            if words is None:
                unlisted.add(f"{table}.{name}")
    assert unlisted == set()
    assert told - {None} == set(QUASI_IDENTIFIERS), "a word without a column"
    assert quasi_identifier("age_at_start_of_year") == "age"
    assert quasi_identifier("first_name") is None


@pytest.mark.parametrize("place", ["help", "SECURITY"])
def test_people_read_the_same_list(place: str):
    page = Path(__file__).parents[2] / ".github" / "SECURITY.md"
    text = hf.pseudonymise.__doc__ or "" if place == "help" else page.read_text(encoding="utf-8")
    assert f"What stays can still point to a person: {'; '.join(QUASI_IDENTIFIERS)}." in " ".join(text.split())
    assert "hubmis_frames.pseudonymise" in (hf.School.export.__doc__ or "")
