"""Statements over HTTP: stored, refused, read, paged."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import orjson
import pytest

from api.services import Services
from domain.people import canonical_ifi
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import COURSE, statement, voiding

XAPI = "/xapi/statements"


def page(caller: Caller, **parameters: Any) -> Any:
    response = caller("GET", f"{XAPI}?{urlencode(parameters)}")
    assert response.status_code == 200, response.data
    return response.json


def ids(found: Any) -> list[str]:
    return [one["id"] for one in found["statements"]]


def agent(name: str) -> str:
    return orjson.dumps({"mbox": f"mailto:{name}@students.example"}).decode()


def test_one_statement_comes_back_as_it_was(tool: Caller) -> None:
    sent = statement(timestamp="2026-03-01T10:00:00.123Z")
    stored = tool("POST", XAPI, json=sent)
    assert (stored.status_code, stored.json) == (200, [sent["id"]])

    response = tool("GET", f"{XAPI}?statementId={sent['id']}")
    assert response.status_code == 200
    found = response.json
    assert found["stored"] and found["authority"]["account"]["name"] == tool.key
    assert {key: found[key] for key in sent} == sent
    assert response.headers["X-Experience-API-Version"] == "2.0.0"
    assert response.headers["Last-Modified"].endswith("GMT")
    through = datetime.fromisoformat(response.headers["X-Experience-API-Consistent-Through"])
    assert through.tzinfo is not None


def test_head_answers_like_get_without_a_body(tool: Caller) -> None:
    sent = statement()
    tool("POST", XAPI, json=sent)
    response = tool("HEAD", f"{XAPI}?statementId={sent['id']}")
    assert (response.status_code, response.data) == (200, b"")
    assert int(response.headers["Content-Length"]) > 0


def test_ids_are_given_where_they_are_missing(tool: Caller) -> None:
    sent = statement()
    del sent["id"]
    (given,) = tool("POST", XAPI, json=sent).json
    found = tool("GET", f"{XAPI}?statementId={given}").json
    assert found["timestamp"] == found["stored"]


def test_put_takes_the_id_of_the_address(tool: Caller) -> None:
    sent = statement()
    chosen = str(uuid4())
    del sent["id"]
    assert tool("PUT", f"{XAPI}?statementId={chosen}", json=sent).status_code == 204
    assert tool("PUT", f"{XAPI}?statementId={chosen}", json=sent).status_code == 204
    assert tool("GET", f"{XAPI}?statementId={chosen}").status_code == 200
    other = tool("PUT", f"{XAPI}?statementId={uuid4()}", json={**sent, "id": chosen})
    assert (other.status_code, other.json["pointer"]) == (400, "/id")


def test_the_same_id_again(tool: Caller) -> None:
    sent = statement()
    assert tool("POST", XAPI, json=sent).status_code == 200
    assert tool("POST", XAPI, json=sent).status_code == 200
    refused = tool("POST", XAPI, json=[statement(), {**sent, "object": {"id": COURSE + "/2"}}])
    assert (refused.status_code, refused.json["ids"]) == (409, [sent["id"]])


def test_a_batch_is_all_or_nothing(tool: Caller) -> None:
    good, bad = statement(), statement(actor={"mbox": "amina@students.example"})
    refused = tool("POST", XAPI, json=[good, bad])
    assert refused.status_code == 400
    assert refused.json["pointer"] == "/1/actor/mbox"
    assert refused.json["rule"] and refused.json["error"] and refused.json["request_id"]
    assert tool("GET", f"{XAPI}?statementId={good['id']}").status_code == 404


def test_a_single_statements_refusal_points_into_it(tool: Caller) -> None:
    refused = tool("POST", XAPI, json=statement(verb={"id": "no scheme"}))
    assert (refused.status_code, refused.json["pointer"]) == (400, "/verb/id")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b'{"actor": ', "json"),
        (b'{"actor": NaN}', "json"),
        (b"\xff", "json"),
        (b'{"a": 1, "a": 2}', "repeated-key"),
        (b'{"a\\u0022": 1, "b": {"c": 1, "c": 2}}', "repeated-key"),
    ],
)
def test_what_is_no_strict_json_is_refused(tool: Caller, body: bytes, rule: str) -> None:
    refused = tool("POST", XAPI, data=body, content_type="application/json")
    assert (refused.status_code, refused.json["rule"]) == (400, rule)


def test_other_media_types_are_refused(tool: Caller) -> None:
    for media_type in ("multipart/mixed", "multipart/form-data", "text/plain"):
        refused = tool("POST", XAPI, data=b"{}", content_type=media_type)
        assert (refused.status_code, refused.json["pointer"]) == (400, "Content-Type")


def test_voided_statements(tool: Caller) -> None:
    first = statement("void")
    tool("POST", XAPI, json=first)
    void = voiding(first["id"], "void")
    tool("POST", XAPI, json=void)
    assert tool("GET", f"{XAPI}?statementId={first['id']}").status_code == 404
    assert tool("GET", f"{XAPI}?voidedStatementId={first['id']}").status_code == 200
    assert tool("GET", f"{XAPI}?voidedStatementId={void['id']}").status_code == 404
    assert ids(page(tool, agent=agent("void"))) == [void["id"]]


def test_pages_are_stable_while_statements_arrive(tool: Caller) -> None:
    sent = [statement("pages") for _ in range(7)]
    tool("POST", XAPI, json=sent)
    newest_first = [one["id"] for one in reversed(sent)]
    found = page(tool, agent=agent("pages"), limit=3)
    seen = ids(found)
    while "more" in found:
        assert found["more"].startswith("/xapi/statements/more/")
        assert "pages" not in found["more"]
        tool("POST", XAPI, json=statement("pages"))
        found = tool("GET", found["more"]).json
        seen += ids(found)
    assert seen == newest_first


def test_ascending_and_times(tool: Caller) -> None:
    sent = [statement("times") for _ in range(3)]
    for one in sent:
        tool("POST", XAPI, json=one)
    found = page(tool, agent=agent("times"), ascending="true")
    assert ids(found) == [one["id"] for one in sent]
    middle = found["statements"][1]["stored"]
    assert ids(page(tool, agent=agent("times"), since=middle)) == [sent[2]["id"]]
    assert ids(page(tool, agent=agent("times"), until=middle, ascending="true")) == [
        sent[0]["id"],
        sent[1]["id"],
    ]


def test_filters(tool: Caller) -> None:
    registration = str(uuid4())
    sent = statement(
        "filters",
        context={"registration": registration, "instructor": {"mbox": "mailto:t@staff.example"}},
        object={"id": COURSE + "/filters"},
        verb={"id": "https://verbs.example/filtered"},
    )
    tool("POST", XAPI, json=sent)
    assert ids(page(tool, registration=registration)) == [sent["id"]]
    assert ids(page(tool, activity=COURSE + "/filters")) == [sent["id"]]
    assert ids(page(tool, verb="https://verbs.example/filtered")) == [sent["id"]]
    teacher = orjson.dumps({"mbox": "mailto:t@staff.example"}).decode()
    assert ids(page(tool, agent=teacher)) == []
    assert ids(page(tool, agent=teacher, related_agents="true")) == [sent["id"]]


def test_formats(tool: Caller) -> None:
    sent = statement("formats")
    tool("POST", XAPI, json=sent)
    address = f"{XAPI}?statementId={sent['id']}"
    assert tool("GET", address + "&format=ids").json["object"] == {"id": COURSE}
    french = tool("GET", address + "&format=canonical", headers={"Accept-Language": "fr, en;q=.5"})
    assert french.json["object"]["definition"]["name"] == {"fr": "Algèbre"}
    parts = tool("GET", address + "&attachments=true")
    assert parts.headers["Content-Type"].startswith("multipart/mixed; boundary=")
    assert parts.data.count(b"Content-Type: application/json") == 1


@pytest.mark.parametrize(
    "query",
    [
        "StatementId=x",
        "statementId=not-a-uuid",
        f"statementId={uuid4()}&voidedStatementId={uuid4()}",
        f"statementId={uuid4()}&verb=http://a.example/b",
        "verb=experienced",
        "activity=algebra",
        "agent=amina",
        "agent=%7B%22mbox%22%3A%22amina%22%7D",
        "registration=1",
        "since=yesterday",
        "limit=-1",
        "limit=1&limit=2",
        "ascending=TRUE",
        "format=short",
        "method=GET",
    ],
)
def test_wrong_parameters_are_named(tool: Caller, query: str) -> None:
    refused = tool("GET", f"{XAPI}?{query}")
    assert refused.status_code == 400
    names = {part.partition("=")[0] for part in query.split("&")}
    assert refused.json["pointer"].split("/")[0] in names
    assert "X-Experience-API-Version" in refused.headers


def test_versions(tool: Caller) -> None:
    for given, answered in (("1.0.3", "1.0.3"), ("1.0", "1.0.3"), ("2.0.0", "2.0.0")):
        response = tool("GET", XAPI, headers={"X-Experience-API-Version": given})
        assert response.headers["X-Experience-API-Version"] == answered
    for wrong in ("0.9.5", "1.1.0", "3.0.0", "latest"):
        response = tool("GET", XAPI, headers={"X-Experience-API-Version": wrong})
        assert response.status_code == 400
        assert response.headers["X-Experience-API-Version"] == "2.0.0"
    about = tool.client.get("/xapi/about")
    assert about.json["version"] == ["1.0.3", "2.0.0"]


def test_another_institution_sees_nothing(tool: Caller, stranger: Caller) -> None:
    sent = statement("private")
    tool("POST", XAPI, json=[statement("private"), sent])
    assert stranger("GET", f"{XAPI}?statementId={sent['id']}").status_code == 404
    assert ids(page(stranger, agent=agent("private"))) == []
    found = page(tool, limit=1)
    assert stranger("GET", found["more"]).status_code == 400
    assert stranger("POST", XAPI, json={**sent, "actor": {"mbox": "mailto:x@y.example"}}).json == [
        sent["id"]
    ]


def test_an_erased_person_is_refused_with_a_reason(
    tool: Caller, services: Services, institution: UUID
) -> None:
    gone = statement("gone")
    ifi = canonical_ifi(gone["actor"])
    assert ifi is not None
    with services.pool.connection() as connection:
        connection.execute(
            "INSERT INTO lrs.erased_identifiers (institution, fence) VALUES (%s, %s)",
            (institution, services.lrs.blind.fence(institution, ifi)),
        )
    alone = tool("POST", XAPI, json=gone)
    assert (alone.status_code, alone.json["pointer"], alone.json["rule"]) == (
        403,
        "/actor",
        "erased",
    )
    batch = tool("POST", XAPI, json=[statement(), gone])
    assert (batch.status_code, batch.json["pointer"]) == (403, "/1/actor")


def test_the_rules_of_1_0_3_hold_for_its_requests(tool: Caller) -> None:
    old = Caller(tool.client, tool.key, tool.secret, "1.0.3")
    sent = statement("old", version="1.0.3")
    assert old("POST", XAPI, json=sent).status_code == 200
    assert old("GET", f"{XAPI}?statementId={sent['id']}").json["version"] == "1.0.3"
    newer = statement(
        "old",
        context={
            "contextAgents": [
                {"objectType": "contextAgent", "agent": {"mbox": "mailto:x@y.example"}}
            ]
        },
    )
    refused = old("POST", XAPI, json=newer)
    assert (refused.status_code, refused.json["pointer"]) == (400, "/context/contextAgents")
    assert tool("POST", XAPI, json=newer).status_code == 200


def test_many_at_once(tool: Caller) -> None:
    """Batches that share people and activities, from many threads: each answered 200."""

    def post(number: int) -> int:
        batch = [statement(f"crowd{(number * 7 + n) % 11}") for n in range(20)]
        return tool("POST", XAPI, json=batch).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(post, range(24))) == {200}
    total = sum(
        len(ids(page(tool, agent=agent(f"crowd{number}"), limit=500))) for number in range(11)
    )
    assert total == 480
