"""Keyed hashes: what can be looked up without being readable.

Every hash is bound to its institution, so that equal values of two institutions do not meet.
"""

import hmac
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

from lrs.keys.port import KeyService

AT_ONCE = 2047
"""Bytes that `hashlib` takes without letting go of the interpreter, which costs a thread that has
others beside it more than to hash them.
"""
MUCH = 16 * 1024
"""Bytes from which on that pays."""


class BlindIndex:
    """Hashes under secrets of the key service (privacy.md, section 4)."""

    def __init__(self, service: KeyService) -> None:
        self._pepper = hmac.new(service.secret("people:pepper:1"), digestmod="sha256")
        self._fence = hmac.new(service.secret("people:fence:1"), digestmod="sha256")
        self._terms = service.secret("terms:1")
        self._digests = service.secret("digests:1")
        self.term = lru_cache(maxsize=65536)(self.hashed)
        self._digest_key = lru_cache(maxsize=1024)(self._digest_key_of)

    def blind(self, institution: UUID, ifi: str) -> bytes:
        """Returns 32 bytes under which a person's pseudonym is found."""
        return _mac(self._pepper, institution.bytes + ifi.encode())

    def fence(self, institution: UUID, ifi: str) -> bytes:
        """Returns 32 bytes by which an erased identifier is recognised; unlike `blind`."""
        return _mac(self._fence, institution.bytes + ifi.encode())

    def hashed(self, institution: UUID, kind: str, value: str) -> UUID:
        """Returns an opaque id of `value`; `kind` keeps activities, verbs and the like apart.

        `term` is the same and remembers: for what comes again.
        """
        message = institution.bytes + kind.encode() + b"\0" + value.encode()
        return UUID(bytes=blake2b(message, key=self._terms, digest_size=16).digest())

    def digest(self, institution: UUID, content: bytes) -> bytes:
        """Returns 16 bytes that are equal for equal content, and tell nothing without the key."""
        keyed = blake2b(key=self._digest_key(institution), digest_size=16)
        step = AT_ONCE if len(content) <= MUCH else len(content)
        for start in range(0, len(content), step):
            keyed.update(content[start : start + step])
        return keyed.digest()

    def _digest_key_of(self, institution: UUID) -> bytes:
        return blake2b(self._digests + institution.bytes, digest_size=32).digest()


def _mac(keyed: hmac.HMAC, message: bytes) -> bytes:
    # `hmac.digest` lets go of the interpreter even for a few bytes.
    mac = keyed.copy()
    mac.update(message)
    return mac.digest()
