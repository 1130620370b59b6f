"""Where a school's settings come from: arguments, else the environment. Nothing here sends anything."""

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from .errors import SettingsError

BASE_URL = "https://api.hubmis.com"
USUAL = ""  # the cache folder of the environment, else of the user


class Secret(str):
    """Text that does not show itself where a traceback or a notebook shows variables."""

    def __repr__(self) -> str:
        return "Secret('***')"


@dataclass(frozen=True)
class Settings:
    """What it takes to reach one school."""

    realm: str
    client_id: str
    client_secret: str = field(repr=False)
    base_url: str = BASE_URL
    cache_dir: Path | None = None
    openapi: str | os.PathLike[str] | None = None


def settings(
    realm: str | None,
    client_id: str | None,
    client_secret: str | None,
    base_url: str | None,
    cache_dir: str | os.PathLike[str] | None,  # None: in memory
    openapi: str | os.PathLike[str] | None,
) -> Settings:
    """Complete the arguments from the environment and check them. The secret comes as a :class:`Secret`.

    Raises
    ------
    SettingsError
        A setting is missing or cannot be used.
    """
    given = {"HUBMIS_REALM": realm, "HUBMIS_CLIENT_ID": client_id, "HUBMIS_CLIENT_SECRET": client_secret}
    found = {
        name: Secret(str(os.environ.get(name, "") if value is None else value).strip()) for name, value in given.items()
    }
    if missing := [name for name, value in found.items() if not value]:
        raise SettingsError(
            f"Not set: {', '.join(missing)}. Set {'it' if len(missing) == 1 else 'them'} in the environment, or give "
            f"{', '.join(name.removeprefix('HUBMIS_').lower() + '=' for name in missing)} to hf.connect(). WCBS sends "
            "them on registration; hf.demo() needs none."
        )
    for name, value in found.items():
        if not value.isprintable():
            raise SettingsError(f"{name} holds a character that cannot be sent, such as a line end. Copy it again.")
    place: str | os.PathLike[str] = (
        cache_dir or os.environ.get("HUBMIS_CACHE_DIR") or platformdirs.user_cache_path("hubmis_frames")
    )
    return Settings(
        str(found["HUBMIS_REALM"]),
        str(found["HUBMIS_CLIENT_ID"]),
        found["HUBMIS_CLIENT_SECRET"],
        address(base_url or os.environ.get("HUBMIS_BASE_URL") or BASE_URL),
        None if cache_dir is None else Path(place).expanduser(),
        openapi or os.environ.get("HUBMIS_OPENAPI") or None,
    )


def address(url: str) -> str:
    """Check the address of HUBmis: scheme and host, https unless the host is this machine."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise SettingsError(f"{_shown(url)} is not an address. An address looks like {BASE_URL}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{_shown(url)} is not an address. An address looks like {BASE_URL}.")
    if parts.username or parts.password:
        raise SettingsError("The address of HUBmis takes no user name or password. Give client_id and client_secret.")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise SettingsError(f"The address of HUBmis is a host without a path, such as {BASE_URL}.")
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise SettingsError(
            f"http://{parts.hostname} would send the secret and children's data unencrypted. Use https://; plain http "
            "is for a server on this machine alone."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def rate_file() -> Path:
    """The file in which all processes of this user count requests, whatever cache they use."""
    return platformdirs.user_state_path("hubmis_frames") / "rate.sqlite"


def is_this_machine(host: str) -> bool:
    """Whether a host is the loopback of this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(url: str) -> str:
    return "The address given" if "@" in url else repr(url)
