"""Addresses: what of one may be shown, by which proxy it is asked, and whether it is this machine's own."""

import ipaddress
from urllib.parse import urlsplit

import requests


def place(url: str | None) -> str:
    """The part of a URL that may stand in a message: its path, without what was asked for."""
    return urlsplit(url or "").path


def proxy_for(url: str) -> str | None:
    """The proxy by which an address is asked, as it may be shown; ``None`` where there is none."""
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    return shown_address(proxy) if proxy else None


def shown_address(url: str) -> str:
    """An address without user name and password, and nothing of one that hides where these end."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        return "no address"
    # A password with a slash, a question mark or a hash in it would end the host's part too early.
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
