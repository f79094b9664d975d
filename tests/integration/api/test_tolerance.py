"""Tolerance over HTTP: set on a credential, used, on the record; strict for everybody else."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
import pytest
from flask import Flask

from api.services import Services
from domain.credentials import CredentialToleranceSet
from domain.roles import Role
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement

Json = dict[str, Any]

XAPI = "/xapi/statements"
BARE = "0f9a6f86-9dbb-4ab3-8a4e-2f7b3f2a9c11"
IDS, BOUNDS = "uuid-activity-id", "equal-score-bounds"


def edx(**more: Any) -> Json:
    """A statement with both deviations."""
    return statement(object={"id": BARE}, result={"score": {"min": 1, "max": 1}}, **more)


@pytest.fixture
def sender(services: Services, app: Flask, institution: UUID) -> Caller:
    """A tool that nothing is tolerated from yet."""
    return Caller(
        app.test_client(), *services.credentials.issue(institution, "a tool", [Role.TOOL])
    )


def tolerate(operator: Caller, sender: Caller, *rules: str) -> int:
    address = f"/api/v1/credentials/{sender.key}/tolerance"
    return operator("PUT", address, json={"tolerance": rules}).status_code


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_off_until_set_and_on_the_record(
    sender: Caller, tool: Caller, callers: dict[Role, Caller], services: Services, version: str
) -> None:
    operator, officer = callers[Role.OPERATOR], callers[Role.OFFICER]
    sender.version = version
    sent, plain = edx(), statement()
    assert sender("POST", XAPI, json=[plain, sent]).status_code == 400
    assert tolerate(operator, sender, IDS) == 204
    refused = sender("POST", XAPI, json=[plain, sent])
    assert (refused.status_code, refused.json["pointer"]) == (400, "/1/result/score/max")
    assert tolerate(operator, sender, IDS, BOUNDS) == 204
    # After the fix, what was refused is replayed from the quarantine.
    (item,) = sender("GET", "/api/v1/quarantine?reason=invalid&limit=1").json["items"]
    replayed = sender("POST", f"/api/v1/quarantine/{item['id']}/replay", json={})
    assert (replayed.status_code, replayed.json["ids"]) == (200, [plain["id"], sent["id"]])

    read = sender("GET", f"{XAPI}?statementId={sent['id']}").json
    assert (read["object"], read["result"]) == (sent["object"], sent["result"]), "as it was sent"
    expected = [
        {"pointer": "/object/id", "rule": IDS},
        {"pointer": "/result/score/max", "rule": BOUNDS},
    ]
    record = officer("GET", f"/api/v1/audit/statements/{sent['id']}").json
    assert record["deviations"] == expected
    assert (record["erased"], record["position"]) == (False, replayed.json["position"])
    assert officer("GET", f"/api/v1/audit/statements/{plain['id']}").json["deviations"] == []
    subject = urlencode({"subject": orjson.dumps(sent["actor"]).decode(), "limit": 500})
    entries = officer("GET", f"/api/v1/audit/replay?{subject}").json["items"]
    told = {entry["statement_id"]: entry["deviations"] for entry in entries}
    assert (told[sent["id"]], told[plain["id"]]) == (expected, [])

    assert tool("POST", XAPI, json=edx()).status_code == 400, "another credential is strict"
    assert sender("POST", XAPI, json=edx(verb={"id": BARE})).status_code == 400
    assert tolerate(operator, sender) == 204
    assert sender("POST", XAPI, json=edx()).status_code == 400
    assert sender("PUT", f"{XAPI}?statementId={sent['id']}", json=sent).status_code == 400


def test_it_is_an_event_and_shown(
    sender: Caller, callers: dict[Role, Caller], services: Services, institution: UUID
) -> None:
    operator = callers[Role.OPERATOR]
    assert tolerate(operator, sender, BOUNDS, IDS, IDS) == 400, "each once"
    assert tolerate(operator, sender, BOUNDS, IDS) == 204
    listed = operator("GET", "/api/v1/credentials?limit=500").json["items"]
    (shown,) = [each for each in listed if each["key"] == sender.key]
    assert shown["tolerance"] == [BOUNDS, IDS]
    found = services.store.read(services.store.last() - 1, 1)[0].event
    assert isinstance(found, CredentialToleranceSet)
    assert found.tolerance == (BOUNDS, IDS)
    assert services.credentials.sender(institution, sender.key).tolerance == {BOUNDS, IDS}


def test_refusals(sender: Caller, stranger: Caller, callers: dict[Role, Caller]) -> None:
    operator = callers[Role.OPERATOR]
    assert tolerate(operator, sender, "everything") == 400
    assert tolerate(operator, stranger, IDS) == 404
    assert operator("DELETE", "/api/v1/credentials/%00").status_code == 400
    assert tolerate(callers[Role.OFFICER], sender, IDS) == 403
    assert tolerate(sender, sender, IDS) == 403
    operator("DELETE", f"/api/v1/credentials/{sender.key}")
    assert tolerate(operator, sender, IDS) == 409
    officer = callers[Role.OFFICER]
    assert officer("GET", f"/api/v1/audit/statements/{BARE}").status_code == 404
    assert operator("GET", f"/api/v1/audit/statements/{BARE}").status_code == 403


def test_a_tolerated_statement_is_found_counted_and_equal_to_itself(
    sender: Caller, callers: dict[Role, Caller]
) -> None:
    tolerate(callers[Role.OPERATOR], sender, IDS, BOUNDS)
    sent = edx()
    for _ in range(2):
        assert sender("POST", XAPI, json=sent).status_code == 200
    for form in ("ids", "canonical", "exact"):
        query = {"agent": orjson.dumps(sent["actor"]).decode(), "format": form, "limit": 1}
        page = sender("GET", f"{XAPI}?{urlencode(query)}").json
        assert page["statements"][0]["id"] == sent["id"]
        assert page["statements"][0]["object"]["id"] == BARE
