"""Trying and storing the credentials that a person types; what is asked of a school to see whether it answers."""

import shlex
from collections.abc import Iterator, Mapping

from ..errors import HubmisError, NotFoundError, NotPermittedError, check_realm
from ..fetch import reading
from ..operations import CATALOGUE
from ..operations.arguments import requests_of
from ..operations.declaration import Endpoint
from ..transport import RetryPolicy, Session
from .keyring import Login, keyring_name, store_login
from .settings import BASE_URL, LOGIN, Settings, look_up, variable

CHEAP = ("genders", "countries", "academic_years")
"""Short lists without pages or children, of which most accounts may read one."""

QUICK_RETRY = RetryPolicy(connect_timeout=10, read_timeout=20, total_timeout=30, max_attempts=2, max_wait_429=0)
"""While a person waits for an answer, a second attempt is enough."""


def cheap_answers(session: Session, known: Mapping[str, Endpoint]) -> Iterator[tuple[Endpoint, HubmisError | None]]:
    """Ask for the cheap operations, one after the other; tell of each by what error it was refused."""
    for table in CHEAP:
        endpoint = known.get(table, CATALOGUE[table])
        (request,) = requests_of(endpoint, {}, lambda: None)
        try:
            session.get(request, reading(endpoint, refresh=True))
        except HubmisError as error:
            yield endpoint, error
        else:
            yield endpoint, None


def try_out(session: Session, realm: str) -> str | None:
    """Get a token and ask for one cheap operation.

    Returns
    -------
    str
        What speaks against these credentials, though the client is good; ``None`` where all is well.

    Raises
    ------
    HubmisError
        The client was refused, or HUBmis was not reached.
    """
    session.log_in()
    missing = False
    for _, error in cheap_answers(session, {}):
        if error is None:
            return None
        if not isinstance(error, NotPermittedError | NotFoundError):
            raise error
        missing = missing or isinstance(error, NotFoundError)
    if missing:
        return (
            "HUBmis took the client, but has none of the lists that were tried, at the paths that we infer. Ask WCBS "
            "for the OpenAPI file and set HUBMIS_OPENAPI to it."
        )
    return (
        f"HUBmis took the client, but permits it none of the lists that were tried in this realm. {check_realm(realm)}"
    )


def store(found: Settings) -> str:
    """Store the credentials in the system's keyring and say where that is.

    Raises
    ------
    NoKeyringError
        There is none.
    """
    store_login(Login(found.realm, found.client_id, found.client_secret, found.base_url))
    return keyring_name()


def in_environment(found: Settings) -> str:
    """Say exactly what to set where there is no keyring; the secret is asked for, so that no history keeps it."""
    values = {"realm": found.realm, "client_id": found.client_id}
    if found.base_url != BASE_URL:
        values["base_url"] = found.base_url
    power = [
        f"  [Environment]::SetEnvironmentVariable('{variable(name)}', '{value.replace(_ONE, _ONE * 2)}', 'User')"
        for name, value in values.items()
    ]
    secret = variable("client_secret")
    return "\n".join(
        [
            "In PowerShell, once; it holds from the next window on, for this user alone:",
            *power,
            f"  [Environment]::SetEnvironmentVariable('{secret}', (Read-Host 'Client secret'), 'User')",
            "",
            "In bash or zsh, in each session:",
            *(f"  export {variable(name)}={shlex.quote(value)}" for name, value in values.items()),
            f"  read -rs {secret} && export {secret}    # paste the secret and press Enter; it is not shown",
        ]
    )


def shadowed() -> list[str]:
    """The variables of the environment that go before what is stored."""
    return [variable(name) for name, found in look_up().items() if name in LOGIN and found.source == "environment"]


_ONE = "'"
