"""Addresses: what part of one may be shown, which proxy it goes through, and whether it is this machine."""

import ipaddress
from urllib.parse import urlsplit

import requests


def place(url: str | None) -> str:
    """The part of a URL that a message may show: its path, without the query."""
    return urlsplit(url or "").path


def server_of(url: str) -> str:
    """The server of a URL as a message may show it, without path and query."""
    parts = urlsplit(url)
    return shown_address(f"{parts.scheme}://{parts.netloc}")


def is_same_server(url: str, base_url: str) -> bool:
    """Whether a URL leads to the server of another: the same scheme, host and port, and no user name."""
    one, other = urlsplit(url), urlsplit(base_url)
    return (one.scheme, one.netloc.lower()) == (other.scheme, other.netloc.lower())


def proxy_for(url: str) -> str | None:
    """The proxy through which an address is asked, as it may be shown; ``None`` without one."""
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    return shown_address(proxy) if proxy else None


def shown_address(url: str) -> str:
    """An address without user name and password, or a fixed text if it is unclear where these end."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        return "no address"
    # A slash, a question mark or a hash in a password would seem to end the host.
    if not parts.hostname or "@" in parts.path + parts.query + parts.fragment:
        return "an address that is not shown, as it may hold a password"
    return f"{parts.scheme}://".removeprefix("://") + parts.netloc.rpartition("@")[2] + parts.path


def is_loopback(host: str) -> bool:
    """Whether a host is the loopback of this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
