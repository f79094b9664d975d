"""Cursors: where the next page of a list starts, sealed so that nobody can read or alter one.

Sealed and not only signed: a cursor of the statements resource carries the query, and a query may
name a person, who must not appear in the access logs that addresses end up in.
"""

import base64
import binascii
import hashlib
import os
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Invalid

NONCE = 12


class Cursors:
    """Seals and opens cursors under a key that every API process of a deployment shares."""

    def __init__(self, key: bytes, epoch: int = 0) -> None:
        self._key = key
        self._epoch = epoch
        self._aead = AESGCM(hashlib.sha256(b"kumbuka cursors v1" + key).digest())

    def at(self, epoch: int) -> "Cursors":
        """Returns the cursors of an institution that has moved so often: it began a new log."""
        return self if epoch == self._epoch else Cursors(self._key, epoch)

    def seal(self, value: Any, purpose: str, institution: UUID) -> str:
        """Returns `value` (JSON) as an opaque, URL-safe token for this list and institution."""
        nonce = os.urandom(NONCE)
        place = _place(purpose, institution, self._epoch)
        box = self._aead.encrypt(nonce, orjson.dumps(value), place)
        return base64.urlsafe_b64encode(nonce + box).decode().rstrip("=")

    def open(self, token: str, purpose: str, institution: UUID) -> Any:
        """Returns the value; raises Invalid when it was not sealed here for the same place.

        One from before the institution moved counts positions of another log: that is told apart.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise Invalid("cursor", "cursor", "not a cursor of this list") from None
        for epoch in range(self._epoch, -1, -1):
            try:
                place = _place(purpose, institution, epoch)
                opened = orjson.loads(self._aead.decrypt(raw[:NONCE], raw[NONCE:], place))
            except (ValueError, InvalidTag):
                continue
            if epoch < self._epoch:
                detail = "the institution was moved since: begin this list anew"
                raise Invalid("cursor", "moved", detail)
            return opened
        raise Invalid("cursor", "cursor", "not a cursor of this list")


def _place(purpose: str, institution: UUID, epoch: int) -> bytes:
    moved = epoch.to_bytes(4, "big") if epoch else b""
    return purpose.encode() + b"\0" + institution.bytes + moved
