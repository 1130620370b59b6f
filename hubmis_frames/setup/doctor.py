"""What can stand between a person and their school, looked at one thing after the other, and what to do about it.

It says nothing secret and nothing of a child, so that it can be sent to support: of credentials only whether they
are set, of answers only that they came, of folders not whose home they are in.
"""

import importlib.metadata
import math
import os
import platform
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from .. import __about__
from ..errors import (
    CacheError,
    CredentialsError,
    HubmisError,
    NoKeyringError,
    NotFoundError,
    NotPermittedError,
    RateLimitError,
    check_realm,
)
from ..operations import CATALOGUE
from ..operations.declaration import Endpoint
from ..transport import DOCUMENTED, Session, proxy_for, shown_address
from .keyring import keyring_name
from .login import CHEAP, QUICK_RETRY, cheap_answers
from .settings import LOGIN, Found, look_up, open_session, rate_file, settings

PACKAGES = ("pandas", "pyarrow", "requests", "requests-cache", "truststore", "keyring", "matplotlib", "jupyterlab")
ROOM = 500 * 10**6
CLOCK = 60.0
_COSTS = len(CHEAP) + 2  # a token is counted as any request is, and may take two spellings
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # in this order, as requests looks

State = Literal["ok", "note", "wrong", "skipped"]


class Check(NamedTuple):
    """One thing that was looked at.

    ``state`` is ``ok``, ``note`` (worth knowing), ``wrong`` (``advice`` says what to do) or ``skipped``
    (something else has to be put right, or waited for, first).
    """

    name: str
    state: State
    said: str
    advice: str = ""


def examine(
    realm: str | None = None, base_url: str | None = None, openapi: str | None = None, cache_dir: str | None = None
) -> Iterator[Check]:
    """Look at everything, the machine first and HUBmis last.

    It sends a handful of requests at most and keeps no answer. The arguments are those of :func:`connect`.
    """
    given = {"realm": realm, "base_url": base_url, "openapi": openapi, "cache_dir": cache_dir}
    for check in _examine(given):
        yield check._replace(said=_homeless(check.said), advice=_homeless(check.advice))


def _examine(given: Mapping[str, str | None]) -> Iterator[Check]:
    yield Check("versions", "ok", _versions())
    yield _keyring()
    try:
        found = look_up(**given)
    except HubmisError as error:
        yield Check("settings", "wrong", "the address of HUBmis cannot be used", str(error))
        return
    yield from _credentials(found)
    yield Check("address", "ok", f"{shown_address(found['base_url'].value)} ({found['base_url'].source})")
    folder = Path(found["cache_dir"].value).expanduser()
    yield _writable(f"cache folder ({found['cache_dir'].source})", folder)
    yield _writable("state folder", rate_file().parent)
    yield _writable("current folder", Path.cwd())
    known: Mapping[str, Endpoint] = CATALOGUE
    try:
        known = _known(found)
    except HubmisError as error:
        yield Check("OpenAPI file", "wrong", f"cannot be used ({found['openapi'].source})", str(error))
    yield _paths(known)
    if any(name not in found for name in LOGIN):
        yield Check("HUBmis", "skipped", "not asked, as the settings are not complete")
        return
    try:
        # Without a cache: what is asked now must be answered now.
        whole = settings(given["realm"], None, None, given["base_url"], None, None)
        yield _certificates(whole.base_url)
        session = open_session(whole, retry=QUICK_RETRY)
    except HubmisError as error:
        yield Check("HUBmis", "wrong", "could not be asked", str(error))
        return
    try:
        yield from _hubmis(session, known)
    except CacheError as error:  # the count of requests
        yield Check("HUBmis", "wrong", "could not be asked", str(error))
    finally:
        session.close()


def _versions() -> str:
    said = [f"hubmis_frames {__about__.__version__}", f"Python {platform.python_version()} on {platform.platform()}"]
    for package in PACKAGES:
        try:
            said.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            said.append(f"no {package}")
    return ", ".join(said)


def _keyring() -> Check:
    try:
        return Check("keyring", "ok", keyring_name())
    except NoKeyringError as error:
        return Check("keyring", "note", f"{error} Credentials come from the environment")


def _credentials(found: Mapping[str, Found]) -> Iterator[Check]:
    for name in LOGIN:
        if name not in found:
            yield Check(
                name.replace("_", " "), "wrong", "not set",
                "Run 'hubmis-frames login', or set the variables that are missing: HUBMIS_REALM, HUBMIS_CLIENT_ID, "
                "HUBMIS_CLIENT_SECRET. WCBS sends them on registration; hubmis-frames demo needs none.",
            )  # fmt: skip
            continue
        value, source = found[name]
        shown = {"realm": value, "client_id": _masked(value)}.get(name, "set, not shown")
        yield Check(name.replace("_", " "), "ok", f"{shown} ({source})")


