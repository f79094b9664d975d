"""Access tokens: ours and in time are read; anything else is refused."""

import base64
import time
from uuid import UUID

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from domain.credentials import Credential
from domain.errors import BadToken
from domain.roles import Role
from lrs.tokens import AUDIENCE, ISSUER, KIND, Held, Tokens

KEY = bytes(range(32))
TOKENS = Tokens(KEY, 60)
HOLDER = Credential("key", UUID(int=1), "x", frozenset({Role.TOOL, Role.OFFICER}), generation=3)


def made(key: bytes = KEY, alg: str = "HS256", typ: str = KIND, **changes: object) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "key",
        "iat": now,
        "exp": now + 60,
        "scope": "all",
        "gen": 1,
        **changes,
    }
    given = {name: value for name, value in claims.items() if value is not None}
    header = {"alg": alg, "typ": typ}
    return jwt.encode(header, given, OctKey.import_key(key), algorithms=[alg])


def test_what_is_given_is_read() -> None:
    assert TOKENS.read(TOKENS.give(HOLDER)) == Held("key", 3, "all officer")
    assert TOKENS.read(made()) == Held("key", 1, "all")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "abc",
        "a.b.c",
        "é.é.é",
        "x" * 5000,
        made(key=bytes(32)),
        made(alg="HS512"),
        made(typ="JWT"),
        made(exp=int(time.time()) - 1),
        made(exp=None),
        made(iss="https://elsewhere.example"),
        made(aud="urn:other"),
        made(aud=None),
        made(sub=None),
        made(scope=None),
        made(gen=None),
        made(nbf=int(time.time()) + 1000),
    ],
)
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        TOKENS.read(token)


def test_every_altered_part_is_refused() -> None:
    header, claims, signature = TOKENS.give(HOLDER).split(".")

    def part(content: object) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")

    more = orjson.loads(base64.urlsafe_b64decode(claims + "==")) | {"scope": "all operator"}
    none = part({"alg": "none", "typ": KIND})
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    for token in (
        f"{header}.{part(more)}.{signature}",
        f"{none}.{claims}.",
        f"{none}.{claims}.{signature}",
        f"{header}.{claims}.{flipped}",
        f"{header}.{claims}.",
        f"{header}.{claims}",
    ):
        with pytest.raises(BadToken):
            TOKENS.read(token)


def test_a_token_ends() -> None:
    short = Tokens(KEY, 1)
    token = short.give(HOLDER)
    short.read(token)
    time.sleep(2.1)
    with pytest.raises(BadToken):
        short.read(token)
