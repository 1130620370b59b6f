"""What is kept where the system keeps passwords: the login, and the key that encrypts the cache."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from ..errors import NoKeyringError, SettingsError
from ..transport import Cipher

_SERVICE, _LOGIN, _CACHE_KEY = "hubmis_frames", "login", "cache key"


@dataclass(frozen=True)
class Login:
    """One client of one school, and the address it belongs to: it is sent nowhere else."""

    realm: str
    client_id: str
    client_secret: str = field(repr=False)
    base_url: str


def keyring_name() -> str:
    """What the system calls its keyring.

    Raises
    ------
    NoKeyringError
        There is none.
    """
    import keyring
    import keyring.backends.fail
    import keyring.backends.null

    with _opened():
        found = keyring.get_keyring()
        if isinstance(found, keyring.backends.fail.Keyring | keyring.backends.null.Keyring):
            raise NoKeyringError(_NONE)
        return str(found.name)


def stored_login() -> Login | None:
    """Read the login; ``None`` where none is stored, or what is stored is no login of ours.

    Raises
    ------
    NoKeyringError
        There is no keyring to read.
    """
    import keyring

    with _opened(), contextlib.suppress(ValueError, TypeError):
        return Login(**json.loads(keyring.get_password(_SERVICE, _LOGIN) or "null"))
    return None


def store_login(login: Login) -> None:
    """Store the login, in the place of an earlier one.

    Raises
    ------
    NoKeyringError
        There is no keyring to write.
    """
    import keyring

    keyring_name()
    with _opened():
        keyring.set_password(_SERVICE, _LOGIN, json.dumps(asdict(login)))
    if stored_login() != login:  # a keyring that keeps nothing says nothing
        raise NoKeyringError(_NONE)


def forget_login() -> bool:
    """Remove the login; tell whether there was one.

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
    """Open the key of this user, or make one.

    Raises
    ------
    SettingsError
        The extra is not installed, or the system has no keyring.
    """
    try:
        import cryptography.fernet
    except ImportError:
        raise SettingsError("Encryption takes one more package: pip install 'hubmis-frames[encryption]'.") from None
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
    """A backend is the system's or a plugin: whatever it raises, it cannot be used, and its words may hold anything."""
    try:
        yield
    except SettingsError:
        raise
    except Exception as error:
        raise NoKeyringError(f"{_NONE} It answered {type(error).__name__}.") from None
