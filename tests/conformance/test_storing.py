"""Storing statements: 1.0.3 Data 2.2 to 2.4 and Communication 2.1; 2.0.0 4.2 and 4.1.6.1."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import orjson
import pytest

from api.services import Services
from tests.conformance.conftest import V1, query
from tests.conformance.requests import COURSE, STATEMENTS, agent
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement

SUB = {
    "objectType": "SubStatement",
    "actor": agent(),
    "verb": {"id": "https://verbs.example/planned"},
    "object": {"id": COURSE},
}
REFERENCE = {"objectType": "StatementRef", "id": str(uuid4())}
ACTIVITY = {"id": COURSE}


def context(**content: Any) -> dict[str, Any]:
    return {"context": content}


def result(**content: Any) -> dict[str, Any]:
    return {"result": content}


def definition(**content: Any) -> dict[str, Any]:
    return {"object": {"id": COURSE, "definition": content}}


# What changes a valid statement: both versions take it, or refuse it at this pointer.
GOOD: list[dict[str, Any]] = [
    {"actor": {"objectType": "Group", "member": [agent()]}},
    {"actor": {"objectType": "Group", "mbox": "mailto:class@school.example"}},
    {"object": agent("teacher")},
    {"object": SUB},
    {"object": REFERENCE},
    {"authority": agent("app")},
    {"authority": {"objectType": "Group", "member": [agent("app"), agent("user")]}},
    {"timestamp": "2026-03-01T10:00:00+03:00"},
    {"stored": "2001-01-01T00:00:00Z"},
    context(extensions={"https://x.example/1": None, "https://x.example/2": ""}),
    result(extensions={}),
    context(revision="1", platform="web"),
    context(contextActivities={"parent": ACTIVITY, "other": []}),
    context(statement=REFERENCE, language="sw-KE"),
    result(duration="P4W"),
    result(duration="PT4H35M59.14567S"),
    result(score={"scaled": -1, "raw": 0, "min": 0, "max": 0.5}),
    definition(interactionType="choice", choices=[{"id": "a", "description": {"en": "A"}}]),
    definition(moreInfo="https://ex.example/caf\u00e9", name={}, type="urn:a:b"),
]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"foo": 1}, "/foo"),
    ({"Actor": agent()}, "/Actor"),
    ({"id": "1"}, "/id"),
    ({"id": None}, "/id"),
    ({"actor": None}, "/actor"),
    ({"actor": {"name": "nobody"}}, "/actor"),
    ({"actor": {**agent(), "openid": "https://id.example/1"}}, "/actor"),
    ({"actor": {"objectType": "Group"}}, "/actor/member"),
    ({"actor": {"objectType": "agent", "mbox": "mailto:a@b.example"}}, "/actor/objectType"),
    ({"actor": {"mbox": "a@b.example"}}, "/actor/mbox"),
    ({"verb": {"id": "experienced"}}, "/verb/id"),
    (
        {"verb": {"id": "https://v.example/", "display": {"not a tag!": "x"}}},
        "/verb/display/not a tag!",
    ),
    ({"object": {"id": "a-bare-name"}}, "/object/id"),
    ({"object": {"mbox": "mailto:a@b.example"}}, "/object"),
    ({"object": {**SUB, "id": str(uuid4())}}, "/object/id"),
    ({"object": {**SUB, "stored": "2026-01-01T00:00:00Z"}}, "/object/stored"),
    ({"object": {**SUB, "version": "1.0.0"}}, "/object/version"),
    ({"object": {**SUB, "authority": agent()}}, "/object/authority"),
    ({"object": {**SUB, "object": SUB}}, "/object/object/objectType"),
    ({"object": {**SUB, "object": {"id": "x"}}}, "/object/object/id"),
    ({"object": agent(), **context(revision="1")}, "/context/revision"),
    ({"object": REFERENCE, **context(platform="web")}, "/context/platform"),
    ({"verb": {"id": "http://adlnet.gov/expapi/verbs/voided"}}, "/object/objectType"),
    ({"authority": {"objectType": "Group", "member": [agent()]}}, "/authority"),
    ({"timestamp": "2026-03-01"}, "/timestamp"),
    ({"timestamp": "2026-03-01T10:00:00-00:00"}, "/timestamp"),
    ({"stored": "now"}, "/stored"),
    (result(score={"scaled": 1.1}), "/result/score/scaled"),
    (result(score={"raw": "1"}), "/result/score/raw"),
    (result(score={"raw": 11, "max": 10}), "/result/score/raw"),
    (result(score={"min": 10, "max": 10}), "/result/score/max"),
    (result(success="true"), "/result/success"),
    (result(duration="P4W1D"), "/result/duration"),
    (result(response=None), "/result/response"),
    (context(registration="1"), "/context/registration"),
    (context(language="english language"), "/context/language"),
    (context(extensions={"name": 1}), "/context/extensions/name"),
    (context(contextActivities={"child": []}), "/context/contextActivities/child"),
    (context(team=agent()), "/context/team/objectType"),
    (context(statement={"id": str(uuid4())}), "/context/statement/objectType"),
    (definition(choices=[{"id": "a"}]), "/object/definition"),
    (definition(interactionType="Choice"), "/object/definition/interactionType"),
    (definition(name={"en": 1}), "/object/definition/name/en"),
]


@pytest.mark.parametrize("change", GOOD)
def test_data_2_what_is_right_is_taken_and_comes_back(lrs: Caller, change: dict[str, Any]) -> None:
    sent = statement(**change)
    assert lrs("POST", STATEMENTS, json=sent).status_code == 200
    found = lrs("GET", query(STATEMENTS, statementId=sent["id"]))
    assert found.status_code == 200
    assert found.json["stored"] != sent.get("stored")


@pytest.mark.parametrize(("change", "pointer"), BAD)
def test_data_2_what_is_wrong_400_at_its_place(
    lrs: Caller, change: dict[str, Any], pointer: str
) -> None:
    sent = statement(**change)
    refused = lrs("POST", STATEMENTS, json=sent)
    assert refused.status_code == 400
    assert refused.json["pointer"].startswith(pointer)
    assert refused.json["error"] and refused.json["rule"] and refused.json["section"]


@pytest.mark.parametrize("name", ["actor", "verb", "object"])
def test_data_2_4_what_is_required(lrs: Caller, name: str) -> None:
    sent = statement()
    del sent[name]
    refused = lrs("POST", STATEMENTS, json=sent)
    assert (refused.status_code, refused.json["pointer"]) == (400, f"/{name}")


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"1", b'"a"', b"[1]", b"\xff", b"[[]]"])
def test_comm_1_4_what_is_no_statement_400(lrs: Caller, content: bytes) -> None:
    refused = lrs("POST", STATEMENTS, data=content, content_type="application/json")
    assert refused.status_code == 400
    refused = lrs(
        "PUT",
        query(STATEMENTS, statementId=str(uuid4())),
        data=content,
        content_type="application/json",
    )
    assert refused.status_code == 400


def test_data_2_4_6_2_one_context_activity_comes_back_as_a_list(lrs: Caller) -> None:
    grouped = {"contextActivities": {"parent": ACTIVITY}}
    sent = statement(context=grouped, object={**SUB, "context": grouped})
    lrs("POST", STATEMENTS, json=sent)
    found = lrs("GET", query(STATEMENTS, statementId=sent["id"])).json
    listed = {"contextActivities": {"parent": [ACTIVITY]}}
    assert found["context"] == listed
    assert found["object"]["context"] == listed


def test_data_2_4_7_timestamps_come_back_in_utc_with_their_digits(lrs: Caller) -> None:
    sent = statement(timestamp="2026-03-01T10:00:00.123+03:00")
    lrs("POST", STATEMENTS, json=sent)
    found = lrs("GET", query(STATEMENTS, statementId=sent["id"])).json
    assert found["timestamp"] == "2026-03-01T07:00:00.123Z"


def test_data_2_4_7_and_8_the_lrs_fills_in(lrs: Caller) -> None:
    sent = statement(stored="2001-01-01T00:00:00Z")
    del sent["id"]
    (given,) = lrs("POST", STATEMENTS, json=sent).json
    found = lrs("GET", query(STATEMENTS, statementId=given)).json
    assert found["stored"] > "2026" and found["timestamp"] == found["stored"]
    assert found["authority"]["account"]["name"] == lrs.key


def test_data_2_4_9_authority_is_the_credentials(lrs: Caller) -> None:
    sent = statement(authority=agent("impostor"))
    lrs("POST", STATEMENTS, json=sent)
    found = lrs("GET", query(STATEMENTS, statementId=sent["id"])).json
    assert found["authority"]["account"]["name"] == lrs.key


def test_data_2_3_1_the_same_again_is_no_conflict_another_is(lrs: Caller) -> None:
    sent = statement(result={"duration": "PT1.234S"}, timestamp="2026-03-01T10:00:00Z")
    path = query(STATEMENTS, statementId=sent["id"])
    assert lrs("PUT", path, json=sent).status_code == 204
    same = {**sent, "result": {"duration": "PT1.239S"}, "timestamp": "2026-03-01T13:00:00+03:00"}
    assert lrs("PUT", path, json=same).status_code == 204
    assert lrs("POST", STATEMENTS, json=same).status_code == 200
    other = {**sent, "result": {"duration": "PT1.24S"}}
    assert lrs("PUT", path, json=other).status_code == 409
    refused = lrs("POST", STATEMENTS, json=[statement(), other])
    assert (refused.status_code, refused.json["ids"]) == (409, [sent["id"]])
    assert lrs("GET", path).json["result"] == sent["result"]


def test_comm_2_1_2_ids_come_back_in_the_order_sent(lrs: Caller) -> None:
    batch = [statement() for _ in range(20)]
    del batch[3]["id"], batch[7]["id"]
    ids = lrs("POST", STATEMENTS, json=batch).json
    assert [a for a, b in zip(ids, batch, strict=True) if "id" in b] == [
        b["id"] for b in batch if "id" in b
    ]
    assert lrs("POST", STATEMENTS, json=[]).json == []


def test_comm_2_1_2_an_id_twice_in_a_batch_is_refused(lrs: Caller) -> None:
    one = statement()
    refused = lrs("POST", STATEMENTS, json=[one, statement(), one])
    assert (refused.status_code, refused.json["pointer"]) == (400, "/2/id")
    assert lrs("GET", query(STATEMENTS, statementId=one["id"])).status_code == 404


def test_comm_2_1_2_a_large_batch_is_all_or_nothing(lrs: Caller, services: Services) -> None:
    batch = [statement(f"many{n % 17}") for n in range(services.settings.max_batch)]
    refused = lrs("POST", STATEMENTS, json=[*batch[:-1], {**batch[-1], "verb": {}}])
    last = len(batch) - 1
    assert (refused.status_code, refused.json["pointer"]) == (400, f"/{last}/verb/id")
    assert lrs("GET", query(STATEMENTS, statementId=batch[0]["id"])).status_code == 404
    assert len(lrs("POST", STATEMENTS, json=batch).json) == len(batch)
    assert lrs("POST", STATEMENTS, json=[*batch, statement()]).status_code == 413


def test_2_0_0_4_2_5_the_versions_differ_in_the_zone(lrs: Caller, version: str) -> None:
    sent = statement(timestamp="2026-03-01T10:00:00")
    assert lrs("POST", STATEMENTS, json=sent).status_code == (200 if version == V1 else 400)


RELEVANT = ["https://types.example/mentor"]


@pytest.mark.parametrize(
    "change",
    [
        {"contextAgents": [{"objectType": "contextAgent", "agent": agent("m")}]},
        {
            "contextAgents": [
                {"objectType": "contextAgent", "agent": agent("m"), "relevantTypes": RELEVANT}
            ]
        },
        {
            "contextGroups": [
                {
                    "objectType": "contextGroup",
                    "group": {"objectType": "Group", "member": [agent("m")]},
                    "relevantTypes": RELEVANT,
                }
            ]
        },
    ],
)
def test_2_0_0_4_2_2_5_context_agents_and_groups(
    lrs: Caller, version: str, change: dict[str, Any]
) -> None:
    sent = statement(context=change)
    answer = lrs("POST", STATEMENTS, json=sent)
    if version == V1:
        assert (answer.status_code, answer.json["pointer"]) == (
            400,
            f"/context/{next(iter(change))}",
        )
        return
    assert answer.status_code == 200
    found = lrs("GET", query(STATEMENTS, agent=agent("m"), related_agents="true")).json
    assert sent["id"] in {one["id"] for one in found["statements"]}
    direct = lrs("GET", query(STATEMENTS, agent=agent("m"))).json["statements"]
    assert sent["id"] not in {one["id"] for one in direct}


@pytest.mark.parametrize(
    ("entry", "pointer"),
    [
        ({"agent": agent()}, "objectType"),
        ({"objectType": "contextagent", "agent": agent()}, "objectType"),
        ({"objectType": "contextAgent"}, "agent"),
        ({"objectType": "contextAgent", "agent": {"name": "x"}}, "agent"),
        ({"objectType": "contextAgent", "agent": agent(), "relevantTypes": []}, "relevantTypes"),
        (
            {"objectType": "contextAgent", "agent": agent(), "relevantTypes": ["x"]},
            "relevantTypes/0",
        ),
        ({"objectType": "contextAgent", "agent": agent(), "type": "x"}, "type"),
    ],
)
def test_2_0_0_4_2_2_5_wrong_context_agents(
    lrs2: Caller, entry: dict[str, Any], pointer: str
) -> None:
    refused = lrs2("POST", STATEMENTS, json=statement(context={"contextAgents": [entry]}))
    assert refused.status_code == 400
    assert refused.json["pointer"] == f"/context/contextAgents/0/{pointer}"


def test_writers_at_once_lose_and_double_nothing(lrs: Caller) -> None:
    """Batches that share people, activities and ids: no 5xx, each statement there once."""
    verb = {"id": f"https://verbs.example/crowd/{uuid4()}"}
    pool = [
        statement(f"crowd{n % 7}", verb=verb, object={"id": f"{COURSE}/{n % 5}"})
        for n in range(120)
    ]

    def post(number: int) -> int:
        mine = [pool[(number * 13 + n) % len(pool)] for n in range(30)]
        return lrs("POST", STATEMENTS, json=mine).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(post, range(24))) == {200}
    found = lrs("GET", query(STATEMENTS, verb=verb["id"], limit="500")).json["statements"]
    assert sorted(one["id"] for one in found) == sorted(one["id"] for one in pool)


def test_of_equal_ids_at_once_one_wins(lrs: Caller) -> None:
    chosen = str(uuid4())
    rivals = [statement(f"rival{n}", id=chosen) for n in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda one: lrs("POST", STATEMENTS, json=one), rivals))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    won = next(n for n, answer in enumerate(answers) if answer.status_code == 200)
    found = lrs("GET", query(STATEMENTS, statementId=chosen)).json
    assert found["actor"] == rivals[won]["actor"]


def test_comm_1_4_utf_8_survives(lrs: Caller) -> None:
    name = 'Amina Ọláńrewájú 🙂 \u0000\\"'
    sent = statement(actor={**agent("utf8"), "name": name})
    body = orjson.dumps(sent)
    assert lrs("POST", STATEMENTS, data=body, content_type="application/json").status_code == 200
    assert lrs("GET", query(STATEMENTS, statementId=sent["id"])).json["actor"]["name"] == name
