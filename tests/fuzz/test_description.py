"""schemathesis: what `/api/v1/openapi.json` says, held against the real app, example by example.

No 500; no status, content type, header or body that is not described; nothing accepted that the
description forbids. Requests are the same every time, so that a failure comes again.
"""

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as Examples
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from api.app import create_app
from api.services import Services
from domain.roles import Role
from lrs.settings import Settings
from tests.integration.api.conftest import basic

HELD = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]


@pytest.fixture(scope="module")
def described(services: Services) -> Any:
    """The app by its own description."""
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", create_app(services))


@pytest.fixture(scope="module")
def everything(services: Services) -> str:
    """Authorization of a credential with every role."""
    institution = services.institutions.create("Fuzzed college").institution
    return basic(*services.credentials.issue(institution, "everything", list(Role)))


ENDLESS = {"/api/v1/statements/live"}
"""A stream has no end to wait for; tests/integration/api/test_live.py reads it."""

OPERATIONS = [
    (path, method)
    for path, operations in create_app(Services(Settings())).api_doc["paths"].items()
    for method in operations
    if path not in ENDLESS
]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_described(described: Any, everything: str, path: str, method: str) -> None:
    operation = described[path][method]

    @given(case=operation.as_strategy() | operation.as_strategy(GenerationMode.NEGATIVE))
    @Examples(max_examples=60, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def holds(case: schemathesis.Case) -> None:
        hasten(case)
        # Called without a network, the answer is not decoded: it is asked for as it is.
        headers = {"Authorization": everything, "Accept-Encoding": "identity"}
        answer = case.call(headers=headers)
        assert answer.status_code != 500
        case.validate_response(answer, checks=HELD)

    holds()


def hasten(case: schemathesis.Case) -> None:
    """Nobody feeds the views here: asks for no position that they will never reflect."""
    if isinstance(case.query, dict) and "wait_for" in case.query:
        with suppress(ValueError, OverflowError):
            case.query["wait_for"] = int(min(0.0, float(str(case.query["wait_for"]))))
