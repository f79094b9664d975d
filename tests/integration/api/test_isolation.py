"""One institution against another: every route, with every id, cursor, position and etag of theirs.

The routes are those of the OpenAPI description and of /xapi, so a new one is tried by itself: it
fails here until what it is to be asked with is said below.
"""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask import Flask

from api.app import create_app
from api.services import Services
from domain.forwarding import Selection
from domain.people import canonical_ifi
from domain.roles import Role
from lrs.forwarding import Target
from lrs.postings import ALL
from lrs.settings import Settings
from stream_processors.rebuild import rebuild
from tests.integration.api.conftest import Caller
from tests.integration.stream_processors.conftest import answer

ROLES = [role for role in Role if role is not Role.HOST]
"""The host is of no institution, and reaches them all."""

ENDLESS = "/api/v1/statements/live"
XAPI = "/xapi/statements"
ACTOR = {"mbox": "mailto:learner0@example.org"}
ACTIVITY = "https://example.org/item/0"
MARK = "only-for-amber"
STATE = {"activityId": ACTIVITY, "agent": orjson.dumps(ACTOR).decode(), "stateId": MARK}
REFUSED = {400, 403, 404, 409, 412}


@dataclass
class Held:
    """What an institution has, by the names that routes have for it."""

    caller: Caller
    institution: UUID
    ids: dict[str, str]
    cursors: dict[str, str]

    def marks(self) -> set[str]:
        """Returns what nobody else may ever be told."""
        return {MARK, str(self.institution), *self.ids.values()}


def operations() -> list[tuple[str, str, tuple[str, ...], bool]]:
    """Returns method, path, names of query parameters, and whether there is a body."""
    app = create_app(Services(Settings()))
    found = [
        (
            method.upper(),
            path,
            tuple(p["name"] for p in said.get("parameters", ()) if p["in"] == "query"),
            "requestBody" in said,
        )
        for path, methods in app.api_doc["paths"].items()
        for method, said in methods.items()
        if path != ENDLESS
    ]
    xapi = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/xapi")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    return sorted(found) + [(method, path, (), False) for method, path in sorted(xapi)]


OPERATIONS = operations()


@pytest.fixture(scope="module")
def amber(services: Services, app: Flask) -> Held:
    """An institution that has something of everything."""
    institution = services.institutions.create(f"Amber college {MARK}").institution
    pair = services.credentials.issue(institution, MARK, ROLES)
    caller = Caller(app.test_client(), *pair)
    services.credentials.issue(institution, f"{MARK} 2", ROLES)
    lrs = services.lrs
    sent = [answer(number) for number in range(40)]
    for one in sent:
        one["result"]["response"] = MARK
    assert caller("POST", XAPI, json=sent).status_code == 200
    bad = [{**answer(number), "verb": MARK} for number in (41, 42)]
    for one in bad:
        assert caller("POST", XAPI, json=one).status_code == 400
    for document in (MARK, "second"):
        put = caller("PUT", "/xapi/activities/state", query_string={**STATE, "stateId": document})
        assert put.status_code == 204
    address = {"activityId": ACTIVITY, "profileId": MARK}
    for path, query in (
        ("/xapi/activities/profile", address),
        ("/xapi/agents/profile", {"agent": STATE["agent"], "profileId": MARK}),
    ):
        put = caller("PUT", path, query_string=query, data=MARK, headers={"If-None-Match": "*"})
        assert put.status_code == 204
    target = Target(f"http://127.0.0.1:9/{MARK}", MARK, MARK, Selection())
    forwardings = lrs.forwardings.__class__(lrs.store, lrs.pool, private_addresses=True)
    forwarding = forwardings.start(institution, target, from_start=True)
    forwardings.start(institution, target)
    gone = [lrs.people.resolve(institution, [f"gone{n}"])[f"gone{n}"] for n in range(2)]
    lrs.keyring.current(institution, gone)
    erased = [
        caller("POST", "/api/v1/erasures", json={"pseudonym": str(person), "basis": MARK}).json
        for person in gone
    ]
    rebuild(lrs, lambda *_: None)
    course = caller("GET", "/api/v1/courses").json["items"][0]["id"]
    item = caller("GET", "/api/v1/quarantine").json["items"][0]["id"]
    person = lrs.people.find(institution, canonical_ifi(ACTOR) or "")
    etag = caller("GET", "/xapi/activities/state", query_string=STATE).headers["ETag"]
    cursors: dict[str, str] = {}
    for method, path, names, _ in OPERATIONS:
        if method == "GET" and "cursor" in names and "{" not in path:
            query = {"limit": 1, "subject": str(person)} if "subject" in names else {"limit": 1}
            following = (caller("GET", path, query_string=query).json or {}).get("next")
            if following:
                cursors[path] = re.search(r"cursor=([^&]+)", following)[1]  # type: ignore[index]
    more = caller("GET", f"{XAPI}?limit=1").json["more"]
    return Held(
        caller,
        institution,
        {
            "statement": sent[0]["id"],
            "course": course,
            "item": item,
            "forwarding": str(forwarding.id),
            "erasure": erased[0]["id"],
            "pseudonym": str(person),
            "key": pair[0],
            "etag": etag,
            "more": more.rsplit("/", 1)[1],
            "every": str(lrs.blind.term(institution, ALL, "")),
        },
        cursors,
    )


