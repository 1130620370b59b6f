"""Scopes: what the document and the vendor's file say of them, and what is said where one is missing."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

import hubmis_frames as hf
from hubmis_frames.cli.command import main
from hubmis_frames.openapi import Spec, as_openapi, read_spec
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.request import Scopes, scopes_in_words
from hubmis_frames.school import School
from hubmis_frames.simulator import SimulatedRequest, SimulatedResponse, Simulator
from hubmis_frames.transport.problems import lacking
from tests.helpers.schools import SECRET
from tests.helpers.vendor import vendor_file

Serve = Callable[..., Simulator]
Connect = Callable[..., School]


def spec_with(tmp_path: Path, securities: dict[str, Any]) -> Spec:
    """The vendor's file with the ``security`` of some operations, by title."""
    content = vendor_file()
    for item in content["paths"].values():
        if item["get"]["summary"] in securities:
            item["get"]["security"] = securities[item["get"]["summary"]]
    file = tmp_path / "hubmis.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return read_spec(file)


def title(table: str) -> str:
    return CATALOGUE[table].title


def with_scopes(scope: object) -> Callable[[SimulatedRequest, SimulatedResponse], SimulatedResponse]:
    """A hook: the token comes with its scopes."""

    def hook(asked: SimulatedRequest, answer: SimulatedResponse) -> SimulatedResponse:
        if asked.method != "POST" or answer.status != 200:
            return answer
        return replace(answer, body=json.dumps(json.loads(answer.body) | {"scope": scope}).encode())

    return hook


# --- the document's own


def test_the_documents_scopes_stand_in_the_list_and_in_help():
    scopes = hf.endpoints().set_index("loader")["scopes"]
    assert scopes["load_staff"] == "staff.current.overview.name-details.read and staff.past.read"
    assert scopes["load_students"].startswith("students.current.overview.name-details.read, students.current")
    assert scopes["load_genders"] == ""
    text = " ".join((hf.load_students.__doc__ or "").split())
    assert "students.past.read and students.admissions.admissions.read. With enrolment_status='current' " in text
    assert "with enrolment_status='past' students.past.read; " in text
    assert "scopes" not in (hf.load_genders.__doc__ or "")


def test_a_refused_list_of_students_names_the_scopes_and_the_call_that_takes_fewer(serve: Serve, connect_to: Connect):
    school = connect_to(serve(forbidden=frozenset({"students", "genders"})))
    with pytest.raises(hf.NotPermittedError) as caught:
        hf.load_students(school)
    said = str(caught.value)
    assert "students.past.read and students.admissions.admissions.read. Ask who" in said
    assert "With enrolment_status='current' students.current.overview.name-details.read and" in said
    with pytest.raises(hf.NotPermittedError) as caught:
        hf.load_students(school, enrolment_status="past")
    assert "It takes the scope students.past.read. Ask who manages HUBmis at the school for it." in str(caught.value)
    assert "enrolment_status" not in str(caught.value)
    with pytest.raises(hf.NotPermittedError, match=r"at the school for the scope\. It does not mean"):
        hf.load_genders(school)


STUDENT_SCOPES = sorted({scope for way in CATALOGUE["students"].any_scopes for scope in way})
STAFF_SCOPES = sorted({scope for way in CATALOGUE["staff"].any_scopes for scope in way})


@pytest.mark.parametrize(
    ("table", "filters", "scopes"),
    [
        ("students", {}, STUDENT_SCOPES),
        ("students", {"enrolment_status": "current"}, [scope for scope in STUDENT_SCOPES if "current" in scope]),
        ("students", {"enrolment_status": "past"}, ["students.past.read"]),
        ("students", {"enrolment_status": "applicant"}, ["students.admissions.admissions.read"]),
        ("staff", {}, STAFF_SCOPES),
        ("staff", {"status": "current"}, ["staff.current.overview.name-details.read"]),
        ("staff", {"status": 1}, ["staff.current.overview.name-details.read"]),
        ("staff", {"status": "past"}, ["staff.past.read"]),
        ("staff", {"status": 2}, ["staff.past.read"]),
    ],
)
def test_a_call_takes_its_scopes_all_of_them_and_no_others(
    serve: Serve, connect_to: Connect, table: str, filters: dict[str, Any], scopes: list[str]
):
    load = getattr(hf, f"load_{table}")
    assert len(load(connect_to(serve(scopes=frozenset(scopes))), **filters))
    for lacking_one in scopes:
        school = connect_to(serve(scopes=frozenset({*STUDENT_SCOPES, *STAFF_SCOPES} - {lacking_one})), cache_dir=None)
        with pytest.raises(hf.NotPermittedError) as caught:
            load(school, **filters)
        said = str(caught.value)
        assert lacking_one in said
        # A call that takes more than it must says how to take less.
        assert ("is enough" in said) == (not set(filters.values()) & {"current", "past", "applicant"})
        assert len(hf.load_genders(school)), "the document names no scope for it"


