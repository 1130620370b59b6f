"""The login, and the key that encrypts the cache, in the system's keyring."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from ..errors import NoKeyringError, SettingsError
from ..transport import Cipher

_SERVICE, _LOGIN, _CACHE_KEY = "hubmis_frames", "login", "cache key"
_LONGEST_ENTRY = 1_280
"""How many characters the Credential Manager of Windows takes: 2,560 bytes (wincred.h), two for each."""


@dataclass(frozen=True)
class Login:
    """The credentials of one client of one school, and the only address that they are sent to."""

    realm: str
    client_id: str
    client_secret: str = field(repr=False)
    base_url: str


def keyring_name() -> str:
    """The system's name for its keyring.

    Raises
    ------
    NoKeyringError
        There is no keyring.
    """
    import keyring
    import keyring.backends.fail
    import keyring.backends.null

    with _opened():
        backend = keyring.get_keyring()
        if isinstance(backend, keyring.backends.fail.Keyring | keyring.backends.null.Keyring):
            raise NoKeyringError(_NONE)
        return str(backend.name)


def stored_login() -> Login | None:
    """Read the login; ``None`` if none is stored, or the entry is not a login of ours.

    Raises
    ------
    NoKeyringError
        There is no keyring to read.
    """
    import keyring

    with _opened(), contextlib.suppress(ValueError, TypeError):
        login = Login(**json.loads(keyring.get_password(_SERVICE, _LOGIN) or "null"))
        if all(isinstance(value, str) for value in asdict(login).values()):
            return login
    return None


def store_login(login: Login) -> None:
    """Store the login. It replaces an earlier one.

    Raises
    ------
    NoKeyringError
        There is no keyring to write.
    """
    import keyring

    keyring_name()
    entry = json.dumps(asdict(login))
    try:
        with _opened():
            keyring.set_password(_SERVICE, _LOGIN, entry)
    except NoKeyringError:
        if len(entry) <= _LONGEST_ENTRY:
            raise
        raise NoKeyringError(
            f"The system's keyring took no login of {len(entry):,} characters. That of Windows takes "
            f"{_LONGEST_ENTRY:,}: realm, client id, secret and address together."
        ) from None
    if stored_login() != login:  # some keyrings keep nothing and do not say so
        raise NoKeyringError(_NONE)


def forget_login() -> bool:
    """Remove the login and return whether there was one.

    Raises
    ------
    NoKeyringError
        There is no keyring.
    """
    import keyring

    keyring_name()
    with _opened():
        if keyring.get_password(_SERVICE, _LOGIN) is None:
            return False
        keyring.delete_password(_SERVICE, _LOGIN)
    return True


def cipher() -> Cipher:
    """Read this user's key from the keyring, or make one.

    Raises
    ------
    SettingsError
        The extra is not installed, or the system has no keyring.
    """
    try:
        import cryptography.fernet
    except ImportError:
        raise SettingsError('Encryption needs one more package: pip install -e ".[encryption]".') from None
    import keyring

    try:
        with _opened():
            key = keyring.get_password(_SERVICE, _CACHE_KEY)
            if key is None:
                key = cryptography.fernet.Fernet.generate_key().decode()
                keyring.set_password(_SERVICE, _CACHE_KEY, key)
    except NoKeyringError:
        raise NoKeyringError(
            "The system has no keyring to hold the key of the cache. Log in to a desktop session, set one up, or "
            "connect without encrypt=True."
        ) from None
    made: Cipher = cryptography.fernet.Fernet(key.encode())
    return made


_NONE = "This system has no keyring that this program may use."


@contextlib.contextmanager
def _opened() -> Iterator[None]:
    """Turn every error of a keyring into one of ours. The keyring's message is left out, as it may hold anything."""
    try:
        yield
    except SettingsError:
        raise
    except Exception as error:
        raise NoKeyringError(f"{_NONE} It answered {type(error).__name__}.") from None
