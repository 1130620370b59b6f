"""Sentences that say what broke and what to do next. No library's own message: it may hold a URL or a password."""

from collections.abc import Set

import requests

from ..errors import NotFoundError, NotPermittedError, RefusedError
from ..request import Request, Scopes, listed, scopes_in_words
from .addresses import proxy_for, server_of


def broken_connection(error: Exception, where: str, url: str) -> str:
    """Say why no whole answer arrived, and through which proxy it was asked."""
    proxy = proxy_for(url)
    through = f" It was asked through the proxy {proxy} (HTTPS_PROXY, or the system's settings): is that the right one?"
    return _reason(error, where, url) + (through if proxy else "")


def _reason(error: Exception, where: str, url: str) -> str:
    text = str(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return f"The proxy did not let the request through at {where}. Check the settings HTTPS_PROXY and NO_PROXY."
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"The certificate of the server was not accepted at {where}. If the school's network inspects traffic, "
            "ask for its root certificate, and install it in the system or name its file in REQUESTS_CA_BUNDLE."
        )
    if isinstance(error, requests.Timeout | TimeoutError):
        return f"No whole answer arrived in time at {where} of {server_of(url)}."
    if "NameResolution" in text or "getaddrinfo" in text:
        return f"The name of the server was not found: {server_of(url)}. Check the network and HUBMIS_BASE_URL."
    if "refused" in text:
        return f"{server_of(url)} refused the connection. Check the network, the proxy and HUBMIS_BASE_URL."
    return f"The connection to {server_of(url)} broke before the answer was complete at {where}."


def unusable_setting(error: Exception) -> str:
    """Say which setting of the environment keeps requests from being sent."""
    if "certificate" in str(error):
        return (
            "The file of certificates that REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) names is not there or cannot be "
            "read. Correct the variable, or remove it: without it, what the system trusts is trusted."
        )
    return (
        f"The request could not be sent ({type(error).__name__}). Check the settings HTTPS_PROXY, HTTP_PROXY and "
        "ALL_PROXY: a proxy looks like http://host:port."
    )


SENT_BY_THE_NETWORK = (
    "perhaps a filter, a proxy or a sign-in page of the network sent it. Check HUBMIS_BASE_URL, and ask who runs the "
    "network to let requests to HUBmis through."
)


def not_from_hubmis(status: int, where: str) -> str:
    """Say that something on the way to HUBmis answered in its place."""
    if 300 <= status < 400:
        return (
            f"The answer at {where} is a redirect (status {status}) that HUBmis itself would not send. Perhaps the "
            "network wants you to sign in first. Check the network and HUBMIS_BASE_URL."
        )
    return f"The answer at {where} has status {status} and does not seem to come from HUBmis: {SENT_BY_THE_NETWORK}"


def server_fault(status: int, where: str, is_page: bool) -> str:
    """Say that HUBmis is in trouble; a web page may also come from the network."""
    if is_page:
        page = f"The answer at {where} is a web page with status {status}."
        return f"{page} Either HUBmis has a fault, or {SENT_BY_THE_NETWORK}"
    return f"HUBmis answered {status} (a fault on its side) at {where}."


def too_many_requests(waited: float, where: str) -> str:
    """Say that answers 429 did not end."""
    minutes = f" for {waited / 60:.0f} minutes" if waited else ""
    return (
        f"HUBmis has answered 429 (too many requests){minutes} at {where}. Another program may use the same client: "
        "stop it, or try again later. What was fetched is kept in the cache."
    )


def lacking(scopes: Scopes, granted: Set[str], *, all_known: bool) -> list[str]:
    """The scopes that a client seems to lack for an operation that was refused: the fewest, by what it has."""
    ways = [[scope for scope in way if scope not in granted] for way in scopes]
    fewest = min(ways, key=len, default=[])
    # Nothing tells which of several it is, unless the client is known to have some of them.
    told = all_known or any(scope in granted for way in scopes for scope in way)
    return fewest if told or sum(map(len, scopes)) == 1 else []


def _about_scopes(request: Request, granted: Set[str], all_known: bool) -> str:
    if not request.scopes:
        return "Ask who manages HUBmis at the school for the scope."
    one = sum(map(len, request.scopes)) == 1
    needed = f"It takes the scope{'' if one else 's'} {scopes_in_words(request.scopes)}."
    missing = lacking(request.scopes, granted, all_known=all_known)
    if missing:
        seems = f" This client seems to lack {listed(missing)}." if not one else ""
        advice = f"{seems} Ask who manages HUBmis at the school for {'it' if len(missing) == 1 else 'them'}."
    elif all_known:
        advice = " This client has what it takes, so perhaps not in this realm: ask WCBS."
    else:
        advice = " Ask who manages HUBmis at the school which of them this client has."
    return f"{needed}{advice}{f' {request.hint}' if request.hint else ''}"


def refused_token(where: str) -> str:
    """Say that new tokens are refused."""
    return (
        f"HUBmis refused a token that it had just issued, at {where}. Check that the realm belongs to this client, "
        "that the clock of this machine is right, and that no other program uses the same client."
    )


def refusal(
    status: int, request: Request, granted: Set[str], *, all_known: bool
) -> NotPermittedError | NotFoundError | RefusedError:
    """The error for an answer of HUBmis whose status is not 200.

    ``granted`` are scopes that the client has; ``all_known`` says that it has no others.
    """
    where = request.path
    if status == 403:
        return NotPermittedError(
            f"HUBmis does not permit this account to read {where}. {_about_scopes(request, granted, all_known)} It "
            "does not mean that there are no rows."
        )
    if status == 404:
        return NotFoundError(
            f"HUBmis knows no {where}. Either there is no such record, or the path, which may be inferred, is wrong: "
            "give the vendor's OpenAPI file."
        )
    if status < 300:
        return RefusedError(
            f"HUBmis answered {where} with status {status} in place of 200, so there is nothing to read. Tell the "
            "vendor.",
            status,
        )
    if status < 400:
        return RefusedError(
            f"HUBmis redirects {where} elsewhere, which we do not follow. Check HUBMIS_BASE_URL.", status
        )
    # Only the sort is shown of what was asked: it is the name of a field, while a search can be a child's name.
    sorts = [f"{name}={value}" for name, value in request.query if name.casefold().startswith("sort")]
    check = "Check the arguments."
    if sorts:
        check = (
            f"Check the sort first, which was sent as {sorts[0]}: help() of the loader shows the columns, but a server "
            "may not sort by all of them. Or leave it out, and sort the frame: .sort_values(...)."
        )
    return RefusedError(f"HUBmis refused the request at {where} with status {status}. {check}", status)
