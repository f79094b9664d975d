"""Access tokens: what a client gets for its credential, for some minutes (RFC 6749, 4.4; RFC 9068).

A token names the credential, which of its secrets was proved, and the scope; it is signed and
holds no secret. Whether the credential still stands is asked of `lrs.verification` at each use, so
that nothing has to be remembered of tokens.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from domain.credentials import Credential
from domain.errors import BadToken

ALGORITHM = "HS256"
KIND = "at+jwt"
ISSUER = AUDIENCE = "urn:kumbuka:lrs"
LONGEST = 4096


@dataclass(frozen=True)
class Held:
    """What a token says: the credential's key, the number of its secret, and the scope."""

    key: str
    generation: int
    scope: str


class Tokens:
    """Gives and reads tokens under a key that every API process of a deployment shares."""

    def __init__(self, key: bytes, lifetime: int) -> None:
        self._key = OctKey.import_key(key)
        self.lifetime = lifetime

    def give(self, credential: Credential) -> str:
        """Returns a token for all that `credential` reaches, good for `lifetime` seconds."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": credential.key,
            "client_id": credential.key,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": secrets.token_urlsafe(12),
            "scope": credential.scope,
            "gen": credential.generation,
        }
        header = {"alg": ALGORITHM, "typ": KIND}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])

    def read(self, token: str) -> Held:
        """Returns what the token says; raises BadToken unless it was given here and is not over."""
        if len(token) > LONGEST:
            raise BadToken("this is no access token")
        try:
            read = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            _RULES.validate(read.claims)
        except (JoseError, ValueError):
            raise BadToken("this access token is not valid, or over") from None
        if read.header.get("typ") != KIND:
            raise BadToken("this is no access token")
        claims: dict[str, Any] = read.claims
        return Held(claims["sub"], claims["gen"], claims["scope"])


_RULES = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": AUDIENCE},
    exp={"essential": True},
    sub={"essential": True},
    scope={"essential": True},
    gen={"essential": True},
)
