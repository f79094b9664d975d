"""Receipts: statements about the record, signed, that anybody can verify with the public key alone.

A receipt is `{"payload", "key", "signature"}`: an Ed25519 signature (RFC 8032) over the payload as
JSON with sorted keys, no spaces, in UTF-8. Payloads hold texts and whole numbers only, so that this
form is one and the same everywhere. No database is needed to verify, nor is this program.
"""

import base64
import binascii
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.errors import Invalid

PURPOSE = "receipts:1"


class Receipts:
    """Signs receipts with the key of this deployment."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> str:
        """The public key: 32 bytes in base64. Publish it where receipts are verified."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def sign(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Returns the receipt of `payload`."""
        signature = base64.b64encode(self._key.sign(_bytes(payload))).decode()
        return {"payload": payload, "key": self.public_key, "signature": signature}


def verify(receipt: Any, public_key: str) -> dict[str, Any]:
    """Returns the payload of a receipt that `public_key` (base64) signed.

    The key must come from somewhere other than the receipt. Raises `Invalid` for anything else.
    """
    try:
        payload = receipt["payload"]
        signature = base64.b64decode(receipt["signature"], validate=True)
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(signature, _bytes(payload))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Invalid("", "receipt", "this is not a receipt, or not a public key") from error
    except InvalidSignature:
        raise Invalid("/signature", "signature", "this key did not sign these words") from None
    assert isinstance(payload, dict)
    return payload


def _bytes(payload: Any) -> bytes:
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