@pytest.fixture(scope="module")
def basil(services: Services, app: Flask) -> Caller:
    """Everybody of another institution in one, but the host."""
    other = services.institutions.create("Basil college").institution
    return Caller(app.test_client(), *services.credentials.issue(other, "everything", ROLES))


def filled(path: str, held: Held) -> str:
    """Returns the path with the ids of what is held."""
    of = {
        "/api/v1/audit/statements/{id}": "statement",
        "/api/v1/courses/{id}": "course",
        "/api/v1/erasures/{id}": "erasure",
        "/api/v1/quarantine/{id}": "item",
    }
    names = {name: held.ids.get(name, "") for name in ("forwarding", "pseudonym", "key")}
    names["cursor"] = held.ids["more"]
    if path.startswith("/api/v1/institutions/{id}"):
        names["id"] = str(held.institution)
    for prefix, name in of.items():
        if path.startswith(prefix):
            names["id"] = held.ids[name]
    return re.sub(r"<(?:\w+:)?(\w+)>|\{(\w+)\}", lambda m: names[m[1] or m[2]], path)


BODIES: dict[str, Any] = {
    "/api/v1/credentials": None,  # makes one of the caller's own
    "/api/v1/forwardings": None,
    "/api/v1/credentials/{key}/secret": {},
    "/api/v1/credentials/{key}/tolerance": {"tolerance": []},
    "/api/v1/erasures": {"pseudonym": "pseudonym"},
    "/api/v1/institutions/{id}/quota": {"statements": 1},
    "/api/v1/institutions/{id}/erasure": {},
    "/api/v1/quarantine/{id}/replay": {},
}

# What /xapi is asked with: the same resources, by the same addresses.
QUERIES: dict[str, list[dict[str, str]]] = {
    "/xapi/about": [{}],
    "/xapi/activities": [{"activityId": ACTIVITY}],
    "/xapi/agents": [{"agent": STATE["agent"]}],
    "/xapi/activities/state": [STATE, {"activityId": ACTIVITY, "agent": STATE["agent"]}],
    "/xapi/activities/profile": [{"activityId": ACTIVITY, "profileId": MARK}],
    "/xapi/agents/profile": [{"agent": STATE["agent"], "profileId": MARK}],
    "/xapi/statements/more/<cursor>": [{}],
    "/xapi/statements": [
        {"statementId": "statement"},
        {"voidedStatementId": "statement"},
        {"agent": STATE["agent"]},
        {"agent": STATE["agent"], "related_agents": "true"},
        {"activity": ACTIVITY, "related_activities": "true"},
        {"verb": "http://adlnet.gov/expapi/verbs/answered"},
        {"since": "2000-01-01T00:00:00Z", "ascending": "true"},
        {},
    ],
}


