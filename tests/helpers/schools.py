"""How tests serve a simulated school: a limit that is not felt, quick retries, and a keyring of their own."""

import keyring.backend

from hubmis_frames.transport import RetryPolicy

SECRET = "demo-secret"
GENEROUS = {"capacity": 1_000_000, "refill_seconds": 0.001}
QUICK = RetryPolicy(connect_timeout=20, read_timeout=20, total_timeout=20, first_delay=0.01, max_wait_429=5)


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that ends with the test."""

    priority = 1
    name = "memory keyring"

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]
