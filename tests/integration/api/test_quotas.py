"""Quotas over HTTP: what fits comes in; what does not is told which quota, and when to come."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
import pytest
from flask import Flask

from api.app import create_app
from api.services import Services
from domain.roles import Role
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import COURSE, statement

pytestmark = pytest.mark.usefixtures("look_at_once")

XAPI = "/xapi/statements"


@dataclass
class Tenant:
    """An institution, a tool of it in two processes, and its operator."""

    id: UUID
    tool: Caller
    elsewhere: Caller
    operator: Caller


@pytest.fixture(scope="module")
def other_process(services: Services) -> Iterator[Flask]:
    made = Services(services.settings)
    yield create_app(made)
    made.close()


@pytest.fixture
def tenant(services: Services, app: Flask, other_process: Flask) -> Tenant:
    made = services.institutions.create("A college with a quota").institution
    tool = services.credentials.issue(made, "tool", [Role.TOOL])
    operator = services.credentials.issue(made, "operator", [Role.OPERATOR, Role.OFFICER])
    return Tenant(
        made,
        Caller(app.test_client(), *tool),
        Caller(other_process.test_client(), *tool),
        Caller(app.test_client(), *operator),
    )


def limit(host: Caller, tenant: Tenant, **quota: int) -> None:
    answer = host("PUT", f"/api/v1/institutions/{tenant.id}/quota", json=quota)
    assert answer.status_code == 200, answer.text


def count(services: Services) -> None:
    while not services.lrs.usage.count():
        pass


def post(caller: Caller, number: int = 1) -> Any:
    return caller("POST", XAPI, json=[statement() for _ in range(number)])


def test_statements_in_all(services: Services, host: Caller, tenant: Tenant) -> None:
    assert post(tenant.tool, 2).status_code == 200
    count(services)
    limit(host, tenant, statements=10)
    assert post(tenant.tool, 8).status_code == 200
    for caller, number in ((tenant.tool, 1), (tenant.tool, 5)):
        refused = post(caller, number)
        assert refused.status_code == 403
        said = {k: refused.json[k] for k in ("rule", "quota", "limit", "used")}
        assert said == {"rule": "quota", "quota": "statements", "limit": 10, "used": 10}
        assert "quota of statements: 10 of 10" in refused.json["error"]
    put = tenant.tool("PUT", f"{XAPI}?statementId={statement()['id']}", json=statement(id=None))
    assert put.status_code in {400, 403}
    count(services)
    assert post(tenant.elsewhere).status_code == 403
    assert tenant.tool("GET", XAPI).status_code == 200, "reading goes on"
    limit(host, tenant, statements=11)
    assert post(tenant.elsewhere).status_code == 200
    limit(host, tenant)
    assert post(tenant.tool, 20).status_code == 200


def test_a_refused_write_uses_nothing(services: Services, host: Caller, tenant: Tenant) -> None:
    limit(host, tenant, statements=3)
    bad = [statement(), {**statement(), "verb": {"id": "nonsense"}}]
    for _ in range(5):
        assert tenant.tool("POST", XAPI, json=bad).status_code == 400
    assert post(tenant.tool, 4).status_code == 403
    assert post(tenant.tool, 3).status_code == 200
    count(services)
    assert post(tenant.tool).status_code == 403


def test_what_one_process_let_in_counts_there_at_once(
    host: Caller, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody counts meanwhile: each process knows its own, so both overshoot by the other's."""
    monkeypatch.setattr("lrs.tenants.STALE_SECONDS", 1e9)
    limit(host, tenant, statements=6)
    for caller in (tenant.tool, tenant.elsewhere):
        accepted = [post(caller).status_code for _ in range(8)]
        assert accepted == [200] * 6 + [403] * 2


