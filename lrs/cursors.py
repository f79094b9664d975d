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

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(hashlib.sha256(b"kumbuka cursors v1" + key).digest())

    def seal(self, value: Any, purpose: str, institution: UUID) -> str:
        """Returns `value` (JSON) as an opaque, URL-safe token for this list and institution."""
        nonce = os.urandom(NONCE)
        box = self._aead.encrypt(nonce, orjson.dumps(value), _place(purpose, institution))
        return base64.urlsafe_b64encode(nonce + box).decode().rstrip("=")

    def open(self, token: str, purpose: str, institution: UUID) -> Any:
        """Returns the value; raises Invalid when it was not sealed here for the same place."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return orjson.loads(
                self._aead.decrypt(raw[:NONCE], raw[NONCE:], _place(purpose, institution))
            )
        except (binascii.Error, ValueError, InvalidTag):
            raise Invalid("cursor", "cursor", "not a cursor of this list") from None


def _place(purpose: str, institution: UUID) -> bytes:
    return purpose.encode() + b"\0" + institution.bytes