@pytest.mark.parametrize("status", ["current", "past"])
def test_staff_are_asked_for_by_status_as_text_and_as_id(school: School, status: str):
    everybody = hf.load_staff(school)
    by_text, by_id = (hf.load_staff(school, status=value) for value in (status, {"current": 1, "past": 2}[status]))
    assert set(by_text["status"]) == {status}
    assert 0 < len(by_text) < len(everybody)
    assert by_text.equals(by_id)


def test_another_text_is_no_status_of_staff(school: School):
    with pytest.raises(hf.BadArgumentError, match=r"an id or one of 'current', 'past'; not 'curent'\. Did you mean"):
        hf.load_staff(school, status="curent")


# --- a file's


def test_a_files_scopes_replace_ours_and_what_it_does_not_say_stays(tmp_path: Path):
    spec = spec_with(
        tmp_path,
        {
            title("genders"): [{"OAuth": ["lists.read"]}],
            title("faiths"): [{"OAuth": ["a", "b"]}, {"OAuth": ["c"], "key": []}],
            title("titles"): [{"OAuth": ["a"]}, {}],
            title("staff"): [{"OAuth": []}],
            title("rooms"): [{"OAuth": ["evil\x1b[31m"]}],
        },
    )
    assert spec.endpoints["genders"].scopes == (("lists.read",),)
    assert spec.endpoints["faiths"].scopes_needed == "a and b, or c"
    assert spec.endpoints["titles"].scopes == (), "a token without scopes is enough"
    assert spec.endpoints["staff"].scopes == CATALOGUE["staff"].scopes
    assert spec.endpoints["rooms"].scopes == ()


def test_our_own_file_says_our_scopes(tmp_path: Path):
    file = tmp_path / "ours.json"
    file.write_text(json.dumps(as_openapi(CATALOGUE.values())), encoding="utf-8")
    spec = read_spec(file)
    assert {table: endpoint.scopes for table, endpoint in spec.endpoints.items()} == {
        table: endpoint.scopes for table, endpoint in CATALOGUE.items()
    }


def test_a_403_says_what_the_client_seems_to_lack(serve: Serve, connect_to: Connect, tmp_path: Path):
    wanted = {
        title("genders"): [{"OAuth": ["lists.read", "people.read"]}],
        title("faiths"): [{"OAuth": ["lists.read"]}],
    }
    school = connect_to(serve(forbidden=frozenset({"genders"})), spec=spec_with(tmp_path, wanted), offline=False)
    simulated(school)
    with pytest.raises(hf.NotPermittedError, match=r"lists\.read and people\.read\. Ask who .* which of them"):
        hf.load_genders(school)
    hf.load_faiths(school)
    with pytest.raises(hf.NotPermittedError, match=r"This client seems to lack people\.read\. Ask who .* for it\."):
        hf.load_genders(school, refresh=True)
    table = hf.endpoints(school).set_index("loader")
    assert table["scopes"]["load_genders"] == "lists.read and people.read"


def simulated(school: School) -> None:
    """Ask the simulated school at its own paths, whatever the file says."""
    spec = school._fetcher.spec
    assert spec is not None
    own = {table: replace(CATALOGUE[table], scopes=endpoint.scopes) for table, endpoint in spec.endpoints.items()}
    school._fetcher.spec = replace(spec, endpoints=own)


