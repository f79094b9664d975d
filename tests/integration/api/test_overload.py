"""Too much: 429 for one credential, 503 for all, each with a time to come back."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from uuid import UUID

import psycopg
import pytest
from flask import Flask

from api.app import create_app
from api.services import Services
from domain.credentials import Rates
from domain.roles import Role
from lrs.settings import Settings
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement

XAPI = "/xapi/statements"
CONNECTIONS, PLACES = 2, 3
SMALL = {"pool_size": CONNECTIONS, "pool_timeout": 0.3, "max_concurrent": PLACES}


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Settings of a small process."""
    return settings.model_copy(update=SMALL)


def caller(services: Services, app: Flask, institution: UUID, rates: Rates) -> Caller:
    pair = services.credentials.issue(institution, "limited", list(Role), None, rates)
    return Caller(app.test_client(), *pair)


def test_requests_per_second_429(services: Services, app: Flask, institution: UUID) -> None:
    limited = caller(services, app, institution, Rates(requests=0.5))
    for path, kind in (
        (f"{XAPI}?limit=1", "application/json"),
        ("/api/v1/credentials", "application/problem+json"),
    ):
        answers = [limited("GET", path) for _ in range(3)]
        refused = answers[-1]
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 4
        assert refused.content_type == kind
        body = refused.json
        assert "0.5 requests per second" in (body["error"] if "error" in body else body["detail"])
    other = caller(services, app, institution, Rates())
    assert other("GET", f"{XAPI}?limit=1").status_code == 200


def test_tokens_share_the_rate_of_their_credential(
    services: Services, app: Flask, institution: UUID
) -> None:
    limited = caller(services, app, institution, Rates(requests=1))
    answers = [
        limited(
            "POST",
            "/oauth/token",
            data="grant_type=client_credentials",
            content_type="application/x-www-form-urlencoded",
        )
        for _ in range(4)
    ]
    assert [a.status_code for a in answers] == [200, 200, 429, 429]
    token = {"Authorization": f"Bearer {answers[0].json['access_token']}"}
    assert limited("GET", XAPI, headers=token).status_code == 429


def test_statements_per_second_429(services: Services, app: Flask, institution: UUID) -> None:
    limited = caller(services, app, institution, Rates(statements=2))
    batch = [statement() for _ in range(10)]
    assert limited("POST", XAPI, json=batch).status_code == 200
    refused = limited("POST", XAPI, json=statement())
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) in (3, 4)
    assert refused.json["error"] == "more than 2 statements per second"
    put = statement()
    assert limited("PUT", f"{XAPI}?statementId={put['id']}", json=put).status_code == 429
    assert limited("GET", XAPI).status_code == 200


def test_an_exhausted_pool_503(services: Services, app: Flask, institution: UUID) -> None:
    tool = caller(services, app, institution, Rates())
    assert tool("GET", f"{XAPI}?limit=1").status_code == 200
    with ExitStack() as held:
        for _ in range(CONNECTIONS):
            held.enter_context(services.pool.connection())
        for method, path in (
            ("POST", XAPI),
            ("GET", f"{XAPI}?limit=1"),
            ("GET", "/api/v1/credentials"),
        ):
            refused = tool(method, path, **({"json": statement()} if method == "POST" else {}))
            assert refused.status_code == 503, (method, path)
            assert int(refused.headers["Retry-After"]) >= 1
        unknown = Caller(tool.client, "nobody", "nothing")
        assert unknown("GET", XAPI).status_code == 503
        assert tool("GET", "/health/live").status_code == 200
    assert tool("POST", XAPI, json=statement()).status_code == 200


def test_a_slow_query_503(services: Services, app: Flask, institution: UUID) -> None:
    """A statement waits for a lock longer than the database lets it."""
    tool = caller(services, app, institution, Rates())
    assert tool("GET", f"{XAPI}?limit=1").status_code == 200
    with ExitStack() as held:
        for _ in range(CONNECTIONS):
            connection = held.enter_context(services.pool.connection())
            connection.execute("SET statement_timeout = '200ms'")
    with psycopg.connect(services.settings.admin_dsn) as admin:
        admin.execute("SELECT pg_advisory_xact_lock(7001)")
        refused = tool("POST", XAPI, json=statement())
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) >= 1


def test_no_more_at_once_than_there_are_places(settings: Settings) -> None:
    made = Services(settings)
    app = create_app(made)
    meeting = Barrier(PLACES + 1)

    def wait() -> str:
        meeting.wait(10)
        meeting.wait(10)
        return ""

    wait.__kumbuka_access__ = None  # type: ignore[attr-defined]
    app.add_url_rule("/wait", view_func=wait)
    try:
        with ThreadPoolExecutor(8) as threads:
            inside = [threads.submit(app.test_client().get, "/wait") for _ in range(PLACES)]
            meeting.wait(10)
            refused = app.test_client().get("/xapi/about")
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
            assert app.test_client().get("/health/live").status_code == 200
            meeting.wait(10)
            assert {answer.result().status_code for answer in inside} == {200}
        for _ in range(10):
            assert app.test_client().get("/xapi/about").status_code == 200
    finally:
        made.close()
