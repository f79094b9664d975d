"""What the store needs of a key-encryption service, whatever keeps the keys: file, HSM or KMS."""

from typing import Protocol


class KeyService(Protocol):
    """Wraps data keys, and holds the few secrets that index and sign."""

    def wrap(self, key: bytes, context: bytes) -> tuple[int, bytes]:
        """Returns the current KEK's id and the wrapped key, bound to `context`."""

    def unwrap(self, kek_id: int, wrapped: bytes, context: bytes) -> bytes:
        """Returns the key; raises `KeyError` for an unknown KEK, `InvalidTag` otherwise."""

    def secret(self, purpose: str) -> bytes:
        """Returns 32 bytes that are the same for ever for `purpose`, and of no use for another."""
