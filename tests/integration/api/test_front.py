"""Front door, health, documentation, the API's description and metrics."""

import re

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.parts import RELAY_LOCK, Parts
from api.services import Services
from domain.roles import Role
from lrs.settings import Settings
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_alive(client: FlaskClient) -> None:
    assert client.get("/health/live").json == {"status": "alive"}


def test_a_missing_later_stage_is_told_but_does_not_stop_the_api(client: FlaskClient) -> None:
    response = client.get("/health/ready")
    assert (response.status_code, response.json["status"]) == (200, "degraded")
    parts = response.json["parts"]
    assert parts["postgres"]["well"] and parts["keystore"]["well"]
    assert not parts["kafka"]["well"] and not parts["relay"]["well"]
    assert client.get("/health/ready?all=true").status_code == 503


def test_without_the_event_log_it_is_not_ready(settings: Settings, postgres: object) -> None:
    nowhere = settings.model_copy(update={"dsn": settings.dsn + "_gone", "pool_timeout": 0.2})
    lost = Services(nowhere)
    client = create_app(lost).test_client()
    response = client.get("/health/ready")
    assert (response.status_code, response.json["status"]) == (503, "unready")
    assert client.get("/").status_code == 200
    answer = client.get(
        "/xapi/statements",
        headers={"Authorization": "Basic YTpi", "X-Experience-API-Version": "2.0.0"},
    )
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
    lost.close()


def test_stages_say_how_far_behind_they_are(
    services: Services, tool: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = services.store.last()
    tool("POST", "/xapi/statements", json=[statement(), statement()])
    partitions = services.settings.kafka_partitions
    with psycopg.connect(services.settings.admin_dsn, autocommit=True) as connection:
        connection.execute("INSERT INTO streams.relay (position) VALUES (%s)", (position,))
        connection.execute(
            "INSERT INTO views.tracking (stream, partition, position)"
            " SELECT 'facts', n, %s FROM generate_series(1, %s) AS n",
            (services.store.last(), partitions),
        )
        connection.execute("SELECT pg_advisory_lock(%s)", (RELAY_LOCK,))
        looker = Parts(services)
        found = {part.name: part for part in looker.look()}
        assert found["relay"].well and found["relay"].behind == 2
        assert found["relay"].seconds is not None and found["relay"].seconds >= 0
        assert found["views"].detail == "up to date"

        monkeypatch.setattr("api.parts.FRESH_SECONDS", -1.0)
        monkeypatch.setattr("api.parts.STUCK_SECONDS", -1.0)
        stuck = {part.name: part for part in looker.look()}["relay"]
        assert not stuck.well and stuck.detail == "stands still"


def test_positions_are_for_operators(app: Flask, callers: dict[Role, Caller]) -> None:
    app.extensions.pop("kumbuka_parts", None)
    public = app.test_client().get("/health/ready").json["parts"]["postgres"]
    detailed = callers[Role.OPERATOR]("GET", "/health/ready").json["parts"]["postgres"]
    assert "position" not in public and detailed["position"] > 0


def test_the_front_door_is_accessible_and_tells_nothing_of_anybody(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    for needed in ('<html lang="en">', "<main", "<nav aria-label", 'class="skip"', "<caption"):
        assert needed in page
    assert page.count("<h1>") == 1
    assert 'scope="col"' in page and 'scope="row"' in page
    assert "Test college" not in page
    for address in re.findall(r'(?:href|src)="([^"#]*)"', page):
        assert address.startswith("/"), address
        if address not in {"", "/api/v1/courses"}:
            assert client.get(address).status_code in {200, 503}, address


def test_the_description_is_complete(client: FlaskClient) -> None:
    description = client.get("/api/v1/openapi.json").json
    assert description["openapi"].startswith("3.1")
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["security"] == [{"basic": []}, {"oauth2": []}], where
            assert operation.get("summary"), where
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], where
    assert "Problem" in description["components"]["schemas"]
    page = client.get("/api/v1/")
    for address in re.findall(r'(?:href|src)="(/static[^"]*)"', page.get_data(as_text=True)):
        assert client.get(address).status_code == 200, address


def test_documents_are_pages(client: FlaskClient) -> None:
    listed = client.get("/docs/").get_data(as_text=True)
    for address in re.findall(r'href="(/docs/[^"]+)"', listed):
        page = client.get(address)
        assert page.status_code == 200 and "<article>" in page.get_data(as_text=True)
    for outside in ("/docs/../README.md", "/docs/%2e%2e/pyproject.toml", "/docs/nothing.md"):
        assert client.get(outside).status_code == 404


def test_metrics_count_routes_not_ids(client: FlaskClient, tool: Caller) -> None:
    sent = statement()
    tool("POST", "/xapi/statements", json=sent)
    tool("GET", f"/xapi/statements?statementId={sent['id']}")
    metrics = client.get("/metrics").get_data(as_text=True)
    assert 'lrs_http_requests_total{method="POST",route="/xapi/statements",status="200"}' in metrics
    assert sent["id"] not in metrics and "amina" not in metrics
