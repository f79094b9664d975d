"""Forwardings over HTTP: operators start, see and stop them; nobody sees a secret."""

from uuid import uuid4

import pytest

from api.services import Services
from domain.roles import Role
from tests.integration.api.conftest import Caller

FORWARDINGS = "/api/v1/forwardings"
PUBLIC = "http://93.184.216.34/xapi"  # an address, so that nothing is asked of a name server
BODY = {"url": PUBLIC, "key": "our-key", "secret": "our-secret"}


@pytest.fixture
def operator(callers: dict[Role, Caller]) -> Caller:
    """An operator."""
    return callers[Role.OPERATOR]


def test_started_seen_and_stopped(operator: Caller, services: Services) -> None:
    agent = {"mbox": "mailto:amina@students.example"}
    wanted = {"agent": agent, "verb": "http://adlnet.gov/expapi/verbs/passed"}
    made = operator("POST", FORWARDINGS, json={**BODY, "filter": wanted})
    assert made.status_code == 201
    shown = made.json
    assert shown["url"] == PUBLIC
    assert shown["position"] == services.store.last() - 1  # all but its own start
    assert shown["filter"]["verb"] == wanted["verb"]
    assert shown["filter"]["person"]
    assert "our-secret" not in made.text and "amina" not in made.text
    address = f"{FORWARDINGS}/{shown['id']}"
    assert operator("GET", address).json == shown
    assert shown in operator("GET", FORWARDINGS).json["items"]
    assert operator("GET", f"{address}/refusals").json["items"] == []
    assert operator("DELETE", address).status_code == 204
    assert operator("DELETE", address).status_code == 204
    assert operator("GET", address).json["stopped_at"]


def test_refusals_are_listed_in_pages(operator: Caller, services: Services) -> None:
    made = operator("POST", FORWARDINGS, json={**BODY, "from_start": True}).json
    assert made["position"] == 0
    with services.pool.connection() as connection:
        connection.cursor().executemany(
            "INSERT INTO lrs.forwarding_refusals (forwarding, position, status)"
            " VALUES (%s, %s, %s)",
            [(made["id"], 10**9 + n, 409) for n in range(3)],
        )
    address = f"{FORWARDINGS}/{made['id']}"
    assert operator("GET", address).json["refused"] == 3
    first = operator("GET", f"{address}/refusals?limit=2").json
    rest = operator("GET", first["next"]).json
    positions = [item["position"] for item in first["items"] + rest["items"]]
    assert positions == [10**9, 10**9 + 1, 10**9 + 2]
    assert rest["next"] is None
    operator("DELETE", address)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": "http://127.0.0.1/xapi"}, "url"),
        ({"url": "http://localhost:5432"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": "http://[::1]/xapi"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "https://a:b@lrs.example/"}, "url"),
        ({"key": ""}, "key"),
        ({"filter": {"verb": "passed"}}, "filter/verb"),
        ({"filter": {"agent": {"mbox": "amina"}}}, "filter/agent/mbox"),
        ({"filter": {"limit": 3}}, "filter/limit"),
        ({"filter": {"agent": {"objectType": "Group", "member": []}}}, "filter/agent"),
    ],
)
def test_wrong_ones_are_refused(operator: Caller, change: dict[str, object], pointer: str) -> None:
    refused = operator("POST", FORWARDINGS, json={**BODY, **change})
    assert refused.status_code == 400
    assert refused.json["pointer"].startswith(pointer)
    assert "our-secret" not in refused.text


def test_only_operators_and_only_their_own(
    callers: dict[Role, Caller], operator: Caller, services: Services
) -> None:
    for role in set(Role) - {Role.OPERATOR}:
        assert callers[role]("GET", FORWARDINGS).status_code == 403
    made = operator("POST", FORWARDINGS, json=BODY).json
    other = services.institutions.create("Elsewhere").institution
    stranger = Caller(
        operator.client, *services.credentials.issue(other, "operator", [Role.OPERATOR])
    )
    for method in ("GET", "DELETE"):
        assert stranger(method, f"{FORWARDINGS}/{made['id']}").status_code == 404
    assert stranger("GET", f"{FORWARDINGS}/{made['id']}/refusals").status_code == 404
    assert stranger("GET", FORWARDINGS).json["items"] == []
    assert operator("GET", f"{FORWARDINGS}/{uuid4()}").status_code == 404
    operator("DELETE", f"{FORWARDINGS}/{made['id']}")
