"""Quarantine over HTTP: what is refused is kept for its sender, who sees, replays or drops it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from api.services import Services
from domain.errors import Error
from domain.roles import Role
from domain.scopes import Scope
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement

Json = dict[str, Any]

XAPI = "/xapi/statements"
QUARANTINE = "/api/v1/quarantine"


@pytest.fixture
def sender(services: Services, app: Flask, institution: UUID) -> Caller:
    """A tool of which nothing was refused yet."""
    key, secret = services.credentials.issue(institution, "a tool", [Role.TOOL])
    return Caller(app.test_client(), key, secret)


def items(caller: Caller, query: str = "") -> list[Json]:
    """Everything that is listed, page after page."""
    found: list[Json] = []
    address = f"{QUARANTINE}?limit=2&{query}"
    while address:
        answer = caller("GET", address)
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        found += answer.json["items"]
        address = answer.json["next"]
    return found


def held(caller: Caller) -> Json:
    """The only item, with its content."""
    (item,) = items(caller)
    answer = caller("GET", f"{QUARANTINE}/{item['id']}")
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    found: Json = answer.json
    return found


def replay(caller: Caller, item: str, statements: list[Any] | None = None) -> Any:
    """Asks for a replay."""
    return caller("POST", f"{QUARANTINE}/{item}/replay", json={"statements": statements})


def test_an_invalid_batch_is_kept_once_with_each_fault(sender: Caller) -> None:
    good, other = statement(), statement("bakari")
    bad = statement(actor={"mbox": "nonsense"})
    worse = statement(verb={"id": "no iri"})
    batch = [good, bad, other, worse]
    refused = sender("POST", XAPI, json=batch)
    assert (refused.status_code, refused.json["pointer"]) == (400, "/1/actor/mbox")
    found = held(sender)
    assert (found["reason"], found["rule"], found["statements"]) == ("invalid", "mbox", 4)
    assert found["credential"] == sender.key
    told = [(f["number"], f["statement_id"], f["pointer"], f["rule"]) for f in found["faults"]]
    assert told == [
        (1, bad["id"], "/actor/mbox", "mbox"),
        (3, worse["id"], "/verb/id", "iri"),
    ]
    assert found["faults"][0]["section"] and found["faults"][0]["detail"]
    assert [each["statement"] for each in found["content"]] == batch

    again = replay(sender, found["id"])
    assert (again.status_code, again.json["pointer"]) == (400, "/1/actor/mbox")
    assert held(sender) == found, "a replay that is refused leaves the item as it was"
    corrected = [good, {**bad, "actor": good["actor"]}, other, {**worse, "verb": good["verb"]}]
    done = replay(sender, found["id"], corrected)
    assert done.status_code == 200
    assert done.json["ids"] == [each["id"] for each in batch]
    assert items(sender) == []
    assert replay(sender, found["id"]).status_code == 404
    read = sender("GET", f"{XAPI}?statementId={bad['id']}").json
    assert read["authority"]["account"]["name"] == sender.key


def test_the_same_again_is_the_same_item(sender: Caller) -> None:
    bad = statement(actor={"mbox": "nonsense"})
    for _ in range(3):
        assert sender("POST", XAPI, json=bad).status_code == 400
        assert sender("POST", XAPI, data=b"{", content_type="application/json").status_code == 400
    found = {item["rule"]: item for item in items(sender)}
    assert {rule: item["times"] for rule, item in found.items()} == {"mbox": 3, "json": 3}
    assert found["mbox"]["last_at"] > found["mbox"]["received_at"]


def test_put_and_its_id_are_kept(sender: Caller) -> None:
    statement_id = str(uuid4())
    bad = statement(actor={"mbox": "nonsense"})
    del bad["id"]
    address = f"{XAPI}?statementId={statement_id}"
    assert sender("PUT", f"{address}&more=1", json=bad).status_code == 400
    (fault,) = held(sender)["faults"]
    assert (fault["number"], fault["pointer"]) == (None, "more")
    found = held(sender)
    assert found["content"] == [{"number": 0, "statement": {**bad, "id": statement_id}}]
    fixed = {**bad, "actor": statement()["actor"], "id": statement_id}
    assert replay(sender, found["id"], [fixed]).json["ids"] == [statement_id]


def test_a_conflict_names_its_statements(sender: Caller) -> None:
    first = statement()
    assert sender("POST", XAPI, json=first).status_code == 200
    fresh, taken = statement(), {**first, "verb": {"id": "http://verbs.example/other"}}
    assert sender("POST", XAPI, json=[fresh, taken]).status_code == 409
    found = held(sender)
    assert found["reason"] == "conflict"
    assert [(f["number"], f["statement_id"]) for f in found["faults"]] == [(1, first["id"])]
    assert replay(sender, found["id"]).status_code == 409
    assert replay(sender, found["id"], [fresh]).status_code == 200


def test_a_missing_version_header_is_kept_and_can_be_replayed(sender: Caller) -> None:
    sent = [statement(), {k: v for k, v in statement().items() if k != "id"}]
    assert (
        sender("POST", XAPI, json=sent, headers={"X-Experience-API-Version": "0.9"}).status_code
        == 400
    )
    found = held(sender)
    assert found["faults"][0]["pointer"] == "X-Experience-API-Version"
    done = replay(sender, found["id"])
    assert done.status_code == 200
    assert done.json["ids"][0] == sent[0]["id"]  # fmt: skip


def test_over_limits(sender: Caller, services: Services) -> None:
    limit = services.settings.max_body_bytes
    large = b'"' + b"x" * limit + b'"'
    assert sender("POST", XAPI, data=large, content_type="application/json").status_code == 413
    many = [statement() for _ in range(services.settings.max_batch + 1)]
    assert sender("POST", XAPI, json=many).status_code == 413
    heavy = statement(result={"response": "x" * services.settings.quarantine_max_bytes})
    assert sender("POST", XAPI, json=[heavy, statement(), {"id": 1}]).status_code == 400
    partly, batch, unread = items(sender)
    assert [one["reason"] for one in (partly, batch, unread)] == [
        "invalid", "too-large", "too-large",
    ]  # fmt: skip
    assert (unread["statements"], batch["statements"]) == (0, len(many))
    content = sender("GET", f"{QUARANTINE}/{partly['id']}").json["content"]
    assert [each["number"] for each in content] == [1, 2]
    assert replay(sender, partly["id"]).status_code == 409
    assert replay(sender, unread["id"]).status_code == 409


def test_who_was_erased_is_not_kept(sender: Caller, callers: dict[Role, Caller]) -> None:
    officer, name = callers[Role.OFFICER], f"amina{uuid4().hex}"
    gone, other = statement(name), statement("bakari")
    assert sender("POST", XAPI, json=gone).status_code == 200
    broken = statement(name, verb={"id": "x", name: 1})
    assert sender("POST", XAPI, json=[broken, other]).status_code == 400
    broken_only = statement(actor={"mbox": f"{name}@students.example"})
    assert sender("POST", XAPI, json=broken_only).status_code == 400
    before = {item["statements"]: item["id"] for item in items(sender)}
    erased = officer("POST", "/api/v1/erasures", json={"actor": gone["actor"]})
    assert erased.status_code == 201, erased.text
    told = {s["store"]: s["found"] for s in erased.json["receipt"]["payload"]["stores"]}
    assert told["quarantine"] == 2

    assert sender("GET", f"{QUARANTINE}/{before[1]}").status_code == 404
    left = sender("GET", f"{QUARANTINE}/{before[2]}").json
    assert left["faults"] == []
    assert left["content"] == [{"number": 1, "statement": other}]

    again = {**statement(name), "context": {"instructor": other["actor"]}}
    assert sender("POST", XAPI, json=[other, again]).status_code == 403
    found = sender("GET", f"{QUARANTINE}/{items(sender, 'reason=erased')[0]['id']}").json
    (fault,) = found["faults"]
    assert (fault["number"], fault["statement_id"], fault["pointer"]) == (1, again["id"], "/actor")
    assert found["content"] == [{"number": 0, "statement": other}]
    # Where something else is told to be wrong first, the person is not kept either.
    assert sender("POST", XAPI, json=[broken, statement(name), other, {}]).status_code == 400
    mixed = sender("GET", f"{QUARANTINE}/{items(sender)[0]['id']}").json
    assert [each["number"] for each in mixed["content"]] == [2, 3]
    assert [(f["number"], f["pointer"]) for f in mixed["faults"]] == [(0, ""), (3, "/actor")]
    assert name not in str(mixed)


def test_filters(sender: Caller, callers: dict[Role, Caller]) -> None:
    sender("POST", XAPI, json=statement(actor={}))
    sender("POST", XAPI, json=statement(verb={}))
    sender("POST", XAPI, data=b"{", content_type="application/json")
    officer = callers[Role.OFFICER]
    assert len(items(sender)) == len(items(officer, f"credential={sender.key}")) == 3
    assert len(items(officer)) >= 3
    assert items(sender, "reason=conflict") == items(sender, f"credential={officer.key}") == []
    assert len(items(sender, "reason=invalid")) == 3
    assert items(sender, "since=2999-01-01T00:00:00Z") == []
    assert len(items(sender, "since=2001-01-01T00:00:00Z")) == 3
    for wrong in (
        "reason=x",
        "since=soon",
        "since=2001-01-01T00:00:00",
        "more=1",
        "credential=%00",
    ):
        assert sender("GET", f"{QUARANTINE}?{wrong}").status_code == 400


def test_who_may(
    sender: Caller, tool: Caller, stranger: Caller, callers: dict[Role, Caller]
) -> None:
    good = statement()
    sender("POST", XAPI, json=[good, statement(actor={})])
    item = held(sender)
    for other in (tool, stranger):
        assert item["id"] not in {each["id"] for each in items(other)}
        assert other("GET", f"{QUARANTINE}/{item['id']}").status_code == 404
        assert other("DELETE", f"{QUARANTINE}/{item['id']}").status_code == 404
        assert replay(other, item["id"], [good]).status_code == 404
    for role in (Role.INSTRUCTOR, Role.ANALYST):
        assert callers[role]("GET", QUARANTINE).status_code == 403
    for role in (Role.OFFICER, Role.OPERATOR):
        answer = callers[role]("GET", f"{QUARANTINE}/{item['id']}")
        assert answer.json == item
    done = replay(callers[Role.OPERATOR], item["id"], [good])
    assert done.status_code == 200
    read = sender("GET", f"{XAPI}?statementId={good['id']}").json
    assert read["authority"]["account"]["name"] == sender.key, "in the name of who sent it"

    sender("POST", XAPI, json=statement(actor={}))
    item = held(sender)
    assert callers[Role.OPERATOR]("DELETE", f"/api/v1/credentials/{sender.key}").status_code == 204
    assert replay(callers[Role.OPERATOR], item["id"], [good]).status_code == 409
    assert callers[Role.OFFICER]("DELETE", f"{QUARANTINE}/{item['id']}").status_code == 204
    assert callers[Role.OFFICER]("GET", f"{QUARANTINE}/{item['id']}").status_code == 404


def test_reading_and_strangers_leave_nothing(
    services: Services, app: Flask, institution: UUID, sender: Caller
) -> None:
    assert sender("GET", f"{XAPI}?statementId=x").status_code == 400
    nobody = Caller(app.test_client(), sender.key, "wrong")
    assert nobody("POST", XAPI, json=statement(actor={})).status_code == 401
    key, secret = services.credentials.issue(institution, "r", [Role.TOOL], [Scope.READ])
    reader = Caller(app.test_client(), key, secret)
    assert reader("POST", XAPI, json=statement(actor={})).status_code == 403
    assert items(sender) == services.quarantine.page(institution, credential=key) == []


def test_a_refusal_that_cannot_be_kept_is_answered(
    sender: Caller, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise Error("no room")

    monkeypatch.setattr(services.refusals, "keep", fails)
    refused = sender("POST", XAPI, json=statement(actor={"mbox": "nonsense"}))
    assert (refused.status_code, refused.json["pointer"]) == (400, "/actor/mbox")


@pytest.mark.parametrize("body", [[], {"statements": 5}, {"statements": [1]}, {"more": 1}])
def test_wrong_replays_are_problems(sender: Caller, body: Any) -> None:
    assert sender("POST", f"{QUARANTINE}/{uuid4()}/replay", json=body).status_code == 400
