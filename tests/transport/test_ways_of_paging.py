"""Every way of paging that a file can declare, over sockets: the list is whole, or an error says that it may not be."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator
from tests.helpers.examples import given_few
from tests.helpers.list_server import ListServer
from tests.helpers.styles import Style, paging_of

pytestmark = pytest.mark.filterwarnings("ignore::hubmis_frames.HubmisWarning")  # rows that came twice are kept once
WAYS = [*get_args(get_type_hints(Style)["paging"]), "size alone"]
ENVELOPES = get_args(get_type_hints(Style)["envelope"])
FORTY_FIVE = range(1, 46)
BOUND = 12


def style_of(paging: str, envelope: str = "bare") -> Style:
    return replace(Style(), paging=paging, envelope=envelope)  # type: ignore[arg-type]


@contextmanager
def school_of(server: ListServer) -> Iterator[School]:
    with tempfile.TemporaryDirectory() as folder, server.school(Path(folder)) as school:
        yield school


def load(school: School, *, refresh: bool = False) -> tuple[list[int], hf.HubmisError | None]:
    """The ids that a loader gives or its error holds, and the error."""
    try:
        return hf.load_contacts(school, refresh=refresh).contact_id.tolist(), None
    except hf.IncompleteError as error:
        return error.tables["contacts"].contact_id.tolist(), error
    except hf.HubmisError as error:
        return [], error


def read(server: ListServer) -> tuple[list[int], hf.HubmisError | None]:
    with school_of(server) as school:
        return load(school)


@pytest.mark.parametrize("envelope", ["bare", "laravel", "nested", "jsonapi"])
@pytest.mark.parametrize("way", [way for way in WAYS if way != "size alone"])
def test_a_list_in_pages_is_whole(way: str, envelope: str):
    server = ListServer(style_of(way, envelope), list(FORTY_FIVE), cap=20)
    rows, error = read(server)
    assert error is None
    assert rows == list(FORTY_FIVE)
    assert len(server.asked) <= BOUND


def test_with_a_size_alone_only_the_first_page_is_had_unless_the_server_shows_the_rest():
    for envelope in ("bare", "success"):
        rows, error = read(ListServer(style_of("size alone", envelope), list(FORTY_FIVE), cap=20))
        assert rows == list(FORTY_FIVE)[:20]
        assert isinstance(error, hf.IncompleteError)
        assert "no way to ask for a second page" in str(error)
        assert read(ListServer(style_of("size alone", envelope), [])) == ([], None)
    rows, error = read(ListServer(style_of("size alone", "spring"), list(FORTY_FIVE), cap=20))
    assert rows == list(FORTY_FIVE)[:20]
    assert "45 rows, and 20 came" in str(error)
    assert read(ListServer(style_of("size alone", "spring"), list(FORTY_FIVE), cap=50)) == (list(FORTY_FIVE), None)
    assert read(ListServer(style_of("size alone", "laravel"), list(FORTY_FIVE), cap=20)) == (list(FORTY_FIVE), None)


def test_an_export_marks_a_list_of_which_only_the_first_page_was_had(tmp_path: Path):
    server = ListServer(style_of("size alone"), list(FORTY_FIVE), cap=20)
    with server.school(tmp_path) as school:
        result = school.export(tmp_path / "export", ["contacts"]).set_index("table")
        assert result.loc["contacts", "status"] == "incomplete"
        assert result.loc["contacts", "rows"] == 20
        assert "only the first one was had" in result.loc["contacts", "remarks"]
        with pytest.warns(hf.HubmisWarning, match="only the first one was had"):
            hf.read(tmp_path / "export", "contacts")


@pytest.mark.parametrize(
    ("way", "envelope"), [(way, ENVELOPES[place % len(ENVELOPES)]) for place, way in enumerate(WAYS)]
)
def test_a_server_that_does_not_move_on_is_asked_a_few_times_and_never_whole(way: str, envelope: str):
    style = style_of(way, envelope)
    server = ListServer(style, list(FORTY_FIVE), cap=20, ignored=frozenset([paging_of(style).number]))
    rows, error = read(server)
    assert error is not None
    assert rows in ([], list(FORTY_FIVE)[:20])
    assert len(server.asked) <= BOUND


@pytest.mark.parametrize("following", ["c20", "?cursor=c20", "https://elsewhere.example/x?cursor=c20"])
def test_a_cursor_that_comes_again_ends_in_an_error(following: str):
    server = ListServer(style_of("cursor token", "results"), list(FORTY_FIVE), cap=20, changed={"next": following})
    rows, error = read(server)
    assert rows == list(FORTY_FIVE)[:40]
    assert "same next page again" in str(error)
    assert len(server.asked) == 2


@pytest.mark.parametrize("following", ["https://elsewhere.example/contacts/2", {"href": "//elsewhere.example"}, 7.5])
def test_a_next_page_that_cannot_be_asked_for_is_said(following: Any):
    server = ListServer(style_of("next link", "results"), list(FORTY_FIVE), cap=20, changed={"next": following})
    rows, error = read(server)
    assert rows == list(FORTY_FIVE)[:20]
    assert isinstance(error, hf.IncompleteError)


def test_an_address_of_the_next_page_keeps_our_host_our_filters_and_our_realm():
    server = ListServer(style_of("cursor address", "hydra"), list(FORTY_FIVE), cap=20)
    with school_of(server) as school:
        assert len(hf.load_contacts(school, search="Row")) == 45
    assert [query.get("cursor") for query in server.asked] == [None, "c20", "c40"]
    assert [query["per_page"] for query in server.asked] == ["500", "20", "20"]
    assert all("Row" in query.values() for query in server.asked)


@pytest.mark.parametrize("way", ["cursor address", "next link"])
def test_a_link_header_shows_the_next_page(way: str):
    server = ListServer(style_of(way), list(FORTY_FIVE), cap=20, link=True)
    with server_file(server) as school:
        for _ in range(2):  # the second time from the cache
            assert load(school) == (list(FORTY_FIVE), None)
        assert len(server.asked) <= BOUND
        asked = len(server.asked)
        load(school)
        assert len(server.asked) == asked


def test_an_unpaged_list_in_an_envelope_costs_one_request(
    serve: Callable[..., Simulator], connect_to: Callable[..., School]
):
    simulator = serve()
    school = connect_to(simulator)
    staff = hf.load_staff(school).staff_id.head(1)
    for times in (1, 2):
        hf.load_staff_timetable(school, staff, refresh=True)
        assert sum(asked.table == "staff_timetable" for asked in simulator.log) == times


@contextmanager
def server_file(server: ListServer) -> Iterator[School]:
    """A school whose file says that lists are bare."""
    with tempfile.TemporaryDirectory() as folder, server.school(Path(folder)) as school:
        assert school._fetcher.spec
        spec = school._fetcher.spec
        endpoints = {table: replace(endpoint, wrapper=None) for table, endpoint in spec.endpoints.items()}
        school._fetcher.spec = replace(spec, endpoints=endpoints)
        yield school


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("size alone", "next link, strict")])
def test_a_page_that_is_refused_once_costs_no_row_and_one_that_is_refused_twice_is_no_end(way: str):
    status = [404, 422, 403][WAYS.index(way) % 3]
    style = style_of(way, "results")
    server = ListServer(style, list(FORTY_FIVE), cap=20)
    read(server)
    second = next(i for i, query in enumerate(server.asked, 1) if is_further(style, query))
    once = ListServer(style, list(FORTY_FIVE), cap=20, refused={second: status})
    assert read(once) == (list(FORTY_FIVE), None)
    lasting = ListServer(style, list(FORTY_FIVE), cap=20, refused=dict.fromkeys(range(second, 99), status))
    with school_of(lasting) as school:
        rows, error = load(school)
        assert rows == []
        assert isinstance(error, hf.UnreachableError)
        lasting.refused = {}
        assert load(school) == (list(FORTY_FIVE), None)


def is_further(style: Style, query: dict[str, str]) -> bool:
    moves_on = query.get(paging_of(style).number)
    return moves_on not in (None, "0", "1")


@pytest.mark.parametrize("way", ["page", "page alone", "offset"])
def test_a_page_behind_the_last_that_is_refused_is_an_end_only_if_the_page_before_said_so(way: str):
    """As Django's REST framework does it."""
    style = style_of(way, "results")
    whole = ListServer(style, list(FORTY_FIVE), cap=20)
    read(whole)
    last = len(whole.asked)
    said = ListServer(style, list(FORTY_FIVE), cap=20, refused=dict.fromkeys(range(last, 99), 404))
    assert read(said) == (list(FORTY_FIVE), None)
    silent = ListServer(style_of(way), list(FORTY_FIVE), cap=20, refused=dict.fromkeys(range(last, 99), 404))
    assert isinstance(read(silent)[1], hf.UnreachableError)


