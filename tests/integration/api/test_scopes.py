"""Every scope against every resource of /xapi; what `mine` and `define` mean."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import orjson
import pytest
from flask import Flask

from api.services import Services
from domain.roles import Role
from domain.scopes import Scope
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement, voiding

XAPI = "/xapi/statements"
AGENT = orjson.dumps({"mbox": "mailto:amina@students.example"}).decode()
ACTIVITY = "https://courses.example/scopes"
ANY_STATEMENT = f"{XAPI}?statementId={uuid4()}"

STATE = "/xapi/activities/state?" + urlencode(
    {"activityId": ACTIVITY, "agent": AGENT, "stateId": "s"}
)
ACTIVITY_PROFILE = "/xapi/activities/profile?" + urlencode(
    {"activityId": ACTIVITY, "profileId": "p"}
)
AGENT_PROFILE = "/xapi/agents/profile?" + urlencode({"agent": AGENT, "profileId": "p"})

LET_IN = (200, 204, 404, 409)
"""Whoever is let in finds nothing, or something else there, in some of these."""

READERS = {Scope.READ, Scope.ALL_READ, Scope.ALL}
OWN_READERS = READERS | {Scope.READ_MINE}
STATE_READERS = {Scope.STATE, Scope.ALL_READ, Scope.ALL}
PROFILE_READERS = {Scope.PROFILE, Scope.ALL_READ, Scope.ALL}

# Method, address, which scopes reach it (1.0.3 Communication 4.2).
REQUESTS: list[tuple[str, str, set[Scope]]] = [
    ("POST", XAPI, {Scope.WRITE, Scope.ALL}),
    ("PUT", ANY_STATEMENT, {Scope.WRITE, Scope.ALL}),
    ("GET", XAPI, OWN_READERS),
    ("HEAD", XAPI, OWN_READERS),
    ("GET", ANY_STATEMENT, OWN_READERS),
    ("GET", f"/xapi/activities?{urlencode({'activityId': ACTIVITY})}", READERS),
    ("GET", f"/xapi/agents?{urlencode({'agent': AGENT})}", READERS),
    ("PUT", STATE, {Scope.STATE, Scope.ALL}),
    ("POST", STATE, {Scope.STATE, Scope.ALL}),
    ("GET", STATE, STATE_READERS),
    ("HEAD", STATE, STATE_READERS),
    ("DELETE", STATE, {Scope.STATE, Scope.ALL}),
]
for _address in (ACTIVITY_PROFILE, AGENT_PROFILE):
    REQUESTS += [
        ("POST", _address, {Scope.PROFILE, Scope.ALL}),
        ("GET", _address, PROFILE_READERS),
        ("DELETE", _address, {Scope.PROFILE, Scope.ALL}),
    ]


@pytest.fixture(scope="module")
def scoped(services: Services, app: Flask, institution: UUID) -> dict[Scope, Caller]:
    """A tool of each scope."""
    return {
        scope: Caller(
            app.test_client(),
            *services.credentials.issue(institution, scope, [Role.TOOL], [scope]),
        )
        for scope in Scope
    }


def sent(method: str, address: str) -> dict[str, Any]:
    """Returns a good body for the request."""
    if method not in ("PUT", "POST"):
        return {}
    return {"json": statement() | {"id": address.partition("statementId=")[2] or str(uuid4())}}


@pytest.mark.parametrize(("method", "address", "reached_by"), REQUESTS)
def test_a_scope_reaches_what_it_says(
    scoped: dict[Scope, Caller], method: str, address: str, reached_by: set[Scope]
) -> None:
    for scope, caller in scoped.items():
        response = caller(method, address, **sent(method, address))
        if scope in reached_by:
            assert response.status_code in LET_IN, (scope, response.data)
        else:
            assert response.status_code == 403, scope
            assert "WWW-Authenticate" not in response.headers
            assert response.headers["X-Experience-API-Version"] == "2.0.0"


def test_scopes_add_up(services: Services, app: Flask, institution: UUID) -> None:
    pair = services.credentials.issue(
        institution, "two", [Role.TOOL], [Scope.WRITE, Scope.READ_MINE]
    )
    caller = Caller(app.test_client(), *pair)
    one = statement()
    assert caller("POST", XAPI, json=one).status_code == 200
    assert caller("GET", f"{XAPI}?statementId={one['id']}").status_code == 200
    assert caller("GET", STATE).status_code == 403


@pytest.mark.parametrize("scope", Scope)
def test_no_scope_reaches_what_is_for_people(scoped: dict[Scope, Caller], scope: Scope) -> None:
    for address in ("/api/v1/credentials", "/api/v1/analytics/budget", "/api/v1/erasures"):
        assert scoped[scope]("GET", address).status_code == 403


def test_mine_sees_no_others(
    services: Services, app: Flask, institution: UUID, tool: Caller
) -> None:
    mine, also = (
        Caller(
            app.test_client(),
            *services.credentials.issue(
                institution, name, [Role.TOOL], [Scope.WRITE, Scope.READ_MINE]
            ),
        )
        for name in ("mine", "also")
    )
    own = [statement("mine") for _ in range(5)]
    for one in own:
        assert mine("POST", XAPI, json=one).status_code == 200
        also("POST", XAPI, json=statement("mine"))
    reference = statement("mine", object={"objectType": "StatementRef", "id": own[0]["id"]})
    tool("POST", XAPI, json=reference)
    tool("POST", XAPI, json=voiding(own[1]["id"], "mine"))
    expected = [one["id"] for one in reversed(own) if one is not own[1]]

    found = mine("GET", f"{XAPI}?limit=2").json
    seen = [one["id"] for one in found["statements"]]
    while "more" in found:
        others = also("GET", found["more"]).json["statements"]
        assert not {one["id"] for one in others} & {one["id"] for one in own}
        found = mine("GET", found["more"]).json
        seen += [one["id"] for one in found["statements"]]
    assert seen == expected
    assert mine("GET", f"{XAPI}?voidedStatementId={own[1]['id']}").status_code == 200
    assert also("GET", f"{XAPI}?voidedStatementId={own[1]['id']}").status_code == 404
    assert mine("GET", f"{XAPI}?statementId={reference['id']}").status_code == 404
    assert tool("GET", f"{XAPI}?statementId={reference['id']}").status_code == 200


def test_without_define_a_definition_changes_nothing(
    scoped: dict[Scope, Caller], services: Services, app: Flask, institution: UUID, tool: Caller
) -> None:
    iri = f"https://courses.example/{uuid4()}"
    address = f"/xapi/activities?{urlencode({'activityId': iri})}"

    def describe(caller: Caller, name: str) -> Any:
        described = {"id": iri, "definition": {"name": {"en": name}}}
        one = statement(object=described)
        assert caller("POST", XAPI, json=one).status_code == 200
        stored = tool("GET", f"{XAPI}?statementId={one['id']}").json
        assert stored["object"] == described
        return tool("GET", address).json.get("definition")

    pair = services.credentials.issue(
        institution, "definer", [Role.TOOL], [Scope.WRITE, Scope.DEFINE]
    )
    definer = Caller(app.test_client(), *pair)
    assert describe(scoped[Scope.WRITE], "Algebra") is None
    assert describe(definer, "Geometry") == {"name": {"en": "Geometry"}}
    assert describe(scoped[Scope.WRITE], "Algebra") == {"name": {"en": "Geometry"}}
