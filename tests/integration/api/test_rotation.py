"""Credentials over HTTP: given scopes and rates, a new secret with grace; secrets nowhere else."""

import io
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from api.services import Services
from domain.roles import Role
from infra import logging as ours
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement

CREDENTIALS = "/api/v1/credentials"
XAPI = "/xapi/statements"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def operator(callers: dict[Role, Caller]) -> Caller:
    return callers[Role.OPERATOR]


@pytest.fixture
def log(services: Services) -> Iterator[io.StringIO]:
    """What a process logs, all of it."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, structlog.get_config()
    made = io.StringIO()
    ours.configure(services.settings.model_copy(update={"log_level": "debug"}), "test", made)
    yield made
    root.handlers[:], level, sys.excepthook, config = before
    root.setLevel(level)
    structlog.configure(**config)


def issue(operator: Caller, **more: Any) -> Caller:
    made = operator("POST", CREDENTIALS, json={"label": "x", "roles": ["tool"], **more})
    assert made.status_code == 201, made.data
    return Caller(operator.client, made.json["key"], made.json["secret"])


def listed(operator: Caller, key: str) -> Any:
    found = operator("GET", f"{CREDENTIALS}?limit=500").json["items"]
    return next(item for item in found if item["key"] == key)


def test_scopes_and_rates_are_given_and_listed(operator: Caller) -> None:
    made = issue(operator, scopes=["state", "statements/write"], rates={"requests": 100})
    shown = listed(operator, made.key)
    assert shown["scopes"] == ["state", "statements/write"]
    assert shown["rates"] == {"requests": 100.0, "statements": None}
    assert (shown["generation"], shown["old_secret_valid_until"]) == (1, None)
    assert made("GET", XAPI).status_code == 403
    assert listed(operator, issue(operator).key)["scopes"] == ["all"]


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes/0"),
        ({"roles": ["officer"], "scopes": ["all"]}, "scopes"),
        ({"rates": {"requests": -1}}, "rates/requests"),
        ({"rates": {"bytes": 1}}, "rates/bytes"),
    ],
)
def test_wrong_wishes(operator: Caller, more: dict[str, Any], pointer: str) -> None:
    refused = operator("POST", CREDENTIALS, json={"label": "x", "roles": ["tool"], **more})
    assert (refused.status_code, refused.json["pointer"]) == (400, pointer)


def test_rotation_with_grace(operator: Caller) -> None:
    old = issue(operator)
    assert old("POST", XAPI, json=statement()).status_code == 200
    address = f"{CREDENTIALS}/{old.key}/secret"
    rotated = operator("POST", address, json={"grace_seconds": 2})
    assert rotated.status_code == 200
    assert rotated.json.keys() == {"key", "secret", "old_secret_valid_until"}
    new = Caller(old.client, old.key, rotated.json["secret"])
    assert [c("GET", XAPI).status_code for c in (old, new)] == [200, 200]
    assert listed(operator, old.key)["generation"] == 2
    time.sleep(2.1)
    assert [c("GET", XAPI).status_code for c in (old, new)] == [401, 200]

    assert operator("POST", address, json={}).status_code == 200
    assert new("GET", XAPI).status_code == 401


def test_refused_rotations(operator: Caller, stranger: Caller, tool: Caller) -> None:
    gone = issue(operator)
    operator("DELETE", f"{CREDENTIALS}/{gone.key}")
    for key, status in ((gone.key, 409), ("nobody", 404), (stranger.key, 404)):
        assert operator("POST", f"{CREDENTIALS}/{key}/secret", json={}).status_code == status
    assert tool("POST", f"{CREDENTIALS}/{tool.key}/secret", json={}).status_code == 403
    address = f"{CREDENTIALS}/{gone.key}/secret"
    for grace in (-1, 1e9, "5", 1.5):
        refused = operator("POST", address, json={"grace_seconds": grace})
        assert (refused.status_code, refused.json["pointer"]) == (400, "grace_seconds")
    assert stranger("GET", XAPI).status_code == 200


def test_secrets_are_in_no_log_and_no_row(
    operator: Caller, services: Services, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where something breaks in the middle of what handles them."""
    holder = issue(operator)
    secret = operator("POST", f"{CREDENTIALS}/{holder.key}/secret", json={}).json["secret"]
    renewed = Caller(holder.client, holder.key, secret)
    form = {"data": "grant_type=client_credentials", "content_type": FORM}
    token = renewed("POST", "/oauth/token", **form).json["access_token"]

    def broken(*_: object) -> None:
        raise RuntimeError(f"{secret} {token}")

    for name in ("verify", "holder", "rotate"):
        monkeypatch.setattr(services.credentials, name, broken)
    assert renewed("POST", "/oauth/token", **form).status_code == 500
    bearer = {"Authorization": f"Bearer {token}"}
    answer = renewed("GET", XAPI, headers=bearer)
    assert (answer.status_code, secret in answer.text) == (500, False)
    key = services.lrs.key_service.secret("access tokens")
    told = log.getvalue()
    assert "RuntimeError" in told
    for hidden in (holder.secret, secret, token, key.hex(), str(key)):
        assert hidden not in told

    with services.pool.connection() as connection:
        rows = connection.execute("SELECT c::text FROM lrs.credentials c").fetchall()
    text = "".join(row[0] for row in rows)
    assert holder.key in text and holder.secret not in text and secret not in text