@pytest.mark.parametrize("total", [44, 46, 450, "45.0", None, True, -1, 20])
def test_a_total_that_does_not_fit_is_said_and_one_that_is_none_is_ignored(total: Any):
    server = ListServer(style_of("page", "laravel"), list(FORTY_FIVE), cap=20, changed={"total": total})
    rows, error = read(server)
    assert rows == list(FORTY_FIVE)
    assert (error is not None) == (total in (44, 46, 450, 20) and total is not True)


def test_the_total_spares_the_requests_that_look_for_the_first_page_and_the_end():
    server = ListServer(style_of("page", "laravel"), list(FORTY_FIVE), cap=50)
    assert read(server) == (list(FORTY_FIVE), None)
    assert len(server.asked) == 1


def test_a_row_that_moved_past_because_others_were_deleted_is_noticed_by_the_total():
    server = ListServer(style_of("offset", "laravel"), list(FORTY_FIVE), cap=20)
    talk, deleted = server.talk, []

    def deleting(*received: Any) -> None:
        if len(server.asked) == 1 and not deleted:
            deleted.append(server.rows.pop(0))
        talk(*received)

    server.talk = deleting  # type: ignore[method-assign]
    assert read(server) == (list(FORTY_FIVE)[1:], None)


@st.composite
def servers(draw: st.DrawFn) -> ListServer:
    moments = st.integers(1, 12)
    return ListServer(
        style_of(draw(st.sampled_from(WAYS)), draw(st.sampled_from(ENVELOPES))),
        list(range(1, 1 + draw(st.one_of(st.integers(0, 12), st.integers(20, 40))))),
        cap=draw(st.sampled_from([1, 3, 7, 20, 25, 30, 500])),
        inserted=draw(st.dictionaries(moments, st.sampled_from([0.0, 0.3, 0.5, 1.0]), max_size=3)),
        refused=draw(st.dictionaries(moments, st.sampled_from([400, 403, 404, 410, 422]), max_size=3)),
    )


@given_few(servers(), few=12, full=200)
def test_a_list_is_whole_or_an_error_says_that_it_may_not_be(server: ListServer):
    with school_of(server) as school:
        held = set(server.rows)
        for refresh in (False, True, False):
            begun = len(server.asked)
            if refresh:
                held = set(server.rows)
            rows, error = load(school, refresh=refresh)
            assert set(rows) <= set(server.rows)
            assert len(rows) == len(set(rows))
            if error is None:  # what came from the cache may be older than what was added last
                assert held <= set(rows)
            else:
                moments = range(begun + 1, len(server.asked) + 1)
                happened = any(moment in moments for moment in (*server.inserted, *server.refused))
                assert happened or may_be_cut(server) or begun == len(server.asked), error


def may_be_cut(server: ListServer) -> bool:
    """Whether the file and the envelope do not show more than the first page."""
    one_row_pages = server.cap == 1
    return server.style.paging == "size alone" or one_row_pages or server.style.paging == "next link, strict"
