"""Whatever the vendor's file holds, the token and the requests go to the host that the user named, and to no other."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames.openapi import as_openapi, read_spec
from hubmis_frames.operations.declaration import CATALOGUE
from hubmis_frames.request import Request
from hubmis_frames.school import School
from hubmis_frames.simulator import Simulator

Connect = Callable[..., School]


class Listener:
    """A second server, which hears of any connection."""

    def __init__(self) -> None:
        self.heard = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.heard += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def load_with(school: School, content: Any, folder: Path) -> None:
    """Load every way that the file offers, as a person would, whatever comes of it."""
    file = folder / "hostile.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    try:
        spec = read_spec(file)
    except hf.SpecError:
        return
    school._fetcher.spec = spec
    for endpoint in (*spec.endpoints.values(), *spec.others.values()):
        values = {parameter.name: 1 if parameter.kind is int else "1" for parameter in endpoint.path_ids}
        with contextlib.suppress(hf.HubmisError):
            hf.load(school, endpoint.table, refresh=True, **values)


def small_file() -> dict[str, Any]:
    content = as_openapi([CATALOGUE["genders"], CATALOGUE["titles"]])
    del content["servers"]
    return content


# What stands before, in and behind the address of another server.
TRICKS = [
    "@",
    ".",
    ":80@",
    "//",
    "/\\",
    "\\",
    "",
    "/",
    "///",
    "http://",
    "https:",
    " @",
    "\t@",
    "/..//",
    "?@",
    "#@",
    ":",
]


def hostile(address: str) -> st.SearchStrategy[str]:
    return st.tuples(
        st.sampled_from(TRICKS), st.sampled_from([address, f"@{address}", "127.0.0.1", "localhost:1"]),
        st.sampled_from(["", "/genders", "/", "@", "\\x", "/../x", "?x=1", "#"]),
    ).map("".join)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_path_server_or_variable_leads_to_another_host(
    data: st.DataObject, simulator: Simulator, school: School, elsewhere: Listener, tmp_path: Path
):
    text = data.draw(hostile(elsewhere.address))
    content = small_file()
    place = data.draw(st.sampled_from(["path", "server", "variable", "operation server", "parameter"]))
    if place == "path":
        content["paths"][text] = content["paths"].pop("/api/v1/genders")
    elif place == "server":
        content["servers"] = [{"url": text}]
    elif place == "variable":
        url = data.draw(st.sampled_from(["{x}", "https://api.hubmis.com{x}", "https://{x}", "/{x}", "//{x}"]))
        content["servers"] = [{"url": url, "variables": {"x": {"default": text}}}]
    elif place == "operation server":
        content["paths"]["/api/v1/genders"]["get"]["servers"] = [{"url": text}]
    else:
        content["paths"]["/{a}{b}"] = content["paths"].pop("/api/v1/genders")
        content["paths"]["/{a}{b}"]["get"]["summary"] = "Something else"
    load_with(school, content, tmp_path)
    assert elsewhere.heard == 0


@pytest.mark.parametrize("start", ["@{0}/x", ".{0}/x", ":80@{0}/x", "\\@{0}/x", "{0}/x", "?@{0}", "#@{0}", ""])
def test_the_last_check_holds_whatever_was_glued_together(
    start: str, simulator: Simulator, school: School, elsewhere: Listener
):
    session = school._fetcher.session
    session.log_in()
    before = len(simulator.log)
    with pytest.raises(hf.SpecError, match="another host"):
        session._prepare(Request(start.format(elsewhere.address)))
    prepared = session._prepare(Request(f"//{elsewhere.address}/x"))
    assert str(prepared.url).startswith(f"{simulator.url}/")
    assert len(simulator.log) == before
    assert elsewhere.heard == 0


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://api.hubmis.com/api/v2", "/api/v2/genders"),
        ("https://api.hubmis.com/api/v2/", "/api/v2/genders"),
        ("/api/v2", "/api/v2/genders"),
        ("api/v2", "/api/v2/genders"),
        ("./api/v2", "/api/v2/genders"),
        ("localhost:8000/api", "/api/genders"),
        ("api.hubmis.com/api", "/api/genders"),
        ("//api.hubmis.com/api", "/api/genders"),
        ("@evil.example", "/genders"),
        ("https://api.hubmis.com@evil.example/v1", "/v1/genders"),
        ("https://[half/v1", "/v1/genders"),
        ("/", "/genders"),
        ("", "/genders"),
        ("https://{host}/{version}", "/v3/genders"),
    ],
)
def test_of_a_servers_address_the_path_alone_counts(url: str, path: str, tmp_path: Path):
    content = small_file()
    content["paths"]["/genders"] = content["paths"].pop("/api/v1/genders")
    variables = {"host": {"default": "evil.example"}, "version": {"enum": ["v3"]}}
    content["servers"] = [{"url": url, "variables": variables}]
    (tmp_path / "file.json").write_text(json.dumps(content))
    assert read_spec(tmp_path / "file.json").endpoints["genders"].path == path


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip())))
def test_text_in_a_path_stays_one_part_of_it(text: str, simulator: Simulator, school: School, tmp_path: Path):
    content = small_file()
    content["paths"]["/shelf/{code}/books"] = content["paths"].pop("/api/v1/genders")
    operation = content["paths"]["/shelf/{code}/books"]["get"]
    operation["summary"] = "Library: books"
    operation["parameters"].append({"name": "code", "in": "path", "required": True, "schema": {"type": "string"}})
    (tmp_path / "file.json").write_text(json.dumps(content))
    school._fetcher.spec = read_spec(tmp_path / "file.json")
    before = len(simulator.log)
    with pytest.raises(hf.BadArgumentError if text in (".", "..") else hf.NotFoundError):
        hf.load(school, "Library: books", code=text, refresh=True)
    paths = [asked.path for asked in simulator.log[before:] if asked.method == "GET"]
    assert all(path.startswith("/shelf/") and path.endswith("/books") and path.count("/") == 3 for path in paths)
    assert paths or text in (".", "..")
