"""Checks of everything that can keep a person from their school, one after the other, and what to do about each.

The result holds no secret and nothing about a child, so it can be sent to support. It says whether credentials are
set, that answers came, and where folders are, without the name of the user.
"""

import importlib.metadata
import math
import os
import platform
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from ..export import CORE
from ..files import keeps_others_out, shared_by, why
from ..operations import CATALOGUE
from ..operations.declaration import Endpoint
from ..request import listed
from ..transport import Session, proxy_for, shown_address
from .keyring import keyring_name
from .login import CHEAP, QUICK_RETRY, cheap_answers
from .settings import LOGIN, Setting, folder, look_up, open_session, rate_file, settings

PACKAGES = ("pandas", "pyarrow", "requests", "requests-cache", "truststore", "keyring", "matplotlib", "jupyterlab")
ROOM = 500 * 10**6
CLOCK = 60.0
_MOST_NAMED = 6
_COSTS = len(CHEAP) + 2  # a token is counted as any request is, and may take two spellings
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # in this order, as requests looks

State = Literal["ok", "note", "wrong", "skipped"]


class Check(NamedTuple):
    """The result of one check.

    ``state`` is ``ok``, ``note`` (worth knowing), ``wrong`` (``advice`` says what to do) or ``skipped``
    (something else has to be corrected, or waited for, first).
    """

    name: str
    state: State
    result: str
    advice: str = ""


def examine(
    realm: str | None = None, base_url: str | None = None, openapi: str | None = None, cache_dir: str | None = None
) -> Iterator[Check]:
    """Run every check, those of the machine first and those of HUBmis last.

    This sends a few requests and stores no response. The arguments are those of :func:`connect`.
    """
    arguments = {"realm": realm, "base_url": base_url, "openapi": openapi, "cache_dir": cache_dir}
    for check in _examine(arguments):
        yield check._replace(result=without_home(check.result), advice=without_home(check.advice))


def _examine(arguments: Mapping[str, str | None]) -> Iterator[Check]:
    yield Check("versions", "ok", _versions())
    yield _private()
    yield _keyring()
    try:
        found = look_up(**arguments)
    except HubmisError as error:
        yield Check("settings", "wrong", "the address of HUBmis cannot be used", str(error))
        return
    yield from _credentials(found)
    yield Check("address", "ok", f"{shown_address(found['base_url'].value)} ({found['base_url'].source})")
    try:
        yield _writable(f"cache folder ({found['cache_dir'].source})", folder(found["cache_dir"].value))
    except HubmisError as error:
        yield Check("cache folder", "wrong", "cannot be used", str(error))
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
        whole = settings(arguments["realm"], None, None, arguments["base_url"], None, None)
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
    versions = [
        f"hubmis_frames {__about__.__version__}",
        f"Python {platform.python_version()} on {platform.platform()}",
    ]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"no {package}")
    return ", ".join(versions)


def _private() -> Check:
    """Who can open what is written."""
    if os.name != "nt":
        return Check("privacy", "ok", "what is written can be opened by this user alone")
    if not keeps_others_out():
        return Check(
            "privacy", "wrong", f"Python {platform.python_version()} lets others into folders that it makes",
            "Install Python 3.11.10, 3.12.4, 3.13 or newer: from then on new folders are private on Windows. Until "
            "then, whoever may open the folder above can read exports and the cache.",
        )  # fmt: skip
    return Check(
        "privacy", "ok",
        "folders that are made here can be opened by this user and by administrators; a file in a folder that was "
        "there before, by everybody who may open that folder",
    )  # fmt: skip


def _keyring() -> Check:
    try:
        return Check("keyring", "ok", keyring_name())
    except NoKeyringError as error:
        return Check("keyring", "note", f"{error} Credentials come from the environment")


