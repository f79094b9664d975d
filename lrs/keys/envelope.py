"""Boxes: ciphertext that names its key and is bound to its place.

A box is key id (16 bytes), length of the rest (4), nonce (12), AES-256-GCM ciphertext and tag.
Moved to another event, field or institution it does not open: its place is authenticated with it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


@dataclass(frozen=True, slots=True)
class DataKey:
    """One version of the data key of a person or institution, ready for use."""

    key_id: UUID
    pseudonym: UUID
    cipher: AESGCM = field(repr=False)
    name: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.key_id.bytes)


class OpensKeys(Protocol):
    """Finds the key that a box names."""

    def open(self, key_id: UUID) -> DataKey | None:
        """Returns the key, or None where it was destroyed. Raises `UnknownKey` otherwise."""


def place(institution: UUID, originator_id: UUID, version: int, part: str) -> bytes:
    """Returns the authenticated description of where a box stands."""
    return b"".join(
        (institution.bytes, originator_id.bytes, version.to_bytes(8, "big"), part.encode())
    )


def nonces(count: int) -> Iterator[bytes]:
    """Yields so many fresh nonces, drawn at once; each is to be used for one box, now."""
    drawn = os.urandom(NONCE * count)
    return (drawn[start : start + NONCE] for start in range(0, len(drawn), NONCE))


def seal(key: DataKey, plaintext: bytes, where: bytes, nonce: bytes | None = None) -> bytes:
    """Returns a box of `plaintext` that opens only at `where`; `nonce` is one of `nonces`."""
    nonce = nonce or os.urandom(NONCE)
    ciphertext = key.cipher.encrypt(nonce, plaintext, key.name + where)
    return b"".join((key.name, (NONCE + len(ciphertext)).to_bytes(4, "big"), nonce, ciphertext))


def unseal(key: DataKey, sealed: bytes, where: bytes) -> bytes:
    """Returns what a box holds. Raises `InvalidTag` where it was changed or moved."""
    return key.cipher.decrypt(sealed[:NONCE], sealed[NONCE:], key.name + where)


def names(content: bytes, start: int = 0) -> list[bytes]:
    """Returns the ids of the keys of the boxes that stand one after another from `start`."""
    found = []
    while start < len(content):
        found.append(content[start : start + 16])
        start += 20 + int.from_bytes(content[start + 16 : start + 20], "big")
    return found


def boxes(content: bytes, start: int = 0) -> list[tuple[UUID, bytes]]:
    """Returns the boxes that stand one after another from `start`: key id, and the sealed rest."""
    found = []
    while start < len(content):
        end = start + 20 + int.from_bytes(content[start + 16 : start + 20], "big")
        found.append((_id(content[start : start + 16]), content[start + 20 : end]))
        start = end
    return found


@lru_cache(maxsize=16_384)
def _id(name: bytes) -> UUID:
    # A page names few keys, each often.
    return UUID(bytes=name)
