"""Signed statements: the signature is a JWS whose payload is the statement (1.0.3 Data 2.6)."""

import base64
import binascii
from itertools import pairwise
from typing import Any

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from domain.errors import Invalid
from domain.statements.equality import same

Json = dict[str, Any]

ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "RS256": hashes.SHA256(),
    "RS384": hashes.SHA384(),
    "RS512": hashes.SHA512(),
}
SECTION = "1.0.3 Data 2.6"
MEDIA_TYPE = "application/octet-stream"


def verify(signature: bytes, statement: Json, attachment: Json, pointer: str) -> None:
    """Raises `Invalid` unless `signature` signs `statement`.

    The algorithm must be RS256, RS384 or RS512; the payload must be the statement without its
    signature; with an x5c header each certificate must be signed by the next, and the first must
    have made the signature. Whether the chain's end is trusted is the reader's to decide.
    """
    if attachment["contentType"] != MEDIA_TYPE:
        raise _refusal(f"{pointer}/contentType", f"a signature's contentType is {MEDIA_TYPE}")
    try:
        signed, _, made = signature.strip().rpartition(b".")
        header, payload = (orjson.loads(_decoded(part)) for part in signed.split(b"."))
        seal = _decoded(made)
    except (ValueError, binascii.Error):
        raise _refusal(pointer, "not a JWS in compact serialization with a JSON payload") from None
    algorithm = header.get("alg") if isinstance(header, dict) else None
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise _refusal(pointer, f"signed with {algorithm}: use {', '.join(ALGORITHMS)}")
    if not isinstance(payload, dict) or not _signs(payload, statement):
        raise _refusal(pointer, "the signed payload is not this statement")
    if "x5c" in header:
        _verify_chain(signed, seal, ALGORITHMS[algorithm], header["x5c"], pointer)


def _decoded(part: bytes) -> bytes:
    """Returns what base64url without its padding holds (RFC 7515, 2)."""
    return base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _signs(payload: Json, statement: Json) -> bool:
    try:
        return same(payload, statement)
    except (KeyError, TypeError, AttributeError, ValueError):
        return False


def _verify_chain(
    signed: bytes, seal: bytes, algorithm: hashes.HashAlgorithm, chain: Any, pointer: str
) -> None:
    try:
        certificates = [x509.load_der_x509_certificate(base64.b64decode(c)) for c in chain]
        for certificate, issuer in pairwise(certificates):
            certificate.verify_directly_issued_by(issuer)
        key = certificates[0].public_key()
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, IndexError):
        raise _refusal(pointer, "the certificates of x5c do not sign each other") from None
    if not isinstance(key, RSAPublicKey):
        raise _refusal(pointer, "the first certificate of x5c holds no RSA key")
    try:
        key.verify(seal, signed, PKCS1v15(), algorithm)
    except InvalidSignature:
        raise _refusal(pointer, "the first certificate of x5c did not make the signature") from None


def _refusal(pointer: str, detail: str) -> Invalid:
    return Invalid(pointer, "signature", detail, SECTION)
