"""An app over a real record store, with an institution and a credential of each role."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.services import Services
from domain.roles import Role
from lrs.settings import Settings


def basic(key: str, secret: str) -> str:
    """Returns the value of an Authorization header."""
    return "Basic " + b64encode(f"{key}:{secret}".encode()).decode()


@dataclass
class Caller:
    """Somebody with credentials and a version of xAPI."""

    client: FlaskClient
    key: str
    secret: str
    version: str = "2.0.0"

    def __call__(self, method: str, path: str, **given: Any) -> TestResponse:
        headers = {
            "Authorization": basic(self.key, self.secret),
            "X-Experience-API-Version": self.version,
            **given.pop("headers", {}),
        }
        return self.client.open(path, method=method, headers=headers, **given)


@pytest.fixture(scope="module")
def services(settings: Settings) -> Iterator[Services]:
    """The services of this module's database."""
    made = Services(settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(services: Services) -> Flask:
    """The app."""
    return create_app(services)


@pytest.fixture(scope="module")
def institution(services: Services) -> UUID:
    """An institution."""
    return services.institutions.create("Test college").institution


@pytest.fixture(scope="module")
def callers(services: Services, app: Flask, institution: UUID) -> dict[Role, Caller]:
    """A caller of each role, all of `institution`."""
    return {
        role: Caller(
            app.test_client(), *services.credentials.issue(institution, f"the {role}", [role])
        )
        for role in Role
    }


@pytest.fixture
def tool(callers: dict[Role, Caller]) -> Caller:
    """A learning tool."""
    return callers[Role.TOOL]


@pytest.fixture
def host(callers: dict[Role, Caller]) -> Caller:
    """Who runs the deployment."""
    return callers[Role.HOST]


@pytest.fixture
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes renew what they know for each request, so that no test waits for it."""
    monkeypatch.setattr("lrs.tenants.LOOK_SECONDS", 0.0)


@pytest.fixture(scope="module")
def stranger(services: Services, app: Flask) -> Caller:
    """A tool of another institution."""
    other = services.institutions.create("Other college").institution
    return Caller(app.test_client(), *services.credentials.issue(other, "tool", [Role.TOOL]))
