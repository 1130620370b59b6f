"""The key that encrypts the cache, kept where the system keeps passwords."""

from .errors import SettingsError
from .http import Cipher

_SERVICE, _NAME = "hubmis_frames", "cache key"


def cipher() -> Cipher:
    """Open the key of this user, or make one.

    Raises
    ------
    SettingsError
        The extra is not installed, or the system has no keyring.
    """
    try:
        import cryptography.fernet
        import keyring
        import keyring.errors
    except ImportError:
        raise SettingsError("Encryption takes two more packages: pip install 'hubmis-frames[encryption]'.") from None
    try:
        key = keyring.get_password(_SERVICE, _NAME)
        if key is None:
            key = cryptography.fernet.Fernet.generate_key().decode()
            keyring.set_password(_SERVICE, _NAME, key)
    except keyring.errors.KeyringError:
        raise SettingsError(
            "The system has no keyring to hold the key of the cache. Log in to a desktop session, set one up, or "
            "connect without encrypt=True."
        ) from None
    made: Cipher = cryptography.fernet.Fernet(key.encode())
    return made