def _writable(name: str, folder: Path) -> Check:
    """Try it: permissions, quotas and virus scanners are not to be read off."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    advice = f"Make {folder} writable, free some disk, or choose another folder"
    advice += " with HUBMIS_CACHE_DIR." if name.startswith("cache") else "."
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(os.urandom(2**16))
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Check(name, "wrong", f"{folder} cannot be written: {error.strerror or error}", advice)
    said = f"{folder}, {free / 1e9:.1f} GB free"
    if free < ROOM:
        return Check(name, "wrong", said, f"Free some disk: {folder} has less than {ROOM / 1e6:.0f} MB left.")
    return Check(name, "ok", said)


def _known(found: Mapping[str, Found]) -> Mapping[str, Endpoint]:
    if "openapi" not in found:
        return CATALOGUE
    from ..openapi import read_spec  # it takes libraries that nothing else needs

    return read_spec(found["openapi"].value).endpoints


def _paths(known: Mapping[str, Endpoint]) -> Check:
    sources = Counter(endpoint.path_source for endpoint in known.values())
    counted = ", ".join(f"{number} {source}" for source, number in sorted(sources.items()))
    said = f"of {len(CATALOGUE)} operations, by where their path is from: {counted}"
    if "inferred" in sources:
        said += ". Inferred ones may be wrong: 'hubmis-frames spec probe' finds out, the vendor's OpenAPI file knows"
    return Check("paths", "note" if "inferred" in sources else "ok", said)


def _certificates(base_url: str) -> Check:
    """Say what decides whether the server is believed, and by what way it is reached."""
    if base_url.startswith("http://"):
        return Check("certificates", "ok", "none: plain http on this machine")
    named = next((name for name in _BUNDLES if os.environ.get(name)), None)
    proxy = proxy_for(base_url)
    way = f"reached through the proxy {proxy}" if proxy else "reached directly, without a proxy"
    if named is None:
        return Check("certificates", "ok", f"those that the system trusts; {way}")
    file = os.environ[named]
    if not Path(file).exists():
        return Check(
            "certificates", "wrong", f"{named} names {file}, which is not there; {way}",
            f"Correct {named}, or remove it: without it, what the system trusts is trusted.",
        )  # fmt: skip
    return Check("certificates", "ok", f"those that the system trusts, and {file} ({named}); {way}")


def _hubmis(session: Session, known: Mapping[str, Endpoint]) -> Iterator[Check]:
    left = session.bucket.left()
    rate = f"{max(int(left), 0)} of {DOCUMENTED.capacity} requests left, as counted on this machine"
    yield Check("rate", "ok" if left >= _COSTS else "note", rate)
    if left < 1:
        yield _not_asked("HUBmis", session)
        return
    try:
        session.log_in()
    except CredentialsError as error:
        yield Check("token", "wrong", "HUBmis answered, and refused the client", str(error))
    except HubmisError as error:
        yield Check("token", "wrong", "not had", _advice(error))
    else:
        yield Check("token", "ok", "HUBmis took the client id and secret")
        yield from _operations(session, known)
    yield _clock(session.clock_ahead)


def _not_asked(what: str, session: Session) -> Check:
    minutes = math.ceil((_COSTS - session.bucket.left()) * DOCUMENTED.paced / 60)
    wait = f"{minutes} minute{'' if minutes == 1 else 's'}"
    return Check(
        what, "skipped", f"not asked: no request is left; there are enough again in {wait}",
        f"Wait {wait}, or until the export that is running has ended; then run this again.",
    )  # fmt: skip


def _operations(session: Session, known: Mapping[str, Endpoint]) -> Iterator[Check]:
    outcomes: list[HubmisError | None] = []
    answers = cheap_answers(session, known)
    # The next one is asked when it is taken, and without a request left it would wait.
    while session.bucket.left() >= 1 and (answer := next(answers, None)):
        endpoint, error = answer
        outcomes.append(error)
        name = f"operation {endpoint.table}"
        if error is None:
            yield Check(name, "ok", f"answered at {endpoint.path}")
        elif isinstance(error, NotPermittedError):
            yield Check(name, "note", f"not permitted (403) at {endpoint.path}")
        elif isinstance(error, NotFoundError):
            yield Check(name, "note", f"not found (404) at {endpoint.path}, a path that is {endpoint.path_source}")
        else:
            yield Check(name, "wrong", "no answer", _advice(error))
    if len(outcomes) < len(CHEAP):
        yield _not_asked("other operations" if outcomes else "operations", session)
    if None in outcomes:
        yield Check("realm", "ok", f"{session.realm} answers")
    elif len(outcomes) < len(CHEAP):
        yield Check("realm", "skipped", "not known, as too little could be asked")
    elif any(isinstance(error, NotPermittedError) for error in outcomes):
        yield Check(
            "realm", "wrong", f"{session.realm} permits nothing that was tried",
            check_realm(session.realm),
        )  # fmt: skip
    elif any(isinstance(error, NotFoundError) for error in outcomes):
        yield Check(
            "realm", "wrong", "not known: none of the paths that were tried is there",
            "The inferred paths do not hold. Ask WCBS for the OpenAPI file and set HUBMIS_OPENAPI to it; "
            "'hubmis-frames spec probe' shows which hold.",
        )  # fmt: skip
    else:
        yield Check("realm", "skipped", "not known, as nothing answered")


def _advice(error: HubmisError) -> str:
    if isinstance(error, RateLimitError):
        return "HUBmis answered 429 (too many requests). Stop what else uses this client, and try again in an hour."
    return str(error)


def _clock(ahead: float | None) -> Check:
    if ahead is None:
        return Check("clock", "skipped", "not compared, as no answer came with a date")
    said = f"{abs(ahead):.0f} seconds {'ahead of' if ahead > 0 else 'behind'} the server's"
    if abs(ahead) <= CLOCK:
        return Check("clock", "ok", said)
    return Check("clock", "wrong", said, "Set this machine's clock: let the system take the time from the network.")


def _masked(text: str) -> str:
    """The ends of a long id, enough to tell two apart; nothing of a short one."""
    return f"{text[:2]}...{text[-2:]}" if len(text) >= 12 else "set, not shown"


def _homeless(text: str) -> str:
    """A text without the name of the user, as far as the home folder holds it."""
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text
