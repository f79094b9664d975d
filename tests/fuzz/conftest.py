"""The real app over real Postgres, asked in this process, and what every answer must keep."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings as Examples
from werkzeug.test import TestResponse

from api.app import create_app
from api.services import Services
from domain.roles import Role
from lrs.settings import Settings
from tests.integration.api.conftest import Caller
from tests.strategies import PROFILE

many = Examples(max_examples=max(150, PROFILE.max_examples))
"""How many examples each test here draws, the same every time; more where the profile says so."""


@pytest.fixture(scope="module")
def services(settings: Settings) -> Iterator[Services]:
    """The services of this module's database."""
    made = Services(settings.model_copy(update={"max_body_bytes": 256 * 1024}))
    yield made
    made.close()


@pytest.fixture(scope="module")
def tool(services: Services) -> Caller:
    """A learning tool."""
    app = create_app(services)
    institution = services.institutions.create("Test college").institution
    return Caller(app.test_client(), *services.credentials.issue(institution, "tool", [Role.TOOL]))


def refusal(answer: TestResponse, method: str = "") -> tuple[str, str] | None:
    """Returns pointer and rule of a 400, or None for another answer; no answer may be a 5xx.

    Each 400 says in words what is wrong, and names by its rule which demand is not met.
    """
    assert answer.status_code < 500, (answer.status_code, answer.data)
    if answer.status_code != 400:
        return None
    if method == "HEAD":  # has no body
        return "", ""
    body: dict[str, Any] = answer.get_json()
    assert body["error"]
    assert body["rule"]
    assert isinstance(body["pointer"], str)
    return body["pointer"], body["rule"]
