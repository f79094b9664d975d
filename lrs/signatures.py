"""Signed statements: the signature is a JWS whose payload is the statement (1.0.3 Data 2.6)."""

import base64
import binascii
from itertools import pairwise
from typing import Any

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from domain.errors import Invalid
from domain.statements.equality import same

Json = dict[str, Any]

ALGORITHMS = ["RS256", "RS384", "RS512"]
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
        parsed = jws.extract_compact(signature.strip())
        header = parsed.headers()
        payload = orjson.loads(parsed.payload)
    except (JoseError, ValueError, orjson.JSONDecodeError):
        raise _refusal(pointer, "not a JWS in compact serialization with a JSON payload") from None
    if header.get("alg") not in ALGORITHMS:
        raise _refusal(pointer, f"signed with {header.get('alg')}: use {', '.join(ALGORITHMS)}")
    if not isinstance(payload, dict) or not _signs(payload, statement):
        raise _refusal(pointer, "the signed payload is not this statement")
    if "x5c" in header:
        _verify_chain(signature, header["x5c"], pointer)


def _signs(payload: Json, statement: Json) -> bool:
    try:
        return same(payload, statement)
    except (KeyError, TypeError, AttributeError, ValueError):
        return False


def _verify_chain(signature: bytes, chain: Any, pointer: str) -> None:
    try:
        certificates = [x509.load_der_x509_certificate(base64.b64decode(c)) for c in chain]
        for certificate, issuer in pairwise(certificates):
            certificate.verify_directly_issued_by(issuer)
        public = (
            certificates[0]
            .public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        jws.deserialize_compact(signature.strip(), RSAKey.import_key(public), ALGORITHMS)
    except InvalidSignature:
        raise _refusal(pointer, "the certificates of x5c do not sign each other") from None
    except (JoseError, ValueError, TypeError, IndexError, binascii.Error) as error:
        raise _refusal(pointer, f"the signature does not verify: {error}") from None


def _refusal(pointer: str, detail: str) -> Invalid:
    return Invalid(pointer, "signature", detail, SECTION)
