"""Erasing an institution over HTTP: asked for twice, done by the jobs, certified, out of reach."""

import pytest
from flask import Flask

from api.erasures import closures_of
from api.services import Services
from domain.roles import Role
from lrs.audit.receipts import verify
from tests.integration.api.conftest import Caller, basic
from tests.integration.api.statements import statement

pytestmark = pytest.mark.usefixtures("look_at_once")

XAPI = "/xapi/statements"


def test_from_the_first_call_to_the_receipt(services: Services, app: Flask, host: Caller) -> None:
    gone = services.institutions.create("Gone by tomorrow").institution
    tool = Caller(app.test_client(), *services.credentials.issue(gone, "tool", [Role.TOOL]))
    assert tool("POST", XAPI, json=[statement("amina"), statement("bakari")]).status_code == 200
    issued = app.test_client().post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": basic(tool.key, tool.secret)},
    )
    token = {"Authorization": f"Bearer {issued.json['access_token']}"}
    address = f"/api/v1/institutions/{gone}/erasure"
    listed = host("GET", "/api/v1/institutions").json["items"]
    assert "Gone by tomorrow" in {each["name"] for each in listed}

    asked = host("POST", address, json={})
    assert asked.status_code == 200
    assert asked.json["name"] == "Gone by tomorrow"
    assert asked.json["stores"]["statements"] == 2
    assert tool("GET", XAPI).json["statements"], "nothing has changed"
    assert host("GET", address).status_code == 404

    wrong = host("POST", address, json={"confirm": "x"})
    assert (wrong.status_code, wrong.json["pointer"]) == (400, "confirm")
    other = services.institutions.create("Stays").institution
    elsewhere = host(
        "POST", f"/api/v1/institutions/{other}/erasure", json={"confirm": asked.json["confirm"]}
    )
    assert elsewhere.status_code == 400

    meant = {"confirm": asked.json["confirm"], "basis": "contract 7"}
    begun = host("POST", address, json=meant)
    assert begun.status_code == 202
    assert begun.json["state"] == "purging"
    for headers in ({}, token):
        assert tool("GET", XAPI, headers=headers).status_code == 401
        assert tool("POST", XAPI, json=statement(), headers=headers).status_code == 401
    assert host("POST", address, json=meant).json["basis"] == "contract 7"

    assert closures_of(services.lrs).resume() <= 1
    done = host("GET", address).json
    assert done["state"] == "certified"
    payload = verify(done["receipt"], closures_of(services.lrs).receipts.public_key)
    assert payload["institution"] == str(gone)
    listed = host("GET", "/api/v1/institutions").json["items"]
    assert str(gone) not in {each["id"] for each in listed}
    assert host("GET", f"/api/v1/institutions/{gone}/quota").status_code == 404
    for again in (meant, {}):
        assert host("POST", address, json=again).json == done


def test_nobody_erases_their_own_nor_without_the_role(
    services: Services, app: Flask, callers: dict[Role, Caller], host: Caller, institution: object
) -> None:
    assert host("POST", f"/api/v1/institutions/{institution}/erasure", json={}).status_code == 409
    other = services.institutions.create("Safe").institution
    for role in set(Role) - {Role.HOST}:
        for method in ("GET", "POST"):
            answer = callers[role](method, f"/api/v1/institutions/{other}/erasure", json={})
            assert answer.status_code == 403, role
        assert callers[role]("GET", "/api/v1/institutions").status_code == 403


def test_an_operator_makes_no_host(callers: dict[Role, Caller]) -> None:
    refused = callers[Role.OPERATOR](
        "POST", "/api/v1/credentials", json={"label": "me", "roles": ["host"]}
    )
    assert refused.status_code == 403