@pytest.mark.parametrize("scope", ["lists.read other", ["lists.read", "other"]])
def test_a_token_that_names_its_scopes_settles_it(serve: Serve, connect_to: Connect, tmp_path: Path, scope: object):
    simulator = serve(forbidden=frozenset({"genders", "faiths"}))
    simulator.hooks.append(with_scopes(scope))
    wanted = {
        title("genders"): [{"OAuth": ["lists.read", "people.read"]}],
        title("faiths"): [{"OAuth": ["lists.read"]}],
    }
    school = connect_to(simulator, spec=spec_with(tmp_path, wanted))
    simulated(school)
    with pytest.raises(hf.NotPermittedError, match=r"seems to lack people\.read\."):
        hf.load_genders(school)
    with pytest.raises(hf.NotPermittedError, match="has what it takes, so perhaps not in this realm"):
        hf.load_faiths(school)


@pytest.mark.parametrize("scope", ["", "*", None, 7, {"a": 1}, [1], "école"])
def test_a_token_that_names_none_settles_nothing(serve: Serve, connect_to: Connect, scope: object):
    simulator = serve(forbidden=frozenset({"students"}))
    simulator.hooks.append(with_scopes(scope))
    with pytest.raises(hf.NotPermittedError, match="Ask who manages HUBmis at the school which of them"):
        hf.load_students(connect_to(simulator))


names = st.sampled_from(["a", "b", "c", "d"])
ways = st.lists(st.lists(names, min_size=1, max_size=3, unique=True).map(tuple), max_size=3).map(tuple)


@given(ways, st.frozensets(names), st.booleans())
@example((("a",), ("b",)), frozenset(), False)
def test_what_is_lacking_is_needed_and_not_there(scopes: Scopes, granted: frozenset[str], all_known: bool):
    missing = set(lacking(scopes, granted, all_known=all_known))
    assert not missing & granted
    if missing:
        assert any(missing | granted >= set(way) for way in scopes)
        assert not any(granted >= set(way) for way in scopes)
    elif all_known:
        assert not scopes or any(granted >= set(way) for way in scopes)
    assert all(scope in scopes_in_words(scopes) for scope in missing)


# --- the doctor


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Simulator], None]:
    def set_up(simulator: Simulator) -> None:
        given = {"REALM": "S999", "CLIENT_ID": "demo-client", "CLIENT_SECRET": SECRET, "BASE_URL": simulator.url}
        for name, value in given.items():
            monkeypatch.setenv(f"HUBMIS_{name}", value)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        monkeypatch.chdir(tmp_path)

    return set_up


def ours_with(tmp_path: Path, scopes: dict[str, Scopes]) -> str:
    endpoints = [replace(endpoint, scopes=scopes.get(table, ())) for table, endpoint in CATALOGUE.items()]
    file = tmp_path / "ours.json"
    file.write_text(json.dumps(as_openapi(endpoints)), encoding="utf-8")
    return str(file)


def test_the_doctor_says_what_the_client_seems_to_lack(
    serve: Serve, tmp_path: Path, environment: Callable[[Simulator], None], capsys: pytest.CaptureFixture[str]
):
    environment(serve(forbidden=frozenset({"genders"})))
    file = ours_with(tmp_path, {"genders": (("lists.read", "people.read"),), "countries": (("lists.read",),)})
    main(["doctor", "--openapi", file])
    said = capsys.readouterr().out
    assert "scopes: this client seems to lack people.read, for genders\n" in said


def test_the_doctor_reads_the_tokens_scopes_without_a_request_more(
    serve: Serve, tmp_path: Path, environment: Callable[[Simulator], None], capsys: pytest.CaptureFixture[str]
):
    simulator = serve()
    simulator.hooks.append(with_scopes("students.current.overview.name-details.read s1"))
    environment(simulator)
    wanted: dict[str, Scopes] = {"student_attendance": (("s1", "marks.read"), ("all.read", "s2")), "rooms": (("s2",),)}
    assert main(["doctor", "--openapi", ours_with(tmp_path, wanted)]) == 1
    said = capsys.readouterr().out
    assert "WRONG scopes: this client seems to lack " in said
    for part in ("marks.read", "s2", "students.current.overview.personal.read", "rooms", "student_attendance"):
        assert part in said.partition("scopes: ")[2].partition("\n")[0]
    assert "Ask WCBS for the scopes" in said
    assert simulator.count() == 4
    simulator.hooks[:] = [with_scopes("s1 s2 marks.read students.past.read staff.past.read "
                                      "staff.current.overview.name-details.read")]  # fmt: skip
    main(["doctor", "--openapi", ours_with(tmp_path, wanted)])
    assert "ok    scopes: the token names 6, which is all" in capsys.readouterr().out
