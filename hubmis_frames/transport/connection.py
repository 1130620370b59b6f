"""Connections that carry one request each.

What a server sends beyond its answer (a second answer, a body after a 204) can then never be read as the answer to
another request. HUBmis lets one request through every five seconds, so a connection kept open would hardly be used.
"""

import http
import http.client
import ssl
from typing import Any

import truststore
import urllib3
from requests.adapters import HTTPAdapter

from .rate_limit import called_off
from .threads import Stop


class FinalResponse(http.client.HTTPResponse):
    """The answer itself, after any number of interim ones (1xx); it ends its connection."""

    def begin(self) -> None:
        """Read status and headers. The standard library skips 100 alone, and would take 103 for the answer."""
        super().begin()
        while 100 <= self.status < 200:
            if self.status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.BadStatusLine("101, which we did not ask for")
            self.headers = self.msg = None  # type: ignore[assignment]  # so that it reads on
            super().begin()
        self.will_close = True


class _OneRequest:
    """Makes any of urllib3's connections carry one request and report its socket."""

    response_class = FinalResponse
    sock: Any

    def connect(self) -> None:
        """Connect, and let whoever waits for the answer cut the connection."""
        super().connect()  # type: ignore[misc]
        stop = called_off()
        if isinstance(stop, Stop):
            stop.connected(self.sock)


class OneRequestAdapter(HTTPAdapter):
    """Sends each request over a connection of its own that trusts the certificates that the system trusts."""

    def __init__(self) -> None:
        # A school that inspects traffic installs its certificate in the system, not in Python.
        self._trust = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(pool_maxsize=16)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make connections without a proxy."""
        super().init_poolmanager(*arguments, **options, ssl_context=self._trust)
        _use_own_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> urllib3.ProxyManager:
        """Make connections through a proxy."""
        known = proxy in self.proxy_manager
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **options, ssl_context=self._trust)
        if not known:
            _use_own_connections(manager)
        return manager


def _use_own_connections(manager: Any) -> None:
    """Derive from the connections that this manager would make: plain, encrypted or through SOCKS."""
    manager.pool_classes_by_scheme = {
        scheme: type(
            pool.__name__, (pool,), {"ConnectionCls": type("Connection", (_OneRequest, pool.ConnectionCls), {})}
        )
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }
