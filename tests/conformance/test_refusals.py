"""Refusals: 1.0.3 Communication 3.2 and 4; 2.0.0 4.1.4 to 4.1.6."""

import pytest

from api.services import Services
from domain.roles import Role
from tests.conformance.conftest import query
from tests.conformance.requests import (
    ACTIVITIES,
    ACTIVITY_PROFILE,
    AGENT_PROFILE,
    AGENTS,
    COURSE,
    DOCUMENTS,
    STATE,
    STATEMENTS,
    agent,
    named,
)
from tests.integration.api.conftest import Caller

READS = {
    STATEMENTS: STATEMENTS,
    ACTIVITIES: query(ACTIVITIES, activityId=COURSE),
    AGENTS: query(AGENTS, agent=agent()),
    STATE: query(STATE, **named(STATE)),
    ACTIVITY_PROFILE: query(ACTIVITY_PROFILE, **named(ACTIVITY_PROFILE)),
    AGENT_PROFILE: query(AGENT_PROFILE, **named(AGENT_PROFILE)),
}


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Basic", "Basic ???", "Basic bm9jb2xvbg==", "Basic Zm9vOmJhcg==", "Digest x", "é"],
)
def test_comm_4_without_good_credentials_401(
    lrs: Caller, path: str, authorization: str | None
) -> None:
    headers = {"X-Experience-API-Version": lrs.version}
    headers |= {} if authorization is None else {"Authorization": authorization}
    for method in ("GET", "HEAD"):
        refused = lrs.client.open(READS[path], method=method, headers=headers)
        assert refused.status_code == 401
        assert "WWW-Authenticate" in refused.headers
        assert "X-Experience-API-Version" in refused.headers


@pytest.mark.parametrize("path", READS)
def test_comm_3_2_without_the_role_403(
    callers: dict[Role, Caller], path: str, version: str
) -> None:
    analyst = callers[Role.ANALYST]
    headers = {"X-Experience-API-Version": version}
    assert analyst("GET", READS[path], headers=headers).status_code == 403
    if path not in (ACTIVITIES, AGENTS):
        assert analyst("PUT", READS[path], json={}, headers=headers).status_code == 403
        assert analyst("POST", READS[path], json={}, headers=headers).status_code == 403


@pytest.mark.parametrize("path", [STATEMENTS, *DOCUMENTS])
def test_comm_3_2_too_large_413(lrs: Caller, services: Services, path: str) -> None:
    body = b'"' + b"x" * services.settings.max_body_bytes + b'"'
    refused = lrs("POST", READS[path], data=body, content_type="application/json")
    assert refused.status_code == 413
    assert refused.json["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", STATEMENTS),
        ("PUT", ACTIVITIES),
        ("POST", AGENTS),
        ("DELETE", AGENTS),
        ("PATCH", STATE),
        ("POST", "/xapi/about"),
    ],
)
def test_comm_3_2_other_methods_405(lrs: Caller, method: str, path: str) -> None:
    refused = lrs(method, path)
    assert refused.status_code == 405
    assert "GET" in refused.headers["Allow"]


def test_there_is_nothing_else(lrs: Caller) -> None:
    assert lrs("GET", "/xapi/nothing").status_code == 404
    assert lrs("GET", "/xapi/statements/").status_code == 404
