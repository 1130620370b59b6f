"""A school's settings from arguments, the environment and the keyring, and the session that they open.

Nothing is sent here.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import NoKeyringError, SettingsError
from ..files import expanded, unquoted, user_folder
from ..transport import DEFAULT_RETRY, DOCUMENTED, Cipher, Rate, RetryPolicy, Session, is_loopback
from .keyring import Login, stored_login

BASE_URL = "https://api.hubmis.com"
LOGIN = ("realm", "client_id", "client_secret")
OTHERS = ("base_url", "cache_dir", "openapi")
RATE = "HUBMIS_RATE"
_LAST_IN_HEADER = 0xFF
USUAL = ""  # the cache folder from the environment, else the user's


class Secret(str):
    """Text that tracebacks and notebooks show as ``***``."""

    def __repr__(self) -> str:
        return "Secret('***')"


class Setting(NamedTuple):
    """A setting and its source: ``argument``, ``environment``, ``keyring`` or ``default``."""

    value: str
    source: str


@dataclass(frozen=True)
class Settings:
    """All settings that one school needs."""

    realm: str
    client_id: str
    client_secret: str = field(repr=False)
    base_url: str = BASE_URL
    cache_dir: Path | None = None
    openapi: str | os.PathLike[str] | None = None


def look_up(**arguments: str | os.PathLike[str] | None) -> dict[str, Setting]:
    """Find each setting: the argument, else the environment, else the keyring, else the default.

    A setting that is found nowhere is left out. A login in the keyring belongs to one address and one client, so
    its secret is used with no other. The keyring is opened only if something is missing.
    """
    found: dict[str, Setting] = {}
    for name in (*LOGIN, *OTHERS):
        value, source = arguments.get(name), "argument"
        if value is None or (value == USUAL and name in OTHERS):
            value, source = unquoted(os.environ.get(variable(name), "")) or None, "environment"
        if value is not None and str(value).strip():
            found[name] = Setting(_hidden(name, str(value).strip()), source)
    empty = {name for name in LOGIN if arguments.get(name) is not None}  # an empty argument is a mistake
    missing = [name for name in LOGIN if name not in found and name not in empty]
    if missing and (login := login_for(found.get("base_url"))):
        found.setdefault("base_url", Setting(login.base_url, "keyring"))
        for name in missing:
            if name != "client_secret" or "client_id" not in found or found["client_id"].value == login.client_id:
                found[name] = Setting(_hidden(name, getattr(login, name)), "keyring")
    found.setdefault("base_url", Setting(BASE_URL, "default"))
    found.setdefault("cache_dir", Setting(str(user_folder("cache")), "default"))
    return found


def login_for(base_url: Setting | None) -> Login | None:
    """The login in the keyring, if it belongs to the address."""
    try:
        login = stored_login()
    except NoKeyringError:
        return None
    if login and base_url and address(base_url.value) != login.base_url:
        return None
    return login


def settings(
    realm: str | None,
    client_id: str | None,
    client_secret: str | None,
    base_url: str | None,
    cache_dir: str | os.PathLike[str] | None,  # None: in memory
    openapi: str | os.PathLike[str] | None,
) -> Settings:
    """Complete the arguments, as :func:`look_up` does, and check them. The secret is a :class:`Secret`.

    Raises
    ------
    SettingsError
        A setting is missing or cannot be used.
    """
    found = look_up(
        realm=realm,
        client_id=client_id,
        client_secret=client_secret,
        base_url=base_url,
        cache_dir=cache_dir,
        openapi=openapi,
    )
    if missing := [name for name in LOGIN if name not in found]:
        raise SettingsError(
            f"Not set: {', '.join(map(variable, missing))}. Run 'hubmis-frames login' once, or set "
            f"{'it' if len(missing) == 1 else 'them'} in the environment, or give "
            f"{', '.join(f'{name}=' for name in missing)} to hf.connect(). WCBS sends them on registration; hf.demo() "
            f"needs none.{_elsewhere(found)}"
        )
    for name in LOGIN:
        if not found[name].value.isprintable():
            raise SettingsError(
                f"{variable(name)} holds a character that cannot be sent, such as a line end. Copy it again."
            )
    if any(ord(character) > _LAST_IN_HEADER for character in found["realm"].value):
        raise SettingsError("HUBMIS_REALM holds a character that cannot be sent in a header. Copy it again.")
    return Settings(
        found["realm"].value,
        found["client_id"].value,
        found["client_secret"].value,
        address(found["base_url"].value),
        None if cache_dir is None else folder(found["cache_dir"].value),
        found["openapi"].value if "openapi" in found else None,
    )


def folder(path: str) -> Path:
    """The folder that a setting names.

    Raises
    ------
    SettingsError
        The text is no path.
    """
    try:
        if "\0" in path:
            raise ValueError
        return expanded(path)
    except (OSError, ValueError):
        raise SettingsError("HUBMIS_CACHE_DIR (or cache_dir=) is not a folder's path. Correct it.") from None


def _hidden(name: str, value: str) -> str:
    return Secret(value) if name == "client_secret" else value


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"HUBMIS_{name.upper()}"


def _elsewhere(found: Mapping[str, Setting]) -> str:
    """A sentence about a stored login that belongs to another address; empty if there is none."""
    login = login_for(None)
    if login is None or found["base_url"].value == login.base_url:
        return ""
    return f" The stored login belongs to {login.base_url} and is not sent to another address."


def address(url: str) -> str:
    """Check the address of HUBmis and return it as scheme and host. It is https unless the host is this machine."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise SettingsError(f"{_shown(url)} is not an address. An address looks like {BASE_URL}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{_shown(url)} is not an address. An address looks like {BASE_URL}.")
    if not re.fullmatch(r"[\w.:%-]+", parts.hostname):
        raise SettingsError(f"{_shown(url)} is not an address. An address looks like {BASE_URL}.")
    if parts.username or parts.password:
        raise SettingsError("The address of HUBmis takes no user name or password. Give client_id and client_secret.")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise SettingsError(f"The address of HUBmis is a host without a path, such as {BASE_URL}.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError(
            f"http://{parts.hostname} would send the secret and children's data unencrypted. Use https://; plain http "
            "is only for a server on this machine."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def open_session(
    found: Settings,
    *,
    offline: bool = False,
    cipher: Cipher | None = None,
    retry: RetryPolicy = DEFAULT_RETRY,
    rate: tuple[int, float] | Rate | None = None,
) -> Session:
    """Open the connection that the settings describe. Nothing is sent yet.

    Raises
    ------
    SettingsError
        ``rate`` or ``HUBMIS_RATE`` is not a number of requests and the seconds between further ones.
    """
    return Session(
        base_url=found.base_url,
        realm=found.realm,
        client_id=found.client_id,
        client_secret=found.client_secret,
        cache_dir=found.cache_dir,
        rate_file=rate_file(),
        offline=offline,
        cipher=cipher,
        retry=retry,
        rate=_rate(found.base_url, rate),
    )


def _rate(base_url: str, rate: tuple[int, float] | Rate | None) -> Rate:
    """The pace for an address: as asked for, else ``HUBMIS_RATE``; for HUBmis itself never faster than documented."""
    asked: Sequence[object] | Rate | None = rate
    if asked is None:
        asked = os.environ.get(RATE, "").split(",")
        if asked == [""]:
            return DOCUMENTED
    if isinstance(asked, Rate):
        asked = (asked.capacity, asked.interval)
    try:
        capacity, interval = int(asked[0]), float(asked[1])  # type: ignore[call-overload,arg-type]
    except (TypeError, ValueError, LookupError, OverflowError):
        capacity, interval = 0, 0.0
    if capacity < 1 or not 0 < interval < float("inf"):
        raise SettingsError(
            f"rate= and {RATE} are how many requests may be sent at once and after how many seconds one more, such as "
            f"({DOCUMENTED.capacity}, {DOCUMENTED.interval:g}); in the variable without brackets."
        )
    if (urlsplit(base_url).hostname or "").rstrip(".") == urlsplit(BASE_URL).hostname:
        return Rate(min(capacity, DOCUMENTED.capacity), max(interval, DOCUMENTED.interval))
    return Rate(capacity, interval)


def rate_file() -> Path:
    """The file in which all processes of this user count their requests, whichever cache they use."""
    return user_folder("state") / "rate.sqlite"


def _shown(url: str) -> str:
    return "The address given" if "@" in url else repr(url)
