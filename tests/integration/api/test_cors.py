"""Browsers: preflights pass without credentials, answers can be read, pages cannot."""

from uuid import UUID

import pytest
from flask import Flask

from api.app import create_app
from api.services import Services
from lrs.settings import Settings
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement

ORIGIN = {"Origin": "https://content.example"}
XAPI = "/xapi/statements"


@pytest.mark.parametrize(
    "path",
    [XAPI, "/xapi/about", "/xapi/activities/state", "/xapi/statements/more/abc", "/oauth/token"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_preflights_need_nothing(app: Flask, path: str, method: str) -> None:
    answer = app.test_client().options(
        path,
        headers=ORIGIN
        | {
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,x-experience-api-version",
        },
    )
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert method in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    for name in ("authorization", "content-type", "x-experience-api-version", "if-none-match"):
        assert name in allowed
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_answers_can_be_read_refusals_too(tool: Caller) -> None:
    good = tool("POST", XAPI, json=statement(), headers=ORIGIN)
    wrong = Caller(tool.client, tool.key, "wrong")("GET", XAPI, headers=ORIGIN)
    bad = tool("GET", f"{XAPI}?limit=x", headers=ORIGIN)
    assert [good.status_code, wrong.status_code, bad.status_code] == [200, 401, 400]
    for answer in (good, wrong, bad):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        shown = answer.headers["Access-Control-Expose-Headers"]
        for name in (
            "X-Experience-API-Version",
            "X-Experience-API-Consistent-Through",
            "ETag",
            "Last-Modified",
        ):
            assert name in shown


@pytest.mark.parametrize("path", ["/", "/api/v1/credentials", "/health/live", "/metrics", "/docs/"])
def test_nothing_else_is_shared(app: Flask, path: str) -> None:
    client = app.test_client()
    preflight = client.options(path, headers=ORIGIN | {"Access-Control-Request-Method": "GET"})
    for answer in (client.get(path, headers=ORIGIN), preflight):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_origins_by_setting(settings: Settings, institution: UUID) -> None:
    chosen = Services(settings.model_copy(update={"cors_origins": ["https://content.example"]}))
    client = create_app(chosen).test_client()
    try:
        allowed = client.get("/xapi/about", headers=ORIGIN)
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://content.example"
        other = client.get("/xapi/about", headers={"Origin": "https://other.example"})
        assert "Access-Control-Allow-Origin" not in other.headers
        assert "Origin" in allowed.vary and "Origin" in other.vary
    finally:
        chosen.close()