def _credentials(found: Mapping[str, Setting]) -> Iterator[Check]:
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
    """Write a file: whether permissions, quotas and virus scanners allow it shows in no other way."""
    existing = next((parent for parent in (folder, *folder.absolute().parents) if parent.exists()), folder)
    advice = f"Make {folder} writable, free some disk, or choose another folder"
    advice += " with HUBMIS_CACHE_DIR." if name.startswith("cache") else "."
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(os.urandom(2**16))
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(existing).free
        result, problem = f"{folder}, {free / 1e9:.1f} GB free", ""
        if free < ROOM:
            problem = f"Free some disk: {folder} has less than {ROOM / 1e6:.0f} MB left."
    except OSError as error:
        result, problem = f"{folder} cannot be written: {why(error)}", advice
    if name.startswith("cache") and (service := shared_by(folder)):
        result = f"{result}, in {service}"
        problem = f"Choose a folder on this machine with HUBMIS_CACHE_DIR: {service} copies children's data off it."
    return Check(name, "wrong" if problem else "ok", result, problem)


def _known(found: Mapping[str, Setting]) -> Mapping[str, Endpoint]:
    if "openapi" not in found:
        return CATALOGUE
    from ..openapi import read_spec  # it takes libraries that nothing else needs

    return read_spec(found["openapi"].value).endpoints


def _paths(known: Mapping[str, Endpoint]) -> Check:
    sources = Counter(endpoint.path_source for endpoint in known.values())
    counted = ", ".join(f"{number} {source}" for source, number in sorted(sources.items()))
    result = f"of {len(CATALOGUE)} operations, by where their path is from: {counted}"
    if "inferred" in sources:
        result += ". Inferred ones may be wrong: 'hubmis-frames spec probe' finds out, the vendor's OpenAPI file knows"
    return Check("paths", "note" if "inferred" in sources else "ok", result)


def _certificates(base_url: str) -> Check:
    """Which certificates decide whether the server is trusted, and whether a proxy stands between."""
    if base_url.startswith("http://"):
        return Check("certificates", "ok", "none: plain http on this machine")
    bundle = next((name for name in _BUNDLES if os.environ.get(name)), None)
    proxy = proxy_for(base_url)
    route = f"reached through the proxy {proxy}" if proxy else "reached directly, without a proxy"
    if bundle is None:
        return Check("certificates", "ok", f"those that the system trusts; {route}")
    file = os.environ[bundle]
    if not Path(file).exists():
        return Check(
            "certificates", "wrong", f"{bundle} names {file}, which is not there; {route}",
            f"Correct {bundle}, or remove it: without it, the certificates that the system trusts are used.",
        )  # fmt: skip
    return Check("certificates", "ok", f"those that the system trusts, and {file} ({bundle}); {route}")


def _hubmis(session: Session, known: Mapping[str, Endpoint]) -> Iterator[Check]:
    left = session.bucket.left()
    rate = f"{max(int(left), 0)} of {session.bucket.rate.capacity:,} requests left, as counted on this machine"
    yield Check("rate", "ok" if left >= _COSTS else "note", rate)
    if left < 1:
        yield _not_asked("HUBmis", session)
        return
    try:
        session.log_in()
    except CredentialsError as error:
        yield Check("token", "wrong", "HUBmis answered, and refused the client", str(error))
    except HubmisError as error:
        yield Check("token", "wrong", "HUBmis gave none", _advice(error))
    else:
        yield Check("token", "ok", "HUBmis took the client id and secret")
        yield from _operations(session, known)
    yield _clock(session.clock_ahead)


def _not_asked(what: str, session: Session) -> Check:
    minutes = math.ceil((_COSTS - session.bucket.left()) * session.bucket.rate.paced / 60)
    wait = f"{minutes} minute{'' if minutes == 1 else 's'}"
    return Check(
        what, "skipped", f"not asked: no request is left; there are enough again in {wait}",
        f"Wait {wait}, or until the export that is running has ended; then run this again.",
    )  # fmt: skip