def test_without_the_jobs_whoever_notices_counts(
    host: Caller, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrs.tenants.STALE_SECONDS", 0.0)
    limit(host, tenant, statements=6)
    assert [post(tenant.tool).status_code for _ in range(6)] == [200] * 6
    assert post(tenant.elsewhere).status_code == 403


def test_processes_at_once_overshoot_by_no_more_than_others_let_in(
    services: Services, host: Caller, tenant: Tenant
) -> None:
    """Two processes take as fast as they can while the jobs count: each knows what is counted and
    its own, so what comes in beyond the quota came in elsewhere since the last count.
    """
    limit(host, tenant, statements=100)
    accepted: list[tuple[float, float, int]] = []
    counts: list[tuple[float, float]] = []
    stop = threading.Event()

    def send(caller: Caller) -> None:
        while True:
            began = time.monotonic()
            if post(caller, 5).status_code != 200:
                return
            accepted.append((began, time.monotonic(), 5))

    def jobs() -> None:
        while not stop.is_set():
            began = time.monotonic()
            if services.lrs.usage.count():
                counts.append((began, time.monotonic()))
            stop.wait(0.2)

    counting = threading.Thread(target=jobs)
    counting.start()
    senders = [threading.Thread(target=send, args=(c,)) for c in (tenant.tool, tenant.elsewhere)]
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join()
    stop.set()
    counting.join()
    total = sum(number for _, _, number in accepted)
    # Who was let in last knew of the last count that had ended by then.
    last = max(began for began, _, _ in accepted)
    known = max((began for began, ended in counts if ended < last), default=0.0)
    fresh = sum(number for _, ended, number in accepted if ended >= known)
    assert 100 <= total <= 100 + fresh
    count(services)
    assert post(tenant.tool).status_code == post(tenant.elsewhere).status_code == 403


def test_statements_of_a_day(services: Services, host: Caller, tenant: Tenant) -> None:
    assert post(tenant.tool, 2).status_code == 200
    count(services)
    limit(host, tenant, per_day=2)
    refused = post(tenant.tool)
    assert refused.status_code == 429
    assert refused.json["quota"] == "per_day"
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    wait = int(refused.headers["Retry-After"])
    assert abs(wait - (midnight - now).total_seconds()) < 60


def test_bytes(services: Services, host: Caller, tenant: Tenant) -> None:
    address = "/xapi/activities/state?" + "&".join(
        (
            f"activityId={quote(COURSE)}",
            f"agent={quote(orjson.dumps(statement()['actor']).decode())}",
            "stateId=place",
        )
    )

    def put(caller: Caller, size: int) -> Any:
        return caller("PUT", address, data=b"x" * size, headers={"If-None-Match": ""})

    caller = Caller(tenant.tool.client, tenant.tool.key, tenant.tool.secret, "1.0.3")
    assert put(caller, 100_000).status_code == 204
    count(services)
    limit(host, tenant, bytes=150_000)
    refused = put(caller, 100_000)
    assert refused.status_code == 403
    assert refused.json["quota"] == "bytes"
    assert 100_000 < refused.json["used"] < 110_000
    assert put(caller, 10_000).status_code == 204
    limit(host, tenant, bytes=100_000)
    assert post(caller).status_code == 403
    assert put(caller, 1).status_code == 403


def test_credentials(host: Caller, tenant: Tenant) -> None:
    limit(host, tenant, credentials=3)
    wanted = {"label": "another", "roles": ["tool"]}
    made = tenant.operator("POST", "/api/v1/credentials", json=wanted)
    assert made.status_code == 201
    refused = tenant.operator("POST", "/api/v1/credentials", json=wanted)
    assert (refused.status_code, refused.json["quota"], refused.json["used"]) == (
        403,
        "credentials",
        3,
    )
    revoked = tenant.operator("DELETE", f"/api/v1/credentials/{made.json['key']}")
    assert revoked.status_code == 204
    assert tenant.operator("POST", "/api/v1/credentials", json=wanted).status_code == 201


def test_who_sees_what(services: Services, host: Caller, tenant: Tenant, app: Flask) -> None:
    limit(host, tenant, statements=100, per_day=50)
    assert post(tenant.tool, 3).status_code == 200
    count(services)
    seen = tenant.operator("GET", f"/api/v1/institutions/{tenant.id}/quota").json
    assert seen["quota"] == {"statements": 100, "bytes": None, "per_day": 50, "credentials": None}
    assert (seen["used"]["statements"], seen["used"]["per_day"]) == (3, 3)
    assert seen["used"]["credentials"] == 2
    assert host("GET", f"/api/v1/institutions/{tenant.id}/quota").json["quota"] == seen["quota"]
    mine = tenant.operator("GET", "/api/v1/usage").json["items"]
    assert [(day["institution"], day["statements"]) for day in mine] == [(str(tenant.id), 3)]
    everyone = host("GET", "/api/v1/usage?limit=500").json["items"]
    assert str(tenant.id) in {day["institution"] for day in everyone}
    assert len({day["institution"] for day in everyone}) > 1
    only = host("GET", f"/api/v1/usage?institution={tenant.id}").json["items"]
    assert only == mine
    other = services.institutions.create("Another").institution
    for address in (f"/api/v1/institutions/{other}/quota", f"/api/v1/usage?institution={other}"):
        assert tenant.operator("GET", address).status_code == 403
    refused = tenant.operator("PUT", f"/api/v1/institutions/{tenant.id}/quota", json={})
    assert refused.status_code == 403
    assert tenant.tool("GET", "/api/v1/usage").status_code == 403


def test_usage_has_pages(services: Services, host: Caller, tenant: Tenant) -> None:
    for caller in (tenant.tool, tenant.elsewhere):
        assert post(caller).status_code == 200
    count(services)
    seen: list[tuple[str, str]] = []
    address = "/api/v1/usage?limit=1"
    while address:
        answer = host("GET", address).json
        seen += [(item["day"], item["institution"]) for item in answer["items"]]
        address = answer["next"]
    assert len(seen) == len(set(seen)) > 1
    assert seen == sorted(seen)
    assert host("GET", "/api/v1/usage?until=2001-01-01").json["items"] == []


def test_gauges_name_nobody(services: Services, host: Caller, tenant: Tenant) -> None:
    assert post(tenant.tool, 4).status_code == 200
    count(services)
    told = host("GET", "/metrics").text
    assert f'lrs_institution_statements{{institution="{tenant.id}"}} 4.0' in told
    assert "college" not in told


@pytest.mark.parametrize("body", [{"statements": -1}, {"statements": 1.5}, {"people": 3}, []])
def test_wrong_quotas(host: Caller, tenant: Tenant, body: object) -> None:
    answer = host("PUT", f"/api/v1/institutions/{tenant.id}/quota", json=body)
    assert answer.status_code == 400


def test_unknown_institutions(host: Caller) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    for path in ("quota", "erasure"):
        for method in ("GET", "PUT" if path == "quota" else "POST"):
            answer = host(method, f"/api/v1/institutions/{nobody}/{path}", json={})
            assert answer.status_code == 404, path
