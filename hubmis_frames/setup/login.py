"""Tries and stores the credentials that a person types, with cheap requests that show whether HUBmis accepts them."""

from collections.abc import Iterator, Mapping

from ..display.shell import argument, powershell_text
from ..errors import HubmisError, NotFoundError, NotPermittedError, check_realm
from ..fetch import reading
from ..operations import CATALOGUE
from ..operations.arguments import requests_of
from ..operations.declaration import Endpoint
from ..transport import RetryPolicy, Session
from .keyring import Login, keyring_name, store_login
from .settings import BASE_URL, LOGIN, Settings, look_up, variable

CHEAP = ("genders", "countries", "academic_years")
"""Short lists without pages or child tables. Most accounts may read at least one of them."""

QUICK_RETRY = RetryPolicy(connect_timeout=10, read_timeout=20, total_timeout=30, max_attempts=2, max_wait_429=0)
"""While a person waits for the result, a second attempt is enough."""


def cheap_answers(session: Session, known: Mapping[str, Endpoint]) -> Iterator[tuple[Endpoint, HubmisError | None]]:
    """Ask for the cheap operations one by one; yield each with the error that it was refused with, or ``None``."""
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
        The problem with these credentials if HUBmis accepts the client; ``None`` if all is well.

    Raises
    ------
    HubmisError
        HUBmis refused the client, or could not be reached.
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
            "HUBmis accepts the client, but has none of the lists that we tried at the paths that we infer. Ask WCBS "
            "for the OpenAPI file and set HUBMIS_OPENAPI to it."
        )
    return (
        f"HUBmis accepts the client, but does not permit it any list that we tried in this realm. {check_realm(realm)}"
    )


def store(found: Settings) -> str:
    """Store the credentials in the system's keyring and return its name.

    Raises
    ------
    NoKeyringError
        There is no keyring.
    """
    store_login(Login(found.realm, found.client_id, found.client_secret, found.base_url))
    return keyring_name()


def in_environment(found: Settings) -> str:
    """The exact commands for a machine without a keyring. They prompt for the secret, so that no history keeps it."""
    values = {"realm": found.realm, "client_id": found.client_id}
    if found.base_url != BASE_URL:
        values["base_url"] = found.base_url
    power = [
        f"  [Environment]::SetEnvironmentVariable('{variable(name)}', {powershell_text(value)}, 'User')"
        for name, value in values.items()
    ]
    secret = variable("client_secret")
    return "\n".join(
        [
            "In PowerShell, once. It takes effect in the next window, for this user only:",
            *power,
            f"  [Environment]::SetEnvironmentVariable('{secret}', (Read-Host 'Client secret'), 'User')",
            "",
            "In bash or zsh, in each session:",
            *(f"  export {variable(name)}={argument(value, windows=False)}" for name, value in values.items()),
            f"  read -rs {secret} && export {secret}    # paste the secret and press Enter; it is not shown",
        ]
    )


def shadowed() -> list[str]:
    """The environment variables that take precedence over the stored login."""
    return [variable(name) for name, setting in look_up().items() if name in LOGIN and setting.source == "environment"]