def asked(path: str, names: tuple[str, ...], held: Held) -> list[dict[str, str]]:
    """Returns the queries to try at a path."""
    if path.startswith("/xapi"):
        return [{k: held.ids.get(v, v) for k, v in query.items()} for query in QUERIES[path]]
    of = {
        "subject": held.ids["pseudonym"],
        "credential": held.ids["key"],
        "institution": str(held.institution),
        "course": held.ids["course"],
    }
    base = {"subject": of["subject"]} if "subject" in names else {}
    queries = [base, *({**base, name: of[name]} for name in names if name in of)]
    if "subject" in names:
        queries.append({"subject": orjson.dumps(ACTOR).decode()})
    if path in held.cursors:
        queries.append({**base, "cursor": held.cursors[path]})
    return queries


def everything(services: Services, held: Held) -> Any:
    """Returns what the institution has now, by its own reads."""
    lrs, institution, caller = services.lrs, held.institution, held.caller
    kept = caller("GET", "/xapi/activities/state", query_string=STATE)
    return (
        caller("GET", f"{XAPI}?limit=100").json["statements"],
        kept.data,
        kept.headers["ETag"],
        lrs.credentials.list(institution),
        [(each.id, each.stopped_at) for each in lrs.forwardings.page(institution)],
        lrs.quarantine.page(institution),
    )


@pytest.mark.parametrize(("method", "path", "names", "has_body"), OPERATIONS)
def test_nothing_of_another_institution(
    services: Services,
    amber: Held,
    basil: Caller,
    method: str,
    path: str,
    names: tuple[str, ...],
    has_body: bool,
) -> None:
    before = everything(services, amber)
    body = None
    if has_body:
        body = BODIES[path]
        if body is None:
            return
        body = {key: amber.ids.get(str(value), value) for key, value in body.items()}
    for query in asked(path, names, amber):
        headers: dict[str, str] = {}
        given: dict[str, Any] = {"query_string": query}
        if path.startswith("/xapi") and method != "GET":
            given["data"] = orjson.dumps({}) if method != "DELETE" else b""
            headers = {"Content-Type": "application/json", "If-Match": amber.ids["etag"]}
        elif body is not None:
            given["json"] = body
        where = filled(path, amber)
        answered = basil(method, where, headers=headers, **given)
        sent = f"{where} {query} {body} {headers}"
        told = {mark for mark in amber.marks() if mark in answered.text and mark not in sent}
        assert not told, (where, query, answered.text)
        assert answered.status_code != 500, answered.text
        named = "{" in path or body is not None or query.get("cursor") or query.get("statementId")
        if named:
            assert answered.status_code in REFUSED, (where, query, answered.status_code)
        elif answered.status_code == 200 and method == "GET":
            _empty(path, answered.json)
    assert everything(services, amber) == before


def _empty(path: str, said: Any) -> None:
    """Checks that a list is empty, but of what the caller has by being there."""
    if isinstance(said, list):
        assert said == []
    if isinstance(said, dict) and path != "/api/v1/quarantine":  # what these tests were refused
        own = {"/api/v1/credentials": 1}.get(path, 0)
        assert len(said.get("items", ())) <= own, said
        assert said.get("statements", []) == [], said


def test_etags_and_positions_of_another_institution(
    services: Services, amber: Held, basil: Caller
) -> None:
    for path in (f"{XAPI}?limit=1", "/api/v1/courses", "/api/v1/credentials"):
        theirs = amber.caller("GET", path)
        condition = {"If-None-Match": theirs.headers.get("ETag", '"none"')}
        answered = basil("GET", path, headers=condition)
        assert answered.status_code == 200, path
        assert MARK not in answered.text
    position = amber.caller("GET", "/api/v1/courses").json["as_of"]["position"]
    waited = basil("GET", f"/api/v1/courses?wait_for={position}")
    assert waited.status_code == 200 and waited.json["items"] == []
    # Who follows the log from its start, even by the terms of others.
    institution = services.credentials.verify(basil.key, basil.secret).institution
    every = (services.lrs.blind.term(amber.institution, ALL, ""),)
    assert services.lrs.follower.look(institution, [every], 0, 10).found == []


def test_every_resource_of_xapi_is_asked() -> None:
    assert {path for _, path, _, _ in OPERATIONS if path.startswith("/xapi")} == set(QUERIES)
