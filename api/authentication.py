"""Who is asking: Basic credentials (RFC 7617) or a bearer token (RFC 6750) to a `Credential`."""

import base64
import binascii

from flask import g, request

from api.services import services
from domain.credentials import Credential
from domain.errors import BadToken, Forbidden, Unauthenticated

REALM = 'realm="Kumbuka LRS"'
BASIC = f'Basic {REALM}, charset="UTF-8"'
BEARER = f"Bearer {REALM}"


def authenticate() -> Credential:
    """Returns who is asking; raises Unauthenticated for no, malformed or wrong credentials."""
    header = request.environ.get("HTTP_AUTHORIZATION")
    if header and header[:7].lower() == "bearer ":
        g.bearer = True
        return _by_token(_scheme(header)[1])
    key, secret = basic(header)
    return services().credentials.verify(key, secret)


def credential() -> Credential:
    """Returns the credential of this request; only in views that require an action."""
    found = g.credential
    assert isinstance(found, Credential)
    return found


def basic(header: str | None) -> tuple[str, str]:
    """Returns key and secret of an Authorization header; raises Unauthenticated."""
    if not header:
        raise Unauthenticated("send credentials: HTTP Basic, or a bearer token")
    scheme, encoded = _scheme(header)
    if scheme != "basic":
        raise Unauthenticated("only HTTP Basic and bearer tokens are accepted")
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated("the Authorization header is malformed") from None
    key, _, secret = pair.partition(":")
    if not key or not secret:
        raise Unauthenticated("the Authorization header holds no key and secret")
    return key, secret


def challenges(error: Exception) -> list[str]:
    """Returns the WWW-Authenticate headers of a refusal (RFC 6750, 3): how to be let in."""
    if isinstance(error, BadToken):
        return [BASIC, f'{BEARER}, error="invalid_token", error_description="{error}"']
    if isinstance(error, Unauthenticated):
        return [BASIC, BEARER]
    if isinstance(error, Forbidden) and "bearer" in g and "lacking" in g:
        return [f'{BEARER}, error="insufficient_scope", scope="{g.lacking}"']
    return []


def _by_token(token: str) -> Credential:
    held = services().tokens.read(token)
    try:
        holder = services().credentials.holder(held.key, held.generation)
    except Unauthenticated:
        raise BadToken("the credential of this token was revoked or rotated") from None
    return holder.narrowed(held.scope)


def _scheme(header: str) -> tuple[str, str]:
    scheme, _, rest = header.partition(" ")
    return scheme.lower(), rest.strip()