def _operations(session: Session, known: Mapping[str, Endpoint]) -> Iterator[Check]:
    outcomes: list[HubmisError | None] = []
    refused: list[Endpoint] = []
    answers = cheap_answers(session, known)
    # The next operation is asked when the loop takes it; without a request left that would wait.
    while session.bucket.left() >= 1 and (answer := next(answers, None)):
        endpoint, error = answer
        outcomes.append(error)
        name = f"operation {endpoint.table}"
        if error is None:
            yield Check(name, "ok", f"answered at {endpoint.path}")
        elif isinstance(error, NotPermittedError):
            refused.append(endpoint)
            yield Check(name, "note", f"not permitted (403) at {endpoint.path}")
        elif isinstance(error, NotFoundError):
            yield Check(name, "note", f"not found (404) at {endpoint.path}, a path that is {endpoint.path_source}")
        else:
            yield Check(name, "wrong", "no answer", _advice(error))
    yield from _scopes(session, known, refused)
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


def _scopes(session: Session, known: Mapping[str, Endpoint], refused: Sequence[Endpoint]) -> Iterator[Check]:
    """What the client seems to lack: by its token for every operation, else for those that were refused just now."""
    named = session.token_names_scopes
    examined = known.values() if named else refused
    lacking = {endpoint.table: scopes for endpoint in examined if (scopes := session.lacks(endpoint.any_scopes))}
    if lacking:
        scopes = list(dict.fromkeys(scope for scopes in lacking.values() for scope in scopes))
        result = f"this client seems to lack {_shortened(scopes)}, for {_shortened(list(lacking))}"
        core = [table for table in lacking if table in CORE]
        advice = f"Ask WCBS for the scopes {_shortened(scopes)}, if you need {_shortened(core or list(lacking))}."
        yield Check("scopes", "wrong" if core else "note", result, advice if core else "")
    elif named:
        yield Check("scopes", "ok", f"the token names {len(session.granted)}, which is all that is known to be needed")
    elif any(endpoint.scopes for endpoint in refused):
        yield Check("scopes", "note", f"one of {refused[0].scopes_needed} is missing; nothing tells which")


def _shortened(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return listed([*names[:_MOST_NAMED], f"{more} more"]) if more > 0 else listed(names)


def _advice(error: HubmisError) -> str:
    if isinstance(error, RateLimitError):
        return "HUBmis answered 429 (too many requests). Stop what else uses this client, and try again in an hour."
    return str(error)


def _clock(ahead: float | None) -> Check:
    if ahead is None:
        return Check("clock", "skipped", "not compared, because no response had a date")
    result = f"{abs(ahead):.0f} seconds {'ahead of' if ahead > 0 else 'behind'} the server's"
    if abs(ahead) <= CLOCK:
        return Check("clock", "ok", result)
    return Check("clock", "wrong", result, "Set this machine's clock: let the system take the time from the network.")


def _masked(text: str) -> str:
    """The two ends of a long id, enough to tell two apart, and nothing of a short one."""
    return f"{text[:2]}...{text[-2:]}" if len(text) >= 12 else "set, not shown"


def without_home(text: str, home: str | None = None) -> str:
    """A text with ``~`` for the home folder, so that it does not show the name of the user.

    Windows writes one folder in many ways: with either slash, with doubled backslashes, in any case, and with the
    short form of a long name (``ANNSMI~1``). All are replaced.
    """
    home = str(Path.home()) if home is None else home
    parts = [part for part in re.split(r"[\\/]+", home) if part]
    if not parts or re.fullmatch("[A-Za-z]:", parts[-1]):
        return text
    *folders, user = (re.escape(part) for part in parts)
    short = re.escape(re.sub(r"[^A-Za-z0-9]", "", parts[-1])[:6]) + r"~\d"
    slash = r"(?:[\\/]+|%5C|%2F)"
    named = slash.join([*folders, f"(?:{user}|{short})"])
    start = "" if re.match(r"[A-Za-z]:", home) else slash
    return re.sub(rf"{start}{named}(?![\w-]|\.\w)", "~", text, flags=re.IGNORECASE)
