"""Erasures and replay over HTTP: who may, what is answered, what is gone for everybody."""

from urllib.parse import urlencode
from uuid import uuid4

import orjson
import pytest

from domain.roles import Role
from lrs.audit.receipts import verify
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement


@pytest.fixture
def officer(callers: dict[Role, Caller]) -> Caller:
    return callers[Role.OFFICER]


def test_from_dry_run_to_receipt(tool: Caller, officer: Caller) -> None:
    name = f"amina{uuid4().hex}"
    mine, other = statement(name), statement("bakari")
    assert tool("POST", "/xapi/statements", json=[mine, other]).status_code == 200
    asked = {"actor": mine["actor"], "basis": "GDPR 17"}
    dry = officer("POST", "/api/v1/erasures", json={**asked, "dry_run": True})
    assert dry.status_code == 200
    assert dry.json is not None
    assert dry.json["roles"] == {"actor": 1}
    assert dry.json["stores"]["statements"] == 1
    assert tool("GET", f"/xapi/statements?statementId={mine['id']}").status_code == 200

    made = officer("POST", "/api/v1/erasures", json=asked)
    assert made.status_code == 201
    assert made.json is not None
    assert made.json["state"] == "certified"
    assert made.json["basis"] == "GDPR 17"
    key = officer("GET", "/api/v1/audit/key").json
    assert key is not None
    verify(made.json["receipt"], key["public_key"])
    assert officer("GET", f"/api/v1/erasures/{made.json['id']}").json == made.json
    assert officer("POST", "/api/v1/erasures", json={"pseudonym": made.json["pseudonym"]}).json == (
        made.json
    )

    assert tool("GET", f"/xapi/statements?statementId={mine['id']}").status_code == 404
    assert tool("GET", f"/xapi/statements?statementId={other['id']}").status_code == 200
    again = tool("POST", "/xapi/statements", json=[statement(name)])
    assert again.status_code == 403
    assert again.json is not None
    assert again.json["rule"] == "erased"
    taken = tool("POST", "/xapi/statements", json=[{**mine, "actor": other["actor"]}])
    assert taken.status_code == 409
    assert officer("POST", "/api/v1/erasures", json=asked).status_code == 404


def test_the_list_has_pages(tool: Caller, officer: Caller) -> None:
    for _ in range(3):
        one = statement(f"m{uuid4().hex}")
        assert tool("POST", "/xapi/statements", json=one).status_code == 200
        assert officer("POST", "/api/v1/erasures", json={"actor": one["actor"]}).status_code == 201
    seen: list[str] = []
    address = "/api/v1/erasures?limit=2"
    while address:
        answer = officer("GET", address).json
        assert answer is not None
        seen += [item["id"] for item in answer["items"]]
        address = answer["next"]
    assert len(seen) == len(set(seen)) >= 3


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"actor": {"mbox": "nonsense"}}, 400),
        ({"actor": {"objectType": "Group", "member": [{"mbox": "mailto:a@b.example"}]}}, 400),
        ({"actor": {"mbox": "mailto:a@b.example"}, "pseudonym": str(uuid4())}, 400),
        ({"actor": {"mbox": "mailto:nobody@b.example"}}, 404),
        ({"pseudonym": str(uuid4())}, 404),
    ],
)
def test_refusals(officer: Caller, body: dict[str, object], status: int) -> None:
    assert officer("POST", "/api/v1/erasures", json=body).status_code == status


def test_only_officers(callers: dict[Role, Caller]) -> None:
    for role in set(Role) - {Role.OFFICER}:
        for address in ("/api/v1/erasures", f"/api/v1/audit/replay?subject={uuid4()}"):
            assert callers[role]("GET", address).status_code == 403


def test_replay_in_pages_before_and_after(tool: Caller, officer: Caller) -> None:
    sent = [statement(name := f"z{uuid4().hex}"), statement(name), statement(name)]
    assert tool("POST", "/xapi/statements", json=sent).status_code == 200
    subject = orjson.dumps(sent[0]["actor"]).decode()

    def replay(**query: object) -> list[dict[str, object]]:
        entries: list[dict[str, object]] = []
        address = f"/api/v1/audit/replay?{urlencode(query)}"
        while address:
            answer = officer("GET", address)
            assert answer.status_code == 200, answer.text
            assert answer.json is not None
            entries += answer.json["items"]
            address = answer.json["next"]
        return entries

    before = replay(subject=subject, limit=2)
    assert [entry["statement_id"] for entry in before] == [one["id"] for one in sent]
    assert before[0]["roles"] == ["actor"]
    last = before[-1]
    assert replay(subject=subject, as_of=before[1]["position"]) == before[:2]
    assert replay(subject=subject, as_of="2001-01-01T00:00:00Z") == []
    erased = officer("POST", "/api/v1/erasures", json={"actor": sent[0]["actor"]}).json
    assert erased is not None
    after = replay(subject=erased["pseudonym"], as_of=last["position"])
    assert [(e["kind"], e["position"], e["object"]) for e in after] == [
        ("erased", entry["position"], None) for entry in before
    ]
    assert replay(subject=erased["pseudonym"], limit=3)[-1]["detail"] == "certified"
    gone = officer("GET", f"/api/v1/audit/replay?{urlencode({'subject': subject})}")
    assert gone.status_code == 404
    person = erased["pseudonym"]
    for wrong in ({"subject": "x"}, {"subject": "{"}, {"subject": person, "as_of": "soon"}):
        assert officer("GET", f"/api/v1/audit/replay?{urlencode(wrong)}").status_code == 400
