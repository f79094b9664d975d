"""Access tokens over HTTP: given, shown, narrowed, refused, ended (RFC 6749, 6750)."""

import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey
from werkzeug.test import TestResponse

from api.services import Services
from domain.roles import Role
from domain.scopes import Scope
from lrs.settings import Settings
from lrs.tokens import Tokens
from tests.integration.api.conftest import Caller, basic
from tests.integration.api.statements import statement

XAPI = "/xapi/statements"
GRANT = {"grant_type": "client_credentials"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def pair(services: Services, institution: UUID) -> tuple[str, str]:
    """A credential of its own for each test."""
    return services.credentials.issue(
        institution, "a client", [Role.TOOL, Role.ANALYST], [Scope.WRITE, Scope.READ]
    )


def ask(client: FlaskClient, pair: tuple[str, str] | None, **form: str) -> TestResponse:
    headers = {"Authorization": basic(*pair)} if pair else {}
    return client.post("/oauth/token", data=urlencode(form), content_type=FORM, headers=headers)


def get_token(client: FlaskClient, pair: tuple[str, str], **form: str) -> str:
    response = ask(client, pair, **GRANT, **form)
    assert response.status_code == 200, response.data
    token: str = response.json["access_token"]
    return token


def bearing(client: FlaskClient, token: str, method: str, path: str, **given: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}", "X-Experience-API-Version": "2.0.0"}
    return client.open(path, method=method, headers=headers, **given)


def test_a_token_opens_what_its_credential_does(client: FlaskClient, pair: tuple[str, str]) -> None:
    given = ask(client, pair, **GRANT)
    assert given.json.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (given.json["token_type"], given.json["expires_in"]) == ("Bearer", 600)
    assert given.json["scope"] == "statements/read statements/write analyst"
    assert given.headers["Cache-Control"] == "no-store"
    assert pair[1] not in given.text
    token = given.json["access_token"]
    one = statement()
    assert bearing(client, token, "POST", XAPI, json=one).status_code == 200
    stored = bearing(client, token, "GET", f"{XAPI}?statementId={one['id']}").json
    assert stored["authority"]["account"]["name"] == pair[0]
    assert bearing(client, token, "GET", "/api/v1/credentials").status_code == 403


def test_secrets_may_stand_in_the_form(client: FlaskClient, pair: tuple[str, str]) -> None:
    given = ask(client, None, **GRANT, client_id=pair[0], client_secret=pair[1])
    assert given.status_code == 200


def test_a_token_may_ask_for_less(client: FlaskClient, pair: tuple[str, str]) -> None:
    token = get_token(client, pair, scope="statements/write statements/read/mine")
    assert bearing(client, token, "POST", XAPI, json=statement()).status_code == 200
    assert bearing(client, token, "GET", XAPI).status_code == 200
    refused = bearing(client, token, "GET", "/xapi/activities?activityId=https://a.example/")
    assert refused.status_code == 403
    challenge = refused.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer realm=")
    assert 'error="insufficient_scope"' in challenge and 'scope="statements/read"' in challenge
    people = bearing(client, token, "GET", "/api/v1/credentials")
    assert (people.status_code, people.content_type) == (403, "application/problem+json")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "unsupported_grant_type"),
        (GRANT | {"scope": "all"}, 400, "invalid_scope"),
        (GRANT | {"scope": "state"}, 400, "invalid_scope"),
        (GRANT | {"scope": "everything"}, 400, "invalid_scope"),
        (GRANT | {"scope": "operator"}, 400, "invalid_scope"),
        (GRANT | {"client_secret": "twice"}, 400, "invalid_request"),
        (GRANT | {"client_id": "another"}, 400, "invalid_request"),
    ],
)
def test_refused_grants(
    client: FlaskClient, pair: tuple[str, str], form: dict[str, str], status: int, error: str
) -> None:
    refused = ask(client, pair, **form)
    assert (refused.status_code, refused.json["error"]) == (status, error)
    assert refused.json["error_description"] and refused.content_type == "application/json"
    assert refused.headers["Cache-Control"] == "no-store"


def test_refused_clients(client: FlaskClient, pair: tuple[str, str]) -> None:
    key, _ = pair
    for response in (
        ask(client, None, **GRANT),
        ask(client, (key, "wrong"), **GRANT),
        ask(client, ("nobody", "wrong"), **GRANT),
        ask(client, None, **GRANT, client_id=key, client_secret="wrong"),
        ask(client, None, **GRANT, client_id=key),
    ):
        assert (response.status_code, response.json["error"]) == (401, "invalid_client")
        assert response.headers["WWW-Authenticate"].startswith("Basic realm=")


def test_malformed_requests(client: FlaskClient, pair: tuple[str, str]) -> None:
    headers = {"Authorization": basic(*pair)}
    for data, content_type in (
        ("grant_type=client_credentials&grant_type=client_credentials", FORM),
        ("grant_type", FORM),
        (b"\xff=\xff", FORM),
        ('{"grant_type": "client_credentials"}', "application/json"),
    ):
        refused = client.post("/oauth/token", data=data, content_type=content_type, headers=headers)
        assert (refused.status_code, refused.json["error"]) == (400, "invalid_request")
    assert client.get("/oauth/token", headers=headers).status_code == 405


