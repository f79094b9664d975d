"""Who is asking: HTTP Basic credentials (RFC 7617) to a `Credential` in `g`."""

import base64
import binascii

from flask import g, request

from api.services import services
from domain.credentials import Credential
from domain.errors import Unauthenticated

CHALLENGE = 'Basic realm="Kumbuka LRS", charset="UTF-8"'


def authenticate() -> Credential:
    """Returns who is asking; raises Unauthenticated for no, malformed or wrong credentials."""
    key, secret = _basic(request.headers.get("Authorization"))
    return services().credentials.verify(key, secret)


def credential() -> Credential:
    """Returns the credential of this request; only in views that require an action."""
    found = g.credential
    assert isinstance(found, Credential)
    return found


def _basic(header: str | None) -> tuple[str, str]:
    if not header:
        raise Unauthenticated("send credentials by HTTP Basic authentication")
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated("only HTTP Basic authentication is accepted")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated("the Authorization header is malformed") from None
    key, _, secret = pair.partition(":")
    if not key or not secret:
        raise Unauthenticated("the Authorization header holds no key and secret")
    return key, secret