def forged(services: Services, key: str, **changes: Any) -> str:
    """Returns a token signed with the real key, but for the changes."""
    now = int(time.time())
    claims = {"iss": "urn:kumbuka:lrs", "aud": "urn:kumbuka:lrs", "sub": key, "gen": 1}
    claims |= {"iat": now, "exp": now + 60, "scope": "statements/read", **changes}
    secret = OctKey.import_key(services.lrs.key_service.secret("access tokens"))
    return jwt.encode({"alg": "HS256", "typ": "at+jwt"}, claims, secret)


def test_wrong_tokens_401(client: FlaskClient, services: Services, pair: tuple[str, str]) -> None:
    key, _ = pair
    token = get_token(client, pair)
    assert bearing(client, forged(services, key), "GET", XAPI).status_code == 200
    head, claims, signature = token.split(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    for wrong in (
        "",
        "abc",
        token + "x",
        f"{head}.{claims}.{flipped}",
        f"{head}.{claims[:-2]}.{signature}",
        forged(services, key, aud="urn:other"),
        forged(services, key, iss="urn:other"),
        forged(services, key, exp=int(time.time()) - 1),
        forged(services, key, gen=2),
        forged(services, key, gen=0),
        forged(services, "nobody"),
        Tokens(bytes(32), 60).give(services.credentials.verify(*pair)),
    ):
        for path in (XAPI, "/api/v1/credentials"):
            refused = bearing(client, wrong, "GET", path)
            assert refused.status_code == 401, wrong
            challenges = refused.headers.getlist("WWW-Authenticate")
            assert any('error="invalid_token"' in challenge for challenge in challenges)


def test_no_credentials_tell_of_both_ways(client: FlaskClient) -> None:
    refused = client.get(XAPI, headers={"X-Experience-API-Version": "2.0.0"})
    assert [c.split(" ")[0] for c in refused.headers.getlist("WWW-Authenticate")] == [
        "Basic",
        "Bearer",
    ]
    assert not any("error=" in c for c in refused.headers.getlist("WWW-Authenticate"))


def test_a_token_is_no_client(client: FlaskClient, pair: tuple[str, str]) -> None:
    headers = {"Authorization": f"Bearer {get_token(client, pair)}"}
    refused = client.post("/oauth/token", data=urlencode(GRANT), content_type=FORM, headers=headers)
    assert (refused.status_code, refused.json["error"]) == (401, "invalid_client")


def test_revoking_ends_tokens(
    client: FlaskClient, services: Services, institution: UUID, pair: tuple[str, str]
) -> None:
    token = get_token(client, pair)
    assert bearing(client, token, "GET", XAPI).status_code == 200
    services.credentials.revoke(institution, pair[0])
    assert bearing(client, token, "GET", XAPI).status_code == 401
    assert ask(client, pair, **GRANT).status_code == 401


def test_rotating_ends_tokens_of_the_old_secret_after_its_grace(
    client: FlaskClient, services: Services, institution: UUID, pair: tuple[str, str]
) -> None:
    old = get_token(client, pair)
    secret, _ = services.credentials.rotate(institution, pair[0], 2)
    late = get_token(client, pair)  # the old secret, within its grace
    new = get_token(client, (pair[0], secret))
    assert [bearing(client, t, "GET", XAPI).status_code for t in (old, late, new)] == [200] * 3
    time.sleep(2.1)
    assert [bearing(client, t, "GET", XAPI).status_code for t in (old, late, new)] == [
        401,
        401,
        200,
    ]


@pytest.fixture(scope="module")
def elsewhere(settings: Settings) -> Iterator[Services]:
    """Another process over the same database and keys."""
    made = Services(settings)
    yield made
    made.close()


def test_every_process_reads_the_tokens_of_all(
    client: FlaskClient, elsewhere: Services, pair: tuple[str, str]
) -> None:
    held = elsewhere.tokens.read(get_token(client, pair))
    assert elsewhere.credentials.holder(held.key, held.generation).key == pair[0]


def test_health_shows_positions_to_an_operators_token(
    client: FlaskClient, callers: dict[Role, Caller]
) -> None:
    operator = callers[Role.OPERATOR]
    token = get_token(client, (operator.key, operator.secret))
    found = bearing(client, token, "GET", "/health/ready").json["parts"]
    assert "position" in found["postgres"]


def test_the_alternate_syntax_takes_tokens(client: FlaskClient, pair: tuple[str, str]) -> None:
    form = urlencode(
        {
            "Authorization": f"Bearer {get_token(client, pair)}",
            "X-Experience-API-Version": "1.0.3",
            "limit": "1",
        }
    )
    found = client.post(f"{XAPI}?method=GET", data=form, content_type=FORM)
    assert found.status_code == 200


def test_secrets_of_any_shape_401(client: FlaskClient) -> None:
    for raw in (b"\xff\xfe:x", b":", b"a:", b":b", b"a", "é:é".encode()):
        header = {"Authorization": "Basic " + b64encode(raw).decode()}
        refused = client.post(
            "/oauth/token", data=urlencode(GRANT), content_type=FORM, headers=header
        )
        assert refused.status_code == 401
